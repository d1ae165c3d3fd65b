/* identify/align.h: the aligned square an embedder sees. */
#ifndef VI_ALIGN_H
#define VI_ALIGN_H

#include "frame/geometry.h"

#define VI_ALIGN_SIZE 112

/* ArcFace template: crop of 112 pixels -> picture of the five points (viso/face.h order). false: points coincide. */
bool vi_align_template(const vi_point points[5], vi_affine *crop_to_picture);

#endif
