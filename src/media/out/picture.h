/* media/out/picture.h: a frame as a still that keeps the form and the metadata of another. Media room only. */
#ifndef VI_PICTURE_H
#define VI_PICTURE_H

#include "media/still.h"

typedef struct vi_picture {
    const vi_frame *f;         /* upright, packed or grey */
    const vi_still_meta *like; /* of the target, as found */
    vi_still_format format;
    bool mark;
    int jpeg_quality;          /* 0: as `like` */
    bool quick;                /* see vi_still_out */
    const char *name;          /* for messages */
    const vi_log *log;
} vi_picture;
/* Appends the file's bytes. Pure but for its outputs. */
int vi_picture_encode(const vi_picture *p, vi_buf *out, viso_error *err);

#endif
