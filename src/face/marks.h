/* face/marks.h: sets of landmarks: the record later stages read, its reduction to five points, and which of its points lie on
 * which vertex of the canonical mesh. Pure functions, any thread. */
#ifndef VI_MARKS_H
#define VI_MARKS_H

#include "face/face.h"

typedef viso_marks vi_marks;

/* Sets by number; 3d68 is set 68 with depth. */
enum { VI_MARKS_5 = 5, VI_MARKS_68 = 68, VI_MARKS_98 = 98, VI_MARKS_106 = 106, VI_MARKS_203 = 203, VI_MARKS_468 = 468, VI_MARKS_478 = 478 };

/* How the eyes of the five points come out of a set. */
typedef enum vi_eyes {
    VI_EYES_PUPIL = 1, /* the set's own eye points: pupils where it has them, else the middle of the corners */
    VI_EYES_MEAN       /* the middle of the set's eye contour (irises' contour for 478); sets without one: as PUPIL */
} vi_eyes;

/* Reduction of n points of a set to the five of viso/face.h (models.md 4.1). false (and `five` untouched) for a set that is
 * not known, too few points, or points that are not finite. */
bool vi_marks_five(int set, const viso_point3 *point, int n, vi_eyes eyes, viso_point five[5]);
/* The same on a face's marks. */
bool vi_face_five(const viso_face *f, vi_eyes eyes, viso_point five[5]);

/* Points of a set that sit on the bone or close to it, with the vertex of the canonical mesh at the same place: what the pose
 * solver and the residual use. Returns how many; 0 for a set that is not known. */
typedef struct vi_anchor {
    uint16_t mark, vertex;
    float weight; /* 1: hardly moves with expression */
} vi_anchor;
int vi_marks_anchors(int set, const vi_anchor **anchor);

/* The marks of a face whose mesh was found or smoothed: points of the mesh, when the marks are of set 468 or 478. */
void vi_marks_follow_mesh(viso_face *f);

/* Which place: a box around points; false when none is finite or they have no extent. */
bool vi_marks_box(const viso_point3 *point, int n, viso_box *box);

#endif
