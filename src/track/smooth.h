/* track/smooth.h: landmarks without jitter and without lag. One object per followed face; one thread. */
#ifndef VI_SMOOTH_H
#define VI_SMOOTH_H

#include <stdbool.h>

#include "track/motion.h"

typedef enum vi_steady_level { VI_STEADY_OFF, VI_STEADY_LOW, VI_STEADY_MEDIUM, VI_STEADY_HIGH } vi_steady_level;

typedef struct vi_steady {
    float shape;           /* strength on each point, in the face's own frame: 0 nothing is smoothed at all .. 1 strong */
    vi_steady_level level; /* on the pose */
    float hold[3];         /* roll, yaw, pitch: from this many degrees between foretold and measured on, the measured counts at once */
    float doubt;           /* 0 .. 1: how much the landmarks are doubted, because something covers part of the face */
} vi_steady;

/* One axis of the pose, as a One-Euro filter (Casiez, Roussel, Vogel 2012) on what the foretold motion left over. */
typedef struct vi_axis {
    float left;   /* of the last frame's difference, in holds */
    float speed;  /* smoothed change of the difference per frame */
    bool engaged; /* beyond the hold, and not yet back below a third of it */
} vi_axis;

typedef struct vi_smooth {
    viso_point3 mesh[VISO_MESH_POINTS]; /* smoothed, upright picture */
    vi_motion velocity;                 /* about vi_smooth_centre */
    vi_axis axis[6];                    /* dx, dy, scale, roll, yaw, pitch */
    int frames;                         /* seen since the start; 0: nothing yet */
} vi_smooth;

/* Forgets; the next mesh is taken as it is. */
void vi_smooth_reset(vi_smooth *s);
/* Feeds the measured mesh of the next frame; s->mesh is the result. `moved`: how the face moved since the last frame (about
 * vi_follow_centre of s->mesh) when its points could be followed, NULL when that is not known. */
void vi_smooth_update(vi_smooth *s, const viso_point3 raw[VISO_MESH_POINTS], const vi_steady *how, const vi_motion *moved);
/* Moves the mesh one frame on without a measurement: by what was seen, or by its velocity, which dies down. */
void vi_smooth_coast(vi_smooth *s, const vi_motion *moved);
/* Motion about `c` that takes the firm points (bone rather than expression) of mesh a to those of b; false when they do not decide
 * it. */
bool vi_smooth_between(const viso_point3 *a, const viso_point3 *b, viso_point3 c, vi_motion *out);

#endif
