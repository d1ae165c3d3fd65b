/* landmark/fan.c: 2DFAN4, 68 points on heat maps of 64 x 64. The score of a point is the top of its map. Faces in the dark are
 * brightened first. */
#include "landmark/families.h"

#include <math.h>

#include "landmark/clahe.h"

enum { POINTS, HEATMAPS, MAP = 64 };
/* Mean of the red channel, 0..1, below which the crop is too dark. */
#define DARK (30.0f / 255)

static bool decode(vi_landmark_values out, const size_t *values, int size, vi_point3 *p, float *own)
{
    float sum = 0;
    (void)values;
    for (int i = 0; i < 68; i++) {
        const float *map = out[HEATMAPS] + i * MAP * MAP;
        float top = 0;
        for (int k = 0; k < MAP * MAP; k++)
            top = fmaxf(top, map[k]);
        p[i] = (vi_point3){ out[POINTS][3 * i] / MAP * (float)size, out[POINTS][3 * i + 1] / MAP * (float)size, 0 };
        sum += top / 68;
    }
    *own = vi_clampf(sum, 0, 1);
    return isfinite(sum);
}

static int prepare(const vi_kernels *k, const vi_rgb *crop, vi_arena *scratch)
{
    double sum = 0;
    for (int y = 0; y < crop->c[0].h; y++)
        for (int x = 0; x < crop->c[0].w; x++)
            sum += crop->c[0].p[y * crop->c[0].stride + x];
    if (!(sum < DARK * (double)crop->c[0].w * crop->c[0].h))
        return VISO_OK;
    return vi_clahe(k, crop, 2.0f, 8, scratch);
}

/* Written out in the contract as scale 195 / longer side and a shift that brings the middle of the box to the middle. */
const vi_landmark_family vi_landmark_fan_68 = {
    .id = "fan_68", .set = VI_MARKS_68, .count = 68, .margin = 256.0f / 195, .border = VI_BORDER_ZERO,
    .points = VI_TEMPLATE_ARCFACE128, .prepare = prepare,
    .out = { { "points", 68 * 3, false }, { "heatmaps", 68 * MAP * MAP, false } },
    .decode = decode,
};
