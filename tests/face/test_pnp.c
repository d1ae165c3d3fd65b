/* Head pose from points: known poses are found again, with and without noise; what cannot be a pose is refused. */
#include <math.h>
#include <string.h>

#include "../test.h"

#include "face/pnp.h"
#include "mesh_file.h"

static vi_mesh mesh;

typedef struct truth {
    double r[3][3], t[3];
} truth;

static void multiply(const double a[3][3], const double b[3][3], double out[3][3])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
}

/* Turned clockwise by roll, then the nose up by pitch, then to the right by yaw (degrees); `away` cm from the camera. */
static truth turned(double yaw, double pitch, double roll, double x, double y, double away)
{
    const double d = 3.14159265358979323846 / 180;
    double a = yaw * d, b = pitch * d, c = roll * d, yx[3][3];
    const double ry[3][3] = { { cos(a), 0, sin(a) }, { 0, 1, 0 }, { -sin(a), 0, cos(a) } };
    const double rx[3][3] = { { 1, 0, 0 }, { 0, cos(b), sin(b) }, { 0, -sin(b), cos(b) } };
    const double rz[3][3] = { { cos(c), sin(c), 0 }, { -sin(c), cos(c), 0 }, { 0, 0, 1 } };
    truth t = { .t = { x, y, -away } };
    multiply(ry, rx, yx);
    multiply((const double(*)[3])yx, rz, t.r);
    return t;
}

static viso_point3 seen_at(const truth *t, const vi_camera *c, const float v[3])
{
    double y[3];
    for (int i = 0; i < 3; i++)
        y[i] = t->r[i][0] * (double)v[0] + t->r[i][1] * (double)v[1] + t->r[i][2] * (double)v[2] + t->t[i];
    return (viso_point3){ (float)((double)c->cx - (double)c->f * y[0] / y[2]), (float)((double)c->cy + (double)c->f * y[1] / y[2]), 0 };
}

/* The points of a set for the mesh at a pose: anchors in place, the rest far away (nobody may use them). */
static int project_set(const truth *t, const vi_camera *c, int set, viso_point3 *p)
{
    const vi_anchor *anchor;
    int n = vi_marks_anchors(set, &anchor);
    if (set == 5) {
        static const int of[5][2] = { { 33, 133 }, { 362, 263 }, { 1, 4 }, { 61, 61 }, { 291, 291 } };
        for (int i = 0; i < 5; i++) {
            float v[3];
            for (int k = 0; k < 3; k++)
                v[k] = (mesh.pos[of[i][0]][k] + mesh.pos[of[i][1]][k]) / 2;
            p[i] = seen_at(t, c, v);
        }
        return 5;
    }
    for (int i = 0; i < set; i++)
        p[i] = (viso_point3){ -1e5f, 1e5f, 0 };
    for (int i = 0; i < n; i++)
        p[anchor[i].mark] = seen_at(t, c, mesh.pos[anchor[i].vertex]);
    return set;
}

/* Angle between two turns, degrees. */
static double apart(const float a[3][3], const double b[3][3])
{
    double trace = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            trace += (double)a[i][j] * b[i][j];
    return acos(fmax(-1, fmin(1, (trace - 1) / 2))) * 57.29577951308232;
}

static const int sets[] = { 5, 68, 98, 106, 203, 468, 478 };
static const double poses[][3] = { { 0, 0, 0 },   { 30, 0, 0 },  { -50, 0, 0 },   { 70, 5, 0 },   { 0, 25, 0 },    { 0, -35, 0 },
                                   { 0, 0, 40 },  { 0, 0, 179 }, { 20, -10, -15 }, { -60, 25, 90 }, { -35, -25, -120 } };

static void finds_known_poses(void **state)
{
    const vi_camera c = { 1400, 700, 420 };
    viso_point3 p[478];
    for (size_t s = 0; s < VI_COUNT(sets); s++) {
        for (size_t i = 0; i < VI_COUNT(poses); i++) {
            truth t = turned(poses[i][0], poses[i][1], poses[i][2], 8, -5, 60 + 20 * (double)i);
            int n = project_set(&t, &c, sets[s], p);
            vi_pnp got;
            assert_true(vi_pnp_marks(&mesh, sets[s], p, n, &c, &got));
            double a = apart((const float(*)[3])got.r, (const double(*)[3])t.r);
            if (a > 0.3 || got.rms > 0.02f)
                fail_msg("set %d, pose %zu: %.2f degrees apart, %.3f pixels left", sets[s], i, a, (double)got.rms);
            for (int k = 0; k < 3; k++)
                assert_float_equal(got.t[k], t.t[k], 0.01 * (double)fabsf(got.t[2]));
            assert_float_equal(remainder((double)got.angles.yaw - poses[i][0], 360), 0, 0.4);
            assert_float_equal(got.angles.pitch, poses[i][1], 0.4);
            assert_float_equal(remainder((double)got.angles.roll - poses[i][2], 360), 0, 0.4);
        }
    }
    (void)state;
}

