/* models/onnx_shape.c: for each operator of ONNX, the size of its result from the sizes of its inputs, and the numbers of small
 * constants where graphs compute shapes with them. One function for each family of operators; a table at the end. */
#include "models/onnx_shape.h"

#include <math.h>
#include <string.h>

enum { F32 = 1, I64 = 7, BOOL = 9 };

typedef const vi_shape_graph graph;
typedef const vi_shape_node node;
typedef vi_shape_value value;

static value *in(graph *g, node *n, int i)
{
    int at = i < n->n_in ? g->link[n->in + i] : -1;
    return at < 0 ? NULL : &g->value[at];
}

static value *out(graph *g, node *n, int i)
{
    int at = i < n->n_out ? g->link[n->out + i] : -1;
    return at < 0 ? NULL : &g->value[at];
}

static bool known(const value *v)
{
    return v && v->n_dim >= 0;
}

/* --- attributes ------------------------------------------------------------------------------------------------- */

static int64_t attr_int(node *n, const char *name, int64_t otherwise)
{
    bytes a;
    field f;
    if (vi_shape_attribute(n, name, &a))
        while (next_field(&a, &f) > 0)
            if (f.number == 3 && f.kind == 0)
                return (int64_t)f.value;
    return otherwise;
}

/* How many; numbers beyond max are dropped. Field 8: ints, packed or not; 7: floats. */
static int attr_list(node *n, const char *name, double *list, int max)
{
    bytes a;
    field f;
    uint64_t x;
    int count = 0;
    if (!vi_shape_attribute(n, name, &a))
        return 0;
    while (next_field(&a, &f) > 0) {
        if (f.number == 8 && f.kind == 0 && count < max)
            list[count++] = (double)(int64_t)f.value;
        for (bytes b = f.data; f.number == 8 && f.kind == 2 && b.n && count < max && get_varint(&b, &x);)
            list[count++] = (double)(int64_t)x;
        for (size_t i = 0; f.number == 7 && (f.kind == 2 || f.kind == 5) && i + 4 <= f.data.n && count < max; i += 4) {
            float real;
            memcpy(&real, f.data.p + i, 4);
            list[count++] = (double)real;
        }
    }
    return count;
}

static bool attr_is(node *n, const char *name, const char *text)
{
    bytes a;
    field f;
    if (vi_shape_attribute(n, name, &a))
        while (next_field(&a, &f) > 0)
            if (f.number == 4 && f.kind == 2)
                return bytes_are(f.data, text);
    return false;
}

/* A list that is an attribute in old graphs and an input in newer ones. */
static int attr_or_input(graph *g, node *n, const char *name, int i, double *list, int max)
{
    const value *v = in(g, n, i);
    if (!v || v->n_number < 0)
        return attr_list(n, name, list, max);
    int count = VI_MIN(v->n_number, max);
    memcpy(list, v->number, (size_t)count * sizeof *list);
    return count;
}

/* -1 when out of range. */
static int axis_of(double axis, int n_dim)
{
    int a = axis < 0 ? (int)axis + n_dim : axis < 1e6 ? (int)axis : -1;
    return a >= 0 && a < n_dim ? a : -1;
}

static int64_t size_of(double x)
{
    return x >= 0 && x < INT32_MAX ? (int64_t)x : -1;
}

static bool put(value *to, int type, const int64_t *dim, int n_dim)
{
    if (!to || n_dim > VI_MAX_DIMS)
        return false;
    for (int i = 0; i < n_dim; ++i)
        if (dim[i] < 0 || dim[i] > INT32_MAX)
            return false;
    to->type = type;
    to->n_dim = n_dim;
    memcpy(to->dim, dim, (size_t)n_dim * sizeof *dim);
    return true;
}

/* --- like an input ---------------------------------------------------------------------------------------------- */

static bool same(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    bool good = known(x);
    for (int i = 0; i < n->n_out && good; ++i)
        good = !out(g, n, i) || put(out(g, n, i), x->type, x->dim, x->n_dim);
    return good;
}

static bool copied(graph *g, node *n)
{
    if (!same(g, n))
        return false;
    value *y = out(g, n, 0);
    const value *x = in(g, n, 0);
    y->n_number = x->n_number;
    memcpy(y->number, x->number, sizeof y->number);
    return true;
}

