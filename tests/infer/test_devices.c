/* tests/infer/test_devices.c: which provider a session ends on, with a layer beneath that fails when told to. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "fake.h"
#include "infer/engine.h"
#include "models/onnx_write.h"

/* --- a handle over it, and a small network ---------------------------------------------------------------------- */

typedef struct bench {
    fake_plan f;
    vi_runtime *rt;
    viso_error err;
    int lines;
    char line[512];
    vi_device_counts counts;
} bench;

static void keep_line(void *user, viso_log_level level, const char *object, const char *text)
{
    bench *b = user;
    (void)object;
    if (level > VISO_LOG_WARN || strstr(text, "onnxruntime: "))
        return;
    snprintf(b->line, sizeof b->line, "%s", text);
    b->lines++;
}

static void begin(bench *b)
{
    memset(b, 0, sizeof *b);
    vi_log log = {.fn = keep_line, .user = b, .level = VISO_LOG_DEBUG, .name = "test"};
    if (vi_runtime_open(&b->rt, &log, &b->err))
        fail_msg("%s", b->err.text);
    fake_under(&b->f, b->rt);
}

static void end(bench *b)
{
    vi_runtime_close(&b->rt);
    assert_int_equal(b->f.graphs, 0);
    assert_int_equal(b->f.contexts, 0);
}

/* y = Relu(x + c), x [1,4], c = 0 -1 -2 -3. */
static uint8_t *small_net(size_t *size)
{
    viso_error err = {0};
    uint8_t *data;
    int64_t dim[2] = {1, 4};
    vi_onnx *g = vi_onnx_begin(1 << 20);
    vi_onnx_input(g, "x", dim, 2);
    float *c = vi_onnx_floats(g, "c", dim, 2);
    for (int i = 0; i < 4; ++i)
        c[i] = (float)-i;
    vi_onnx_node(g, "Add", "sum", "x", "c");
    vi_onnx_node(g, "Relu", "y", "sum");
    vi_onnx_output(g, "y", dim, 2);
    if (vi_onnx_finish(g, "small", "small", &data, size, &err))
        fail_msg("%s", err.text);
    vi_onnx_free(&g);
    return data;
}

static int open_with(bench *b, const char *choice, const char *hint, bool strict, vi_session **s)
{
    size_t size;
    uint8_t *data = small_net(&size);
    vi_device_policy policy;
    b->err = (viso_error){0};
    assert_int_equal(vi_device_policy_make(&policy, choice, hint, NULL, strict, &b->err), 0);
    vi_session_params p = {.data = data, .size = size, .name = "small", .policy = &policy};
    int code = vi_session_open(s, b->rt, &p, &b->err);
    memset(data, 0, size); /* a later load must not need it */
    vi_free(data);
    return code;
}

static vi_session *open_net(bench *b, const char *choice)
{
    vi_session *s;
    if (open_with(b, choice, NULL, false, &s))
        fail_msg("%s", b->err.text);
    return s;
}

static vi_run *run_of(vi_session *s)
{
    viso_error err = {0};
    vi_run *r;
    if (vi_run_create(&r, s, &(vi_binding){.name = "x"}, 1, &(vi_binding){.name = "y"}, 1, &err))
        fail_msg("%s", err.text);
    return r;
}

static int wrong_numbers(vi_run *r, float seed)
{
    const float *y = vi_run_output(r, 0, NULL);
    int wrong = 0;
    for (int i = 0; i < 4; ++i)
        wrong += !(y[i] == seed - (float)i);
    return wrong;
}

static void check_run(bench *b, vi_run *r, float seed)
{
    float *x = vi_run_input(r, 0, NULL);
    for (int i = 0; i < 4; ++i)
        x[i] = seed;
    if (vi_run_now(r, &b->err))
        fail_msg("%s", b->err.text);
    assert_int_equal(wrong_numbers(r, seed), 0);
}

static const vi_provider_info *listed(bench *b, const char *name)
{
    static vi_provider_info list[8];
    int n = vi_runtime_provider_list(b->rt, list, 8);
    for (int i = 0; i < n; ++i)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    fail_msg("%s is not listed", name);
    return NULL;
}

/* --- tests ------------------------------------------------------------------------------------------------------ */

