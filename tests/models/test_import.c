/* tests/models/test_import.c: viso_models_adopt over networks written here: recognised by digest, by signature, not at all. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../test.h"
#include "models/models.h"
#include "proto.h"
#include "viso/model.h"

static char dir[256];

static void path_of(char path[512], const char *name)
{
    snprintf(path, 512, "%s/%s", dir, name);
}

static void put(const char *name, const void *data, size_t n)
{
    char path[512];
    path_of(path, name);
    assert_int_equal(vi_file_write(path, data, n, NULL), 0);
}

static bool is_there(const char *name)
{
    char path[512];
    path_of(path, name);
    return vi_file_exists(path);
}

/* A network without nodes: two inputs, one output. `salt` makes another file of the same signature. */
static msg network(const char *image, const char *latent, const char *output, int size, const char *salt)
{
    const int picture[4] = {1, 3, size, size}, vector[2] = {1, 512};
    msg graph = {.n = 0}, v = value(image, 1, 4, picture);
    text(&graph, 2, salt);
    sub(&graph, 11, &v);
    if (latent) {
        v = value(latent, 1, 2, vector);
        sub(&graph, 11, &v);
    }
    v = value(output, 1, 4, picture);
    sub(&graph, 12, &v);
    return model(&graph);
}

static void row(char *to, size_t size, const char *id, const char *image, const char *latent, const char *output, int side,
                const msg *file)
{
    char hex[65] = "", second[200] = "";
    if (file)
        vi_sha256(file->p, file->n, hex);
    if (latent)
        snprintf(second, sizeof second, ", {\"role\": \"latent\", \"tensor\": \"%s\", \"shape\": [1, 512]}", latent);
    snprintf(to + strlen(to), size - strlen(to),
             "%s{\"id\": \"%s\", \"role\": \"swapper\", \"label\": \"Label\", \"file\": \"%s.onnx\", \"sha256\": \"%s\", "
             "\"licence\": \"MIT\", \"commercial\": \"yes\", \"preset\": \"p\", \"result\": [-1, 1], \"template\": \"ffhq512\", "
             "\"urls\": [\"https://a.invalid/x\"], \"image\": {\"order\": \"bgr\", \"scale\": [2, 2, 2], \"offset\": [-1, -1, -1]}, "
             "\"inputs\": [{\"role\": \"image\", \"tensor\": \"%s\", \"shape\": [1, 3, %d, %d]}%s], "
             "\"outputs\": [{\"role\": \"result\", \"tensor\": \"%s\", \"shape\": [1, 3, %d, %d]}]}",
             *to ? ", " : "", id, id, hex, image, side, side, second, output, side, side);
}

