/* tests/infer/test_gpu.c: on a machine with a GPU: a chain of networks whose results never leave the device, and what a
 * run costs on the CPU, on CUDA, and on CUDA with captured graphs (printed, not judged). Where CUDA is not usable only the
 * chain on the CPU runs. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../test.h"
#include "infer/infer.h"
#include "models/onnx_write.h"

enum { ROUNDS = 100, OUTPUTS = 16, WIDE = 320, HIGH = 240, CROP = 112 };

static char folder[1024];
static json_t *nets;
static vi_runtime *rt;
static bool usable; /* CUDA */

static void must(int code, const viso_error *err)
{
    if (code)
        fail_msg("%s", err->text);
}

static vi_session *open_on(const char *provider, const char *file, const void *data, size_t size, bool graphs)
{
    viso_error err = {0};
    char path[1280];
    vi_session *s;
    vi_device_policy policy;
    snprintf(path, sizeof path, "%s/models/%s", folder, file ? file : "");
    must(vi_device_policy_make(&policy, provider, NULL, NULL, true, &err), &err);
    vi_session_params p = {.path = file ? path : NULL, .data = data, .size = size, .name = file ? file : "made here",
                           .policy = &policy, .no_graphs = !graphs, .intra_threads = 1};
    must(vi_session_open(&s, rt, &p, &err), &err);
    return s;
}

/* out = in[a rectangle of CROP] + 0 * the largest of `other`: a cut that waits for another network. */
static vi_session *make_cut(const char *provider, const int64_t *other, int n_other)
{
    viso_error err = {0};
    const int64_t wide[4] = {1, 3, HIGH, WIDE}, crop[4] = {1, 3, CROP, CROP}, one[1] = {1};
    uint8_t *data;
    size_t size;
    vi_onnx *g = vi_onnx_begin(1 << 20);
    vi_onnx_input(g, "in", wide, 4);
    vi_onnx_input(g, "other", other, n_other);
    vi_onnx_int64s(g, "from", (const int64_t[]){60, 100}, 2);
    vi_onnx_int64s(g, "to", (const int64_t[]){60 + CROP, 100 + CROP}, 2);
    vi_onnx_int64s(g, "axes", (const int64_t[]){2, 3}, 2);
    vi_onnx_floats(g, "zero", one, 1)[0] = 0;
    vi_onnx_node(g, "Slice", "cut", "in", "from", "to", "axes");
    vi_onnx_node_t *most = vi_onnx_node(g, "ReduceMax", "most", "other");
    vi_onnx_set_int(g, most, "keepdims", 0);
    vi_onnx_node(g, "Mul", "nothing", "most", "zero");
    vi_onnx_node(g, "Add", "out", "cut", "nothing");
    vi_onnx_output(g, "out", crop, 4);
    must(vi_onnx_finish(g, "cut", "cut", &data, &size, &err), &err);
    vi_onnx_free(&g);
    vi_session *s = open_on(provider, NULL, data, size, true);
    vi_free(data);
    return s;
}

static vi_session *make_copy(const char *provider, const int64_t *dim, int n_dim)
{
    viso_error err = {0};
    uint8_t *data;
    size_t size;
    vi_onnx *g = vi_onnx_begin(1 << 20);
    vi_onnx_input(g, "in", dim, n_dim);
    vi_onnx_node(g, "Identity", "out", "in");
    vi_onnx_output(g, "out", dim, n_dim);
    must(vi_onnx_finish(g, "copy", "copy", &data, &size, &err), &err);
    vi_onnx_free(&g);
    vi_session *s = open_on(provider, NULL, data, size, false);
    vi_free(data);
    return s;
}

static void fill(vi_run *r)
{
    size_t n;
    float *x = vi_run_input(r, 0, &n);
    for (size_t i = 0; i < n; ++i)
        x[i] = (float)(i * 37 % 256) / 256.0f;
}

static vi_run *bind(vi_session *s, const vi_binding *in, int n_in, const char *out, bool stay)
{
    viso_error err = {0};
    vi_run *r;
    must(vi_run_create(&r, s, in, n_in, &(vi_binding){.name = out, .stay = stay}, 1, &err), &err);
    return r;
}

