/* pipeline/clip_media.c: the two ends of a run over a clip: vi-decode and vi-encode. */
#include "pipeline/clip.h"

void vi_clip_decode_lane(void *arg)
{
    vi_clip *c = arg;
    for (int64_t n = (int64_t)c->first;; n++) {
        if (atomic_load(c->p->cancel))
            break;
        vi_trace_frame(n);
        vi_frame *f = NULL;
        viso_error e = { 0 };
        vi_span span = vi_trace_begin(VI_TRACE_MEDIA, "decode");
        uint64_t from = vi_now_ns(), cpu = vi_thread_cpu_ns();
        int rc = vi_reader_next(c->reader, &f, &e);
        c->decode_ns += vi_thread_cpu_ns() - cpu;
        c->decode_busy_ns += vi_now_ns() - from;
        if (rc)
            vi_trace_frame(-1); /* the search for a frame that does not come */
        vi_trace_end(&span);
        if (rc == VISO_EOF)
            break;
        if (rc) {
            vi_clip_fail(c, rc, &e);
            break;
        }
        span = vi_trace_begin(VI_TRACE_WAIT, "room");
        rc = vi_queue_send(c->frames, f);
        vi_trace_end(&span);
        if (rc) {
            vi_frame_unref(&f);
            break;
        }
    }
    vi_queue_finish_send(c->frames);
}

/* Waits for frame n to be done; NULL at the end of the clip or after a failure. */
static vi_clip_slot *next_done(vi_clip *c, uint64_t n)
{
    vi_clip_slot *s = &c->ring[n % (uint64_t)c->n_ring];
    vi_trace_frame((int64_t)n);
    vi_span span = vi_trace_begin(VI_TRACE_WAIT, "done");
    pthread_mutex_lock(&c->lock);
    while (s->state != VI_SLOT_DONE && !c->failed && !(c->time_done && n >= c->handed))
        pthread_cond_wait(&c->moved, &c->lock);
    bool ok = s->state == VI_SLOT_DONE && !c->failed;
    pthread_mutex_unlock(&c->lock);
    if (!ok)
        vi_trace_frame(-1);
    vi_trace_end(&span);
    return ok ? s : NULL;
}

/* A segment ends when the first frame of the next one is there: then what the lanes remember in front of it is on the disk. */
static int write_frame(vi_clip *c, vi_clip_slot *s, uint64_t n, viso_error *err)
{
    int rc = vi_clip_break_here(c, n) ? vi_clip_break_segment(c, n, err) : 0;
    return rc ? rc : vi_writer_write(c->writer, s->work.frame, err);
}

void vi_clip_encode_lane(void *arg)
{
    vi_clip *c = arg;
    vi_clip_slot *s;
    for (uint64_t n = c->first; (s = next_done(c, n)) != NULL; n++) {
        viso_error e = { 0 };
        vi_span span = vi_trace_begin(VI_TRACE_MEDIA, "encode");
        uint64_t from = vi_now_ns(), cpu = vi_thread_cpu_ns();
        if (c->measure)
            vi_measure_result(c->measure, &s->work, s->origin, s->work.frame);
        int rc = c->writer ? write_frame(c, s, n, &e) : 0;
        c->encode_ns += vi_thread_cpu_ns() - cpu;
        c->encode_busy_ns += vi_now_ns() - from;
        vi_trace_end(&span);
        vi_clip_release_slot(c, s);
        if (rc) {
            vi_clip_fail(c, rc, &e);
            break;
        }
        c->count.frames++;
    }
    pthread_mutex_lock(&c->lock);
    c->ended = true;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
}
