/* viso/gallery.h: people with a name: photographs of them and what recognisers made of these, in one SQLite file.
 *
 * This is biometric data: keep it only of people who agreed to that, and no longer than it is needed. The file is readable by
 * its owner alone, what is removed is overwritten, and nothing of it leaves the machine by itself.
 *
 * A gallery belongs to the engine it was opened with (its models, its settings `gallery`, `recogniser`, `crop-type`, `merge`,
 * `match`) and to that engine's thread. Several processes may use one file. */
#ifndef VISO_GALLERY_H
#define VISO_GALLERY_H

#include "viso/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct viso_gallery viso_gallery;

/* The file need not exist: the first thing added makes it. VISO_ERR_INPUT: damaged, another program's, a newer version's. */
VISO_API int viso_gallery_open(viso_gallery **g, viso_engine *e, viso_error *err);
VISO_API void viso_gallery_close(viso_gallery **g);
VISO_API const char *viso_gallery_path(const viso_gallery *g);

typedef struct viso_gallery_person {
    char name[128];
    char added[24];   /* UTC */
    int photos;       /* entries: photographs, and imported vectors */
    int crops;        /* of these, with a picture from which later recognisers can be computed */
    int vectors;
    float quality;    /* of the best photograph, 0..1; below 0: not known */
} viso_gallery_person;
/* By name; allocated, freed with viso_gallery_free. */
VISO_API int viso_gallery_people(viso_gallery *g, viso_gallery_person **list, int *n, viso_error *err);

typedef struct viso_gallery_photo {
    char name[256];     /* of the file */
    char sha256[65];
    char added[24];
    float quality;      /* below 0: not known */
    int crop;           /* side of the crop in pixels, 0: none */
    char vectors[512];  /* recognisers that there are vectors of, with commas */
} viso_gallery_photo;
VISO_API int viso_gallery_photos(viso_gallery *g, const char *name, viso_gallery_photo **list, int *n, viso_error *err);
VISO_API void viso_gallery_free(void *list);

typedef struct viso_gallery_added {
    int faces;      /* in the photograph; the largest was taken */
    float quality;  /* 0..1 */
    char why[200];  /* what speaks against the photograph, "" nothing */
    int vectors;    /* recognisers it was put through */
    int again;      /* the same file was there already: nothing was added */
    float cosine;   /* to the person as known before, by the recogniser of the settings; below -1: there was nothing */
    float match;    /* from which cosine that is the same person */
} viso_gallery_added;
/* The largest face of a photograph becomes one of the person's. `what` may be NULL. VISO_ERR_NO_SOURCE_FACE: none found. */
VISO_API int viso_gallery_add(viso_gallery *g, const char *name, const char *photo, viso_gallery_added *what, viso_error *err);
VISO_API int viso_gallery_remove(viso_gallery *g, const char *name, viso_error *err);
VISO_API int viso_gallery_rename(viso_gallery *g, const char *name, const char *to, viso_error *err);
/* Makes the photographs of `from` those of `into`; `from` is gone. */
VISO_API int viso_gallery_merge(viso_gallery *g, const char *into, const char *from, viso_error *err);
/* Vectors of recognisers that were installed later, from the crops. *made: how many; may be NULL. */
VISO_API int viso_gallery_refresh(viso_gallery *g, int *made, viso_error *err);
/* VisoMaster's embeddings (JSON). *people: how many are in the file; *added: how many came new. */
VISO_API int viso_gallery_export(viso_gallery *g, const char *path, int *people, viso_error *err);
VISO_API int viso_gallery_import(viso_gallery *g, const char *path, int *people, int *added, viso_error *err);

typedef struct viso_gallery_likeness {
    char name[128];    /* of the person most like the face, "": the gallery has nobody with a vector to compare */
    float cosine;      /* -1..1 */
    float similarity;  /* 50 + 50 cosine */
    int same;          /* cosine reaches the threshold */
} viso_gallery_likeness;
/* Who is it? The face needs an embedding by the engine's recogniser (viso_look_open with `embed`). */
VISO_API int viso_gallery_who(viso_gallery *g, const viso_face *face, viso_gallery_likeness *who, viso_error *err);

#ifdef __cplusplus
}
#endif
#endif
