/* kernel/c/warp.c: look-up of planes at given places: a map plane per coordinate, or an affine map. */
#include <math.h>

#include "kernel/cubic.h"

typedef struct vi_taps {
    int x[4], y[4]; /* clamped indices; bilinear uses 1 and 2 */
    float wx[4], wy[4];
} vi_taps;

/* fmax, fmin in this order turn a NaN coordinate into 0. */
static inline void make_taps(vi_taps *t, const vi_plane *s, float x, float y, vi_filter filter)
{
    float u = fminf(fmaxf(x - 0.5f, 0.0f), (float)(s->w - 1));
    float v = fminf(fmaxf(y - 0.5f, 0.0f), (float)(s->h - 1));
    int iu = (int)u, iv = (int)v;
    for (int k = 0; k < 4; k++) {
        t->x[k] = vi_clampi(iu - 1 + k, 0, s->w - 1);
        t->y[k] = vi_clampi(iv - 1 + k, 0, s->h - 1);
    }
    u -= (float)iu, v -= (float)iv;
    if (filter == VI_FILTER_BICUBIC) {
        cubic_weights(u, t->wx);
        cubic_weights(v, t->wy);
    } else {
        t->wx[1] = 1.0f - u, t->wx[2] = u;
        t->wy[1] = 1.0f - v, t->wy[2] = v;
    }
}

static inline float look(const vi_taps *t, const vi_plane *s, vi_filter filter)
{
    int a = filter == VI_FILTER_BICUBIC ? 0 : 1, b = filter == VI_FILTER_BICUBIC ? 4 : 3;
    float sum = 0.0f;
    for (int j = a; j < b; j++) {
        const float *row = vi_row(s, t->y[j]);
        float r = 0.0f;
        for (int i = a; i < b; i++)
            r += t->wx[i] * row[t->x[i]];
        sum += t->wy[j] * r;
    }
    return sum;
}

void VI_FN(remap)(const vi_plane *dst, const vi_plane *src, int n, const vi_plane *mx, const vi_plane *my,
                  vi_filter filter)
{
    for (int j = 0; n > 0 && j < dst->h; j++) {
        const float *px = vi_row(mx, j), *py = vi_row(my, j);
        for (int i = 0; i < dst->w; i++) {
            vi_taps t;
            make_taps(&t, src, px[i], py[i], filter);
            for (int k = 0; k < n; k++)
                vi_row(&dst[k], j)[i] = look(&t, &src[k], filter);
        }
    }
}

void VI_FN(warp)(const vi_plane *dst, const vi_plane *src, int n, const vi_affine *dst_to_src, vi_filter filter,
                 vi_border border)
{
    const float *m = dst_to_src->m;
    float w = (float)src->w, h = (float)src->h;
    for (int j = 0; n > 0 && j < dst->h; j++) {
        float bx = m[1] * ((float)j + 0.5f) + m[2], by = m[4] * ((float)j + 0.5f) + m[5];
        for (int i = 0; i < dst->w; i++) {
            float x = m[0] * ((float)i + 0.5f) + bx, y = m[3] * ((float)i + 0.5f) + by, in = 1.0f;
            vi_taps t;
            make_taps(&t, src, x, y, filter);
            if (border == VI_BORDER_ZERO)
                in = vi_clampf(fminf(x, w - x) + 0.5f, 0.0f, 1.0f) * vi_clampf(fminf(y, h - y) + 0.5f, 0.0f, 1.0f);
            for (int k = 0; k < n; k++)
                vi_row(&dst[k], j)[i] = look(&t, &src[k], filter) * in;
        }
    }
}
