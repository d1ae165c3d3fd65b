/* tests/models/proto.h: ONNX files for tests, written field by field. Numbers of fields are those of onnx.proto. */
#ifndef TEST_PROTO_H
#define TEST_PROTO_H

#include <string.h>

#include "../test.h"

typedef struct msg {
    uint8_t p[8192];
    size_t n;
} msg;

static inline void varint(msg *m, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        m->p[m->n++] = (uint8_t)(v | 0x80);
    m->p[m->n++] = (uint8_t)v;
}

static inline void number(msg *m, int field, uint64_t v)
{
    varint(m, (uint64_t)field << 3);
    varint(m, v);
}

static inline void blob(msg *m, int field, const void *data, size_t n)
{
    varint(m, (uint64_t)field << 3 | 2);
    varint(m, n);
    assert_true(m->n + n <= sizeof m->p);
    if (n)
        memcpy(m->p + m->n, data, n);
    m->n += n;
}

static inline void text(msg *m, int field, const char *s)
{
    blob(m, field, s, strlen(s));
}

static inline void sub(msg *m, int field, const msg *s)
{
    blob(m, field, s->p, s->n);
}

/* A TensorProto without data. */
static inline msg tensor(const char *name, int type, int rows, int columns)
{
    msg t = {.n = 0};
    number(&t, 1, (uint64_t)rows);
    if (columns)
        number(&t, 1, (uint64_t)columns);
    number(&t, 2, (uint64_t)type);
    text(&t, 8, name);
    return t;
}

static inline msg value(const char *name, int type, int n_dim, const int *dim)
{
    msg v = {.n = 0}, t = {.n = 0}, tt = {.n = 0}, s = {.n = 0};
    for (int i = 0; i < n_dim; ++i) {
        msg d = {.n = 0};
        if (dim[i] >= 0)
            number(&d, 1, (uint64_t)dim[i]);
        else
            text(&d, 2, "batch");
        sub(&s, 1, &d);
    }
    number(&tt, 1, (uint64_t)type);
    if (n_dim >= 0)
        sub(&tt, 2, &s);
    sub(&t, 1, &tt);
    text(&v, 1, name);
    sub(&v, 2, &t);
    return v;
}

static inline msg model(const msg *graph)
{
    msg m = {.n = 0};
    number(&m, 1, 8);
    text(&m, 2, "test");
    sub(&m, 7, graph);
    return m;
}

#endif
