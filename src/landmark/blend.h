/* landmark/blend.h: MediaPipe's blend shapes: 52 coefficients of expression out of 146 of the 478 points. One thread per object. */
#ifndef VI_LANDMARK_BLEND_H
#define VI_LANDMARK_BLEND_H

#include "face/face.h"
#include "models/models.h"

typedef struct vi_blend {
    const vi_model_row *row;
    vi_run *run; /* NULL: not open */
    int in_points, out_values;
} vi_blend;

/* The installed model of family "blendshapes_52". */
int vi_blend_open(vi_blend *b, vi_models *m, viso_error *err);
void vi_blend_close(vi_blend *b);
/* From the 478 points in pixels of the picture. */
int vi_blend_look(vi_blend *b, const viso_point3 mesh[VISO_MESH_POINTS], float out[VISO_BLENDSHAPES], viso_error *err);

#endif
