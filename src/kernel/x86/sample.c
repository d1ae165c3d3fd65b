/* kernel/x86/sample.c: `sample` in wide registers, a crop pixel to a lane. Taps come from a table in registers (AVX-512, 8 bits,
 * lanes near each other), or by gathers: one of a 32-bit window fetches both
 * neighbours of a row at once where they fit (8-bit planar and NV12 and RGB24, 16-bit planar); windows are pulled in at
 * the row's end, so that nothing outside the picture is read. Frames too narrow for that take the plain version. */
#include <math.h>

#include "kernel/internal.h"
#include "kernel/reduce.h"
#include "kernel/x86/vec.h"

typedef struct vi_spot {
    vw y;           /* the upper row of the taps */
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
    s.y = iv;
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

#ifdef VI_AVX512
/* Sixteen neighbours of a crop row lie close together in the frame. What they need of up to four rows (seven with a second
 * table) fits into a table of 128 bytes, from which one permutation takes all four taps of every lane: left, right, lower left, lower
 * right. Gathers cost an access for each lane and row. */
enum { ROW_BYTES = 32, TABLE_ROWS = 4 };

typedef struct vi_table {
    __m512i lo, hi; /* two rows each */
} vi_table;

static inline __m512i two_rows(const uint8_t *p, ptrdiff_t stride)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
    return _mm512_inserti64x4(_mm512_castsi256_si512(a), _mm256_loadu_si256((const __m256i *)(const void *)(p + stride)), 1);
}

static inline vi_table table_at(const uint8_t *p, ptrdiff_t stride)
{
    return (vi_table){ two_rows(p, stride), two_rows(p + 2 * stride, stride) };
}

static inline int last_lane(__m512i v)
{
    return _mm_extract_epi32(_mm512_extracti32x4_epi32(v, 3), 3);
}

/* false: the lanes lie too far apart, or the component is smaller than a table. The lanes run along a line, so the first and the
 * last are the outermost. */
static inline bool table_look(const vi_comp *c, const vi_spot *s, vf *value)
{
    int xa = _mm512_cvtsi512_si32(s->x), xb = last_lane(s->x), ya = _mm512_cvtsi512_si32(s->y), yb = last_lane(s->y);
    int x0 = VI_MIN(VI_MIN(xa, xb), (c->w - 1) * c->step + 1 - ROW_BYTES), y0 = VI_MIN(VI_MIN(ya, yb), c->h - TABLE_ROWS);
    int y1 = VI_MAX(ya, yb) + 1;
    if (x0 < 0 || y0 < 0 || VI_MAX(xa, xb) + c->step - x0 >= ROW_BYTES || y1 - y0 >= 2 * TABLE_ROWS - 1)
        return false;
    const uint8_t *p = c->p + y0 * c->stride + x0;
    vi_table t = table_at(p, c->stride);
    /* of a lane: 32 (y - y0) + x - x0, and the same for the other three taps */
    vw at = w_add(w_left(w_sub(s->y, w_set(y0)), 5), w_sub(s->x, w_set(x0)));
    vw taps = w_add(w_mul(at, w_set(0x01010101)), w_set(c->step << 8 | ROW_BYTES << 16 | (ROW_BYTES + c->step) << 24));
    vw four = _mm512_permutex2var_epi8(t.lo, taps, t.hi);
    if (y1 - y0 >= TABLE_ROWS) { /* lanes whose lower row is not in it: the second table begins with the first one's last row */
        int row = VI_MIN(y0 + TABLE_ROWS - 1, c->h - TABLE_ROWS);
        t = table_at(c->p + row * c->stride + x0, c->stride);
        vw less = w_set((row - y0) * ROW_BYTES * 0x01010101);
        vm low = _mm512_cmpgt_epi32_mask(s->y, w_set(y0 + TABLE_ROWS - 2));
        four = _mm512_mask_blend_epi32(low, four, _mm512_permutex2var_epi8(t.lo, _mm512_sub_epi8(taps, less), t.hi));
    }
    vw mask = w_set(0xff);
    vf a = w_float(w_and(four, mask)), b = w_float(w_and(w_right(four, 8), mask));
    vf d = w_float(w_and(w_right(four, 16), mask)), e = w_float(w_right(four, 24));
    *value = v_lerp(v_lerp(a, b, s->fx), v_lerp(d, e, s->fx), s->fy);
    return true;
}
#endif

static inline vf value_at(const vi_comp *c, const vi_spot *s)
{
    vf v;
#ifdef VI_AVX512
    if (c->bytes == 1 && c->step <= 2 && table_look(c, s, &v))
        return v_mul(v, v_set(c->scale));
#endif
    vw top = w_mul(s->y, w_set((int)c->stride));
    v = v_lerp(row_at(c, top, s), row_at(c, w_add(top, w_set((int)c->stride)), s), s->fy);
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
