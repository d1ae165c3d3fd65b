/* track/motion.c: fits of a head's motion between two frames. */
#include "track/motion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

enum { UNKNOWNS = 6, ROUNDS = 6, ROBUST_MOST = 128 };
/* Turns are known from depth alone, and the depth of a mesh is flat: this much of the points' mean square keeps noise in two
 * or three points from turning the head. */
#define TURN_PRIOR 2e-3

vi_motion vi_motion_scaled(const vi_motion *m, float k)
{
    return (vi_motion){ m->dx * k, m->dy * k, m->scale * k, m->roll * k, m->yaw * k, m->pitch * k };
}

void vi_motion_apply(const vi_motion *m, viso_point3 c, viso_point3 *p, int n)
{
    float k = expf(m->scale), a = k * cosf(m->roll), b = k * sinf(m->roll);
    for (int i = 0; i < n; i++) {
        float x = p[i].x - c.x, y = p[i].y - c.y, z = p[i].z - c.z;
        float u = x + m->yaw * z, v = y + m->pitch * z;
        p[i] = (viso_point3){ c.x + m->dx + a * u - b * v, c.y + m->dy + b * u + a * v,
                              k * (c.z + z - m->yaw * x - m->pitch * y) };
    }
}

vi_point vi_motion_point(const vi_motion *m, viso_point3 c, float x, float y)
{
    viso_point3 p = { x, y, c.z };
    vi_motion flat = *m;
    flat.yaw = flat.pitch = 0;
    vi_motion_apply(&flat, c, &p, 1);
    return (vi_point){ p.x, p.y };
}

/* Solves a x = b in place, symmetric positive definite, by elimination with the largest pivot of the diagonal. */
static bool solve(double a[UNKNOWNS][UNKNOWNS], double b[UNKNOWNS], int n)
{
    for (int i = 0; i < n; i++) {
        double p = a[i][i];
        if (!(fabs(p) > 1e-12) || !isfinite(p))
            return false;
        for (int r = i + 1; r < n; r++) {
            double k = a[r][i] / p;
            for (int c = i; c < n; c++)
                a[r][c] -= k * a[i][c];
            b[r] -= k * b[i];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int c = i + 1; c < n; c++)
            b[i] -= a[i][c] * b[c];
        b[i] /= a[i][i];
    }
    return true;
}

/* One linear step: displacement (u, v) = (dx + s X - r Y + yaw Z, dy + s Y + r X + pitch Z), coordinates in units of `unit`. */
static bool step(const viso_point3 *from, const vi_point *to, const float *weight, int n, viso_point3 c, double unit, bool turn,
                 double x[UNKNOWNS])
{
    double a[UNKNOWNS][UNKNOWNS] = { { 0 } }, zz = 0, sum = 0;
    memset(x, 0, UNKNOWNS * sizeof(*x));
    for (int i = 0; i < n; i++) {
        double w = weight ? weight[i] : 1;
        if (!(w > 0))
            continue;
        double px = (from[i].x - c.x) / unit, py = (from[i].y - c.y) / unit, pz = (from[i].z - c.z) / unit;
        double row[2][UNKNOWNS] = { { 1, 0, px, -py, pz, 0 }, { 0, 1, py, px, 0, pz } };
        double d[2] = { (to[i].x - from[i].x) / unit, (to[i].y - from[i].y) / unit };
        sum += w;
        zz += w * pz * pz;
        for (int k = 0; k < 2; k++)
            for (int r = 0; r < UNKNOWNS; r++) {
                x[r] += w * row[k][r] * d[k];
                for (int q = 0; q < UNKNOWNS; q++)
                    a[r][q] += w * row[k][r] * row[k][q];
            }
    }
    if (!(sum > 0))
        return false;
    for (int r = 4; r < UNKNOWNS; r++)
        a[r][r] += TURN_PRIOR * sum;
    bool ok = solve(a, x, turn && zz > 1e-9 * sum ? UNKNOWNS : 4);
    if (!turn || !(zz > 1e-9 * sum))
        x[4] = x[5] = 0;
    return ok;
}

