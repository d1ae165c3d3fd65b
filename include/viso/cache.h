/* viso/cache.h: what was found in videos, kept for the next run: where faces are in each frame, their points and pose, and numbers
 * by which a person is known again. One SQLite file in a folder (settings `cache` and `cache-size`,
 * environment variable VISO_CACHE).
 *
 * This is data about people, in part biometric: the file is readable by its owner alone, and nothing of it leaves the machine by
 * itself. viso_cache_clear forgets it.
 *
 * A handle belongs to the engine it was opened with and to that engine's thread. Several processes may use one file. */
#ifndef VISO_CACHE_H
#define VISO_CACHE_H

#include "viso/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct viso_cache viso_cache;

/* Neither folder nor file need exist, and none is made. VISO_ERR_INPUT: damaged, another program's, a newer version's. */
VISO_API int viso_cache_open(viso_cache **c, viso_engine *e, viso_error *err);
VISO_API void viso_cache_close(viso_cache **c);
/* Of the file; "" when the cache is off. */
VISO_API const char *viso_cache_path(const viso_cache *c);

typedef struct viso_cache_run {
    const char *path;     /* of the input, when it was seen last; it is known by its bytes and not by this */
    char digest[65];      /* of the input's bytes, see docs/cache.md */
    uint64_t input_bytes; /* size of the input */
    double from_s, to_s;  /* times of the first and the last frame, as the input counts them */
    uint64_t frames;
    uint64_t bytes;       /* that the run takes */
    int whole;            /* 0: it is being made */
    char made[24], used[24]; /* UTC */
} viso_cache_run;
/* Most recently used first; owned by the handle, valid until the next call on it. */
VISO_API int viso_cache_runs(viso_cache *c, const viso_cache_run **list, int *n, viso_error *err);

typedef struct viso_cache_state {
    uint64_t bytes; /* of the file on the disk */
    uint64_t limit; /* 0: none */
    int inputs, runs;
    uint64_t frames;
} viso_cache_state;
VISO_API int viso_cache_now(viso_cache *c, viso_cache_state *s, viso_error *err);

/* Forgets the runs over these files, or, with n 0, all. What is deleted is overwritten, and the room given back. *runs: how many; may
 * be NULL. VISO_ERR_INPUT: nothing of such a file is kept. */
VISO_API int viso_cache_clear(viso_cache *c, const char *const *file, int n, int *runs, viso_error *err);

#ifdef __cplusplus
}
#endif
#endif