static void this_machine_lists_its_providers(void **state)
{
    viso_error err = {0};
    vi_runtime *rt;
    vi_provider_info list[16];
    (void)state;
    assert_int_equal(vi_runtime_open(&rt, NULL, &err), 0);
    int n = vi_runtime_provider_list(rt, list, 16);
    assert_true(n >= VI_PROVIDERS);
    assert_string_equal(list[0].name, "tensorrt");
    assert_string_equal(list[1].name, "cuda");
    assert_string_equal(list[2].name, "cpu");
    assert_true(list[2].usable);
    for (int i = 0; i < n; ++i) {
        assert_int_equal(list[i].usable, list[i].reason[0] == 0);
        assert_false(list[i].off);
    }
    assert_int_equal(vi_runtime_provider_list(rt, list, 2), 2);
    /* With the real layer a session for any device finds one that works. */
    vi_device_policy policy;
    size_t size;
    vi_session *s;
    uint8_t *data = small_net(&size);
    assert_int_equal(vi_device_policy_make(&policy, "auto", NULL, NULL, false, &err), 0);
    vi_session_params p = {.data = data, .size = size, .name = "small", .policy = &policy};
    assert_int_equal(vi_session_open(&s, rt, &p, &err), 0);
    if (!list[0].usable && !list[1].usable)
        assert_string_equal(vi_session_provider(s), "cpu");
    vi_session_close(&s);
    vi_runtime_close(&rt);
    vi_free(data);
}

static void words_become_an_order(void **state)
{
    const struct {
        const char *choice, *hint, *instead;
        bool strict;
        int n, first;
        bool named;
    } cases[] = {
        {NULL, NULL, NULL, false, 3, VI_TENSORRT, false},     {"auto", "", NULL, true, 3, VI_TENSORRT, false},
        {"cuda", NULL, NULL, false, 2, VI_CUDA, true},        {"cuda", NULL, NULL, true, 1, VI_CUDA, true},
        {"auto", "cuda", NULL, false, 2, VI_CUDA, false},     {"tensorrt", "cpu", NULL, true, 1, VI_TENSORRT, true},
        {"cpu", "tensorrt", NULL, false, 1, VI_CPU, true},    {"cpu", "cpu", "cuda", false, 2, VI_CUDA, true},
        {"tensorrt", "cuda", "auto", false, 2, VI_CUDA, true}, {"cpu", NULL, "tensorrt", true, 1, VI_TENSORRT, true},
    };
    viso_error err = {0};
    vi_device_policy p;
    (void)state;
    for (size_t i = 0; i < VI_COUNT(cases); ++i) {
        assert_int_equal(vi_device_policy_make(&p, cases[i].choice, cases[i].hint, cases[i].instead, cases[i].strict, &err), 0);
        assert_int_equal(p.n_order, cases[i].n);
        assert_int_equal(p.order[0], cases[i].first);
        assert_int_equal(p.named, cases[i].named);
        for (int k = 1; k < p.n_order; ++k)
            assert_int_equal(p.order[k], p.order[k - 1] + 1);
    }
    assert_int_equal(vi_device_policy_make(&p, "gpu", NULL, NULL, false, &err), VISO_ERR_USAGE);
    assert_string_equal(err.text, "provider 'gpu' is none of auto, tensorrt, cuda, cpu");
}

static void the_best_provider_is_taken(void **state)
{
    bench b;
    (void)state;
    begin(&b);
    vi_session *s = open_net(&b, "auto");
    assert_string_equal(vi_session_provider(s), "tensorrt");
    vi_run *r = run_of(s);
    for (int i = 3; i < 9; ++i)
        check_run(&b, r, (float)i);
    vi_runtime_counts(b.rt, &b.counts);
    assert_int_equal(b.counts.loads[VI_TENSORRT], 1);
    assert_int_equal(b.counts.loads[VI_CUDA] + b.counts.loads[VI_CPU], 0);
    assert_int_equal(b.counts.reruns, 0);
    assert_int_equal(b.counts.host_copies, 12);
    assert_int_equal(b.counts.host_bytes, 12 * 16);
    assert_int_equal(b.lines, 0);
    assert_string_equal(listed(&b, "openvino")->reason, "the runtime offers it; viso does not use it");
    vi_run_destroy(&r);
    vi_session_close(&s);
    /* A hint narrows. */
    assert_int_equal(open_with(&b, "auto", "cpu", false, &s), 0);
    assert_string_equal(vi_session_provider(s), "cpu");
    vi_session_close(&s);
    end(&b);
}

