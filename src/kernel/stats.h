/* kernel/stats.h: weighted mean, deviation and covariance of three planes; percentile. Sums are taken about a pivot, which
 * keeps the variance of a nearly flat picture exact, per row in float (row_sums, given by the including file)
 * and over rows in double. */
#ifndef VI_KERNEL_STATS_H
#define VI_KERNEL_STATS_H

#include <math.h>
#include <string.h>

#include "kernel/internal.h"

enum { BINS = 1024, SUMS = 10 };

/* w, w x0..2, w x00 01 02 11 12 22 of one row about the pivot; w NULL: 1 */
static void row_sums(float s[SUMS], const float *a, const float *b, const float *c, const float *w,
                     const float pivot[3], int n);

static void find_pivot(const vi_rgb *src, const vi_plane *w, float pivot[3])
{
    int width = src->c[0].w, h = src->c[0].h;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < width; x++)
            if (!w || vi_row(w, y)[x] > 0.0f) {
                for (int i = 0; i < 3; i++)
                    pivot[i] = vi_row(&src->c[i], y)[x];
                return;
            }
}

void VI_FN(stats3)(const vi_rgb *src, const vi_plane *w, vi_stats3 *out)
{
    static const int pair[6][2] = { { 0, 0 }, { 0, 1 }, { 0, 2 }, { 1, 1 }, { 1, 2 }, { 2, 2 } };
    double sum[SUMS] = { 0 };
    float pivot[3] = { 0 };
    memset(out, 0, sizeof *out);
    find_pivot(src, w, pivot);
    for (int y = 0; y < src->c[0].h; y++) {
        float s[SUMS];
        row_sums(s, vi_row(&src->c[0], y), vi_row(&src->c[1], y), vi_row(&src->c[2], y), w ? vi_row(w, y) : NULL, pivot,
                 src->c[0].w);
        for (int i = 0; i < SUMS; i++)
            sum[i] += (double)s[i];
    }
    out->weight = sum[0];
    if (!(sum[0] > 0.0))
        return;
    double mean[3];
    for (int i = 0; i < 3; i++) {
        mean[i] = sum[1 + i] / sum[0];
        out->mean[i] = (float)((double)pivot[i] + mean[i]);
    }
    for (int i = 0; i < 6; i++) {
        double v = sum[4 + i] / sum[0] - mean[pair[i][0]] * mean[pair[i][1]];
        if (pair[i][0] == pair[i][1]) {
            v = v > 0.0 ? v : 0.0;
            out->sd[pair[i][0]] = (float)sqrt(v);
        }
        out->cov[i] = (float)v;
    }
}

static bool value_range(const vi_plane *src, const vi_plane *w, float *lo, float *hi)
{
    float a = INFINITY, b = -INFINITY;
    for (int y = 0; y < src->h; y++) {
        const float *s = vi_row(src, y), *k = w ? vi_row(w, y) : NULL;
        for (int x = 0; x < src->w; x++) {
            if (k && !(k[x] > 0.0f))
                continue;
            a = s[x] < a ? s[x] : a;
            b = s[x] > b ? s[x] : b;
        }
    }
    *lo = a, *hi = b;
    return a < b;
}

float VI_FN(percentile)(const vi_plane *src, const vi_plane *w, float q)
{
    double bin[BINS] = { 0 }, total = 0.0, below = 0.0;
    float lo, hi;
    if (!value_range(src, w, &lo, &hi))
        return lo == hi ? lo : 0.0f; /* flat, or no weight at all */
    float scale = (float)BINS / (hi - lo);
    for (int y = 0; y < src->h; y++) {
        const float *s = vi_row(src, y), *k = w ? vi_row(w, y) : NULL;
        for (int x = 0; x < src->w; x++) {
            if (k && !(k[x] > 0.0f))
                continue;
            int i = (int)((s[x] - lo) * scale);
            double m = k ? (double)k[x] : 1.0;
            bin[i < BINS ? i : BINS - 1] += m;
            total += m;
        }
    }
    double want = total * (double)vi_clampf(q, 0.0f, 1.0f);
    for (int i = 0; i < BINS; i++) {
        if (below + bin[i] >= want && bin[i] > 0.0)
            return lo + ((float)i + (float)((want - below) / bin[i])) / scale;
        below += bin[i];
    }
    return hi;
}

#endif
