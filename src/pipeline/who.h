/* pipeline/who.h: who is swapped, and with whom. Built before a run from photographs; then asked once per frame by the
 * temporal lane. One owner thread. */
#ifndef VI_WHO_H
#define VI_WHO_H

#include "pipeline/analyse.h"
#include "viso/engine.h"

typedef struct vi_who vi_who;

typedef struct vi_who_params {
    const char *const *sources; /* photographs of the default source person; n may be 0 when there are maps */
    int n_source;
    const viso_map *maps;
    int n_map;
} vi_who_params;

/* Reads all photographs and builds the source persons with the swap stage's `prepare`. A person (of a map, or of --face) may
 * be named as the gallery knows it. The strings must outlive w. Faults: VISO_ERR_NO_SOURCE_FACE
 * naming the photograph, VISO_ERR_NO_TARGET_FACE for a reference or person photograph without a face. */
int vi_who_create(vi_who **w, const vi_context *c, const vi_who_params *p, viso_error *err);
void vi_who_destroy(vi_who **w);
const vi_people *vi_who_people(const vi_who *w);
/* Whether faces need embeddings to be told apart. `video`: the choice must hold over time. */
bool vi_who_needs_embedding(const vi_who *w, bool video);
/* Sets vi_face.source of every face of the work item: an index of the people, or -1. For stills it changes nothing in w and
 * may be called from several threads. */
void vi_who_assign(vi_who *w, vi_work *work);
void vi_who_new_clip(vi_who *w); /* forgets earlier choices */
/* The choices made in a clip so far, as bytes; false: not those of as many persons. */
void vi_who_save(const vi_who *w, vi_blob *b);
bool vi_who_load(vi_who *w, vi_blob *b);
/* Says of each person that was looked for how like the likest face was: a warning when nobody was. w may be NULL. */
void vi_who_report(const vi_who *w, const vi_log *parent);

#endif
