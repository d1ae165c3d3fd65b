/* models/tflite_convert.c: TensorFlow Lite -> ONNX, the walk over the file; operators are in tflite_convert_ops.c.
 * One thread.
 *
 * Operators are stored in the order of execution, so one pass suffices: each finds its inputs named already. */
#include "models/tflite_convert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "models/models.h"

/* A whole file takes about twice its size (16-bit weights unfold to 32); nodes cost about 1 KiB each. */
enum { POOL_PER_BYTE = 16, POOL_LEAST = 4 << 20, NAME_MOST = 80 };

int vi_convert_fault(vi_convert *c, int tensor, const char *fmt, ...)
{
    char text[256], of[128] = "";
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (tensor >= 0) {
        const vi_tfl_tensor *t = &c->m.tensor[tensor];
        snprintf(of, sizeof of, ", tensor %d '%.*s'", tensor, (int)VI_MIN(t->name_size, NAME_MOST), t->name);
    }
    if (c->op < 0)
        return vi_error_set(c->err, VISO_ERR_INPUT, "%s: graph%s: %s", c->file, of, text);
    return vi_error_set(c->err, VISO_ERR_INPUT, "%s: operator %d %s%s: %s", c->file, c->op,
                        vi_tfl_code_name(vi_convert_op(c)->code), of, text);
}

vi_tfl_tensor *vi_convert_in(vi_convert *c, int i)
{
    const vi_tfl_op *op = vi_convert_op(c);
    int t = i < op->n_in ? vi_tfl_at(op->in, i) : -1;
    return t < 0 ? NULL : &c->m.tensor[t];
}

vi_tfl_tensor *vi_convert_out(vi_convert *c, int i)
{
    return &c->m.tensor[vi_tfl_at(vi_convert_op(c)->out, i)];
}

int vi_convert_arity(vi_convert *c, int min_in, int max_in, int n_out)
{
    const vi_tfl_op *op = vi_convert_op(c);
    if (op->n_in < min_in || op->n_in > max_in || op->n_out != n_out)
        return vi_convert_fault(c, -1, "%d inputs and %d outputs do not fit it", op->n_in, op->n_out);
    for (int i = 0; i < min_in; ++i)
        if (!vi_convert_in(c, i))
            return vi_convert_fault(c, -1, "input %d is missing", i);
    return 0;
}

bool vi_convert_is_constant(const vi_tfl_tensor *t)
{
    return t->data != NULL;
}

/* Printable name, unique through the tensor's number except for the graph's own inputs and outputs. */
static const char *name_of(vi_convert *c, int tensor, bool plain)
{
    const vi_tfl_tensor *t = &c->m.tensor[tensor];
    char text[NAME_MOST + 1];
    size_t n = VI_MIN(t->name_size, (size_t)NAME_MOST);
    for (size_t i = 0; i < n; ++i)
        text[i] = t->name[i] > ' ' && t->name[i] < 127 ? t->name[i] : '_';
    text[n] = 0;
    return plain && n ? vi_onnx_text(c->g, "%s", text) : vi_onnx_text(c->g, "%d:%s", tensor, text);
}

const char *vi_convert_helper(vi_convert *c, const char *what)
{
    return vi_onnx_text(c->g, "op%d/%s%d", c->op, what, c->serial++);
}

void vi_convert_shape(const vi_tfl_tensor *t, int64_t dim[VI_TFL_MAX_DIMS])
{
    memcpy(dim, t->dim, sizeof t->dim);
    if (t->n_dim == 4) {
        dim[1] = t->dim[3];
        dim[2] = t->dim[1];
        dim[3] = t->dim[2];
    }
}

