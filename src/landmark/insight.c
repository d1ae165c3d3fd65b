/* landmark/insight.c: InsightFace's 106 points and its 68 points with depth: values -1 .. 1 over the crop. */
#include "landmark/families.h"

static bool decode_106(vi_landmark_values out, const size_t *values, int size, vi_point3 *p, float *own)
{
    float half = (float)size / 2;
    (void)values;
    (void)own;
    for (int i = 0; i < 106; i++)
        p[i] = (vi_point3){ (out[0][2 * i] + 1) * half, (out[0][2 * i + 1] + 1) * half, 0 };
    return true;
}

/* The output is a whole head of points; the last 68 are the landmarks. */
static bool decode_3d68(vi_landmark_values out, const size_t *values, int size, vi_point3 *p, float *own)
{
    float half = (float)size / 2;
    const float *last = out[0] + values[0] - 68 * 3;
    (void)own;
    for (int i = 0; i < 68; i++)
        p[i] = (vi_point3){ (last[3 * i] + 1) * half, (last[3 * i + 1] + 1) * half, last[3 * i + 2] * half };
    return true;
}

const vi_landmark_family vi_landmark_insight_106 = {
    .id = "insight_106", .set = VI_MARKS_106, .count = 106, .margin = 1.5f, .border = VI_BORDER_ZERO,
    .points = VI_TEMPLATE_ARCFACE128, .out = { { "points", 212, false } }, .decode = decode_106,
};

const vi_landmark_family vi_landmark_insight_3d68 = {
    .id = "insight_3d68", .set = VI_MARKS_68, .count = 68, .depth = true, .margin = 1.5f, .border = VI_BORDER_ZERO,
    .points = VI_TEMPLATE_ARCFACE128, .out = { { "points", 3309, false } }, .decode = decode_3d68,
};
