/* kernel/x86/tensor.c: the edge of a network with AVX2: three planes woven into triples, eight pixels at a time, and the search
 * for the few values of an output that reach a threshold, 32 at a time. */
#include "kernel/internal.h"
#include "kernel/x86/wide.h"

/* Each plane is permuted once so that every third lane is where one of the three registers of the result wants it. */
static inline void weave(float *d, __m256 a, __m256 b, __m256 c)
{
    a = _mm256_permutevar8x32_ps(a, _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5));
    b = _mm256_permutevar8x32_ps(b, _mm256_setr_epi32(5, 0, 3, 6, 1, 4, 7, 2));
    c = _mm256_permutevar8x32_ps(c, _mm256_setr_epi32(2, 5, 0, 3, 6, 1, 4, 7));
    _mm256_storeu_ps(d, _mm256_blend_ps(_mm256_blend_ps(a, b, 0x92), c, 0x24));
    _mm256_storeu_ps(d + 8, _mm256_blend_ps(_mm256_blend_ps(a, b, 0x24), c, 0x49));
    _mm256_storeu_ps(d + 16, _mm256_blend_ps(_mm256_blend_ps(a, b, 0x49), c, 0x92));
}

void VI_FN(to_tensor_nhwc)(float *out, const vi_rgb *crop, const float scale[3], const float offset[3], bool bgr)
{
    int w = crop->c[0].w, h = crop->c[0].h;
    for (int y = 0; y < h; y++) {
        float *d = out + (size_t)y * (size_t)w * 3;
        const float *s[3];
        for (int c = 0; c < 3; c++)
            s[c] = vi_row(&crop->c[bgr ? 2 - c : c], y);
        int x = 0;
        for (; x + 8 <= w; x += 8) {
            __m256 v[3];
            for (int c = 0; c < 3; c++)
                v[c] = _mm256_fmadd_ps(_mm256_loadu_ps(s[c] + x), _mm256_set1_ps(scale[c]), _mm256_set1_ps(offset[c]));
            weave(d + (ptrdiff_t)3 * x, v[0], v[1], v[2]);
        }
        for (; x < w; x++)
            for (int c = 0; c < 3; c++)
                d[3 * x + c] = scale[c] * s[c][x] + offset[c];
    }
}

static inline int put_bits(uint32_t bits, int first, int32_t *at, int found, int max)
{
    for (; bits && found < max; bits &= bits - 1)
        at[found++] = first + __builtin_ctz(bits);
    return found;
}

static inline uint32_t mask_of(const float *v, __m256 least)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(v), least, _CMP_GE_OQ));
}

/* Lanes 0 2 4 6 of a, then of b, as eight neighbouring bits. */
static inline uint32_t even_mask(const float *v, __m256 least)
{
    __m256 a = _mm256_loadu_ps(v), b = _mm256_loadu_ps(v + 8);
    __m256 e = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0)); /* a0 a2 b0 b2 | a4 a6 b4 b6 */
    e = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(e), _MM_SHUFFLE(3, 1, 2, 0)));
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(e, least, _CMP_GE_OQ));
}

int VI_FN(above)(const float *v, int n, int step, float least, int32_t *at, int max)
{
    const __m256 t = _mm256_set1_ps(least);
    int found = 0, i = 0;
    if (step == 1)
        for (; i + 32 <= n && found < max; i += 32) {
            uint32_t bits = mask_of(v + i, t) | mask_of(v + i + 8, t) << 8 | mask_of(v + i + 16, t) << 16 |
                            mask_of(v + i + 24, t) << 24;
            if (bits)
                found = put_bits(bits, i, at, found, max);
        }
    /* The last group of a table of pairs may end with the first of its last pair: it is left to the plain loop. */
    if (step == 2)
        for (; i + 17 <= n && found < max; i += 16) {
            uint32_t bits = even_mask(v + (ptrdiff_t)2 * i, t) | even_mask(v + (ptrdiff_t)2 * i + 16, t) << 8;
            if (bits)
                found = put_bits(bits, i, at, found, max);
        }
    for (; i < n && found < max; i++)
        if (v[(ptrdiff_t)i * step] >= least)
            at[found++] = i;
    return found;
}
