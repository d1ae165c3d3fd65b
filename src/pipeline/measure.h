/* pipeline/measure.h: how good a run over a clip is: measured beside the lanes, when asked for (viso bench --suite).
 *
 * Each call comes from one lane, in the order of frames: _raw and _final from vi-time, _result from vi-encode. The object keeps
 * what belongs together by frame number, in memory fixed at the start. */
#ifndef VI_MEASURE_H
#define VI_MEASURE_H

#include "face/stage.h"
#include "viso/stats.h"

typedef struct vi_measure vi_measure;

int vi_measure_create(vi_measure **m, const vi_kernels *k, viso_error *err);
void vi_measure_destroy(vi_measure **m);
/* The landmarks as their network gave them, before the tracker has smoothed them; records of followed faces have slots. */
void vi_measure_raw(vi_measure *m, const vi_work *w);
/* The records as they go to the picture lane: slots and tracks final. */
void vi_measure_final(vi_measure *m, const vi_work *w);
/* The decoded frame and what became of it; `before` == `after` where nothing was changed. w->face still holds the records. */
void vi_measure_result(vi_measure *m, const vi_work *w, const vi_frame *before, const vi_frame *after);
/* Sums, once the lanes have ended. */
void vi_measure_finish(vi_measure *m, viso_quality_stats *out);

#endif