static double extent(const viso_point3 *p, const float *weight, int n, viso_point3 c)
{
    double sum = 0, count = 0;
    for (int i = 0; i < n; i++) {
        double w = weight ? weight[i] > 0 : 1;
        sum += w * ((p[i].x - c.x) * (p[i].x - c.x) + (p[i].y - c.y) * (p[i].y - c.y));
        count += w;
    }
    return count >= 3 ? sqrt(sum / count) : 0;
}

bool vi_motion_fit(const viso_point3 *from, const vi_point *to, const float *weight, int n, viso_point3 c, bool turn,
                   vi_motion *out)
{
    double unit = extent(from, weight, n, c), x[UNKNOWNS];
    memset(out, 0, sizeof(*out));
    if (!(unit > 1e-3) || !isfinite(unit) || !step(from, to, weight, n, c, unit, turn, x))
        return false;
    /* The linear step knows k cos - 1 and k sin; yaw and pitch came out before the turn and the growth of the plane. */
    double re = 1 + x[2], im = x[3], k = hypot(re, im);
    if (!(k > 0.1) || !isfinite(k))
        return false;
    double cs = re / k, sn = im / k;
    *out = (vi_motion){ (float)(x[0] * unit), (float)(x[1] * unit), (float)log(k), (float)atan2(im, re),
                        (float)((cs * x[4] + sn * x[5]) / k), (float)((cs * x[5] - sn * x[4]) / k) };
    return isfinite(out->dx) && isfinite(out->dy) && isfinite(out->yaw) && isfinite(out->pitch);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Distance of each counted point to where the motion puts it; returns the median. */
static float residuals(const viso_point3 *from, const vi_point *to, const bool *use, int n, viso_point3 c, const vi_motion *m,
                       float *d)
{
    float sorted[ROBUST_MOST];
    int count = 0;
    for (int i = 0; i < n; i++) {
        viso_point3 p = from[i];
        vi_motion_apply(m, c, &p, 1);
        d[i] = hypotf(p.x - to[i].x, p.y - to[i].y);
        if (use[i])
            sorted[count++] = d[i];
    }
    qsort(sorted, (size_t)count, sizeof(*sorted), by_value);
    return count ? sorted[count / 2] : 0;
}

/* The middle displacement of either axis: a start that a third of wrong points does not move. */
static vi_motion middle_shift(const viso_point3 *from, const vi_point *to, const bool *use, int n)
{
    float x[ROBUST_MOST], y[ROBUST_MOST];
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (use[i]) {
            x[count] = to[i].x - from[i].x;
            y[count++] = to[i].y - from[i].y;
        }
    }
    qsort(x, (size_t)count, sizeof(*x), by_value);
    qsort(y, (size_t)count, sizeof(*y), by_value);
    return count ? (vi_motion){ .dx = x[count / 2], .dy = y[count / 2] } : (vi_motion){ 0 };
}

bool vi_motion_robust(const viso_point3 *from, const vi_point *to, float *weight, int n, viso_point3 c, float far, float most,
                      vi_motion *out)
{
    bool use[ROBUST_MOST];
    float d[ROBUST_MOST];
    n = VI_MIN(n, ROBUST_MOST);
    for (int i = 0; i < n; i++)
        use[i] = weight[i] > 0;
    *out = middle_shift(from, to, use, n);
    for (int round = 0; round < ROUNDS; round++) {
        float cut = vi_clampf(4.5f * residuals(from, to, use, n, c, out, d), far, round < 2 ? 2 * most : most);
        for (int i = 0; i < n; i++) {
            float r = d[i] / cut, t = r < 1 ? 1 - r * r : 0;
            weight[i] = use[i] ? t * t : 0;
        }
        if (!vi_motion_fit(from, to, weight, n, c, round > 1, out))
            return false;
    }
    return true;
}
