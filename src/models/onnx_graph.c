/* models/onnx_graph.c: reads what onnx_shape.h needs of an ONNX file, and walks over it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/onnx_shape.h"

enum { MOST = 1 << 20 }; /* nodes, links, values */

/* --- tensors ---------------------------------------------------------------------------------------------------- */

static int type_bytes(int type, int half_as)
{
    static const unsigned char size[] = {0, 4, 1, 1, 2, 2, 4, 8, 16, 1, 2, 8, 4, 8, 8, 16, 2};
    if (type == 10 || type == 16)
        return half_as;
    return type > 0 && type < (int)VI_COUNT(size) ? size[type] : 0;
}

uint64_t vi_shape_bytes(const vi_shape_value *v, int half_as)
{
    uint64_t n = (uint64_t)type_bytes(v->type ? v->type : 1, half_as);
    for (int i = 0; i < v->n_dim; ++i)
        if (v->dim[i] < 0 || __builtin_mul_overflow(n, (uint64_t)v->dim[i], &n) || n > (uint64_t)1 << 50)
            return 0;
    return v->n_dim < 0 ? 0 : n;
}

static void put_number(vi_shape_value *v, double x)
{
    if (v->n_number >= 0 && v->n_number < VI_SHAPE_NUMBERS)
        v->number[v->n_number++] = x;
    else
        v->n_number = -1;
}

/* Numbers of small integer and float tensors. */
static void raw_numbers(vi_shape_value *v, bytes raw)
{
    size_t one = v->type == 7 ? 8 : v->type == 6 || v->type == 1 ? 4 : 0;
    if (!one || raw.n / one > VI_SHAPE_NUMBERS)
        return;
    v->n_number = 0;
    for (size_t i = 0; i + one <= raw.n; i += one) {
        int64_t wide;
        int32_t narrow;
        float real;
        memcpy(one == 8 ? (void *)&wide : v->type == 6 ? (void *)&narrow : (void *)&real, raw.p + i, one);
        put_number(v, one == 8 ? (double)wide : v->type == 6 ? (double)narrow : (double)real);
    }
}

/* int32_data (5), int64_data (7), packed or one by one. */
static bool varint_numbers(vi_shape_value *v, const field *f)
{
    bytes b = f->data;
    uint64_t x;
    v->n_number = VI_MAX(v->n_number, 0);
    if (f->kind == 0)
        put_number(v, (double)(int64_t)f->value);
    while (f->kind == 2 && b.n && v->n_number >= 0) {
        if (!get_varint(&b, &x))
            return false;
        put_number(v, (double)(int64_t)x);
    }
    return true;
}

static bool add_dim(vi_shape_value *v, uint64_t size)
{
    if (v->n_dim == VI_MAX_DIMS || size > INT32_MAX)
        return false;
    v->dim[v->n_dim++] = (int64_t)size;
    return true;
}

bool vi_shape_tensor(bytes message, vi_shape_value *v, bytes *name)
{
    bytes raw = {NULL, 0}, floats = {NULL, 0};
    field f;
    uint64_t x;
    int more;
    *v = (vi_shape_value){.n_number = -1, .weight = true};
    *name = (bytes){NULL, 0};
    while ((more = next_field(&message, &f)) > 0) {
        bool good = true;
        if (f.number == 1 && f.kind == 0)
            good = add_dim(v, f.value);
        for (bytes b = f.data; f.number == 1 && f.kind == 2 && b.n && good;)
            good = get_varint(&b, &x) && add_dim(v, x);
        if (f.number == 2 && f.kind == 0)
            v->type = f.value < 64 ? (int)f.value : 0;
        else if ((f.number == 5 || f.number == 7) && (f.kind == 0 || f.kind == 2))
            good = good && varint_numbers(v, &f);
        else if (f.number == 4 && f.kind == 2)
            floats = f.data;
        else if (f.number == 8 && f.kind == 2)
            *name = f.data;
        else if (f.number == 9 && f.kind == 2)
            raw = f.data;
        if (!good)
            return false;
    }
    if (raw.n || floats.n)
        raw_numbers(v, raw.n ? raw : floats);
    return more == 0;
}

