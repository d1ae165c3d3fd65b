/* detect/detect.h: frame to face boxes and coarse points. */
#ifndef VI_DETECT_H
#define VI_DETECT_H

#include "face/stage.h"
#include "options/options.h"

typedef struct vi_detect_settings {
    vi_option_text detector; /* id of a model, "auto": the embedded one */
    float score;    /* threshold; 0: the one the detector's authors use */
    float nms;      /* intersection over union above which detections are one face, 0.4 */
    vi_option_text size; /* "auto", or the side of the network's input in pixels */
    int pyramid;    /* choices: auto, 1, 2, 3 levels of windows. auto: all that help in stills, 1 then more when nothing found in
                       video */
    int rotate;     /* choices: off, auto (retry when nothing is found, and at faces rolled too far), all, manual */
    float angle;    /* manual: degrees clockwise by which the heads are turned, 0 */
    float roll;     /* degrees a face may be rolled against the view it is seen in, 50 */
    int max_faces;  /* 1..64: the largest and most central */
    float min_face; /* pixels of face width below which a face is left alone, 24 */
} vi_detect_settings;
extern const vi_option_group vi_detect_options;

/* Any detector of a family that family.h lists. Processes a work item only when want_detect is set, looks everywhere or only
 * where w->look says: fills face[] with box, score, kp, points (where the detector has any) and the landmark roi; n_face. */
extern const vi_stage vi_detect_stage;

#endif
