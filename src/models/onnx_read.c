/* models/onnx_read.c: see onnx_read.h. An ONNX file is a protocol buffer: fields of (number, kind, value), nested. Nothing is
 * unpacked; what is met points into the file. Numbers of fields are those of onnx.proto. */
#include "models/onnx_read.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "models/onnx_wire.h"

enum { INITIALISERS_MOST = 1 << 20 };
enum { DT_FLOAT = 1, DT_FLOAT16 = 10, DT_DOUBLE = 11 };

static void copy_name(char *to, size_t size, bytes from)
{
    size_t n = VI_MIN(from.n, size - 1);
    if (n)
        memcpy(to, from.p, n);
    to[n] = 0;
}

/* --- signature -------------------------------------------------------------------------------------------------- */

static const char *type_text(uint64_t type)
{
    switch (type) {
    case DT_FLOAT: return "float32";
    case 2: return "uint8";
    case 6: return "int32";
    case 7: return "int64";
    case 9: return "bool";
    case DT_FLOAT16: return "float16";
    case DT_DOUBLE: return "float64";
    default: return "?";
    }
}

static bool read_shape(bytes shape, vi_onnx_value *v)
{
    field dim, f;
    int more;
    v->n_dim = 0;
    while ((more = next_field(&shape, &dim)) > 0) {
        if (dim.number != 1 || dim.kind != 2)
            continue;
        if (v->n_dim == VI_MAX_DIMS)
            return false;
        int64_t size = -1;
        int inner;
        while ((inner = next_field(&dim.data, &f)) > 0)
            if (f.number == 1 && f.kind == 0)
                size = f.value > 0 && f.value < INT32_MAX ? (int64_t)f.value : -1;
        if (inner < 0)
            return false;
        v->dim[v->n_dim++] = size;
    }
    return more == 0;
}

/* TypeProto: field 1 is the tensor type, with the number of the element type and the shape. */
static bool read_type(bytes type, vi_onnx_value *v)
{
    field t, f;
    int more, inner = 0;
    while ((more = next_field(&type, &t)) > 0) {
        if (t.number != 1 || t.kind != 2)
            continue;
        while ((inner = next_field(&t.data, &f)) > 0) {
            if (f.number == 1 && f.kind == 0)
                snprintf(v->type, sizeof v->type, "%s", type_text(f.value));
            else if (f.number == 2 && f.kind == 2 && !read_shape(f.data, v))
                return false;
        }
        if (inner < 0)
            return false;
    }
    return more == 0;
}

static bool read_value(bytes info, vi_onnx_value *v)
{
    field f;
    int more;
    *v = (vi_onnx_value){.type = "?", .n_dim = -1};
    while ((more = next_field(&info, &f)) > 0) {
        if (f.number == 1 && f.kind == 2)
            copy_name(v->name, sizeof v->name, f.data);
        else if (f.number == 2 && f.kind == 2 && !read_type(f.data, v))
            return false;
    }
    return more == 0;
}

static uint64_t hash_of(bytes name)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < name.n; ++i)
        h = (h ^ name.p[i]) * UINT64_C(1099511628211);
    return h;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The name of a ValueInfoProto (field 1) or TensorProto (field 8), and where a tensor's data lie. */
static bool read_name(bytes message, uint64_t number, bytes *name, bytes *location)
{
    field f, e;
    int more;
    *name = (bytes){NULL, 0};
    while ((more = next_field(&message, &f)) > 0) {
        if (f.number == number && f.kind == 2)
            *name = f.data;
        if (!location || f.number != 13 || f.kind != 2)
            continue;
        bytes key = {NULL, 0}, value = {NULL, 0};
        int inner;
        while ((inner = next_field(&f.data, &e)) > 0) {
            if (e.number == 1 && e.kind == 2)
                key = e.data;
            else if (e.number == 2 && e.kind == 2)
                value = e.data;
        }
        if (inner < 0)
            return false;
        if (key.n == 8 && memcmp(key.p, "location", 8) == 0)
            *location = value;
    }
    return more == 0;
}

