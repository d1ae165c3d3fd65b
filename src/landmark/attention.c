/* landmark/attention.c: MediaPipe's attention mesh: a coarse mesh whose lips, eyes and irises are replaced by refined ones. */
#include <math.h>
#include <string.h>

#include "landmark/families.h"

enum { MESH, LIPS, EYE_L, EYE_R, IRIS_L, IRIS_R, FLAG };

static void refine(vi_point3 *lm, const float *xy, const uint16_t *index, int n)
{
    for (int i = 0; i < n; i++) {
        lm[index[i]].x = xy[2 * i];
        lm[index[i]].y = xy[2 * i + 1];
    }
}

/* The network gives no depth for the iris: the lids' mean stands in. */
static void put_iris(vi_point3 *lm, const float *xy, int first, const uint16_t *eye)
{
    float z = 0;
    for (int i = 0; i < 16; i++)
        z += lm[eye[i]].z / 16;
    for (int i = 0; i < 5; i++)
        lm[first + i] = (vi_point3){ xy[2 * i], xy[2 * i + 1], z };
}

static bool decode(vi_landmark_values out, const size_t *values, int size, vi_point3 *lm, float *own)
{
    (void)values;
    (void)size;
    for (int i = 0; i < 468; i++)
        lm[i] = (vi_point3){ out[MESH][3 * i], out[MESH][3 * i + 1], out[MESH][3 * i + 2] };
    refine(lm, out[LIPS], vi_lm_lips, 80);
    refine(lm, out[EYE_L], vi_lm_eye_l, 71);
    refine(lm, out[EYE_R], vi_lm_eye_r, 71);
    put_iris(lm, out[IRIS_L], VI_LM_IRIS_L, vi_lm_eye_l);
    put_iris(lm, out[IRIS_R], VI_LM_IRIS_R, vi_lm_eye_r);
    *own = 1.0f / (1.0f + expf(-out[FLAG][0]));
    return isfinite(*own);
}

const vi_landmark_family vi_landmark_attention_478 = {
    .id = "attention_478", .set = VI_MARKS_478, .count = 478, .depth = true, .mesh = true, .level = true,
    .margin = 1.5f, .border = VI_BORDER_REPLICATE,
    .out = { { "mesh", 468 * 3, false }, { "lips", 80 * 2, false }, { "eye_l", 71 * 2, false }, { "eye_r", 71 * 2, false },
             { "iris_l", 5 * 2, false }, { "iris_r", 5 * 2, false }, { "flag", 1, false } },
    .decode = decode,
};
