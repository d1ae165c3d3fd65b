/* tests/models/test_convert.c: each operator of the converter against plain C loops over N,H,W,C, the original's own
 * order; and the messages of what it refuses. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "exec.h"
#include "models/models.h"

#define DIMS(...) ((const int[]){__VA_ARGS__, 0})

enum { SAME = 0, VALID = 1 };

static void near_all(const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        if (!(fabsf(got[i] - want[i]) <= 1e-4f + 1e-4f * fabsf(want[i])))
            fail_msg("element %zu of %zu: %g, expected %g", i, n, (double)got[i], (double)want[i]);
}

typedef struct shape {
    int h, w, c;
} shape;

static int out_size(int in, int k, int s, int d, int padding)
{
    return padding == SAME ? (in + s - 1) / s : (in - ((k - 1) * d + 1)) / s + 1;
}

static int begin_pad(int in, int out, int k, int s, int d, int padding)
{
    int total = (out - 1) * s + (k - 1) * d + 1 - in;
    return padding == SAME && total > 0 ? total / 2 : 0;
}

/* Weights [O,kh,kw,I], or [1,kh,kw,C] when depthwise. */
static void conv_reference(const float *x, shape in, const float *w, int kh, int kw, const float *bias, int stride, int dilation,
                           int padding, bool depthwise, float *y, shape out)
{
    int top = begin_pad(in.h, out.h, kh, stride, dilation, padding), left = begin_pad(in.w, out.w, kw, stride, dilation, padding);
    for (int oy = 0; oy < out.h; ++oy)
        for (int ox = 0; ox < out.w; ++ox)
            for (int o = 0; o < out.c; ++o) {
                double sum = bias ? (double)bias[o] : 0.0;
                for (int ky = 0; ky < kh; ++ky)
                    for (int kx = 0; kx < kw; ++kx) {
                        int iy = oy * stride + ky * dilation - top, ix = ox * stride + kx * dilation - left;
                        if (iy < 0 || ix < 0 || iy >= in.h || ix >= in.w)
                            continue;
                        for (int i = depthwise ? o : 0; i < (depthwise ? o + 1 : in.c); ++i)
                            sum += (double)x[(iy * in.w + ix) * in.c + i] *
                                   (double)(depthwise ? w[(ky * kw + kx) * out.c + o] : w[((o * kh + ky) * kw + kx) * in.c + i]);
                    }
                y[(oy * out.w + ox) * out.c + o] = (float)sum;
            }
}

static void one_convolution(shape in, int channels, int kh, int kw, int stride, int dilation, int padding, bool depthwise, int act,
                            bool bias)
{
    enum { MOST = 4096 };
    static float x[MOST], w[MOST], b[64], got[MOST], want[MOST];
    shape out = {out_size(in.h, kh, stride, dilation, padding), out_size(in.w, kw, stride, dilation, padding), channels};
    size_t n_w = (size_t)(kh * kw * channels * (depthwise ? 1 : in.c)), n_y = (size_t)(out.h * out.w * out.c);
    exec_noise(x, (size_t)(in.h * in.w * in.c), 1);
    exec_noise(w, n_w, 2);
    exec_noise(b, (size_t)channels, 3);
    for (size_t i = 0; i < n_w; ++i)
        w[i] *= 4.0f; /* so that a bound of 6 bites */
    tiny t = {.n_in = 1, .n_out = 1};
    int ix = tiny_add(&t, "x", DIMS(1, in.h, in.w, in.c));
    int iw = tiny_constant(&t, "w", depthwise ? DIMS(1, kh, kw, channels) : DIMS(channels, kh, kw, in.c), VI_TFL_F32, w, 4 * n_w);
    int ib = tiny_constant(&t, "b", DIMS(channels), VI_TFL_F32, b, 4 * (size_t)channels);
    int iy = tiny_add(&t, "y", DIMS(1, out.h, out.w, out.c));
    t.in[0] = ix;
    t.out[0] = iy;
    tiny_op *o = tiny_node(&t, depthwise ? VI_TFL_DEPTHWISE_CONV_2D : VI_TFL_CONV_2D, ix, iw, iy);
    if (bias) {
        o->in[2] = ib;
        o->n_in = 3;
    }
    int plain[] = {padding, stride, stride, act, dilation, dilation}, wise[] = {padding, stride, stride, 1, act, dilation, dilation};
    o->n_option = depthwise ? 7 : 6;
    memcpy(o->option, depthwise ? wise : plain, sizeof(int) * (size_t)o->n_option);
    conv_reference(x, in, w, kh, kw, bias ? b : NULL, stride, dilation, padding, depthwise, want, out);
    for (size_t i = 0; i < n_y; ++i) {
        if (act == 1 || act == 3)
            want[i] = fmaxf(want[i], 0.0f);
        if (act == 3)
            want[i] = fminf(want[i], 6.0f);
        if (act == 4)
            want[i] = tanhf(want[i]);
    }
    exec_tiny(&t, x, 0, got, n_y);
    near_all(got, want, n_y);
}

