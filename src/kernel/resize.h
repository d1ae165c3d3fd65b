/* kernel/resize.h: taps of one axis of `resize`. */
#ifndef VI_KERNEL_RESIZE_H
#define VI_KERNEL_RESIZE_H

#include <math.h>

#include "kernel/internal.h"

typedef struct vi_axis {
    int taps;      /* room per output position */
    int *first;    /* first source index */
    int *count;    /* taps used */
    float *weight; /* position-major: weight[i * taps + t] */
} vi_axis;

static inline bool axis_create(vi_axis *a, int to, int from, vi_arena *scratch)
{
    double ratio = (double)from / to;
    a->taps = from > to ? (int)ceil(ratio) + 1 : 2;
    a->first = vi_arena_alloc(scratch, (size_t)to * sizeof *a->first);
    a->count = vi_arena_alloc(scratch, (size_t)to * sizeof *a->count);
    a->weight = vi_arena_alloc(scratch, (size_t)to * (size_t)a->taps * sizeof *a->weight);
    if (!a->first || !a->count || !a->weight)
        return false;
    for (int i = 0; i < to; i++) {
        float *k = a->weight + i * a->taps;
        for (int t = 0; t < a->taps; t++)
            k[t] = 0.0f;
        if (from <= to) { /* two neighbours, the border repeats */
            double u = (i + 0.5) * ratio - 0.5;
            u = u < 0.0 ? 0.0 : u > from - 1.0 ? from - 1.0 : u;
            int f = VI_MIN((int)u, VI_MAX(from - 2, 0));
            a->first[i] = f;
            a->count[i] = VI_MIN(2, from);
            k[0] = (float)(f + 1 - u);
            k[1] = (float)(u - f);
            if (from == 1)
                k[0] = 1.0f;
            continue;
        }
        double lo = i * ratio, hi = (i + 1) * ratio;
        int f = (int)lo, l = VI_MIN((int)ceil(hi - 1e-9), from);
        l = VI_MIN(VI_MAX(l, f + 1), f + a->taps);
        a->first[i] = f;
        a->count[i] = l - f;
        for (int s = f; s < l; s++)
            k[s - f] = (float)((fmin(hi, s + 1.0) - fmax(lo, s)) / ratio);
    }
    return true;
}

#endif
