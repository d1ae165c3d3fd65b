/* tests/twins/test_landmarks.c: every landmark model of the contracts' table, from the picture through crop, network and decode back to the
 * picture. Three spots of light, red, green and blue, stand for three points of a face; the twin looks for them in what it is fed
 * and answers in its own way of writing points (undone here from the reference, not from the product). Where the face stands, how
 * it is turned and how it was cropped must not matter: the points are where the light is. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "landmark/family.h"
#include "models/models.h"
#include "twins.h"

enum { WIDTH = 640, HEIGHT = 480, FACES = 5 };

static viso_error err;
static models_folder folder;
static vi_models *models;
static vi_arena arena;

/* How a model writes points: number = pixel of the crop * scale + shift, at `first + stride * point` of its output. */
typedef struct writing {
    const char *id;
    int points, first, stride;
    double scale, shift;
    double side;  /* of box mode's square, over `of` */
    char of;      /* 'm': longer side of the box, 'w': its width */
    double raise; /* how far the square is above the box's middle, over the box's height */
    double own;   /* confidence that the twin gives, -1: the model has none */
} writing;

static const writing writings[] = {
    {"2dfan4", 68, 0, 3, 64 / 256.0, 0, 256 / 195.0, 'm', 0, 0.75},
    {"1k3d68", 68, 3309 - 204, 3, 1 / 96.0, -1, 1.5, 'm', 0, -1},
    {"peppapig_98", 98, 0, 3, 1 / 256.0, 0, 1.4, 'w', 0, 0.5},
    {"2d106det", 106, 0, 2, 1 / 96.0, -1, 1.5, 'm', 0, -1},
    {"landmark_203", 203, 0, 2, 1 / 224.0, 0, 1.5, 'm', 0, -1},
    {"face_landmarks_478", 478, 0, 3, 1, 0, 1.5, 'm', 0, -1},
    {"hrffa_68", 68, 0, 2, 1 / 256.0, 0, 1.65, 'm', 0.08, -1},
};

/* Of the points that follow the light: red, green, blue. */
static void chosen(int points, int index[3])
{
    index[0] = 0;
    index[1] = points / 2;
    index[2] = points - 1;
}

static int put(const writing *w)
{
    twin_value v[6 + 3 * 98];
    twin_fill fill[1] = {{.output = "heatmaps", .all = 0.75f}};
    int index[3], n = 0;
    const char *output = strcmp(w->id, "face_landmarks_478") == 0 ? "mesh" : "points";
    chosen(w->points, index);
    for (int k = 0; k < 3; ++k)
        for (int axis = 0; axis < 2; ++axis)
            v[n++] = (twin_value){.output = output, .at = w->first + w->stride * index[k] + axis, .c = k,
                                  .probe = axis ? TWIN_SPOT_Y : TWIN_SPOT_X, .scale = (float)w->scale, .value = (float)w->shift};
    bool scored = strcmp(w->id, "peppapig_98") == 0;
    for (int i = 0; scored && i < 98; ++i)
        v[n++] = (twin_value){.output = "points", .at = 3 * i + 2, .value = 0.5f};
    return twin_put(&folder, w->id, &(twin_plan){.value = v, .n_value = n, .fill = fill, .n_fill = strcmp(w->id, "2dfan4") == 0}, &err);
}

/* res50 looks for faces itself: of two priors that believe in one, the better one says where the points are. Prior of stride 16, row 10,
 * column 20, second size: its place and size over 512 (order: stride, row, column, size). */
static int put_res50(void)
{
    const int better = 2 * 64 * 64 + 2 * (10 * 32 + 20) + 1, worse = 77;
    const double px = 20.5 * 16 / 512, py = 10.5 * 16 / 512, p = 128 / 512.0;
    twin_value v[16];
    int n = 0;
    v[n++] = (twin_value){.output = "scores", .at = 2 * better + 1, .value = 0.8f};
    v[n++] = (twin_value){.output = "scores", .at = 2 * worse + 1, .value = 0.7f};
    v[n++] = (twin_value){.output = "scores", .at = 2 * (worse + 1), .value = 1}; /* background */
    for (int k = 0; k < 3; ++k)
        for (int axis = 0; axis < 2; ++axis)
            v[n++] = (twin_value){.output = "points", .at = 10 * better + 2 * (2 * k) + axis, .c = k,
                                  .probe = axis ? TWIN_SPOT_Y : TWIN_SPOT_X, .scale = (float)(1 / 512.0 / (0.1 * p)),
                                  .value = (float)(-(axis ? py : px) / (0.1 * p))};
    return twin_put(&folder, "res50", &(twin_plan){.value = v, .n_value = n}, &err);
}

/* --- the picture ------------------------------------------------------------------------------------------------- */

typedef struct scene {
    vi_frame *frame;
    vi_colour_map colour;
    vi_affine upright;
} scene;