static void convolutions(void **state)
{
    (void)state;
    one_convolution((shape){7, 6, 3}, 5, 3, 3, 1, 1, SAME, false, 0, true);
    one_convolution((shape){7, 6, 3}, 5, 3, 3, 2, 1, SAME, false, 0, true); /* odd and even sides: uneven padding */
    one_convolution((shape){8, 9, 3}, 4, 5, 3, 2, 1, SAME, false, 1, true);
    one_convolution((shape){7, 6, 3}, 5, 3, 2, 2, 1, VALID, false, 3, true);
    one_convolution((shape){9, 9, 2}, 3, 3, 3, 1, 2, SAME, false, 4, false);
    one_convolution((shape){7, 6, 5}, 5, 3, 3, 2, 1, SAME, true, 0, true);
    one_convolution((shape){9, 8, 4}, 4, 3, 3, 1, 2, VALID, true, 1, true);
    one_convolution((shape){5, 5, 4}, 8, 1, 1, 1, 1, SAME, false, 0, true);
}

static void poolings(void **state)
{
    enum { H = 7, W = 5, C = 3 };
    float x[H * W * C], got[H * W * C], want[H * W * C];
    (void)state;
    exec_noise(x, H * W * C, 5);
    for (int kind = 0; kind < 4; ++kind) {
        bool most = kind & 1;
        int padding = kind >> 1, oh = out_size(H, 2, 2, 1, padding), ow = out_size(W, 2, 2, 1, padding);
        tiny t = {.n_in = 1, .n_out = 1};
        t.in[0] = tiny_add(&t, "x", DIMS(1, H, W, C));
        t.out[0] = tiny_add(&t, "y", DIMS(1, oh, ow, C));
        tiny_op *o = tiny_node(&t, most ? VI_TFL_MAX_POOL_2D : VI_TFL_AVERAGE_POOL_2D, 0, -1, 1);
        memcpy(o->option, (int[]){padding, 2, 2, 2, 2, 0}, 6 * sizeof(int));
        o->n_option = 6;
        for (int i = 0; i < oh * ow * C; ++i) {
            int c = i % C, ox = i / C % ow, oy = i / C / ow, n = 0;
            float sum = 0.0f, top = -1e9f;
            for (int k = 0; k < 4; ++k) {
                int iy = 2 * oy + k / 2, ix = 2 * ox + k % 2;
                if (iy >= H || ix >= W)
                    continue;
                float v = x[(iy * W + ix) * C + c];
                sum += v;
                top = fmaxf(top, v);
                ++n;
            }
            want[i] = most ? top : sum / (float)n;
        }
        exec_tiny(&t, x, 0, got, (size_t)(oh * ow * C));
        near_all(got, want, (size_t)(oh * ow * C));
    }
}

static void pad_and_slope(int top, int bottom, int left, int right)
{
    enum { H = 4, W = 3, C = 2, MOST_H = 5, MOST_W = 6, OC = 5, MOST = MOST_H * MOST_W * OC };
    const int OH = top + H + bottom, OW = left + W + right, n = OH * OW * OC;
    float x[H * W * C], slope[OC] = {0.5f, -0.25f, 2.0f, 0.0f, 1.0f}, got[MOST], want[MOST];
    int32_t by[8] = {0, 0, top, bottom, left, right, 1, 2};
    exec_noise(x, H * W * C, 7);
    tiny t = {.n_in = 1, .n_out = 1};
    t.in[0] = tiny_add(&t, "x", DIMS(1, H, W, C));
    int pads = tiny_constant(&t, "pads", DIMS(4, 2), VI_TFL_I32, by, sizeof by);
    int padded = tiny_add(&t, "padded", DIMS(1, OH, OW, OC));
    int alpha = tiny_constant(&t, "alpha", DIMS(1, 1, OC), VI_TFL_F32, slope, sizeof slope);
    t.out[0] = tiny_add(&t, "y", DIMS(1, OH, OW, OC));
    tiny_node(&t, VI_TFL_PAD, t.in[0], pads, padded);
    tiny_node(&t, VI_TFL_PRELU, padded, alpha, t.out[0]);
    for (int i = 0; i < n; ++i) {
        int c = i % OC - 1, ox = i / OC % OW - left, oy = i / OC / OW - top;
        float v = c < 0 || c >= C || ox < 0 || ox >= W || oy < 0 || oy >= H ? 0.0f : x[(oy * W + ox) * C + c];
        want[i] = v < 0.0f ? v * slope[i % OC] : v;
    }
    exec_tiny(&t, x, 0, got, n);
    near_all(got, want, n);
}

