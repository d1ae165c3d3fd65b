/* track/save.c: what the tracker remembers, as bytes and back: for carrying a run on after a break, and for going on with other
 * settings in mid-clip.
 *
 * One function per struct describes both directions, so that they cannot drift apart. Numbers that later code indexes, shifts or
 * divides by are checked when they come in: damaged bytes are refused, they do not crash. Pictures go without their margins and
 * smaller levels, which are made again. */
#include <math.h>
#include <string.h>

#include "face/record.h"
#include "track/save.h"
#include "track/state.h"

#define MAGIC 0x76547234u /* changes with the bytes or their meaning */
#define MOST_COUNT (1 << 30)
/* No coordinate, length or angle is larger; what is would overflow an int somewhere. */
#define MOST_VALUE 1e7f

void vi_io_bytes(vi_io *x, void *p, size_t n)
{
    if (x->saving)
        vi_blob_put(x->b, p, n);
    else
        vi_blob_get(x->b, p, n);
}

void vi_io_bad(vi_io *x)
{
    if (!x->saving)
        x->b->failed = true;
}

void vi_io_bool(vi_io *x, bool *v)
{
    uint8_t byte = *v;
    vi_io_bytes(x, &byte, 1);
    if (byte > 1)
        vi_io_bad(x);
    *v = byte == 1;
}

void vi_io_int(vi_io *x, int *v, int least, int most)
{
    vi_io_bytes(x, v, sizeof(*v));
    if (*v < least || *v > most) {
        vi_io_bad(x);
        if (!x->saving)
            *v = least;
    }
}

void vi_io_number(vi_io *x, uint64_t *v)
{
    vi_io_bytes(x, v, sizeof(*v));
}

void vi_io_floats(vi_io *x, float *v, int n)
{
    vi_io_bytes(x, v, (size_t)n * sizeof(*v));
    for (int i = 0; i < n && !x->saving; i++)
        if (!(fabsf(v[i]) <= MOST_VALUE))
            vi_io_bad(x);
}

void vi_io_points(vi_io *x, viso_point3 *p, int n)
{
    _Static_assert(sizeof(*p) == 3 * sizeof(float), "points are three numbers");
    vi_io_floats(x, &p->x, 3 * n);
}

void vi_io_motion(vi_io *x, vi_motion *m)
{
    _Static_assert(sizeof(*m) == 6 * sizeof(float), "motions are six numbers");
    vi_io_floats(x, &m->dx, 6);
}

void vi_io_followed(vi_io *x, vi_followed *f)
{
    int v = (int)*f;
    vi_io_int(x, &v, VI_FOLLOW_BLIND, VI_FOLLOW_FOUND);
    *f = (vi_followed)v;
}

static void io_box(vi_io *x, vi_box *b)
{
    vi_io_floats(x, &b->x0, 1);
    vi_io_floats(x, &b->y0, 1);
    vi_io_floats(x, &b->x1, 1);
    vi_io_floats(x, &b->y1, 1);
}

static void io_embedding(vi_io *x, int *size, float *v)
{
    vi_io_int(x, size, 0, VISO_EMBEDDING_MAX);
    vi_io_floats(x, v, *size);
}

static void io_face(vi_io *x, vi_face *f)
{
    if (x->saving) {
        vi_face_put(x->b, f);
        return;
    }
    vi_face_get(x->b, f);
    const float place[] = { f->f.box.x0, f->f.box.y0, f->f.box.x1, f->f.box.y1, f->roi.cx, f->roi.cy, f->roi.side, f->roi.angle };
    for (size_t i = 0; i < VI_COUNT(place); i++)
        if (!(fabsf(place[i]) <= MOST_VALUE))
            vi_io_bad(x);
    for (int i = 0; i < VISO_MESH_POINTS; i++)
        if (!(fabsf(f->f.mesh[i].x) + fabsf(f->f.mesh[i].y) + fabsf(f->f.mesh[i].z) <= MOST_VALUE))
            vi_io_bad(x);
}

static void io_smooth(vi_io *x, vi_smooth *s)
{
    vi_io_points(x, s->mesh, VISO_MESH_POINTS);
    vi_io_motion(x, &s->velocity);
    for (size_t i = 0; i < VI_COUNT(s->axis); i++) {
        vi_io_floats(x, &s->axis[i].left, 1);
        vi_io_floats(x, &s->axis[i].speed, 1);
        vi_io_bool(x, &s->axis[i].engaged);
    }
    vi_io_int(x, &s->frames, 0, MOST_COUNT);
}

static void io_view(vi_io *x, vi_view *v, const vi_kernels *k)
{
    vi_io_floats(x, &v->cx, 1);
    vi_io_floats(x, &v->cy, 1);
    vi_io_floats(x, &v->side, 1);
    vi_io_points(x, &v->face, 1);
    if (!(v->side > 0))
        return;
    const vi_plane *p = &v->level[0];
    for (int y = 0; y < VI_FOLLOW_SIDE; y++)
        vi_io_floats(x, p->p + y * p->stride, VI_FOLLOW_SIDE);
    if (!x->saving)
        k->pyramid(v->level, VI_FOLLOW_LEVELS);
}

