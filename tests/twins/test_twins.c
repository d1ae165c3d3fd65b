/* tests/twins/test_twins.c: that twins say what their plans say, over the runtime itself. */
#include <math.h>
#include <string.h>

#include "../test.h"
#include "infer/infer.h"
#include "twins.h"

static viso_error err;
static vi_runtime *rt;

/* A network made of a twin, bound: every input and output in the contract's order, sizes as given. */
typedef struct net {
    uint8_t *data;
    size_t size;
    vi_session *s;
    vi_run *run;
} net;

static void open_net(net *n, const twin_contract *c, const twin_plan *plan)
{
    OK(twin_make(c, plan, &n->data, &n->size, &err));
    OK(vi_session_open(&n->s, rt, &(vi_session_params){.data = n->data, .size = n->size, .name = c->id}, &err));
    n->run = NULL;
}

static void bind(net *n, const twin_contract *c, const int64_t in[4], const int64_t (*out)[4])
{
    vi_binding i[TWIN_INPUTS], o[TWIN_OUTPUTS];
    vi_run_destroy(&n->run);
    for (int k = 0; k < c->n_in; ++k)
        i[k] = (vi_binding){.name = c->in[k].name, .dim = in, .n_dim = c->in[k].n_dim};
    for (int k = 0; k < c->n_out; ++k)
        o[k] = (vi_binding){.name = c->out[k].name, .dim = out[k], .n_dim = c->out[k].n_dim};
    OK(vi_run_create(&n->run, n->s, i, c->n_in, o, c->n_out, &err));
}

static void close_net(net *n)
{
    vi_run_destroy(&n->run);
    vi_session_close(&n->s);
    vi_free(n->data);
}

static float *input(net *n)
{
    size_t count;
    float *x = vi_run_input(n->run, 0, &count);
    for (size_t i = 0; i < count; ++i)
        x[i] = 0.001f * (float)i;
    return x;
}

static const float *output(net *n, int i)
{
    size_t count;
    return vi_run_output(n->run, i, &count);
}

static void fills_values_and_probes_mix(void **state)
{
    (void)state;
    net n;
    const twin_contract *c = twin_contract_of("2d106det");
    const twin_fill fill = {.output = "points", .all = -3};
    const twin_value v[] = {
        {.output = "points", .at = 5, .value = 0.25f},
        {.output = "points", .at = 7, .probe = TWIN_PIXEL, .c = 2, .y = 10, .x = 20, .scale = 2, .value = 1},
        {.output = "points", .at = 211, .probe = TWIN_PIXEL, .c = 0, .y = 0, .x = 1, .scale = -1},
        {.output = "points", .at = 9, .probe = TWIN_PIXEL, .c = 0, .y = 500, .x = 500, .scale = 1}, /* the last pixel of red */
        {.output = "points", .at = 100, .probe = TWIN_MEAN, .c = 1, .scale = 1},
        {.output = "points", .at = 101, .probe = TWIN_MAX, .c = 1, .scale = -1},
    };
    open_net(&n, c, &(twin_plan){.fill = &fill, .n_fill = 1, .value = v, .n_value = VI_COUNT(v)});
    bind(&n, c, (int64_t[]){1, 3, 192, 192}, (const int64_t[][4]){{1, 212}});
    float *x = input(&n);
    OK(vi_run_now(n.run, &err));
    const float *y = output(&n, 0);
    assert_float_equal(y[0], -3, 0);
    assert_float_equal(y[5], 0.25, 0);
    assert_float_equal(y[7], 2 * x[2 * 192 * 192 + 10 * 192 + 20] + 1, 1e-4);
    assert_float_equal(y[211], -0.001, 1e-6);
    assert_float_equal(y[9], x[192 * 192 - 1], 1e-4);
    assert_float_equal(y[100], 0.0005 * (192 * 192 + 2 * 192 * 192 - 1), 1e-2);
    assert_float_equal(y[101], -x[2 * 192 * 192 - 1], 1e-4);
    close_net(&n);
}

