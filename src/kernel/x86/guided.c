/* kernel/x86/guided.c: guided filter with AVX2. The four running sums of a column live in the lanes of one register (in
 * double, as in the plain version), so the sweep along a row is one addition per pixel; the division is done for
 * eight pixels at a time afterwards. */
#include <string.h>

#include "kernel/internal.h"
#include "kernel/x86/wide.h"

/* (I, p, I I, I p) of four pixels. */
static inline void moments4(const float *g, const float *p, int x, __m256d out[4])
{
    __m128 i = _mm_loadu_ps(g + x), v = _mm_loadu_ps(p + x);
    __m128 lo = _mm_unpacklo_ps(i, v), hi = _mm_unpackhi_ps(i, v);
    __m128 ii = _mm_mul_ps(i, i), iv = _mm_mul_ps(i, v);
    __m128 lo2 = _mm_unpacklo_ps(ii, iv), hi2 = _mm_unpackhi_ps(ii, iv);
    out[0] = _mm256_cvtps_pd(_mm_movelh_ps(lo, lo2));
    out[1] = _mm256_cvtps_pd(_mm_movehl_ps(lo2, lo));
    out[2] = _mm256_cvtps_pd(_mm_movelh_ps(hi, hi2));
    out[3] = _mm256_cvtps_pd(_mm_movehl_ps(hi2, hi));
}

static inline __m256d moments1(const float *g, const float *p, int x)
{
    float i = g[x], v = p[x];
    return _mm256_cvtps_pd(_mm_setr_ps(i, v, i * i, i * v));
}

/* col[x] += moments of row `in` minus those of row `out` (NULL: none). The same products enter and leave, so nothing
 * accumulates. */
static void move_window(__m256d *col, const float *gi, const float *pi, const float *go, const float *po, int w)
{
    int x = 0;
    for (; x + 4 <= w; x += 4) {
        __m256d t[4];
        if (gi) {
            moments4(gi, pi, x, t);
            for (int k = 0; k < 4; k++)
                col[x + k] = _mm256_add_pd(col[x + k], t[k]);
        }
        if (go) {
            moments4(go, po, x, t);
            for (int k = 0; k < 4; k++)
                col[x + k] = _mm256_sub_pd(col[x + k], t[k]);
        }
    }
    for (; x < w; x++) {
        if (gi)
            col[x] = _mm256_add_pd(col[x], moments1(gi, pi, x));
        if (go)
            col[x] = _mm256_sub_pd(col[x], moments1(go, po, x));
    }
}

/* One row: window sums, then (mean I, mean p, var, cov) to mom. col has radius + 1 columns of zeros on both sides;
 * per_col[x] is 1 / columns of the window. */
static void row_moments(float *mom, const __m256d *col, const double *per_col, int w, int radius, int rows)
{
    __m256d s = _mm256_setzero_pd(), per_row = _mm256_set1_pd(1.0 / rows);
    for (int x = 0; x < radius; x++)
        s = _mm256_add_pd(s, col[x]);
    for (int x = 0; x < w; x++) {
        s = _mm256_add_pd(s, _mm256_sub_pd(col[x + radius], col[x - radius - 1]));
        __m256d mean = _mm256_mul_pd(s, _mm256_mul_pd(per_row, _mm256_broadcast_sd(per_col + x)));
        __m128d low = _mm256_castpd256_pd128(mean);                                               /* I p */
        __m128d spread = _mm_fnmadd_pd(_mm_movedup_pd(low), low, _mm256_extractf128_pd(mean, 1)); /* var cov */
        _mm_storeu_ps(mom + 4 * x, _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(spread)));
    }
}

/* Slope and offset from the moments, interleaved: ab[2 x], ab[2 x + 1]. Reads and writes whole blocks of eight. */
static void solve(float *ab, const float *mom, int w, float eps)
{
    for (int x = 0; x < w; x += 8) {
        __m256 a = _mm256_loadu_ps(mom + 4 * x), b = _mm256_loadu_ps(mom + 4 * x + 8);
        __m256 c = _mm256_loadu_ps(mom + 4 * x + 16), d = _mm256_loadu_ps(mom + 4 * x + 24);
        /* pixels 0 1 | 2 3 | 4 5 | 6 7 -> one register per moment, order 0 2 4 6 | 1 3 5 7 */
        __m256 ab_lo = _mm256_unpacklo_ps(a, b), ab_hi = _mm256_unpackhi_ps(a, b);
        __m256 cd_lo = _mm256_unpacklo_ps(c, d), cd_hi = _mm256_unpackhi_ps(c, d);
        __m256 mi = _mm256_shuffle_ps(ab_lo, cd_lo, 0x44), mp = _mm256_shuffle_ps(ab_lo, cd_lo, 0xee);
        __m256 var = _mm256_shuffle_ps(ab_hi, cd_hi, 0x44), cov = _mm256_shuffle_ps(ab_hi, cd_hi, 0xee);
        __m256 den = _mm256_add_ps(_mm256_max_ps(var, _mm256_setzero_ps()), _mm256_set1_ps(eps));
        __m256 slope = _mm256_div_ps(cov, den), off = _mm256_fnmadd_ps(slope, mi, mp);
        /* lanes 0 2 4 6 | 1 3 5 7 back to pixel order, as pairs */
        __m256 p = _mm256_unpacklo_ps(slope, off), q = _mm256_unpackhi_ps(slope, off); /* 0 2 | 1 3, 4 6 | 5 7 */
        __m256d x0 = _mm256_permute4x64_pd(_mm256_castps_pd(p), 0xd8),
                x1 = _mm256_permute4x64_pd(_mm256_castps_pd(q), 0xd8);
        _mm256_storeu_ps(ab + 2 * x, _mm256_castpd_ps(x0));
        _mm256_storeu_ps(ab + 2 * x + 8, _mm256_castpd_ps(x1));
    }
}

