/* pipeline/measure.c: the parts put together. Each part belongs to one lane, so nothing is locked. */
#include "pipeline/measure.h"

#include <math.h>

#include "pipeline/measure_parts.h"

struct vi_measure {
    vi_jitter *jitter;     /* vi-time */
    vi_switches *switches; /* vi-time */
    vi_flicker *flicker;   /* vi-encode */
    uint64_t faces, frames_seen; /* vi-time */
};

int vi_measure_create(vi_measure **out, const vi_kernels *k, viso_error *err)
{
    vi_measure *m = vi_calloc(1, sizeof *m);
    *out = m;
    if (m && !vi_jitter_create(&m->jitter, k) && !vi_switches_create(&m->switches) && !vi_flicker_create(&m->flicker))
        return VISO_OK;
    vi_measure_destroy(out);
    return vi_error_nomem(err, "measures of quality");
}

void vi_measure_destroy(vi_measure **m)
{
    if (!*m)
        return;
    vi_jitter_destroy(&(*m)->jitter);
    vi_switches_destroy(&(*m)->switches);
    vi_flicker_destroy(&(*m)->flicker);
    vi_free(*m);
    *m = NULL;
}

void vi_measure_raw(vi_measure *m, const vi_work *w)
{
    bool seen = false;
    for (int i = 0; i < w->n_face; i++)
        seen = seen || vi_face_seen(&w->face[i]);
    m->frames_seen += seen;
    vi_jitter_raw(m->jitter, w);
}

void vi_measure_final(vi_measure *m, const vi_work *w)
{
    for (int i = 0; i < w->n_face; i++)
        m->faces += w->face[i].slot >= 0;
    vi_jitter_final(m->jitter, w);
    vi_switches_final(m->switches, w);
}

void vi_measure_result(vi_measure *m, const vi_work *w, const vi_frame *before, const vi_frame *after)
{
    vi_flicker_result(m->flicker, w, before, after);
}

/* Root mean square of what is there (a mean over n) and what comes (a sum of squares over more). */
static double joined(double there, uint64_t n, double sum, uint64_t more)
{
    double count = (double)n + (double)more;
    return count > 0 ? sqrt((there * there * (double)n + sum) / count) : 0;
}

void vi_measure_finish(vi_measure *m, viso_quality_stats *q)
{
    const vi_jitter_sums *j = vi_jitter_so_far(m->jitter);
    uint64_t n = q->jitter_count, cells = 0;
    double flicker = vi_flicker_so_far(m->flicker, &cells);
    q->measured = 1;
    q->faces += m->faces;
    q->frames_seen += m->frames_seen;
    q->jitter_before = joined(q->jitter_before, q->before_count, j->before, j->n_before);
    q->jitter_after = joined(q->jitter_after, n, j->after, j->n);
    q->roll_before = joined(q->roll_before, q->before_count, j->roll_before, j->n_before);
    q->roll_after = joined(q->roll_after, n, j->roll_after, j->n);
    q->jitter_count += j->n;
    q->before_count += j->n_before;
    q->flicker = joined(q->flicker, q->flicker_count, flicker, cells);
    q->flicker_count += cells;
    q->id_switches += vi_switches_so_far(m->switches);
}
