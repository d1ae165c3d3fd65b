/* cache/aside.c: a file that is no cache, or a damaged one, goes out of the way and is not lost. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cache/internal.h"

enum { TURN_MS = 2 };

vi_cache_which vi_cache_which_is(const char *path)
{
    struct stat st;
    vi_cache_which w = { 0 };
    if (stat(path, &st) == 0)
        w = (vi_cache_which){ true, st.st_dev, st.st_ino };
    return w;
}

/* The side files first: whoever opens the place in between must not take another file's log for its own. */
static bool move(const char *path, const char *to)
{
    static const char *const side[] = { "-wal", "-shm", "-journal", "" };
    bool ok = true;
    for (size_t i = 0; i < VI_COUNT(side); i++) {
        char *from = vi_asprintf("%s%s", path, side[i]), *into = vi_asprintf("%s%s", to, side[i]);
        ok = from && into && (rename(from, into) == 0 || (errno == ENOENT && side[i][0]));
        vi_free(from);
        vi_free(into);
    }
    return ok;
}

static void free_name(const char *path, char *to, size_t size)
{
    for (int i = 1; i < 100; i++) {
        snprintf(to, size, "%s.aside-%d", path, i);
        if (!vi_file_exists(to))
            return;
    }
}

int vi_cache_lock(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int waited = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; waited += TURN_MS) {
        if ((errno == EWOULDBLOCK || errno == EINTR) && waited < vi_cache_kind.busy_ms) {
            usleep(TURN_MS * 1000);
            continue;
        }
        close(fd);
        fd = -1;
    }
    return fd;
}

void vi_cache_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}

bool vi_cache_move_aside(const char *path, vi_cache_which seen, char *to, size_t size)
{
    vi_cache_which now = vi_cache_which_is(path);
    to[0] = 0;
    if (!seen.there || !now.there || now.device != seen.device || now.inode != seen.inode)
        return true;
    free_name(path, to, size);
    return move(path, to);
}
