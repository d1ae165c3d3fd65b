/* Smoothing: a still head stays still, a moving one is not left behind, a blink is a blink. */
#include <string.h>

#include "../test.h"
#include "synthetic.h"

#include "track/smooth.h"

static const vi_steady medium = { .5f, VI_STEADY_MEDIUM, { 3, 3, 3 }, 0 },
                       off = { 0, VI_STEADY_OFF, { 3, 3, 3 }, 0 };

/* Mean over points of the distance to the truth. */
static float error_of(const viso_point3 *a, const viso_point3 *b)
{
    double sum = 0;
    for (int i = 0; i < VISO_MESH_POINTS; i++)
        sum += hypot((double)(a[i].x - b[i].x), (double)(a[i].y - b[i].y));
    return (float)(sum / VISO_MESH_POINTS);
}

/* Noise as the network makes it: a common shift, size and turn, and something per point. In pixels rms about. */
static void add_noise(viso_point3 *m, uint32_t *seed, float common, float each)
{
    float dx = rnd(seed) * common * 2.45f, dy = rnd(seed) * common * 2.45f;
    for (int i = 0; i < VISO_MESH_POINTS; i++) {
        m[i].x += dx + rnd(seed) * each * 2.45f;
        m[i].y += dy + rnd(seed) * each * 2.45f;
    }
}

static void still_head_is_steady(void **state)
{
    (void)state;
    /* 200 pixels wide, as a face in half-length 1080p; noise of 0.5 pixels each way. */
    vi_smooth s;
    uint32_t seed = 5;
    viso_point3 truth[VISO_MESH_POINTS], raw[VISO_MESH_POINTS], last[VISO_MESH_POINTS];
    make_face(truth, 960, 500, 200, 0.1f);
    vi_smooth_reset(&s);
    double in = 0, out = 0, step_in = 0, step_out = 0;
    int n = 0;
    viso_point3 before[VISO_MESH_POINTS];
    for (int i = 0; i < 200; i++) {
        memcpy(raw, truth, sizeof(raw));
        add_noise(raw, &seed, 0.35f, 0.35f);
        vi_smooth_update(&s, raw, &medium, NULL);
        if (i > 20) {
            for (int p = 0; p < VISO_MESH_POINTS; p++) {
                in += pow(raw[p].x - truth[p].x, 2);
                out += pow(s.mesh[p].x - truth[p].x, 2);
                step_in += pow(raw[p].x - before[p].x, 2);
                step_out += pow(s.mesh[p].x - last[p].x, 2);
                n++;
            }
        }
        memcpy(last, s.mesh, sizeof(last));
        memcpy(before, raw, sizeof(before));
    }
    in = sqrt(in / n);
    out = sqrt(out / n);
    step_in = sqrt(step_in / n);
    step_out = sqrt(step_out / n);
    print_message("still head: rms %.3f -> %.3f px, frame to frame %.3f -> %.3f px\n", in, out, step_in, step_out);
    assert_true(in > 0.4);
    assert_true(out <= 0.25);
    assert_true(step_out < 0.25 * step_in);
}

static void steady_motion_is_not_left_behind(void **state)
{
    (void)state;
    static const float speeds[] = { 0.5f, 2, 6, 20, 60 }; /* pixels per frame, face 200 wide */
    for (size_t k = 0; k < sizeof(speeds) / sizeof(*speeds); k++) {
        vi_smooth s;
        viso_point3 truth[VISO_MESH_POINTS];
        float worst = 0;
        vi_smooth_reset(&s);
        for (int i = 0; i < 60; i++) {
            float x = i < 10 ? 0 : (float)(i - 10) * speeds[k];
            make_face(truth, 300 + x, 500 + x / 3, 200, 0.002f * (float)i);
            vi_smooth_update(&s, truth, &medium, NULL);
            if (i >= 10)
                worst = fmaxf(worst, error_of(s.mesh, truth));
        }
        print_message("%.1f px/frame from rest: worst mean error %.2f px\n", (double)speeds[k], (double)worst);
        assert_true(worst < 2.0f); /* 1 % of the face's width, at the worst frame of the start */
        assert_true(error_of(s.mesh, truth) < 0.4f);
    }
}

static void blink_passes_at_once(void **state)
{
    (void)state;
    vi_smooth s;
    viso_point3 m[VISO_MESH_POINTS];
    vi_smooth_reset(&s);
    make_face(m, 300, 300, 200, 0);
    for (int i = 0; i < 20; i++)
        vi_smooth_update(&s, m, &medium, NULL);
    float y = m[159].y;
    m[159].y += 10; /* the upper lid falls by 5 % of the face's width in one frame */
    vi_smooth_update(&s, m, &medium, NULL);
    assert_true(s.mesh[159].y - y > 9);
}

static void off_means_untouched_and_bad_input_does_not_spread(void **state)
{
    (void)state;
    vi_smooth s;
    viso_point3 m[VISO_MESH_POINTS];
    vi_smooth_reset(&s);
    for (int i = 0; i < 5; i++) {
        make_face(m, 300 + 7.0f * (float)i, 300, 200, 0);
        vi_smooth_update(&s, m, &off, NULL);
        assert_memory_equal(m, s.mesh, sizeof(m));
    }
    memset(m, 0, sizeof(m)); /* all points in one place */
    vi_smooth_update(&s, m, &medium, NULL);
    make_face(m, 300, 300, 200, 0);
    for (int i = 0; i < 5; i++)
        vi_smooth_update(&s, m, &medium, NULL);
    for (int i = 0; i < VISO_MESH_POINTS; i++)
        assert_true(isfinite(s.mesh[i].x) && isfinite(s.mesh[i].y) && isfinite(s.mesh[i].z));
    assert_true(error_of(s.mesh, m) < 1);
}

static void coasting_goes_on_and_comes_to_rest(void **state)
{
    (void)state;
    vi_smooth s;
    viso_point3 m[VISO_MESH_POINTS];
    vi_smooth_reset(&s);
    for (int i = 0; i < 30; i++) {
        make_face(m, 300 + 8.0f * (float)i, 300, 200, 0);
        vi_smooth_update(&s, m, &medium, NULL);
    }
    float x = s.mesh[4].x;
    vi_smooth_coast(&s, NULL);
    assert_float_equal(s.mesh[4].x - x, 8, 0.5);
    for (int i = 0; i < 40; i++)
        vi_smooth_coast(&s, NULL);
    assert_true(s.mesh[4].x - x < 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(still_head_is_steady),
        cmocka_unit_test(steady_motion_is_not_left_behind),
        cmocka_unit_test(blink_passes_at_once),
        cmocka_unit_test(off_means_untouched_and_bad_input_does_not_spread),
        cmocka_unit_test(coasting_goes_on_and_comes_to_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
