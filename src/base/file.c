/* base/file.c: bounded reads, names, digests, and files that get their name only when they are whole. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

/* errno to status: what the user can do about it differs. */
static int status_of_errno(int e)
{
    return e == ENOSPC || e == EDQUOT || e == ENOMEM ? VISO_ERR_NO_SPACE : VISO_ERR_INPUT;
}

int vi_file_read(const char *path, size_t limit, uint8_t **data, size_t *size, viso_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: cannot read: %s", path, strerror(errno));
    int rc = 0;
    uint8_t *buf = NULL;
    size_t got = 0;
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: is a folder or cannot be read", path);
        goto done;
    }
    if ((uint64_t)st.st_size > limit) {
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: too large (%lld bytes, at most %zu)", path, (long long)st.st_size,
                          limit);
        goto done;
    }
    buf = vi_alloc((size_t)st.st_size + 1);
    if (!buf) {
        rc = vi_error_nomem(err, path);
        goto done;
    }
    while (got < (size_t)st.st_size) {
        ssize_t n = read(fd, buf + got, (size_t)st.st_size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = vi_error_set(err, VISO_ERR_INPUT, "%s: cannot read: %s", path, strerror(errno));
            goto done;
        }
        if (n == 0)
            break; /* shrank while reading: the shorter content is what there is */
        got += (size_t)n;
    }
    buf[got] = 0;
    *data = buf;
    *size = got;
    buf = NULL;
done:
    vi_free(buf);
    close(fd);
    return rc;
}

bool vi_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool vi_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool vi_same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

const char *vi_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void vi_extension(const char *path, char out[16])
{
    const char *name = vi_base_name(path);
    const char *dot = strrchr(name, '.');
    size_t n = 0;
    if (dot && dot != name) {
        for (dot++; *dot && n < 15; dot++)
            out[n++] = *dot >= 'A' && *dot <= 'Z' ? (char)(*dot - 'A' + 'a') : *dot;
    }
    out[n] = 0;
}

char *vi_path_join(const char *dir, const char *name)
{
    size_t n = strlen(dir);
    return vi_asprintf("%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
}

char *vi_program_dir(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return NULL;
    path[n] = 0;
    char *slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    slash[slash == path ? 1 : 0] = 0;
    return vi_strdup(path);
}

/* Folder part of a path, "." when there is none; allocated. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return vi_strdup(".");
    size_t n = slash == path ? 1 : (size_t)(slash - path);
    char *dir = vi_alloc(n + 1);
    if (dir) {
        memcpy(dir, path, n);
        dir[n] = 0;
    }
    return dir;
}

int vi_pending_begin(vi_pending *p, const char *final_path, viso_error *err)
{
    memset(p, 0, sizeof *p);
    int rc = 0;
    const char *name = vi_base_name(final_path);
    char *dir = folder_of(final_path);
    if (!dir || !(p->final_path = vi_strdup(final_path))) {
        rc = vi_error_nomem(err, final_path);
        goto done;
    }
    if (!*name || vi_is_folder(final_path)) {
        rc = vi_error_set(err, VISO_ERR_USAGE, "%s: is a folder, name a file for the result", final_path);
        goto done;
    }
    if (!vi_is_folder(dir)) {
        rc = vi_error_set(err, VISO_ERR_USAGE, "%s: the folder %s does not exist", final_path, dir);
        goto done;
    }
    const char *dot = strrchr(name, '.');
    p->temp_path = vi_asprintf("%s/.%.*s.part-%ld%s", dir, (int)(dot && dot != name ? dot - name : (long)strlen(name)), name,
                               (long)getpid(), dot && dot != name ? dot : "");
    if (!p->temp_path) {
        rc = vi_error_nomem(err, final_path);
        goto done;
    }
    int fd = open(p->temp_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        int e = errno;
        rc = vi_error_set(err, e == ENOSPC || e == EDQUOT ? VISO_ERR_NO_SPACE : VISO_ERR_USAGE, "%s: cannot write in %s: %s",
                          final_path, dir, strerror(e));
        vi_free(p->temp_path); /* nothing of ours to remove */
        p->temp_path = NULL;
        goto done;
    }
    close(fd);
