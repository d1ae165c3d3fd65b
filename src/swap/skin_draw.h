/* swap/skin_draw.h: a polygon helper of the skin segmentation. */
#ifndef VI_SKIN_DRAW_H
#define VI_SKIN_DRAW_H

#include "face/face.h"

/* dst = max(dst, the convex hull of at most 32 points, widened by `radius`). */
int vi_skin_draw_hull(const vi_kernels *k, const vi_plane *dst, const vi_point *pts, int n, float radius, vi_arena *a);

#endif
