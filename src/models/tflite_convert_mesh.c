/* models/tflite_convert_mesh.c: the three custom operators of MediaPipe's attention mesh as standard ONNX.
 * One thread.
 *
 * The net finds a coarse mesh, fits a turned rectangle around the lips or an eye (Landmarks2TransformMatrix), reads
 * that rectangle from its features (TransformTensorBilinear), refines the points inside it and carries them back
 * (TransformLandmarks). All of it is small matrix algebra on [1,n,n]; sampling is GridSample.
 *
 * Helpers number their tensors as they are called, so no two calls may stand in one argument list: C leaves their
 * order open, and the file would depend on the compiler. */
#include <string.h>

#include "models/tflite_convert.h"

/* A constant float matrix [rows, columns] (rows 0: a vector). */
static const char *matrix(vi_convert *c, const char *what, const float *v, int rows, int columns)
{
    const char *name = vi_convert_helper(c, what);
    int64_t dim[2] = {rows, columns};
    float *data = rows ? vi_onnx_floats(c->g, name, dim, 2) : vi_onnx_floats(c->g, name, dim + 1, 1);
    if (data)
        memcpy(data, v, (size_t)VI_MAX(rows, 1) * (size_t)columns * sizeof *v);
    return name;
}

static const char *step(vi_convert *c, const char *type, const char *what, const char *a, const char *b)
{
    const char *out = vi_convert_helper(c, what);
    vi_onnx_node_n(c->g, type, out, (const char *const[]){a, b}, b ? 2 : 1);
    return out;
}

static const char *reshaped(vi_convert *c, const char *what, const char *x, const int64_t *dim, int n_dim)
{
    const char *shape = vi_convert_helper(c, "shape");
    vi_onnx_int64s(c->g, shape, dim, n_dim);
    return step(c, "Reshape", what, x, shape);
}

static const char *transposed(vi_convert *c, const char *x)
{
    const char *out = vi_convert_helper(c, "transposed");
    vi_onnx_set_ints(c->g, vi_onnx_node(c->g, "Transpose", out, x), "perm", (int64_t[]){0, 2, 1}, 3);
    return out;
}

static const char *gathered(vi_convert *c, const char *what, const char *x, const int64_t *index, int n)
{
    const char *list = vi_convert_helper(c, "index"), *out = vi_convert_helper(c, what);
    vi_onnx_int64s(c->g, list, index, n);
    vi_onnx_set_int(c->g, vi_onnx_node(c->g, "Gather", out, x, list), "axis", 1);
    return out;
}

/* Maximum or minimum over the points, kept as [1,1,2]. */
static const char *extreme(vi_convert *c, const char *type, const char *points)
{
    const char *out = vi_convert_helper(c, type);
    vi_onnx_node_t *n = vi_onnx_node(c->g, type, out, points);
    vi_onnx_set_ints(c->g, n, "axes", (int64_t[]){1}, 1);
    vi_onnx_set_int(c->g, n, "keepdims", 1);
    return out;
}

static void joined(vi_convert *c, const char *const *part, int n, int axis, const char *out)
{
    vi_onnx_set_int(c->g, vi_onnx_node_n(c->g, "Concat", out, part, n), "axis", axis);
}

static int number_option(vi_convert *c, const char *key, double least, double most, double *value)
{
    const vi_tfl_op *op = vi_convert_op(c);
    /* NaN fails both comparisons. */
    if (vi_flex_numbers(op->custom_options, op->custom_options_size, key, value, 1) != 1 ||
        !(*value >= least && *value <= most))
        return vi_convert_fault(c, vi_convert_out(c, 0)->index, "custom option '%s' is missing or out of range", key);
    return 0;
}

enum { SUBSET_MOST = 512 };

typedef struct fit_options {
    int64_t ends[2]; /* points that give the direction, left and right */
    int64_t subset[SUBSET_MOST];
    int n_subset;
    float scale[2], size[2]; /* x, y; size in pixels of the rectangle read later */
} fit_options;

static int read_fit_options(vi_convert *c, int64_t n_points, fit_options *o)
{
    static const struct {
        const char *key;
        double least, most;
    } keys[] = {{"left_rotation_idx", 0, 1e6}, {"right_rotation_idx", 0, 1e6}, {"scale_x", 1e-3, 1e3},
                {"scale_y", 1e-3, 1e3},       {"output_width", 1, 4096},      {"output_height", 1, 4096},
                {"target_rotation_radians", 0, 0}};
    double v[VI_COUNT(keys)], list[SUBSET_MOST];
    const vi_tfl_op *op = vi_convert_op(c);
    for (size_t i = 0; i < VI_COUNT(keys); ++i) {
        int code = number_option(c, keys[i].key, keys[i].least, keys[i].most, &v[i]);
        if (code)
            return code;
    }
    o->n_subset = vi_flex_numbers(op->custom_options, op->custom_options_size, "subset_idxs", list, SUBSET_MOST);
    bool known = o->n_subset > 0;
    for (int i = 0; i < o->n_subset && known; ++i) {
        known = list[i] >= 0 && list[i] < (double)n_points;
        o->subset[i] = known ? (int64_t)list[i] : 0;
    }
    for (int i = 0; i < 2; ++i) {
        known = known && v[i] < (double)n_points;
        o->ends[i] = (int64_t)v[i];
        o->scale[i] = (float)v[2 + i];
        o->size[i] = (float)v[4 + i];
    }
    if (!known)
        return vi_convert_fault(c, vi_convert_in(c, 0)->index, "custom options name points that do not exist");
    return 0;
}