static void a_failure_at_load_goes_to_the_next(void **state)
{
    bench b;
    (void)state;
    begin(&b);
    b.f.load_fails[VI_TENSORRT] = true;
    vi_session *s = open_net(&b, "auto"), *other = open_net(&b, "auto");
    assert_string_equal(vi_session_provider(s), "cuda");
    assert_string_equal(vi_session_provider(other), "cuda");
    vi_run *r = run_of(s);
    check_run(&b, r, 7.0f);
    vi_runtime_counts(b.rt, &b.counts);
    assert_int_equal(b.counts.failures[VI_TENSORRT], 1); /* the second session did not try */
    assert_int_equal(b.counts.loads[VI_CUDA], 2);
    assert_int_equal(b.f.loads, 3);
    assert_int_equal(b.counts.reruns, 0);
    assert_int_equal(b.lines, 1);
    assert_string_equal(b.line, "tensorrt is switched off, small goes on with cuda: small: tensorrt does not want it");
    const vi_provider_info *info = listed(&b, "tensorrt");
    assert_true(info->off && !info->usable);
    assert_string_equal(info->reason, "small: tensorrt does not want it");
    assert_true(listed(&b, "cuda")->usable);
    vi_run_destroy(&r);
    vi_session_close(&s);
    vi_session_close(&other);
    end(&b);
}

static void a_failure_at_the_fifth_run_is_not_noticed(void **state)
{
    bench b;
    (void)state;
    begin(&b);
    b.f.runs_left[VI_TENSORRT] = 4;
    vi_session *s = open_net(&b, "auto");
    vi_run *r = run_of(s);
    for (int i = 0; i < 10; ++i) {
        assert_string_equal(vi_session_provider(s), i < 5 ? "tensorrt" : "cuda");
        check_run(&b, r, (float)(10 + i));
    }
    vi_runtime_counts(b.rt, &b.counts);
    assert_int_equal(b.counts.failures[VI_TENSORRT], 1);
    assert_int_equal(b.counts.loads[VI_TENSORRT], 1);
    assert_int_equal(b.counts.loads[VI_CUDA], 1);
    assert_int_equal(b.counts.reruns, 1);
    assert_int_equal(b.counts.host_copies, 4 * 2 + 1 + 6 * 2);
    assert_int_equal(b.lines, 1);
    assert_string_equal(listed(&b, "tensorrt")->reason, "enqueue error on tensorrt");
    assert_int_equal(b.f.graphs, 1); /* the old one is gone */
    /* And once more, down to the CPU. */
    b.f.runs_left[VI_CUDA] = 0;
    check_run(&b, r, 99.0f);
    assert_string_equal(vi_session_provider(s), "cpu");
    check_run(&b, r, 98.0f);
    vi_runtime_counts(b.rt, &b.counts);
    assert_int_equal(b.counts.reruns, 2);
    assert_int_equal(b.lines, 2);
    /* There is nothing after it. */
    b.f.runs_left[VI_CPU] = 0;
    b.err = (viso_error){0};
    assert_int_equal(vi_run_now(r, &b.err), VISO_ERR_DEVICE);
    assert_string_equal(b.err.text, "enqueue error on cpu");
    assert_int_equal(b.lines, 2);
    assert_true(listed(&b, "cpu")->usable);
    /* It may be better later. */
    b.f.runs_left[VI_CPU] = -1;
    check_run(&b, r, 97.0f);
    vi_run_destroy(&r);
    /* The handle may close before its sessions. */
    vi_runtime_close(&b.rt);
    r = run_of(s);
    check_run(&b, r, 5.0f);
    vi_run_destroy(&r);
    vi_session_close(&s);
    end(&b);
}

static void a_device_without_room_is_left(void **state)
{
    bench b;
    (void)state;
    begin(&b);
    b.f.bind_fails[VI_TENSORRT] = true;
    vi_session *s = open_net(&b, "auto");
    assert_string_equal(vi_session_provider(s), "tensorrt");
    vi_run *r = run_of(s);
    assert_string_equal(vi_session_provider(s), "cuda");
    check_run(&b, r, 4.0f);
    assert_int_equal(b.lines, 1);
    assert_string_equal(listed(&b, "tensorrt")->reason, "small: no memory there");
    vi_run_destroy(&r);
    vi_session_close(&s);
    end(&b);
}

static void what_is_missing_is_told(void **state)
{
    bench b;
    (void)state;
    begin(&b);
    b.f.missing[VI_TENSORRT] = "libnvinfer.so.10 not found";
    b.f.missing[VI_CUDA] = "no driver";
    vi_session *s = open_net(&b, "auto");
    assert_string_equal(vi_session_provider(s), "cpu");
    assert_int_equal(b.lines, 0); /* auto took the best there is */
    assert_string_equal(listed(&b, "cuda")->reason, "no driver");
    assert_false(listed(&b, "cuda")->off);
    vi_session_close(&s);
    /* Asked for by name: worth a line, one for all models. */
    s = open_net(&b, "cuda");
    vi_session *other = open_net(&b, "cuda");
    assert_string_equal(vi_session_provider(s), "cpu");
    assert_int_equal(b.lines, 1);
    assert_string_equal(b.line, "cuda is switched off, small goes on with cpu: no driver");
    vi_runtime_counts(b.rt, &b.counts);
    assert_int_equal(b.counts.failures[VI_CUDA], 0);
    vi_session_close(&s);
    vi_session_close(&other);
    end(&b);
}

