/* face/pose.c: head pose as a similarity between the canonical mesh and the landmarks. Any thread, no state.
 *
 * The rotation is the one Umeyama's method gives, found through Horn's quaternion form: the largest eigenvector of a
 * symmetric 4x4 matrix is a rotation by construction, so that no reflection has to be repaired. */
#include <math.h>
#include <string.h>

#include "face/face.h"

#define DEGREES 57.29577951308232

/* Cyclic Jacobi on a symmetric 4x4: a becomes diagonal, v holds the eigenvectors in its columns. */
static void jacobi4(double a[4][4], double v[4][4])
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            v[i][j] = i == j;
    for (int sweep = 0; sweep < 12; sweep++) {
        double off = 0.0;
        for (int p = 0; p < 3; p++)
            for (int q = p + 1; q < 4; q++)
                off += a[p][q] * a[p][q];
        if (off < 1e-28)
            return;
        for (int p = 0; p < 3; p++) {
            for (int q = p + 1; q < 4; q++) {
                if (fabs(a[p][q]) < 1e-30)
                    continue;
                double theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                double t = (theta >= 0 ? 1.0 : -1.0) / (fabs(theta) + sqrt(theta * theta + 1.0));
                double c = 1.0 / sqrt(t * t + 1.0), s = t * c;
                for (int i = 0; i < 4; i++) {
                    double x = a[i][p], y = a[i][q];
                    a[i][p] = c * x - s * y;
                    a[i][q] = s * x + c * y;
                }
                for (int i = 0; i < 4; i++) {
                    double x = a[p][i], y = a[q][i];
                    a[p][i] = c * x - s * y;
                    a[q][i] = s * x + c * y;
                    x = v[i][p], y = v[i][q];
                    v[i][p] = c * x - s * y;
                    v[i][q] = s * x + c * y;
                }
            }
        }
    }
}

/* h[i][j] = sum w v_i y_j of centred points. Returns the rotation v -> y that maximises the trace. */
static void rotation_from(const double h[3][3], float r[3][3])
{
    double n[4][4] = {
        { h[0][0] + h[1][1] + h[2][2], h[1][2] - h[2][1], h[2][0] - h[0][2], h[0][1] - h[1][0] },
        { 0, h[0][0] - h[1][1] - h[2][2], h[0][1] + h[1][0], h[2][0] + h[0][2] },
        { 0, 0, -h[0][0] + h[1][1] - h[2][2], h[1][2] + h[2][1] },
        { 0, 0, 0, -h[0][0] - h[1][1] + h[2][2] },
    };
    double v[4][4];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            n[i][j] = n[j][i];
    jacobi4(n, v);
    int best = 0;
    for (int i = 1; i < 4; i++)
        if (n[i][i] > n[best][best])
            best = i;
    double w = v[0][best], x = v[1][best], y = v[2][best], z = v[3][best];
    r[0][0] = (float)(1 - 2 * (y * y + z * z));
    r[0][1] = (float)(2 * (x * y - w * z));
    r[0][2] = (float)(2 * (x * z + w * y));
    r[1][0] = (float)(2 * (x * y + w * z));
    r[1][1] = (float)(1 - 2 * (x * x + z * z));
    r[1][2] = (float)(2 * (y * z - w * x));
    r[2][0] = (float)(2 * (x * z - w * y));
    r[2][1] = (float)(2 * (y * z + w * x));
    r[2][2] = (float)(1 - 2 * (x * x + y * y));
}

/* R = Ry(yaw) Rx Rz in axes with y up and z to the viewer. The forward direction is R's third column. */
viso_pose vi_angles_of(const float (*r)[3])
{
    viso_pose a;
    a.yaw = (float)(atan2(r[0][2], r[2][2]) * DEGREES);
    a.pitch = (float)(asin(vi_clampf(r[1][2], -1.0f, 1.0f)) * DEGREES);
    a.roll = (float)(-atan2(r[1][0], r[1][1]) * DEGREES); /* y is up here: counter-clockwise is positive */
    return a;
}

bool vi_pose_fit(const vi_mesh *m, const viso_point3 lm[478], vi_pose3d *pose)
{
    double mv[3] = { 0 }, my[3] = { 0 }, wsum = 0.0, h[3][3] = { { 0 } }, vv = 0.0, yy = 0.0;
    memset(pose, 0, sizeof *pose);
    pose->s = 1.0f;
    for (int i = 0; i < 3; i++)
        pose->r[i][i] = 1.0f;
    for (int b = 0; b < VI_MESH_BASIS; b++) {
        int i = m->basis[b];
        double w = m->weight[b], y[3] = { lm[i].x, -lm[i].y, -lm[i].z };
        for (int j = 0; j < 3; j++) {
            mv[j] += w * m->pos[i][j];
            my[j] += w * y[j];
        }
        wsum += w;
    }
    if (!(wsum > 0.0))
        return false;
    for (int j = 0; j < 3; j++) {
        mv[j] /= wsum;
        my[j] /= wsum;
    }
    for (int b = 0; b < VI_MESH_BASIS; b++) {
        int i = m->basis[b];
        double w = m->weight[b];
        double y[3] = { lm[i].x - my[0], -lm[i].y - my[1], -lm[i].z - my[2] };
        for (int j = 0; j < 3; j++) {
            double v = m->pos[i][j] - mv[j];
            vv += w * v * v;
            yy += w * y[j] * y[j];
            for (int c = 0; c < 3; c++)
                h[j][c] += w * v * y[c];
        }
    }
    if (!(vv > 1e-9) || !(yy > 1e-9) || !isfinite(yy))
        return false;
    rotation_from(h, pose->r);
    double trace = 0.0; /* sum w y . R v */
    for (int j = 0; j < 3; j++)
        for (int c = 0; c < 3; c++)
            trace += pose->r[c][j] * h[j][c];
    double s = trace / vv;
    if (!(s > 1e-9) || !isfinite(s))
        return false;
    pose->s = (float)s;
    for (int j = 0; j < 3; j++)
        pose->t[j] = (float)(my[j] - s * (pose->r[j][0] * mv[0] + pose->r[j][1] * mv[1] + pose->r[j][2] * mv[2]));
    pose->angles = vi_angles_of((const float(*)[3])pose->r);
    return true;
}

void vi_pose_to_canonical(const vi_pose3d *p, const viso_point3 *lm, float (*c)[3], int n)
{
    float inv = p->s > 0.0f ? 1.0f / p->s : 0.0f;
    for (int i = 0; i < n; i++) {
        float y[3] = { lm[i].x - p->t[0], -lm[i].y - p->t[1], -lm[i].z - p->t[2] };
        for (int j = 0; j < 3; j++)
            c[i][j] = inv * (p->r[0][j] * y[0] + p->r[1][j] * y[1] + p->r[2][j] * y[2]);
    }
}

void vi_pose_from_canonical(const vi_pose3d *p, const float (*c)[3], viso_point3 *lm, int n)
{
    for (int i = 0; i < n; i++) {
        float y[3];
        for (int j = 0; j < 3; j++)
            y[j] = p->s * (p->r[j][0] * c[i][0] + p->r[j][1] * c[i][1] + p->r[j][2] * c[i][2]) + p->t[j];
        lm[i].x = y[0];
        lm[i].y = -y[1];
        lm[i].z = -y[2];
    }
}
