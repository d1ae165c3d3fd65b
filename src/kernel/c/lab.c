/* kernel/c/lab.c: sRGB (IEC 61966-2-1) <-> CIE 1976 L*a*b*, D65 white. Plain and accurate; the x86 version
 * uses polynomials and is held against this one. */
#include <math.h>

#include "kernel/internal.h"

/* Rows already divided by the white point (0.95047, 1, 1.08883). */
static const float to_xyz[9] = {
    0.4124564f / 0.95047f, 0.3575761f / 0.95047f, 0.1804375f / 0.95047f, 0.2126729f, 0.7151522f, 0.0721750f,
    0.0193339f / 1.08883f, 0.1191920f / 1.08883f, 0.9503041f / 1.08883f
};
static const float to_rgb[9] = { 3.2404542f * 0.95047f,  -1.5371385f, -0.4985314f * 1.08883f,
                                 -0.9692660f * 0.95047f, 1.8760108f,  0.0415560f * 1.08883f,
                                 0.0556434f * 0.95047f,  -0.2040259f, 1.0572252f * 1.08883f };

static float decode(float x)
{
    return x <= 0.04045f ? x * (1.0f / 12.92f) : powf((x + 0.055f) * (1.0f / 1.055f), 2.4f);
}

static float encode(float l)
{
    return l <= 0.0031308f ? l * 12.92f : 1.055f * powf(l, 1.0f / 2.4f) - 0.055f;
}

static float lab_f(float t)
{
    return t > 216.0f / 24389.0f ? cbrtf(t) : t * (841.0f / 108.0f) + 4.0f / 29.0f;
}

static float lab_f_inverse(float t)
{
    return t > 6.0f / 29.0f ? t * t * t : (t - 4.0f / 29.0f) * (108.0f / 841.0f);
}

void VI_FN(rgb_to_lab)(const vi_rgb *dst, const vi_rgb *src)
{
    for (int y = 0; y < dst->c[0].h; y++) {
        const float *pr = vi_row(&src->c[0], y), *pg = vi_row(&src->c[1], y), *pb = vi_row(&src->c[2], y);
        float *pl = vi_row(&dst->c[0], y), *pa = vi_row(&dst->c[1], y), *po = vi_row(&dst->c[2], y);
        for (int x = 0; x < dst->c[0].w; x++) {
            float r = decode(pr[x]), g = decode(pg[x]), b = decode(pb[x]);
            float fx = lab_f(to_xyz[0] * r + to_xyz[1] * g + to_xyz[2] * b);
            float fy = lab_f(to_xyz[3] * r + to_xyz[4] * g + to_xyz[5] * b);
            float fz = lab_f(to_xyz[6] * r + to_xyz[7] * g + to_xyz[8] * b);
            pl[x] = 116.0f * fy - 16.0f;
            pa[x] = 500.0f * (fx - fy);
            po[x] = 200.0f * (fy - fz);
        }
    }
}

void VI_FN(lab_to_rgb)(const vi_rgb *dst, const vi_rgb *src)
{
    for (int y = 0; y < dst->c[0].h; y++) {
        const float *pl = vi_row(&src->c[0], y), *pa = vi_row(&src->c[1], y), *pb = vi_row(&src->c[2], y);
        float *out[3] = { vi_row(&dst->c[0], y), vi_row(&dst->c[1], y), vi_row(&dst->c[2], y) };
        for (int i = 0; i < dst->c[0].w; i++) {
            float fy = (pl[i] + 16.0f) * (1.0f / 116.0f);
            float x = lab_f_inverse(fy + pa[i] * (1.0f / 500.0f));
            float z = lab_f_inverse(fy - pb[i] * (1.0f / 200.0f));
            float yy = lab_f_inverse(fy);
            for (int c = 0; c < 3; c++) {
                float v = encode(to_rgb[c * 3] * x + to_rgb[c * 3 + 1] * yy + to_rgb[c * 3 + 2] * z);
                out[c][i] = vi_clampf(v, 0.0f, 1.0f);
            }
        }
    }
}
