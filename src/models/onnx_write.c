/* models/onnx_write.c: builds protobuf-c messages in a pool and packs them. One thread.
 *
 * Output is deterministic: the same calls give the same bytes, so the manifest can hold the digest of a converted
 * file. */
#include "models/onnx_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "onnx.pb-c.h"

/* Opset 16 is the first with GridSample; IR 8 is the version that goes with it. */
enum { OPSET = 16, IR_VERSION = 8, BLOCK = 1 << 16 };

typedef struct block {
    struct block *next;
    size_t used, size;
    uint8_t bytes[] __attribute__((aligned(16)));
} block;

typedef struct list {
    void **item;
    size_t count, room;
} list;

struct vi_onnx {
    block *blocks;
    size_t total, limit;
    bool no_memory, over_limit;
    list node, constant, input, output;
};

vi_onnx *vi_onnx_begin(size_t limit)
{
    vi_onnx *g = vi_calloc(1, sizeof *g);
    if (g)
        g->limit = limit;
    return g;
}

void vi_onnx_free(vi_onnx **g)
{
    if (!*g)
        return;
    for (block *b = (*g)->blocks, *next; b; b = next) {
        next = b->next;
        vi_free(b);
    }
    vi_free(*g);
    *g = NULL;
}

bool vi_onnx_failed(const vi_onnx *g)
{
    return g->no_memory || g->over_limit;
}

/* Cleared memory from the pool. */
static void *take(vi_onnx *g, size_t size)
{
    if (vi_onnx_failed(g))
        return NULL;
    if (size > g->limit) {
        g->over_limit = true;
        return NULL;
    }
    size = (size + 15) & ~(size_t)15;
    if (!g->blocks || g->blocks->size - g->blocks->used < size) {
        size_t room = VI_MAX((size_t)BLOCK, size);
        if (room > g->limit - g->total) {
            g->over_limit = true;
            return NULL;
        }
        block *b = vi_alloc(sizeof *b + room);
        if (!b) {
            g->no_memory = true;
            return NULL;
        }
        *b = (block){.next = g->blocks, .size = room};
        g->blocks = b;
        g->total += room;
    }
    void *p = g->blocks->bytes + g->blocks->used;
    g->blocks->used += size;
    memset(p, 0, size);
    return p;
}

static void append(vi_onnx *g, list *l, void *item)
{
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        void **grown = take(g, room * sizeof *grown);
        if (!grown)
            return;
        if (l->count)
            memcpy(grown, l->item, l->count * sizeof *grown);
        l->item = grown;
        l->room = room;
    }
    l->item[l->count++] = item;
}

char *vi_onnx_text(vi_onnx *g, const char *fmt, ...)
{
    static char nothing[1];
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    size_t n = strlen(text) + 1;
    char *p = take(g, n);
    if (!p)
        return nothing;
    memcpy(p, text, n);
    return p;
}

/* protobuf-c has no const strings; nothing here ever writes through these pointers. */
static char *text_of(const char *s)
{
    union {
        const char *in;
        char *out;
    } u = {s};
    return u.out;
}

vi_onnx_node_t *vi_onnx_node_n(vi_onnx *g, const char *type, const char *out, const char *const *in, int n_in)
{
    Onnx__NodeProto *n = take(g, sizeof *n);
    char **names = take(g, ((size_t)n_in + 1) * sizeof *names);
    if (!n || !names)
        return NULL;
    onnx__node_proto__init(n);
    for (int i = 0; i < n_in; ++i)
        names[i] = text_of(in[i]);
    names[n_in] = text_of(out);
    n->n_input = (size_t)n_in;
    n->input = names;
    n->n_output = 1;
    n->output = names + n_in;
    n->op_type = text_of(type);
    n->name = names[n_in];
    append(g, &g->node, n);
    return n;
}

static Onnx__AttributeProto *attribute(vi_onnx *g, vi_onnx_node_t *n, const char *name)
{
    enum { MOST = 6 };
    if (!n)
        return NULL;
    Onnx__AttributeProto *a = take(g, sizeof *a);
    if (a && !n->attribute)
        n->attribute = take(g, MOST * sizeof *n->attribute);
    if (!a || !n->attribute)
        return NULL;
    onnx__attribute_proto__init(a);
    a->name = text_of(name);
    a->has_type = 1;
    if (n->n_attribute < MOST)
        n->attribute[n->n_attribute++] = a;
    return a;
}

void vi_onnx_set_int(vi_onnx *g, vi_onnx_node_t *n, const char *name, int64_t value)
{
    Onnx__AttributeProto *a = attribute(g, n, name);
    if (!a)
        return;
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    a->has_i = 1;
    a->i = value;
}

void vi_onnx_set_ints(vi_onnx *g, vi_onnx_node_t *n, const char *name, const int64_t *value, int count)
{
    Onnx__AttributeProto *a = attribute(g, n, name);
    int64_t *copy = take(g, (size_t)count * sizeof *copy);
    if (!a || !copy)
        return;
    memcpy(copy, value, (size_t)count * sizeof *copy);
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    a->n_ints = (size_t)count;
    a->ints = copy;
}

void vi_onnx_set_text(vi_onnx *g, vi_onnx_node_t *n, const char *name, const char *value)
{
    Onnx__AttributeProto *a = attribute(g, n, name);
    if (!a)
        return;
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    a->has_s = 1;
    a->s.len = strlen(value);
    a->s.data = (uint8_t *)text_of(value);
}

