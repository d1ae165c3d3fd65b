/* base/memory.c: how much memory there is for us: /proc/meminfo, held against the limits of the control groups. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The number after `key` in a file of "key number" lines, or the file's first number without a key. False: not there. */
static int read_number(const char *path, const char *key, uint64_t *value)
{
    char line[256];
    size_t n = key ? strlen(key) : 0;
    int found = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    while (!found && fgets(line, sizeof line, f))
        if (!key || strncmp(line, key, n) == 0)
            found = sscanf(line + n, " %" SCNu64, value) == 1; /* "max" is no number: no limit */
    fclose(f);
    return found;
}

typedef struct group {
    const char *limit, *used, *reclaimable; /* files and key of one version of control groups */
} group;

static const group v2 = { "memory.max", "memory.current", "inactive_file" };
static const group v1 = { "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file" };

/* One level of the hierarchy. */
static void apply(vi_memory *m, const char *folder, const group *g)
{
    char path[1400];
    uint64_t limit, used = 0, cache = 0;
    snprintf(path, sizeof path, "%s/%s", folder, g->limit);
    if (!read_number(path, NULL, &limit) || limit >= m->total)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, g->used);
    read_number(path, NULL, &used);
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    read_number(path, g->reclaimable, &cache);
    used -= cache < used ? cache : used;
    uint64_t left = limit > used ? limit - used : 0;
    if (!m->limit || limit < m->limit)
        m->limit = limit;
    if (left < m->available)
        m->available = left;
}

/* From our own group up to the top. Inside a container the path may be the host's and lead nowhere; the top is ours then. */
static void climb(vi_memory *m, const char *top, char *path, const group *g)
{
    char folder[1200];
    for (;;) {
        snprintf(folder, sizeof folder, "%s%s", top, path);
        apply(m, folder, g);
        char *slash = strrchr(path, '/');
        if (!slash)
            break;
        *slash = 0;
    }
}

static void groups(vi_memory *m, const char *root)
{
    char path[600], line[1024], top[600];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *names = strchr(line, ':'), *at = names ? strchr(names + 1, ':') : NULL;
        if (!at)
            continue;
        *at++ = 0;
        if (strcmp(names + 1, "") == 0)
            snprintf(top, sizeof top, "%s/sys/fs/cgroup", root);
        else if (strcmp(names + 1, "memory") == 0)
            snprintf(top, sizeof top, "%s/sys/fs/cgroup/memory", root);
        else
            continue;
        climb(m, top, at, names[1] ? &v1 : &v2);
    }
    if (f)
        fclose(f);
}

void vi_memory_at(const char *root, vi_memory *m)
{
    char path[600];
    uint64_t kib = 0;
    *m = (vi_memory){ 0 };
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (read_number(path, "MemTotal:", &kib))
        m->total = kib * 1024;
    if (read_number(path, "MemAvailable:", &kib) || read_number(path, "MemFree:", &kib))
        m->available = kib * 1024;
    if (m->total)
        groups(m, root);
}

void vi_memory_now(vi_memory *m)
{
    vi_memory_at("", m);
}
