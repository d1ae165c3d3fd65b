/* track/follow.c: points of a face from frame to frame.
 *
 * A window on a turning face is not at its middle where it seems to be: it follows its strongest texture, which makes every turn
 * and growth look a tenth smaller. So the motion is found roughly first, the new frame is looked at along it, and the points
 * then only have to find what is left.
 *
 * Every frame starts from the landmarks of the frame before, so nothing drifts: the points only have to hold for one frame. A
 * point counts when following it back ends where it began, and when it moves with the head: of the rest of the points, those on a
 * hand or a bar before the face move otherwise, and the robust fit leaves them out. */
#include "track/follow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Points of bone and skin that hold still on the head: lids, lips and jaw are left out, and so is the outline, where the
 * background shows. */
static const uint16_t point[] = {
    33,  133, 362, 263, 130, 359, 226, 446, 70,  63,  105, 66,  107, 336, 296, 334, 293, 300, 9,   8,   168, 6,
    197, 195, 5,   4,   1,   2,   98,  327, 129, 358, 115, 344, 131, 360, 134, 363, 36,  266, 50,  280, 101, 330,
    118, 347, 119, 348, 120, 349, 100, 329, 142, 371, 117, 346, 123, 352, 151, 108, 337, 69,  299, 104, 333, 205, 425,
};
enum { POINTS = VI_FOLLOW_POINTS };
_Static_assert(VI_COUNT(point) == POINTS, "followed points");

/* Points of lips and lids: where expressions show first. */
static const uint16_t lively[] = { 61, 91, 84,  17,  314, 321, 291, 270, 267, 0,   37,  40,  78,  88,  87,  14,  317, 318,
                                   308, 310, 312, 13, 82,  80,  159, 145, 158, 153, 160, 144, 386, 374, 385, 380, 387, 373 };
enum { LIVELY = VI_COUNT(lively) };
/* Grey values by which equal pictures differ at least: what coding and noise leave. */
#define STILL 0.006f

/* Texture in fewer points than this decides nothing. */
#define ENOUGH 12
/* Pixels of the view: how near its start a point must come back; residual from which a point surely moves with the head, and to
 * which it may; RMS difference of grey values that is another thing. */
#define BACK 0.6f
#define SURE 0.25f
#define APART 0.8f
#define OTHER 0.09f
/* A window whose difference is so many times the median's (and more than noise) shows something that was not there. */
#define UNLIKE 2.5f
#define ALIKE 0.015f
/* Credit of a point: all, what it needs to count, what it loses when it does not move with the head (it gains one a frame). */
#define CREDIT_FULL 3
#define CREDIT_COUNTS 2
#define CREDIT_LOSS 3

void vi_view_place(vi_view *v, float *memory)
{
    for (int l = 0, side = VI_FOLLOW_SIDE; l < VI_FOLLOW_LEVELS; l++, side /= 2) {
        int stride = side + 2 * VI_FLOW_MARGIN;
        v->level[l] = (vi_plane){ memory + VI_FLOW_MARGIN * stride + VI_FLOW_MARGIN, side, side, stride };
        memory += stride * stride;
    }
    v->side = 0;
}

bool vi_view_look(vi_view *v, const vi_kernels *k, const vi_work *w, float cx, float cy, float side, vi_arena *scratch)
{
    v->side = 0;
    if (!(side > 1) || !isfinite(cx) || !isfinite(cy))
        return false;
    vi_affine to_upright = vi_square_to_picture(cx, cy, side, 0, VI_FOLLOW_SIDE);
    vi_affine to_frame = vi_affine_compose(&w->upright, &to_upright);
    if (k->grey(w->frame, w->colour, &to_frame, &v->level[0], scratch))
        return false;
    k->pyramid(v->level, VI_FOLLOW_LEVELS);
    v->cx = cx;
    v->cy = cy;
    v->side = side;
    return true;
}

viso_point3 vi_follow_centre(const viso_point3 *mesh)
{
    viso_point3 c = { 0, 0, 0 };
    for (int i = 0; i < POINTS; i++) {
        c.x += mesh[point[i]].x / POINTS;
        c.y += mesh[point[i]].y / POINTS;
        c.z += mesh[point[i]].z / POINTS;
    }
    return c;
}

/* A face in the pixels of a view. */
typedef struct face_view {
    const vi_kernels *k;
    viso_point3 at[POINTS], centre;
    vi_point start[POINTS];
} face_view;

static face_view face_in(const vi_kernels *k, const vi_view *v, const viso_point3 *mesh)
{
    face_view f = { .k = k };
    float unit = VI_FOLLOW_SIDE / v->side, half = VI_FOLLOW_SIDE / 2.0f;
    viso_point3 c = vi_follow_centre(mesh);
    f.centre = (viso_point3){ (c.x - v->cx) * unit + half, (c.y - v->cy) * unit + half, c.z * unit };
    for (int i = 0; i < POINTS; i++) {
        const viso_point3 *p = &mesh[point[i]];
        f.at[i] = (viso_point3){ (p->x - v->cx) * unit + half, (p->y - v->cy) * unit + half, p->z * unit };
        f.start[i] = (vi_point){ f.at[i].x, f.at[i].y };
    }
    return f;
}

