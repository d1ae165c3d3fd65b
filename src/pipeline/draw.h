/* pipeline/draw.h: a picture of what was found, for `viso detect --draw` and for people who debug. */
#ifndef VI_DRAW_H
#define VI_DRAW_H

#include "face/stage.h"

/* A new upright RGB24 frame: the work item's picture with boxes, points and numbers. */
int vi_draw_faces(vi_frame **out, const vi_work *w, const vi_kernels *k, viso_error *err);

#endif
