/* tests/models/graphs.c: see graphs.h. */
#include "graphs.h"

#include <string.h>

#define DIMS(...) ((const int[]){__VA_ARGS__, 0})

/* Constants of all graphs; small repeating values are enough. */
static const float *some_floats(void)
{
    static float v[1024];
    for (int i = 0; i < 1024; ++i)
        v[i] = (float)(i % 7 - 3) * 0.25f;
    return v;
}

static tiny_op *options(tiny_op *o, const int *value, int n)
{
    memcpy(o->option, value, (size_t)n * sizeof *value);
    o->n_option = n;
    return o;
}

/* A detector in small: convolutions, pooling, padding, upscaling, two heads reshaped and joined. */
static void detector(tiny *t)
{
    static const int32_t pads[8] = {0, 0, 0, 0, 0, 0, 0, 2}, size[2] = {8, 8};
    static const uint16_t half[4] = {0x3c00, 0x3800, 0xbc00, 0x0001};
    const float *f = some_floats();
    t->in[0] = tiny_add(t, "input", DIMS(1, 8, 8, 3));
    int w = tiny_constant(t, "kernel", DIMS(4, 3, 3, 3), VI_TFL_F32, f, 4 * 108);
    int packed = tiny_constant(t, "bias16", DIMS(4), VI_TFL_F16, half, sizeof half), b = tiny_add(t, "bias", DIMS(4));
    int c = tiny_add(t, "conv", DIMS(1, 4, 4, 4)), p = tiny_add(t, "pooled", DIMS(1, 4, 4, 3));
    int dw = tiny_constant(t, "depthwise kernel", DIMS(1, 3, 3, 4), VI_TFL_F32, f + 3, 4 * 36);
    int d = tiny_add(t, "depthwise", DIMS(1, 4, 4, 4)), s = tiny_add(t, "sum", DIMS(1, 4, 4, 4));
    int pad_by = tiny_constant(t, "pads", DIMS(4, 2), VI_TFL_I32, pads, sizeof pads), wide = tiny_add(t, "wide", DIMS(1, 4, 4, 6));
    int to = tiny_constant(t, "size", DIMS(2), VI_TFL_I32, size, sizeof size), up = tiny_add(t, "up", DIMS(1, 8, 8, 6));
    int flat = tiny_add(t, "flat", DIMS(1, 64, 6)), flat2 = tiny_add(t, "flat2", DIMS(1, 16, 6));
    t->out[0] = tiny_add(t, "boxes", DIMS(1, 80, 6));
    int act = tiny_add(t, "active", DIMS(1, 4, 4, 6));
    tiny_node(t, VI_TFL_DEQUANTIZE, packed, -1, b);
    tiny_op *o = options(tiny_node(t, VI_TFL_CONV_2D, t->in[0], w, c), (const int[]){0, 2, 2, 1, 1, 1}, 6);
    o->in[2] = b;
    o->n_in = 3;
    options(tiny_node(t, VI_TFL_MAX_POOL_2D, t->in[0], -1, p), (const int[]){1, 2, 2, 2, 2, 0}, 6);
    options(tiny_node(t, VI_TFL_DEPTHWISE_CONV_2D, c, dw, d), (const int[]){0, 1, 1, 1, 3, 1, 1}, 7);
    options(tiny_node(t, VI_TFL_ADD, c, d, s), (const int[]){1}, 1);
    tiny_node(t, VI_TFL_PAD, s, pad_by, wide);
    options(tiny_node(t, VI_TFL_RESIZE_BILINEAR, wide, to, up), (const int[]){0, 0, 0, 1}, 4);
    tiny_node(t, VI_TFL_RELU, wide, -1, act);
    tiny_node(t, VI_TFL_RESHAPE, up, -1, flat);
    tiny_node(t, VI_TFL_RESHAPE, act, -1, flat2);
    options(tiny_node(t, VI_TFL_CONCATENATION, flat, flat2, t->out[0]), (const int[]){1}, 1);
}

