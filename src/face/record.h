/* face/record.h: the faces of a frame as bytes, bit for bit, without what is not filled in. Read by the same build only (cache
 * and journal of a run carry its number). Pure functions. */
#ifndef VI_RECORD_H
#define VI_RECORD_H

#include "face/stage.h"

/* Changes whenever the bytes or their meaning do, here or in a struct that is written as it lies in memory. */
#define VI_RECORD_FORMAT 2

/* All of a record but the patch. */
void vi_face_put(vi_blob *b, const vi_face *f);
bool vi_face_get(vi_blob *b, vi_face *f);

/* What the temporal lane found in a frame: cut, faces, counts. Not the frame, its place or its number. */
void vi_work_put(vi_blob *b, const vi_work *w);
/* Into a work item readied by its frame; false: not such bytes, and w has no faces. */
bool vi_work_get(vi_blob *b, vi_work *w);

#endif
