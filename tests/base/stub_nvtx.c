/* A tool that speaks NVTX 3: counts what is pushed and popped, per name, and checks that threads are balanced. Read by the test
 * through stub_nvtx_report(). */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*any_fn)(void);

#define SEEN __attribute__((visibility("default")))
SEEN int stub_nvtx_count(const char *name);
SEEN void stub_nvtx_report(int *pushed, int *popped, int *depth_most, int *bad, const char **names);
SEEN int InitializeInjectionNvtx2(const void *(*export_table)(uint32_t));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { char name[64]; int n; } seen[256];
static int n_seen, pushes, pops, deepest, broken;
static char threads[512];
static _Thread_local int depth;

static int push(const char *name)
{
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < n_seen && strcmp(seen[i].name, name) != 0)
        i++;
    if (i == n_seen && n_seen < 256) {
        snprintf(seen[i].name, sizeof seen[i].name, "%s", name);
        n_seen++;
    }
    if (i < 256)
        seen[i].n++;
    pushes++;
    depth++;
    deepest = depth > deepest ? depth : deepest;
    pthread_mutex_unlock(&lock);
    return depth - 1;
}

static int pop(void)
{
    pthread_mutex_lock(&lock);
    pops++;
    broken += depth <= 0;
    depth--;
    pthread_mutex_unlock(&lock);
    return depth;
}

static void name_thread(uint32_t id, const char *name)
{
    (void)id;
    pthread_mutex_lock(&lock);
    size_t used = strlen(threads);
    snprintf(threads + used, sizeof threads - used, "%s ", name);
    pthread_mutex_unlock(&lock);
}

SEEN int stub_nvtx_count(const char *name)
{
    for (int i = 0; i < n_seen; i++)
        if (strcmp(seen[i].name, name) == 0)
            return seen[i].n;
    return 0;
}

SEEN void stub_nvtx_report(int *pushed, int *popped, int *depth_most, int *bad, const char **names)
{
    *pushed = pushes;
    *popped = pops;
    *depth_most = deepest;
    *bad = broken;
    *names = threads;
}

/* For a program as a whole: what was seen, written to $STUB_NVTX_OUT at its end. */
__attribute__((destructor)) static void write_report(void)
{
    const char *path = getenv("STUB_NVTX_OUT");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f)
        return;
    fprintf(f, "%s %d\n", pushes == pops && !broken ? "balanced" : "NOT balanced", pushes);
    for (int i = 0; i < n_seen; i++)
        fprintf(f, "%s %d\n", seen[i].name, seen[i].n);
    fclose(f);
}

/* As the tools do it: all modules are asked for, and one that is missing ends the matter. */
SEEN int InitializeInjectionNvtx2(const void *(*export_table)(uint32_t))
{
    const struct { size_t size; int (*module_table)(int, any_fn ***, unsigned *); } *callbacks = export_table(1);
    const struct { size_t size; uint32_t version, reserved; void (*tool)(uint32_t); } *version = export_table(3);
    static const unsigned least[] = { 0, 15, 8, 14, 6, 15, 6 };
    any_fn **core = NULL;
    if (!callbacks || callbacks->size < sizeof *callbacks || !version || version->version != 3 || export_table(7))
        return 0;
    version->tool(3);
    for (int m = 1; m < 7; m++) {
        any_fn **table = NULL;
        unsigned size = 0;
        if (!callbacks->module_table(m, &table, &size) || !table || size <= least[m] || table[0] || !table[least[m]])
            return 0;
        core = m == 1 ? table : core;
    }
    if (callbacks->module_table(0, NULL, NULL) || callbacks->module_table(7, NULL, NULL))
        return 0;
    *core[9] = (any_fn)push;
    *core[11] = (any_fn)pop;
    *core[14] = (any_fn)name_thread;
    return 1;
}
