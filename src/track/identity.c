/* track/identity.c: which track is which person, and when that is worth asking the embedder.
 *
 * Two runs of the embedder cost as much as three frames of landmarks, so a track asks at its birth, again soon when the face was
 * seen badly, and every two seconds or so to notice that it drifted onto somebody else. */
#include <math.h>
#include <string.h>

#include "face/region.h"
#include "track/assign.h"
#include "track/state.h"

#define RENEW 50     /* frames between embeddings of a face seen well */
#define RENEW_SOON 8 /* after one seen badly */
/* Seen badly: too far in profile, or too few pixels for the embedder. */
#define GOOD_YAW 40.0f
#define GOOD_WIDTH 48.0f
/* Below this cosine to its own track a face is somebody else (recipe section 3: different people reach .27). */
#define STRANGER 0.2f
#define STRANGERS 2 /* in a row, before it is believed */
/* Weight of a new embedding in the track's own: of one as good, and of one that shows the face better. */
#define LEARN 0.3f
#define LEARN_BETTER 0.6f
/* A view so many times as good is worth asking the embedder again at once. */
#define BETTER 1.5f
/* Costs of taking another one's name instead of one's own, and of being far from where that one should be. */
#define SWAP 0.1f
#define ELSEWHERE 0.2f
#define ALONE 10.0f
/* Somebody remembered has to be so much more alike than the own name for a face that is in doubt. */
#define MORE_ALIKE 0.2f

/* How good a view this is: sharp and large, from the front, nothing before it. 0 to 1. */
static float worth_of(const vi_track *t, const viso_face *f)
{
    float quality = f->has & VISO_FACE_HAS_QUALITY ? .3f + .7f * vi_clampf(f->quality, 0, 1) : .5f;
    float front = 1 - .9f * vi_smoothstep(fabsf(f->pose.yaw), 15, 60), size = vi_clampf(vi_face_width(f) / 112, .1f, 1);
    float free = t->followed == VI_FOLLOW_FOUND ? vi_clampf(t->held, .2f, 1) : 1;
    return quality * front * size * free;
}

void vi_track_end_one(vi_track_state *s, vi_track *t)
{
    if (t->size)
        vi_persons_keep(&s->persons, t->id, t->embedding, t->size, s->frame);
    t->used = false;
    t->ended = s->frame;
    if (t->view >= 0)
        s->view[t->view].used = false;
}

static void give(const vi_track *t, vi_face *f)
{
    if (!t->size)
        return;
    memcpy(f->f.embedding, t->embedding, (size_t)t->size * sizeof(float));
    f->f.embedding_size = t->size;
    f->f.has |= VISO_FACE_HAS_EMBEDDING;
}

void vi_track_plan_embeddings(vi_track_state *s, vi_work *w)
{
    bool renewed = false;
    for (int i = 0; i < w->n_face; i++) {
        vi_face *f = &w->face[i];
        if (f->slot < 0)
            continue;
        vi_track *t = &s->track[f->slot];
        f->f.has &= ~(uint32_t)VISO_FACE_HAS_EMBEDDING;
        /* Someone without an embedding goes first, and whose name is in doubt; renewals go one a frame, so that no frame costs much
         * more than others. */
        bool better = t->size && s->frame >= t->embedded_at + RENEW_SOON && worth_of(t, &f->f) > BETTER * t->worth;
        bool due = s->frame >= t->renew_at || better;
        t->wants = !t->missing && due && (!t->size || t->contested || !renewed);
        renewed = renewed || (t->wants && t->size);
        if (!t->wants)
            give(t, f);
    }
}

static int busy_ids(const vi_track_state *s, const vi_track *but, int *ids)
{
    int n = 0;
    for (int i = 0; i < VI_MAX_TRACKS; i++)
        if (s->track[i].used && &s->track[i] != but)
            ids[n++] = s->track[i].id;
    return n;
}

/* Names a track by who it shows: a remembered person's number, or the one it has. unseen: that one was made in this frame. */
static bool recognise(vi_track_state *s, vi_track *t, bool unseen, float match)
{
    int ids[VI_MAX_TRACKS], n = busy_ids(s, t, ids);
    int id = vi_persons_find(&s->persons, t->embedding, t->size, match, ids, n);
    if (id < 0)
        return false;
    if (t->id == s->next_id - 1 && unseen)
        s->next_id--;
    t->id = id;
    return true;
}

