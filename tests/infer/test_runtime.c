/* tests/infer/test_runtime.c: finding the runtime, what a session tells, and what happens when something does not fit.
 * The order of the tests matters: a runtime once found stays for the life of the process. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "../test.h"
#include "infer/infer.h"
#include "models/onnx_write.h"

static char chosen[1024]; /* $VISO_ONNXRUNTIME as the build gave it */

/* y = Relu(x + c), x [1,4], c = 0 -1 -2 -3; z = y x y. */
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
    vi_onnx_node(g, "Mul", "z", "y", "y");
    vi_onnx_output(g, "y", dim, 2);
    vi_onnx_output(g, "z", dim, 2);
    if (vi_onnx_finish(g, "small", "small", &data, size, &err))
        fail_msg("%s", err.text);
    vi_onnx_free(&g);
    return data;
}

static vi_session *open_small(vi_runtime *rt)
{
    viso_error err = {0};
    vi_session *s;
    size_t size;
    uint8_t *data = small_net(&size);
    vi_session_params p = {.data = data, .size = size, .name = "small"};
    if (vi_session_open(&s, rt, &p, &err))
        fail_msg("%s", err.text);
    vi_free(data);
    return s;
}

static vi_runtime *open_runtime(void)
{
    viso_error err = {0};
    vi_runtime *rt;
    if (vi_runtime_open(&rt, NULL, &err))
        fail_msg("%s", err.text);
    return rt;
}

static void a_missing_runtime_names_the_places(void **state)
{
    viso_error err = {0};
    vi_runtime *rt;
    char path[] = "/tmp/viso-not-a-library-XXXXXX";
    (void)state;
    setenv("VISO_ONNXRUNTIME", "/nonexistent/libonnxruntime.so.1", 1);
    assert_int_equal(vi_runtime_open(&rt, NULL, &err), VISO_ERR_DEVICE);
    assert_null(rt);
    assert_non_null(strstr(err.text, "tried: /nonexistent/libonnxruntime.so.1"));
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "text", 4) == 4);
    close(fd);
    setenv("VISO_ONNXRUNTIME", path, 1);
    err = (viso_error){0};
    assert_int_equal(vi_runtime_open(&rt, NULL, &err), VISO_ERR_DEVICE);
    assert_non_null(strstr(err.text, "file too short"));
    remove(path);
    /* A library, but another one. */
    setenv("VISO_ONNXRUNTIME", "libm.so.6", 1);
    err = (viso_error){0};
    assert_int_equal(vi_runtime_open(&rt, NULL, &err), VISO_ERR_DEVICE);
    assert_non_null(strstr(err.text, "not ONNX Runtime"));
    setenv("VISO_ONNXRUNTIME", chosen, 1);
}

/* Each search in a process of its own, for a runtime once found stays. */
static void in_a_child(const char *choice, int want)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        viso_error err = {0};
        vi_runtime *rt;
        if (choice)
            setenv("VISO_ONNXRUNTIME", choice, 1);
        else
            unsetenv("VISO_ONNXRUNTIME");
        int code = vi_runtime_open(&rt, NULL, &err);
        if (code != want)
            fprintf(stderr, "%s\n", err.text);
        vi_runtime_close(&rt);
        _exit(code == want ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void every_way_to_the_runtime(void **state)
{
    char folder[1024];
    (void)state;
    /* Unset or empty: the usual places, among them the one known since the build. */
    in_a_child(NULL, 0);
    in_a_child("", 0);
    in_a_child("/tmp", VISO_ERR_DEVICE); /* a folder without it */
    if (chosen[0]) {
        snprintf(folder, sizeof folder, "%s", chosen);
        char *slash = strrchr(folder, '/');
        assert_non_null(slash);
        *slash = 0;
        in_a_child(folder, 0);
    }
}

static void the_runtime_tells_who_it_is(void **state)
{
    char names[16][40];
    bool cpu = false;
    (void)state;
    vi_runtime *a = open_runtime(), *b = open_runtime();
    assert_true(atoi(vi_runtime_version(a)) >= 1);
    assert_true(strlen(vi_runtime_path(a)) > 0);
    int n = vi_runtime_providers(a, names, 16);
    for (int i = 0; i < n; ++i)
        cpu |= strcmp(names[i], "CPUExecutionProvider") == 0;
    assert_true(cpu);
    vi_runtime_close(&a);
    assert_null(a);
    /* The other handle goes on working, and so does a new one after the last is closed. */
    vi_session *s = open_small(b);
    vi_runtime_close(&b);
    vi_session_close(&s);
    a = open_runtime();
    vi_runtime_close(&a);
    vi_runtime_close(&a);
}

static void a_session_tells_its_tensors_and_runs(void **state)
{
    viso_error err = {0};
    const vi_tensor_info *in, *out;
    vi_run *r;
    size_t n;
    (void)state;
    vi_runtime *rt = open_runtime();
    vi_session *s = open_small(rt);
    assert_int_equal(vi_session_inputs(s, &in), 1);
    assert_int_equal(vi_session_outputs(s, &out), 2);
    assert_string_equal(in[0].name, "x");
    assert_int_equal(in[0].type, VI_F32);
    assert_int_equal(in[0].n_dim, 2);
    assert_int_equal(in[0].dim[1], 4);
    assert_string_equal(vi_session_provider(s), "cpu");
    /* Outputs in the order asked for, not that of the graph. */
    assert_int_equal(vi_run_create(&r, s, &(vi_binding){.name = "x"}, 1, (vi_binding[]){{.name = "z"}, {.name = "y"}}, 2, &err), 0);
    float *x = vi_run_input(r, 0, &n);
    assert_int_equal(n, 4);
    const float *z = vi_run_output(r, 0, &n), *y = vi_run_output(r, 1, NULL);
    assert_int_equal((uintptr_t)x % 64, 0);
    assert_int_equal((uintptr_t)z % 64, 0);
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 4; ++i)
            x[i] = (float)round;
        assert_int_equal(vi_run_now(r, &err), 0);
        for (int i = 0; i < 4; ++i) {
            float want = fmaxf(0.0f, (float)(round - i));
            assert_true(y[i] == want);
            assert_true(z[i] == want * want);
        }
    }
    vi_run_destroy(&r);
    vi_session_close(&s);
    vi_runtime_close(&rt);
}

