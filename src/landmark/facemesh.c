/* landmark/facemesh.c: MediaPipe's plain meshes of 468 and 478 points. Coordinates are pixels of the crop; the flag is a logit
 * and is not there in every copy of the files. */
#include <math.h>

#include "landmark/families.h"

enum { MESH, FLAG };

static bool decode(vi_landmark_values out, int count, vi_point3 *lm, float *own)
{
    for (int i = 0; i < count; i++)
        lm[i] = (vi_point3){ out[MESH][3 * i], out[MESH][3 * i + 1], out[MESH][3 * i + 2] };
    if (out[FLAG])
        *own = 1.0f / (1.0f + expf(-out[FLAG][0]));
    return isfinite(*own);
}

static bool decode_468(vi_landmark_values out, const size_t *values, int size, vi_point3 *lm, float *own)
{
    (void)values;
    (void)size;
    return decode(out, 468, lm, own);
}

static bool decode_478(vi_landmark_values out, const size_t *values, int size, vi_point3 *lm, float *own)
{
    (void)values;
    (void)size;
    return decode(out, 478, lm, own);
}

const vi_landmark_family vi_landmark_facemesh_468 = {
    .id = "facemesh_468", .set = VI_MARKS_468, .count = 468, .depth = true, .level = true, .margin = 1.5f,
    .border = VI_BORDER_ZERO,
    .out = { { "mesh", 468 * 3, false }, { "flag", 1, true } },
    .decode = decode_468,
};

const vi_landmark_family vi_landmark_facemesh_478 = {
    .id = "facemesh_478", .set = VI_MARKS_478, .count = 478, .depth = true, .mesh = true, .level = true, .margin = 1.5f,
    .border = VI_BORDER_ZERO, .points = VI_TEMPLATE_ARCFACEMAP,
    .out = { { "mesh", 478 * 3, false }, { "flag", 1, true } },
    .decode = decode_478,
};
