/* identify/recogniser.h: a recogniser: a network (or two) that turns a face into a vector which tells persons apart.
 *
 * Every embedder row of the manifest is one, by its id. What differs between them is data: tensors, scale, colour order,
 * template; and the recipe that the row's family names: "" the network's output as it is; "mirrored" the sum of the outputs
 * for the crop and its mirror image; "cscs" the sum of the unit outputs of two networks (row.second is the other one).
 *
 * The raw vector is the recipe's result and what a swapper's latent is made of; the unit vector is what is compared. One owner
 * thread; networks are shared through the models object, which must live longer. */
#ifndef VI_RECOGNISER_H
#define VI_RECOGNISER_H

#include "identify/crop.h"
#include "models/models.h"
#include "viso/face.h"

#define VI_RECOGNISER_DEFAULT "mobilefacenet"
#define VI_RECOGNISER_BATCH 8 /* most faces in one run */

typedef struct vi_recogniser vi_recogniser;

typedef struct vi_recogniser_params {
    const vi_kernels *k;
    vi_models *models;
    const char *id;    /* manifest id of an embedder; NULL or "": the default */
    vi_crop_type crop; /* VI_CROP_AUTO: the best one for it. A recogniser of family "cscs" has one crop and ignores this */
    int batch;         /* faces that may come at once, 0: 1; what the graph does not allow becomes several runs */
} vi_recogniser_params;

/* VISO_ERR_USAGE for an id that is no recogniser (the message lists those known), VISO_ERR_MODEL when it is not installed, is
 * damaged or does not fit its row. */
int vi_recogniser_open(vi_recogniser **r, const vi_recogniser_params *p, viso_error *err);
void vi_recogniser_close(vi_recogniser **r);

const vi_model_row *vi_recogniser_row(const vi_recogniser *r);
int vi_recogniser_size(const vi_recogniser *r);          /* numbers of a vector, 1..VISO_EMBEDDING_MAX */
vi_crop_type vi_recogniser_crop(const vi_recogniser *r); /* the one in use, never AUTO */
int vi_recogniser_batch(const vi_recogniser *r);         /* most faces that one run takes */
uint64_t vi_recogniser_runs(const vi_recogniser *r);     /* of networks, so far */

/* Vectors of n faces. raw[i], unit[i]: room for `size` numbers each; either list may be NULL. ok[i] says whether there is a
 * vector: not when the points coincide, and not of a crop that gives zeros or no numbers. Allocates nothing. */
int vi_recogniser_embed(vi_recogniser *r, const vi_face_view *face, int n, float *const *raw, float *const *unit, bool *ok,
                        vi_arena *scratch, viso_error *err);
/* The same for crops that are there already (112 x 112, R'G'B' 0..1). */
int vi_recogniser_embed_crops(vi_recogniser *r, const vi_rgb *crop, int n, float *const *raw, float *const *unit, bool *ok,
                              viso_error *err);

/* Whether `id` names a recogniser of the manifest; the message lists those that there are. NULL or "" is the default. */
int vi_recogniser_check(const vi_models *m, const char *id, viso_error *err);
/* The i-th recogniser of the manifest, installed or not; NULL past the last. */
const vi_model_row *vi_recogniser_at(const vi_models *m, int i);
/* The crop that a recogniser takes when `wanted` is asked for. */
vi_crop_type vi_recogniser_crop_for(const vi_model_row *row, vi_crop_type wanted);
/* Is everything it needs in the folders of models? */
bool vi_recogniser_installed(vi_models *m, const vi_model_row *row);
/* Cosine from which two faces are one person, as calibrated for this recogniser on photographs (docs/models.md). */
float vi_recogniser_match(const vi_model_row *row);

/* Unit length into `unit` (may be `raw`). false: nothing to normalise. */
bool vi_vector_unit(const float *raw, int n, float *unit);
float vi_vector_cosine(const float *unit_a, const float *unit_b, int n);
/* What a person is shown: 50 + 50 cosine, 0..100. */
float vi_similarity(float cosine);

typedef enum vi_merge { VI_MERGE_MEAN = 0, VI_MERGE_MEDIAN } vi_merge;
/* Several raw vectors of one person into one, element by element. Median of an even number: mean of the middle two.
 * n >= 1. false: out of memory (median only). out may be in[0]. */
bool vi_vector_merge(const float *const *in, int n, int size, vi_merge how, float *out);

#endif