/* An embedder in small: batch of two, PReLU written out and as itself, global depthwise window. */
static void embedder(tiny *t)
{
    const float *f = some_floats();
    const int *d = DIMS(2, 4, 4, 4);
    t->in[0] = tiny_add(t, "input", DIMS(2, 4, 4, 3));
    int w = tiny_constant(t, "kernel", DIMS(4, 1, 1, 3), VI_TFL_F32, f, 48), x = tiny_add(t, "conv", d);
    int relu = tiny_add(t, "relu", d), absolute = tiny_add(t, "abs", d), sub = tiny_add(t, "sub", d);
    int c = tiny_constant(t, "slope", DIMS(4), VI_TFL_F32, f + 1, 16), mul = tiny_add(t, "mul", d), y = tiny_add(t, "prelu", d);
    int alpha = tiny_constant(t, "alpha", DIMS(1, 1, 4), VI_TFL_F32, f + 2, 16), z = tiny_add(t, "again", d);
    int gw = tiny_constant(t, "global", DIMS(1, 4, 4, 4), VI_TFL_F32, f, 256), g = tiny_add(t, "vector", DIMS(2, 1, 1, 4));
    t->out[0] = tiny_add(t, "embedding", DIMS(2, 4));
    options(tiny_node(t, VI_TFL_CONV_2D, t->in[0], w, x), (const int[]){1, 1, 1, 0, 1, 1}, 6);
    tiny_node(t, VI_TFL_RELU, x, -1, relu);
    tiny_node(t, VI_TFL_ABS, x, -1, absolute);
    tiny_node(t, VI_TFL_SUB, x, absolute, sub);
    tiny_node(t, VI_TFL_MUL, c, sub, mul);
    tiny_node(t, VI_TFL_ADD, relu, mul, y);
    tiny_node(t, VI_TFL_PRELU, y, alpha, z);
    options(tiny_node(t, VI_TFL_DEPTHWISE_CONV_2D, z, gw, g), (const int[]){1, 1, 1, 1, 0, 1, 1}, 7);
    tiny_node(t, VI_TFL_RESHAPE, g, -1, t->out[0]);
}

/* Landmarks in small: the three custom operators and a slice that takes everything. */
static void mesh(tiny *t)
{
    static const int subset[3] = {0, 2, 3};
    static const int32_t begin[3] = {0}, end[3] = {1, 4, 3}, stride[3] = {1, 1, 1};
    static const tiny_flex fit[] = {{"left_rotation_idx", 1, NULL, 1, false}, {"output_height", 1, NULL, 4, false},
                                    {"output_width", 1, NULL, 4, false},      {"right_rotation_idx", 1, NULL, 2, false},
                                    {"scale_x", 1, NULL, 1.5, true},          {"scale_y", 1, NULL, 1.5, true},
                                    {"subset_idxs", 3, subset, 0, false},     {"target_rotation_radians", 1, NULL, 0, true}};
    static const tiny_flex read[] = {{"output_height", 1, NULL, 4, false}, {"output_width", 1, NULL, 4, false}};
    static uint8_t *fit_bytes, *read_bytes; /* written once, kept for the life of the test program */
    static size_t fit_size, read_size;
    if (!fit_bytes) {
        fit_bytes = tiny_flex_write(fit, 8, &fit_size);
        read_bytes = tiny_flex_write(read, 2, &read_size);
    }
    const float *f = some_floats();
    t->in[0] = tiny_add(t, "features", DIMS(1, 6, 6, 2));
    int w = tiny_constant(t, "kernel", DIMS(12, 6, 6, 2), VI_TFL_F32, f, 4 * 12 * 72);
    int c = tiny_add(t, "conv", DIMS(1, 1, 1, 12)), l = tiny_add(t, "landmarks", DIMS(1, 4, 3)), m = tiny_add(t, "matrix", DIMS(1, 4, 4));
    int read_out = tiny_add(t, "window", DIMS(1, 4, 4, 2)), whole = tiny_add(t, "whole", DIMS(1, 4, 3));
    int two = tiny_add(t, "two", DIMS(1, 6, 2));
    int b = tiny_constant(t, "begin", DIMS(3), VI_TFL_I32, begin, 12), e = tiny_constant(t, "end", DIMS(3), VI_TFL_I32, end, 12);
    int s = tiny_constant(t, "stride", DIMS(3), VI_TFL_I32, stride, 12), back = tiny_add(t, "back", DIMS(1, 6, 2));
    t->out[0] = whole;
    t->out[1] = read_out;
    t->out[2] = back;
    t->n_out = 3;
    options(tiny_node(t, VI_TFL_CONV_2D, t->in[0], w, c), (const int[]){1, 1, 1, 0, 1, 1}, 6);
    tiny_node(t, VI_TFL_RESHAPE, c, -1, l);
    tiny_op *o = tiny_node(t, VI_TFL_CUSTOM, l, -1, m);
    o->custom = "Landmarks2TransformMatrix";
    o->flex = fit_bytes;
    o->flex_size = fit_size;
    o = tiny_node(t, VI_TFL_CUSTOM, t->in[0], m, read_out);
    o->custom = "TransformTensorBilinear";
    o->flex = read_bytes;
    o->flex_size = read_size;
    o = tiny_node(t, VI_TFL_STRIDED_SLICE, l, b, whole);
    o->in[2] = e;
    o->in[3] = s;
    o->n_in = 4;
    tiny_node(t, VI_TFL_RESHAPE, c, -1, two);
    o = tiny_node(t, VI_TFL_CUSTOM, two, m, back);
    o->custom = "TransformLandmarks";
}

static const struct {
    const char *name;
    void (*build)(tiny *t);
} graphs[GRAPHS] = {{"detector", detector}, {"embedder", embedder}, {"mesh", mesh}};

uint8_t *graph_file(int i, size_t *size)
{
    tiny t = {.n_in = 1, .n_out = 1};
    graphs[i].build(&t);
    return tiny_write(&t, size);
}

const char *graph_name(int i)
{
    return graphs[i].name;
}
