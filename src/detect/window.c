/* detect/window.c: geometry of whole views, tiles (recipe section 2, "Pyramid") and regions. Pure functions. */
#include "detect/window.h"

#include <math.h>

/* A step of at most 0.6 of the side leaves an overlap of 0.4: a face up to that size is whole in some tile. */
#define STEP_MAX 0.6f
/* A tile may grow by this much when the picture's shorter side is then covered by one row instead of two. */
#define GROW_MAX 1.1f
/* Sizes tried from the one asked for to the largest allowed. */
#define GROW_STEPS 10
/* However large an overlap is asked for. */
#define STEP_MIN 0.5f

/* Cosine and sine; quarter turns are exact, so that their maps stay free of the rounding of cosf(pi/2). */
static void direction(float degrees, float *c, float *s)
{
    static const float cosine[4] = { 1, 0, -1, 0 }, sine[4] = { 0, 1, 0, -1 };
    float quarters = degrees / 90.0f;
    if (quarters == floorf(quarters) && fabsf(quarters) < 1e6f) {
        int q = (int)quarters & 3;
        *c = cosine[q], *s = sine[q];
        return;
    }
    *c = cosf(degrees * 0.017453293f), *s = sinf(degrees * 0.017453293f);
}

/* Size of the picture as seen along turned axes: of the box around it. */
static void turned_size(int width, int height, float c, float s, float *w, float *h)
{
    *w = fabsf((float)width * c) + fabsf((float)height * s);
    *h = fabsf((float)width * s) + fabsf((float)height * c);
}

/* Moves a window whose centre was found in turned coordinates (origin at the turned picture's corner) into the picture. */
static void place(vi_window *win, int width, int height)
{
    float c, s, tw, th;
    direction(win->angle, &c, &s);
    if (c == 1)
        return;
    turned_size(width, height, c, s, &tw, &th);
    float dx = win->cx - tw / 2, dy = win->cy - th / 2;
    win->cx = (float)width / 2 + c * dx - s * dy;
    win->cy = (float)height / 2 + s * dx + c * dy;
}

vi_window vi_window_whole(const vi_view *v, int width, int height, float factor, float angle)
{
    float c, s, tw, th;
    direction(angle, &c, &s);
    turned_size(width, height, c, s, &tw, &th);
    vi_window win = { tw / 2, th / 2, tw * factor, th * factor, angle, 0 };
    if (v->fit != VI_FIT_STRETCH) {
        /* Pixels of the picture for one of the input. */
        float step = fmaxf(tw / (float)v->w, th / (float)v->h) * factor;
        if (v->no_enlarging)
            step = fmaxf(step, 1);
        win.w = step * (float)v->w;
        win.h = step * (float)v->h;
        if (v->fit == VI_FIT_CORNER && factor <= 1) {
            win.cx = win.w / 2;
            win.cy = win.h / 2;
        }
    }
    place(&win, width, height);
    return win;
}

/* Tiles along one axis of `length` pixels. */
static int count_along(float length, float side, float step)
{
    return length <= side ? 1 : (int)ceilf((length - side) / step - 1e-4f) + 1;
}

static float centre_along(int i, int n, float length, float side)
{
    return n == 1 ? length / 2 : side / 2 + (length - side) * (float)i / (float)(n - 1);
}

/* nx x ny windows of tw x th over a picture that is w x h as seen along their axes. */
static int lay(vi_window *out, int max, int nx, int ny, const vi_window *t, float w, float h, int width, int height)
{
    int n = 0;
    for (int y = 0; y < ny; y++) {
        for (int x = 0; x < nx && n < max; x++) {
            vi_window *o = &out[n++];
            *o = (vi_window){ centre_along(x, nx, w, t->w), centre_along(y, ny, h, t->h), t->w, t->h, t->angle, 0 };
            o->inner = (uint8_t)((x > 0 ? VI_INNER_LEFT : 0) | (x < nx - 1 ? VI_INNER_RIGHT : 0) |
                                 (y > 0 ? VI_INNER_TOP : 0) | (y < ny - 1 ? VI_INNER_BOTTOM : 0));
            place(o, width, height);
        }
    }
    return n;
}

