/* pipeline/clip_picture.c: the workers of a run over a clip (vi-work-N): whole frames in parallel. */
#include "pipeline/clip.h"

/* Runs even after a failure elsewhere: a later frame may be waiting for this one at a turnstile. */
static void swap_frame(vi_clip_worker *k, vi_clip_slot *s)
{
    vi_clip *c = k->run;
    viso_error e = { 0 };
    int changed = vi_picture_lane_run(&k->lane[c->set[s->set].picture], &s->work, c->pool, &e);
    if (s->work.frame != s->origin)
        s->work.frame->side = s->origin->side;
    if (changed < 0) {
        vi_clip_fail(c, changed, &e);
        return;
    }
    c->count.faces_swapped += (uint64_t)changed;
    c->count.dropped_back += s->work.count.dropped_back > 0;
}

void vi_clip_picture_lane(void *arg)
{
    vi_clip_worker *k = arg;
    vi_clip *c = k->run;
    void *item;
    for (;;) {
        vi_span span = vi_trace_begin(VI_TRACE_WAIT, "work");
        bool got = vi_queue_receive(c->works, &item) == 0;
        vi_clip_slot *s = got ? item : NULL;
        vi_trace_frame(got ? (int64_t)s->work.sequence : -1); /* the wait belongs to the frame that came */
        vi_trace_end(&span);
        if (!got)
            break;
        span = vi_trace_begin(VI_TRACE_FRAME, "picture");
        uint64_t from = vi_now_ns();
        swap_frame(k, s);
        c->work_busy_ns += vi_now_ns() - from;
        vi_trace_end(&span);
        vi_clip_set_state(c, s, VI_SLOT_DONE);
    }
}