/* Roughly, from the upper levels: place, size and roll. The second view shows (sx, sy) view pixels further on. */
static bool rough(const face_view *f, const vi_view *from, const vi_view *to, const vi_motion *guess, float sx, float sy,
                  vi_motion *out)
{
    enum { SOME = (POINTS + 1) / 2 }; /* every second one is enough here */
    viso_point3 at[SOME], moved[SOME];
    vi_point start[SOME], found[SOME];
    float rest[SOME], weight[SOME];
    for (int i = 0; i < SOME; i++)
        at[i] = moved[i] = f->at[2 * i];
    vi_motion_apply(guess, f->centre, moved, SOME);
    for (int i = 0; i < SOME; i++) {
        start[i] = (vi_point){ at[i].x / 2, at[i].y / 2 };
        found[i] = (vi_point){ (moved[i].x - sx) / 2, (moved[i].y - sy) / 2 };
    }
    f->k->flow(from->level + 1, to->level + 1, VI_FOLLOW_LEVELS - 1, start, found, rest, SOME);
    for (int i = 0; i < SOME; i++) {
        found[i] = (vi_point){ 2 * found[i].x + sx, 2 * found[i].y + sy };
        weight[i] = rest[i] >= 0;
    }
    bool ok = vi_motion_robust(at, found, weight, SOME, f->centre, 2 * SURE, 3 * APART, out);
    out->yaw = out->pitch = 0;
    return ok;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Median of those that are not negative. */
static float middle_of(const float *v, int n)
{
    float sorted[POINTS];
    int count = 0;
    for (int i = 0; i < n; i++)
        if (v[i] >= 0)
            sorted[count++] = v[i];
    qsort(sorted, (size_t)count, sizeof(*sorted), by_value);
    return count ? sorted[count / 2] : 0;
}

vi_credit vi_credit_full(void)
{
    vi_credit c;
    memset(c.point, CREDIT_FULL, sizeof(c.point));
    return c;
}

/* Who moved with the head gains, who did not loses. */
static void judge(const face_view *f, const vi_point *found, const bool *sound, const vi_motion *m, vi_credit *credit)
{
    for (int i = 0; i < POINTS; i++) {
        viso_point3 p = f->at[i];
        vi_motion_apply(m, f->centre, &p, 1);
        uint8_t *c = &credit->point[i];
        if (sound[i] && hypotf(p.x - found[i].x, p.y - found[i].y) < APART)
            *c = (uint8_t)VI_MIN(*c + 1, CREDIT_FULL);
        else
            *c = (uint8_t)VI_MAX(*c - CREDIT_LOSS, 0);
    }
}

/* Exactly, between views in which the face lies nearly the same. `expected`: what is left of the motion if the head went on as
 * foretold; by it credit is given when the points cannot decide. */
static vi_followed exact(const face_view *f, const vi_view *from, const vi_view *to, float lost, const vi_motion *expected,
                         vi_credit *credit, vi_motion *out, float *held)
{
    vi_point found[POINTS], back[POINTS];
    float rest[POINTS], again[POINTS], weight[POINTS];
    bool sound[POINTS];
    int n = 0, good = 0;
    memcpy(found, f->start, sizeof(found));
    f->k->flow(from->level, to->level, 1, f->start, found, rest, POINTS); /* the rough motion leaves a pixel at most */
    memcpy(back, f->start, sizeof(back));
    f->k->flow(to->level, from->level, 1, found, back, again, POINTS);
    float same = fmaxf(UNLIKE * middle_of(rest, POINTS), ALIKE);
    for (int i = 0; i < POINTS; i++) {
        float far = hypotf(back[i].x - f->start[i].x, back[i].y - f->start[i].y);
        n += rest[i] != VI_FLOW_FLAT;
        sound[i] = rest[i] >= 0 && again[i] >= 0 && rest[i] < fminf(same, OTHER) && far < BACK;
        weight[i] = sound[i] && credit->point[i] >= CREDIT_COUNTS;
    }
    if (n < ENOUGH)
        return VI_FOLLOW_BLIND;
    bool ok = vi_motion_robust(f->at, found, weight, POINTS, f->centre, SURE, APART, out);
    for (int i = 0; i < POINTS; i++)
        good += weight[i] > 0;
    *held = fminf((float)good / (float)n, 1);
    ok = ok && good >= ENOUGH && (float)good >= (1 - lost) * (float)n;
    judge(f, found, sound, ok ? out : expected, credit);
    return ok ? VI_FOLLOW_FOUND : VI_FOLLOW_LOST;
}

/* The view's square as the face carries it along under a motion in view pixels, from the frame. */
static bool look_along(vi_view *v, const vi_kernels *k, const vi_work *w, const vi_view *from, viso_point3 c, const vi_motion *m,
                       vi_arena *scratch)
{
    float e = expf(m->scale), a = e * cosf(m->roll), b = e * sinf(m->roll);
    vi_affine along = { { a, -b, c.x + m->dx - a * c.x + b * c.y, b, a, c.y + m->dy - b * c.x - a * c.y } };
    vi_affine to_upright = vi_square_to_picture(from->cx, from->cy, from->side, 0, VI_FOLLOW_SIDE);
    to_upright = vi_affine_compose(&to_upright, &along);
    vi_affine to_frame = vi_affine_compose(&w->upright, &to_upright);
    float *memory = vi_arena_alloc(scratch, VI_FOLLOW_FLOATS * sizeof(float));
    if (!memory)
        return false;
    vi_view_place(v, memory);
    if (k->grey(w->frame, w->colour, &to_frame, &v->level[0], scratch))
        return false;
    k->pyramid(v->level, 1);
    return true;
}

/* Mean difference of two views around a point of theirs; negative: too near their border. */
static float differ(const vi_view *a, const vi_view *b, float x, float y)
{
    int px = (int)x, py = (int)y;
    float sum = 0;
    if (!(x >= 2 && y >= 2 && x < VI_FOLLOW_SIDE - 2 && y < VI_FOLLOW_SIDE - 2))
        return -1;
    for (int j = -1; j <= 1; j++)
        for (int i = -1; i <= 1; i++) {
            ptrdiff_t at = (ptrdiff_t)(py + j) * a->level[0].stride + px + i;
            sum += fabsf(a->level[0].p[at] - b->level[0].p[at]);
        }
    return sum / 9;
}

/* How much mouth and lids differ between two views in which the head lies nearly the same. */
static float liveliness(const face_view *f, const vi_view *from, const vi_view *along, const viso_point3 *mesh)
{
    float skin = 0, face = 0, unit = VI_FOLLOW_SIDE / from->side, half = VI_FOLLOW_SIDE / 2.0f;
    int n = 0, m = 0;
    for (int i = 0; i < POINTS; i++) {
        float d = differ(from, along, f->start[i].x, f->start[i].y);
        skin += d >= 0 ? d : 0;
        n += d >= 0;
    }
    for (int i = 0; i < LIVELY; i++) {
        const viso_point3 *p = &mesh[lively[i]];
        float d = differ(from, along, (p->x - from->cx) * unit + half, (p->y - from->cy) * unit + half);
        face += d >= 0 ? d : 0;
        m += d >= 0;
    }
    return n < ENOUGH || m < LIVELY / 2 ? INFINITY : face / (float)m / fmaxf(skin / (float)n, STILL);
}

vi_followed vi_follow(const vi_kernels *k, const vi_work *w, const vi_view *from, const vi_view *to, const viso_point3 *mesh,
                      const vi_motion *guess, float lost, vi_credit *credit, vi_arena *scratch, vi_motion *out, float *held, float *live)
{
    *held = 0;
    *live = INFINITY;
    memset(out, 0, sizeof(*out));
    if (!(from->side > 0) || !(to->side > 0))
        return VI_FOLLOW_BLIND;
    float unit = VI_FOLLOW_SIDE / from->side;
    face_view f = face_in(k, from, mesh);
    vi_motion ahead = *guess, first, second;
    ahead.dx *= unit;
    ahead.dy *= unit;
    if (!rough(&f, from, to, &ahead, (to->cx - from->cx) * unit, (to->cy - from->cy) * unit, &first))
        first = ahead;
    /* About; the rough motion is small or nearly the guess. */
    const vi_motion left = { ahead.dx - first.dx, ahead.dy - first.dy, ahead.scale - first.scale, ahead.roll - first.roll, 0, 0 };
    size_t mark = vi_arena_mark(scratch);
    vi_view along;
    vi_followed said = VI_FOLLOW_BLIND;
    if (look_along(&along, k, w, from, f.centre, &first, scratch))
        said = exact(&f, from, &along, lost, &left, credit, &second, held);
    if (said == VI_FOLLOW_FOUND)
        *live = liveliness(&f, from, &along, mesh);
    vi_arena_release(scratch, mark);
    if (said != VI_FOLLOW_FOUND)
        return said;
    /* First the second, then the first: turns of the plane and growth add up, and the shift takes them along. */
    float e = expf(first.scale), a = e * cosf(first.roll), b = e * sinf(first.roll);
    *out = (vi_motion){ (first.dx + a * second.dx - b * second.dy) / unit, (first.dy + b * second.dx + a * second.dy) / unit,
                        first.scale + second.scale, first.roll + second.roll, second.yaw, second.pitch };
    return VI_FOLLOW_FOUND;
}
