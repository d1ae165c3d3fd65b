/* tests/twins/twins.c: a contract and a plan -> an ONNX graph. See the header.
 *
 * Every output is laid out flat, one line per image: [N, T]. It starts as its fill, chosen places are overwritten by
 * ScatterElements, and Reshape gives it its shape. Outputs with TWIN_ROWS have T computed from the image's size while the
 * graph runs, plus one place at the end for what lies outside of the grid, which is cut off. */
#include "twins.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "models/onnx_write.h"

enum { GRAPH_MOST = 512 << 20, VALUES_MOST = 65536 };

typedef struct graph {
    vi_onnx *g;
    const twin_contract *c;
    const twin_plan *plan;
    viso_error *err;
    int names;
    const char *flat[TWIN_INPUTS];   /* [N, all] float32 */
    const char *number[TWIN_INPUTS]; /* the input as float32 */
    const char *shape[TWIN_INPUTS];
} graph;

/* --- small things ------------------------------------------------------------------------------------------------ */

static const char *fresh(graph *t)
{
    return vi_onnx_text(t->g, "t%d", t->names++);
}

/* Adds a node and gives the name of its output. */
#define NODE(t, type, ...) node_of(t, type, (const char *const[]){__VA_ARGS__}, \
                                   (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)), NULL)
#define NODE_AT(t, at, type, ...) node_of(t, type, (const char *const[]){__VA_ARGS__}, \
                                          (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)), at)

typedef struct setting {
    const char *name;
    int64_t value;
} setting;

static const char *node_of(graph *t, const char *type, const char *const *in, int n, const setting *s)
{
    const char *out = fresh(t);
    vi_onnx_node_t *node = vi_onnx_node_n(t->g, type, out, in, n);
    if (s)
        vi_onnx_set_int(t->g, node, s->name, s->value);
    return out;
}

static const char *whole(graph *t, const int64_t *value, int n)
{
    const char *name = fresh(t);
    vi_onnx_int64s(t->g, name, value, n);
    return name;
}

static const char *one(graph *t, int64_t value)
{
    return whole(t, &value, 1);
}

/* [1, n] */
static const char *line(graph *t, const float *value, int64_t n)
{
    const char *name = fresh(t);
    float *p = vi_onnx_floats(t->g, name, (int64_t[]){1, n}, 2);
    if (p)
        memcpy(p, value, (size_t)n * sizeof *p);
    return name;
}

static const char *scalar(graph *t, float value)
{
    const char *name = fresh(t);
    float *p = vi_onnx_floats(t->g, name, NULL, 0);
    if (p)
        *p = value;
    return name;
}

/* Size of axis `axis` of input `i`, as [1]. */
static const char *size_of(graph *t, int i, int64_t axis)
{
    return NODE(t, "Gather", t->shape[i], one(t, axis));
}

/* `x` repeated for every image: [N, n] */
static const char *for_all(graph *t, const char *x, const char *n)
{
    const char *shape = NODE_AT(t, (&(setting){"axis", 0}), "Concat", size_of(t, 0, 0), n);
    return NODE(t, "Expand", x, shape);
}

/* --- inputs ------------------------------------------------------------------------------------------------------ */

static vi_onnx_type type_of(const char *name)
{
    static const struct {
        const char *name;
        vi_onnx_type type;
    } types[] = {{"float32", VI_ONNX_FLOAT}, {"float16", VI_ONNX_FLOAT16}, {"float64", VI_ONNX_DOUBLE}, {"uint8", VI_ONNX_UINT8},
                 {"int32", VI_ONNX_INT32}, {"int64", VI_ONNX_INT64}};
    for (size_t i = 0; name && i < VI_COUNT(types); ++i)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    return VI_ONNX_FLOAT;
}

static void axes_of(const twin_tensor *in, int *c, int *y, int *x)
{
    bool image = in->n_dim == 4;
    *c = !image ? -1 : in->nhwc ? 3 : 1;
    *y = image ? (in->nhwc ? 1 : 2) : in->n_dim == 3 ? 1 : -1;
    *x = image ? (in->nhwc ? 2 : 3) : in->n_dim - 1;
}

static int64_t batch_of(const graph *t, int64_t dim)
{
    unsigned f = t->plan->flags;
    return f & TWIN_FREE_BATCH ? TWIN_FREE : f & TWIN_ONE_BATCH ? 1 : dim;
}

