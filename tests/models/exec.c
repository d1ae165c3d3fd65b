/* tests/models/exec.c: see exec.h. */
#include "exec.h"

#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "models/models.h"

static size_t count_of(const tiny_tensor *x)
{
    size_t n = 1;
    for (int i = 0; i < x->n_dim; ++i)
        n *= (size_t)x->dim[i];
    return n;
}

/* N,H,W,C <-> N,C,H,W of a rank-4 tensor (batch 1); other ranks are copied. */
static void reorder(const tiny_tensor *x, const float *from, float *to, bool to_planar)
{
    size_t n = count_of(x);
    if (x->n_dim != 4) {
        memcpy(to, from, n * sizeof *to);
        return;
    }
    size_t channels = (size_t)x->dim[3], area = n / channels;
    for (size_t p = 0; p < area; ++p)
        for (size_t c = 0; c < channels; ++c) {
            if (to_planar)
                to[c * area + p] = from[p * channels + c];
            else
                to[p * channels + c] = from[c * area + p];
        }
}

static void must(int code, const viso_error *err)
{
    if (code)
        fail_msg("%d: %s", code, err->text);
}

void exec_tiny(const tiny *t, const float *in, int which, float *out, size_t out_count)
{
    viso_error err = {0};
    size_t size, onnx_size, n;
    uint8_t *file = tiny_write(t, &size), *onnx;
    vi_runtime *rt;
    vi_session *s;
    vi_run *r;
    const vi_tensor_info *ins, *outs;
    vi_binding bin[4] = {{0}}, bout[8] = {{0}};
    must(vi_tflite_to_onnx(file, size, "tiny.tflite", &onnx, &onnx_size, &err), &err);
    must(vi_runtime_open(&rt, NULL, &err), &err);
    vi_session_params p = {.data = onnx, .size = onnx_size, .name = "tiny"};
    must(vi_session_open(&s, rt, &p, &err), &err);
    int n_in = vi_session_inputs(s, &ins), n_out = vi_session_outputs(s, &outs);
    for (int i = 0; i < n_in; ++i)
        bin[i].name = ins[i].name;
    for (int i = 0; i < n_out; ++i)
        bout[i].name = outs[i].name;
    must(vi_run_create(&r, s, bin, n_in, bout, n_out, &err), &err);
    float *x = vi_run_input(r, 0, &n);
    tiny_tensor one = t->tensor[t->in[0]];
    if (one.n_dim == 4)
        one.dim[0] = 1;
    assert_int_equal(n, count_of(&one));
    reorder(&one, in, x, true);
    must(vi_run_now(r, &err), &err);
    one = t->tensor[t->out[which]];
    if (t->tensor[t->in[0]].dim[0] > 1)
        one.dim[0] = 1;
    const float *y = vi_run_output(r, which, &n);
    assert_int_equal(n, out_count);
    assert_int_equal(n, count_of(&one));
    reorder(&one, y, out, false);
    vi_run_destroy(&r);
    vi_session_close(&s);
    vi_runtime_close(&rt);
    vi_free(onnx);
    vi_free(file);
}

void exec_noise(float *x, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; ++i) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(int32_t)seed / 2147483648.0f;
    }
}

void exec_must_fail(const tiny *t, char message[508])
{
    viso_error err = {0};
    size_t size, onnx_size;
    uint8_t *file = tiny_write(t, &size), *onnx;
    assert_int_equal(vi_tflite_to_onnx(file, size, "tiny.tflite", &onnx, &onnx_size, &err), VISO_ERR_INPUT);
    assert_null(onnx);
    memcpy(message, err.text, sizeof err.text);
    vi_free(file);
}
