/* Bytes that grow and are read back; what cannot be read leaves zeros. */
#include <string.h>

#include "../test.h"

#include "base/base.h"

static void put_and_get(void **state)
{
    (void)state;
    vi_blob b = { 0 };
    for (uint32_t i = 0; i < 5000; i++)
        VI_PUT(&b, i);
    assert_false(b.failed);
    assert_int_equal(b.size, 20000);
    for (uint32_t i = 0, v; i < 5000; i++) {
        assert_true(VI_GET(&b, v));
        assert_int_equal(v, i);
    }
    uint32_t past = 7;
    assert_false(VI_GET(&b, past));
    assert_int_equal(past, 0);
    assert_true(b.failed);
    vi_blob_clear(&b);
    assert_int_equal(b.size, 0);
    assert_false(b.failed);
    vi_blob_free(&b);
    assert_null(b.data);
}

static void view_is_not_freed(void **state)
{
    (void)state;
    static const char text[] = "abc";
    vi_blob b = vi_blob_view(text, 3);
    char c[3];
    assert_true(vi_blob_get(&b, c, 3));
    assert_memory_equal(c, text, 3);
    vi_blob_free(&b);
}

static void out_of_memory(void **state)
{
    (void)state;
    vi_blob b = { 0 };
    char big[5000] = { 0 };
    vi_blob_put(&b, big, 100);
    vi_alloc_fail_after(0);
    vi_blob_put(&b, big, sizeof big);
    vi_alloc_fail_after(-1);
    assert_true(b.failed);
    vi_blob_put(&b, big, 1);
    assert_int_equal(b.size, 100);
    vi_blob_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_and_get),
        cmocka_unit_test(view_is_not_freed),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
