/* identify/latent.h: a source person: photographs, and whatever vector of them somebody needs.
 *
 * Which recogniser tells people apart is the user's choice; which one a swapper's latent comes from is the swapper's. So the
 * photographs and the points of the face in them are kept, and each vector is computed when it is first asked for. A person of
 * the gallery may have vectors and no photographs. One owner thread; kernels and models must live longer. */
#ifndef VI_LATENT_H
#define VI_LATENT_H

#include "identify/recogniser.h"

typedef struct vi_identity vi_identity;

typedef struct vi_identity_params {
    const vi_kernels *k;
    vi_models *models;
    vi_merge merge;    /* of several photographs, element by element over the raw vectors */
    vi_crop_type crop; /* AUTO is what swappers were made for */
    const char *name;  /* for messages; copied */
} vi_identity_params;

int vi_identity_create(vi_identity **p, const vi_identity_params *params, viso_error *err);
void vi_identity_destroy(vi_identity **p);
/* A photograph and the face's five points in it (upright picture). The frame is referenced. */
int vi_identity_add_photo(vi_identity *p, vi_frame *f, const vi_point points[5], viso_error *err);
/* A raw vector that is known already: it counts like a photograph, for this recogniser alone. Copied. */
int vi_identity_add_vector(vi_identity *p, const char *recogniser, const float *raw, int n, viso_error *err);

/* The merged raw vector by a recogniser; lives as long as p. VISO_ERR_NO_SOURCE_FACE when neither photographs nor given
 * vectors have one; faults of opening the recogniser as they are. */
int vi_identity_vector(vi_identity *p, const char *recogniser, const float **raw, int *n, viso_error *err);
/* What the swapper takes: the vector by the recogniser of its row, put through its row's `latent`; lives as long as p. For
 * "emap" the swapper's file must be installed. VISO_ERR_MODEL when the row does not say what it takes. */
int vi_identity_latent(vi_identity *p, const char *swapper, const float **latent, int *n, viso_error *err);

#endif
