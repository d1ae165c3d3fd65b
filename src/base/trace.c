/* base/trace.c: spans of threads, summed up and handed to the writer of rows. */
#include "base/trace_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/nvtx.h"

_Thread_local vi_trace_lane *vi_trace_here;

const char *vi_trace_kind_name(vi_trace_kind kind)
{
    static const char *const names[] = { "?", "frame", "stage", "network", "media", "wait" };
    return kind >= 1 && (int)kind <= VI_TRACE_KINDS ? names[kind] : names[0];
}

/* --- threads ---------------------------------------------------------------------------------------------------- */

/* A lane that a thread left (its rows may still wait: they carry the thread's name), else a new one. */
static vi_trace_lane *take_lane(vi_trace *t, const char *name)
{
    pthread_mutex_lock(&t->lock);
    vi_trace_lane *l = t->lanes;
    while (l && l->used)
        l = l->next;
    if (l)
        l->used = true;
    pthread_mutex_unlock(&t->lock);
    if (!l) {
        l = vi_calloc(1, sizeof *l);
        if (l && t->writing && !(l->row = vi_calloc(VI_TRACE_ROWS, sizeof *l->row))) {
            vi_free(l);
            l = NULL;
        }
        if (!l) { /* the thread goes unseen; the work does not suffer */
            atomic_fetch_add(&t->lost, 1);
            return NULL;
        }
        l->trace = t;
        l->used = true;
        pthread_mutex_lock(&t->lock);
        l->next = t->lanes;
        t->lanes = l;
        pthread_mutex_unlock(&t->lock);
    }
    snprintf(l->thread, sizeof l->thread, "%s", name);
    l->frame = -1;
    l->file = -1;
    l->face = -1;
    return l;
}

vi_trace_lane *vi_trace_lane_for(const char *name)
{
    vi_trace_lane *parent = vi_trace_here;
    vi_trace_lane *l = parent ? take_lane(parent->trace, name) : NULL;
    if (l) {
        l->file = parent->file;
        l->frame = parent->frame;
    }
    return l;
}

void vi_trace_enter(vi_trace_lane *lane)
{
    vi_trace_here = lane;
    if (lane && lane->trace->ranges)
        vi_nvtx_name_thread(lane->thread);
}

void vi_trace_leave(vi_trace_lane *lane)
{
    if (!lane)
        return;
    if (vi_trace_here == lane)
        vi_trace_here = NULL;
    pthread_mutex_lock(&lane->trace->lock);
    lane->used = false;
    pthread_mutex_unlock(&lane->trace->lock);
}

/* --- life ------------------------------------------------------------------------------------------------------- */

int vi_trace_open(vi_trace **out, const vi_trace_params *p, viso_error *err)
{
    vi_trace *t = vi_calloc(1, sizeof *t);
    *out = NULL;
    if (!t)
        return vi_error_nomem(err, "profile");
    t->log = vi_log_named(p->log, "profile");
    t->fd = -1;
    t->start = vi_now_ns();
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, NULL);
    t->entry = vi_calloc(VI_TRACE_NAMES, sizeof *t->entry);
    int code = t->entry ? 0 : vi_error_nomem(err, "profile");
    for (int i = 0; t->entry && i < VI_TRACE_NAMES; i++)
        pthread_mutex_init(&t->entry[i].lock, NULL);
    if (!code && p->csv)
        code = vi_trace_rows_open(t, p->csv, err);
    if (!code)
        t->ranges = p->ranges && vi_nvtx_attach(&t->log);
    if (!code && !(t->own = take_lane(t, "main")))
        code = vi_error_nomem(err, "profile");
    if (code) {
        vi_trace_destroy(&t);
        return code;
    }
    t->before = vi_trace_here;
    vi_trace_enter(t->own);
    *out = t;
    return 0;
}

void vi_trace_finish(vi_trace *t)
{
    if (!t || t->finished)
        return;
    t->finished = true;
    if (t->own) {
        vi_trace_leave(t->own);
        vi_trace_here = t->before;
    }
    vi_trace_rows_finish(t, t->own != NULL);
}

void vi_trace_destroy(vi_trace **p)
{
    vi_trace *t = *p;
    *p = NULL;
    if (!t)
        return;
    vi_trace_finish(t);
    vi_trace_rows_close(t);
    for (vi_trace_lane *l = t->lanes, *next; l; l = next) {
        next = l->next;
        vi_free(l->row);
        vi_free(l);
    }
    for (int i = 0; t->entry && i < VI_TRACE_NAMES; i++)
        pthread_mutex_destroy(&t->entry[i].lock);
    vi_free(t->entry);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    vi_free(t);
}

int vi_trace_sums(const vi_trace *t)
{
    return atomic_load(&t->n_entry);
}

