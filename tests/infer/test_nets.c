/* tests/infer/test_nets.c: real networks of many makers through the binding: a computed input, and the first values,
 * mean and largest magnitude of every output as another version of ONNX Runtime gave them (fixed_input_check.json).
 * Skips when the folder is absent. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "infer/infer.h"

enum { OUTPUTS = 16 };

static char folder[1024];
static json_t *nets;

static float half_value(uint16_t h)
{
    int e = h >> 10 & 31;
    float m = (float)(h & 1023), v = e ? ldexpf(1024.0f + m, e - 25) : ldexpf(m, -24);
    return h & 0x8000 ? -v : v;
}

static uint16_t half_bits(int n256) /* n / 256 for n in 0..255: exact */
{
    float v = (float)n256 / 256.0f;
    int e;
    if (n256 == 0)
        return 0;
    float m = frexpf(v, &e); /* 0.5 … 1 */
    return (uint16_t)((e + 14) << 10 | (int)(m * 2048.0f - 1024.0f));
}

static double value_at(const void *data, vi_dtype type, size_t i)
{
    switch (type) {
    case VI_F32: return (double)((const float *)data)[i];
    case VI_F16: return (double)half_value(((const uint16_t *)data)[i]);
    case VI_U8: return ((const uint8_t *)data)[i];
    default: return 0;
    }
}

static void fill(void *data, vi_dtype type, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        int v = (int)(i * 37 % 256);
        if (type == VI_F32)
            ((float *)data)[i] = (float)v / 256.0f;
        else if (type == VI_F16)
            ((uint16_t *)data)[i] = half_bits(v);
        else
            ((uint8_t *)data)[i] = (uint8_t)v;
    }
}

static int shape_of(const json_t *o, int64_t dim[VI_MAX_DIMS])
{
    const json_t *list = json_object_get(o, "dims");
    int n = (int)json_array_size(list);
    assert_true(n <= VI_MAX_DIMS);
    for (int i = 0; i < n; ++i)
        dim[i] = json_integer_value(json_array_get(list, (size_t)i));
    return n;
}

static void compare(const char *net, const char *provider, const char *output, const json_t *want, const void *got,
                    vi_dtype type, size_t n)
{
    const json_t *first = json_object_get(want, "first8");
    double absmax = json_number_value(json_object_get(want, "absmax")), sum = 0, most = 0;
    /* Float32 nets agree to 1e-3 of their range; half precision and 8 bits round differently between versions. */
    double loose = type == VI_F32 ? 1e-3 : type == VI_F16 ? 1e-2 : 0.02, bound = loose * fmax(absmax, 1e-3);
    for (size_t i = 0; i < n; ++i) {
        double v = value_at(got, type, i);
        sum += v;
        most = fmax(most, fabs(v));
    }
    for (size_t i = 0; i < json_array_size(first); ++i) {
        double w = json_number_value(json_array_get(first, i)), v = value_at(got, type, i);
        if (!(fabs(v - w) <= bound))
            fail_msg("%s on %s: %s[%zu]: %g, expected %g", net, provider, output, i, v, w);
    }
    double mean = json_number_value(json_object_get(want, "mean"));
    if (!(fabs(sum / (double)n - mean) <= bound) || !(fabs(most - absmax) <= bound))
        fail_msg("%s on %s: %s: mean %g and magnitude %g, expected %g and %g", net, provider, output, sum / (double)n, most,
                 mean, absmax);
}

static void check(vi_runtime *rt, const char *provider, bool no_graphs, const char *name, const json_t *net)
{
    viso_error err = {0};
    vi_session *s;
    vi_run *r;
    char path[1280];
    int64_t in_dim[VI_MAX_DIMS], out_dim[OUTPUTS][VI_MAX_DIMS];
    vi_binding in = {.name = json_string_value(json_object_get(net, "input"))}, out[OUTPUTS];
    const vi_tensor_info *info;
    const char *key;
    json_t *value;
    int n_out = 0;
    size_t n;
    snprintf(path, sizeof path, "%s/models/%s", folder, name);
    vi_device_policy policy;
    assert_int_equal(vi_device_policy_make(&policy, provider, NULL, NULL, true, &err), 0);
    if (vi_session_open(&s, rt, &(vi_session_params){.path = path, .policy = &policy, .no_graphs = no_graphs}, &err))
        fail_msg("%s", err.text);
    assert_string_equal(vi_session_provider(s), provider);
    in.dim = in_dim;
    in.n_dim = shape_of(net, in_dim);
    json_object_foreach(json_object_get(net, "outputs"), key, value) {
        assert_true(n_out < OUTPUTS);
        out[n_out] = (vi_binding){.name = key, .dim = out_dim[n_out], .n_dim = shape_of(value, out_dim[n_out])};
        ++n_out;
    }
    if (vi_run_create(&r, s, &in, 1, out, n_out, &err))
        fail_msg("%s", err.text);
    vi_session_inputs(s, &info);
    void *x = vi_run_input(r, 0, &n);
    fill(x, info[0].type, n);
    /* More than once: a device may replay what it captured, and memory that the runtime takes anew must not stay bound. */
    for (int i = 0; i < 3; ++i)
        if (vi_run_now(r, &err))
            fail_msg("%s", err.text);
    int all = vi_session_outputs(s, &info);
    for (int k = 0; k < n_out; ++k) {
        const void *y = vi_run_output(r, k, &n);
        for (int i = 0; i < all; ++i)
            if (strcmp(info[i].name, out[k].name) == 0)
                compare(name, provider, out[k].name,
                        json_object_get(json_object_get(net, "outputs"), out[k].name), y, info[i].type,
                        n);
    }
    vi_run_destroy(&r);
    vi_session_close(&s);
}

static void every_net_gives_its_reference(void **state)
{
    viso_error err = {0};
    vi_runtime *rt;
    vi_provider_info list[8];
    const char *name;
    json_t *net;
    (void)state;
    assert_int_equal(vi_runtime_open(&rt, NULL, &err), 0);
    int providers = vi_runtime_provider_list(rt, list, 8);
    for (int i = 0; i < providers; ++i) {
        bool cpu = strcmp(list[i].name, "cpu") == 0;
        for (int graphs = 0; graphs < (cpu ? 1 : 2) && list[i].usable; ++graphs) {
            int n = 0;
            json_object_foreach(nets, name, net) {
                check(rt, list[i].name, !graphs, name, net);
                ++n;
            }
            assert_true(n > 20);
            printf("%d networks on %s%s\n", n, list[i].name, graphs ? ", captured where possible" : "");
        }
    }
    vi_runtime_close(&rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_net_gives_its_reference)};
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
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(root);
    return failed;
}
