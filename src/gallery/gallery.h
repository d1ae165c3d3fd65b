/* gallery/gallery.h: named people in one SQLite file: photographs of each (an aligned crop, quality, where it came from) and the
 * raw vectors that recognisers made of them. Knows no pictures and no networks: it keeps what it is given.
 *
 * What it keeps is biometric data. The file is readable by its owner alone, deleted rows are overwritten, and nothing of it goes
 * anywhere by itself.
 *
 * A handle belongs to one thread; several processes may use one file at once (a writer waits for another for ten seconds).
 * Each call is one transaction unless vi_gallery_begin opened a longer one. Faults: VISO_ERR_INPUT (damaged, no gallery, not
 * readable, of a newer version, no such person), VISO_ERR_USAGE (a name that cannot be one), VISO_ERR_NO_SPACE. */
#ifndef VI_GALLERY_H
#define VI_GALLERY_H

#include "base/base.h"

#define VI_GALLERY_NAME 128    /* bytes of a name with its end */
#define VI_GALLERY_CROP 512    /* most pixels of a crop's side */
#define VI_GALLERY_VECTOR 2048 /* most numbers of a vector */

typedef struct vi_store vi_gallery; /* store/store.h */

/* $XDG_DATA_HOME/viso/gallery.db or ~/.local/share/viso/gallery.db, allocated; NULL without a home (or out of memory). */
char *vi_gallery_usual_path(void);
/* Opens the file; with `create` it (and its folders) are made when missing, else VISO_EOF without a message. Brings an older
 * file to the present version. */
int vi_gallery_open(vi_gallery **g, const char *path, bool create, const vi_log *log, viso_error *err);
void vi_gallery_close(vi_gallery **g); /* rolls an open transaction back */
const char *vi_gallery_path(const vi_gallery *g);

int vi_gallery_begin(vi_gallery *g, viso_error *err);
int vi_gallery_commit(vi_gallery *g, viso_error *err);
void vi_gallery_rollback(vi_gallery *g);

/* ---- people ---- */

/* Names: 1 to 127 bytes of UTF-8 without control characters, '/', '=', a dash in front, and not a word of --face. */
int vi_gallery_check_name(const char *name, viso_error *err);

typedef struct vi_gallery_person {
    int64_t id;
    char name[VI_GALLERY_NAME];
    char added[24]; /* UTC, "2026-01-31T12:00:00Z" */
    int photos, crops, vectors;
    float quality; /* of the best photograph, below 0: not known */
} vi_gallery_person;
/* By name. Allocated, freed with vi_free. */
int vi_gallery_people(vi_gallery *g, vi_gallery_person **list, int *n, viso_error *err);
/* VISO_EOF (no message): nobody of this name. */
int vi_gallery_find(vi_gallery *g, const char *name, int64_t *id, viso_error *err);
/* Finds or makes. */
int vi_gallery_person_id(vi_gallery *g, const char *name, int64_t *id, viso_error *err);
int vi_gallery_remove(vi_gallery *g, const char *name, viso_error *err);
int vi_gallery_rename(vi_gallery *g, const char *name, const char *to, viso_error *err);
/* All photographs of `from` become those of `into`; `from` is gone. Photographs that both have are kept once. */
int vi_gallery_merge(vi_gallery *g, const char *into, const char *from, viso_error *err);

/* ---- photographs ---- */

typedef struct vi_gallery_photo {
    int64_t id;
    char name[256];  /* of the file it came from, without its folder */
    char sha256[65]; /* of that file */
    char added[24];
    float quality;   /* 0..1, below 0: not known */
    float points[10]; /* x, y of the five points in the crop */
    int side;        /* of the crop, 0: there is none (an imported vector) */
    uint8_t *rgb;    /* side x side x 3, sRGB; NULL when not asked for */
} vi_gallery_photo;
/* VISO_EOF (no message): this person has a photograph of this digest already. `photo->id` and `added` are set. */
int vi_gallery_add_photo(vi_gallery *g, int64_t person, vi_gallery_photo *photo, viso_error *err);
/* In the order in which they came. Allocated, freed with vi_gallery_photos_free. */
int vi_gallery_photos(vi_gallery *g, int64_t person, bool pixels, vi_gallery_photo **list, int *n, viso_error *err);
void vi_gallery_photos_free(vi_gallery_photo *list, int n);

/* ---- vectors ---- */

typedef struct vi_gallery_vector {
    int64_t photo;
    char recogniser[48];
    char crop[16];   /* type of the crop it was made from; "": not known (imported), taken for any */
    char digest[65]; /* SHA-256 of the model that made it, "": not known */
    int n;
    float *value; /* raw; owned by the list */
} vi_gallery_vector;
/* Replaces the one of the same photograph, recogniser and crop. */
int vi_gallery_put_vector(vi_gallery *g, const vi_gallery_vector *v, viso_error *err);
/* Of a person; recogniser and crop may be NULL: any. A crop that is asked for also takes those not known. Freed with
 * vi_gallery_vectors_free. */
int vi_gallery_vectors(vi_gallery *g, int64_t person, const char *recogniser, const char *crop, vi_gallery_vector **list, int *n,
                       viso_error *err);
void vi_gallery_vectors_free(vi_gallery_vector *list, int n);

/* ---- VisoMaster's embeddings ---- */

/* Several raw vectors of one length into one; false: out of memory. */
typedef bool (*vi_gallery_merge_fn)(void *user, const float *const *in, int n, int size, float *out);
/* A list of {"name": …, "embedding_store": {recogniser: [numbers]}}, readable by its owner alone. Recognisers that both know go
 * by VisoMaster's names, the others by ours. A person's vectors by one recogniser become one. */
int vi_gallery_export(vi_gallery *g, const char *path, vi_gallery_merge_fn merge, void *user, int *people, viso_error *err);
/* Adds what the file holds, all or nothing. Names that cannot be one are changed, with a warning. Importing a file again
 * changes nothing. *added: people's entries that came new, of *people in the file. */
int vi_gallery_import(vi_gallery *g, const char *path, int *people, int *added, viso_error *err);

#endif
