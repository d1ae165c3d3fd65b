/* detect/family_yolo.c: YOLO exports that decode themselves: one tensor of columns, 4 + 1 rows (box centre and size, score) and,
 * for the ones that know points, 15 more: five of x, y, visibility, all in pixels of the input (models.md 3.3, 12). */
#include "detect/family.h"

static const char *const roles[] = { "detections", NULL };

static int columns_of(int w, int h)
{
    int n = 0;
    for (int s = 8; s <= 32; s *= 2)
        n += (w / s) * (h / s);
    return n;
}

/* With points or without, the graph alone knows. */
static int shape(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS])
{
    return 0;
}

static bool fits(const vi_detect_tensors *t)
{
    size_t n = (size_t)columns_of(t->w, t->h);
    return t->count[0] == 20 * n || t->count[0] == 5 * n;
}

static int decode(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max)
{
    int32_t at[VI_DETECT_ABOVE_MAX];
    const ptrdiff_t columns = columns_of(t->w, t->h);
    const float *v = t->value[0], *score = v + 4 * columns;
    int points = t->count[0] == 20 * (size_t)columns ? 5 : 0, n = 0;
    int m = t->k->above(score, (int)columns, 1, threshold, at, VI_DETECT_ABOVE_MAX);
    for (int i = 0; i < m && n < max; i++) {
        const float *c = v + at[i];
        vi_found f = { .score = score[at[i]], .n_point = points };
        vi_found_centre(&f, c[0], c[columns], c[2 * columns], c[3 * columns]);
        for (int j = 0; j < points; j++) {
            f.point[2 * j] = c[(5 + 3 * j) * columns];
            f.point[2 * j + 1] = c[(6 + 3 * j) * columns];
        }
        n += vi_candidate_place(&out[n], &f, p);
    }
    return n;
}

const vi_detect_family vi_detect_yolo = {
    .id = "yolo", .role = roles, .size = 640, .step = 32, .fit = VI_FIT_CORNER, .score = 0.5f, .smallest = 10, .close_up = 1.5f,
    .shape = shape, .fits = fits, .decode = decode,
};
