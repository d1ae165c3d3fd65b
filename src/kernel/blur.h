/* kernel/blur.h: Gaussian blur, plain and weighted; the order of work shared by the plain and the wide version, which
 * define the row functions declared below.
 *
 * A narrow Gaussian is two passes of taps. A wide one is done at 1/f of the size (vi_blur_plan): average f x f
 * pixels, blur that, interpolate back; the variance of averaging and interpolating is taken off beforehand. The
 * small picture carries a margin made from the edge pixels themselves, so that the border behaves as if the edge
 * repeated for ever. */
#ifndef VI_KERNEL_BLUR_H
#define VI_KERNEL_BLUR_H

/* out[x] = g[0] mid[x] + sum g[k] (up[k][x] + down[k][x]) */
static void fir_rows(float *out, const float *const *up, const float *const *down, const float *g, int radius, int n);
/* out[x] = g[0] in[x] + sum g[k] (in[x - k] + in[x + k]); in has `radius` valid floats on both sides. */
static void fir_row(float *out, const float *in, const float *g, int radius, int n);

/* Interpolation back to full size: out[x] = in[i] + t (in[i + 1] - in[i]) at i + t = (x + .5) / f - .5, i >= -1. */
static void grow_row(float *out, const float *in, int f, int n);

/* acc[x] = sum of src (times w when given) over rows [y0, y1). */
static void sum_rows(float *acc, const vi_plane *src, const vi_plane *w, int y0, int y1);
/* out[i] = k * (acc[i f] + … f values); f a power of two, at least 2. acc is spent. */
static void sum_cells(float *out, float *acc, int f, int cells, float k);

enum { BLUR_FLOOR_INV = 10000 };

/* Vertical pass over rows [0, h) of src (clamped to its rows) into dst. */
static void fir_plane_rows(const vi_plane *dst, const vi_plane *src, int first, const float *g, int radius)
{
    const float *up[VI_GAUSS_MAX + 1], *down[VI_GAUSS_MAX + 1];
    for (int y = 0; y < dst->h; y++) {
        for (int k = 0; k <= radius; k++) {
            up[k] = vi_row(src, vi_clampi(y + first - k, 0, src->h - 1));
            down[k] = vi_row(src, vi_clampi(y + first + k, 0, src->h - 1));
        }
        fir_rows(vi_row(dst, y), up, down, g, radius, dst->w);
    }
}

static void product_row(float *restrict out, const float *a, const float *b, int n)
{
    for (int x = 0; x < n; x++)
        out[x] = a[x] * b[x];
}

/* Direct blur of src (times w when given) into dst; dst may be src. `tmp` has the size of dst, `line` w + 64. */
static void blur_narrow(const vi_plane *dst, const vi_plane *src, const vi_plane *w, float sigma, const vi_plane *tmp,
                        float *line)
{
    float g[VI_GAUSS_MAX + 1];
    int radius = vi_gauss_taps(sigma, g), n = src->w;
    float *in = line + 32;
    for (int y = 0; y < src->h; y++) {
        if (w)
            product_row(in, vi_row(src, y), vi_row(w, y), n);
        else
            memcpy(in, vi_row(src, y), (size_t)n * sizeof *in);
        for (int k = 1; k <= radius; k++) {
            in[-k] = in[0];
            in[n - 1 + k] = in[n - 1];
        }
        fir_row(vi_row(tmp, y), in, g, radius, n);
    }
    fir_plane_rows(dst, tmp, 0, g, radius);
}

/* A plane at 1/f with one cell of margin on each side, ready for grow_row (cell 0 at column 1, row 1). */
typedef struct vi_small {
    vi_plane p;
    int f;
} vi_small;

