/* landmark/confidence.c: see confidence.h. */
#include "landmark/confidence.h"

#include <math.h>

vi_agreement vi_landmark_agreement(const vi_mesh *m, int set, const vi_point3 *point, int n, const vi_landmark_view *v,
                                   const vi_camera *c)
{
    vi_agreement a = { -1, -1, -1 };
    float side = fmaxf(v->box.x1 - v->box.x0, v->box.y1 - v->box.y0);
    vi_point five[5];
    vi_pnp pose;
    viso_box box;
    if (!(side > 0))
        return a;
    if (v->has_points && vi_marks_five(set, point, n, VI_EYES_PUPIL, five)) {
        a.points = 0;
        for (int i = 0; i < 5; i++)
            a.points += hypotf(five[i].x - v->points[i].x, five[i].y - v->points[i].y) / (5 * side);
    }
    a.residual = vi_pnp_marks(m, set, point, n, c, &pose) ? pose.rms / side : 1;
    if (set != VI_MARKS_5 && vi_marks_box(point, n, &box)) {
        /* Detectors draw boxes differently, with and without the forehead: so much difference says nothing. */
        const float near = 0.15f, like = 0.35f;
        float other = fmaxf(box.x1 - box.x0, box.y1 - box.y0);
        float away = hypotf(box.x0 + box.x1 - v->box.x0 - v->box.x1, box.y0 + box.y1 - v->box.y0 - v->box.y1) / (2 * side);
        a.box = fmaxf(away - near, 0) + fmaxf(fabsf(logf(other / side)) - like, 0);
    }
    return a;
}

/* Logistic regression of "the mean error is at most 8 % of the face's size" over 3960 looks of the small models at 17 portraits of
 * 24 to 512 pixels, with crops in their place and beside it (bench/landmark_bench.c --calibrate). With a detector's points
 * their distance says nearly all; without, the shape and the box have to do. The shape's error of good looks is 0.02 to 0.03;
 * from 0.04 on it is no head, whatever the points say (what was regressed knows none of these). Networks draw a head on anything,
 * so without points it is a weak measure: marks.c then looks twice. */
float vi_landmark_confidence(const vi_agreement *a)
{
    float box = fmaxf(a->box, 0), bent = fmaxf(a->residual - 0.04f, 0);
    float x = a->points >= 0 ? 12.8f - 142 * a->points - 2 * box - 60 * bent : 4.5f - 104 * fmaxf(a->residual, 0) - 20 * box;
    return isfinite(x) ? 1 / (1 + expf(-x)) : 0;
}
