/* kernel/c/raster.c: triangles with a z-buffer and up to 16 interpolated attributes. */
#include "kernel/raster.h"

void VI_FN(raster)(const vi_raster *r, const vi_plane *attr, const vi_plane *zbuf, const vi_plane *cover,
                   const vi_plane *index)
{
    for (int n = 0; n < r->n_tri; n++) {
        vi_triangle t;
        if (!triangle_setup(&t, r, n, zbuf->w, zbuf->h))
            continue;
        float za = r->xyz[3 * t.a + 2], zb = r->xyz[3 * t.b + 2] - za, zc = r->xyz[3 * t.c + 2] - za;
        const float *va = r->attr + (ptrdiff_t)t.a * r->n_attr, *vb = r->attr + (ptrdiff_t)t.b * r->n_attr;
        const float *vc = r->attr + (ptrdiff_t)t.c * r->n_attr;
        for (int y = t.y0; y < t.y1; y++) {
            float dy = (float)y + 0.5f - t.oy, *z = vi_row(zbuf, y);
            int xa, xb;
            triangle_row(&t, dy, &xa, &xb);
            for (int x = xa; x < xb; x++) {
                float dx = (float)x + 0.5f - t.ox;
                float l1 = t.l1x * dx + t.l1y * dy, l2 = t.l2x * dx + t.l2y * dy;
                float depth = za + l1 * zb + l2 * zc;
                if (l1 < VI_RASTER_SLACK || l2 < VI_RASTER_SLACK || 1.0f - l1 - l2 < VI_RASTER_SLACK || !(depth > z[x]))
                    continue;
                z[x] = depth;
                for (int k = 0; k < r->n_attr; k++)
                    vi_row(&attr[k], y)[x] = va[k] + l1 * (vb[k] - va[k]) + l2 * (vc[k] - va[k]);
                if (cover)
                    vi_row(cover, y)[x] = 1.0f;
                if (index)
                    vi_row(index, y)[x] = (float)n;
            }
        }
    }
}
