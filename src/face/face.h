/* face/face.h: the words stages share. One header for neighbours: the per-face record, the canonical mesh,
 * landmark index lists, head pose. */
#ifndef VI_FACE_H
#define VI_FACE_H

#include "base/base.h"
#include "face/indices.h"
#include "face/mesh.h"
#include "frame/frame.h"
#include "kernel/kernel.h"

/* A new face ready to be put back: crop and mask in the worker's arena, valid until the work item leaves its worker. */
typedef struct vi_patch {
    vi_rgb rgb;
    vi_plane mask;             /* final alpha, 0..1; mask.p NULL: nothing to paste */
    vi_affine crop_to_picture; /* crop coordinates -> upright picture */
} vi_patch;

#define VI_MAX_FACES 64  /* faces kept per frame */
#define VI_MAX_TRACKS 256 /* persons followed at once; a slot is reused after its track ended */

/* A square of the upright picture: `side` wide, its middle at (cx, cy), turned by `angle` radians. */
typedef struct vi_region {
    float cx, cy, side, angle;
} vi_region;

/* Where the five public points come from. */
typedef enum vi_five {
    VI_FIVE_MESH,  /* corners of the eyes and so on of the mesh: vi_points_from_mesh (recipe section 3) */
    VI_FIVE_PUPIL, /* marks that are the mesh, reduced by their pupils */
    VI_FIVE_MEAN,  /* the same by the mean of the eyes' contour */
    VI_FIVE_OTHER  /* the detector's, or landmarks that are not the mesh */
} vi_five;

typedef struct vi_face {
    viso_face f;          /* public part, coordinates of the upright picture */
    vi_point kp[6];       /* the detector's own points: right eye, left eye, nose, mouth, right ear, left ear of
                             the person (MediaPipe order) */
    int n_kp;             /* how many the detector gave: 6; 5 in the order of viso_face.points; 0 from detectors of boxes only */
    bool has_kp;          /* kp and the region below are the detector's, of this very frame: rough */
    vi_region roi;        /* what the dense landmark model looks at */
    vi_five five;
    vi_pose3d pose;       /* full pose, canonical -> picture */
    /* Temporal lane's results (stills: slot -1). */
    int slot;             /* 0..VI_MAX_TRACKS-1: where stages keep state of this person, -1 none */
    uint64_t ordinal;     /* how many faces have used this slot before this one, over the whole run: the number for
                             the slot's turnstile */
    bool carried;         /* landmarks are those of an earlier frame, carried on by the motion that was seen */
    bool fresh;           /* first of its track, or after a cut: forget smoothed state */
    float fade;           /* 0..1 factor on the swap's alpha (birth, death, gap filling) */
    /* Who is swapped. */
    int source;           /* index of the source person, -1: leave this face alone */
    vi_patch patch;       /* written by swap, changed by restore, consumed by blend */
} vi_face;

/* Whether a landmark model has found this face in this frame. */
static inline bool vi_face_seen(const vi_face *f)
{
    return (f->f.has & (VISO_FACE_HAS_MESH | VISO_FACE_HAS_MARKS)) != 0;
}

#endif
