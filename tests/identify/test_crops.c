/* Crops for recognisers against slow ones written from the reference (models.md 2.1, 2.2, 2.3, 5): the fit in complex numbers,
 * every pixel looked up by itself. Also the arithmetic on vectors. */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "../test.h"
#include "identify/recogniser.h"

enum { W = 301, H = 263 };

static vi_frame *frame;
static vi_colour_map colour;
static vi_arena arena;

typedef double complex point;

static const double t112[5][2] = { { 38.2946, 51.6963 }, { 73.5318, 51.5014 }, { 56.0252, 71.7366 }, { 41.5493, 92.3655 },
                                   { 70.7299, 92.2041 } };
static const double ffhq512[5][2] = { { 192.98138, 239.94708 }, { 318.90277, 240.1936 }, { 256.63416, 314.01935 },
                                      { 201.26117, 371.41043 }, { 313.08905, 371.15118 } };
static const double yaws[5][5][2] = {
    { { 51.642, 50.115 }, { 57.617, 49.990 }, { 35.740, 69.007 }, { 51.157, 89.050 }, { 57.025, 89.702 } },
    { { 45.031, 50.118 }, { 65.568, 50.872 }, { 39.677, 68.111 }, { 45.177, 86.190 }, { 64.246, 86.758 } },
    { { 39.730, 51.138 }, { 72.270, 51.138 }, { 56.000, 68.493 }, { 42.463, 87.010 }, { 69.537, 87.010 } },
    { { 46.845, 50.872 }, { 67.382, 50.118 }, { 72.737, 68.111 }, { 48.167, 86.758 }, { 67.236, 86.190 } },
    { { 54.796, 49.990 }, { 60.771, 50.115 }, { 76.673, 69.007 }, { 55.388, 89.702 }, { 61.257, 89.050 } },
};

/* ---- the slow way ---- */

typedef struct fit { /* picture -> crop: z -> a z + b */
    point a, b;
    double left; /* summed distances that remain */
} fit;

static fit least_squares(const vi_point p[5], const double q[5][2], double shift)
{
    point pm = 0, qm = 0, up = 0;
    double down = 0;
    fit f = { 0 };
    for (int i = 0; i < 5; i++) {
        pm += ((double)p[i].x + I * (double)p[i].y) / 5;
        qm += (q[i][0] + shift + I * q[i][1]) / 5;
    }
    for (int i = 0; i < 5; i++) {
        point a = (double)p[i].x + I * (double)p[i].y - pm, b = q[i][0] + shift + I * q[i][1] - qm;
        up += conj(a) * b;
        down += creal(a * conj(a));
    }
    f.a = up / down;
    f.b = qm - f.a * pm;
    for (int i = 0; i < 5; i++)
        f.left += cabs(f.a * ((double)p[i].x + I * (double)p[i].y) + f.b - (q[i][0] + shift + I * q[i][1]));
    return f;
}

static double pixel(int c, int x, int y)
{
    return x < 0 || y < 0 || x >= W || y >= H ? 0 : frame->plane[0][y * frame->stride[0] + 3 * x + c] / 255.0;
}

static point back(const fit *f, double x, double y)
{
    return (x + I * y - f->b) / f->a;
}

static double slow_nearest(const fit *f, int c, int i, int j)
{
    point z = back(f, i + 0.5, j + 0.5);
    return pixel(c, (int)floor(creal(z)), (int)floor(cimag(z)));
}

static double slow_bilinear(const fit *f, int c, int i, int j)
{
    point z = back(f, i + 0.5, j + 0.5);
    double u = creal(z) - 0.5, v = cimag(z) - 0.5, sum = 0;
    int x = (int)floor(u), y = (int)floor(v);
    for (int k = 0; k < 4; k++)
        sum += ((k & 1) ? u - x : 1 - u + x) * ((k >> 1) ? v - y : 1 - v + y) * pixel(c, x + (k & 1), y + (k >> 1));
    return sum;
}

