/* landmark/retinaface.c: RetinaFace ResNet-50 used on one face: the best of 10 752 priors gives five points. */
#include "landmark/families.h"

#include <math.h>

enum { SCORES, POINTS, PRIORS = 10752 };
#define LEAST 0.1f
#define VARIANCE 0.1f

/* Prior `at` of a square input of `size`: strides 8, 16, 32, rows, columns, two sizes per cell. In pixels. */
static void prior(int at, int size, float *cx, float *cy, float *side)
{
    static const struct { int stride, side[2]; } levels[3] = { { 8, { 16, 32 } }, { 16, { 64, 128 } }, { 32, { 256, 512 } } };
    for (int l = 0; l < 3; l++) {
        int n = size / levels[l].stride, count = 2 * n * n;
        if (at < count) {
            *cx = ((float)(at / 2 % n) + 0.5f) * (float)levels[l].stride;
            *cy = ((float)(at / 2 / n) + 0.5f) * (float)levels[l].stride;
            *side = (float)levels[l].side[at % 2];
            return;
        }
        at -= count;
    }
    *cx = *cy = *side = 0;
}

static bool decode(vi_landmark_values out, const size_t *values, int size, vi_point3 *p, float *own)
{
    int best = -1;
    (void)values;
    for (int i = 0; i < PRIORS; i++)
        if (out[SCORES][2 * i + 1] > LEAST && (best < 0 || out[SCORES][2 * i + 1] > out[SCORES][2 * best + 1]))
            best = i;
    if (best < 0)
        return false;
    float cx, cy, side;
    prior(best, size, &cx, &cy, &side);
    const float *l = out[POINTS] + 10 * best;
    for (int k = 0; k < 5; k++)
        p[k] = (vi_point3){ cx + VARIANCE * l[2 * k] * side, cy + VARIANCE * l[2 * k + 1] * side, 0 };
    *own = vi_clampf(out[SCORES][2 * best + 1], 0, 1);
    return true;
}

const vi_landmark_family vi_landmark_retinaface_5 = {
    .id = "retinaface_5", .set = VI_MARKS_5, .count = 5, .margin = 1.5f, .border = VI_BORDER_ZERO,
    .points = VI_TEMPLATE_ARCFACE128,
    .out = { { "scores", PRIORS * 2, false }, { "points", PRIORS * 10, false } },
    .decode = decode,
};