static void strict_fails_instead(void **state)
{
    bench b;
    vi_session *s;
    (void)state;
    begin(&b);
    b.f.missing[VI_TENSORRT] = "libnvinfer.so.10 not found";
    assert_int_equal(open_with(&b, "tensorrt", NULL, true, &s), VISO_ERR_DEVICE);
    assert_null(s);
    assert_string_equal(b.err.text, "small: tensorrt cannot be used and no other device may be: libnvinfer.so.10 not found");
    /* auto: the first usable one, and then that one alone. */
    assert_int_equal(open_with(&b, "auto", NULL, true, &s), 0);
    assert_string_equal(vi_session_provider(s), "cuda");
    vi_run *r = run_of(s);
    check_run(&b, r, 3.0f);
    b.f.runs_left[VI_CUDA] = 0;
    assert_int_equal(vi_run_now(r, &b.err), VISO_ERR_DEVICE);
    assert_string_equal(b.err.text, "small: cuda cannot be used and no other device may be: enqueue error on cuda");
    assert_string_equal(vi_session_provider(s), "cuda");
    vi_run_destroy(&r);
    vi_session_close(&s);
    b.f.load_fails[VI_CUDA] = true;
    assert_int_equal(open_with(&b, "auto", NULL, true, &s), VISO_ERR_DEVICE);
    assert_string_equal(b.err.text, "small: cuda cannot be used and no other device may be: small: cuda does not want it");
    vi_runtime_counts(b.rt, &b.counts);
    assert_int_equal(b.counts.loads[VI_CPU], 0);
    assert_int_equal(b.counts.reruns, 0);
    assert_int_equal(b.lines, 0);
    end(&b);
}

/* A model that loads nowhere says nothing about the providers. */
static void a_broken_model_switches_nothing_off(void **state)
{
    bench b;
    vi_session *s;
    vi_device_policy policy;
    (void)state;
    begin(&b);
    assert_int_equal(vi_device_policy_make(&policy, "auto", NULL, NULL, false, &b.err), 0);
    vi_session_params p = {.data = "not a network", .size = 13, .name = "junk", .policy = &policy};
    assert_int_equal(vi_session_open(&s, b.rt, &p, &b.err), VISO_ERR_MODEL);
    assert_int_equal(strncmp(b.err.text, "junk: cannot load the network: ", 31), 0);
    assert_int_equal(b.lines, 0);
    assert_true(listed(&b, "tensorrt")->usable && listed(&b, "cuda")->usable);
    end(&b);
}

/* Three runs, each fed by the one before; only the last result is wanted on the host. */
typedef struct chain {
    vi_session *session[3];
    vi_run *run[3];
} chain;

static void make_chain(bench *b, chain *c, const char *const choice[3])
{
    viso_error err = {0};
    for (int i = 0; i < 3; ++i) {
        c->session[i] = open_net(b, choice[i]);
        vi_binding in = {.name = "x", .from = i ? c->run[i - 1] : NULL}, out = {.name = "y", .stay = i < 2};
        if (vi_run_create(&c->run[i], c->session[i], &in, 1, &out, 1, &err))
            fail_msg("%s", err.text);
    }
}

static void free_chain(chain *c)
{
    for (int i = 2; i >= 0; --i)
        vi_run_destroy(&c->run[i]);
    for (int i = 0; i < 3; ++i)
        vi_session_close(&c->session[i]);
}

static void check_chain(bench *b, chain *c, float seed, int copies)
{
    vi_device_counts before, after;
    float *x = vi_run_input(c->run[0], 0, NULL);
    for (int i = 0; i < 4; ++i)
        x[i] = seed;
    vi_runtime_counts(b->rt, &before);
    for (int i = 0; i < 3; ++i)
        if (vi_run_now(c->run[i], &b->err))
            fail_msg("%s", b->err.text);
    const float *y = vi_run_output(c->run[2], 0, NULL);
    for (int i = 0; i < 4; ++i)
        assert_true(y[i] == seed - 3.0f * (float)i);
    vi_runtime_counts(b->rt, &after);
    if (copies >= 0)
        assert_int_equal(after.host_copies - before.host_copies, copies);
}

