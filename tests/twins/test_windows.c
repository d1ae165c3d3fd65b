/* tests/twins/test_windows.c: the search of the detector room with a network that finds light. A twin of det_10g says that there is a face
 * whose eyes are a red and a green spot and whose mouth is a blue one, wherever they lie in what it is fed, as long as they stand
 * upright there; without light it says that there is none. So each window, tile, canvas and turn must put the face back where the
 * light is in the picture, all of them together must make one face of it, and a small, upside-down or lying face is only found when
 * the search has looked in the right way. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "detect/detect.h"
#include "models/models.h"
#include "twins.h"

static viso_error err;
static models_folder folder;
static vi_models *models;
static vi_arena arena;

/* Anchor 0 of cell (4, 4), stride 8: its corner lies at 32, 32. The box spans the eyes and the mouth. */
static int put_twin(viso_error *e)
{
    enum { CELL = 4, S = 8, AT = CELL * S, RED = 0, GREEN = 1, BLUE = 2 };
    static const int point[5] = {RED, GREEN, BLUE, BLUE, BLUE}; /* points that turn with the face */
    const twin_value at = {.output = "boxes_8", .u = CELL, .v = CELL};
    twin_value v[15];
    int n = 0;
    v[n] = at;
    v[n].output = "scores_8";
    v[n].probe = TWIN_MAX; /* numbers are (x - 127.5) / 128: 0.88 in the light, -0.53 without */
    v[n].scale = 0.5f;
    v[n++].value = 0.45f;
    const struct {
        twin_probe probe;
        int c, sign;
    } side[4] = {{TWIN_SPOT_X, RED, -1}, {TWIN_SPOT_Y, RED, -1}, {TWIN_SPOT_X, GREEN, 1}, {TWIN_SPOT_Y, BLUE, 1}};
    for (int k = 0; k < 4; ++k) {
        v[n] = at;
        v[n].column = k;
        v[n].probe = side[k].probe;
        v[n].c = side[k].c;
        v[n].scale = (float)side[k].sign / S;
        v[n++].value = (float)(-side[k].sign * AT) / S;
    }
    for (int k = 0; k < 10; ++k) {
        v[n] = at;
        v[n].output = "points_8";
        v[n].column = k;
        v[n].probe = k % 2 ? TWIN_SPOT_Y : TWIN_SPOT_X;
        v[n].c = point[k / 2];
        v[n].scale = 1.0f / S;
        v[n++].value = (float)-AT / S;
    }
    return twin_put(&folder, "det_10g", &(twin_plan){.value = v, .n_value = n}, e);
}

typedef struct scene {
    vi_frame *frame;
    vi_colour_map colour;
    vi_point spot[3];
} scene;

/* Eyes `eyes` pixels apart about (cx, cy), the mouth below, everything turned clockwise. */
static void open_scene(scene *s, int width, int height, double cx, double cy, double eyes, double degrees)
{
    static const double at[3][2] = {{-0.5, -0.5}, {0.5, -0.5}, {0, 0.6}};
    double c = cos(degrees * M_PI / 180), sn = sin(degrees * M_PI / 180), radius = fmax(3, eyes * 0.14);
    s->frame = vi_frame_alloc(VI_FORMAT_RGB24, width, height);
    assert_non_null(s->frame);
    for (int k = 0; k < 3; ++k)
        s->spot[k] = (vi_point){(float)(cx + eyes * (c * at[k][0] - sn * at[k][1])), (float)(cy + eyes * (sn * at[k][0] + c * at[k][1]))};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int k = 0; k < 3; ++k) {
                double d = hypot(x + 0.5 - (double)s->spot[k].x, y + 0.5 - (double)s->spot[k].y);
                s->frame->plane[0][y * s->frame->stride[0] + 3 * x + k] = (uint8_t)lround(60 + 180 * fmin(fmax(radius + 0.5 - d, 0), 1));
            }
    OK(vi_colour_map_create(&s->colour, s->frame->format, &s->frame->colour, height, &err));
}

static void close_scene(scene *s)
{
    vi_colour_map_destroy(&s->colour);
    vi_frame_unref(&s->frame);
}

/* Settings as pairs, NULL-terminated. The work item lives until the next call. */
static const vi_work *look(const scene *s, const char *const *set)
{
    static vi_work w;
    vi_settings *settings;
    void *self = NULL;
    const vi_option_group *group = &vi_detect_options;
    memset(&w, 0, sizeof w);
    OK(vi_settings_create(&settings, &group, 1, &err));
    OK(vi_settings_set(settings, "detector", "det_10g", &err));
    for (; set && *set; set += 2)
        OK(vi_settings_set(settings, set[0], set[1], &err));
    vi_stage_env env = {.k = vi_kernels_get(VI_CPU_ALL), .models = models};
    env.settings = vi_settings_group(settings, "detect");
    OK(vi_detect_stage.create(&self, &env, &err));
    w.frame = s->frame;
    w.colour = &s->colour;
    w.upright = vi_frame_upright(s->frame, &w.width, &w.height);
    w.still = w.cut = w.want_detect = true;
    OK(vi_detect_stage.process(self, &w, &arena, &err));
    vi_detect_stage.destroy(&self);
    vi_settings_destroy(&settings);
    return &w;
}

