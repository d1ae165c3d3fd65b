/* kernel/c/morph.c: 5x5 median, erosion and dilation by an ellipse. */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"

/* The median works on as many neighbours at once as a register holds; the vector types are the compiler's, so the same
 * lines serve every processor. */
#ifdef __AVX2__
#include <immintrin.h>
enum { LANES = 8 };
typedef __m256 V;
#define V_MIN(a, b) _mm256_min_ps(a, b)
#define V_MAX(a, b) _mm256_max_ps(a, b)
#else
enum { LANES = 4 };
typedef float V __attribute__((vector_size(16)));
typedef int32_t VI __attribute__((vector_size(16)));
static inline V pick(VI m, V a, V b)
{
    return (V)((m & (VI)a) | (~m & (VI)b));
}
#define V_MIN(a, b) pick((a) < (b), (a), (b))
#define V_MAX(a, b) pick((a) < (b), (b), (a))
#endif
#include "kernel/median.h"

static inline V load(const float *p)
{
    V v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Row y with two repeated pixels on both sides. */
static void pad_row(float *line, const vi_plane *src, int y)
{
    const float *s = vi_row(src, vi_clampi(y, 0, src->h - 1));
    int w = src->w;
    memcpy(line + 2, s, (size_t)w * sizeof *line);
    line[0] = line[1] = s[0];
    line[w + 2] = line[w + 3] = s[w - 1];
}

int VI_FN(median5)(const vi_plane *dst, const vi_plane *src, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    int w = src->w, h = src->h;
    ptrdiff_t stride = ((ptrdiff_t)w + 4 + LANES + 15) & ~(ptrdiff_t)15;
    float *line = vi_arena_alloc(scratch, (size_t)stride * 11 * sizeof *line);
    if (!line) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    memset(line, 0, (size_t)stride * 11 * sizeof *line);
    float *sorted = line + 5 * stride, *out = line + 10 * stride; /* five rows of input, five of sorted columns */
    for (int y = -2; y < 2; y++)
        pad_row(line + (y + 5) % 5 * stride, src, y);
    for (int y = 0; y < h; y++) {
        pad_row(line + (y + 2) % 5 * stride, src, y + 2);
        for (int x = 0; x < w + 4; x += LANES) {
            V c[5];
            for (int k = 0; k < 5; k++)
                c[k] = load(line + k * stride + x); /* order of rows does not matter to a sort */
            sort5(c);
            for (int k = 0; k < 5; k++)
                memcpy(sorted + k * stride + x, &c[k], sizeof c[k]);
        }
        for (int x = 0; x < w; x += LANES) {
            V col[5][5];
            for (int r = 0; r < 5; r++)
                for (int k = 0; k < 5; k++)
                    col[r][k] = load(sorted + r * stride + x + k);
            V m = median_of_columns(col);
            memcpy(out + x, &m, sizeof m);
        }
        memcpy(vi_row(dst, y), out, (size_t)w * sizeof *out);
    }
    vi_arena_release(scratch, mark);
    return VISO_OK;
}

/* A row's minima over [x - k, x + k] grow with k by two comparisons per pixel. Each row of the ellipse is such a run, so one
 * walk over k feeds all rows that the source row reaches; `sign` -1 turns minima into maxima. */
static void spread_row(float *ring, ptrdiff_t stride, int slots, const float *in, float *restrict run, int w, int y,
                       int h, int rx, int ry, const int *half)
{
    memcpy(run, in, (size_t)w * sizeof *run);
    for (int k = 0, dy = ry; k <= rx; k++) {
        for (int x = 0; x < w && k > 0; x++) {
            float v = in[x - k] < in[x + k] ? in[x - k] : in[x + k];
            run[x] = v < run[x] ? v : run[x];
        }
        for (; dy >= 0 && half[dy] == k; dy--) {
            for (int s = -1; s <= 1; s += 2) {
                int row = y + s * dy;
                if (row < 0 || row >= h || (s > 0 && dy == 0))
                    continue;
                float *restrict o = ring + (row % slots) * stride;
                for (int x = 0; x < w; x++)
                    o[x] = run[x] < o[x] ? run[x] : o[x];
            }
        }
    }
}

static int ellipse_minimum(const vi_plane *dst, const vi_plane *src, float frx, float fry, float sign,
                           vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    int w = src->w, h = src->h;
    int rx = (int)lrintf(fminf(fmaxf(frx, 0.0f), (float)w)), ry = (int)lrintf(fminf(fmaxf(fry, 0.0f), (float)h));
    int slots = 2 * ry + 1;
    ptrdiff_t stride = ((ptrdiff_t)w + 15) & ~(ptrdiff_t)15;
    float *ring = vi_arena_alloc(scratch, (size_t)stride * (size_t)slots * sizeof *ring);
    float *line = vi_arena_alloc(scratch, ((size_t)w + 2 * (size_t)rx) * sizeof *line);
    float *run = vi_arena_alloc(scratch, (size_t)w * sizeof *run);
    int *half = vi_arena_alloc(scratch, ((size_t)ry + 1) * sizeof *half);
    if (!ring || !line || !run || !half) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    for (int dy = 0; dy <= ry; dy++) {
        float t = ry ? (float)dy / (float)ry : 0.0f;
        half[dy] = (int)lrintf((float)rx * sqrtf(1.0f - t * t));
    }
    for (ptrdiff_t i = 0; i < stride * slots; i++)
        ring[i] = INFINITY;
    for (int k = 0; k < rx; k++) /* outside the picture nothing counts */
        line[k] = line[rx + w + k] = INFINITY;
    for (int y = 0; y < h + ry; y++) {
        if (y < h) {
            const float *s = vi_row(src, y);
            for (int x = 0; x < w; x++)
                line[rx + x] = s[x] * sign;
            spread_row(ring, stride, slots, line + rx, run, w, y, h, rx, ry, half);
        }
        if (y >= ry && y - ry < h) { /* row y - ry has seen all it needs */
            float *o = ring + ((y - ry) % slots) * stride, *d = vi_row(dst, y - ry);
            for (int x = 0; x < w; x++) {
                d[x] = o[x] * sign;
                o[x] = INFINITY;
            }
        }
    }
    vi_arena_release(scratch, mark);
    return VISO_OK;
}

int VI_FN(erode)(const vi_plane *dst, const vi_plane *src, float rx, float ry, vi_arena *scratch)
{
    return ellipse_minimum(dst, src, rx, ry, 1.0f, scratch);
}

int VI_FN(dilate)(const vi_plane *dst, const vi_plane *src, float rx, float ry, vi_arena *scratch)
{
    return ellipse_minimum(dst, src, rx, ry, -1.0f, scratch);
}