static bool cast(graph *g, node *n)
{
    if (!copied(g, n))
        return false;
    out(g, n, 0)->type = (int)vi_clampi((int)attr_int(n, "to", F32), 0, 63);
    return true;
}

static bool quantize(graph *g, node *n)
{
    if (!same(g, n))
        return false;
    out(g, n, 0)->type = in(g, n, 2) ? in(g, n, 2)->type : 2;
    return true;
}

static bool dequantize(graph *g, node *n)
{
    if (!same(g, n))
        return false;
    out(g, n, 0)->type = F32;
    return true;
}

static bool join(int64_t *dim, int *n_dim, const value *v)
{
    int n = VI_MAX(*n_dim, v->n_dim);
    int64_t wide[VI_MAX_DIMS];
    for (int i = 0; i < n; ++i) {
        int a = i - (n - *n_dim), b = i - (n - v->n_dim);
        int64_t x = a < 0 ? 1 : dim[a], y = b < 0 ? 1 : v->dim[b];
        if (x != y && x != 1 && y != 1)
            return false;
        wide[i] = x == 1 ? y : x;
    }
    memcpy(dim, wide, sizeof wide);
    *n_dim = n;
    return true;
}

static double apply(bytes op, double a, double b)
{
    if (bytes_are(op, "Add"))
        return a + b;
    if (bytes_are(op, "Sub"))
        return a - b;
    if (bytes_are(op, "Mul"))
        return a * b;
    if (bytes_are(op, "Div"))
        return b == 0 ? 0 : trunc(a / b);
    return NAN;
}

static void fold_binary(graph *g, node *n)
{
    const value *a = in(g, n, 0), *b = in(g, n, 1);
    value *y = out(g, n, 0);
    if (n->n_in != 2 || a->n_number < 1 || b->n_number < 1 || a->type == F32)
        return;
    int count = VI_MAX(a->n_number, b->n_number);
    if ((a->n_number != count && a->n_number != 1) || (b->n_number != count && b->n_number != 1))
        return;
    for (int i = 0; i < count; ++i) {
        y->number[i] = apply(n->op, a->number[a->n_number == 1 ? 0 : i], b->number[b->n_number == 1 ? 0 : i]);
        if (isnan(y->number[i]))
            return;
    }
    y->n_number = count;
}

static bool broadcast(graph *g, node *n)
{
    int64_t dim[VI_MAX_DIMS];
    int n_dim = 0, type = 0;
    for (int i = 0; i < n->n_in; ++i) {
        const value *v = in(g, n, i);
        if (!known(v) || !join(dim, &n_dim, v))
            return false;
        type = type && !(i == 1 && bytes_are(n->op, "Where")) ? type : v->type;
    }
    if (!put(out(g, n, 0), type, dim, n_dim))
        return false;
    fold_binary(g, n);
    return true;
}

static bool compare(graph *g, node *n)
{
    if (!broadcast(g, n))
        return false;
    out(g, n, 0)->type = BOOL;
    out(g, n, 0)->n_number = -1;
    return true;
}

/* --- windows ---------------------------------------------------------------------------------------------------- */

typedef struct windows {
    double kernel[6], stride[6], dilation[6], pad[12];
    bool same_size, ceil;
} windows;

static bool read_windows(node *n, windows *w, int n_space)
{
    double list[12];
    for (int i = 0; i < n_space; ++i)
        w->stride[i] = w->dilation[i] = 1;
    memset(w->pad, 0, sizeof w->pad);
    if (n_space < 1 || n_space > 6)
        return false;
    int k = attr_list(n, "strides", list, 6);
    for (int i = 0; i < k && i < n_space; ++i)
        w->stride[i] = list[i];
    k = attr_list(n, "dilations", list, 6);
    for (int i = 0; i < k && i < n_space; ++i)
        w->dilation[i] = list[i];
    k = attr_list(n, "pads", list, 12);
    for (int i = 0; i < k && i < 2 * n_space; ++i)
        w->pad[i] = list[i];
    w->same_size = attr_is(n, "auto_pad", "SAME_UPPER") || attr_is(n, "auto_pad", "SAME_LOWER");
    w->ceil = attr_int(n, "ceil_mode", 0) != 0;
    for (int i = 0; i < n_space; ++i)
        if (w->stride[i] < 1 || w->dilation[i] < 1)
            return false;
    return true;
}

