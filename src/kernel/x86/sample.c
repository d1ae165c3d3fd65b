/* kernel/x86/sample.c: `sample` in wide registers, a crop pixel to a lane. A gather of a 32-bit window fetches both
 * neighbours of a row at once where they fit (8-bit planar and NV12 and RGB24, 16-bit planar); windows are pulled in at
 * the row's end, so that nothing outside the picture is read. Frames too narrow for that take the plain version. */
#include <math.h>

#include "kernel/internal.h"
#include "kernel/reduce.h"
#include "kernel/x86/vec.h"

typedef struct vi_spot {
    vw top, bottom; /* byte offsets of the left tap in the two rows, relative to the component */
    vw x;           /* byte offset of the left tap in its row */
    vf fx, fy;
} vi_spot;

static inline vi_spot find_spot(const vi_comp *c, vf x, vf y)
{
    const vf half = v_set(0.5f);
    vi_spot s;
    vf u = v_sub(v_fma(x, v_set(c->ax), v_set(c->bx)), half);
    vf v = v_sub(v_fma(y, v_set(c->ay), v_set(c->by)), half);
    u = v_clamp(u, v_set((float)(c->w - 1)));
    v = v_clamp(v, v_set((float)(c->h - 1)));
    /* the right and lower neighbour must exist: the last sample is the second tap with weight 1 */
    vw iu = w_min(v_whole(u), w_set(c->w - 2));
    vw iv = w_min(v_whole(v), w_set(c->h - 2));
    s.fx = v_sub(u, w_float(iu));
    s.fy = v_sub(v, w_float(iv));
    s.x = w_mul(iu, w_set(c->step));
    s.top = w_mul(iv, w_set((int)c->stride));
    s.bottom = w_add(s.top, w_set((int)c->stride));
    return s;
}

/* Both taps of one row, as the line between them at fx. */
static inline vf row_at(const vi_comp *c, vw row, const vi_spot *s)
{
    vw a, b, mask = w_set(c->bytes == 1 ? 0xff : 0xffff);
    if (c->bytes == 2 && c->step == 2) {
        vw word = w_gather(c->p, w_add(row, s->x));
        a = w_and(word, mask);
        b = w_right(word, 16);
    } else {
        /* last window that ends with the component's own last byte */
        vw last = w_set((c->w - 1) * c->step + c->bytes - 4);
        vw from = w_min(s->x, last), shift = w_left(w_sub(s->x, from), 3);
        vw word = w_gather(c->p, w_add(row, from));
        a = w_and(w_right_each(word, shift), mask);
        if (c->step + c->bytes <= 4) {
            b = w_and(w_right_each(word, w_add(shift, w_set(8 * c->step))),
                                 mask);
        } else {
            vw next = w_add(s->x, w_set(c->step));
            from = w_min(next, last);
            word = w_gather(c->p, w_add(row, from));
            b = w_and(w_right_each(word, w_left(w_sub(next, from), 3)), mask);
        }
    }
    a = w_right_count(a, c->shift);
    b = w_right_count(b, c->shift);
    return v_lerp(w_float(a), w_float(b), s->fx);
}

static inline vf value_at(const vi_comp *c, const vi_spot *s)
{
    vf v = v_lerp(row_at(c, s->top, s), row_at(c, s->bottom, s), s->fy);
    return v_mul(v, v_set(c->scale));
}

static inline bool same_grid(const vi_comp *a, const vi_comp *b)
{
    return a->w == b->w && a->h == b->h && a->step == b->step && a->stride == b->stride && a->ax == b->ax &&
           a->ay == b->ay && a->bx == b->bx && a->by == b->by;
}

/* Crop row j; the layout of the components is constant over a call, so the compiler unswitches on it. */
static void sample_row(float *const out[3], const vi_comp *comp, int n, const vi_colour_map *cm, const float *m, int j,
                       int w)
{
    const float *k = cm->to_rgb;
    bool one_grid = n == 3 && same_grid(&comp[0], &comp[1]), one_chroma = n == 3 && same_grid(&comp[1], &comp[2]);
    vf xr = v_set(m[1] * ((float)j + 0.5f) + m[2]), yr = v_set(m[4] * ((float)j + 0.5f) + m[5]);
    for (int i = 0; i < w; i += VN) {
        vf at = v_centres(i);
        vf x = v_fma(at, v_set(m[0]), xr), y = v_fma(at, v_set(m[3]), yr);
        vi_spot s = find_spot(&comp[0], x, y);
        vf v[3] = { value_at(&comp[0], &s), v_zero(), v_zero() };
        if (n == 3) {
            if (!one_grid)
                s = find_spot(&comp[1], x, y);
            v[1] = value_at(&comp[1], &s);
            if (!one_chroma)
                s = find_spot(&comp[2], x, y);
            v[2] = value_at(&comp[2], &s);
        }
        for (int c = 0; c < 3; c++) {
            vf o = v_fma(v[0], v_set(k[4 * c]), v_set(k[4 * c + 3]));
            o = v_fma(v[1], v_set(k[4 * c + 1]), o);
            o = v_fma(v[2], v_set(k[4 * c + 2]), o);
            if (i + VN <= w)
                v_store(out[c] + i, o);
            else
                v_store_part(out[c] + i, m_first(w - i), o);
        }
    }
}

static void border_row(float *const out[3], const vi_frame *f, const float *m, int factor, int j, int w)
{
    vf xr = v_set(m[1] * ((float)j + 0.5f) + m[2]), yr = v_set(m[4] * ((float)j + 0.5f) + m[5]);
    vf fw = v_set((float)f->width), fh = v_set((float)f->height);
    vf ramp = v_set(1.0f / (float)factor);
    for (int i = 0; i < w; i += VN) {
        vf at = v_centres(i);
        vf x = v_fma(at, v_set(m[0]), xr), y = v_fma(at, v_set(m[3]), yr);
        vf in = v_inside(x, y, fw, fh, ramp);
        vm tail = m_first(w - i);
        for (int c = 0; c < 3; c++)
            v_store_part(out[c] + i, tail, v_mul(v_load_part(out[c] + i, tail), in));
    }
}

int VI_FN(sample)(const vi_frame *f, const vi_colour_map *cm, const vi_affine *crop_to_frame, const vi_rgb *crop,
                  vi_border border, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    vi_comp comp[3];
    int n, factor, w = crop->c[0].w, h = crop->c[0].h;
    int rc = reduce_frame(f, cm, crop_to_frame, crop, comp, &n, &factor, scratch);
    bool fits = true;
    for (int i = 0; i < n && rc == VISO_OK; i++)
        fits = fits && comp[i].w >= 4 && comp[i].h >= 2 && llabs((long long)comp[i].stride) * comp[i].h < (1ll << 31);
    if (rc < 0 || !fits) {
        vi_arena_release(scratch, mark);
        return rc < 0 ? rc : vi_c_sample(f, cm, crop_to_frame, crop, border, scratch);
    }
    for (int j = 0; j < h; j++) {
        float *out[3] = { vi_row(&crop->c[0], j), vi_row(&crop->c[1], j), vi_row(&crop->c[2], j) };
        sample_row(out, comp, n, cm, crop_to_frame->m, j, w);
        if (cm->curved)
            vi_curve_to_crop(cm, out[0], out[1], out[2], w);
        if (border == VI_BORDER_ZERO)
            border_row(out, f, crop_to_frame->m, factor, j, w);
    }
    vi_arena_release(scratch, mark);
    return VISO_OK;
}
