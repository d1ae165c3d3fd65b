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
            s = _mm256_fmadd_ps(
                _mm256_set1_ps(g[k]),
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
                s[q] = _mm256_fmadd_ps(
                    c, _mm256_add_ps(_mm256_loadu_ps(in + x + 8 * q - k), _mm256_loadu_ps(in + x + 8 * q + k)), s[q]);
        }
        for (int q = 0; q < 4; q++)
            _mm256_storeu_ps(out + x + 8 * q, s[q]);
    }
    for (; x < n; x += 8) {
        __m256i tail = wide_tail(n - x);
        __m256 s = _mm256_mul_ps(_mm256_set1_ps(g[0]), _mm256_maskload_ps(in + x, tail));
        for (int k = 1; k <= radius; k++)
            s = _mm256_fmadd_ps(
                _mm256_set1_ps(g[k]),
                _mm256_add_ps(_mm256_maskload_ps(in + x - k, tail), _mm256_maskload_ps(in + x + k, tail)), s);
        _mm256_maskstore_ps(out + x, tail, s);
    }
}

/* Up to f = 8 the eight pixels of a block always lie the same way between their cells (at most six): the permutation and
 * the fractions are constants of the row. Beyond, a block lies between two cells. */
static void grow_row(float *out, const float *in, int f, int n)
{
    const __m256 step = _mm256_set1_ps(1.0f / (float)f), half = _mm256_set1_ps(0.5f);
    __m256 t = _mm256_fmsub_ps(wide_centres(0), step, half), whole = _mm256_floor_ps(t),
           fraction = _mm256_sub_ps(t, whole);
    __m256i i = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(1)),
            j = _mm256_add_epi32(i, _mm256_set1_epi32(1));
    for (int x = 0; x < n; x += 8) {
        __m256 a, b;
        if (f <= 8) { /* reads past the last cell, inside the caller's line, and does not use it */
            __m256 cell = _mm256_loadu_ps(in + x / f - 1);
            a = _mm256_permutevar8x32_ps(cell, i);
            b = _mm256_permutevar8x32_ps(cell, j);
        } else {
            int base = (x + f / 2) / f - 1;
            a = _mm256_broadcast_ss(in + base);
            b = _mm256_broadcast_ss(in + base + 1);
            fraction = _mm256_sub_ps(_mm256_fmsub_ps(wide_centres(x), step, half), _mm256_set1_ps((float)base));
        }
        __m256 v = wide_lerp(a, b, fraction);
        if (x + 8 <= n)
            _mm256_storeu_ps(out + x, v);
        else
            _mm256_maskstore_ps(out + x, wide_tail(n - x), v);
    }
}

/* Rows [0, rows) of eight columns. */
static inline __m256 sum_block(const float *s, ptrdiff_t ss, const float *m, ptrdiff_t ms, int rows)
{
    __m256 a = _mm256_setzero_ps(), b = a;
    int y = 0;
    for (; y + 2 <= rows; y += 2) {
        __m256 p = _mm256_loadu_ps(s + y * ss), q = _mm256_loadu_ps(s + (y + 1) * ss);
        a = m ? _mm256_fmadd_ps(p, _mm256_loadu_ps(m + y * ms), a) : _mm256_add_ps(a, p);
        b = m ? _mm256_fmadd_ps(q, _mm256_loadu_ps(m + (y + 1) * ms), b) : _mm256_add_ps(b, q);
    }
    if (y < rows) {
        __m256 p = _mm256_loadu_ps(s + y * ss);
        a = m ? _mm256_fmadd_ps(p, _mm256_loadu_ps(m + y * ms), a) : _mm256_add_ps(a, p);
    }
    return _mm256_add_ps(a, b);
}

static void sum_rows(float *acc, const vi_plane *src, const vi_plane *w, int y0, int y1)
{
    int n = src->w, x = 0;
    const float *s = vi_row(src, y0), *m = w ? vi_row(w, y0) : NULL;
    ptrdiff_t ss = src->stride, ms = w ? w->stride : 0;
    if (m)
        for (; x + 8 <= n; x += 8)
            _mm256_storeu_ps(acc + x, sum_block(s + x, ss, m + x, ms, y1 - y0));
    else
        for (; x + 8 <= n; x += 8)
            _mm256_storeu_ps(acc + x, sum_block(s + x, ss, NULL, 0, y1 - y0));
    for (; x < n; x++) {
        acc[x] = 0.0f;
        for (int y = 0; y < y1 - y0; y++)
            acc[x] += s[y * ss + x] * (m ? m[y * ms + x] : 1.0f);
    }
}

/* Halves in place as long as the run is longer than two: acc is scratch that the caller has done with. */
static void sum_cells(float *out, float *acc, int f, int cells, float k)
{
    for (int n = cells * (f / 2); f > 1; f /= 2, n /= 2) {
        float *to = f == 2 ? out : acc;
        __m256 scale = _mm256_set1_ps(f == 2 ? k : 1.0f);
        int i = 0;
        for (; i + 8 <= n; i += 8) {
            __m256 v = _mm256_hadd_ps(_mm256_loadu_ps(acc + 2 * i), _mm256_loadu_ps(acc + 2 * i + 8));
            v = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(v), 0xd8));
            _mm256_storeu_ps(to + i, _mm256_mul_ps(v, scale));
        }
        for (; i < n; i++)
            to[i] = (acc[2 * i] + acc[2 * i + 1]) * (f == 2 ? k : 1.0f);
    }
}
