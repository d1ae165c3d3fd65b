/* kernel/x86/wide.h: small pieces that the AVX2 files share. */
#ifndef VI_KERNEL_WIDE_H
#define VI_KERNEL_WIDE_H

#include <immintrin.h>

/* First n lanes (0..8) set. */
static inline __m256i wide_tail(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* 0.5, 1.5 … 7.5: pixel centres from a start. */
static inline __m256 wide_centres(int x)
{
    return _mm256_add_ps(_mm256_set1_ps((float)x), _mm256_setr_ps(0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f, 7.5f));
}

/* Into [0, hi]; NaN becomes 0 (max returns its second operand then). */
static inline __m256 wide_clamp(__m256 v, __m256 hi)
{
    return _mm256_min_ps(_mm256_max_ps(v, _mm256_setzero_ps()), hi);
}

/* Share of a look-up at (x, y) that lies inside w x h, the ramp one unit wide. */
static inline __m256 wide_inside(__m256 x, __m256 y, __m256 w, __m256 h, __m256 ramp)
{
    __m256 half = _mm256_set1_ps(0.5f), one = _mm256_set1_ps(1.0f);
    __m256 a = _mm256_fmadd_ps(_mm256_min_ps(_mm256_sub_ps(w, x), x), ramp, half);
    __m256 b = _mm256_fmadd_ps(_mm256_min_ps(_mm256_sub_ps(h, y), y), ramp, half);
    return _mm256_mul_ps(wide_clamp(a, one), wide_clamp(b, one));
}

/* Two neighbouring floats at eight places (index in floats): left ones to *a, right ones to *b. Two gathers of four
 * 64-bit words cost half the loads of two gathers of eight floats. */
static inline void wide_pairs(const float *base, __m256i index, __m256 *a, __m256 *b)
{
    const double *p = (const double *)(const void *)base;
    __m256 lo = _mm256_castpd_ps(_mm256_i32gather_pd(p, _mm256_castsi256_si128(index), 4));
    __m256 hi = _mm256_castpd_ps(_mm256_i32gather_pd(p, _mm256_extracti128_si256(index, 1), 4));
    /* lo: a0 b0 a1 b1 | a2 b2 a3 b3 ; hi the same for 4..7 */
    __m256 x = _mm256_permute2f128_ps(lo, hi, 0x20), y = _mm256_permute2f128_ps(lo, hi, 0x31);
    /* x: 0 1 | 4 5, y: 2 3 | 6 7 */
    *a = _mm256_shuffle_ps(x, y, _MM_SHUFFLE(2, 0, 2, 0));
    *b = _mm256_shuffle_ps(x, y, _MM_SHUFFLE(3, 1, 3, 1));
}

/* Four registers of eight pixels each into four of two pixels, and back: the 4 x 4 transposition of both halves. */
static inline void wide_transpose(__m256 v[4])
{
    __m256 a = _mm256_unpacklo_ps(v[0], v[1]), b = _mm256_unpackhi_ps(v[0], v[1]);
    __m256 c = _mm256_unpacklo_ps(v[2], v[3]), d = _mm256_unpackhi_ps(v[2], v[3]);
    v[0] = _mm256_shuffle_ps(a, c, 0x44), v[1] = _mm256_shuffle_ps(a, c, 0xee);
    v[2] = _mm256_shuffle_ps(b, d, 0x44), v[3] = _mm256_shuffle_ps(b, d, 0xee);
}

/* Eight pixels of four planes, side by side, to 32 floats. */
static inline void wide_pack(float *q, __m256 v[4])
{
    wide_transpose(v); /* pixels 0 4, 1 5, 2 6, 3 7 */
    _mm256_storeu_ps(q, _mm256_permute2f128_ps(v[0], v[1], 0x20));
    _mm256_storeu_ps(q + 8, _mm256_permute2f128_ps(v[2], v[3], 0x20));
    _mm256_storeu_ps(q + 16, _mm256_permute2f128_ps(v[0], v[1], 0x31));
    _mm256_storeu_ps(q + 24, _mm256_permute2f128_ps(v[2], v[3], 0x31));
}

static inline __m256 wide_lerp(__m256 a, __m256 b, __m256 t)
{
    return _mm256_fmadd_ps(t, _mm256_sub_ps(b, a), a);
}

#endif
