/* identify/identify.h: who is it? Aligned face to embedding, and what follows for a person. The recogniser itself is in
 * recogniser.h, the latent that a swapper takes of a source person in latent.h. */
#ifndef VI_IDENTIFY_H
#define VI_IDENTIFY_H

#include "face/stage.h"
#include "identify/latent.h"
#include "identify/recogniser.h"
#include "options/options.h"

typedef struct vi_identify_settings {
    vi_option_text recogniser; /* manifest id */
    float match;               /* cosine from which two faces are the same person; 0: the recogniser's own, see below */
    int crop;                  /* vi_crop_type up to VI_CROP_OPTIMAL */
    int merge;                 /* vi_merge */
    vi_option_text gallery;    /* file of the people who have a name, "": the usual one */
} vi_identify_settings;
extern const vi_option_group vi_identify_options;

/* The recogniser of the settings as a stage. Embeds faces that were seen in this frame (they have a mesh or marks) and have no
 * embedding yet (the temporal lane clears
 * VISO_FACE_HAS_EMBEDDING when a new one is wanted). */
extern const vi_stage vi_identify_recognise;

/* The cosine that counts: of the settings, else of the recogniser's row. VISO_ERR_USAGE when there is no such recogniser. */
int vi_identify_match(const vi_identify_settings *s, const vi_models *m, float *match, viso_error *err);

/* Cosine of two embeddings of equal size; -1 when either is missing. */
float vi_embedding_cosine(const viso_face *a, const viso_face *b);

/* Source quality of one face (recipe section 9, fix 2): 0..1, and a text naming what is wrong ("" nothing). Needs mesh, pose,
 * presence. skin_fraction < 0: not known. */
float vi_face_quality(const vi_face *f, float skin_fraction, char *why, size_t why_size);

#endif
