/* swap/skin_draw.c: the features of a face drawn from its landmarks as widened convex hulls. Any thread, no heap. */
#include <math.h>
#include <string.h>

#include "swap/skin.h"
#include "swap/skin_draw.h"

float vi_face_size(const vi_point lm[478])
{
    float w = hypotf(lm[234].x - lm[454].x, lm[234].y - lm[454].y);
    float h = hypotf(lm[10].x - lm[152].x, lm[10].y - lm[152].y);
    return VI_MAX(w, 0.8f * h);
}

/* Convex hull (Andrew's monotone chain) of n points, in place order destroyed; returns its size. */
static int convex_hull(vi_point *p, int n, vi_point *hull)
{
    for (int i = 1; i < n; i++) { /* insertion sort by x, then y: at most a few hundred points */
        vi_point t = p[i];
        int j = i;
        for (; j > 0 && (p[j - 1].x > t.x || (p[j - 1].x == t.x && p[j - 1].y > t.y)); j--)
            p[j] = p[j - 1];
        p[j] = t;
    }
    int k = 0;
    for (int pass = 0; pass < 2; pass++) {
        int start = k;
        for (int q = 0; q < n; q++) {
            vi_point c = p[pass == 0 ? q : n - 1 - q];
            while (k - start >= 2 && (hull[k - 1].x - hull[k - 2].x) * (c.y - hull[k - 2].y) -
                                             (hull[k - 1].y - hull[k - 2].y) * (c.x - hull[k - 2].x) <=
                                         0.0f)
                k--;
            hull[k++] = c;
        }
        k--; /* the last point of one half is the first of the other */
    }
    return k;
}

static inline float turn(vi_point a, vi_point b)
{
    return a.x * b.y - a.y * b.x;
}

static inline vi_point side_of(const vi_point *p, int n, int i)
{
    vi_point a = p[i % n], b = p[(i + 1) % n];
    return (vi_point){ b.x - a.x, b.y - a.y };
}

/* Minkowski sum of two convex polygons that turn left and begin with their leftmost point (of several the lowest): the sides of
 * both in the order of their directions. Returns how many corners, at most n + m. */
static int convex_sum(const vi_point *p, int n, const vi_point *q, int m, vi_point *out)
{
    int i = 0, j = 0, k = 0;
    while (i < n || j < m) {
        const vi_point *a = &p[i % n], *b = &q[j % m];
        out[k++] = (vi_point){ a->x + b->x, a->y + b->y };
        float t = i == n ? -1.0f : j == m ? 1.0f : turn(side_of(p, n, i), side_of(q, m, j));
        i += t >= 0.0f && i < n;
        j += t <= 0.0f && j < m;
    }
    return k;
}

/* The hull of the points widened by a circle of `radius`: dilation without a raster pass, exact below a pixel. */
int vi_skin_draw_hull(const vi_kernels *k, const vi_plane *dst, const vi_point *pts, int n, float radius, vi_arena *a)
{
    static const float dir[8][2] = { { -1, 0 }, { -.7071f, -.7071f }, { 0, -1 }, { .7071f, -.7071f },
                                     { 1, 0 },  { .7071f, .7071f },   { 0, 1 },  { -.7071f, .7071f } };
    vi_point own[32], inner[2 * 32 + 2], round[8], hull[2 * 32 + 2 + 8];
    int corners;
    n = VI_MIN(n, 32);
    memcpy(own, pts, (size_t)n * sizeof *own);
    corners = convex_hull(own, n, inner); /* points inside stay inside when all are widened */
    if (corners == 0 && n > 0) /* a lone point has no sides */
        inner[corners++] = pts[0];
    for (int d = 0; d < 8; d++)
        round[d] = (vi_point){ radius * dir[d][0], radius * dir[d][1] };
    return corners > 0 ? k->polygon(dst, hull, convex_sum(inner, corners, round, 8, hull), 1.0f, a) : 0;
}

int vi_skin_features(const vi_kernels *k, const vi_point lm[478], float dilate, bool with_lips, const vi_plane *dst,
                     vi_arena *scratch)
{
    const uint16_t *contour[2] = { vi_lm_contour_l, vi_lm_contour_r }, *brow[2] = { vi_lm_brow_l, vi_lm_brow_r };
    float fs = vi_face_size(lm);
    vi_point pts[32];
    int rc = 0;
    vi_plane_fill(dst, 0.0f);
    for (int e = 0; e < 2 && !rc; e++) {
        for (int i = 0; i < 16; i++)
            pts[i] = lm[contour[e][i]];
        rc = vi_skin_draw_hull(k, dst, pts, 16, 0.025f * dilate * fs, scratch);
        for (int i = 0; i < 10; i++)
            pts[16 + i] = lm[brow[e][i]];
        if (!rc)
            rc = vi_skin_draw_hull(k, dst, pts, 26, 0.015f * dilate * fs, scratch);
    }
    if (!rc && with_lips) {
        for (int i = 0; i < 20; i++)
            pts[i] = lm[vi_lm_lips_outer[i]];
        rc = vi_skin_draw_hull(k, dst, pts, 20, 0.025f * dilate * fs, scratch);
    }
    return rc;
}
