/* tests/models/test_starter.c: the starter models as converted, against reference vectors of their networks: the input
 * is lo + (hi - lo) ((37 c + 3 y + 5 x) mod 256) / 255, the expected numbers come from an independent conversion run
 * on ONNX Runtime's CPU. Also: the build's files are those the manifest names, and converting twice gives the same
 * bytes. Skips when the models were not made (no original files at build). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "models/models.h"

typedef struct expected {
    const char *role;
    float first[4];
    int n_first;
    double sum;
} expected;

static const struct {
    const char *id;
    float lo, hi;
    expected out[7];
} nets[] = {
    {"face_detection_short_range",
     -1,
     1,
     {{"regressors", {-0.5989f, -0.9192f, 24.9444f, 24.9439f}, 4, 137092.3},
      {"classificators", {-4.9879f, -4.6325f, -5.0563f, -4.6566f}, 4, -40348.5}}},
    {"face_detection_full_range",
     -1,
     1,
     {{"regressors", {-3.2632f, -3.0899f, 24.9407f, 24.9459f}, 4, 8374.1},
      {"classificators", {-7.3609f, -8.0438f, -8.4464f, -8.3306f}, 4, -11532.5}}},
    {"face_landmark",
     0,
     1,
     {{"mesh", {97.5862f, 127.8517f, -4.6071f, 101.7861f}, 4, 94211.3}, {"flag", {-10.0142f}, 1, -10.0142}}},
    {"face_landmark_with_attention",
     0,
     1,
     {{"mesh", {82.3782f, 119.6608f, -6.7005f, 85.3479f}, 4, 89253.6},
      {"lips", {65.9793f, 120.1058f}, 2, 16457.7},
      {"eye_l", {65.5906f, 80.4901f}, 2, 10792.2},
      {"eye_r", {123.2911f, 78.5568f}, 2, 13787.8},
      {"iris_l", {75.8322f, 78.7493f}, 2, 772.8},
      {"iris_r", {118.4467f, 77.7692f}, 2, 980.6},
      {"flag", {-20.9319f}, 1, -20.9319}}},
    {"mobilefacenet", -1, 1, {{"embedding", {0.0930f, 0.4597f, 0.2291f, 0.0314f}, 4, -11.21}}},
};

static vi_models *models;

static void fill(float *x, const vi_model_row *row, float lo, float hi)
{
    int64_t h = row->tensor[0].dim[2], w = row->tensor[0].dim[3];
    for (int64_t c = 0; c < 3; ++c)
        for (int64_t i = 0; i < h * w; ++i)
            x[c * h * w + i] = lo + (hi - lo) * (float)((37 * c + 3 * (i / w) + 5 * (i % w)) % 256) / 255.0f;
}

static void reference_vectors(void **state)
{
    (void)state;
    for (size_t k = 0; k < VI_COUNT(nets); ++k) {
        viso_error err = {0};
        vi_run *r;
        const vi_model_row *row;
        if (vi_models_run(models, nets[k].id, &r, &row, &err))
            fail_msg("%s", err.text);
        fill(vi_run_input(r, vi_model_role_index(row, "image"), NULL), row, nets[k].lo, nets[k].hi);
        if (vi_run_now(r, &err))
            fail_msg("%s", err.text);
        for (const expected *e = nets[k].out; e < nets[k].out + 7 && e->role; ++e) {
            size_t n;
            double sum = 0, size = 0;
            const float *y = vi_run_output(r, vi_model_role_index(row, e->role), &n);
            for (size_t i = 0; i < n; ++i) {
                sum += (double)y[i];
                size += fabs((double)y[i]);
            }
            for (int i = 0; i < e->n_first; ++i)
                if (!(fabsf(y[i] - e->first[i]) < 1e-3f))
                    fail_msg("%s %s[%d]: %.4f, expected %.4f", nets[k].id, e->role, i, (double)y[i], (double)e->first[i]);
            /* The sums are given to one decimal (two for the embedding); rounding of single numbers adds up. */
            if (!(fabs(sum - e->sum) < 0.06 + 2e-6 * size))
                fail_msg("%s %s: sum %.2f, expected %.2f", nets[k].id, e->role, sum, e->sum);
        }
        vi_run_destroy(&r);
    }
}

static void built_files_are_those_of_the_manifest(void **state)
{
    (void)state;
    for (int i = 0; i < vi_models_count(models); ++i)
        if (strcmp(vi_models_row(models, i)->preset, "starter") == 0)
            assert_string_equal(vi_models_state(models, i, true), "installed");
}

static void conversion_repeats_to_the_byte(void **state)
{
    const char *dir = getenv("VISO_TEST_MODELS_SRC");
    viso_error err = {0};
    uint8_t *file, *a, *b;
    size_t size, n_a, n_b;
    char path[1024], hex[65];
    (void)state;
    snprintf(path, sizeof path, "%s/face_detection_short_range.tflite", dir ? dir : "");
    if (!dir || !vi_file_exists(path))
        skip();
    assert_int_equal(vi_file_read(path, 1 << 24, &file, &size, &err), 0);
    /* The name is for messages only and must not get into the file. */
    assert_int_equal(vi_tflite_to_onnx(file, size, "a", &a, &n_a, &err), 0);
    assert_int_equal(vi_tflite_to_onnx(file, size, "another name", &b, &n_b, &err), 0);
    assert_int_equal(n_a, n_b);
    assert_memory_equal(a, b, n_a);
    vi_sha256(a, n_a, hex);
    assert_string_equal(hex, vi_models_find(models, "face_detection_short_range")->sha256);
    vi_free(file);
    vi_free(a);
    vi_free(b);
}

int main(void)
{
    viso_error err = {0};
    if (vi_models_open(&models, &(vi_models_params){0}, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    if (strcmp(vi_models_state(models, 0, false), "missing") == 0) {
        printf("skipped: the starter models were not made\n");
        vi_models_close(&models);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_vectors),
        cmocka_unit_test(built_files_are_those_of_the_manifest),
        cmocka_unit_test(conversion_repeats_to_the_byte),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vi_models_close(&models);
    return failed;
}
