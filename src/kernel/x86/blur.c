/* kernel/x86/blur.c: row functions of the blur in wide registers; the order of work is in kernel/blur.h. */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"
#include "kernel/x86/vec.h"
#include "kernel/x86/wide.h"
#include "kernel/blur.h"

static inline vf pair_sum(const float *a, const float *b)
{
    return v_add(v_load(a), v_load(b));
}

static void fir_rows(float *out, const float *const *up, const float *const *down, const float *g, int radius, int n)
{
    int x = 0;
    for (; x + 2 * VN <= n; x += 2 * VN) {
        vf c = v_set(g[0]), s = v_mul(c, v_load(up[0] + x)), t = v_mul(c, v_load(up[0] + x + VN));
        for (int k = 1; k <= radius; k++) {
            c = v_set(g[k]);
            s = v_fma(c, pair_sum(up[k] + x, down[k] + x), s);
            t = v_fma(c, pair_sum(up[k] + x + VN, down[k] + x + VN), t);
        }
        v_store(out + x, s);
        v_store(out + x + VN, t);
    }
    for (; x < n; x += VN) {
        vm part = m_first(n - x);
        vf s = v_mul(v_set(g[0]), v_load_part(up[0] + x, part));
        for (int k = 1; k <= radius; k++)
            s = v_fma(v_set(g[k]), v_add(v_load_part(up[k] + x, part), v_load_part(down[k] + x, part)), s);
        v_store_part(out + x, part, s);
    }
}

static void fir_row(float *out, const float *in, const float *g, int radius, int n)
{
    int x = 0;
    for (; x + 32 <= n; x += 32) {
        vf s[32 / VN];
        for (int q = 0; q < 32 / VN; q++)
            s[q] = v_mul(v_set(g[0]), v_load(in + x + VN * q));
        for (int k = 1; k <= radius; k++) {
            vf c = v_set(g[k]);
            for (int q = 0; q < 32 / VN; q++)
                s[q] = v_fma(c, pair_sum(in + x + VN * q - k, in + x + VN * q + k), s[q]);
        }
        for (int q = 0; q < 32 / VN; q++)
            v_store(out + x + VN * q, s[q]);
    }
    for (; x < n; x += VN) {
        vm part = m_first(n - x);
        vf s = v_mul(v_set(g[0]), v_load_part(in + x, part));
        for (int k = 1; k <= radius; k++)
            s = v_fma(v_set(g[k]), v_add(v_load_part(in + x - k, part), v_load_part(in + x + k, part)), s);
        v_store_part(out + x, part, s);
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

/* Rows [0, rows) of a register of columns. */
static inline vf sum_block(const float *s, ptrdiff_t ss, const float *m, ptrdiff_t ms, int rows)
{
    vf a = v_zero(), b = a;
    int y = 0;
    for (; y + 2 <= rows; y += 2) {
        vf p = v_load(s + y * ss), q = v_load(s + (y + 1) * ss);
        a = m ? v_fma(p, v_load(m + y * ms), a) : v_add(a, p);
        b = m ? v_fma(q, v_load(m + (y + 1) * ms), b) : v_add(b, q);
    }
    if (y < rows) {
        vf p = v_load(s + y * ss);
        a = m ? v_fma(p, v_load(m + y * ms), a) : v_add(a, p);
    }
    return v_add(a, b);
}

static void sum_rows(float *acc, const vi_plane *src, const vi_plane *w, int y0, int y1)
{
    int n = src->w, x = 0;
    const float *s = vi_row(src, y0), *m = w ? vi_row(w, y0) : NULL;
    ptrdiff_t ss = src->stride, ms = w ? w->stride : 0;
    if (m)
        for (; x + VN <= n; x += VN)
            v_store(acc + x, sum_block(s + x, ss, m + x, ms, y1 - y0));
    else
        for (; x + VN <= n; x += VN)
            v_store(acc + x, sum_block(s + x, ss, NULL, 0, y1 - y0));
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
