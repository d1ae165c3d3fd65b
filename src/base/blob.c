/* base/blob.c: a growing run of bytes. */
#include "base/blob.h"

#include <string.h>

#include "base/mem.h"

vi_blob vi_blob_view(const void *data, size_t size)
{
    return (vi_blob){ .data = (uint8_t *)(uintptr_t)data, .size = size };
}

void vi_blob_put(vi_blob *b, const void *p, size_t n)
{
    if (b->failed || n == 0)
        return;
    if (n > b->room - b->size) {
        size_t room = b->room ? b->room : 4096;
        while (room - b->size < n && room <= SIZE_MAX / 4)
            room *= 2;
        uint8_t *data = room - b->size < n ? NULL : vi_alloc(room);
        if (!data) {
            b->failed = true;
            return;
        }
        if (b->size)
            memcpy(data, b->data, b->size);
        vi_free(b->data);
        b->data = data;
        b->room = room;
    }
    memcpy(b->data + b->size, p, n);
    b->size += n;
}

bool vi_blob_get(vi_blob *b, void *p, size_t n)
{
    if (b->failed || n > b->size - b->at) {
        b->failed = true;
        memset(p, 0, n);
        return false;
    }
    if (n)
        memcpy(p, b->data + b->at, n);
    b->at += n;
    return true;
}

void vi_blob_clear(vi_blob *b)
{
    b->size = b->at = 0;
    b->failed = false;
}

void vi_blob_free(vi_blob *b)
{
    if (b->room)
        vi_free(b->data);
    *b = (vi_blob){ 0 };
}
