/* landmark/landmark.h: region to 478 points, presence, head pose. */
#ifndef VI_LANDMARK_H
#define VI_LANDMARK_H

#include "face/stage.h"
#include "options/options.h"

typedef struct vi_landmark_settings {
    float presence; /* below this it is no face, 0.5 */
    int passes;     /* choices: auto (two in stills and for new faces, one for followed faces), 1, 2 */
} vi_landmark_settings;
extern const vi_option_group vi_landmark_options;

/* Attention mesh, model id "face_landmark_with_attention". For every face of the work item with a roi: fills mesh, presence,
 * points (five, from the mesh), pose, the tight box of the mesh; removes faces below the presence threshold (those that
 * are being followed are kept with f.presence low and no VISO_FACE_HAS_MESH, for track to decide). `fresh` faces get two passes. */
extern const vi_stage vi_landmark_attention;

#endif