static int64_t window_count(const windows *w, int i, int n_space, int64_t size)
{
    if (w->same_size)
        return size_of(ceil((double)size / w->stride[i]));
    double span = (w->kernel[i] - 1) * w->dilation[i] + 1;
    double steps = ((double)size + w->pad[i] + w->pad[i + n_space] - span) / w->stride[i];
    return size_of((w->ceil ? ceil(steps) : floor(steps)) + 1);
}

static bool convolve(graph *g, node *n)
{
    bool quantised = bytes_are(n->op, "QLinearConv");
    const value *x = in(g, n, 0), *k = in(g, n, quantised ? 3 : 1);
    windows w;
    if (!known(x) || !known(k) || x->n_dim < 3 || k->n_dim != x->n_dim || !read_windows(n, &w, x->n_dim - 2))
        return false;
    int64_t dim[VI_MAX_DIMS] = {x->dim[0], k->dim[0]};
    for (int i = 0; i < x->n_dim - 2; ++i) {
        w.kernel[i] = (double)k->dim[i + 2];
        dim[i + 2] = window_count(&w, i, x->n_dim - 2, x->dim[i + 2]);
    }
    return put(out(g, n, 0), bytes_are(n->op, "ConvInteger") ? 6 : x->type, dim, x->n_dim);
}

static bool deconvolve(graph *g, node *n)
{
    const value *x = in(g, n, 0), *k = in(g, n, 1);
    double extra[6] = {0}, given[8];
    windows w;
    if (!known(x) || !known(k) || x->n_dim < 3 || k->n_dim != x->n_dim || !read_windows(n, &w, x->n_dim - 2))
        return false;
    int space = x->n_dim - 2, n_given = attr_list(n, "output_shape", given, 8);
    attr_list(n, "output_padding", extra, 6);
    int64_t dim[VI_MAX_DIMS] = {x->dim[0], k->dim[1] * VI_MAX(attr_int(n, "group", 1), 1)};
    for (int i = 0; i < space; ++i) {
        double span = (double)(k->dim[i + 2] - 1) * w.dilation[i] + 1;
        double size = w.stride[i] * (double)(x->dim[i + 2] - 1) + extra[i] + span - w.pad[i] - w.pad[i + space];
        if (w.same_size)
            size = w.stride[i] * (double)x->dim[i + 2];
        dim[i + 2] = size_of(n_given >= space ? given[n_given - space + i] : size);
    }
    return put(out(g, n, 0), x->type, dim, x->n_dim);
}

static bool pool(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    windows w;
    if (!known(x) || x->n_dim < 3 || !read_windows(n, &w, x->n_dim - 2))
        return false;
    if (attr_list(n, "kernel_shape", w.kernel, 6) < x->n_dim - 2)
        return false;
    int64_t dim[VI_MAX_DIMS] = {x->dim[0], x->dim[1]};
    for (int i = 0; i < x->n_dim - 2; ++i)
        dim[i + 2] = window_count(&w, i, x->n_dim - 2, x->dim[i + 2]);
    return put(out(g, n, 0), x->type, dim, x->n_dim);
}

static bool global_pool(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    int64_t dim[VI_MAX_DIMS];
    if (!known(x))
        return false;
    for (int i = 0; i < x->n_dim; ++i)
        dim[i] = i < 2 ? x->dim[i] : 1;
    return put(out(g, n, 0), x->type, dim, x->n_dim);
}

/* --- products --------------------------------------------------------------------------------------------------- */

static bool gemm(graph *g, node *n)
{
    const value *a = in(g, n, 0), *b = in(g, n, 1);
    if (!known(a) || !known(b) || a->n_dim != 2 || b->n_dim != 2)
        return false;
    int64_t dim[2] = {a->dim[attr_int(n, "transA", 0) ? 1 : 0], b->dim[attr_int(n, "transB", 0) ? 0 : 1]};
    return put(out(g, n, 0), a->type, dim, 2);
}

