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
        float other = fmaxf(box.x1 - box.x0, box.y1 - box.y0);
        a.box = hypotf(box.x0 + box.x1 - v->box.x0 - v->box.x1, box.y0 + box.y1 - v->box.y0 - v->box.y1) / (2 * side) +
                fabsf(logf(other / side));
    }
    return a;
}

float vi_landmark_confidence(const vi_agreement *a)
{
    /* Half at a mean error of about a tenth of the face; see docs/models.md. */
    float x = 0, w = 0;
    if (a->points >= 0) {
        x += a->points / 0.07f;
        w += 1;
    }
    if (a->residual >= 0) {
        x += a->residual / 0.05f;
        w += 1;
    }
    if (a->box >= 0) {
        x += 0.5f * a->box / 0.30f;
        w += 0.5f;
    }
    return w > 0 ? 1 / (1 + expf(4 * (x / w - 1))) : 0;
}
