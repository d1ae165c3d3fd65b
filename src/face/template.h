/* face/template.h: the places that the five points take in the crops that networks were trained on. Values only. */
#ifndef VI_TEMPLATE_H
#define VI_TEMPLATE_H

#include "frame/geometry.h"

typedef enum vi_template {
    VI_TEMPLATE_NONE,
    VI_TEMPLATE_ARCFACE112, /* InsightFace's set for 112 pixels, scaled to the crop's size */
    VI_TEMPLATE_ARCFACE128, /* the same in a window of 128: shifted right by 8 of 128 */
    VI_TEMPLATE_ARCFACEMAP, /* the best fitting of five sets for different yaws (112) */
    VI_TEMPLATE_FFHQ512     /* FFHQ's alignment (512) */
} vi_template;

/* By the manifest's word ("arcface112" …); VI_TEMPLATE_NONE for any other. */
vi_template vi_template_named(const char *name);
/* Least-squares similarity of the five points (viso/face.h order) to the template: crop of `size` pixels -> picture of the
 * points. false when the points coincide or are not finite. */
bool vi_template_fit(vi_template t, const vi_point points[5], float size, vi_affine *crop_to_picture);

#endif