static void misfits_are_named(void **state)
{
    viso_error err = {0};
    vi_run *r;
    vi_session *s;
    (void)state;
    vi_runtime *rt = open_runtime();
    vi_session_params junk = {.data = "not a network", .size = 13, .name = "junk"};
    assert_int_equal(vi_session_open(&s, rt, &junk, &err), VISO_ERR_MODEL);
    assert_null(s);
    assert_int_equal(strncmp(err.text, "junk: cannot load the network: ", 31), 0);
    assert_null(strstr(err.text, "ONNXRuntimeError"));
    assert_true(strlen(err.text) > 40); /* something is left */
    err = (viso_error){0};
    assert_int_equal(vi_session_open(&s, rt, &(vi_session_params){.path = "/nonexistent/net.onnx"}, &err), VISO_ERR_INPUT);
    assert_non_null(strstr(err.text, "/nonexistent/net.onnx"));

    s = open_small(rt);
    const struct {
        vi_binding in, out;
        int n_in;
        const char *part;
    } cases[] = {
        {{.name = "w"}, {.name = "y"}, 1, "small: the network's input 'x' is not bound"},
        {{.name = "x"}, {.name = "y"}, 0, "small: the network's input 'x' is not bound"},
        {{.name = "x"}, {.name = "q"}, 1, "small: the network has no output named 'q'"},
        {{.name = "x", .dim = (const int64_t[]){1, 5}, .n_dim = 2}, {.name = "y"}, 1,
         "small: tensor 'x': dimension 1 is 4 in the network, 5 given"},
        {{.name = "x", .dim = (const int64_t[]){4}, .n_dim = 1}, {.name = "y"}, 1, "small: tensor 'x' has 2 dimensions, 1 given"},
    };
    for (size_t i = 0; i < VI_COUNT(cases); ++i) {
        err = (viso_error){0};
        assert_int_equal(vi_run_create(&r, s, &cases[i].in, cases[i].n_in, &cases[i].out, 1, &err), VISO_ERR_MODEL);
        assert_null(r);
        assert_string_equal(err.text, cases[i].part);
    }
    vi_session_close(&s);
    vi_runtime_close(&rt);
}

static void denormals_are_flushed_for_the_run_only(void **state)
{
#if defined(__SSE2__)
    viso_error err = {0};
    vi_run *r;
    (void)state;
    unsigned before = _mm_getcsr() & 0x8040;
    assert_int_equal(before, 0);
    vi_runtime *rt = open_runtime();
    vi_session *s = open_small(rt);
    assert_int_equal(vi_run_create(&r, s, &(vi_binding){.name = "x"}, 1, &(vi_binding){.name = "z"}, 1, &err), 0);
    float *x = vi_run_input(r, 0, NULL);
    const float *z = vi_run_output(r, 0, NULL);
    x[0] = 1e-20f; /* its square is below the smallest normal number, 1.2e-38 */
    assert_int_equal(vi_run_now(r, &err), 0);
    assert_true(z[0] == 0.0f);
    assert_int_equal(_mm_getcsr() & 0x8040, before);
    vi_run_destroy(&r);
    vi_session_close(&s);
    vi_runtime_close(&rt);
#else
    (void)state;
    skip();
#endif
}

