/* kernel/x86/quad.c: packed pictures in wide registers. The four taps of a row with all their values are sixteen floats in a row:
 * one load (AVX2: two) takes them, so that the sixteen taps of a pixel cost four loads for all its values. */
#include <math.h>

#include "kernel/internal.h"
#include "kernel/x86/vec.h"
#include "kernel/x86/wide.h"

void VI_FN(pack)(const vi_quad *dst, const vi_plane *src, int n)
{
    for (int y = 0; y < dst->h; y++) {
        float *q = dst->p + 4 * y * dst->stride;
        int x = 0;
        for (; x + 8 <= dst->w; x += 8, q += 32) {
            __m256 v[4];
            for (int c = 0; c < 4; c++)
                v[c] = c < n ? _mm256_loadu_ps(vi_row(&src[c], y) + x) : _mm256_setzero_ps();
            wide_pack(q, v);
        }
        for (; x < dst->w; x++, q += 4)
            for (int c = 0; c < 4; c++)
                q[c] = c < n ? vi_row(&src[c], y)[x] : 0.0f;
    }
}

/* Catmull-Rom weights of the taps at -1, 0, 1, 2. */
static inline void cubic(vf t, vf w[4])
{
    const vf h = v_set(0.5f), one = v_set(1.0f);
    vf t2 = v_mul(t, t);
    w[0] = v_mul(t, v_fma(t, v_fnma(t, h, one), v_set(-0.5f)));
    w[1] = v_fma(t2, v_fma(t, v_set(1.5f), v_set(-2.5f)), one);
    w[2] = v_mul(t, v_fma(t, v_fnma(t, v_set(1.5f), v_set(2.0f)), h));
    w[3] = v_mul(t2, v_fma(t, h, v_set(-0.5f)));
}

/* The window of four samples is pulled into [0, size); taps that the border would repeat pass their weight on to the
 * sample that they repeat. Returns the windows' first indices. */
static inline vw fold(vf w[4], vw i, int size)
{
    const vf zero = v_zero();
    vm left = w_eq(i, w_set(0)), right = w_eq(i, w_set(size - 2)), end = w_eq(i, w_set(size - 1));
    vf a = w[0], b = w[1], c = w[2], d = w[3], cd = v_add(c, d);
#define THREE(inside, l, r, e) v_choose(end, v_choose(right, v_choose(left, inside, l), r), e)
    w[0] = THREE(a, v_add(a, b), zero, zero);
    w[1] = THREE(b, c, a, zero);
    w[2] = THREE(c, d, b, a);
    w[3] = THREE(d, zero, cd, v_add(b, cd));
#undef THREE
    return w_min(w_max(w_sub(i, w_set(1)), w_set(0)), w_set(size - 4));
}

/* Where a register of pixels looks: offsets of the windows' first values, weights by pixel (across) and by row (down). */
typedef struct vi_windows {
    int offset[VN];
    float across[4][VN]; /* of pixel i: four from [i & 3][i & ~3] on */
    float down[4][VN];
} vi_windows;

static inline vf index_of(vf x, int size)
{
    return v_clamp(v_sub(x, v_set(0.5f)), v_set((float)(size - 1)));
}

static inline void find_windows(vi_windows *at, const vi_quad *src, vf x, vf y)
{
    vf u = index_of(x, src->w), v = index_of(y, src->h), across[4], down[4];
    vw iu = v_whole(u), iv = v_whole(v);
    cubic(v_sub(u, w_float(iu)), across);
    cubic(v_sub(v, w_float(iv)), down);
    iu = fold(across, iu, src->w);
    iv = fold(down, iv, src->h);
    w_store(at->offset, w_left(w_add(w_mul(iv, w_set((int)src->stride)), iu), 2));
    for (int k = 0; k < 4; k++)
        v_store(at->down[k], down[k]);
    v_transpose(across);
    for (int k = 0; k < 4; k++)
        v_store(at->across[k], across[k]);
}

static inline __m128 look(const vi_quad *src, const vi_windows *at, int i)
{
    const float *q = src->p + at->offset[i];
    ptrdiff_t row = 4 * src->stride;
    __m128 across = _mm_loadu_ps(at->across[i & 3] + (i & ~3));
#ifdef VI_AVX512
    const __m512i tap = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    __m512 sum = _mm512_mul_ps(_mm512_loadu_ps(q), _mm512_set1_ps(at->down[0][i]));
    for (int k = 1; k < 4; k++)
        sum = _mm512_fmadd_ps(_mm512_loadu_ps(q + k * row), _mm512_set1_ps(at->down[k][i]), sum);
    sum = _mm512_mul_ps(sum, _mm512_permutevar_ps(_mm512_broadcast_f32x4(across), tap));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(sum), _mm512_extractf32x8_ps(sum, 1));
#else
    __m256 lo = _mm256_mul_ps(_mm256_loadu_ps(q), _mm256_set1_ps(at->down[0][i]));
    __m256 hi = _mm256_mul_ps(_mm256_loadu_ps(q + 8), _mm256_set1_ps(at->down[0][i]));
    for (int k = 1; k < 4; k++) {
        __m256 w = _mm256_set1_ps(at->down[k][i]);
        lo = _mm256_fmadd_ps(_mm256_loadu_ps(q + k * row), w, lo);
        hi = _mm256_fmadd_ps(_mm256_loadu_ps(q + k * row + 8), w, hi);
    }
    __m256 both = _mm256_insertf128_ps(_mm256_castps128_ps256(across), across, 1);
    lo = _mm256_mul_ps(lo, _mm256_permutevar_ps(both, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)));
    hi = _mm256_mul_ps(hi, _mm256_permutevar_ps(both, _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3)));
    __m256 half = _mm256_add_ps(lo, hi);
#endif
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

/* Pixels k, k + 4 … in the order that v_transpose takes. */
static inline vf look_every_fourth(const vi_quad *src, const vi_windows *at, int k)
{
    __m256 lo = _mm256_insertf128_ps(_mm256_castps128_ps256(look(src, at, k)), look(src, at, k + 4), 1);
#ifdef VI_AVX512
    __m256 hi = _mm256_insertf128_ps(_mm256_castps128_ps256(look(src, at, k + 8)), look(src, at, k + 12), 1);
    return _mm512_insertf32x8(_mm512_castps256_ps512(lo), hi, 1);
#else
    return lo;
#endif
}

void VI_FN(remap_quad)(const vi_plane *dst, const vi_quad *src, int n, const vi_plane *mx, const vi_plane *my)
{
    if (src->w < 4 || src->h < 4) {
        vi_c_remap_quad(dst, src, n, mx, my);
        return;
    }
    for (int j = 0; n > 0 && j < dst->h; j++)
        for (int i = 0; i < dst->w; i += VN) {
            vm part = m_first(dst->w - i);
            vi_windows at;
            vf v[4];
            find_windows(&at, src, v_load_part(vi_row(mx, j) + i, part), v_load_part(vi_row(my, j) + i, part));
            for (int k = 0; k < 4; k++)
                v[k] = look_every_fourth(src, &at, k);
            v_transpose(v);
            for (int c = 0; c < n; c++)
                v_store_part(vi_row(&dst[c], j) + i, part, v[c]);
        }
}
