/* track/carry.c: where a face went, by its pictures.
 *
 * As a rule points of the skin tell (follow.h). When too many of them get lost (blur, a hand, a jump) a correlation filter, learned
 * there and then from the last good view, looks for the whole face around where it should be, in three sizes. It stays in charge,
 * always with that view, until the face is measured again. Nothing of it costs anything while the points hold. */
#include <math.h>

#include "track/kcf.h"
#include "track/state.h"

/* Side of a face's view over that of its landmark region: wider finds faster motion, narrower sees more exactly. */
#define VIEW_SPAN 1.1f
/* The picture taken to look for the face is kept for the next frame when the face is near enough its middle and size. */
#define VIEW_OFF 0.08f
#define VIEW_GROWN 1.15f
/* Response and sharpness from which the filter is believed; pictures of something else reach 0.22. */
#define PEAK 0.35f
#define SHARP 8.0f
/* Sizes tried, and how much better than the same size another one has to be. */
static const float sizes[] = { 1, 0.94f, 1.06f };
#define SAME_SIZE 1.03f

int vi_track_take_view(vi_track_state *s)
{
    for (int i = 0; i < VI_MAX_FACES; i++) {
        if (s->view[i].used)
            continue;
        s->view[i].used = true;
        s->view[i].now.side = s->view[i].next.side = 0;
        return i;
    }
    return -1;
}

/* The filter's turn: place and size of the face by the last view in which it was measured. */
static void hold(vi_track_state *s, vi_track *t, const vi_work *w, vi_arena *scratch)
{
    vi_view *now = &s->view[t->view].now, *next = &s->view[t->view].next;
    viso_point3 c = vi_follow_centre(t->smooth.mesh);
    const vi_motion *v = &t->smooth.velocity;
    float best = 0, ox = now->cx - now->face.x, oy = now->cy - now->face.y;
    size_t mark = vi_arena_mark(scratch);
    const vi_kcf *k = vi_kcf_learn(now, &(vi_kcf_params){ s->s.weigh }, scratch);
    for (size_t i = 0; k && i < VI_COUNT(sizes); i++) {
        float g = t->grown * sizes[i];
        vi_kcf_found f;
        if (!vi_view_look(next, s->k, w, c.x + v->dx + ox * g, c.y + v->dy + oy * g, now->side * g, scratch) ||
            !vi_kcf_find(k, next, &f, scratch))
            break;
        float peak = i ? f.peak : f.peak * SAME_SIZE, unit = next->side / VI_FOLLOW_SIDE;
        if (f.peak < PEAK || f.sharp < SHARP || peak <= best)
            continue;
        best = peak;
        t->followed = VI_FOLLOW_HELD;
        t->motion = (vi_motion){ next->cx + f.dx * unit - ox * g - c.x, next->cy + f.dy * unit - oy * g - c.y, logf(sizes[i]), 0, 0, 0 };
    }
    next->side = 0; /* of any size: no use as a view of this frame */
    vi_arena_release(scratch, mark);
}

void vi_track_see(vi_track_state *s, vi_track *t, vi_work *w, vi_arena *scratch)
{
    t->followed = VI_FOLLOW_BLIND;
    t->live = INFINITY;
    if (t->view < 0 || !(s->view[t->view].now.side > 0))
        return;
    vi_view *now = &s->view[t->view].now, *next = &s->view[t->view].next;
    const vi_motion *v = &t->smooth.velocity;
    viso_point3 c = vi_follow_centre(t->smooth.mesh);
    if (t->stale)
        t->followed = VI_FOLLOW_LOST;
    else if (vi_view_look(next, s->k, w, c.x + v->dx, c.y + v->dy, now->side, scratch))
        t->followed = vi_follow(s->k, w, now, next, t->smooth.mesh, v, s->s.lose, &t->credit, scratch, &t->motion, &t->held, &t->live);
    if (t->followed != VI_FOLLOW_LOST)
        return;
    w->count.points_lost += !t->stale;
    hold(s, t, w, scratch);
    w->count.held += t->followed == VI_FOLLOW_HELD;
    if (t->followed == VI_FOLLOW_HELD)
        t->grown *= expf(t->motion.scale);
}

void vi_track_keep_view(vi_track_state *s, vi_track *t, const vi_work *w, vi_arena *scratch)
{
    if (t->view < 0)
        return;
    vi_view *now = &s->view[t->view].now, *next = &s->view[t->view].next, old = *now;
    if (t->missing && t->followed != VI_FOLLOW_FOUND) {
        t->stale = true; /* its last good view stays with the filter */
        return;
    }
    viso_point3 c = vi_follow_centre(t->smooth.mesh);
    float side = VIEW_SPAN * t->face.roi.side;
    bool fits = next->side > 0 && hypotf(next->cx - c.x, next->cy - c.y) < VIEW_OFF * side && next->side < side * VIEW_GROWN &&
                next->side * VIEW_GROWN > side;
    if (fits) {
        *now = *next;
        *next = old;
    } else {
        vi_view_look(now, s->k, w, c.x, c.y, side, scratch);
    }
    now->face = c;
    next->side = 0;
    t->stale = false;
    t->grown = 1;
}
