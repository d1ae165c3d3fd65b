/* kernel/x86/flow.c: inner loop of `flow`: a row of the window is two registers, and since all samples of a window share their
 * fractions, interpolating is four unaligned loads and as many multiply-adds. */
#include <immintrin.h>

#include "kernel/flow.h"

static inline float sum8(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

static void flow_sums(const flow_window *t, const flow_place *at, float sum[4])
{
    __m256 w00 = _mm256_set1_ps(at->w00), w01 = _mm256_set1_ps(at->w01), w10 = _mm256_set1_ps(at->w10),
           w11 = _mm256_set1_ps(at->w11);
    __m256 x[2], y[2], s[2], q[2];
    for (int h = 0; h < 2; h++)
        x[h] = y[h] = s[h] = q[h] = _mm256_setzero_ps();
    for (int j = 0; j < FLOW_SIDE; j++) {
        const float *a = at->p + j * at->stride, *b = a + at->stride;
        for (int h = 0; h < 2; h++, a += 8, b += 8) {
            int o = j * FLOW_SIDE + 8 * h;
            __m256 d = _mm256_fnmadd_ps(w00, _mm256_loadu_ps(a), _mm256_load_ps(t->value + o));
            d = _mm256_fnmadd_ps(w01, _mm256_loadu_ps(a + 1), d);
            d = _mm256_fnmadd_ps(w10, _mm256_loadu_ps(b), d);
            d = _mm256_fnmadd_ps(w11, _mm256_loadu_ps(b + 1), d);
            x[h] = _mm256_fmadd_ps(d, _mm256_load_ps(t->gx + o), x[h]);
            y[h] = _mm256_fmadd_ps(d, _mm256_load_ps(t->gy + o), y[h]);
            s[h] = _mm256_add_ps(s[h], d);
            q[h] = _mm256_fmadd_ps(d, d, q[h]);
        }
    }
    sum[0] = sum8(_mm256_add_ps(x[0], x[1]));
    sum[1] = sum8(_mm256_add_ps(y[0], y[1]));
    sum[2] = sum8(_mm256_add_ps(s[0], s[1]));
    sum[3] = sum8(_mm256_add_ps(q[0], q[1]));
}
