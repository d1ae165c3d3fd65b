/* frame/geometry.h: points, boxes, affine maps. Values only. */
#ifndef VI_GEOMETRY_H
#define VI_GEOMETRY_H

#include <stdbool.h>

#include "viso/face.h"

typedef viso_point vi_point;
typedef viso_point3 vi_point3;
typedef viso_box vi_box;

typedef struct vi_rect {
    int x, y, w, h; /* pixels; w or h 0: empty */
} vi_rect;

/* x' = m[0] x + m[1] y + m[2];  y' = m[3] x + m[4] y + m[5]. Between continuous coordinates. */
typedef struct vi_affine {
    float m[6];
} vi_affine;

static inline vi_point vi_affine_apply(const vi_affine *a, float x, float y)
{
    vi_point p = { a->m[0] * x + a->m[1] * y + a->m[2], a->m[3] * x + a->m[4] * y + a->m[5] };
    return p;
}

vi_affine vi_affine_identity(void);
/* (a after b): x -> a(b(x)). */
vi_affine vi_affine_compose(const vi_affine *a, const vi_affine *b);
/* false (and identity) when singular. */
bool vi_affine_invert(const vi_affine *a, vi_affine *out);
/* Mean scale: sqrt |det|. */
float vi_affine_scale(const vi_affine *a);
/* Least-squares similarity without reflection taking p[i] to q[i] (Umeyama 1991; in 2-D with complex
 * numbers a = sum conj(p) q / sum |p|^2 over centred points). false when the points coincide. */
bool vi_similarity_fit(const vi_point *p, const vi_point *q, int n, vi_affine *out);
/* Map from a square crop of `size` pixels to the picture: the crop shows a square of side `side`
 * centred at (cx, cy) whose own x axis points along `angle` radians (picture y down). */
vi_affine vi_square_to_picture(float cx, float cy, float side, float angle, float size);

float vi_box_iou(const vi_box *a, const vi_box *b);
/* The box around those n points of p that `list` names. */
vi_box vi_box_around(const vi_point *p, const uint16_t *list, int n);
/* Smallest integer rectangle holding the box, cut to width x height. */
vi_rect vi_box_cover(const vi_box *b, int width, int height);

#endif