int vi_convert_activation(vi_convert *c, int i, int rank, const char **name)
{
    vi_tfl_tensor *t = vi_convert_in(c, i);
    if (!t)
        return vi_convert_fault(c, -1, "input %d is missing", i);
    if (rank && t->n_dim != rank)
        return vi_convert_fault(c, t->index, "rank %d where %d is needed", t->n_dim, rank);
    if (t->type != VI_TFL_F32)
        return vi_convert_fault(c, t->index, "element type %d; only float32 activations are supported", t->type);
    *name = c->value[t->index].name;
    if (!*name)
        return vi_convert_fault(c, t->index, "%s", vi_convert_is_constant(t) ? "constant where a computed tensor is needed"
                                                                              : "used before anything made it");
    return 0;
}

int vi_convert_make(vi_convert *c, int i, const char **name)
{
    vi_tfl_tensor *t = vi_convert_out(c, i);
    vi_convert_value *v = &c->value[t->index];
    if (t->type != VI_TFL_F32)
        return vi_convert_fault(c, t->index, "element type %d; only float32 activations are supported", t->type);
    if (v->name || v->producer != c->op || vi_convert_is_constant(t))
        return vi_convert_fault(c, t->index, "made twice");
    bool plain = false;
    for (int k = 0; k < c->m.n_out; ++k)
        plain |= vi_tfl_at(c->m.out, k) == t->index;
    v->name = *name = name_of(c, t->index, plain);
    return 0;
}

static void print_shape(char *text, size_t size, const int64_t *dim, int n_dim)
{
    size_t used = 0;
    text[0] = 0;
    for (int k = 0; k < n_dim && used < size; ++k)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", k ? "," : "", (long long)dim[k]);
}

int vi_convert_expect(vi_convert *c, int i, const int64_t *dim, int n_dim)
{
    const vi_tfl_tensor *t = vi_convert_out(c, i);
    bool same = t->n_dim == n_dim;
    for (int k = 0; same && k < n_dim; ++k)
        same = t->dim[k] == dim[k];
    if (same)
        return 0;
    char want[96], got[96];
    print_shape(want, sizeof want, dim, n_dim);
    print_shape(got, sizeof got, t->dim, t->n_dim);
    return vi_convert_fault(c, t->index, "shape [%s] expected, [%s] found", want, got);
}

/* Everything before the first operator is reached: who makes and reads what; constants behind DEQUANTIZE. */
static int survey(vi_convert *c)
{
    for (int i = 0; i < c->m.n_tensor; ++i)
        c->value[i].producer = -1;
    for (c->op = 0; c->op < c->m.n_op; ++c->op) {
        const vi_tfl_op *op = vi_convert_op(c);
        for (int i = 0; i < op->n_in; ++i)
            if (vi_convert_in(c, i))
                c->value[vi_convert_in(c, i)->index].uses++;
        for (int i = 0; i < op->n_out; ++i) {
            vi_tfl_tensor *t = vi_convert_out(c, i);
            if (c->value[t->index].producer >= 0)
                return vi_convert_fault(c, t->index, "made twice");
            c->value[t->index].producer = c->op;
        }
        if (op->code != VI_TFL_DEQUANTIZE)
            continue;
        int code = vi_convert_arity(c, 1, 1, 1);
        if (code)
            return code;
        vi_tfl_tensor *from = vi_convert_in(c, 0), *to = vi_convert_out(c, 0);
        if (!vi_convert_is_constant(from) || from->type != VI_TFL_F16 || vi_convert_is_constant(to))
            return vi_convert_fault(c, from->index, "only float16 constants can be unfolded (element type %d here)", from->type);
        if (from->n_dim != to->n_dim || memcmp(from->dim, to->dim, sizeof to->dim) != 0)
            return vi_convert_fault(c, to->index, "its shape differs from '%.*s'", (int)VI_MIN(from->name_size, NAME_MOST),
                                    from->name);
        to->data = from->data;
        to->bytes = from->bytes;
        to->type = VI_TFL_F16;
        c->fused[c->op] = true;
    }
    c->op = -1;
    for (int i = 0; i < c->m.n_out; ++i)
        c->value[vi_tfl_at(c->m.out, i)].uses++;
    return 0;
}

/* Some files are frozen at a batch of several pictures (MobileFaceNet: 2); viso gives one. Every computed tensor
 * then has the batch as its first dimension. */
