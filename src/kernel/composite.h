/* kernel/composite.h: the order of work of `composite`, shared by the plain and the wide version, which give it
 * their row functions (paste_look_up, paste_put, paste_gather_rows, paste_put_chroma) by defining them before
 * including this file.
 *
 * Luma rows of the box are made one after another: mask and colour looked up in the crop, colour turned into code
 * values. Subsampled chroma keeps the last eight rows in a ring and is written when the rows of its footprint
 * are there. The mask of a chroma sample is averaged over its footprint. Its colour is averaged with the
 * mask as weight at the mask's edge; inside, where all colours count, a filter with small negative lobes is used that
 * is the dual of bilinear upsampling (the 5/3 wavelet's pair), so that sampling a crop and putting it back
 * returns the very chroma samples. */
#ifndef VI_KERNEL_COMPOSITE_H
#define VI_KERNEL_COMPOSITE_H

#include <limits.h>
#include <math.h>
#include <string.h>

#include "kernel/internal.h"

typedef struct vi_paste {
    const vi_colour_map *cm;
    vi_affine map;         /* frame -> looked-up planes */
    vi_plane rgb[3], mask; /* of equal size */
    float max;             /* largest code value */
    const float *quad;     /* wide look-ups: the four planes once more, pixel by pixel, without gaps */
} vi_paste;

typedef struct vi_paste_row {
    int y;           /* INT_MIN: nothing yet */
    bool empty;      /* m is 0 everywhere */
    float *m, *c[3]; /* indexed by luma x - x0 of the ring */
} vi_paste_row;

enum { PASTE_RING = 8 };

typedef struct vi_paste_ring {
    vi_paste_row row[PASTE_RING];
    int x0, x1;  /* luma columns held; may reach beyond the frame by the filter's taps */
    float *v[6]; /* vertical sums: m, m*u, m*v, wide u, wide v, least m under the wide taps */
} vi_paste_ring;

static bool paste_pack(vi_paste *p, vi_arena *scratch); /* what look-ups want ready; false: no space */
static void paste_look_up(const vi_paste *p, int y, int xa, int xb, float *m, float *c0, float *c1, float *c2);
static void paste_put(const vi_comp *c, int y, int xa, int xb, const float *m, const float *v, float max);
static void paste_gather_rows(float *const v[6], const vi_paste_row *const row[6], const vi_chroma_taps *t, int n);
static void paste_put_chroma(const vi_comp *c, int j, int from, int to, const float *const v[4],
                             const vi_chroma_taps *t, const vi_chroma_taps *last, int last_cell, float max);

typedef struct vi_tap {
    ptrdiff_t i, j; /* offsets of the two rows' left taps */
    int dx;         /* 0 at the right edge */
    float fx, fy;
} vi_tap;

static inline float tap(const vi_plane *p, const vi_tap *t)
{
    const float *a = p->p + t->i, *b = p->p + t->j;
    float top = a[0] + t->fx * (a[t->dx] - a[0]), bottom = b[0] + t->fx * (b[t->dx] - b[0]);
    return top + t->fy * (bottom - top);
}

static inline void plain_look_up(const vi_paste *p, int y, int xa, int xb, float *m, float *c0, float *c1, float *c2)
{
    const float *a = p->map.m, *k = p->cm->from_rgb;
    float w = (float)p->mask.w, h = (float)p->mask.h;
    for (int x = xa; x < xb; x++) {
        float u = a[0] * ((float)x + 0.5f) + (a[1] * ((float)y + 0.5f) + a[2]);
        float v = a[3] * ((float)x + 0.5f) + (a[4] * ((float)y + 0.5f) + a[5]);
        /* share of the look-up that lies inside the crop: its outside has mask 0 */
        float inside = vi_clampf(fminf(u, w - u) + 0.5f, 0.0f, 1.0f) * vi_clampf(fminf(v, h - v) + 0.5f, 0.0f, 1.0f);
        c0[x] = c1[x] = c2[x] = 0.0f;
        if (!(inside > 0.0f))
            continue;
        u = vi_clampf(u - 0.5f, 0.0f, w - 1.0f);
        v = vi_clampf(v - 0.5f, 0.0f, h - 1.0f);
        int iu = (int)u, iv = (int)v, down = iv + 1 < p->mask.h;
        vi_tap t = { iv * p->mask.stride + iu, (iv + down) * p->mask.stride + iu, iu + 1 < p->mask.w, u - (float)iu,
                     v - (float)iv };
        m[x] = fminf(tap(&p->mask, &t) * inside, 1.0f);
        if (!(m[x] > 0.0f)) {
            m[x] = 0.0f;
            continue;
        }
        float rgb[3];
        for (int i = 0; i < 3; i++) {
            t.i = iv * p->rgb[i].stride + iu, t.j = (iv + down) * p->rgb[i].stride + iu;
            rgb[i] = tap(&p->rgb[i], &t);
        }
        if (p->cm->curved)
            vi_curve_from_crop(p->cm, &rgb[0], &rgb[1], &rgb[2], 1);
        c0[x] = k[0] * rgb[0] + k[1] * rgb[1] + k[2] * rgb[2] + k[3];
        c1[x] = k[4] * rgb[0] + k[5] * rgb[1] + k[6] * rgb[2] + k[7];
        c2[x] = k[8] * rgb[0] + k[9] * rgb[1] + k[10] * rgb[2] + k[11];
    }
}

