/* tests/twins/test_use.c: every analysis model of the contracts' table, used by the room that it is for, and what that room feeds
 * it: a picture of one colour goes in, and the numbers that lie in the network's input are those the reference asks for (colour
 * order, layout, scale). The one call that runs networks is wrapped by the linker to look at them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "detect/detect.h"
#include "identify/identify.h"
#include "landmark/blend.h"
#include "landmark/landmark.h"
#include "models/models.h"
#include "twins.h"

enum { R = 200, G = 100, B = 50 };

static viso_error err;
static models_folder folder;
static vi_models *models;
static vi_arena arena;

/* --- what was fed ------------------------------------------------------------------------------------------------ */

static int runs;
static size_t fed_count;
static float fed_centre[3], fed_first[2];

int __real_vi_run_now(vi_run *r, viso_error *e);
int __wrap_vi_run_now(vi_run *r, viso_error *e);

int __wrap_vi_run_now(vi_run *r, viso_error *e)
{
    size_t n;
    const float *x = vi_run_input(r, 0, &n);
    if (runs++ == 0) {
        /* All image inputs here are square planes; of a batch the first image is looked at. */
        fed_count = n;
        int side = (int)lround(sqrt((double)n / 3));
        for (int c = 0; c < 3 && n == 3 * (size_t)side * (size_t)side; ++c)
            fed_centre[c] = x[((size_t)c * (size_t)side + (size_t)side / 2) * (size_t)side + (size_t)side / 2];
        memcpy(fed_first, x, sizeof fed_first);
    }
    return __real_vi_run_now(r, e);
}

static void check_fed(const twin_contract *c, int64_t side)
{
    const int colour[3] = {c->bgr ? B : R, G, c->bgr ? R : B};
    if (runs == 0)
        fail_msg("%s: the network was not run", c->id);
    if (fed_count != 3 * (size_t)side * (size_t)side)
        fail_msg("%s: %zu numbers were fed, not 3 x %lld x %lld", c->id, fed_count, (long long)side, (long long)side);
    for (int k = 0; k < 3; ++k) {
        float want = c->mul[k] * (float)colour[k] + c->add[k];
        if (fabsf(fed_centre[k] - want) > 1.01f * c->mul[k])
            fail_msg("%s: colour %d of the input is %g, not %g", c->id, k, (double)fed_centre[k], (double)want);
    }
}

/* --- a picture --------------------------------------------------------------------------------------------------- */

typedef struct scene {
    vi_frame *frame;
    vi_colour_map colour;
    vi_work *work;
} scene;

static void open_scene(scene *s, int width, int height)
{
    s->frame = vi_frame_alloc(VI_FORMAT_RGB24, width, height);
    assert_non_null(s->frame);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            memcpy(s->frame->plane[0] + y * s->frame->stride[0] + 3 * x, (uint8_t[]){R, G, B}, 3);
    OK(vi_colour_map_create(&s->colour, s->frame->format, &s->frame->colour, height, &err));
    s->work = calloc(1, sizeof *s->work);
    assert_non_null(s->work);
    vi_work *w = s->work;
    w->frame = s->frame;
    w->colour = &s->colour;
    w->upright = vi_frame_upright(s->frame, &w->width, &w->height);
    w->still = w->cut = w->want_detect = true;
}

static void close_scene(scene *s)
{
    vi_colour_map_destroy(&s->colour);
    vi_frame_unref(&s->frame);
    free(s->work);
}

/* An upright face of 240 x 240 pixels in the middle, as a detector hands it over. */
static void put_face(vi_work *w)
{
    static const vi_point at[5] = {{280, 200}, {360, 200}, {320, 245}, {288, 290}, {352, 290}};
    vi_face *f = &w->face[0];
    memset(f, 0, sizeof *f);
    f->f.has = VISO_FACE_HAS_BOX | VISO_FACE_HAS_POINTS;
    f->f.box = (vi_box){200, 120, 440, 360};
    f->f.score = 0.9f;
    memcpy(f->f.points, at, sizeof at);
    f->roi.cx = 320;
    f->roi.cy = 240;
    f->roi.side = 360;
    f->slot = f->source = -1;
    f->fresh = true;
    w->n_face = 1;
}

/* A stage with one setting. */
static void *open_stage(const vi_stage *stage, const vi_option_group *group, const char *key, const char *value, vi_settings **settings)
{
    void *self = NULL;
    OK(vi_settings_create(settings, &group, 1, &err));
    OK(vi_settings_set(*settings, key, value, &err));
    vi_stage_env env = {.k = vi_kernels_get(VI_CPU_ALL), .models = models};
    env.settings = vi_settings_group(*settings, group->key);
    OK(stage->create(&self, &env, &err));
    return self;
}

/* --- the rooms --------------------------------------------------------------------------------------------------- */

static bool is(const char *id, const char *role)
{
    const vi_model_row *row = vi_models_find(models, id);
    return row && strcmp(row->role, role) == 0;
}

static void detectors(void **state)
{
    static const int size[][2] = {{640, 480}, {37, 501}, {1, 1}};
    int n, used = 0;
    const twin_contract *c = twin_contracts(&n);
    (void)state;
    for (int i = 0; i < n; ++i) {
        vi_settings *settings;
        if (!is(c[i].id, "detector"))
            continue;
        void *self = open_stage(&vi_detect_stage, &vi_detect_options, "detector", c[i].id, &settings);
        for (size_t k = 0; k < VI_COUNT(size); ++k) {
            scene s;
            open_scene(&s, size[k][0], size[k][1]);
            runs = 0;
            vi_detect_stage.reset(self);
            OK(vi_detect_stage.process(self, s.work, &arena, &err));
            assert_int_equal(s.work->n_face, 0); /* all scores are 0 */
            if (k == 0)
                check_fed(&c[i], c[i].in[0].dim[2] > 0 ? c[i].in[0].dim[2] : 512);
            close_scene(&s);
        }
        vi_detect_stage.destroy(&self);
        vi_settings_destroy(&settings);
        used++;
    }
    print_message("%d detectors\n", used);
    assert_int_equal(used, 7);
}

