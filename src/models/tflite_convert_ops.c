/* models/tflite_convert_ops.c: one function per operator of TensorFlow Lite, and the table that lists them.
 * One thread. See tflite_convert.h for the rule of layouts. */
#include <string.h>

#include "models/tflite_convert.h"

/* Fused activations by their number in the schema. */
static int activation_of(vi_convert *c, int number, const char **type)
{
    static const char *const types[] = {"", "Relu", NULL, "Clip", "Tanh"};
    *type = number >= 0 && number < (int)VI_COUNT(types) ? types[number] : NULL;
    if (!*type)
        return vi_convert_fault(c, -1, "fused activation %d is not supported", number);
    return 0;
}

/* 0 and 6, the bounds of RELU6, as scalar constants of this operator. */
static void clip_node(vi_convert *c, const char *out, const char *in)
{
    const char *low = vi_convert_helper(c, "low"), *high = vi_convert_helper(c, "high");
    float *v = vi_onnx_floats(c->g, low, NULL, 0);
    if (v)
        *v = 0.0f;
    v = vi_onnx_floats(c->g, high, NULL, 0);
    if (v)
        *v = 6.0f;
    vi_onnx_node(c->g, "Clip", out, in, low, high);
}

/* Where the operator itself must write when `type` is to follow; "" means nothing follows. */
static const char *before_activation(vi_convert *c, const char *type, const char *out)
{
    return *type ? vi_convert_helper(c, "sum") : out;
}

static void add_activation(vi_convert *c, const char *type, const char *out, const char *in)
{
    if (!*type)
        return;
    if (strcmp(type, "Clip") == 0)
        clip_node(c, out, in);
    else
        vi_onnx_node(c->g, type, out, in);
}

typedef struct window {
    int64_t kernel[2], stride[2], dilation[2]; /* y, x */
    int64_t pads[4];                           /* top, left, bottom, right */
    int64_t out[2];
} window;

/* SAME (0): the result has ceil(in / stride) rows and what is missing is added, the odd row at the end.
 * VALID (1): nothing is added. */
static int place_window(vi_convert *c, const vi_tfl_tensor *x, int padding, window *w)
{
    for (int k = 0; k < 2; ++k) {
        int64_t in = x->dim[1 + k], reach;
        if (w->stride[k] < 1 || w->dilation[k] < 1 || w->kernel[k] < 1 || w->stride[k] > INT32_MAX || w->dilation[k] > 65536)
            return vi_convert_fault(c, x->index, "stride or dilation out of range");
        reach = (w->kernel[k] - 1) * w->dilation[k] + 1;
        if (padding == 0) {
            w->out[k] = (in + w->stride[k] - 1) / w->stride[k];
            int64_t total = VI_MAX((w->out[k] - 1) * w->stride[k] + reach - in, 0);
            w->pads[k] = total / 2;
            w->pads[2 + k] = total - total / 2;
        } else if (padding == 1 && reach <= in) {
            w->out[k] = (in - reach) / w->stride[k] + 1;
            w->pads[k] = w->pads[2 + k] = 0;
        } else {
            return vi_convert_fault(c, x->index, "padding %d does not fit a window of %lld in %lld", padding,
                                    (long long)reach, (long long)in);
        }
    }
    return 0;
}

static void set_window(vi_convert *c, vi_onnx_node_t *n, const window *w)
{
    vi_onnx_set_ints(c->g, n, "kernel_shape", w->kernel, 2);
    vi_onnx_set_ints(c->g, n, "strides", w->stride, 2);
    vi_onnx_set_ints(c->g, n, "pads", w->pads, 4);
    if (w->dilation[0] != 1 || w->dilation[1] != 1)
        vi_onnx_set_ints(c->g, n, "dilations", w->dilation, 2);
}

