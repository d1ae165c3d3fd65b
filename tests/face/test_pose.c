/* A mesh turned by known angles gives those angles, with the signs of viso/face.h. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mesh_file.h"

static vi_mesh mesh;

/* Canonical mesh turned and projected: picture x right, y down, z away from the camera. Angles in degrees, in the sense
 * a person would describe the picture. */
static void project(float yaw, float pitch, float roll, float scale, viso_point3 lm[478])
{
    const double d = 3.14159265358979 / 180.0;
    double cy = cos(yaw * d), sy = sin(yaw * d), cp = cos(pitch * d), sp = sin(pitch * d), cr = cos(roll * d),
           sr = sin(roll * d);
    for (int i = 0; i < 478; i++) {
        const float *v = mesh.pos[i % VI_MESH_VERTS];
        double x = v[0], y = v[1], z = v[2], t;
        t = cr * x + sr * y, y = cr * y - sr * x, x = t; /* clockwise: the top goes right */
        t = cp * y + sp * z, z = cp * z - sp * y, y = t; /* nose goes up */
        t = cy * x + sy * z, z = cy * z - sy * x, x = t; /* nose goes right */
        lm[i] = (viso_point3){ (float)(300 + scale * x), (float)(200 - scale * y), (float)(-scale * z) };
    }
}

static void finds_known_angles(void **state)
{
    const float cases[][3] = { { 0, 0, 0 },  { 30, 0, 0 },  { -50, 0, 0 },    { 0, 20, 0 },   { 0, -35, 0 },
                               { 0, 0, 40 }, { 0, 0, 179 }, { 20, -10, -15 }, { -60, 25, 90 } };
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        viso_point3 lm[478];
        vi_pose3d pose;
        project(cases[i][0], cases[i][1], cases[i][2], 12.5f, lm);
        assert_true(vi_pose_fit(&mesh, lm, &pose));
        assert_float_equal(pose.angles.yaw, cases[i][0], 0.02);
        assert_float_equal(pose.angles.pitch, cases[i][1], 0.02);
        assert_float_equal(pose.angles.roll, cases[i][2], 0.02);
        assert_float_equal(pose.s, 12.5, 1e-3);
    }
}

static void signs_are_those_of_the_picture(void **state)
{
    viso_point3 lm[478];
    project(25, 0, 0, 10, lm); /* looks right: nose tip right of the middle of the ears */
    assert_true(lm[4].x > (lm[234].x + lm[454].x) / 2);
    project(0, 25, 0, 10, lm); /* looks up: nose tip rises against the ears */
    viso_point3 level[478];
    project(0, 0, 0, 10, level);
    assert_true(lm[4].y - lm[234].y < level[4].y - level[234].y);
    project(0, 0, 25, 10, lm); /* clockwise: forehead right of the chin */
    assert_true(lm[10].x > lm[152].x);
}

static void goes_to_canonical_and_back(void **state)
{
    viso_point3 lm[478], back[478];
    float c[478][3];
    vi_pose3d pose;
    project(17, -8, 33, 7.5f, lm);
    for (int i = 0; i < 478; i++) /* an expression of its own */
        lm[i].x += 0.8f * sinf((float)i), lm[i].z += 0.5f * cosf(3.0f * (float)i);
    assert_true(vi_pose_fit(&mesh, lm, &pose));
    vi_pose_to_canonical(&pose, lm, c, 478);
    vi_pose_from_canonical(&pose, (const float(*)[3])c, back, 478);
    for (int i = 0; i < 478; i++) {
        assert_float_equal(back[i].x, lm[i].x, 2e-3);
        assert_float_equal(back[i].y, lm[i].y, 2e-3);
        assert_float_equal(back[i].z, lm[i].z, 2e-3);
    }
    float worst = 0;
    for (int i = 0; i < VI_MESH_VERTS; i++)
        for (int j = 0; j < 3; j++)
            worst = fmaxf(worst, fabsf(c[i][j] - mesh.pos[i][j]));
    assert_true(worst < 0.5f); /* cm: noise of about 0.1 cm was added */
}

/* A wide open mouth whose refined lower lip has overtaken the chin, as the attention network gives it. */
static void an_open_mouth_does_not_fold(void **state)
{
    static const int chin[] = { 17, 18, 200, 199, 175, 152 };
    viso_point3 lm[478], before[478];
    vi_pose3d pose;
    project(10, -5, 8, 12.0f, lm);
    assert_true(vi_pose_fit(&mesh, lm, &pose));
    memcpy(before, lm, sizeof lm);
    assert_int_equal(vi_mesh_unfold(&mesh, &pose, lm), 0); /* a shut mouth is left alone */
    assert_memory_equal(lm, before, sizeof lm);
    float c[478][3];
    vi_pose_to_canonical(&pose, lm, c, 478);
    for (size_t i = 0; i < VI_COUNT(vi_lm_lips); i++) {
        int v = vi_lm_lips[i];
        if (mesh.pos[v][1] < mesh.pos[61][1] - 0.1f && v != 13 && v != 82 && v != 312)
            c[v][1] -= 2.5f;
    }
    assert_true(c[17][1] < c[18][1]); /* folded */
    vi_pose_from_canonical(&pose, (const float(*)[3])c, lm, 478);
    assert_true(vi_mesh_unfold(&mesh, &pose, lm) > 3);
    vi_pose_to_canonical(&pose, lm, c, 478);
    for (size_t i = 1; i < VI_COUNT(chin); i++)
        assert_true(c[chin[i]][1] < c[chin[i - 1]][1]);
    for (int i = 0; i < 36; i++) /* the outline never moves */
        assert_float_equal(lm[vi_lm_oval[i]].y, before[vi_lm_oval[i]].y, 1e-3);
}

static void refuses_degenerate_points(void **state)
{
    viso_point3 lm[478];
    vi_pose3d pose;
    memset(lm, 0, sizeof lm);
    assert_false(vi_pose_fit(&mesh, lm, &pose));
    for (int i = 0; i < 478; i++)
        lm[i].x = NAN;
    assert_false(vi_pose_fit(&mesh, lm, &pose));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_known_angles),         cmocka_unit_test(signs_are_those_of_the_picture),
        cmocka_unit_test(goes_to_canonical_and_back), cmocka_unit_test(an_open_mouth_does_not_fold),
        cmocka_unit_test(refuses_degenerate_points),
    };
    mesh_load(&mesh);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