/* Frames back to `since` that are not settled yet are told who it was. */
static bool tell_back(vi_track_state *s, const vi_track *t, uint64_t since, bool returned)
{
    vi_history_rename(&s->past, t->life, since, t->id);
    return returned;
}

/* Takes a new view into the track's embedding. */
static void refine(vi_track *t, const viso_face *f, float worth)
{
    bool better = worth > t->worth;
    vi_blend_unit(t->embedding, f->embedding, t->size, better ? LEARN_BETTER : LEARN * worth / fmaxf(t->worth, 1e-3f));
    t->worth = fmaxf(t->worth, worth);
    t->stranger = 0;
}

static void replace(vi_track *t, const viso_face *f, float worth)
{
    t->size = f->embedding_size;
    memcpy(t->embedding, f->embedding, (size_t)t->size * sizeof(float));
    t->worth = worth;
    t->stranger = 0;
}

/* The track goes on as somebody else: stages start over, and what went before is not this one's. */
static void start_over(vi_track_state *s, vi_track *t, vi_face *f)
{
    vi_moment *m = s->past.n ? vi_history_at(&s->past, s->past.n - 1) : NULL;
    vi_past *p = m ? vi_moment_find(m, t->life) : NULL;
    t->life = s->lives++;
    if (p && !m->settled)
        p->life = t->life;
    f->fresh = true;
}

/* Whether the face turned out to be somebody seen before. */
static bool learn(vi_track_state *s, vi_track *t, vi_face *f, bool doubt, float match)
{
    const viso_face *v = &f->f;
    bool good = fabsf(v->pose.yaw) <= GOOD_YAW && vi_face_width(v) >= GOOD_WIDTH;
    float worth = worth_of(t, v);
    t->renew_at = s->frame + (good ? RENEW : RENEW_SOON);
    t->embedded_at = s->frame;
    if (!t->size || t->size != v->embedding_size) {
        replace(t, v, worth);
        return tell_back(s, t, t->born, recognise(s, t, t->born == s->frame, match));
    }
    if (!good && !doubt)
        return false;
    float alike = vi_cosine(t->embedding, v->embedding, t->size);
    int ids[VI_MAX_TRACKS], n = busy_ids(s, t, ids);
    int other = doubt ? vi_persons_find(&s->persons, v->embedding, t->size, fmaxf(match, alike + MORE_ALIKE), ids, n) : -1;
    if (other >= 0 && other != t->id) {
        vi_persons_keep(&s->persons, t->id, t->embedding, t->size, s->frame);
        replace(t, v, worth);
        start_over(s, t, f);
        t->id = other;
        return tell_back(s, t, s->frame, true);
    }
    if (!good)
        return false;
    if (alike >= STRANGER) {
        refine(t, v, worth);
    } else if (++t->stranger < STRANGERS) {
        t->strange_at = s->frame;
        t->renew_at = s->frame + RENEW_SOON;
    } else {
        vi_persons_keep(&s->persons, t->id, t->embedding, t->size, s->frame);
        replace(t, v, worth);
        t->id = s->next_id++;
        return tell_back(s, t, t->strange_at, recognise(s, t, true, match));
    }
    return false;
}

/* ---- who is who, among several ---- */

static vi_name name_of(const vi_track *t)
{
    vi_name n = { .id = t->id, .size = t->size, .stranger = t->stranger, .worth = t->worth, .embedded_at = t->embedded_at,
               .strange_at = t->strange_at };
    memcpy(n.embedding, t->embedding, sizeof(n.embedding));
    return n;
}

static void call(vi_track *t, const vi_name *n)
{
    t->id = n->id;
    t->size = n->size;
    t->stranger = n->stranger;
    t->worth = n->worth;
    t->embedded_at = n->embedded_at;
    t->strange_at = n->strange_at;
    memcpy(t->embedding, n->embedding, sizeof(n->embedding));
}