/* One row of the reduced picture with its margin: rows [y0, y1) of the source, the last counted `repeat` more times. */
static void reduce_row(float *out, float *acc, const vi_plane *src, const vi_plane *w, int f, int pad, int y0, int y1,
                       int repeat)
{
    int n = src->w, whole = n / f, cells = (n + f - 1) / f;
    float k = 1.0f / ((float)f * (float)f);
    sum_rows(acc, src, w, y0, y1);
    if (repeat) {
        const float *s = vi_row(src, y1 - 1), *m = w ? vi_row(w, y1 - 1) : NULL;
        for (int x = 0; x < n; x++)
            acc[x] += (float)repeat * s[x] * (m ? m[x] : 1.0f);
    }
    float *cell = out + pad, first = acc[0] * (float)f * k, edge = acc[n - 1] * (float)f * k;
    if (whole < cells) {
        float s = (float)(cells * f - n) * acc[n - 1];
        for (int x = whole * f; x < n; x++)
            s += acc[x];
        cell[whole] = s * k;
    }
    sum_cells(cell, acc, f, whole, k);
    for (int i = 0; i < pad; i++) {
        out[i] = first;
        cell[cells + i] = edge;
    }
}

/* Reduced and blurred copy of src (times w when given). */
static bool blur_small(vi_small *out, const vi_plane *src, const vi_plane *w, int f, float rest, vi_arena *scratch)
{
    float g[VI_GAUSS_MAX + 1];
    int radius = vi_gauss_taps(rest, g), pad = radius + 1;
    int cw = (src->w + f - 1) / f, ch = (src->h + f - 1) / f;
    out->f = f;
    out->p = vi_plane_new(scratch, cw + 2, ch + 2);
    size_t mark = vi_arena_mark(scratch);
    vi_plane across = vi_plane_new(scratch, cw + 2, ch + 2 * pad);
    float *line = vi_arena_alloc(scratch, ((size_t)cw + 2 * (size_t)pad + 16) * sizeof *line);
    float *acc = vi_arena_alloc(scratch, (size_t)src->w * sizeof *acc);
    if (!out->p.p || !across.p || !line || !acc) {
        vi_arena_release(scratch, mark);
        return false;
    }
    for (int j = -pad; j < ch + pad; j++) {
        float *d = vi_row(&across, j + pad);
        if ((j < 0 && j > -pad) || j > ch) { /* margin rows are all alike */
            memcpy(d, vi_row(&across, j + pad - 1), (size_t)across.w * sizeof *d);
            continue;
        }
        int y0 = j * f, y1 = y0 + f, repeat = 0;
        if (j < 0)
            y0 = 0, y1 = 1, repeat = f - 1;
        else if (y0 >= src->h)
            y0 = src->h - 1, y1 = src->h, repeat = f - 1;
        else if (y1 > src->h)
            repeat = y1 - src->h, y1 = src->h;
        reduce_row(line, acc, src, w, f, pad, y0, y1, repeat);
        fir_row(d, line + radius, g, radius, cw + 2);
    }
    fir_plane_rows(&out->p, &across, radius, g, radius);
    vi_arena_release(scratch, mark);
    return true;
}

/* Row y of the full-size picture from a small one; `line` holds a row of the small one. */
static void small_row(float *out, const vi_small *s, int y, int n, float *restrict line)
{
    float t = ((float)y + 0.5f) / (float)s->f - 0.5f;
    int j = (int)floorf(t);
    float k = t - (float)j;
    const float *a = vi_row(&s->p, j + 1), *b = vi_row(&s->p, j + 2);
    for (int x = 0; x < s->p.w; x++)
        line[x] = a[x] + k * (b[x] - a[x]);
    grow_row(out, line + 1, s->f, n);
}

int VI_FN(blur)(const vi_plane *dst, const vi_plane *src, float sigma, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    float rest;
    if (!(sigma > 0.0f)) {
        vi_plane_copy(dst, src);
        return VISO_OK;
    }
    int f = vi_blur_plan(sigma, &rest), rc = VISO_ERR_NO_SPACE;
    float *line = vi_arena_alloc(scratch, ((size_t)src->w + 64) * sizeof *line);
    if (f == 1) {
        vi_plane tmp = vi_plane_new(scratch, src->w, src->h);
        if (line && tmp.p) {
            blur_narrow(dst, src, NULL, sigma, &tmp, line);
            rc = VISO_OK;
        }
    } else {
        vi_small small;
        if (line && blur_small(&small, src, NULL, f, rest, scratch)) {
            for (int y = 0; y < dst->h; y++)
                small_row(vi_row(dst, y), &small, y, dst->w, line);
            rc = VISO_OK;
        }
    }
    vi_arena_release(scratch, mark);
    return rc;
}