static int convolution(vi_convert *c)
{
    const vi_tfl_op *op = vi_convert_op(c);
    bool depthwise = op->code == VI_TFL_DEPTHWISE_CONV_2D;
    /* The depthwise table has the channel multiplier before the activation. */
    int act_field = depthwise ? 4 : 3;
    const char *x, *weight, *bias = NULL, *out, *act;
    int code = vi_convert_arity(c, 2, 3, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 4, &x);
    if (!code)
        code = activation_of(c, vi_tfl_option(&c->m, op, act_field, 1, 0), &act);
    if (code)
        return code;
    const vi_tfl_tensor *in = vi_convert_in(c, 0), *w = vi_convert_in(c, 1), *b = vi_convert_in(c, 2);
    if (w->n_dim != 4 || (depthwise ? w->dim[0] != 1 || w->dim[3] != in->dim[3] : w->dim[3] != in->dim[3]))
        return vi_convert_fault(c, w->index, "weights do not fit an input of %lld channels", (long long)in->dim[3]);
    int64_t channels = depthwise ? w->dim[3] : w->dim[0];
    if (b && (b->count != channels || b->n_dim != 1))
        return vi_convert_fault(c, b->index, "%lld values for %lld channels", (long long)b->count, (long long)channels);
    window win = {.kernel = {w->dim[1], w->dim[2]},
                  .stride = {vi_tfl_option(&c->m, op, 2, 4, 0), vi_tfl_option(&c->m, op, 1, 4, 0)},
                  .dilation = {vi_tfl_option(&c->m, op, act_field + 2, 4, 1), vi_tfl_option(&c->m, op, act_field + 1, 4, 1)}};
    code = place_window(c, in, vi_tfl_option(&c->m, op, 0, 1, 0), &win);
    if (!code)
        code = vi_convert_expect(c, 0, (int64_t[]){in->dim[0], win.out[0], win.out[1], channels}, 4);
    if (!code)
        code = vi_convert_constant(c, 1, depthwise ? VI_CONST_DEPTHWISE : VI_CONST_IMAGE, &weight);
    if (!code && b)
        code = vi_convert_constant(c, 2, VI_CONST_PLAIN, &bias);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (code)
        return code;
    const char *raw = before_activation(c, act, out);
    vi_onnx_node_t *n = vi_onnx_node_n(c->g, "Conv", raw, (const char *const[]){x, weight, bias}, b ? 3 : 2);
    set_window(c, n, &win);
    if (depthwise)
        vi_onnx_set_int(c->g, n, "group", channels);
    add_activation(c, act, out, raw);
    return 0;
}

static int pooling(vi_convert *c)
{
    const vi_tfl_op *op = vi_convert_op(c);
    const char *x, *out, *act;
    int code = vi_convert_arity(c, 1, 1, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 4, &x);
    if (!code)
        code = activation_of(c, vi_tfl_option(&c->m, op, 5, 1, 0), &act);
    if (code)
        return code;
    const vi_tfl_tensor *in = vi_convert_in(c, 0);
    window win = {.kernel = {vi_tfl_option(&c->m, op, 4, 4, 0), vi_tfl_option(&c->m, op, 3, 4, 0)},
                  .stride = {vi_tfl_option(&c->m, op, 2, 4, 0), vi_tfl_option(&c->m, op, 1, 4, 0)},
                  .dilation = {1, 1}};
    code = place_window(c, in, vi_tfl_option(&c->m, op, 0, 1, 0), &win);
    if (!code)
        code = vi_convert_expect(c, 0, (int64_t[]){in->dim[0], win.out[0], win.out[1], in->dim[3]}, 4);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (code)
        return code;
    const char *raw = before_activation(c, act, out);
    /* Added pixels never count in TensorFlow Lite's average; that is ONNX's default too. */
    vi_onnx_node_t *n = vi_onnx_node(c->g, op->code == VI_TFL_MAX_POOL_2D ? "MaxPool" : "AveragePool", raw, x);
    set_window(c, n, &win);
    add_activation(c, act, out, raw);
    return 0;
}

/* The result's shape when two shapes are stretched to each other; false when they do not fit. */
static bool broadcast(const vi_tfl_tensor *a, const vi_tfl_tensor *b, int64_t *dim, int *n_dim)
{
    *n_dim = VI_MAX(a->n_dim, b->n_dim);
    for (int i = 1; i <= *n_dim; ++i) {
        int64_t da = i <= a->n_dim ? a->dim[a->n_dim - i] : 1, db = i <= b->n_dim ? b->dim[b->n_dim - i] : 1;
        if (da != db && da != 1 && db != 1)
            return false;
        dim[*n_dim - i] = VI_MAX(da, db);
    }
    return true;
}