/* Calls `each` for every field of every graph in the file. */
typedef const char *(*graph_visitor)(const field *f, void *user);
static const char *walk_graph(const uint8_t *data, size_t size, graph_visitor each, void *user)
{
    bytes model = {data, size};
    field g, f;
    int more, inner = 0;
    bool any = false;
    while ((more = next_field(&model, &g)) > 0) {
        if (g.number != 7 || g.kind != 2)
            continue;
        any = true;
        while ((inner = next_field(&g.data, &f)) > 0) {
            const char *fault = each(&f, user);
            if (fault)
                return fault;
        }
        if (inner < 0)
            return "its graph is damaged";
    }
    return more < 0 ? "not an ONNX file, or a damaged one" : any ? NULL : "no graph in it";
}

typedef struct weights {
    uint64_t *hash; /* NULL: only count */
    size_t n;
    vi_onnx_signature *s;
} weights;

static const char *visit_weights(const field *f, void *user)
{
    weights *w = user;
    bytes name, location = {NULL, 0};
    if (f->number != 5 || f->kind != 2)
        return NULL;
    if (w->hash) {
        if (!read_name(f->data, 8, &name, &location))
            return "an initialiser is damaged";
        w->hash[w->n] = hash_of(name);
        if (location.n && !w->s->external[0])
            copy_name(w->s->external, sizeof w->s->external, location);
    }
    return ++w->n > INITIALISERS_MOST ? "too many initialisers" : NULL;
}

static const char *visit_values(const field *f, void *user)
{
    weights *w = user;
    vi_onnx_signature *s = w->s;
    bool output = f->number == 12;
    bytes name;
    if ((f->number != 11 && !output) || f->kind != 2)
        return NULL;
    if (!read_name(f->data, 1, &name, NULL))
        return "an input or output is damaged";
    uint64_t hash = hash_of(name);
    if (!output && w->n && bsearch(&hash, w->hash, w->n, sizeof hash, by_value))
        return NULL; /* weights: old files list them among the inputs */
    int *n = output ? &s->n_out : &s->n_in;
    if (*n == VI_ONNX_MOST)
        return "more than 64 inputs or outputs";
    vi_onnx_value *v = output ? &s->out[(*n)++] : &s->in[(*n)++];
    return read_value(f->data, v) ? NULL : "an input or output is damaged, or has more than 8 dimensions";
}

const char *vi_onnx_read_signature(const uint8_t *data, size_t size, vi_onnx_signature *s)
{
    weights w = {.s = s};
    memset(s, 0, sizeof *s);
    const char *fault = walk_graph(data, size, visit_weights, &w);
    if (fault)
        return fault;
    w.hash = vi_calloc(w.n + 1, sizeof *w.hash);
    if (!w.hash)
        return "out of memory";
    w.n = 0;
    fault = walk_graph(data, size, visit_weights, &w);
    qsort(w.hash, w.n, sizeof *w.hash, by_value);
    if (!fault)
        fault = walk_graph(data, size, visit_values, &w);
    if (!fault && (s->n_in == 0 || s->n_out == 0))
        fault = "its graph has no inputs or no outputs";
    vi_free(w.hash);
    return fault;
}

/* --- initialisers ----------------------------------------------------------------------------------------------- */

typedef struct wanted {
    const char *name; /* NULL: the last */
    bytes tensor;
    bool found;
} wanted;

static const char *visit_wanted(const field *f, void *user)
{
    wanted *w = user;
    bytes name;
    if (f->number != 5 || f->kind != 2 || (w->name && w->found))
        return NULL;
    if (w->name && !read_name(f->data, 8, &name, NULL))
        return "an initialiser is damaged";
    if (w->name && (name.n != strlen(w->name) || memcmp(name.p, w->name, name.n) != 0))
        return NULL;
    w->tensor = f->data;
    w->found = true;
    return NULL;
}

/* A TensorProto taken apart; everything points into the file. */
typedef struct tensor {
    bytes name, raw, floats;
    uint64_t type;
    int n_dim;
    int64_t dim[VI_MAX_DIMS];
    bool has_raw, external;
    bool loose_floats; /* float_data one by one, which no writer of today does */
    bytes location, offset, length;
} tensor;

