/* detect/family_ultraface.c: UltraFace (RFB and slim). Boxes are decoded in the graph, as fractions of the input; probabilities come in
 * pairs (other, face). No points. It was trained on pictures pressed into its own shape. */
#include "detect/family.h"

static const char *const roles[] = { "scores", "boxes", NULL };

/* Strides 8, 16, 32, 64 with 3, 2, 2, 3 anchors a cell; partial cells count. */
static int anchors_of(int w, int h)
{
    static const int per_cell[4] = { 3, 2, 2, 3 };
    int n = 0;
    for (int i = 0; i < 4; i++) {
        int s = 8 << i;
        n += per_cell[i] * ((w + s - 1) / s) * ((h + s - 1) / s);
    }
    return n;
}

static int shape(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS])
{
    dim[0] = 1;
    dim[1] = anchors_of(w, h);
    dim[2] = slot == 0 ? 2 : 4;
    return 3;
}

static int decode(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max)
{
    int32_t at[VI_DETECT_ABOVE_MAX];
    const float *score = t->value[0] + 1, w = (float)t->w, h = (float)t->h;
    int n = 0, m = t->k->above(score, (int)(t->count[0] / 2), 2, threshold, at, VI_DETECT_ABOVE_MAX);
    for (int i = 0; i < m && n < max; i++) {
        const float *b = t->value[1] + 4 * (ptrdiff_t)at[i];
        vi_found f = { .x0 = b[0] * w, .y0 = b[1] * h, .x1 = b[2] * w, .y1 = b[3] * h, .score = score[2 * (ptrdiff_t)at[i]] };
        n += vi_candidate_place(&out[n], &f, p);
    }
    return n;
}

const vi_detect_family vi_detect_ultraface = {
    .id = "ultraface", .role = roles, .size = 320, .step = 32, .fit = VI_FIT_STRETCH, .score = 0.7f, .smallest = 10,
    .close_up = 1.5f, .shape = shape, .decode = decode,
};