/* PReLU with one slope per channel, x + (1 - a) max(-x, 0), as two depthwise 1 x 1 convolutions. ONNX Runtime keeps convolutions in a
 * layout of its own (channels in blocks of the vector's width), takes a Relu and a sum behind one into it, and PRelu would take every
 * tensor out of that layout and back: of its time this takes .6 in MobileFaceNet and .5 in the attention mesh. Equal to PRelu but for the
 * last bit. */
static int blend_slopes(vi_convert *c, const char *out, const char *x, int slope, bool twice)
{
    const char *minus, *rest, *turned = vi_convert_helper(c, "turned"), *below = vi_convert_helper(c, "below");
    const char *lifted = vi_convert_helper(c, "lifted");
    int code = vi_convert_constant_tensor(c, slope, VI_CONST_MINUS, &minus);
    if (!code)
        code = vi_convert_constant_tensor(c, slope, twice ? VI_CONST_TWICE_REST : VI_CONST_REST, &rest);
    if (code)
        return code;
    vi_onnx_set_int(c->g, vi_onnx_node(c->g, "Conv", turned, x, minus), "group", c->m.tensor[slope].count);
    vi_onnx_node(c->g, "Relu", below, turned);
    vi_onnx_set_int(c->g, vi_onnx_node(c->g, "Conv", lifted, below, rest), "group", c->m.tensor[slope].count);
    vi_onnx_node(c->g, "Add", out, lifted, x);
    return 0;
}

/* The group of five that vi_convert_is_prelu found: its slopes are half of what PReLU calls so. */
static int fused_prelu(vi_convert *c, int x, int slope)
{
    const char *out;
    const vi_tfl_tensor *in = &c->m.tensor[x];
    if (!c->value[x].name)
        return vi_convert_fault(c, x, "used before anything made it");
    int code = vi_convert_expect(c, 0, in->dim, in->n_dim);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    return code ? code : blend_slopes(c, out, c->value[x].name, slope, true);
}

static int arithmetic(vi_convert *c)
{
    const vi_tfl_op *op = vi_convert_op(c);
    const char *type = op->code == VI_TFL_ADD ? "Add" : op->code == VI_TFL_MUL ? "Mul" : "Sub";
    const char *name[2], *out, *act;
    int64_t dim[VI_TFL_MAX_DIMS];
    int n_dim, x, slope;
    int code = vi_convert_arity(c, 2, 2, 1);
    if (!code && vi_convert_is_prelu(c, &x, &slope))
        return fused_prelu(c, x, slope);
    if (!code)
        code = activation_of(c, vi_tfl_option(&c->m, op, 0, 1, 0), &act);
    if (code)
        return code;
    const vi_tfl_tensor *in[2] = {vi_convert_in(c, 0), vi_convert_in(c, 1)};
    if (!broadcast(in[0], in[1], dim, &n_dim))
        return vi_convert_fault(c, in[1]->index, "shapes of the operands do not fit");
    for (int i = 0; i < 2 && !code; ++i) {
        if (vi_convert_is_constant(in[i]))
            code = vi_convert_constant(c, i, n_dim == 4 ? VI_CONST_IMAGE : VI_CONST_PLAIN, &name[i]);
        else
            /* Stretching an activation of lower rank would need its layout changed. */
            code = vi_convert_activation(c, i, n_dim == 4 ? 4 : 0, &name[i]);
    }
    if (!code)
        code = vi_convert_expect(c, 0, dim, n_dim);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (code)
        return code;
    const char *raw = before_activation(c, act, out);
    vi_onnx_node(c->g, type, raw, name[0], name[1]);
    add_activation(c, act, out, raw);
    return 0;
}

static int prelu(vi_convert *c)
{
    const char *x, *slope, *out;
    int code = vi_convert_arity(c, 2, 2, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 4, &x);
    if (code)
        return code;
    const vi_tfl_tensor *in = vi_convert_in(c, 0), *s = vi_convert_in(c, 1);
    int64_t dim[VI_TFL_MAX_DIMS];
    int n_dim;
    if (s->n_dim > 3 || !broadcast(in, s, dim, &n_dim) || memcmp(dim, in->dim, 4 * sizeof *dim) != 0)
        return vi_convert_fault(c, s->index, "slopes do not fit the input");
    code = vi_convert_expect(c, 0, in->dim, 4);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (!code && vi_convert_per_channel(s, in))
        return blend_slopes(c, out, x, s->index, false);
    if (!code)
        code = vi_convert_constant(c, 1, VI_CONST_SLOPE, &slope);
    if (!code)
        vi_onnx_node(c->g, "PRelu", out, x, slope);
    return code;
}

