/* Skin segmentation of painted faces: skin is kept, hair and cloth are not, features are forced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "swap/skin.h"
#include "synthetic.h"

static vi_mesh mesh;
static vi_arena arena;
static const vi_kernels *k;

static void crop_of(const painted *p, vi_rgb *crop, vi_point lm[478])
{
    vi_affine id = vi_affine_identity();
    *crop = vi_rgb_new(&arena, SYN_SIZE, SYN_SIZE);
    assert_int_equal(k->sample(p->frame, &p->colour, &id, crop, VI_BORDER_REPLICATE, &arena), 0);
    for (int i = 0; i < 478; i++)
        lm[i] = (vi_point){ p->lm[i].x, p->lm[i].y };
}

static float at(const vi_plane *m, vi_point p)
{
    return m->p[(int)p.y * m->stride + (int)p.x];
}

static void run(const synthetic *s, const vi_skin_params *p, vi_plane *mask, vi_skin_info *info, vi_point lm[478])
{
    painted f;
    vi_rgb crop;
    paint(&f, k, &mesh, s, &arena);
    crop_of(&f, &crop, lm);
    *mask = vi_plane_new(&arena, SYN_SIZE, SYN_SIZE);
    size_t used = arena.used;
    assert_int_equal(vi_skin_segment(k, &crop, lm, p, mask, info, &arena), 0);
    assert_int_equal(arena.used, used); /* scratch is given back */
    paint_free(&f);
    for (int y = 0; y < SYN_SIZE; y++)
        for (int x = 0; x < SYN_SIZE; x++)
            assert_true(mask->p[y * mask->stride + x] >= 0.0f && mask->p[y * mask->stride + x] <= 1.0f);
}

static void keeps_skin_and_drops_a_fringe(void **state)
{
    for (int fast = 0; fast < 2; fast++) {
        size_t mark = vi_arena_mark(&arena);
        vi_plane mask;
        vi_skin_info info;
        vi_point lm[478];
        run(&(synthetic){ .fringe = 5.0f }, &(vi_skin_params){ .features = 1.0f, .fast = fast }, &mask, &info, lm);
        const int skin[] = { 50, 280, 4, 205, 425, 152, 117, 346, 199 }, hair[] = { 10, 67, 297, 109, 338 };
        for (size_t i = 0; i < VI_COUNT(skin); i++) {
            vi_point p = lm[skin[i]];
            p.y -= skin[i] == 152 ? 18.0f : 0.0f; /* off the very edge */
            if (at(&mask, p) < 0.8f)
                fail_msg("point %d is skin, found %g (fast %d)", skin[i], (double)at(&mask, p), fast);
        }
        for (size_t i = 0; i < VI_COUNT(hair); i++) {
            vi_point p = lm[hair[i]];
            p.y += 8.0f;
            if (at(&mask, p) > 0.2f)
                fail_msg("point %d is hair, found %g (fast %d)", hair[i], (double)at(&mask, p), fast);
        }
        assert_true(at(&mask, lm[468]) > 0.95f && at(&mask, lm[13]) > 0.95f); /* iris, lips: forced */
        assert_true(info.fraction > 0.5f && info.fraction < 0.97f);
        assert_false(info.mouth_occluded);
        vi_arena_release(&arena, mark);
    }
}

static void whole_face_is_skin_without_hair(void **state)
{
    size_t mark = vi_arena_mark(&arena);
    vi_plane mask;
    vi_skin_info info;
    vi_point lm[478];
    run(&(synthetic){ 0 }, &(vi_skin_params){ .features = 1.0f, .lips_auto = true }, &mask, &info, lm);
    assert_true(info.fraction > 0.85f);
    assert_false(info.mouth_occluded);
    assert_float_equal(info.skin.mean[0], 69.0f, 4.0f); /* Lab of the painted skin */
    assert_true(info.lips.mean[1] > info.skin.mean[1] + 8.0f);
    assert_true(info.chin_distance < 2.0f);
    vi_arena_release(&arena, mark);
}

static void sees_a_mask_over_the_mouth(void **state)
{
    size_t mark = vi_arena_mark(&arena);
    vi_plane mask;
    vi_skin_info info;
    vi_point lm[478];
    run(&(synthetic){ .mask = true }, &(vi_skin_params){ .features = 2.4f, .lips_auto = true }, &mask, &info, lm);
    assert_true(info.mouth_occluded);
    assert_true(at(&mask, lm[13]) < 0.2f && at(&mask, lm[199]) < 0.2f && at(&mask, lm[205]) < 0.3f);
    assert_true(at(&mask, lm[9]) > 0.8f && at(&mask, lm[468]) > 0.95f && at(&mask, lm[117]) > 0.6f);
    vi_arena_release(&arena, mark);
}

