/* Scene cuts: a cut is one, a flash, a fade and a pan are none. */
#include <math.h>
#include <string.h>

#include "../test.h"

#include "track/cut.h"

typedef uint8_t thumb[VI_THUMB_SIZE];

/* A smooth random scene: a sum of waves chosen by `seed`, seen from (px, py), with gain and offset. */
static void scene(thumb t, int seed, float px, float py, float gain, float offset)
{
    for (int y = 0; y < VI_THUMB_H; y++) {
        for (int x = 0; x < VI_THUMB_W; x++) {
            float v = 0, u = (float)x + px, w = (float)y + py;
            for (int k = 1; k <= 5; k++) {
                float fx = sinf((float)(seed * 13 + k * 7)) * 0.35f, fy = cosf((float)(seed * 5 + k * 11)) * 0.35f;
                v += sinf(u * fx + w * fy + (float)(seed * k)) / 2.2f;
            }
            v = (v * 60 + 120) * gain + offset;
            t[y * VI_THUMB_W + x] = (uint8_t)fminf(fmaxf(v, 0), 255);
        }
    }
}

static int cuts(const thumb *t, int n, int *first)
{
    vi_cut c;
    int count = 0;
    vi_cut_reset(&c);
    for (int i = 0; i < n; i++)
        if (vi_cut_feed(&c, t[i], 18) && !count++ && first)
            *first = i;
    return count;
}

static thumb t[64];

static void a_cut_is_one_cut_at_its_frame(void **state)
{
    (void)state;
    for (int seed = 0; seed < 20; seed++) {
        int at = -1;
        for (int i = 0; i < 20; i++)
            scene(t[i], i < 11 ? seed : seed + 50, (float)i * 0.2f, 0, 1, 0);
        assert_int_equal(cuts(t, 20, &at), 1);
        assert_int_equal(at, 11);
    }
}

static void dark_scenes_are_cut_too(void **state)
{
    (void)state;
    int at = -1;
    for (int i = 0; i < 10; i++)
        scene(t[i], i < 5 ? 1 : 61, 0, 0, 0.13f, 5);
    assert_int_equal(cuts(t, 10, &at), 1);
    assert_int_equal(at, 5);
}

static void fast_pan_is_no_cut(void **state)
{
    (void)state;
    for (int seed = 0; seed < 10; seed++) {
        for (int i = 0; i < 30; i++)
            scene(t[i], seed, (float)i * 5.3f, (float)i * 1.1f, 1, 0); /* the picture's width in 12 frames */
        assert_int_equal(cuts(t, 30, NULL), 0);
    }
}

static void flash_and_strobe_are_no_cuts(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        scene(t[i], 3, 0, 0, i == 7 || i == 8 ? 1.3f : 1, i == 7 || i == 8 ? 70 : 0); /* clips at white */
    assert_int_equal(cuts(t, 20, NULL), 0);
    for (int i = 0; i < 20; i++)
        scene(t[i], 3, 0, 0, i & 1 ? 0.4f : 1, 0);
    assert_int_equal(cuts(t, 20, NULL), 0);
    for (int i = 0; i < 20; i++) {
        scene(t[i], 3, 0, 0, 1, 0);
        if (i == 7)
            memset(t[i], 255, VI_THUMB_SIZE);
    }
    assert_int_equal(cuts(t, 20, NULL), 0);
}

static void fade_to_black_and_back_is_none_but_to_another_scene_is_one(void **state)
{
    (void)state;
    for (int other = 0; other < 2; other++) {
        for (int i = 0; i < 40; i++)
            scene(t[i], i < 20 || !other ? 4 : 77, 0, 0, fabsf((float)i - 20) / 20, 0);
        assert_int_equal(cuts(t, 40, NULL), other);
    }
}

/* One scene fades into another over `n` frames. No single frame is a cut; faces are told apart by their embeddings. */
static void a_dissolve_is_at_most_one_cut_and_later_cuts_are_seen(void **state)
{
    (void)state;
    static thumb from, to;
    for (int n = 4; n <= 24; n += 4) {
        for (int i = 0; i < 50; i++) {
            float part = fminf(fmaxf((float)(i - 10) / (float)n, 0), 1);
            scene(from, 8, (float)i * .1f, 0, 1, 0);
            scene(to, 95, 0, (float)i * .1f, 1, 0);
            for (int k = 0; k < VI_THUMB_SIZE; k++)
                t[i][k] = (uint8_t)((1 - part) * from[k] + part * to[k] + .5f);
            if (i >= 40)
                scene(t[i], 33, 0, 0, 1, 0);
        }
        int at = -1, all = cuts(t, 50, NULL), before = cuts(t, 40, &at);
        assert_in_range(before, 0, 1);
        assert_int_equal(all, before + 1);
    }
}

static void a_flash_that_looks_like_a_cut_ends_without_a_second(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        scene(t[i], i == 9 ? 90 : 6, 0, 0, 1, 0); /* one frame of something else */
    assert_int_equal(cuts(t, 20, NULL), 1);
}

static void change_of_a_part_is_measured_there(void **state)
{
    (void)state;
    vi_cut c;
    vi_cut_reset(&c);
    memset(t[0], 100, VI_THUMB_SIZE);
    memcpy(t[1], t[0], VI_THUMB_SIZE);
    for (int y = 9; y < 18; y++)
        memset(t[1] + y * VI_THUMB_W + 16, 150, 16);
    vi_box part = { .25f, .25f, .5f, .5f }, far = { .6f, .6f, .9f, .9f }, outside = { -2, -2, -1, -1 };
    vi_cut_feed(&c, t[0], 18);
    assert_float_equal(vi_cut_change(&c, &part), 0, 1e-6);
    vi_cut_feed(&c, t[1], 18);
    assert_float_equal(vi_cut_change(&c, &part), 50, 1e-3);
    assert_float_equal(vi_cut_change(&c, &far), 0, 1e-6);
    assert_true(isfinite(vi_cut_change(&c, &outside)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_is_one_cut_at_its_frame),
        cmocka_unit_test(dark_scenes_are_cut_too),
        cmocka_unit_test(fast_pan_is_no_cut),
        cmocka_unit_test(flash_and_strobe_are_no_cuts),
        cmocka_unit_test(fade_to_black_and_back_is_none_but_to_another_scene_is_one),
        cmocka_unit_test(a_dissolve_is_at_most_one_cut_and_later_cuts_are_seen),
        cmocka_unit_test(a_flash_that_looks_like_a_cut_ends_without_a_second),
        cmocka_unit_test(change_of_a_part_is_measured_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
