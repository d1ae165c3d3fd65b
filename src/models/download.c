/* models/download.c: see download.h. libcurl is loaded when the first download begins, so that nothing else pays for it and
 * a machine without it can do everything but this. One thread per call.
 *
 * The half-done file is locked while it grows (a lock of the open file, so that it also holds between threads). Whoever
 * waited looks first whether the file has got its name meanwhile. */
#include "models/download.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* Where nobody knows the size, nothing larger than this is taken. */
#define UNKNOWN_MOST ((uint64_t)16 << 30)
enum { RETRIES = 5 };

/* --- libcurl ---------------------------------------------------------------------------------------------------- */

static struct curl_table {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*setopt)(CURL *c, CURLoption option, ...);
    CURLcode (*perform)(CURL *c);
    CURLcode (*getinfo)(CURL *c, CURLINFO info, ...);
    void (*cleanup)(CURL *c);
    const char *(*strerror)(CURLcode code);
    bool ready;
} curl;

static void load_curl(void)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    void *lib = NULL;
    for (size_t i = 0; i < VI_COUNT(names) && !lib; ++i)
        lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        return;
    /* POSIX wants a function's address to fit a void pointer, ISO C has no cast for it. */
    *(void **)&curl.global_init = dlsym(lib, "curl_global_init");
    *(void **)&curl.easy_init = dlsym(lib, "curl_easy_init");
    *(void **)&curl.setopt = dlsym(lib, "curl_easy_setopt");
    *(void **)&curl.perform = dlsym(lib, "curl_easy_perform");
    *(void **)&curl.getinfo = dlsym(lib, "curl_easy_getinfo");
    *(void **)&curl.cleanup = dlsym(lib, "curl_easy_cleanup");
    *(void **)&curl.strerror = dlsym(lib, "curl_easy_strerror");
    curl.ready = curl.global_init && curl.easy_init && curl.setopt && curl.perform && curl.getinfo && curl.cleanup &&
                 curl.strerror && curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static int need_curl(const vi_download *d, viso_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_curl);
    return curl.ready ? 0
                      : vi_error_set(err, VISO_ERR_MODEL, "model %s: downloads need libcurl.so.4, which cannot be loaded; install "
                                     "it (Debian: libcurl4), or fetch %s yourself and use viso models import", d->name, d->url[0]);
}

/* --- one transfer ----------------------------------------------------------------------------------------------- */

typedef struct transfer {
    const vi_download *d;
    CURL *easy;
    int fd;
    uint64_t start; /* where this transfer was to go on */
    uint64_t at;    /* bytes in the file */
    uint64_t total; /* as far as anyone knows */
    bool begun, stopped, too_large;
    int write_errno;
} transfer;

static size_t on_data(char *data, size_t one, size_t n, void *user)
{
    transfer *t = user;
    size_t size = one * n, done = 0;
    if (!t->begun) {
        long code = 0;
        t->begun = true;
        curl.getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
        /* The whole file although a part was asked for: begin again. */
        if (t->at > 0 && code != 206) {
            if (ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) < 0) {
                t->write_errno = errno;
                return 0;
            }
            t->at = 0;
        }
    }
    if (t->at + size > (t->d->bytes ? t->d->bytes : UNKNOWN_MOST)) {
        t->too_large = true;
        return 0;
    }
    while (done < size) {
        ssize_t w = write(t->fd, data + done, size - done);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0) {
            t->write_errno = w ? errno : EIO;
            return 0;
        }
        done += (size_t)w;
        t->at += (size_t)w;
    }
    return size;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    transfer *t = user;
    (void)now, (void)up_total, (void)up_now;
    if (!t->d->bytes && total > 0)
        t->total = (uint64_t)total + (t->begun && t->at >= (uint64_t)now ? t->at - (uint64_t)now : t->start);
    if (t->d->progress && t->d->progress(t->d->user, t->at, t->total))
        t->stopped = true;
    return t->stopped;
}

