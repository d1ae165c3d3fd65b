/* blend/blend.h: put it back without a seam. */
#ifndef VI_BLEND_H
#define VI_BLEND_H

#include "face/stage.h"
#include "options/options.h"

typedef struct vi_blend_settings {
    float opacity; /* 0..1, 1 */
} vi_blend_settings;
extern const vi_option_group vi_blend_options;

/* Composites every patch of the work item into its (writable) frame, mask times fade times opacity; never touches a pixel
 * outside the masks. */
extern const vi_stage vi_blend_paste;

#endif