static void a_chain_stays_on_the_device(void **state)
{
    bench b;
    chain c;
    (void)state;
    begin(&b);
    make_chain(&b, &c, (const char *const[]){"cuda", "cuda", "cuda"});
    for (int i = 0; i < 3; ++i)
        check_chain(&b, &c, (float)(20 + i), 2); /* in at one end, out at the other */
    /* What is between is brought when asked for, once. */
    assert_int_equal(vi_run_fetch(c.run[1], 0, &b.err), 0);
    assert_int_equal(vi_run_fetch(c.run[1], 0, &b.err), 0);
    const float *y = vi_run_output(c.run[1], 0, NULL);
    for (int i = 0; i < 4; ++i)
        assert_true(y[i] == 22.0f - 2.0f * (float)i);
    vi_runtime_counts(b.rt, &b.counts);
    assert_int_equal(b.counts.host_copies, 7);
    assert_ptr_equal(vi_run_input(c.run[2], 0, NULL), y);
    free_chain(&c);
    /* TensorRT and CUDA share memory. The CPU needs no copies at all. */
    make_chain(&b, &c, (const char *const[]){"tensorrt", "cuda", "tensorrt"});
    check_chain(&b, &c, 30.0f, 2);
    free_chain(&c);
    make_chain(&b, &c, (const char *const[]){"cpu", "cpu", "cpu"});
    check_chain(&b, &c, 30.0f, 0);
    free_chain(&c);
    /* Copies only where the neighbours differ. */
    make_chain(&b, &c, (const char *const[]){"cuda", "cpu", "cuda"});
    check_chain(&b, &c, 30.0f, 4);
    check_chain(&b, &c, 31.0f, 4);
    free_chain(&c);
    make_chain(&b, &c, (const char *const[]){"cpu", "cuda", "cuda"});
    check_chain(&b, &c, 30.0f, 2);
    free_chain(&c);
    end(&b);
}

/* Each network of a chain falls, first, middle and last; the numbers stay right and the copies find their new number. */
static void a_chain_survives_a_failure_anywhere(void **state)
{
    static const int copies[3] = {2, 4, 2}; /* once the network that fell runs on the CPU */
    (void)state;
    for (int fallen = 0; fallen < 3; ++fallen) {
        bench b;
        chain c;
        begin(&b);
        const char *choice[3] = {"cuda", "cuda", "cuda"};
        choice[fallen] = "tensorrt"; /* so that one network alone is hit */
        make_chain(&b, &c, choice);
        check_chain(&b, &c, 40.0f, 2);
        b.f.runs_left[VI_TENSORRT] = 0;
        check_chain(&b, &c, 41.0f, -1);
        assert_string_equal(vi_session_provider(c.session[fallen]), "cuda");
        check_chain(&b, &c, 42.0f, 2);
        free_chain(&c);
        end(&b);

        begin(&b);
        choice[fallen] = "tensorrt";
        b.f.missing[VI_CUDA] = "gone"; /* from tensorrt straight to the CPU */
        for (int i = 0; i < 3; ++i)
            choice[i] = "tensorrt";
        make_chain(&b, &c, choice);
        check_chain(&b, &c, 43.0f, 2);
        b.f.fall_of = fallen + 1;
        check_chain(&b, &c, 44.0f, -1);
        assert_string_equal(vi_session_provider(c.session[fallen]), "cpu");
        check_chain(&b, &c, 45.0f, copies[fallen]);
        free_chain(&c);
        end(&b);
    }
}

/* The device dies with a result that nobody has fetched: it is computed again where it is needed. */
static void a_result_lost_with_its_device_comes_again(void **state)
{
    bench b;
    chain c;
    (void)state;
    begin(&b);
    make_chain(&b, &c, (const char *const[]){"cuda", "cuda", "cuda"});
    check_chain(&b, &c, 50.0f, 2);
    float *x = vi_run_input(c.run[0], 0, NULL);
    for (int i = 0; i < 4; ++i)
        x[i] = 51.0f;
    assert_int_equal(vi_run_now(c.run[0], &b.err), 0);
    assert_int_equal(vi_run_now(c.run[1], &b.err), 0);
    b.f.runs_left[VI_CUDA] = 0;
    b.f.copies_fail = true;
    if (vi_run_now(c.run[2], &b.err))
        fail_msg("%s", b.err.text);
    const float *y = vi_run_output(c.run[2], 0, NULL);
    for (int i = 0; i < 4; ++i)
        assert_true(y[i] == 51.0f - 3.0f * (float)i);
    for (int i = 0; i < 3; ++i)
        assert_string_equal(vi_session_provider(c.session[i]), "cpu");
    assert_int_equal(b.lines, 1);
    check_chain(&b, &c, 52.0f, 0);
    free_chain(&c);
    end(&b);
}

/* A network of free size that declares its output for one: the layer beneath brings the result, which counts as a copy
 * where there is a device, and feeds others from the host. */