static void open_scene(scene *s, const vi_point spot[3])
{
    s->frame = vi_frame_alloc(VI_FORMAT_RGB24, WIDTH, HEIGHT);
    assert_non_null(s->frame);
    for (int y = 0; y < HEIGHT; ++y)
        for (int x = 0; x < WIDTH; ++x)
            for (int c = 0; c < 3; ++c) {
                double d = hypot(x + 0.5 - (double)spot[c].x, y + 0.5 - (double)spot[c].y);
                s->frame->plane[0][y * s->frame->stride[0] + 3 * x + c] = (uint8_t)lround(60 + 180 * fmin(fmax(7.5 - d, 0), 1));
            }
    int w, h;
    OK(vi_colour_map_create(&s->colour, s->frame->format, &s->frame->colour, HEIGHT, &err));
    s->upright = vi_frame_upright(s->frame, &w, &h);
}

static void close_scene(scene *s)
{
    vi_colour_map_destroy(&s->colour);
    vi_frame_unref(&s->frame);
}

/* A face about (320, 240), turned; its box is that of the upright face's corners. */
static void view_of(double degrees, double size, vi_landmark_view *v, vi_point spot[3])
{
    static const double five[5][2] = {{-0.21, -0.17}, {0.21, -0.17}, {0, 0.05}, {-0.17, 0.22}, {0.17, 0.22}};
    double c = cos(degrees * M_PI / 180), s = sin(degrees * M_PI / 180), w = fabs(c) * 0.8 + fabs(s), h = fabs(c) + fabs(s) * 0.8;
    memset(v, 0, sizeof *v);
    v->angle = (float)(degrees * M_PI / 180);
    v->has_points = true;
    for (int p = 0; p < 5; ++p)
        v->points[p] = (vi_point){(float)(320 + size * (c * five[p][0] - s * five[p][1])),
                                  (float)(240 + size * (s * five[p][0] + c * five[p][1]))};
    v->box = (vi_box){(float)(320 - size * w / 2), (float)(240 - size * h / 2), (float)(320 + size * w / 2),
                      (float)(240 + size * h / 2)};
    spot[0] = v->points[0];
    spot[1] = v->points[2];
    spot[2] = v->points[4];
}

static void look(vi_net *net, const scene *s, const vi_affine *map, int n, vi_landmark_found *found)
{
    uint32_t networks = 0;
    vi_net_picture p = {.frame = s->frame, .colour = &s->colour, .upright = &s->upright};
    OK(vi_net_look(net, &p, map, n, found, &networks, &arena, &err));
    assert_true(networks >= 1 && networks <= (uint32_t)n);
}

static void points_are_at(const char *id, const char *how, const vi_landmark_found *f, const vi_point spot[3], const int index[3],
                          double within)
{
    if (!f->found)
        fail_msg("%s, %s: nothing was found", id, how);
    for (int k = 0; k < 3; ++k) {
        double d = hypot((double)(f->point[index[k]].x - spot[k].x), (double)(f->point[index[k]].y - spot[k].y));
        if (!(d <= within))
            fail_msg("%s, %s: point %d is at %.2f %.2f, the light at %.2f %.2f", id, how, index[k], (double)f->point[index[k]].x,
                     (double)f->point[index[k]].y, (double)spot[k].x, (double)spot[k].y);
    }
}

/* --- the tests --------------------------------------------------------------------------------------------------- */

static void follow(const char *id, const int index[3], double own)
{
    static const double turned[] = {0, 17, -38, 90, 180, -115};
    static vi_landmark_found found[FACES];
    static const vi_crop_mode modes[] = {VI_CROP_BOX, VI_CROP_POINTS};
    vi_net net;
    OK(vi_net_open(&net, models, vi_kernels_get(VI_CPU_ALL), id, &err));
    for (size_t t = 0; t < VI_COUNT(turned); ++t) {
        vi_landmark_view v;
        vi_point spot[3];
        scene s;
        view_of(turned[t], 220, &v, spot);
        open_scene(&s, spot);
        for (size_t m = 0; m < VI_COUNT(modes); ++m) {
            vi_affine map[FACES];
            char how[64];
            snprintf(how, sizeof how, "%s mode, turned by %g", m ? "point" : "box", turned[t]);
            /* The same light in five crops: other places and sizes, and several at a time. */
            for (int k = 0; k < FACES; ++k) {
                vi_landmark_view moved = v;
                float dx = 9.0f * (float)(k - 2), grown = 4.0f * (float)k;
                moved.box = (vi_box){v.box.x0 + dx - grown, v.box.y0 - grown, v.box.x1 + dx + grown, v.box.y1 + grown};
                assert_true(vi_landmark_crop(net.family, net.tmpl, modes[m], &moved, (float)net.size, &map[k]));
            }
            look(&net, &s, map, FACES, found);
            for (int k = 0; k < FACES; ++k) {
                points_are_at(id, how, &found[k], spot, index, fmax(0.6, 0.5 * (double)vi_affine_scale(&map[k])));
                assert_float_equal(found[k].own, own, 1e-3);
            }
        }
        close_scene(&s);
    }
    vi_net_close(&net);
}

