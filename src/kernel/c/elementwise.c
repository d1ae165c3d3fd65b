/* kernel/c/elementwise.c: rows in, rows out. The loops are written so that the compiler widens them; dst may
 * be one of the sources, so no restrict: every element is read before it is written. Also to_tensor. */
#include "kernel/internal.h"

#define ROWS_BINARY(fn, expr, ...)                                                                                     \
    void VI_FN(fn)(const vi_plane *dst, const vi_plane *pa, const vi_plane *pb __VA_ARGS__)                            \
    {                                                                                                                  \
        for (int y = 0; y < dst->h; y++) {                                                                             \
            float *d = vi_row(dst, y);                                                                                 \
            const float *a = vi_row(pa, y), *b = vi_row(pb, y);                                                        \
            VI_ROW_LOOP                                                                                                \
            for (int x = 0; x < dst->w; x++)                                                                           \
                d[x] = expr;                                                                                           \
        }                                                                                                              \
    }

ROWS_BINARY(mul, a[x] * b[x])
#define COMMA ,
ROWS_BINARY(add_scaled, a[x] + k * b[x], COMMA float k)
ROWS_BINARY(max2, a[x] > b[x] ? a[x] : b[x])
ROWS_BINARY(min2, a[x] < b[x] ? a[x] : b[x])

void VI_FN(affine)(const vi_plane *dst, const vi_plane *pa, float gain, float offset)
{
    for (int y = 0; y < dst->h; y++) {
        float *d = vi_row(dst, y);
        const float *a = vi_row(pa, y);
        VI_ROW_LOOP
        for (int x = 0; x < dst->w; x++)
            d[x] = gain * a[x] + offset;
    }
}

void VI_FN(lerp)(const vi_plane *dst, const vi_plane *pa, const vi_plane *pb, const vi_plane *pt)
{
    for (int y = 0; y < dst->h; y++) {
        float *d = vi_row(dst, y);
        const float *a = vi_row(pa, y), *b = vi_row(pb, y), *t = vi_row(pt, y);
        VI_ROW_LOOP
        for (int x = 0; x < dst->w; x++)
            d[x] = a[x] + t[x] * (b[x] - a[x]);
    }
}

void VI_FN(smoothstep)(const vi_plane *dst, const vi_plane *pa, float lo, float hi)
{
    /* lo == hi is a hard step */
    float k = hi > lo ? 1.0f / (hi - lo) : 3e38f;
    for (int y = 0; y < dst->h; y++) {
        float *d = vi_row(dst, y);
        const float *a = vi_row(pa, y);
        VI_ROW_LOOP
        for (int x = 0; x < dst->w; x++) {
            float t = (a[x] - lo) * k;
            t = t > 0.0f ? t : 0.0f;
            t = t < 1.0f ? t : 1.0f;
            d[x] = t * t * (3.0f - 2.0f * t);
        }
    }
}

void VI_FN(clamp)(const vi_plane *dst, const vi_plane *pa, float lo, float hi)
{
    for (int y = 0; y < dst->h; y++) {
        float *d = vi_row(dst, y);
        const float *a = vi_row(pa, y);
        VI_ROW_LOOP
        for (int x = 0; x < dst->w; x++) {
            float v = a[x] > lo ? a[x] : lo;
            d[x] = v < hi ? v : hi;
        }
    }
}

void VI_FN(to_tensor)(float *out, const vi_rgb *crop, const float scale[3], const float offset[3], bool bgr)
{
    int w = crop->c[0].w, h = crop->c[0].h;
    for (int c = 0; c < 3; c++) {
        const vi_plane *p = &crop->c[bgr ? 2 - c : c];
        float k = scale[c], o = offset[c];
        for (int y = 0; y < h; y++) {
            const float *s = vi_row(p, y);
            float *restrict d = out + ((size_t)c * (size_t)h + (size_t)y) * (size_t)w;
            for (int x = 0; x < w; x++)
                d[x] = k * s[x] + o;
        }
    }
}
