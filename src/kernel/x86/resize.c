/* kernel/x86/resize.c: `resize` with AVX2: rows are weighted as in the plain version, columns by gathers, eight output
 * positions at a time, one gather per tap (halving: shuffles). */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"
#include "kernel/resize.h"
#include "kernel/x86/wide.h"

/* out[x] = sum k[t] rows[t][x]; out is padded to whole registers. */
static void mix_rows(float *out, const vi_plane *src, const vi_axis *ay, int j)
{
    int w = src->w, n = ay->count[j], x = 0;
    const float *s = vi_row(src, ay->first[j]), *k = ay->weight + j * ay->taps;
    ptrdiff_t stride = src->stride;
    for (; x + 16 <= w; x += 16) {
        __m256 c = _mm256_set1_ps(k[0]);
        __m256 a = _mm256_mul_ps(c, _mm256_loadu_ps(s + x)), b = _mm256_mul_ps(c, _mm256_loadu_ps(s + x + 8));
        for (int t = 1; t < n; t++) {
            c = _mm256_set1_ps(k[t]);
            a = _mm256_fmadd_ps(c, _mm256_loadu_ps(s + t * stride + x), a);
            b = _mm256_fmadd_ps(c, _mm256_loadu_ps(s + t * stride + x + 8), b);
        }
        _mm256_storeu_ps(out + x, a);
        _mm256_storeu_ps(out + x + 8, b);
    }
    for (; x < w; x += 8) {
        __m256i tail = wide_tail(w - x);
        __m256 v = _mm256_mul_ps(_mm256_set1_ps(k[0]), _mm256_maskload_ps(s + x, tail));
        for (int t = 1; t < n; t++)
            v = _mm256_fmadd_ps(_mm256_set1_ps(k[t]), _mm256_maskload_ps(s + t * stride + x, tail), v);
        _mm256_storeu_ps(out + x, v);
    }
}

/* Half the size in both directions: four neighbours at once, without the row in between. */
static void quarter(const vi_plane *dst, const vi_plane *src)
{
    const __m256 k = _mm256_set1_ps(0.25f);
    for (int j = 0; j < dst->h; j++) {
        const float *a = vi_row(src, 2 * j), *b = vi_row(src, 2 * j + 1);
        float *d = vi_row(dst, j);
        int i = 0;
        for (; i + 8 <= dst->w; i += 8) {
            __m256 p = _mm256_add_ps(_mm256_loadu_ps(a + 2 * i), _mm256_loadu_ps(b + 2 * i));
            __m256 q = _mm256_add_ps(_mm256_loadu_ps(a + 2 * i + 8), _mm256_loadu_ps(b + 2 * i + 8));
            __m256d s = _mm256_permute4x64_pd(_mm256_castps_pd(_mm256_hadd_ps(p, q)), 0xd8);
            _mm256_storeu_ps(d + i, _mm256_mul_ps(_mm256_castpd_ps(s), k));
        }
        for (; i < dst->w; i++)
            d[i] = (a[2 * i] + b[2 * i] + a[2 * i + 1] + b[2 * i + 1]) * 0.25f;
    }
}

/* Weights by tap: across[t * padded + i]; unused taps have weight 0. */
static float *weights_by_tap(const vi_axis *ax, int to, size_t padded, vi_arena *scratch)
{
    float *across = vi_arena_alloc(scratch, padded * (size_t)ax->taps * sizeof *across);
    if (!across)
        return NULL;
    memset(across, 0, padded * (size_t)ax->taps * sizeof *across);
    for (int t = 0; t < ax->taps; t++)
        for (int i = 0; i < to; i++)
            across[(size_t)t * padded + (size_t)i] = t < ax->count[i] ? ax->weight[i * ax->taps + t] : 0.0f;
    return across;
}

/* Growing: eight outputs lie between few neighbours. Where those fit into one register (`near`), two permutations of
 * it replace the gathers. */
