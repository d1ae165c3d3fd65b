/* face/pnp.h: head pose from points of a picture and the same points of a rigid head: perspective-n-point. Pure, any thread.
 *
 * Axes as in face/mesh.h: head in cm, x to the picture's right, y up, z to the viewer; the camera stands at the origin and looks
 * along -z. A point V of the head is seen at u = cx + f X/d, v = cy - f Y/d with (X, Y, Z) = R V + t and d = -Z.
 *
 * Method: Levenberg-Marquardt on six parameters (a turn about the axes and a shift), weighted reprojection error, from a few
 * turned starts whose roll comes from a flat similarity and whose shift is the linear solution; the best end counts. The few
 * starts are what decides between the two poses a nearly flat set of points (eyes and mouth) allows. */
#ifndef VI_PNP_H
#define VI_PNP_H

#include "face/marks.h"

typedef struct vi_camera {
    float f;      /* focal length, pixels */
    float cx, cy; /* principal point */
} vi_camera;

/* The camera for a face whose picture says nothing of its lens: it looks at the middle of the face, as if the photographer had
 * turned to it, so that angles are those a viewer sees. The focal length is the longer side of the picture (a view of 53
 * degrees), but not less than 2.5 times the face: photographs are cropped, and nobody holds a lens to the nose. A focal
 * length wrong by a half changes the angles of a face that is a quarter of the picture by less than three degrees. */
vi_camera vi_camera_for(int width, int height, const viso_box *face);

typedef struct vi_pnp {
    float r[3][3], t[3];
    viso_pose angles; /* degrees, viso/face.h */
    float rms;        /* weighted reprojection error, pixels */
} vi_pnp;

/* n >= 4 points; weight NULL: all 1. False (and *out undefined) when there are fewer with a weight, numbers are not finite, points
 * of either side coincide, or no pose with all points in front of the camera fits. */
bool vi_pnp_solve(const float (*model)[3], const vi_point *seen, const float *weight, int n, const vi_camera *c, vi_pnp *out);

/* A set of landmarks against the canonical mesh: its anchors, for set 5 the five points. False also for a set without anchors. */
bool vi_pnp_marks(const vi_mesh *m, int set, const viso_point3 *point, int n, const vi_camera *c, vi_pnp *out);
bool vi_pnp_five(const vi_mesh *m, const vi_point five[5], const vi_camera *c, vi_pnp *out);

#endif