/* Every allocation of ours in turn; the runtime's own are its affair. */
static void no_memory_is_an_error(void **state)
{
    size_t size;
    int failures = 0, code = VISO_ERR_NO_SPACE;
    uint8_t *data = small_net(&size);
    (void)state;
    for (int step = 0; code && step < 100; ++step) {
        viso_error err = {0};
        vi_runtime *rt = NULL;
        vi_session *s = NULL;
        vi_run *r = NULL;
        vi_session_params p = {.data = data, .size = size, .name = "small"};
        vi_alloc_fail_after(step);
        code = vi_runtime_open(&rt, NULL, &err);
        if (!code)
            code = vi_session_open(&s, rt, &p, &err);
        if (!code)
            code = vi_run_create(&r, s, &(vi_binding){.name = "x"}, 1, &(vi_binding){.name = "y"}, 1, &err);
        vi_alloc_fail_after(-1);
        if (code) {
            assert_int_equal(code, VISO_ERR_NO_SPACE);
            assert_null(r);
            ++failures;
        }
        vi_run_destroy(&r);
        vi_session_close(&s);
        vi_runtime_close(&rt);
    }
    assert_int_equal(code, 0);
    assert_true(failures >= 6);
    vi_free(data);
}

static void count_line(void *user, viso_log_level level, const char *object, const char *text)
{
    (void)level;
    assert_string_equal(object, "infer");
    assert_non_null(strstr(text, "onnxruntime: "));
    ++*(int *)user;
}

/* A graph whose constant nobody uses: the runtime says so. */
static void runtime_messages_reach_the_log(void **state)
{
    viso_error err = {0};
    int lines = 0;
    size_t size;
    uint8_t *data;
    int64_t dim[2] = {1, 4};
    vi_runtime *rt;
    vi_session *s;
    vi_log log = {.fn = count_line, .user = &lines, .level = VISO_LOG_TRACE, .name = "test"};
    (void)state;
    vi_onnx *g = vi_onnx_begin(1 << 20);
    vi_onnx_input(g, "x", dim, 2);
    vi_onnx_floats(g, "unused", dim, 2);
    vi_onnx_node(g, "Relu", "y", "x");
    vi_onnx_output(g, "y", dim, 2);
    assert_int_equal(vi_onnx_finish(g, "g", "g", &data, &size, &err), 0);
    vi_onnx_free(&g);
    assert_int_equal(vi_runtime_open(&rt, &log, &err), 0);
    vi_session_params p = {.data = data, .size = size, .name = "g"};
    assert_int_equal(vi_session_open(&s, rt, &p, &err), 0);
    assert_true(lines > 0);
    vi_session_close(&s);
    vi_runtime_close(&rt);
    vi_free(data);
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
    vi_run *r;
    w->wrong = 1;
    if (vi_run_create(&r, w->session, &(vi_binding){.name = "x"}, 1, &(vi_binding){.name = "y"}, 1, &err))
        return NULL;
    w->wrong = 0;
    float *x = vi_run_input(r, 0, NULL);
    const float *y = vi_run_output(r, 0, NULL);
    for (int n = 0; n < 500; ++n) {
        for (int i = 0; i < 4; ++i)
            x[i] = w->seed + (float)n;
        w->wrong += vi_run_now(r, &err) != 0;
        for (int i = 0; i < 4; ++i)
            w->wrong += y[i] != w->seed + (float)(n - i);
    }
    vi_run_destroy(&r);
    return NULL;
}

static void one_session_serves_many_threads(void **state)
{
    enum { THREADS = 4 };
    pthread_t id[THREADS];
    worker w[THREADS];
    (void)state;
    vi_runtime *rt = open_runtime();
    vi_session *s = open_small(rt);
    for (int i = 0; i < THREADS; ++i) {
        w[i] = (worker){.session = s, .seed = 1000.0f * (float)(i + 1)};
        assert_int_equal(pthread_create(&id[i], NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(id[i], NULL);
        assert_int_equal(w[i].wrong, 0);
    }
    vi_session_close(&s);
    vi_runtime_close(&rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_runtime_names_the_places),   cmocka_unit_test(every_way_to_the_runtime),
        cmocka_unit_test(the_runtime_tells_who_it_is),
        cmocka_unit_test(a_session_tells_its_tensors_and_runs), cmocka_unit_test(misfits_are_named),
        cmocka_unit_test(no_memory_is_an_error), cmocka_unit_test(runtime_messages_reach_the_log),
        cmocka_unit_test(denormals_are_flushed_for_the_run_only), cmocka_unit_test(one_session_serves_many_threads),
    };
    const char *env = getenv("VISO_ONNXRUNTIME");
    snprintf(chosen, sizeof chosen, "%s", env ? env : "");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