static inline void put(const vi_comp *c, uint8_t *d, float m, float v, float max)
{
    uint16_t *d16 = (uint16_t *)(void *)d;
    float old = c->bytes == 1 ? (float)*d : (float)(*d16 >> c->shift);
    float mixed = fminf(fmaxf(old * (1.0f - m) + v * m, 0.0f), max); /* NaN becomes 0 */
    if (c->bytes == 1)
        *d = (uint8_t)lrintf(mixed);
    else
        *d16 = (uint16_t)(lrintf(mixed) << c->shift);
}

static inline void plain_put(const vi_comp *c, int y, int xa, int xb, const float *m, const float *v, float max)
{
    uint8_t *row = (uint8_t *)(uintptr_t)c->p + y * c->stride;
    for (int x = xa; x < xb; x++)
        if (m[x] > 0.0f)
            put(c, row + (ptrdiff_t)x * c->step, m[x], v[x], max);
}

/* Cells [from, to) of chroma row j; v: the vertical sums of one component, m soft wide least, indexed by luma x. */
static inline void plain_put_chroma(const vi_comp *c, int j, int from, int to, const float *const v[4],
                                    const vi_chroma_taps *t, const vi_chroma_taps *last, int last_cell, float max)
{
    uint8_t *row = (uint8_t *)(uintptr_t)c->p + j * c->stride;
    for (int i = from; i < to; i++) {
        const vi_chroma_taps *h = i == last_cell ? last : t;
        float sm = 0.0f, sc = 0.0f, sw = 0.0f, low = 1.0f;
        for (int k = 0; k < 6; k++) {
            int x = 2 * i - 2 + k;
            if (h->narrow[k] != 0.0f) {
                sm += h->narrow[k] * v[0][x];
                sc += h->narrow[k] * v[1][x];
            }
            if (h->wide[k] != 0.0f) {
                sw += h->wide[k] * v[2][x];
                low = v[3][x] < low ? v[3][x] : low;
            }
        }
        if (sm > 0.0f)
            put(c, row + (ptrdiff_t)i * c->step, sm, low > 0.0f ? sw : sc / sm, max);
    }
}

/* Smallest rectangle of the mask that holds everything above 0. */
static vi_rect mask_support(const vi_plane *mask, uint32_t *col)
{
    vi_rect r = { 0, 0, 0, 0 };
    int y0 = mask->h, y1 = -1, x0 = 0, x1 = mask->w - 1;
    memset(col, 0, (size_t)mask->w * sizeof *col);
    for (int y = 0; y < mask->h; y++) {
        const uint32_t *bits = (const uint32_t *)(const void *)vi_row(mask, y);
        uint32_t any = 0;
        for (int x = 0; x < mask->w; x++) {
            any |= bits[x];
            col[x] |= bits[x];
        }
        if (any) {
            y0 = VI_MIN(y0, y);
            y1 = y;
        }
    }
    if (y1 < 0)
        return r;
    while (x0 < x1 && !col[x0])
        x0++;
    while (x1 > x0 && !col[x1])
        x1--;
    r.x = x0, r.y = y0, r.w = x1 - x0 + 1, r.h = y1 - y0 + 1;
    return r;
}

/* Cuts crop and mask to the support (one pixel around it) and, when the crop is much finer than the frame, averages it
 * down first, so that a small face does not alias. */
