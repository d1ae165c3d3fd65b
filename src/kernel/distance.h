/* kernel/distance.h: steps of the distance transform that the plain and the wide version share: exact Euclidean distance in two
 * passes (Felzenszwalb & Huttenlocher 2012), along columns first, then per row the lower envelope of the parabolas
 * g(x)^2 + (x - x0)^2. */
#ifndef VI_KERNEL_DISTANCE_H
#define VI_KERNEL_DISTANCE_H

#include <math.h>

#include "kernel/internal.h"

/* Columns: rows are walked down, then up, so that the inner loops run along memory. FAR: no background in the column. */
static inline void column_distance(const vi_plane *g, const vi_plane *src, float far)
{
    for (int y = 0; y < g->h; y++) {
        float *d = vi_row(g, y);
        const float *s = vi_row(src, y), *up = y ? vi_row(g, y - 1) : NULL;
        for (int x = 0; x < g->w; x++) {
            float v = up ? up[x] + 1.0f : far;
            v = v < far ? v : far;
            d[x] = s[x] < 0.5f ? 0.0f : v;
        }
    }
    for (int y = g->h - 2; y >= 0; y--) {
        float *d = vi_row(g, y);
        const float *below = vi_row(g, y + 1);
        for (int x = 0; x < g->w; x++) {
            float v = below[x] + 1.0f;
            d[x] = v < d[x] ? v : d[x];
        }
    }
}

/* Columns [a, b) by the lower envelope of their own parabolas. v: columns of the envelope, z: where each begins. */
static inline void envelope(float *d, const float *g, int a, int b, float far, int *v, float *z)
{
    int k = -1;
    for (int q = a; q < b; q++) {
        if (g[q] >= far)
            continue;
        float s = -INFINITY;
        while (k >= 0) {
            int p = v[k];
            s = 0.5f * ((g[q] - g[p]) * (g[q] + g[p]) / (float)(q - p) + (float)(q + p));
            if (s > z[k])
                break;
            k--;
            s = -INFINITY;
        }
        k++;
        v[k] = q;
        z[k] = s;
    }
    for (int x = a, i = 0; x < b; x++) {
        while (i < k && z[i + 1] < (float)x)
            i++;
        float dx = k < 0 ? far : (float)(x - v[i]), gx = k < 0 ? 0.0f : g[v[i]];
        d[x] = sqrtf(dx * dx + gx * gx);
    }
}

/* Background is 0, and a run between two background pixels cannot be nearer to anything beyond them: every run is its own
 * small problem. */
static inline void row_distance(float *d, const float *g, int w, float far, int *v, float *z)
{
    for (int x = 0; x < w;) {
        if (g[x] == 0.0f) {
            d[x++] = 0.0f;
            continue;
        }
        int a = x > 0 ? x - 1 : 0;
        while (x < w && g[x] != 0.0f)
            x++;
        envelope(d, g, a, x < w ? x + 1 : w, far, v, z);
    }
}

#endif
