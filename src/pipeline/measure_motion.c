/* pipeline/measure_motion.c: how the picture moved at a face from one frame to the next: points of the skin followed by
 * Lucas-Kanade in a grey view of the face, forward and back, and a similarity through those that agree. Independent of what the
 * tracker thinks: its own views, points and fit, from the landmarks as the network gave them. One thread (vi-time). */
#include <math.h>
#include <stdlib.h>

#include "pipeline/context.h"
#include "pipeline/measure_parts.h"

/* Corners of the eyes, bridge and tip of the nose, its wings, temples, forehead, brow. */
static const uint16_t steady_point[] = { 33, 133, 362, 263, 6,   168, 197, 195, 5,  4,   1,  129, 358,
                                         10, 151, 9,   8,   127, 356, 54,  284, 67, 297, 103, 332, 2 };
_Static_assert(VI_COUNT(steady_point) == VI_STEADY_POINTS, "steady points");

enum { WATCHED = 8, SIDE = 128, LEVELS = 3 };
#define SPAN 1.5f   /* side of a view over the face's width */
#define BACK 0.3f   /* view pixels by which following back may miss the start */
#define ENOUGH 8    /* points that a motion needs */
#define APART 3.0f  /* times the median by which a point may be off before it is left out, */
#define EXACT 0.1f  /* and view pixels that are never too far */
#define TOO_FAR 1.0f /* median in view pixels from which it is no motion of one thing */

typedef struct view {
    vi_plane level[LEVELS];
    float cx, cy, side;
} view;

typedef struct watch {
    int slot;
    bool used;
    uint64_t sequence; /* of the frame that `now` shows */
    view now, next;
} watch;

struct vi_watches {
    const vi_kernels *k;
    watch watch[WATCHED];
    vi_arena views, scratch;
};

void vi_steady_points(const viso_point3 *mesh, vi_point *out)
{
    for (int i = 0; i < VI_STEADY_POINTS; i++)
        out[i] = (vi_point){ mesh[steady_point[i]].x, mesh[steady_point[i]].y };
}

static bool place(view *v, vi_arena *a)
{
    for (int l = 0, side = SIDE; l < LEVELS; l++, side /= 2) {
        int stride = side + 2 * VI_FLOW_MARGIN;
        float *p = vi_arena_alloc(a, (size_t)stride * (size_t)stride * sizeof *p);
        if (!p)
            return false;
        v->level[l] = (vi_plane){ p + VI_FLOW_MARGIN * stride + VI_FLOW_MARGIN, side, side, stride };
    }
    return true;
}

int vi_watches_create(vi_watches **out, const vi_kernels *k)
{
    vi_watches *w = vi_calloc(1, sizeof *w);
    *out = w;
    bool ok = w && !vi_arena_create(&w->views, 8u << 20) && !vi_arena_create(&w->scratch, VI_SCRATCH_BYTES);
    for (int i = 0; ok && i < WATCHED; i++)
        ok = place(&w->watch[i].now, &w->views) && place(&w->watch[i].next, &w->views);
    if (ok)
        w->k = k;
    else
        vi_watches_destroy(out);
    return ok ? VISO_OK : VISO_ERR_NO_SPACE;
}

void vi_watches_destroy(vi_watches **w)
{
    if (!*w)
        return;
    if ((*w)->views.base)
        vi_arena_destroy(&(*w)->views);
    if ((*w)->scratch.base)
        vi_arena_destroy(&(*w)->scratch);
    vi_free(*w);
    *w = NULL;
}

static bool look(vi_watches *m, view *v, const vi_work *w, float cx, float cy, float side)
{
    if (!w->frame || !w->colour || !(side > 1) || !isfinite(cx) || !isfinite(cy))
        return false;
    vi_affine to_upright = vi_square_to_picture(cx, cy, side, 0, SIDE), to_frame = vi_affine_compose(&w->upright, &to_upright);
    size_t mark = vi_arena_mark(&m->scratch);
    int rc = m->k->grey(w->frame, w->colour, &to_frame, &v->level[0], &m->scratch);
    vi_arena_release(&m->scratch, mark);
    if (rc)
        return false;
    m->k->pyramid(v->level, LEVELS);
    v->cx = cx;
    v->cy = cy;
    v->side = side;
    return true;
}

static vi_point in_view(const view *v, vi_point p)
{
    float unit = SIDE / v->side;
    return (vi_point){ (p.x - v->cx) * unit + SIDE / 2.0f, (p.y - v->cy) * unit + SIDE / 2.0f };
}

