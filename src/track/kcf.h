/* track/kcf.h: a kernelised correlation filter (Henriques, Caseiro, Martins, Batista 2015) with gradient histograms: holds a face's
 * place when its points are lost. Learns from one view and finds the same in another. Pure functions; memory from the arena. */
#ifndef VI_KCF_H
#define VI_KCF_H

#include "track/follow.h"

typedef struct vi_kcf_params {
    bool weigh; /* weigh the channels by how well each alone tells the face from what is around it (after CSR-DCF, 2017) */
} vi_kcf_params;

typedef struct vi_kcf_found {
    float dx, dy;  /* of the view's middle, pixels of the view */
    float peak;    /* response: 1 the same picture, 0 nothing alike */
    float sharp;   /* peak to sidelobe ratio: (peak - mean) / deviation of the rest */
} vi_kcf_found;

typedef struct vi_kcf vi_kcf;

/* Learns the view; NULL when the arena is full. Valid until the arena is released. */
vi_kcf *vi_kcf_learn(const vi_view *v, const vi_kcf_params *p, vi_arena *a);
/* Looks for it in another view of the same size. False when the arena is full. */
bool vi_kcf_find(const vi_kcf *k, const vi_view *v, vi_kcf_found *out, vi_arena *a);

#endif
