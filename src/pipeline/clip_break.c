/* pipeline/clip_break.c: what lets a run go on after a break: segments, and what the lanes remember in front of each.
 *
 * The state in front of frame n is taken by vi-time when n is about to leave it and nothing is at work in the picture lane: the
 * records that are held back, the analysis, the choices of persons, the swap's averages, the sums. A run that begins with it does
 * what the first one would have done. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "face/record.h"
#include "pipeline/clip.h"
#include "pipeline/plan.h"
#include "viso/version.h"

/* ---- what a run is about ---- */

static void put_text(vi_blob *b, const char *s)
{
    vi_blob_put(b, s, strlen(s) + 1);
}

/* A file by what is in it; anything else (a name of the gallery) as it is written. */
static void put_file(vi_blob *b, const char *path)
{
    char hex[65] = "";
    struct stat s;
    if (stat(path, &s) == 0 && S_ISREG(s.st_mode) && vi_sha256_file(path, hex, NULL) == VISO_ERR_NO_SPACE)
        b->failed = true; /* a key of another kind would not be found again */
    put_text(b, hex[0] ? hex : path);
}

static void put_group(vi_blob *b, const vi_settings *s, const vi_option_group *g)
{
    /* How a run goes does not change what comes out, but for these. */
    static const char *const of_run[] = { "cpu-mask", "provider", "provider-for", NULL };
    bool run = strcmp(g->key, "run") == 0, skipped = strcmp(g->key, "cache") == 0;
    for (int i = 0; i < g->n_row && !skipped; i++) {
        char text[2 * VI_OPTION_TEXT];
        bool counts = !run;
        for (int k = 0; run && of_run[k]; k++)
            counts |= strcmp(of_run[k], g->row[i].key) == 0;
        if (!counts || vi_settings_get(s, g->row[i].key, text, sizeof text, NULL) != 0)
            continue;
        put_text(b, g->row[i].key);
        put_text(b, text);
    }
}

static void put_settings(vi_blob *b, const vi_clip *c)
{
    const vi_option_group *const *group;
    for (int k = 0; k < c->n_set; k++) {
        const vi_settings *s = vi_parts_settings(c->parts, k);
        int n = vi_settings_groups(s, &group);
        for (int i = 0; i < n; i++)
            put_group(b, k == 0 ? c->p->settings : s, group[i]);
    }
    for (int i = 0; i < c->p->n_at; i++) {
        const viso_at *at = &c->p->at[i];
        put_text(b, at->start ? at->start : "");
        put_text(b, at->end ? at->end : "");
        put_text(b, at->key);
        put_text(b, at->value);
    }
}

static int make_key(const vi_clip *c, vi_journal_key *key, viso_error *err)
{
    const vi_who_params *people = c->p->people;
    vi_blob b = { 0 };
    struct stat s;
    int layout[] = { VI_RECORD_FORMAT, (int)sizeof(vi_work), (int)sizeof(vi_clip_counts) };
    put_text(&b, viso_version());
    VI_PUT(&b, layout);
    vi_sha256(b.data, b.size, key->build);
    bool failed = b.failed;
    vi_blob_clear(&b);
    memset(&s, 0, sizeof s);
    if (stat(c->p->target, &s) == 0) {
        int64_t what[] = { (int64_t)s.st_size, (int64_t)s.st_mtim.tv_sec, (int64_t)s.st_mtim.tv_nsec };
        VI_PUT(&b, what);
    }
    vi_sha256(b.data, b.size, key->target);
    failed |= b.failed;
    vi_blob_clear(&b);
    for (int i = 0; i < people->n_source; i++)
        put_file(&b, people->sources[i]);
    for (int i = 0; i < people->n_map; i++) {
        put_file(&b, people->maps[i].person);
        put_file(&b, people->maps[i].source);
    }
    put_text(&b, "");
    vi_sha256(b.data, b.size, key->sources);
    failed |= b.failed;
    vi_blob_clear(&b);
    put_settings(&b, c);
    vi_sha256(b.data, b.size, key->settings);
    failed |= b.failed;
    vi_blob_free(&b);
    return failed ? vi_error_nomem(err, "journal") : 0;
}

/* ---- saving ---- */

