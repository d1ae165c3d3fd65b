/* models/verified.c: a small text file in the cache folder, one line for each file verified:
 *
 *     SHA-256 SIZE MTIME-IN-NS DEVICE INODE
 *
 * Whatever else stands in it is skipped, so a damaged cache costs a reading and nothing else. It is replaced whole; of two
 * processes that write at once one line may get lost, which costs a reading too. The cache saves time; it is no defence
 * against someone who can write to the user's own folders. */
#include "models/verified.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "models/internal.h"

enum { CACHE_MOST = 1 << 20, LINES_KEPT = 1000 };
static const char heading[] = "# models verified by viso: sha256 size mtime device inode\n";

typedef struct mark {
    char sha256[65];
    uint64_t size, mtime, dev, ino;
} mark;

static char *cache_file(bool make)
{
    char *dir, *path = NULL;
    vi_models_cache_dir(&dir, NULL);
    if (dir && make) {
        char *slash = strrchr(dir, '/');
        *slash = 0;
        mkdir(dir, 0700);
        *slash = '/';
        mkdir(dir, 0777);
    }
    if (dir)
        path = vi_path_join(dir, "verified.txt");
    vi_free(dir);
    return path;
}

static mark mark_of(const struct stat *st, const char *sha256)
{
    mark m = {.size = (uint64_t)st->st_size, .dev = (uint64_t)st->st_dev, .ino = (uint64_t)st->st_ino};
    m.mtime = (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
    snprintf(m.sha256, sizeof m.sha256, "%s", sha256);
    return m;
}

static bool read_line(const char *line, mark *m)
{
    int end = 0;
    if (sscanf(line, "%64[0-9a-f] %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 "%n", m->sha256, &m->size, &m->mtime, &m->dev,
               &m->ino, &end) != 5)
        return false;
    return strlen(m->sha256) == 64 && (line[end] == '\n' || line[end] == 0);
}

static char *read_cache(void)
{
    uint8_t *data = NULL;
    size_t size;
    char *path = cache_file(false);
    if (path && vi_file_exists(path) && vi_file_read(path, CACHE_MOST, &data, &size, NULL) == 0 && memchr(data, 0, size)) {
        vi_free(data); /* not a text */
        data = NULL;
    }
    vi_free(path);
    return (char *)data;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end && end[1] ? end + 1 : NULL;
}

bool vi_verified_before(const struct stat *st, const char *sha256)
{
    mark want = mark_of(st, sha256), m;
    char *text = read_cache();
    bool found = false;
    for (const char *line = text; line && *line && !found; line = next_line(line))
        found = read_line(line, &m) && strcmp(m.sha256, want.sha256) == 0 && m.size == want.size && m.mtime == want.mtime &&
                m.dev == want.dev && m.ino == want.ino;
    vi_free(text);
    return found;
}

void vi_verified_note(const struct stat *st, const char *sha256)
{
    mark new = mark_of(st, sha256), m;
    struct timespec now;
    /* A file written a moment ago may be written again without its time changing; clocks of file systems are coarse. */
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || st->st_mtim.tv_sec + 2 > now.tv_sec)
        return;
    char *old = read_cache(), *path = cache_file(true);
    size_t room = sizeof heading + (old ? strlen(old) : 0) + 200, used = 0;
    char *text = vi_alloc(room);
    if (text && path) {
        used = (size_t)snprintf(text, room, "%s%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", heading, new.sha256, new.size,
                                new.mtime, new.dev, new.ino);
        int kept = 0;
        for (const char *line = old; line && *line && kept < LINES_KEPT; line = next_line(line)) {
            if (!read_line(line, &m) || (m.dev == new.dev && m.ino == new.ino))
                continue;
            size_t n = strcspn(line, "\n");
            memcpy(text + used, line, n);
            text[used + n] = '\n';
            used += n + 1;
            ++kept;
        }
        vi_file_write(path, text, used, NULL);
    }
    vi_free(text);
    vi_free(path);
    vi_free(old);
}

bool vi_verify_file(const char *path, const char *sha256, bool force)
{
    struct stat before, after;
    char hex[65];
    if (stat(path, &before) != 0)
        return false;
    bool large = (uint64_t)before.st_size >= VI_VERIFY_ALWAYS;
    if (large && !force && vi_verified_before(&before, sha256))
        return true;
    if (vi_sha256_file(path, hex, NULL) != 0 || strcmp(hex, sha256) != 0)
        return false;
    if (large && stat(path, &after) == 0 && after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
        after.st_mtim.tv_nsec == before.st_mtim.tv_nsec && after.st_ino == before.st_ino && after.st_size == before.st_size)
        vi_verified_note(&after, sha256);
    return true;
}