static void grow_row(float *d, const float *row, const vi_axis *ax, const float *right, const bool *near, int n)
{
    const __m256i one = _mm256_set1_epi32(1);
    for (int i = 0; i < n; i += 8) {
        bool whole = i + 8 <= n;
        __m256i at = whole ? _mm256_loadu_si256((const __m256i *)(const void *)(ax->first + i))
                           : _mm256_maskload_epi32(ax->first + i, wide_tail(n - i));
        __m256 a, b;
        if (near[i >> 3]) {
            __m256 cell = _mm256_loadu_ps(row + ax->first[i]);
            __m256i k = _mm256_sub_epi32(at, _mm256_set1_epi32(ax->first[i]));
            a = _mm256_permutevar8x32_ps(cell, k);
            b = _mm256_permutevar8x32_ps(cell, _mm256_add_epi32(k, one));
        } else {
            wide_pairs(row, at, &a, &b);
        }
        a = wide_lerp(a, b, _mm256_loadu_ps(right + i));
        if (whole)
            _mm256_storeu_ps(d + i, a);
        else
            _mm256_maskstore_ps(d + i, wide_tail(n - i), a);
    }
}

static void halve_row(float *d, const float *row, int n)
{
    for (int i = 0; i < n; i += 8) {
        __m256 a = _mm256_loadu_ps(row + 2 * i), b = _mm256_loadu_ps(row + 2 * i + 8);
        __m256d s = _mm256_permute4x64_pd(_mm256_castps_pd(_mm256_hadd_ps(a, b)), 0xd8);
        _mm256_maskstore_ps(d + i, wide_tail(n - i), _mm256_mul_ps(_mm256_castpd_ps(s), _mm256_set1_ps(0.5f)));
    }
}

int VI_FN(resize)(const vi_plane *dst, const vi_plane *src, vi_arena *scratch)
{
    if (src->w == 2 * dst->w && src->h == 2 * dst->h) {
        quarter(dst, src);
        return VISO_OK;
    }
    size_t mark = vi_arena_mark(scratch), padded = ((size_t)dst->w + 7) & ~(size_t)7;
    vi_axis ax, ay;
    size_t line = (size_t)src->w + 32;
    float *row = vi_arena_alloc(scratch, line * sizeof *row), *across = NULL;
    if (row && axis_create(&ax, dst->w, src->w, scratch) && axis_create(&ay, dst->h, src->h, scratch))
        across = weights_by_tap(&ax, dst->w, padded, scratch);
    if (!across) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    memset(row, 0, line * sizeof *row); /* a lone source sample has a neighbour of weight 0 */
    bool *near = vi_arena_alloc(scratch, padded / 8 * sizeof *near);
    if (!near) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    for (int i = 0; i < dst->w; i += 8)
        near[i >> 3] = ax.first[VI_MIN(i + 7, dst->w - 1)] + 1 - ax.first[i] < 8;
    bool grows = src->w <= dst->w;
    __m256i last = _mm256_set1_epi32(src->w - 1);
    for (int j = 0; j < dst->h; j++) {
        float *d = vi_row(dst, j);
        mix_rows(row, src, &ay, j);
        if (src->w == 2 * dst->w || grows) {
            if (grows)
                grow_row(d, row, &ax, across + padded, near, dst->w);
            else
                halve_row(d, row, dst->w);
            continue;
        }
        for (int i = 0; i < dst->w; i += 8) {
            __m256i tail = wide_tail(dst->w - i), at = _mm256_maskload_epi32(ax.first + i, tail);
            __m256 v = _mm256_setzero_ps();
            for (int t = 0; t < ax.taps; t++) {
                __m256i index = _mm256_min_epi32(_mm256_add_epi32(at, _mm256_set1_epi32(t)), last);
                v = _mm256_fmadd_ps(_mm256_loadu_ps(across + (size_t)t * padded + i),
                                    _mm256_i32gather_ps(row, index, 4), v);
            }
            _mm256_maskstore_ps(d + i, tail, v);
        }
    }
    vi_arena_release(scratch, mark);
    return VISO_OK;
}
