/* models/download.h: one file from the network, kept only when it is the right one. Private to src/models. */
#ifndef VI_DOWNLOAD_H
#define VI_DOWNLOAD_H

#include "base/base.h"

typedef struct vi_download {
    const char *name;        /* for messages */
    const char *const *url;  /* tried in order */
    int n_url;
    const char *path;        /* the name it gets when it is whole and right; its folder exists */
    uint64_t bytes;          /* its exact size, 0: not known */
    uint64_t about;          /* for the progress and the question whether the disk has room, 0: not known */
    const char *sha256;      /* needed */
    /* Called now and then (at least about once a second while waiting); anything but 0 ends the download. `total` 0: not
     * known. May be NULL. */
    int (*progress)(void *user, uint64_t done, uint64_t total);
    void *user;
} vi_download;

/* Blocks. What was fetched stays in a hidden file beside `path` when the connection is cut or the caller ends it, and the
 * next call goes on from there; two calls for one path at a time take turns. VISO_ERR_MODEL: no address gave the right
 * file; VISO_ERR_NO_SPACE; VISO_ERR_INTERRUPTED. */
int vi_download_file(const vi_download *d, viso_error *err);

#endif
