/* pipeline/measure_switch.c: identities that go wrong. What a number (vi_face.f.track) stands for is its first good embedding.
 *
 * Counted, once each:
 * - a number whose new embedding is far from its first one (cosine below OTHER) and like somebody else who was seen (SAME or more);
 *   it stands for that person from then on;
 * - a new number for somebody (SAME or more) who was seen under another one at most 60 frames ago, with no cut
 *   since then, and is not in the picture under that other one now;
 * - of a face without embeddings, a number whose face is more than its own width away from where it was a frame ago, without a cut.
 *
 * The two thresholds lie on either side of those with which persons are told apart (docs/models.md), so that a doubtful
 * embedding counts as nothing. A number that drifts onto somebody never seen before is not noticed, and neither is a mistake of
 * the recogniser. One thread (vi-time). */
#include <math.h>
#include <string.h>

#include "pipeline/measure_parts.h"

#define SAME 0.45f
#define OTHER 0.25f
#define GOOD_PRESENCE 0.7f
#define GOOD_YAW 40.0f
enum { RECENT = 60, PEOPLE = 256, MARK = 4 };

typedef struct person {
    bool used;
    int number;     /* that stood for them last */
    uint64_t seen;  /* frame */
    uint64_t scene; /* in which it was */
    int size;
    float embedding[VISO_EMBEDDING_MAX];
} person;

typedef struct number {
    bool used;
    int track, person;
    uint64_t seen;
    float mark[MARK]; /* of the last embedding, to know a new one by */
} number;

typedef struct place {
    bool used;
    int track;
    uint64_t sequence;
    float cx, cy, width;
} place;

struct vi_switches {
    person person[PEOPLE];
    number number[PEOPLE];
    place place[VI_MAX_TRACKS];
    uint64_t scene, switches;
};

int vi_switches_create(vi_switches **s)
{
    *s = vi_calloc(1, sizeof **s);
    return *s ? VISO_OK : VISO_ERR_NO_SPACE;
}

void vi_switches_destroy(vi_switches **s)
{
    vi_free(*s);
    *s = NULL;
}

uint64_t vi_switches_so_far(const vi_switches *s)
{
    return s->switches;
}

static float cosine(const person *p, const viso_face *f)
{
    double sum = 0;
    if (p->size != f->embedding_size)
        return -1;
    for (int i = 0; i < p->size; i++)
        sum += (double)p->embedding[i] * (double)f->embedding[i];
    return (float)sum;
}

static number *number_of(vi_switches *s, int track)
{
    for (int i = 0; i < PEOPLE; i++)
        if (s->number[i].used && s->number[i].track == track)
            return &s->number[i];
    return NULL;
}

/* The likest person but that one; -1 when nobody is like enough. */
static int likest(const vi_switches *s, const viso_face *f, int but)
{
    int best = -1;
    float most = SAME;
    for (int i = 0; i < PEOPLE; i++) {
        float c = s->person[i].used && i != but ? cosine(&s->person[i], f) : -1;
        if (c >= most) {
            most = c;
            best = i;
        }
    }
    return best;
}

static bool in_picture(const vi_work *w, int track)
{
    for (int i = 0; i < w->n_face; i++)
        if (w->face[i].slot >= 0 && w->face[i].f.track == track)
            return true;
    return false;
}

/* A new person, in place of whoever was not seen for the longest time when there is no room. */
static int meet(vi_switches *s, const viso_face *f)
{
    int at = 0;
    for (int i = 0; i < PEOPLE && s->person[at].used; i++)
        if (!s->person[i].used || s->person[i].seen < s->person[at].seen)
            at = i;
    person *p = &s->person[at];
    for (int i = 0; i < PEOPLE && p->used; i++)
        s->number[i].used = s->number[i].used && s->number[i].person != at;
    *p = (person){ .used = true, .size = VI_MIN(f->embedding_size, VISO_EMBEDDING_MAX) };
    memcpy(p->embedding, f->embedding, (size_t)p->size * sizeof *p->embedding);
    return at;
}

static number *new_number(vi_switches *s, const vi_work *w, const viso_face *f)
{
    int known = likest(s, f, -1);
    const person *p = known >= 0 ? &s->person[known] : NULL;
    if (p && in_picture(w, p->number))
        known = -1; /* somebody who looks alike */
    else if (p && p->scene == s->scene && w->sequence - p->seen <= RECENT)
        s->switches++;
    number *k = &s->number[0];
    for (int i = 0; i < PEOPLE && k->used; i++)
        if (!s->number[i].used || s->number[i].seen < k->seen)
            k = &s->number[i];
    int of = known >= 0 ? known : meet(s, f);
    *k = (number){ .used = true, .track = f->track, .person = of };
    memcpy(k->mark, f->embedding, sizeof k->mark);
    return k;
}

static void new_embedding(vi_switches *s, number *k, const viso_face *f)
{
    memcpy(k->mark, f->embedding, sizeof k->mark);
    int other = cosine(&s->person[k->person], f) < OTHER ? likest(s, f, k->person) : -1;
    if (other < 0)
        return;
    s->switches++;
    k->person = other;
}

static void by_embedding(vi_switches *s, const vi_work *w, const viso_face *f)
{
    number *k = number_of(s, f->track);
    if (!k && f->presence >= GOOD_PRESENCE && (!(f->has & VISO_FACE_HAS_POSE) || fabsf(f->pose.yaw) <= GOOD_YAW))
        k = new_number(s, w, f);
    else if (k && memcmp(k->mark, f->embedding, sizeof k->mark) != 0)
        new_embedding(s, k, f);
    if (!k)
        return;
    person *p = &s->person[k->person];
    k->seen = p->seen = w->sequence;
    p->scene = s->scene;
    p->number = f->track;
}

static void by_place(vi_switches *s, const vi_work *w, const vi_face *f, bool count)
{
    place *p = &s->place[f->slot];
    const vi_box *b = &f->f.box;
    float cx = (b->x0 + b->x1) / 2, cy = (b->y0 + b->y1) / 2;
    bool goes_on = p->used && p->track == f->f.track && p->sequence + 1 == w->sequence && !w->cut;
    if (count && goes_on && hypotf(cx - p->cx, cy - p->cy) > p->width)
        s->switches++;
    *p = (place){ .used = true, .track = f->f.track, .sequence = w->sequence, .cx = cx, .cy = cy, .width = b->x1 - b->x0 };
}

void vi_switches_final(vi_switches *s, const vi_work *w)
{
    s->scene += w->cut;
    for (int i = 0; i < w->n_face; i++) {
        const vi_face *f = &w->face[i];
        bool known = (f->f.has & VISO_FACE_HAS_EMBEDDING) && f->f.embedding_size >= MARK;
        if (f->slot < 0 || f->slot >= VI_MAX_TRACKS)
            continue;
        if (known)
            by_embedding(s, w, &f->f);
        by_place(s, w, f, !known);
    }
}
