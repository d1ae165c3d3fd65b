/* kernel/reduce.h: area pre-filter of `sample`: averages blocks of a frame's component into 16-bit words. Plain loops
 * over whole rows, which the compiler widens in each library. */
#ifndef VI_KERNEL_REDUCE_H
#define VI_KERNEL_REDUCE_H

#include <math.h>
#include <string.h>

#include "kernel/internal.h"

#ifdef __AVX2__
#include <immintrin.h>

/* 8-bit planar rows: the sums stay in registers, 16 columns at a time, in 16 bits (rows <= 256). Returns the columns done. */
static inline int reduce_rows_8(const uint8_t *p, ptrdiff_t stride, int n, int rows, uint32_t *acc)
{
    int x = 0;
    for (; x + 16 <= n; x += 16) {
        __m256i s = _mm256_setzero_si256();
        for (int y = 0; y < rows; y++)
            s = _mm256_add_epi16(
                s, _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(p + y * stride + x))));
        _mm256_storeu_si256((__m256i *)(void *)(acc + x), _mm256_cvtepu16_epi32(_mm256_castsi256_si128(s)));
        _mm256_storeu_si256((__m256i *)(void *)(acc + x + 8), _mm256_cvtepu16_epi32(_mm256_extracti128_si256(s, 1)));
    }
    return x;
}
#endif

/* acc[i] = acc[2 i] + acc[2 i + 1]: widths are powers of two, halving is quicker than summing runs. */
static inline void reduce_halve(uint32_t *acc, int n)
{
    int i = 0;
#ifdef __AVX2__
    for (; i + 8 <= n; i += 8) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(acc + 2 * i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(acc + 2 * i + 8));
        _mm256_storeu_si256((__m256i *)(void *)(acc + i), _mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xd8));
    }
#endif
    for (; i < n; i++)
        acc[i] = acc[2 * i] + acc[2 * i + 1];
}

/* Sums `rows` rows of n samples into acc. */
static inline void reduce_rows(const vi_comp *c, int x0, int n, int y0, int rows, uint32_t *restrict acc)
{
    memset(acc, 0, (size_t)n * sizeof *acc);
#ifdef __AVX2__
    if (c->bytes == 1 && c->step == 1 && rows <= 256) {
        const uint8_t *p = c->p + y0 * c->stride + x0;
        for (int x = reduce_rows_8(p, c->stride, n, rows, acc); x < n; x++)
            for (int y = 0; y < rows; y++)
                acc[x] += p[y * c->stride + x];
        return;
    }
#endif
    for (int y = y0; y < y0 + rows; y++) {
        const uint8_t *s8 = c->p + y * c->stride + (ptrdiff_t)x0 * c->step;
        const uint16_t *s16 = (const uint16_t *)(const void *)s8;
        int step = c->step / c->bytes;
        if (c->bytes == 1 && step == 1)
            for (int x = 0; x < n; x++)
                acc[x] += s8[x];
        else if (c->bytes == 1)
            for (int x = 0; x < n; x++)
                acc[x] += s8[x * step];
        else if (step == 1)
            for (int x = 0; x < n; x++)
                acc[x] += (uint32_t)(s16[x] >> c->shift);
        else
            for (int x = 0; x < n; x++)
                acc[x] += (uint32_t)(s16[x * step] >> c->shift);
    }
}

/* Replaces the component by its average over fx x fy blocks around the rectangle [u0, u1) x [v0, v1) of its samples.
 * false when the arena is full. */
