/* kernel/c/tensor.c: the edge of a network: crops with the colours last, and the few values of an output that count. */
#include "kernel/internal.h"

void VI_FN(to_tensor_nhwc)(float *out, const vi_rgb *crop, const float scale[3], const float offset[3], bool bgr)
{
    int w = crop->c[0].w, h = crop->c[0].h;
    for (int y = 0; y < h; y++) {
        for (int c = 0; c < 3; c++) {
            const float *s = vi_row(&crop->c[bgr ? 2 - c : c], y);
            float *d = out + (size_t)y * (size_t)w * 3 + c;
            for (int x = 0; x < w; x++)
                d[3 * x] = scale[c] * s[x] + offset[c];
        }
    }
}

int VI_FN(above)(const float *v, int n, int step, float least, int32_t *at, int max)
{
    int found = 0;
    for (int i = 0; i < n && found < max; i++)
        if (v[(ptrdiff_t)i * step] >= least)
            at[found++] = i;
    return found;
}