static vi_point in_picture(const view *v, vi_point p)
{
    float unit = v->side / SIDE;
    return (vi_point){ (p.x - SIDE / 2.0f) * unit + v->cx, (p.y - SIDE / 2.0f) * unit + v->cy };
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The similarity from p to q, once more without those that are far off it. `unit`: picture pixels of a view pixel. */
static bool fit(vi_point *p, vi_point *q, int n, float unit, vi_affine *out)
{
    float off[VI_STEADY_POINTS], sorted[VI_STEADY_POINTS];
    if (n < ENOUGH || !vi_similarity_fit(p, q, n, out))
        return false;
    for (int i = 0; i < n; i++) {
        vi_point at = vi_affine_apply(out, p[i].x, p[i].y);
        sorted[i] = off[i] = hypotf(at.x - q[i].x, at.y - q[i].y) / unit;
    }
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    float median = sorted[n / 2];
    if (!(median < TOO_FAR))
        return false;
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (off[i] > fmaxf(APART * median, EXACT))
            continue;
        p[kept] = p[i];
        q[kept++] = q[i];
    }
    return kept >= ENOUGH && vi_similarity_fit(p, q, kept, out);
}

/* Both views lie around the face as its landmarks say, so that a point is about where it was. */
static bool follow(const vi_kernels *k, const view *from, const view *to, const vi_point *steady, vi_affine *motion)
{
    vi_point start[VI_STEADY_POINTS], found[VI_STEADY_POINTS], back[VI_STEADY_POINTS], p[VI_STEADY_POINTS], q[VI_STEADY_POINTS];
    float rest[VI_STEADY_POINTS], again[VI_STEADY_POINTS];
    int n = 0;
    for (int i = 0; i < VI_STEADY_POINTS; i++)
        found[i] = start[i] = back[i] = in_view(from, steady[i]);
    k->flow(from->level, to->level, LEVELS, start, found, rest, VI_STEADY_POINTS);
    k->flow(to->level, from->level, LEVELS, found, back, again, VI_STEADY_POINTS);
    for (int i = 0; i < VI_STEADY_POINTS; i++) {
        if (rest[i] < 0 || again[i] < 0 || hypotf(back[i].x - start[i].x, back[i].y - start[i].y) > BACK)
            continue;
        p[n] = in_picture(from, start[i]);
        q[n++] = in_picture(to, found[i]);
    }
    return fit(p, q, n, to->side / SIDE, motion);
}

/* The watch of this slot, else one whose face was not seen in the last frame, else NULL. */
static watch *watch_of(vi_watches *w, int slot, uint64_t sequence)
{
    watch *unused = NULL;
    for (int i = 0; i < WATCHED; i++) {
        watch *x = &w->watch[i];
        if (x->used && x->slot == slot)
            return x;
        if (!x->used || x->sequence + 1 < sequence)
            unused = unused ? unused : x;
    }
    if (unused) {
        unused->used = false;
        unused->slot = slot;
    }
    return unused;
}

vi_shown vi_watch_face(vi_watches *w, const vi_work *work, int slot, const vi_point *steady, float width, vi_affine *motion)
{
    watch *x = watch_of(w, slot, work->sequence);
    vi_point c = { 0, 0 }, then[VI_STEADY_POINTS];
    if (!x)
        return VI_SHOWN_NOTHING;
    for (int i = 0; i < VI_STEADY_POINTS; i++) {
        c.x += steady[i].x / VI_STEADY_POINTS;
        c.y += steady[i].y / VI_STEADY_POINTS;
    }
    bool before = x->used && x->sequence + 1 == work->sequence && !work->cut;
    x->used = look(w, &x->next, work, c.x, c.y, SPAN * width);
    if (!x->used)
        return VI_SHOWN_NOTHING;
    /* Where the points were is where they are now in a view that lies around them: their own motion is not asked for. */
    for (int i = 0; i < VI_STEADY_POINTS; i++)
        then[i] = in_picture(&x->now, in_view(&x->next, steady[i]));
    vi_shown told = !before ? VI_SHOWN_NOTHING : follow(w->k, &x->now, &x->next, then, motion) ? VI_SHOWN_MOTION : VI_SHOWN_UNCLEAR;
    view swap = x->now;
    x->now = x->next;
    x->next = swap;
    x->sequence = work->sequence;
    return told;
}