int vi_window_tiles(vi_window *out, int max, const vi_view *v, int width, int height, float fraction, float angle)
{
    float c, s, w, h;
    direction(angle, &c, &s);
    turned_size(width, height, c, s, &w, &h);
    float side = fmaxf(w, h) * fraction, longer = (float)(v->w > v->h ? v->w : v->h);
    vi_window t = { .w = side * (float)v->w / longer, .h = side * (float)v->h / longer, .angle = angle };
    if (!(t.w >= 1) || !(t.h >= 1))
        return 0;
    float grow = w < h ? w / t.w : h / t.h;
    if (grow > 1 && grow <= GROW_MAX) {
        t.w *= grow;
        t.h *= grow;
    }
    return lay(out, max, count_along(w, t.w, STEP_MAX * t.w), count_along(h, t.h, STEP_MAX * t.h), &t, w, h, width, height);
}

int vi_window_cover(vi_window *out, int max, const vi_view *v, int width, int height, float side, float grow, float overlap,
                    float angle)
{
    float c, s, w, h, longer = (float)(v->w > v->h ? v->w : v->h);
    vi_window best = { .angle = angle };
    int nx = 0, ny = 0;
    direction(angle, &c, &s);
    turned_size(width, height, c, s, &w, &h);
    if (!(side >= 1))
        return 0;
    /* The smallest of the grown sizes that need the fewest windows. */
    for (int i = 0; i <= GROW_STEPS; i++) {
        float grown = side * (1 + grow * (float)i / GROW_STEPS);
        vi_window t = { .w = grown * (float)v->w / longer, .h = grown * (float)v->h / longer, .angle = angle };
        int x = count_along(w, t.w, fmaxf(t.w - overlap, STEP_MIN * t.w));
        int y = count_along(h, t.h, fmaxf(t.h - overlap, STEP_MIN * t.h));
        if (i > 0 && x * y >= nx * ny)
            continue;
        best = t;
        nx = x;
        ny = y;
    }
    return lay(out, max, nx, ny, &best, w, h, width, height);
}

vi_window vi_window_around(const vi_view *v, int width, int height, float cx, float cy, float side, float angle)
{
    static const float middle[4][2] = { { 0, 0.5f }, { 0.5f, 0 }, { 1, 0.5f }, { 0.5f, 1 } }; /* left top right bottom */
    float shorter = (float)(v->w < v->h ? v->w : v->h);
    vi_window win = { cx, cy, side * (float)v->w / shorter, side * (float)v->h / shorter, angle, 0 };
    vi_affine to = vi_window_to_picture(&win, 1, 1);
    for (int i = 0; i < 4; i++) {
        vi_point p = vi_affine_apply(&to, middle[i][0], middle[i][1]);
        if (p.x > 0 && p.y > 0 && p.x < (float)width && p.y < (float)height)
            win.inner |= (uint8_t)(1 << i);
    }
    return win;
}

vi_affine vi_window_to_picture(const vi_window *w, float width, float height)
{
    float c, s, x = w->w / width, y = w->h / height;
    direction(w->angle, &c, &s);
    float cx = c * x, sx = s * x, cy = c * y, sy = s * y;
    return (vi_affine){ { cx, -sy, w->cx - cx * width / 2 + sy * height / 2, sx, cy,
                          w->cy - sx * width / 2 - cy * height / 2 } };
}

vi_rect vi_window_covered(const vi_window *w, const vi_view *v, int width, int height, bool nearest)
{
    vi_rect all = { 0, 0, v->w, v->h };
    vi_affine to = vi_window_to_picture(w, (float)v->w, (float)v->h), back;
    float quarters = w->angle / 90.0f;
    if (quarters != floorf(quarters) || !vi_affine_invert(&to, &back))
        return all;
    vi_point p = vi_affine_apply(&back, 0, 0), q = vi_affine_apply(&back, (float)width, (float)height);
    vi_box box = { fminf(p.x, q.x) - 1, fminf(p.y, q.y) - 1, fmaxf(p.x, q.x) + 1, fmaxf(p.y, q.y) + 1 };
    if (nearest)
        box = (vi_box){ roundf(box.x0 + 1), roundf(box.y0 + 1), roundf(box.x1 - 1), roundf(box.y1 - 1) };
    return vi_box_cover(&box, v->w, v->h);
}
