/* kernel/x86/lab.c: sRGB <-> Lab in wide registers. Powers are exp2(p log2 x) over short polynomials; the cube root is
 * made from the inverse one, which a short series finds without dividing. Over the sRGB cube the largest difference to the plain
 * version is 0.0014 Lab units, 3e-6 on the way back. */
#include "kernel/internal.h"
#include "kernel/x86/vec.h"

/* log2 of a positive normal number: exponent plus a series in s = (m - 1) / (m + 1), m in [sqrt 1/2, sqrt 2). */
static inline vf log2_v(vf x)
{
    vw bits = v_bits(x);
    vw shifted = w_sub(bits, w_set(0x3f3504f3)); /* sqrt 1/2 */
    vw e = w_right_signed(shifted, 23);
    vf m = w_bits(w_sub(bits, w_left(e, 23)));
    vf d = v_add(m, v_set(1.0f)), q = v_rough_inverse(d);
    q = v_mul(q, v_fnma(d, q, v_set(2.0f))); /* one Newton step: 23 bits */
    vf s = v_mul(v_sub(m, v_set(1.0f)), q);
    vf s2 = v_mul(s, s);
    /* 2 / ln 2 * (1, 1/3, 1/5) of the atanh series; the last a little larger for the rest of it */
    vf p = v_fma(s2, v_set(0.5889f), v_set(0.96179669f));
    p = v_fma(p, s2, v_set(2.88539008f));
    return v_fma(p, s, w_float(e));
}

/* 2^x for |x| < 126. */
static inline vf exp2_v(vf x)
{
    vf r = v_round(x), f = v_sub(x, r);
    /* Taylor of 2^f on [-1/2, 1/2], powers of ln 2 over factorials */
    vf p = v_fma(f, v_set(1.33335581e-3f), v_set(9.61812911e-3f));
    p = v_fma(p, f, v_set(5.55041087e-2f));
    p = v_fma(p, f, v_set(2.40226507e-1f));
    p = v_fma(p, f, v_set(6.93147181e-1f));
    p = v_fma(p, f, v_set(1.0f));
    vw e = w_left(v_nearest(r), 23);
    return w_bits(w_add(v_bits(p), e));
}

static inline vf decode(vf x)
{
    vf low = v_mul(x, v_set(1.0f / 12.92f));
    vf y = v_fma(x, v_set(1.0f / 1.055f), v_set(0.055f / 1.055f));
    y = v_min(v_max(y, v_set(0.04f)), v_set(16.0f));
    vf high = exp2_v(v_mul(log2_v(y), v_set(2.4f)));
    return v_choose(v_le(x, v_set(0.04045f)), high, low);
}

static inline vf encode(vf l)
{
    vf low = v_mul(l, v_set(12.92f));
    vf y = v_min(v_max(l, v_set(0.003f)), v_set(16.0f));
    vf high = v_fms(exp2_v(v_mul(log2_v(y), v_set(1.0f / 2.4f))), v_set(1.055f), v_set(0.055f));
    return v_choose(v_le(l, v_set(0.0031308f)), high, low);
}

static inline vf cbrt_v(vf x) /* x >= 0.008 */
{
    /* x^(-1/3): bias - bits / 3 starts within 4 % */
    vf third = v_mul(w_float(v_bits(x)), v_set(1.0f / 3.0f));
    vf y = w_bits(w_sub(w_set(0x54a21d2a), v_nearest(third)));
    /* with e = 1 - x y^3 (|e| < 0.11) the root is y (1 - e)^(-1/3): five terms of the series leave 2e-6 */
    vf e = v_fnma(v_mul(y, y), v_mul(y, x), v_set(1.0f));
    vf p = v_fma(e, v_set(35.0f / 243.0f), v_set(14.0f / 81.0f));
    p = v_fma(p, e, v_set(2.0f / 9.0f));
    p = v_fma(p, e, v_set(1.0f / 3.0f));
    y = v_fma(v_mul(p, e), y, y);
    return v_mul(v_mul(y, y), x);
}

