/* landmark/blend.c: see blend.h. */
#include "landmark/blend.h"

#include <string.h>

#include "landmark/open.h"

static const uint16_t used[146] = {
    0,   1,   4,   5,   6,   7,   8,   10,  13,  14,  17,  21,  33,  37,  39,  40,  46,  52,  53,  54,  55,  58,  61,  63,  65,
    66,  67,  70,  78,  80,  81,  82,  84,  87,  88,  91,  93,  95,  103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148,
    149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246,
    249, 251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388,
    389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
};

int vi_blend_open(vi_blend *b, vi_models *m, viso_error *err)
{
    memset(b, 0, sizeof *b);
    const char *id = vi_landmark_installed(m, "blendshapes_52", "--blend-shapes", "face_blendshapes_52", err);
    size_t in = 0, out = 0;
    int rc = id ? vi_models_run(m, id, &b->run, &b->row, err) : VISO_ERR_MODEL;
    if (rc)
        return rc;
    b->in_points = vi_model_role_index(b->row, "points");
    b->out_values = vi_model_role_index(b->row, "coefficients");
    if (b->in_points >= 0 && b->out_values >= 0) {
        vi_run_input(b->run, b->in_points, &in);
        vi_run_output(b->run, b->out_values, &out);
    }
    if (in == 2 * VI_COUNT(used) && out == VISO_BLENDSHAPES)
        return VISO_OK;
    vi_blend_close(b);
    return vi_error_set(err, VISO_ERR_MODEL, "model %s: blend shapes take 146 points and give 52 values", id);
}

void vi_blend_close(vi_blend *b)
{
    vi_run_destroy(&b->run);
    memset(b, 0, sizeof *b);
}

int vi_blend_look(vi_blend *b, const viso_point3 mesh[VISO_MESH_POINTS], float out[VISO_BLENDSHAPES], viso_error *err)
{
    float *in = vi_run_input(b->run, b->in_points, NULL);
    for (size_t i = 0; i < VI_COUNT(used); i++) {
        in[2 * i] = mesh[used[i]].x;
        in[2 * i + 1] = mesh[used[i]].y;
    }
    int rc = vi_run_now(b->run, err);
    if (!rc)
        memcpy(out, vi_run_output(b->run, b->out_values, NULL), VISO_BLENDSHAPES * sizeof *out);
    return rc;
}