vi_trace_sum vi_trace_sum_at(const vi_trace *t, int i)
{
    const vi_trace_entry *e = &t->entry[i];
    return (vi_trace_sum){ e->kind, e->name, e->note, e->in_frame, &e->wall, &e->cpu };
}

uint64_t vi_trace_rows(const vi_trace *t)
{
    return t->rows;
}

uint64_t vi_trace_lost(const vi_trace *t)
{
    return atomic_load(&t->lost);
}

/* --- spans ------------------------------------------------------------------------------------------------------ */

void vi_trace_set_frame(int64_t frame)
{
    vi_trace_here->frame = frame;
    vi_trace_here->face = -1;
}

void vi_trace_set_face(int face)
{
    vi_trace_here->face = (int16_t)face;
}

void vi_trace_next_file(void)
{
    vi_trace_here->file = atomic_fetch_add(&vi_trace_here->trace->files, 1);
}

static bool fits(const vi_trace_entry *e, vi_trace_kind kind, const char *name, const char *note, bool in_frame)
{
    return e->kind == kind && e->in_frame == in_frame && strncmp(e->name, name, sizeof e->name - 1) == 0 &&
           strncmp(e->note, note, sizeof e->note - 1) == 0;
}

/* Entries are never taken away, and are whole before n_entry counts them. -1: the table is full. */
static int find_or_add(vi_trace *t, vi_trace_kind kind, const char *name, const char *note, bool in_frame)
{
    pthread_mutex_lock(&t->lock);
    int n = atomic_load(&t->n_entry), i = 0;
    while (i < n && !fits(&t->entry[i], kind, name, note, in_frame))
        i++;
    if (i == VI_TRACE_NAMES) {
        i = -1;
    } else if (i == n) {
        vi_trace_entry *e = &t->entry[i];
        e->kind = kind;
        e->in_frame = in_frame;
        snprintf(e->name, sizeof e->name, "%s", name);
        snprintf(e->note, sizeof e->note, "%s", note);
        atomic_store(&t->n_entry, n + 1);
    }
    pthread_mutex_unlock(&t->lock);
    return i;
}

static int entry_of(vi_trace_lane *l, vi_trace_kind kind, const char *name, const char *note, bool in_frame)
{
    int free = -1;
    for (int i = 0; i < VI_TRACE_KNOWN; i++) {
        if (!l->known[i].name) {
            free = i;
            break;
        }
        if (l->known[i].name == name && fits(&l->trace->entry[l->known[i].entry], kind, name, note, in_frame))
            return l->known[i].entry;
    }
    int entry = find_or_add(l->trace, kind, name, note, in_frame);
    if (free >= 0 && entry >= 0) {
        l->known[free].name = name;
        l->known[free].entry = entry;
    }
    return entry;
}

static void push_row(vi_trace_lane *l, const vi_trace_row *row)
{
    uint64_t head = atomic_load_explicit(&l->head, memory_order_relaxed);
    if (head - atomic_load_explicit(&l->tail, memory_order_acquire) >= VI_TRACE_ROWS) {
        atomic_fetch_add_explicit(&l->trace->lost, 1, memory_order_relaxed);
        return;
    }
    l->row[head % VI_TRACE_ROWS] = *row;
    atomic_store_explicit(&l->head, head + 1, memory_order_release);
}

void vi_trace_open_span(vi_span *s)
{
    if (s->lane->trace->ranges && s->kind == VI_TRACE_FRAME) {
        char text[80];
        snprintf(text, sizeof text, "%.47s %lld", s->name, (long long)s->lane->frame);
        vi_nvtx_push(text);
    } else if (s->lane->trace->ranges) {
        vi_nvtx_push(s->name);
    }
    s->cpu = vi_thread_cpu_ns();
    s->start = vi_now_ns();
}

void vi_trace_close_span(vi_span *s, const char *note)
{
    uint64_t now = vi_now_ns(), cpu = vi_thread_cpu_ns();
    vi_trace_lane *l = s->lane;
    vi_trace *t = l->trace;
    int entry = entry_of(l, s->kind, s->name, note ? note : "", l->frame >= 0);
    if (entry < 0) {
        atomic_fetch_add_explicit(&t->lost, 1, memory_order_relaxed);
    } else {
        vi_trace_entry *e = &t->entry[entry];
        pthread_mutex_lock(&e->lock);
        vi_histogram_add(&e->wall, now - s->start);
        vi_histogram_add(&e->cpu, cpu - s->cpu);
        pthread_mutex_unlock(&e->lock);
    }
    if (l->row && entry >= 0) {
        vi_trace_row row = { .start = s->start - t->start, .wall = now - s->start, .cpu = cpu - s->cpu, .frame = l->frame,
                             .file = l->file, .face = l->face, .entry = (uint16_t)entry };
        memcpy(row.thread, l->thread, sizeof row.thread);
        push_row(l, &row);
    }
    if (t->ranges)
        vi_nvtx_pop();
}