/* Of the face f, in doubt, on track t, being called as track o is. */
static float cost_of_name(const vi_track *t, const vi_face *f, const vi_track *o, float match)
{
    if (!o->size) /* somebody new */
        return o == t ? 1 - match : INFINITY;
    float c = o->size == f->f.embedding_size ? vi_cosine(o->embedding, f->f.embedding, o->size) : 0;
    if (o == t)
        return 1 - c;
    return c < match ? INFINITY : 1 - c + SWAP + ELSEWHERE * fminf(vi_track_away(o, &f->f.box), 1);
}

static vi_face *record_of(vi_work *w, int slot)
{
    for (int i = 0; i < w->n_face; i++)
        if (w->face[i].slot == slot)
            return &w->face[i];
    return NULL;
}

/* Gives track `at` the name that track `from` had before. */
static void rename_track(vi_track_state *s, vi_work *w, vi_track *at, const vi_name *n)
{
    vi_face *f = record_of(w, (int)(at - s->track));
    bool newcomer = !at->size;
    call(at, n);
    if (!n->size) { /* nobody's: its face was found elsewhere, and it ends */
        at->missing = s->s.gap + 1;
        at->born = s->frame;
    } else if (f && !newcomer) {
        start_over(s, at, f);
    }
    vi_history_rename(&s->past, at->life, newcomer ? at->born : s->frame, at->id);
}

/* Faces in doubt and new ones, that have an embedding by now, against the names of their own and those of tracks that have lost sight
 * of theirs: all at once, so that two who were mixed up change places. */
static void tell_apart(vi_track_state *s, vi_work *w, float match)
{
    vi_face *face[VI_MAX_FACES];
    vi_track *track[VI_MAX_FACES];
    float cost[VI_ASSIGN_MOST * VI_ASSIGN_MOST];
    int column[VI_ASSIGN_MOST], rows = 0, n = 0;
    for (int i = 0; i < w->n_face; i++) {
        vi_face *f = &w->face[i];
        vi_track *t = f->slot < 0 ? NULL : &s->track[f->slot];
        if (t && t->wants && (t->contested || !t->size) && (f->f.has & VISO_FACE_HAS_EMBEDDING)) {
            face[rows] = f;
            track[rows++] = t;
        }
    }
    n = rows;
    for (int i = 0; i < VI_MAX_TRACKS && rows && n < VI_MAX_FACES; i++)
        if (s->track[i].used && s->track[i].missing && s->track[i].size)
            track[n++] = &s->track[i];
    if (n < 2 || !rows)
        return;
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < n; c++)
            cost[r * n + c] = cost_of_name(track[r], face[r], track[c], match);
    vi_assign(cost, rows, n, ALONE, column);
    vi_name *was = s->names;
    bool taken[VI_MAX_FACES] = { false };
    for (int c = 0; c < n; c++)
        was[c] = name_of(track[c]);
    for (int r = 0; r < rows; r++)
        taken[column[r] = column[r] < 0 ? r : column[r]] = true;
    for (int r = 0; r < rows; r++) {
        if (column[r] == r)
            continue;
        w->count.returned++;
        rename_track(s, w, track[r], &was[column[r]]);
    }
    for (int c = rows, free = 0; c < n; c++) { /* tracks out of sight whose names went: they get those that are left */
        if (!taken[c])
            continue;
        while (taken[free])
            free++;
        taken[free] = true;
        rename_track(s, w, track[c], &was[free]);
    }
}

void vi_track_confirm(void *self, vi_work *w, float match)
{
    vi_track_state *s = self;
    if (w->still)
        return;
    tell_apart(s, w, match);
    for (int i = 0; i < w->n_face; i++) {
        vi_face *f = &w->face[i];
        if (f->slot < 0)
            continue;
        vi_track *t = &s->track[f->slot];
        if (t->wants && (f->f.has & VISO_FACE_HAS_EMBEDDING)) {
            bool doubt = t->contested;
            t->contested = false;
            w->count.returned += learn(s, t, f, doubt, match);
        } else if (t->wants) {
            t->renew_at = s->frame + RENEW_SOON; /* the embedder had nothing to say of this face */
        }
        if (t->wants)
            give(t, f);
        t->wants = false;
        f->f.track = t->face.f.track = t->id;
    }
}
