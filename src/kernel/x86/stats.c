/* kernel/x86/stats.c: sums of a row for kernel/stats.h with AVX2. */
#include "kernel/stats.h"
#include "kernel/x86/wide.h"

static inline float total(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static void row_sums(float s[SUMS], const float *a, const float *b, const float *c, const float *w,
                     const float pivot[3], int n)
{
    __m256 t[SUMS], p0 = _mm256_set1_ps(pivot[0]), p1 = _mm256_set1_ps(pivot[1]), p2 = _mm256_set1_ps(pivot[2]);
    for (int i = 0; i < SUMS; i++)
        t[i] = _mm256_setzero_ps();
    for (int x = 0; x < n; x += 8) {
        __m256i tail = wide_tail(n - x);
        __m256 k = w ? _mm256_maskload_ps(w + x, tail) : _mm256_and_ps(_mm256_set1_ps(1.0f), _mm256_castsi256_ps(tail));
        __m256 on = _mm256_cmp_ps(k, _mm256_setzero_ps(), _CMP_GT_OQ);
        if (_mm256_testz_ps(on, on))
            continue;
        __m256i m = _mm256_castps_si256(on);
        /* lanes without weight read 0, minus the pivot, times weight 0 */
        __m256 p = _mm256_sub_ps(_mm256_maskload_ps(a + x, m), p0), q = _mm256_sub_ps(_mm256_maskload_ps(b + x, m), p1);
        __m256 r = _mm256_sub_ps(_mm256_maskload_ps(c + x, m), p2);
        __m256 kp = _mm256_mul_ps(k, p), kq = _mm256_mul_ps(k, q), kr = _mm256_mul_ps(k, r);
        t[0] = _mm256_add_ps(t[0], k);
        t[1] = _mm256_add_ps(t[1], kp);
        t[2] = _mm256_add_ps(t[2], kq);
        t[3] = _mm256_add_ps(t[3], kr);
        t[4] = _mm256_fmadd_ps(kp, p, t[4]);
        t[5] = _mm256_fmadd_ps(kp, q, t[5]);
        t[6] = _mm256_fmadd_ps(kp, r, t[6]);
        t[7] = _mm256_fmadd_ps(kq, q, t[7]);
        t[8] = _mm256_fmadd_ps(kq, r, t[8]);
        t[9] = _mm256_fmadd_ps(kr, r, t[9]);
    }
    for (int i = 0; i < SUMS; i++)
        s[i] = total(t[i]);
}
