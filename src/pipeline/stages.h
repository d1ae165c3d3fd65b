/* pipeline/stages.h: the stage table. A new detector, landmark model, recogniser or swapper is one row here. */
#ifndef VI_STAGES_H
#define VI_STAGES_H

#include "blend/blend.h"
#include "detect/detect.h"
#include "identify/identify.h"
#include "landmark/landmark.h"
#include "swap/swap.h"
#include "track/track.h"

/* All rows, NULL-terminated. */
extern const vi_stage *const vi_stage_table[];

/* The stages a run uses. */
typedef struct vi_stage_choice {
    const vi_stage *detect, *landmark, *identify, *track_begin, *track_end, *swap, *blend;
} vi_stage_choice;
const vi_stage_choice *vi_stages_chosen(const vi_settings *s);

#endif
