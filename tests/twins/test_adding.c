/* tests/twins/test_adding.c: docs/adding-a-model.md, done: the rows that stand there make models of known families usable, without a
 * line of code; a row that `viso models import` writes does so too; and a family that nobody knows is refused. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../models_folder.h"
#include "../test.h"
#include "base/base.h"
#include "viso/engine.h"
#include "viso/model.h"

static viso_error err;
static models_folder folder;

/* The json blocks of the page, in their order; allocated. */
static char *block(int number)
{
    uint8_t *page;
    size_t size;
    OK(vi_file_read(VISO_TEST_PAGE, 1 << 20, &page, &size, &err));
    char *at = (char *)page;
    for (int i = 0; i <= number && at; ++i)
        at = (at = strstr(at, "```json\n")) ? at + 8 : NULL;
    char *end = at ? strstr(at, "```") : NULL;
    if (!end)
        fail_msg("%s has no %d. json block", VISO_TEST_PAGE, number + 1);
    char *text = strndup(at, (size_t)(end - at));
    vi_free(page);
    return text;
}

/* A shared model under another name in the folder. */
static void copy(const char *from, const char *to)
{
    char path[1024];
    uint8_t *data;
    size_t size;
    snprintf(path, sizeof path, "%s/models/%s", getenv("VISO_TEST_SHARED"), from);
    OK(vi_file_read(path, 1 << 26, &data, &size, &err));
    OK(models_folder_put_file(&folder, to, data, size, &err));
    vi_free(data);
}

static int setup(void **state)
{
    (void)state;
    OK(models_folder_open(&folder, MODELS_FOLDER_SHARED, &err));
    char *detector = block(0), *others = block(1);
    OK(models_folder_put_file(&folder, "models.d/mine.json", detector, strlen(detector), &err));
    OK(models_folder_put_file(&folder, "models.d/others.json", others, strlen(others), &err));
    free(detector);
    free(others);
    copy("scrfd_500m_kps.onnx", "mine/scrfd_500m.onnx");
    copy("pfld_68.onnx", "mine/pfld.onnx");
    copy("mobilefacenet_128_rgb.onnx", "mine/mobilefacenet.onnx");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    models_folder_close(&folder);
    return 0;
}

/* Looks at a shared picture; settings as pairs, NULL-terminated. Returns how many faces, at most `most`. */
static int look(const char *picture, const char *const *set, int embed, viso_face *face, int most, int *code)
{
    viso_options *o;
    viso_engine *e = NULL;
    viso_look *l = NULL;
    viso_look_frame f = {0};
    char path[1024];
    snprintf(path, sizeof path, "%s/images/%s", getenv("VISO_TEST_SHARED"), picture);
    OK(viso_options_create(&o, &err));
    OK(viso_options_set(o, "models", folder.dir, &err));
    for (; set && *set; set += 2)
        OK(viso_options_set(o, set[0], set[1], &err));
    err = (viso_error){0};
    int rc = viso_engine_create(&e, o, NULL, NULL, &err);
    if (!rc)
        rc = viso_look_open(&l, e, path, embed, &err);
    if (!rc)
        rc = viso_look_next(l, &f, &err);
    if (code)
        *code = rc;
    else if (rc)
        fail_msg("%s: %s", picture, err.text);
    int n = f.n_face < most ? f.n_face : most;
    for (int i = 0; i < n && !rc; ++i)
        face[i] = f.face[i];
    viso_look_close(&l);
    viso_engine_destroy(&e);
    viso_options_destroy(&o);
    return n;
}

static viso_face own[16], known[16];

static void same_places(int n, double within)
{
    for (int i = 0; i < n; ++i)
        for (int p = 0; p < 5; ++p) {
            assert_float_equal(own[i].points[p].x, known[i].points[p].x, within);
            assert_float_equal(own[i].points[p].y, known[i].points[p].y, within);
        }
}

static void a_detector_is_one_row(void **state)
{
    (void)state;
    const char *mine[] = {"detector", "my_scrfd", NULL}, *built_in[] = {"detector", "scrfd_500m", NULL};
    int n = look("group_six_table.jpg", mine, 0, own, 16, NULL);
    assert_int_equal(n, 6);
    assert_int_equal(look("group_six_table.jpg", built_in, 0, known, 16, NULL), n);
    same_places(n, 1e-3);
    for (int i = 0; i < n; ++i)
        assert_float_equal(own[i].score, known[i].score, 1e-6);
    /* And it is not the embedded one that answered. */
    look("group_six_table.jpg", NULL, 0, known, 16, NULL);
    assert_true(fabsf(own[0].score - known[0].score) > 1e-4f);
}

static void landmarks_are_one_row(void **state)
{
    (void)state;
    const char *mine[] = {"landmarks", "my_pfld", NULL}, *built_in[] = {"landmarks", "pfld_68", NULL};
    int n = look("portrait_obama_official.jpg", mine, 0, own, 16, NULL);
    assert_int_equal(n, 1);
    assert_int_equal(own[0].marks.set, 68);
    assert_string_equal(own[0].marks.model, "my_pfld");
    assert_int_equal(look("portrait_obama_official.jpg", built_in, 0, known, 16, NULL), 1);
    same_places(n, 1e-3);
}

