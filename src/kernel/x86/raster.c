/* kernel/x86/raster.c: the rasteriser with AVX2: eight pixels of a triangle's row at once, written under a mask. */
#include "kernel/raster.h"
#include "kernel/x86/wide.h"

enum { MAX_ATTR = 16 };

typedef struct vi_slopes {
    float a, b, c; /* value at the first vertex, differences to the other two */
} vi_slopes;

static inline __m256 interpolate(const vi_slopes *s, __m256 l1, __m256 l2)
{
    return _mm256_fmadd_ps(l1, _mm256_set1_ps(s->b), _mm256_fmadd_ps(l2, _mm256_set1_ps(s->c), _mm256_set1_ps(s->a)));
}

void VI_FN(raster)(const vi_raster *r, const vi_plane *attr, const vi_plane *zbuf, const vi_plane *cover,
                   const vi_plane *index)
{
    const __m256 slack = _mm256_set1_ps(VI_RASTER_SLACK), one = _mm256_set1_ps(1.0f);
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
            __m256 r1 = _mm256_set1_ps(t.l1y * dy), r2 = _mm256_set1_ps(t.l2y * dy);
            int xa, xb;
            triangle_row(&t, dy, &xa, &xb);
            for (int x = xa; x < xb; x += 8) {
                __m256 dx = _mm256_sub_ps(wide_centres(x), _mm256_set1_ps(t.ox));
                __m256 l1 = _mm256_fmadd_ps(dx, _mm256_set1_ps(t.l1x), r1),
                       l2 = _mm256_fmadd_ps(dx, _mm256_set1_ps(t.l2x), r2);
                __m256 l0 = _mm256_sub_ps(_mm256_sub_ps(one, l1), l2);
                __m256i tail = wide_tail(xb - x);
                __m256 in = _mm256_cmp_ps(_mm256_min_ps(_mm256_min_ps(l1, l2), l0), slack, _CMP_GE_OQ);
                __m256 depth = interpolate(&s[n_attr], l1, l2);
                in = _mm256_and_ps(in, _mm256_cmp_ps(depth, _mm256_maskload_ps(z + x, tail), _CMP_GT_OQ));
                in = _mm256_and_ps(in, _mm256_castsi256_ps(tail));
                if (_mm256_testz_ps(in, in))
                    continue;
                __m256i m = _mm256_castps_si256(in);
                _mm256_maskstore_ps(z + x, m, depth);
                for (int k = 0; k < n_attr; k++)
                    _mm256_maskstore_ps(vi_row(&attr[k], y) + x, m, interpolate(&s[k], l1, l2));
                if (cover)
                    _mm256_maskstore_ps(vi_row(cover, y) + x, m, one);
                if (index)
                    _mm256_maskstore_ps(vi_row(index, y) + x, m, _mm256_set1_ps((float)n));
            }
        }
    }
}
