/* media/out/join.h: the packets of all segments of a clip as one stream. Media room only. One owner thread. */
#ifndef VI_JOIN_H
#define VI_JOIN_H

#include "media/out/segment.h"

/* Decoding times are worked out anew, because those of encoders that started at each segment do not fit together: with a delay of d
 * frames, the packet that is coded i-th has the time of the frame that is shown (i - d)-th, and the first d lie as far before as the
 * d-th frame is behind the first. So they rise strictly and never exceed the presentation times, at any frame rate, and are
 * those that one encoder gives. Memory: one segment's times. */
typedef struct vi_join {
    const char *folder;
    int n;                 /* segments */
    bool unfinished;       /* the last one has not got its name */
    vi_segment_in in;      /* the one being read */
    int at;
    int64_t total, handed; /* packets */
    int delay;
    int64_t *head;         /* times of the first delay + 1 frames */
    /* the times of all frames, one after the other, some way behind */
    int64_t *times, n_times, at_time, last;
    int times_of;          /* segment after the one in `times` */
} vi_join;

/* form: what all must have; delay: at least so many frames, as the encoder says. VISO_ERR_INPUT naming the segment. */
int vi_join_open(vi_join *j, const char *folder, int n, bool unfinished, const vi_buf *form, int delay, viso_error *err);
/* The next packet in coding order; VISO_EOF. */
int vi_join_next(vi_join *j, AVPacket *p, viso_error *err);
void vi_join_close(vi_join *j);

/* Whether segments 0 … n - 1 are there and have this form; looks at their ends only. *total packets, *delay frames (may be NULL). */
int vi_join_look(const char *folder, int n, bool unfinished, const vi_buf *form, int64_t *total, int *delay, viso_error *err);

#endif
