/* track/smooth.c: the head's motion and the face's shape are smoothed apart.
 *
 * A head moves as a whole: shift, size and turn follow an alpha-beta filter, which knows a velocity and therefore does not lag
 * behind steady motion. What is left, expression and the network's noise, is measured in the face's own frame and averaged
 * exponentially, per point. Both weights grow with the size of the surprise (recipe section 8: a = clip(.25 + 18 speed / face
 * width, .25, 1)), so a blink or a turn of the head passes at once while a still head stays still. */
#include "track/smooth.h"

#include <math.h>
#include <string.h>

#include "base/base.h"

/* A face that is elsewhere by more than this, in face widths, was found again rather than moved: that is no velocity. */
#define JUMP 0.6f
/* A head does not grow faster than this per frame for long; keeps a bridged gap from inflating noise. */
#define GROWTH 0.03f

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

static vi_point middle(const viso_point3 *m)
{
    float x = 0, y = 0;
    for (size_t i = 0; i < VI_COUNT(firm); i++) {
        x += m[firm[i]].x;
        y += m[firm[i]].y;
    }
    return (vi_point){ x / VI_COUNT(firm), y / VI_COUNT(firm) };
}

static float face_width(const viso_point3 *m)
{
    return hypotf(m[454].x - m[234].x, m[454].y - m[234].y);
}

/* The motion as a map about `c`. */
static vi_affine motion_map(const vi_motion *v, vi_point c)
{
    float k = expf(v->scale), a = k * cosf(v->angle), b = k * sinf(v->angle);
    return (vi_affine){ { a, -b, c.x + v->dx - a * c.x + b * c.y, b, a, c.y + v->dy - b * c.x - a * c.y } };
}

static void move(viso_point3 *m, const vi_affine *a)
{
    float k = vi_affine_scale(a);
    for (int i = 0; i < VISO_MESH_POINTS; i++) {
        vi_point p = vi_affine_apply(a, m[i].x, m[i].y);
        m[i] = (viso_point3){ p.x, p.y, m[i].z * k };
    }
}

/* Motion about `c` that takes the firm points of a to those of b. */
static bool measure(const viso_point3 *a, const viso_point3 *b, vi_point c, vi_motion *out)
{
    vi_point p[VI_COUNT(firm)], q[VI_COUNT(firm)];
    for (size_t i = 0; i < VI_COUNT(firm); i++) {
        p[i] = (vi_point){ a[firm[i]].x, a[firm[i]].y };
        q[i] = (vi_point){ b[firm[i]].x, b[firm[i]].y };
    }
    vi_affine g;
    if (!vi_similarity_fit(p, q, VI_COUNT(firm), &g))
        return false;
    float k = vi_affine_scale(&g);
    vi_point to = vi_affine_apply(&g, c.x, c.y);
    *out = (vi_motion){ to.x - c.x, to.y - c.y, logf(fmaxf(k, 1e-6f)), atan2f(g.m[3], g.m[0]) };
    return isfinite(out->dx) && isfinite(out->dy) && isfinite(out->scale) && fabsf(out->scale) < 2;
}

static vi_motion scaled(const vi_motion *v, float k)
{
    return (vi_motion){ v->dx * k, v->dy * k, v->scale * k, v->angle * k };
}

static void start(vi_smooth *s, const viso_point3 *raw)
{
    memcpy(s->mesh, raw, sizeof(s->mesh));
    memset(&s->velocity, 0, sizeof(s->velocity));
    s->frames = 1;
}

void vi_smooth_reset(vi_smooth *s)
{
    s->frames = 0;
}

vi_point vi_smooth_ahead(const vi_smooth *s, float x, float y)
{
    vi_affine a = motion_map(&s->velocity, middle(s->mesh));
    return vi_affine_apply(&a, x, y);
}

void vi_smooth_coast(vi_smooth *s)
{
    vi_affine a = motion_map(&s->velocity, middle(s->mesh));
    move(s->mesh, &a);
    s->velocity = scaled(&s->velocity, 0.7f);
}

void vi_smooth_update(vi_smooth *s, const viso_point3 raw[VISO_MESH_POINTS], float strength)
{
    float width = face_width(raw);
    if (!s->frames || strength <= 0 || !(width > 1)) {
        vi_motion v = { 0 };
        bool moved = s->frames && measure(s->mesh, raw, middle(s->mesh), &v);
        start(s, raw);
        if (moved)
            s->velocity = v; /* prediction of the next region works without smoothing too */
        return;
    }
    gains g = gains_for(strength);
    /* Where the motion so far would put the face now, and by how much it is elsewhere. */
    vi_affine ahead = motion_map(&s->velocity, middle(s->mesh));
    move(s->mesh, &ahead);
    vi_point c = middle(s->mesh);
    vi_motion off;
    if (!measure(s->mesh, raw, c, &off)) {
        start(s, raw);
        return;
    }
    if (hypotf(off.dx, off.dy) > JUMP * width || fabsf(off.scale) > JUMP) {
        start(s, raw);
        return;
    }
    float turn = 0.5f * fmaxf(fabsf(off.angle), fabsf(off.scale)); /* at the edge of the face, in face widths */
    float a = weight(&g, fmaxf(hypotf(off.dx, off.dy) / width, turn));
    /* Second gain of a critically damped pair (Kalata 1984): the same trust in velocity as in position. */
    float b = a * a / (2 - a);
    vi_motion step = scaled(&off, a);
    s->velocity = (vi_motion){ s->velocity.dx + b * off.dx, s->velocity.dy + b * off.dy,
                               s->velocity.scale + b * off.scale, s->velocity.angle + b * off.angle };
    s->velocity.scale = vi_clampf(s->velocity.scale, -GROWTH, GROWTH);
    vi_affine full = motion_map(&off, c), part = motion_map(&step, c), back;
    if (!vi_affine_invert(&full, &back)) {
        start(s, raw);
        return;
    }
    /* Shape: measured in the frame of the foretold face, averaged there, then moved. */
    float k = 1.0f / vi_affine_scale(&full);
    for (int i = 0; i < VISO_MESH_POINTS; i++) {
        viso_point3 *m = &s->mesh[i];
        vi_point p = vi_affine_apply(&back, raw[i].x, raw[i].y);
        float ex = p.x - m->x, ey = p.y - m->y, w = weight(&g, hypotf(ex, ey) / width);
        m->x += w * ex;
        m->y += w * ey;
        m->z += w * (raw[i].z * k - m->z);
    }
    move(s->mesh, &part);
    s->frames++;
}
