/* media/out/segment.h: coded frames in a file of their own, until the whole clip is put together. Media room only. One owner
 * thread.
 *
 * A format of our own, because what has to come back exactly (time base, both times, duration, flags, side data) no container
 * keeps: NUT, which comes nearest, has neither durations nor decoding times. All numbers are little-endian.
 *
 *   "VISOSEG1"
 *   form     u32 size, bytes: see vi_segment_form
 *   packets  u32 size of data, u32 flags, i64 pts, i64 dts, i64 duration, u32 pieces of side data,
 *            for each of these u32 type, u32 size, bytes; then the data
 *   times    the presentation times of the packets, i64 each, sorted
 *   end      u64 place of the times, u64 packets, u32 reordering, u32 CRC-32 of all before, "VISOEND1" */
#ifndef VI_SEGMENT_H
#define VI_SEGMENT_H

#include "media/out/disk.h"
#include "media/still.h"

/* "folder/00003.seg", with `part` the name of a file not yet whole. Allocated; or into memory for VI_SEGMENT_NAME more bytes than the
 * folder's name has. */
#define VI_SEGMENT_NAME 32
char *vi_segment_path(const char *folder, int n, bool part);
char *vi_segment_path_in(char *to, const char *folder, int n, bool part);

/* What packets of all segments of a clip must have in common: codec, size, pixels, time base, reordering, extradata. */
int vi_segment_form(const AVCodecContext *c, vi_buf *form);

typedef struct vi_segment_out {
    vi_disk disk;
    bool open;
    uint32_t crc;
    int64_t *pts;      /* of the packets so far, in coding order */
    size_t n, room;
} vi_segment_out;
/* `path` is the file's name while it is written; `name` for messages. */
int vi_segment_begin(vi_segment_out *s, const char *path, const char *name, const vi_buf *form, const vi_disk_wait *wait,
                     viso_error *err);
int vi_segment_put(vi_segment_out *s, const AVPacket *p, viso_error *err);
/* Completes the file; `durable`: it lies on the disk. Closes in any case. *bytes: its size. */
int vi_segment_end(vi_segment_out *s, bool durable, uint64_t *bytes, viso_error *err);
void vi_segment_drop(vi_segment_out *s);

typedef struct vi_segment_in {
    FILE *f;
    char *path;
    int64_t at, times, size; /* places in the file */
    int64_t count, left;     /* packets, and those not read yet */
    int reorder;             /* by how many places a packet is coded before it is shown, at most */
} vi_segment_in;
/* Opens a whole segment and reads its form (may be NULL) and its end. VISO_ERR_INPUT naming the file when it is missing or not
 * whole. */
int vi_segment_open(vi_segment_in *s, const char *path, vi_buf *form, viso_error *err);
/* The next packet; VISO_EOF. */
int vi_segment_next(vi_segment_in *s, AVPacket *p, viso_error *err);
/* The sorted times, s->count of them, allocated; leaves the place in the file. */
int vi_segment_times(vi_segment_in *s, int64_t **pts, viso_error *err);
void vi_segment_close(vi_segment_in *s);
/* Reads all of it: VISO_ERR_INPUT when anything differs from what was written. */
int vi_segment_check(const char *path, viso_error *err);

#endif
