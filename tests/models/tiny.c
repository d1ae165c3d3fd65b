/* tests/models/tiny.c: see tiny.h. Not written for speed or for failing allocations. */
#include "tiny.h"

#include <assert.h>
#include <string.h>

typedef struct buf {
    uint8_t *p;
    size_t n, room;
} buf;

static size_t put(buf *b, const void *data, size_t n)
{
    while (b->n + n > b->room) {
        size_t room = b->room ? 2 * b->room : 4096;
        uint8_t *p = vi_calloc(1, room);
        assert(p);
        if (b->n)
            memcpy(p, b->p, b->n);
        vi_free(b->p);
        b->p = p;
        b->room = room;
    }
    if (data)
        memcpy(b->p + b->n, data, n);
    else
        memset(b->p + b->n, 0, n);
    b->n += n;
    return b->n - n;
}

static void align(buf *b)
{
    while (b->n % 4)
        put(b, "", 1);
}

static size_t put_u32(buf *b, uint32_t v)
{
    return put(b, &v, 4);
}

static void set_u32(buf *b, size_t at, uint32_t v)
{
    memcpy(b->p + at, &v, 4);
}

/* Table whose fields all take four bytes; bit i of `present` says that field i is there. Field i lies at
 * result + 4 + 4 i. */
static size_t table(buf *b, int fields, unsigned present)
{
    align(b);
    size_t vtable = b->n;
    uint16_t head[2] = {(uint16_t)(4 + 2 * fields), (uint16_t)(4 + 4 * fields)};
    put(b, head, sizeof head);
    for (int i = 0; i < fields; ++i) {
        uint16_t offset = present >> i & 1 ? (uint16_t)(4 + 4 * i) : 0;
        put(b, &offset, sizeof offset);
    }
    align(b);
    size_t at = put_u32(b, 0);
    set_u32(b, at, (uint32_t)(at - vtable));
    put(b, NULL, 4 * (size_t)fields);
    return at;
}

static size_t slot(size_t at, int field)
{
    return at + 4 + 4 * (size_t)field;
}

static void point(buf *b, size_t from, size_t to)
{
    set_u32(b, from, (uint32_t)(to - from));
}

static size_t vector(buf *b, const void *data, size_t count, size_t element)
{
    align(b);
    size_t at = put_u32(b, (uint32_t)count);
    put(b, data, count * element);
    return at;
}

/* Vector of offsets, to be pointed later. */
static size_t offsets(buf *b, int n)
{
    return vector(b, NULL, (size_t)n, 4);
}

int tiny_add(tiny *t, const char *name, const int *dims)
{
    tiny_tensor *x = &t->tensor[t->n_tensor];
    assert(t->n_tensor < 40);
    *x = (tiny_tensor){.name = name};
    for (; dims[x->n_dim]; ++x->n_dim)
        x->dim[x->n_dim] = dims[x->n_dim];
    return t->n_tensor++;
}

int tiny_constant(tiny *t, const char *name, const int *dims, int type, const void *data, size_t bytes)
{
    int i = tiny_add(t, name, dims);
    t->tensor[i].type = type;
    t->tensor[i].data = data;
    t->tensor[i].bytes = bytes;
    return i;
}

tiny_op *tiny_node(tiny *t, int code, int in0, int in1, int out)
{
    tiny_op *o = &t->op[t->n_op++];
    assert(t->n_op <= 40);
    *o = (tiny_op){.code = code, .n_in = in1 < 0 ? 1 : 2, .n_out = 1, .in = {in0, in1}, .out = {out}};
    return o;
}

static void write_tensors(const tiny *t, buf *b, size_t list)
{
    for (int i = 0; i < t->n_tensor; ++i) {
        const tiny_tensor *x = &t->tensor[i];
        size_t at = table(b, 4, x->n_dim ? 0xf : 0xe);
        point(b, list + 4 + 4 * (size_t)i, at);
        set_u32(b, slot(at, 1), (uint32_t)x->type);
        set_u32(b, slot(at, 2), (uint32_t)(x->data ? i + 1 : 0));
        if (x->n_dim)
            point(b, slot(at, 0), vector(b, x->dim, (size_t)x->n_dim, 4));
        point(b, slot(at, 3), vector(b, x->name, strlen(x->name), 1));
    }
}

