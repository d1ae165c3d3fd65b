/* track/past.c: the ring of the last frames' faces. */
#include "track/past.h"

#include <string.h>

int vi_history_create(vi_history *h)
{
    const size_t frame = VI_MAX_FACES * sizeof(vi_past);
    if (vi_arena_create(&h->memory, VI_PAST_FRAMES * (frame + 64)))
        return -1;
    for (int i = 0; i < VI_PAST_FRAMES; i++)
        if (!(h->at[i].face = vi_arena_alloc(&h->memory, frame)))
            return -1;
    return 0;
}

void vi_history_destroy(vi_history *h)
{
    if (h->memory.base)
        vi_arena_destroy(&h->memory);
}

void vi_history_clear(vi_history *h)
{
    h->first = h->n = 0;
    memset(h->out, 0, sizeof(h->out));
}

void vi_history_open(vi_history *h, uint64_t sequence, uint64_t frame)
{
    if (h->n == VI_PAST_FRAMES)
        h->first = (h->first + 1) % VI_PAST_FRAMES;
    else
        h->n++;
    vi_moment *m = vi_history_at(h, h->n - 1);
    m->sequence = sequence;
    m->frame = frame;
    m->settled = m->cut = false;
    m->n = 0;
}

vi_past *vi_history_add(vi_history *h)
{
    vi_moment *m = h->n ? vi_history_at(h, h->n - 1) : NULL;
    if (!m || m->n == VI_MAX_FACES)
        return NULL;
    vi_past *p = &m->face[m->n++];
    memset(p, 0, sizeof(*p));
    return p;
}

vi_past *vi_moment_find(const vi_moment *m, uint64_t life)
{
    for (int i = 0; i < m->n; i++)
        if (m->face[i].life == life)
            return &m->face[i];
    return NULL;
}

void vi_history_rename(vi_history *h, uint64_t life, uint64_t since, int id)
{
    for (int i = 0; i < h->n; i++) {
        vi_moment *m = vi_history_at(h, i);
        vi_past *p = m->settled || m->frame < since ? NULL : vi_moment_find(m, life);
        if (p) {
            p->id = id;
            p->renamed = true;
        }
    }
}

static void io_past(vi_io *x, vi_past *p)
{
    vi_io_number(x, &p->life);
    vi_io_int(x, &p->slot, 0, VI_MAX_TRACKS - 1);
    vi_io_int(x, &p->id, 0, INT32_MAX);
    vi_io_bool(x, &p->measured);
    vi_io_bool(x, &p->renamed);
    vi_io_bool(x, &p->rested);
    vi_io_followed(x, &p->followed);
    vi_io_motion(x, &p->motion);
    vi_io_points(x, &p->centre, 1);
    vi_io_points(x, p->mesh, VISO_MESH_POINTS);
}

void vi_history_io(vi_io *x, vi_history *h, int keep)
{
    int from = 0, n = 0;
    if (x->saving) {
        while (from < h->n && vi_history_at(h, from)->settled)
            from++;
        from = VI_MAX(from - keep, 0);
        n = h->n - from;
    } else {
        vi_history_clear(h);
    }
    vi_io_int(x, &n, 0, VI_PAST_FRAMES);
    for (int i = 0; i < n && !x->b->failed; i++) {
        if (!x->saving)
            vi_history_open(h, 0, 0);
        vi_moment *m = vi_history_at(h, x->saving ? from + i : i);
        vi_io_number(x, &m->sequence);
        vi_io_number(x, &m->frame);
        vi_io_bool(x, &m->settled);
        vi_io_bool(x, &m->cut);
        vi_io_int(x, &m->n, 0, VI_MAX_FACES);
        for (int j = 0; j < m->n && !x->b->failed; j++) {
            if (!x->saving)
                memset(&m->face[j], 0, sizeof(m->face[j]));
            io_past(x, &m->face[j]);
        }
    }
    for (int i = 0; i < VI_MAX_TRACKS && !x->b->failed; i++) {
        vi_io_bool(x, &h->out[i].any);
        if (!h->out[i].any)
            continue;
        vi_io_number(x, &h->out[i].life);
        vi_io_floats(x, &h->out[i].fade, 1);
    }
}