/* A window of nearest pixels, then plain bilinear look-ups with centres at halves, the edge repeated. */
static double slow_reduced(const fit *f, int window, int c, int i, int j)
{
    double s = window / 112.0, u = (i + 0.5) * s - 0.5, v = (j + 0.5) * s - 0.5, sum = 0;
    int x = (int)floor(u), y = (int)floor(v);
    for (int k = 0; k < 4; k++) {
        int xi = vi_clampi(x + (k & 1), 0, window - 1), yi = vi_clampi(y + (k >> 1), 0, window - 1);
        sum += ((k & 1) ? u - x : 1 - u + x) * ((k >> 1) ? v - y : 1 - v + y) * slow_nearest(f, c, xi, yi);
    }
    return sum;
}

static double slow(vi_crop_type t, const fit *f, int c, int i, int j)
{
    switch (t) {
    case VI_CROP_OPAL: return slow_nearest(f, c, i, j);
    case VI_CROP_PEARL: return slow_reduced(f, 128, c, i, j);
    case VI_CROP_FFHQ: return slow_reduced(f, 512, c, i, j);
    default: return slow_bilinear(f, c, i, j);
    }
}

static fit slow_fit(vi_crop_type t, const vi_point p[5], int *yaw)
{
    fit best = { .left = INFINITY };
    *yaw = -1;
    if (t == VI_CROP_FFHQ)
        return least_squares(p, ffhq512, 0);
    if (t != VI_CROP_OPTIMAL)
        return least_squares(p, t112, t == VI_CROP_PEARL ? 8 : 0);
    for (int i = 0; i < 5; i++) {
        fit f = least_squares(p, yaws[i], 0);
        if (f.left < best.left) {
            best = f;
            *yaw = i;
        }
    }
    return best;
}

/* ---- faces ---- */

/* The points of a template, turned, scaled and moved, a little out of shape. */
static void face(vi_point p[5], const double q[5][2], double scale, double angle, double x, double y)
{
    for (int i = 0; i < 5; i++) {
        point z = (q[i][0] - 56 + I * (q[i][1] - 70)) * scale * cexp(I * angle) + x + I * y;
        p[i] = (vi_point){ (float)(creal(z) + 0.3 * (i - 2)), (float)(cimag(z) + (i == 2 ? 0.7 : -0.2)) };
    }
}

static const vi_crop_type all[] = { VI_CROP_ARCFACE, VI_CROP_OPAL, VI_CROP_PEARL, VI_CROP_OPTIMAL, VI_CROP_FFHQ };

static void compare(const vi_point p[5], bool filtered)
{
    for (size_t k = 0; k < VI_COUNT(all); k++) {
        int yaw, far_off = 0;
        double worst = 0;
        fit f = slow_fit(all[k], p, &yaw);
        bool nearest = all[k] != VI_CROP_ARCFACE && all[k] != VI_CROP_OPTIMAL;
        if (filtered && !nearest)
            continue; /* shrinks by more than two: not a plain look-up, see below */
        size_t mark = vi_arena_mark(&arena);
        vi_rgb crop = vi_rgb_new(&arena, 112, 112);
        vi_face_view v = { .frame = frame, .colour = &colour, .upright = vi_affine_identity() };
        memcpy(v.points, p, sizeof v.points);
        assert_int_equal(vi_crop_face(vi_kernels_get(VI_CPU_ALL), &v, all[k], &crop, &arena), 0);
        for (int c = 0; c < 3; c++)
            for (int j = 0; j < 112; j++)
                for (int i = 0; i < 112; i++) {
                    double d = fabs((double)crop.c[c].p[j * crop.c[c].stride + i] - slow(all[k], &f, c, i, j));
                    far_off += d > 2e-3;
                    worst = fmax(worst, d > 2e-3 ? 0 : d);
                }
        vi_arena_release(&arena, mark);
        /* Nearest pixels: a place on the border of two may go either way in float. */
        if (far_off > (nearest ? 3 * 112 * 112 / 200 : 0))
            fail_msg("%s: %d of %d numbers are others (yaw set %d)", vi_crop_name(all[k]), far_off, 3 * 112 * 112, yaw);
    }
}

