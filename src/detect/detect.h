/* detect/detect.h: frame to face boxes and coarse points. */
#ifndef VI_DETECT_H
#define VI_DETECT_H

#include "face/stage.h"
#include "options/options.h"

typedef struct vi_detect_settings {
    float score; /* detector threshold, 0.5 */
    float nms;   /* intersection over union above which detections are merged, 0.3 */
    int pyramid; /* choices: auto, 1, 2, 3 levels of windows. auto: 3 in stills, 1 then more when nothing found in video */
    int rotate;     /* choices: off, auto (retry at 180/90/270 when nothing is found), all */
    int max_faces;  /* 1..64, largest first */
    float min_face; /* pixels of face width below which a face is left alone, 24 */
} vi_detect_settings;
extern const vi_option_group vi_detect_options;

/* MediaPipe full range, model id "face_detection_full_range". Processes a work item only when want_detect is set:
 * fills face[] with box, score, kp, points (from kp) and the landmark roi; n_face. */
extern const vi_stage vi_detect_mediapipe;

#endif