static void write_ops(const tiny *t, buf *b, size_t list)
{
    for (int i = 0; i < t->n_op; ++i) {
        const tiny_op *o = &t->op[i];
        size_t at = table(b, 6, 0x7 | (o->n_option ? 0x10 : 0) | (o->flex ? 0x20 : 0));
        point(b, list + 4 + 4 * (size_t)i, at);
        set_u32(b, slot(at, 0), (uint32_t)i); /* one code entry per operator */
        point(b, slot(at, 1), vector(b, o->in, (size_t)o->n_in, 4));
        point(b, slot(at, 2), vector(b, o->out, (size_t)o->n_out, 4));
        if (o->n_option) {
            size_t options = table(b, o->n_option, ~0u);
            for (int k = 0; k < o->n_option; ++k)
                set_u32(b, slot(options, k), (uint32_t)o->option[k]);
            point(b, slot(at, 4), options);
        }
        if (o->flex)
            point(b, slot(at, 5), vector(b, o->flex, o->flex_size, 1));
    }
}

uint8_t *tiny_write(const tiny *t, size_t *size)
{
    buf b = {0};
    put_u32(&b, 0);
    put(&b, "TFL3", 4);
    size_t model = table(&b, 5, 0x17);
    set_u32(&b, 0, (uint32_t)model);
    set_u32(&b, slot(model, 0), 3);
    size_t codes = offsets(&b, t->n_op);
    point(&b, slot(model, 1), codes);
    for (int i = 0; i < t->n_op; ++i) {
        size_t at = table(&b, 4, t->op[i].custom ? 0xb : 0x9);
        point(&b, codes + 4 + 4 * (size_t)i, at);
        set_u32(&b, slot(at, 0), (uint32_t)VI_MIN(t->op[i].code, 127));
        set_u32(&b, slot(at, 3), (uint32_t)t->op[i].code);
        if (t->op[i].custom)
            point(&b, slot(at, 1), vector(&b, t->op[i].custom, strlen(t->op[i].custom), 1));
    }
    size_t graphs = offsets(&b, 1);
    point(&b, slot(model, 2), graphs);
    size_t graph = table(&b, 4, 0xf);
    point(&b, graphs + 4, graph);
    size_t tensors = offsets(&b, t->n_tensor);
    point(&b, slot(graph, 0), tensors);
    write_tensors(t, &b, tensors);
    point(&b, slot(graph, 1), vector(&b, t->in, (size_t)t->n_in, 4));
    point(&b, slot(graph, 2), vector(&b, t->out, (size_t)t->n_out, 4));
    size_t ops = offsets(&b, t->n_op);
    point(&b, slot(graph, 3), ops);
    write_ops(t, &b, ops);
    size_t buffers = offsets(&b, t->n_tensor + 1);
    point(&b, slot(model, 4), buffers);
    for (int i = 0; i <= t->n_tensor; ++i) {
        const tiny_tensor *x = i ? &t->tensor[i - 1] : NULL;
        size_t at = table(&b, 1, x && x->data ? 1 : 0);
        point(&b, buffers + 4 + 4 * (size_t)i, at);
        if (x && x->data)
            point(&b, slot(at, 0), vector(&b, x->data, x->bytes, 1));
    }
    *size = b.n;
    return b.p;
}

/* All values four bytes wide; offsets count backwards. */
uint8_t *tiny_flex_write(const tiny_flex *entry, int n, size_t *size)
{
    enum { INT = 1, FLOAT = 3, MAP = 9, LIST_INT = 11, WIDE = 2 /* log2 4 */ };
    buf b = {0};
    size_t key[16], list[16] = {0};
    assert(n <= 16);
    for (int i = 0; i < n; ++i)
        key[i] = put(&b, entry[i].key, strlen(entry[i].key) + 1);
    for (int i = 0; i < n; ++i) {
        align(&b);
        if (entry[i].n > 1) {
            put_u32(&b, (uint32_t)entry[i].n);
            list[i] = put(&b, entry[i].list, 4 * (size_t)entry[i].n);
        }
    }
    align(&b);
    put_u32(&b, (uint32_t)n);
    size_t keys = b.n;
    for (int i = 0; i < n; ++i)
        put_u32(&b, (uint32_t)(b.n - key[i]));
    put_u32(&b, (uint32_t)(b.n - keys));
    put_u32(&b, 4);
    put_u32(&b, (uint32_t)n);
    size_t map = b.n;
    for (int i = 0; i < n; ++i) {
        float real = (float)entry[i].value;
        if (entry[i].n > 1)
            put_u32(&b, (uint32_t)(b.n - list[i]));
        else if (entry[i].real)
            put(&b, &real, 4);
        else
            put_u32(&b, (uint32_t)(int32_t)entry[i].value);
    }
    for (int i = 0; i < n; ++i) {
        uint8_t type = (uint8_t)((entry[i].n > 1 ? LIST_INT : entry[i].real ? FLOAT : INT) << 2 | WIDE);
        put(&b, &type, 1);
    }
    align(&b);
    put_u32(&b, (uint32_t)(b.n - map));
    uint8_t tail[2] = {MAP << 2 | WIDE, 4};
    put(&b, tail, 2);
    *size = b.n;
    return b.p;
}
