/* pipeline/telemetry.h: what a job leaves behind about itself when it is asked to: the profile (base/trace.h writes it) and
 * the summary. docs/telemetry.md describes both files. */
#ifndef VI_TELEMETRY_H
#define VI_TELEMETRY_H

#include "pipeline/engine_impl.h"
#include "pipeline/run.h"

/* Checks the names (kind, nobody's input or result, a folder that can be written) before any work, and starts recording when
 * one of the options asks for it; *t is NULL otherwise. VISO_ERR_USAGE, VISO_ERR_NO_SPACE. */
int vi_telemetry_begin(vi_trace **t, const viso_engine *e, const viso_swap_params *p, viso_error *err);

/* Ends recording and writes what was asked for, however the job ended (`code`); totals and stats are final. A file that
 * cannot be written is a warning in the log. *t NULL: nothing. */
void vi_telemetry_end(vi_trace **t, viso_engine *e, const vi_run_totals *totals, const viso_run_stats *stats, int code);

#endif
