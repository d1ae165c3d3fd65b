/* detect/family_blazeface.c: MediaPipe's detectors. A logit per anchor; box centre, size and six points in input pixels, the centre and
 * the points counted from the anchor. Short range: 2 anchors a cell of 8 pixels, then 6 of 16; full range: 1 of 4 pixels
 * (recipe section 2). */
#include "detect/family.h"

static const char *const roles[] = { "regressors", "classificators", NULL };
enum { VALUES = 16 };

/* One run of anchors: so many a cell of so many pixels. */
typedef struct grid {
    int stride, per_cell;
} grid;
static const grid short_range[2] = { { 8, 2 }, { 16, 6 } }, full_range[1] = { { 4, 1 } };

static int anchors_of(const grid *g, int w, int h)
{
    return g->per_cell * (w / g->stride) * (h / g->stride);
}

static int read_grid(const vi_detect_tensors *t, const grid *g, int first, float threshold, const vi_placing *p, vi_candidate *out,
                     int max)
{
    int32_t at[VI_DETECT_ABOVE_MAX];
    const float *score = t->value[1] + first;
    int cols = t->w / g->stride, n = 0;
    int m = t->k->above(score, anchors_of(g, t->w, t->h), 1, vi_logit(threshold), at, VI_DETECT_ABOVE_MAX);
    for (int i = 0; i < m && n < max; i++) {
        const float *r = t->value[0] + VALUES * (ptrdiff_t)(first + at[i]);
        int cell = at[i] / g->per_cell;
        float x = ((float)(cell % cols) + 0.5f) * (float)g->stride, y = ((float)(cell / cols) + 0.5f) * (float)g->stride;
        vi_found f = { .score = vi_sigmoid(score[at[i]]), .n_point = 6 };
        vi_found_centre(&f, x + r[0], y + r[1], r[2], r[3]);
        for (int j = 0; j < 6; j++) {
            f.point[2 * j] = x + r[4 + 2 * j];
            f.point[2 * j + 1] = y + r[5 + 2 * j];
        }
        n += vi_candidate_place(&out[n], &f, p);
    }
    return n;
}

static int shape_of(int slot, int anchors, int64_t dim[VI_MAX_DIMS])
{
    dim[0] = 1;
    dim[1] = anchors;
    dim[2] = slot == 0 ? VALUES : 1;
    return 3;
}

static int short_shape(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS])
{
    return shape_of(slot, anchors_of(&short_range[0], w, h) + anchors_of(&short_range[1], w, h), dim);
}

static int short_decode(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max)
{
    int n = read_grid(t, &short_range[0], 0, threshold, p, out, max);
    return n + read_grid(t, &short_range[1], anchors_of(&short_range[0], t->w, t->h), threshold, p, out + n, max - n);
}

static int full_shape(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS])
{
    return shape_of(slot, anchors_of(&full_range[0], w, h), dim);
}

static int full_decode(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max)
{
    return read_grid(t, &full_range[0], 0, threshold, p, out, max);
}

const vi_detect_family vi_detect_blazeface = {
    .id = "blazeface", .role = roles, .size = 128, .step = 16, .fit = VI_FIT_CENTRE, .score = 0.6f, .smallest = 24, .close_up = 1.5f,
    .weighted = true, .points = 6, .still_levels = 2, .shape = short_shape, .decode = short_decode,
};

const vi_detect_family vi_detect_blazeface_full = {
    .id = "blazeface_full", .role = roles, .size = 192, .step = 4, .fit = VI_FIT_CENTRE, .plain = true, .score = 0.5f, .smallest = 18,
    .close_up = 1.5f, .weighted = true, .points = 6, .still_levels = 2, .shape = full_shape, .decode = full_decode,
};
