/* track/identity.c: which track is which person, and when that is worth asking the embedder.
 *
 * Two runs of the embedder cost as much as three frames of landmarks, so a track asks at its birth, again soon when the face was
 * seen badly, and every two seconds or so to notice that it drifted onto somebody else. */
#include <math.h>
#include <string.h>

#include "face/region.h"
#include "track/state.h"

#define RENEW 50     /* frames between embeddings of a face seen well */
#define RENEW_SOON 8 /* after one seen badly */
/* Seen badly: too far in profile, or too few pixels for the embedder. */
#define GOOD_YAW 40.0f
#define GOOD_WIDTH 48.0f
/* Below this cosine to its own track a face is somebody else (recipe section 3: different people reach .27). */
#define STRANGER 0.2f
#define STRANGERS 2 /* in a row, before it is believed */
#define LEARN 0.3f  /* weight of a new embedding in the track's mean */

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
        /* Someone without an embedding goes first; renewals go one a frame, so that no frame costs much more than others. */
        t->wants = !t->missing && s->frame >= t->renew_at && (!t->size || !renewed);
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

/* Whether the face turned out to be somebody seen before. */
static bool learn(vi_track_state *s, vi_track *t, const viso_face *f, float match)
{
    bool good = fabsf(f->pose.yaw) <= GOOD_YAW && vi_face_width(f) >= GOOD_WIDTH;
    t->renew_at = s->frame + (good ? RENEW : RENEW_SOON);
    if (!t->size || t->size != f->embedding_size) {
        t->size = f->embedding_size;
        memcpy(t->embedding, f->embedding, (size_t)t->size * sizeof(float));
        return tell_back(s, t, t->born, recognise(s, t, t->born == s->frame, match));
    }
    if (!good)
        return false;
    if (vi_cosine(t->embedding, f->embedding, t->size) >= STRANGER) {
        vi_blend_unit(t->embedding, f->embedding, t->size, LEARN);
        t->stranger = 0;
    } else if (++t->stranger < STRANGERS) {
        t->strange_at = s->frame;
        t->renew_at = s->frame + RENEW_SOON;
    } else {
        vi_persons_keep(&s->persons, t->id, t->embedding, t->size, s->frame);
        memcpy(t->embedding, f->embedding, (size_t)t->size * sizeof(float));
        t->stranger = 0;
        t->id = s->next_id++;
        return tell_back(s, t, t->strange_at, recognise(s, t, true, match));
    }
    return false;
}

void vi_track_confirm(void *self, vi_work *w, float match)
{
    vi_track_state *s = self;
    for (int i = 0; i < w->n_face; i++) {
        vi_face *f = &w->face[i];
        if (w->still || f->slot < 0)
            continue;
        vi_track *t = &s->track[f->slot];
        if (!t->wants)
            continue;
        t->wants = false;
        if (f->f.has & VISO_FACE_HAS_EMBEDDING)
            w->count.returned += learn(s, t, &f->f, match);
        else
            t->renew_at = s->frame + RENEW_SOON; /* the embedder had nothing to say of this face */
        give(t, f);
        f->f.track = t->face.f.track = t->id;
    }
}