static inline vf lab_f(vf t)
{
    vf low = v_fma(t, v_set(841.0f / 108.0f), v_set(4.0f / 29.0f));
    vf high = cbrt_v(v_max(t, v_set(0.008f)));
    return v_choose(v_le(t, v_set(216.0f / 24389.0f)), high, low);
}

static inline vf lab_f_inverse(vf t)
{
    vf low = v_mul(v_sub(t, v_set(4.0f / 29.0f)), v_set(108.0f / 841.0f));
    vf high = v_mul(v_mul(t, t), t);
    return v_choose(v_le(t, v_set(6.0f / 29.0f)), high, low);
}

static inline vf mix3(vf a, vf b, vf c, float x, float y, float z)
{
    return v_fma(a, v_set(x), v_fma(b, v_set(y), v_mul(c, v_set(z))));
}

static inline void to_lab(vf v[3])
{
    vf r = decode(v[0]), g = decode(v[1]), b = decode(v[2]);
    vf fx = lab_f(mix3(r, g, b, 0.4124564f / 0.95047f, 0.3575761f / 0.95047f, 0.1804375f / 0.95047f));
    vf fy = lab_f(mix3(r, g, b, 0.2126729f, 0.7151522f, 0.0721750f));
    vf fz = lab_f(mix3(r, g, b, 0.0193339f / 1.08883f, 0.1191920f / 1.08883f, 0.9503041f / 1.08883f));
    v[0] = v_fms(fy, v_set(116.0f), v_set(16.0f));
    v[1] = v_mul(v_sub(fx, fy), v_set(500.0f));
    v[2] = v_mul(v_sub(fy, fz), v_set(200.0f));
}

static inline void from_lab(vf v[3])
{
    vf fy = v_mul(v_add(v[0], v_set(16.0f)), v_set(1.0f / 116.0f));
    vf x = lab_f_inverse(v_fma(v[1], v_set(1.0f / 500.0f), fy));
    vf z = lab_f_inverse(v_fnma(v[2], v_set(1.0f / 200.0f), fy));
    vf y = lab_f_inverse(fy), one = v_set(1.0f), zero = v_zero();
    vf r = mix3(x, y, z, 3.2404542f * 0.95047f, -1.5371385f, -0.4985314f * 1.08883f);
    vf g = mix3(x, y, z, -0.9692660f * 0.95047f, 1.8760108f, 0.0415560f * 1.08883f);
    vf b = mix3(x, y, z, 0.0556434f * 0.95047f, -0.2040259f, 1.0572252f * 1.08883f);
    v[0] = v_min(v_max(encode(r), zero), one);
    v[1] = v_min(v_max(encode(g), zero), one);
    v[2] = v_min(v_max(encode(b), zero), one);
}

static inline void convert(const vi_rgb *dst, const vi_rgb *src, void (*pixel)(vf v[3]))
{
    int w = dst->c[0].w, whole = w & ~(VN - 1);
    vm tail = m_first(w - whole);
    for (int y = 0; y < dst->c[0].h; y++) {
        const float *s[3] = { vi_row(&src->c[0], y), vi_row(&src->c[1], y), vi_row(&src->c[2], y) };
        float *d[3] = { vi_row(&dst->c[0], y), vi_row(&dst->c[1], y), vi_row(&dst->c[2], y) };
        vf v[3];
        for (int x = 0; x < whole; x += VN) {
            for (int i = 0; i < 3; i++)
                v[i] = v_load(s[i] + x);
            pixel(v);
            for (int i = 0; i < 3; i++)
                v_store(d[i] + x, v[i]);
        }
        if (whole < w) {
            for (int i = 0; i < 3; i++)
                v[i] = v_load_part(s[i] + whole, tail);
            pixel(v);
            for (int i = 0; i < 3; i++)
                v_store_part(d[i] + whole, tail, v[i]);
        }
    }
}

void VI_FN(rgb_to_lab)(const vi_rgb *dst, const vi_rgb *src)
{
    convert(dst, src, to_lab);
}

void VI_FN(lab_to_rgb)(const vi_rgb *dst, const vi_rgb *src)
{
    convert(dst, src, from_lab);
}
