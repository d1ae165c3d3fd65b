/* cache/identify.c: which input it is, by its bytes. */
#include <dirent.h>
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

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Pictures that are a clip: names, sizes and times of all files. */
static int digest_folder(const char *path, vi_cache_input *in, viso_error *err)
{
    struct dirent **entry = NULL;
    vi_blob text = { 0 };
    int n = scandir(path, &entry, NULL, by_bytes);
    for (int i = 0; i < n; i++) {
        struct stat st;
        char line[64];
        char *file = vi_path_join(path, entry[i]->d_name);
        text.failed = text.failed || !file;
        if (file && stat(file, &st) == 0 && S_ISREG(st.st_mode)) {
            int size = snprintf(line, sizeof line, "%" PRId64 " %" PRId64 ".%09ld", (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec,
                                st.st_mtim.tv_nsec);
            vi_blob_put(&text, entry[i]->d_name, strlen(entry[i]->d_name) + 1);
            vi_blob_put(&text, line, (size_t)size + 1);
            in->bytes += (uint64_t)st.st_size;
        }
        vi_free(file);
        free(entry[i]);
    }
    free(entry);
    bool ok = n >= 0 && !text.failed;
    if (ok)
        vi_sha256(text.data, text.size, in->digest);
    vi_blob_free(&text);
    return ok ? VISO_OK : n < 0 ? vi_error_set(err, VISO_ERR_INPUT, "%s: %s", path, strerror(errno)) : vi_error_nomem(err, path);
}

static int digest(const char *path, const struct stat *st, vi_cache_input *in, viso_error *err)
{
    if (S_ISDIR(st->st_mode))
        return digest_folder(path, in, err);
    in->bytes = (uint64_t)st->st_size;
    return in->bytes <= VI_CACHE_WHOLE ? vi_sha256_file(path, in->digest, err) : digest_parts(path, st, in->digest, err);
}

int vi_cache_identify(const char *path, vi_cache_input *in, viso_error *err)
{
    struct stat st;
    memset(in, 0, sizeof *in);
    if (stat(path, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return VISO_EOF;
    errno = 0;
    int rc = digest(path, &st, in, err);
    if (!rc && !(in->path = whole_path(path)))
        rc = vi_error_nomem(err, path);
    return rc;
}

void vi_cache_input_free(vi_cache_input *in)
{
    vi_free(in->path);
    memset(in, 0, sizeof *in);
}
