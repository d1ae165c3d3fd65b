/* track/motion.h: how a head moves between two frames, as six small numbers, found from points and applied to points. Pure functions.
 *
 * Points carry a depth in pixels (negative towards the camera), so that turning the head, which shifts near points more than far
 * ones, is told from moving it (weak perspective). */
#ifndef VI_MOTION_H
#define VI_MOTION_H

#include "frame/geometry.h"

typedef struct vi_motion { /* about a centre, per frame */
    float dx, dy;     /* pixels */
    float scale;      /* natural logarithm */
    float roll;       /* radians, clockwise in the picture */
    float yaw, pitch; /* radians; signs: see vi_motion_apply */
} vi_motion;

/* p = c + (dx, dy) + e^scale R(roll) (X + yaw Z, Y + pitch Z), Z = e^scale (Z - yaw X - pitch Y), with (X, Y, Z) = p - c. */
void vi_motion_apply(const vi_motion *m, viso_point3 c, viso_point3 *p, int n);
vi_point vi_motion_point(const vi_motion *m, viso_point3 c, float x, float y); /* of a point at the centre's depth */
vi_motion vi_motion_scaled(const vi_motion *m, float k);

/* Weighted least squares over n points: the motion about c that takes from[i] to to[i]; weight 0 leaves a point out, NULL counts
 * all. With `turn` false yaw and pitch stay 0. False when the points do not decide it. */
bool vi_motion_fit(const viso_point3 *from, const vi_point *to, const float *weight, int n, viso_point3 c, bool turn,
                   vi_motion *out);
/* The same, robust: points that move unlike the others lose their weight (iterated; Tukey's biweight with a cut-off of `far`
 * pixels at least, or a multiple of the points' own median residual up to `most`). weight[n] receives what they were left with,
 * 0 outliers. Points whose weight comes in as 0 are left out. */
bool vi_motion_robust(const viso_point3 *from, const vi_point *to, float *weight, int n, viso_point3 c, float far, float most,
                      vi_motion *out);

#endif
