/* pipeline/clip.c: the two-lane pipeline for a clip: opened, run and concluded. See clip.h for its parts.
 *
 * The temporal lane (vi-time) looks at frames one after the other: follow, detect, landmarks, who is who. The picture
 * lane (vi-work-N) swaps and pastes whole frames in parallel. A ring of fixed size joins them: frame n uses slot n mod
 * ring, so that the temporal lane blocks while the encoder still holds the slot (back-pressure), and the encoder takes
 * slots in order (frames leave as they came). The calling thread only reports progress and waits. Memory is fixed at the
 * start: ring slots, one pool of frames, one arena a worker. */
#include <stdio.h>
#include <string.h>

#include "pipeline/clip.h"
#include "pipeline/plan.h"

void vi_clip_fail(vi_clip *c, int code, const viso_error *e)
{
    pthread_mutex_lock(&c->lock);
    if (!c->failed) {
        c->failed = true;
        c->err = *e;
        c->err.code = code;
    }
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    vi_queue_finish_receive(c->frames);
    vi_queue_finish_receive(c->works);
    vi_queue_finish_send(c->works);
}

bool vi_clip_failed(vi_clip *c)
{
    pthread_mutex_lock(&c->lock);
    bool f = c->failed;
    pthread_mutex_unlock(&c->lock);
    return f;
}

/* ---- the ring ---- */

vi_clip_slot *vi_clip_take_slot(vi_clip *c, uint64_t n)
{
    vi_clip_slot *s = &c->ring[n % (uint64_t)c->n_ring];
    vi_span span = vi_trace_begin(VI_TRACE_WAIT, "slot");
    pthread_mutex_lock(&c->lock);
    while (s->state != VI_SLOT_FREE && !c->failed)
        pthread_cond_wait(&c->moved, &c->lock);
    bool ok = !c->failed;
    if (ok) {
        s->state = VI_SLOT_HELD;
        vi_ring_fill_note(&c->fill, ++c->filled);
    }
    pthread_mutex_unlock(&c->lock);
    vi_trace_end(&span);
    return ok ? s : NULL;
}

void vi_clip_release_slot(vi_clip *c, vi_clip_slot *s)
{
    vi_frame_unref(&s->work.frame);
    vi_frame_unref(&s->origin);
    pthread_mutex_lock(&c->lock);
    s->state = VI_SLOT_FREE;
    c->filled--;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
}

void vi_clip_set_state(vi_clip *c, vi_clip_slot *s, vi_slot_state state)
{
    pthread_mutex_lock(&c->lock);
    s->state = state;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
}

bool vi_clip_wait_idle(vi_clip *c)
{
    vi_span span = vi_trace_begin(VI_TRACE_WAIT, "idle");
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < c->n_ring && !c->failed;) {
        if (c->ring[i].state != VI_SLOT_BUSY) {
            i++;
            continue;
        }
        pthread_cond_wait(&c->moved, &c->lock);
        i = 0;
    }
    bool ok = !c->failed;
    pthread_mutex_unlock(&c->lock);
    vi_trace_end(&span);
    return ok;
}

/* ---- opening ---- */

static bool needs_embedding(const vi_clip *c)
{
    bool needs = c->measure != NULL;
    for (int k = 0; k < c->n_set; k++)
        needs |= c->set[k].who && vi_who_needs_embedding(c->set[k].who, true);
    return needs;
}

static int open_people(vi_clip *c, int k, viso_error *err)
{
    vi_clip_set *s = &c->set[k];
    if (s->people != k)
        return 0;
    if (k > 0)
        return vi_who_create(&s->who, &s->context, c->p->people, err);
    s->who = c->p->who;
    vi_who_new_clip(s->who);
    return 0;
}