static bool matmul(graph *g, node *n)
{
    const value *a = in(g, n, 0), *b = in(g, n, bytes_are(n->op, "QLinearMatMul") ? 3 : 1);
    if (!known(a) || !known(b) || a->n_dim < 2 || b->n_dim < 2)
        return false;
    value x = *a, y = *b;
    int64_t dim[VI_MAX_DIMS];
    int n_dim = 0;
    x.n_dim -= 2;
    y.n_dim -= 2;
    if (!join(dim, &n_dim, &x) || !join(dim, &n_dim, &y))
        return false;
    dim[n_dim] = a->dim[a->n_dim - 2];
    dim[n_dim + 1] = b->dim[b->n_dim - 1];
    return put(out(g, n, 0), a->type, dim, n_dim + 2);
}

/* --- other shapes of the same numbers --------------------------------------------------------------------------- */

static bool reshape(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    double want[VI_MAX_DIMS];
    int64_t dim[VI_MAX_DIMS], all = 1, rest = 1;
    int open = -1, count = attr_or_input(g, n, "shape", 1, want, VI_MAX_DIMS);
    if (!known(x) || !count)
        return false;
    for (int i = 0; i < x->n_dim; ++i)
        if (__builtin_mul_overflow(all, x->dim[i], &all))
            return false;
    for (int i = 0; i < count; ++i) {
        dim[i] = want[i] == 0 && i < x->n_dim && !attr_int(n, "allowzero", 0) ? x->dim[i] : size_of(want[i]);
        if (want[i] == -1)
            open = i;
        else if (dim[i] < 0 || __builtin_mul_overflow(rest, dim[i], &rest))
            return false;
    }
    if (open >= 0)
        dim[open] = rest > 0 ? all / rest : 0;
    if (!put(out(g, n, 0), x->type, dim, count))
        return false;
    out(g, n, 0)->n_number = x->n_number;
    memcpy(out(g, n, 0)->number, x->number, sizeof x->number);
    return true;
}

static bool flatten(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    int64_t dim[2] = {1, 1};
    if (!known(x))
        return false;
    int axis = (int)attr_int(n, "axis", 1);
    axis = axis < 0 ? axis + x->n_dim : axis;
    for (int i = 0; i < x->n_dim; ++i)
        if (__builtin_mul_overflow(dim[i >= axis], x->dim[i], &dim[i >= axis]))
            return false;
    return put(out(g, n, 0), x->type, dim, 2);
}

static bool transpose(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    double order[VI_MAX_DIMS];
    int64_t dim[VI_MAX_DIMS];
    if (!known(x))
        return false;
    int count = attr_list(n, "perm", order, VI_MAX_DIMS);
    for (int i = 0; i < x->n_dim; ++i) {
        int from = count == x->n_dim ? axis_of(order[i], x->n_dim) : x->n_dim - 1 - i;
        if (from < 0)
            return false;
        dim[i] = x->dim[from];
    }
    return put(out(g, n, 0), x->type, dim, x->n_dim);
}

static bool squeeze(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    double axes[VI_MAX_DIMS];
    int64_t dim[VI_MAX_DIMS];
    int n_dim = 0;
    if (!known(x))
        return false;
    int count = attr_or_input(g, n, "axes", 1, axes, VI_MAX_DIMS);
    for (int i = 0; i < x->n_dim; ++i) {
        bool away = count == 0 && x->dim[i] == 1;
        for (int k = 0; k < count; ++k)
            away |= axis_of(axes[k], x->n_dim) == i;
        if (!away)
            dim[n_dim++] = x->dim[i];
    }
    if (!put(out(g, n, 0), x->type, dim, n_dim))
        return false;
    out(g, n, 0)->n_number = x->n_number;
    memcpy(out(g, n, 0)->number, x->number, sizeof x->number);
    return true;
}

