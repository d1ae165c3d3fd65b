/* detect/window.c: tile geometry (recipe section 2, "Pyramid"). Pure functions. */
#include "detect/window.h"

#include <math.h>

/* A step of at most 0.6 of the side leaves an overlap of 0.4: a face up to that size is whole in some tile. */
#define STEP_MAX 0.6f
/* A tile may grow by this much when the picture's shorter side is then covered by one row instead of two. */
#define GROW_MAX 1.1f

vi_window vi_window_whole(int width, int height, float factor, int turns)
{
    float side = (float)(width > height ? width : height) * factor;
    return (vi_window){ (float)width / 2, (float)height / 2, side, turns & 3, 0 };
}

/* Tiles along one axis of `length` pixels. */
static int count_along(float length, float side)
{
    return length <= side ? 1 : (int)ceilf((length - side) / (STEP_MAX * side) - 1e-4f) + 1;
}

static float centre_along(int i, int n, float length, float side)
{
    return n == 1 ? length / 2 : side / 2 + (length - side) * (float)i / (float)(n - 1);
}

int vi_window_tiles(vi_window *out, int max, int width, int height, float fraction)
{
    float w = (float)width, h = (float)height;
    float side = fmaxf(w, h) * fraction, shorter = fminf(w, h);
    if (!(side >= 1))
        return 0;
    if (shorter > side && shorter <= side * GROW_MAX)
        side = shorter;
    int nx = count_along(w, side), ny = count_along(h, side), n = 0;
    for (int y = 0; y < ny; y++) {
        for (int x = 0; x < nx && n < max; x++) {
            vi_window t = { centre_along(x, nx, w, side), centre_along(y, ny, h, side), side, 0, 0 };
            t.inner = (uint8_t)((x > 0 ? VI_INNER_LEFT : 0) | (x < nx - 1 ? VI_INNER_RIGHT : 0) |
                                (y > 0 ? VI_INNER_TOP : 0) | (y < ny - 1 ? VI_INNER_BOTTOM : 0));
            out[n++] = t;
        }
    }
    return n;
}

uint8_t vi_window_inner(const vi_window *w, int width, int height)
{
    float h = w->side / 2;
    int bits = (w->cx - h > 0 ? 1 : 0) | (w->cy - h > 0 ? 2 : 0) | (w->cx + h < (float)width ? 4 : 0) |
               (w->cy + h < (float)height ? 8 : 0);
    /* The window's left is the picture's top after one turn, and so on round: rotate the four bits. */
    int t = w->turns & 3;
    return (uint8_t)(((bits >> t) | (bits << (4 - t))) & 15);
}

vi_affine vi_window_to_picture(const vi_window *w, float size)
{
    /* Quarter turns by table: the map stays free of the rounding of cosf(pi/2). */
    static const float cosine[4] = { 1, 0, -1, 0 }, sine[4] = { 0, 1, 0, -1 };
    float s = w->side / size, h = size / 2;
    float c = cosine[w->turns & 3] * s, n = sine[w->turns & 3] * s;
    return (vi_affine){ { c, -n, w->cx - c * h + n * h, n, c, w->cy - n * h - c * h } };
}