static int unary(vi_convert *c)
{
    const char *x, *out, *type = NULL;
    switch (vi_convert_op(c)->code) {
    case VI_TFL_RELU: type = "Relu"; break;
    case VI_TFL_ABS: type = "Abs"; break;
    case VI_TFL_NEG: type = "Neg"; break;
    case VI_TFL_LOGISTIC: type = "Sigmoid"; break;
    case VI_TFL_TANH: type = "Tanh"; break;
    default: type = "Clip"; break; /* RELU6 */
    }
    int code = vi_convert_arity(c, 1, 1, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 0, &x);
    if (!code)
        code = vi_convert_expect(c, 0, vi_convert_in(c, 0)->dim, vi_convert_in(c, 0)->n_dim);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (!code)
        add_activation(c, type, out, x);
    return code;
}

#define WIDEN_MOST (1 << 18) /* numbers in its filters; beyond that they would cost more than Pad does */

/* Channels of zeros before and behind, as a convolution: it stays in the blocked layout, which Pad would leave. Most of the filters'
 * numbers are zeros, and still the detector of near faces takes .82 of the time, the one of all distances .94. */
static int widen(vi_convert *c, const char *out, const char *x, int64_t from, int64_t before, int64_t to)
{
    const char *weight = vi_convert_helper(c, "widen");
    float *w = vi_onnx_floats(c->g, weight, (int64_t[]){to, from, 1, 1}, 4);
    if (w) {
        memset(w, 0, (size_t)(to * from) * sizeof *w);
        for (int64_t i = 0; i < from; ++i)
            w[(before + i) * from + i] = 1;
    }
    vi_onnx_node(c->g, "Conv", out, x, weight);
    return 0;
}

static int pad(vi_convert *c)
{
    const char *x, *out;
    int32_t by[8];
    int code = vi_convert_arity(c, 2, 2, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 4, &x);
    if (!code)
        code = vi_convert_ints(c, 1, by, 8);
    if (code)
        return code;
    const vi_tfl_tensor *in = vi_convert_in(c, 0);
    int64_t dim[4], pads[8];
    static const int axis[] = {0, 3, 1, 2}; /* N, C, H, W in the original's order */
    for (int i = 0; i < 4; ++i) {
        if (by[2 * i] < 0 || by[2 * i + 1] < 0)
            return vi_convert_fault(c, vi_convert_in(c, 1)->index, "negative padding");
        dim[i] = in->dim[i] + by[2 * i] + by[2 * i + 1];
        pads[i] = by[2 * axis[i]];
        pads[4 + i] = by[2 * axis[i] + 1];
    }
    code = vi_convert_expect(c, 0, dim, 4);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (code)
        return code;
    bool channels_alone = pads[1] + pads[5] > 0 && pads[0] + pads[2] + pads[3] + pads[4] + pads[6] + pads[7] == 0;
    if (channels_alone && in->dim[3] * dim[3] <= WIDEN_MOST)
        return widen(c, out, x, in->dim[3], pads[1], dim[3]);
    const char *amount = vi_convert_helper(c, "pads");
    vi_onnx_int64s(c->g, amount, pads, 8);
    vi_onnx_node(c->g, "Pad", out, x, amount);
    return 0;
}

