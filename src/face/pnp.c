/* face/pnp.c: see pnp.h. */
#include "face/pnp.h"

#include <math.h>
#include <string.h>

#define RADIANS 0.017453292519943295
enum { MOST = 64, STEPS = 24 };

typedef struct problem {
    const float (*model)[3];
    const vi_point *seen;
    const float *weight;
    int n;
    double f, cx, cy;
} problem;

typedef struct pose {
    double r[3][3], t[3];
} pose;

static double weight_of(const problem *p, int i)
{
    return p->weight ? (double)p->weight[i] : 1.0;
}

static void multiply(const double a[3][3], const double b[3][3], double out[3][3])
{
    double m[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            m[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
    memcpy(out, m, sizeof m);
}

/* Rodrigues. */
static void turn_by(const double w[3], double r[3][3])
{
    double a = sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]);
    double s = a > 1e-9 ? sin(a) / a : 1.0, c = a > 1e-9 ? (1 - cos(a)) / (a * a) : 0.5;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            r[i][j] = (i == j ? cos(a) : 0.0) + c * w[i] * w[j];
    r[0][1] -= s * w[2], r[0][2] += s * w[1], r[1][0] += s * w[2];
    r[1][2] -= s * w[0], r[2][0] -= s * w[1], r[2][1] += s * w[0];
}

/* Solves the symmetric a x = b of size n <= 6 by elimination with pivots; false when singular. */
static bool solve(double a[6][7], int n)
{
    for (int i = 0; i < n; i++) {
        int best = i;
        for (int k = i + 1; k < n; k++)
            if (fabs(a[k][i]) > fabs(a[best][i]))
                best = k;
        if (!(fabs(a[best][i]) > 1e-18))
            return false;
        for (int j = 0; j <= n && best != i; j++) {
            double v = a[i][j];
            a[i][j] = a[best][j];
            a[best][j] = v;
        }
        for (int k = 0; k < n; k++) {
            double q = k == i ? 0 : a[k][i] / a[i][i];
            for (int j = i; j <= n && k != i; j++)
                a[k][j] -= q * a[i][j];
        }
    }
    for (int i = 0; i < n; i++)
        a[i][n] /= a[i][i];
    return true;
}

static void place(const pose *s, const float v[3], double y[3])
{
    for (int i = 0; i < 3; i++)
        y[i] = s->r[i][0] * (double)v[0] + s->r[i][1] * (double)v[1] + s->r[i][2] * (double)v[2] + s->t[i];
}

/* Weighted sum of squared errors; infinite when a point is not in front of the camera. */
static double cost_of(const problem *p, const pose *s)
{
    double sum = 0;
    for (int i = 0; i < p->n; i++) {
        double y[3];
        place(s, p->model[i], y);
        if (!(-y[2] > 1e-6))
            return INFINITY;
        double du = p->cx - p->f * y[0] / y[2] - (double)p->seen[i].x, dv = p->cy + p->f * y[1] / y[2] - (double)p->seen[i].y;
        sum += weight_of(p, i) * (du * du + dv * dv);
    }
    return isfinite(sum) ? sum : INFINITY;
}

/* The shift that goes best with a turn: u d = f X + cx d and the like are linear in t. */
static bool shift_for(const problem *p, pose *s)
{
    double a[6][7] = { { 0 } };
    s->t[0] = s->t[1] = s->t[2] = 0;
    for (int i = 0; i < p->n; i++) {
        double y[3], w = weight_of(p, i), x[2] = { (double)p->seen[i].x - p->cx, p->cy - (double)p->seen[i].y };
        place(s, p->model[i], y);
        for (int k = 0; k < 2; k++) { /* f (y_k + t_k) + x (y_z + t_z) = 0 */
            double row[3] = { 0, 0, x[k] }, b = -(p->f * y[k] + x[k] * y[2]);
            row[k] = p->f;
            for (int r = 0; r < 3; r++) {
                for (int c = 0; c < 3; c++)
                    a[r][c] += w * row[r] * row[c];
                a[r][3] += w * row[r] * b;
            }
        }
    }
    if (!solve(a, 3))
        return false;
    for (int k = 0; k < 3; k++)
        s->t[k] = a[k][3];
    return s->t[2] < 0;
}