static const char *add_dim(tensor *t, uint64_t v)
{
    if (t->n_dim == VI_MAX_DIMS || v > INT32_MAX)
        return "a dimension is out of range";
    t->dim[t->n_dim++] = (int64_t)v;
    return NULL;
}

static const char *read_external(bytes entry, tensor *t)
{
    field e;
    bytes key = {NULL, 0}, value = {NULL, 0};
    int more;
    while ((more = next_field(&entry, &e)) > 0) {
        if (e.number == 1 && e.kind == 2)
            key = e.data;
        else if (e.number == 2 && e.kind == 2)
            value = e.data;
    }
    if (more < 0)
        return "its list of external data is damaged";
    if (key.n == 8 && memcmp(key.p, "location", 8) == 0)
        t->location = value;
    else if (key.n == 6 && memcmp(key.p, "offset", 6) == 0)
        t->offset = value;
    else if (key.n == 6 && memcmp(key.p, "length", 6) == 0)
        t->length = value;
    return NULL;
}

static const char *read_tensor(bytes message, tensor *t)
{
    field f;
    int more;
    const char *fault = NULL;
    *t = (tensor){0};
    while (!fault && (more = next_field(&message, &f)) != 0) {
        if (more < 0)
            return "it is damaged";
        if (f.number == 1 && f.kind == 0) {
            fault = add_dim(t, f.value);
        } else if (f.number == 1 && f.kind == 2) {
            for (uint64_t v; !fault && f.data.n;)
                fault = get_varint(&f.data, &v) ? add_dim(t, v) : "its shape is damaged";
        } else if (f.number == 2 && f.kind == 0) {
            t->type = f.value;
        } else if (f.number == 4) {
            t->loose_floats = t->loose_floats || f.kind != 2 || t->floats.n;
            t->floats = f.data;
        } else if (f.number == 8 && f.kind == 2) {
            t->name = f.data;
        } else if (f.number == 9 && f.kind == 2) {
            t->raw = f.data;
            t->has_raw = true;
        } else if (f.number == 13 && f.kind == 2) {
            fault = read_external(f.data, t);
        } else if (f.number == 14 && f.kind == 0) {
            t->external = f.value == 1;
        }
    }
    return fault;
}

static bool number_of(bytes text, uint64_t *v)
{
    *v = 0;
    for (size_t i = 0; i < text.n; ++i) {
        if (text.p[i] < '0' || text.p[i] > '9' || *v > UINT64_MAX / 10 - 10)
            return false;
        *v = *v * 10 + (uint64_t)(text.p[i] - '0');
    }
    return true;
}

static float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023, bits;
    float f;
    if (exponent == 0) { /* zero and what lies below the normal numbers: fraction * 2^-24 */
        f = (float)fraction * (1.0f / 16777216.0f);
        return sign ? -f : f;
    }
    bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* The file's numbers are little-endian, and so is every machine viso is built for. */
static void convert(float *to, const uint8_t *from, size_t count, uint64_t type)
{
    if (type == DT_FLOAT) {
        memcpy(to, from, count * 4);
    } else if (type == DT_FLOAT16) {
        for (size_t i = 0; i < count; ++i)
            to[i] = half_to_float((uint16_t)(from[2 * i] | from[2 * i + 1] << 8));
    } else {
        for (size_t i = 0; i < count; ++i) {
            double d;
            memcpy(&d, from + 8 * i, 8);
            to[i] = (float)d;
        }
    }
}

static const char *fill(vi_onnx_values *v, const tensor *t, bytes data, viso_error *err, const char *path)
{
    size_t one = t->type == DT_FLOAT ? 4 : t->type == DT_FLOAT16 ? 2 : 8;
    size_t count = 1;
    for (int i = 0; i < t->n_dim; ++i) {
        if (t->dim[i] == 0)
            return "it is empty";
        if (count > SIZE_MAX / 16 / (size_t)t->dim[i])
            return "its shape is larger than any file";
        count *= (size_t)t->dim[i];
    }
    if (data.n % one || data.n / one != count)
        return "its data do not fit its shape";
    v->value = vi_alloc(count * sizeof *v->value);
    if (!v->value) {
        vi_error_nomem(err, path);
        return "out of memory";
    }
    convert(v->value, data.p, count, t->type);
    v->count = count;
    v->n_dim = t->n_dim;
    memcpy(v->dim, t->dim, sizeof v->dim);
    copy_name(v->name, sizeof v->name, t->name);
    return NULL;
}