static void padding_and_slopes(void **state)
{
    (void)state;
    pad_and_slope(0, 1, 2, 1);
    pad_and_slope(0, 0, 0, 0); /* channels alone */
    pad_and_slope(1, 0, 0, 0);
}

static float tent(const float *x, int h, int w, int c, int channels, float fy, float fx)
{
    float sum = 0.0f;
    for (int iy = 0; iy < h; ++iy)
        for (int ix = 0; ix < w; ++ix)
            sum += fmaxf(0.0f, 1.0f - fabsf(fy - (float)iy)) * fmaxf(0.0f, 1.0f - fabsf(fx - (float)ix)) *
                   x[(iy * w + ix) * channels + c];
    return sum;
}

static void resizing(void **state)
{
    enum { H = 4, W = 3, C = 2 };
    static const int to[][2] = {{8, 6}, {7, 8}};
    float x[H * W * C], got[256], want[256];
    (void)state;
    exec_noise(x, H * W * C, 9);
    for (int kind = 0; kind < 6; ++kind) {
        int oh = to[kind & 1][0], ow = to[kind & 1][1], corners = kind / 2 == 1, half = kind / 2 == 2;
        int32_t size[2] = {oh, ow};
        tiny t = {.n_in = 1, .n_out = 1};
        t.in[0] = tiny_add(&t, "x", DIMS(1, H, W, C));
        int s = tiny_constant(&t, "size", DIMS(2), VI_TFL_I32, size, sizeof size);
        t.out[0] = tiny_add(&t, "y", DIMS(1, oh, ow, C));
        tiny_op *o = tiny_node(&t, VI_TFL_RESIZE_BILINEAR, 0, s, t.out[0]);
        memcpy(o->option, (int[]){0, 0, corners, half}, 4 * sizeof(int));
        o->n_option = 4;
        for (int i = 0; i < oh * ow * C; ++i) {
            float oy = (float)(i / C / ow), ox = (float)(i / C % ow), fy = oy * H / (float)oh, fx = ox * W / (float)ow;
            if (corners) {
                fy = oy * (H - 1) / (float)(oh - 1);
                fx = ox * (W - 1) / (float)(ow - 1);
            } else if (half) {
                fy = (oy + 0.5f) * H / (float)oh - 0.5f;
                fx = (ox + 0.5f) * W / (float)ow - 0.5f;
            }
            want[i] = tent(x, H, W, i % C, C, vi_clampf(fy, 0, H - 1), vi_clampf(fx, 0, W - 1));
        }
        exec_tiny(&t, x, 0, got, (size_t)(oh * ow * C));
        near_all(got, want, (size_t)(oh * ow * C));
    }
}

