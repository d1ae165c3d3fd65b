/* Shape transfer keeps the target's expression and outline and takes the source's proportions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../face/mesh_file.h"
#include "swap/shape.h"

static vi_mesh mesh;
typedef float shape[478][3];

static void put(shape s, int i, float x, float y, float z)
{
    s[i][0] = x, s[i][1] = y, s[i][2] = z;
}

/* The canonical face with irises in the middle of its eyes. */
static void neutral(shape s)
{
    memset(s, 0, sizeof(shape));
    memcpy(s, mesh.pos, sizeof mesh.pos);
    for (int e = 0; e < 2; e++) {
        const uint16_t *c = vi_eye_contour(e);
        int i = vi_eye_iris(e);
        float x = 0.5f * (s[c[0]][0] + s[c[8]][0]), y = 0.5f * (s[c[4]][1] + s[c[12]][1]), z = s[c[0]][2];
        put(s, i, x, y, z), put(s, i + 1, x + .6f, y, z), put(s, i + 2, x, y + .6f, z), put(s, i + 3, x - .6f, y, z),
            put(s, i + 4, x, y - .6f, z);
    }
}

/* Opens the mouth by `gap` cm: everything of the lower lip and the chin goes down. */
static void open_mouth(shape s, float gap)
{
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        bool lower = mesh.pos[i][1] < 0.5f * (mesh.pos[13][1] + mesh.pos[14][1]) - 1e-4f;
        for (int c = 11; c < 20; c++)
            lower = lower || i == vi_lm_lips_inner[c];
        if (lower)
            s[i][1] -= gap;
    }
}

/* Another person: wider nose, longer mid-face, thicker lips, wider mouth. */
static void person(shape s)
{
    neutral(s);
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        s[i][0] *= 1.08f;
        s[i][1] *= 1.05f;
        s[i][0] += 0.3f * s[i][0] * expf(-(s[i][0] * s[i][0] + s[i][1] * s[i][1]) / 4.0f);
    }
    for (int col = 1; col <= 9; col++) {
        s[vi_lm_lips_outer[col]][1] += 0.3f;
        s[vi_lm_lips_outer[20 - col]][1] -= 0.3f;
    }
}

static float apart(const float a[3], const float b[3])
{
    return sqrtf((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]));
}

static void transfer(shape s, shape t, vi_shape_params p, shape out)
{
    vi_shape_transfer(&mesh, (const float(*)[3])s, (const float(*)[3])t, &p, out);
}

static void same_person_gives_the_target(void **state)
{
    shape s, out;
    neutral(s);
    open_mouth(s, 0.4f);
    transfer(s, s, vi_shape_defaults(), out);
    for (int i = 0; i < 478; i++)
        if (apart(out[i], s[i]) > 1e-3f)
            fail_msg("point %d moved by %g cm", i, (double)apart(out[i], s[i]));
}

static void outline_stays_the_targets(void **state)
{
    shape s, t, out;
    person(s), neutral(t), open_mouth(t, 0.8f);
    transfer(s, t, vi_shape_defaults(), out);
    for (int i = 0; i < 36; i++)
        assert_memory_equal(out[vi_lm_oval[i]], t[vi_lm_oval[i]], sizeof t[0]);
    assert_true(apart(out[4], t[4]) > 0.02f || apart(out[48], t[48]) > 0.1f); /* but the inside moved */
    vi_shape_params p = vi_shape_defaults();
    p.outline = 1.0f;
    transfer(s, t, p, out);
    assert_true(apart(out[234], t[234]) > 0.3f);
    assert_true(apart(out[234], s[234]) < apart(t[234], s[234]));
}

static void mouth_opens_as_the_target(void **state)
{
    const float gaps[] = { 0.0f, 0.3f, 1.5f };
    for (size_t i = 0; i < VI_COUNT(gaps); i++) {
        shape s, t, out;
        person(s), neutral(t);
        open_mouth(s, 0.7f);
        open_mouth(t, gaps[i]);
        transfer(s, t, vi_shape_defaults(), out);
        for (int c = 1; c <= 9; c++) {
            int up = vi_lm_lips_inner[c], low = vi_lm_lips_inner[20 - c];
            assert_float_equal(out[up][1] - out[low][1], t[up][1] - t[low][1], 1e-4);
        }
    }
}

