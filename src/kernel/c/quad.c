/* kernel/c/quad.c: pictures whose values lie side by side: packing, and the bicubic look-up. */
#include <math.h>

#include "kernel/cubic.h"

void VI_FN(pack)(const vi_quad *dst, const vi_plane *src, int n)
{
    for (int y = 0; y < dst->h; y++) {
        float *q = dst->p + 4 * y * dst->stride;
        for (int c = 0; c < 4; c++) {
            const float *s = c < n ? vi_row(&src[c], y) : NULL;
            for (int x = 0; x < dst->w; x++)
                q[4 * x + c] = s ? s[x] : 0.0f;
        }
    }
}

/* fmax, fmin in this order turn a NaN coordinate into 0. */
static inline void axis_taps(int at[4], float weight[4], float x, int size)
{
    float u = fminf(fmaxf(x - 0.5f, 0.0f), (float)(size - 1));
    int whole = (int)u;
    for (int k = 0; k < 4; k++)
        at[k] = vi_clampi(whole - 1 + k, 0, size - 1);
    cubic_weights(u - (float)whole, weight);
}

void VI_FN(remap_quad)(const vi_plane *dst, const vi_quad *src, int n, const vi_plane *mx, const vi_plane *my)
{
    for (int j = 0; n > 0 && j < dst->h; j++) {
        const float *px = vi_row(mx, j), *py = vi_row(my, j);
        for (int i = 0; i < dst->w; i++) {
            int x[4], y[4];
            float wx[4], wy[4], sum[4] = { 0.0f, 0.0f, 0.0f, 0.0f };
            axis_taps(x, wx, px[i], src->w);
            axis_taps(y, wy, py[i], src->h);
            for (int b = 0; b < 4; b++)
                for (int a = 0; a < 4; a++) {
                    const float *q = src->p + 4 * (y[b] * src->stride + x[a]);
                    for (int c = 0; c < 4; c++)
                        sum[c] += wy[b] * wx[a] * q[c];
                }
            for (int c = 0; c < n; c++)
                vi_row(&dst[c], j)[i] = sum[c];
        }
    }
}