static uint32_t seed = 1;
static float noise(void) /* about a standard normal: the sum of twelve uniform numbers */
{
    float sum = -6;
    for (int i = 0; i < 12; i++) {
        seed = seed * 1664525u + 1013904223u;
        sum += (float)(seed >> 8) / 16777216.0f;
    }
    return sum;
}

/* Points of a face 200 pixels wide, off by 1 % of that. */
static void noise_moves_it_little(void **state)
{
    const vi_camera c = { 1000, 500, 500 };
    viso_point3 p[478];
    (void)state;
    for (size_t s = 0; s < VI_COUNT(sets); s++) {
        double sum = 0, worst = 0;
        int count = 0;
        for (size_t i = 0; i < VI_COUNT(poses); i++) {
            for (int k = 0; k < 20; k++) {
                truth t = turned(poses[i][0], poses[i][1], poses[i][2], 0, 0, 70);
                int n = project_set(&t, &c, sets[s], p);
                for (int j = 0; j < n; j++) {
                    p[j].x += 2 * noise();
                    p[j].y += 2 * noise();
                }
                vi_pnp got;
                assert_true(vi_pnp_marks(&mesh, sets[s], p, n, &c, &got));
                double a = apart((const float(*)[3])got.r, (const double(*)[3])t.r);
                sum += a;
                worst = fmax(worst, a);
                count++;
            }
        }
        print_message("%d points: %.1f degrees off in the mean, %.1f at worst\n", sets[s], sum / count, worst);
        assert_true(sum / count < (sets[s] == 5 ? 5 : 3));
        assert_true(worst < (sets[s] == 5 ? 30 : 12));
    }
}

/* The rule for the lens: wrong by a half, a face that is a quarter of the picture hardly turns. */
static void the_lens_matters_little(void **state)
{
    const vi_camera c = { 1000, 500, 500 };
    viso_point3 p[478];
    (void)state;
    for (int i = 0; i < 5; i++) {
        double yaw = -40 + 20 * i;
        truth t = turned(yaw, 10, 0, 0, 0, 65); /* 16 cm at 65 cm: 250 pixels */
        int n = project_set(&t, &c, 68, p);
        for (int k = 0; k < 2; k++) {
            vi_camera wrong = { k ? 1500 : 667, 500, 500 };
            vi_pnp got;
            assert_true(vi_pnp_marks(&mesh, 68, p, n, &wrong, &got));
            assert_float_equal(got.angles.yaw, yaw, 3);
            assert_float_equal(got.angles.pitch, 10, 3);
        }
    }
    vi_camera rule = vi_camera_for(1280, 720, &(viso_box){ 100, 200, 180, 300 });
    assert_float_equal(rule.f, 1280, 0);
    assert_float_equal(rule.cx, 140, 0);
    assert_float_equal(rule.cy, 250, 0);
    rule = vi_camera_for(400, 400, &(viso_box){ 0, 0, 380, 400 });
    assert_float_equal(rule.f, 1000, 0);
}

