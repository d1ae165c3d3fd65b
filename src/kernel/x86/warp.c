/* kernel/x86/warp.c: look-up of planes with AVX2. Bilinear gathers pairs of floats; bicubic loads four floats of a
 * row at a time and weighs whole rows first, so that sixteen taps cost four loads. */
#include <math.h>

#include "kernel/internal.h"
#include "kernel/x86/wide.h"

typedef struct vi_place {
    __m256 u, v;   /* clamped index coordinates */
    __m256 inside; /* factor for a zero border */
} vi_place;

/* All planes of a call share size, and nearly always stride: then one index serves them all. */
static inline void bilinear8(const vi_plane *dst, const vi_plane *src, int n, const vi_place *at, int j, int i,
                             __m256i tail)
{
    __m256i iu = _mm256_min_epi32(_mm256_cvttps_epi32(at->u), _mm256_set1_epi32(src->w - 2));
    __m256i iv = _mm256_min_epi32(_mm256_cvttps_epi32(at->v), _mm256_set1_epi32(src->h - 2));
    __m256 fu = _mm256_sub_ps(at->u, _mm256_cvtepi32_ps(iu)), fv = _mm256_sub_ps(at->v, _mm256_cvtepi32_ps(iv));
    for (int k = 0; k < n; k++) {
        __m256i stride = _mm256_set1_epi32((int)src[k].stride);
        __m256i index = _mm256_add_epi32(_mm256_mullo_epi32(iv, stride), iu);
        __m256 a, b, c, d;
        wide_pairs(src[k].p, index, &a, &b);
        wide_pairs(src[k].p, _mm256_add_epi32(index, stride), &c, &d);
        __m256 v = _mm256_mul_ps(wide_lerp(wide_lerp(a, b, fu), wide_lerp(c, d, fu), fv), at->inside);
        _mm256_maskstore_ps(vi_row(&dst[k], j) + i, tail, v);
    }
}

/* Catmull-Rom weights of the taps at -1, 0, 1, 2. */
static inline void cubic(__m256 t, __m256 w[4])
{
    const __m256 h = _mm256_set1_ps(0.5f), one = _mm256_set1_ps(1.0f);
    __m256 t2 = _mm256_mul_ps(t, t);
    w[0] = _mm256_mul_ps(t, _mm256_fmadd_ps(t, _mm256_fnmadd_ps(t, h, one), _mm256_set1_ps(-0.5f)));
    w[1] = _mm256_fmadd_ps(t2, _mm256_fmadd_ps(t, _mm256_set1_ps(1.5f), _mm256_set1_ps(-2.5f)), one);
    w[2] = _mm256_mul_ps(t, _mm256_fmadd_ps(t, _mm256_fnmadd_ps(t, _mm256_set1_ps(1.5f), _mm256_set1_ps(2.0f)), h));
    w[3] = _mm256_mul_ps(t2, _mm256_fmadd_ps(t, h, _mm256_set1_ps(-0.5f)));
}

/* The window of four samples is pulled into [0, size); taps that the border would repeat pass their weight on to the
 * sample that they repeat. Returns the windows' first indices. */
static inline __m256i fold(__m256 w[4], __m256i i, int size)
{
    const __m256 zero = _mm256_setzero_ps();
    __m256 left = _mm256_castsi256_ps(_mm256_cmpeq_epi32(i, _mm256_setzero_si256()));
    __m256 right = _mm256_castsi256_ps(_mm256_cmpeq_epi32(i, _mm256_set1_epi32(size - 2)));
    __m256 end = _mm256_castsi256_ps(_mm256_cmpeq_epi32(i, _mm256_set1_epi32(size - 1)));
    __m256 a = w[0], b = w[1], c = w[2], d = w[3], cd = _mm256_add_ps(c, d);
#define THREE(inside, l, r, e) _mm256_blendv_ps(_mm256_blendv_ps(_mm256_blendv_ps(inside, l, left), r, right), e, end)
    w[0] = THREE(a, _mm256_add_ps(a, b), zero, zero);
    w[1] = THREE(b, c, a, zero);
    w[2] = THREE(c, d, b, a);
    w[3] = THREE(d, zero, cd, _mm256_add_ps(b, cd));
#undef THREE
    i = _mm256_max_epi32(_mm256_sub_epi32(i, _mm256_set1_epi32(1)), _mm256_setzero_si256());
    return _mm256_min_epi32(i, _mm256_set1_epi32(size - 4));
}

/* Pixel x of the low and of the high half: four floats of a row each. */
static inline __m256 rows_of(const float *p, const int *offset, int x)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + offset[x])), _mm_loadu_ps(p + offset[x + 4]),
                                1);
}