static bool unsqueeze(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    double axes[VI_MAX_DIMS];
    int64_t dim[VI_MAX_DIMS];
    if (!known(x))
        return false;
    int count = attr_or_input(g, n, "axes", 1, axes, VI_MAX_DIMS), all = x->n_dim + count, from = 0;
    if (!count || all > VI_MAX_DIMS)
        return false;
    for (int i = 0; i < all; ++i) {
        bool fresh = false;
        for (int k = 0; k < count; ++k)
            fresh |= axis_of(axes[k], all) == i;
        if (!fresh && from >= x->n_dim)
            return false;
        dim[i] = fresh ? 1 : x->dim[from++];
    }
    if (!put(out(g, n, 0), x->type, dim, all))
        return false;
    out(g, n, 0)->n_number = x->n_number;
    memcpy(out(g, n, 0)->number, x->number, sizeof x->number);
    return true;
}

/* --- parts and wholes ------------------------------------------------------------------------------------------- */

static bool concat(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    int64_t dim[VI_MAX_DIMS];
    if (!known(x))
        return false;
    int axis = axis_of((double)attr_int(n, "axis", 0), x->n_dim);
    if (axis < 0)
        return false;
    memcpy(dim, x->dim, sizeof dim);
    for (int i = 1; i < n->n_in; ++i) {
        const value *v = in(g, n, i);
        if (!known(v) || v->n_dim != x->n_dim)
            return false;
        dim[axis] += v->dim[axis];
    }
    if (!put(out(g, n, 0), x->type, dim, x->n_dim))
        return false;
    value *y = out(g, n, 0);
    y->n_number = 0;
    for (int i = 0; i < n->n_in && y->n_number >= 0; ++i) {
        const value *v = in(g, n, i);
        if (x->n_dim != 1 || v->n_number < 0 || y->n_number + v->n_number > VI_SHAPE_NUMBERS) {
            y->n_number = -1;
            break;
        }
        memcpy(y->number + y->n_number, v->number, (size_t)v->n_number * sizeof *v->number);
        y->n_number += v->n_number;
    }
    return true;
}

static bool split(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    double part[VI_SHAPE_NUMBERS];
    int64_t dim[VI_MAX_DIMS];
    if (!known(x))
        return false;
    int axis = axis_of((double)attr_int(n, "axis", 0), x->n_dim);
    int count = attr_or_input(g, n, "split", 1, part, VI_SHAPE_NUMBERS);
    if (axis < 0 || n->n_out == 0)
        return false;
    memcpy(dim, x->dim, sizeof dim);
    for (int i = 0; i < n->n_out; ++i) {
        dim[axis] = count == n->n_out ? size_of(part[i]) : (x->dim[axis] + n->n_out - 1) / n->n_out;
        if (out(g, n, i) && !put(out(g, n, i), x->type, dim, x->n_dim))
            return false;
    }
    return true;
}

static bool slice(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    double from[VI_MAX_DIMS], to[VI_MAX_DIMS], axes[VI_MAX_DIMS], step[VI_MAX_DIMS];
    int64_t dim[VI_MAX_DIMS];
    if (!known(x))
        return false;
    int count = attr_or_input(g, n, "starts", 1, from, VI_MAX_DIMS), n_to = attr_or_input(g, n, "ends", 2, to, VI_MAX_DIMS);
    int n_axes = attr_or_input(g, n, "axes", 3, axes, VI_MAX_DIMS), n_step = attr_or_input(g, n, "steps", 4, step, VI_MAX_DIMS);
    memcpy(dim, x->dim, sizeof dim);
    if (!count || n_to != count)
        return false;
    double first = 0, by = 1;
    for (int i = 0; i < count; ++i) {
        int axis = axis_of(i < n_axes ? axes[i] : i, x->n_dim);
        by = i < n_step ? step[i] : 1;
        if (axis < 0 || by == 0)
            return false;
        double size = (double)x->dim[axis], a = from[i] < 0 ? from[i] + size : from[i], b = to[i] < 0 ? to[i] + size : to[i];
        a = fmin(fmax(a, 0), by < 0 ? size - 1 : size);
        b = by < 0 && to[i] < -size ? -1 : fmin(fmax(b, by < 0 ? -1 : 0), size);
        dim[axis] = size_of(fmax(ceil((b - a) / by), 0));
        first = a;
    }
    if (!put(out(g, n, 0), x->type, dim, x->n_dim))
        return false;
    value *y = out(g, n, 0);
    y->n_number = -1;
    if (x->n_dim == 1 && x->n_number == x->dim[0] && count == 1) {
        y->n_number = (int)dim[0];
        for (int i = 0; i < y->n_number; ++i)
            y->number[i] = x->number[vi_clampi((int)(first + by * i), 0, x->n_number - 1)];
    }
    return true;
}