static inline bool reduce_comp(vi_comp *c, int fx, int fy, int depth, int u0, int u1, int v0, int v1, vi_arena *a)
{
    u0 = u0 / fx * fx, v0 = v0 / fy * fy;
    int w = (u1 - u0 + fx - 1) / fx, h = (v1 - v0 + fy - 1) / fy;
    ptrdiff_t stride = ((ptrdiff_t)w + 31) & ~(ptrdiff_t)31;
    uint16_t *out = vi_arena_alloc(a, (size_t)stride * (size_t)h * 2);
    size_t mark = vi_arena_mark(a);
    uint32_t *acc = vi_arena_alloc(a, (size_t)(u1 - u0) * sizeof *acc);
    if (!out || !acc)
        return false;
    float up = (float)(1 << (16 - depth));
    for (int j = 0; j < h; j++) {
        int rows = VI_MIN(fy, v1 - v0 - j * fy);
        reduce_rows(c, u0, u1 - u0, v0 + j * fy, rows, acc);
        uint16_t *d = out + j * stride;
        int whole = (u1 - u0) / fx;
        float k = up / (float)(fx * rows);
        uint32_t rest = 0;
        for (int x = whole * fx; x < u1 - u0; x++)
            rest += acc[x];
        for (int t = 1; t < fx; t *= 2)
            reduce_halve(acc, whole * (fx / t / 2));
        for (int i = 0; i < whole; i++)
            d[i] = (uint16_t)((float)(int)acc[i] * k + 0.5f);
        if (whole < w)
            d[whole] = (uint16_t)((float)rest * up / (float)(rows * (u1 - u0 - whole * fx)) + 0.5f);
    }
    vi_arena_release(a, mark);
    c->p = (const uint8_t *)out;
    c->stride = stride * 2;
    c->w = w, c->h = h;
    c->step = c->bytes = 2;
    c->shift = 0;
    c->scale = 1.0f / up;
    c->ax /= (float)fx, c->bx = (c->bx - (float)u0) / (float)fx;
    c->ay /= (float)fy, c->by = (c->by - (float)v0) / (float)fy;
    return true;
}

/* Bounds of the crop's image in the frame, in samples of the component, with room for the taps. */
static inline void reduce_bounds(const vi_comp *c, const vi_affine *m, int w, int h, int fx, int fy, int r[4])
{
    double lo[2] = { 1e30, 1e30 }, hi[2] = { -1e30, -1e30 };
    for (int k = 0; k < 4; k++) {
        vi_point p = vi_affine_apply(m, k & 1 ? (float)w : 0.0f, k & 2 ? (float)h : 0.0f);
        double u = (double)(p.x * c->ax + c->bx), v = (double)(p.y * c->ay + c->by);
        lo[0] = fmin(lo[0], u), hi[0] = fmax(hi[0], u);
        lo[1] = fmin(lo[1], v), hi[1] = fmax(hi[1], v);
    }
    r[0] = (int)fmax(0.0, fmin(floor(lo[0]) - 2.0 * fx, c->w - 1.0));
    r[1] = (int)fmax(r[0] + 1.0, fmin(ceil(hi[0]) + 2.0 * fx, c->w));
    r[2] = (int)fmax(0.0, fmin(floor(lo[1]) - 2.0 * fy, c->h - 1.0));
    r[3] = (int)fmax(r[2] + 1.0, fmin(ceil(hi[1]) + 2.0 * fy, c->h));
}

/* Prepares the components for interpolation under the map; *factor receives the shrink taken out. */
static inline int reduce_frame(const vi_frame *f, const vi_colour_map *cm, const vi_affine *m, const vi_rgb *crop,
                               vi_comp comp[3], int *n, int *factor, vi_arena *a)
{
    *n = vi_frame_comps(f, cm, comp);
    *factor = vi_shrink_factor(vi_affine_scale(m));
    int depth = vi_format_describe(f->format)->depth;
    for (int i = 0; i<*n && * factor> 1; i++) {
        int fx = VI_MAX(1, (int)((float)*factor * comp[i].ax)), fy = VI_MAX(1, (int)((float)*factor * comp[i].ay)),
            r[4];
        if (fx == 1 && fy == 1)
            continue;
        reduce_bounds(&comp[i], m, crop->c[0].w, crop->c[0].h, fx, fy, r);
        if (!reduce_comp(&comp[i], fx, fy, depth, r[0], r[1], r[2], r[3], a))
            return VISO_ERR_NO_SPACE;
    }
    return VISO_OK;
}

#endif
