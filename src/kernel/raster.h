/* kernel/raster.h: set-up of one triangle, shared by the plain and the wide rasteriser. */
#ifndef VI_KERNEL_RASTER_H
#define VI_KERNEL_RASTER_H

#include <math.h>

#include "kernel/internal.h"

/* Barycentric coordinates are taken as inside down to this, so that rounding leaves no hole on a shared edge (at most
 * a few thousandths of a pixel for triangles of a face mesh). */
#define VI_RASTER_SLACK (-1e-5f)

typedef struct vi_triangle {
    int a, b, c;
    int x0, x1, y0, y1;       /* pixels whose centres can be inside, half-open */
    float ox, oy;             /* vertex a */
    float l1x, l1y, l2x, l2y; /* barycentric coordinates of b and c as functions of (x - ox, y - oy) */
    float at[3], per_y[3];    /* where the three coordinates are the slack: pixel index at[i] + per_y[i] (y - oy) */
    int side[3];              /* 1: inside to the right of it, -1: to the left, 0: no limit along a row */
} vi_triangle;

/* Whole part of v, kept within 0..most. */
static inline int raster_floor(float v, int most)
{
    return v < 1.0f ? 0 : v < (float)most ? (int)v : most;
}

/* false: nothing to draw. */
static inline bool triangle_setup(vi_triangle *t, const vi_raster *r, int index, int w, int h)
{
    const uint16_t *v = r->tri[index];
    t->a = v[0], t->b = v[1], t->c = v[2];
    if (t->a >= r->n_vert || t->b >= r->n_vert || t->c >= r->n_vert)
        return false;
    const float *a = r->xyz + 3 * t->a, *b = r->xyz + 3 * t->b, *c = r->xyz + 3 * t->c;
    float bx = b[0] - a[0], by = b[1] - a[1], cx = c[0] - a[0], cy = c[1] - a[1];
    float area = bx * cy - by * cx;
    if (!(fabsf(area) > 1e-9f) || !isfinite(area) || (r->cull_back && area * r->front <= 0.0f))
        return false;
    float k = 1.0f / area;
    t->ox = a[0], t->oy = a[1];
    t->l1x = cy * k, t->l1y = -cx * k;
    t->l2x = -by * k, t->l2y = bx * k;
    float k1[3] = { t->l1x, t->l2x, -t->l1x - t->l2x }, k2[3] = { t->l1y, t->l2y, -t->l1y - t->l2y };
    for (int i = 0; i < 3; i++) {
        t->side[i] = k1[i] > 1e-4f ? 1 : k1[i] < -1e-4f ? -1 : 0;
        float inv = t->side[i] ? 1.0f / k1[i] : 0.0f;
        t->at[i] = t->ox - 0.5f + (VI_RASTER_SLACK - (i == 2 ? 1.0f : 0.0f)) * inv;
        t->per_y[i] = -k2[i] * inv;
    }
    float lx = VI_MIN(a[0], VI_MIN(b[0], c[0])), hx = VI_MAX(a[0], VI_MAX(b[0], c[0]));
    float ly = VI_MIN(a[1], VI_MIN(b[1], c[1])), hy = VI_MAX(a[1], VI_MAX(b[1], c[1]));
    t->x0 = raster_floor(lx - 0.5f, w);
    t->y0 = raster_floor(ly - 0.5f, h);
    t->x1 = raster_floor(hx + 1.5f, w);
    t->y1 = raster_floor(hy + 1.5f, h);
    return t->x0 < t->x1 && t->y0 < t->y1;
}

/* Narrows the row's pixel interval to where the three barycentric coordinates can be inside. */
static inline void triangle_row(const vi_triangle *t, float dy, int *xa, int *xb)
{
    float lo = (float)t->x0, hi = (float)t->x1;
    for (int i = 0; i < 3; i++) {
        float x = t->at[i] + t->per_y[i] * dy;
        if (t->side[i] > 0)
            lo = VI_MAX(lo, x - 1.0f); /* a pixel of room for rounding */
        else if (t->side[i] < 0)
            hi = VI_MIN(hi, x + 3.0f);
    }
    *xa = (int)VI_MIN(lo, (float)t->x1);
    *xb = (int)VI_MAX(hi, (float)t->x0);
}

#endif