static int single_batch(vi_convert *c)
{
    const vi_tfl_tensor *first = &c->m.tensor[vi_tfl_at(c->m.in, 0)];
    int64_t batch = first->n_dim == 4 ? first->dim[0] : 1;
    if (batch == 1)
        return 0;
    for (int i = 0; i < c->m.n_tensor; ++i) {
        vi_tfl_tensor *t = &c->m.tensor[i];
        bool graph_input = false;
        for (int k = 0; k < c->m.n_in; ++k)
            graph_input |= vi_tfl_at(c->m.in, k) == i;
        if (vi_convert_is_constant(t) || (c->value[i].producer < 0 && !graph_input))
            continue;
        if (t->n_dim == 0 || t->dim[0] != batch)
            return vi_convert_fault(c, i, "a batch of %lld cannot be reduced to 1", (long long)batch);
        t->dim[0] = 1;
        t->count /= batch;
    }
    return 0;
}

static int graph_inputs(vi_convert *c)
{
    for (int i = 0; i < c->m.n_in; ++i) {
        vi_tfl_tensor *t = &c->m.tensor[vi_tfl_at(c->m.in, i)];
        vi_convert_value *v = &c->value[t->index];
        if (v->name || v->producer >= 0 || vi_convert_is_constant(t))
            return vi_convert_fault(c, t->index, "an input of the graph that is also made inside");
        if (t->type != VI_TFL_F32)
            return vi_convert_fault(c, t->index, "element type %d; only float32 inputs are supported", t->type);
        int64_t dim[VI_TFL_MAX_DIMS];
        vi_convert_shape(t, dim);
        v->name = name_of(c, t->index, true);
        vi_onnx_input(c->g, v->name, dim, t->n_dim);
    }
    return 0;
}

static int graph_outputs(vi_convert *c)
{
    c->op = -1;
    for (int i = 0; i < c->m.n_out; ++i) {
        vi_tfl_tensor *t = &c->m.tensor[vi_tfl_at(c->m.out, i)];
        vi_convert_value *v = &c->value[t->index];
        if (!v->name || v->producer < 0)
            return vi_convert_fault(c, t->index, "an output of the graph that no operator makes");
        int64_t dim[VI_TFL_MAX_DIMS];
        vi_convert_shape(t, dim);
        vi_onnx_output(c->g, v->name, dim, t->n_dim);
    }
    return 0;
}

static int convert(vi_convert *c)
{
    int code = survey(c);
    if (!code)
        code = single_batch(c);
    if (!code)
        code = graph_inputs(c);
    if (code)
        return code;
    vi_convert_find_prelu(c);
    for (c->op = 0; c->op < c->m.n_op; ++c->op) {
        if (c->fused[c->op])
            continue;
        code = vi_convert_operator(c);
        if (code)
            return code;
        if (vi_onnx_failed(c->g))
            return 0; /* reported at the end, once */
    }
    return graph_outputs(c);
}

int vi_tflite_to_onnx(const uint8_t *data, size_t size, const char *name, uint8_t **onnx, size_t *onnx_size,
                      viso_error *err)
{
    vi_convert c = {.file = name, .err = err, .op = -1};
    *onnx = NULL;
    *onnx_size = 0;
    int code = vi_tfl_read(&c.m, data, size, name, err);
    if (code)
        return code;
    c.g = vi_onnx_begin(POOL_PER_BYTE * size + POOL_LEAST);
    c.value = vi_calloc((size_t)c.m.n_tensor, sizeof *c.value);
    c.fused = vi_calloc((size_t)c.m.n_op, sizeof *c.fused);
    if (!c.g || !c.value || !c.fused)
        code = vi_error_nomem(err, name);
    else
        code = convert(&c);
    if (!code)
        code = vi_onnx_finish(c.g, "graph", name, onnx, onnx_size, err);
    vi_onnx_free(&c.g);
    vi_free(c.value);
    vi_free(c.fused);
    vi_tfl_free(&c.m);
    return code;
}
