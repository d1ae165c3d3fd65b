/* swap/swap.h: aligned face and source identity to new face. Neighbours see the stage tables and settings only. */
#ifndef VI_SWAP_H
#define VI_SWAP_H

#include "face/stage.h"
#include "options/options.h"

typedef struct vi_swap_settings {
    float shape;         /* how far the target takes the source's inner shape, 0..1, 1 */
    float outline;       /* the same for the face oval, 0..1, 0 (nothing outside the oval moves) */
    bool eyes;           /* source's eyes (gaze and blink of the target), true */
    bool mouth_interior; /* keep the target's mouth interior when open, true */
    float light;         /* how much low-frequency light of the target is taken over, 0..1, 1 */
    float grain;         /* match the target's sharpness and noise, 0..1, 1 */
    bool occlusion;      /* leave objects in front of the face alone, true */
    float profile_from, profile_to; /* degrees of yaw over which the swap fades out, 50, 65 */
    int max_size;        /* largest crop in pixels, 192..1024, 1024 */
    float steady;        /* temporal averaging of colour and light in video, 0 off .. 1, 0.8 (EMA weight of the new frame is
                            1 - steady) */
} vi_swap_settings;
extern const vi_option_group vi_swap_options;

extern const vi_stage vi_swap_mesh;

#endif
