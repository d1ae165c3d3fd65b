/* Sources from painted faces: what was seen comes out right, what was not seen is mirrored or filled, photographs are
 * merged, bad ones are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "swap/source.h"
#include "synthetic.h"

static vi_mesh mesh;
static vi_arena arena;
static const vi_kernels *k;
static char said[4096];

static void hear(void *user, viso_log_level level, const char *object, const char *text)
{
    if (level <= VISO_LOG_WARN)
        snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", text);
}

static vi_source *build(const synthetic *s, int n, int *rc)
{
    painted p[4];
    vi_photo photo[4];
    vi_source *out = NULL;
    viso_error err = { 0 };
    vi_log log = { .fn = hear, .level = VISO_LOG_DEBUG, .name = "source" };
    static const char *const name[4] = { "one.png", "two.png", "three.png", "four.png" };
    size_t mark = vi_arena_mark(&arena);
    said[0] = 0;
    for (int i = 0; i < n; i++) {
        paint(&p[i], k, &mesh, &s[i], &arena);
        vi_arena_release(&arena, mark);
        photo[i] = (vi_photo){ .frame = p[i].frame, .colour = &p[i].colour, .name = name[i], .face = p[i].face };
    }
    int r = vi_source_build(k, &mesh, photo, n, &out, &log, &err);
    if (rc)
        *rc = r;
    else if (r)
        fail_msg("%s", err.text);
    for (int i = 0; i < n; i++)
        paint_free(&p[i]);
    return out;
}

/* Value c of a texel; 3: the confidence. */
static float value(const vi_source *s, int c, int x, int y)
{
    return s->tex.level[0].p[4 * (y * s->tex.level[0].stride + x) + c];
}

/* Mean colour of 5x5 texels at a vertex (or between two). */
static void texel(const vi_source *s, int v, int v2, float rgb[3])
{
    float u = 0.5f * (mesh.uv[v][0] + mesh.uv[v2][0]) * (float)s->size,
          w = 0.5f * (mesh.uv[v][1] + mesh.uv[v2][1]) * (float)s->size;
    for (int c = 0; c < 3; c++) {
        rgb[c] = 0;
        for (int y = -2; y <= 2; y++)
            for (int x = -2; x <= 2; x++)
                rgb[c] += value(s, c, (int)u + x, (int)w + y) / 25.0f;
    }
}

static float confidence(const vi_source *s, int v)
{
    return value(s, 3, (int)(mesh.uv[v][0] * (float)s->size), (int)(mesh.uv[v][1] * (float)s->size));
}

static void near_colour(const float rgb[3], float r, float g, float b, float tol, const char *what)
{
    if (fabsf(rgb[0] - r) > tol || fabsf(rgb[1] - g) > tol || fabsf(rgb[2] - b) > tol)
        fail_msg("%s: expected %g %g %g, found %g %g %g", what, (double)r, (double)g, (double)b, (double)rgb[0],
                 (double)rgb[1], (double)rgb[2]);
}

/* Complete everywhere, numbers in range. */
static void check_whole(const vi_source *s)
{
    for (int y = 0; y < s->size; y++)
        for (int x = 0; x < s->size; x++)
            for (int c = 0; c < 4; c++) {
                float v = value(s, c, x, y);
                assert_true(v >= 0.0f && v <= 1.0f);
            }
}

static void a_frontal_face_is_unrolled(void **state)
{
    vi_source *s = build(&(synthetic){ .mark = true }, 1, NULL);
    float rgb[3];
    check_whole(s);
    texel(s, 50, 50, rgb);
    texel(s, 425, 425, rgb), near_colour(rgb, .80f, .60f, .50f, .05f, "right cheek");
    texel(s, 151, 151, rgb), near_colour(rgb, .80f, .60f, .50f, .05f, "forehead");
    texel(s, 11, 72, rgb), near_colour(rgb, .66f, .34f, .34f, .08f, "upper lip");
    const int centre[] = { 4, 151, 50, 280, 205, 425, 199, 13, 9 };
    for (size_t i = 0; i < VI_COUNT(centre); i++)
        assert_true(confidence(s, centre[i]) > 0.9f);
    assert_true(s->quality > 0.8f);
    assert_int_equal(s->warnings, 0);
    assert_string_equal(said, "");
    assert_int_equal(s->n_photo, 1);
    assert_true(s->eye[0].usable && s->eye[1].usable && !s->eye[0].mirrored && !s->eye[1].mirrored);
    for (int i = 0; i < VI_MESH_VERTS; i++)
        for (int j = 0; j < 3; j++)
            assert_float_equal(s->shape[i][j], mesh.pos[i][j], 0.02);
    vi_source_free(&s);
    assert_null(s);
    vi_source_free(&s);
}

