/* media/out/disk.c: writes that outlast a full disk. One owner thread, which is the one that waits. */
#include "media/out/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 17, SLICE_MS = 50, SLICES = 10 /* half a second between two tries */ };

static bool no_room(int e)
{
    return e == ENOSPC || e == EDQUOT;
}

/* Half a second; false as soon as nobody wants to wait any longer. */
static bool pause_for_room(const vi_disk_wait *w)
{
    for (int i = 0; i < SLICES; i++) {
        if (w->cancel && atomic_load(w->cancel))
            return false;
        nanosleep(&(struct timespec){ .tv_nsec = SLICE_MS * 1000000L }, NULL);
    }
    return true;
}

/* After a failure with `e`: whether to try again. *told: the message was given. */
static bool wait_for_room(const vi_disk_wait *w, const char *name, uint64_t bytes, int e, bool *told)
{
    if (!no_room(e) || !w->full || (w->cancel && atomic_load(w->cancel)))
        return false;
    if (!*told) {
        vi_warn(w->log, "%s: the disk is full; waiting for room for %llu KiB", name, (unsigned long long)((bytes + 1023) >> 10));
        w->full(w->user, bytes);
    }
    *told = true;
    return pause_for_room(w);
}

static void go_on(const vi_disk_wait *w, const char *name, bool told)
{
    if (!told)
        return;
    vi_info(w->log, "%s: there is room again", name);
    w->full(w->user, 0);
}

/* All bytes or an errno. What was written before the disk was full stays written. */
static int write_fully(int fd, const uint8_t *data, size_t size, const char *name, const vi_disk_wait *w)
{
    bool told = false;
    int e = 0;
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n >= 0) {
            data += n;
            size -= (size_t)n;
            continue;
        }
        e = errno;
        if (e == EINTR || wait_for_room(w, name, size, e, &told))
            e = 0;
        else
            break;
    }
    go_on(w, name, told && !e);
    return e;
}

static int on_write(void *opaque, uint8_t *data, int size)
{
    vi_disk *d = opaque;
    if (!d->error)
        d->error = write_fully(d->fd, data, (size_t)size, d->name, &d->wait);
    return d->error ? AVERROR(d->error) : size;
}

static int64_t on_seek(void *opaque, int64_t offset, int whence)
{
    vi_disk *d = opaque;
    if (whence == AVSEEK_SIZE) {
        off_t now = lseek(d->fd, 0, SEEK_CUR), size = lseek(d->fd, 0, SEEK_END);
        return now < 0 || size < 0 || lseek(d->fd, now, SEEK_SET) < 0 ? AVERROR(errno) : size;
    }
    off_t at = lseek(d->fd, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : at;
}

static int open_fully(const char *path, const char *name, const vi_disk_wait *w, int *error)
{
    bool told = false;
    for (;;) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        *error = fd < 0 ? errno : 0;
        if (fd >= 0 || !(*error == EINTR || wait_for_room(w, name, 1, *error, &told))) {
            go_on(w, name, told && fd >= 0);
            return fd;
        }
    }
}

int vi_disk_fault(const vi_disk *d, int code, const char *what, viso_error *err)
{
    int av = d->error ? AVERROR(d->error) : code;
    return vi_error_set(err, vi_av_status(av, VISO_ERR_INPUT), "%s: %s: %s", d->name, what, vi_av_error(av));
}

int vi_disk_open(vi_disk *d, const char *path, const char *name, const vi_disk_wait *wait, viso_error *err)
{
    memset(d, 0, sizeof *d);
    d->fd = -1;
    d->name = name;
    d->wait = *wait;
    d->path = vi_strdup(path);
    uint8_t *buffer = av_malloc(BUFFER);
    if (d->path && buffer)
        d->pb = avio_alloc_context(buffer, BUFFER, 1, d, NULL, on_write, on_seek);
    if (!d->pb) {
        av_free(buffer);
        vi_disk_drop(d);
        return vi_error_nomem(err, name);
    }
    d->fd = open_fully(path, name, wait, &d->error);
    if (d->fd >= 0)
        return 0;
    int rc = vi_disk_fault(d, 0, "cannot be written", err);
    vi_disk_drop(d);
    return rc;
}

void vi_disk_drop(vi_disk *d)
{
    if (d->pb) {
        av_freep(&d->pb->buffer);
        avio_context_free(&d->pb);
    }
    if (d->path && d->fd >= 0)
        close(d->fd);
    d->fd = -1;
    vi_free(d->path);
    d->path = NULL;
}

int vi_disk_close(vi_disk *d, bool durable, viso_error *err)
{
    avio_flush(d->pb);
    if (!d->error && d->pb->error < 0)
        d->error = AVUNERROR(d->pb->error);
    /* What could not be brought to the disk here is lost: there is nothing to try again. */
    if (!d->error && durable && fsync(d->fd) != 0)
        d->error = errno;
    if (close(d->fd) != 0 && !d->error)
        d->error = errno;
    d->fd = -1;
    int rc = d->error ? vi_disk_fault(d, 0, "cannot be written", err) : 0;
    vi_disk_drop(d);
    return rc;
}

int vi_disk_put(const char *path, const char *name, const void *data, size_t size, const vi_disk_wait *wait, viso_error *err)
{
    int e = 0, fd = open_fully(path, name, wait, &e);
    if (fd >= 0) {
        e = write_fully(fd, data, size, name, wait);
        if (close(fd) != 0 && !e)
            e = errno;
    }
    return e ? vi_error_set(err, no_room(e) ? VISO_ERR_NO_SPACE : VISO_ERR_INPUT, "%s: cannot be written: %s", name, strerror(e)) : 0;
}

void vi_disk_sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}
