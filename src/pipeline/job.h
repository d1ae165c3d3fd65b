/* pipeline/job.h: one call of viso_swap: sources, then a file or every file of a folder. */
#ifndef VI_JOB_H
#define VI_JOB_H

#include "pipeline/engine_impl.h"

int vi_job_run(viso_engine *e, const viso_swap_params *p, viso_run_stats *stats, viso_error *err);

#endif
