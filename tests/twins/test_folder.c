/* The folder of models that tests make: links, twins with their digests, users' rows, and nothing left behind. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../models_folder.h"
#include "../test.h"
#include "models/models.h"

static viso_error err;

static vi_models *open_models(const models_folder *f)
{
    vi_models *m;
    OK(vi_models_open(&m, &(vi_models_params){.dir = f->dir}, &err));
    return m;
}

static const char *state_of(vi_models *m, const char *id)
{
    for (int i = 0; i < vi_models_count(m); ++i)
        if (strcmp(vi_models_row(m, i)->id, id) == 0)
            return vi_models_state(m, i, true);
    return "unknown";
}

static void files_get_the_digest_of_their_row(void **state)
{
    models_folder f;
    OK(models_folder_open(&f, 0, &err));
    OK(models_folder_put(&f, "det_10g", "a twin", 6, &err));
    vi_models *m = open_models(&f);
    assert_string_equal(state_of(m, "det_10g"), "installed");
    assert_int_equal(vi_models_find(m, "det_10g")->bytes, 6);
    assert_string_equal(state_of(m, "face_detection_full_range"), "installed"); /* links, with their own digests */
    assert_string_equal(state_of(m, "2dfan4"), "missing");
    vi_models_close(&m);
    /* The digest is checked as ever: other bytes of the same length are damage. */
    OK(models_folder_put_file(&f, "det_10g.onnx", "A twin", 6, &err));
    m = open_models(&f);
    vi_session *s;
    assert_string_equal(state_of(m, "det_10g"), "damaged");
    assert_int_equal(vi_models_session(m, "det_10g", &s, NULL, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "det_10g is damaged"));
    vi_models_close(&m);
    OK(models_folder_remove(&f, "det_10g", &err));
    m = open_models(&f);
    assert_string_equal(state_of(m, "det_10g"), "missing");
    vi_models_close(&m);
    err = (viso_error){0};
    assert_int_equal(models_folder_put(&f, "no_such", "x", 1, &err), VISO_ERR_INPUT);
    models_folder_close(&f);
}

static void links_are_not_written_through(void **state)
{
    models_folder f;
    char before[65], after[65], path[1024];
    snprintf(path, sizeof path, "%s/mobilefacenet.onnx", getenv("VISO_MODELS"));
    OK(vi_sha256_file(path, before, &err));
    OK(models_folder_open(&f, 0, &err));
    OK(models_folder_put(&f, "mobilefacenet", "another", 7, &err));
    OK(vi_sha256_file(path, after, &err));
    assert_string_equal(before, after);
    char dir[256];
    strcpy(dir, f.dir);
    models_folder_close(&f);
    assert_int_not_equal(access(dir, F_OK), 0);
    OK(vi_sha256_file(path, after, &err));
    assert_string_equal(before, after);
    models_folder_close(&f); /* twice is fine */
}

static void rows_of_users_and_changed_rows(void **state)
{
    models_folder f;
    OK(models_folder_open(&f, 0, &err));
    OK(models_folder_put_file(&f, "mine/net.onnx", "0123", 4, &err));
    OK(models_folder_put_rows(&f, "mine",
                              "{\"id\": \"mine\", \"role\": \"detector\", \"label\": \"mine\", \"file\": \"mine/net.onnx\", "
                              "\"sha256\": \"SHA256\", \"licence\": \"MIT\", \"commercial\": \"yes\"}",
                              "mine/net.onnx", &err));
    OK(models_folder_change_row(&f, "det_10g", "{\"family\": \"another\"}", &err));
    vi_models *m = open_models(&f);
    assert_string_equal(state_of(m, "mine"), "installed");
    assert_string_equal(vi_models_find(m, "det_10g")->family, "another");
    vi_models_close(&m);
    models_folder_close(&f);
}

static void small_models_are_linked(void **state)
{
    models_folder f;
    if (!models_folder_has_shared())
        skip();
    OK(models_folder_open(&f, MODELS_FOLDER_SHARED, &err));
    vi_models *m = open_models(&f);
    assert_string_equal(state_of(m, "scrfd_2.5g"), "installed");
    assert_string_equal(state_of(m, "mobilefacenet"), "installed");
    vi_models_close(&m);
    models_folder_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_get_the_digest_of_their_row), cmocka_unit_test(links_are_not_written_through),
        cmocka_unit_test(rows_of_users_and_changed_rows), cmocka_unit_test(small_models_are_linked)};
    char path[1024];
    snprintf(path, sizeof path, "%s/mobilefacenet.onnx", getenv("VISO_MODELS") ? getenv("VISO_MODELS") : "");
    if (!vi_file_exists(path)) {
        fprintf(stderr, "skipped: the starter models are not installed (VISO_MODELS)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
