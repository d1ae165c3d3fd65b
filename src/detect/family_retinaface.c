/* detect/family_retinaface.c: RetinaFace with the priors of Pytorch_Retinaface (MobileNet 0.25). Strides 8, 16, 32 with two square
 * priors a cell; deltas are scaled by the variances 0.1 and 0.2; probabilities come in pairs (other, face). */
#include "detect/family.h"

#include <math.h>

static const char *const roles[] = { "boxes", "scores", "points", NULL };
static const float sizes[3][2] = { { 16, 32 }, { 64, 128 }, { 256, 512 } };
enum { BOXES, SCORES, POINTS };

/* Priors of the strides before `level`; the third is their sum. Partial cells count. */
static int priors_before(int level, int w, int h)
{
    int n = 0;
    for (int i = 0; i < level; i++) {
        int s = 8 << i;
        n += 2 * ((w + s - 1) / s) * ((h + s - 1) / s);
    }
    return n;
}

static int shape(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS])
{
    static const int values[3] = { 4, 2, 10 };
    dim[0] = 1;
    dim[1] = priors_before(3, w, h);
    dim[2] = values[slot];
    return 3;
}

static void prior_of(int i, int w, int h, float *cx, float *cy, float *side)
{
    int level = i >= priors_before(2, w, h) ? 2 : i >= priors_before(1, w, h) ? 1 : 0;
    int s = 8 << level, cols = (w + s - 1) / s, cell = (i - priors_before(level, w, h)) / 2;
    *cx = ((float)(cell % cols) + 0.5f) * (float)s;
    *cy = ((float)(cell / cols) + 0.5f) * (float)s;
    *side = sizes[level][i & 1];
}

static int decode(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max)
{
    int32_t at[VI_DETECT_ABOVE_MAX];
    const float *score = t->value[SCORES] + 1;
    int n = 0, m = t->k->above(score, priors_before(3, t->w, t->h), 2, threshold, at, VI_DETECT_ABOVE_MAX);
    for (int i = 0; i < m && n < max; i++) {
        const float *b = t->value[BOXES] + 4 * (ptrdiff_t)at[i], *k = t->value[POINTS] + 10 * (ptrdiff_t)at[i];
        float cx, cy, side;
        prior_of(at[i], t->w, t->h, &cx, &cy, &side);
        vi_found f = { .score = score[2 * (ptrdiff_t)at[i]], .n_point = 5 };
        float move = 0.1f * side;
        vi_found_centre(&f, cx + b[0] * move, cy + b[1] * move, side * expf(0.2f * b[2]), side * expf(0.2f * b[3]));
        for (int j = 0; j < 5; j++) {
            f.point[2 * j] = cx + k[2 * j] * move;
            f.point[2 * j + 1] = cy + k[2 * j + 1] * move;
        }
        n += vi_candidate_place(&out[n], &f, p);
    }
    return n;
}

const vi_detect_family vi_detect_retinaface = {
    .id = "retinaface", .role = roles, .size = 640, .step = 32, .fit = VI_FIT_CORNER, .score = 0.6f, .smallest = 10,
    .close_up = 1.5f, .points = 5, .shape = shape, .decode = decode,
};