static int group_setup(void **state)
{
    char rows[6000] = "", text_[6200];
    msg known = network("target", "source", "output", 128, "the known one");
    (void)state;
    snprintf(dir, sizeof dir, "%s/viso-import-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    setenv("XDG_CACHE_HOME", dir, 1);
    setenv("XDG_CONFIG_HOME", dir, 1);
    row(rows, sizeof rows, "known", "target", "source", "output", 128, &known);
    row(rows, sizeof rows, "twin-a", "input", NULL, "output", 512, NULL);
    row(rows, sizeof rows, "twin-b", "input", NULL, "output", 512, NULL);
    row(rows, sizeof rows, "numbered", "#0", NULL, "#0", 96, NULL);
    int n = snprintf(text_, sizeof text_, "{\"version\": 1, \"models\": [%s]}", rows);
    put("manifest.json", text_, (size_t)n);
    return 0;
}

static int group_teardown(void **state)
{
    char command[400];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

/* Imports DIR/name and hands out what was said; freed by the caller. */
static char *import(const char *name, const char *as)
{
    char path[512], *said;
    viso_error err = {0};
    path_of(path, name);
    if (viso_models_adopt(dir, path, as, &said, &err))
        fail_msg("%s", err.text);
    return said;
}

static void expect_said(char *said, const char *a, const char *b)
{
    if (!strstr(said, a) || !strstr(said, b))
        fail_msg("'%s' lacks '%s' or '%s'", said, a, b);
    vi_free(said);
}

static void expect_refusal(const char *name, const char *as, int code, const char *part)
{
    char path[512], *said;
    viso_error err = {0};
    path_of(path, name);
    assert_int_equal(viso_models_adopt(dir, path, as, &said, &err), code);
    assert_null(said);
    if (!strstr(err.text, part))
        fail_msg("'%s' lacks '%s'", err.text, part);
}

static void by_digest(void **state)
{
    msg m = network("target", "source", "output", 128, "the known one");
    (void)state;
    put("downloaded (1).bin", m.p, m.n);
    expect_said(import("downloaded (1).bin", NULL), "installed as known", "Certain");
    assert_true(is_there("known.onnx"));
    expect_said(import("known.onnx", NULL), "installed as known", "Certain"); /* where it is already */
    assert_true(is_there("known.onnx"));
    assert_false(is_there("models.d"));
}

static void by_signature(void **state)
{
    msg m = network("target", "source", "output", 128, "another training");
    char hex[65], id[80], file[90];
    viso_error err = {0};
    (void)state;
    put("mine.onnx", m.p, m.n);
    vi_sha256(m.p, m.n, hex);
    snprintf(id, sizeof id, "known-%.8s", hex);
    snprintf(file, sizeof file, "%s.onnx", id);
    expect_said(import("mine.onnx", NULL), id, "Likely: all tensors agree with those of known");
    assert_true(is_there(file));
    /* It has a row of its own now, with the recipe of its kind. */
    vi_models *models;
    assert_int_equal(vi_models_open(&models, &(vi_models_params){.dir = dir}, &err), 0);
    const vi_model_row *r = vi_models_find(models, id), *k = vi_models_find(models, "known");
    assert_non_null(r);
    assert_string_equal(r->sha256, hex);
    assert_string_not_equal(k->sha256, hex);
    assert_string_equal(r->licence, "unknown"); /* that of the kind says nothing of this file */
    assert_string_equal(r->role, "swapper");
    assert_true(r->bgr && r->scale[1] == 2 && r->offset[2] == -1 && r->has_result && r->result[0] == -1);
    assert_string_equal(r->crop, "ffhq512");
    assert_int_equal(r->n_role, 3);
    assert_string_equal(r->tensor[1].tensor, "source");
    assert_int_equal(r->tensor[1].dim[1], 512);
    assert_int_equal(r->n_url, 0);
    assert_string_equal(r->preset, "");
    assert_string_equal(vi_models_state(models, (int)(r - vi_models_row(models, 0)), true), "installed");
    vi_models_close(&models);
    /* Again: known by its digest. */
    expect_said(import("mine.onnx", NULL), id, "Certain");
}

static void in_doubt_the_user_is_asked(void **state)
{
    msg m = network("input", NULL, "output", 512, "which");
    (void)state;
    put("which.onnx", m.p, m.n);
    expect_refusal("which.onnx", NULL, VISO_ERR_INPUT, "fit twin-a, twin-b; say which it is with --as");
    expect_refusal("which.onnx", "known", VISO_ERR_INPUT, "do not fit model known");
    expect_refusal("which.onnx", "nothing", VISO_ERR_USAGE, "'nothing' is not in the manifest");
    expect_said(import("which.onnx", "twin-b"), "twin-b-", "Likely");
    m = network("x", NULL, "y", 96, "numbers only");
    put("numbers.onnx", m.p, m.n);
    expect_refusal("numbers.onnx", NULL, VISO_ERR_INPUT, "fit numbered; say which");
    expect_said(import("numbers.onnx", "numbered"), "numbered-", "Possible, on your word");
}

static void what_is_not_known_is_refused(void **state)
{
    msg m = network("target", "source", "output", 256, "another size");
    (void)state;
    put("size.onnx", m.p, m.n);
    expect_refusal("size.onnx", NULL, VISO_ERR_INPUT, "not one of the known networks");
    m = network("target", NULL, "output", 128, "one input is missing");
    put("inputs.onnx", m.p, m.n);
    expect_refusal("inputs.onnx", NULL, VISO_ERR_INPUT, "1 inputs: 'target' float32");
    put("text.onnx", "hello, world", 12);
    expect_refusal("text.onnx", NULL, VISO_ERR_INPUT, "text.onnx");
    put("empty.onnx", "", 0);
    expect_refusal("empty.onnx", NULL, VISO_ERR_INPUT, "empty.onnx");
    expect_refusal("absent.onnx", NULL, VISO_ERR_INPUT, "no such file");
    expect_refusal(".", NULL, VISO_ERR_INPUT, "no such file");
    /* Weights beside the file would stay behind. */
    msg graph = {.n = 0}, t = tensor("w", 1, 2, 2), e = {.n = 0};
    const int picture[4] = {1, 3, 8, 8};
    text(&e, 1, "location");
    text(&e, 2, "weights.bin");
    sub(&t, 13, &e);
    msg v = value("a", 1, 4, picture);
    sub(&graph, 11, &v);
    sub(&graph, 12, &v);
    sub(&graph, 5, &t);
    m = model(&graph);
    put("beside.onnx", m.p, m.n);
    expect_refusal("beside.onnx", NULL, VISO_ERR_INPUT, "weights.bin");
}

/* One node, y = Cast(w): CodeFormer takes its weight as float64. */
static void numbers_of_eight_bytes(void **state)
{
    static const int one[1] = {1};
    msg graph = {.n = 0}, node = {.n = 0}, to = {.n = 0}, opset = {.n = 0}, m = {.n = 0}, v = value("w", 11, 1, one);
    char rows[700];
    viso_error err = {0};
    vi_models *models;
    vi_run *r = NULL;
    (void)state;
    text(&to, 1, "to");
    number(&to, 3, 1);
    number(&to, 20, 2);
    text(&node, 1, "w");
    text(&node, 2, "y");
    text(&node, 4, "Cast");
    sub(&node, 5, &to);
    sub(&graph, 1, &node);
    text(&graph, 2, "g");
    sub(&graph, 11, &v);
    v = value("y", 1, 1, one);
    sub(&graph, 12, &v);
    number(&m, 1, 8);
    sub(&m, 7, &graph);
    number(&opset, 2, 13);
    sub(&m, 8, &opset);
    put("wide.onnx", m.p, m.n);
    int n = snprintf(rows, sizeof rows,
                     "{\"version\": 1, \"models\": [{\"id\": \"wide\", \"role\": \"restorer\", \"label\": \"l\", "
                     "\"file\": \"wide.onnx\", "
                     "\"licence\": \"MIT\", \"commercial\": \"yes\", \"inputs\": [{\"role\": \"fidelity\", \"tensor\": \"w\", "
                     "\"type\": \"float64\", \"shape\": [1]}], "
                     "\"outputs\": [{\"role\": \"result\", \"tensor\": \"y\", \"shape\": [1]}]}]}");
    char path[512];
    path_of(path, "models.d");
    mkdir(path, 0777);
    put("models.d/wide.json", rows, (size_t)n);
    assert_int_equal(vi_models_open(&models, &(vi_models_params){.dir = dir}, &err), 0);
    if (vi_models_run(models, "wide", &r, NULL, &err))
        fail_msg("%s", err.text);
    *(double *)vi_run_input(r, 0, NULL) = 0.75;
    assert_int_equal(vi_run_now(r, &err), 0);
    assert_true(*(const float *)vi_run_output(r, 0, NULL) == 0.75f);
    vi_run_destroy(&r);
    vi_models_close(&models);
}

static void deepfacelive(void **state)
{
    static const int picture[4] = {-1, 224, 224, 3}, one[1] = {1}, mask[4] = {-1, 224, 224, 1};
    msg graph = {.n = 0}, v = value("in_face:0", 1, 4, picture);
    viso_error err = {0};
    (void)state;
    sub(&graph, 11, &v);
    v = value("morph_value:0", 1, 1, one);
    sub(&graph, 11, &v);
    v = value("out_face_mask:0", 1, 4, mask);
    sub(&graph, 12, &v);
    v = value("out_celeb_face:0", 1, 4, picture);
    sub(&graph, 12, &v);
    v = value("out_celeb_face_mask:0", 1, 4, mask);
    sub(&graph, 12, &v);
    msg m = model(&graph);
    put("Some One.dfm", m.p, m.n);
    expect_said(import("Some One.dfm", NULL), "installed as dfm-some_one", "Likely a DeepFaceLive model");
    assert_true(is_there("dfm-some_one.dfm"));
    vi_models *models;
    assert_int_equal(vi_models_open(&models, &(vi_models_params){.dir = dir}, &err), 0);
    const vi_model_row *r = vi_models_find(models, "dfm-some_one");
    assert_non_null(r);
    assert_true(r->bgr && r->nhwc);
    assert_int_equal(vi_model_role_index(r, "morph"), 1);
    assert_int_equal(vi_model_role_index(r, "result"), 1);
    assert_int_equal(r->tensor[0].dim[1], 224);
    vi_models_close(&models);
    expect_said(import("Some One.dfm", NULL), "dfm-some_one", "Certain");
    /* Another of the same name. */
    number(&m, 5, 2);
    put("Some One.dfm", m.p, m.n);
    expect_said(import("Some One.dfm", NULL), "installed as dfm-some_one-", "Likely");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_digest),
        cmocka_unit_test(by_signature),
        cmocka_unit_test(in_doubt_the_user_is_asked),
        cmocka_unit_test(what_is_not_known_is_refused),
        cmocka_unit_test(deepfacelive),
        cmocka_unit_test(numbers_of_eight_bytes),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
