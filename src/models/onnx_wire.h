/* models/onnx_wire.h: protocol buffers as bytes: fields of (number, kind, value), nested. Nothing is unpacked; a `bytes` walks
 * over one message, and what it meets points into it. The input is untrusted. Private to the readers of ONNX files. */
#ifndef VI_ONNX_WIRE_H
#define VI_ONNX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct bytes {
    const uint8_t *p;
    size_t n;
} bytes;

typedef struct field {
    uint64_t number;
    int kind;       /* 0 varint, 1 eight bytes, 2 bytes, 5 four bytes */
    uint64_t value; /* of kind 0 */
    bytes data;     /* of the others */
} field;

static inline bool get_varint(bytes *w, uint64_t *v)
{
    *v = 0;
    for (int shift = 0; shift < 64 && w->n > 0; shift += 7) {
        uint8_t b = *w->p++;
        w->n--;
        *v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return true;
    }
    return false;
}

/* 1: a field; 0: the end; -1: damaged. */
static inline int next_field(bytes *w, field *f)
{
    uint64_t tag, n = 0;
    if (w->n == 0)
        return 0;
    if (!get_varint(w, &tag))
        return -1;
    *f = (field){.number = tag >> 3, .kind = (int)(tag & 7)};
    if (f->number == 0)
        return -1;
    if (f->kind == 0)
        return get_varint(w, &f->value) ? 1 : -1;
    if (f->kind == 1)
        n = 8;
    else if (f->kind == 5)
        n = 4;
    else if (f->kind != 2 || !get_varint(w, &n))
        return -1;
    if (n > w->n)
        return -1;
    f->data = (bytes){w->p, (size_t)n};
    w->p += n;
    w->n -= (size_t)n;
    return 1;
}

/* Whether the bytes are this text. */
static inline bool bytes_are(bytes b, const char *text)
{
    return b.n == strlen(text) && memcmp(b.p, text, b.n) == 0;
}

#endif
