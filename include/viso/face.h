/* viso/face.h: what is known of one face. Plain values: copy freely, no ownership, no thread rules.
 *
 * Coordinates are pixels of the upright picture (rotation metadata applied), continuous, with the
 * origin at the outer corner of the first pixel: pixel (i, j) has its centre at (i + 0.5, j + 0.5). */
#ifndef VISO_FACE_H
#define VISO_FACE_H

#include "viso/common.h"

#define VISO_MESH_POINTS 478
#define VISO_EMBEDDING_MAX 512
#define VISO_BLENDSHAPES 52
#define VISO_MARKS_MAX 478

typedef struct viso_point {
    float x, y;
} viso_point;

typedef struct viso_point3 {
    float x, y, z; /* z in pixels too, negative towards the camera */
} viso_point3;

typedef struct viso_box {
    float x0, y0, x1, y1; /* x1, y1 exclusive */
} viso_box;

typedef struct viso_pose {
    float yaw, pitch, roll; /* degrees. yaw > 0: the face looks to the picture's right; pitch > 0: up;
                               roll > 0: clockwise in the picture */
} viso_pose;

/* Landmarks as a model gave them. The sets are those of the field, points in their usual order:
 *   5    eye, eye, nose tip, mouth corner, mouth corner, as in viso_face.points
 *   68   iBUG (300-W)          98   WFLW              106  InsightFace's 106
 *   203  LivePortrait          468  MediaPipe mesh    478  the same with irises */
typedef struct viso_marks {
    int set;          /* one of the above, 0 none */
    int count;        /* points filled in */
    int depth;        /* 1: the model gives z too */
    float confidence; /* 0..1: the model's own where it has one, else viso's: how well the points agree with the detector's
                         and with a head's shape */
    char model[48];   /* id of the model */
    viso_point3 point[VISO_MARKS_MAX]; /* z in pixels, negative towards the camera; 0 without depth */
} viso_marks;

/* Which parts of a viso_face are filled in. */
enum {
    VISO_FACE_HAS_BOX = 1 << 0,
    VISO_FACE_HAS_POINTS = 1 << 1,
    VISO_FACE_HAS_MESH = 1 << 2,
    VISO_FACE_HAS_POSE = 1 << 3,
    VISO_FACE_HAS_EMBEDDING = 1 << 4,
    VISO_FACE_HAS_QUALITY = 1 << 5,
    VISO_FACE_HAS_MARKS = 1 << 6,
    VISO_FACE_HAS_BLENDSHAPES = 1 << 7
};

typedef struct viso_face {
    uint32_t has; /* VISO_FACE_HAS_* */
    viso_box box;
    float score;           /* detector score, 0..1 */
    viso_point points[5];  /* eye on the picture's left, eye on its right, nose tip, mouth corner left, right */
    float presence;        /* the landmark model's own belief that this is a face, 0..1 */
    viso_point3 mesh[VISO_MESH_POINTS];
    viso_pose pose;
    int embedding_size;    /* 0: none */
    float embedding[VISO_EMBEDDING_MAX]; /* unit length */
    float quality;         /* 0..1: how well this face would do as a source */
    int track;             /* stable number of the person's track in a clip, -1 in a still */
    viso_marks marks;      /* of the chosen landmark model; with the mesh they are its points */
    float blendshapes[VISO_BLENDSHAPES]; /* 0..1, MediaPipe's order: 0 neutral, 25 jawOpen, 44 mouthSmileLeft … */
} viso_face;

#endif