typedef struct state_head {
    uint64_t frame, faces_swapped, dropped_back;
    vi_clip_counts sum;
    int analysing, n_held, replays;
} state_head;

/* No room for what has to be kept: with --full-disk wait, waits a little; true: try again. */
static bool wait_for_room(vi_clip *c, int rc, uint64_t bytes, viso_error *err)
{
    if (rc != VISO_ERR_NO_SPACE || c->output.full_disk != VI_FULL_DISK_WAIT || atomic_load(c->p->cancel)) {
        c->full = 0;
        return false;
    }
    if (!c->full)
        vi_warn(&c->p->context->log, "%s; waiting for room", err->text);
    c->full = bytes;
    *err = (viso_error){ 0 };
    nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
    return true;
}

bool vi_clip_break_here(const vi_clip *c, uint64_t n)
{
    return c->segment_frames && n % c->segment_frames == 0 && n > c->first && n < c->hasty;
}

int vi_clip_break_save(vi_clip *c, uint64_t n, viso_error *err)
{
    if (!vi_clip_wait_idle(c))
        return VISO_EOF;
    const vi_stage *swap = vi_stages_chosen(c->p->context->settings)->swap;
    vi_blob b = { 0 };
    state_head h;
    memset(&h, 0, sizeof h);
    h.frame = n;
    h.faces_swapped = c->count.faces_swapped;
    h.dropped_back = c->count.dropped_back;
    h.sum = c->sum;
    h.analysing = c->analysing;
    h.n_held = c->n_held;
    h.replays = c->replays;
    VI_PUT(&b, h);
    for (int k = 0; k < c->n_set; k++)
        if (c->set[k].people == k)
            vi_who_save(c->set[k].who, &b);
    if (!c->replays)
        vi_analyser_save(c->set[c->analysing].analyser, &b);
    if (swap->share_save)
        swap->share_save(c->shared, &b);
    for (int i = 0; i < c->n_held; i++) {
        VI_PUT(&b, c->held[i]->origin->pts);
        vi_work_put(&b, &c->held[i]->work);
    }
    int rc;
    do
        rc = b.failed ? vi_error_nomem(err, "state of the run") : vi_journal_save(c->journal, (int)(n / c->segment_frames), &b, err);
    while (!b.failed && wait_for_room(c, rc, b.size, err));
    vi_blob_free(&b);
    return rc;
}

int vi_clip_break_segment(vi_clip *c, uint64_t n, viso_error *err)
{
    uint64_t bytes = 0;
    int rc = vi_writer_segment(c->writer, &bytes, err);
    if (rc)
        return rc;
    do
        rc = vi_journal_append(c->journal, (int)(n / c->segment_frames), n, bytes, err);
    while (wait_for_room(c, rc, 4096, err));
    return rc;
}

/* ---- going on ---- */

static int load(vi_clip *c, viso_error *err)
{
    const vi_stage *swap = vi_stages_chosen(c->p->context->settings)->swap;
    vi_blob *b = &c->restored;
    state_head h;
    int64_t pts = 0;
    int rc = vi_journal_state(c->journal, b, err);
    if (rc)
        return rc;
    bool whole = VI_GET(b, h) && h.frame == c->segment_frames * (uint64_t)vi_journal_segments(c->journal) && h.n_held > 0 &&
                 h.n_held <= VI_CLIP_HELD && h.analysing >= -1 && h.analysing < c->n_set && h.replays == c->replays &&
                 (h.replays || (h.analysing >= 0 && c->set[h.analysing].analyser));
    for (int k = 0; k < c->n_set && whole; k++)
        whole = c->set[k].people != k || vi_who_load(c->set[k].who, b);
    if (!whole)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the state in front of frame %llu does not fit this run",
                            vi_journal_folder(c->journal), (unsigned long long)h.frame);
    if (!c->replays)
        rc = vi_analyser_load(c->set[h.analysing].analyser, b, err);
    if (!rc && swap->share_load)
        rc = swap->share_load(c->shared, b, err);
    size_t records = b->at;
    if (!rc && !VI_GET(b, pts))
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: the state in front of frame %llu is cut off", vi_journal_folder(c->journal),
                          (unsigned long long)h.frame);
    if (!rc)
        rc = vi_reader_seek(c->reader, pts, err);
    if (rc == VISO_EOF)
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: ends before the frame at which the unfinished run would go on", c->p->target);
    if (rc)
        return rc;
    b->at = records;
    c->first = c->handed = h.frame;
    c->sum = h.sum;
    c->count.faces_swapped = h.faces_swapped;
    c->count.dropped_back = h.dropped_back;
    c->count.faces_seen = h.sum.faces_seen;
    c->count.networks = h.sum.networks;
    c->count.cuts = h.sum.cuts;
    c->analysing = h.analysing;
    c->n_restored = h.n_held;
    return 0;
}