static void a_beard_is_no_mask(void **state)
{
    vi_skin_info i = { 0 };
    i.upper = (vi_lab_model){ .n = 100, .mean = { 68, 12, 18 } };
    i.skin = i.upper;
    i.chin = (vi_lab_model){ .n = 100, .mean = { 30, 4, 6 } };
    i.lips = (vi_lab_model){ .n = 100, .mean = { 50, 20, 12 } };
    i.chin_distance = 5.0f;
    i.lips_chin = 26.0f;
    assert_false(vi_skin_mouth_occluded(&i));
    i.lips.mean[0] = 84.0f; /* lighter than skin: no lips */
    assert_true(vi_skin_mouth_occluded(&i));
    i.lips.mean[0] = 50.0f, i.lips.mean[1] = 2.0f; /* not red */
    assert_true(vi_skin_mouth_occluded(&i));
    memset(&i, 0, sizeof i); /* nothing known */
    assert_false(vi_skin_mouth_occluded(&i));
}

static void survives_flat_and_misplaced_input(void **state)
{
    size_t mark = vi_arena_mark(&arena);
    vi_rgb crop = vi_rgb_new(&arena, 97, 61);
    vi_plane out = vi_plane_new(&arena, 97, 61);
    vi_skin_info info;
    vi_point lm[478];
    for (int c = 0; c < 3; c++)
        vi_plane_fill(&crop.c[c], 0.5f);
    const float place[][2] = { { 48, 30 }, { -5000, 30 }, { 48, 61 }, { 0, 0 } }, size[] = { 3, 0, 0.01f, 200 };
    for (size_t i = 0; i < VI_COUNT(place); i++) {
        for (size_t j = 0; j < VI_COUNT(size); j++) {
            for (int v = 0; v < 478; v++) {
                const float *q = mesh.pos[v % VI_MESH_VERTS];
                lm[v] = (vi_point){ place[i][0] + size[j] * q[0], place[i][1] - size[j] * q[1] };
            }
            for (int fast = 0; fast < 2; fast++) {
                vi_skin_params p = { .features = 2.4f, .lips_auto = true, .fast = fast };
                assert_int_equal(vi_skin_segment(k, &crop, lm, &p, &out, &info, &arena), 0);
                for (int y = 0; y < 61; y++)
                    for (int x = 0; x < 97; x++)
                        assert_true(out.p[y * out.stride + x] >= 0.0f && out.p[y * out.stride + x] <= 1.0f);
            }
        }
    }
    vi_skin_params p = { .features = 1.0f };
    for (int v = 0; v < 478; v++)
        lm[v] = (vi_point){ 48 + 3 * mesh.pos[v % VI_MESH_VERTS][0], 30 - 3 * mesh.pos[v % VI_MESH_VERTS][1] };
    lm[70].x = NAN; /* one broken point is enough to give up */
    vi_plane_fill(&out, 1.0f);
    assert_int_equal(vi_skin_segment(k, &crop, lm, &p, &out, &info, &arena), 0);
    assert_true(out.p[0] == 0.0f && info.skin.n == 0.0f);
    vi_arena_release(&arena, mark);
}

static void says_when_scratch_is_short(void **state)
{
    vi_arena tiny;
    size_t mark = vi_arena_mark(&arena);
    vi_rgb crop = vi_rgb_new(&arena, 256, 256);
    vi_plane out = vi_plane_new(&arena, 256, 256);
    vi_point lm[478];
    for (int c = 0; c < 3; c++)
        vi_plane_fill(&crop.c[c], 0.5f);
    for (int v = 0; v < 478; v++)
        lm[v] = (vi_point){ 128 + 8 * mesh.pos[v % VI_MESH_VERTS][0], 128 - 8 * mesh.pos[v % VI_MESH_VERTS][1] };
    for (size_t size = 4096; size < 3000000; size = size * 3 / 2) {
        assert_int_equal(vi_arena_create(&tiny, size), 0);
        int rc = vi_skin_segment(k, &crop, lm, &(vi_skin_params){ 0 }, &out, NULL, &tiny);
        assert_true(rc == 0 || rc == VISO_ERR_NO_SPACE);
        assert_int_equal(tiny.used, 0);
        vi_arena_destroy(&tiny);
    }
    vi_arena_release(&arena, mark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_skin_and_drops_a_fringe),     cmocka_unit_test(whole_face_is_skin_without_hair),
        cmocka_unit_test(sees_a_mask_over_the_mouth),        cmocka_unit_test(a_beard_is_no_mask),
        cmocka_unit_test(survives_flat_and_misplaced_input), cmocka_unit_test(says_when_scratch_is_short),
    };
    k = vi_kernels_get(VI_CPU_ALL);
    mesh_load(&mesh);
    if (vi_arena_create(&arena, (size_t)1 << 29))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vi_arena_destroy(&arena);
    return rc;
}