/* The embedding at the end of detector, cut, landmarks, cut, embedder; host copies of one pass. */
static int pass(const char *provider, float embedding[128])
{
    enum { STEPS = 6 };
    viso_error err = {0};
    vi_device_counts before, after;
    const int64_t image[4] = {1, 3, HIGH, WIDE}, scores[3] = {1, 4420, 2}, points[2] = {1, 212};
    vi_session *s[STEPS] = {
        make_copy(provider, image, 4),
        open_on(provider, "ultraface_rfb_320.onnx", NULL, 0, true),
        make_cut(provider, scores, 3),
        open_on(provider, "pfld_106_lite.onnx", NULL, 0, true),
        make_cut(provider, points, 2),
        open_on(provider, "mobilefacenet_128_rgb.onnx", NULL, 0, true),
    };
    vi_run *r[STEPS];
    r[0] = bind(s[0], &(vi_binding){.name = "in"}, 1, "out", true);
    r[1] = bind(s[1], &(vi_binding){.name = "input", .from = r[0]}, 1, "scores", true);
    r[2] = bind(s[2], (vi_binding[]){{.name = "in", .from = r[0]}, {.name = "other", .from = r[1]}}, 2, "out", true);
    r[3] = bind(s[3], &(vi_binding){.name = "input", .from = r[2]}, 1, "output", true);
    r[4] = bind(s[4], (vi_binding[]){{.name = "in", .from = r[0]}, {.name = "other", .from = r[3]}}, 2, "out", true);
    r[5] = bind(s[5], &(vi_binding){.name = "input", .from = r[4]}, 1, "output", false);
    for (int round = 0; round < 3; ++round) {
        fill(r[0]);
        vi_runtime_counts(rt, &before);
        for (int i = 0; i < STEPS; ++i)
            must(vi_run_now(r[i], &err), &err);
        vi_runtime_counts(rt, &after);
    }
    size_t n;
    const float *y = vi_run_output(r[5], 0, &n);
    assert_int_equal(n, 128);
    memcpy(embedding, y, 128 * sizeof *y);
    for (int i = STEPS - 1; i >= 0; --i)
        vi_run_destroy(&r[i]);
    for (int i = 0; i < STEPS; ++i)
        vi_session_close(&s[i]);
    return (int)(after.host_copies - before.host_copies);
}

