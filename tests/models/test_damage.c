/* tests/models/test_damage.c: cut and altered files. Whatever the bytes are, the converter returns a result or an
 * error with a message; the sanitizers watch over the rest. Self-made files are cut at every length and have every
 * byte altered in several ways; the real ones (when there) at many places. */
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "graphs.h"
#include "models/models.h"

static void try(const uint8_t *data, size_t size, size_t *failed)
{
    viso_error err = {0};
    uint8_t *onnx;
    size_t n;
    /* An exact copy on the heap, so that a read past the end is seen. */
    uint8_t *copy = vi_alloc(size);
    assert_non_null(copy);
    memcpy(copy, data, size);
    int code = vi_tflite_to_onnx(copy, size, "damaged", &onnx, &n, &err);
    if (code == 0) {
        assert_non_null(onnx);
    } else {
        assert_int_equal(code, VISO_ERR_INPUT);
        assert_int_equal(strncmp(err.text, "damaged: ", 9), 0);
        assert_null(onnx);
        ++*failed;
    }
    vi_free(onnx);
    vi_free(copy);
}

static void whole_files_convert(void **state)
{
    (void)state;
    for (int i = 0; i < GRAPHS; ++i) {
        size_t size, failed = 0;
        uint8_t *file = graph_file(i, &size);
        try(file, size, &failed);
        if (failed)
            fail_msg("graph %s does not convert", graph_name(i));
        vi_free(file);
    }
}

/* The last bytes of a file may belong to nothing that is used; then the result is that of the whole file. */
static void every_cut_is_an_error_or_harmless(void **state)
{
    (void)state;
    for (int i = 0; i < GRAPHS; ++i) {
        size_t size, failed = 0, n_whole, n;
        viso_error err = {0};
        uint8_t *file = graph_file(i, &size), *whole, *onnx;
        assert_int_equal(vi_tflite_to_onnx(file, size, "whole", &whole, &n_whole, &err), 0);
        for (size_t cut = 0; cut < size; ++cut) {
            size_t before = failed;
            try(file, cut, &failed);
            if (failed != before)
                continue;
            assert_int_equal(vi_tflite_to_onnx(file, cut, "cut", &onnx, &n, &err), 0);
            assert_int_equal(n, n_whole);
            assert_memory_equal(onnx, whole, n);
            vi_free(onnx);
        }
        assert_true(failed > size * 9 / 10);
        vi_free(whole);
        vi_free(file);
    }
}

static void every_byte_altered(void **state)
{
    static const uint8_t change[] = {0x01, 0x80, 0xff, 0x10};
    (void)state;
    for (int i = 0; i < GRAPHS; ++i) {
        size_t size, failed = 0;
        uint8_t *file = graph_file(i, &size);
        for (size_t n = 0; n < size; ++n)
            for (size_t k = 0; k < sizeof change; ++k) {
                file[n] ^= change[k];
                try(file, size, &failed);
                file[n] ^= change[k];
            }
        assert_true(failed > size / 2); /* most bytes of so small a file are structure */
        vi_free(file);
    }
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    size_t size, n;
    uint8_t *file = graph_file(0, &size), *onnx;
    int code = VISO_ERR_NO_SPACE, step = 0;
    for (; code && step < 100; ++step) {
        viso_error err = {0};
        vi_alloc_fail_after(step);
        code = vi_tflite_to_onnx(file, size, "x", &onnx, &n, &err);
        vi_alloc_fail_after(-1);
        if (code) {
            assert_int_equal(code, VISO_ERR_NO_SPACE);
            assert_null(onnx);
        }
    }
    assert_int_equal(code, 0);
    assert_true(step > 3);
    vi_free(onnx);
    vi_free(file);
}

static void real_files(void **state)
{
    static const char *const names[] = {"face_detection_short_range", "face_landmark_with_attention", "MobileFaceNet"};
    const char *dir = getenv("VISO_TEST_MODELS_SRC");
    (void)state;
    for (size_t i = 0; i < VI_COUNT(names); ++i) {
        char path[1024];
        uint8_t *file;
        size_t size = 0, failed = 0, tries = 0;
        unsigned seed = 1;
        snprintf(path, sizeof path, "%s/%s.tflite", dir ? dir : "", names[i]);
        if (!dir || vi_file_read(path, 1 << 24, &file, &size, NULL) != 0) {
            skip();
            return;
        }
        for (size_t n = 0; n < size; n += size / 40)
            try(file, n, &failed), ++tries;
        assert_int_equal(failed, tries);
        /* Structure lies at both ends; weights in between change numbers only. */
        for (int k = 0; k < (i == 2 ? 0 : 40); ++k) { /* the largest takes longest and is no different */
            seed = seed * 1664525u + 1013904223u;
            size_t span = VI_MIN(size, (size_t)200000), at = seed % span;
            at = k & 1 ? size - 1 - at : at;
            file[at] ^= (uint8_t)(1u << (seed >> 24) % 8);
            try(file, size, &failed);
            file[at] ^= (uint8_t)(1u << (seed >> 24) % 8);
        }
        vi_free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files_convert),   cmocka_unit_test(every_cut_is_an_error_or_harmless), cmocka_unit_test(every_byte_altered),
        cmocka_unit_test(no_memory_is_an_error), cmocka_unit_test(real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
