/* detect/family_yolo_heads.c: YOLOv8-face exports that end with their raw heads: per stride 80 planes of cells. 64 planes are four
 * sides x 16 bins, whose expectation after softmax is the distance in cells; one is the class logit; the last 15 are five
 * points of x, y and a logit of visibility. */
#include "detect/family.h"

#include <math.h>

enum { BINS = 16, CLASS = 4 * BINS, PLANES = CLASS + 1 + 15 };

static const char *const roles[] = { "heads_8", "heads_16", "heads_32", NULL };

static int shape(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS])
{
    int s = 8 << slot;
    dim[0] = 1;
    dim[1] = PLANES;
    dim[2] = h / s;
    dim[3] = w / s;
    return 4;
}

/* Mean bin after softmax; the bins lie `cells` apart. */
static float distance(const float *bin, ptrdiff_t cells)
{
    float top = bin[0], sum = 0, mean = 0;
    for (int i = 1; i < BINS; i++)
        top = fmaxf(top, bin[i * cells]);
    for (int i = 0; i < BINS; i++) {
        float e = expf(bin[i * cells] - top);
        sum += e;
        mean += e * (float)i;
    }
    return mean / sum;
}

static int decode(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max)
{
    int32_t at[VI_DETECT_ABOVE_MAX];
    int n = 0;
    for (int level = 0; level < 3; level++) {
        int s = 8 << level, cols = t->w / s;
        ptrdiff_t cells = (ptrdiff_t)cols * (t->h / s);
        const float *score = t->value[level] + CLASS * cells;
        int m = t->k->above(score, (int)cells, 1, vi_logit(threshold), at, VI_DETECT_ABOVE_MAX);
        for (int i = 0; i < m && n < max; i++) {
            const float *c = t->value[level] + at[i];
            float x = (float)(at[i] % cols) + 0.5f, y = (float)(at[i] / cols) + 0.5f, side[4], step = (float)s;
            for (int j = 0; j < 4; j++)
                side[j] = distance(c + j * BINS * cells, cells);
            vi_found f = { .x0 = (x - side[0]) * step, .y0 = (y - side[1]) * step, .x1 = (x + side[2]) * step,
                           .y1 = (y + side[3]) * step, .score = vi_sigmoid(score[at[i]]), .n_point = 5 };
            for (int j = 0; j < 5; j++) {
                f.point[2 * j] = (2 * c[(CLASS + 1 + 3 * j) * cells] + x - 0.5f) * step;
                f.point[2 * j + 1] = (2 * c[(CLASS + 2 + 3 * j) * cells] + y - 0.5f) * step;
            }
            n += vi_candidate_place(&out[n], &f, p);
        }
    }
    return n;
}

const vi_detect_family vi_detect_yolo_heads = {
    .id = "yolo_heads", .role = roles, .size = 640, .step = 32, .fit = VI_FIT_CENTRE, .score = 0.45f, .smallest = 10,
    .close_up = 1.5f, .points = 5, .shape = shape, .decode = decode,
};