static void what_is_no_pose_is_refused(void **state)
{
    const vi_camera c = { 1000, 500, 500 };
    viso_point3 p[478];
    vi_pnp got;
    (void)state;
    truth t = turned(0, 0, 0, 0, 0, 60);
    for (size_t s = 0; s < VI_COUNT(sets); s++) {
        int n = project_set(&t, &c, sets[s], p);
        assert_false(vi_pnp_marks(&mesh, sets[s], p, n - (sets[s] == 478 ? 20 : 1), &c, &got)); /* too few of the set */
        viso_point3 keep = p[s == 0 ? 2 : sets[s] == 68 ? 30 : sets[s] == 106 ? 86 : sets[s] == 203 ? 201 : sets[s] == 98 ? 54 : 4];
        for (int i = 0; i < n; i++)
            p[i] = keep;
        assert_false(vi_pnp_marks(&mesh, sets[s], p, n, &c, &got)); /* coincident */
        project_set(&t, &c, sets[s], p);
        for (int i = 0; i < n; i++)
            p[i].y = i % 2 ? NAN : INFINITY;
        assert_false(vi_pnp_marks(&mesh, sets[s], p, n, &c, &got));
    }
    assert_false(vi_pnp_marks(&mesh, 77, p, 77, &c, &got));
    /* Points of the head at one place; three points; no lens. */
    static const float one_place[5][3] = { { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 } };
    static const float square[4][3] = { { -1, -1, 0 }, { 1, -1, 0 }, { 1, 1, 0 }, { -1, 1, 0 } };
    static const vi_point seen[5] = { { 0, 0 }, { 10, 0 }, { 10, 10 }, { 0, 10 }, { 5, 5 } };
    assert_false(vi_pnp_solve(one_place, seen, NULL, 5, &c, &got));
    assert_false(vi_pnp_solve(square, seen, NULL, 3, &c, &got));
    assert_false(vi_pnp_solve(square, seen, NULL, 4, &(vi_camera){ 0, 0, 0 }, &got));
    assert_false(vi_pnp_solve(square, seen, NULL, 4, &(vi_camera){ NAN, 0, 0 }, &got));
    static const float none[4] = { 1, 1, 1, 0 };
    assert_false(vi_pnp_solve(square, seen, none, 4, &c, &got)); /* three have a weight */
    /* A flat square seen upright and mirrored: a pose in front of the camera, never one behind it. */
    vi_point image[4] = { { 400, 600 }, { 600, 600 }, { 600, 400 }, { 400, 400 } };
    assert_true(vi_pnp_solve(square, image, NULL, 4, &c, &got));
    assert_true(got.t[2] < 0 && got.rms < 0.01f);
    vi_point mirrored[4] = { { 600, 600 }, { 400, 600 }, { 400, 400 }, { 600, 400 } };
    if (vi_pnp_solve(square, mirrored, NULL, 4, &c, &got))
        assert_true(got.t[2] < 0);
}

/* The reduction to five points and the mean eyes: chosen places of each set, and what is refused. */
static void sets_reduce_to_five(void **state)
{
    static const struct { int set, eye[2][2], mean[2][4], nose, mouth[2]; } want[] = {
        { 68, { { 36, 39 }, { 42, 45 } }, { { 36, 39, 36, 39 }, { 42, 45, 42, 45 } }, 30, { 48, 54 } },
        { 98, { { 96, 96 }, { 97, 97 } }, { { 60, 62, 64, 66 }, { 68, 70, 72, 74 } }, 54, { 76, 82 } },
        { 106, { { 38, 38 }, { 88, 88 } }, { { 33, 35, 39, 40 }, { 87, 89, 93, 94 } }, 86, { 52, 61 } },
        { 203, { { 197, 197 }, { 198, 198 } }, { { 0, 6, 12, 18 }, { 24, 30, 36, 42 } }, 201, { 48, 66 } },
        { 478, { { 468, 468 }, { 473, 473 } }, { { 469, 470, 471, 472 }, { 474, 475, 476, 477 } }, 4, { 61, 291 } },
    };
    viso_point3 p[478];
    (void)state;
    for (int i = 0; i < 478; i++)
        p[i] = (viso_point3){ (float)(i * i % 997), (float)(i * 31 % 613), 0 };
    for (size_t i = 0; i < VI_COUNT(want); i++) {
        viso_point five[5];
        assert_true(vi_marks_five(want[i].set, p, want[i].set, VI_EYES_PUPIL, five));
        for (int e = 0; e < 2; e++) {
            assert_float_equal(five[e].x, (p[want[i].eye[e][0]].x + p[want[i].eye[e][1]].x) / 2, 1e-3);
            assert_float_equal(five[e].y, (p[want[i].eye[e][0]].y + p[want[i].eye[e][1]].y) / 2, 1e-3);
            assert_float_equal(five[3 + e].x, p[want[i].mouth[e]].x, 0);
        }
        assert_float_equal(five[2].y, p[want[i].nose].y, 0);
        assert_true(vi_marks_five(want[i].set, p, want[i].set, VI_EYES_MEAN, five));
        for (int e = 0; e < 2; e++) {
            float x = 0;
            for (int k = 0; k < 4; k++)
                x += p[want[i].mean[e][k]].x / 4;
            assert_float_equal(five[e].x, x, 1e-2);
        }
        assert_false(vi_marks_five(want[i].set, p, want[i].set - 1, VI_EYES_PUPIL, five));
        viso_point3 keep = p[want[i].nose];
        p[want[i].nose].x = NAN;
        assert_false(vi_marks_five(want[i].set, p, want[i].set, VI_EYES_PUPIL, five));
        p[want[i].nose] = keep;
    }
    assert_false(vi_marks_five(69, p, 478, VI_EYES_PUPIL, (viso_point[5]){ { 0, 0 } }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_known_poses),   cmocka_unit_test(noise_moves_it_little),
        cmocka_unit_test(the_lens_matters_little), cmocka_unit_test(what_is_no_pose_is_refused),
        cmocka_unit_test(sets_reduce_to_five),
    };
    mesh_load(&mesh);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
