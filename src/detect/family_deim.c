/* detect/family_deim.c: DEIMv2 whole-body detectors: rows of label, box as fractions of the input, score; suppression is done in the
 * graph. A head is one of many labels; what the other stages want is the face in it (models.md 12). */
#include "detect/family.h"

static const char *const roles[] = { "detections", NULL };
enum { VALUES = 6, HEAD = 7 };

/* A head's box is 1.5 times the face's, its centre raised by 0.08 of the face's height. */
#define HEAD_SIZE 1.5f
#define HEAD_RAISED 0.08f

static int shape(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS])
{
    return 0; /* a fixed number of queries */
}

static bool fits(const vi_detect_tensors *t)
{
    return t->count[0] > 0 && t->count[0] % VALUES == 0;
}

static int decode(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max)
{
    int32_t at[VI_DETECT_ABOVE_MAX];
    float w = (float)t->w, h = (float)t->h;
    int n = 0, m = t->k->above(t->value[0] + 5, (int)(t->count[0] / VALUES), VALUES, threshold, at, VI_DETECT_ABOVE_MAX);
    for (int i = 0; i < m && n < max; i++) {
        const float *r = t->value[0] + VALUES * (ptrdiff_t)at[i];
        if (!(r[0] > HEAD - 0.5f && r[0] < HEAD + 0.5f))
            continue;
        vi_found f = { .score = r[5] };
        float fw = (r[3] - r[1]) * w / HEAD_SIZE, fh = (r[4] - r[2]) * h / HEAD_SIZE;
        vi_found_centre(&f, (r[1] + r[3]) / 2 * w, (r[2] + r[4]) / 2 * h + HEAD_RAISED * fh, fw, fh);
        n += vi_candidate_place(&out[n], &f, p);
    }
    return n;
}

const vi_detect_family vi_detect_deim = {
    .id = "deim", .role = roles, .size = 640, .step = 32, .fit = VI_FIT_STRETCH, .score = 0.3f, .smallest = 10, .close_up = 1.5f,
    .shape = shape, .fits = fits, .decode = decode,
};