static bool gather(graph *g, node *n)
{
    const value *x = in(g, n, 0), *which = in(g, n, 1);
    int64_t dim[2 * VI_MAX_DIMS];
    int n_dim = 0;
    if (!known(x) || !known(which))
        return false;
    int axis = axis_of((double)attr_int(n, "axis", 0), x->n_dim);
    if (axis < 0 || x->n_dim + which->n_dim - 1 > VI_MAX_DIMS)
        return false;
    for (int i = 0; i < axis; ++i)
        dim[n_dim++] = x->dim[i];
    for (int i = 0; i < which->n_dim; ++i)
        dim[n_dim++] = which->dim[i];
    for (int i = axis + 1; i < x->n_dim; ++i)
        dim[n_dim++] = x->dim[i];
    if (!put(out(g, n, 0), x->type, dim, n_dim))
        return false;
    value *y = out(g, n, 0);
    y->n_number = -1;
    if (x->n_dim == 1 && x->n_number > 0 && which->n_number > 0) {
        for (int i = 0; i < which->n_number; ++i) {
            int at = axis_of(which->number[i], x->n_number);
            if (at < 0)
                return false;
            y->number[i] = x->number[at];
        }
        y->n_number = which->n_number;
    }
    return true;
}

static bool like_second(graph *g, node *n)
{
    const value *x = in(g, n, 0), *i = in(g, n, 1);
    return known(x) && known(i) && put(out(g, n, 0), x->type, i->dim, i->n_dim);
}

static bool expand(graph *g, node *n)
{
    const value *x = in(g, n, 0), *s = in(g, n, 1);
    int64_t dim[VI_MAX_DIMS];
    value want = {.n_dim = 0};
    int n_dim = 0;
    if (!known(x) || !s || s->n_number < 0 || s->n_number > VI_MAX_DIMS)
        return false;
    for (want.n_dim = 0; want.n_dim < s->n_number; ++want.n_dim)
        if ((want.dim[want.n_dim] = size_of(s->number[want.n_dim])) < 0)
            return false;
    return join(dim, &n_dim, x) && join(dim, &n_dim, &want) && put(out(g, n, 0), x->type, dim, n_dim);
}

static bool tile(graph *g, node *n)
{
    const value *x = in(g, n, 0), *times = in(g, n, 1);
    int64_t dim[VI_MAX_DIMS];
    if (!known(x) || !times || times->n_number != x->n_dim)
        return false;
    for (int i = 0; i < x->n_dim; ++i)
        if (__builtin_mul_overflow(x->dim[i], size_of(times->number[i]), &dim[i]))
            return false;
    return put(out(g, n, 0), x->type, dim, x->n_dim);
}

static bool pad(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    double by[2 * VI_MAX_DIMS];
    int64_t dim[VI_MAX_DIMS];
    if (!known(x) || attr_or_input(g, n, "pads", 1, by, 2 * VI_MAX_DIMS) != 2 * x->n_dim)
        return false;
    for (int i = 0; i < x->n_dim; ++i)
        dim[i] = size_of((double)x->dim[i] + by[i] + by[i + x->n_dim]);
    return put(out(g, n, 0), x->type, dim, x->n_dim);
}

static bool resize(graph *g, node *n)
{
    const value *x = in(g, n, 0), *sizes = in(g, n, 3), *scales = in(g, n, n->n_in == 2 ? 1 : 2);
    double by[VI_MAX_DIMS];
    int64_t dim[VI_MAX_DIMS];
    if (!known(x))
        return false;
    bool by_size = sizes && sizes->n_number == x->n_dim;
    bool by_scale = scales && scales->n_number == x->n_dim;
    if (by_scale)
        memcpy(by, scales->number, (size_t)x->n_dim * sizeof *by);
    else
        by_scale = attr_list(n, "scales", by, VI_MAX_DIMS) == x->n_dim;
    if (!by_size && !by_scale)
        return false;
    for (int i = 0; i < x->n_dim; ++i)
        dim[i] = size_of(by_size ? sizes->number[i] : floor((double)x->dim[i] * by[i] + 1e-5));
    return put(out(g, n, 0), x->type, dim, x->n_dim);
}

