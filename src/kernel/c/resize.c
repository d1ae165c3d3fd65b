/* kernel/c/resize.c: area average when shrinking, bilinear when growing, per axis. Both are "a run of taps per output
 * position", so one code does both: rows are weighted first (long loops along memory), columns after. */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"
#include "kernel/resize.h"

static void mix_rows(float *restrict out, const vi_plane *src, const vi_axis *ay, int j)
{
    int w = src->w, n = ay->count[j];
    const float *s = vi_row(src, ay->first[j]);
    float k = ay->weight[j * ay->taps];
    for (int x = 0; x < w; x++)
        out[x] = k * s[x];
    for (int t = 1; t < n; t++) {
        s = vi_row(src, ay->first[j] + t);
        k = ay->weight[j * ay->taps + t];
        for (int x = 0; x < w; x++)
            out[x] += k * s[x];
    }
}

int VI_FN(resize)(const vi_plane *dst, const vi_plane *src, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    vi_axis ax, ay;
    float *row = vi_arena_alloc(scratch, (size_t)src->w * sizeof *row);
    if (!row || !axis_create(&ax, dst->w, src->w, scratch) || !axis_create(&ay, dst->h, src->h, scratch)) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    for (int j = 0; j < dst->h; j++) {
        float *d = vi_row(dst, j);
        mix_rows(row, src, &ay, j);
        for (int i = 0; i < dst->w; i++) {
            const float *s = row + ax.first[i], *k = ax.weight + i * ax.taps;
            float sum = 0.0f;
            for (int t = 0; t < ax.count[i]; t++)
                sum += k[t] * s[t];
            d[i] = sum;
        }
    }
    vi_arena_release(scratch, mark);
    return VISO_OK;
}
