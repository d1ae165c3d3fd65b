/* cache/internal.h: what the files of the room share. */
#ifndef VI_CACHE_INTERNAL_H
#define VI_CACHE_INTERNAL_H

#include <sys/stat.h>

#include "cache/cache.h"
#include "store/store.h"

/* Which file it is that lies at a place. */
typedef struct vi_cache_which {
    bool there;
    dev_t device;
    ino_t inode;
} vi_cache_which;

struct vi_cache {
    vi_store *file;
    uint64_t limit; /* 0 none */
    bool writes;    /* opened to keep something */
    vi_cache_which which;
    char *folder;
    vi_log log;
};

extern const vi_store_kind vi_cache_kind;

int64_t vi_cache_now_ms(void);
vi_cache_which vi_cache_which_is(const char *path);
/* Held while the file is opened and while it is moved: SQLite finds a file's log by its name, so that who has just opened a file
 * that is moved would take the new one's log for its own. -1, and no lock, where a folder cannot be locked or somebody holds it for
 * too long: a run is worth more than its record. */
int vi_cache_lock(const char *folder);
void vi_cache_unlock(int lock);
/* Moves the file with its side files to the name it leaves in `to`. When another one (or none) lies there by now, somebody was
 * faster: nothing is moved, and `to` is empty. False: it cannot be moved. */
bool vi_cache_move_aside(const char *path, vi_cache_which seen, char *to, size_t size);
/* Runs that nobody will end are given up; to be deleted by vi_cache_sweep. */
int vi_cache_bury(vi_cache *c, viso_error *err);
bool vi_cache_untidy(vi_cache *c); /* there is something to sweep */
/* Deletes up to `frames` frames of runs given up, and gives up whole ones until what is left keeps the limit. Inside a transaction. */
int vi_cache_sweep(vi_cache *c, int frames, viso_error *err);

#endif