/* The quotient num / max(den, floor) as a product: the divisor is shared by all planes. */
static void invert_row(float *restrict out, const float *restrict den, int n)
{
    const float low = 1.0f / (float)BLUR_FLOOR_INV;
    for (int x = 0; x < n; x++)
        out[x] = 1.0f / (den[x] > low ? den[x] : low);
}

static void scale_row(float *dst, const float *num, const float *inv, int n)
{
    VI_ROW_LOOP
    for (int x = 0; x < n; x++)
        dst[x] = num[x] * inv[x];
}

static int masked_narrow(const vi_plane *dst, const vi_plane *src, int n, const vi_plane *w, const vi_plane *wsum,
                         float sigma, vi_arena *scratch)
{
    vi_plane tmp = vi_plane_new(scratch, w->w, w->h), den = vi_plane_new(scratch, w->w, w->h);
    float *line = vi_arena_alloc(scratch, ((size_t)w->w + 64) * sizeof *line);
    if (!tmp.p || !den.p || !line)
        return VISO_ERR_NO_SPACE;
    blur_narrow(&den, w, NULL, sigma, &tmp, line);
    for (int i = 0; i < n; i++)
        blur_narrow(&dst[i], &src[i], w, sigma, &tmp, line);
    for (int y = 0; y < w->h; y++) {
        invert_row(line, vi_row(&den, y), w->w);
        for (int i = 0; i < n; i++)
            scale_row(vi_row(&dst[i], y), vi_row(&dst[i], y), line, w->w);
    }
    if (wsum)
        vi_plane_copy(wsum, &den);
    return VISO_OK;
}

static int masked_wide(const vi_plane *dst, const vi_plane *src, int n, const vi_plane *w, const vi_plane *wsum, int f,
                       float rest, vi_arena *scratch)
{
    size_t width = (size_t)w->w + 64;
    vi_small den, *num = vi_arena_alloc(scratch, (size_t)VI_MAX(n, 1) * sizeof *num);
    float *line = vi_arena_alloc(scratch, width * sizeof *line), *d = vi_arena_alloc(scratch, width * sizeof *d);
    float *s = vi_arena_alloc(scratch, width * sizeof *s), *inv = vi_arena_alloc(scratch, width * sizeof *inv);
    if (!num || !line || !d || !s || !inv || !blur_small(&den, w, NULL, f, rest, scratch))
        return VISO_ERR_NO_SPACE;
    for (int i = 0; i < n; i++)
        if (!blur_small(&num[i], &src[i], w, f, rest, scratch))
            return VISO_ERR_NO_SPACE;
    for (int y = 0; y < w->h; y++) {
        small_row(d, &den, y, w->w, line);
        invert_row(inv, d, w->w);
        for (int i = 0; i < n; i++) {
            small_row(s, &num[i], y, w->w, line);
            scale_row(vi_row(&dst[i], y), s, inv, w->w);
        }
        if (wsum)
            memcpy(vi_row(wsum, y), d, (size_t)w->w * sizeof *d);
    }
    return VISO_OK;
}

int VI_FN(blur_masked)(const vi_plane *dst, const vi_plane *src, int n, const vi_plane *w, const vi_plane *wsum,
                       float sigma, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    float rest;
    int f = vi_blur_plan(sigma > 0.0f ? sigma : 0.0f, &rest);
    int rc = f == 1 ? masked_narrow(dst, src, n, w, wsum, sigma, scratch)
                    : masked_wide(dst, src, n, w, wsum, f, rest, scratch);
    vi_arena_release(scratch, mark);
    return rc;
}

#endif
