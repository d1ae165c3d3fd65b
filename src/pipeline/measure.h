/* pipeline/measure.h: how good a run over a clip is: measured beside the lanes, when asked for (viso bench --suite).
 *
 * Each call comes from one lane, in the order of frames: _raw and _final from vi-time, _result from vi-encode. The object keeps
 * what belongs together by frame number, in memory fixed at the start. _final may come up to VI_MEASURE_LAG frames after _raw.
 *
 * Jitter is what landmarks do and the head does not. For each followed face, 26 points of bone (corners of the eyes, bridge
 * and tip of the nose, temples, forehead) are compared over three frames in a row: e(n) = x(n) - M(n) x(n - 1), where M(n) is the
 * similarity that the picture itself made between the two frames, and the second difference is e(n) - e(n - 1), in picture
 * pixels times 1080 / height. M comes from points of the skin that are followed in the picture (a view of 128 pixels, forward
 * and back, robust fit), for up to eight faces at once. So neither a turning head nor a shaking camera counts, however fast, and
 * neither does what goes on steadily (an opening mouth, a slow drift); the network's noise in place, size and turn does, because
 * the picture has no part in it. Frames in which the skin cannot be followed (blur, a turn out of sight) do not count: jitter
 * could not be told from motion. Of a ninth face M is the identity: a plain second difference, in which steady motion cancels.
 * White noise of s pixels on each coordinate gives sqrt(12) s. Roll is the same with the turn that leads from M(n) x(n - 1) to
 * x(n).
 *
 * Before and after are taken over the same faces in the same frames: those in which the network saw the face (_raw) and the
 * final record was handed on, in this frame and the two before it. So frames at a cut, at a birth, or next to a gap do not count.
 *
 * Flicker: the box of each mesh is cut into 12 x 12 cells, which move and grow with the face. d(n) is a cell's mean luma in the
 * result minus that in the target; what is counted is d(n) - d(n - 1), which is the result's change beyond the target's own. Means
 * over cells leave sensor noise out, and cells that go with the face leave its motion out. Cells that nothing was done to in
 * either frame do not count, nor does a new face until it has faded in. A frame in which a face is left as it was counts fully.
 *
 * Identity: see measure_switch.c. */
#ifndef VI_MEASURE_H
#define VI_MEASURE_H

#include "face/stage.h"
#include "viso/stats.h"

#define VI_MEASURE_LAG 120

typedef struct vi_measure vi_measure;

int vi_measure_create(vi_measure **m, const vi_kernels *k, viso_error *err);
void vi_measure_destroy(vi_measure **m);
/* The landmarks as their network gave them, before the tracker has smoothed them; records of followed faces have slots. The
 * frame's pixels are read; w->frame NULL: plain second differences. */
void vi_measure_raw(vi_measure *m, const vi_work *w);
/* The records as they go to the picture lane: slots and tracks final. */
void vi_measure_final(vi_measure *m, const vi_work *w);
/* The decoded frame and what became of it; `before` == `after` where nothing was changed. w->face still holds the records. */
void vi_measure_result(vi_measure *m, const vi_work *w, const vi_frame *before, const vi_frame *after);
/* Once the lanes have ended: adds to what `out` holds already (zeroed: nothing), means weighted by their counts. */
void vi_measure_finish(vi_measure *m, viso_quality_stats *out);

#endif
