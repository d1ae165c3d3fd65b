/* Plane layout at odd sizes, copy on write, pools that outlive their owner, quarter turns. */
#include "../test.h"

#include <string.h>

#include "frame/frame.h"

static void layout_at_odd_sizes(void **state)
{
    (void)state;
    for (int f = VI_FORMAT_NONE + 1; f < VI_FORMAT_COUNT; f++) {
        vi_frame *x = vi_frame_alloc((vi_format)f, 7, 5);
        const vi_format_info *i = vi_format_describe((vi_format)f);
        assert_non_null(x);
        for (int p = 0; p < i->planes; p++) {
            assert_non_null(x->plane[p]);
            assert_int_equal((uintptr_t)x->plane[p] % 64, 0);
            assert_true((size_t)x->stride[p] >= vi_plane_row_bytes(x, p));
        }
        if (i->chroma_w_log2) {
            assert_int_equal(vi_plane_rows(x, 1), i->chroma_h_log2 ? 3 : 5);
            assert_int_equal(vi_plane_row_bytes(x, 1), (size_t)(i->planes == 2 ? 8 : 4) * i->bytes);
        }
        vi_frame_unref(&x);
        assert_null(x);
    }
    assert_null(vi_frame_alloc(VI_FORMAT_RGB24, 0, 5));
    assert_null(vi_frame_alloc(VI_FORMAT_RGB24, 70000, 5));
    assert_null(vi_frame_alloc(VI_FORMAT_NONE, 5, 5));
}

static void shared_frames_are_copied_before_writing(void **state)
{
    (void)state;
    viso_error e = { 0 };
    vi_frame *a = vi_frame_alloc(VI_FORMAT_YUV420P, 9, 7);
    for (int p = 0; p < 3; p++)
        memset(a->plane[p], 10 + p, (size_t)a->stride[p] * (size_t)vi_plane_rows(a, p));
    a->pts = 42;
    vi_frame *b = vi_frame_ref(a);
    assert_false(vi_frame_writable(b));
    assert_int_equal(vi_frame_make_writable(&b, NULL, &e), 0);
    assert_ptr_not_equal(a, b);
    assert_int_equal(b->pts, 42);
    assert_memory_equal(b->plane[2], a->plane[2], vi_plane_row_bytes(a, 2));
    assert_true(vi_frame_writable(a) && vi_frame_writable(b));
    a->shared_storage = true;
    assert_false(vi_frame_writable(a));
    vi_frame_unref(&a);
    vi_frame_unref(&b);
}

static void pool_ends_with_its_last_frame(void **state)
{
    (void)state;
    viso_error e = { 0 };
    vi_frame_pool *pool;
    assert_int_equal(vi_frame_pool_create(&pool, VI_FORMAT_NV12, 16, 16, 2, &e), 0);
    vi_frame *a = vi_frame_pool_get(pool), *b = vi_frame_pool_get(pool);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(vi_frame_pool_get(pool));
    vi_frame *old = a;
    vi_frame_unref(&a);
    a = vi_frame_pool_get(pool);
    assert_ptr_equal(a, old);
    vi_frame_pool_destroy(&pool);
    vi_frame_unref(&a);
    vi_frame_unref(&b); /* frees the pool: the address sanitizer sees a leak otherwise */
}

static void upright_map_turns_corners(void **state)
{
    (void)state;
    int w, h;
    vi_frame f = { .format = VI_FORMAT_GRAY8, .width = 40, .height = 30, .turns = 1 };
    vi_affine m = vi_frame_upright(&f, &w, &h);
    assert_int_equal(w, 30);
    assert_int_equal(h, 40);
    vi_point p = vi_affine_apply(&m, 30, 0); /* upright top right was stored top left */
    assert_float_equal(p.x, 0, 1e-5);
    assert_float_equal(p.y, 0, 1e-5);
    f.turns = 3;
    m = vi_frame_upright(&f, &w, &h);
    p = vi_affine_apply(&m, 0, 0); /* upright top left was stored top right */
    assert_float_equal(p.x, 40, 1e-5);
    assert_float_equal(p.y, 0, 1e-5);
    f.turns = 2;
    m = vi_frame_upright(&f, &w, &h);
    p = vi_affine_apply(&m, 1, 2);
    assert_float_equal(p.x, 39, 1e-5);
    assert_float_equal(p.y, 28, 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_at_odd_sizes),
        cmocka_unit_test(shared_frames_are_copied_before_writing),
        cmocka_unit_test(pool_ends_with_its_last_frame),
        cmocka_unit_test(upright_map_turns_corners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
