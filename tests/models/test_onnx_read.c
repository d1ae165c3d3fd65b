/* tests/models/test_onnx_read.c: initialisers and signatures out of ONNX files written here, field by field. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../test.h"
#include "models/onnx_read.h"
#include "proto.h"

static const float four[4] = {1.5f, -2.0f, 3.25f, 1e-3f};

static void the_last_and_the_named(void **state)
{
    msg graph = {.n = 0}, t = tensor("first", 1, 2, 2);
    viso_error err = {0};
    vi_onnx_values v;
    static const uint8_t half[8] = {0x00, 0x3e, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c}; /* 1.5, -2, 2^-24, inf */
    static const double wide[2] = {0.5, -8};
    (void)state;
    blob(&t, 9, four, sizeof four);
    text(&graph, 2, "graph");
    sub(&graph, 5, &t);
    t = tensor("half", 10, 4, 0);
    blob(&t, 9, half, sizeof half);
    sub(&graph, 5, &t);
    t = tensor("wide", 11, 2, 0);
    blob(&t, 9, wide, sizeof wide);
    sub(&graph, 5, &t);
    t = tensor("emap", 1, 1, 4); /* as float_data */
    blob(&t, 4, four, sizeof four);
    sub(&graph, 5, &t);
    msg m = model(&graph);
    assert_int_equal(vi_onnx_initialiser_of(m.p, m.n, NULL, NULL, &v, &err), 0);
    assert_string_equal(v.name, "emap");
    assert_int_equal(v.count, 4);
    assert_int_equal(v.n_dim, 2);
    assert_int_equal(v.dim[1], 4);
    assert_memory_equal(v.value, four, sizeof four);
    vi_onnx_values_free(&v);
    assert_int_equal(vi_onnx_initialiser_of(m.p, m.n, NULL, "first", &v, &err), 0);
    assert_int_equal(v.dim[0], 2);
    assert_memory_equal(v.value, four, sizeof four);
    vi_onnx_values_free(&v);
    assert_int_equal(vi_onnx_initialiser_of(m.p, m.n, NULL, "half", &v, &err), 0);
    assert_true(v.value[0] == 1.5f && v.value[1] == -2.0f && v.value[2] == ldexpf(1, -24) && isinf(v.value[3]));
    vi_onnx_values_free(&v);
    assert_int_equal(vi_onnx_initialiser_of(m.p, m.n, NULL, "wide", &v, &err), 0);
    assert_true(v.value[0] == 0.5f && v.value[1] == -8.0f);
    vi_onnx_values_free(&v);
    assert_int_equal(vi_onnx_initialiser_of(m.p, m.n, "x.onnx", "firs", &v, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "x.onnx: no initialiser 'firs'"));
    assert_null(v.value);
}

static void expect_fault(const msg *t, const char *part)
{
    msg graph = {.n = 0};
    viso_error err = {0};
    vi_onnx_values v;
    sub(&graph, 5, t);
    msg m = model(&graph);
    assert_int_equal(vi_onnx_initialiser_of(m.p, m.n, NULL, NULL, &v, &err), VISO_ERR_MODEL);
    if (!strstr(err.text, part))
        fail_msg("'%s' lacks '%s'", err.text, part);
    assert_null(v.value);
}

static void wrong_tensors(void **state)
{
    (void)state;
    msg t = tensor("t", 1, 2, 3); /* six numbers announced, four there */
    blob(&t, 9, four, sizeof four);
    expect_fault(&t, "'t': its data do not fit its shape");
    t = tensor("t", 1, 2, 2);
    blob(&t, 9, four, sizeof four - 1);
    expect_fault(&t, "do not fit");
    t = tensor("t", 1, 0, 0);
    expect_fault(&t, "empty");
    t = tensor("t", 7, 2, 0);
    blob(&t, 9, four, sizeof four);
    expect_fault(&t, "floating-point");
    t = tensor("t", 1, INT32_MAX, INT32_MAX);
    number(&t, 1, INT32_MAX);
    number(&t, 1, INT32_MAX);
    blob(&t, 9, four, sizeof four);
    expect_fault(&t, "larger than any file");
    t = tensor("t", 1, 2, 2);
    number(&t, 1, UINT64_MAX);
    expect_fault(&t, "out of range");
    t = tensor("t", 1, 1, 1);
    for (int i = 0; i < 9; ++i)
        number(&t, 1, 1);
    expect_fault(&t, "out of range");
}

static char dir[256];

static void put(const char *name, const void *data, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(vi_file_write(path, data, n, NULL), 0);
}

