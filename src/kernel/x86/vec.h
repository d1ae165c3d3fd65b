/* kernel/x86/vec.h: one source for two widths. A register holds VN floats (vf) or words (vw): eight where the file is built for
 * AVX2, sixteen for AVX-512; vm is a mask of lanes. Every name is the plain operation on all lanes. */
#ifndef VI_KERNEL_VEC_H
#define VI_KERNEL_VEC_H

#include <immintrin.h>
#include <stdbool.h>

#ifdef VI_AVX512
enum { VN = 16 };
typedef __m512 vf;
typedef __m512i vw;
typedef __mmask16 vm;
#define V_OP(name) _mm512_##name
#else
enum { VN = 8 };
typedef __m256 vf;
typedef __m256i vw;
typedef __m256i vm; /* all bits of a lane */
#define V_OP(name) _mm256_##name
#endif

static inline vf v_set(float x)
{
    return V_OP(set1_ps)(x);
}

static inline vf v_zero(void)
{
    return V_OP(setzero_ps)();
}

static inline vf v_load(const float *p)
{
    return V_OP(loadu_ps)(p);
}

static inline void v_store(float *p, vf x)
{
    V_OP(storeu_ps)(p, x);
}

static inline vf v_add(vf a, vf b)
{
    return V_OP(add_ps)(a, b);
}

static inline vf v_sub(vf a, vf b)
{
    return V_OP(sub_ps)(a, b);
}

static inline vf v_mul(vf a, vf b)
{
    return V_OP(mul_ps)(a, b);
}

/* a b + c, a b - c, c - a b */
static inline vf v_fma(vf a, vf b, vf c)
{
    return V_OP(fmadd_ps)(a, b, c);
}

static inline vf v_fms(vf a, vf b, vf c)
{
    return V_OP(fmsub_ps)(a, b, c);
}

static inline vf v_fnma(vf a, vf b, vf c)
{
    return V_OP(fnmadd_ps)(a, b, c);
}

/* The second operand where one is not a number. */
static inline vf v_min(vf a, vf b)
{
    return V_OP(min_ps)(a, b);
}

static inline vf v_max(vf a, vf b)
{
    return V_OP(max_ps)(a, b);
}

static inline vf v_sqrt(vf x)
{
    return V_OP(sqrt_ps)(x);
}

/* To the nearest whole number (ties to even), towards zero, and back. */
static inline vw v_nearest(vf x)
{
    return V_OP(cvtps_epi32)(x);
}

static inline vw v_whole(vf x)
{
    return V_OP(cvttps_epi32)(x);
}

static inline vf w_float(vw x)
{
    return V_OP(cvtepi32_ps)(x);
}

static inline vw w_set(int x)
{
    return V_OP(set1_epi32)(x);
}

static inline vw w_add(vw a, vw b)
{
    return V_OP(add_epi32)(a, b);
}

static inline vw w_sub(vw a, vw b)
{
    return V_OP(sub_epi32)(a, b);
}

static inline vw w_mul(vw a, vw b)
{
    return V_OP(mullo_epi32)(a, b);
}

static inline vw w_min(vw a, vw b)
{
    return V_OP(min_epi32)(a, b);
}

static inline vw w_max(vw a, vw b)
{
    return V_OP(max_epi32)(a, b);
}

static inline void w_store(int *p, vw x)
{
    _Static_assert(sizeof(int) == 4, "a word is an int");
#ifdef VI_AVX512
    _mm512_storeu_si512(p, x);
#else
    _mm256_storeu_si256((__m256i *)(void *)p, x);
#endif
}

/* The 4 x 4 transposition of every four lanes: register k then holds value 0..3 of pixel k, k + 4 … Its own inverse. */
static inline void v_transpose(vf v[4])
{
    vf a = V_OP(unpacklo_ps)(v[0], v[1]), b = V_OP(unpackhi_ps)(v[0], v[1]);
    vf c = V_OP(unpacklo_ps)(v[2], v[3]), d = V_OP(unpackhi_ps)(v[2], v[3]);
    v[0] = V_OP(shuffle_ps)(a, c, 0x44), v[1] = V_OP(shuffle_ps)(a, c, 0xee);
    v[2] = V_OP(shuffle_ps)(b, d, 0x44), v[3] = V_OP(shuffle_ps)(b, d, 0xee);
}

/* Lanes shifted by n, or each by its own. */
#define w_left(x, n) V_OP(slli_epi32)(x, n)
#define w_right(x, n) V_OP(srli_epi32)(x, n)
#define w_right_signed(x, n) V_OP(srai_epi32)(x, n)

static inline vw w_right_each(vw x, vw by)
{
    return V_OP(srlv_epi32)(x, by);
}