/* The declared sizes of an input. */
static void input_dims(const graph *t, const twin_tensor *in, int64_t dim[TWIN_DIMS])
{
    int c, y, x;
    memcpy(dim, in->dim, TWIN_DIMS * sizeof *dim);
    dim[0] = batch_of(t, dim[0]);
    axes_of(in, &c, &y, &x);
    if (in->n_dim != 4)
        return;
    if (t->plan->width)
        dim[x] = t->plan->width;
    if (t->plan->height)
        dim[y] = t->plan->height;
    if (t->plan->flags & TWIN_FREE_SIZE)
        dim[x] = dim[y] = TWIN_FREE;
}

static void add_input(graph *t, int i)
{
    const twin_tensor *in = &t->c->in[i];
    int64_t dim[TWIN_DIMS];
    input_dims(t, in, dim);
    vi_onnx_input_of(t->g, in->name, type_of(in->type), dim, in->n_dim);
    t->number[i] = type_of(in->type) == VI_ONNX_FLOAT ? in->name : NODE_AT(t, (&(setting){"to", VI_ONNX_FLOAT}), "Cast", in->name);
    t->shape[i] = NODE(t, "Shape", in->name);
    t->flat[i] = NODE(t, "Reshape", t->number[i], whole(t, (int64_t[]){0, -1}, 2));
}

/* --- probes ------------------------------------------------------------------------------------------------------ */

static int input_of(const graph *t, const twin_value *v)
{
    for (int i = 0; i < t->c->n_in; ++i)
        if (!v->input || strcmp(v->input, t->c->in[i].role) == 0)
            return i;
    return -1;
}

/* Index of a pixel among one image's numbers, held inside of the image. */
static const char *pixel_index(graph *t, int i, const twin_value *v)
{
    int c, y, x;
    const twin_tensor *in = &t->c->in[i];
    axes_of(in, &c, &y, &x);
    const char *width = size_of(t, i, x), *at = NODE(t, "Min", one(t, v->x), NODE(t, "Sub", width, one(t, 1)));
    if (y < 0)
        return at;
    const char *height = size_of(t, i, y), *row = NODE(t, "Min", one(t, v->y), NODE(t, "Sub", height, one(t, 1)));
    if (c >= 0 && !in->nhwc)
        row = NODE(t, "Add", row, NODE(t, "Mul", one(t, v->c), height));
    at = NODE(t, "Add", at, NODE(t, "Mul", row, width));
    if (c >= 0 && in->nhwc)
        at = NODE(t, "Add", NODE(t, "Mul", at, size_of(t, i, c)), one(t, v->c));
    return at;
}

/* One colour of an image, [N, 1, H, W] or [N, H, W, 1]. */
static const char *plane(graph *t, int i, int c)
{
    int axis, y, x;
    axes_of(&t->c->in[i], &axis, &y, &x);
    return NODE_AT(t, (&(setting){"axis", axis}), "Gather", t->number[i], one(t, c));
}

static const char *over_image(graph *t, const char *type, const char *x)
{
    const char *out = fresh(t);
    vi_onnx_node_t *n = vi_onnx_node(t->g, type, out, x);
    vi_onnx_set_ints(t->g, n, "axes", (int64_t[]){1, 2, 3}, 3);
    return out;
}

static const char *sum_over_image(graph *t, const char *x)
{
    return NODE(t, "ReduceSum", x, whole(t, (int64_t[]){1, 2, 3}, 3));
}

static const char *spot(graph *t, int i, const twin_value *v)
{
    int c, y, x;
    bool across = v->probe == TWIN_SPOT_X, nhwc = t->c->in[i].nhwc;
    axes_of(&t->c->in[i], &c, &y, &x);
    const char *p = plane(t, i, v->c);
    const char *middle = NODE(t, "Mul", NODE(t, "Add", over_image(t, "ReduceMax", p), over_image(t, "ReduceMin", p)), scalar(t, 0.5f));
    const char *bright = NODE_AT(t, (&(setting){"to", VI_ONNX_FLOAT}), "Cast", NODE(t, "Greater", p, middle));
    const char *count = NODE(t, "Max", sum_over_image(t, bright), scalar(t, 1));
    /* 0.5, 1.5 … along the axis */
    const char *n = NODE(t, "Squeeze", size_of(t, i, across ? x : y));
    const char *ramp = NODE(t, "Range", scalar(t, 0), NODE_AT(t, (&(setting){"to", VI_ONNX_FLOAT}), "Cast", n), scalar(t, 1));
    ramp = NODE(t, "Add", ramp, scalar(t, 0.5f));
    const int64_t shape[4] = {1, nhwc && !across ? -1 : 1, nhwc == across ? -1 : 1, !nhwc && across ? -1 : 1};
    ramp = NODE(t, "Reshape", ramp, whole(t, shape, 4));
    return NODE(t, "Div", sum_over_image(t, NODE(t, "Mul", bright, ramp)), count);
}

