/* detect/family_scrfd.c: SCRFD with key points (InsightFace; its 10G form is known as RetinaFace det_10g). Per stride 8, 16, 32 two
 * anchors a cell at the cell's corner: a score that is a probability, distances to the four sides and offsets of five points,
 * both in strides (models.md 3.2). With or without a batch axis. */
#include "detect/family.h"

static const char *const roles[] = { "scores_8", "scores_16", "scores_32", "boxes_8", "boxes_16",
                                     "boxes_32", "points_8",  "points_16", "points_32", NULL };

static int shape(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS])
{
    static const int values[3] = { 1, 4, 10 };
    int s = 8 << slot % 3, n = n_dim == 3 ? 3 : 2;
    dim[0] = 1;
    dim[n - 2] = (int64_t)2 * (w / s) * (h / s);
    dim[n - 1] = values[slot / 3];
    return n;
}

static int decode(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max)
{
    int32_t at[VI_DETECT_ABOVE_MAX];
    int n = 0;
    for (int level = 0; level < 3; level++) {
        int s = 8 << level, cols = t->w / s, anchors = 2 * cols * (t->h / s);
        int m = t->k->above(t->value[level], anchors, 1, threshold, at, VI_DETECT_ABOVE_MAX);
        for (int i = 0; i < m && n < max; i++) {
            const float *b = t->value[3 + level] + 4 * (ptrdiff_t)at[i], *k = t->value[6 + level] + 10 * (ptrdiff_t)at[i];
            float x = (float)(at[i] / 2 % cols * s), y = (float)(at[i] / 2 / cols * s), step = (float)s;
            vi_found f = { .x0 = x - b[0] * step, .y0 = y - b[1] * step, .x1 = x + b[2] * step, .y1 = y + b[3] * step,
                           .score = t->value[level][at[i]], .n_point = 5 };
            for (int j = 0; j < 5; j++) {
                f.point[2 * j] = x + k[2 * j] * step;
                f.point[2 * j + 1] = y + k[2 * j + 1] * step;
            }
            n += vi_candidate_place(&out[n], &f, p);
        }
    }
    return n;
}

/* It misses faces wider than about half of its input, so a picture is looked at on a larger canvas too. */
const vi_detect_family vi_detect_scrfd = {
    .id = "scrfd", .role = roles, .size = 512, .step = 32, .fit = VI_FIT_CORNER, .score = 0.5f, .smallest = 10, .close_up = 1.5f,
    .always_close_up = true, .points = 5, .shape = shape, .decode = decode,
};
