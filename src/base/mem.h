/* base/mem.h: allocation that can fail, and the arena that the frame path draws from.
 *
 * Every allocation returns NULL on failure; callers turn that into vi_error_nomem(). For tests, the
 * environment-free hook vi_alloc_fail_after() makes the n-th allocation from now fail. */
#ifndef VI_MEM_H
#define VI_MEM_H

#include <stddef.h>
#include <stdint.h>

/* From 2 MiB on a mapping of its own, in large pages where there are any. */
void *vi_alloc(size_t size);                  /* 64-byte aligned, not cleared */
void *vi_calloc(size_t count, size_t size);   /* 64-byte aligned, cleared; NULL on overflow */
void vi_free(void *p);                        /* for vi_alloc, vi_calloc, vi_strdup; NULL is fine */
char *vi_strdup(const char *s);
char *vi_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* n < 0 switches the failing off. Thread-safe. */
void vi_alloc_fail_after(long n);

/* A bump allocator over one reserved range of addresses: pages are only touched when used, so a
 * generous capacity costs nothing. One owner thread. Memory is 64-byte aligned and not cleared.
 * Scope it with mark/release; release returns nothing to the system (the pages stay warm). */
typedef struct vi_arena {
    uint8_t *base;
    size_t capacity;
    size_t used;
    size_t peak;
} vi_arena;

int vi_arena_create(vi_arena *a, size_t capacity); /* 0 or VISO_ERR_NO_SPACE */
void vi_arena_destroy(vi_arena *a);
void *vi_arena_alloc(vi_arena *a, size_t size); /* NULL when full */

static inline size_t vi_arena_mark(const vi_arena *a)
{
    return a->used;
}

static inline void vi_arena_release(vi_arena *a, size_t mark)
{
    a->used = mark;
}

/* For a program's main, before it starts threads: the C library's heap gives back what is freed instead of keeping the more, the larger
 * the blocks that were freed before. A process-wide setting, so the library itself leaves it to its host. */
void vi_heap_steady(void);

/* Peak resident memory of this process in bytes, and the present one. */
uint64_t vi_peak_rss(void);
uint64_t vi_current_rss(void);

/* Memory of the machine as far as this process may have it, in bytes: the smaller of what the kernel has and what the
 * control groups (versions 1 and 2, all levels) leave; 0 where nothing is known. What the kernel keeps only as a cache of files
 * counts as available. */
typedef struct vi_memory {
    uint64_t total, available;
    uint64_t limit; /* of the control groups, 0: none below `total` */
} vi_memory;
void vi_memory_now(vi_memory *m);
/* The same over another root ("" is the real one): ROOT/proc/…, ROOT/sys/fs/cgroup/…; for tests. */
void vi_memory_at(const char *root, vi_memory *m);

#endif