static inline vw w_right_count(vw x, int n)
{
    return V_OP(srl_epi32)(x, _mm_cvtsi32_si128(n));
}

static inline vf v_lerp(vf a, vf b, vf t)
{
    return v_fma(t, v_sub(b, a), a);
}

/* Into [0, hi]; NaN becomes 0. */
static inline vf v_clamp(vf x, vf hi)
{
    return v_min(v_max(x, v_zero()), hi);
}

#ifdef VI_AVX512

/* The bits of a float as a word, and back. */
static inline vw v_bits(vf x)
{
    return _mm512_castps_si512(x);
}

static inline vf w_bits(vw x)
{
    return _mm512_castsi512_ps(x);
}

static inline vm w_eq(vw a, vw b)
{
    return _mm512_cmpeq_epi32_mask(a, b);
}

static inline vm v_le(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}

static inline vm v_gt(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

static inline vm m_and(vm a, vm b)
{
    return (vm)(a & b);
}

static inline bool m_none(vm m)
{
    return m == 0;
}

/* First n lanes. */
static inline vm m_first(int n)
{
    return n >= VN ? (vm)0xffff : n <= 0 ? (vm)0 : (vm)((1u << n) - 1u);
}

/* Lanes of the mask from b, the others from a. */
static inline vf v_choose(vm m, vf a, vf b)
{
    return _mm512_mask_blend_ps(m, a, b);
}

static inline vw w_and(vw a, vw b)
{
    return _mm512_and_si512(a, b);
}

/* Lanes without the mask are 0 and not read; not written. */
static inline vf v_load_part(const float *p, vm m)
{
    return _mm512_maskz_loadu_ps(m, p);
}

static inline void v_store_part(float *p, vm m, vf x)
{
    _mm512_mask_storeu_ps(p, m, x);
}

static inline vf v_round(vf x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* 1 / x within a thousandth. */
static inline vf v_rough_inverse(vf x)
{
    return _mm512_rcp14_ps(x);
}

static inline float v_largest(vf x)
{
    return _mm512_reduce_max_ps(x);
}

/* Words at byte offsets. */
static inline vw w_gather(const void *base, vw at)
{
    return _mm512_i32gather_epi32(at, base, 1);
}

/* 0.5, 1.5 …: pixel centres from a start. */
static inline vf v_centres(int x)
{
    return _mm512_add_ps(_mm512_set1_ps((float)x), _mm512_setr_ps(0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f, 7.5f, 8.5f, 9.5f,
                                                                  10.5f, 11.5f, 12.5f, 13.5f, 14.5f, 15.5f));
}

#else

static inline vw v_bits(vf x)
{
    return _mm256_castps_si256(x);
}

static inline vf w_bits(vw x)
{
    return _mm256_castsi256_ps(x);
}

static inline vm w_eq(vw a, vw b)
{
    return _mm256_cmpeq_epi32(a, b);
}

static inline vm v_le(vf a, vf b)
{
    return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LE_OQ));
}

static inline vm v_gt(vf a, vf b)
{
    return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_GT_OQ));
}

static inline vm m_and(vm a, vm b)
{
    return _mm256_and_si256(a, b);
}

static inline bool m_none(vm m)
{
    return _mm256_testz_si256(m, m);
}

static inline vm m_first(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vf v_choose(vm m, vf a, vf b)
{
    return _mm256_blendv_ps(a, b, _mm256_castsi256_ps(m));
}

static inline vw w_and(vw a, vw b)
{
    return _mm256_and_si256(a, b);
}

static inline vf v_load_part(const float *p, vm m)
{
    return _mm256_maskload_ps(p, m);
}

static inline void v_store_part(float *p, vm m, vf x)
{
    _mm256_maskstore_ps(p, m, x);
}

static inline vf v_round(vf x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf v_rough_inverse(vf x)
{
    return _mm256_rcp_ps(x);
}

static inline float v_largest(vf x)
{
    __m128 a = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    a = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
}

static inline vw w_gather(const void *base, vw at)
{
    return _mm256_i32gather_epi32(base, at, 1);
}

static inline vf v_centres(int x)
{
    return _mm256_add_ps(_mm256_set1_ps((float)x), _mm256_setr_ps(0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f, 7.5f));
}

#endif

/* Share of a look-up at (x, y) that lies inside w x h, the ramp one unit wide. */
static inline vf v_inside(vf x, vf y, vf w, vf h, vf ramp)
{
    vf half = v_set(0.5f), one = v_set(1.0f);
    vf a = v_fma(v_min(v_sub(w, x), x), ramp, half), b = v_fma(v_min(v_sub(h, y), y), ramp, half);
    return v_mul(v_clamp(a, one), v_clamp(b, one));
}

#endif
