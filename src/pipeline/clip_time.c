/* pipeline/clip_time.c: the temporal lane of a run over a clip (vi-time). Frames come in order; each is analysed (or its records
 * are taken from the cache, or from before a break), held back until `lag` later ones have been, settled, given its source
 * persons, and handed to the picture lane. */
#include <string.h>

#include "pipeline/clip.h"

/* The analysis goes on in another set's analyser, which takes over what the one before remembers. */
static int change_analyser(vi_clip *c, int to, viso_error *err)
{
    if (c->analysing < 0 || c->analysing == to) {
        c->analysing = to;
        return 0;
    }
    vi_blob b = { 0 };
    vi_analyser_save(c->set[c->analysing].analyser, &b);
    int rc = b.failed ? vi_error_nomem(err, "state of the analysis") : vi_analyser_load(c->set[to].analyser, &b, err);
    vi_blob_free(&b);
    c->analysing = to;
    return rc;
}

static int look_at(vi_clip *c, vi_clip_slot *s, vi_frame *f, uint64_t n, viso_error *err)
{
    const vi_media_info *info = vi_reader_info(c->reader);
    vi_work *w = &s->work;
    int rc = 0;
    if (f->format != info->format || f->width != info->width || f->height != info->height)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the picture changes its size or format at frame %llu", c->p->target,
                            (unsigned long long)n);
    s->set = vi_parts_at(c->parts, f->pts);
    vi_work_begin(w, f, &c->colour, false, n);
    if (vi_clip_break_restore(c, w, &rc, err))
        return rc;
    if (c->replays)
        return vi_recall_get(c->recall, f->pts, w, err) ? 0 : err->code;
    rc = change_analyser(c, c->set[s->set].analysis, err);
    return rc ? rc : vi_analyser_run(c->set[c->analysing].analyser, w, err);
}

static void note(vi_clip *c, const vi_work *w)
{
    uint64_t seen = 0;
    for (int i = 0; i < w->n_face; i++)
        seen += (w->face[i].f.has & VISO_FACE_HAS_MESH) != 0;
    c->sum.faces_seen += seen;
    c->sum.networks += w->count.networks;
    c->sum.cuts += w->cut && w->sequence > 0;
    vi_follow_note(&c->sum.follow, w);
    c->count.faces_seen = c->sum.faces_seen; /* what reports read */
    c->count.networks = c->sum.networks;
    c->count.cuts = c->sum.cuts;
}

/* The oldest of the held frames: its records become final, and it goes to the picture lane. */
static int hand_over(vi_clip *c, viso_error *err)
{
    vi_clip_slot *s = c->held[0];
    vi_work *w = &s->work;
    uint64_t n = w->sequence;
    if (vi_clip_break_here(c, n)) {
        int rc = vi_clip_break_save(c, n, err);
        if (rc)
            return rc;
    }
    if (!c->replays) {
        uint64_t from = vi_now_ns();
        vi_trace_frame((int64_t)n);
        vi_analyser_settle(c->set[c->analysing].analyser, w);
        c->time_busy_ns += vi_now_ns() - from;
    }
    c->n_held--;
    memmove(c->held, c->held + 1, sizeof c->held[0] * (size_t)c->n_held);
    if (c->recall && !c->replays)
        vi_recall_put(c->recall, s->origin->pts, w);
    if (c->measure)
        vi_measure_final(c->measure, w);
    note(c, w);
    vi_who_assign(c->set[c->set[s->set].people].who, w);
    vi_clip_set_state(c, s, VI_SLOT_BUSY);
    int rc = vi_queue_send(c->works, s);
    if (rc)
        vi_clip_release_slot(c, s);
    else
        c->handed = n + 1; /* read by others once time_done says so */
    return rc;
}

/* Frame n, until as many are held as have to be. Takes over f. */
static int take_frame(vi_clip *c, vi_frame *f, uint64_t n, viso_error *err)
{
    vi_clip_slot *s = vi_clip_take_slot(c, n);
    if (!s) {
        vi_frame_unref(&f);
        return VISO_EOF;
    }
    vi_span span = vi_trace_begin(VI_TRACE_FRAME, "temporal");
    uint64_t from = vi_now_ns();
    int rc = look_at(c, s, f, n, err);
    c->time_busy_ns += vi_now_ns() - from;
    vi_trace_end(&span);
    if (rc) {
        s->work.frame = f;
        vi_clip_release_slot(c, s);
        return rc;
    }
    s->origin = vi_frame_ref(f);
    c->held[c->n_held++] = s;
    while (!rc && c->n_held > c->lag)
        rc = hand_over(c, err);
    return rc;
}

/* From a queue, as a wait of frame n. */
static bool receive(vi_queue *q, const char *what, uint64_t n, void **item)
{
    vi_trace_frame((int64_t)n);
    vi_span span = vi_trace_begin(VI_TRACE_WAIT, what);
    bool got = vi_queue_receive(q, item) == 0;
    if (!got)
        vi_trace_frame(-1);
    vi_trace_end(&span);
    return got;
}

void vi_clip_temporal_lane(void *arg)
{
    vi_clip *c = arg;
    viso_error e = { 0 };
    void *item;
    int rc = 0;
    for (uint64_t n = c->first; receive(c->frames, "decoded", n, &item); n++) {
        vi_frame *f = item;
        if (rc || vi_clip_failed(c)) {
            vi_frame_unref(&f); /* drain, so that no frame is lost sight of */
            continue;
        }
        rc = take_frame(c, f, n, &e);
        if (rc && rc != VISO_EOF)
            vi_clip_fail(c, rc, &e);
    }
    bool whole = !rc && !atomic_load(c->p->cancel) && !vi_clip_failed(c);
    if (!whole && c->n_held > 0)
        c->hasty = c->held[0]->work.sequence;
    while (!rc && c->n_held > 0) { /* the last ones know no later frames */
        vi_trace_frame((int64_t)c->held[0]->work.sequence);
        rc = hand_over(c, &e);
        if (rc && rc != VISO_EOF)
            vi_clip_fail(c, rc, &e);
    }
    vi_trace_frame(-1);
    vi_recall_close(&c->recall, whole && !rc);
    pthread_mutex_lock(&c->lock);
    c->time_done = true;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    vi_queue_finish_send(c->works);
}