/* The numbers of the probes, [N, n]. */
static const char *probes(graph *t, const twin_value *const *v, int n)
{
    const char **column = calloc((size_t)n, sizeof *column);
    float *scale = calloc((size_t)n, sizeof *scale), *shift = calloc((size_t)n, sizeof *shift);
    const char *out = "";
    for (int k = 0; column && scale && shift && k < n; ++k) {
        int i = input_of(t, v[k]);
        const char *x;
        if (v[k]->probe == TWIN_PIXEL)
            x = NODE_AT(t, (&(setting){"axis", 1}), "Gather", t->flat[i], pixel_index(t, i, v[k]));
        else
            x = v[k]->probe == TWIN_MEAN  ? over_image(t, "ReduceMean", plane(t, i, v[k]->c))
                : v[k]->probe == TWIN_MAX ? over_image(t, "ReduceMax", plane(t, i, v[k]->c))
                                          : spot(t, i, v[k]);
        column[k] = NODE(t, "Reshape", x, whole(t, (int64_t[]){-1, 1}, 2));
        scale[k] = v[k]->scale;
        shift[k] = v[k]->value;
    }
    if (column && scale && shift) {
        out = node_of(t, "Concat", column, n, &(setting){"axis", 1});
        out = NODE(t, "Add", NODE(t, "Mul", out, line(t, scale, n)), line(t, shift, n));
    } else {
        vi_error_nomem(t->err, "twin");
    }
    free(column);
    free(scale);
    free(shift);
    return out;
}

/* --- outputs ----------------------------------------------------------------------------------------------------- */

static bool has_rows(const twin_tensor *o)
{
    return o->dim[o->n_dim - 2 < 0 ? 0 : o->n_dim - 2] == TWIN_ROWS;
}

static int64_t count_of(const twin_tensor *o) /* of one image; without TWIN_ROWS */
{
    int64_t n = 1;
    for (int k = 0; k < o->n_dim; ++k)
        n *= k == 0 && o->n_dim > 1 ? 1 : o->dim[k];
    return n;
}

static const twin_fill *fill_of(const graph *t, const twin_tensor *o)
{
    for (int i = 0; i < t->plan->n_fill; ++i)
        if (strcmp(t->plan->fill[i].output, o->role) == 0)
            return &t->plan->fill[i];
    return NULL;
}

/* Flat places of the values in an output with rows, [n]: `total` for those outside. */
static const char *row_places(graph *t, const twin_tensor *o, const twin_value *const *v, int n, const char *total, const char *columns,
                              const char *lines)
{
    int64_t width = o->dim[o->n_dim - 1];
    int64_t *list = calloc((size_t)n * 3, sizeof *list);
    if (!list) {
        vi_error_nomem(t->err, "twin");
        return "";
    }
    for (int k = 0; k < n; ++k) {
        list[k] = v[k]->u;
        list[n + k] = v[k]->v;
        list[2 * n + k] = v[k]->anchor * width + v[k]->column;
    }
    const char *u = whole(t, list, n), *w = whole(t, list + n, n), *rest = whole(t, list + 2 * n, n);
    free(list);
    const char *cell = NODE(t, "Add", NODE(t, "Mul", w, columns), u);
    const char *at = NODE(t, "Add", NODE(t, "Mul", cell, one(t, o->per_cell * width)), rest);
    const char *inside = NODE(t, "And", NODE(t, "Less", u, columns), NODE(t, "Less", w, lines));
    return NODE(t, "Where", inside, at, total);
}

/* Writes numbers [N, n] into places [n] of base [N, T]. */
static const char *scatter(graph *t, const char *base, const char *places, const char *numbers, int n)
{
    return NODE_AT(t, (&(setting){"axis", 1}), "ScatterElements", base, for_all(t, places, one(t, n)), numbers);
}

