/* Affine algebra and the similarity fit against known maps. */
#include "../test.h"

#include <math.h>

#include "frame/geometry.h"

static void invert_undoes(void **state)
{
    (void)state;
    vi_affine a = { { 1.5f, -0.4f, 12, 0.3f, 2, -7 } }, b;
    assert_true(vi_affine_invert(&a, &b));
    vi_affine c = vi_affine_compose(&a, &b);
    vi_point p = vi_affine_apply(&c, 3, 4);
    assert_float_equal(p.x, 3, 1e-4);
    assert_float_equal(p.y, 4, 1e-4);
    vi_affine flat = { { 1, 2, 0, 2, 4, 0 } };
    assert_false(vi_affine_invert(&flat, &b));
}

static void similarity_recovers_turn_and_scale(void **state)
{
    (void)state;
    vi_affine want = vi_square_to_picture(100, 50, 80, 0.6f, 40);
    vi_point p[5] = { { 0, 0 }, { 40, 0 }, { 0, 40 }, { 13, 7 }, { 30, 31 } }, q[5];
    for (int i = 0; i < 5; i++)
        q[i] = vi_affine_apply(&want, p[i].x, p[i].y);
    vi_affine got;
    assert_true(vi_similarity_fit(p, q, 5, &got));
    for (int i = 0; i < 6; i++)
        assert_float_equal(got.m[i], want.m[i], 1e-3);
    assert_float_equal(vi_affine_scale(&got), 2, 1e-4);
    vi_point c = vi_affine_apply(&want, 20, 20);
    assert_float_equal(c.x, 100, 1e-4);
    assert_float_equal(c.y, 50, 1e-4);
    vi_point same[3] = { { 1, 1 }, { 1, 1 }, { 1, 1 } };
    assert_false(vi_similarity_fit(same, q, 3, &got));
}

static void boxes(void **state)
{
    (void)state;
    vi_box a = { 0, 0, 10, 10 }, b = { 5, 0, 15, 10 }, far = { 50, 50, 60, 60 }, bad = { NAN, 0, NAN, 5 };
    assert_float_equal(vi_box_iou(&a, &b), 50.0 / 150, 1e-6);
    assert_float_equal(vi_box_iou(&a, &far), 0, 1e-6);
    assert_float_equal(vi_box_iou(&a, &bad), 0, 1e-6);
    vi_box c = { -3.5f, 2.2f, 7.1f, 900 };
    vi_rect r = vi_box_cover(&c, 20, 30);
    assert_int_equal(r.x, 0);
    assert_int_equal(r.y, 2);
    assert_int_equal(r.w, 8);
    assert_int_equal(r.h, 28);
    r = vi_box_cover(&bad, 20, 30);
    assert_int_equal(r.w, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invert_undoes),
        cmocka_unit_test(similarity_recovers_turn_and_scale),
        cmocka_unit_test(boxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
