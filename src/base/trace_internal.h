/* base/trace_internal.h: shared by trace.c and trace_rows.c. */
#ifndef VI_TRACE_INTERNAL_H
#define VI_TRACE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/file.h"
#include "base/thread.h"
#include "base/trace.h"

/* At 50 ms between two visits of the writer this holds 160 000 spans a second and thread; a slow disk may hold it up for
 * seconds at the rates that occur. */
enum { VI_TRACE_ROWS = 8192, VI_TRACE_NAMES = 128, VI_TRACE_KNOWN = 32 };

/* One span, as it waits for the writer. */
typedef struct vi_trace_row {
    uint64_t start, wall, cpu; /* ns */
    int64_t frame;             /* -1 none, as the next two */
    int32_t file;
    int16_t face;
    uint16_t entry;
    char thread[16];
} vi_trace_row;

/* Sums of one kind of span. */
typedef struct vi_trace_entry {
    vi_trace_kind kind;
    bool in_frame;
    char name[48], note[16];
    pthread_mutex_t lock; /* over the histograms */
    vi_histogram wall, cpu;
} vi_trace_entry;

struct vi_trace_lane {
    vi_trace *trace;
    vi_trace_lane *next; /* all lanes of the trace */
    bool used;           /* under the trace's lock */
    char thread[16];
    int64_t frame;
    int32_t file;
    int16_t face;
    /* Entries seen by this lane, found again by address and then compared. */
    struct { const char *name; int entry; } known[VI_TRACE_KNOWN];
    /* Rows: the thread writes at head, the writer reads at tail; NULL without a file. */
    vi_trace_row *row;
    atomic_uint_fast64_t head, tail;
};

struct vi_trace {
    vi_log log;
    bool ranges, finished;
    uint64_t start;
    vi_trace_lane *own, *before; /* of the thread that opened it: its part, and what it took part in before */
    atomic_int files;
    atomic_uint_fast64_t lost;
    pthread_mutex_t lock; /* the list of lanes, new entries, the writer's end */
    vi_trace_lane *_Atomic lanes;
    vi_trace_entry *entry;
    atomic_int n_entry;
    /* The writer. */
    vi_pending pending;
    bool writing; /* rows are wanted; set before the first lane */
    int fd;
    pthread_cond_t wake;
    bool stop;
    vi_thread writer;
    uint64_t rows;
    char *text; /* of the writer: rows as text */
    size_t used;
};

/* trace_rows.c. Opens the file and starts the writer. */
int vi_trace_rows_open(vi_trace *t, const char *path, viso_error *err);
/* The last rows; then the file gets its name, or goes away. */
void vi_trace_rows_finish(vi_trace *t, bool keep);
void vi_trace_rows_close(vi_trace *t);

#endif
