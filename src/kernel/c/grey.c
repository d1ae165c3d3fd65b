/* kernel/c/grey.c: luma of a frame region as a float plane, and the pyramid that `flow` reads. Built once
 * per table; the inner loop of whole planes is written for AVX2 too. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/internal.h"
#include "kernel/reduce.h"

static inline float grey_fetch(const vi_comp *c, int x, int y)
{
    const uint8_t *p = c->p + y * c->stride + (ptrdiff_t)x * c->step;
    return c->bytes == 1 ? (float)*p : (float)(*(const uint16_t *)(const void *)p >> c->shift);
}

#ifdef __AVX2__
#include <immintrin.h>

/* Both neighbours of eight samples of one row from one gather of 32-bit windows. */
static inline void grey_pairs(const vi_comp *c, __m256i iu, __m256i row, __m256 *a, __m256 *b)
{
    const int *p = (const int *)(const void *)c->p;
    if (c->bytes == 2) {
        __m256i word = _mm256_i32gather_epi32(p, _mm256_add_epi32(row, _mm256_slli_epi32(iu, 1)), 1);
        __m128i shift = _mm_cvtsi32_si128(c->shift);
        *a = _mm256_cvtepi32_ps(_mm256_srl_epi32(_mm256_and_si256(word, _mm256_set1_epi32(0xffff)), shift));
        *b = _mm256_cvtepi32_ps(_mm256_srl_epi32(_mm256_srli_epi32(word, 16), shift));
        return;
    }
    /* The window stays inside the row; at its end the pair is further up in it. */
    __m256i from = _mm256_min_epi32(iu, _mm256_set1_epi32(c->w - 4)), byte = _mm256_set1_epi32(255);
    __m256i word = _mm256_i32gather_epi32(p, _mm256_add_epi32(row, from), 1);
    word = _mm256_srlv_epi32(word, _mm256_slli_epi32(_mm256_sub_epi32(iu, from), 3));
    *a = _mm256_cvtepi32_ps(_mm256_and_si256(word, byte));
    *b = _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(word, 8), byte));
}

/* The start of a row in steps of eight pixels; returns how many were done. */
static int grey_row_wide(const vi_comp *c, float u, float v, float du, float dv, float weight, float *out, int w)
{
    if (c->step != c->bytes || c->w < 4 || c->h < 2 || (int64_t)c->h * llabs(c->stride) > INT32_MAX)
        return 0;
    const __m256 zero = _mm256_setzero_ps(), right = _mm256_set1_ps((float)(c->w - 1)), bottom = _mm256_set1_ps((float)(c->h - 1));
    const __m256i stride = _mm256_set1_epi32((int)c->stride);
    int i = 0;
    for (; i + 8 <= w; i += 8) {
        __m256 at = _mm256_add_ps(_mm256_set1_ps((float)i), _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7));
        __m256 x = _mm256_min_ps(_mm256_max_ps(_mm256_fmadd_ps(at, _mm256_set1_ps(du), _mm256_set1_ps(u)), zero), right);
        __m256 y = _mm256_min_ps(_mm256_max_ps(_mm256_fmadd_ps(at, _mm256_set1_ps(dv), _mm256_set1_ps(v)), zero), bottom);
        __m256i iu = _mm256_min_epi32(_mm256_cvttps_epi32(x), _mm256_set1_epi32(c->w - 2));
        __m256i iv = _mm256_min_epi32(_mm256_cvttps_epi32(y), _mm256_set1_epi32(c->h - 2));
        __m256 fu = _mm256_sub_ps(x, _mm256_cvtepi32_ps(iu)), fv = _mm256_sub_ps(y, _mm256_cvtepi32_ps(iv));
        __m256i row = _mm256_mullo_epi32(iv, stride);
        __m256 a, b, e, f;
        grey_pairs(c, iu, row, &a, &b);
        grey_pairs(c, iu, _mm256_add_epi32(row, stride), &e, &f);
        a = _mm256_fmadd_ps(fu, _mm256_sub_ps(b, a), a);
        e = _mm256_fmadd_ps(fu, _mm256_sub_ps(f, e), e);
        a = _mm256_fmadd_ps(fv, _mm256_sub_ps(e, a), a);
        _mm256_storeu_ps(out + i, _mm256_fmadd_ps(a, _mm256_set1_ps(weight), _mm256_loadu_ps(out + i)));
    }
    return i;
}
#endif