/* Which sets share what. */
static int open_sets(vi_clip *c, viso_error *err)
{
    const vi_context *x = c->p->context;
    int rc = vi_parts_create(&c->parts, x->settings, c->p->at, c->p->n_at, c->reader, err);
    if (rc)
        return rc;
    c->n_set = vi_parts_count(c->parts);
    if (!(c->set = vi_calloc((size_t)c->n_set, sizeof *c->set)))
        return vi_error_nomem(err, "settings of time ranges");
    for (int k = 0; k < c->n_set && !rc; k++) {
        vi_clip_set *s = &c->set[k];
        s->context = *x;
        s->context.settings = vi_parts_settings(c->parts, k);
        s->context.run = x->run;
        s->analysis = s->people = s->picture = k;
        for (int i = k - 1; i >= 0; i--) { /* down to the first that agrees */
            s->analysis = vi_parts_same_analysis(c->parts, i, k) ? c->set[i].analysis : s->analysis;
            s->people = vi_parts_same_people(c->parts, i, k) ? c->set[i].people : s->people;
        }
        for (int i = k - 1; i >= 0; i--) /* people are bound to the lanes that paint them */
            if (vi_parts_same_picture(c->parts, i, k) && c->set[i].people == s->people)
                s->picture = c->set[i].picture;
        rc = open_people(c, k, err);
    }
    return rc;
}

static void watch_landmarks(void *user, const vi_work *w)
{
    vi_measure_raw(user, w);
}

/* The analysers, unless the cache knows all that they would find. */
static int open_analysis(vi_clip *c, viso_error *err)
{
    const vi_context *x = c->p->context;
    int then = vi_clip_break_replays(c); /* a run that goes on does as the one before */
    vi_analyser_params a = { .time = true, .embed = needs_embedding(c), .wants = vi_stages_chosen(x->settings)->swap->needs,
                             .landmarks = c->measure ? watch_landmarks : NULL, .user = c->measure };
    const vi_recall_params p = { .context = x, .target = c->p->target, .info = vi_reader_info(c->reader), .analysis = &a,
                                 .parts = vi_parts_analysis_key(c->parts), .resumed = then == 1 };
    int64_t first, end;
    int rc = 0;
    if (then != 0)
        rc = vi_recall_open(&c->recall, &p, err);
    vi_reader_part(c->reader, &first, &end);
    /* What is measured is the work of the networks. */
    c->replays = !rc && c->recall && !c->measure && vi_recall_replays(c->recall, first, end);
    if (!rc && then == 1 && !c->replays)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the unfinished run took what it knew of the faces from the cache, which no longer "
                            "holds it; --force without --resume begins anew", c->p->target);
    for (int k = 0; k < c->n_set && !rc && !c->replays; k++)
        if (c->set[k].analysis == k)
            rc = vi_analyser_create(&c->set[k].analyser, &c->set[k].context, &a, err);
    if (rc || c->replays)
        return rc;
    c->lag = vi_analyser_lag(c->set[0].analyser);
    for (int k = 1; k < c->n_set; k++)
        if (c->set[k].analyser && vi_analyser_lag(c->set[k].analyser) != c->lag)
            return vi_error_set(err, VISO_ERR_USAGE, "look-ahead: holds for the whole clip, not for a time range");
    return c->lag < VI_CLIP_HELD ? 0 : vi_error_set(err, VISO_ERR_INTERNAL, "look-ahead of %d frames", c->lag);
}

