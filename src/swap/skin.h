/* swap/skin.h: which pixels of an upright face crop are skin (mesh-swap recipe 5, 6.5), without a parsing network:
 * a Gaussian skin model from pixels that are skin by anatomy, against k-means clusters of what surrounds the head.
 *
 * Thread-safety: pure; scratch comes from the caller's arena and is released before returning. Deterministic. */
#ifndef VI_SKIN_H
#define VI_SKIN_H

#include "face/face.h"

typedef struct vi_skin_params {
    float features;     /* dilation factor of the forced features (eyes, brows, lips): 1 source, 2.4 target; 0: 1 */
    bool middle;        /* nose and moustache belong to the face whatever they look like (sources) */
    bool lips_auto;     /* decide by vi_skin_mouth_occluded on this very crop (overrides the next) */
    bool lips_occluded; /* something lies over the mouth: do not force the lips nor anything below the nose */
    bool fast;          /* video: work at a half or a quarter of the size (<= 3 ms at 400 px) */
} vi_skin_params;

/* A three-channel Gaussian in Lab (L 0..100). */
typedef struct vi_lab_model {
    float n;       /* pixels it was made from (of the working size); 0: unknown, the rest is meaningless */
    float mean[3]; /* L a b */
    float cov[6];  /* 00 01 02 11 12 22, as measured (not inflated) */
} vi_lab_model;

typedef struct vi_skin_info {
    float fs;            /* face size in crop pixels (vi_face_size) */
    vi_lab_model skin;   /* all core skin, trimmed */
    vi_lab_model upper;  /* cheeks under the eyes, nose bridge, forehead: what a mask over the mouth leaves */
    vi_lab_model chin;   /* chin core */
    vi_lab_model lips;   /* between outer and inner lip contour */
    float chin_distance; /* Mahalanobis distance (not squared) of the chin's mean to `upper` */
    float lips_chin;     /* Euclidean Lab distance of the lips' mean to the chin's mean */
    float fraction;      /* mean of the mask inside the face oval: how much of the face is seen as skin */
    bool mouth_occluded; /* the decision that was used */
} vi_skin_info;

/* Face size of the recipe: max(|234-454|, 0.8 |10-152|), in the units of the points. */
float vi_face_size(const vi_point lm[478]);

/* out: same size as the crop, 0..1. `info` may be NULL. VISO_ERR_NO_SPACE when the arena is full. A degenerate face
 * (points outside the crop, no size) gives a mask of zeros and info with n = 0, and 0 is returned. */
int vi_skin_segment(const vi_kernels *k, const vi_rgb *crop, const vi_point lm_crop[478], const vi_skin_params *p,
                    const vi_plane *out, vi_skin_info *info, vi_arena *scratch);

/* Recipe 9.3: an object (mask, hand, microphone) lies over the mouth. */
bool vi_skin_mouth_occluded(const vi_skin_info *info);

/* dst = 1 on the features: both eyes, the hulls from brow to eye, and (with_lips) the lips, dilated by
 * `dilate` x (0.025 fs; brows 0.015 fs). dst is cleared first. Anti-aliased. */
int vi_skin_features(const vi_kernels *k, const vi_point lm_crop[478], float dilate, bool with_lips,
                     const vi_plane *dst, vi_arena *scratch);

#endif
