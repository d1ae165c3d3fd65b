/* cache/cache.h: results of analysis kept from one run to the next: bytes of somebody else's making for each frame of an input, in
 * one SQLite file of a limited size. Knows no pictures and no faces: it keeps what it is given under two names, what the input is
 * (by its bytes) and a key for all that the results depend on.
 *
 * What it keeps tells where people's faces are and who is like whom: the file is readable by its owner alone, in a folder that
 * others cannot enter, and what is deleted is overwritten.
 *
 * A handle belongs to one thread; several processes may use one file at once. Nothing here is worth a failed run: callers do
 * without when a call fails. */
#ifndef VI_CACHE_H
#define VI_CACHE_H

#include "base/base.h"
#include "options/options.h"

typedef struct vi_cache_settings {
    vi_option_text cache; /* folder, "": $VISO_CACHE or the usual one, "off" */
    vi_option_text size;  /* as vi_size_parse takes it, "": no limit */
} vi_cache_settings;
extern const vi_option_group vi_cache_options;

/* The folder of the settings, allocated; NULL: off, or there is no home to have one in. */
char *vi_cache_folder(const vi_cache_settings *s);

typedef struct vi_cache vi_cache;
/* `folder` and the file in it are made when they are missing if `create`, else VISO_EOF without a message. limit: bytes, 0 none. A
 * file that is damaged, or is something else, is moved aside with a warning and a new one made (only with `create`). */
int vi_cache_open(vi_cache **c, const char *folder, uint64_t limit, bool create, const vi_log *log, viso_error *err);
void vi_cache_close(vi_cache **c);
const char *vi_cache_path(const vi_cache *c); /* of the file */
/* After a call that failed: the file itself is at fault. It is moved aside; the handle can only be closed. */
void vi_cache_give_up(vi_cache *c);

/* ---- inputs ---- */

/* An input is known by its bytes, not by its name: size and digest of all of it up to VI_CACHE_WHOLE bytes; of a larger one size,
 * time of the last change, and digests of the first, the middle and the last megabyte. A folder (pictures that are a clip): names,
 * sizes and times of its files. */
#define VI_CACHE_WHOLE ((uint64_t)64 << 20)
typedef struct vi_cache_input {
    char digest[65];
    uint64_t bytes;
    char *path; /* whole, for people; owned by whoever filled it in (vi_cache_input_free) */
} vi_cache_input;
/* VISO_EOF (no message): neither a regular file nor a folder. */
int vi_cache_identify(const char *path, vi_cache_input *in, viso_error *err);
void vi_cache_input_free(vi_cache_input *in);

/* ---- runs ---- */

/* A run over the frames of an input from time `first` up to, and without, `end`; times in the ticks of the input. */
typedef struct vi_cache_span {
    int64_t first, end;
    int num, den; /* a tick is num / den seconds */
} vi_cache_span;

/* A whole run of this input and key that began at `first`, else the one that began first and has a frame there, and goes up to `end`.
 * VISO_EOF (no message): none. It counts as used now. */
int vi_cache_find(vi_cache *c, const vi_cache_input *in, const char *key, const vi_cache_span *span, int64_t *run, viso_error *err);
/* Begins one, not whole until vi_cache_finish; what other processes began and did not end is thrown away when they are gone. */
int vi_cache_begin(vi_cache *c, const vi_cache_input *in, const char *key, const vi_cache_span *span, int64_t *run, viso_error *err);

/* Frames on the way into a run or out of it. A zeroed one is empty; freed with vi_blob_free(&b->bytes). */
enum { VI_CACHE_BATCH = 64 };
typedef struct vi_cache_batch {
    vi_blob bytes;
    int n;
    int64_t pts[VI_CACHE_BATCH];
    size_t end[VI_CACHE_BATCH]; /* of the frame's bytes */
} vi_cache_batch;
void vi_cache_batch_clear(vi_cache_batch *b);
/* What was put into b->bytes since the last mark is the frame at `pts`. */
void vi_cache_batch_mark(vi_cache_batch *b, int64_t pts);

/* Writes a batch in one transaction. Older runs go, least recently used first, when the limit is passed; a little at a time.
 * VISO_EOF (no message): this run alone passes it. */
int vi_cache_write(vi_cache *c, int64_t run, const vi_cache_batch *b, viso_error *err);
int vi_cache_finish(vi_cache *c, int64_t run, viso_error *err); /* it is whole: others may use it */
void vi_cache_drop(vi_cache *c, int64_t run);
/* The next frames at or after `pts` into b, none at the end. VISO_ERR_INPUT: bytes are not those that were written. */
int vi_cache_read(vi_cache *c, int64_t run, int64_t pts, vi_cache_batch *b, viso_error *err);

/* ---- for people ---- */

typedef struct vi_cache_run {
    char digest[65];
    char *path;
    uint64_t input_bytes, bytes, frames;
    vi_cache_span span; /* first and last frame */
    bool whole;
    char made[24], used[24]; /* UTC */
} vi_cache_run;
/* Most recently used first; freed with vi_cache_runs_free. */
int vi_cache_runs(vi_cache *c, vi_cache_run **list, int *n, viso_error *err);
void vi_cache_runs_free(vi_cache_run *list, int n);
uint64_t vi_cache_file_bytes(const vi_cache *c); /* with its side files */
/* Forgets an input by digest or path (either may be NULL), or with both NULL everything. *runs: how many. */
int vi_cache_clear(vi_cache *c, const char *digest, const char *path, int *runs, viso_error *err);
/* After clearing: overwrites and gives back what is not used. */
int vi_cache_shrink(vi_cache *c, viso_error *err);

#endif
