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
} vi_triangle;

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
    float lx = fminf(a[0], fminf(b[0], c[0])), hx = fmaxf(a[0], fmaxf(b[0], c[0]));
    float ly = fminf(a[1], fminf(b[1], c[1])), hy = fmaxf(a[1], fmaxf(b[1], c[1]));
    t->x0 = (int)fmaxf(0.0f, fminf(floorf(lx - 0.5f), (float)w));
    t->y0 = (int)fmaxf(0.0f, fminf(floorf(ly - 0.5f), (float)h));
    t->x1 = (int)fmaxf(0.0f, fminf(ceilf(hx - 0.5f) + 1.0f, (float)w));
    t->y1 = (int)fmaxf(0.0f, fminf(ceilf(hy - 0.5f) + 1.0f, (float)h));
    return t->x0 < t->x1 && t->y0 < t->y1;
}

/* Narrows the row's pixel interval to where the three barycentric coordinates can be inside. */
static inline void triangle_row(const vi_triangle *t, float dy, int *xa, int *xb)
{
    float k[3] = { t->l1x, t->l2x, -t->l1x - t->l2x };
    float c[3] = { t->l1y * dy, t->l2y * dy, 1.0f - (t->l1y + t->l2y) * dy };
    float lo = (float)t->x0, hi = (float)t->x1;
    for (int i = 0; i < 3; i++) {
        if (fabsf(k[i]) < 1e-12f)
            continue;
        float x = t->ox + (VI_RASTER_SLACK - c[i]) / k[i] - 0.5f; /* pixel index where the coordinate is the slack */
        if (k[i] > 0.0f)
            lo = fmaxf(lo, floorf(x) - 1.0f);
        else
            hi = fminf(hi, ceilf(x) + 2.0f);
    }
    *xa = VI_MAX(t->x0, (int)fminf(lo, (float)t->x1));
    *xb = VI_MIN(t->x1, (int)fmaxf(hi, (float)t->x0));
}

#endif
