/* Landmarks on a public-domain photograph against the numbers of the recipe (section 1, "end to end"), and what must not depend on
 * how the picture is stored. */
#include <math.h>

#include "../detect/analysis.h"

#include "face/region.h"

static const char *const one_level[] = { "pyramid=1", NULL };

static const struct {
    int i;
    float x, y;
} astronaut[] = {
    { 1, 223.2f, 131.4f },   { 33, 195.2f, 100.8f },  { 263, 256.0f, 104.5f }, { 61, 201.7f, 139.2f },
    { 291, 245.6f, 140.8f }, { 152, 221.1f, 178.2f }, { 10, 227.0f, 68.3f },
};

static void astronaut_as_in_the_recipe(void **state)
{
    (void)state;
    analysis *a = analysis_open(one_level);
    analyse_picture(a, "VISO_TEST_PICTURES", "astronaut.png", false);
    assert_int_equal(a->w->n_face, 1);
    const vi_face *f = &a->w->face[0];
    assert_float_equal(f->f.score, 0.940, 0.02);
    assert_true(f->f.presence > 0.99f);
    for (size_t i = 0; i < VI_COUNT(astronaut); i++) {
        const viso_point3 *p = &f->f.mesh[astronaut[i].i];
        if (hypotf(p->x - astronaut[i].x, p->y - astronaut[i].y) > 2)
            fail_msg("point %d at %.1f,%.1f, expected %.1f,%.1f", astronaut[i].i, (double)p->x, (double)p->y,
                     (double)astronaut[i].x, (double)astronaut[i].y);
    }
    assert_true(f->f.has & VISO_FACE_HAS_POSE);
    assert_true(fabsf(f->f.pose.yaw) < 12 && fabsf(f->f.pose.roll) < 10);
    /* The public points: eyes and mouth in the order of viso/face.h, inside the box. */
    assert_true(f->f.points[0].x < f->f.points[1].x && f->f.points[3].x < f->f.points[4].x);
    assert_true(f->f.points[0].y < f->f.points[2].y && f->f.points[2].y < f->f.points[3].y);
    for (int i = 0; i < 5; i++)
        assert_true(f->f.points[i].x > f->f.box.x0 && f->f.points[i].x < f->f.box.x1);
    analysis_close(a);
}

static vi_frame *load(analysis *a, const char *name)
{
    vi_reader *r = NULL;
    vi_frame *f = NULL;
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", getenv("VISO_TEST_PICTURES"), name);
    OK_OF(a->err, vi_reader_open(&r, path, NULL, &a->err));
    OK_OF(a->err, vi_reader_next(r, &f, &a->err));
    vi_reader_close(&r);
    return f;
}

/* The picture stored turned, with a mark that says so, has the same points: rotation metadata of video. */
static void a_turned_frame_has_the_same_points(void **state)
{
    (void)state;
    analysis *a = analysis_open(one_level);
    vi_frame *f = load(a, "astronaut.png");
    assert_int_equal(vi_format_describe(f->format)->planes, 1);
    int step = vi_format_describe(f->format)->components * vi_format_describe(f->format)->bytes;
    vi_colour_map cm;
    OK_OF(a->err, vi_colour_map_create(&cm, f->format, &f->colour, f->height, &a->err));
    analyse_frame(a, f, &cm, true, 0, false);
    vi_face want = a->w->face[0];
    for (int turns = 1; turns < 4; turns++) {
        vi_frame *g = vi_frame_alloc(f->format, f->height, f->width); /* square picture: sizes agree for any turn */
        vi_frame_copy_props(g, f);
        g->turns = turns;
        int w, h;
        vi_affine up = vi_frame_upright(g, &w, &h);
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                vi_point p = vi_affine_apply(&up, (float)x + .5f, (float)y + .5f);
                memcpy(g->plane[0] + (int)p.y * g->stride[0] + (int)p.x * step,
                       f->plane[0] + y * f->stride[0] + x * step, (size_t)step);
            }
        }
        analyse_frame(a, g, &cm, true, 0, false);
        assert_int_equal(a->w->n_face, 1);
        for (int i = 0; i < VISO_MESH_POINTS; i++)
            assert_true(hypotf(a->w->face[0].f.mesh[i].x - want.f.mesh[i].x,
                               a->w->face[0].f.mesh[i].y - want.f.mesh[i].y) < 1.0f);
        assert_float_equal(a->w->face[0].f.pose.roll, want.f.pose.roll, 2);
        vi_frame_unref(&g);
    }
    vi_frame_unref(&f);
    vi_colour_map_destroy(&cm);
    analysis_close(a);
}

/* Flat and tiny pictures: no face, no fault. */
static void nothing_is_found_in_nothing(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 1, 1 }, { 64, 64 }, { 700, 3 } };
    analysis *a = analysis_open(NULL);
    for (size_t i = 0; i < VI_COUNT(sizes); i++) {
        vi_frame *f = vi_frame_alloc(VI_FORMAT_RGB24, sizes[i][0], sizes[i][1]);
        for (int y = 0; y < f->height; y++)
            memset(f->plane[0] + y * f->stride[0], 128, (size_t)f->width * 3);
        vi_colour_map cm;
        OK_OF(a->err, vi_colour_map_create(&cm, f->format, &f->colour, f->height, &a->err));
        analyse_frame(a, f, &cm, true, 0, true);
        assert_int_equal(a->w->n_face, 0);
        /* A region put there by hand does not become a face either. */
        memset(&a->w->face[0], 0, sizeof(a->w->face[0]));
        a->w->face[0].slot = -1;
        a->w->face[0].roi.cx = a->w->face[0].roi.cy = 20;
        a->w->face[0].roi.side = 40;
        a->w->n_face = 1;
        OK_OF(a->err, vi_landmark_points.process(a->landmark, a->w, &a->arena, &a->err));
        assert_int_equal(a->w->n_face, 0);
        vi_frame_unref(&f);
        vi_colour_map_destroy(&cm);
    }
    analysis_close(a);
}

int main(void)
{
    int skip = missing("VISO_TEST_PICTURES", "astronaut.png");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(astronaut_as_in_the_recipe),
        cmocka_unit_test(a_turned_frame_has_the_same_points),
        cmocka_unit_test(nothing_is_found_in_nothing),
    };
    return skip ? skip : cmocka_run_group_tests(tests, NULL, NULL);
}