static void crops_are_those_of_the_reference(void **state)
{
    vi_point p[5];
    face(p, t112, 0.9, 0.35, 140, 130);
    compare(p, false);
    face(p, t112, 1.6, -0.8, 150, 120);
    compare(p, false);
    face(p, t112, 1.2, 3.0, 150, 140); /* upside down */
    compare(p, false);
    face(p, t112, 1.1, 0.2, 8, 250); /* most of it outside */
    compare(p, false);
    face(p, t112, 0.21, 0.1, 200, 60); /* 24 pixels wide */
    compare(p, false);
    face(p, t112, 2.6, 0.1, 150, 130); /* larger than the crop */
    compare(p, true);
    for (int i = 0; i < 5; i++) { /* every yaw finds its own set */
        int yaw;
        face(p, yaws[i], 1.1, 0.1 * (i - 2), 150, 130);
        slow_fit(VI_CROP_OPTIMAL, p, &yaw);
        assert_int_equal(yaw, i);
        compare(p, false);
    }
}

static double spread(const vi_rgb *crop)
{
    vi_stats3 s;
    vi_kernels_get(VI_CPU_ALL)->stats3(crop, NULL, &s);
    return (double)s.sd[0];
}

/* A face four times larger than the crop, in a pattern of single pixels: grey when filtered, and noise when not. */
static void large_faces_do_not_alias(void **state)
{
    vi_frame *f = vi_frame_alloc(VI_FORMAT_RGB24, 900, 900);
    vi_colour_map cm;
    viso_error err = { 0 };
    assert_non_null(f);
    for (int y = 0; y < 900; y++)
        for (int x = 0; x < 2700; x++)
            f->plane[0][y * f->stride[0] + x] = (x / 3 + y) & 1 ? 255 : 0;
    assert_int_equal(vi_colour_map_create(&cm, f->format, &f->colour, f->height, &err), 0);
    vi_face_view v = { .frame = f, .colour = &cm, .upright = vi_affine_identity() };
    face(v.points, t112, 4, 0.05, 450, 450);
    vi_rgb crop = vi_rgb_new(&arena, 112, 112);
    const vi_kernels *k = vi_kernels_get(VI_CPU_ALL);
    assert_int_equal(vi_crop_face(k, &v, VI_CROP_ARCFACE, &crop, &arena), 0);
    double filtered = spread(&crop);
    assert_int_equal(vi_crop_face(k, &v, VI_CROP_OPAL, &crop, &arena), 0);
    assert_true(filtered < 0.1);
    assert_true(spread(&crop) > 0.4);
    vi_arena_release(&arena, 0);
    vi_colour_map_destroy(&cm);
    vi_frame_unref(&f);
}

static void bad_points_have_no_crop(void **state)
{
    vi_face_view v = { .frame = frame, .colour = &colour, .upright = vi_affine_identity() };
    vi_rgb crop = vi_rgb_new(&arena, 112, 112);
    const vi_kernels *k = vi_kernels_get(VI_CPU_ALL);
    for (size_t i = 0; i < VI_COUNT(all); i++) {
        face(v.points, t112, 0, 0, 50, 50);
        for (int j = 0; j < 5; j++)
            v.points[j] = (vi_point){ 50, 50 };
        assert_int_equal(vi_crop_face(k, &v, all[i], &crop, &arena), VISO_AGAIN);
        v.points[3].y = NAN;
        assert_int_equal(vi_crop_face(k, &v, all[i], &crop, &arena), VISO_AGAIN);
        face(v.points, t112, 1, 0, 1e6, -1e6); /* nowhere near the picture: black, or none, but no fault */
        int rc = vi_crop_face(k, &v, all[i], &crop, &arena);
        assert_true(rc == 0 || rc == VISO_AGAIN);
        if (rc == 0)
            assert_float_equal(crop.c[0].p[50 * crop.c[0].stride + 50], 0, 1e-6);
    }
    vi_arena_release(&arena, 0);
}