static int resize(vi_convert *c)
{
    const vi_tfl_op *op = vi_convert_op(c);
    const char *x, *out;
    int32_t to[2];
    int code = vi_convert_arity(c, 2, 2, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 4, &x);
    if (!code)
        code = vi_convert_ints(c, 1, to, 2);
    if (code)
        return code;
    const vi_tfl_tensor *in = vi_convert_in(c, 0);
    bool corners = vi_tfl_option(&c->m, op, 2, 1, 0) != 0, half = vi_tfl_option(&c->m, op, 3, 1, 0) != 0;
    if (to[0] < 1 || to[1] < 1 || (corners && half))
        return vi_convert_fault(c, in->index, "resize options out of range");
    code = vi_convert_expect(c, 0, (int64_t[]){in->dim[0], to[0], to[1], in->dim[3]}, 4);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (code)
        return code;
    const char *scales = vi_convert_helper(c, "scales"), *sizes = vi_convert_helper(c, "sizes");
    vi_onnx_node_t *n;
    if (to[0] % in->dim[1] == 0 && to[1] % in->dim[2] == 0) {
        /* Whole factors: ONNX Runtime has a faster path for them than for sizes. */
        float *v = vi_onnx_floats(c->g, scales, (int64_t[]){4}, 1);
        if (v) {
            v[0] = v[1] = 1.0f;
            v[2] = (float)(to[0] / in->dim[1]);
            v[3] = (float)(to[1] / in->dim[2]);
        }
        n = vi_onnx_node(c->g, "Resize", out, x, "", scales);
    } else {
        vi_onnx_int64s(c->g, sizes, (int64_t[]){in->dim[0], in->dim[3], to[0], to[1]}, 4);
        n = vi_onnx_node(c->g, "Resize", out, x, "", "", sizes);
    }
    vi_onnx_set_text(c->g, n, "mode", "linear");
    vi_onnx_set_text(c->g, n, "coordinate_transformation_mode",
                     half ? "half_pixel" : corners ? "align_corners" : "asymmetric");
    return 0;
}

/* Whether N,H,W,C and N,C,H,W are the same sequence of numbers. */
static bool same_order(const vi_tfl_tensor *t)
{
    return t->n_dim != 4 || t->dim[3] == 1 || t->dim[1] * t->dim[2] == 1;
}

static int reshape(vi_convert *c)
{
    const char *x, *out;
    /* The second input repeats the result's shape; the shape of the result tensor is what counts. */
    int code = vi_convert_arity(c, 1, 2, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 0, &x);
    if (code)
        return code;
    const vi_tfl_tensor *from = vi_convert_in(c, 0), *to = vi_convert_out(c, 0);
    if (from->count != to->count)
        return vi_convert_fault(c, to->index, "%lld numbers cannot take a shape of %lld", (long long)from->count,
                                (long long)to->count);
    code = vi_convert_make(c, 0, &out);
    if (code)
        return code;
    if (!same_order(from)) {
        const char *turned = vi_convert_helper(c, "nhwc");
        vi_onnx_set_ints(c->g, vi_onnx_node(c->g, "Transpose", turned, x), "perm", (int64_t[]){0, 2, 3, 1}, 4);
        x = turned;
    }
    const char *dims = vi_convert_helper(c, "shape"), *flat = same_order(to) ? out : vi_convert_helper(c, "nhwc");
    int64_t dim[VI_TFL_MAX_DIMS];
    vi_convert_shape(to, dim);
    vi_onnx_int64s(c->g, dims, same_order(to) ? dim : to->dim, to->n_dim);
    vi_onnx_node(c->g, "Reshape", flat, x, dims);
    if (flat != out)
        vi_onnx_set_ints(c->g, vi_onnx_node(c->g, "Transpose", out, flat), "perm", (int64_t[]){0, 3, 1, 2}, 4);
    return 0;
}