/* --- values by name --------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const uint8_t *p, size_t n)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < n; ++i)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h;
}

static int *place_of(const vi_shape_graph *g, uint64_t hash)
{
    size_t at = hash & (size_t)(g->n_slot - 1);
    while (g->slot[at] && g->value[g->slot[at] - 1].hash != hash)
        at = (at + 1) & (size_t)(g->n_slot - 1);
    return &g->slot[at];
}

vi_shape_value *vi_shape_find(const vi_shape_graph *g, const char *name)
{
    int at = *place_of(g, hash_of((const uint8_t *)name, strlen(name)));
    return at ? &g->value[at - 1] : NULL;
}

/* Its index; made when it is new. Room was counted before. */
static int value_of(vi_shape_graph *g, bytes name)
{
    uint64_t hash = hash_of(name.p, name.n);
    int *at = place_of(g, hash);
    if (!*at) {
        vi_shape_value *v = &g->value[g->n_value++];
        *v = (vi_shape_value){.hash = hash, .n_dim = -1, .n_number = -1, .last = -1, .root = g->n_value - 1};
        *at = g->n_value;
    }
    return *at - 1;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

/* Counts what there will be (nodes, links, values), then fills it in, in a second pass over the same bytes. */
typedef struct tally {
    size_t nodes, links, values;
} tally;

static bool count_node(bytes message, tally *t)
{
    field f;
    int more;
    t->nodes++;
    while ((more = next_field(&message, &f)) > 0)
        t->links += (f.number == 1 || f.number == 2) && f.kind == 2;
    return more == 0;
}

static bool add_node(vi_shape_graph *g, bytes message)
{
    vi_shape_node *n = &g->node[g->n_node++];
    field f;
    int more;
    *n = (vi_shape_node){.message = message, .in = g->n_link};
    /* Inputs come first in the list of links, whatever the order of the fields. */
    for (int pass = 1; pass <= 2; ++pass) {
        bytes w = message;
        if (pass == 2)
            n->out = g->n_link;
        while ((more = next_field(&w, &f)) > 0) {
            if (f.number == 4 && f.kind == 2)
                n->op = f.data;
            if (f.number != (uint64_t)pass || f.kind != 2)
                continue;
            g->link[g->n_link++] = f.data.n ? value_of(g, f.data) : -1;
            (*(pass == 1 ? &n->n_in : &n->n_out))++;
        }
    }
    return more == 0;
}

/* ValueInfoProto to name, type and shape; free dimensions are -1. */
static bool read_info(bytes message, bytes *name, vi_shape_value *v)
{
    field f, t, s, d, x;
    int a, b = 0, c = 0, e = 0, h = 0;
    *name = (bytes){NULL, 0};
    *v = (vi_shape_value){.n_dim = -1, .n_number = -1};
    while ((a = next_field(&message, &f)) > 0) {
        if (f.number == 1 && f.kind == 2)
            *name = f.data;
        if (f.number != 2 || f.kind != 2)
            continue;
        while ((b = next_field(&f.data, &t)) > 0) {
            while (t.number == 1 && t.kind == 2 && (c = next_field(&t.data, &s)) > 0) {
                if (s.number == 1 && s.kind == 0)
                    v->type = s.value < 64 ? (int)s.value : 0;
                if (s.number != 2 || s.kind != 2)
                    continue;
                v->n_dim = 0;
                while ((e = next_field(&s.data, &d)) > 0) {
                    int64_t size = -1;
                    while (d.number == 1 && d.kind == 2 && (h = next_field(&d.data, &x)) > 0)
                        if (x.number == 1 && x.kind == 0 && x.value > 0 && x.value < INT32_MAX)
                            size = (int64_t)x.value;
                    if (v->n_dim == VI_MAX_DIMS)
                        return false;
                    v->dim[v->n_dim++] = size;
                }
            }
        }
    }
    return a == 0 && b == 0 && c == 0 && e == 0 && h == 0;
}

static bool add_info(vi_shape_graph *g, bytes message, bool input)
{
    vi_shape_value v;
    bytes name;
    if (!read_info(message, &name, &v))
        return false;
    int at = value_of(g, name);
    vi_shape_value *to = &g->value[at];
    to->bound = true;
    if (to->weight || !input)
        return true; /* old files list weights among the inputs */
    to->type = v.type;
    to->n_dim = v.n_dim;
    memcpy(to->dim, v.dim, sizeof v.dim);
    if (g->n_input < (int)VI_COUNT(g->input))
        g->input[g->n_input++] = at;
    return true;
}

static bool add_weight(vi_shape_graph *g, bytes message)
{
    vi_shape_value v;
    bytes name;
    if (!vi_shape_tensor(message, &v, &name))
        return false;
    vi_shape_value *to = &g->value[value_of(g, name)];
    v.hash = to->hash;
    v.last = -1;
    v.root = to->root;
    *to = v;
    g->stored += vi_shape_bytes(&v, 2);
    return true;
}

static bool visit(vi_shape_graph *g, bytes graph, uint64_t number, tally *t)
{
    field f;
    int more;
    bool good = true;
    while (good && (more = next_field(&graph, &f)) > 0) {
        if (f.kind != 2)
            continue;
        if (t) {
            t->values += f.number == 5 || f.number == 11 || f.number == 12;
            good = f.number == 1 ? count_node(f.data, t) : true;
        } else if (f.number == number) {
            good = number == 1 ? add_node(g, f.data) : number == 5 ? add_weight(g, f.data) : add_info(g, f.data, number == 11);
        }
    }
    return good && more == 0;
}

static bool find_graph(const uint8_t *data, size_t size, bytes *graph)
{
    bytes model = {data, size};
    field f;
    bool found = false;
    while (next_field(&model, &f) > 0)
        if (f.number == 7 && f.kind == 2) {
            *graph = f.data;
            found = true;
        }
    return found;
}

const char *vi_shape_read(vi_shape_graph *g, const uint8_t *data, size_t size)
{
    static const uint64_t order[] = {5, 11, 12, 1}; /* initialisers, inputs, outputs, nodes */
    bytes graph;
    tally t = {0, 0, 0};
    memset(g, 0, sizeof *g);
    if (!find_graph(data, size, &graph))
        return "no graph in it";
    if (!visit(g, graph, 0, &t))
        return "its graph is damaged";
    size_t values = t.values + t.links + 1;
    if (t.nodes > MOST || t.links > MOST || values > 2 * MOST)
        return "its graph is too large";
    for (g->n_slot = 16; (size_t)g->n_slot < 2 * values;)
        g->n_slot *= 2;
    g->value = vi_calloc(values, sizeof *g->value);
    g->node = vi_calloc(t.nodes + 1, sizeof *g->node);
    g->link = vi_calloc(t.links + 1, sizeof *g->link);
    g->slot = vi_calloc((size_t)g->n_slot, sizeof *g->slot);
    if (!g->value || !g->node || !g->link || !g->slot)
        return "out of memory";
    for (size_t i = 0; i < VI_COUNT(order); ++i)
        if (!visit(g, graph, order[i], NULL))
            return "its graph is damaged";
    return NULL;
}

void vi_shape_free(vi_shape_graph *g)
{
    vi_free(g->value);
    vi_free(g->node);
    vi_free(g->link);
    vi_free(g->slot);
    memset(g, 0, sizeof *g);
}

/* --- the walk --------------------------------------------------------------------------------------------------- */

/* Results of unknown size are taken to be as large as the largest input. */
static void guess(vi_shape_graph *g, const vi_shape_node *n)
{
    const vi_shape_value *largest = NULL;
    for (int i = 0; i < n->n_in; ++i) {
        const vi_shape_value *v = g->link[n->in + i] < 0 ? NULL : &g->value[g->link[n->in + i]];
        if (v && !v->weight && (!largest || vi_shape_bytes(v, 2) > vi_shape_bytes(largest, 2)))
            largest = v;
    }
    for (int i = 0; i < n->n_out; ++i) {
        vi_shape_value *v = g->link[n->out + i] < 0 ? NULL : &g->value[g->link[n->out + i]];
        if (!v || v->n_dim >= 0)
            continue;
        v->type = largest ? largest->type : 1;
        v->n_dim = largest ? largest->n_dim : 0;
        if (largest)
            memcpy(v->dim, largest->dim, sizeof v->dim);
    }
    g->guessed++;
}

void vi_shape_walk(vi_shape_graph *g)
{
    for (int i = 0; i < g->n_input; ++i) {
        vi_shape_value *v = &g->value[g->input[i]];
        for (int k = 0; k < v->n_dim; ++k)
            v->dim[k] = v->dim[k] < 0 ? 1 : v->dim[k];
    }
    for (int i = 0; i < g->n_node; ++i) {
        const vi_shape_node *n = &g->node[i];
        bool constant = true;
        for (int k = 0; k < n->n_in; ++k) {
            int at = g->link[n->in + k];
            if (at >= 0) {
                g->value[at].last = i;
                constant = constant && g->value[at].weight;
            }
        }
        if (!vi_shape_step(g, n))
            guess(g, n);
        for (int k = 0; k < n->n_out && constant; ++k)
            if (g->link[n->out + k] >= 0)
                g->value[g->link[n->out + k]].weight = true;
    }
}

bool vi_shape_attribute(const vi_shape_node *n, const char *name, bytes *message)
{
    bytes w = n->message;
    field f, a;
    while (next_field(&w, &f) > 0) {
        if (f.number != 5 || f.kind != 2)
            continue;
        bytes inner = f.data;
        while (next_field(&inner, &a) > 0)
            if (a.number == 1 && a.kind == 2 && bytes_are(a.data, name)) {
                *message = f.data;
                return true;
            }
    }
    return false;
}