static void lips_become_as_thick_as_the_sources(void **state)
{
    shape s, t, out;
    person(s), neutral(t);
    transfer(s, t, vi_shape_defaults(), out);
    float ts = apart(s[17], s[14]), tt = apart(t[17], t[14]), tn = apart(out[17], out[14]);
    assert_true(ts > tt * 1.1f);
    assert_true(tn > tt * 1.05f && tn <= ts * 1.05f);
    /* rings stay in order between the contours */
    for (int c = 1; c <= 9; c++) {
        assert_true(out[vi_lm_lips_outer[c]][1] >= out[vi_lm_ring1_upper[c]][1]);
        assert_true(out[vi_lm_lips_outer[20 - c]][1] <= out[vi_lm_ring1_lower[c - 1]][1]);
    }
}

static void blink_and_gaze_are_the_targets(void **state)
{
    shape s, t, out;
    person(s), neutral(t);
    const uint16_t *c = vi_eye_contour(VI_EYE_L);
    for (int i = 1; i < 8; i++) /* the target's left eye shuts: upper lid on the lower */
        for (int j = 0; j < 3; j++)
            t[c[16 - i]][j] = t[c[i]][j];
    for (int i = 468; i < 478; i++) /* and it looks aside */
        t[i][0] += 0.3f;
    transfer(s, t, vi_shape_defaults(), out);
    assert_true(vi_eye_openness((const float(*)[3])out, VI_EYE_L) < 0.03f);
    assert_true(vi_eye_openness((const float(*)[3])out, VI_EYE_R) > 0.15f);
    for (int e = 0; e < 2; e++) {
        const uint16_t *q = vi_eye_contour(e);
        float a[2], b[2];
        vi_eye_frame ft = vi_eye_frame_of(t[q[0]], t[q[8]], e, true),
                     fn = vi_eye_frame_of(out[q[0]], out[q[8]], e, true);
        vi_eye_to_frame(&ft, t[vi_eye_iris(e)], a);
        vi_eye_to_frame(&fn, out[vi_eye_iris(e)], b);
        assert_float_equal(a[0], b[0], 1e-4);
        assert_float_equal(a[1], b[1], 1e-4);
    }
}

static void inner_weight_goes_from_target_to_full(void **state)
{
    shape s, t, none, half, full;
    vi_shape_params p = vi_shape_defaults();
    person(s), neutral(t);
    transfer(s, t, p, full);
    p.inner = 0.5f, transfer(s, t, p, half);
    p.inner = 0.0f, transfer(s, t, p, none);
    for (int i = 0; i < 478; i++) {
        assert_true(apart(none[i], t[i]) < 1e-6f);
        for (int j = 0; j < 3; j++)
            assert_float_equal(half[i][j], 0.5f * (t[i][j] + full[i][j]), 1e-4);
    }
}

static void eye_frames_mirror(void **state)
{
    shape s;
    neutral(s);
    for (int i = 0; i < 16; i++) { /* the same lid points of both eyes have the same coordinates */
        const uint16_t *l = vi_lm_contour_l;
        float a[2], b[2];
        int r = mesh.mirror[l[i]];
        vi_eye_frame fl = vi_eye_frame_of(s[33], s[133], VI_EYE_L, true),
                     fr = vi_eye_frame_of(s[263], s[362], VI_EYE_R, true);
        vi_eye_to_frame(&fl, s[l[i]], a);
        vi_eye_to_frame(&fr, s[r], b);
        assert_float_equal(a[0], b[0], 1e-4);
        assert_float_equal(a[1], b[1], 1e-4);
        float back[2];
        vi_eye_from_frame(&fl, a, back);
        assert_float_equal(back[0], s[l[i]][0], 1e-4);
        assert_float_equal(back[1], s[l[i]][1], 1e-4);
    }
    float up[2];
    vi_eye_frame pic = vi_eye_frame_of((float[2]){ 10, 50 }, (float[2]){ 30, 50 }, VI_EYE_L, false);
    vi_eye_to_frame(&pic, (float[2]){ 20, 40 }, up); /* a brow above the eye of a picture */
    assert_float_equal(up[0], 0.5, 1e-6);
    assert_float_equal(up[1], 0.5, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_person_gives_the_target),
        cmocka_unit_test(outline_stays_the_targets),
        cmocka_unit_test(mouth_opens_as_the_target),
        cmocka_unit_test(lips_become_as_thick_as_the_sources),
        cmocka_unit_test(blink_and_gaze_are_the_targets),
        cmocka_unit_test(inner_weight_goes_from_target_to_full),
        cmocka_unit_test(eye_frames_mirror),
    };
    mesh_load(&mesh);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
