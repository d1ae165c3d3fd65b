/* pipeline/recall.c: between the lanes and the cache: records to bytes in batches, and back with slots numbered for this run. */
#include "pipeline/recall.h"

#include <stdio.h>
#include <string.h>

#include "cache/cache.h"
#include "face/record.h"
#include "pipeline/recall_key.h"

enum { FLUSH_BYTES = 1 << 20 }; /* of a batch, for frames with many faces */

typedef enum recall_state { UNDECIDED, RECORDS, REPLAYS, IDLE } recall_state;

struct vi_recall {
    vi_log log;
    vi_cache *cache;
    vi_cache_input input;
    vi_models *models;
    char key[65];
    int num, den; /* of a tick */
    bool resumed;
    bool asked; /* somebody chose --cache: what stands in its way is worth a warning */
    recall_state state;
    int64_t run, frames, last;
    vi_cache_batch batch;
    /* Replaying: */
    int at;       /* in the batch */
    int64_t from; /* where the next batch begins */
    bool handed;  /* a frame was given out */
    bool passed;  /* frames before it were counted */
    uint64_t used[VI_MAX_TRACKS]; /* records of each slot so far */
    uint64_t reruns; /* networks that changed their device by then */
};

static uint64_t reruns(const vi_recall *r)
{
    vi_device_counts n;
    vi_models_counts(r->models, &n);
    return n.reruns;
}

/* The one line about what cannot be had. */
static void without(vi_recall *r, const viso_error *why)
{
    vi_log_write(&r->log, r->asked ? VISO_LOG_WARN : VISO_LOG_INFO, "%s; this run's results are not kept", why->text);
    if (r->run && r->state == RECORDS)
        vi_cache_drop(r->cache, r->run);
    vi_cache_give_up(r->cache);
    r->state = IDLE;
}

static int fill_in(vi_recall *r, const vi_recall_params *p, const vi_cache_settings *s, viso_error *err)
{
    uint64_t limit = 0;
    char *folder = vi_cache_folder(s);
    int rc = vi_size_parse("cache-size", s->size, 0, &limit, err);
    if (!rc)
        rc = !folder ? VISO_EOF : vi_cache_identify(p->target, &r->input, err);
    if (!rc)
        rc = vi_recall_key(p, r->key, err);
    if (!rc) {
        viso_error why = { 0 };
        r->reruns = reruns(r);
        if (vi_cache_open(&r->cache, folder, limit, true, &r->log, &why) != 0) {
            vi_log_write(&r->log, r->asked ? VISO_LOG_WARN : VISO_LOG_INFO, "%s; nothing is kept", why.text);
            rc = VISO_EOF;
        }
    }
    vi_free(folder);
    return rc;
}

int vi_recall_open(vi_recall **out, const vi_recall_params *p, viso_error *err)
{
    const vi_cache_settings *s = vi_settings_group(p->context->settings, "cache");
    *out = NULL;
    if (!s || strcmp(s->cache, "off") == 0)
        return VISO_OK;
    vi_recall *r = vi_calloc(1, sizeof *r);
    if (!r)
        return vi_error_nomem(err, "cache");
    r->log = vi_log_named(&p->context->log, "cache");
    r->models = p->context->models;
    r->num = p->info->time_base_num;
    r->den = p->info->time_base_den;
    r->resumed = p->resumed;
    r->asked = vi_settings_given(p->context->settings, "cache");
    int rc = fill_in(r, p, s, err);
    if (rc)
        vi_recall_close(&r, false);
    *out = r;
    return rc == VISO_EOF ? VISO_OK : rc;
}

bool vi_recall_replays(vi_recall *r, int64_t first_pts, int64_t end_pts)
{
    viso_error why = { 0 };
    vi_cache_span span = { first_pts, end_pts, r->num, r->den };
    if (r->state != UNDECIDED)
        return r->state == REPLAYS;
    int rc = vi_cache_find(r->cache, &r->input, r->key, &span, &r->run, &why);
    if (rc == 0) {
        r->state = REPLAYS;
        r->from = first_pts;
        vi_info(&r->log, "%s: faces are those of an earlier run", r->input.path);
        return true;
    }
    if (rc == VISO_EOF)
        rc = r->resumed ? VISO_EOF : vi_cache_begin(r->cache, &r->input, r->key, &span, &r->run, &why);
    if (rc == 0)
        r->state = RECORDS;
    else if (rc == VISO_EOF)
        r->state = IDLE;
    else
        without(r, &why);
    return false;
}

/* ---- replaying ---- */

