/* face/region.h: what follows from a mesh by plain arithmetic: the region the landmark model wants to see next, the five public
 * points, the tight box. Used by the landmark stage on raw points and by the track stage on smoothed ones. Pure functions. */
#ifndef VI_REGION_H
#define VI_REGION_H

#include <math.h>

#include "face/face.h"
#include "face/marks.h"

/* Side of the region over the longer side of the points' box (recipe section 2). */
#define VI_REGION_MARGIN 1.5f

/* A square around n mesh points (at least the first 468), turned so that the line 33 -> 263 is level, and their tight box. Returns
 * false and changes nothing when the points have no extent or are not finite. */
static inline bool vi_region_of_points(const viso_point3 *lm, int n, vi_region *roi, viso_box *tight)
{
    float dx = lm[263].x - lm[33].x, dy = lm[263].y - lm[33].y, len = hypotf(dx, dy);
    if (!(len > 1e-3f) || !isfinite(len))
        return false;
    float c = dx / len, s = dy / len;
    float x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY; /* in the turned frame */
    viso_box box = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    for (int i = 0; i < n; i++) {
        float u = c * lm[i].x + s * lm[i].y, v = -s * lm[i].x + c * lm[i].y;
        x0 = fminf(x0, u);
        x1 = fmaxf(x1, u);
        y0 = fminf(y0, v);
        y1 = fmaxf(y1, v);
        box.x0 = fminf(box.x0, lm[i].x);
        box.x1 = fmaxf(box.x1, lm[i].x);
        box.y0 = fminf(box.y0, lm[i].y);
        box.y1 = fmaxf(box.y1, lm[i].y);
    }
    float side = VI_REGION_MARGIN * fmaxf(x1 - x0, y1 - y0), mx = (x0 + x1) / 2, my = (y0 + y1) / 2;
    if (!(side > 1e-3f) || !isfinite(side))
        return false;
    *roi = (vi_region){ c * mx - s * my, s * mx + c * my, side, atan2f(dy, dx) };
    *tight = box;
    return true;
}

/* f->roi and f->f.box from f->f.mesh. */
static inline bool vi_region_from_mesh(vi_face *f)
{
    return vi_region_of_points(f->f.mesh, VISO_MESH_POINTS, &f->roi, &f->f.box);
}

/* The five points the embedder's template knows (recipe section 3): eyes are the middle of their corners, the nose tip is the
 * middle of 1 and 4. Seen on an upright face, left is the picture's left. */
static inline void vi_points_from_mesh(viso_face *f)
{
    const viso_point3 *m = f->mesh;
    f->points[0] = (viso_point){ (m[33].x + m[133].x) / 2, (m[33].y + m[133].y) / 2 };
    f->points[1] = (viso_point){ (m[263].x + m[362].x) / 2, (m[263].y + m[362].y) / 2 };
    f->points[2] = (viso_point){ (m[1].x + m[4].x) / 2, (m[1].y + m[4].y) / 2 };
    f->points[3] = (viso_point){ m[61].x, m[61].y };
    f->points[4] = (viso_point){ m[291].x, m[291].y };
}

/* The five points again after the mesh moved (smoothing), in the way the landmark stage took them; points that came from other
 * landmarks than the mesh stay. */
static inline void vi_points_again(vi_face *f)
{
    if (f->five == VI_FIVE_MESH)
        vi_points_from_mesh(&f->f);
    else if (f->five != VI_FIVE_OTHER)
        vi_face_five(&f->f, f->five == VI_FIVE_MEAN ? VI_EYES_MEAN : VI_EYES_PUPIL, f->f.points);
}

/* Distance 234 - 454, the face's width in pixels (recipe: fw). */
static inline float vi_face_width(const viso_face *f)
{
    return hypotf(f->mesh[454].x - f->mesh[234].x, f->mesh[454].y - f->mesh[234].y);
}

/* Whether two boxes of meshes are one face: they overlap well, or one lies inside the other and is not much smaller (a mesh
 * that shrank onto a part of its face). */
static inline bool vi_same_face(const viso_box *a, const viso_box *b)
{
    float w = fminf(a->x1, b->x1) - fmaxf(a->x0, b->x0), h = fminf(a->y1, b->y1) - fmaxf(a->y0, b->y0);
    float sa = (a->x1 - a->x0) * (a->y1 - a->y0), sb = (b->x1 - b->x0) * (b->y1 - b->y0);
    if (!(w > 0) || !(h > 0) || !(sa > 0) || !(sb > 0))
        return false;
    float both = w * h, smaller = fminf(sa, sb);
    return both > 0.6f * (sa + sb - both) || (both > 0.8f * smaller && smaller > 0.35f * fmaxf(sa, sb));
}

#endif
