/* tests/face/test_template.c: crops by template: the points of a template, moved by a known similarity, are brought back. */
#include "../test.h"
#include "face/template.h"

#include <math.h>

static const vi_point frontal[5] = {
    { 38.2946f, 51.6963f }, { 73.5318f, 51.5014f }, { 56.0252f, 71.7366f }, { 41.5493f, 92.3655f }, { 70.7299f, 92.2041f },
};
static const vi_point far_left[5] = {
    { 51.642f, 50.115f }, { 57.617f, 49.990f }, { 35.740f, 69.007f }, { 51.157f, 89.050f }, { 57.025f, 89.702f },
};

static void moved(const vi_point *from, vi_point *to)
{
    vi_affine a = vi_square_to_picture(300, 200, 224, 0.4f, 112); /* twice as large, turned */
    for (int i = 0; i < 5; i++)
        to[i] = vi_affine_apply(&a, from[i].x, from[i].y);
}

static void expect(vi_template t, const vi_point *from, float size, float scale, float right)
{
    vi_point p[5];
    vi_affine back;
    moved(from, p);
    assert_true(vi_template_fit(t, p, size, &back));
    for (int i = 0; i < 5; i++) {
        vi_point q = vi_affine_apply(&back, from[i].x * scale + right, from[i].y * scale);
        assert_float_equal(q.x, p[i].x, 1e-2);
        assert_float_equal(q.y, p[i].y, 1e-2);
    }
}

static void points_come_back(void **state)
{
    (void)state;
    expect(VI_TEMPLATE_ARCFACE112, frontal, 112, 1, 0);
    expect(VI_TEMPLATE_ARCFACE112, frontal, 256, 256.0f / 112, 0);
    expect(VI_TEMPLATE_ARCFACE128, frontal, 512, 4, 32);
}

static void the_map_takes_the_nearest_yaw(void **state)
{
    (void)state;
    expect(VI_TEMPLATE_ARCFACEMAP, far_left, 112, 1, 0);
}

static void what_is_no_face_is_refused(void **state)
{
    vi_point p[5] = { { 4, 4 }, { 4, 4 }, { 4, 4 }, { 4, 4 }, { 4, 4 } };
    vi_affine a;
    (void)state;
    assert_false(vi_template_fit(VI_TEMPLATE_ARCFACE112, p, 112, &a));
    p[2].x = NAN;
    assert_false(vi_template_fit(VI_TEMPLATE_FFHQ512, p, 112, &a));
    assert_false(vi_template_fit(VI_TEMPLATE_NONE, frontal, 112, &a));
    assert_int_equal(vi_template_named("arcfacemap"), VI_TEMPLATE_ARCFACEMAP);
    assert_int_equal(vi_template_named("front"), VI_TEMPLATE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_come_back),
        cmocka_unit_test(the_map_takes_the_nearest_yaw),
        cmocka_unit_test(what_is_no_face_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