static const char *rows_output(graph *t, const twin_tensor *o, const twin_value *const *probe, int n_probe,
                               const twin_value *const *fixed, int n_fixed)
{
    int c, y, x;
    const twin_fill *fill = fill_of(t, o);
    axes_of(&t->c->in[0], &c, &y, &x);
    const char *columns = NODE(t, "Div", size_of(t, 0, x), one(t, o->stride)), *lines = NODE(t, "Div", size_of(t, 0, y), one(t, o->stride));
    const char *cells = NODE(t, "Mul", columns, lines);
    const char *total = NODE(t, "Mul", cells, one(t, o->per_cell * o->dim[o->n_dim - 1]));
    const char *all = for_all(t, line(t, &(float){fill ? fill->all : 0}, 1), NODE(t, "Add", total, one(t, 1)));
    if (n_probe)
        all = scatter(t, all, row_places(t, o, probe, n_probe, total, columns, lines), probes(t, probe, n_probe), n_probe);
    if (n_fixed) {
        float *number = calloc((size_t)n_fixed, sizeof *number);
        for (int k = 0; number && k < n_fixed; ++k)
            number[k] = fixed[k]->value;
        if (number)
            all = scatter(t, all, row_places(t, o, fixed, n_fixed, total, columns, lines),
                          for_all(t, line(t, number, n_fixed), one(t, n_fixed)), n_fixed);
        else
            vi_error_nomem(t->err, "twin");
        free(number);
    }
    return NODE(t, "Slice", all, one(t, 0), total, one(t, 1));
}

static const char *plain_output(graph *t, const twin_tensor *o, const twin_value *const *probe, int n_probe,
                                const twin_value *const *fixed, int n_fixed)
{
    int64_t n = count_of(o);
    const twin_fill *fill = fill_of(t, o);
    const char *base = fresh(t);
    float *p = vi_onnx_floats(t->g, base, (int64_t[]){1, n}, 2);
    for (int64_t k = 0; p && k < n; ++k)
        p[k] = !fill ? 0 : fill->values ? fill->values[k] : fill->all;
    for (int k = 0; p && k < n_fixed; ++k)
        p[fixed[k]->at] = fixed[k]->value;
    const char *all = for_all(t, base, one(t, n));
    if (!n_probe)
        return all;
    int64_t *at = calloc((size_t)n_probe, sizeof *at);
    for (int k = 0; at && k < n_probe; ++k)
        at[k] = probe[k]->at;
    if (at)
        all = scatter(t, all, whole(t, at, n_probe), probes(t, probe, n_probe), n_probe);
    else
        vi_error_nomem(t->err, "twin");
    free(at);
    return all;
}

static void add_output(graph *t, const twin_tensor *o, const twin_value **probe, const twin_value **fixed)
{
    int n_probe = 0, n_fixed = 0;
    int64_t shape[TWIN_DIMS], dim[TWIN_DIMS], in[TWIN_DIMS];
    bool rows = has_rows(o);
    int c, y, x;
    for (int k = 0; k < t->plan->n_value; ++k) {
        const twin_value *v = &t->plan->value[k];
        if (strcmp(v->output, o->role) != 0)
            continue;
        if (v->probe == TWIN_CONSTANT)
            fixed[n_fixed++] = v;
        else
            probe[n_probe++] = v;
    }
    const char *all = rows ? rows_output(t, o, probe, n_probe, fixed, n_fixed) : plain_output(t, o, probe, n_probe, fixed, n_fixed);
    input_dims(t, &t->c->in[0], in);
    axes_of(&t->c->in[0], &c, &y, &x);
    for (int k = 0; k < o->n_dim; ++k) {
        bool batch = k == 0 && o->n_dim > 1 && o->dim[0] != TWIN_ROWS;
        dim[k] = batch ? batch_of(t, o->dim[0]) : o->dim[k];
        if (dim[k] == TWIN_ROWS)
            dim[k] = in[x] < 0 || in[y] < 0 || (k == 0 && in[0] < 0) ? TWIN_FREE
                                                                     : o->per_cell * (in[x] / o->stride) * (in[y] / o->stride);
        shape[k] = batch ? 0 : o->dim[k] == TWIN_ROWS || o->n_dim == 1 ? -1 : o->dim[k];
    }
    all = NODE(t, "Reshape", all, whole(t, shape, o->n_dim));
    vi_onnx_node_t *n = vi_onnx_node(t->g, "Cast", o->name, all);
    vi_onnx_set_int(t->g, n, "to", type_of(o->type));
    vi_onnx_output_of(t->g, o->name, type_of(o->type), dim, o->n_dim);
}

/* --- the plan ---------------------------------------------------------------------------------------------------- */

