/* cache/internal.h: what the files of the room share. */
#ifndef VI_CACHE_INTERNAL_H
#define VI_CACHE_INTERNAL_H

#include "cache/cache.h"
#include "store/store.h"

struct vi_cache {
    vi_store *file;
    uint64_t limit; /* 0 none */
    bool writes;    /* opened to keep something */
    vi_log log;
};

extern const vi_store_kind vi_cache_kind;

int64_t vi_cache_now_ms(void);
/* Runs that nobody will end are given up; to be deleted by vi_cache_sweep. */
int vi_cache_bury(vi_cache *c, viso_error *err);
bool vi_cache_untidy(vi_cache *c); /* there is something to sweep */
/* Deletes up to `frames` frames of runs given up, and gives up whole ones until what is left keeps the limit. Inside a transaction. */
int vi_cache_sweep(vi_cache *c, int frames, viso_error *err);

#endif