static bool paste_prepare(vi_paste *p, const vi_affine *frame_to_crop, const vi_rgb *crop, const vi_plane *mask,
                          vi_rect s, vi_arena *scratch)
{
    int x0 = VI_MAX(s.x - 1, 0), y0 = VI_MAX(s.y - 1, 0);
    int x1 = VI_MIN(s.x + s.w + 1, mask->w), y1 = VI_MIN(s.y + s.h + 1, mask->h);
    for (int i = 0; i < 4; i++) {
        vi_plane view = vi_plane_view(i < 3 ? &crop->c[i] : mask, x0, y0, x1 - x0, y1 - y0);
        *(i < 3 ? &p->rgb[i] : &p->mask) = view;
    }
    p->map = *frame_to_crop;
    p->map.m[2] -= (float)x0;
    p->map.m[5] -= (float)y0;
    int f = vi_shrink_factor(vi_affine_scale(frame_to_crop));
    if (f == 1)
        return true;
    int w = VI_MAX(1, (x1 - x0 + f / 2) / f), h = VI_MAX(1, (y1 - y0 + f / 2) / f);
    float kx = (float)w / (float)(x1 - x0), ky = (float)h / (float)(y1 - y0);
    for (int i = 0; i < 4; i++) {
        vi_plane *view = i < 3 ? &p->rgb[i] : &p->mask, small = vi_plane_new(scratch, w, h);
        if (!small.p || VI_FN(resize)(&small, view, scratch) < 0)
            return false;
        *view = small;
    }
    for (int i = 0; i < 3; i++) {
        p->map.m[i] *= kx;
        p->map.m[3 + i] *= ky;
    }
    return true;
}

/* Frame pixels whose look-up can meet the mask. */
static bool paste_box(const vi_paste *p, int width, int height, vi_rect *box)
{
    vi_affine back;
    for (int i = 0; i < 6; i++)
        if (!isfinite(p->map.m[i]))
            return false;
    if (!vi_affine_invert(&p->map, &back))
        return false;
    vi_box b = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    for (int k = 0; k < 4; k++) {
        float x = k & 1 ? (float)p->mask.w + 0.5f : -0.5f, y = k & 2 ? (float)p->mask.h + 0.5f : -0.5f;
        vi_point q = vi_affine_apply(&back, x, y);
        b.x0 = fminf(b.x0, q.x), b.x1 = fmaxf(b.x1, q.x);
        b.y0 = fminf(b.y0, q.y), b.y1 = fmaxf(b.y1, q.y);
    }
    int x0 = (int)fmaxf(0.0f, fminf(floorf(b.x0), (float)width)),
        x1 = (int)fmaxf(0.0f, fminf(ceilf(b.x1), (float)width));
    int y0 = (int)fmaxf(0.0f, fminf(floorf(b.y0), (float)height)),
        y1 = (int)fmaxf(0.0f, fminf(ceilf(b.y1), (float)height));
    box->x = x0, box->y = y0, box->w = x1 - x0, box->h = y1 - y0;
    return box->w > 0 && box->h > 0;
}

static bool ring_create(vi_paste_ring *r, int x0, int x1, vi_arena *scratch)
{
    size_t n = ((size_t)(x1 - x0) + 31) & ~(size_t)15;
    float *mem = vi_arena_alloc(scratch, n * (PASTE_RING * 4 + 6) * sizeof *mem);
    if (!mem)
        return false;
    memset(mem, 0, n * (PASTE_RING * 4 + 6) * sizeof *mem);
    r->x0 = x0, r->x1 = x1;
    for (int i = 0; i < PASTE_RING; i++, mem += 4 * n) {
        r->row[i].y = INT_MIN;
        r->row[i].m = mem;
        for (int k = 0; k < 3; k++)
            r->row[i].c[k] = mem + (size_t)(k + 1) * n;
    }
    for (int i = 0; i < 6; i++, mem += n)
        r->v[i] = mem;
    return true;
}

/* Luma row y of the box into its ring slot; beyond the frame's sides the first and last pixel repeat. */
static void ring_fill(vi_paste_ring *r, const vi_paste *p, int y, int width, const vi_comp *comp, int direct)
{
    vi_paste_row *row = &r->row[y & (PASTE_RING - 1)];
    int xa, xb, off = r->x0;
    row->y = y;
    vi_row_span(&p->map, y, -0.5f, (float)p->mask.w + 0.5f, -0.5f, (float)p->mask.h + 0.5f, width, &xa, &xb);
    xa = VI_MAX(xa, r->x0), xb = VI_MIN(xb, r->x1);
    row->empty = xa >= xb;
    memset(row->m, 0, (size_t)(r->x1 - r->x0) * sizeof(float));
    if (row->empty)
        return;
    paste_look_up(p, y, xa, xb, row->m - off, row->c[0] - off, row->c[1] - off, row->c[2] - off);
    for (int i = 0; i < direct; i++)
        paste_put(&comp[i], y, xa, xb, row->m - off, row->c[i] - off, p->max);
    for (int k = 0; k < 4 && direct < 3; k++) {
        float *v = (k < 3 ? row->c[k] : row->m) - off;
        for (int x = r->x0; x < 0; x++)
            v[x] = v[0];
        for (int x = width; x < r->x1; x++)
            v[x] = v[width - 1];
    }
}

