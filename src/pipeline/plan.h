/* pipeline/plan.h: how much memory a swap of a clip will take, and settings with which it fits. Estimates: docs/devices.md tells
 * how well they hold. Nothing is loaded: networks are read from their files. */
#ifndef VI_PLAN_H
#define VI_PLAN_H

#include "media/media.h"
#include "models/models.h"
#include "options/options.h"
#include "pipeline/run_options.h"
#include "viso/engine.h"

/* Slots of the ring for so many workers: as set, or twice the workers and four; never fewer than the workers need. */
int vi_run_ring(const vi_run_settings *run, int workers, int lag);

/* Frames of a segment of the result, 0: one, not kept. Follows from the clip and the settings alone, so that every run cuts at the
 * same places. */
uint64_t vi_run_segment(const vi_run_settings *run, const vi_media_info *info);

/* Ids of the networks that the settings name, those that the swap asks for included, in the order of use; how many. They live as
 * long as the settings. */
int vi_plan_network_names(const vi_settings *s, const char *id[4]);

/* The networks that the settings load (stills of sources included); counted once, they do not depend on the clip. */
typedef struct vi_plan_networks {
    viso_plan_part part[8];
    int n;
    bool gpu; /* some run on the GPU */
} vi_plan_networks;
/* The models as the settings place them on devices; nothing is loaded. */
int vi_plan_models(vi_models **m, const vi_run_settings *run, const vi_log *log, viso_error *err);
/* A model that is missing takes nothing here; loading it will say so. gpu: there is one; m (opened with the providers of the
 * settings) says which networks go there. */
void vi_plan_networks_read(vi_plan_networks *n, vi_models *m, const vi_settings *s, bool gpu);

/* Fills parts, sums and settings; free memory and limits stay as they are. */
void vi_plan_count(viso_plan *p, const vi_settings *s, const vi_media_info *info, bool encodes, const vi_plan_networks *n);
/* Lowers what nobody chose until p->ram is within `most`, in this order: frames in flight, look-ahead of the encoder down to 10,
 * workers, threads of the encoder, look-ahead down to none. Counts again; p->lowered says what was lowered. False: not even the
 * least fits. */
bool vi_plan_lower(viso_plan *p, vi_settings *s, const vi_media_info *info, bool encodes, const vi_plan_networks *n, uint64_t most);

/* What memory there is and what may be used: fills ram_free, ram_limit and the same of the GPU (when gpu). VISO_ERR_USAGE for a limit
 * that is no size. */
int vi_plan_limits(viso_plan *p, const vi_run_settings *run, bool gpu, viso_error *err);

/* Settings for one clip of a job: a copy with what had to be lowered, or NULL when all is well as it is. Says what it did to the
 * log. VISO_ERR_NO_SPACE when a limit that was set, or all the memory of the machine, is too little. */
int vi_plan_clip(vi_settings **own, viso_plan *p, vi_models *m, const vi_settings *s, const vi_media_info *info, const char *target,
                 bool encodes, const vi_log *log, viso_error *err);
/* Before the networks are loaded: may they go to the GPU? Moves them to the processor (provider in `s`) when they will not fit
 * and nobody chose otherwise. VISO_ERR_NO_SPACE as above. Does nothing without a driver. */
int vi_plan_gpu(vi_settings *s, const vi_log *log, viso_error *err);

#endif
