/* detect/family_proxyless.c: a YOLOX head without points: rows of centre (added to the cell), logarithms of the size, objectness and
 * class, for strides 8, 16, 32; everything in strides. The score is the product. */
#include "detect/family.h"

#include <math.h>

static const char *const roles[] = { "detections", NULL };
enum { VALUES = 6 };

static int shape(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS])
{
    dim[0] = 1;
    dim[1] = 0;
    for (int s = 8; s <= 32; s *= 2)
        dim[1] += (int64_t)(w / s) * (h / s);
    dim[2] = VALUES;
    return 3;
}

static int decode(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max)
{
    int32_t at[VI_DETECT_ABOVE_MAX];
    const float *v = t->value[0];
    int n = 0;
    for (int s = 8; s <= 32; s *= 2) {
        int cols = t->w / s, cells = cols * (t->h / s);
        int m = t->k->above(v + 4, cells, VALUES, threshold, at, VI_DETECT_ABOVE_MAX);
        for (int i = 0; i < m && n < max; i++) {
            const float *r = v + VALUES * (ptrdiff_t)at[i];
            float x = (float)(at[i] % cols), y = (float)(at[i] / cols), step = (float)s;
            vi_found f = { .score = r[4] * r[5] };
            if (!(f.score >= threshold))
                continue;
            vi_found_centre(&f, (x + r[0]) * step, (y + r[1]) * step, expf(r[2]) * step, expf(r[3]) * step);
            n += vi_candidate_place(&out[n], &f, p);
        }
        v += VALUES * (ptrdiff_t)cells;
    }
    return n;
}

const vi_detect_family vi_detect_proxyless = {
    .id = "proxyless", .role = roles, .size = 160, .step = 32, .fit = VI_FIT_CORNER, .border = 114.0f / 255, .score = 0.5f,
    .smallest = 14, .close_up = 1.25f, .shape = shape, .decode = decode,
};
