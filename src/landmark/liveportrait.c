/* landmark/liveportrait.c: LivePortrait's 203 points, fractions of the crop. */
#include "landmark/families.h"

static bool decode(vi_landmark_values out, const size_t *values, int size, vi_point3 *p, float *own)
{
    (void)values;
    (void)own;
    for (int i = 0; i < 203; i++)
        p[i] = (vi_point3){ out[0][2 * i] * (float)size, out[0][2 * i + 1] * (float)size, 0 };
    return true;
}

const vi_landmark_family vi_landmark_liveportrait_203 = {
    .id = "liveportrait_203", .set = VI_MARKS_203, .count = 203, .margin = 1.5f, .border = VI_BORDER_ZERO,
    .points = VI_TEMPLATE_ARCFACE128, .out = { { "points", 406, false } }, .decode = decode,
};
