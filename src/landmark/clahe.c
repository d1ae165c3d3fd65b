/* landmark/clahe.c: see clahe.h. One thread, scratch from the arena. */
#include "landmark/clahe.h"

#include <math.h>
#include <string.h>

enum { BINS = 256 };

static int bin_of(float l)
{
    return vi_clampi((int)(l * (255.0f / 100) + 0.5f), 0, BINS - 1);
}

/* The curve of one tile: counts cut at the limit, what was cut spread evenly, summed up to 0..255. */
static void curve_of(const vi_plane *l, int x0, int y0, int x1, int y1, float limit, float curve[BINS])
{
    int count[BINS] = { 0 }, area = (x1 - x0) * (y1 - y0), cut = 0;
    int most = VI_MAX((int)(limit * (float)area / BINS), 1);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            count[bin_of(l->p[y * l->stride + x])]++;
    for (int i = 0; i < BINS; i++) {
        cut += VI_MAX(count[i] - most, 0);
        count[i] = VI_MIN(count[i], most);
    }
    int each = cut / BINS, rest = cut - each * BINS, step = rest ? VI_MAX(BINS / rest, 1) : BINS;
    for (int i = 0; i < BINS; i++)
        count[i] += each;
    for (int i = 0; i < BINS && rest > 0; i += step, rest--)
        count[i]++;
    int sum = 0;
    for (int i = 0; i < BINS; i++) {
        sum += count[i];
        curve[i] = (float)sum * 255 / (float)area;
    }
}

/* Which two tiles a coordinate lies between, and how far. */
static void between(int at, int size, int tiles, int *a, int *b, float *t)
{
    float f = ((float)at + 0.5f) * (float)tiles / (float)size - 0.5f, whole = floorf(f);
    *t = f - whole;
    *a = vi_clampi((int)whole, 0, tiles - 1);
    *b = vi_clampi((int)whole + 1, 0, tiles - 1);
}

int vi_clahe(const vi_kernels *k, const vi_rgb *crop, float limit, int tiles, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    int w = crop->c[0].w, h = crop->c[0].h;
    vi_rgb lab = vi_rgb_new(scratch, w, h);
    float(*curve)[BINS] = vi_arena_alloc(scratch, (size_t)(tiles * tiles) * sizeof *curve);
    if (!lab.c[2].p || !curve) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    k->rgb_to_lab(&lab, crop);
    for (int i = 0; i < tiles * tiles; i++) {
        int tx = i % tiles, ty = i / tiles;
        curve_of(&lab.c[0], tx * w / tiles, ty * h / tiles, (tx + 1) * w / tiles, (ty + 1) * h / tiles, limit, curve[i]);
    }
    for (int y = 0; y < h; y++) {
        int ya, yb;
        float v;
        between(y, h, tiles, &ya, &yb, &v);
        for (int x = 0; x < w; x++) {
            int xa, xb, bin = bin_of(lab.c[0].p[y * lab.c[0].stride + x]);
            float u;
            between(x, w, tiles, &xa, &xb, &u);
            float top = curve[ya * tiles + xa][bin] * (1 - u) + curve[ya * tiles + xb][bin] * u;
            float low = curve[yb * tiles + xa][bin] * (1 - u) + curve[yb * tiles + xb][bin] * u;
            lab.c[0].p[y * lab.c[0].stride + x] = (top * (1 - v) + low * v) * (100 / 255.0f);
        }
    }
    k->lab_to_rgb(crop, &lab);
    vi_arena_release(scratch, mark);
    return VISO_OK;
}
