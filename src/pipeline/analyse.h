/* pipeline/analyse.h: the temporal lane's chain on one frame: (track) detect, landmark, (track), identify. Also used for
 * single pictures, without the track stages. One owner thread; frames in order. */
#ifndef VI_ANALYSE_H
#define VI_ANALYSE_H

#include "pipeline/context.h"

typedef struct vi_analyser vi_analyser;

typedef struct vi_analyser_params {
    bool time;  /* frames of a clip: follow faces */
    bool embed; /* compute embeddings */
    bool largest; /* of stills only the largest face is wanted; smaller ones may be missing from the list */
    uint32_t wants; /* what comes after the analysis and needs parts of a face: VISO_FACE_HAS_* */
    void (*landmarks)(void *user, const vi_work *w); /* called with the landmarks as their network gave them; may be NULL */
    void *user;
} vi_analyser_params;

int vi_analyser_create(vi_analyser **a, const vi_context *c, const vi_analyser_params *p, viso_error *err);
void vi_analyser_destroy(vi_analyser **a);
/* Fills w->face. Without `time`, records are sorted by size, largest first. */
int vi_analyser_run(vi_analyser *a, vi_work *w, viso_error *err);
/* With `time`: how many frames a work item is held back before it is settled, and settling the oldest one (track/track.h). */
int vi_analyser_lag(const vi_analyser *a);
void vi_analyser_settle(vi_analyser *a, vi_work *w);
/* What the stages remember of earlier frames, as bytes; into an analyser of the same stages, with any settings. */
void vi_analyser_save(const vi_analyser *a, vi_blob *b);
int vi_analyser_load(vi_analyser *a, vi_blob *b, viso_error *err);
/* The chain's stages for reports; NULL past the end. */
const vi_bound *vi_analyser_stage(const vi_analyser *a, int i);

/* The first frame of a picture (or clip) with its faces, for source and reference photographs. The caller unrefs the
 * frame and destroys the colour map. VISO_EOF (no message) when no face is seen. */
typedef struct vi_seen {
    vi_frame *frame;
    vi_colour_map colour;
    vi_work *work; /* faces, largest first */
} vi_seen;
int vi_see(vi_seen *s, vi_analyser *stills, const char *path, const vi_log *log, viso_error *err);
void vi_seen_free(vi_seen *s); /* a zeroed one is fine */

#endif
