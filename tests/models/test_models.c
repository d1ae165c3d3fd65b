/* tests/models/test_models.c: manifest, lookup, digests, contract, and the public calls - over a folder made here. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../test.h"
#include "graphs.h"
#include "models/internal.h"
#include "viso/model.h"

static char dir[256];

static void path_of(char path[512], const char *name)
{
    snprintf(path, 512, "%s/%s", dir, name);
}

static void put_file(const char *name, const void *data, size_t size)
{
    char path[512];
    path_of(path, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void put_manifest(const char *rows)
{
    char text[4096];
    int n = snprintf(text, sizeof text, "{\"version\": 1, \"models\": [%s]}", rows);
    put_file("manifest.json", text, (size_t)n);
}

/* A row with the file's real digest, or another. */
static const char *row(const char *id, const char *file, const char *sha256, const char *tensors)
{
    static char text[2000];
    snprintf(text, sizeof text,
             "{\"id\": \"%s\", \"role\": \"test\", \"label\": \"a test\", \"file\": \"%s\", \"sha256\": \"%s\", "
             "\"licence\": \"MIT\", \"commercial\": \"yes\"%s}",
             id, file, sha256, tensors);
    return text;
}

#define DETECTOR_IN ", \"inputs\": [{\"role\": \"image\", \"tensor\": \"input\", \"shape\": [1, 3, 8, 8]}]"
#define DETECTOR_OUT ", \"outputs\": [{\"role\": \"boxes\", \"tensor\": \"boxes\", \"shape\": [1, 80, 6]}]"

static char net_sha[65];

