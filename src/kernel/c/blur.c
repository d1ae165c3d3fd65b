/* kernel/c/blur.c: plain row functions of the blur; the order of work is in kernel/blur.h. */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"
#include "kernel/blur.h"

static void fir_rows(float *out, const float *const *up, const float *const *down, const float *g, int radius, int n)
{
    const float *mid = up[0];
    for (int x = 0; x < n; x++) {
        float s = g[0] * mid[x];
        for (int k = 1; k <= radius; k++)
            s += g[k] * (up[k][x] + down[k][x]);
        out[x] = s;
    }
}

static void fir_row(float *out, const float *in, const float *g, int radius, int n)
{
    for (int x = 0; x < n; x++) {
        float s = g[0] * in[x];
        for (int k = 1; k <= radius; k++)
            s += g[k] * (in[x - k] + in[x + k]);
        out[x] = s;
    }
}

static void grow_row(float *out, const float *in, int f, int n)
{
    float step = 1.0f / (float)f;
    for (int x = 0; x < n; x++) {
        int i = (x + f / 2) / f - 1; /* f is even */
        float t = ((float)x + 0.5f) * step - 0.5f - (float)i;
        out[x] = in[i] + t * (in[i + 1] - in[i]);
    }
}

static void sum_rows(float *acc, const vi_plane *src, const vi_plane *w, int y0, int y1)
{
    int n = src->w;
    memset(acc, 0, (size_t)n * sizeof *acc);
    for (int y = y0; y < y1; y++) {
        const float *s = vi_row(src, y), *m = w ? vi_row(w, y) : NULL;
        if (m)
            for (int x = 0; x < n; x++)
                acc[x] += s[x] * m[x];
        else
            for (int x = 0; x < n; x++)
                acc[x] += s[x];
    }
}

static void sum_cells(float *out, float *acc, int f, int cells, float k)
{
    for (int i = 0; i < cells; i++) {
        float s = 0.0f;
        for (int t = 0; t < f; t++)
            s += acc[i * f + t];
        out[i] = s * k;
    }
}
