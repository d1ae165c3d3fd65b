/* pipeline/clip_watch.c: what a run over a clip tells while it goes on, and what it came to. The calling thread. */
#include <stdio.h>
#include <time.h>

#include "pipeline/clip.h"

/* Which lane is busiest, as a share of its threads' time. */
static const char *limiting(vi_clip *c, uint64_t wall_ns)
{
    const struct { const char *name; uint64_t busy; int threads; } lane[] = {
        { "decode", c->decode_busy_ns, 1 },
        { "analysis", c->time_busy_ns, 1 },
        { "swap", c->work_busy_ns, c->n_worker },
        { "encode", c->encode_busy_ns, 1 },
    };
    const char *name = "";
    double most = 0;
    for (size_t i = 0; i < VI_COUNT(lane); i++) {
        double share = wall_ns ? (double)lane[i].busy / ((double)wall_ns * lane[i].threads) : 0;
        if (share > most) {
            most = share;
            name = lane[i].name;
        }
    }
    return name;
}

void vi_clip_watch(vi_clip *c, uint64_t start)
{
    enum { HISTORY = 32 }; /* about three seconds at ten reports a second */
    uint64_t at[HISTORY] = { 0 }, frames[HISTORY] = { 0 }, reports = 0;
    const vi_media_info *info = vi_reader_info(c->reader);
    viso_progress r = c->p->base;
    r.file = c->p->target;
    r.frames_total = info->frames > 0 ? (uint64_t)info->frames : 0;
    bool ended = false;
    while (!ended) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&c->lock);
        for (int woken = 0; !c->ended && woken == 0;)
            woken = pthread_cond_timedwait(&c->moved, &c->lock, &until);
        ended = c->ended;
        pthread_mutex_unlock(&c->lock);
        uint64_t now = vi_now_ns(), done = c->first + c->count.frames;
        if (!c->rss_after_first_second && now - start > 1000000000u)
            c->rss_after_first_second = vi_current_rss();
        at[reports % HISTORY] = now;
        frames[reports % HISTORY] = done;
        uint64_t oldest = reports < HISTORY ? 0 : (reports + 1) % HISTORY;
        double span = (double)(now - at[oldest]) * 1e-9;
        r.phase = c->full ? "full" : "frames";
        r.fps = span > 0 ? (double)(done - frames[oldest]) / span : 0;
        r.frames = done;
        r.faces = c->count.faces_swapped;
        r.remaining_s = r.fps > 0 && r.frames_total > done ? (double)(r.frames_total - done) / r.fps : -1;
        r.limiting = limiting(c, now - start);
        reports++;
        if (c->p->progress && c->p->progress(c->p->user, &r) != 0)
            atomic_store(c->p->cancel, true);
    }
}

void vi_clip_collect(vi_clip *c, vi_run_totals *t, uint64_t wall_ns)
{
    for (int k = 0; k < c->n_set; k++) {
        for (int i = 0; c->set[k].analyser && vi_analyser_stage(c->set[k].analyser, i); i++)
            vi_totals_add(t, vi_analyser_stage(c->set[k].analyser, i));
        for (int i = 0; i < c->n_worker && c->set[k].picture == k; i++) {
            vi_totals_add(t, &c->worker[i].lane[k].swap);
            vi_totals_add(t, &c->worker[i].lane[k].blend);
        }
    }
    viso_run_stats *s = &t->stats;
    s->frames += c->first + c->count.frames;
    s->frames_resumed += c->first;
    s->faces_seen += c->count.faces_seen;
    s->faces_swapped += c->count.faces_swapped;
    s->frames_dropped_back += c->count.dropped_back;
    s->frames_damaged += vi_reader_damaged(c->reader);
    s->networks += c->count.networks;
    s->cuts += c->count.cuts;
    s->decode_s += (double)c->decode_ns * 1e-9;
    s->encode_s += (double)c->encode_ns * 1e-9;
    s->workers = VI_MAX(s->workers, c->n_worker);
    c->fill.size = c->n_ring;
    vi_ring_fill_merge(&t->ring, &c->fill);
    vi_follow_merge(&t->follow, &c->sum.follow);
    if (c->rss_after_first_second)
        s->rss_after_first_second = c->rss_after_first_second;
    snprintf(s->limiting, sizeof s->limiting, "%s", limiting(c, wall_ns));
}
