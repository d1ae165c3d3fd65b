/* track/person.h: people who were followed and may come back. A plain value; one thread. */
#ifndef VI_PERSON_H
#define VI_PERSON_H

#include "viso/face.h"

#define VI_PERSONS 64

typedef struct vi_person {
    int id; /* public track number, -1: free entry */
    int size;
    uint64_t seen; /* last frame */
    float embedding[VISO_EMBEDDING_MAX];
} vi_person;

typedef struct vi_persons {
    vi_person p[VI_PERSONS];
} vi_persons;

void vi_persons_clear(vi_persons *g);
/* Keeps (or renews) a person; the one not seen for longest makes room. */
void vi_persons_keep(vi_persons *g, int id, const float *embedding, int size, uint64_t seen);
/* The person most like the embedding among those whose number `busy` does not hold; -1 when no cosine reaches `match`. */
int vi_persons_find(const vi_persons *g, const float *embedding, int size, float match, const int *busy, int n_busy);
/* Cosine of two unit vectors. */
float vi_cosine(const float *a, const float *b, int size);
/* a = unit(a + weight (b - a)). */
void vi_blend_unit(float *a, const float *b, int size, float weight);

#endif