static double cosine(const viso_face *a, const viso_face *b)
{
    double sum = 0;
    assert_int_equal(a->embedding_size, b->embedding_size);
    for (int i = 0; i < a->embedding_size; ++i)
        sum += (double)(a->embedding[i] * b->embedding[i]);
    return sum;
}

static void a_recogniser_is_one_row(void **state)
{
    (void)state;
    const char *mine[] = {"recogniser", "my_face_net", NULL};
    assert_int_equal(look("portrait_obama_official.jpg", mine, 1, own, 16, NULL), 1);
    assert_int_equal(own[0].embedding_size, 128);
    assert_true(look("portrait_obama_speaking.jpg", mine, 1, known, 16, NULL) >= 1);
    double same = cosine(&own[0], &known[0]);
    assert_int_equal(look("portrait_biden_official.jpg", mine, 1, known, 16, NULL), 1);
    double other = cosine(&own[0], &known[0]);
    print_message("one person %.2f, two persons %.2f\n", same, other);
    assert_true(same > 0.45 && other < 0.25);
}

/* A file whose tensors are those of a known row, but not its bytes. */
static void import_writes_the_row(void **state)
{
    char from[1024], to[512], *text;
    uint8_t *data;
    size_t size;
    (void)state;
    snprintf(from, sizeof from, "%s/models/scrfd_2.5g_bnkps.onnx", getenv("VISO_TEST_SHARED"));
    snprintf(to, sizeof to, "%s/trained_again.onnx", folder.dir);
    OK(vi_file_read(from, 1 << 26, &data, &size, &err));
    /* An unknown field at the end of the protobuf: another digest, the same network. */
    uint8_t *more = malloc(size + 3);
    assert_non_null(more);
    memcpy(more, data, size);
    memcpy(more + size, "\xa0\x3e\x01", 3);
    OK(models_folder_put_file(&folder, "trained_again.onnx", more, size + 3, &err));
    free(more);
    vi_free(data);
    OK(viso_models_adopt(folder.dir, to, NULL, &text, &err));
    print_message("%s\n", text);
    viso_text_free(text);
    viso_model_list *l;
    const char *id = NULL;
    char name[48] = "";
    OK(viso_models_list(&l, folder.dir, 1, &err));
    for (int i = 0; i < viso_models_count(l); ++i)
        if (strncmp(viso_models_at(l, i)->label, "like ", 5) == 0)
            id = viso_models_at(l, i)->id;
    assert_non_null(id);
    snprintf(name, sizeof name, "%s", id);
    viso_models_free(&l);
    const char *mine[] = {"detector", name, NULL}, *built_in[] = {"detector", "scrfd_2.5g", NULL};
    int n = look("group_three_adults.jpg", mine, 0, own, 16, NULL);
    assert_int_equal(n, 3);
    assert_int_equal(look("group_three_adults.jpg", built_in, 0, known, 16, NULL), n);
    same_places(n, 1e-3);
}

/* The same row with other words for the family. */
static void put_with_family(int number, const char *id, const char *family)
{
    char *text = block(number), file[64];
    json_error_t where;
    json_t *root = json_loads(text, 0, &where), *row = json_array_get(json_object_get(root, "models"), 0);
    assert_non_null(row);
    free(text);
    json_object_set_new(row, "id", json_string(id));
    if (family)
        json_object_set_new(row, "family", json_string(family));
    else
        json_object_del(row, "family");
    snprintf(file, sizeof file, "mine/%s.onnx", id);
    copy(number == 0 ? "scrfd_500m_kps.onnx" : "pfld_68.onnx", file);
    json_object_set_new(row, "file", json_string(file));
    text = json_dumps(root, 0);
    snprintf(file, sizeof file, "models.d/%s.json", id);
    OK(models_folder_put_file(&folder, file, text, strlen(text), &err));
    free(text);
    json_decref(root);
}

static void must_be_refused(const char *key, const char *id, const char *part)
{
    int code;
    const char *set[] = {key, id, NULL};
    look("portrait_obama_official.jpg", set, 0, own, 16, &code);
    assert_int_not_equal(code, 0);
    print_message("%s\n", err.text);
    if (!strstr(err.text, id) || !strstr(err.text, part))
        fail_msg("'%s' lacks '%s' or '%s'", err.text, id, part);
}

static void unknown_families_are_refused(void **state)
{
    (void)state;
    put_with_family(0, "odd_detector", "scrfdd");
    put_with_family(1, "odd_landmarks", "pfld_69");
    put_with_family(0, "plain_detector", NULL);
    must_be_refused("detector", "odd_detector", "scrfdd");
    must_be_refused("landmarks", "odd_landmarks", "pfld_69");
    must_be_refused("detector", "plain_detector", "family");
    must_be_refused("detector", "my_pfld", "detector"); /* not a model of that kind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detector_is_one_row), cmocka_unit_test(landmarks_are_one_row), cmocka_unit_test(a_recogniser_is_one_row),
        cmocka_unit_test(import_writes_the_row), cmocka_unit_test(unknown_families_are_refused)};
    if (!models_folder_has_shared())
        return 77;
    return cmocka_run_group_tests(tests, setup, teardown);
}
