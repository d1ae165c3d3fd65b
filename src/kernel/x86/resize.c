/* kernel/x86/resize.c: `resize` with AVX2: rows are weighted as in the plain version, columns by gathers, eight output
 * positions at a time, one gather per tap (halving: shuffles). */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"
#include "kernel/resize.h"
#include "kernel/x86/wide.h"

static void mix_rows(float *out, const vi_plane *src, const vi_axis *ay, int j)
{
    int w = src->w, n = ay->count[j];
    const float *s = vi_row(src, ay->first[j]), *k = ay->weight + j * ay->taps;
    for (int x = 0; x < w; x += 8) {
        __m256i tail = wide_tail(w - x);
        __m256 v = _mm256_mul_ps(_mm256_set1_ps(k[0]), _mm256_maskload_ps(s + x, tail));
        for (int t = 1; t < n; t++)
            v = _mm256_fmadd_ps(_mm256_set1_ps(k[t]), _mm256_maskload_ps(s + t * src->stride + x, tail), v);
        _mm256_storeu_ps(out + x, v); /* the row is padded */
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
    for (int i = 0; i < n; i += 8) {
        __m256i tail = wide_tail(n - i), at = _mm256_maskload_epi32(ax->first + i, tail);
        __m256 a, b;
        if (near[i >> 3]) {
            __m256 cell = _mm256_loadu_ps(row + ax->first[i]);
            __m256i k = _mm256_sub_epi32(at, _mm256_set1_epi32(ax->first[i]));
            a = _mm256_permutevar8x32_ps(cell, k);
            b = _mm256_permutevar8x32_ps(cell, _mm256_add_epi32(k, _mm256_set1_epi32(1)));
        } else {
            wide_pairs(row, at, &a, &b);
        }
        _mm256_maskstore_ps(d + i, tail, wide_lerp(a, b, _mm256_loadu_ps(right + i)));
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