static const twin_tensor *output_of(const twin_contract *c, const char *role)
{
    for (int i = 0; i < c->n_out; ++i)
        if (strcmp(c->out[i].role, role) == 0)
            return &c->out[i];
    return NULL;
}

static int check_value(const graph *t, const twin_value *v, int k)
{
    const twin_tensor *o = output_of(t->c, v->output);
    const char *id = t->c->id;
    if (!o)
        return vi_error_set(t->err, VISO_ERR_USAGE, "twin %s: value %d: no output '%s'", id, k, v->output);
    int i = input_of(t, v);
    if (i < 0)
        return vi_error_set(t->err, VISO_ERR_USAGE, "twin %s: value %d: no input '%s'", id, k, v->input);
    bool in_row = v->anchor >= 0 && v->anchor < o->per_cell && v->column >= 0 && v->column < o->dim[o->n_dim - 1];
    if (has_rows(o) ? v->u < 0 || v->v < 0 || !in_row : v->at < 0 || v->at >= count_of(o))
        return vi_error_set(t->err, VISO_ERR_USAGE, "twin %s: value %d: no such place in '%s'", id, k, v->output);
    if (v->probe == TWIN_CONSTANT)
        return 0;
    bool image = t->c->in[i].n_dim == 4;
    if (v->x < 0 || v->y < 0 || v->c < 0 || v->c > (image ? 2 : 0) || (!image && v->probe != TWIN_PIXEL) || v->scale == 0)
        return vi_error_set(t->err, VISO_ERR_USAGE, "twin %s: value %d: such a probe looks at nothing", id, k);
    return 0;
}

static int check_plan(const graph *t)
{
    const twin_plan *p = t->plan;
    int code = p->n_value > VALUES_MOST ? vi_error_set(t->err, VISO_ERR_USAGE, "twin %s: too many values", t->c->id) : 0;
    for (int i = 0; i < p->n_fill && !code; ++i) {
        const twin_tensor *o = output_of(t->c, p->fill[i].output);
        if (!o || (p->fill[i].values && (has_rows(o) || (int64_t)p->fill[i].n != count_of(o))))
            code = vi_error_set(t->err, VISO_ERR_USAGE, "twin %s: fill %d: no output '%s' of %zu numbers", t->c->id, i, p->fill[i].output,
                                p->fill[i].n);
    }
    for (int k = 0; k < p->n_value && !code; ++k)
        code = check_value(t, &p->value[k], k);
    return code;
}

int twin_make(const twin_contract *c, const twin_plan *plan, uint8_t **data, size_t *size, viso_error *err)
{
    static const twin_plan nothing;
    graph t = {.c = c, .plan = plan ? plan : &nothing, .err = err};
    *data = NULL;
    int code = check_plan(&t);
    if (code)
        return code;
    const twin_value **list = calloc((size_t)t.plan->n_value * 2 + 2, sizeof *list);
    t.g = vi_onnx_begin(GRAPH_MOST);
    if (!list || !t.g) {
        code = vi_error_nomem(err, "twin");
    } else {
        for (int i = 0; i < c->n_in; ++i)
            add_input(&t, i);
        for (int i = 0; i < c->n_out; ++i)
            add_output(&t, &c->out[i], list, list + t.plan->n_value + 1);
        code = vi_onnx_finish(t.g, "twin", c->id, data, size, err);
    }
    free(list);
    vi_onnx_free(&t.g);
    return code;
}

static int unknown(const char *id, viso_error *err)
{
    return vi_error_set(err, VISO_ERR_USAGE, "no contract '%s' in contracts.c", id);
}

int twin_write(const char *id, const twin_plan *plan, const char *path, viso_error *err)
{
    uint8_t *data;
    size_t size;
    const twin_contract *c = twin_contract_of(id);
    int code = c ? twin_make(c, plan, &data, &size, err) : unknown(id, err);
    if (code)
        return code;
    code = vi_file_write(path, data, size, err);
    vi_free(data);
    return code;
}

int twin_put_contract(models_folder *f, const twin_contract *c, const twin_plan *plan, viso_error *err)
{
    uint8_t *data;
    size_t size;
    int code = twin_make(c, plan, &data, &size, err);
    if (code)
        return code;
    code = models_folder_put(f, c->id, data, size, err);
    vi_free(data);
    return code;
}

int twin_put(models_folder *f, const char *id, const twin_plan *plan, viso_error *err)
{
    const twin_contract *c = twin_contract_of(id);
    return c ? twin_put_contract(f, c, plan, err) : unknown(id, err);
}
