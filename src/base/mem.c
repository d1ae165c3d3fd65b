/* base/mem.c: allocation with a fault hook for tests, and the arena. */
#include "base/base.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "viso/common.h"

static atomic_long fail_after = -1;

void vi_alloc_fail_after(long n)
{
    atomic_store(&fail_after, n);
}

static int should_fail(void)
{
    long n = atomic_load(&fail_after);
    while (n >= 0) {
        if (atomic_compare_exchange_weak(&fail_after, &n, n - 1))
            return n == 0;
    }
    return 0;
}

/* Blocks of a large page and more are mapped one by one, so that they go back to the system whole. In the heap of the C library they
 * would stay where they were freed, and their wish for large pages with them: a few bytes of someone else would then take two megabytes.
 *
 * Large pages are one fault instead of 512, which is what half of a start's time went to. Only a wish: where the system has none left,
 * or none at all, the small ones do. A last piece of a page stays small. */
enum { HUGE_PAGE = 2 << 20, MOST_MAPPED = 1024 };

/* Up to whole large pages where that adds an eighth or less. */
static size_t worth_taking(size_t size)
{
    size_t whole = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    return whole - size <= size / 8 ? whole : size;
}

static size_t in_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

/* Cleared memory that begins where a large page does; NULL where there is none. `reserve`: addresses for more than may ever be used;
 * otherwise the system may refuse what it could not give. */
static void *map_large(size_t size, bool reserve)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | (reserve ? MAP_NORESERVE : 0);
    int before = errno;
    size = in_pages(size);
    uint8_t *p = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    size_t head = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;
    if (head > 0)
        munmap(p, head);
    munmap(p + head + size, HUGE_PAGE - head);
#ifdef MADV_HUGEPAGE
    madvise(p + head, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    errno = before;
    return p + head;
}

static void unmap_large(void *p, size_t size)
{
    munmap(p, in_pages(size));
}

/* The mapped blocks of this process. Few are alive at a time, and only an address that a large page begins at is looked for. */
static pthread_mutex_t mapped_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    void *p;
    size_t size;
} mapped[MOST_MAPPED];

/* Puts `put` into the first place that holds `p`; whether there is one, and what size it held. */
static bool exchange(void *p, void *put, size_t size, size_t *held)
{
    pthread_mutex_lock(&mapped_lock);
    int i = 0;
    while (i < MOST_MAPPED && mapped[i].p != p)
        i++;
    bool found = i < MOST_MAPPED;
    if (found) {
        *held = mapped[i].size;
        mapped[i].p = put;
        mapped[i].size = size;
    }
    pthread_mutex_unlock(&mapped_lock);
    return found;
}

/* NULL also where the list is full: the heap does then. */
static void *take_mapped(size_t size)
{
    size_t none;
    void *p = map_large(size, false);
    if (!p || exchange(NULL, p, size, &none))
        return p;
    unmap_large(p, size);
    return NULL;
}

static bool give_mapped(void *p)
{
    size_t size;
    if (!p || (uintptr_t)p % HUGE_PAGE != 0 || !exchange(p, NULL, 0, &size))
        return false;
    unmap_large(p, size);
    return true;
}

static void *allocate(size_t size, bool cleared)
{
    void *p = NULL;
    if (should_fail() || size > SIZE_MAX / 2)
        return NULL;
    /* Sanitizers know what lies in the heap: there all blocks stay in it. */
    if (!VI_SANITIZED && size >= HUGE_PAGE && (p = take_mapped(worth_taking(size))))
        return p;
    if (posix_memalign(&p, 64, size ? size : 1) != 0)
        return NULL;
    return cleared ? memset(p, 0, size) : p;
}

void *vi_alloc(size_t size)
{
    return allocate(size, false);
}

void *vi_calloc(size_t count, size_t size)
{
    size_t total;
    return __builtin_mul_overflow(count, size, &total) ? NULL : allocate(total, true);
}

void vi_free(void *p)
{
    if (!give_mapped(p))
        free(p);
}

char *vi_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = vi_alloc(n);
    if (p)
        memcpy(p, s, n);
    return p;
}

char *vi_asprintf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        return NULL;
    char *p = vi_alloc((size_t)n + 1);
    if (p) {
        va_start(args, fmt);
        vsnprintf(p, (size_t)n + 1, fmt, args);
        va_end(args);
    }
    return p;
}

int vi_arena_create(vi_arena *a, size_t capacity)
{
    memset(a, 0, sizeof *a);
    if (should_fail() || capacity > SIZE_MAX / 2)
        return VISO_ERR_NO_SPACE;
    uint8_t *p = map_large(capacity ? capacity : 1, true);
    if (!p)
        return VISO_ERR_NO_SPACE;
    a->base = p;
    a->capacity = capacity;
    return 0;
}

void vi_arena_destroy(vi_arena *a)
{
    if (a->base)
        unmap_large(a->base, a->capacity ? a->capacity : 1);
    memset(a, 0, sizeof *a);
}

void *vi_arena_alloc(vi_arena *a, size_t size)
{
    size_t need = (size + 63) & ~(size_t)63;
    if (need < size || need > a->capacity - a->used)
        return NULL;
    void *p = a->base + a->used;
    a->used += need;
    if (a->used > a->peak)
        a->peak = a->used;
    return p;
}

/* glibc raises both bounds with every freed block up to 32 and 64 MiB. Blocks of that size then lie in the heaps of the threads, which
 * keep what is free at their ends, malloc_trim or not: how much depends on which thread opened which network. */
void vi_heap_steady(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 18);
#endif
}

uint64_t vi_peak_rss(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return 0;
    return (uint64_t)u.ru_maxrss * 1024;
}

uint64_t vi_current_rss(void)
{
    unsigned long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f)
        return 0;
    if (fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
