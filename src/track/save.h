/* track/save.h: one description for writing and reading what the tracker remembers; private to the room. */
#ifndef VI_TRACK_SAVE_H
#define VI_TRACK_SAVE_H

#include "track/follow.h"

/* Either way: a value is written as it is, or read and checked. What does not fit makes the blob fail. */
typedef struct vi_io {
    vi_blob *b;
    bool saving;
} vi_io;

void vi_io_bad(vi_io *x); /* reading: these bytes are damaged */
void vi_io_bytes(vi_io *x, void *p, size_t n);
void vi_io_bool(vi_io *x, bool *v);
void vi_io_int(vi_io *x, int *v, int least, int most);
void vi_io_number(vi_io *x, uint64_t *v);
void vi_io_floats(vi_io *x, float *v, int n); /* finite, and not beyond all sense */
void vi_io_points(vi_io *x, viso_point3 *p, int n);
void vi_io_motion(vi_io *x, vi_motion *m);
void vi_io_followed(vi_io *x, vi_followed *f);

/* The `save` and `load` of the begin stage. */
void vi_track_save(const void *self, vi_blob *b);
int vi_track_load(void *self, vi_blob *b, viso_error *err);

#endif
