/* models/tflite_read.c: FlatBuffer tables with bounds checks. No thread state.
 *
 * The idea: one reader with a sticky `bad` flag. Every access is checked and yields zero once something was out of
 * range, so the code reads like the schema and asks about the damage after each table. */
#include "models/tflite_read.h"

#include <string.h>

typedef struct reader {
    const uint8_t *data;
    size_t size;
    bool bad;
} reader;

static bool inside(reader *r, size_t pos, size_t bytes)
{
    if (bytes <= r->size && pos <= r->size - bytes)
        return true;
    r->bad = true;
    return false;
}

static uint32_t read_u32(reader *r, size_t pos)
{
    if (!inside(r, pos, 4))
        return 0;
    const uint8_t *p = r->data + pos;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t read_u16(reader *r, size_t pos)
{
    if (!inside(r, pos, 2))
        return 0;
    return (uint32_t)r->data[pos] | (uint32_t)r->data[pos + 1] << 8;
}

/* Position of a field's value inside a table, 0 when the table leaves it out. A table starts with the signed
 * distance back to its vtable: u16 bytes of vtable, u16 bytes of table, then one u16 offset per field. */
static size_t field_at(reader *r, size_t table, int field)
{
    int64_t vtable = (int64_t)table - (int32_t)read_u32(r, table);
    if (r->bad || vtable < 0 || (uint64_t)vtable >= r->size) {
        r->bad = true;
        return 0;
    }
    uint32_t vsize = read_u16(r, (size_t)vtable);
    size_t entry = 4 + 2 * (size_t)field;
    if (r->bad || entry + 2 > vsize)
        return 0;
    uint32_t offset = read_u16(r, (size_t)vtable + entry);
    if (offset == 0 || !inside(r, table, offset))
        return 0;
    return table + offset;
}

/* Follows the offset stored in a field to a table or vector; 0 when absent. */
static size_t follow(reader *r, size_t at)
{
    if (at == 0)
        return 0;
    size_t offset = read_u32(r, at);
    if (r->bad || offset == 0 || !inside(r, at, offset)) {
        r->bad = true;
        return 0;
    }
    return at + offset;
}

static size_t vector_at(reader *r, size_t table, int field, size_t element, uint32_t *count)
{
    *count = 0;
    size_t pos = follow(r, field_at(r, table, field));
    if (pos == 0)
        return 0;
    uint32_t n = read_u32(r, pos);
    if (r->bad || n > r->size / element || !inside(r, pos + 4, n * element)) {
        r->bad = true;
        return 0;
    }
    *count = n;
    return pos + 4;
}

static int scalar(reader *r, size_t table, int field, int wide, int absent)
{
    size_t at = field_at(r, table, field);
    if (at == 0)
        return absent;
    if (wide == 4)
        return (int)read_u32(r, at);
    return inside(r, at, 1) ? (int8_t)r->data[at] : absent;
}

int vi_tfl_at(const uint8_t *list, int i)
{
    const uint8_t *p = list + 4 * (size_t)i;
    return (int)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

int vi_tfl_option(const vi_tfl *m, const vi_tfl_op *op, int field, int wide, int absent)
{
    reader r = {m->data, m->size, false};
    if (op->options == 0)
        return absent;
    int v = scalar(&r, op->options, field, wide, absent);
    return r.bad ? absent : v;
}

static const char *read_tensor(reader *r, size_t table, size_t buffers, uint32_t n_buffer, vi_tfl_tensor *t)
{
    uint32_t n, size;
    size_t shape = vector_at(r, table, 0, 4, &n);
    t->type = scalar(r, table, 1, 1, 0);
    uint32_t buffer = (uint32_t)scalar(r, table, 2, 4, 0);
    size_t name = vector_at(r, table, 3, 1, &size);
    if (r->bad)
        return "its table points outside the file";
    t->name = name ? (const char *)r->data + name : "";
    t->name_size = size;
    if (n > VI_TFL_MAX_DIMS)
        return "it has more than 8 dimensions";
    t->n_dim = (int)n;
    t->count = 1;
    for (int i = 0; i < t->n_dim; ++i) {
        t->dim[i] = (int32_t)read_u32(r, shape + 4 * (size_t)i);
        if (t->dim[i] < 1 || t->count > VI_TFL_MAX_ELEMENTS / t->dim[i])
            return "its shape is not a fixed shape of sensible size";
        t->count *= t->dim[i];
    }
    if (buffer >= n_buffer)
        return "its buffer number is out of range";
    size_t held = follow(r, buffers + 4 * (size_t)buffer);
    size_t data = vector_at(r, held, 0, 1, &size);
    if (r->bad)
        return "its buffer lies outside the file";
    t->data = data && size ? r->data + data : NULL;
    t->bytes = t->data ? size : 0;
    return NULL;
}

static bool tensors_known(const uint8_t *list, uint32_t n, int n_tensor, bool optional)
{
    for (uint32_t i = 0; i < n; ++i) {
        int v = vi_tfl_at(list, (int)i);
        if (v >= n_tensor || v < (optional ? -1 : 0))
            return false;
    }
    return true;
}

static const char *read_op(reader *r, size_t table, size_t codes, uint32_t n_code, int n_tensor, vi_tfl_op *op)
{
    uint32_t n_in, n_out, n;
    uint32_t code = (uint32_t)scalar(r, table, 0, 4, 0);
    size_t in = vector_at(r, table, 1, 4, &n_in);
    size_t out = vector_at(r, table, 2, 4, &n_out);
    op->options = follow(r, field_at(r, table, 4));
    size_t custom = vector_at(r, table, 5, 1, &n);
    if (r->bad)
        return "its table points outside the file";
    op->custom_options = custom ? r->data + custom : NULL;
    op->custom_options_size = n;
    if (code >= n_code)
        return "its operator code is out of range";
    size_t entry = follow(r, codes + 4 * (size_t)code);
    /* Old files have the code in a byte, new ones in an int; each leaves 0 in the other. */
    int old = scalar(r, entry, 0, 1, 0), wide = scalar(r, entry, 3, 4, 0);
    size_t name = vector_at(r, entry, 1, 1, &n);
    if (r->bad)
        return "its operator code lies outside the file";
    op->code = VI_MAX(old, wide);
    op->custom = name ? (const char *)r->data + name : "";
    op->custom_size = n;
    if (n_in > VI_TFL_MAX_OPERANDS || n_out > VI_TFL_MAX_OPERANDS)
        return "it has more than 64 operands";
    op->in = r->data + in;
    op->out = r->data + out;
    op->n_in = (int)n_in;
    op->n_out = (int)n_out;
    if (!tensors_known(op->in, n_in, n_tensor, true) || !tensors_known(op->out, n_out, n_tensor, false))
        return "it uses a tensor that does not exist";
    return NULL;
}

static int damaged(const char *file, viso_error *err, const char *what)
{
    return vi_error_set(err, VISO_ERR_INPUT, "%s: damaged TensorFlow Lite file: %s", file, what);
}

static int read_tensors(vi_tfl *m, reader *r, size_t table, size_t model, const char *file, viso_error *err)
{
    uint32_t n, n_buffer;
    size_t list = vector_at(r, table, 0, 4, &n);
    size_t buffers = vector_at(r, model, 4, 4, &n_buffer);
    if (r->bad || n == 0)
        return damaged(file, err, "no list of tensors or buffers");
    m->tensor = vi_calloc(n, sizeof *m->tensor);
    if (!m->tensor)
        return vi_error_nomem(err, file);
    m->n_tensor = (int)n;
    for (uint32_t i = 0; i < n; ++i) {
        vi_tfl_tensor *t = &m->tensor[i];
        t->index = (int)i;
        size_t at = follow(r, list + 4 * (size_t)i);
        const char *fault = r->bad ? "its table lies outside the file" : read_tensor(r, at, buffers, n_buffer, t);
        if (fault)
            return vi_error_set(err, VISO_ERR_INPUT, "%s: damaged TensorFlow Lite file: tensor %u '%.*s': %s", file, i,
                                (int)VI_MIN(t->name_size, 95), t->name ? t->name : "", fault);
    }
    return 0;
}

static int read_ops(vi_tfl *m, reader *r, size_t table, size_t model, const char *file, viso_error *err)
{
    uint32_t n, n_code;
    size_t list = vector_at(r, table, 3, 4, &n);
    size_t codes = vector_at(r, model, 1, 4, &n_code);
    if (r->bad || n == 0)
        return damaged(file, err, "no list of operators");
    m->op = vi_calloc(n, sizeof *m->op);
    if (!m->op)
        return vi_error_nomem(err, file);
    m->n_op = (int)n;
    for (uint32_t i = 0; i < n; ++i) {
        size_t at = follow(r, list + 4 * (size_t)i);
        const char *fault = r->bad ? "its table lies outside the file"
                                   : read_op(r, at, codes, n_code, m->n_tensor, &m->op[i]);
        if (fault)
            return vi_error_set(err, VISO_ERR_INPUT, "%s: damaged TensorFlow Lite file: operator %u %s: %s", file, i,
                                vi_tfl_code_name(m->op[i].code), fault);
    }
    return 0;
}

static int read_graph(vi_tfl *m, reader *r, const char *file, viso_error *err)
{
    size_t model = read_u32(r, 0);
    uint32_t n, n_in, n_out;
    size_t graphs = vector_at(r, model, 2, 4, &n);
    if (r->bad || n == 0)
        return damaged(file, err, "no graph in it");
    if (n != 1)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: %u graphs in one file; only files with one are supported", file, n);
    size_t table = follow(r, graphs);
    size_t in = vector_at(r, table, 1, 4, &n_in), out = vector_at(r, table, 2, 4, &n_out);
    if (r->bad)
        return damaged(file, err, "the graph's table points outside the file");
    int code = read_tensors(m, r, table, model, file, err);
    if (!code)
        code = read_ops(m, r, table, model, file, err);
    if (code)
        return code;
    m->in = r->data + in;
    m->out = r->data + out;
    m->n_in = (int)n_in;
    m->n_out = (int)n_out;
    if (n_in < 1 || n_out < 1 || n_in > VI_TFL_MAX_OPERANDS || n_out > VI_TFL_MAX_OPERANDS ||
        !tensors_known(m->in, n_in, m->n_tensor, false) || !tensors_known(m->out, n_out, m->n_tensor, false))
        return damaged(file, err, "the graph's inputs or outputs name tensors that do not exist");
    return 0;
}

int vi_tfl_read(vi_tfl *m, const uint8_t *data, size_t size, const char *file, viso_error *err)
{
    reader r = {data, size, false};
    *m = (vi_tfl){.data = data, .size = size};
    if (size < 8 || memcmp(data + 4, "TFL3", 4) != 0)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: not a TensorFlow Lite file (no mark TFL3 at byte 4)", file);
    if (size > INT32_MAX)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: larger than 2 GiB", file);
    int code = read_graph(m, &r, file, err);
    if (code)
        vi_tfl_free(m);
    return code;
}

void vi_tfl_free(vi_tfl *m)
{
    vi_free(m->tensor);
    vi_free(m->op);
    *m = (vi_tfl){0};
}

const char *vi_tfl_code_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } known[] = {
        {VI_TFL_ADD, "ADD"},
        {VI_TFL_AVERAGE_POOL_2D, "AVERAGE_POOL_2D"},
        {VI_TFL_CONCATENATION, "CONCATENATION"},
        {VI_TFL_CONV_2D, "CONV_2D"},
        {VI_TFL_DEPTHWISE_CONV_2D, "DEPTHWISE_CONV_2D"},
        {5, "DEPTH_TO_SPACE"},
        {VI_TFL_DEQUANTIZE, "DEQUANTIZE"},
        {9, "FULLY_CONNECTED"},
        {VI_TFL_LOGISTIC, "LOGISTIC"},
        {VI_TFL_MAX_POOL_2D, "MAX_POOL_2D"},
        {VI_TFL_MUL, "MUL"},
        {VI_TFL_RELU, "RELU"},
        {VI_TFL_RELU6, "RELU6"},
        {VI_TFL_RESHAPE, "RESHAPE"},
        {VI_TFL_RESIZE_BILINEAR, "RESIZE_BILINEAR"},
        {25, "SOFTMAX"},
        {VI_TFL_TANH, "TANH"},
        {VI_TFL_CUSTOM, "CUSTOM"},
        {VI_TFL_PAD, "PAD"},
        {36, "GATHER"},
        {39, "TRANSPOSE"},
        {40, "MEAN"},
        {VI_TFL_SUB, "SUB"},
        {42, "DIV"},
        {VI_TFL_STRIDED_SLICE, "STRIDED_SLICE"},
        {49, "SPLIT"},
        {53, "CAST"},
        {VI_TFL_PRELU, "PRELU"},
        {VI_TFL_NEG, "NEG"},
        {67, "TRANSPOSE_CONV"},
        {VI_TFL_ABS, "ABS"},
        {114, "QUANTIZE"},
        {117, "HARD_SWISH"},
        {124, "DENSIFY"},
    };
    for (size_t i = 0; i < VI_COUNT(known); ++i)
        if (known[i].code == code)
            return known[i].name;
    return "(code unknown here)";
}