static void is_at_the_light(const vi_work *w, const scene *s, double within, const char *what)
{
    if (w->n_face != 1)
        fail_msg("%s: %d faces", what, w->n_face);
    for (int p = 0; p < 3; ++p) {
        vi_point got = w->face[0].f.points[p], want = s->spot[p];
        if (!(hypot((double)(got.x - want.x), (double)(got.y - want.y)) <= within))
            fail_msg("%s: point %d is at %.1f %.1f, the light at %.1f %.1f", what, p, (double)got.x, (double)got.y, (double)want.x,
                     (double)want.y);
    }
}

static void one_face_wherever_it_is(void **state)
{
    static const int size[][2] = {{1920, 1080}, {733, 1301}, {300, 200}};
    static const double place[][2] = {{0.5, 0.5}, {0.12, 0.2}, {0.88, 0.85}, {0.07, 0.9}};
    (void)state;
    for (size_t k = 0; k < VI_COUNT(size); ++k)
        for (size_t p = 0; p < VI_COUNT(place); ++p) {
            scene s;
            char what[64];
            double eyes = p == 0 ? 0.3 * size[k][1] : fmax(30, 0.03 * VI_MAX(size[k][0], size[k][1]));
            snprintf(what, sizeof what, "%d x %d, place %zu", size[k][0], size[k][1], p);
            open_scene(&s, size[k][0], size[k][1], place[p][0] * size[k][0], place[p][1] * size[k][1], eyes, 0);
            is_at_the_light(look(&s, NULL), &s, 0.06 * eyes + 0.5, what);
            close_scene(&s);
        }
}

static void turned_faces_need_a_turn(void **state)
{
    static const char *const off[] = {"rotate", "off", NULL}, *const all[] = {"rotate", "all", NULL};
    (void)state;
    for (int degrees = 90; degrees < 360; degrees += 90) {
        scene s;
        char what[64], angle[16];
        const char *const manual[] = {"rotate", "manual", "rotate-angle", angle, NULL};
        open_scene(&s, 900, 700, 400, 380, 120, degrees);
        snprintf(what, sizeof what, "turned by %d", degrees);
        snprintf(angle, sizeof angle, "%d", degrees > 180 ? degrees - 360 : degrees);
        assert_int_equal(look(&s, off)->n_face, 0);
        is_at_the_light(look(&s, NULL), &s, 6, what); /* auto */
        is_at_the_light(look(&s, all), &s, 6, what);
        is_at_the_light(look(&s, manual), &s, 6, what);
        close_scene(&s);
    }
}

/* A face rolled beyond the limit is looked at again upright (auto) or left out (all). */
static void the_roll_limit_counts(void **state)
{
    static const char *const wide[] = {"rotate", "all", "roll-limit", "40", NULL};
    static const char *const narrow[] = {"rotate", "all", "roll-limit", "20", NULL};
    static const char *const again[] = {"rotate", "auto", "roll-limit", "20", NULL};
    scene s;
    (void)state;
    open_scene(&s, 900, 700, 450, 350, 120, 30);
    is_at_the_light(look(&s, wide), &s, 6, "limit 40");
    assert_int_equal(look(&s, narrow)->n_face, 0);
    is_at_the_light(look(&s, again), &s, 6, "limit 20, looked at again");
    close_scene(&s);
}

static void too_small_or_not_there(void **state)
{
    scene s;
    (void)state;
    open_scene(&s, 1600, 900, 1300, 200, 60, 0);
    static const char *const large[] = {"min-face", "400", NULL};
    assert_int_equal(look(&s, large)->n_face, 0); /* too small a face */
    close_scene(&s);
    open_scene(&s, 640, 480, 5000, 5000, 60, 0); /* no light at all */
    assert_int_equal(look(&s, NULL)->n_face, 0);
    close_scene(&s);
}

static int setup(void **state)
{
    (void)state;
    int code = models_folder_open(&folder, 0, &err);
    if (!code)
        code = put_twin(&err);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_face_wherever_it_is), cmocka_unit_test(turned_faces_need_a_turn),
                                       cmocka_unit_test(the_roll_limit_counts), cmocka_unit_test(too_small_or_not_there)};
    char path[1024];
    snprintf(path, sizeof path, "%s/manifest.json", getenv("VISO_MODELS") ? getenv("VISO_MODELS") : "");
    if (!vi_file_exists(path)) {
        print_message("skipped: there is no manifest (VISO_MODELS)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
