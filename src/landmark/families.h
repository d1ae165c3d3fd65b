/* landmark/families.h: the tables, one or a few per file. */
#ifndef VI_LANDMARK_FAMILIES_H
#define VI_LANDMARK_FAMILIES_H

#include "landmark/family.h"

extern const vi_landmark_family vi_landmark_attention_478;                   /* attention.c */
extern const vi_landmark_family vi_landmark_facemesh_468, vi_landmark_facemesh_478; /* facemesh.c */
extern const vi_landmark_family vi_landmark_liveportrait_203;                /* liveportrait.c */
extern const vi_landmark_family vi_landmark_insight_106, vi_landmark_insight_3d68; /* insight.c */
extern const vi_landmark_family vi_landmark_peppapig_98;                     /* peppapig.c */
extern const vi_landmark_family vi_landmark_pfld_68, vi_landmark_pfld_106, vi_landmark_peppa_68, vi_landmark_proxyless_98,
    vi_landmark_hrffa_68;                                                    /* fraction.c */
extern const vi_landmark_family vi_landmark_fan_68;                          /* fan.c */
extern const vi_landmark_family vi_landmark_retinaface_5;                    /* retinaface.c */

#endif
