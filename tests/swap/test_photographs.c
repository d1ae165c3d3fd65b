/* Sources and skin masks of real photographs: hair stays out, beards stay in, masks over the mouth are seen. Judged by
 * behaviour; nothing of the pictures is kept. */
#include <math.h>

#include "../detect/analysis.h"
#include "swap/source.h"

static analysis *a;
static vi_mesh mesh;
static vi_arena arena;
static char said[4096];

static void hear(void *user, viso_log_level level, const char *object, const char *text)
{
    if (level <= VISO_LOG_WARN)
        snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", text);
}
static const vi_log log_here = { .fn = hear, .level = VISO_LOG_WARN, .name = "source" };

/* The photographs at work: frames are kept for the merge. */
static struct {
    vi_frame *frame[4];
    vi_colour_map colour[4];
    vi_photo photo[4];
    int n;
} album;

static void keep(analysis *an, int frame, void *user)
{
    int i = album.n++, largest = 0;
    viso_error err = { 0 };
    assert_true(an->w->n_face > 0);
    for (int j = 1; j < an->w->n_face; j++)
        if (an->w->face[j].f.box.x1 - an->w->face[j].f.box.x0 >
            an->w->face[largest].f.box.x1 - an->w->face[largest].f.box.x0)
            largest = j;
    album.frame[i] = vi_frame_ref(an->w->frame);
    assert_int_equal(
        vi_colour_map_create(&album.colour[i], an->w->frame->format, &an->w->frame->colour, an->w->frame->height, &err),
        0);
    album.photo[i] =
        (vi_photo){ .frame = album.frame[i], .colour = &album.colour[i], .name = user, .face = an->w->face[largest] };
}

static void take(const char *variable, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", getenv(variable), name);
    assert_int_equal(analyse_file(a, path, false, keep, (void *)(uintptr_t)name), 1);
}

static void close_album(void)
{
    for (int i = 0; i < album.n; i++) {
        vi_colour_map_destroy(&album.colour[i]);
        vi_frame_unref(&album.frame[i]);
    }
    album.n = 0;
}

static vi_source *source_of_album(void)
{
    vi_source *s = NULL;
    viso_error err = { 0 };
    said[0] = '\0';
    if (vi_source_build(vi_kernels_get(VI_CPU_ALL), &mesh, album.photo, album.n, &s, &log_here, &err))
        fail_msg("%s", err.text);
    return s;
}

static vi_source *build(void)
{
    vi_source *s = source_of_album();
    close_album();
    return s;
}

static vi_source *source_of(const char *variable, const char *name)
{
    take(variable, name);
    return build();
}

/* Value c of the texture at a vertex; 3: the confidence. */
static float at_uv(const vi_source *s, int c, int v)
{
    const vi_quad *q = &s->tex.level[0];
    return q->p[4 * ((int)(mesh.uv[v][1] * (float)q->h) * q->stride + (int)(mesh.uv[v][0] * (float)q->w)) + c];
}

/* Distance in Lab of a texture point to the face's own skin, L at half weight. */
static float off_skin(const vi_source *s, int v)
{
    float px[3] = { at_uv(s, 0, v), at_uv(s, 1, v), at_uv(s, 2, v) }, lab[3], d = 0;
    vi_rgb in, out;
    for (int c = 0; c < 3; c++) {
        in.c[c] = (vi_plane){ &px[c], 1, 1, 1 };
        out.c[c] = (vi_plane){ &lab[c], 1, 1, 1 };
    }
    vi_kernels_get(VI_CPU_C)->rgb_to_lab(&out, &in);
    for (int c = 0; c < 3; c++)
        d += (c ? 1.0f : 0.25f) * (lab[c] - s->skin.skin.mean[c]) * (lab[c] - s->skin.skin.mean[c]);
    return sqrtf(d);
}

