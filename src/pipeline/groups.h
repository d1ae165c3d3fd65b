/* pipeline/groups.h: all option groups of viso, in the order in which they are shown, and the way from the public set of
 * values to the structs that the rooms read. */
#ifndef VI_GROUPS_H
#define VI_GROUPS_H

#include "options/options.h"
#include "viso/options.h"

/* Static list: who, detect, landmark, track, identify, swap, blend, output, cache, run. Returns its length. */
int vi_all_groups(const vi_option_group *const **groups);
/* The values behind a public viso_options; lives as long as it. vi_settings_copy() makes the snapshot a run works with. */
const vi_settings *vi_options_settings(const viso_options *o);

#endif