static void io_track(vi_io *x, vi_track_state *s, vi_track *t)
{
    vi_io_int(x, &t->id, 0, MOST_COUNT);
    vi_io_number(x, &t->life);
    vi_io_number(x, &t->born);
    vi_io_int(x, &t->missing, 0, MOST_COUNT);
    vi_io_floats(x, &t->fade, 1);
    vi_io_int(x, &t->probation, 0, MOST_COUNT);
    vi_io_bool(x, &t->shown);
    io_smooth(x, &t->smooth);
    io_face(x, &t->face);
    io_box(x, &t->foretold);
    vi_io_followed(x, &t->followed);
    vi_io_motion(x, &t->motion);
    vi_io_bool(x, &t->stale);
    vi_io_floats(x, &t->grown, 1);
    vi_io_int(x, &t->rested, 0, 16);
    vi_io_number(x, &t->asked);
    vi_io_int(x, &t->asks, 0, MOST_COUNT);
    vi_io_int(x, &t->astray, 0, MOST_COUNT);
    vi_io_bool(x, &t->hidden);
    vi_io_bytes(x, t->credit.point, sizeof(t->credit.point));
    vi_io_floats(x, &t->held, 1);
    vi_io_bool(x, &t->wants);
    vi_io_bool(x, &t->close);
    vi_io_bool(x, &t->contested);
    vi_io_floats(x, &t->worth, 1);
    vi_io_number(x, &t->embedded_at);
    io_embedding(x, &t->size, t->embedding);
    vi_io_number(x, &t->renew_at);
    vi_io_int(x, &t->stranger, 0, MOST_COUNT);
    vi_io_number(x, &t->strange_at);
    vi_io_int(x, &t->view, -1, VI_MAX_FACES - 1);
    if (t->view < 0 || x->b->failed)
        return;
    if (!x->saving && s->view[t->view].used) { /* two tracks cannot share a picture */
        vi_io_bad(x);
        return;
    }
    if (!x->saving)
        s->view[t->view].used = true;
    io_view(x, &s->view[t->view].now, s->k);
}

static void io_tracks(vi_io *x, vi_track_state *s)
{
    int n = 0;
    for (int i = 0; i < VI_MAX_TRACKS; i++) {
        vi_track *t = &s->track[i];
        vi_io_bool(x, &t->used);
        vi_io_number(x, &t->ended);
        vi_io_number(x, &s->handed[i]);
        if (!t->used || x->b->failed)
            continue;
        io_track(x, s, t);
        if (++n > VI_MAX_FACES || t->id >= s->next_id || t->face.slot != i)
            vi_io_bad(x);
        for (int j = 0; j < i; j++)
            if (s->track[j].used && s->track[j].id == t->id)
                vi_io_bad(x);
    }
}

static void io_cut(vi_io *x, vi_cut *c)
{
    vi_io_bytes(x, c->now, VI_THUMB_SIZE);
    vi_io_bytes(x, c->before, VI_THUMB_SIZE);
    vi_io_bytes(x, c->scene, VI_THUMB_SIZE);
    vi_io_bytes(x, c->outside, VI_THUMB_SIZE);
    vi_io_int(x, &c->frames, 0, 2);
    vi_io_int(x, &c->scenes, 0, 2);
    vi_io_int(x, &c->since_cut, 0, INT32_MAX);
}

static void io_persons(vi_io *x, vi_persons *g)
{
    for (int i = 0; i < VI_PERSONS && !x->b->failed; i++) {
        vi_person *p = &g->p[i];
        vi_io_int(x, &p->id, -1, MOST_COUNT);
        if (p->id < 0)
            continue;
        vi_io_number(x, &p->seen);
        io_embedding(x, &p->size, p->embedding);
    }
}

/* All that matters for later frames. Not: the settings, and what lives within one frame. */
static void io_state(vi_io *x, vi_track_state *s)
{
    vi_io_bool(x, &s->started);
    vi_io_bool(x, &s->look_next);
    vi_io_number(x, &s->frame);
    vi_io_number(x, &s->looked);
    vi_io_number(x, &s->lives);
    vi_io_bytes(x, s->seen, sizeof(s->seen));
    vi_io_bool(x, &s->somebody_lost);
    vi_io_number(x, &s->lost_at);
    io_box(x, &s->lost_box);
    vi_io_int(x, &s->lost_looks, 0, MOST_COUNT);
    vi_io_int(x, &s->quiet, 0, MOST_COUNT);
    vi_io_int(x, &s->empty, 0, MOST_COUNT);
    vi_io_int(x, &s->next_id, 0, MOST_COUNT);
    io_cut(x, &s->cut);
    io_persons(x, &s->persons);
    io_tracks(x, s);
    vi_history_io(x, &s->past, s->s.ahead);
}

void vi_track_save(const void *self, vi_blob *b)
{
    vi_io x = { b, true };
    uint32_t magic = MAGIC;
    VI_PUT(b, magic);
    io_state(&x, (vi_track_state *)(uintptr_t)self); /* writing changes nothing in it */
    VI_PUT(b, magic);
}

int vi_track_load(void *self, vi_blob *b, viso_error *err)
{
    vi_track_state *s = self;
    vi_io x = { b, false };
    uint32_t magic = 0;
    memset(s->track, 0, sizeof(s->track));
    for (int i = 0; i < VI_MAX_FACES; i++) {
        s->view[i].used = false;
        s->view[i].now.side = s->view[i].next.side = 0;
    }
    if (VI_GET(b, magic) && magic == MAGIC) {
        io_state(&x, s);
        magic = 0;
        VI_GET(b, magic);
    }
    if (b->failed || magic != MAGIC)
        return vi_error_set(err, VISO_ERR_INPUT, "the tracker's saved state is damaged, or another version of viso made it");
    return VISO_OK;
}
