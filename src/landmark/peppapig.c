/* landmark/peppapig.c: Peppa Pig's teacher, 98 points as x, y, score; x and y are fractions of the crop. */
#include "landmark/families.h"

#include <math.h>

/* A square of 1.4 times the width of the box, whatever its height; faces of 20 pixels or less are too small for it. */
static bool crop(const vi_landmark_view *v, float size, vi_affine *map)
{
    float w = v->box.x1 - v->box.x0, h = v->box.y1 - v->box.y0;
    if (!(w > 20) || !(h > 20) || !isfinite(v->box.x0 + v->box.y0 + w + h))
        return false;
    *map = vi_square_to_picture((v->box.x0 + v->box.x1) / 2, (v->box.y0 + v->box.y1) / 2, 1.4f * w,
                                vi_upright(v->angle), size);
    return true;
}

static bool decode(vi_landmark_values out, const size_t *values, int size, vi_point3 *p, float *own)
{
    float sum = 0;
    (void)values;
    for (int i = 0; i < 98; i++) {
        p[i] = (vi_point3){ out[0][3 * i] * (float)size, out[0][3 * i + 1] * (float)size, 0 };
        sum += out[0][3 * i + 2] / 98;
    }
    *own = vi_clampf(sum, 0, 1);
    return isfinite(sum);
}

const vi_landmark_family vi_landmark_peppapig_98 = {
    .id = "peppapig_98", .set = VI_MARKS_98, .count = 98, .margin = 1.4f, .border = VI_BORDER_ZERO,
    .points = VI_TEMPLATE_ARCFACE128, .crop = crop, .out = { { "points", 98 * 3, false } }, .decode = decode,
};