static void public_photographs_make_good_sources(void **state)
{
    static const int centre[] = { 4, 50, 280, 205, 425, 9, 6 }, forehead[] = { 10, 67, 297, 109, 338, 151, 108, 337 };
    static const char *const name[] = { "astronaut.png", "grace_hopper.jpg" };
    static const float limit[] = { 10.0f,
                                   22.0f }; /* the first has brown hair on the forehead, the second a black cap */
    for (int i = 0; i < 2; i++) {
        vi_source *s = source_of("VISO_TEST_PICTURES", name[i]);
        assert_int_equal(s->n_photo, 1);
        assert_true(s->quality > 0.5f);
        assert_true(s->skin.fraction > 0.7f);
        assert_false(s->skin.mouth_occluded);
        assert_true(s->eye[0].usable && s->eye[1].usable);
        for (size_t j = 0; j < VI_COUNT(centre); j++)
            assert_true(at_uv(s, 3, centre[j]) > 0.9f);
        for (size_t j = 0; j < VI_COUNT(forehead); j++) /* a fringe, a cap: neither may be in the texture */
            if (off_skin(s, forehead[j]) > limit[i])
                fail_msg("%s: point %d is %g off the skin's colour", name[i], forehead[j],
                         (double)off_skin(s, forehead[j]));
        for (int y = 0; y < s->size; y++)
            for (int x = 0; x < s->size; x++)
                for (int c = 0; c < 3; c++) {
                    float v = s->tex.level[0].p[4 * (y * s->tex.level[0].stride + x) + c];
                    assert_true(v >= 0.0f && v <= 1.0f);
                }
        vi_source_free(&s);
    }
}

/* From the coordinates of the source's crop to those of the first photograph's frame: where two points went tells it. */
static vi_affine crop_to_frame(const vi_source *s)
{
    const viso_point3 *to = album.photo[0].face.f.mesh;
    float dx = s->lm[263].x - s->lm[33].x, dy = s->lm[263].y - s->lm[33].y, n = dx * dx + dy * dy;
    float tx = to[263].x - to[33].x, ty = to[263].y - to[33].y, c = (dx * tx + dy * ty) / n, r = (dx * ty - dy * tx) / n;
    vi_affine map = { { c, -r, to[33].x - c * s->lm[33].x + r * s->lm[33].y, r, c, to[33].y - r * s->lm[33].x - c * s->lm[33].y } };
    int width, height;
    vi_affine upright = vi_frame_upright(album.frame[0], &width, &height);
    return vi_affine_compose(&upright, &map);
}

/* Skin of a photograph as a target sees it, at both speeds. */
static void occlusion_of(const char *name, bool expected)
{
    take("VISO_TEST_SHARED", name);
    vi_source *s = source_of_album();
    const vi_kernels *k = vi_kernels_get(VI_CPU_ALL);
    vi_affine map = crop_to_frame(s);
    float x0 = INFINITY, x1 = 0;
    for (int i = 0; i < 478; i++) {
        x0 = fminf(x0, s->lm[i].x);
        x1 = fmaxf(x1, s->lm[i].x);
    }
    int w = (int)lrintf(x0 + x1); /* the crop is a square with the face in its middle */
    for (int fast = 0; fast < 2; fast++) {
        size_t mark = vi_arena_mark(&arena);
        vi_plane mask = vi_plane_new(&arena, w, w);
        vi_rgb photo = vi_rgb_new(&arena, w, w);
        assert_int_equal(k->sample(album.frame[0], &album.colour[0], &map, &photo, VI_BORDER_REPLICATE, &arena), 0);
        vi_skin_info info;
        vi_skin_params p = { .features = 2.4f, .lips_auto = true, .fast = fast };
        assert_int_equal(vi_skin_segment(k, &photo, s->lm, &p, &mask, &info, &arena), 0);
        if (info.mouth_occluded != expected)
            fail_msg("%s (fast %d): mouth occluded %d, chin %g, lips to chin %g", name, fast, info.mouth_occluded,
                     (double)info.chin_distance, (double)info.lips_chin);
        vi_arena_release(&arena, mark);
    }
    close_album();
    vi_source_free(&s);
}

