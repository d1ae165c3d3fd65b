/* pipeline/presets.h: sets of values under one name. A preset is configuration text: the built-in ones are strings, those of
 * users are files. Its values give way to those that were chosen by hand, wherever (command line, configuration file). */
#ifndef VI_PRESETS_H
#define VI_PRESETS_H

#include "options/options.h"

/* Fills in the values of the preset that the group "run" names. VISO_ERR_USAGE: no such preset (naming those there are), or a
 * fault in its file (naming file and line). */
int vi_preset_apply(vi_settings *s, viso_error *err);
/* Name of the i-th built-in preset, from fast to good; NULL past the last. */
const char *vi_preset_name(int i);

#endif