/* Adds weight times the component to a row of the crop. */
static void grey_row(const vi_comp *c, const float *m, int j, float weight, float *out, int w)
{
    float x = m[0] * 0.5f + m[1] * ((float)j + 0.5f) + m[2], y = m[3] * 0.5f + m[4] * ((float)j + 0.5f) + m[5];
    float u = x * c->ax + c->bx - 0.5f, v = y * c->ay + c->by - 0.5f, du = m[0] * c->ax, dv = m[3] * c->ay;
    float right = (float)(c->w - 1), bottom = (float)(c->h - 1);
    int i = 0;
    weight *= c->scale;
#ifdef __AVX2__
    i = grey_row_wide(c, u, v, du, dv, weight, out, w);
#endif
    for (; i < w; i++) {
        float a = fminf(fmaxf(u + (float)i * du, 0.0f), right), b = fminf(fmaxf(v + (float)i * dv, 0.0f), bottom);
        int iu = (int)a, iv = (int)b, ju = iu + (iu + 1 < c->w), jv = iv + (iv + 1 < c->h);
        float fu = a - (float)iu, fv = b - (float)iv;
        float top = grey_fetch(c, iu, iv), low = grey_fetch(c, iu, jv);
        top += fu * (grey_fetch(c, ju, iv) - top);
        low += fu * (grey_fetch(c, ju, jv) - low);
        out[i] += weight * (top + fv * (low - top));
    }
}

int VI_FN(grey)(const vi_frame *f, const vi_colour_map *cm, const vi_affine *crop_to_frame, const vi_plane *out,
                vi_arena *scratch)
{
    static const float luma[3] = { 0.299f, 0.587f, 0.114f };
    const vi_format_info *fi = vi_format_describe(f->format);
    size_t mark = vi_arena_mark(scratch);
    vi_comp comp[3];
    int n = vi_frame_comps(f, cm, comp), factor = vi_shrink_factor(vi_affine_scale(crop_to_frame)), rc = VISO_OK;
    bool sum = n == 3 && !fi->yuv;
    n = sum ? 3 : 1;
    float max = (float)((1u << fi->depth) - 1);
    for (int i = 0; i < n && factor > 1 && !rc; i++) {
        int r[4];
        reduce_bounds(&comp[i], crop_to_frame, out->w, out->h, factor, factor, r);
        if (!reduce_comp(&comp[i], factor, factor, fi->depth, r[0], r[1], r[2], r[3], scratch))
            rc = VISO_ERR_NO_SPACE;
    }
    for (int j = 0; j < out->h && !rc; j++) {
        float *row = vi_row(out, j);
        memset(row, 0, (size_t)out->w * sizeof *row);
        for (int i = 0; i < n; i++)
            grey_row(&comp[i], crop_to_frame->m, j, (sum ? luma[i] : 1.0f) / max, row, out->w);
    }
    vi_arena_release(scratch, mark);
    return rc;
}

/* Repeats the edge into the margin. */
static void spread(const vi_plane *p)
{
    for (int y = 0; y < p->h; y++) {
        float *r = vi_row(p, y);
        for (int i = 1; i <= VI_FLOW_MARGIN; i++) {
            r[-i] = r[0];
            r[p->w - 1 + i] = r[p->w - 1];
        }
    }
    size_t bytes = (size_t)(p->w + 2 * VI_FLOW_MARGIN) * sizeof(float);
    for (int i = 1; i <= VI_FLOW_MARGIN; i++) {
        memcpy(vi_row(p, -i) - VI_FLOW_MARGIN, vi_row(p, 0) - VI_FLOW_MARGIN, bytes);
        memcpy(vi_row(p, p->h - 1 + i) - VI_FLOW_MARGIN, vi_row(p, p->h - 1) - VI_FLOW_MARGIN, bytes);
    }
}

void VI_FN(pyramid)(const vi_plane *level, int levels)
{
    for (int l = 0; l < levels; l++) {
        for (int y = 0; l && y < level[l].h; y++) {
            float *d = vi_row(&level[l], y);
            const float *a = vi_row(&level[l - 1], 2 * y), *b = vi_row(&level[l - 1], 2 * y + 1);
            for (int x = 0; x < level[l].w; x++)
                d[x] = 0.25f * (a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1]);
        }
        spread(&level[l]);
    }
}
