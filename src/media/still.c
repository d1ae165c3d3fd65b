/* media/still.c: growing buffers, the life of a picture's metadata, and rows in other layouts. No state. */
#include "media/still.h"

#include <string.h>

bool vi_buf_reserve(vi_buf *b, size_t capacity)
{
    if (b->failed)
        return false;
    if (capacity <= b->capacity)
        return true;
    size_t want = VI_MAX(capacity, VI_MAX(b->capacity + b->capacity / 2, (size_t)256));
    uint8_t *p = vi_alloc(want);
    if (!p) {
        b->failed = true;
        return false;
    }
    if (b->size)
        memcpy(p, b->data, b->size);
    vi_free(b->data);
    b->data = p;
    b->capacity = want;
    return true;
}

bool vi_buf_put(vi_buf *b, const void *data, size_t size)
{
    if (size > SIZE_MAX / 4 - b->size || !vi_buf_reserve(b, b->size + size)) {
        b->failed = true;
        return false;
    }
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
    return true;
}

void vi_buf_set(vi_buf *b, const void *data, size_t size)
{
    b->size = 0;
    vi_buf_put(b, data, size);
}

void vi_buf_clear(vi_buf *b)
{
    vi_free(b->data);
    memset(b, 0, sizeof *b);
}

void vi_still_meta_clear(vi_still_meta *m)
{
    vi_buf_clear(&m->icc);
    vi_buf_clear(&m->exif);
    vi_buf_clear(&m->xmp);
    vi_buf_clear(&m->jpeg_iptc);
    for (int i = 0; i < m->n_text; i++) {
        vi_free(m->text[i].key);
        vi_free(m->text[i].text);
    }
    vi_free(m->text);
    memset(m, 0, sizeof *m);
}

static inline unsigned load(const uint8_t *p, int bytes)
{
    uint16_t v;
    if (bytes == 1)
        return *p;
    memcpy(&v, p, 2);
    return v;
}

void vi_still_row(const vi_frame *f, int y, int components, int bytes, void *dst)
{
    const vi_format_info *i = vi_format_describe(f->format);
    const uint8_t *s = f->plane[0] + y * f->stride[0];
    uint8_t *d = dst;
    if (i->components == components && i->bytes == bytes) {
        memcpy(d, s, (size_t)f->width * (size_t)components * (size_t)bytes);
        return;
    }
    for (int x = 0; x < f->width; x++, s += i->components * i->bytes) {
        for (int c = 0; c < components; c++, d += bytes) {
            unsigned v = load(s + VI_MIN(c, i->components - 1) * i->bytes, i->bytes);
            if (i->bytes == 2 && bytes == 1)
                v = (v * 255 + 32767) / 65535;
            else if (i->bytes == 1 && bytes == 2)
                v *= 257;
            if (bytes == 1) {
                *d = (uint8_t)v;
            } else {
                uint16_t w = (uint16_t)v;
                memcpy(d, &w, 2);
            }
        }
    }
}