static bool blocks(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    int64_t b = attr_int(n, "blocksize", 0);
    if (!known(x) || x->n_dim != 4 || b < 1 || b > 1024)
        return false;
    bool up = bytes_are(n->op, "DepthToSpace");
    int64_t dim[4] = {x->dim[0], up ? x->dim[1] / (b * b) : x->dim[1] * b * b, up ? x->dim[2] * b : x->dim[2] / b,
                      up ? x->dim[3] * b : x->dim[3] / b};
    return put(out(g, n, 0), x->type, dim, 4);
}

static bool grid_sample(graph *g, node *n)
{
    const value *x = in(g, n, 0), *grid = in(g, n, 1);
    if (!known(x) || !known(grid) || x->n_dim != 4 || grid->n_dim != 4)
        return false;
    int64_t dim[4] = {x->dim[0], x->dim[1], grid->dim[1], grid->dim[2]};
    return put(out(g, n, 0), x->type, dim, 4);
}

static bool reduce(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    double axes[VI_MAX_DIMS];
    int64_t dim[VI_MAX_DIMS];
    int n_dim = 0, count;
    bool keep = attr_int(n, "keepdims", 1) != 0, arg = n->op.n > 3 && memcmp(n->op.p, "Arg", 3) == 0;
    if (!known(x))
        return false;
    if (arg) {
        axes[0] = (double)attr_int(n, "axis", 0);
        count = 1;
    } else {
        count = attr_or_input(g, n, "axes", 1, axes, VI_MAX_DIMS);
    }
    for (int i = 0; i < x->n_dim; ++i) {
        bool away = count == 0;
        for (int k = 0; k < count; ++k)
            away |= axis_of(axes[k], x->n_dim) == i;
        if (!away || keep)
            dim[n_dim++] = away ? 1 : x->dim[i];
    }
    return put(out(g, n, 0), arg ? I64 : x->type, dim, n_dim);
}

static bool top_k(graph *g, node *n)
{
    const value *x = in(g, n, 0), *k = in(g, n, 1);
    int64_t dim[VI_MAX_DIMS];
    if (!known(x))
        return false;
    int axis = axis_of((double)attr_int(n, "axis", -1), x->n_dim);
    if (axis < 0)
        return false;
    memcpy(dim, x->dim, sizeof dim);
    int64_t most = k && k->n_number == 1 ? size_of(k->number[0]) : attr_int(n, "k", x->dim[axis]);
    dim[axis] = VI_MIN(most, x->dim[axis]);
    return put(out(g, n, 0), x->type, dim, x->n_dim) && (!out(g, n, 1) || put(out(g, n, 1), I64, dim, x->n_dim));
}

/* --- numbers ---------------------------------------------------------------------------------------------------- */

static bool shape_op(graph *g, node *n)
{
    const value *x = in(g, n, 0);
    value *y = out(g, n, 0);
    if (!known(x) || !put(y, I64, (const int64_t[]){x->n_dim}, 1))
        return false;
    y->n_number = x->n_dim;
    for (int i = 0; i < x->n_dim; ++i)
        y->number[i] = (double)x->dim[i];
    return true;
}

static bool constant(graph *g, node *n)
{
    bytes a, name;
    field f;
    value v, *y = out(g, n, 0);
    if (!y)
        return false;
    if (vi_shape_attribute(n, "value", &a)) {
        while (next_field(&a, &f) > 0)
            if (f.number == 5 && f.kind == 2 && vi_shape_tensor(f.data, &v, &name) && put(y, v.type, v.dim, v.n_dim)) {
                y->n_number = v.n_number;
                memcpy(y->number, v.number, sizeof v.number);
                return true;
            }
        return false;
    }
    y->n_number = attr_list(n, "value_ints", y->number, VI_SHAPE_NUMBERS);
    if (y->n_number)
        return put(y, I64, (const int64_t[]){y->n_number}, 1);
    y->n_number = 1;
    y->number[0] = (double)attr_int(n, "value_int", 0);
    return put(y, vi_shape_attribute(n, "value_int", &a) ? I64 : F32, NULL, 0);
}