/* The numbers of this run: a turnstile waits for each, so they are counted here and not believed. */
static void number_slots(vi_recall *r, vi_work *w)
{
    for (int i = 0; i < w->n_face; i++) {
        vi_face *f = &w->face[i];
        if (f->slot < 0)
            continue;
        f->fresh = f->fresh || r->used[f->slot] == 0;
        f->ordinal = r->used[f->slot]++;
    }
}

/* Networks that ran in another run did not run in this one. */
static void forget_work(vi_work *w)
{
    vi_work found = { 0 };
    found.count.born = w->count.born;
    found.count.ended = w->count.ended;
    found.count.bridged = w->count.bridged;
    found.count.adopted = w->count.adopted;
    found.count.returned = w->count.returned;
    found.count.points_lost = w->count.points_lost;
    found.count.held = w->count.held;
    w->count = found.count;
    w->want_detect = false;
}

static bool take(vi_recall *r, vi_work *w)
{
    size_t from = r->at ? r->batch.end[r->at - 1] : 0;
    vi_blob b = vi_blob_view(r->batch.bytes.data + from, r->batch.end[r->at] - from);
    r->at++;
    if (!vi_work_get(&b, w) || b.at != b.size)
        return false;
    number_slots(r, w);
    return true;
}

static bool next_batch(vi_recall *r, viso_error *err)
{
    if (r->at < r->batch.n)
        return true;
    r->at = 0;
    if (vi_cache_read(r->cache, r->run, r->from, &r->batch, err) != 0 || r->batch.n == 0)
        return false;
    r->from = r->batch.pts[r->batch.n - 1] + 1;
    return true;
}

/* To the frame of this time. A resumed run goes on in the middle: what came before counts for the numbers of slots. */
static bool find(vi_recall *r, int64_t pts, vi_work *w, viso_error *err)
{
    while (next_batch(r, err)) {
        if (r->batch.pts[r->at] == pts)
            return take(r, w);
        if (r->batch.pts[r->at] > pts)
            return false;
        if (!r->resumed || r->handed)
            r->at++;
        else if (!take(r, w))
            return false;
        else
            r->passed = true;
    }
    return false;
}

bool vi_recall_get(vi_recall *r, int64_t pts, vi_work *w, viso_error *err)
{
    viso_error why = { 0 };
    if (r->state == REPLAYS && find(r, pts, w, &why)) {
        w->cut = w->cut || (!r->handed && !r->passed);
        r->handed = true;
        forget_work(w);
        return true;
    }
    w->n_face = 0;
    if (r->state == REPLAYS) {
        vi_cache_drop(r->cache, r->run);
        vi_cache_give_up(r->cache);
        r->state = IDLE;
    }
    vi_error_set(err, VISO_ERR_INPUT, "%s: what was kept of an earlier run is damaged or gone%s%s; run again, and it will be made anew",
                 r->input.path, why.text[0] ? ": " : "", why.text);
    return false;
}

/* ---- recording ---- */

static void flush(vi_recall *r)
{
    viso_error why = { 0 };
    if (r->batch.n == 0)
        return;
    vi_span span = vi_trace_begin(VI_TRACE_STAGE, "cache");
    int rc = vi_cache_write(r->cache, r->run, &r->batch, &why);
    vi_trace_end(&span);
    vi_cache_batch_clear(&r->batch);
    if (rc == VISO_EOF)
        vi_error_set(&why, VISO_ERR_NO_SPACE, "%s: the results alone are more than --cache-size", r->input.path);
    if (rc)
        without(r, &why);
}

void vi_recall_put(vi_recall *r, int64_t pts, const vi_work *w)
{
    if (r->state != RECORDS)
        return;
    if (r->frames > 0 && pts <= r->last) {
        without(r, &(viso_error){ VISO_ERR_INPUT, "two frames have the same time" });
        return;
    }
    vi_work_put(&r->batch.bytes, w);
    vi_cache_batch_mark(&r->batch, pts);
    r->last = pts;
    r->frames++;
    if (r->batch.n == VI_CACHE_BATCH || r->batch.bytes.size >= FLUSH_BYTES)
        flush(r);
}

void vi_recall_close(vi_recall **p, bool whole)
{
    vi_recall *r = *p;
    viso_error why = { 0 };
    *p = NULL;
    if (!r)
        return;
    if (r->state == RECORDS) {
        flush(r);
        /* A network that changed its device on the way: numbers of two devices in one run. */
        whole = whole && r->frames > 0 && reruns(r) == r->reruns;
    }
    if (r->state == RECORDS && whole && vi_cache_finish(r->cache, r->run, &why) != 0)
        without(r, &why);
    else if (r->state == RECORDS && !whole)
        vi_cache_drop(r->cache, r->run);
    vi_cache_close(&r->cache);
    vi_cache_input_free(&r->input);
    vi_blob_free(&r->batch.bytes);
    vi_free(r);
}
