/* Window geometry: tiles cover the picture, overlap enough, and know which of their edges lie inside it. */
#include <math.h>

#include "../test.h"

#include "detect/window.h"

static const vi_view square = { 192, 192, VI_FIT_CENTRE, false };

static const int sizes[][2] = { { 1920, 1080 }, { 1080, 1920 }, { 512, 512 }, { 640, 360 },
                                { 2048, 922 },  { 33, 7 },      { 4096, 600 } };
static const float fractions[] = { 0.55f, 0.30f };

static void tiles_cover_every_small_box_whole(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
        for (int f = 0; f < 2; f++) {
            int w = sizes[s][0], h = sizes[s][1];
            vi_window t[VI_WINDOWS_MAX];
            int n = vi_window_tiles(t, VI_WINDOWS_MAX, &square, w, h, fractions[f], 0);
            assert_in_range(n, 1, VI_WINDOWS_MAX - 1);
            /* A box of a third of the tile must be inside some tile, clear of its inner edges. */
            float b = t[0].w * 0.33f;
            for (int y = 0; y <= 20; y++) {
                for (int x = 0; x <= 20; x++) {
                    float x0 = fmaxf(0, (w - b) * x / 20), y0 = fmaxf(0, (h - b) * y / 20), x1 = fminf(x0 + b, w),
                          y1 = fminf(y0 + b, h);
                    int whole = 0;
                    for (int i = 0; i < n; i++) {
                        float e = t[i].w * 0.02f, l = t[i].cx - t[i].w / 2, u = t[i].cy - t[i].w / 2;
                        float r = l + t[i].w, d = u + t[i].w;
                        whole += x0 >= l + (t[i].inner & VI_INNER_LEFT ? e : -1) &&
                                 x1 <= r - (t[i].inner & VI_INNER_RIGHT ? e : -1) &&
                                 y0 >= u + (t[i].inner & VI_INNER_TOP ? e : -1) &&
                                 y1 <= d - (t[i].inner & VI_INNER_BOTTOM ? e : -1);
                    }
                    if (!whole)
                        fail_msg("%dx%d fraction %g: box at %g,%g of %g is whole in no tile", w, h,
                                 (double)fractions[f], (double)x0, (double)y0, (double)b);
                }
            }
        }
    }
}

static void inner_edges_are_those_with_picture_beyond(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
        vi_window t[VI_WINDOWS_MAX];
        int n = vi_window_tiles(t, VI_WINDOWS_MAX, &square, sizes[s][0], sizes[s][1], 0.3f, 0);
        for (int i = 0; i < n; i++) {
            float l = t[i].cx - t[i].w / 2, r = t[i].cx + t[i].w / 2, tol = t[i].w * 1e-3f;
            assert_int_equal(!!(t[i].inner & VI_INNER_LEFT), l > tol);
            assert_int_equal(!!(t[i].inner & VI_INNER_RIGHT), r < (float)sizes[s][0] - tol);
        }
    }
}

static void few_tiles_for_wide_video(void **state)
{
    (void)state;
    vi_window t[VI_WINDOWS_MAX];
    assert_int_equal(vi_window_tiles(t, VI_WINDOWS_MAX, &square, 1920, 1080, 0.55f, 0), 3); /* one row, not two */
    assert_int_equal(vi_window_tiles(t, 2, &square, 1920, 1080, 0.30f, 0), 2);              /* bounded */
    assert_int_equal(vi_window_tiles(t, VI_WINDOWS_MAX, &square, 1, 1, 0.3f, 0), 0);
}

static void turned_window_maps_its_up(void **state)
{
    (void)state;
    /* Upside down: the crop's top left is the picture's bottom right. */
    vi_window w = vi_window_whole(&square, 100, 60, 1, 180);
    vi_affine a = vi_window_to_picture(&w, 192, 192);
    vi_point p = vi_affine_apply(&a, 0, 0), q = vi_affine_apply(&a, 192, 192);
    assert_float_equal(p.x, 100, 1e-3);
    assert_float_equal(p.y, 80, 1e-3);
    assert_float_equal(q.x, 0, 1e-3);
    assert_float_equal(q.y, -20, 1e-3);
    for (int turns = 0; turns < 4; turns++) { /* the table of quarter turns agrees with the general map */
        vi_window v = { 31, 17, 50, 50, 90.0f * (float)turns, 0 };
        vi_affine m = vi_window_to_picture(&v, 192, 192),
                  g = vi_square_to_picture(31, 17, 50, (float)turns * 1.57079633f, 192);
        for (int i = 0; i < 6; i++)
            assert_float_equal(m.m[i], g.m[i], 1e-3);
    }
}

static void inner_bits_turn_with_the_window(void **state)
{
    (void)state;
    /* Window at the picture's left border: only its picture-left edge is not inner. Find that edge in each turn by mapping. */
    for (int turns = 0; turns < 4; turns++) {
        vi_window w = vi_window_around(&square, 400, 400, 20, 200, 60, 90.0f * (float)turns);
        uint8_t inner = w.inner;
        vi_affine m = vi_window_to_picture(&w, 1, 1);
        const float mid[4][2] = { { 0, .5f }, { .5f, 0 }, { 1, .5f }, { .5f, 1 } };
        for (int i = 0; i < 4; i++) {
            vi_point p = vi_affine_apply(&m, mid[i][0], mid[i][1]);
            assert_int_equal(!!(inner & (1 << i)), p.x > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_cover_every_small_box_whole),
        cmocka_unit_test(inner_edges_are_those_with_picture_beyond),
        cmocka_unit_test(few_tiles_for_wide_video),
        cmocka_unit_test(turned_window_maps_its_up),
        cmocka_unit_test(inner_bits_turn_with_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
