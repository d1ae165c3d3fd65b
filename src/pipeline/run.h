/* pipeline/run.h: one target, from file to file. The two-lane pipeline for clips, the short path for stills. */
#ifndef VI_RUN_H
#define VI_RUN_H

#include <stdatomic.h>

#include "media/media.h"
#include "pipeline/context.h"
#include "pipeline/who.h"
#include "viso/engine.h"

/* Running totals, read by the progress report while lanes write them. */
typedef struct vi_run_counts {
    _Atomic uint64_t frames, faces_seen, faces_swapped, dropped_back, networks, cuts;
} vi_run_counts;

/* How full the ring was, each time a frame came in (that one counted). */
enum { VI_RING_MOST = 512 };
typedef struct vi_ring_fill {
    int size; /* slots; the largest ring of the job */
    uint64_t at[VI_RING_MOST + 1]; /* frames that found so many slots filled; fuller ones count as the last */
} vi_ring_fill;
void vi_ring_fill_note(vi_ring_fill *r, int filled);
void vi_ring_fill_merge(vi_ring_fill *into, const vi_ring_fill *r);

/* vi_work.count of the tracker and the detector, over all frames. */
typedef struct vi_follow_counts { /* numbers of 64 bits and nothing else */
    uint64_t detector_frames, detector_runs, landmark_runs, embedder_runs, looks;
    viso_follow_stats faces;
} vi_follow_counts;
void vi_follow_note(vi_follow_counts *f, const vi_work *w);
void vi_follow_merge(vi_follow_counts *into, const vi_follow_counts *f);

/* Sums over a job of one or more targets. Owned by the calling thread. */
#define VI_RUN_METERS 16
typedef struct vi_run_totals {
    viso_run_stats stats;
    struct { const char *id; vi_histogram meter; } meter[VI_RUN_METERS];
    int n_meter;
    vi_ring_fill ring;
    vi_follow_counts follow;
} vi_run_totals;
void vi_totals_add(vi_run_totals *t, const vi_bound *b); /* merges by stage id */
void vi_totals_merge(vi_run_totals *into, const vi_run_totals *t);
void vi_totals_finish(vi_run_totals *t);                 /* meters into stats.stage */

typedef struct vi_run_params {
    const vi_context *context;
    vi_who *who;
    const vi_who_params *people; /* what `who` was made from */
    const vi_settings *settings; /* as they were asked for, before memory lowered some */
    const viso_at *at;           /* settings of time ranges of a clip */
    int n_at;
    bool measure;
    const char *target;
    const char *out; /* NULL: thrown away */
    atomic_bool *cancel; /* set by anyone to stop soon */
    viso_progress_fn progress;
    void *user;
    viso_progress base; /* files, files_total … to repeat in every report */
    int workers;        /* 0: from the settings, else one per processor */
} vi_run_params;

/* Runs over an opened reader. VISO_ERR_NO_TARGET_FACE when no face was seen or none was chosen, with nothing written. */
int vi_run_still(const vi_run_params *p, vi_reader *r, vi_run_totals *t, viso_error *err);
int vi_run_clip(const vi_run_params *p, vi_reader *r, vi_run_totals *t, viso_error *err);

/* The picture lane's chain for one worker: swap, then blend, with its own scratch memory. */
typedef struct vi_picture_lane {
    vi_bound swap, blend;
    vi_arena scratch;
    float profile_from;
} vi_picture_lane;
int vi_picture_lane_open(vi_picture_lane *l, const vi_context *c, const vi_people *people, void *shared,
                         viso_error *err);
void vi_picture_lane_close(vi_picture_lane *l);
/* Swaps the chosen faces of w in w->frame, which is copied from `pool` first when it is shared. Returns how many faces
 * were changed, or a failure (the frame is then as it was, or partly swapped on VISO_ERR_NO_SPACE). */
int vi_picture_lane_run(vi_picture_lane *l, vi_work *w, vi_frame_pool *pool, viso_error *err);
/* Workers of the picture lane for this run. */
int vi_run_workers(const vi_run_params *p);
int vi_chosen_faces(const vi_work *w); /* faces with a source and a mesh */

#endif
