/* track/smooth.c: the head's motion and the face's shape are smoothed apart.
 *
 * A head moves as a whole. Where that motion was seen (points of the skin followed from frame to frame, far more exact than the
 * landmark network), the mesh moves along with it, and the network only corrects what adds up: each axis of the pose has a
 * One-Euro filter on the difference, calm while it is small and quick from a threshold on. Where nothing was seen, an alpha-beta
 * filter, which knows a velocity and therefore does not lag behind steady motion, takes its place.
 *
 * What is left, expression and the network's noise, is measured in the face's own frame and averaged exponentially, per point. The
 * weight grows with the size of the surprise (recipe section 8: a = clip(.25 + 18 speed / face width, .25, 1)), so a
 * blink passes at once while a still face stays still. */
#include "track/smooth.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "track/follow.h"

/* A face that is elsewhere by more than this, in face widths, was found again rather than moved: that is no velocity. */
#define JUMP 0.6f
/* A head does not grow faster than this per frame for long; keeps a bridged gap from inflating noise. */
#define GROWTH 0.03f
/* Holds of place (in face widths) and of size (logarithm); those of the angles are settings. */
#define HOLD_PLACE 0.025f
#define HOLD_SIZE 0.03f
/* One-Euro filter in holds and frames: weight of a new speed, growth of the cut-off with speed. */
#define SPEED_WEIGHT 0.2f
#define SPEED_GAIN 0.1f
/* Part of a difference beyond the hold that is taken at once. */
#define ENGAGED 0.5f
/* Weight of landmarks that are fully doubted. */
#define CALM 0.04f

/* Points of bone rather than of expression: eye corners, bridge, temples, forehead, upper cheeks. */
static const uint16_t firm[] = { 33,  133, 362, 263, 6,   168, 197, 195, 5,   4,   1,   129, 358, 10, 151, 9,   8,  127,
                                 356, 234, 454, 54,  284, 103, 332, 67,  297, 116, 345, 117, 346, 50, 280, 123, 352 };

typedef struct gains {
    float rest, slope; /* weight of a new measurement at rest, and its growth with surprise in face widths */
} gains;

static gains gains_for(float strength)
{
    float s = vi_clampf(strength, 0, 1), keep = 1 - s;
    return (gains){ vi_clampf(keep * keep, 0.06f, 1), 27 - 18 * s };
}

static float weight(const gains *g, float surprise)
{
    return vi_clampf(g->rest + g->slope * surprise, g->rest, 1);
}

static float face_width(const viso_point3 *m)
{
    return hypotf(m[454].x - m[234].x, m[454].y - m[234].y);
}

bool vi_smooth_between(const viso_point3 *a, const viso_point3 *b, viso_point3 c, vi_motion *out)
{
    viso_point3 p[VI_COUNT(firm)];
    vi_point q[VI_COUNT(firm)];
    for (size_t i = 0; i < VI_COUNT(firm); i++) {
        p[i] = a[firm[i]];
        q[i] = (vi_point){ b[firm[i]].x, b[firm[i]].y };
    }
    return vi_motion_fit(p, q, NULL, VI_COUNT(firm), c, true, out) && fabsf(out->scale) < 2;
}

static void start(vi_smooth *s, const viso_point3 *raw)
{
    memcpy(s->mesh, raw, sizeof(s->mesh));
    memset(&s->velocity, 0, sizeof(s->velocity));
    memset(s->axis, 0, sizeof(s->axis));
    s->frames = 1;
}

void vi_smooth_reset(vi_smooth *s)
{
    s->frames = 0;
}

/* Keeps what is good for foretelling: heads do not go on turning or growing as they go on moving. */
static void learn_velocity(vi_smooth *s, const vi_motion *m, float w)
{
    vi_motion *v = &s->velocity;
    v->dx += w * (m->dx - v->dx);
    v->dy += w * (m->dy - v->dy);
    v->roll += w * (m->roll - v->roll);
    v->scale = vi_clampf(v->scale + w * (m->scale - v->scale), -GROWTH, GROWTH);
    v->yaw = v->pitch = 0;
}

void vi_smooth_coast(vi_smooth *s, const vi_motion *moved)
{
    vi_motion by = moved ? *moved : s->velocity;
    vi_motion_apply(&by, vi_follow_centre(s->mesh), s->mesh, VISO_MESH_POINTS);
    if (moved)
        learn_velocity(s, moved, 0.6f);
    else
        s->velocity = vi_motion_scaled(&s->velocity, 0.7f);
}

/* Doubted landmarks are not followed at once, whatever they show. */
static float doubted(float w, float calm, float doubt)
{
    return w + doubt * (fminf(w, calm) - w);
}