/* Normal equations of the error at s: a gets J^T J and, in column 6, -J^T e. Turns are from the left, about the head's place. */
static void normal_equations(const problem *p, const pose *s, double a[6][7])
{
    memset(a, 0, 6 * 7 * sizeof(double));
    for (int i = 0; i < p->n; i++) {
        double y[3], q[3], w = weight_of(p, i);
        place(s, p->model[i], y);
        for (int k = 0; k < 3; k++)
            q[k] = y[k] - s->t[k]; /* R V */
        double iz = 1 / y[2], u = -p->f * y[0] * iz, v = p->f * y[1] * iz;
        double e[2] = { p->cx + u - (double)p->seen[i].x, p->cy + v - (double)p->seen[i].y };
        /* Along y: du = -f/z dx + f x/z^2 dz, dv = f/z dy - f y/z^2 dz; y moves by w x q. */
        double dy[2][3] = { { -p->f * iz, 0, p->f * y[0] * iz * iz }, { 0, p->f * iz, -p->f * y[1] * iz * iz } };
        for (int k = 0; k < 2; k++) {
            const double *g = dy[k];
            double j[6] = { g[2] * q[1] - g[1] * q[2], g[0] * q[2] - g[2] * q[0], g[1] * q[0] - g[0] * q[1], g[0], g[1], g[2] };
            for (int r = 0; r < 6; r++) {
                for (int c = 0; c < 6; c++)
                    a[r][c] += w * j[r] * j[c];
                a[r][6] -= w * j[r] * e[k];
            }
        }
    }
}

static double refine(const problem *p, pose *s)
{
    double cost = cost_of(p, s), damp = 1e-3;
    for (int i = 0; i < STEPS && isfinite(cost); i++) {
        double n[6][7], a[6][7], turn[3][3];
        normal_equations(p, s, n);
        bool better = false;
        for (int tries = 0; tries < 6 && !better; tries++, damp *= 8) {
            memcpy(a, n, sizeof a);
            for (int k = 0; k < 6; k++)
                a[k][k] *= 1 + damp;
            if (!solve(a, 6))
                continue;
            pose next = *s;
            double w[3] = { a[0][6], a[1][6], a[2][6] };
            turn_by(w, turn);
            multiply((const double(*)[3])turn, (const double(*)[3])s->r, next.r);
            for (int k = 0; k < 3; k++)
                next.t[k] += a[k + 3][6];
            double now = cost_of(p, &next);
            if (!(now < cost))
                continue;
            better = true;
            bool done = cost - now < 1e-9 * cost + 1e-14;
            cost = now;
            *s = next;
            damp = fmax(damp / 80, 1e-9); /* the loop's own step takes it up by 8 */
            if (done)
                return cost;
        }
        if (!better)
            break;
    }
    return cost;
}

/* R = Ry(yaw) Rx Rz, the angles of viso/face.h. */
static void turn_of(double yaw, double pitch, double roll, double r[3][3])
{
    double a = yaw * RADIANS, b = -pitch * RADIANS, c = -roll * RADIANS;
    double y[3][3] = { { cos(a), 0, sin(a) }, { 0, 1, 0 }, { -sin(a), 0, cos(a) } };
    double x[3][3] = { { 1, 0, 0 }, { 0, cos(b), -sin(b) }, { 0, sin(b), cos(b) } };
    double z[3][3] = { { cos(c), -sin(c), 0 }, { sin(c), cos(c), 0 }, { 0, 0, 1 } };
    multiply((const double(*)[3])y, (const double(*)[3])x, r);
    multiply((const double(*)[3])r, (const double(*)[3])z, r);
}

/* Roll of the flat similarity from the head seen from the front to the picture; false when either side has no extent. */
static bool flat_roll(const problem *p, double *roll)
{
    vi_point flat[MOST];
    vi_affine map;
    for (int i = 0; i < p->n; i++)
        flat[i] = (vi_point){ p->model[i][0], -p->model[i][1] };
    if (!vi_similarity_fit(flat, p->seen, p->n, &map))
        return false;
    *roll = atan2((double)map.m[3], (double)map.m[0]) / RADIANS;
    return true;
}