/* Landmarks [1,n,3] -> matrix [1,4,4] from the rectangle's pixels to the landmarks' space.
 *
 * With (n0, n1) the unit vector from left to right end, R = [n0 -n1; n1 n0] turns a level rectangle to lie along
 * it, and points p (rows) are levelled by p R. Extremes give size (w, h) and centre m of the levelled subset, k =
 * scale (w, h) / size is one pixel of the rectangle, and the matrix is [R diag(k) | R (m - k size/2)]. */
static int landmarks_to_matrix(vi_convert *c)
{
    const char *points, *out;
    fit_options o;
    int code = vi_convert_arity(c, 1, 1, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 3, &points);
    if (code)
        return code;
    const vi_tfl_tensor *in = vi_convert_in(c, 0);
    if (in->dim[0] != 1 || in->dim[2] != 3)
        return vi_convert_fault(c, in->index, "landmarks [1,n,3] are needed");
    code = read_fit_options(c, in->dim[1], &o);
    if (!code)
        code = vi_convert_expect(c, 0, (int64_t[]){1, 4, 4}, 3);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (code)
        return code;

    /* d = right - left; (dx, dy, dz) times this gives R's rows (dx,-dy) and (dy,dx), and a third row of zeros so
     * that points can stay [1,n,3]. Divided by √2 because the norm below then is |d|. */
    static const float half = 0.70710678f;
    static const float spread[18] = {half, 0, 0, half, 0, 0, 0, -half, half, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const float one[2] = {-1, 1}, root2[1] = {1.41421356f}, least[1] = {1e-6f}, middle[1] = {0.5f};
    const char *ends = gathered(c, "ends", points, o.ends, 2);
    const char *number = matrix(c, "difference", one, 1, 2);
    const char *d = step(c, "MatMul", "direction", number, ends);
    number = matrix(c, "spread", spread, 3, 6);
    const char *u = step(c, "MatMul", "turn", d, number);
    const char *norm = vi_convert_helper(c, "norm");
    vi_onnx_set_ints(c->g, vi_onnx_node(c->g, "ReduceL2", norm, u), "axes", (int64_t[]){2}, 1);
    /* Both ends in one place give no direction; the floor keeps the result finite. */
    number = matrix(c, "least", least, 0, 1);
    norm = step(c, "Max", "norm", norm, number);
    number = matrix(c, "root2", root2, 0, 1);
    u = step(c, "Mul", "turn", u, number);
    u = step(c, "Div", "turn", u, norm);
    const char *r3 = reshaped(c, "turn", u, (int64_t[]){1, 3, 2}, 3);
    const char *r = gathered(c, "turn", r3, (int64_t[]){0, 1}, 2);

    const char *chosen = gathered(c, "subset", points, o.subset, o.n_subset);
    const char *level = step(c, "MatMul", "level", chosen, r3);
    const char *high = extreme(c, "ReduceMax", level), *low = extreme(c, "ReduceMin", level);
    const float pixel[2] = {o.scale[0] / o.size[0], o.scale[1] / o.size[1]}, reach[2] = {o.scale[0] / 2, o.scale[1] / 2};
    const char *size = step(c, "Sub", "size", high, low);
    const char *centre = step(c, "Add", "centre", high, low);
    number = matrix(c, "middle", middle, 0, 1);
    centre = step(c, "Mul", "centre", centre, number);
    number = matrix(c, "pixel", pixel, 0, 2);
    const char *k = step(c, "Mul", "pixel", size, number);
    number = matrix(c, "reach", reach, 0, 2);
    const char *corner = step(c, "Mul", "reach", size, number);
    corner = step(c, "Sub", "corner", centre, corner);
    corner = reshaped(c, "corner", corner, (int64_t[]){1, 2, 1}, 3);
    corner = step(c, "MatMul", "corner", r, corner);

    static const float zeros[2] = {0, 0}, last[8] = {0, 0, 1, 0, 0, 0, 0, 1};
    const char *zero = vi_convert_helper(c, "zero"), *rest = vi_convert_helper(c, "rest");
    float *v = vi_onnx_floats(c->g, zero, (int64_t[]){1, 2, 1}, 3);
    if (v)
        memcpy(v, zeros, sizeof zeros);
    v = vi_onnx_floats(c->g, rest, (int64_t[]){1, 2, 4}, 3);
    if (v)
        memcpy(v, last, sizeof last);
    const char *axes = step(c, "Mul", "axes", r, k), *rows = vi_convert_helper(c, "rows");
    joined(c, (const char *const[]){axes, zero, corner}, 3, 2, rows);
    joined(c, (const char *const[]){rows, rest}, 2, 1, out);
    return 0;
}

/* Features [1,H,W,C] and matrix -> [1,h,w,C]: read at M (x + 1/2, y + 1/2) - 1/2, zero outside.
 *
 * GridSample (align_corners 0) reads at ((g + 1) W - 1) / 2, so g = 2/W M (x + 1/2, …) - 1. As the last row of M is
 * (0,0,0,1), scale and offset go into one 4x2 matrix behind the transposed M. */
static int transform_tensor(vi_convert *c)
{
    const char *x, *m, *out;
    double height, width;
    int code = vi_convert_arity(c, 2, 2, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 4, &x);
    if (!code)
        code = vi_convert_activation(c, 1, 3, &m);
    if (!code)
        code = number_option(c, "output_height", 1, 256, &height);
    if (!code)
        code = number_option(c, "output_width", 1, 256, &width);
    if (code)
        return code;
    const vi_tfl_tensor *in = vi_convert_in(c, 0), *matrix_in = vi_convert_in(c, 1);
    int h = (int)height, w = (int)width;
    if (in->dim[0] != 1 || matrix_in->count != 16 || matrix_in->dim[1] != 4)
        return vi_convert_fault(c, matrix_in->index, "a matrix [1,4,4] and features of one picture are needed");
    code = vi_convert_expect(c, 0, (int64_t[]){1, h, w, in->dim[3]}, 4);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (code)
        return code;
    const float to_grid[8] = {2.0f / (float)in->dim[2], 0, 0, 2.0f / (float)in->dim[1], 0, 0, -1, -1};
    const char *places = vi_convert_helper(c, "places");
    float *v = vi_onnx_floats(c->g, places, (int64_t[]){h * w, 4}, 2);
    for (int i = 0; v && i < h * w; ++i) {
        v[4 * i] = (float)(i % w) + 0.5f;
        v[4 * i + 1] = (float)(i / w) + 0.5f;
        v[4 * i + 2] = 0.0f;
        v[4 * i + 3] = 1.0f;
    }
    const char *mt = transposed(c, m), *scale = matrix(c, "to_grid", to_grid, 4, 2);
    mt = step(c, "MatMul", "to_grid", mt, scale);
    const char *grid = step(c, "MatMul", "grid", places, mt);
    grid = reshaped(c, "grid", grid, (int64_t[]){1, h, w, 2}, 4);
    vi_onnx_node_t *n = vi_onnx_node(c->g, "GridSample", out, x, grid);
    vi_onnx_set_text(c->g, n, "mode", "bilinear");
    vi_onnx_set_text(c->g, n, "padding_mode", "zeros");
    vi_onnx_set_int(c->g, n, "align_corners", 0);
    return 0;
}

/* Points [1,n,2] and matrix -> [1,n,2]: (x, y, 0, 1) M^T, first two columns. */
static int transform_landmarks(vi_convert *c)
{
    const char *points, *m, *out;
    int code = vi_convert_arity(c, 2, 2, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 3, &points);
    if (!code)
        code = vi_convert_activation(c, 1, 3, &m);
    if (code)
        return code;
    const vi_tfl_tensor *in = vi_convert_in(c, 0), *matrix_in = vi_convert_in(c, 1);
    if (in->dim[0] != 1 || in->dim[2] != 2 || matrix_in->count != 16 || matrix_in->dim[1] != 4)
        return vi_convert_fault(c, in->index, "points [1,n,2] and a matrix [1,4,4] are needed");
    code = vi_convert_expect(c, 0, in->dim, 3);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (code)
        return code;
    static const float widen[8] = {1, 0, 0, 0, 0, 1, 0, 0}, unit[4] = {0, 0, 0, 1}, pick[8] = {1, 0, 0, 1, 0, 0, 0, 0};
    const char *number = matrix(c, "widen", widen, 2, 4), *p = step(c, "MatMul", "point", points, number);
    number = matrix(c, "unit", unit, 0, 4);
    p = step(c, "Add", "point", p, number);
    const char *mt = transposed(c, m);
    number = matrix(c, "pick", pick, 4, 2);
    mt = step(c, "MatMul", "columns", mt, number);
    vi_onnx_node(c->g, "MatMul", out, p, mt);
    return 0;
}

int vi_convert_custom(vi_convert *c)
{
    static const struct {
        const char *name;
        int (*convert)(vi_convert *c);
    } known[] = {{"Landmarks2TransformMatrix", landmarks_to_matrix},
                 {"TransformTensorBilinear", transform_tensor},
                 {"TransformLandmarks", transform_landmarks}};
    const vi_tfl_op *op = vi_convert_op(c);
    for (size_t i = 0; i < VI_COUNT(known); ++i)
        if (op->custom_size == strlen(known[i].name) && memcmp(op->custom, known[i].name, op->custom_size) == 0)
            return known[i].convert(c);
    int tensor = op->n_out > 0 ? vi_tfl_at(op->out, 0) : -1;
    return vi_convert_fault(c, tensor, "custom operator '%.*s' is not supported", (int)VI_MIN(op->custom_size, 60),
                            op->custom);
}