static void *constant(vi_onnx *g, const char *name, const int64_t *dim, int n_dim, int type, size_t element)
{
    size_t bytes = element;
    for (int i = 0; i < n_dim; ++i)
        if (__builtin_mul_overflow(bytes, (size_t)dim[i], &bytes)) {
            g->over_limit = true;
            return NULL;
        }
    Onnx__TensorProto *t = take(g, sizeof *t);
    int64_t *dims = take(g, ((size_t)n_dim + 1) * sizeof *dims);
    void *data = take(g, bytes);
    if (!t || !dims || !data)
        return NULL;
    onnx__tensor_proto__init(t);
    for (int i = 0; i < n_dim; ++i)
        dims[i] = dim[i];
    t->n_dims = (size_t)n_dim;
    t->dims = dims;
    t->has_data_type = 1;
    t->data_type = type;
    t->name = text_of(name);
    t->has_raw_data = 1;
    t->raw_data.len = bytes;
    t->raw_data.data = data;
    append(g, &g->constant, t);
    return data;
}

float *vi_onnx_floats(vi_onnx *g, const char *name, const int64_t *dim, int n_dim)
{
    return constant(g, name, dim, n_dim, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, sizeof(float));
}

void vi_onnx_int64s(vi_onnx *g, const char *name, const int64_t *value, int count)
{
    int64_t dim = count;
    int64_t *data = constant(g, name, &dim, 1, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, sizeof(int64_t));
    if (data)
        memcpy(data, value, (size_t)count * sizeof *data);
}

static Onnx__ValueInfoProto *value_info(vi_onnx *g, const char *name, vi_onnx_type element, const int64_t *dim, int n_dim)
{
    Onnx__ValueInfoProto *v = take(g, sizeof *v);
    Onnx__TypeProto *type = take(g, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = take(g, sizeof *tensor);
    Onnx__TensorShapeProto *shape = take(g, sizeof *shape);
    Onnx__TensorShapeProto__Dimension **dims = take(g, ((size_t)n_dim + 1) * sizeof *dims);
    if (!v || !type || !tensor || !shape || !dims)
        return NULL;
    onnx__value_info_proto__init(v);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    for (int i = 0; i < n_dim; ++i) {
        dims[i] = take(g, sizeof **dims);
        if (!dims[i])
            return NULL;
        onnx__tensor_shape_proto__dimension__init(dims[i]);
        if (dim[i] < 0)
            continue;
        dims[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        dims[i]->dim_value = dim[i];
    }
    shape->n_dim = (size_t)n_dim;
    shape->dim = dims;
    tensor->has_elem_type = 1;
    tensor->elem_type = (int32_t)element;
    tensor->shape = shape;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    v->name = text_of(name);
    v->type = type;
    return v;
}

void vi_onnx_input_of(vi_onnx *g, const char *name, vi_onnx_type type, const int64_t *dim, int n_dim)
{
    Onnx__ValueInfoProto *v = value_info(g, name, type, dim, n_dim);
    if (v)
        append(g, &g->input, v);
}

void vi_onnx_output_of(vi_onnx *g, const char *name, vi_onnx_type type, const int64_t *dim, int n_dim)
{
    Onnx__ValueInfoProto *v = value_info(g, name, type, dim, n_dim);
    if (v)
        append(g, &g->output, v);
}

void vi_onnx_input(vi_onnx *g, const char *name, const int64_t *dim, int n_dim)
{
    vi_onnx_input_of(g, name, VI_ONNX_FLOAT, dim, n_dim);
}

void vi_onnx_output(vi_onnx *g, const char *name, const int64_t *dim, int n_dim)
{
    vi_onnx_output_of(g, name, VI_ONNX_FLOAT, dim, n_dim);
}

static int pack(vi_onnx *g, const char *graph_name, uint8_t **data, size_t *size)
{
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT;
    Onnx__OperatorSetIdProto *opsets[] = {&opset};
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    opset.domain = text_of("");
    opset.has_version = 1;
    opset.version = OPSET;
    graph.name = text_of(graph_name);
    graph.n_node = g->node.count;
    graph.node = (Onnx__NodeProto **)g->node.item;
    graph.n_initializer = g->constant.count;
    graph.initializer = (Onnx__TensorProto **)g->constant.item;
    graph.n_input = g->input.count;
    graph.input = (Onnx__ValueInfoProto **)g->input.item;
    graph.n_output = g->output.count;
    graph.output = (Onnx__ValueInfoProto **)g->output.item;
    model.has_ir_version = 1;
    model.ir_version = IR_VERSION;
    model.n_opset_import = 1;
    model.opset_import = opsets;
    model.producer_name = text_of("viso");
    model.graph = &graph;
    *size = onnx__model_proto__get_packed_size(&model);
    *data = vi_alloc(*size);
    if (!*data)
        return VISO_ERR_NO_SPACE;
    onnx__model_proto__pack(&model, *data);
    return 0;
}

int vi_onnx_finish(vi_onnx *g, const char *graph_name, const char *source, uint8_t **data, size_t *size,
                   viso_error *err)
{
    if (g->over_limit)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the graph unfolds to more than a file of its size should", source);
    if (g->no_memory || pack(g, graph_name, data, size))
        return vi_error_nomem(err, source);
    return 0;
}
