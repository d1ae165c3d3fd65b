/* tests/infer/fake.h: a layer for under a runtime handle that fails when told to. It lends the CPU's arithmetic to three
 * pretended providers; "tensorrt" and "cuda" have memory of their own, which nothing but the layer's copies fills, so that
 * a forgotten copy shows. Include test.h first. */
#ifndef FAKE_H
#define FAKE_H

#include <stdatomic.h>

#include "infer/backend.h"

typedef struct fake_plan {
    const vi_backend *real;
    void *self;
    const char *missing[VI_PROVIDERS + 1]; /* why it is not usable, NULL: it is */
    bool load_fails[VI_PROVIDERS + 1], bind_fails[VI_PROVIDERS + 1];
    atomic_int runs_left[VI_PROVIDERS + 1]; /* the run after these fails, and all later ones; below 0: never */
    int fall_of;                            /* the n-th graph loaded (from 1) fails to run, wherever but on the CPU */
    bool copies_fail;
    atomic_int graphs, contexts;            /* alive now */
    atomic_int loads, copies, numbers;
    float garbage[VI_PROVIDERS + 1];        /* added to the first number of every output, NaN too; 0: right results */
    vi_load last[VI_PROVIDERS + 1];         /* what the last load on each was told; its pointers are stale */
    vi_profile profile;                     /* the first one of the last load that had any; the name is stale */
    char digest[65], cache_dir[256];        /* of the last load that had them */
} fake_plan;

extern const vi_backend fake_backend;
/* Puts it under a handle, with everything usable and nothing failing. */
void fake_under(fake_plan *f, vi_runtime *rt);

#endif
