/* pipeline/measure_parts.h: the parts of a measure; private to measure*.c. */
#ifndef VI_MEASURE_PARTS_H
#define VI_MEASURE_PARTS_H

#include "pipeline/measure.h"

/* ---- measure_motion.c: how the picture moved between two frames, at each of a few faces. vi-time ---- */

#define VI_STEADY_POINTS 26

/* Points of the mesh that are bone more than expression. */
void vi_steady_points(const viso_point3 *mesh, vi_point *out);

typedef struct vi_watches vi_watches;
int vi_watches_create(vi_watches **w, const vi_kernels *k);
void vi_watches_destroy(vi_watches **w);
/* Looks at the face with these steady points in this frame, and compares with the frame before when it was looked at there as well:
 * *motion takes points of the picture then to now. */
typedef enum vi_shown {
    VI_SHOWN_NOTHING, /* not looked at in both frames: no pixels, too many faces, a new face */
    VI_SHOWN_UNCLEAR, /* its skin could not be followed */
    VI_SHOWN_MOTION
} vi_shown;
vi_shown vi_watch_face(vi_watches *w, const vi_work *work, int slot, const vi_point *steady, float width, vi_affine *motion);

/* ---- measure_jitter.c. vi-time ---- */

typedef struct vi_jitter vi_jitter;
int vi_jitter_create(vi_jitter **j, const vi_kernels *k);
void vi_jitter_destroy(vi_jitter **j);
void vi_jitter_raw(vi_jitter *j, const vi_work *w);
void vi_jitter_final(vi_jitter *j, const vi_work *w);
typedef struct vi_jitter_sums {
    uint64_t n, n_before;                 /* faces and frames; those with landmarks from the network */
    double before, after;                 /* sums of squares, pixels of a picture 1080 high */
    double roll_before, roll_after;       /* degrees */
} vi_jitter_sums;
const vi_jitter_sums *vi_jitter_so_far(const vi_jitter *j);

/* ---- measure_flicker.c. vi-encode ---- */

typedef struct vi_flicker vi_flicker;
int vi_flicker_create(vi_flicker **f);
void vi_flicker_destroy(vi_flicker **f);
void vi_flicker_result(vi_flicker *f, const vi_work *w, const vi_frame *before, const vi_frame *after);
double vi_flicker_so_far(const vi_flicker *f, uint64_t *cells); /* sum of squares over so many cells */

/* ---- measure_switch.c. vi-time ---- */

typedef struct vi_switches vi_switches;
int vi_switches_create(vi_switches **s);
void vi_switches_destroy(vi_switches **s);
void vi_switches_final(vi_switches *s, const vi_work *w);
uint64_t vi_switches_so_far(const vi_switches *s);

#endif
