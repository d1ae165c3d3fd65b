/* kernel/x86/raster.c: the rasteriser in wide registers: the pixels of a triangle's row at once, written under a mask. */
#include "kernel/raster.h"
#include "kernel/x86/vec.h"

enum { MAX_ATTR = 16 };

typedef struct vi_slopes {
    float a, b, c; /* value at the first vertex, differences to the other two */
} vi_slopes;

static inline vf interpolate(const vi_slopes *s, vf l1, vf l2)
{
    return v_fma(l1, v_set(s->b), v_fma(l2, v_set(s->c), v_set(s->a)));
}

void VI_FN(raster)(const vi_raster *r, const vi_plane *attr, const vi_plane *zbuf, const vi_plane *cover,
                   const vi_plane *index)
{
    const vf slack = v_set(VI_RASTER_SLACK), one = v_set(1.0f);
    int n_attr = VI_MIN(r->n_attr, MAX_ATTR);
    for (int n = 0; n < r->n_tri; n++) {
        vi_triangle t;
        vi_slopes s[MAX_ATTR + 1];
        if (!triangle_setup(&t, r, n, zbuf->w, zbuf->h))
            continue;
        for (int k = 0; k <= n_attr; k++) { /* the last is the depth */
            const float *base = k < n_attr ? r->attr + k : r->xyz + 2;
            ptrdiff_t step = k < n_attr ? r->n_attr : 3;
            float a = base[t.a * step];
            s[k] = (vi_slopes){ a, base[t.b * step] - a, base[t.c * step] - a };
        }
        for (int y = t.y0; y < t.y1; y++) {
            float dy = (float)y + 0.5f - t.oy, *z = vi_row(zbuf, y);
            vf r1 = v_set(t.l1y * dy), r2 = v_set(t.l2y * dy);
            int xa, xb;
            triangle_row(&t, dy, &xa, &xb);
            for (int x = xa; x < xb; x += VN) {
                vf dx = v_sub(v_centres(x), v_set(t.ox));
                vf l1 = v_fma(dx, v_set(t.l1x), r1),
                       l2 = v_fma(dx, v_set(t.l2x), r2);
                vf l0 = v_sub(v_sub(one, l1), l2);
                vm tail = m_first(xb - x);
                vm in = m_and(v_le(slack, v_min(v_min(l1, l2), l0)), tail);
                vf depth = interpolate(&s[n_attr], l1, l2);
                in = m_and(in, v_gt(depth, v_load_part(z + x, tail)));
                if (m_none(in))
                    continue;
                v_store_part(z + x, in, depth);
                for (int k = 0; k < n_attr; k++)
                    v_store_part(vi_row(&attr[k], y) + x, in, interpolate(&s[k], l1, l2));
                if (cover)
                    v_store_part(vi_row(cover, y) + x, in, one);
                if (index)
                    v_store_part(vi_row(index, y) + x, in, v_set((float)n));
            }
        }
    }
}
