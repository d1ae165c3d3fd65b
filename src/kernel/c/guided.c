/* kernel/c/guided.c: guided filter (He, Sun, Tang 2010) with running box sums: every pixel enters and leaves each
 * column sum once, so the radius costs nothing. Sums in double: a variance is a difference of large numbers. */
#include <string.h>

#include "kernel/internal.h"

enum { QUANTITIES = 4 };

/* Adds (sign +1) or removes (-1) row y of guide and src from the column sums of I, p, I I, I p. */
static void column_moments(double *col, const vi_plane *guide, const vi_plane *src, int y, double sign)
{
    const float *g = vi_row(guide, y), *s = vi_row(src, y);
    for (int x = 0; x < guide->w; x++) {
        double i = (double)g[x], p = (double)s[x];
        col[x * QUANTITIES] += sign * i;
        col[x * QUANTITIES + 1] += sign * p;
        col[x * QUANTITIES + 2] += sign * i * i;
        col[x * QUANTITIES + 3] += sign * i * p;
    }
}

static void solve_row(float *a, float *b, const double *col, int w, int radius, int rows, double eps)
{
    double s[QUANTITIES] = { 0 };
    for (int x = -radius; x < w; x++) {
        for (int q = 0; q < QUANTITIES; q++) {
            if (x + radius < w)
                s[q] += col[(x + radius) * QUANTITIES + q];
            if (x - radius - 1 >= 0)
                s[q] -= col[(x - radius - 1) * QUANTITIES + q];
        }
        if (x < 0)
            continue;
        int cols = VI_MIN(x + radius, w - 1) - VI_MAX(x - radius, 0) + 1;
        double k = 1.0 / ((double)cols * rows), mi = s[0] * k, mp = s[1] * k;
        double var = s[2] * k - mi * mi, cov = s[3] * k - mi * mp;
        double slope = cov / ((var > 0.0 ? var : 0.0) + eps);
        a[x] = (float)slope;
        b[x] = (float)(mp - slope * mi);
    }
}

static void column_add(double *col, const float *a, const float *b, int w, double sign)
{
    for (int x = 0; x < w; x++) {
        col[x * 2] += sign * (double)a[x];
        col[x * 2 + 1] += sign * (double)b[x];
    }
}

/* Means of slope and offset over the window: into dst as the line of every pixel, or (offset not NULL) as they are. */
static void apply_row(float *dst, float *offset, const float *guide, const double *col, int w, int radius, int rows)
{
    double sa = 0.0, sb = 0.0;
    for (int x = -radius; x < w; x++) {
        if (x + radius < w)
            sa += col[(x + radius) * 2], sb += col[(x + radius) * 2 + 1];
        if (x - radius - 1 >= 0)
            sa -= col[(x - radius - 1) * 2], sb -= col[(x - radius - 1) * 2 + 1];
        if (x < 0)
            continue;
        int cols = VI_MIN(x + radius, w - 1) - VI_MAX(x - radius, 0) + 1;
        double n = (double)cols * rows;
        if (offset) {
            dst[x] = (float)(sa / n);
            offset[x] = (float)(sb / n);
        } else {
            dst[x] = (float)((sa * (double)guide[x] + sb) / n);
        }
    }
}

static int filter(const vi_plane *dst, const vi_plane *offset, const vi_plane *guide, const vi_plane *src, int radius,
                  float eps, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    int w = dst->w, h = dst->h;
    vi_plane a = vi_plane_new(scratch, w, h), b = vi_plane_new(scratch, w, h);
    double *col = vi_arena_alloc(scratch, (size_t)w * QUANTITIES * sizeof *col);
    if (!a.p || !b.p || !col) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    radius = vi_clampi(radius, 0, w + h); /* a wider window sees nothing more */
    double e = eps > 1e-9f ? (double)eps : 1e-9;
    memset(col, 0, (size_t)w * QUANTITIES * sizeof *col);
    for (int y = -radius; y < h; y++) {
        if (y + radius < h)
            column_moments(col, guide, src, y + radius, 1.0);
        if (y - radius - 1 >= 0)
            column_moments(col, guide, src, y - radius - 1, -1.0);
        if (y >= 0)
            solve_row(vi_row(&a, y), vi_row(&b, y), col, w, radius,
                      VI_MIN(y + radius, h - 1) - VI_MAX(y - radius, 0) + 1, e);
    }
    memset(col, 0, (size_t)w * QUANTITIES * sizeof *col);
    for (int y = -radius; y < h; y++) {
        if (y + radius < h)
            column_add(col, vi_row(&a, y + radius), vi_row(&b, y + radius), w, 1.0);
        if (y - radius - 1 >= 0)
            column_add(col, vi_row(&a, y - radius - 1), vi_row(&b, y - radius - 1), w, -1.0);
        if (y >= 0)
            apply_row(vi_row(dst, y), offset ? vi_row(offset, y) : NULL, vi_row(guide, y), col, w, radius,
                      VI_MIN(y + radius, h - 1) - VI_MAX(y - radius, 0) + 1);
    }
    vi_arena_release(scratch, mark);
    return VISO_OK;
}

int VI_FN(guided)(const vi_plane *dst, const vi_plane *guide, const vi_plane *src, int radius, float eps,
                  vi_arena *scratch)
{
    return filter(dst, NULL, guide, src, radius, eps, scratch);
}

int VI_FN(guided_fit)(const vi_plane *slope, const vi_plane *offset, const vi_plane *guide, const vi_plane *src, int radius,
                      float eps, vi_arena *scratch)
{
    return filter(slope, offset, guide, src, radius, eps, scratch);
}
