/* track/smooth.h: landmarks without jitter and without lag. One object per followed face; one thread. */
#ifndef VI_SMOOTH_H
#define VI_SMOOTH_H

#include "frame/geometry.h"

/* A small similarity motion: about a centre, per frame. */
typedef struct vi_motion {
    float dx, dy; /* pixels */
    float scale;  /* natural logarithm */
    float angle;  /* radians */
} vi_motion;

typedef struct vi_smooth {
    viso_point3 mesh[VISO_MESH_POINTS]; /* smoothed, upright picture */
    vi_motion velocity;
    int frames; /* seen since the start; 0: nothing yet */
} vi_smooth;

/* Forgets; the next mesh is taken as it is. */
void vi_smooth_reset(vi_smooth *s);
/* Feeds the measured mesh of the next frame; s->mesh is the result. strength 0 (off) .. 1 (strong). */
void vi_smooth_update(vi_smooth *s, const viso_point3 raw[VISO_MESH_POINTS], float strength);
/* Moves the mesh one frame on without a measurement; the motion dies down. */
void vi_smooth_coast(vi_smooth *s);
/* Where the mesh's middle will be one frame on, and its size and turn relative to now. */
vi_point vi_smooth_ahead(const vi_smooth *s, float x, float y);

#endif
