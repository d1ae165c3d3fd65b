/* track/track.h: memory over time, no model. Two stages in the temporal lane around detect and landmark:
 * `begin` notices cuts, carries the previous frame's regions forward and decides whether the detector must look;
 * `end` matches faces to tracks, smooths, bridges gaps, gives birth and death, slots and ordinals. */
#ifndef VI_TRACK_H
#define VI_TRACK_H

#include "face/stage.h"
#include "options/options.h"

typedef struct vi_track_settings {
    int redetect;      /* frames between looks of the detector for new faces, 10 */
    float cut;         /* mean absolute luma difference of 64x36 thumbnails that is a cut, 18 */
    float smooth;      /* strength of landmark smoothing, 0 off .. 1 strong, default 0.5; adaptive: fast motion is not smoothed
                          (recipe: a = clip(.25 + 18 speed/face width, .25, 1) at 0.5) */
    int gap;           /* frames bridged without a visible face before it fades out, 4 */
} vi_track_settings;
extern const vi_option_group vi_track_options;

/* Both share one state object; create the begin stage first and pass its self as env.shared to the end stage. */
extern const vi_stage vi_track_begin;
extern const vi_stage vi_track_end;

#endif
