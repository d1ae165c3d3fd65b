/* pipeline/clip.h: the inside of a run over a clip, shared by its lanes. Pipeline room only.
 *
 *   vi-decode ──frames──▶ vi-time ──work──▶ vi-work-1…N ──▶ ring in order ──▶ vi-encode
 *
 * clip.c opens, joins and concludes; clip_time.c is the temporal lane, clip_picture.c the workers, clip_media.c decoding and
 * encoding, clip_break.c what is kept for going on after a break, clip_watch.c reports and sums. */
#ifndef VI_CLIP_H
#define VI_CLIP_H

#include "pipeline/journal.h"
#include "pipeline/measure.h"
#include "pipeline/parts.h"
#include "pipeline/recall.h"
#include "pipeline/run.h"
#include "pipeline/stages.h"

/* A frame's way through the ring. Held: analysed, waiting for what later frames tell. */
typedef enum vi_slot_state { VI_SLOT_FREE = 0, VI_SLOT_HELD, VI_SLOT_BUSY, VI_SLOT_DONE } vi_slot_state;

typedef struct vi_clip_slot {
    vi_work work;
    vi_frame *origin; /* the decoded frame, kept while a written copy borrows its side data */
    vi_slot_state state;
    int set;
} vi_clip_slot;

/* One set of settings (vi_parts), with what was opened for it. Sets that agree in a kind of work share what does it: `analysis`,
 * `picture` and `people` are the numbers of the first set that does. */
typedef struct vi_clip_set {
    vi_context context;
    int analysis, people, picture;
    vi_analyser *analyser; /* of set `analysis` only */
    vi_who *who;           /* of set `people` only; set 0 borrows the run's */
} vi_clip_set;

enum { VI_CLIP_HELD = 24 }; /* at most held back, one more than the largest lag */

typedef struct vi_clip vi_clip;

typedef struct vi_clip_worker {
    vi_clip *run;
    vi_picture_lane *lane; /* one for each set, opened for those that have one of their own */
    vi_thread thread;
    char name[16];
} vi_clip_worker;

/* What a run has come to; carried over a break. */
typedef struct vi_clip_counts {
    uint64_t faces_seen, networks, cuts;
    vi_follow_counts follow;
} vi_clip_counts;

struct vi_clip {
    const vi_run_params *p;
    vi_reader *reader;
    vi_writer *writer;
    vi_colour_map colour;
    vi_parts *parts;
    vi_clip_set *set;
    int n_set;
    void *shared; /* the swap stage's state over time */
    vi_recall *recall;
    vi_measure *measure;
    vi_journal *journal;
    vi_frame_pool *pool;
    vi_queue *frames, *works;
    vi_thread decode, time, encode;
    vi_clip_worker *worker;
    int n_worker;

    /* Segments. Frame n begins segment n / segment_frames when it is a multiple. */
    uint64_t segment_frames; /* 0: one, not kept */
    uint64_t first;          /* the first frame of this run: 0, or where it goes on */

    /* vi-time's own. */
    bool replays;        /* the records come from the cache */
    int lag;             /* frames that are held back */
    int analysing;       /* number of the set whose analyser saw the last frame, -1 none yet */
    vi_clip_slot *held[VI_CLIP_HELD];
    int n_held;
    vi_blob restored;    /* records of frames that had been analysed at the break */
    int n_restored;
    vi_clip_counts sum;
    vi_output_settings output;

    pthread_mutex_t lock;
    pthread_cond_t moved; /* a slot changed its state, or the run ended */
    vi_clip_slot *ring;
    int n_ring;
    /* From here on frames were settled without the later ones, because the run was stopped: they are written, but no run can go on
     * behind them. UINT64_MAX: none. Set by vi-time before the first of them is handed on. */
    _Atomic uint64_t hasty;
    uint64_t handed; /* number behind the last frame given to the picture lane; valid once time_done */
    int filled;      /* slots that are not free */
    vi_ring_fill fill;
    bool time_done, ended;
    bool failed;
    viso_error err;

    vi_run_counts count;
    _Atomic uint64_t full; /* bytes that wait for room on the disk */
    _Atomic uint64_t decode_ns, encode_ns, time_busy_ns, work_busy_ns, encode_busy_ns, decode_busy_ns;
    uint64_t rss_after_first_second;
};

/* The first failure ends the run: everyone stops waiting and drops what is in hand. */
void vi_clip_fail(vi_clip *c, int code, const viso_error *e);
bool vi_clip_failed(vi_clip *c);

/* The bodies of the threads. */
void vi_clip_decode_lane(void *clip);
void vi_clip_temporal_lane(void *clip);
void vi_clip_picture_lane(void *worker);
void vi_clip_encode_lane(void *clip);

/* Waits until the slot for frame n is free; NULL when the run has failed. Gives one back. */
vi_clip_slot *vi_clip_take_slot(vi_clip *c, uint64_t n);
void vi_clip_release_slot(vi_clip *c, vi_clip_slot *s);
void vi_clip_set_state(vi_clip *c, vi_clip_slot *s, vi_slot_state state);
/* Waits until no frame is at work in the picture lane; false when the run has failed. */
bool vi_clip_wait_idle(vi_clip *c);

/* clip_break.c. Opens the journal, if there is to be one. Call with the sets open: before anything expensive is. */
int vi_clip_break_open(vi_clip *c, viso_error *err);
/* Whether the run goes on with one that took its records from the cache (1) or did not (0); -1: it begins anew. */
int vi_clip_break_replays(const vi_clip *c);
/* Takes up what is kept: c->first, counts, state of the lanes, held records; the reader goes to the frame. Or begins the journal.
 * Call with all lanes open but not started. */
int vi_clip_break_load(vi_clip *c, viso_error *err);
/* Whether a segment ends in front of frame n. */
bool vi_clip_break_here(const vi_clip *c, uint64_t n);
/* vi-time, in front of the frame that begins a segment: keeps what the lanes remember. */
int vi_clip_break_save(vi_clip *c, uint64_t n, viso_error *err);
/* vi-encode: all frames before n have been handed to the writer; ends the segment. */
int vi_clip_break_segment(vi_clip *c, uint64_t n, viso_error *err);
/* The next record that had been analysed at the break, into a work item readied for its frame; false when there is no more. */
bool vi_clip_break_restore(vi_clip *c, vi_work *w, int *rc, viso_error *err);

/* clip_watch.c: reports from the calling thread until the last frame has left; sums at the end. */
void vi_clip_watch(vi_clip *c, uint64_t start_ns);
void vi_clip_collect(vi_clip *c, vi_run_totals *t, uint64_t wall_ns);

#endif