/* Column sums of the pairs, two columns per register. */
static void move_pairs(double *col, const float *in, const float *out, int n)
{
    for (int i = 0; i < n; i += 4) {
        __m256d s = _mm256_loadu_pd(col + i);
        if (in)
            s = _mm256_add_pd(s, _mm256_cvtps_pd(_mm_loadu_ps(in + i)));
        if (out)
            s = _mm256_sub_pd(s, _mm256_cvtps_pd(_mm_loadu_ps(out + i)));
        _mm256_storeu_pd(col + i, s);
    }
}

/* Window means of the pairs to `sums`, then the line of every pixel; with `offset` the means themselves. */
static void apply_row(float *dst, float *offset, const float *guide, const double *col, const double *per_col, float *sums, int w,
                      int radius, int rows)
{
    __m128d s = _mm_setzero_pd(), per_row = _mm_set1_pd(1.0 / rows);
    for (int x = 0; x < radius; x++)
        s = _mm_add_pd(s, _mm_loadu_pd(col + 2 * x));
    for (int x = 0; x < w; x++) {
        s = _mm_add_pd(s, _mm_sub_pd(_mm_loadu_pd(col + 2 * (x + radius)), _mm_loadu_pd(col + 2 * (x - radius - 1))));
        __m128d mean = _mm_mul_pd(s, _mm_mul_pd(per_row, _mm_loaddup_pd(per_col + x)));
        _mm_storel_pi((__m64 *)(void *)(sums + 2 * x), _mm_cvtpd_ps(mean));
    }
    for (int x = 0; x < w && offset; x++) {
        dst[x] = sums[2 * x];
        offset[x] = sums[2 * x + 1];
    }
    for (int x = 0; x < w && !offset; x++)
        dst[x] = sums[2 * x] * guide[x] + sums[2 * x + 1];
}

static int filter(const vi_plane *dst, const vi_plane *offset, const vi_plane *guide, const vi_plane *src, int radius,
                  float eps, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    int w = dst->w, h = dst->h;
    radius = vi_clampi(radius, 0, w + h); /* a wider window sees nothing more */
    size_t wide = ((size_t)w + 15) & ~(size_t)7, side = ((size_t)radius + 4) & ~(size_t)3;
    float *ab = vi_arena_alloc(scratch, 2 * wide * (size_t)h * sizeof *ab);
    __m256d *margin = vi_arena_alloc(scratch, (wide + 2 * side) * sizeof *margin);
    float *mom = vi_arena_alloc(scratch, 4 * wide * sizeof *mom);
    double *per_col = vi_arena_alloc(scratch, wide * sizeof *per_col);
    if (!ab || !margin || !mom || !per_col) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    __m256d *col = margin + side;
    double *pairs = (double *)(void *)col;
    eps = eps > 1e-9f ? eps : 1e-9f;
    memset(margin, 0, (wide + 2 * side) * sizeof *margin);
    memset(mom, 0, 4 * wide * sizeof *mom);
    for (int x = 0; x < w; x++)
        per_col[x] = 1.0 / (VI_MIN(x + radius, w - 1) - VI_MAX(x - radius, 0) + 1);
    for (int y = -radius; y < h; y++) {
        int in = y + radius, out = y - radius - 1;
        move_window(col, in < h ? vi_row(guide, in) : NULL, in < h ? vi_row(src, in) : NULL,
                    out >= 0 ? vi_row(guide, out) : NULL, out >= 0 ? vi_row(src, out) : NULL, w);
        if (y >= 0) {
            row_moments(mom, col, per_col, w, radius, VI_MIN(in, h - 1) - VI_MAX(y - radius, 0) + 1);
            solve(ab + 2 * wide * (size_t)y, mom, w, eps);
        }
    }
    memset(margin, 0, (wide + 2 * side) * sizeof *margin);
    for (int y = -radius; y < h; y++) {
        int in = y + radius, out = y - radius - 1;
        move_pairs(pairs, in < h ? ab + 2 * wide * (size_t)in : NULL, out >= 0 ? ab + 2 * wide * (size_t)out : NULL,
                   2 * w);
        if (y >= 0)
            apply_row(vi_row(dst, y), offset ? vi_row(offset, y) : NULL, vi_row(guide, y), pairs, per_col, mom, w, radius,
                      VI_MIN(in, h - 1) - VI_MAX(y - radius, 0) + 1);
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