static void only_covered_mouths_are_covered(void **state)
{
    static const char *const bare[] = {
        "portrait_obama_official.jpg",
        "portrait_obama_speaking.jpg",
        "portrait_biden_official.jpg",
        "portrait_sergey.png",
        "portrait_man_mustache_gray.jpg",
        "portrait_miranda_mic.png",
        "portrait_woman_a_frontal.jpg",
        "portrait_woman_a_mouth_open.jpg",
        "portrait_man_mouth_open.jpg",
        "portrait_woman_dark_skin.jpg",
        "portrait_man_glasses_beard.jpg",
        "portrait_woman_official.jpg",
        "portrait_lacamoire.jpg",
        "portrait_lacamoire_video_frame.png",
        "portrait_woman_podium.jpg",
        "hard_roll_left.png",
        "hard_pitch_up.jpg",
    };
    for (size_t i = 0; i < VI_COUNT(bare); i++) {
        char name[128];
        snprintf(name, sizeof name, "images/%s", bare[i]);
        occlusion_of(name, false);
    }
    occlusion_of("images/hard_medical_mask.png", true);
}

static void quality_tells_good_from_bad(void **state)
{
    static const char *const name[] = { "images/portrait_woman_a_frontal.jpg", "images/portrait_woman_a_turned.jpg",
                                        "images/hard_profile_left.jpg", "images/hard_medical_mask.png" };
    static const unsigned expected[] = { 0, VI_SOURCE_TURNED, VI_SOURCE_TURNED, VI_SOURCE_COVERED };
    float last = 2.0f;
    for (int i = 0; i < 4; i++) {
        vi_source *s = source_of("VISO_TEST_SHARED", name[i]);
        assert_true(s->quality < last);
        last = s->quality;
        assert_int_equal(s->warnings, expected[i]);
        assert_int_equal(strstr(said, "not the best source") != NULL, expected[i] != 0);
        vi_source_free(&s);
    }
}

static void three_views_of_one_woman_are_merged(void **state)
{
    take("VISO_TEST_SHARED", "images/portrait_woman_a_frontal.jpg");
    take("VISO_TEST_SHARED", "images/portrait_woman_a_turned.jpg");
    take("VISO_TEST_SHARED", "images/hard_hands_on_head.jpg");
    vi_source *s = build();
    assert_int_equal(s->n_photo, 3);
    /* no seam: neighbours on cheeks and forehead differ less than skin varies */
    static const int pair[][2] = { { 50, 101 }, { 280, 330 }, { 151, 108 }, { 151, 337 },
                                   { 205, 50 }, { 425, 280 }, { 9, 151 } };
    for (size_t i = 0; i < VI_COUNT(pair); i++)
        assert_true(fabsf(off_skin(s, pair[i][0]) - off_skin(s, pair[i][1])) < 8.0f);
    vi_source_free(&s);
}

int main(void)
{
    int skip = missing("VISO_TEST_PICTURES", "astronaut.png");
    if (skip)
        return skip;
    uint8_t *data;
    size_t size;
    viso_error err = { 0 };
    a = analysis_open(NULL);
    if (vi_models_blob(a->models, "face_mesh_canonical", &data, &size, &err) ||
        vi_mesh_parse(&mesh, data, size, "mesh", &err) || vi_arena_create(&arena, (size_t)1 << 28)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    vi_free(data);
    const struct CMUnitTest open_data[] = { cmocka_unit_test(public_photographs_make_good_sources) };
    const struct CMUnitTest listed[] = {
        cmocka_unit_test(only_covered_mouths_are_covered),
        cmocka_unit_test(quality_tells_good_from_bad),
        cmocka_unit_test(three_views_of_one_woman_are_merged),
    };
    int rc = cmocka_run_group_tests(open_data, NULL, NULL);
    if (missing("VISO_TEST_SHARED", "images/README.md") == 0)
        rc |= cmocka_run_group_tests(listed, NULL, NULL);
    vi_arena_destroy(&arena);
    analysis_close(a);
    return rc;
}
