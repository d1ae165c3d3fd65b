/* track/match.c: which record of a frame shows which track.
 *
 * Records that lie on one face are taken together. Then all tracks and all faces are paired at once, at the least cost in place, size and
 * motion (and likeness, where a record comes with an embedding): with people close to each other the nearest face of one track is
 * often the only one of another. A face that stays alone is somebody new; a track that stays alone has lost its face. Where a
 * pairing was a close thing, the embedder is asked in this very frame (identity.c). */
#include <math.h>
#include <string.h>

#include "face/region.h"
#include "track/assign.h"
#include "track/state.h"

/* A record continues a track that is missing its face when it is within so many face widths of where that one should be; nearer than
 * the second it is certainly the same. */
#define ADOPT_FAR 1.0f
#define ADOPT_SURE 0.5f
#define SIZE_RATIO 1.67f
/* Costs: of a track without a face, of one that leaves its own record to another, of the younger of two on one face, and the difference
 * below which a pairing is a close thing. */
#define ALONE 2.0f
#define LEAVE 0.5f
#define YOUNGER 0.05f
#define CLOSE_THING 0.4f

typedef struct faces {
    int of[VI_MAX_FACES];   /* of each record, -1: it found nothing */
    int lead[VI_MAX_FACES]; /* the record that stands for it: a new one before a carried one */
    int followed[VI_MAX_FACES]; /* tracks whose own records lie on it */
    uint64_t oldest[VI_MAX_FACES]; /* frame of birth of the oldest of them */
    int n;
} faces;

static void gather(const vi_track_state *s, const vi_work *w, faces *g)
{
    g->n = 0;
    for (int i = 0; i < w->n_face; i++) {
        const vi_face *f = &w->face[i];
        g->of[i] = -1;
        if (!(f->f.has & VISO_FACE_HAS_MESH))
            continue;
        for (int j = 0; j < i && g->of[i] < 0; j++)
            if (g->of[j] >= 0 && vi_same_face(&f->f.box, &w->face[j].f.box))
                g->of[i] = g->of[j];
        int c = g->of[i];
        if (c < 0) {
            c = g->of[i] = g->n++;
            g->lead[c] = i;
            g->followed[c] = 0;
            g->oldest[c] = UINT64_MAX;
        } else if (f->slot < 0 && w->face[g->lead[c]].slot >= 0) {
            g->lead[c] = i;
        }
        if (f->slot >= 0) {
            g->followed[c]++;
            g->oldest[c] = VI_MIN(g->oldest[c], s->track[f->slot].born);
        }
    }
}

/* How far a box is from where a track's face was expected, in face widths; INFINITY: too far, or of another size. */
static float away(const vi_track *t, const vi_box *b)
{
    const vi_box *e = &t->foretold;
    float width = fmaxf(e->x1 - e->x0, 1), ratio = (b->x1 - b->x0) / width;
    float d = hypotf(b->x0 + b->x1 - e->x0 - e->x1, b->y0 + b->y1 - e->y0 - e->y1) / 2 / width;
    return ratio > 1 / SIZE_RATIO && ratio < SIZE_RATIO && d < ADOPT_FAR ? d : INFINITY;
}

float vi_track_away(const vi_track *t, const vi_box *b)
{
    return away(t, b);
}

static float unlike(const vi_track *t, const viso_face *f)
{
    bool both = t->size && (f->has & VISO_FACE_HAS_EMBEDDING) && f->embedding_size == t->size;
    return both ? .5f * (1 - vi_cosine(t->embedding, f->embedding, t->size)) : 0;
}

/* Of the track whose own record is i taking the face c. */
static float cost_of(const vi_track_state *s, const vi_work *w, const faces *g, int i, int c)
{
    const vi_track *t = &s->track[w->face[i].slot];
    const viso_face *f = &w->face[g->lead[c]].f;
    if (g->of[i] == c)
        return .5f * (1 - vi_box_iou(&t->foretold, &w->face[i].f.box)) + (t->born > g->oldest[c] ? YOUNGER : 0);
    if (g->of[i] >= 0 && g->followed[g->of[i]] < 2)
        return INFINITY; /* it has its face, and nobody else is on it */
    float d = away(t, &f->box), size = fabsf(logf(fmaxf(f->box.x1 - f->box.x0, 1) / fmaxf(t->foretold.x1 - t->foretold.x0, 1)));
    return .5f * d + .5f * size + unlike(t, f) + (g->of[i] >= 0 ? LEAVE : 0);
}

/* The track of record `own` continues with another record. */
static void adopt(vi_track_state *s, vi_work *w, int slot, int own, int with, bool *drop)
{
    vi_face *f = &w->face[with];
    vi_track *t = &s->track[slot];
    if (w->face[own].slot == slot)
        drop[own] = true; /* else somebody has it already */
    f->slot = slot;
    f->fresh = false;
    drop[with] = false;
    w->count.adopted++;
    if (away(t, &f->f.box) > ADOPT_SURE) {
        vi_track_doubt(s, t); /* could be somebody else */
        vi_smooth_reset(&t->smooth);
    }
}

void vi_track_match(vi_track_state *s, vi_work *w, bool *drop)
{
    faces g;
    int own[VI_MAX_FACES], slot[VI_MAX_FACES], face[VI_MAX_FACES], n = 0; /* tracks: their own record, slot, and face found */
    float cost[VI_MAX_FACES * VI_MAX_FACES];
    cost[0] = 0; /* with nobody to pair */
    gather(s, w, &g);
    for (int i = 0; i < w->n_face; i++) {
        drop[i] = w->face[i].slot < 0 ? g.of[i] < 0 || g.lead[g.of[i]] != i : g.of[i] >= 0;
        if (w->face[i].slot >= 0) {
            own[n] = i;
            slot[n++] = w->face[i].slot;
        }
    }
    for (int r = 0; r < n; r++)
        for (int c = 0; c < g.n; c++)
            cost[r * g.n + c] = cost_of(s, w, &g, own[r], c);
    vi_assign(cost, n, g.n, ALONE, face);
    for (int r = 0; r < n; r++) {
        int c = face[r];
        vi_track *t = &s->track[slot[r]];
        if (c < 0) {
            if (g.of[own[r]] >= 0) { /* another one has the face that its landmarks slid onto; its own may still be there */
                vi_track_lose(s, t);
                w->count.ended++;
                s->look_next = true;
            }
            continue;
        }
        bool its = g.of[own[r]] == c, close = its && (g.followed[c] > 1 || t->missing > 1);
        for (int q = 0; q < n && t->missing; q++) /* back, and so is another one near by, or not yet */
            close = close || (q != r && s->track[slot[q]].missing && away(&s->track[slot[q]], &w->face[g.lead[c]].f.box) < ADOPT_FAR);
        for (int q = 0; q < n; q++)
            close = close || (!its && q != r && cost[q * g.n + c] < cost[r * g.n + c] + CLOSE_THING);
        for (int k = 0; k < g.n; k++)
            close = close || (!its && k != c && cost[r * g.n + k] < cost[r * g.n + c] + CLOSE_THING);
        if (close)
            vi_track_doubt(s, t);
        /* A new record on a face that is followed already is the same face again. */
        if (its && w->face[g.lead[c]].slot < 0)
            drop[g.lead[c]] = true;
        if (its)
            drop[own[r]] = false;
        else
            adopt(s, w, slot[r], own[r], g.lead[c], drop);
    }
}