bool vi_clip_break_restore(vi_clip *c, vi_work *w, int *rc, viso_error *err)
{
    int64_t pts;
    if (c->n_restored == 0)
        return false;
    *rc = VI_GET(&c->restored, pts) && pts == w->frame->pts && vi_work_get(&c->restored, w)
              ? 0
              : vi_error_set(err, VISO_ERR_INPUT, "%s: frame %llu is not the one that was there before the break; --force begins anew",
                             c->p->target, (unsigned long long)w->sequence);
    if (--c->n_restored == 0)
        vi_blob_free(&c->restored);
    return true;
}

/* What decides about the coded bytes and depends on the machine or its free memory: as it was in the run that broke off. */
static int settle_output(vi_clip *c, viso_error *err)
{
    int threads = c->output.encoder_threads > 0 ? c->output.encoder_threads : vi_cpu_count();
    if (vi_journal_segments(c->journal) > 0) {
        int then = vi_journal_value(c->journal, "look-ahead");
        if (then != c->lag)
            return vi_error_set(err, VISO_ERR_INPUT, "%s: the unfinished run looked %d frames ahead, memory or --ring allow %d now; free "
                                "some, or begin anew with --force without --resume", vi_journal_folder(c->journal), then, c->lag);
        then = vi_journal_value(c->journal, "encoder-threads");
        c->output.lookahead = vi_journal_value(c->journal, "encoder-lookahead");
        if (then > 0 && then != threads)
            c->output.encoder_threads = then;
        return 0;
    }
    const vi_journal_note note[] = { { "encoder-lookahead", c->output.lookahead }, { "encoder-threads", threads },
                                     { "replays", c->replays }, { "look-ahead", c->lag } };
    return vi_journal_begin(c->journal, note, VI_COUNT(note), err);
}

int vi_clip_break_open(vi_clip *c, viso_error *err)
{
    const vi_run_settings *run = c->p->context->run;
    c->segment_frames = c->p->out ? vi_run_segment(run, vi_reader_info(c->reader)) : 0;
    if (!c->segment_frames)
        return 0;
    vi_journal_params p = { .out = c->p->out, .resume = run->resume, .force = run->force, .log = &c->p->context->log };
    int rc = make_key(c, &p.key, err);
    return rc ? rc : vi_journal_open(&c->journal, &p, err);
}

int vi_clip_break_replays(const vi_clip *c)
{
    return c->journal && vi_journal_segments(c->journal) > 0 ? vi_journal_value(c->journal, "replays") > 0 : -1;
}

int vi_clip_break_load(vi_clip *c, viso_error *err)
{
    if (!c->journal)
        return 0;
    bool there = vi_journal_segments(c->journal) > 0, whole = !there;
    for (int tries = 2; !whole && tries > 0 && vi_journal_segments(c->journal) > 0; tries--) { /* as many states are kept */
        viso_error why = { 0 };
        int rc = vi_writer_segments_check(vi_journal_folder(c->journal), vi_journal_segments(c->journal), &why);
        if (!rc)
            rc = load(c, &why);
        whole = rc == 0;
        if (!whole) {
            vi_warn(&c->p->context->log, "%s", why.text);
            vi_blob_free(&c->restored);
            vi_journal_step_back(c->journal);
        }
    }
    if (!whole)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the unfinished run there cannot be gone on with; --force without --resume begins "
                            "anew", vi_journal_folder(c->journal));
    if (there)
        vi_info(&c->p->context->log, "%s: goes on behind frame %llu", c->p->target, (unsigned long long)c->first);
    return settle_output(c, err);
}
