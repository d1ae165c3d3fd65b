/* identify/align.c: five points onto the ArcFace template. Pure. */
#include "identify/align.h"

#include <math.h>

/* InsightFace's published 112 x 112 template. Its vertical axis of symmetry is x = 56.0, the middle of the crop in continuous
 * coordinates, so the numbers are used as they are. */
static const vi_point template_112[5] = {
    { 38.2946f, 51.6963f }, { 73.5318f, 51.5014f }, { 56.0252f, 71.7366f },
    { 41.5493f, 92.3655f }, { 70.7299f, 92.2041f },
};

bool vi_align_template(const vi_point points[5], vi_affine *crop_to_picture)
{
    /* Fitted picture -> template, where the template's shape sets the weights of the points, then inverted. */
    vi_affine fit;
    for (int i = 0; i < 5; i++)
        if (!isfinite(points[i].x) || !isfinite(points[i].y)) {
            *crop_to_picture = vi_affine_identity();
            return false;
        }
    if (!vi_similarity_fit(points, template_112, 5, &fit)) {
        *crop_to_picture = vi_affine_identity();
        return false;
    }
    return vi_affine_invert(&fit, crop_to_picture);
}
