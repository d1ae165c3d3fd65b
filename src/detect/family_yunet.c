/* detect/family_yunet.c: YuNet. Per stride 8, 16, 32 one anchor a cell at the cell's corner. The score is the geometric mean of class and
 * objectness, as its authors and OpenCV have it; programs that take the plain product mean 0.71 here when they say 0.5. */
#include "detect/family.h"

#include <math.h>

static const char *const roles[] = { "class_8", "class_16", "class_32", "object_8", "object_16", "object_32", "boxes_8",
                                     "boxes_16", "boxes_32", "points_8", "points_16", "points_32", NULL };
enum { CLASS = 0, OBJECT = 3, BOXES = 6, POINTS = 9 };

static int shape(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS])
{
    static const int values[4] = { 1, 1, 4, 10 };
    int s = 8 << slot % 3;
    dim[0] = 1;
    dim[1] = (int64_t)(w / s) * (h / s);
    dim[2] = values[slot / 3];
    return 3;
}

static float bounded(float v)
{
    return fminf(fmaxf(v, 0), 1);
}

static int decode(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max)
{
    int32_t at[VI_DETECT_ABOVE_MAX];
    int n = 0;
    for (int level = 0; level < 3; level++) {
        int s = 8 << level, cols = t->w / s;
        const float *class = t->value[CLASS + level], *object = t->value[OBJECT + level];
        /* Objectness is at most 1: a class below the square cannot reach the threshold. */
        int m = t->k->above(class, cols * (t->h / s), 1, threshold * threshold, at, VI_DETECT_ABOVE_MAX);
        for (int i = 0; i < m && n < max; i++) {
            float score = sqrtf(bounded(class[at[i]]) * bounded(object[at[i]]));
            if (!(score >= threshold))
                continue;
            const float *b = t->value[BOXES + level] + 4 * (ptrdiff_t)at[i], *k = t->value[POINTS + level] + 10 * (ptrdiff_t)at[i];
            float x = (float)(at[i] % cols), y = (float)(at[i] / cols), step = (float)s;
            vi_found f = { .score = score, .n_point = 5 };
            vi_found_centre(&f, (x + b[0]) * step, (y + b[1]) * step, expf(b[2]) * step, expf(b[3]) * step);
            for (int j = 0; j < 5; j++) {
                f.point[2 * j] = (k[2 * j] + x) * step;
                f.point[2 * j + 1] = (k[2 * j + 1] + y) * step;
            }
            n += vi_candidate_place(&out[n], &f, p);
        }
    }
    return n;
}

/* It was trained on faces of 10 to 300 pixels; enlarging a small picture gives it nothing. */
const vi_detect_family vi_detect_yunet = {
    .id = "yunet", .role = roles, .size = 640, .step = 32, .fit = VI_FIT_CORNER, .no_enlarging = true, .score = 0.6f,
    .smallest = 10, .close_up = 1.5f, .points = 5, .shape = shape, .decode = decode,
};