static void set_options(transfer *t, const char *url, char range[40])
{
    CURL *c = t->easy;
    curl.setopt(c, CURLOPT_URL, url);
    curl.setopt(c, CURLOPT_USERAGENT, "viso");
    curl.setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl.setopt(c, CURLOPT_MAXREDIRS, 8L);
    /* By number, not by name: the newer form is not known to the libcurl of Debian 11. */
    curl.setopt(c, (CURLoption)181, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)); /* CURLOPT_PROTOCOLS */
    curl.setopt(c, (CURLoption)182, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)); /* CURLOPT_REDIR_PROTOCOLS */
    curl.setopt(c, CURLOPT_FAILONERROR, 1L);
    curl.setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl.setopt(c, CURLOPT_CONNECTTIMEOUT, 20L);
    curl.setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L); /* bytes a second … */
    curl.setopt(c, CURLOPT_LOW_SPEED_TIME, 60L); /* … over this many: the connection is dead */
    curl.setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    curl.setopt(c, CURLOPT_WRITEDATA, t);
    curl.setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl.setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl.setopt(c, CURLOPT_XFERINFODATA, t);
    if (t->at > 0) {
        snprintf(range, 40, "%llu-", (unsigned long long)t->at);
        curl.setopt(c, CURLOPT_RANGE, range);
    }
}

static bool is_full(int e)
{
    return e == ENOSPC || e == EDQUOT || e == EFBIG;
}

/* Fetches what is missing. 0: the server says that this was all. VISO_AGAIN: cut, but something came. */
static int transfer_once(const vi_download *d, const char *url, int fd, uint64_t at, bool *range_refused, viso_error *err)
{
    char range[40];
    long status = 0;
    transfer t = {.d = d, .fd = fd, .start = at, .at = at, .total = d->bytes ? d->bytes : d->about};
    *range_refused = false;
    t.easy = curl.easy_init();
    if (!t.easy)
        return vi_error_nomem(err, d->name);
    set_options(&t, url, range);
    CURLcode code = curl.perform(t.easy);
    curl.getinfo(t.easy, CURLINFO_RESPONSE_CODE, &status);
    curl.cleanup(t.easy);
    if (t.stopped)
        return vi_error_set(err, VISO_ERR_INTERRUPTED, "model %s: stopped; what was fetched is kept for the next time", d->name);
    if (t.write_errno)
        return vi_error_set(err, is_full(t.write_errno) ? VISO_ERR_NO_SPACE : VISO_ERR_MODEL, "model %s: cannot write %s: %s",
                            d->name, d->path, strerror(t.write_errno));
    if (t.too_large)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: %s is larger than the %llu bytes of the manifest", d->name, url,
                            (unsigned long long)(d->bytes ? d->bytes : UNKNOWN_MOST));
    if (code == CURLE_OK)
        return 0;
    if (status == 416) {
        *range_refused = true;
        return 0;
    }
    if (t.begun && t.at != t.start)
        return VISO_AGAIN;
    if (status >= 400)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: %s: the server answers %ld", d->name, url, status);
    return vi_error_set(err, VISO_ERR_MODEL, "model %s: %s: %s", d->name, url, curl.strerror(code));
}

/* --- the half-done file ----------------------------------------------------------------------------------------- */

static char *part_name(const char *path)
{
    const char *name = vi_base_name(path);
    return vi_asprintf("%.*s.%s.part", (int)(name - path), path, name);
}

static int ask_progress(const vi_download *d, uint64_t done, viso_error *err)
{
    if (!d->progress || !d->progress(d->user, done, d->bytes ? d->bytes : d->about))
        return 0;
    return vi_error_set(err, VISO_ERR_INTERRUPTED, "model %s: stopped; what was fetched is kept for the next time", d->name);
}

/* The file, opened and ours alone. Waits for another viso that is at it. */
static int open_part(const vi_download *d, const char *part, int *fd, viso_error *err)
{
    struct stat a, b;
    for (;;) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        *fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (*fd < 0)
            return vi_error_set(err, is_full(errno) ? VISO_ERR_NO_SPACE : VISO_ERR_MODEL, "model %s: cannot write %s: %s", d->name,
                                part, strerror(errno));
        while (fcntl(*fd, F_OFD_SETLK, &lock) != 0) {
            int code = errno == EAGAIN || errno == EACCES || errno == EINTR
                           ? ask_progress(d, fstat(*fd, &a) == 0 ? (uint64_t)a.st_size : 0, err)
                           : vi_error_set(err, VISO_ERR_MODEL, "model %s: cannot lock %s: %s", d->name, part, strerror(errno));
            if (code) {
                close(*fd);
                return code;
            }
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        }
        if (fstat(*fd, &a) == 0 && stat(part, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
            return 0;
        close(*fd); /* got its name or was removed while we waited */
    }
}

static uint64_t size_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static int start_over(const vi_download *d, int fd, viso_error *err)
{
    return ftruncate(fd, 0) == 0 ? 0 : vi_error_set(err, VISO_ERR_MODEL, "model %s: %s", d->name, strerror(errno));
}

static int check_room(const vi_download *d, int fd, viso_error *err)
{
    struct statvfs v;
    uint64_t need = d->bytes ? d->bytes : d->about, have = size_of(fd);
    if (need <= have || fstatvfs(fd, &v) != 0)
        return 0;
    uint64_t room = (uint64_t)v.f_bavail * v.f_frsize;
    if (room >= need - have)
        return 0;
    return vi_error_set(err, VISO_ERR_NO_SPACE, "model %s: the disk of %s has %.1f MB left, %.1f MB are needed", d->name, d->path,
                        (double)room / 1e6, (double)(need - have) / 1e6);
}

/* Whole and right? *why is for the message. */
static int check_whole(const vi_download *d, const char *part, int fd, const char *url, viso_error *err)
{
    char hex[65];
    uint64_t size = size_of(fd);
    if (d->bytes && size != d->bytes)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: %s has %llu bytes, the manifest says %llu", d->name, url,
                            (unsigned long long)size, (unsigned long long)d->bytes);
    int code = vi_sha256_file(part, hex, err);
    if (!code && strcmp(hex, d->sha256) != 0)
        code = vi_error_set(err, VISO_ERR_MODEL, "model %s: %s is not the right file: SHA-256 %.12s…, the manifest says %.12s…; it "
                            "was thrown away", d->name, url, hex, d->sha256);
    return code;
}