/* x [1,2,3,4] -> [1,6,4] -> [1,4,3,2] -> beside itself along each axis of rank 4, with arithmetic in between. */
static void shapes_and_arithmetic(void **state)
{
    float x[24], got[48], want[48], row[2] = {0.5f, -2.0f}, full[24];
    (void)state;
    exec_noise(x, 24, 11);
    exec_noise(full, 24, 12);
    for (int axis = 1; axis < 4; ++axis) {
        int dims[4] = {1, 4, 3, 2};
        dims[axis] *= 2;
        tiny t = {.n_in = 1, .n_out = 1};
        t.in[0] = tiny_add(&t, "x", DIMS(1, 2, 3, 4));
        int flat = tiny_add(&t, "flat", DIMS(1, 6, 4));
        int back = tiny_add(&t, "back", DIMS(1, 4, 3, 2));
        int per = tiny_constant(&t, "per channel", DIMS(2), VI_TFL_F32, row, sizeof row);
        int all = tiny_constant(&t, "all", DIMS(1, 4, 3, 2), VI_TFL_F32, full, sizeof full);
        int scaled = tiny_add(&t, "scaled", DIMS(1, 4, 3, 2));
        int less = tiny_add(&t, "less", DIMS(1, 4, 3, 2));
        int neg = tiny_add(&t, "neg", DIMS(1, 4, 3, 2));
        t.out[0] = tiny_add(&t, "y", DIMS(dims[0], dims[1], dims[2], dims[3]));
        tiny_node(&t, VI_TFL_RESHAPE, t.in[0], -1, flat);
        tiny_node(&t, VI_TFL_RESHAPE, flat, -1, back);
        tiny_node(&t, VI_TFL_MUL, back, per, scaled);
        tiny_node(&t, VI_TFL_SUB, all, scaled, less);
        tiny_node(&t, VI_TFL_NEG, back, -1, neg);
        tiny_op *o = tiny_node(&t, VI_TFL_CONCATENATION, less, neg, t.out[0]);
        o->option[0] = axis == 3 ? -1 : axis;
        o->n_option = 1;
        for (int i = 0; i < 48; ++i) {
            int at[4], rest = i, own[4] = {1, 4, 3, 2};
            for (int k = 3; k >= 0; --k) {
                at[k] = rest % dims[k];
                rest /= dims[k];
            }
            bool second = at[axis] >= own[axis];
            at[axis] -= second ? own[axis] : 0;
            int from = (at[1] * 3 + at[2]) * 2 + at[3];
            want[i] = second ? -x[from] : full[from] - x[from] * row[at[3]];
        }
        exec_tiny(&t, x, 0, got, 48);
        near_all(got, want, 48);
    }
}

static void every_unary(void **state)
{
    static const int codes[] = {VI_TFL_RELU, VI_TFL_RELU6, VI_TFL_ABS, VI_TFL_NEG, VI_TFL_LOGISTIC, VI_TFL_TANH};
    float x[6] = {-9.0f, -0.5f, 0.0f, 0.5f, 5.0f, 9.0f}, got[6], want[6];
    (void)state;
    for (size_t k = 0; k < VI_COUNT(codes); ++k) {
        tiny t = {.n_in = 1, .n_out = 1};
        t.in[0] = tiny_add(&t, "x", DIMS(1, 1, 2, 3));
        t.out[0] = tiny_add(&t, "y", DIMS(1, 1, 2, 3));
        tiny_node(&t, codes[k], 0, -1, 1);
        for (int i = 0; i < 6; ++i) {
            float v = x[i], r[] = {fmaxf(v, 0), fminf(fmaxf(v, 0), 6), fabsf(v), -v, 1 / (1 + expf(-v)), tanhf(v)};
            want[i] = r[k];
        }
        exec_tiny(&t, x, 0, got, 6);
        near_all(got, want, 6);
    }
}

static uint16_t half_of(float v) /* for values that fit exactly */
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (!(bits << 1))
        return (uint16_t)(bits >> 16);
    int e = (int)(bits >> 23 & 255) - 112;
    uint32_t m = bits & 0x7fffff;
    if (e <= 0)
        return (uint16_t)(bits >> 16 & 0x8000) | (uint16_t)((m | 0x800000) >> (14 - e));
    return (uint16_t)((bits >> 16 & 0x8000) | (uint32_t)e << 10 | m >> 13);
}

static void half_constants_unfold(void **state)
{
    static const float values[6] = {0.0f, -1.5f, 65504.0f, 0x1p-14f, -0x1.8p-15f, 0x1p-24f}; /* the last two subnormal */
    uint16_t half[6];
    float x[6] = {1, 1, 1, 1, 1, 1}, got[6];
    (void)state;
    for (int i = 0; i < 6; ++i)
        half[i] = half_of(values[i]);
    tiny t = {.n_in = 1, .n_out = 1};
    t.in[0] = tiny_add(&t, "x", DIMS(1, 6));
    int packed = tiny_constant(&t, "packed", DIMS(6), VI_TFL_F16, half, sizeof half);
    int unfolded = tiny_add(&t, "unfolded", DIMS(6));
    t.out[0] = tiny_add(&t, "y", DIMS(1, 6));
    tiny_node(&t, VI_TFL_DEQUANTIZE, packed, -1, unfolded);
    tiny_node(&t, VI_TFL_MUL, t.in[0], unfolded, t.out[0]);
    exec_tiny(&t, x, 0, got, 6);
    assert_memory_equal(got, values, sizeof values);
}

