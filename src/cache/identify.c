/* cache/identify.c: which input it is, by its bytes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/cache.h"

enum { PART = 1 << 20 };

/* The name as others find it, too. */
static char *whole_path(const char *path)
{
    char *real = realpath(path, NULL);
    char *copy = vi_strdup(real ? real : path);
    free(real);
    return copy;
}

static bool read_at(int fd, uint8_t *to, size_t size, off_t at)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, to + done, size - done, at + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* First, middle and last megabyte, with what makes a change elsewhere unlikely to be missed. */
static int digest_parts(const char *path, const struct stat *st, char digest[65], viso_error *err)
{
    char text[3 * 65 + 64], *at = text;
    uint8_t *part = vi_alloc(PART);
    if (!part)
        return vi_error_nomem(err, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const off_t from[3] = { 0, (st->st_size - PART) / 2, st->st_size - PART };
    bool ok = fd >= 0;
    for (int i = 0; i < 3 && ok; i++) {
        ok = read_at(fd, part, PART, from[i]);
        if (ok)
            vi_sha256(part, PART, at);
        at += 64;
    }
    if (ok)
        at += snprintf(at, 64, " %" PRId64 " %" PRId64 ".%09ld", (int64_t)st->st_size, (int64_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    if (ok)
        vi_sha256(text, (size_t)(at - text), digest);
    int why = errno;
    if (fd >= 0)
        close(fd);
    vi_free(part);
    return ok ? VISO_OK : vi_error_set(err, VISO_ERR_INPUT, "%s: %s", path, why ? strerror(why) : "became shorter while it was read");
}

int vi_cache_identify(const char *path, vi_cache_input *in, viso_error *err)
{
    struct stat st;
    memset(in, 0, sizeof *in);
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return VISO_EOF;
    in->bytes = (uint64_t)st.st_size;
    errno = 0;
    int rc = in->bytes <= VI_CACHE_WHOLE ? vi_sha256_file(path, in->digest, err) : digest_parts(path, &st, in->digest, err);
    if (!rc && !(in->path = whole_path(path)))
        rc = vi_error_nomem(err, path);
    return rc;
}

void vi_cache_input_free(vi_cache_input *in)
{
    vi_free(in->path);
    memset(in, 0, sizeof *in);
}