static void paste_chroma_row(vi_paste_ring *r, const vi_paste *p, int j, int cx0, int cx1, const vi_comp comp[3],
                             const vi_format_info *fi, int width, int height)
{
    const vi_paste_row *row[6];
    vi_chroma_taps down, h, h_last;
    bool any = false;
    int sy = fi->chroma_h_log2;
    memset(&down, 0, sizeof down);
    down.narrow[2] = down.wide[2] = 1.0f;
    if (sy)
        vi_chroma_filter(&down, p->cm->chroma_dy, 2 * j + 1 >= height);
    vi_chroma_filter(&h, p->cm->chroma_dx, false);
    vi_chroma_filter(&h_last, p->cm->chroma_dx, true);
    for (int t = 0; t < 6; t++) {
        int y = sy ? vi_clampi(2 * j - 2 + t, 0, height - 1) : j;
        row[t] = &r->row[y & (PASTE_RING - 1)];
        any |= row[t]->y == y && !row[t]->empty && down.narrow[t] != 0.0f;
    }
    if (!any)
        return;
    paste_gather_rows(r->v, row, &down, r->x1 - r->x0);
    int last_cell = (width & 1) ? width / 2 : -1;
    for (int k = 1; k < 3; k++) {
        const float *v[4] = { r->v[0] - r->x0, r->v[k] - r->x0, r->v[2 + k] - r->x0, r->v[5] - r->x0 };
        paste_put_chroma(&comp[k], j, cx0, cx1, v, &h, &h_last, last_cell, p->max);
    }
}

static int paste_subsampled(vi_frame *f, const vi_paste *p, vi_rect *box, const vi_comp comp[3], vi_arena *scratch)
{
    const vi_format_info *fi = vi_format_describe(f->format);
    int sy = fi->chroma_h_log2;
    /* cells whose footprint can meet the box */
    int cx0 = VI_MAX(0, (box->x - 2) >> 1), cx1 = VI_MIN(comp[1].w, ((box->x + box->w) >> 1) + 1);
    int cy0 = sy ? VI_MAX(0, (box->y - 2) >> 1) : box->y;
    int cy1 = sy ? VI_MIN(comp[1].h, ((box->y + box->h) >> 1) + 1) : box->y + box->h;
    vi_paste_ring ring;
    if (!ring_create(&ring, 2 * cx0 - 2, 2 * cx1 + 2, scratch))
        return VISO_ERR_NO_SPACE;
    int next = sy ? VI_MAX(0, 2 * cy0 - 2) : cy0;
    for (int j = cy0; j < cy1; j++) {
        int need = sy ? VI_MIN(2 * j + 3, f->height - 1) : j;
        for (; next <= need; next++)
            ring_fill(&ring, p, next, f->width, comp, 1);
        paste_chroma_row(&ring, p, j, cx0, cx1, comp, fi, f->width, f->height);
    }
    /* what a change of these chroma samples can show in */
    vi_rect t = { 2 * cx0, sy ? 2 * cy0 : cy0, 0, 0 };
    t.w = VI_MIN(2 * cx1, f->width) - t.x;
    t.h = VI_MIN(sy ? 2 * cy1 : cy1, f->height) - t.y;
    *box = t;
    return VISO_OK;
}

int VI_FN(composite)(vi_frame *f, const vi_colour_map *cm, const vi_affine *frame_to_crop, const vi_rgb *crop,
                     const vi_plane *mask, vi_rect *touched, vi_arena *scratch)
{
    const vi_format_info *fi = vi_format_describe(f->format);
    size_t mark = vi_arena_mark(scratch);
    vi_paste p = { .cm = cm, .max = (float)((1u << fi->depth) - 1) };
    vi_comp comp[3];
    vi_rect box = { 0, 0, 0, 0 };
    int n = vi_frame_comps(f, cm, comp), rc = VISO_ERR_NO_SPACE;
    if (touched)
        *touched = box;
    uint32_t *col = vi_arena_alloc(scratch, (size_t)mask->w * sizeof *col);
    if (!col)
        goto out;
    vi_rect support = mask_support(mask, col);
    rc = VISO_OK;
    if (support.w == 0)
        goto out;
    rc = VISO_ERR_NO_SPACE;
    if (!paste_prepare(&p, frame_to_crop, crop, mask, support, scratch) || !paste_pack(&p, scratch))
        goto out;
    rc = VISO_OK;
    if (!paste_box(&p, f->width, f->height, &box))
        goto out;
    if (fi->yuv && fi->chroma_w_log2) {
        rc = paste_subsampled(f, &p, &box, comp, scratch);
    } else {
        vi_paste_ring ring;
        rc = ring_create(&ring, box.x, box.x + box.w, scratch) ? VISO_OK : VISO_ERR_NO_SPACE;
        for (int y = box.y; y < box.y + box.h && rc == VISO_OK; y++)
            ring_fill(&ring, &p, y, f->width, comp, n);
    }
    if (touched && rc == VISO_OK)
        *touched = box;
out:
    vi_arena_release(scratch, mark);
    return rc;
}

#endif