static int concatenation(vi_convert *c)
{
    const vi_tfl_op *op = vi_convert_op(c);
    const vi_tfl_tensor *to = op->n_out == 1 ? vi_convert_out(c, 0) : NULL;
    const char *name[VI_TFL_MAX_OPERANDS], *out, *act;
    int code = vi_convert_arity(c, 1, VI_TFL_MAX_OPERANDS, 1);
    if (!code)
        code = activation_of(c, vi_tfl_option(&c->m, op, 1, 1, 0), &act);
    if (code)
        return code;
    int axis = vi_tfl_option(&c->m, op, 0, 4, 0);
    axis += axis < 0 ? to->n_dim : 0;
    if (axis < 0 || axis >= to->n_dim)
        return vi_convert_fault(c, to->index, "axis out of range");
    int64_t dim[VI_TFL_MAX_DIMS];
    memcpy(dim, to->dim, sizeof dim);
    dim[axis] = 0;
    for (int i = 0; i < op->n_in; ++i) {
        const vi_tfl_tensor *t = vi_convert_in(c, i);
        if (t && vi_convert_is_constant(t))
            code = vi_convert_constant(c, i, t->n_dim == 4 ? VI_CONST_IMAGE : VI_CONST_PLAIN, &name[i]);
        else
            code = vi_convert_activation(c, i, to->n_dim, &name[i]);
        if (code)
            return code;
        bool fits = t->n_dim == to->n_dim;
        for (int k = 0; k < to->n_dim && fits; ++k)
            fits = k == axis || t->dim[k] == to->dim[k];
        if (!fits)
            return vi_convert_fault(c, t->index, "its shape does not fit the others");
        dim[axis] += t->dim[axis];
    }
    code = vi_convert_expect(c, 0, dim, to->n_dim);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (code)
        return code;
    static const int image_axis[] = {0, 2, 3, 1};
    const char *raw = before_activation(c, act, out);
    vi_onnx_node_t *n = vi_onnx_node_n(c->g, "Concat", raw, name, op->n_in);
    vi_onnx_set_int(c->g, n, "axis", to->n_dim == 4 ? image_axis[axis] : axis);
    add_activation(c, act, out, raw);
    return 0;
}

/* Only the slice that takes everything, which the attention net has before its first output. */
static int strided_slice(vi_convert *c)
{
    const char *x, *out;
    int32_t begin[VI_TFL_MAX_DIMS], end[VI_TFL_MAX_DIMS], stride[VI_TFL_MAX_DIMS];
    int code = vi_convert_arity(c, 4, 4, 1);
    if (!code)
        code = vi_convert_activation(c, 0, 0, &x);
    if (code)
        return code;
    const vi_tfl_tensor *in = vi_convert_in(c, 0);
    code = vi_convert_ints(c, 1, begin, in->n_dim);
    if (!code)
        code = vi_convert_ints(c, 2, end, in->n_dim);
    if (!code)
        code = vi_convert_ints(c, 3, stride, in->n_dim);
    if (code)
        return code;
    for (int i = 0; i < in->n_dim; ++i)
        if (begin[i] != 0 || stride[i] != 1 || end[i] != in->dim[i])
            return vi_convert_fault(c, in->index, "only a slice of the whole tensor is supported");
    code = vi_convert_expect(c, 0, in->dim, in->n_dim);
    if (!code)
        code = vi_convert_make(c, 0, &out);
    if (!code)
        vi_onnx_node(c->g, "Identity", out, x);
    return code;
}

static const struct {
    int code;
    int (*convert)(vi_convert *c);
} operators[] = {
    {VI_TFL_ADD, arithmetic},
    {VI_TFL_MUL, arithmetic},
    {VI_TFL_SUB, arithmetic},
    {VI_TFL_CONV_2D, convolution},
    {VI_TFL_DEPTHWISE_CONV_2D, convolution},
    {VI_TFL_MAX_POOL_2D, pooling},
    {VI_TFL_AVERAGE_POOL_2D, pooling},
    {VI_TFL_PRELU, prelu},
    {VI_TFL_RELU, unary},
    {VI_TFL_RELU6, unary},
    {VI_TFL_ABS, unary},
    {VI_TFL_NEG, unary},
    {VI_TFL_LOGISTIC, unary},
    {VI_TFL_TANH, unary},
    {VI_TFL_PAD, pad},
    {VI_TFL_RESIZE_BILINEAR, resize},
    {VI_TFL_RESHAPE, reshape},
    {VI_TFL_CONCATENATION, concatenation},
    {VI_TFL_STRIDED_SLICE, strided_slice},
    {VI_TFL_CUSTOM, vi_convert_custom},
};

int vi_convert_operator(vi_convert *c)
{
    const vi_tfl_op *op = vi_convert_op(c);
    for (size_t i = 0; i < VI_COUNT(operators); ++i)
        if (operators[i].code == op->code)
            return operators[i].convert(c);
    int tensor = op->n_out > 0 ? vi_tfl_at(op->out, 0) : -1;
    return vi_convert_fault(c, tensor, "operator code %d is not supported", op->code);
}