static bool constant_of_shape(graph *g, node *n)
{
    const value *s = in(g, n, 0);
    int64_t dim[VI_MAX_DIMS];
    if (!s || s->n_number < 0 || s->n_number > VI_MAX_DIMS)
        return false;
    for (int i = 0; i < s->n_number; ++i)
        dim[i] = size_of(s->number[i]);
    return put(out(g, n, 0), F32, dim, s->n_number);
}

static bool range(graph *g, node *n)
{
    const value *a = in(g, n, 0), *b = in(g, n, 1), *by = in(g, n, 2);
    if (!a || !b || !by || a->n_number != 1 || b->n_number != 1 || by->n_number != 1 || by->number[0] == 0)
        return false;
    int64_t count = size_of(fmax(ceil((b->number[0] - a->number[0]) / by->number[0]), 0));
    return put(out(g, n, 0), a->type, &count, 1);
}

/* --- the table -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *ops; /* separated and ended by blanks */
    bool (*rule)(graph *g, node *n);
} rules[] = {
    {"Relu LeakyRelu Sigmoid HardSigmoid HardSwish Tanh Clip Exp Log Sqrt Abs Neg Erf Softmax LogSoftmax Elu Selu Celu Softplus "
     "Softsign Dropout BatchNormalization InstanceNormalization LayerNormalization GroupNormalization LRN Floor Ceil Round Sign "
     "Not Gelu Mish LpNormalization MeanVarianceNormalization Reciprocal Sin Cos Tan Atan ThresholdedRelu ScatterND "
     "ScatterElements CumSum IsNaN Trilu ", same},
    {"Identity ", copied},
    {"Cast ", cast},
    {"QuantizeLinear DynamicQuantizeLinear ", quantize},
    {"DequantizeLinear ", dequantize},
    {"Add Sub Mul Div Pow Max Min Where Mod Sum Mean PRelu And Or Xor BitShift ", broadcast},
    {"Equal Greater GreaterOrEqual Less LessOrEqual ", compare},
    {"Conv ConvInteger QLinearConv ", convolve},
    {"ConvTranspose ", deconvolve},
    {"MaxPool AveragePool LpPool ", pool},
    {"GlobalAveragePool GlobalMaxPool GlobalLpPool ", global_pool},
    {"Gemm ", gemm},
    {"MatMul QLinearMatMul MatMulInteger ", matmul},
    {"Reshape ", reshape},
    {"Flatten ", flatten},
    {"Transpose ", transpose},
    {"Squeeze ", squeeze},
    {"Unsqueeze ", unsqueeze},
    {"Concat ", concat},
    {"Split ", split},
    {"Slice ", slice},
    {"Gather ", gather},
    {"GatherElements ", like_second},
    {"Expand ", expand},
    {"Tile ", tile},
    {"Pad ", pad},
    {"Resize Upsample ", resize},
    {"DepthToSpace SpaceToDepth ", blocks},
    {"GridSample ", grid_sample},
    {"ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp ArgMax "
     "ArgMin ", reduce},
    {"TopK ", top_k},
    {"Shape ", shape_op},
    {"Constant ", constant},
    {"ConstantOfShape ", constant_of_shape},
    {"Range ", range},
};

static bool is_listed(const char *ops, bytes op)
{
    for (const char *at = ops; *at; at += strcspn(at, " ") + 1)
        if (strcspn(at, " ") == op.n && memcmp(at, op.p, op.n) == 0)
            return true;
    return false;
}

bool vi_shape_step(graph *g, node *n)
{
    for (size_t i = 0; i < VI_COUNT(rules) && n->op.n && n->n_out; ++i)
        if (is_listed(rules[i].ops, n->op))
            return out(g, n, 0) && rules[i].rule(g, n);
    return false;
}
