/* swap/shape.h: the source's shape under the target's pose and expression (mesh-swap recipe 4), and small measures of
 * eyes and mouth. All coordinates canonical (cm, x to the picture's right, y up, z to the viewer) unless said.
 *
 * Thread-safety: pure. */
#ifndef VI_SHAPE_H
#define VI_SHAPE_H

#include "face/face.h"

typedef struct vi_shape_params {
    float inner;   /* how far inside points go towards the source, 0..1 */
    float outline; /* how far the face oval goes, 0..1; 0: the 36 oval points are exactly the target's */
    bool eyes;     /* lids half source, half target; false: target's */
} vi_shape_params;
/* inner 1, outline 0, eyes true. */
vi_shape_params vi_shape_defaults(void);

/* out = shape to be rendered. src, tgt, out: 478 points; out may not overlap. */
void vi_shape_transfer(const vi_mesh *m, const float (*src)[3], const float (*tgt)[3], const vi_shape_params *p,
                       float (*out)[3]);

/* Eyes: 0 is the one on the picture's left (33/133), 1 the one on its right (263/362). */
enum { VI_EYE_L = 0, VI_EYE_R = 1 };
const uint16_t *vi_eye_contour(int eye); /* 16, outer corner first, lower lid first */
int vi_eye_iris(int eye);                /* first of five points, the centre */
/* Mean lid gap / eye width: 0.25..0.42 normal, < 0.12 closed. */
float vi_eye_openness(const float (*c)[3], int eye);
/* Mouth opening |13-14| / |61-291|: below 0.035 closed. */
float vi_mouth_openness(const float (*c)[3]);
/* Mouth width by eye distance |61-291| / |33-263| (recipe 6g). */
float vi_smile_ratio(const float (*c)[3]);

/* An eye's own frame: (u, v) with u from the outer (0) to the inner corner (1) and v towards the brow, in eye widths;
 * the same numbers describe mirrored eyes. */
typedef struct vi_eye_frame {
    float o[2], eu[2], ev[2]; /* origin and the two axes, each one eye width long */
} vi_eye_frame;
/* y_up: canonical coordinates (true) or picture coordinates (false). */
vi_eye_frame vi_eye_frame_of(const float outer[2], const float inner[2], int eye, bool y_up);
void vi_eye_to_frame(const vi_eye_frame *f, const float p[2], float uv[2]);
void vi_eye_from_frame(const vi_eye_frame *f, const float uv[2], float p[2]);

/* Iris radius from its five points (mean distance of four to the centre), any 2-D coordinates. */
float vi_iris_radius(const vi_point lm[478], int eye);

#endif