static void outputs_of_untrue_shapes_are_counted(void **state)
{
    const int64_t open[2] = {-1, 4}, declared[2] = {1, 4}, real[2] = {2, 4};
    viso_error err = {0};
    uint8_t *data;
    size_t size;
    (void)state;
    vi_onnx *g = vi_onnx_begin(1 << 20);
    vi_onnx_input(g, "x", open, 2);
    vi_onnx_node(g, "Neg", "y", "x");
    vi_onnx_output(g, "y", declared, 2);
    assert_int_equal(vi_onnx_finish(g, "open", "open", &data, &size, &err), 0);
    vi_onnx_free(&g);
    for (int cpu = 0; cpu < 2; ++cpu) {
        bench b;
        vi_session *s;
        vi_run *r[2];
        vi_device_policy policy;
        begin(&b);
        assert_int_equal(vi_device_policy_make(&policy, cpu ? "cpu" : "cuda", NULL, NULL, true, &err), 0);
        vi_session_params p = {.data = data, .size = size, .name = "open", .policy = &policy};
        assert_int_equal(vi_session_open(&s, b.rt, &p, &err), 0);
        for (int i = 0; i < 2; ++i) {
            vi_binding in = {.name = "x", .dim = real, .n_dim = 2, .from = i ? r[0] : NULL};
            vi_binding out = {.name = "y", .dim = real, .n_dim = 2, .stay = true};
            if (vi_run_create(&r[i], s, &in, 1, &out, 1, &err))
                fail_msg("%s", err.text);
        }
        float *x = vi_run_input(r[0], 0, NULL);
        for (int i = 0; i < 8; ++i)
            x[i] = (float)i;
        for (int i = 0; i < 2; ++i)
            if (vi_run_now(r[i], &err))
                fail_msg("%s", err.text);
        assert_int_equal(vi_run_fetch(r[1], 0, &err), 0); /* it is here already */
        const float *y = vi_run_output(r[1], 0, NULL);
        for (int i = 0; i < 8; ++i)
            assert_true(y[i] == (float)i);
        vi_runtime_counts(b.rt, &b.counts);
        assert_int_equal(b.counts.host_copies, cpu ? 0 : 4);
        vi_run_destroy(&r[1]);
        vi_run_destroy(&r[0]);
        vi_session_close(&s);
        end(&b);
    }
    vi_free(data);
}

static void feeds_that_do_not_fit_are_named(void **state)
{
    bench b;
    vi_run *r;
    (void)state;
    begin(&b);
    vi_session *s = open_net(&b, "cuda");
    vi_run *first = run_of(s);
    assert_int_equal(vi_run_create(&r, s, &(vi_binding){.name = "x", .from = first, .output = 1}, 1,
                                   &(vi_binding){.name = "y"}, 1, &b.err), VISO_ERR_MODEL);
    assert_string_equal(b.err.text, "small: input 'x' has another type or size than output '?' of small");
    b.err = (viso_error){0};
    assert_int_equal(vi_run_create(&r, s, &(vi_binding){.name = "x", .from = first}, 1, &(vi_binding){.name = "y"}, 1, &b.err), 0);
    assert_int_equal(vi_run_now(r, &b.err), VISO_ERR_INTERNAL); /* before the one that feeds it */
    vi_run_destroy(&r);
    vi_run_destroy(&first);
    vi_session_close(&s);
    end(&b);
}

static void warming_up_meets_the_failure_first(void **state)
{
    bench b;
    double ms = -1;
    (void)state;
    begin(&b);
    b.f.runs_left[VI_TENSORRT] = 0;
    size_t size;
    uint8_t *data = small_net(&size);
    vi_device_policy policy;
    assert_int_equal(vi_device_policy_make(&policy, "auto", NULL, NULL, false, &b.err), 0);
    vi_session_params p = {.data = data, .size = size, .name = "small", .policy = &policy, .warm_up = true};
    vi_session *s;
    assert_int_equal(vi_session_open(&s, b.rt, &p, &b.err), 0);
    assert_string_equal(vi_session_provider(s), "cuda");
    assert_int_equal(b.f.contexts, 0);
    assert_int_equal(vi_session_warm_up(s, &ms, &b.err), 0);
    assert_true(ms > 0);
    assert_int_equal(b.lines, 1);
    vi_session_close(&s);
    vi_free(data);
    end(&b);
}

