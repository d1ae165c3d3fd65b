/* landmark/choice.h: which networks look at a face: the one that was asked for, or those of the automatic rule. One thread. */
#ifndef VI_CHOICE_H
#define VI_CHOICE_H

#include "landmark/family.h"

/* The sizes of faces for which the automatic rule keeps a network each. */
typedef enum vi_face_class { VI_FACE_SMALL, VI_FACE_MIDDLE, VI_FACE_CLOSE, VI_FACE_CLASSES } vi_face_class;

typedef struct vi_landmark_choice {
    bool is_auto;
    vi_net net[VI_FACE_CLASSES];    /* without family: none */
    int of_class[VI_FACE_CLASSES];  /* index into net */
    int n;
} vi_landmark_choice;

/* Opens the network `id`, or with "auto" the best installed one per class. VISO_ERR_MODEL when `id` is unknown, no landmark
 * model, or cannot be loaded, and with auto when nothing is installed at all. */
int vi_landmark_choose(vi_landmark_choice *c, vi_models *m, const vi_kernels *k, const char *id, viso_error *err);
void vi_landmark_choice_close(vi_landmark_choice *c);
/* The class of a face by the longer side of its box in pixels and its turn to the side in degrees (0 when not known). */
vi_face_class vi_landmark_class(float side, float yaw);
/* The networks to try for a class, best first; returns how many (each once). */
int vi_landmark_order(const vi_landmark_choice *c, vi_face_class k, int order[VI_FACE_CLASSES]);

#endif