static void words_of_the_manifest_have_crops(void **state)
{
    assert_int_equal(vi_crop_of_template("arcface112"), VI_CROP_ARCFACE);
    assert_int_equal(vi_crop_of_template("arcfacemap"), VI_CROP_OPTIMAL);
    assert_int_equal(vi_crop_of_template("ffhq512"), VI_CROP_FFHQ);
    assert_int_equal(vi_crop_of_template(""), VI_CROP_ARCFACE);
    assert_string_equal(vi_crop_name(VI_CROP_PEARL), "pearl");
}

static void vectors_are_merged_and_measured(void **state)
{
    const float a[3] = { 1, 5, -2 }, b[3] = { 2, -5, 0 }, c[3] = { 9, 1, 1 }, d[3] = { 4, 2, 3 };
    const float *in[4] = { a, b, c, d };
    float out[3], unit[3];
    assert_true(vi_vector_merge(in, 3, 3, VI_MERGE_MEAN, out));
    assert_float_equal(out[0], 4, 1e-6);
    assert_float_equal(out[1], 1.0 / 3, 1e-6);
    assert_true(vi_vector_merge(in, 3, 3, VI_MERGE_MEDIAN, out));
    assert_float_equal(out[0], 2, 0);
    assert_float_equal(out[1], 1, 0);
    assert_float_equal(out[2], 0, 0);
    assert_true(vi_vector_merge(in, 4, 3, VI_MERGE_MEDIAN, out)); /* the mean of the middle two */
    assert_float_equal(out[0], 3, 0);
    assert_float_equal(out[1], 1.5, 0);
    assert_float_equal(out[2], 0.5, 0);
    assert_true(vi_vector_merge(in, 2, 3, VI_MERGE_MEDIAN, out));
    assert_float_equal(out[0], 1.5, 0);
    assert_true(vi_vector_merge(in, 1, 3, VI_MERGE_MEDIAN, out));
    assert_float_equal(out[0], 1, 0);
    vi_alloc_fail_after(0);
    assert_false(vi_vector_merge(in, 3, 3, VI_MERGE_MEDIAN, out));
    vi_alloc_fail_after(-1);
    assert_true(vi_vector_unit(d, 3, unit));
    assert_float_equal(vi_vector_cosine(unit, unit, 3), 1, 1e-6);
    assert_float_equal(unit[0], 4 / sqrt(29), 1e-6);
    const float zero[3] = { 0, 0, 0 }, bad[3] = { 1, NAN, 0 };
    assert_false(vi_vector_unit(zero, 3, unit));
    assert_false(vi_vector_unit(bad, 3, unit));
    assert_float_equal(vi_similarity(1), 100, 0);
    assert_float_equal(vi_similarity(0.2f), 60, 1e-5);
    assert_float_equal(vi_similarity(-1), 0, 0);
}

static int set_up(void **state)
{
    viso_error err = { 0 };
    uint32_t noise = 7;
    frame = vi_frame_alloc(VI_FORMAT_RGB24, W, H);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < 3 * W; x++) {
            noise = noise * 1664525u + 1013904223u;
            frame->plane[0][y * frame->stride[0] + x] = (uint8_t)(noise >> 24);
        }
    return vi_arena_create(&arena, (size_t)256 << 20) || vi_colour_map_create(&colour, frame->format, &frame->colour, H, &err);
}

static int tear_down(void **state)
{
    vi_colour_map_destroy(&colour);
    vi_frame_unref(&frame);
    vi_arena_destroy(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crops_are_those_of_the_reference), cmocka_unit_test(large_faces_do_not_alias),
        cmocka_unit_test(bad_points_have_no_crop),          cmocka_unit_test(words_of_the_manifest_have_crops),
        cmocka_unit_test(vectors_are_merged_and_measured),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