static void points_come_back_to_the_light(void **state)
{
    (void)state;
    for (size_t i = 0; i < VI_COUNT(writings); ++i) {
        int index[3];
        chosen(writings[i].points, index);
        follow(writings[i].id, index, writings[i].own);
    }
    follow("res50", (const int[]){0, 2, 4}, 0.8);
}

/* Box mode of an upright face: the square of the reference. */
static void squares_are_those_of_the_reference(void **state)
{
    (void)state;
    const vi_landmark_view v = {.box = {100, 80, 300, 330}};
    for (size_t i = 0; i <= VI_COUNT(writings); ++i) {
        static const writing res50 = {.id = "res50", .side = 1.5, .of = 'm'};
        const writing *w = i < VI_COUNT(writings) ? &writings[i] : &res50;
        vi_net net;
        vi_affine map;
        OK(vi_net_open(&net, models, vi_kernels_get(VI_CPU_ALL), w->id, &err));
        assert_true(vi_landmark_crop(net.family, net.tmpl, VI_CROP_BOX, &v, (float)net.size, &map));
        double side = w->side * (w->of == 'm' ? 250 : 200), cx = 200, cy = 205 - w->raise * 250;
        vi_point a = vi_affine_apply(&map, 0, 0), b = vi_affine_apply(&map, (float)net.size, (float)net.size);
        if (fabs((double)a.x - (cx - side / 2)) > 0.01 || fabs((double)a.y - (cy - side / 2)) > 0.01 ||
            fabs((double)b.x - (cx + side / 2)) > 0.01 || fabs((double)b.y - (cy + side / 2)) > 0.01)
            fail_msg("%s: the square is %.2f %.2f … %.2f %.2f", w->id, (double)a.x, (double)a.y, (double)b.x, (double)b.y);
        vi_net_close(&net);
    }
}

/* The templates of point mode, from the reference: where in the crop do the eyes come to lie? */
static void templates_are_those_of_the_reference(void **state)
{
    (void)state;
    vi_landmark_view v;
    vi_point spot[3];
    view_of(0, 220, &v, spot);
    /* A face that is the frontal template of arcfacemap, and one that is ArcFace's. */
    static const float frontal[5][2] = {{39.730f, 51.138f}, {72.270f, 51.138f}, {56, 68.493f}, {42.463f, 87.010f}, {69.537f, 87.010f}};
    static const float t112[5][2] = {{38.2946f, 51.6963f}, {73.5318f, 51.5014f}, {56.0252f, 71.7366f}, {41.5493f, 92.3655f},
                                     {70.7299f, 92.2041f}};
    for (size_t i = 0; i <= VI_COUNT(writings); ++i) {
        const char *id = i < VI_COUNT(writings) ? writings[i].id : "res50";
        const char *crop = twin_contract_of(id)->crop;
        vi_net net;
        vi_affine map, inverse;
        if (!crop)
            continue; /* the reference gives none */
        bool five_poses = strcmp(crop, "arcfacemap") == 0;
        OK(vi_net_open(&net, models, vi_kernels_get(VI_CPU_ALL), id, &err));
        for (int p = 0; p < 5; ++p)
            v.points[p] = five_poses ? (vi_point){2 * frontal[p][0] + 50, 2 * frontal[p][1] + 30}
                                     : (vi_point){2 * t112[p][0] + 50, 2 * t112[p][1] + 30};
        assert_true(vi_landmark_crop(net.family, net.tmpl, VI_CROP_POINTS, &v, (float)net.size, &map));
        assert_true(vi_affine_invert(&map, &inverse));
        for (int p = 0; p < 5; ++p) {
            float s = (float)net.size;
            vi_point at = vi_affine_apply(&inverse, v.points[p].x, v.points[p].y);
            float x = five_poses ? frontal[p][0] * s / 112 : t112[p][0] * s / 128 + 8 * s / 128;
            float y = five_poses ? frontal[p][1] * s / 112 : t112[p][1] * s / 128;
            if (hypotf(at.x - x, at.y - y) > 0.05f)
                fail_msg("%s: point %d lies at %.2f %.2f of the crop, not at %.2f %.2f", id, p, (double)at.x, (double)at.y,
                         (double)x, (double)y);
        }
        vi_net_close(&net);
    }
}

static int setup(void **state)
{
    (void)state;
    int code = models_folder_open(&folder, 0, &err);
    for (size_t i = 0; i < VI_COUNT(writings) && !code; ++i)
        code = put(&writings[i]);
    if (!code)
        code = put_res50();
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(points_come_back_to_the_light),
                                       cmocka_unit_test(squares_are_those_of_the_reference),
                                       cmocka_unit_test(templates_are_those_of_the_reference)};
    char path[1024];
    snprintf(path, sizeof path, "%s/manifest.json", getenv("VISO_MODELS") ? getenv("VISO_MODELS") : "");
    if (!vi_file_exists(path)) {
        print_message("skipped: there is no manifest (VISO_MODELS)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