/* Least green near canonical (x, -1), the place of the mark. */
static float darkest(const vi_source *s, float x)
{
    float least = 1.0f;
    for (int v = 0; v < VI_MESH_VERTS; v++) {
        float rgb[3];
        if (hypotf(mesh.pos[v][0] - x, mesh.pos[v][1] + 1.0f) > 0.8f)
            continue;
        texel(s, v, v, rgb);
        least = VI_MIN(least, rgb[1]);
    }
    return least;
}

static void the_hidden_side_comes_from_the_other(void **state)
{
    vi_source *front = build(&(synthetic){ .mark = true }, 1, NULL);
    assert_true(darkest(front, -4.0f) < 0.54f && darkest(front, 4.0f) > 0.57f); /* the mark stays on its side */
    vi_source_free(&front);
    /* Looking to the right shows the picture's left cheek; the right one is its mirror image. */
    vi_source *s = build(&(synthetic){ .yaw = 55, .mark = true }, 1, NULL);
    check_whole(s);
    assert_true(darkest(s, -4.0f) < 0.54f);
    assert_true(darkest(s, 4.0f) < 0.55f);
    assert_true(s->warnings & VI_SOURCE_TURNED);
    assert_non_null(strstr(said, "one.png"));
    assert_non_null(strstr(said, "turned 55 degrees"));
    assert_true(s->eye[VI_EYE_R].mirrored && s->eye[VI_EYE_R].from == VI_EYE_L && !s->eye[VI_EYE_L].mirrored);
    vi_source_free(&s);
}

static void hair_does_not_reach_the_texture(void **state)
{
    vi_source *s = build(&(synthetic){ .fringe = 5.0f }, 1, NULL);
    const int covered[] = { 10, 67, 297, 109, 338, 103, 332 };
    check_whole(s);
    for (size_t i = 0; i < VI_COUNT(covered); i++) {
        float rgb[3];
        texel(s, covered[i], 9, rgb); /* half way to between the brows is still skin or hair's edge */
        near_colour(rgb, .80f, .60f, .50f, .10f, "forehead");
        texel(s, covered[i], covered[i] == 10 ? 151 : covered[i], rgb);
        near_colour(rgb, .80f, .60f, .50f, .15f, "under the hair");
    }
    assert_true(confidence(s, 67) < 0.3f);
    vi_source_free(&s);
}

static void highlights_are_taken_off(void **state)
{
    vi_source *s = build(&(synthetic){ .high = true }, 1, NULL);
    float brightest = 0;
    for (int v = 0; v < VI_MESH_VERTS; v++) {
        float rgb[3];
        if (hypotf(mesh.pos[v][0], mesh.pos[v][1] - 6.0f) > 1.2f)
            continue;
        texel(s, v, v, rgb);
        brightest = VI_MAX(brightest, rgb[2]);
    }
    assert_true(brightest > 0.4f && brightest < 0.72f); /* skin's blue is .50, the highlight's .98 */
    vi_source_free(&s);
}

static void a_shut_eye_is_replaced(void **state)
{
    vi_source *s = build(&(synthetic){ .shut = 1 }, 1, NULL);
    assert_true(s->warnings & VI_SOURCE_SQUINT);
    assert_true(s->eye[VI_EYE_L].mirrored && s->eye[VI_EYE_L].from == VI_EYE_R);
    assert_true(s->eye[VI_EYE_L].openness > 0.2f);
    assert_true(vi_eye_openness((const float(*)[3])s->shape, VI_EYE_L) > 0.2f);
    vi_source_free(&s);
    s = build(&(synthetic){ .shut = 3 }, 1, NULL);
    assert_false(s->eye[0].usable || s->eye[1].usable);
    assert_true(s->warnings & VI_SOURCE_EYES_CLOSED);
    assert_non_null(strstr(said, "closed"));
    vi_source_free(&s);
}

static void the_eye_map_leads_to_the_eye(void **state)
{
    vi_source *s = build(&(synthetic){ .shut = 1 }, 1, NULL);
    for (int e = 0; e < 2; e++) { /* a target's eye, turned by 90 degrees, twice as large */
        const vi_source_eye *y = &s->eye[e];
        float sign = e == VI_EYE_L ? 1.0f : -1.0f, w = 2.0f * hypotf(y->outer.x - y->inner.x, y->outer.y - y->inner.y);
        vi_point iris = { 300, 400 }, outer = { 300, 400 - sign * w / 2 }, inner = { 300, 400 + sign * w / 2 };
        vi_affine m = vi_source_eye_map(s, e, iris, 2 * y->iris_radius, outer, inner);
        vi_point q = vi_affine_apply(&m, iris.x, iris.y);
        assert_float_equal(q.x, y->iris.x, 1e-2);
        assert_float_equal(q.y, y->iris.y, 1e-2);
        vi_point o = vi_affine_apply(&m, outer.x, outer.y); /* towards the outer corner */
        assert_true((o.x - q.x) * (y->outer.x - y->inner.x) > 0);
        /* the brow of a head turned clockwise lies on the right; in the photograph it is up */
        vi_point up = vi_affine_apply(&m, iris.x + 10, iris.y);
        assert_true(up.y < q.y - 4.0f);
        assert_float_equal(vi_affine_scale(&m), 0.5f, 0.01);
    }
    vi_source_free(&s);
}