/* Part of the difference that one axis takes over. */
static float pull(vi_axis *x, float difference, float hold, float rest, float doubt)
{
    float e = difference / hold;
    x->speed += SPEED_WEIGHT * (e - x->left - x->speed);
    x->engaged = fabsf(e) > (x->engaged ? 0.33f : 1.0f);
    float a = 1 - expf(-6.2831853f * (rest + SPEED_GAIN * fabsf(x->speed)));
    if (x->engaged)
        a = fmaxf(a, ENGAGED);
    a = doubted(a, CALM, doubt);
    x->left = e * (1 - a);
    return a * difference;
}

static vi_motion pull_all(vi_smooth *s, const vi_motion *off, const vi_steady *how, float doubt, float width)
{
    /* Cut-off at rest in turns per frame: 1.5, 0.6 and 0.2 Hz at 30 frames per second. */
    static const float rests[] = { 1, 0.05f, 0.02f, 0.007f };
    const float place = HOLD_PLACE * width, rest = rests[how->level], degree = 0.0174532925f;
    if (how->level == VI_STEADY_OFF)
        return *off;
    return (vi_motion){ pull(&s->axis[0], off->dx, place, rest, doubt),
                        pull(&s->axis[1], off->dy, place, rest, doubt),
                        pull(&s->axis[2], off->scale, HOLD_SIZE, rest, doubt),
                        pull(&s->axis[3], off->roll, how->hold[0] * degree, rest, doubt),
                        pull(&s->axis[4], off->yaw, how->hold[1] * degree, rest, doubt),
                        pull(&s->axis[5], off->pitch, how->hold[2] * degree, rest, doubt) };
}

/* Without a seen motion: one weight for all axes, and a velocity. */
static vi_motion follow_blind(vi_smooth *s, const vi_motion *off, const vi_steady *how, const gains *g, float width)
{
    float turn = 0.5f * fmaxf(fabsf(off->roll), fabsf(off->scale)); /* at the edge of the face, in face widths */
    float a = how->level == VI_STEADY_OFF ? 1 : weight(g, fmaxf(hypotf(off->dx, off->dy) / width, turn));
    /* Second gain of a critically damped pair (Kalata 1984): the same trust in velocity as in position. */
    float b = a * a / (2 - a);
    vi_motion *v = &s->velocity;
    *v = (vi_motion){ v->dx + b * off->dx, v->dy + b * off->dy, vi_clampf(v->scale + b * off->scale, -GROWTH, GROWTH),
                      v->roll + b * off->roll, 0, 0 };
    memset(s->axis, 0, sizeof(s->axis));
    return vi_motion_scaled(off, a);
}

void vi_smooth_update(vi_smooth *s, const viso_point3 raw[VISO_MESH_POINTS], const vi_steady *how, const vi_motion *moved)
{
    float width = face_width(raw);
    if (!s->frames || how->shape <= 0 || !(width > 1)) {
        vi_motion v = { 0 };
        bool known = s->frames && vi_smooth_between(s->mesh, raw, vi_follow_centre(s->mesh), &v);
        start(s, raw);
        if (known)
            learn_velocity(s, &v, 1); /* the next region is foretold without smoothing too */
        return;
    }
    gains g = gains_for(how->shape);
    /* Where the motion so far would put the face now, and by how much it is elsewhere. */
    vi_motion ahead = moved ? *moved : s->velocity, off;
    vi_motion_apply(&ahead, vi_follow_centre(s->mesh), s->mesh, VISO_MESH_POINTS);
    viso_point3 c = vi_follow_centre(s->mesh);
    if (!vi_smooth_between(s->mesh, raw, c, &off) || hypotf(off.dx, off.dy) > JUMP * width || fabsf(off.scale) > JUMP) {
        start(s, raw);
        return;
    }
    /* Points that follow something else contradict the landmarks by more than a half-covered face makes those wrong. */
    float doubt = how->doubt * (1 - vi_smoothstep(hypotf(off.dx, off.dy) / width, HOLD_PLACE / 2, HOLD_PLACE));
    vi_motion part = moved ? pull_all(s, &off, how, doubt, width) : follow_blind(s, &off, how, &g, width);
    if (moved)
        learn_velocity(s, moved, 0.6f);
    /* Shape: measured in the frame of the foretold face, averaged there, then moved. */
    float k = expf(-off.scale), a = k * cosf(off.roll), b = k * sinf(off.roll);
    for (int i = 0; i < VISO_MESH_POINTS; i++) {
        viso_point3 *m = &s->mesh[i];
        float x = raw[i].x - c.x - off.dx, y = raw[i].y - c.y - off.dy, z = m->z - c.z;
        float ex = c.x + a * x + b * y - off.yaw * z - m->x, ey = c.y - b * x + a * y - off.pitch * z - m->y;
        float w = doubted(weight(&g, hypotf(ex, ey) / width), CALM, doubt);
        m->x += w * ex;
        m->y += w * ey;
        m->z += w * (raw[i].z * k - m->z);
    }
    vi_motion_apply(&part, c, s->mesh, VISO_MESH_POINTS);
    s->frames++;
}
