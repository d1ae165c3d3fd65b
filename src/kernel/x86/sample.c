/* kernel/x86/sample.c: `sample` with AVX2, eight crop pixels at a time. A gather of a 32-bit window fetches both
 * neighbours of a row at once where they fit (8-bit planar and NV12 and RGB24, 16-bit planar); windows are pulled in at
 * the row's end, so that nothing outside the picture is read. Frames too narrow for that take the plain version. */
#include <math.h>

#include "kernel/internal.h"
#include "kernel/reduce.h"
#include "kernel/x86/wide.h"

typedef struct vi_spot {
    __m256i top, bottom; /* byte offsets of the left tap in the two rows, relative to the component */
    __m256i x;           /* byte offset of the left tap in its row */
    __m256 fx, fy;
} vi_spot;

static inline vi_spot find_spot(const vi_comp *c, __m256 x, __m256 y)
{
    const __m256 half = _mm256_set1_ps(0.5f);
    vi_spot s;
    __m256 u = _mm256_sub_ps(_mm256_fmadd_ps(x, _mm256_set1_ps(c->ax), _mm256_set1_ps(c->bx)), half);
    __m256 v = _mm256_sub_ps(_mm256_fmadd_ps(y, _mm256_set1_ps(c->ay), _mm256_set1_ps(c->by)), half);
    u = wide_clamp(u, _mm256_set1_ps((float)(c->w - 1)));
    v = wide_clamp(v, _mm256_set1_ps((float)(c->h - 1)));
    /* the right and lower neighbour must exist: the last sample is the second tap with weight 1 */
    __m256i iu = _mm256_min_epi32(_mm256_cvttps_epi32(u), _mm256_set1_epi32(c->w - 2));
    __m256i iv = _mm256_min_epi32(_mm256_cvttps_epi32(v), _mm256_set1_epi32(c->h - 2));
    s.fx = _mm256_sub_ps(u, _mm256_cvtepi32_ps(iu));
    s.fy = _mm256_sub_ps(v, _mm256_cvtepi32_ps(iv));
    s.x = _mm256_mullo_epi32(iu, _mm256_set1_epi32(c->step));
    s.top = _mm256_mullo_epi32(iv, _mm256_set1_epi32((int)c->stride));
    s.bottom = _mm256_add_epi32(s.top, _mm256_set1_epi32((int)c->stride));
    return s;
}

/* Both taps of one row, as the line between them at fx. */
static inline __m256 row_at(const vi_comp *c, __m256i row, const vi_spot *s)
{
    const int *base = (const int *)(const void *)c->p;
    __m256i a, b, mask = _mm256_set1_epi32(c->bytes == 1 ? 0xff : 0xffff);
    if (c->bytes == 2 && c->step == 2) {
        __m256i word = _mm256_i32gather_epi32(base, _mm256_add_epi32(row, s->x), 1);
        a = _mm256_and_si256(word, mask);
        b = _mm256_srli_epi32(word, 16);
    } else {
        /* last window that ends with the component's own last byte */
        __m256i last = _mm256_set1_epi32((c->w - 1) * c->step + c->bytes - 4);
        __m256i from = _mm256_min_epi32(s->x, last), shift = _mm256_slli_epi32(_mm256_sub_epi32(s->x, from), 3);
        __m256i word = _mm256_i32gather_epi32(base, _mm256_add_epi32(row, from), 1);
        a = _mm256_and_si256(_mm256_srlv_epi32(word, shift), mask);
        if (c->step + c->bytes <= 4) {
            b = _mm256_and_si256(_mm256_srlv_epi32(word, _mm256_add_epi32(shift, _mm256_set1_epi32(8 * c->step))),
                                 mask);
        } else {
            __m256i next = _mm256_add_epi32(s->x, _mm256_set1_epi32(c->step));
            from = _mm256_min_epi32(next, last);
            word = _mm256_i32gather_epi32(base, _mm256_add_epi32(row, from), 1);
            b = _mm256_and_si256(_mm256_srlv_epi32(word, _mm256_slli_epi32(_mm256_sub_epi32(next, from), 3)), mask);
        }
    }
    a = _mm256_srl_epi32(a, _mm_cvtsi32_si128(c->shift));
    b = _mm256_srl_epi32(b, _mm_cvtsi32_si128(c->shift));
    return wide_lerp(_mm256_cvtepi32_ps(a), _mm256_cvtepi32_ps(b), s->fx);
}

static inline __m256 value_at(const vi_comp *c, const vi_spot *s)
{
    __m256 v = wide_lerp(row_at(c, s->top, s), row_at(c, s->bottom, s), s->fy);
    return _mm256_mul_ps(v, _mm256_set1_ps(c->scale));
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
    __m256 xr = _mm256_set1_ps(m[1] * ((float)j + 0.5f) + m[2]), yr = _mm256_set1_ps(m[4] * ((float)j + 0.5f) + m[5]);
    for (int i = 0; i < w; i += 8) {
        __m256 at = wide_centres(i);
        __m256 x = _mm256_fmadd_ps(at, _mm256_set1_ps(m[0]), xr), y = _mm256_fmadd_ps(at, _mm256_set1_ps(m[3]), yr);
        vi_spot s = find_spot(&comp[0], x, y);
        __m256 v[3] = { value_at(&comp[0], &s), _mm256_setzero_ps(), _mm256_setzero_ps() };
        if (n == 3) {
            if (!one_grid)
                s = find_spot(&comp[1], x, y);
            v[1] = value_at(&comp[1], &s);
            if (!one_chroma)
                s = find_spot(&comp[2], x, y);
            v[2] = value_at(&comp[2], &s);
        }
        for (int c = 0; c < 3; c++) {
            __m256 o = _mm256_fmadd_ps(v[0], _mm256_set1_ps(k[4 * c]), _mm256_set1_ps(k[4 * c + 3]));
            o = _mm256_fmadd_ps(v[1], _mm256_set1_ps(k[4 * c + 1]), o);
            o = _mm256_fmadd_ps(v[2], _mm256_set1_ps(k[4 * c + 2]), o);
            if (i + 8 <= w)
                _mm256_storeu_ps(out[c] + i, o);
            else
                _mm256_maskstore_ps(out[c] + i, wide_tail(w - i), o);
        }
    }
}

static void border_row(float *const out[3], const vi_frame *f, const float *m, int factor, int j, int w)
{
    __m256 xr = _mm256_set1_ps(m[1] * ((float)j + 0.5f) + m[2]), yr = _mm256_set1_ps(m[4] * ((float)j + 0.5f) + m[5]);
    __m256 fw = _mm256_set1_ps((float)f->width), fh = _mm256_set1_ps((float)f->height);
    __m256 ramp = _mm256_set1_ps(1.0f / (float)factor);
    for (int i = 0; i < w; i += 8) {
        __m256 at = wide_centres(i);
        __m256 x = _mm256_fmadd_ps(at, _mm256_set1_ps(m[0]), xr), y = _mm256_fmadd_ps(at, _mm256_set1_ps(m[3]), yr);
        __m256 in = wide_inside(x, y, fw, fh, ramp);
        __m256i tail = wide_tail(w - i);
        for (int c = 0; c < 3; c++)
            _mm256_maskstore_ps(out[c] + i, tail, _mm256_mul_ps(_mm256_maskload_ps(out[c] + i, tail), in));
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
