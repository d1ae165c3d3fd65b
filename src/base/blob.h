/* base/blob.h: bytes that grow: what an object remembers, written to be read again by the same build. Plain values in the
 * machine's own order; no format for exchange. One thread. */
#ifndef VI_BLOB_H
#define VI_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct vi_blob {
    uint8_t *data; /* owned (vi_blob_free) unless it is a view: vi_blob_view */
    size_t size, room;
    size_t at;   /* read up to here */
    bool failed; /* out of memory while writing, or read past the end; every later call does nothing */
} vi_blob;

/* A blob over bytes of somebody else, to be read; it is not freed. */
vi_blob vi_blob_view(const void *data, size_t size);
void vi_blob_put(vi_blob *b, const void *p, size_t n);
/* Zeroes p when there are fewer than n bytes left. True when it was filled. */
bool vi_blob_get(vi_blob *b, void *p, size_t n);
void vi_blob_clear(vi_blob *b); /* empty again; memory and, for reading, the place are kept and forgotten */
void vi_blob_free(vi_blob *b);

/* A variable as it lies in memory. */
#define VI_PUT(b, v) vi_blob_put((b), &(v), sizeof(v))
#define VI_GET(b, v) vi_blob_get((b), &(v), sizeof(v))

#endif
