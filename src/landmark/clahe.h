/* landmark/clahe.h: contrast-limited adaptive histogram equalisation (Zuiderveld 1994) of a crop's lightness. */
#ifndef VI_CLAHE_H
#define VI_CLAHE_H

#include "kernel/kernel.h"

/* L of Lab over tiles x tiles, 256 bins; a bin keeps at most `limit` times the mean, the rest is spread over all bins. The crop
 * (R'G'B' 0..1) is changed in place. 0 or VISO_ERR_NO_SPACE. */
int vi_clahe(const vi_kernels *k, const vi_rgb *crop, float limit, int tiles, vi_arena *scratch);

#endif