static void a_chain_needs_no_host(void **state)
{
    float cpu[128], cuda[128];
    double dot = 0, a = 0, b = 0;
    (void)state;
    assert_int_equal(pass("cpu", cpu), 0);
    if (!usable)
        skip();
    int copies = pass("cuda", cuda);
    for (int i = 0; i < 128; ++i) {
        dot += (double)cpu[i] * (double)cuda[i];
        a += (double)cpu[i] * (double)cpu[i];
        b += (double)cuda[i] * (double)cuda[i];
    }
    printf("chain detector, cut, landmarks, cut, embedder on cuda: %d host copies (the picture in, the embedding out), "
           "cosine to the CPU's %.7f\n", copies, dot / sqrt(a * b));
    assert_int_equal(copies, 2);
    assert_true(dot / sqrt(a * b) > 0.9999);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int shape_of(const json_t *o, int64_t dim[VI_MAX_DIMS])
{
    const json_t *list = json_object_get(o, "dims");
    int n = (int)json_array_size(list);
    for (int i = 0; i < n && i < VI_MAX_DIMS; ++i)
        dim[i] = json_integer_value(json_array_get(list, (size_t)i));
    return n;
}

/* Median milliseconds of a run; on the device with inputs and outputs that stay there (float32 nets). */
static double measure(const char *provider, bool graphs, const char *file, const json_t *net)
{
    viso_error err = {0};
    int64_t in_dim[VI_MAX_DIMS], out_dim[OUTPUTS][VI_MAX_DIMS];
    vi_binding in = {.name = json_string_value(json_object_get(net, "input")), .dim = in_dim}, out[OUTPUTS];
    const vi_tensor_info *info;
    vi_session *s = open_on(provider, file, NULL, 0, graphs), *feeder = NULL;
    vi_run *r, *feed = NULL;
    const char *key;
    json_t *value;
    int n_out = 0;
    double ms[ROUNDS];
    in.n_dim = shape_of(net, in_dim);
    json_object_foreach(json_object_get(net, "outputs"), key, value) {
        assert_true(n_out < OUTPUTS);
        out[n_out] = (vi_binding){.name = key, .dim = out_dim[n_out], .n_dim = shape_of(value, out_dim[n_out]), .stay = true};
        ++n_out;
    }
    vi_session_inputs(s, &info);
    if (info[0].type == VI_F32) {
        feeder = make_copy(provider, in_dim, in.n_dim);
        feed = bind(feeder, &(vi_binding){.name = "in"}, 1, "out", true);
        fill(feed);
        must(vi_run_now(feed, &err), &err);
        in.from = feed;
    }
    must(vi_run_create(&r, s, &in, 1, out, n_out, &err), &err);
    int rounds = strcmp(provider, "cpu") == 0 ? ROUNDS / 5 : ROUNDS;
    for (int i = -5; i < rounds; ++i) {
        uint64_t begin = vi_now_ns();
        must(vi_run_now(r, &err), &err);
        ms[VI_MAX(i, 0)] = (double)(vi_now_ns() - begin) * 1e-6;
    }
    qsort(ms, (size_t)rounds, sizeof *ms, by_value);
    vi_run_destroy(&r);
    vi_run_destroy(&feed);
    vi_session_close(&s);
    vi_session_close(&feeder);
    return ms[rounds / 2];
}

static void what_a_run_costs(void **state)
{
    const char *name;
    json_t *net;
    (void)state;
    if (!usable)
        skip();
    printf("%-34s %10s %10s %10s %8s\n", "median ms", "cpu", "cuda", "captured", "ratio");
    json_object_foreach(nets, name, net) {
        double cpu = measure("cpu", false, name, net), plain = measure("cuda", false, name, net);
        double captured = measure("cuda", true, name, net);
        printf("%-34s %10.3f %10.3f %10.3f %8.2f\n", name, cpu, plain, captured, plain / captured);
    }
}

/* The same ways as in `infer devices`, with the real libraries: what the machine lacks is passed over with its reason, or is
 * an error when nothing else may be taken. */
static void the_real_libraries_decide(void **state)
{
    viso_error err = {0};
    vi_provider_info list[8];
    vi_device_policy policy;
    vi_session *s;
    char path[1280];
    const vi_session_params p = {.path = path, .name = "ultraface_rfb_320", .policy = &policy};
    (void)state;
    snprintf(path, sizeof path, "%s/models/ultraface_rfb_320.onnx", folder);
    int n = vi_runtime_provider_list(rt, list, 8);
    const char *best = NULL;
    for (int i = 0; i < n && i < VI_PROVIDERS; ++i) {
        err = (viso_error){0};
        best = best || !list[i].usable ? best : list[i].name;
        must(vi_device_policy_make(&policy, list[i].name, NULL, NULL, true, &err), &err);
        int code = vi_session_open(&s, rt, &p, &err);
        if (list[i].usable) {
            must(code, &err);
            assert_string_equal(vi_session_provider(s), list[i].name);
        } else {
            assert_int_equal(code, VISO_ERR_DEVICE);
            printf("strictly %s: %s\n", list[i].name, err.text);
            assert_non_null(strstr(err.text, list[i].name));
            assert_true(list[i].reason[0] != 0);
        }
        if (!code)
            vi_session_close(&s);
    }
    must(vi_device_policy_make(&policy, "auto", NULL, NULL, false, &err), &err);
    must(vi_session_open(&s, rt, &p, &err), &err);
    printf("auto takes %s\n", vi_session_provider(s));
    assert_string_equal(vi_session_provider(s), best);
    vi_session_close(&s);
}

static int look(void **state)
{
    vi_provider_info list[8];
    viso_error err = {0};
    (void)state;
    must(vi_runtime_open(&rt, NULL, &err), &err);
    int n = vi_runtime_provider_list(rt, list, 8);
    for (int i = 0; i < n; ++i) {
        printf("%s: %s\n", list[i].name, list[i].usable ? "usable" : list[i].reason);
        usable |= list[i].usable && strcmp(list[i].name, "cuda") == 0;
    }
    return 0;
}

static int leave(void **state)
{
    (void)state;
    vi_runtime_close(&rt);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_real_libraries_decide), cmocka_unit_test(a_chain_needs_no_host),
                                       cmocka_unit_test(what_a_run_costs)};
    char path[1280];
    const char *shared = getenv("VISO_TEST_SHARED");
    snprintf(folder, sizeof folder, "%s", shared ? shared : "");
    snprintf(path, sizeof path, "%s/models/fixed_input_check.json", folder);
    json_t *root = json_load_file(path, 0, NULL);
    if (!root) {
        printf("skipped: no %s\n", path);
        return 77;
    }
    nets = json_object_get(root, "models");
    int failed = cmocka_run_group_tests(tests, look, leave);
    json_decref(root);
    return failed;
}