static void photographs_are_merged(void **state)
{
    /* Two half profiles under different light, and a front view whose fringe hides the forehead. */
    const synthetic in[3] = { { .fringe = 5.0f },
                              { .yaw = 25, .tint = { -.1f, -.1f, -.05f } },
                              { .yaw = -25, .tint = { .1f, .08f, .1f } } };
    vi_source *one = build(in, 1, NULL), *s = build(in, 3, NULL);
    check_whole(s);
    assert_int_equal(s->n_photo, 3);
    assert_true(confidence(s, 151) > 0.9f);
    assert_true(confidence(s, 108) > confidence(one, 108) + 0.4f); /* forehead seen in the others */
    const int at[] = { 108, 337, 50, 280, 205, 425, 199, 151, 9 };
    float first[3], rgb[3];
    texel(s, 199, 199, first); /* one light everywhere: no seam between the photographs */
    for (size_t i = 0; i < VI_COUNT(at); i++)
        texel(s, at[i], at[i], rgb), near_colour(rgb, first[0], first[1], first[2], .05f, "merged skin");
    vi_source_free(&one);
    vi_source_free(&s);
}

static void a_bad_photograph_is_left_out(void **state)
{
    const synthetic in[2] = { { 0 }, { .yaw = 75, .shut = 3 } };
    vi_source *s = build(in, 2, NULL);
    assert_int_equal(s->n_photo, 1);
    assert_non_null(strstr(said, "two.png: left out"));
    assert_null(strstr(said, "one.png"));
    vi_source_free(&s);
    s = build(in + 1, 1, NULL); /* but used when there is nothing else */
    assert_int_equal(s->n_photo, 1);
    assert_non_null(strstr(said, "one.png: not the best source"));
    vi_source_free(&s);
}

static void nothing_usable_is_an_error(void **state)
{
    vi_photo photo = { .name = "empty.jpg" };
    vi_source *s = (void *)1;
    viso_error err = { 0 };
    assert_int_equal(vi_source_build(k, &mesh, &photo, 1, &s, NULL, &err), VISO_ERR_NO_SOURCE_FACE);
    assert_null(s);
    assert_non_null(strstr(err.text, "empty.jpg"));
    memset(&err, 0, sizeof err);
    assert_int_equal(vi_source_build(k, &mesh, &photo, 0, &s, NULL, &err), VISO_ERR_NO_SOURCE_FACE);
}

static void out_of_memory_is_an_error(void **state)
{
    for (int n = 0; n < 12; n++) {
        painted p;
        size_t mark = vi_arena_mark(&arena);
        paint(&p, k, &mesh, &(synthetic){ .scale = 6 }, &arena);
        vi_arena_release(&arena, mark);
        vi_photo photo = { .frame = p.frame, .colour = &p.colour, .name = "x", .face = p.face };
        vi_source *s = NULL;
        viso_error err = { 0 };
        vi_alloc_fail_after(n);
        int rc = vi_source_build(k, &mesh, &photo, 1, &s, NULL, &err);
        vi_alloc_fail_after(-1);
        assert_true(rc == (s ? 0 : VISO_ERR_NO_SPACE));
        assert_true(n > 0 || rc == VISO_ERR_NO_SPACE);
        vi_source_free(&s);
        paint_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frontal_face_is_unrolled),      cmocka_unit_test(the_hidden_side_comes_from_the_other),
        cmocka_unit_test(hair_does_not_reach_the_texture), cmocka_unit_test(highlights_are_taken_off),
        cmocka_unit_test(a_shut_eye_is_replaced),          cmocka_unit_test(the_eye_map_leads_to_the_eye),
        cmocka_unit_test(photographs_are_merged),          cmocka_unit_test(a_bad_photograph_is_left_out),
        cmocka_unit_test(nothing_usable_is_an_error),      cmocka_unit_test(out_of_memory_is_an_error),
    };
    k = vi_kernels_get(VI_CPU_ALL);
    mesh_load(&mesh);
    if (vi_arena_create(&arena, (size_t)1 << 29))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vi_arena_destroy(&arena);
    return rc;
}
