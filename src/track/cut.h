/* track/cut.h: scene cuts by thumbnails (recipe section 9, fix 11). A plain value; one thread. */
#ifndef VI_CUT_H
#define VI_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "frame/geometry.h"

#define VI_THUMB_W 64
#define VI_THUMB_H 36
#define VI_THUMB_SIZE (VI_THUMB_W * VI_THUMB_H)

typedef struct vi_cut {
    uint8_t now[VI_THUMB_SIZE];     /* last frame fed */
    uint8_t before[VI_THUMB_SIZE];  /* the one before it */
    uint8_t scene[VI_THUMB_SIZE];   /* last frame that showed something (not plain black or white) */
    uint8_t outside[VI_THUMB_SIZE]; /* last scene frame before the latest cut, to recognise the end of a flash */
    int frames, scenes, since_cut;
} vi_cut;

void vi_cut_reset(vi_cut *c);
/* True when `thumb` starts a new scene. A change of brightness alone (flash, fade), a pan, and the way back from a flash do not.
 * `threshold`: mean absolute luma difference, 0..255. The first frame ever is no cut. */
bool vi_cut_feed(vi_cut *c, const uint8_t thumb[VI_THUMB_SIZE], float threshold);
/* Mean absolute difference of the last two frames within a part of the frame, in parts of width and height; 0 with fewer than two
 * frames. */
float vi_cut_change(const vi_cut *c, const vi_box *part);

#endif