done:
    vi_free(dir);
    if (rc)
        vi_pending_abort(p);
    return rc;
}

static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = fsync(fd);
    int e = errno;
    close(fd);
    errno = e;
    return rc;
}

int vi_pending_commit(vi_pending *p, viso_error *err)
{
    int rc = 0;
    if (sync_path(p->temp_path, O_RDONLY) != 0)
        rc = vi_error_set(err, status_of_errno(errno), "%s: cannot be written to disk: %s", p->final_path, strerror(errno));
    else if (rename(p->temp_path, p->final_path) != 0)
        rc = vi_error_set(err, status_of_errno(errno), "%s: cannot be given its name: %s", p->final_path, strerror(errno));
    if (rc) {
        vi_pending_abort(p);
        return rc;
    }
    char *dir = folder_of(p->final_path);
    if (dir)
        sync_path(dir, O_RDONLY | O_DIRECTORY); /* best effort: some file systems refuse it */
    vi_free(dir);
    vi_free(p->temp_path);
    vi_free(p->final_path);
    memset(p, 0, sizeof *p);
    return 0;
}

void vi_pending_abort(vi_pending *p)
{
    if (p->temp_path)
        unlink(p->temp_path);
    vi_free(p->temp_path);
    vi_free(p->final_path);
    memset(p, 0, sizeof *p);
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

int vi_file_write(const char *path, const void *data, size_t size, viso_error *err)
{
    vi_pending p;
    int rc = vi_pending_begin(&p, path, err);
    if (rc)
        return rc;
    int fd = open(p.temp_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    bool bad = fd < 0 || write_all(fd, data, size) != 0;
    int e = errno;
    if (fd >= 0 && close(fd) != 0 && !bad) {
        bad = true;
        e = errno;
    }
    if (bad) {
        rc = vi_error_set(err, status_of_errno(e), "%s: cannot write: %s", path, strerror(e));
        vi_pending_abort(&p);
        return rc;
    }
    return vi_pending_commit(&p, err);
}

static void to_hex(const unsigned char *d, unsigned n, char hex[65])
{
    static const char digit[] = "0123456789abcdef";
    for (unsigned i = 0; i < n && i < 32; i++) {
        hex[2 * i] = digit[d[i] >> 4];
        hex[2 * i + 1] = digit[d[i] & 15];
    }
    hex[64] = 0;
}

void vi_sha256(const void *data, size_t size, char hex[65])
{
    unsigned char d[EVP_MAX_MD_SIZE] = { 0 };
    unsigned n = 0;
    hex[0] = 0;
    if (EVP_Digest(data, size, d, &n, EVP_sha256(), NULL) == 1)
        to_hex(d, n, hex);
}

int vi_sha256_file(const char *path, char hex[65], viso_error *err)
{
    enum { CHUNK = 1 << 18 };
    unsigned char d[EVP_MAX_MD_SIZE] = { 0 };
    unsigned n = 0;
    int rc = 0;
    uint8_t *buf = vi_alloc(CHUNK);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    hex[0] = 0;
    if (!buf || !ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        rc = vi_error_nomem(err, path);
        goto done;
    }
    if (fd < 0) {
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: cannot read: %s", path, strerror(errno));
        goto done;
    }
    for (;;) {
        ssize_t got = read(fd, buf, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            rc = vi_error_set(err, VISO_ERR_INPUT, "%s: cannot read: %s", path, strerror(errno));
            goto done;
        }
        if (got == 0)
            break;
        EVP_DigestUpdate(ctx, buf, (size_t)got);
    }
    EVP_DigestFinal_ex(ctx, d, &n);
    to_hex(d, n, hex);
done:
    if (fd >= 0)
        close(fd);
    EVP_MD_CTX_free(ctx);
    vi_free(buf);
    return rc;
}
