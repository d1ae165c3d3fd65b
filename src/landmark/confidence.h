/* landmark/confidence.h: how far landmarks can be believed, one measure for all models. Pure. */
#ifndef VI_CONFIDENCE_H
#define VI_CONFIDENCE_H

#include "face/pnp.h"
#include "landmark/family.h"

/* What the common confidence is made of, all as parts of the longer side of the face's box; -1 where it is not known. */
typedef struct vi_agreement {
    float points;   /* mean distance of the reduction to five from the detector's five */
    float residual; /* reprojection error of the head's shape (anchors of the set on the canonical mesh) */
    float box;      /* distance of the middles of both boxes, plus the logarithm of the ratio of their sides, as far as they are more
                       than what detectors differ by */
} vi_agreement;

vi_agreement vi_landmark_agreement(const vi_mesh *m, int set, const vi_point3 *point, int n, const vi_landmark_view *v,
                                   const vi_camera *c);
/* About the probability, 0..1, that the points are off by at most 8 % of the face's size in the mean. Calibrated on photographs:
 * bench/landmark_bench.c --calibrate prints what it is worth. */
float vi_landmark_confidence(const vi_agreement *a);

#endif