static void rows_follow_the_size(void **state)
{
    (void)state;
    net n;
    const twin_contract *c = twin_contract_of("det_10g");
    const twin_value v[] = {
        {.output = "scores_8", .u = 3, .v = 2, .anchor = 1, .value = 0.9f},
        {.output = "scores_8", .u = 63, .v = 63, .value = 0.7f}, /* only in the large one */
        {.output = "scores_32", .u = 1, .v = 1, .value = 0.5f},
        {.output = "points_16", .u = 2, .v = 1, .anchor = 1, .column = 9, .probe = TWIN_PIXEL, .c = 1, .y = 3, .x = 5, .scale = 1},
        {.output = "points_16", .u = 40, .v = 1, .column = 9, .probe = TWIN_PIXEL, .c = 1, .y = 3, .x = 5, .scale = 1},
    };
    const twin_fill fill = {.output = "boxes_8", .all = 4};
    open_net(&n, c, &(twin_plan){.fill = &fill, .n_fill = 1, .value = v, .n_value = VI_COUNT(v)});
    const int size[][2] = {{512, 512}, {96, 64}, {64, 160}};
    for (size_t i = 0; i < VI_COUNT(size); ++i) {
        int w = size[i][0], h = size[i][1];
        int64_t out[9][4];
        for (int k = 0; k < 9; ++k) {
            int s = 8 << k % 3;
            out[k][0] = 2 * (w / s) * (h / s);
            out[k][1] = (int64_t[]){1, 4, 10}[k / 3];
        }
        bind(&n, c, (int64_t[]){1, 3, h, w}, (const int64_t(*)[4])out);
        float *x = input(&n);
        OK(vi_run_now(n.run, &err));
        const float *scores = output(&n, 0);
        float sum = 0;
        for (int64_t k = 0; k < out[0][0]; ++k)
            sum += scores[k];
        assert_float_equal(scores[2 * (2 * (w / 8) + 3) + 1], 0.9, 1e-6);
        assert_float_equal(sum, w == 512 ? 1.6 : 0.9, 1e-6);
        assert_float_equal(output(&n, 2)[2 * (w / 32 + 1)], 0.5, 1e-6);
        assert_float_equal(output(&n, 3)[4 * out[3][0] - 1], 4, 0);
        const float *points = output(&n, 7);
        assert_float_equal(points[10 * (2 * (w / 16 + 2) + 1) + 9], x[(h + 3) * w + 5], 1e-4);
    }
    close_net(&n);
}

static void each_image_of_a_batch_is_looked_at(void **state)
{
    (void)state;
    net n;
    const twin_contract *c = twin_contract_of("peppapig_98");
    const twin_value v[] = {{.output = "points", .at = 4, .probe = TWIN_MEAN, .c = 2, .scale = 1},
                            {.output = "points", .at = 293, .probe = TWIN_PIXEL, .c = 2, .y = 255, .x = 255, .scale = 1}};
    open_net(&n, c, &(twin_plan){.value = v, .n_value = VI_COUNT(v)});
    for (int count = 1; count <= 3; ++count) {
        bind(&n, c, (int64_t[]){count, 3, 256, 256}, (const int64_t[][4]){{count, 98, 3}});
        float *x = input(&n);
        for (int i = 0; i < count * 3 * 65536; ++i)
            x[i] = (float)(i / 65536);
        OK(vi_run_now(n.run, &err));
        for (int i = 0; i < count; ++i) {
            assert_float_equal(output(&n, 0)[294 * i + 4], 3 * i + 2, 1e-4);
            assert_float_equal(output(&n, 0)[294 * i + 293], 3 * i + 2, 1e-4);
        }
    }
    close_net(&n);
    /* Asked for, also where the contract has a batch of one. */
    c = twin_contract_of("w600k_r50");
    open_net(&n, c, &(twin_plan){.flags = TWIN_FREE_BATCH});
    bind(&n, c, (int64_t[]){5, 3, 112, 112}, (const int64_t[][4]){{5, 512}});
    OK(vi_run_now(n.run, &err));
    close_net(&n);
}

static void light_is_followed(void **state)
{
    (void)state;
    const twin_value v[] = {
        {.output = "points", .at = 0, .probe = TWIN_SPOT_X, .c = 0, .scale = 1},
        {.output = "points", .at = 1, .probe = TWIN_SPOT_Y, .c = 0, .scale = 1},
        {.output = "points", .at = 2, .probe = TWIN_SPOT_X, .c = 2, .scale = 2},
        {.output = "points", .at = 3, .probe = TWIN_SPOT_Y, .c = 2, .scale = 2, .value = 1}};
    for (int nhwc = 0; nhwc < 2; ++nhwc) {
        net n;
        twin_contract c = {.id = "spots", .n_in = 1, .n_out = 1,
                           .in = {{.role = "image", .name = "x", .n_dim = 4, .dim = {TWIN_FREE, 3, 48, 64}}},
                           .out = {{.role = "points", .name = "y", .n_dim = 2, .dim = {TWIN_FREE, 4}}}};
        if (nhwc)
            c.in[0] = (twin_tensor){.role = "image", .name = "x", .n_dim = 4, .dim = {TWIN_FREE, 48, 64, 3}, .nhwc = true};
        open_net(&n, &c, &(twin_plan){.value = v, .n_value = VI_COUNT(v)});
        int64_t in[4] = {2, 3, 48, 64}, in_nhwc[4] = {2, 48, 64, 3};
        bind(&n, &c, nhwc ? in_nhwc : in, (const int64_t[][4]){{2, 4}});
        size_t count;
        float *x = vi_run_input(n.run, 0, &count);
        for (size_t i = 0; i < count; ++i)
            x[i] = -1;
        /* red: pixels (10, 20) and (11, 20) of the first image, centre (11, 20.5); blue: (33, 40) of the second */
        for (int p = 10; p <= 11; ++p)
            x[nhwc ? (20 * 64 + p) * 3 : 20 * 64 + p] = 1;
        x[nhwc ? 48 * 64 * 3 + (40 * 64 + 33) * 3 + 2 : (5 * 48 + 40) * 64 + 33] = 0.5f;
        OK(vi_run_now(n.run, &err));
        const float *y = output(&n, 0);
        assert_float_equal(y[0], 11, 1e-4);
        assert_float_equal(y[1], 20.5, 1e-4);
        assert_float_equal(y[2], 0, 1e-4); /* no light */
        assert_float_equal(y[4 + 2], 67, 1e-4);
        assert_float_equal(y[4 + 3], 82, 1e-4);
        close_net(&n);
    }
}

