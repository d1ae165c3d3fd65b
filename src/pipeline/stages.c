/* pipeline/stages.c: the stage table. */
#include "pipeline/stages.h"

const vi_stage *const vi_stage_table[] = {
    &vi_detect_stage, &vi_landmark_points, &vi_track_begin, &vi_track_end, &vi_identify_recognise,
    &vi_swap_mesh,        &vi_blend_paste,        NULL,
};

const vi_stage_choice *vi_stages_chosen(const vi_settings *s)
{
    (void)s; /* one stage of each kind so far: nothing to choose */
    static const vi_stage_choice embedded = {
        .detect = &vi_detect_stage,
        .landmark = &vi_landmark_points,
        .identify = &vi_identify_recognise,
        .track_begin = &vi_track_begin,
        .track_end = &vi_track_end,
        .swap = &vi_swap_mesh,
        .blend = &vi_blend_paste,
    };
    return &embedded;
}
