/* pipeline/groups.c: the one list of option groups. A room with settings adds its group here and nowhere else. */
#include "pipeline/groups.h"

#include "blend/blend.h"
#include "cache/cache.h"
#include "detect/detect.h"
#include "identify/identify.h"
#include "landmark/landmark.h"
#include "media/media.h"
#include "pipeline/run_options.h"
#include "swap/swap.h"
#include "track/track.h"

static const vi_option_group *const all[] = {
    &vi_who_options,      &vi_target_options, &vi_input_options, &vi_detect_options, &vi_landmark_options, &vi_track_options,
    &vi_identify_options, &vi_swap_options,   &vi_blend_options, &vi_output_options, &vi_cache_options, &vi_run_options,
};

int vi_all_groups(const vi_option_group *const **groups)
{
    *groups = all;
    return (int)VI_COUNT(all);
}
