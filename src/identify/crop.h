/* identify/crop.h: the aligned square of a face that a recogniser sees, in the ways its makers cut it (models.md, section 5).
 * Pure: frame in, crop out. */
#ifndef VI_CROP_H
#define VI_CROP_H

#include "face/template.h"
#include "kernel/kernel.h"

#define VI_ALIGN_SIZE 112 /* of every recogniser's crop */

typedef enum vi_crop_type {
    VI_CROP_AUTO = 0, /* what the recogniser's manifest row says */
    VI_CROP_ARCFACE,  /* ArcFace's template, filtered when the face is larger than the crop */
    VI_CROP_OPAL,     /* ArcFace's template, nearest pixel */
    VI_CROP_PEARL,    /* the same in a window of 128, nearest pixel, then bilinear to 112 */
    VI_CROP_OPTIMAL,  /* the best fitting of five templates by yaw, filtered */
    VI_CROP_FFHQ      /* FFHQ's template at 512, nearest pixel, then bilinear to 112; CSCS takes no other */
} vi_crop_type;

/* A face of a frame: the five points are those of the upright picture (viso/face.h order). Nothing is owned. */
typedef struct vi_face_view {
    const vi_frame *frame;
    const vi_colour_map *colour;
    vi_affine upright; /* upright picture -> stored frame, as vi_frame_upright gives it */
    vi_point points[5];
} vi_face_view;

const char *vi_crop_name(vi_crop_type t); /* "arcface" …, static */
/* What a manifest's word for a template ("arcface112", "arcfacemap", "ffhq512") means for a recogniser. */
vi_crop_type vi_crop_of_template(const char *name);
/* Fills a crop of 112 x 112, R'G'B' 0..1, black outside the frame. VISO_AGAIN (no message): the points coincide or are not
 * finite. VISO_ERR_NO_SPACE: the arena is full. */
int vi_crop_face(const vi_kernels *k, const vi_face_view *v, vi_crop_type t, const vi_rgb *crop, vi_arena *scratch);

#endif
