/* kernel/plan.c: decisions and small tables that the plain and the wide versions must share so that they agree: frame
 * components, shrink factors, spans, gaussian taps, chroma filters. */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"

int vi_frame_comps(const vi_frame *f, const vi_colour_map *cm, vi_comp comp[3])
{
    const vi_format_info *fi = vi_format_describe(f->format);
    int n = fi->components == 1 ? 1 : 3;
    for (int i = 0; i < n; i++) {
        vi_comp *c = &comp[i];
        bool chroma = fi->yuv && i > 0;
        int sx = chroma ? fi->chroma_w_log2 : 0, sy = chroma ? fi->chroma_h_log2 : 0;
        int plane = fi->planes == 1 ? 0 : fi->planes == 2 ? (i > 0) : i;
        int lane = fi->planes == 1 ? i : fi->planes == 2 ? (i == 2) : 0;
        int per_pixel = fi->planes == 1 ? fi->components : fi->planes == 2 && chroma ? 2 : 1;
        c->bytes = fi->bytes;
        c->step = per_pixel * fi->bytes;
        c->p = f->plane[plane] + lane * fi->bytes;
        c->stride = f->stride[plane];
        c->w = (f->width + (1 << sx) - 1) >> sx;
        c->h = (f->height + (1 << sy) - 1) >> sy;
        c->shift = fi->shift;
        c->scale = 1.0f;
        c->ax = 1.0f / (float)(1 << sx);
        c->ay = 1.0f / (float)(1 << sy);
        c->bx = sx ? 0.5f - cm->chroma_dx * c->ax : 0.0f;
        c->by = sy ? 0.5f - cm->chroma_dy * c->ay : 0.0f;
    }
    return n;
}

int vi_shrink_factor(float scale)
{
    int f = 1;
    while (f < 128 && scale > 2.0f * (float)f)
        f *= 2;
    return f;
}

/* Cuts [*a, *b] to the x with lo < k x + c < hi. */
static void cut(double k, double c, double lo, double hi, double *a, double *b)
{
    if (fabs(k) < 1e-12) {
        if (!(c > lo && c < hi))
            *b = *a - 1.0;
        return;
    }
    double p = (lo - c) / k, q = (hi - c) / k;
    *a = fmax(*a, fmin(p, q));
    *b = fmin(*b, fmax(p, q));
}

void vi_row_span(const vi_affine *m, int y, float lo_x, float hi_x, float lo_y, float hi_y, int width, int *xa, int *xb)
{
    double yc = y + 0.5, a = 0.0, b = width;
    cut(m->m[0], m->m[1] * yc + m->m[2], lo_x, hi_x, &a, &b);
    cut(m->m[3], m->m[4] * yc + m->m[5], lo_y, hi_y, &a, &b);
    *xa = *xb = 0;
    if (!(a <= b))
        return;
    /* one pixel of slack: the exact test is the mask's value */
    *xa = vi_clampi((int)floor(a - 0.5) - 1, 0, width);
    *xb = vi_clampi((int)ceil(b - 0.5) + 2, 0, width);
}

int vi_gauss_taps(float sigma, float g[VI_GAUSS_MAX + 1])
{
    int radius = vi_clampi((int)ceilf(3.2f * sigma), 1, VI_GAUSS_MAX);
    double sum = 0.0, t[VI_GAUSS_MAX + 1];
    double s = sigma > 1e-3f ? (double)sigma : 1e-3;
    for (int i = 0; i <= radius; i++) {
        t[i] = exp(-0.5 * (i / s) * (i / s));
        sum += i ? 2.0 * t[i] : t[i];
    }
    for (int i = 0; i <= radius; i++)
        g[i] = (float)(t[i] / sum);
    return radius;
}

/* Averaging f pixels has variance (f^2 - 1) / 12, linear interpolation back f^2 / 6 + 1 / 12 on average: f^2 / 4 together,
 * taken off the variance to do. With sigma / f >= 3 even white noise comes out within 1 % of its range (the error is
 * that the kernel is constant over a cell; with 2 it was 1.2 % at the border). */
int vi_blur_plan(float sigma, float *rest)
{
    int f = 1;
    while (f < 4096 && sigma >= 6.0f * (float)f)
        f *= 2;
    float s = sigma / (float)f;
    *rest = f > 1 ? sqrtf(s * s - 0.25f) : s;
    return f;
}

void vi_chroma_filter(vi_chroma_taps *t, float pos, bool last_odd)
{
    memset(t, 0, sizeof *t);
    float *n = t->narrow + 2, *w = t->wide + 2;
    if (pos < 0.75f || pos > 1.25f) {
        int c = pos > 1.25f ? 1 : 0; /* co-sited with this luma sample */
        n[c - 1] = 0.25f, n[c] = 0.5f, n[c + 1] = 0.25f;
        w[c - 2] = -0.125f, w[c - 1] = 0.25f, w[c] = 0.75f, w[c + 1] = 0.25f;
        if (c + 2 <= 3)
            w[c + 2] = -0.125f;
        return;
    }
    n[0] = n[1] = 0.5f;
    if (last_odd) {
        w[-1] = -0.5f, w[0] = 1.5f;
    } else {
        w[-1] = -0.25f, w[0] = 0.75f, w[1] = 0.75f, w[2] = -0.25f;
    }
}
