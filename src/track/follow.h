/* track/follow.h: carries a face from one frame to the next by the motion of points on its skin (pyramidal Lucas-Kanade forward and
 * back). Works on small grey pictures of the face's surroundings, sampled straight from the frame. Plain values; one thread. */
#ifndef VI_FOLLOW_H
#define VI_FOLLOW_H

#include "face/stage.h"
#include "track/motion.h"

#define VI_FOLLOW_SIDE 96
#define VI_FOLLOW_LEVELS 3
/* Floats of one pyramid with its margins. */
#define VI_FOLLOW_FLOATS                                                                                                \
    ((96 + 2 * VI_FLOW_MARGIN) * (96 + 2 * VI_FLOW_MARGIN) + (48 + 2 * VI_FLOW_MARGIN) * (48 + 2 * VI_FLOW_MARGIN) +    \
     (24 + 2 * VI_FLOW_MARGIN) * (24 + 2 * VI_FLOW_MARGIN) + 64)

/* A grey picture of a square of the upright picture. */
typedef struct vi_view {
    vi_plane level[VI_FOLLOW_LEVELS];
    float cx, cy, side; /* what it shows; side 0: nothing */
    viso_point3 face;   /* vi_follow_centre of the face in it; set by who keeps it */
} vi_view;

void vi_view_place(vi_view *v, float *memory); /* lays the planes out in VI_FOLLOW_FLOATS floats */
/* Shows the square of the work item's frame. False when the scratch is too small. */
bool vi_view_look(vi_view *v, const vi_kernels *k, const vi_work *w, float cx, float cy, float side, vi_arena *scratch);

/* How far each followed point is believed. One that was covered moves with what covers it, in good order; it counts again when it
 * has moved with the head for some frames. */
#define VI_FOLLOW_POINTS 67
typedef struct vi_credit {
    uint8_t point[VI_FOLLOW_POINTS];
} vi_credit;
vi_credit vi_credit_full(void);

typedef enum vi_followed {
    VI_FOLLOW_BLIND, /* the earlier picture has nothing to hold on to: no statement */
    VI_FOLLOW_LOST,  /* too many points do not come back to where they started, or move apart */
    VI_FOLLOW_HELD, /* the points are lost, but the correlation filter has the place */
    VI_FOLLOW_FOUND
} vi_followed;

/* Motion of the face with points `mesh` (478, in picture coordinates of `from`) from one view to the work item's frame, of which `to`
 * is a view of the same side; about vi_follow_centre. `guess`: how it is expected to move. lost: share of points that may be lost.
 * held: share of the points with texture that moved with the face. live: how much mouth and lids changed, as a multiple of what the skin
 * that moves with the head differs by; INFINITY when not known. */
vi_followed vi_follow(const vi_kernels *k, const vi_work *w, const vi_view *from, const vi_view *to, const viso_point3 *mesh,
                      const vi_motion *guess, float lost, vi_credit *credit, vi_arena *scratch, vi_motion *out, float *held, float *live);
/* The centre that motions of a mesh refer to. */
viso_point3 vi_follow_centre(const viso_point3 *mesh);

#endif
