/* kernel/c/thumbnail.c: small luma picture for cut detection. It runs on every frame, so of each cell only up to
 * eight rows are read, whole: that is an eighth to a quarter of the memory of a large frame and still averages
 * hundreds of pixels per cell. */
#include <string.h>

#include "kernel/internal.h"

/* Columns summed over the rows first: long loops, and cells of a few dozen pixels then cost one short sum. */
enum { STRIP = 2048 };

static void sum_strip(uint32_t *restrict acc, const vi_frame *f, const vi_format_info *fi, int x0, int n, int y0,
                      int y1, int step)
{
    uint16_t narrow[STRIP];
    memset(acc, 0, (size_t)n * sizeof *acc);
    memset(narrow, 0, (size_t)n * sizeof *narrow);
    for (int y = y0; y < y1; y += step) {
        const uint8_t *p = f->plane[0] + y * f->stride[0] + (ptrdiff_t)x0 * fi->bytes;
        const uint16_t *q = (const uint16_t *)(const void *)p;
        if (fi->bytes == 1)
            for (int x = 0; x < n; x++)
                narrow[x] = (uint16_t)(narrow[x] + p[x]); /* at most 16 rows: fits */
        else
            for (int x = 0; x < n; x++)
                acc[x] += q[x];
    }
    for (int x = 0; x < n && fi->bytes == 1; x++)
        acc[x] = narrow[x];
}

static uint64_t sum32(const uint32_t *p, int n)
{
    uint32_t s = 0; /* 2048 columns of 16 rows of 16 bits at most: just below 2^31 */
    for (int i = 0; i < n; i++)
        s += p[i];
    return s;
}

static uint32_t sum8(const uint8_t *restrict p, int n)
{
    uint32_t s = 0;
    for (int i = 0; i < n; i++)
        s += p[i];
    return s;
}

static uint32_t sum16(const uint16_t *restrict p, int n)
{
    uint32_t s = 0;
    for (int i = 0; i < n; i++)
        s += p[i];
    return s;
}

/* 3 or 4 components: luma with weights 77 150 29 / 256 */
static uint64_t sum_packed(const uint8_t *p, int n, int step, int bytes)
{
    uint64_t s = 0;
    const uint16_t *q = (const uint16_t *)(const void *)p;
    for (int i = 0; i < n; i++) {
        if (bytes == 1)
            s += (77u * p[i * step] + 150u * p[i * step + 1] + 29u * p[i * step + 2]) >> 8;
        else
            s += (77u * q[i * step] + 150u * q[i * step + 1] + 29u * q[i * step + 2]) >> 8;
    }
    return s;
}

void VI_FN(thumbnail)(const vi_frame *f, uint8_t *out, int w, int h)
{
    const vi_format_info *fi = vi_format_describe(f->format);
    int packed = fi->planes == 1 && fi->components > 1 ? fi->components : 0;
    float max = (float)(((1u << fi->depth) - 1) << fi->shift);
    for (int j = 0; j < h; j++) {
        int y0 = (int)((int64_t)j * f->height / h), y1 = (int)((int64_t)(j + 1) * f->height / h);
        y1 = VI_MAX(y1, y0 + 1);
        int step = VI_MAX(1, (y1 - y0) / 8);
        int s0 = y0 + (step - 1) / 2, rows = (y1 - s0 + step - 1) / step, held0 = 0, held1 = 0;
        uint32_t acc[STRIP];
        for (int i = 0; i < w; i++) {
            int x0 = (int)((int64_t)i * f->width / w), x1 = (int)((int64_t)(i + 1) * f->width / w);
            x1 = VI_MAX(x1, x0 + 1);
            uint64_t s = 0;
            if (!packed && x1 - x0 <= STRIP) {
                if (x0 < held0 || x1 > held1) {
                    held0 = x0, held1 = VI_MIN(x0 + STRIP, f->width);
                    sum_strip(acc, f, fi, held0, held1 - held0, s0, y1, step);
                }
                s = sum32(acc + (x0 - held0), x1 - x0);
            }
            for (int y = s0; y < y1 && (packed || x1 - x0 > STRIP); y += step) {
                const uint8_t *row = f->plane[0] + y * f->stride[0];
                if (packed)
                    s += sum_packed(row + (ptrdiff_t)x0 * packed * fi->bytes, x1 - x0, packed, fi->bytes);
                else if (fi->bytes == 1)
                    s += sum8(row + x0, x1 - x0);
                else
                    s += sum16((const uint16_t *)(const void *)row + x0, x1 - x0);
            }
            out[j * w + i] = (uint8_t)((float)s * 255.0f / ((float)(rows * (x1 - x0)) * max) + 0.5f);
        }
    }
}
