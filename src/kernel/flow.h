/* kernel/flow.h: pyramidal Lucas-Kanade (Bouguet 2001) with the mean of the window taken out of its gradients, so that a change of
 * brightness between the pictures moves no point. The including file gives flow_sums, the inner loop. */
#ifndef VI_KERNEL_FLOW_H
#define VI_KERNEL_FLOW_H

#include <math.h>

#include "kernel/internal.h"

enum { FLOW_SIDE = 16, FLOW_RING = FLOW_SIDE + 2, FLOW_STRIDE = 24, FLOW_STEPS = 12 };
/* Stops when a step is shorter; levels of the pyramid above the finest need less. */
#define FLOW_FINE 0.004f
#define FLOW_COARSE 0.03f
/* Smallest eigenvalue of the mean squared gradient (values 0..1 per pixel) from which a window has texture in every direction. */
#define FLOW_TEXTURE 2e-5f

typedef struct flow_window {
    _Alignas(64) float value[FLOW_SIDE * FLOW_SIDE];
    _Alignas(64) float gx[FLOW_SIDE * FLOW_SIDE]; /* mean taken out */
    _Alignas(64) float gy[FLOW_SIDE * FLOW_SIDE];
    float xx, xy, yy; /* sums of products of the gradients */
} flow_window;

/* Weights of the four neighbours of every sample of a window, and where the first one's upper left neighbour is. */
typedef struct flow_place {
    const float *p;
    ptrdiff_t stride;
    float w00, w01, w10, w11;
} flow_place;

/* sum d gx, sum d gy, sum d and sum d^2 of d = window - picture at the place. */
static void flow_sums(const flow_window *t, const flow_place *at, float sum[4]);

/* The window's first sample is `reach` pixels left of and above the middle (x, y). False when it leaves the margin. */
static inline bool flow_at(const vi_plane *s, float x, float y, float reach, flow_place *at)
{
    const float out = VI_FLOW_MARGIN - FLOW_RING / 2 - 1.0f;
    if (!(x > -out && y > -out && x < (float)s->w + out && y < (float)s->h + out))
        return false; /* not a number, too */
    float u = x - reach - 0.5f, v = y - reach - 0.5f, iu = floorf(u), iv = floorf(v), fu = u - iu, fv = v - iv;
    at->p = s->p + (ptrdiff_t)iv * s->stride + (ptrdiff_t)iu;
    at->stride = s->stride;
    at->w00 = (1 - fu) * (1 - fv), at->w01 = fu * (1 - fv), at->w10 = (1 - fu) * fv, at->w11 = fu * fv;
    return true;
}

static inline float flow_sum8(const float v[8])
{
    return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}

static inline bool flow_take(const vi_plane *s, float x, float y, flow_window *t)
{
    float ring[FLOW_RING * FLOW_STRIDE];
    flow_place at;
    if (!flow_at(s, x, y, FLOW_RING / 2 - 0.5f, &at))
        return false;
    for (int j = 0; j < FLOW_RING; j++) {
        const float *a = at.p + j * at.stride, *b = a + at.stride;
        for (int i = 0; i < FLOW_RING; i++)
            ring[j * FLOW_STRIDE + i] = at.w00 * a[i] + at.w01 * a[i + 1] + at.w10 * b[i] + at.w11 * b[i + 1];
    }
    for (int j = 0; j < FLOW_SIDE; j++) {
        const float *r = ring + (j + 1) * FLOW_STRIDE + 1;
        float *v = t->value + j * FLOW_SIDE, *gx = t->gx + j * FLOW_SIDE, *gy = t->gy + j * FLOW_SIDE;
        for (int i = 0; i < FLOW_SIDE; i++) {
            v[i] = r[i];
            gx[i] = 0.5f * (r[i + 1] - r[i - 1]);
            gy[i] = 0.5f * (r[i + FLOW_STRIDE] - r[i - FLOW_STRIDE]);
        }
    }
    /* Sums in eight lanes each, so that they can be added side by side. */
    float sx[8] = { 0 }, sy[8] = { 0 }, xx[8] = { 0 }, xy[8] = { 0 }, yy[8] = { 0 };
    for (int i = 0; i < FLOW_SIDE * FLOW_SIDE; i += 8) {
        for (int l = 0; l < 8; l++) {
            float gx = t->gx[i + l], gy = t->gy[i + l];
            sx[l] += gx;
            sy[l] += gy;
            xx[l] += gx * gx;
            xy[l] += gx * gy;
            yy[l] += gy * gy;
        }
    }
    const float n = FLOW_SIDE * FLOW_SIDE;
    float mx = flow_sum8(sx) / n, my = flow_sum8(sy) / n;
    for (int i = 0; i < FLOW_SIDE * FLOW_SIDE; i++) {
        t->gx[i] -= mx;
        t->gy[i] -= my;
    }
    t->xx = flow_sum8(xx) - n * mx * mx;
    t->xy = flow_sum8(xy) - n * mx * my;
    t->yy = flow_sum8(yy) - n * my * my;
    return true;
}

static inline float flow_texture(const flow_window *t)
{
    float half = (t->xx + t->yy) / 2, d = (t->xx - t->yy) / 2;
    return (half - sqrtf(d * d + t->xy * t->xy)) / (FLOW_SIDE * FLOW_SIDE);
}

/* Moves (x, y) in s to where the window fits. Returns the RMS difference left (brightness taken out), negative when lost. */
static inline float flow_search(const flow_window *t, const vi_plane *s, float *x, float *y, float stop)
{
    const float n = FLOW_SIDE * FLOW_SIDE;
    float det = t->xx * t->yy - t->xy * t->xy, rest = -1;
    for (int step = 0; step < FLOW_STEPS; step++) {
        flow_place at;
        float sum[4];
        if (!flow_at(s, *x, *y, FLOW_SIDE / 2 - 0.5f, &at))
            return -1;
        flow_sums(t, &at, sum);
        float dx = (t->yy * sum[0] - t->xy * sum[1]) / det, dy = (t->xx * sum[1] - t->xy * sum[0]) / det;
        rest = sqrtf(fmaxf(sum[3] / n - sum[2] / n * (sum[2] / n), 0));
        *x += dx;
        *y += dy;
        if (dx * dx + dy * dy < stop * stop)
            break;
    }
    return rest;
}

void VI_FN(flow)(const vi_plane *from, const vi_plane *to, int levels, const vi_point *at, vi_point *found, float *rest,
                 int n)
{
    for (int i = 0; i < n; i++) {
        float x = found[i].x, y = found[i].y;
        rest[i] = VI_FLOW_FLAT;
        for (int l = levels - 1; l >= 0; l--) {
            flow_window t;
            float k = 1.0f / (float)(1 << l);
            if (!flow_take(&from[l], at[i].x * k, at[i].y * k, &t)) {
                rest[i] = VI_FLOW_LOST;
                break;
            }
            if (flow_texture(&t) < FLOW_TEXTURE)
                continue; /* a level that shows nothing leaves the guess as it is */
            float u = x * k, v = y * k;
            rest[i] = flow_search(&t, &to[l], &u, &v, l ? FLOW_COARSE : FLOW_FINE);
            if (rest[i] < 0) {
                rest[i] = VI_FLOW_LOST;
                break;
            }
            x = u / k, y = v / k;
            if (l)
                rest[i] = VI_FLOW_FLAT; /* unless a finer level speaks */
        }
        found[i] = (vi_point){ x, y };
    }
}

#endif
