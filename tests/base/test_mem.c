/* Allocation faults on demand, arena scoping. */
#include "../test.h"

#include "base/base.h"

static void alloc_fails_when_told(void **state)
{
    (void)state;
    vi_alloc_fail_after(1);
    void *a = vi_alloc(10), *b = vi_alloc(10), *c = vi_alloc(10);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    vi_alloc_fail_after(-1);
    vi_free(a);
    vi_free(c);
}

static void calloc_refuses_overflow(void **state)
{
    (void)state;
    assert_null(vi_calloc(SIZE_MAX / 2, 4));
}

static void arena_aligns_scopes_and_ends(void **state)
{
    (void)state;
    vi_arena a;
    assert_int_equal(vi_arena_create(&a, 4096), 0);
    uint8_t *p = vi_arena_alloc(&a, 3);
    size_t mark = vi_arena_mark(&a);
    uint8_t *q = vi_arena_alloc(&a, 100);
    assert_int_equal((uintptr_t)p % 64, 0);
    assert_int_equal(q - p, 64);
    assert_null(vi_arena_alloc(&a, 4096));
    assert_null(vi_arena_alloc(&a, SIZE_MAX - 8));
    vi_arena_release(&a, mark);
    assert_ptr_equal(vi_arena_alloc(&a, 1), q);
    assert_true(a.peak >= 64 + 128);
    vi_arena_destroy(&a);
}

static void first_error_stays(void **state)
{
    (void)state;
    viso_error e = { 0 };
    assert_int_equal(vi_error_set(&e, VISO_ERR_INPUT, "a %d", 1), VISO_ERR_INPUT);
    assert_int_equal(vi_error_set(&e, VISO_ERR_MODEL, "b"), VISO_ERR_MODEL);
    assert_string_equal(e.text, "a 1");
    assert_int_equal(e.code, VISO_ERR_INPUT);
    assert_int_equal(vi_error_set(NULL, VISO_ERR_USAGE, "c"), VISO_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alloc_fails_when_told),
        cmocka_unit_test(calloc_refuses_overflow),
        cmocka_unit_test(arena_aligns_scopes_and_ends),
        cmocka_unit_test(first_error_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