static bool has_extent(const problem *p)
{
    double mx = 0, my = 0, m2 = 0;
    int used = 0;
    for (int i = 0; i < p->n; i++) {
        if (!isfinite(p->seen[i].x) || !isfinite(p->seen[i].y) || !isfinite(weight_of(p, i)) || weight_of(p, i) < 0)
            return false;
        used += weight_of(p, i) > 0;
        mx += (double)p->seen[i].x / p->n;
        my += (double)p->seen[i].y / p->n;
    }
    for (int i = 0; i < p->n; i++)
        m2 = fmax(m2, hypot((double)p->seen[i].x - mx, (double)p->seen[i].y - my));
    return used >= 4 && m2 > 1e-3;
}

bool vi_pnp_solve(const float (*model)[3], const vi_point *seen, const float *weight, int n, const vi_camera *c, vi_pnp *out)
{
    static const struct { double yaw, pitch; } starts[] = { { 0, 0 }, { 40, 0 }, { -40, 0 }, { 0, 35 }, { 0, -35 }, { 75, 0 }, { -75, 0 } };
    problem p = { model, seen, weight, n, (double)c->f, (double)c->cx, (double)c->cy };
    double roll, best = INFINITY, sum = 0;
    pose found = { { { 0 } }, { 0 } };
    if (n < 4 || n > MOST || !(c->f > 0) || !isfinite(c->f) || !isfinite(c->cx) || !isfinite(c->cy) || !has_extent(&p) ||
        !flat_roll(&p, &roll))
        return false;
    for (size_t i = 0; i < VI_COUNT(starts); i++) {
        pose s;
        turn_of(starts[i].yaw, starts[i].pitch, roll, s.r);
        if (!shift_for(&p, &s))
            continue;
        double cost = refine(&p, &s);
        if (cost < best * (1 - 1e-6)) {
            best = cost;
            found = s;
        }
    }
    if (!isfinite(best))
        return false;
    for (int i = 0; i < n; i++)
        sum += weight_of(&p, i);
    for (int i = 0; i < 3; i++) {
        out->t[i] = (float)found.t[i];
        for (int j = 0; j < 3; j++)
            out->r[i][j] = (float)found.r[i][j];
    }
    out->rms = (float)sqrt(best / sum);
    out->angles = vi_angles_of((const float(*)[3])out->r);
    return isfinite(out->t[2]);
}

vi_camera vi_camera_for(int width, int height, const viso_box *face)
{
    float size = fmaxf(face->x1 - face->x0, face->y1 - face->y0);
    return (vi_camera){ fmaxf((float)VI_MAX(width, height), 2.5f * size), (face->x0 + face->x1) / 2, (face->y0 + face->y1) / 2 };
}

static void mean_vertex(const vi_mesh *m, int a, int b, float out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = (m->pos[a][i] + m->pos[b][i]) / 2;
}

bool vi_pnp_five(const vi_mesh *m, const vi_point five[5], const vi_camera *c, vi_pnp *out)
{
    static const float weight[5] = { 1, 1, 1, 0.7f, 0.7f };
    float model[5][3];
    mean_vertex(m, 33, 133, model[0]);
    mean_vertex(m, 362, 263, model[1]);
    mean_vertex(m, 1, 4, model[2]); /* detectors mark the tip a little below the foremost point */
    mean_vertex(m, 61, 61, model[3]);
    mean_vertex(m, 291, 291, model[4]);
    return vi_pnp_solve((const float(*)[3])model, five, weight, 5, c, out);
}

bool vi_pnp_marks(const vi_mesh *m, int set, const viso_point3 *point, int n, const vi_camera *c, vi_pnp *out)
{
    const vi_anchor *anchor;
    float model[MOST][3], weight[MOST];
    vi_point seen[MOST], five[5];
    int count = vi_marks_anchors(set, &anchor);
    if (set == VI_MARKS_5)
        return vi_marks_five(set, point, n, VI_EYES_PUPIL, five) && vi_pnp_five(m, five, c, out);
    if (!count || n < VI_MIN(set, VI_MARKS_468))
        return false;
    for (int i = 0; i < count; i++) {
        memcpy(model[i], m->pos[anchor[i].vertex], sizeof model[i]);
        seen[i] = (vi_point){ point[anchor[i].mark].x, point[anchor[i].mark].y };
        weight[i] = anchor[i].weight;
    }
    return vi_pnp_solve((const float(*)[3])model, seen, weight, count, c, out);
}
