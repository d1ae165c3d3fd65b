/* pipeline/context.h: what every part of a run shares: kernels, models, a snapshot of the settings, the log. Read-only
 * while a run is under way. */
#ifndef VI_CONTEXT_H
#define VI_CONTEXT_H

#include "face/stage.h"
#include "models/models.h"
#include "options/options.h"
#include "pipeline/run_options.h"

typedef struct vi_context {
    const vi_kernels *k;
    vi_models *models;
    const vi_settings *settings;
    const vi_run_settings *run;
    vi_log log;
} vi_context;

/* Address space of one worker's scratch arena; pages are touched only when used. */
#define VI_SCRATCH_BYTES ((size_t)2 << 30)

/* A stage with its instance and its clock. */
typedef struct vi_bound {
    const vi_stage *stage;
    void *self;
    vi_histogram meter; /* processor time of the calling thread, ns a call */
} vi_bound;

/* The environment of a stage over this context (settings of its options group). */
vi_stage_env vi_stage_environment(const vi_context *c, const vi_stage *s, const vi_people *people, void *shared);
int vi_bound_open(vi_bound *b, const vi_stage *s, const vi_stage_env *env, viso_error *err);
void vi_bound_close(vi_bound *b); /* a zeroed one is fine */
/* Processes and adds the thread's processor time to the meter. */
int vi_bound_run(vi_bound *b, vi_work *w, vi_arena *scratch, viso_error *err);

/* Readies a work item for a frame (which it does not take over). */
void vi_work_begin(vi_work *w, vi_frame *f, const vi_colour_map *colour, bool still, uint64_t sequence);

#endif
