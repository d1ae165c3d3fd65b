/* base/mem.c: allocation with a fault hook for tests, and the arena. */
#include "base/mem.h"

#include <errno.h>
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

/* Asks for pages of two megabytes: one fault instead of 512, which is what half of a start's time went to. Only a wish: where the
 * system has none left, or none at all, the small ones do. p is aligned to HUGE_PAGE; a last piece of a page stays small. */
enum { HUGE_PAGE = 2 << 20 };

/* Up to whole large pages where that adds an eighth or less. */
static size_t worth_taking(size_t size)
{
    size_t whole = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    return whole - size <= size / 8 ? whole : size;
}

static void want_huge(void *p, size_t size)
{
#ifdef MADV_HUGEPAGE
    int before = errno;
    madvise(p, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
    errno = before;
#else
    (void)p;
    (void)size;
#endif
}

void *vi_alloc(size_t size)
{
    void *p = NULL;
    if (should_fail() || size > SIZE_MAX / 2)
        return NULL;
    bool large = size >= HUGE_PAGE;
    if (large)
        size = worth_taking(size);
    if (posix_memalign(&p, large ? HUGE_PAGE : 64, size ? size : 1) != 0)
        return NULL;
    if (large)
        want_huge(p, size);
    return p;
}

void *vi_calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *p = vi_alloc(total);
    if (p)
        memset(p, 0, total);
    return p;
}

void vi_free(void *p)
{
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
    size_t more = capacity >= 2 * (size_t)HUGE_PAGE ? HUGE_PAGE : 0; /* to begin where a large page does */
    uint8_t *p = mmap(NULL, capacity + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return VISO_ERR_NO_SPACE;
    if (more) {
        size_t before = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;
        p += before;
        want_huge(p, capacity);
        a->slack = before;
        a->beyond = more - before;
    }
    a->base = p;
    a->capacity = capacity;
    return 0;
}

void vi_arena_destroy(vi_arena *a)
{
    if (a->base)
        munmap(a->base - a->slack, a->slack + a->capacity + a->beyond);
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