static void other_numbers_and_sizes(void **state)
{
    (void)state;
    net n;
    twin_contract c = {.id = "half", .n_in = 1, .n_out = 1,
                       .in = {{.role = "image", .name = "x", .type = "float16", .n_dim = 4, .dim = {1, 3, 16, 16}}},
                       .out = {{.role = "mesh", .name = "y", .type = "float16", .n_dim = 4, .dim = {1, 1, 1, 6}}}};
    const twin_value v[] = {{.output = "mesh", .at = 2, .probe = TWIN_PIXEL, .c = 1, .y = 2, .x = 3, .scale = 4},
                            {.output = "mesh", .at = 0, .value = 1}};
    open_net(&n, &c, &(twin_plan){.value = v, .n_value = VI_COUNT(v)});
    const vi_tensor_info *info;
    assert_int_equal(vi_session_outputs(n.s, &info), 1);
    assert_int_equal(info[0].type, VI_F16);
    bind(&n, &c, (int64_t[]){1, 3, 16, 16}, (const int64_t[][4]){{1, 1, 1, 6}});
    size_t count;
    uint16_t *x = vi_run_input(n.run, 0, &count);
    x[256 + 2 * 16 + 3] = 0x3800; /* 0.5 */
    OK(vi_run_now(n.run, &err));
    const uint16_t *y = vi_run_output(n.run, 0, &count);
    assert_int_equal(y[2], 0x4000); /* 2 */
    assert_int_equal(y[0], 0x3c00); /* 1 */
    close_net(&n);
    /* A fixed size of the test's choice gives fixed rows. */
    const twin_contract *d = twin_contract_of("det_10g");
    open_net(&n, d, &(twin_plan){.width = 640, .height = 320});
    vi_session_outputs(n.s, &info);
    assert_int_equal(info[0].dim[0], 2 * 80 * 40);
    close_net(&n);
    open_net(&n, twin_contract_of("yunet_n"), &(twin_plan){.flags = TWIN_FREE_SIZE});
    vi_session_inputs(n.s, &info);
    assert_int_equal(info[0].dim[2], -1);
    vi_session_outputs(n.s, &info);
    assert_int_equal(info[11].dim[1], -1);
    close_net(&n);
}

static void must_fail(const char *id, const twin_plan *plan, const char *part)
{
    uint8_t *data;
    size_t size;
    err = (viso_error){0};
    assert_int_equal(twin_make(twin_contract_of(id), plan, &data, &size, &err), VISO_ERR_USAGE);
    assert_null(data);
    if (!strstr(err.text, part))
        fail_msg("'%s' lacks '%s'", err.text, part);
}

static void plans_are_checked(void **state)
{
    (void)state;
    const float number[3] = {0};
    must_fail("2d106det", &(twin_plan){.value = &(twin_value){.output = "mesh"}, .n_value = 1}, "no output 'mesh'");
    must_fail("2d106det", &(twin_plan){.value = &(twin_value){.output = "points", .at = 212}, .n_value = 1}, "no such place");
    must_fail("det_10g", &(twin_plan){.value = &(twin_value){.output = "scores_8", .anchor = 2}, .n_value = 1}, "no such place");
    must_fail("2d106det", &(twin_plan){.value = &(twin_value){.output = "points", .probe = TWIN_MEAN}, .n_value = 1}, "looks at nothing");
    must_fail("2d106det", &(twin_plan){.fill = &(twin_fill){.output = "points", .values = number, .n = 3}, .n_fill = 1}, "of 3 numbers");
    const twin_value no_image = {.output = "coefficients", .probe = TWIN_SPOT_X, .scale = 1};
    must_fail("face_blendshapes", &(twin_plan){.value = &no_image, .n_value = 1}, "looks at nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_values_and_probes_mix), cmocka_unit_test(rows_follow_the_size),
        cmocka_unit_test(each_image_of_a_batch_is_looked_at), cmocka_unit_test(light_is_followed),
        cmocka_unit_test(other_numbers_and_sizes), cmocka_unit_test(plans_are_checked)};
    if (vi_runtime_open(&rt, NULL, &err)) {
        print_message("skipped: %s\n", err.text);
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vi_runtime_close(&rt);
    return failed;
}