static int group_setup(void **state)
{
    viso_error err = {0};
    size_t size, n;
    uint8_t *file = graph_file(0, &size), *onnx;
    (void)state;
    snprintf(dir, sizeof dir, "%s/viso-models-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir) || vi_tflite_to_onnx(file, size, "net", &onnx, &n, &err))
        return -1;
    char own[512];
    path_of(own, "cache");
    mkdir(own, 0777);
    setenv("XDG_CACHE_HOME", own, 1);
    setenv("XDG_CONFIG_HOME", own, 1);
    put_file("net.onnx", onnx, n);
    vi_sha256(onnx, n, net_sha);
    vi_free(onnx);
    put_file("net.tflite", file, size);
    vi_free(file);
    return 0;
}

static int group_teardown(void **state)
{
    char command[400];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static vi_models *open_models(void)
{
    vi_models *m;
    viso_error err = {0};
    if (vi_models_open(&m, &(vi_models_params){.dir = dir}, &err))
        fail_msg("%s", err.text);
    return m;
}

static void a_model_runs_by_role(void **state)
{
    viso_error err = {0};
    vi_run *r;
    const vi_model_row *found;
    vi_session *a, *b;
    size_t n;
    (void)state;
    put_manifest(row("net", "net.onnx", net_sha, DETECTOR_IN DETECTOR_OUT));
    vi_models *m = open_models();
    assert_int_equal(vi_models_run(m, "net", &r, &found, &err), 0);
    assert_string_equal(found->role, "test");
    assert_int_equal(vi_model_role_index(found, "image"), 0);
    assert_int_equal(vi_model_role_index(found, "boxes"), 0);
    assert_int_equal(vi_model_role_index(found, "nothing"), -1);
    vi_run_input(r, 0, &n);
    assert_int_equal(n, 3 * 8 * 8);
    vi_run_output(r, 0, &n);
    assert_int_equal(n, 80 * 6);
    assert_int_equal(vi_run_now(r, &err), 0);
    vi_run_destroy(&r);
    assert_int_equal(vi_models_session(m, "net", &a, NULL, &err), 0);
    assert_int_equal(vi_models_session(m, "net", &b, NULL, &err), 0);
    assert_ptr_equal(a, b); /* loaded once */
    char kept[512];
    path_of(kept, "cache/Microsoft"); /* where the runtime would keep its record of use, to send it */
    assert_false(vi_file_exists(kept));
    vi_models_close(&m);
    assert_null(m);
}

static void expect_failure(const char *id, const char *part)
{
    viso_error err = {0};
    vi_session *s;
    vi_models *m = open_models();
    assert_int_equal(vi_models_session(m, id, &s, NULL, &err), VISO_ERR_MODEL);
    assert_null(s);
    if (!strstr(err.text, part))
        fail_msg("'%s' lacks '%s'", err.text, part);
    vi_models_close(&m);
}

static void faults_name_the_model(void **state)
{
    char zeros[65];
    (void)state;
    memset(zeros, '0', 64);
    zeros[64] = 0;
    put_manifest(row("net", "absent.onnx", "", DETECTOR_IN));
    expect_failure("net", "model net is missing: no absent.onnx in");
    expect_failure("other", "model 'other' is not in the manifest");
    put_manifest(row("net", "net.onnx", zeros, DETECTOR_IN));
    expect_failure("net", "model net is damaged");
    put_file("text.onnx", "hello", 5);
    put_manifest(row("net", "text.onnx", "", DETECTOR_IN));
    expect_failure("net", "net: cannot load the network");
    put_manifest(row("net", "net.onnx", "", ""));
    expect_failure("net", "not a network");
}

static void the_contract_is_checked_at_load(void **state)
{
    (void)state;
    put_manifest(row("net", "net.onnx", net_sha, ", \"inputs\": [{\"role\": \"image\", \"tensor\": \"picture\", \"shape\": [1]}]"));
    expect_failure("net", "model net: input 'image': expected a tensor 'picture' in net.onnx, found none (first input: 'input')");
    put_manifest(row("net", "net.onnx", net_sha,
                     DETECTOR_IN ", \"outputs\": [{\"role\": \"b\", \"tensor\": \"boxes\", \"shape\": [1, 896, 16]}]"));
    expect_failure("net", "model net: output 'b', tensor 'boxes' in net.onnx: expected shape [1,896,16], found [1,80,6]");
    put_manifest(row("net", "net.onnx", net_sha,
                     DETECTOR_IN ", \"outputs\": [{\"role\": \"b\", \"tensor\": \"boxes\", \"shape\": [1, 480]}]"));
    expect_failure("net", "expected shape [1,480], found [1,80,6]");
    put_manifest(row("net", "net.onnx", net_sha,
                     ", \"inputs\": [{\"role\": \"image\", \"tensor\": \"input\", \"type\": \"int64\", \"shape\": [1,3,8,8]}]"));
    expect_failure("net", "expected int64 numbers, found float32");
    put_manifest(row("net", "net.onnx", net_sha, ", \"inputs\": [{\"role\": \"image\", \"tensor\": \"#1\"}]"));
    expect_failure("net", "expected a tensor '#1' in net.onnx, found none");
    /* By number, and with a shape nobody knows. */
    put_manifest(row("net", "net.onnx", net_sha,
                     ", \"inputs\": [{\"role\": \"image\", \"tensor\": \"#0\"}], \"outputs\": [{\"role\": \"b\", \"tensor\": \"boxes\"}]"));
    vi_models *by_number = open_models();
    vi_run *run;
    viso_error none = {0};
    assert_int_equal(vi_models_run(by_number, "net", &run, NULL, &none), 0);
    size_t n_values;
    vi_run_output(run, 0, &n_values);
    assert_int_equal(n_values, 80 * 6);
    vi_run_destroy(&run);
    vi_models_close(&by_number);
    /* A free size in the row fits any. */
    put_manifest(row("net", "net.onnx", net_sha,
                     DETECTOR_IN ", \"outputs\": [{\"role\": \"b\", \"tensor\": \"boxes\", \"shape\": [1, -1, 6]}]"));
    vi_models *m = open_models();
    vi_run *r;
    viso_error err = {0};
    assert_int_equal(vi_models_run(m, "net", &r, NULL, &err), 0);
    vi_run_destroy(&r);
    vi_models_close(&m);
}

static void states_and_blobs(void **state)
{
    char hex[65], rows[4096];
    uint8_t *data;
    size_t size;
    viso_error err = {0};
    (void)state;
    put_file("blob.bin", "0123456789", 10);
    vi_sha256("0123456789", 10, hex);
    snprintf(rows, sizeof rows, "%s", row("blob", "blob.bin", hex, ", \"bytes\": 10"));
    strcat(rows, ",");
    strcat(rows, row("gone", "gone.bin", "", ""));
    put_manifest(rows);
    vi_models *m = open_models();
    assert_int_equal(vi_models_count(m), 2);
    assert_string_equal(vi_models_state(m, 0, true), "installed");
    assert_string_equal(vi_models_state(m, 1, true), "missing");
    assert_int_equal(vi_models_blob(m, "blob", &data, &size, &err), 0);
    assert_int_equal(size, 10);
    assert_memory_equal(data, "0123456789", 10);
    vi_free(data);
    put_file("blob.bin", "0123456780", 10);
    assert_string_equal(vi_models_state(m, 0, false), "installed"); /* same length: only the digest tells */
    assert_string_equal(vi_models_state(m, 0, true), "damaged");
    assert_int_equal(vi_models_blob(m, "blob", &data, &size, &err), VISO_ERR_MODEL);
    assert_null(data);
    put_file("blob.bin", "012", 3);
    assert_string_equal(vi_models_state(m, 0, false), "damaged");
    vi_models_close(&m);
}

/* A file large enough to be worth remembering: a sparse one of 17 MiB. */
static void put_large(const char *path, char last, time_t when)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fseek(f, (17 << 20) - 1, SEEK_SET), 0);
    fputc(last, f);
    assert_int_equal(fclose(f), 0);
    struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static const char *fresh_state(bool now)
{
    vi_models *m = open_models();
    const char *text = now ? vi_models_state_now(m, 0) : vi_models_state(m, 0, true);
    vi_models_close(&m);
    return text;
}

static void large_files_are_mapped_and_watched(void **state)
{
    char path[512], other[512], hex[65];
    viso_error err = {0};
    vi_model_file f;
    (void)state;
    path_of(path, "blob.bin");
    path_of(other, "other.bin");
    put_large(path, 'm', 1000000000);
    assert_int_equal(vi_sha256_file(path, hex, NULL), 0);
    put_manifest(row("blob", "blob.bin", hex, ""));
    vi_models *m = open_models();
    const vi_model_row *r = vi_models_find(m, "blob");
    assert_int_equal(vi_models_open_file(m, r, &f, &err), 0);
    assert_non_null(f.map.data);
    assert_null(f.heap);
    assert_int_equal(f.size, 17 << 20);
    assert_int_equal(f.data[f.size - 1], 'm');
    assert_int_equal(vi_models_file_kept(&f, r, &err), 0);
    /* Replaced under its name, what is mapped is still what was checked; so it is when the name is gone. */
    put_large(other, 'n', 1000000009);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(vi_models_file_kept(&f, r, &err), 0);
    assert_int_equal(f.data[f.size - 1], 'm');
    assert_int_equal(remove(path), 0);
    assert_int_equal(vi_models_file_kept(&f, r, &err), 0);
    vi_models_close_file(&f);
    /* Written into: what was loaded may be anything. */
    put_large(path, 'm', 1000000000);
    assert_int_equal(vi_models_open_file(m, r, &f, &err), 0);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fputc('x', file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(vi_models_file_kept(&f, r, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "model blob: "));
    assert_non_null(strstr(err.text, "was written to while it was loaded"));
    vi_models_close_file(&f);
    /* And that is a wrong digest the next time. */
    err = (viso_error){0};
    assert_int_equal(vi_models_open_file(m, r, &f, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "model blob is damaged"));
    assert_null(f.map.data);
    vi_models_close(&m);
    remove(path);
}

static void large_files_are_verified_once(void **state)
{
    char path[512], cache[512], hex[65];
    uint8_t *data;
    size_t size;
    viso_error err = {0};
    (void)state;
    path_of(path, "blob.bin");
    path_of(cache, "cache/viso/verified.txt");
    put_large(path, 'a', 1000000000);
    assert_int_equal(vi_sha256_file(path, hex, NULL), 0);
    put_manifest(row("blob", "blob.bin", hex, ""));
    assert_string_equal(fresh_state(false), "installed");
    assert_true(vi_file_exists(cache));
    /* Same inode, size and time, another byte: only a forced look sees it. That it is not seen proves the memory. */
    put_large(path, 'b', 1000000000);
    assert_string_equal(fresh_state(false), "installed");
    assert_string_equal(fresh_state(true), "damaged");
    /* Another time: read again. */
    put_large(path, 'b', 1000000001);
    assert_string_equal(fresh_state(false), "damaged");
    vi_models *m = open_models();
    assert_int_equal(vi_models_blob(m, "blob", &data, &size, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "model blob is damaged"));
    vi_models_close(&m);
    /* A damaged memory is no memory. */
    put_large(path, 'a', 1000000000);
    static const char *const damage[] = {"", "rubbish\n\n 1 2 3\n", "# models\nffff 1 2 3 4 5 6 7\n", "\xff\0\x01"};
    for (size_t i = 0; i < VI_COUNT(damage); ++i) {
        FILE *f = fopen(cache, "wb");
        assert_non_null(f);
        fwrite(damage[i], 1, i == 3 ? 3 : strlen(damage[i]), f);
        fclose(f);
        put_large(path, 'b', 1000000000);
        assert_string_equal(fresh_state(false), "damaged");
        put_large(path, 'a', 1000000000);
        assert_string_equal(fresh_state(false), "installed");
    }
    /* Nor is one that cannot be written a fault. */
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    assert_string_equal(fresh_state(false), "installed");
    path_of(path, "cache");
    setenv("XDG_CACHE_HOME", path, 1);
}

static void removing(void **state)
{
    viso_error err = {0};
    char *path;
    (void)state;
    put_file("blob.bin", "0123456789", 10);
    put_manifest(row("blob", "blob.bin", "", ""));
    assert_int_equal(viso_models_remove(dir, "blob", &path, &err), 0);
    assert_non_null(strstr(path, "/blob.bin"));
    assert_false(vi_file_exists(path));
    vi_free(path);
    assert_int_equal(viso_models_remove(dir, "blob", &path, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "blob is missing"));
    err = (viso_error){0};
    assert_int_equal(viso_models_remove(dir, "other", NULL, &err), VISO_ERR_MODEL);
    assert_int_equal(viso_models_folder(dir, &path, &err), 0);
    assert_string_equal(path, dir);
    vi_free(path);
}

static void bad_manifests(void **state)
{
    static const struct {
        const char *rows, *part;
    } cases[] = {
        {"{}", "model '?': id: a text is needed"},
        {"{\"id\": \"x\"}", "model 'x': role: a text is needed"},
        {"{\"id\": 3}", "id: a text is needed"},
        {"nonsense", "line 1"},
        {"{\"id\": \"x\", \"id\": \"y\"}", "duplicate"},
    };
    char text[4200];
    (void)state;
    for (size_t i = 0; i < VI_COUNT(cases); ++i) {
        viso_error err = {0};
        vi_models *m;
        put_manifest(cases[i].rows);
        assert_int_equal(vi_models_open(&m, &(vi_models_params){.dir = dir}, &err), VISO_ERR_MODEL);
        assert_null(m);
        if (!strstr(err.text, cases[i].part) || !strstr(err.text, "manifest.json"))
            fail_msg("'%s' lacks '%s'", err.text, cases[i].part);
    }
    static const char *const tails[][2] = {
        {", \"bytes\": -1", "bytes"},
        {", \"inputs\": 3", "a list is needed"},
        {", \"inputs\": [{\"role\": \"a\", \"tensor\": \"t\", \"shape\": [0]}]", "positive whole numbers"},
        {", \"inputs\": [{\"role\": \"a\", \"tensor\": \"t\", \"shape\": [1,1,1,1,1,1,1,1,1]}]", "at most 8"},
        {", \"inputs\": [{\"role\": \"a\", \"tensor\": \"t\", \"shape\": []}, {\"role\": \"a\", \"tensor\": \"u\", \"shape\": []}]",
         "twice"},
        {", \"image\": {\"order\": \"cmyk\"}", "'rgb' or 'bgr'"},
        {", \"image\": {\"scale\": [1, 2]}", "three numbers"},
        {", \"source\": {\"sha256\": \"abc\"}", "hexadecimal"},
        {", \"urls\": [\"ftp://a/b\"]", "https://"},
        {", \"urls\": \"https://a/b\"", "a list"},
        {", \"precision_hint\": \"fp\"", "one of 'fp32 fp16'"},
        {", \"template\": \"arcface\"", "template"},
        {", \"result\": [1]", "two numbers"},
        {", \"about_bytes\": 0.5", "whole number"},
        {", \"inputs\": [{\"role\": \"a\", \"tensor\": \"t\", \"type\": \"complex\"}]", "type"},
        {", \"inputs\": [{\"role\": \"a\", \"tensor\": \"#\"}]", "a number is needed behind #"},
    };
    for (size_t i = 0; i < VI_COUNT(tails); ++i) {
        viso_error err = {0};
        vi_models *m;
        put_manifest(row("x", "x.onnx", "", tails[i][0]));
        assert_int_equal(vi_models_open(&m, &(vi_models_params){.dir = dir}, &err), VISO_ERR_MODEL);
        if (!strstr(err.text, tails[i][1]) || !strstr(err.text, "model 'x'"))
            fail_msg("'%s' lacks '%s'", err.text, tails[i][1]);
    }
    for (int i = 0; i < 3; ++i) {
        viso_error err = {0};
        vi_models *m;
        put_manifest(row("x", i == 0 ? "../x.onnx" : i == 1 ? ".hidden" : "a//b.onnx", "", ""));
        assert_int_equal(vi_models_open(&m, &(vi_models_params){.dir = dir}, &err), VISO_ERR_MODEL);
        assert_non_null(strstr(err.text, "a plain file name is needed"));
    }
    strcpy(text, row("x", "x.onnx", "", ""));
    strcat(text, ",");
    strcat(text, row("x", "y.onnx", "", ""));
    put_manifest(text);
    viso_error err = {0};
    vi_models *m;
    assert_int_equal(vi_models_open(&m, &(vi_models_params){.dir = dir}, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "model 'x': id: there twice"));
    err = (viso_error){0};
    assert_int_equal(vi_models_open(&m, &(vi_models_params){.dir = "/nonexistent/models"}, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "no manifest.json in /nonexistent/models"));
}

static void public_calls(void **state)
{
    viso_error err = {0};
    viso_model_list *l;
    char *text, from[512], to[512];
    (void)state;
    put_manifest(row("net", "net.onnx", net_sha, DETECTOR_IN DETECTOR_OUT));
    assert_int_equal(viso_models_list(&l, dir, 1, &err), 0);
    assert_int_equal(viso_models_count(l), 1);
    assert_string_equal(viso_models_at(l, 0)->id, "net");
    assert_string_equal(viso_models_at(l, 0)->state, "installed");
    assert_true(strlen(viso_models_at(l, 0)->path) > strlen("net.onnx"));
    assert_null(viso_models_at(l, 1));
    viso_models_free(&l);
    assert_null(l);
    assert_int_equal(viso_models_describe(dir, "net", &text, &err), 0);
    assert_non_null(strstr(text, "boxes          boxes float32[1,80,6]"));
    vi_free(text);
    assert_int_equal(viso_models_describe(dir, "none", &text, &err), VISO_ERR_MODEL);
    assert_null(text);

    path_of(from, "net.tflite");
    path_of(to, "made.onnx");
    err = (viso_error){0};
    assert_int_equal(viso_models_import(from, to, &err), 0);
    char hex[65];
    assert_int_equal(vi_sha256_file(to, hex, &err), 0);
    assert_string_equal(hex, net_sha);
    path_of(from, "net.onnx");
    assert_int_equal(viso_models_import(from, to, &err), VISO_ERR_INPUT);
    assert_non_null(strstr(err.text, "already an ONNX file"));
    err = (viso_error){0};
    remove(to);
    path_of(from, "manifest.json");
    assert_int_equal(viso_models_import(from, to, &err), VISO_ERR_INPUT);
    assert_non_null(strstr(err.text, "not a TensorFlow Lite file"));
    assert_false(vi_file_exists(to));
    err = (viso_error){0};
    path_of(from, "absent.tflite");
    assert_int_equal(viso_models_import(from, to, &err), VISO_ERR_INPUT);
    err = (viso_error){0};
    path_of(from, "net.tflite");
    assert_int_equal(viso_models_import(from, from, &err), VISO_ERR_USAGE);
}

/* Whatever allocation fails: an error, and nothing left behind (the leak checker's part). */
static void no_memory_is_an_error(void **state)
{
    int code = VISO_ERR_NO_SPACE, failures = 0;
    (void)state;
    put_manifest(row("net", "net.onnx", net_sha, DETECTOR_IN DETECTOR_OUT));
    for (int step = 0; code && step < 200; ++step) {
        viso_error err = {0};
        vi_models *m = NULL;
        vi_run *r = NULL;
        vi_alloc_fail_after(step);
        code = vi_models_open(&m, &(vi_models_params){.dir = dir}, &err);
        if (!code)
            code = vi_models_run(m, "net", &r, NULL, &err);
        vi_alloc_fail_after(-1);
        if (code) {
            /* A path that cannot be built looks like a file that is not there. */
            assert_true(code == VISO_ERR_NO_SPACE || code == VISO_ERR_MODEL);
            assert_true(err.text[0] != 0);
            ++failures;
        }
        vi_run_destroy(&r);
        vi_models_close(&m);
    }
    assert_int_equal(code, 0);
    assert_true(failures > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_runs_by_role), cmocka_unit_test(faults_name_the_model),
        cmocka_unit_test(the_contract_is_checked_at_load), cmocka_unit_test(states_and_blobs),
        cmocka_unit_test(bad_manifests),
        cmocka_unit_test(large_files_are_mapped_and_watched), cmocka_unit_test(large_files_are_verified_once),
        cmocka_unit_test(removing), cmocka_unit_test(public_calls),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
