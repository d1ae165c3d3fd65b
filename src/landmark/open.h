/* landmark/open.h: finding the installed model of a family. */
#ifndef VI_LANDMARK_OPEN_H
#define VI_LANDMARK_OPEN_H

#include "models/models.h"

/* Id of the first installed row of `family`, in the order of the manifest; NULL with VISO_ERR_MODEL saying what `option` needs
 * and that `suggested` can be installed. */
const char *vi_landmark_installed(vi_models *m, const char *family, const char *option, const char *suggested, viso_error *err);

#endif
