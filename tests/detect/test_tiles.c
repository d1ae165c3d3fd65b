/* Tiles of a running picture: every face wanted is seen whole, large enough and with few of them, and only tiles that cannot show
 * another face are left out. */
#include <math.h>
#include <string.h>

#include "../test.h"

#include "detect/tiles.h"

static const int sizes[][2] = { { 480, 480 }, { 512, 388 }, { 640, 360 }, { 360, 640 }, { 1280, 720 }, { 1920, 1080 }, { 4096, 600 } };

static bool whole_in(const vi_window *t, float x, float y, float b)
{
    float ex = t->w * 0.02f, ey = t->h * 0.02f, l = t->cx - t->w / 2, u = t->cy - t->h / 2, r = l + t->w, d = u + t->h;
    return (!(t->inner & VI_INNER_LEFT) || x >= l + ex) && (!(t->inner & VI_INNER_RIGHT) || x + b <= r - ex) &&
           (!(t->inner & VI_INNER_TOP) || y >= u + ey) && (!(t->inner & VI_INNER_BOTTOM) || y + b <= d - ey) && x + b > l && x < r &&
           y + b > u && y < d;
}

/* A square of the smallest face's size, and of any up to what the whole view shows, is whole in a view in which it is no
 * smaller than a tenth less than the family's smallest. */
static void every_face_wanted_is_seen(const vi_detect_family *f, const vi_view *v)
{
    for (size_t s = 0; s < VI_COUNT(sizes); s++) {
        int w = sizes[s][0], h = sizes[s][1];
        vi_window t[VI_WINDOWS_MAX];
        float step = fmaxf((float)w / (float)v->w, (float)h / (float)v->h), least = fmaxf(24, 0.27f * step * f->smallest);
        int n = vi_tiles_running(v, f, w, h, 24, 0, t);
        for (float b = least; b < f->smallest * step; b *= 1.05f) {
            for (int i = 0; i < 400; i++) {
                float x = ((float)w - b) * (float)(i % 20) / 19, y = ((float)h - b) * (float)(i / 20) / 19;
                bool seen = false;
                for (int k = 0; k < n && !seen; k++)
                    seen = whole_in(&t[k], x, y, b) && b * (float)v->w / t[k].w >= f->smallest / 1.101f;
                if (!seen)
                    fail_msg("%s, %d x %d: a face of %g at %g, %g is not seen", f->id, w, h, (double)b, (double)x, (double)y);
            }
        }
    }
}

static void every_wanted_face_is_seen(void **state)
{
    (void)state;
    static const vi_detect_family *const all[] = { &vi_detect_blazeface_full, &vi_detect_blazeface, &vi_detect_scrfd,
                                                   &vi_detect_proxyless };
    for (size_t i = 0; i < VI_COUNT(all); i++) {
        vi_view v = { all[i]->size, all[i]->size, all[i]->fit, all[i]->no_enlarging };
        every_face_wanted_is_seen(all[i], &v);
    }
}

static void they_are_few(void **state)
{
    (void)state;
    static const vi_view full = { 192, 192, VI_FIT_CENTRE, false }, brief = { 128, 128, VI_FIT_CENTRE, false };
    vi_window t[VI_WINDOWS_MAX];
    assert_int_equal(vi_tiles_running(&full, &vi_detect_blazeface_full, 480, 480, 24, 0, t), 9);
    assert_in_range(vi_tiles_running(&full, &vi_detect_blazeface_full, 512, 388, 24, 0, t), 1, 12);
    assert_in_range(vi_tiles_running(&full, &vi_detect_blazeface_full, 1280, 720, 24, 0, t), 1, 18);
    /* The whole view shows all that is wanted. */
    assert_int_equal(vi_tiles_running(&full, &vi_detect_blazeface_full, 192, 192, 18, 0, t), 0);
    assert_int_equal(vi_tiles_running(&full, &vi_detect_blazeface_full, 480, 480, 45, 0, t), 0);
    /* Faces that are large against the input need a level between, and that comes first. */
    int n = vi_tiles_running(&brief, &vi_detect_blazeface, 1280, 720, 24, 0, t);
    assert_true(n > 1 && t[0].w > 1.5f * t[n - 1].w);
}

static void a_tile_in_a_head_is_taken(void **state)
{
    (void)state;
    vi_window tile = { .cx = 200, .cy = 200, .w = 100, .h = 100 };
    vi_box large = { 140, 140, 260, 260 }, left = { 100, 140, 200, 260 }, right = { 200, 140, 300, 260 }, far = { 300, 300, 400, 400 };
    vi_tile_cells c = { { 0 } };
    vi_tile_take(&c, &tile, &large);
    assert_true(vi_tile_is_taken(&c));
    memset(&c, 0, sizeof(c));
    vi_tile_take(&c, &tile, &far);
    for (int y = 0; y < VI_TILE_CELLS; y++)
        assert_int_equal(c.taken[y], 0);
    vi_tile_take(&c, &tile, &left);
    assert_false(vi_tile_is_taken(&c));
    vi_tile_take(&c, &tile, &right); /* two heads beside each other leave nothing */
    assert_true(vi_tile_is_taken(&c));
    /* A turned tile takes the cells that show the head. */
    memset(&c, 0, sizeof(c));
    tile.angle = 180;
    vi_tile_take(&c, &tile, &left);
    for (int y = 0; y < VI_TILE_CELLS; y++)
        assert_true((c.taken[y] & 0x80) && !(c.taken[y] & 0x01));
}

static void only_noise_is_nothing(void **state)
{
    (void)state;
    enum { SIDE = 96 };
    static float p[3][SIDE * SIDE];
    vi_rgb in;
    vi_tile_cells none = { { 0 } }, all;
    memset(&all, 0xff, sizeof(all));
    for (int i = 0; i < 3; i++)
        in.c[i] = (vi_plane){ p[i], SIDE, SIDE, SIDE };
    /* A slow gradient over the whole, and a level or two of noise. */
    for (int i = 0; i < SIDE * SIDE; i++)
        p[1][i] = 0.3f + 0.1f * (float)(i % SIDE) / SIDE + (float)(i * 7919 % 5) / 255 / 2;
    assert_false(vi_tile_shows(&none, &in));
    /* Something the size of an eye, as dark against it as in a dim picture. */
    for (int y = 50; y < 53; y++)
        for (int x = 50; x < 54; x++)
            p[1][y * SIDE + x] -= 0.04f;
    assert_true(vi_tile_shows(&none, &in));
    assert_false(vi_tile_shows(&all, &in));
    none.taken[4] = 1 << 4; /* the cell it is in: 48 .. 60 */
    assert_false(vi_tile_shows(&none, &in));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wanted_face_is_seen), cmocka_unit_test(they_are_few),
        cmocka_unit_test(a_tile_in_a_head_is_taken), cmocka_unit_test(only_noise_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
