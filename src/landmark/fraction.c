/* landmark/fraction.c: networks whose points are fractions of an upright square crop: PFLD (68 and 106), Peppa's slim (68, then
 * values that are not points), ProxylessNAS (98), HRFFA (68). They differ in the square and in how many points there are. None
 * says how sure it is. */
#include "landmark/families.h"

#include <math.h>

static bool decode(vi_landmark_values out, int n, int size, vi_point3 *p)
{
    for (int i = 0; i < n; i++)
        p[i] = (vi_point3){ out[0][2 * i] * (float)size, out[0][2 * i + 1] * (float)size, 0 };
    return true;
}

static bool decode_68(vi_landmark_values out, const size_t *values, int size, vi_point3 *p, float *own)
{
    (void)values;
    (void)own;
    return decode(out, 68, size, p);
}

static bool decode_98(vi_landmark_values out, const size_t *values, int size, vi_point3 *p, float *own)
{
    (void)values;
    (void)own;
    return decode(out, 98, size, p);
}

static bool decode_106(vi_landmark_values out, const size_t *values, int size, vi_point3 *p, float *own)
{
    (void)values;
    (void)own;
    return decode(out, 106, size, p);
}

const vi_landmark_family vi_landmark_pfld_68 = {
    .id = "pfld_68", .set = VI_MARKS_68, .count = 68, .margin = 1.2f, .border = VI_BORDER_ZERO,
    .out = { { "points", 136, false } }, .decode = decode_68,
};

const vi_landmark_family vi_landmark_peppa_68 = {
    .id = "peppa_68", .set = VI_MARKS_68, .count = 68, .margin = 1.2f, .border = VI_BORDER_ZERO,
    .out = { { "points", 143, false } }, .decode = decode_68,
};

const vi_landmark_family vi_landmark_pfld_106 = {
    .id = "pfld_106", .set = VI_MARKS_106, .count = 106, .margin = 1.1f, .border = VI_BORDER_ZERO,
    .out = { { "points", 212, false } }, .decode = decode_106,
};

const vi_landmark_family vi_landmark_proxyless_98 = {
    .id = "proxyless_98", .set = VI_MARKS_98, .count = 98, .margin = 1.0f, .border = VI_BORDER_ZERO,
    .out = { { "points", 196, false } }, .decode = decode_98,
};

/* HRFFA wants 1.1 times the box of the head; without a detector of heads that is 1.5 times the face's box, raised by 0.08 of its
 * height. */
static bool head(const vi_landmark_view *v, float size, vi_affine *map)
{
    float w = v->box.x1 - v->box.x0, h = v->box.y1 - v->box.y0, side = 1.1f * 1.5f * fmaxf(w, h);
    if (!(side > 1) || !isfinite(v->box.x0 + v->box.y0 + w + h))
        return false;
    float angle = vi_upright(v->angle), up = 0.08f * h;
    *map = vi_square_to_picture((v->box.x0 + v->box.x1) / 2 + up * sinf(angle), (v->box.y0 + v->box.y1) / 2 - up * cosf(angle), side,
                                angle, size);
    return true;
}

const vi_landmark_family vi_landmark_hrffa_68 = {
    .id = "hrffa_68", .set = VI_MARKS_68, .count = 68, .margin = 1.65f, .border = VI_BORDER_ZERO, .crop = head,
    .out = { { "points", 136, false } }, .decode = decode_68,
};