/* A register holds the windows' rows of pixels x and x + 4; the weights come out of a transposition in just that order. */
static inline void bicubic8(const vi_plane *dst, const vi_plane *src, int n, const vi_place *at, int j, int i,
                            __m256i tail)
{
    __m256i iu = _mm256_cvttps_epi32(at->u), iv = _mm256_cvttps_epi32(at->v), one = _mm256_set1_epi32(1);
    __m256i out = _mm256_or_si256(_mm256_cmpgt_epi32(one, iu), _mm256_cmpgt_epi32(iu, _mm256_set1_epi32(src->w - 3)));
    out = _mm256_or_si256(out, _mm256_cmpgt_epi32(one, iv));
    out = _mm256_or_si256(out, _mm256_cmpgt_epi32(iv, _mm256_set1_epi32(src->h - 3)));
    __m256 u[4], v[4], across[4];
    cubic(_mm256_sub_ps(at->u, _mm256_cvtepi32_ps(iu)), u);
    cubic(_mm256_sub_ps(at->v, _mm256_cvtepi32_ps(iv)), v);
    if (_mm256_testz_si256(out, out)) {
        iu = _mm256_sub_epi32(iu, one);
        iv = _mm256_sub_epi32(iv, one);
    } else {
        iu = fold(u, iu, src->w);
        iv = fold(v, iv, src->h);
    }
    __m256 a = _mm256_unpacklo_ps(u[0], u[1]), b = _mm256_unpackhi_ps(u[0], u[1]);
    __m256 c = _mm256_unpacklo_ps(u[2], u[3]), d = _mm256_unpackhi_ps(u[2], u[3]);
    across[0] = _mm256_shuffle_ps(a, c, 0x44), across[1] = _mm256_shuffle_ps(a, c, 0xee);
    across[2] = _mm256_shuffle_ps(b, d, 0x44), across[3] = _mm256_shuffle_ps(b, d, 0xee);
    for (int k = 0; k < n; k++) {
        int offset[8];
        ptrdiff_t stride = src[k].stride;
        const float *p = src[k].p;
        __m256 s[4];
        _mm256_storeu_si256((__m256i *)(void *)offset,
                            _mm256_add_epi32(_mm256_mullo_epi32(iv, _mm256_set1_epi32((int)stride)), iu));
#define PAIR(x)                                                                                                        \
    s[x] = _mm256_mul_ps(_mm256_permute_ps(v[0], 0x55 * x), rows_of(p, offset, x));                                    \
    s[x] = _mm256_fmadd_ps(_mm256_permute_ps(v[1], 0x55 * x), rows_of(p + stride, offset, x), s[x]);                   \
    s[x] = _mm256_fmadd_ps(_mm256_permute_ps(v[2], 0x55 * x), rows_of(p + 2 * stride, offset, x), s[x]);               \
    s[x] = _mm256_fmadd_ps(_mm256_permute_ps(v[3], 0x55 * x), rows_of(p + 3 * stride, offset, x), s[x]);               \
    s[x] = _mm256_mul_ps(s[x], across[x])
        PAIR(0);
        PAIR(1);
        PAIR(2);
        PAIR(3);
#undef PAIR
        __m256 sum = _mm256_hadd_ps(_mm256_hadd_ps(s[0], s[1]), _mm256_hadd_ps(s[2], s[3]));
        _mm256_maskstore_ps(vi_row(&dst[k], j) + i, tail, _mm256_mul_ps(sum, at->inside));
    }
}

static inline void put_place(const vi_plane *dst, const vi_plane *src, int n, const vi_place *at, int j, int i,
                             vi_filter filter)
{
    if (filter == VI_FILTER_BICUBIC)
        bicubic8(dst, src, n, at, j, i, wide_tail(dst->w - i));
    else
        bilinear8(dst, src, n, at, j, i, wide_tail(dst->w - i));
}

static bool wide_enough(const vi_plane *src, vi_filter filter)
{
    int least = filter == VI_FILTER_BICUBIC ? 4 : 2;
    return src->w >= least && src->h >= least;
}

static inline __m256 index_of(__m256 x, int size)
{
    return wide_clamp(_mm256_sub_ps(x, _mm256_set1_ps(0.5f)), _mm256_set1_ps((float)(size - 1)));
}

void VI_FN(remap)(const vi_plane *dst, const vi_plane *src, int n, const vi_plane *mx, const vi_plane *my,
                  vi_filter filter)
{
    if (n <= 0)
        return;
    if (!wide_enough(src, filter)) {
        vi_c_remap(dst, src, n, mx, my, filter);
        return;
    }
    for (int j = 0; j < dst->h; j++)
        for (int i = 0; i < dst->w; i += 8) {
            __m256i tail = wide_tail(dst->w - i);
            vi_place at = { index_of(_mm256_maskload_ps(vi_row(mx, j) + i, tail), src->w),
                            index_of(_mm256_maskload_ps(vi_row(my, j) + i, tail), src->h), _mm256_set1_ps(1.0f) };
            put_place(dst, src, n, &at, j, i, filter);
        }
}

void VI_FN(warp)(const vi_plane *dst, const vi_plane *src, int n, const vi_affine *dst_to_src, vi_filter filter,
                 vi_border border)
{
    const float *m = dst_to_src->m;
    if (n <= 0)
        return;
    if (!wide_enough(src, filter)) {
        vi_c_warp(dst, src, n, dst_to_src, filter, border);
        return;
    }
    __m256 w = _mm256_set1_ps((float)src->w), h = _mm256_set1_ps((float)src->h), one = _mm256_set1_ps(1.0f);
    for (int j = 0; j < dst->h; j++) {
        __m256 bx = _mm256_set1_ps(m[1] * ((float)j + 0.5f) + m[2]),
               by = _mm256_set1_ps(m[4] * ((float)j + 0.5f) + m[5]);
        for (int i = 0; i < dst->w; i += 8) {
            __m256 c = wide_centres(i);
            __m256 x = _mm256_fmadd_ps(c, _mm256_set1_ps(m[0]), bx), y = _mm256_fmadd_ps(c, _mm256_set1_ps(m[3]), by);
            vi_place at = { index_of(x, src->w), index_of(y, src->h),
                            border == VI_BORDER_ZERO ? wide_inside(x, y, w, h, one) : one };
            put_place(dst, src, n, &at, j, i, filter);
        }
    }
}
