/* identify/identify.h: aligned face to embedding, and matching. */
#ifndef VI_IDENTIFY_H
#define VI_IDENTIFY_H

#include "face/stage.h"
#include "options/options.h"

typedef struct vi_identify_settings {
    float match; /* cosine above which two faces are the same person, 0.42 */
} vi_identify_settings;
extern const vi_option_group vi_identify_options;

/* MobileFaceNet, model id "mobilefacenet". Embeds faces that have a mesh and no embedding yet (the temporal lane clears
 * VISO_FACE_HAS_EMBEDDING when a new one is wanted). Embedding = f(x) + f(mirror x), unit length. */
extern const vi_stage vi_identify_mobilefacenet;

/* Cosine of two embeddings of equal size; -1 when either is missing. */
float vi_embedding_cosine(const viso_face *a, const viso_face *b);

/* Source quality of one face (recipe section 9, fix 2): 0..1, and a text naming what is wrong ("" nothing). Needs mesh, pose,
 * presence. skin_fraction < 0: not known. */
float vi_face_quality(const vi_face *f, float skin_fraction, char *why, size_t why_size);

#endif