/* The part of another file that holds the data. The name must stay below the model's folder. */
static const char *fill_external(vi_onnx_values *v, const tensor *t, const char *path, viso_error *err)
{
    char file[256];
    uint64_t offset, length;
    vi_mapped m;
    if (!path || t->location.n == 0 || t->location.n >= sizeof file || memchr(t->location.p, 0, t->location.n))
        return "the name of its external file is missing or too long";
    copy_name(file, sizeof file, t->location);
    for (const char *part = file; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (*part == '/' || *part == 0 || strncmp(part, "..", 2) == 0)
            return "its external file lies outside the folder of the model";
    if (!number_of(t->offset, &offset) || !number_of(t->length, &length))
        return "offset or length of its external data is no number";
    char *full = vi_asprintf("%.*s%s", (int)(vi_base_name(path) - path), path, file);
    if (!full) {
        vi_error_nomem(err, path);
        return "out of memory";
    }
    const char *fault = "its external file cannot be read";
    if (vi_map_file(full, &m, NULL) == 0) {
        fault = "its external data lie outside their file";
        if (offset <= m.size && length <= m.size - offset)
            fault = fill(v, t, (bytes){m.data + offset, t->length.n ? (size_t)length : m.size - (size_t)offset}, err, path);
        vi_unmap_file(&m);
    }
    vi_free(full);
    return fault;
}

int vi_onnx_initialiser_of(const uint8_t *data, size_t size, const char *path, const char *name, vi_onnx_values *v,
                           viso_error *err)
{
    wanted w = {.name = name};
    tensor t;
    char called[96] = "";
    memset(v, 0, sizeof *v);
    const char *shown = path ? path : "ONNX file";
    const char *fault = walk_graph(data, size, visit_wanted, &w);
    if (fault)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: %s", shown, fault);
    if (!w.found)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: no initialiser '%s' in it", shown, name ? name : "(the last)");
    fault = read_tensor(w.tensor, &t);
    copy_name(called, sizeof called, t.name);
    if (!fault && t.type != DT_FLOAT && t.type != DT_FLOAT16 && t.type != DT_DOUBLE)
        fault = "it does not hold floating-point numbers";
    else if (!fault && t.external)
        fault = fill_external(v, &t, path, err);
    else if (!fault && t.has_raw)
        fault = fill(v, &t, t.raw, err, shown);
    else if (!fault && t.type == DT_FLOAT && !t.loose_floats)
        fault = fill(v, &t, t.floats, err, shown);
    else if (!fault)
        fault = "its numbers are stored in a way that is not supported";
    return fault ? vi_error_set(err, VISO_ERR_MODEL, "%s: initialiser '%s': %s", shown, called, fault) : 0;
}

int vi_onnx_initialiser(const char *path, const char *name, vi_onnx_values *v, viso_error *err)
{
    vi_mapped m;
    memset(v, 0, sizeof *v);
    int code = vi_map_file(path, &m, err);
    if (code)
        return code;
    code = vi_onnx_initialiser_of(m.data, m.size, path, name, v, err);
    vi_unmap_file(&m);
    return code;
}

void vi_onnx_values_free(vi_onnx_values *v)
{
    vi_free(v->value);
    memset(v, 0, sizeof *v);
}

/* --- files ------------------------------------------------------------------------------------------------------ */

int vi_map_file(const char *path, vi_mapped *m, viso_error *err)
{
    struct stat st;
    *m = (vi_mapped){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
        if (fd >= 0)
            close(fd);
        return vi_error_set(err, VISO_ERR_INPUT, "%s: cannot be read, or is no file, or is empty", path);
    }
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: cannot be mapped", path);
    m->data = p;
    m->size = (size_t)st.st_size;
    return 0;
}

void vi_unmap_file(vi_mapped *m)
{
    if (m->data)
        munmap((void *)(uintptr_t)m->data, m->size);
    *m = (vi_mapped){0};
}