static void engines_are_kept_apart(void **state)
{
    static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const vi_profile profile = {"in", 4, {1, 3, 128, 128}, {1, 3, 256, 256}, {1, 3, 512, 512}};
    const vi_machine machine = {"GPU (9.0)", "580.1", "1.29.0", "100300"};
    (void)state;
    vi_load load = {.digest = digest, .cache_dir = "/c", .precision = VI_FP16, .profile = &profile, .n_profile = 1};
    char *one = vi_engine_dir(&load, &machine), *text;
    assert_int_equal(strncmp(one, "/c/tensorrt/0123456789abcdef-", 29), 0);
    assert_int_equal(strlen(one), 29 + 16);
    for (int k = 0; k < 6; ++k) {
        vi_machine m = machine;
        vi_profile other = profile;
        vi_load l = load;
        if (k == 0)
            snprintf(m.gpu, sizeof m.gpu, "GPU (8.9)");
        else if (k == 1)
            snprintf(m.driver, sizeof m.driver, "580.2");
        else if (k == 2)
            snprintf(m.runtime, sizeof m.runtime, "1.30.0");
        else if (k == 3)
            snprintf(m.tensorrt, sizeof m.tensorrt, "100301");
        else if (k == 4)
            l.precision = VI_FP32;
        else
            other.max[3] = 640;
        l.profile = &other;
        text = vi_engine_dir(&l, &m);
        assert_string_not_equal(text, one);
        vi_free(text);
    }
    vi_free(one);
    load.digest = NULL;
    assert_null(vi_engine_dir(&load, &machine));
    const vi_profile two[2] = {profile, {"t", 1, {1}, {1}, {4}}};
    text = vi_profile_text(two, 2, 2);
    assert_string_equal(text, "in:1x3x512x512,t:4");
    vi_free(text);
}

typedef struct worker {
    vi_session *session;
    float seed;
    int wrong;
} worker;

static void *work(void *arg)
{
    worker *w = arg;
    viso_error err = {0};
    vi_run *r = run_of(w->session);
    float *x = vi_run_input(r, 0, NULL);
    for (int n = 0; n < 400; ++n) {
        float v = w->seed + (float)n;
        for (int i = 0; i < 4; ++i)
            x[i] = v;
        w->wrong += vi_run_now(r, &err) != 0;
        w->wrong += wrong_numbers(r, v);
    }
    vi_run_destroy(&r);
    return NULL;
}

