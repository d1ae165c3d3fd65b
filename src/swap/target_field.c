/* swap/target_field.c: from small planes to rows of the window and back. Fields on the grid and masks at half size are smooth:
 * grown where a row needs them they stay in the first cache, and no plane of the full size is written for them. */
#include <math.h>
#include <string.h>

#include "swap/target.h"

vi_plane vi_grid_plane(vi_grid *g)
{
    return (vi_plane){ g->v, VI_GRID, VI_GRID, VI_GRID };
}

int vi_grid_average(vi_target *t, vi_grid *dst, const vi_plane *half, const vi_plane *w)
{
    vi_plane d = vi_grid_plane(dst);
    vi_plane in = vi_plane_view(&t->square, t->win.x / 2, t->win.y / 2, half->w, half->h);
    if (w)
        t->k->mul(&in, half, w);
    else
        vi_plane_copy(&in, half);
    return t->k->resize(&d, &t->square, t->a);
}

int vi_field_widen(vi_target *t, vi_plane *wide, const vi_grid *g)
{
    vi_plane all = vi_plane_new(t->a, t->roi, VI_GRID), from = vi_grid_plane((vi_grid *)g);
    *wide = all;
    if (!all.p)
        return VISO_ERR_NO_SPACE;
    *wide = vi_plane_view(&all, t->win.x, 0, t->win.w, VI_GRID);
    return t->k->resize(&all, &from, t->a);
}

VI_CLONES static void mix(float *restrict out, const float *restrict a, const float *restrict b, float w, int n)
{
    for (int x = 0; x < n; x++)
        out[x] = a[x] + w * (b[x] - a[x]);
}

void vi_field_row(const vi_target *t, float *out, const vi_plane *wide, int y, int x0, int x1)
{
    float at = ((float)(t->win.y + y) + 0.5f) * (float)VI_GRID / (float)t->roi - 0.5f;
    at = vi_clampf(at, 0.0f, (float)VI_GRID - 1.0f);
    int row = VI_MIN((int)at, VI_GRID - 2);
    const float *a = wide->p + row * wide->stride + x0;
    mix(out + x0, a, a + wide->stride, at - (float)row, x1 - x0);
}

VI_CLONES static void quarters(float *restrict out, const float *restrict near, const float *restrict far, int n)
{
    for (int x = 0; x < n; x++)
        out[x] = 0.75f * near[x] + 0.25f * far[x];
}

/* in[-1] and in[n] are there. */
VI_CLONES static void spread(float *restrict out, const float *restrict in, int n)
{
    for (int x = 0; x < n; x++) {
        out[2 * x] = 0.75f * in[x] + 0.25f * in[x - 1];
        out[2 * x + 1] = 0.75f * in[x] + 0.25f * in[x + 1];
    }
}

void vi_half_row(float *out, const vi_plane *half, int y, int x0, int x1, float *tmp)
{
    int near = y / 2, far = vi_clampi(y % 2 ? near + 1 : near - 1, 0, half->h - 1);
    int a = x0 / 2, b = (x1 + 1) / 2, from = VI_MAX(a - 1, 0), to = VI_MIN(b + 1, half->w);
    const float *p = half->p + near * half->stride, *q = half->p + far * half->stride;
    float *row = tmp + 1; /* row[x - a + 1] is pixel x */
    quarters(row + (from - a + 1), p + from, q + from, to - from);
    if (a == 0)
        row[0] = row[1];
    if (b == half->w)
        row[b - a + 1] = row[b - a];
    spread(out + 2 * a, row + 1, b - a);
}
