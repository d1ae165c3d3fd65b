/* media/out/disk.h: files being written that wait for room on a full disk when somebody is there to be told. Media room only.
 * One owner thread. */
#ifndef VI_DISK_H
#define VI_DISK_H

#include <sys/types.h>

#include "media/av.h"
#include "media/media.h"

/* Whether and how to wait: the writer's parameters of the same names. `full` NULL: a full disk is a failure at once. */
typedef struct vi_disk_wait {
    atomic_bool *cancel;
    void (*full)(void *user, uint64_t bytes);
    void *user;
    const vi_log *log;
} vi_disk_wait;

typedef struct vi_disk {
    int fd;           /* -1 closed */
    AVIOContext *pb;  /* buffers, and is what muxers write to */
    char *path;
    const char *name; /* for messages: as people know the file */
    vi_disk_wait wait;
    int error;        /* errno of the first write that failed, 0 none */
} vi_disk;

/* Opens `path` for writing, empty. `name` and what `wait` points at must live as long. VISO_ERR_NO_SPACE, VISO_ERR_INPUT. */
int vi_disk_open(vi_disk *d, const char *path, const char *name, const vi_disk_wait *wait, viso_error *err);
/* Everything buffered is handed to the system; `durable`: and lies on the disk when this returns. Closes in any case. */
int vi_disk_close(vi_disk *d, bool durable, viso_error *err);
void vi_disk_drop(vi_disk *d); /* closes; the file stays as it is */
/* The message for a failed write: the status of `code` (an AVERROR), or of d->error where that is set. */
int vi_disk_fault(const vi_disk *d, int code, const char *what, viso_error *err);
/* A whole file of bytes in one go, by the same rules. */
int vi_disk_put(const char *path, const char *name, const void *data, size_t size, const vi_disk_wait *wait, viso_error *err);
/* The folder's list of names lies on the disk when this returns (best effort: some file systems refuse it). */
void vi_disk_sync_folder(const char *folder);

#endif
