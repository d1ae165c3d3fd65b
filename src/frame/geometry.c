/* frame/geometry.c: affine maps, similarity fit, boxes. */
#include "frame/geometry.h"

#include <math.h>

vi_affine vi_affine_identity(void)
{
    return (vi_affine){ { 1, 0, 0, 0, 1, 0 } };
}

vi_affine vi_affine_compose(const vi_affine *a, const vi_affine *b)
{
    const float *p = a->m, *q = b->m;
    return (vi_affine){ { p[0] * q[0] + p[1] * q[3], p[0] * q[1] + p[1] * q[4], p[0] * q[2] + p[1] * q[5] + p[2],
                          p[3] * q[0] + p[4] * q[3], p[3] * q[1] + p[4] * q[4], p[3] * q[2] + p[4] * q[5] + p[5] } };
}

bool vi_affine_invert(const vi_affine *a, vi_affine *out)
{
    const float *m = a->m;
    double det = (double)m[0] * m[4] - (double)m[1] * m[3];
    if (!(fabs(det) > 1e-20) || !isfinite(det)) {
        *out = vi_affine_identity();
        return false;
    }
    double i0 = m[4] / det, i1 = -m[1] / det, i3 = -m[3] / det, i4 = m[0] / det;
    *out = (vi_affine){ { (float)i0, (float)i1, (float)-(i0 * m[2] + i1 * m[5]), (float)i3, (float)i4,
                          (float)-(i3 * m[2] + i4 * m[5]) } };
    return true;
}

float vi_affine_scale(const vi_affine *a)
{
    return sqrtf(fabsf(a->m[0] * a->m[4] - a->m[1] * a->m[3]));
}

bool vi_similarity_fit(const vi_point *p, const vi_point *q, int n, vi_affine *out)
{
    double px = 0, py = 0, qx = 0, qy = 0;
    *out = vi_affine_identity();
    if (n < 2)
        return false;
    for (int i = 0; i < n; i++) {
        px += p[i].x;
        py += p[i].y;
        qx += q[i].x;
        qy += q[i].y;
    }
    px /= n;
    py /= n;
    qx /= n;
    qy /= n;
    double re = 0, im = 0, norm = 0;
    for (int i = 0; i < n; i++) {
        double ax = p[i].x - px, ay = p[i].y - py, bx = q[i].x - qx, by = q[i].y - qy;
        re += ax * bx + ay * by; /* conj(a) b */
        im += ax * by - ay * bx;
        norm += ax * ax + ay * ay;
    }
    if (!(norm > 1e-12))
        return false;
    re /= norm;
    im /= norm;
    *out = (vi_affine){ { (float)re, (float)-im, (float)(qx - re * px + im * py), (float)im, (float)re,
                          (float)(qy - im * px - re * py) } };
    return true;
}

vi_affine vi_square_to_picture(float cx, float cy, float side, float angle, float size)
{
    float s = side / size, c = cosf(angle) * s, n = sinf(angle) * s, h = size / 2;
    return (vi_affine){ { c, -n, cx - c * h + n * h, n, c, cy - n * h - c * h } };
}

float vi_box_iou(const vi_box *a, const vi_box *b)
{
    float w = fminf(a->x1, b->x1) - fmaxf(a->x0, b->x0), h = fminf(a->y1, b->y1) - fmaxf(a->y0, b->y0);
    if (!(w > 0) || !(h > 0))
        return 0;
    float both = w * h;
    float sum = (a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - both;
    return sum > 0 ? both / sum : 0;
}

static int clip_to_int(float v, int hi)
{
    return v > 0 ? v < (float)hi ? (int)v : hi : 0;
}

vi_box vi_box_around(const vi_point *p, const uint16_t *list, int n)
{
    vi_box b = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    for (int i = 0; i < n; i++) {
        b.x0 = fminf(b.x0, p[list[i]].x);
        b.x1 = fmaxf(b.x1, p[list[i]].x);
        b.y0 = fminf(b.y0, p[list[i]].y);
        b.y1 = fmaxf(b.y1, p[list[i]].y);
    }
    return b;
}

vi_rect vi_box_cover(const vi_box *b, int width, int height)
{
    int x0 = clip_to_int(floorf(b->x0), width), y0 = clip_to_int(floorf(b->y0), height);
    int x1 = clip_to_int(ceilf(b->x1), width), y1 = clip_to_int(ceilf(b->y1), height);
    return (vi_rect){ x0, y0, x1 > x0 ? x1 - x0 : 0, y1 > y0 ? y1 - y0 : 0 };
}
