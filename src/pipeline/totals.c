/* pipeline/totals.c: sums over a job. Owned by one thread each, merged when its thread has ended. */
#include <stdio.h>
#include <string.h>

#include "pipeline/run.h"

void vi_ring_fill_note(vi_ring_fill *r, int filled)
{
    r->at[vi_clampi(filled, 0, VI_RING_MOST)]++;
}

void vi_ring_fill_merge(vi_ring_fill *into, const vi_ring_fill *r)
{
    into->size = VI_MAX(into->size, r->size);
    for (int i = 0; i <= VI_RING_MOST; i++)
        into->at[i] += r->at[i];
}

void vi_follow_note(vi_follow_counts *f, const vi_work *w)
{
    f->detector_frames += w->count.detector_runs > 0;
    f->detector_runs += w->count.detector_runs;
    f->landmark_runs += w->count.landmark_runs;
    f->embedder_runs += w->count.embedder_runs;
    f->looks += w->count.looks;
    f->faces.second_looks += w->count.second_looks;
    f->faces.born += w->count.born;
    f->faces.ended += w->count.ended;
    f->faces.bridged += w->count.bridged;
    f->faces.adopted += w->count.adopted;
    f->faces.returned += w->count.returned;
    f->faces.points_lost += w->count.points_lost;
    f->faces.held += w->count.held;
    f->faces.region_looks += w->count.region_looks;
}

void vi_follow_merge(vi_follow_counts *into, const vi_follow_counts *f)
{
    uint64_t *to = (uint64_t *)into;
    const uint64_t *from = (const uint64_t *)f;
    _Static_assert(sizeof *f % sizeof *from == 0, "numbers of 64 bits");
    for (size_t i = 0; i < sizeof *f / sizeof *from; i++)
        to[i] += from[i];
}

static void add_meter(vi_run_totals *t, const char *id, const vi_histogram *m)
{
    int i = 0;
    while (i < t->n_meter && strcmp(t->meter[i].id, id) != 0)
        i++;
    if (i == VI_RUN_METERS)
        return;
    if (i == t->n_meter) {
        t->meter[i].id = id;
        t->n_meter++;
    }
    vi_histogram_merge(&t->meter[i].meter, m);
}

void vi_totals_add(vi_run_totals *t, const vi_bound *b)
{
    add_meter(t, b->stage->id, &b->meter);
}

void vi_totals_merge(vi_run_totals *into, const vi_run_totals *t)
{
    viso_run_stats *a = &into->stats;
    const viso_run_stats *b = &t->stats;
    for (int i = 0; i < t->n_meter; i++)
        add_meter(into, t->meter[i].id, &t->meter[i].meter);
    a->frames += b->frames;
    a->faces_seen += b->faces_seen;
    a->faces_swapped += b->faces_swapped;
    a->frames_dropped_back += b->frames_dropped_back;
    a->frames_damaged += b->frames_damaged;
    a->networks += b->networks;
    a->cuts += b->cuts;
    a->decode_s += b->decode_s;
    a->encode_s += b->encode_s;
    a->workers += b->workers;
    vi_ring_fill_merge(&into->ring, &t->ring);
    vi_follow_merge(&into->follow, &t->follow);
}

void vi_totals_finish(vi_run_totals *t)
{
    t->stats.n_stage = VI_MIN(t->n_meter, VISO_MAX_STAGES);
    t->stats.core_s = 0;
    t->stats.detector_frames = t->follow.detector_frames;
    t->stats.detector_runs = t->follow.detector_runs;
    t->stats.landmark_runs = t->follow.landmark_runs;
    t->stats.embedder_runs = t->follow.embedder_runs;
    t->stats.follow = t->follow.faces;
    for (int i = 0; i < t->stats.n_stage; i++) {
        viso_stage_stats *s = &t->stats.stage[i];
        const vi_histogram *m = &t->meter[i].meter;
        snprintf(s->id, sizeof s->id, "%s", t->meter[i].id);
        s->calls = m->count;
        s->p50_ms = vi_histogram_quantile(m, 0.50) * 1e-6;
        s->p95_ms = vi_histogram_quantile(m, 0.95) * 1e-6;
        s->p99_ms = vi_histogram_quantile(m, 0.99) * 1e-6;
        s->max_ms = (double)m->max * 1e-6;
        s->total_s = (double)m->total * 1e-9;
        t->stats.core_s += s->total_s;
    }
}
