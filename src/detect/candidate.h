/* detect/candidate.h: what a detector found, and what is done to many of them: merging, limits. Pure functions. */
#ifndef VI_DETECT_CANDIDATE_H
#define VI_DETECT_CANDIDATE_H

#include "detect/window.h"

typedef struct vi_candidate {
    vi_box box;     /* upright picture */
    vi_point kp[6]; /* n_kp of them: 6 in MediaPipe's order (eyes, nose, mouth, ears), 5 in that of the templates (eyes, nose,
                       mouth corners; left ones of the face seen upright first) */
    int n_kp;
    float score;
    float angle; /* degrees, of the window it was seen through */
} vi_candidate;

/* One detection in pixels of the network's input. */
typedef struct vi_found {
    float x0, y0, x1, y1, score;
    float point[12]; /* x y */
    int n_point;
} vi_found;

/* From the input back to the picture. */
typedef struct vi_placing {
    vi_affine to;            /* input pixels -> upright picture */
    float w, h;              /* of the input */
    float angle;
    uint8_t inner;
} vi_placing;
vi_placing vi_placing_of(const vi_window *w, int width, int height);
/* false: a number is not finite, the box has no extent, or it touches an inner edge of the window. */
bool vi_candidate_place(vi_candidate *c, const vi_found *f, const vi_placing *p);

/* Greedy non-maximum suppression in place: candidates that overlap a better one by more than `iou` go, and those of which
 * more than the part `inside` lies in a better one (above 1: none). Returns how many remain, best score first. */
int vi_detect_suppress(vi_candidate *c, int n, float iou, float inside);
/* The same, but those that overlap the best one are averaged into it by score. Of a turned view they only go. */
int vi_detect_merge(vi_candidate *c, int n, float iou);

/* The five points of the templates, from whatever points there are; false without points. */
bool vi_candidate_points(const vi_candidate *c, vi_point five[5]);
/* Degrees clockwise by which the face is rolled against the view it was seen through, by the similarity of its points to
 * the frontal template; 0 without points. */
float vi_candidate_roll(const vi_candidate *c);
/* Moves those rolled further than `limit` degrees to the end; returns how many are left before them. */
int vi_detect_split_rolled(vi_candidate *c, int n, float limit);
/* Largest first; of more than `most` those that stay are the largest by area - 2 d^2, d from the middle of the picture. */
int vi_detect_most_central(vi_candidate *c, int n, int most, int width, int height);

#endif
