/* identify/align.c: five points onto the ArcFace template. Pure. */
#include "identify/align.h"

#include "face/template.h"

bool vi_align_template(const vi_point points[5], vi_affine *crop_to_picture)
{
    return vi_template_fit(VI_TEMPLATE_ARCFACE112, points, VI_ALIGN_SIZE, crop_to_picture);
}
