/* pipeline/named.h: people of the gallery as a run needs them: by name to a face's embedding or a source person's vectors.
 * Recognisers that came after the photographs are computed from the crops here and kept. One owner thread. */
#ifndef VI_NAMED_H
#define VI_NAMED_H

#include "gallery/gallery.h"
#include "identify/identify.h"
#include "pipeline/analyse.h"
#include "viso/gallery.h"

/* The gallery of the settings. VISO_EOF (no message): there is no file, and `create` is false. */
int vi_named_open(vi_gallery **g, const vi_context *c, bool create, viso_error *err);
/* Path of that file, allocated; NULL with a message. */
char *vi_named_path(const vi_context *c, viso_error *err);
/* Whether the gallery has somebody of this name. A gallery that is not there or cannot be read has nobody: *found false. */
bool vi_named_there(const vi_context *c, const char *name);

/* The person's embedding by the recogniser and crop of the settings, unit length, as a face that has nothing else. VISO_EOF
 * without a message when the person has no vector by it and no crop to make one from. */
int vi_named_face(vi_gallery *g, const vi_context *c, int64_t person, viso_face *face, viso_error *err);
/* A source person for swappers that take a latent. Crops count as photographs, imported vectors as vectors. */
int vi_named_identity(const vi_context *c, const char *name, vi_identity **out, viso_error *err);

/* Adds the largest face of a photograph. */
int vi_named_add(vi_gallery *g, const vi_context *c, vi_analyser *stills, const char *name, const char *path,
                 viso_gallery_added *what, viso_error *err);
/* Makes the vectors a person lacks: of one recogniser, or (NULL) of all that are installed. *made counts on. */
int vi_named_fill(vi_gallery *g, const vi_context *c, int64_t person, const char *recogniser, int *made, viso_error *err);

#endif