static void external(const char *location, const char *offset, const char *length, const char *fault)
{
    msg graph = {.n = 0}, t = tensor("far", 1, 2, 2);
    const char *const pair[3][2] = {{"location", location}, {"offset", offset}, {"length", length}};
    char path[512];
    viso_error err = {0};
    vi_onnx_values v;
    number(&t, 14, 1);
    for (int i = 0; i < 3; ++i) {
        msg e = {.n = 0};
        if (!pair[i][1])
            continue;
        text(&e, 1, pair[i][0]);
        text(&e, 2, pair[i][1]);
        sub(&t, 13, &e);
    }
    sub(&graph, 5, &t);
    msg m = model(&graph);
    put("far.onnx", m.p, m.n);
    snprintf(path, sizeof path, "%s/far.onnx", dir);
    int code = vi_onnx_initialiser(path, "far", &v, &err);
    if (!fault) {
        assert_int_equal(code, 0);
        assert_memory_equal(v.value, four, sizeof four);
        vi_onnx_values_free(&v);
        return;
    }
    assert_int_equal(code, VISO_ERR_MODEL);
    if (!strstr(err.text, fault) || !strstr(err.text, "far.onnx"))
        fail_msg("'%s' lacks '%s'", err.text, fault);
}

/* sub/sum.onnx: y = x + w, w in another file. */
static void put_sum(const char *location)
{
    static const int two[2] = {2, 2};
    const char *const entry[3][2] = {{"location", location}, {"offset", "24"}, {"length", "16"}};
    msg graph = {.n = 0}, t = tensor("w", 1, 2, 2), node = {.n = 0}, opset = {.n = 0};
    msg x = value("x", 1, 2, two), y = value("y", 1, 2, two);
    number(&t, 14, 1);
    for (int i = 0; i < 3; ++i) {
        msg e = {.n = 0};
        text(&e, 1, entry[i][0]);
        text(&e, 2, entry[i][1]);
        sub(&t, 13, &e);
    }
    text(&node, 1, "x");
    text(&node, 1, "w");
    text(&node, 2, "y");
    text(&node, 4, "Add");
    sub(&graph, 1, &node);
    text(&graph, 2, "sum");
    sub(&graph, 5, &t);
    sub(&graph, 11, &x);
    sub(&graph, 12, &y);
    msg whole = model(&graph);
    number(&opset, 2, 13);
    sub(&whole, 8, &opset);
    put("sub/sum.onnx", whole.p, whole.n);
}

static void expect_sum(bool loads)
{
    viso_error err = {0};
    vi_models *m;
    vi_run *r;
    assert_int_equal(vi_models_open(&m, &(vi_models_params){.dir = dir}, &err), 0);
    int code = vi_models_run(m, "sum", &r, NULL, &err);
    if (loads) {
        if (code || vi_run_now(r, &err)) /* x is zero */
            fail_msg("%s", err.text);
        assert_memory_equal(vi_run_output(r, 0, NULL), four, sizeof four);
    } else {
        assert_int_equal(code, VISO_ERR_MODEL);
        assert_non_null(strstr(err.text, "sum: cannot load the network"));
    }
    vi_run_destroy(&r);
    vi_models_close(&m);
}