/* One address, with its interruptions. VISO_ERR_MODEL: try another. */
static int try_url(const vi_download *d, const char *url, const char *part, int fd, viso_error *err)
{
    bool resumed = false, refused = false;
    for (int attempt = 0; attempt < RETRIES; ++attempt) {
        uint64_t at = size_of(fd);
        int code = 0;
        if (d->bytes && at > d->bytes) {
            if ((code = start_over(d, fd, err)) != 0)
                return code;
            at = 0;
        }
        resumed = resumed || (attempt == 0 && at > 0);
        lseek(fd, 0, SEEK_END);
        if (!d->bytes || at < d->bytes)
            code = transfer_once(d, url, fd, at, &refused, err);
        if (code == VISO_AGAIN)
            continue;
        if (code)
            return code;
        viso_error why = {0};
        code = check_whole(d, part, fd, url, &why);
        if (code == 0)
            return 0;
        if (start_over(d, fd, err))
            return err ? err->code : VISO_ERR_MODEL;
        /* What an earlier call had left may have been another file's beginning. */
        if (!resumed && !refused)
            return vi_error_set(err, code, "%s", why.text);
        resumed = false;
    }
    return vi_error_set(err, VISO_ERR_MODEL, "model %s: %s: the connection is cut again and again", d->name, url);
}

static int give_name(const vi_download *d, const char *part, int fd, viso_error *err)
{
    if (fsync(fd) != 0 || rename(part, d->path) != 0)
        return vi_error_set(err, is_full(errno) ? VISO_ERR_NO_SPACE : VISO_ERR_MODEL, "model %s: %s cannot be given its name: %s",
                            d->name, d->path, strerror(errno));
    return 0;
}

static int fetch(const vi_download *d, const char *part, int fd, viso_error *err)
{
    char text[400] = "";
    int code = check_room(d, fd, err);
    if (code)
        return code;
    for (int i = 0; i < d->n_url; ++i) {
        viso_error why = {0};
        code = try_url(d, d->url[i], part, fd, &why);
        if (code == 0)
            return give_name(d, part, fd, err);
        if (code != VISO_ERR_MODEL)
            return vi_error_set(err, code, "%s", why.text);
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%.200s", used ? "; " : "", why.text);
    }
    return vi_error_set(err, VISO_ERR_MODEL, "%s", text);
}

int vi_download_file(const vi_download *d, viso_error *err)
{
    int fd = -1;
    char hex[65];
    int code = need_curl(d, err);
    char *part = code ? NULL : part_name(d->path);
    if (code)
        return code;
    if (!part)
        return vi_error_nomem(err, d->name);
    code = open_part(d, part, &fd, err);
    if (!code) {
        /* Another viso may have brought it while we waited. */
        bool there = vi_file_exists(d->path) && vi_sha256_file(d->path, hex, NULL) == 0 && strcmp(hex, d->sha256) == 0;
        if (!there)
            code = fetch(d, part, fd, err);
        /* Nothing worth going on from, or a disk that needs the room. */
        if (there || (code && (size_of(fd) == 0 || code == VISO_ERR_NO_SPACE)))
            unlink(part);
        close(fd);
    }
    vi_free(part);
    return code;
}