/* RELU(x) + c (x - |x|), batch of two pictures in the file. */
static void written_out_prelu_is_recognised(void **state)
{
    enum { N = 4 * 3 * 2 };
    float x[N], c[2] = {0.25f, -0.5f}, got[N], want[N];
    (void)state;
    exec_noise(x, N, 13);
    tiny t = {.n_in = 1, .n_out = 1};
    const int *d = DIMS(2, 4, 3, 2);
    t.in[0] = tiny_add(&t, "x", d);
    int relu = tiny_add(&t, "relu", d), absolute = tiny_add(&t, "abs", d), sub = tiny_add(&t, "sub", d);
    int slope = tiny_constant(&t, "c", DIMS(2), VI_TFL_F32, c, sizeof c), mul = tiny_add(&t, "mul", d);
    t.out[0] = tiny_add(&t, "y", d);
    tiny_node(&t, VI_TFL_RELU, 0, -1, relu);
    tiny_node(&t, VI_TFL_ABS, 0, -1, absolute);
    tiny_node(&t, VI_TFL_SUB, 0, absolute, sub);
    tiny_node(&t, VI_TFL_MUL, slope, sub, mul);
    tiny_node(&t, VI_TFL_ADD, relu, mul, t.out[0]);
    for (int i = 0; i < N; ++i)
        want[i] = x[i] < 0 ? 2 * c[i % 2] * x[i] : x[i];
    exec_tiny(&t, x, 0, got, N);
    near_all(got, want, N);
    /* Recognised: without the group's inner operators. */
    viso_error err = {0};
    size_t size, n;
    uint8_t *file = tiny_write(&t, &size), *onnx;
    assert_int_equal(vi_tflite_to_onnx(file, size, "x", &onnx, &n, &err), 0);
    assert_null(memmem(onnx, n, "Abs", 3));
    assert_non_null(memmem(onnx, n, "Relu", 4));
    vi_free(onnx);
    vi_free(file);
}

static void slopes_on_both_sides_of_one(void **state)
{
    enum { C = 4, N = 3 * 2 * C };
    static const float slopes[2][C] = {{0.25f, -0.5f, 1.0f, 0.0f}, {0.25f, -0.5f, 1.0f, 1.5f}};
    float x[N], got[N], want[N];
    (void)state;
    exec_noise(x, N, 19);
    for (int k = 0; k < 2; ++k) {
        tiny t = {.n_in = 1, .n_out = 1};
        t.in[0] = tiny_add(&t, "x", DIMS(1, 3, 2, C));
        int alpha = tiny_constant(&t, "alpha", DIMS(1, 1, C), VI_TFL_F32, slopes[k], sizeof slopes[k]);
        t.out[0] = tiny_add(&t, "y", DIMS(1, 3, 2, C));
        tiny_node(&t, VI_TFL_PRELU, 0, alpha, t.out[0]);
        for (int i = 0; i < N; ++i)
            want[i] = x[i] < 0 ? slopes[k][i % C] * x[i] : x[i];
        exec_tiny(&t, x, 0, got, N);
        near_all(got, want, N);
    }
}

/* Slopes that differ from place to place stay one PRelu. */
static void slopes_by_place(void **state)
{
    enum { N = 2 * 3 * 2 };
    float x[N], slope[N], got[N], want[N];
    (void)state;
    exec_noise(x, N, 17);
    exec_noise(slope, N, 18);
    tiny t = {.n_in = 1, .n_out = 1};
    t.in[0] = tiny_add(&t, "x", DIMS(1, 2, 3, 2));
    int alpha = tiny_constant(&t, "alpha", DIMS(2, 3, 2), VI_TFL_F32, slope, sizeof slope);
    t.out[0] = tiny_add(&t, "y", DIMS(1, 2, 3, 2));
    tiny_node(&t, VI_TFL_PRELU, 0, alpha, t.out[0]);
    for (int i = 0; i < N; ++i)
        want[i] = x[i] < 0 ? slope[i] * x[i] : x[i];
    exec_tiny(&t, x, 0, got, N);
    near_all(got, want, N);
}

