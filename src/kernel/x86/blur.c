/* kernel/x86/blur.c: row functions of the blur with AVX2; the order of work is in kernel/blur.h. */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"
#include "kernel/x86/wide.h"
#include "kernel/blur.h"

static void fir_rows(float *out, const float *const *up, const float *const *down, const float *g, int radius, int n)
{
    int x = 0;
    for (; x + 16 <= n; x += 16) {
        __m256 c = _mm256_set1_ps(g[0]);
        __m256 s = _mm256_mul_ps(c, _mm256_loadu_ps(up[0] + x)), t = _mm256_mul_ps(c, _mm256_loadu_ps(up[0] + x + 8));
        for (int k = 1; k <= radius; k++) {
            c = _mm256_set1_ps(g[k]);
            s = _mm256_fmadd_ps(c, _mm256_add_ps(_mm256_loadu_ps(up[k] + x), _mm256_loadu_ps(down[k] + x)), s);
            t = _mm256_fmadd_ps(c, _mm256_add_ps(_mm256_loadu_ps(up[k] + x + 8), _mm256_loadu_ps(down[k] + x + 8)), t);
        }
        _mm256_storeu_ps(out + x, s);
        _mm256_storeu_ps(out + x + 8, t);
    }
    for (; x < n; x += 8) {
        __m256i tail = wide_tail(n - x);
        __m256 s = _mm256_mul_ps(_mm256_set1_ps(g[0]), _mm256_maskload_ps(up[0] + x, tail));
        for (int k = 1; k <= radius; k++)
            s = _mm256_fmadd_ps(_mm256_set1_ps(g[k]),
                                _mm256_add_ps(_mm256_maskload_ps(up[k] + x, tail), _mm256_maskload_ps(down[k] + x, tail)), s);
        _mm256_maskstore_ps(out + x, tail, s);
    }
}

static void fir_row(float *out, const float *in, const float *g, int radius, int n)
{
    int x = 0;
    for (; x + 32 <= n; x += 32) {
        __m256 s[4];
        for (int q = 0; q < 4; q++)
            s[q] = _mm256_mul_ps(_mm256_set1_ps(g[0]), _mm256_loadu_ps(in + x + 8 * q));
        for (int k = 1; k <= radius; k++) {
            __m256 c = _mm256_set1_ps(g[k]);
            for (int q = 0; q < 4; q++)
                s[q] = _mm256_fmadd_ps(c, _mm256_add_ps(_mm256_loadu_ps(in + x + 8 * q - k), _mm256_loadu_ps(in + x + 8 * q + k)),
                                       s[q]);
        }
        for (int q = 0; q < 4; q++)
            _mm256_storeu_ps(out + x + 8 * q, s[q]);
    }
    for (; x < n; x += 8) {
        __m256i tail = wide_tail(n - x);
        __m256 s = _mm256_mul_ps(_mm256_set1_ps(g[0]), _mm256_maskload_ps(in + x, tail));
        for (int k = 1; k <= radius; k++)
            s = _mm256_fmadd_ps(_mm256_set1_ps(g[k]),
                                _mm256_add_ps(_mm256_maskload_ps(in + x - k, tail), _mm256_maskload_ps(in + x + k, tail)), s);
        _mm256_maskstore_ps(out + x, tail, s);
    }
}

/* Eight pixels lie between at most six cells (f = 2): one load, two permutations by an index that depends on x mod f. */
static void grow_row(float *out, const float *in, int f, int n)
{
    const __m256 step = _mm256_set1_ps(1.0f / (float)f), half = _mm256_set1_ps(0.5f);
    int cells = (n + f - 1) / f + 1; /* in[-1] .. in[cells - 1] exist */
    for (int x = 0; x < n; x += 8) {
        int base = (x + f / 2) / f - 1;
        __m256 t = _mm256_fmsub_ps(wide_centres(x), step, half);
        __m256 whole = _mm256_floor_ps(t);
        __m256i i = _mm256_sub_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(base));
        __m256 cell = _mm256_maskload_ps(in + base, wide_tail(cells - base));
        __m256 a = _mm256_permutevar8x32_ps(cell, i);
        __m256 b = _mm256_permutevar8x32_ps(cell, _mm256_add_epi32(i, _mm256_set1_epi32(1)));
        __m256 v = wide_lerp(a, b, _mm256_sub_ps(t, whole));
        if (x + 8 <= n)
            _mm256_storeu_ps(out + x, v);
        else
            _mm256_maskstore_ps(out + x, wide_tail(n - x), v);
    }
}