static int open_worker(vi_clip *c, vi_clip_worker *k, viso_error *err)
{
    if (!(k->lane = vi_calloc((size_t)c->n_set, sizeof *k->lane)))
        return vi_error_nomem(err, "workers");
    for (int i = 0; i < c->n_set; i++) {
        if (c->set[i].picture != i)
            continue;
        int rc = vi_picture_lane_open(&k->lane[i], &c->set[i].context, vi_who_people(c->set[c->set[i].people].who), c->shared, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int open_lanes(vi_clip *c, viso_error *err)
{
    const vi_context *x = c->p->context;
    const vi_media_info *info = vi_reader_info(c->reader);
    const vi_stage *swap = vi_stages_chosen(x->settings)->swap;
    c->n_worker = vi_run_workers(c->p);
    c->analysing = -1;
    int spare = vi_cpu_count(); /* frames that the threads of the encoder keep for a while */
    int rc = vi_colour_map_create(&c->colour, info->format, &info->colour, info->height, err);
    if (!rc && c->p->measure)
        rc = vi_measure_create(&c->measure, x->k, err);
    if (!rc)
        rc = open_sets(c, err);
    if (!rc)
        rc = vi_clip_break_open(c, err);
    if (!rc)
        rc = open_analysis(c, err);
    if (!rc && swap->share) {
        vi_stage_env env = vi_stage_environment(x, swap, vi_who_people(c->set[0].who), NULL);
        rc = swap->share(&c->shared, &env, err);
    }
    c->n_ring = vi_run_ring(x->run, c->n_worker, c->lag);
    if (!rc)
        rc = vi_frame_pool_create(&c->pool, info->format, info->width, info->height, c->n_ring + spare, err);
    if (!rc && (vi_queue_create(&c->frames, 4) || vi_queue_create(&c->works, (size_t)c->n_ring) ||
                !(c->ring = vi_calloc((size_t)c->n_ring, sizeof *c->ring)) ||
                !(c->worker = vi_calloc((size_t)c->n_worker, sizeof *c->worker))))
        rc = vi_error_nomem(err, "ring of frames");
    for (int i = 0; i < c->n_worker && !rc; i++)
        rc = open_worker(c, &c->worker[i], err);
    return rc;
}

static void disk_full(void *user, uint64_t bytes)
{
    vi_clip *c = user;
    c->full = bytes;
}

static int open_writer(vi_clip *c, viso_error *err)
{
    vi_log log = vi_log_named(&c->p->context->log, "output");
    vi_writer_params wp = {
        .path = c->p->out,
        .like = c->reader,
        .like_path = c->p->target,
        .mark = true,
        .log = &log,
        .settings = &c->output,
        .folder = c->journal ? vi_journal_folder(c->journal) : NULL,
        .segment = c->journal ? vi_journal_segments(c->journal) : 0,
        .cancel = c->p->cancel,
        .full = c->output.full_disk == VI_FULL_DISK_WAIT ? disk_full : NULL,
        .user = c,
    };
    return c->p->out ? vi_writer_open(&c->writer, &wp, err) : 0;
}

/* ---- running ---- */

static int start(vi_clip *c, viso_error *err)
{
    int rc = 0;
    for (int i = 0; i < c->n_worker && !rc; i++) {
        vi_clip_worker *k = &c->worker[i];
        k->run = c;
        snprintf(k->name, sizeof k->name, "vi-work-%d", (i + 1) % 1000);
        rc = vi_thread_start(&k->thread, k->name, vi_clip_picture_lane, k, err);
    }
    if (!rc)
        rc = vi_thread_start(&c->time, "vi-time", vi_clip_temporal_lane, c, err);
    if (!rc)
        rc = vi_thread_start(&c->encode, "vi-encode", vi_clip_encode_lane, c, err);
    if (!rc)
        rc = vi_thread_start(&c->decode, "vi-decode", vi_clip_decode_lane, c, err);
    if (rc) {
        vi_clip_fail(c, rc, err);
        vi_queue_finish_send(c->frames);
    }
    return rc;
}

static void join(vi_clip *c)
{
    vi_thread_join(&c->decode);
    vi_thread_join(&c->time);
    for (int i = 0; i < c->n_worker && c->worker; i++)
        vi_thread_join(&c->worker[i].thread);
    vi_thread_join(&c->encode);
}

static void close_lanes(vi_clip *c)
{
    const vi_stage *swap = vi_stages_chosen(c->p->context->settings)->swap;
    void *item;
    while (c->frames && vi_queue_depth(c->frames) > 0 && vi_queue_receive(c->frames, &item) == 0) {
        vi_frame *f = item;
        vi_frame_unref(&f);
    }
    for (int i = 0; i < c->n_ring && c->ring; i++) {
        vi_frame_unref(&c->ring[i].work.frame);
        vi_frame_unref(&c->ring[i].origin);
    }
    for (int i = 0; i < c->n_worker && c->worker; i++) {
        for (int k = 0; k < c->n_set && c->worker[i].lane; k++)
            vi_picture_lane_close(&c->worker[i].lane[k]);
        vi_free(c->worker[i].lane);
    }
    if (c->shared && swap->unshare)
        swap->unshare(&c->shared);
    vi_recall_close(&c->recall, false);
    for (int k = 0; k < c->n_set && c->set; k++) {
        vi_analyser_destroy(&c->set[k].analyser);
        if (k > 0 && c->set[k].people == k)
            vi_who_destroy(&c->set[k].who);
    }
    vi_parts_destroy(&c->parts);
    vi_measure_destroy(&c->measure);
    vi_blob_free(&c->restored);
    vi_colour_map_destroy(&c->colour);
    vi_queue_destroy(&c->frames);
    vi_queue_destroy(&c->works);
    vi_frame_pool_destroy(&c->pool);
    vi_free(c->set);
    vi_free(c->ring);
    vi_free(c->worker);
}

/* ---- the end ---- */

/* What the run came to, before the result gets its name: a fault, or 0. */
static int verdict(const vi_clip *c, bool cancelled, viso_error *err)
{
    if (c->failed)
        return vi_error_set(err, c->err.code, "%s", c->err.text);
    if (c->count.frames + c->first == 0 && cancelled)
        return vi_error_set(err, VISO_ERR_INTERRUPTED, "%s: stopped before the first frame, nothing was written", c->p->target);
    if (c->count.faces_swapped == 0 && !cancelled)
        return vi_error_set(err, VISO_ERR_NO_TARGET_FACE,
                            c->count.faces_seen ? "%s: faces were found, but none was swapped (--face, --map, turned too far away, "
                                                  "or too small); nothing was written"
                                                : "%s: no face found in the target; nothing was written",
                            c->p->target);
    return 0;
}

/* Says, behind what went wrong, that not all is lost. */
static void tell_kept(int rc, const char *folder, viso_error *err)
{
    char text[sizeof err->text];
    snprintf(text, sizeof text, "%s", err->text);
    *err = (viso_error){ 0 };
    vi_error_set(err, rc, "%s; what was done is kept in %s: --resume goes on behind it", text, folder);
}

static int conclude(vi_clip *c, viso_error *err)
{
    bool cancelled = atomic_load(c->p->cancel), keep = false;
    char folder[512] = "";
    int rc = verdict(c, cancelled, err);
    if (c->journal)
        snprintf(folder, sizeof folder, "%s", vi_journal_folder(c->journal));
    if (!rc && c->writer)
        rc = vi_writer_finish(&c->writer, cancelled, err);
    keep = cancelled || (rc && rc != VISO_ERR_NO_TARGET_FACE);
    if (!rc && cancelled)
        rc = vi_error_set(err, VISO_ERR_INTERRUPTED, "%s: stopped after %llu frames; %s holds what was done", c->p->target,
                          (unsigned long long)(c->first + c->count.frames), c->p->out ? c->p->out : "no file");
    if (rc == VISO_ERR_NO_TARGET_FACE)
        vi_writer_abort(&c->writer); /* nothing of it is wanted */
    vi_writer_leave(&c->writer);
    vi_journal_close(&c->journal, keep, &keep);
    if (rc && keep)
        tell_kept(rc, folder, err);
    return rc;
}

int vi_run_clip(const vi_run_params *p, vi_reader *r, vi_run_totals *t, viso_error *err)
{
    vi_clip *c = vi_calloc(1, sizeof *c);
    if (!c)
        return vi_error_nomem(err, "pipeline");
    c->p = p;
    c->reader = r;
    c->hasty = UINT64_MAX;
    c->output = *(const vi_output_settings *)vi_settings_group(p->context->settings, "output");
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->moved, NULL);
    int rc = open_lanes(c, err);
    if (!rc)
        rc = vi_clip_break_load(c, err);
    if (!rc)
        rc = open_writer(c, err);
    if (!rc) {
        uint64_t from = vi_now_ns();
        viso_error e = { 0 };
        snprintf(t->stats.cache, sizeof t->stats.cache, "%s", !c->recall ? "off" : c->replays ? "replayed" : "recorded");
        if (start(c, &e) == 0)
            vi_clip_watch(c, from);
        join(c);
        vi_clip_collect(c, t, vi_now_ns() - from);
        if (c->measure)
            vi_measure_finish(c->measure, &t->stats.quality);
        rc = conclude(c, err);
    }
    vi_writer_leave(&c->writer);
    vi_journal_close(&c->journal, true, NULL);
    close_lanes(c);
    pthread_cond_destroy(&c->moved);
    pthread_mutex_destroy(&c->lock);
    vi_free(c);
    return rc;
}