static void weights_beside_the_model_are_found(void **state)
{
    static const char manifest[] =
        "{\"version\": 1, \"models\": [{\"id\": \"sum\", \"role\": \"test\", \"label\": \"sum\", \"file\": \"sub/sum.onnx\", "
        "\"licence\": \"MIT\", \"commercial\": \"yes\", \"inputs\": [{\"role\": \"x\", \"tensor\": \"x\", \"shape\": [2, 2]}], "
        "\"outputs\": [{\"role\": \"y\", \"tensor\": \"y\", \"shape\": [2, 2]}]}]}";
    uint8_t file[40] = {0};
    char path[300], command[400];
    (void)state;
    snprintf(dir, sizeof dir, "%s/viso-onnx-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/sub", dir);
    assert_int_equal(mkdir(path, 0777), 0);
    memcpy(file + 24, four, sizeof four);
    put("manifest.json", manifest, sizeof manifest - 1);
    put_sum("beside.bin");
    expect_sum(false); /* missing */
    put("sub/beside.bin", file, 30);
    expect_sum(false); /* too short */
    put("sub/beside.bin", file, sizeof file);
    expect_sum(true);
    put("outside.bin", file, sizeof file); /* a model reaches no file outside its folder */
    put_sum("../outside.bin");
    expect_sum(false);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

static void external_data(void **state)
{
    char command[400], path[512];
    uint8_t file[40] = {0};
    viso_error err = {0};
    vi_onnx_values v;
    (void)state;
    snprintf(dir, sizeof dir, "%s/viso-onnx-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(dir));
    memcpy(file + 24, four, sizeof four);
    put("weights.bin", file, sizeof file);
    put("whole.bin", four, sizeof four);
    external("weights.bin", "24", "16", NULL);
    external("weights.bin", "24", NULL, NULL);
    external("whole.bin", NULL, NULL, NULL);
    external("weights.bin", "25", "16", "outside their file");
    external("weights.bin", "41", NULL, "outside their file");
    external("weights.bin", "0", "16x", "no number");
    external("weights.bin", "99999999999999999999999", "16", "no number");
    external("weights.bin", "0", "12", "do not fit");
    external("../weights.bin", "24", "16", "outside the folder");
    external("/etc/passwd", NULL, NULL, "outside the folder");
    external("a/../../b", NULL, NULL, "outside the folder");
    external("none.bin", NULL, NULL, "cannot be read");
    external(NULL, NULL, NULL, "missing");
    snprintf(path, sizeof path, "%s/absent.onnx", dir);
    assert_int_equal(vi_onnx_initialiser(path, NULL, &v, &err), VISO_ERR_INPUT);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

static msg whole_model(void)
{
    static const int image[4] = {1, 3, -1, -1}, latent[2] = {1, 512}, weight[2] = {2, 2};
    msg graph = {.n = 0}, t = tensor("w", 1, 2, 2), v;
    blob(&t, 9, four, sizeof four);
    v = value("w", 1, 2, weight); /* as old files do */
    sub(&graph, 11, &v);
    v = value("target", 1, 4, image);
    sub(&graph, 11, &v);
    v = value("source", 10, 2, latent);
    sub(&graph, 11, &v);
    v = value("output", 1, -1, NULL);
    sub(&graph, 12, &v);
    sub(&graph, 5, &t);
    return model(&graph);
}

static void signatures(void **state)
{
    vi_onnx_signature *s = vi_calloc(1, sizeof *s);
    msg m = whole_model();
    (void)state;
    assert_non_null(s);
    assert_null(vi_onnx_read_signature(m.p, m.n, s));
    assert_int_equal(s->n_in, 2); /* the weights are no input */
    assert_int_equal(s->n_out, 1);
    assert_string_equal(s->in[0].name, "target");
    assert_string_equal(s->in[0].type, "float32");
    assert_int_equal(s->in[0].n_dim, 4);
    assert_int_equal(s->in[0].dim[1], 3);
    assert_int_equal(s->in[0].dim[2], -1);
    assert_string_equal(s->in[1].type, "float16");
    assert_int_equal(s->out[0].n_dim, -1);
    assert_string_equal(s->external, "");
    assert_non_null(vi_onnx_read_signature((const uint8_t *)"hello", 5, s));
    assert_non_null(vi_onnx_read_signature(m.p, 0, s));
    vi_free(s);
}

/* Whatever is cut off or turned over: a fault or an answer, never a step outside (the sanitisers' part). */
static void damage_is_survived(void **state)
{
    vi_onnx_signature *s = vi_calloc(1, sizeof *s);
    msg m = whole_model();
    int faults = 0;
    (void)state;
    for (size_t cut = 0; cut < m.n; ++cut) {
        uint8_t *copy = vi_alloc(cut ? cut : 1); /* of exactly this size */
        vi_onnx_values v;
        memcpy(copy, m.p, cut);
        faults += vi_onnx_read_signature(copy, cut, s) != NULL;
        if (vi_onnx_initialiser_of(copy, cut, NULL, NULL, &v, NULL) == 0)
            vi_onnx_values_free(&v);
        vi_free(copy);
    }
    assert_true(faults > (int)m.n - 4);
    for (size_t i = 0; i < m.n * 8; ++i) {
        vi_onnx_values v;
        m.p[i / 8] ^= (uint8_t)(1 << i % 8);
        vi_onnx_read_signature(m.p, m.n, s);
        if (vi_onnx_initialiser_of(m.p, m.n, NULL, "w", &v, NULL) == 0)
            vi_onnx_values_free(&v);
        m.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    vi_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_and_the_named), cmocka_unit_test(wrong_tensors), cmocka_unit_test(external_data),
        cmocka_unit_test(weights_beside_the_model_are_found),
        cmocka_unit_test(signatures),             cmocka_unit_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
