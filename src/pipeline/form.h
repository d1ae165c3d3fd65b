/* pipeline/form.h: what a swap makes of its target: a file, a file for each file of a folder, or a folder of pictures. */
#ifndef VI_FORM_H
#define VI_FORM_H

#include "options/options.h"
#include "viso/engine.h"

/* As viso_swap_form. out may be NULL. */
viso_form vi_form_of(const vi_settings *s, const char *target, const char *out);
/* Whether the target is a folder whose pictures are the frames of one clip. */
bool vi_form_is_clip(const vi_settings *s, const char *target, const char *out);

#endif