static void landmark_models(void **state)
{
    int n, used = 0;
    const twin_contract *c = twin_contracts(&n);
    (void)state;
    for (int i = 0; i < n; ++i) {
        scene s;
        vi_settings *settings;
        if (!is(c[i].id, "landmarks"))
            continue;
        void *self = open_stage(&vi_landmark_points, &vi_landmark_options, "landmarks", c[i].id, &settings);
        open_scene(&s, 640, 480);
        put_face(s.work);
        runs = 0;
        OK(vi_landmark_points.process(self, s.work, &arena, &err));
        check_fed(&c[i], c[i].in[0].dim[2]);
        if (s.work->n_face) {
            const viso_marks *m = &s.work->face[0].f.marks;
            for (int p = 0; p < m->count; ++p)
                assert_true(isfinite(m->point[p].x) && isfinite(m->point[p].y));
        }
        vi_landmark_points.destroy(&self);
        vi_settings_destroy(&settings);
        close_scene(&s);
        used++;
    }
    print_message("%d landmark models\n", used);
    assert_int_equal(used, 8);
}

static void recognisers(void **state)
{
    int n, used = 0;
    const twin_contract *c = twin_contracts(&n);
    static float raw[VISO_EMBEDDING_MAX], unit[VISO_EMBEDDING_MAX];
    scene s;
    (void)state;
    open_scene(&s, 640, 480);
    put_face(s.work);
    for (int i = 0; i < n; ++i) {
        vi_recogniser *r;
        bool ok = false;
        if (!is(c[i].id, "embedder"))
            continue;
        used++;
        vi_recogniser_params p = {.k = vi_kernels_get(VI_CPU_ALL), .models = models, .id = c[i].id};
        if (strcmp(c[i].id, "cscs_id_adapter") == 0) { /* the second network of cscs_arcface, and no recogniser by itself */
            err = (viso_error){0};
            assert_int_equal(vi_recogniser_open(&r, &p, &err), VISO_ERR_USAGE);
            continue;
        }
        OK(vi_recogniser_open(&r, &p, &err));
        assert_int_equal(vi_recogniser_size(r), 512);
        vi_face_view view = {.frame = s.frame, .colour = &s.colour, .upright = s.work->upright};
        memcpy(view.points, s.work->face[0].f.points, sizeof view.points);
        runs = 0;
        OK(vi_recogniser_embed(r, &view, 1, (float *const[]){raw}, (float *const[]){unit}, &ok, &arena, &err));
        check_fed(&c[i], 112);
        assert_true(ok);
        bool pair = strcmp(c[i].id, "cscs_arcface") == 0; /* unit vectors, added */
        assert_int_equal(runs, pair ? 2 : 1);
        for (int k = 0; k < 512; ++k) {
            assert_float_equal(raw[k], pair ? 2 / sqrt(512.0) : 0.5, 1e-5);
            assert_float_equal(unit[k], 1 / sqrt(512.0), 1e-5);
        }
        vi_recogniser_close(&r);
    }
    close_scene(&s);
    print_message("%d recognisers\n", used);
    assert_int_equal(used, 5);
}

static void blend_shapes(void **state)
{
    (void)state;
    vi_blend b;
    float out[VISO_BLENDSHAPES];
    static viso_point3 mesh[VISO_MESH_POINTS];
    for (int i = 0; i < VISO_MESH_POINTS; ++i)
        mesh[i] = (viso_point3){1000.0f + (float)i, 2000.0f + (float)i, 0};
    OK(vi_blend_open(&b, models, &err));
    assert_string_equal(b.row->id, "face_blendshapes");
    runs = 0;
    OK(vi_blend_look(&b, mesh, out, &err));
    assert_int_equal(fed_count, 146 * 2);
    assert_float_equal(fed_first[0], 1000, 0); /* pixels of the picture, not normalised */
    assert_float_equal(fed_first[1], 2000, 0);
    vi_blend_close(&b);
}

static int setup(void **state)
{
    static const twin_fill half = {.output = "embedding", .all = 0.5f};
    int n;
    const twin_contract *c = twin_contracts(&n);
    (void)state;
    int code = models_folder_open(&folder, 0, &err);
    for (int i = 0; i < n && !code; ++i) {
        bool embeds = strcmp(c[i].out[0].role, "embedding") == 0;
        code = twin_put_contract(&folder, &c[i], &(twin_plan){.fill = &half, .n_fill = embeds}, &err);
    }
    if (!code)
        code = vi_models_open(&models, &(vi_models_params){.dir = folder.dir}, &err);
    if (!code)
        code = vi_arena_create(&arena, (size_t)1 << 30);
    if (code)
        print_message("%s\n", err.text);
    return code;
}

static int teardown(void **state)
{
    (void)state;
    vi_arena_destroy(&arena);
    vi_models_close(&models);
    models_folder_close(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(detectors), cmocka_unit_test(landmark_models), cmocka_unit_test(recognisers),
                                       cmocka_unit_test(blend_shapes)};
    char path[1024];
    snprintf(path, sizeof path, "%s/face_detection_full_range.onnx", getenv("VISO_MODELS") ? getenv("VISO_MODELS") : "");
    if (!vi_file_exists(path)) {
        print_message("skipped: the starter models are not installed (VISO_MODELS)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
