/* base/mem.c: allocation with a fault hook for tests, and the arena. */
#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
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

void *vi_alloc(size_t size)
{
    void *p = NULL;
    if (should_fail() || size > SIZE_MAX / 2)
        return NULL;
    if (posix_memalign(&p, 64, size ? size : 1) != 0)
        return NULL;
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
    if (should_fail())
        return VISO_ERR_NO_SPACE;
    void *p = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return VISO_ERR_NO_SPACE;
    a->base = p;
    a->capacity = capacity;
    return 0;
}

void vi_arena_destroy(vi_arena *a)
{
    if (a->base)
        munmap(a->base, a->capacity);
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
