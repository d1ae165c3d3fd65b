/* detect/decode.h: network output to candidates, and the merging of candidates. Pure functions. */
#ifndef VI_DETECT_DECODE_H
#define VI_DETECT_DECODE_H

#include "detect/window.h"

#define VI_DETECT_INPUT 192
#define VI_DETECT_GRID 48 /* anchors: 48 x 48 cell centres, one each */
#define VI_DETECT_ANCHORS (VI_DETECT_GRID * VI_DETECT_GRID)
#define VI_DETECT_VALUES 16 /* cx cy w h, then six points */

typedef struct vi_candidate {
    vi_box box;     /* upright picture */
    vi_point kp[6]; /* MediaPipe order */
    float score;
    int turns; /* of the window it was seen through */
} vi_candidate;

/* Candidates of one window at or above `threshold` that do not touch an inner edge; at most `max`. */
int vi_detect_decode(const float *regressors, const float *scores, float threshold, const vi_window *w,
                     vi_candidate *out, int max);
/* Weighted non-maximum suppression in place: candidates that overlap the best one by more than `iou` are averaged into it by
 * score; candidates mostly inside a better one are dropped. Returns how many remain, best score first. */
int vi_detect_merge(vi_candidate *c, int n, float iou);

#endif