static void many_threads_cross_a_switch(void **state)
{
    enum { THREADS = 6 };
    pthread_t id[THREADS];
    worker w[THREADS];
    bench b;
    (void)state;
    begin(&b);
    b.f.runs_left[VI_TENSORRT] = 300;
    b.f.runs_left[VI_CUDA] = 900;
    vi_session *s = open_net(&b, "auto");
    for (int i = 0; i < THREADS; ++i) {
        w[i] = (worker){.session = s, .seed = 1000.0f * (float)(i + 1)};
        assert_int_equal(pthread_create(&id[i], NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(id[i], NULL);
        assert_int_equal(w[i].wrong, 0);
    }
    vi_runtime_counts(b.rt, &b.counts);
    for (int p = 1; p <= VI_PROVIDERS; ++p)
        assert_int_equal(b.counts.loads[p], 1);
    assert_int_equal(b.counts.reruns, b.counts.failures[VI_TENSORRT] + b.counts.failures[VI_CUDA]);
    assert_int_equal(b.lines, 2);
    assert_string_equal(vi_session_provider(s), "cpu");
    assert_int_equal(b.f.graphs, 1);
    vi_session_close(&s);
    end(&b);
}

/* Every allocation in turn while a provider fails: an error or the right numbers, and never a leak. */
static void no_memory_while_switching(void **state)
{
    int code = 1, failures = 0;
    (void)state;
    for (int step = 0; code && step < 60; ++step) {
        bench b;
        begin(&b);
        b.f.runs_left[VI_TENSORRT] = 0;
        b.f.load_fails[VI_CUDA] = true;
        vi_session *s = open_net(&b, "auto");
        vi_run *r = run_of(s);
        float *x = vi_run_input(r, 0, NULL);
        for (int i = 0; i < 4; ++i)
            x[i] = 50.0f;
        vi_alloc_fail_after(step);
        code = vi_run_now(r, &b.err);
        vi_alloc_fail_after(-1);
        if (code) {
            assert_int_equal(code, VISO_ERR_NO_SPACE);
            ++failures;
        }
        check_run(&b, r, 60.0f);
        assert_string_equal(vi_session_provider(s), "cpu");
        vi_run_destroy(&r);
        vi_session_close(&s);
        end(&b);
    }
    assert_int_equal(code, 0);
    assert_true(failures >= 3);
}

/* The same for opening with everything that a device may be given. */
static void no_memory_while_opening(void **state)
{
    static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const vi_profile profile[2] = {{"x", 2, {1, 4}, {1, 4}, {1, 4}}, {"another", 1, {1}, {1}, {1}}};
    int code = 1, failures = 0;
    size_t size;
    uint8_t *data = small_net(&size);
    (void)state;
    for (int step = 0; code && step < 100; ++step) {
        bench b;
        vi_device_policy policy;
        vi_session *s = NULL;
        begin(&b);
        b.f.load_fails[VI_TENSORRT] = true;
        b.f.runs_left[VI_CUDA] = 0;
        assert_int_equal(vi_device_policy_make(&policy, "auto", NULL, NULL, false, &b.err), 0);
        vi_session_params p = {.data = data, .size = size, .name = "small", .policy = &policy, .digest = digest,
                               .cache_dir = "/nonexistent", .precision = VI_FP16, .profile = profile, .n_profile = 2,
                               .warm_up = true};
        vi_alloc_fail_after(step);
        code = vi_session_open(&s, b.rt, &p, &b.err);
        vi_alloc_fail_after(-1);
        if (code) {
            assert_int_equal(code, VISO_ERR_NO_SPACE);
            assert_null(s);
            ++failures;
        } else {
            assert_string_equal(vi_session_provider(s), "cpu");
        }
        vi_session_close(&s);
        end(&b);
    }
    assert_int_equal(code, 0);
    assert_true(failures >= 15);
    vi_free(data);
}

typedef struct chain_worker {
    bench *b;
    vi_session *session[3];
    float seed;
    int wrong;
} chain_worker;

static void *work_in_chain(void *arg)
{
    chain_worker *w = arg;
    viso_error err = {0};
    vi_run *r[3];
    for (int i = 0; i < 3; ++i) {
        vi_binding in = {.name = "x", .from = i ? r[i - 1] : NULL}, out = {.name = "y", .stay = i < 2};
        if (vi_run_create(&r[i], w->session[i], &in, 1, &out, 1, &err)) {
            w->wrong = 1000;
            return NULL;
        }
    }
    float *x = vi_run_input(r[0], 0, NULL);
    const float *y = vi_run_output(r[2], 0, NULL);
    for (int n = 0; n < 200; ++n) {
        float v = w->seed + (float)n;
        for (int i = 0; i < 4; ++i)
            x[i] = v;
        for (int i = 0; i < 3; ++i)
            w->wrong += vi_run_now(r[i], &err) != 0;
        for (int i = 0; i < 4; ++i)
            w->wrong += !(y[i] == v - 3.0f * (float)i);
    }
    for (int i = 2; i >= 0; --i)
        vi_run_destroy(&r[i]);
    return NULL;
}

/* Devices die, with their copies, under chains of several threads. */
static void many_chains_cross_a_switch(void **state)
{
    enum { THREADS = 4 };
    pthread_t id[THREADS];
    chain_worker w[THREADS];
    vi_session *s[3];
    bench b;
    (void)state;
    begin(&b);
    b.f.runs_left[VI_TENSORRT] = 500;
    b.f.runs_left[VI_CUDA] = 700;
    for (int i = 0; i < 3; ++i)
        s[i] = open_net(&b, "auto");
    for (int i = 0; i < THREADS; ++i) {
        w[i] = (chain_worker){.b = &b, .session = {s[0], s[1], s[2]}, .seed = 1000.0f * (float)(i + 1)};
        assert_int_equal(pthread_create(&id[i], NULL, work_in_chain, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(id[i], NULL);
        assert_int_equal(w[i].wrong, 0);
    }
    assert_int_equal(b.lines, 2);
    for (int i = 0; i < 3; ++i) {
        assert_string_equal(vi_session_provider(s[i]), "cpu");
        vi_session_close(&s[i]);
    }
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine_lists_its_providers),
        cmocka_unit_test(words_become_an_order),
        cmocka_unit_test(the_best_provider_is_taken),
        cmocka_unit_test(a_failure_at_load_goes_to_the_next),
        cmocka_unit_test(a_failure_at_the_fifth_run_is_not_noticed),
        cmocka_unit_test(a_device_without_room_is_left),
        cmocka_unit_test(what_is_missing_is_told),
        cmocka_unit_test(strict_fails_instead),
        cmocka_unit_test(a_broken_model_switches_nothing_off),
        cmocka_unit_test(a_chain_stays_on_the_device),
        cmocka_unit_test(a_chain_survives_a_failure_anywhere),
        cmocka_unit_test(a_result_lost_with_its_device_comes_again),
        cmocka_unit_test(outputs_of_untrue_shapes_are_counted),
        cmocka_unit_test(feeds_that_do_not_fit_are_named),
        cmocka_unit_test(warming_up_meets_the_failure_first),
        cmocka_unit_test(engines_are_kept_apart),
        cmocka_unit_test(many_threads_cross_a_switch),
        cmocka_unit_test(many_chains_cross_a_switch),
        cmocka_unit_test(no_memory_while_switching),
        cmocka_unit_test(no_memory_while_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
