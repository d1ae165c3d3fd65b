/* base/trace.h: where the time goes: what a thread does, from when to when, for a profile (one row each), for ranges in
 * NVIDIA's tools, and summed up for a report. Any room may mark a span:
 *
 *     vi_span span = vi_trace_begin(VI_TRACE_STAGE, "mediapipe-full");
 *     …
 *     vi_trace_end(&span);
 *
 * The recorder is found through the thread: the thread that opened it takes part, and so does every thread that such a
 * thread starts (base/thread.h). Everywhere else, and when nobody records, a span is one test of a pointer. A recorded span
 * allocates nothing and never waits for the file: rows go into a buffer of the thread, which the thread "vi-profile"
 * empties; a row for which there is no room is counted and left out.
 *
 * Spans of a thread nest. Names are short static strings, or live at least as long as the span; at most 47 bytes of one
 * are kept. */
#ifndef VI_TRACE_H
#define VI_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/log.h"

typedef enum vi_trace_kind {
    VI_TRACE_FRAME = 1, /* a lane's whole work on one frame */
    VI_TRACE_STAGE,     /* one call of a stage */
    VI_TRACE_NETWORK,   /* one run of a network */
    VI_TRACE_MEDIA,     /* decoding, encoding */
    VI_TRACE_WAIT       /* for another thread */
} vi_trace_kind;
enum { VI_TRACE_KINDS = 5 };
const char *vi_trace_kind_name(vi_trace_kind kind); /* "frame", "stage", "network", "media", "wait" */

typedef struct vi_trace vi_trace;
typedef struct vi_trace_lane vi_trace_lane; /* a thread's part of it */

typedef struct vi_trace_params {
    const char *csv;  /* file for the rows, NULL none */
    bool ranges;      /* NVTX ranges, when a tool listens */
    const vi_log *log; /* outlives the recorder */
} vi_trace_params;
/* The calling thread takes part until the finish. Faults of the file as vi_pending_begin, VISO_ERR_NO_SPACE. */
int vi_trace_open(vi_trace **t, const vi_trace_params *p, viso_error *err);
/* By the thread that opened it, when all others that took part have ended: the rows get their file. A file that could not
 * be written is a warning in the log, and gone; it is never a reason for the work to fail. Called once. NULL is fine. */
void vi_trace_finish(vi_trace *t);
void vi_trace_destroy(vi_trace **t); /* finishes first */

/* Sums over all spans with the same kind, name, note and place (in a frame or not). After the finish. */
typedef struct vi_trace_sum {
    vi_trace_kind kind;
    const char *name, *note; /* note: "" none */
    bool in_frame;
    const vi_histogram *wall, *cpu; /* ns */
} vi_trace_sum;
int vi_trace_sums(const vi_trace *t);
vi_trace_sum vi_trace_sum_at(const vi_trace *t, int i);
uint64_t vi_trace_rows(const vi_trace *t); /* written */
uint64_t vi_trace_lost(const vi_trace *t); /* spans of which a row or a sum is missing */

/* ---- marking ---- */

typedef struct vi_span {
    vi_trace_lane *lane; /* NULL: nobody records */
    const char *name;
    uint64_t start, cpu; /* ns */
    vi_trace_kind kind;
} vi_span;

extern _Thread_local vi_trace_lane *vi_trace_here;

void vi_trace_open_span(vi_span *s);
void vi_trace_close_span(vi_span *s, const char *note);
void vi_trace_set_frame(int64_t frame);
void vi_trace_set_face(int face);
void vi_trace_next_file(void);

static inline vi_span vi_trace_begin(vi_trace_kind kind, const char *name)
{
    vi_span s = { .lane = vi_trace_here, .name = name, .kind = kind };
    if (__builtin_expect(s.lane != NULL, 0))
        vi_trace_open_span(&s);
    return s;
}

/* note: what is known only afterwards, such as the device; NULL none. At most 15 bytes of it are kept. */
static inline void vi_trace_end_noted(vi_span *s, const char *note)
{
    if (__builtin_expect(s->lane != NULL, 0))
        vi_trace_close_span(s, note);
}

static inline void vi_trace_end(vi_span *s)
{
    vi_trace_end_noted(s, NULL);
}

/* What the spans of this thread that end from now on belong to. -1: to none. */
static inline void vi_trace_frame(int64_t frame)
{
    if (__builtin_expect(vi_trace_here != NULL, 0))
        vi_trace_set_frame(frame);
}

static inline void vi_trace_face(int face)
{
    if (__builtin_expect(vi_trace_here != NULL, 0))
        vi_trace_set_face(face);
}

/* The calling thread (and threads it starts) goes on to the next file of the work; before, spans belong to no file. */
static inline void vi_trace_file(void)
{
    if (__builtin_expect(vi_trace_here != NULL, 0))
        vi_trace_next_file();
}

/* For base/thread.c: the part that a thread to be started will have in what the calling thread records; NULL none. */
vi_trace_lane *vi_trace_lane_for(const char *name);
void vi_trace_enter(vi_trace_lane *lane); /* on the new thread; NULL is fine */
void vi_trace_leave(vi_trace_lane *lane); /* at its end, or by the starter when it did not start */

#endif