static void messages_name_operator_and_tensor(void **state)
{
    char text[508];
    float w[9] = {0};
    (void)state;
    tiny t = {.n_in = 1, .n_out = 1};
    t.in[0] = tiny_add(&t, "x", DIMS(1, 4, 4, 1));
    t.out[0] = tiny_add(&t, "result", DIMS(1, 4, 4, 1));
    tiny_op *o = tiny_node(&t, 117, 0, -1, 1);
    exec_must_fail(&t, text);
    assert_string_equal(text, "tiny.tflite: operator 0 HARD_SWISH, tensor 1 'result': operator code 117 is not supported");
    o->code = VI_TFL_CUSTOM;
    o->custom = "MaxUnpooling2D";
    exec_must_fail(&t, text);
    assert_string_equal(text,
                        "tiny.tflite: operator 0 CUSTOM, tensor 1 'result': custom operator 'MaxUnpooling2D' is not supported");
    o->custom = NULL;
    o->code = VI_TFL_RELU;
    t.tensor[1].dim[1] = 3;
    exec_must_fail(&t, text);
    assert_string_equal(text, "tiny.tflite: operator 0 RELU, tensor 1 'result': shape [1,4,4,1] expected, [1,3,4,1] found");
    t.tensor[1].dim[1] = 4;
    t.tensor[1].type = 9;
    exec_must_fail(&t, text);
    assert_non_null(strstr(text, "tensor 1 'result': element type 9"));
    t.tensor[1].type = 0;
    o->in[0] = 1;
    exec_must_fail(&t, text);
    assert_non_null(strstr(text, "tensor 1 'result': used before anything made it"));
    o->in[0] = 0;
    o->code = VI_TFL_CONV_2D;
    o->in[1] = tiny_constant(&t, "kernel", DIMS(1, 3, 3, 1), VI_TFL_F32, w, sizeof w - 4);
    o->n_in = 2;
    memcpy(o->option, (int[]){SAME, 1, 1, 0, 1, 1}, 6 * sizeof(int));
    o->n_option = 6;
    exec_must_fail(&t, text);
    assert_string_equal(text, "tiny.tflite: operator 0 CONV_2D, tensor 2 'kernel': 32 bytes of data where its shape asks for 36");
    t.tensor[2].bytes = sizeof w;
    t.tensor[2].type = VI_TFL_I32;
    exec_must_fail(&t, text);
    assert_non_null(strstr(text, "only float16 and float32 weights"));
    t.tensor[2].type = VI_TFL_F32;
    o->option[1] = 0;
    exec_must_fail(&t, text);
    assert_non_null(strstr(text, "stride or dilation out of range"));
    t.out[0] = 0;
    o->option[1] = 1;
    exec_must_fail(&t, text);
    assert_string_equal(text, "tiny.tflite: graph, tensor 0 'x': an output of the graph that no operator makes");
}

static void a_huge_shape_costs_nothing(void **state)
{
    char text[508];
    (void)state;
    tiny t = {.n_in = 1, .n_out = 1};
    t.in[0] = tiny_add(&t, "x", DIMS(1, 65536, 65536, 3));
    t.out[0] = tiny_add(&t, "y", DIMS(1, 65536, 65536, 3));
    tiny_node(&t, VI_TFL_RELU, 0, -1, 1);
    exec_must_fail(&t, text);
    assert_non_null(strstr(text, "not a fixed shape of sensible size"));
}

static void not_a_tflite_file(void **state)
{
    viso_error err = {0};
    uint8_t *onnx;
    size_t size;
    (void)state;
    assert_int_equal(vi_tflite_to_onnx((const uint8_t *)"hello, world", 12, "a.txt", &onnx, &size, &err), VISO_ERR_INPUT);
    assert_string_equal(err.text, "a.txt: not a TensorFlow Lite file (no mark TFL3 at byte 4)");
    err = (viso_error){0};
    assert_int_equal(vi_tflite_to_onnx((const uint8_t *)"", 0, "b", &onnx, &size, &err), VISO_ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),
        cmocka_unit_test(poolings),
        cmocka_unit_test(padding_and_slopes),
        cmocka_unit_test(resizing),
        cmocka_unit_test(shapes_and_arithmetic),
        cmocka_unit_test(every_unary),
        cmocka_unit_test(half_constants_unfold),
        cmocka_unit_test(written_out_prelu_is_recognised),
        cmocka_unit_test(slopes_on_both_sides_of_one),
        cmocka_unit_test(slopes_by_place),
        cmocka_unit_test(messages_name_operator_and_tensor),
        cmocka_unit_test(a_huge_shape_costs_nothing),
        cmocka_unit_test(not_a_tflite_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
