/* pipeline/recall.h: what the temporal lane found, kept from one run to the next, so that a second run or a jump to a frame
 * needs no network. Sits between the lanes: the temporal lane asks for a frame before it analyses, and hands in what it found.
 *
 * What is kept is known by the bytes of the input, and by all that a frame's records depend on: the settings of detection,
 * landmarks, tracking and recognition, the models with their digests and where they run, whether embeddings were asked for, and
 * this build's formats (face/record.h). A part of a clip (--start) is answered by a run that began at the same frame or by one
 * over the whole clip; records of one run are never mixed with another's.
 *
 * One owner thread (vi-time). Never a reason to fail a run: what cannot be read or written is logged once and done without. */
#ifndef VI_RECALL_H
#define VI_RECALL_H

#include "media/media.h"
#include "pipeline/analyse.h"

typedef struct vi_recall vi_recall;

typedef struct vi_recall_params {
    const vi_context *context;  /* of the whole clip; settings hold the "cache" group */
    const char *target;
    const vi_media_info *info;
    const vi_analyser_params *analysis;
    const char *parts;          /* what the time ranges with settings of their own say about the analysis, "" none */
    bool resumed;               /* begins in mid-clip after a break: nothing is recorded */
} vi_recall_params;

/* NULL in *r (and 0) when there is no cache: --cache off, a kind of input that cannot be known again. */
int vi_recall_open(vi_recall **r, const vi_recall_params *p, viso_error *err);
/* Whether all frames of the part that is handed out, from the one at `first_pts` up to and without `end_pts` (INT64_MAX: to the end of
 * the clip), are known. Decides, once, before the first frame, whether this run replays or records. Where a longer run answers for a part,
 * the records are those of following faces from the longer one's beginning. A run resumed after a break gives the beginning it
 * had before the break, and asks vi_recall_get for the rest: numbers of slots then go on where they were. */
bool vi_recall_replays(vi_recall *r, int64_t first_pts, int64_t end_pts);
/* Replaying: the records of the frame at this time into a work item readied for it. False: they are not there after all
 * (damaged, taken away by another process); the run fails with a message that says to run again. */
bool vi_recall_get(vi_recall *r, int64_t pts, vi_work *w, viso_error *err);
/* Recording: a frame's records, final (settled), before anybody is chosen. Buffered; may write. */
void vi_recall_put(vi_recall *r, int64_t pts, const vi_work *w);
/* The end: `whole` when the clip, or the part asked for, came to its end. Also after a break: what is whole so far is dropped. */
void vi_recall_close(vi_recall **r, bool whole);

#endif
