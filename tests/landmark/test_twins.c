/* Landmark models whose weights are not here, by twins (tests/twins): the crop of each against the formulas of the contract
 * written down a second time, the decode by points that follow a light through picture, crop and network, the reduction to five by
 * points that stand apart, and the models' own scores. Odd sizes, faces at borders, faces lying on a side. */
#include "shared.h"

#include "../twins/twins.h"
#include "landmark/blend.h"

enum { MOST = 478 };

/* How a place of the crop is written into an output: number = place * scale + add. */
typedef struct kind {
    const char *id, *output;
    int set, count, size, step, first; /* numbers per point, index of point 0 */
    float scale, add;
    float own; /* the score it should report, -1 none */
    double margin; /* box mode: side over the longer side of the box; 0: of its own */
    vi_template tmpl;
} kind;

static const kind kinds[] = {
    { "2dfan4", "points", 68, 68, 256, 3, 0, 64.0f / 256, 0, 0.7f, 256.0 / 195, VI_TEMPLATE_ARCFACE128 },
    { "1k3d68", "points", 68, 68, 192, 3, 3309 - 68 * 3, 1 / 96.0f, -1, -1, 1.5, VI_TEMPLATE_ARCFACE128 },
    { "peppapig_98", "points", 98, 98, 256, 3, 0, 1 / 256.0f, 0, 0.8f, 0, VI_TEMPLATE_ARCFACE128 },
    { "2d106det", "points", 106, 106, 192, 2, 0, 1 / 96.0f, -1, -1, 1.5, VI_TEMPLATE_ARCFACE128 },
    { "landmark_203", "points", 203, 203, 224, 2, 0, 1 / 224.0f, 0, -1, 1.5, VI_TEMPLATE_ARCFACE128 },
    { "face_landmarks_478", "mesh", 478, 478, 256, 3, 0, 1, 0, -1, 1.5, VI_TEMPLATE_ARCFACEMAP },
    { "hrffa_68", "points", 68, 68, 256, 2, 0, 1 / 256.0f, 0, -1, 0, VI_TEMPLATE_NONE },
};

/* Points that make up the five, zero-based (models.md 4.1), -1 ends an eye; each stands apart from the light by its own step. */
static const struct { int set, of[13]; } used[] = {
    { 68, { 36, 39, 42, 45, 30, 48, 54, -1 } },
    { 98, { 96, 97, 54, 76, 82, -1 } },
    { 106, { 38, 88, 86, 52, 61, -1 } },
    { 203, { 197, 198, 201, 48, 66, -1 } },
    { 478, { 468, 473, 4, 61, 291, -1 } },
};

static const int *used_of(int set)
{
    for (size_t i = 0; i < VI_COUNT(used); i++)
        if (used[i].set == set)
            return used[i].of;
    fail_msg("set %d", set);
    return NULL;
}

static float step_x(int k)
{
    return (float)(3 * k + 1);
}

static float step_y(int k)
{
    return (float)(-2 * k - 2);
}

static void put_all(lab *l)
{
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        const kind *k = &kinds[i];
        const int *of = used_of(k->set);
        twin_value v[32];
        int n = 0, n_fill = 0;
        static float scores[98 * 3];
        twin_fill fill[1];
        for (int p = 0; of[p] >= 0; p++) {
            int64_t at = k->first + (int64_t)of[p] * k->step;
            v[n++] = (twin_value){ .output = k->output, .at = at, .probe = TWIN_SPOT_X, .c = 0, .scale = k->scale,
                                   .value = k->add + step_x(p) * k->scale };
            v[n++] = (twin_value){ .output = k->output, .at = at + 1, .probe = TWIN_SPOT_Y, .c = 0, .scale = k->scale,
                                   .value = k->add + step_y(p) * k->scale };
        }
        if (strcmp(k->id, "2dfan4") == 0)
            fill[n_fill++] = (twin_fill){ .output = "heatmaps", .all = k->own };
        if (strcmp(k->id, "peppapig_98") == 0) {
            for (int p = 0; p < 98; p++)
                scores[3 * p + 2] = k->own;
            fill[n_fill++] = (twin_fill){ .output = "points", .values = scores, .n = 98 * 3 };
        }
        OK_OF(l->err, twin_put(&l->folder, k->id, &(twin_plan){ .value = v, .n_value = n, .fill = fill, .n_fill = n_fill }, &l->err));
    }
    /* RetinaFace: the best prior is row 7 of stride 16 (32 x 32 cells), column 20, second size (128); a weaker one elsewhere. */
    enum { BEST = 2 * 64 * 64 + 2 * (7 * 32 + 20) + 1, WEAK = 2 * 64 * 64 + 2 * 32 * 32 + 3 };
    twin_value v[12] = { { .output = "scores", .at = 2 * BEST + 1, .value = 0.9f },
                         { .output = "scores", .at = 2 * WEAK + 1, .value = 0.8f } };
    for (int p = 0; p < 5; p++) {
        float s = 1 / (0.1f * 128);
        v[2 + 2 * p] = (twin_value){ .output = "points", .at = 10 * BEST + 2 * p, .probe = TWIN_SPOT_X, .scale = s,
                                     .value = (step_x(p) - 20.5f * 16) * s };
        v[3 + 2 * p] = (twin_value){ .output = "points", .at = 10 * BEST + 2 * p + 1, .probe = TWIN_SPOT_Y, .scale = s,
                                     .value = (step_y(p) - 7.5f * 16) * s };
    }
    OK_OF(l->err, twin_put(&l->folder, "res50", &(twin_plan){ .value = v, .n_value = 12 }, &l->err));
    const twin_value b[2] = { { .output = "coefficients", .at = 25, .probe = TWIN_PIXEL, .y = 145, .x = 1, .scale = 1 },
                              { .output = "coefficients", .at = 51, .probe = TWIN_PIXEL, .y = 8, .x = 0, .scale = 2 } };
    OK_OF(l->err, twin_put(&l->folder, "face_blendshapes", &(twin_plan){ .value = b, .n_value = 2 }, &l->err));
}

/* A dark grey picture with one light. */
typedef struct scene {
    vi_frame *frame;
    vi_colour_map colour;
    vi_affine upright;
} scene;

static void scene_open(lab *l, scene *s, int w, int h, vi_point at, float radius)
{
    s->frame = vi_frame_alloc(VI_FORMAT_RGB24, w, h);
    assert_non_null(s->frame);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            memset(s->frame->plane[0] + y * s->frame->stride[0] + 3 * x,
                   hypotf((float)x + 0.5f - at.x, (float)y + 0.5f - at.y) < radius ? 250 : 60, 3);
    OK_OF(l->err, vi_colour_map_create(&s->colour, VI_FORMAT_RGB24, &s->frame->colour, h, &l->err));
    int uw, uh;
    s->upright = vi_frame_upright(s->frame, &uw, &uh);
}

static void scene_close(scene *s)
{
    vi_colour_map_destroy(&s->colour);
    vi_frame_unref(&s->frame);
}

static const struct { int w, h; vi_box box; } places[] = {
    { 640, 480, { 200, 120, 360, 330 } },
    { 641, 333, { 300.5f, 40.25f, 381.75f, 171 } },   /* odd */
    { 200, 301, { -30, -20, 90, 110 } },              /* over the corner */
    { 1280, 720, { 1150, 500, 1300, 710 } },          /* over the other one */
    { 97, 131, { 20, 30, 48, 62 } },                  /* small */
};

static vi_landmark_view view_for(const vi_box *box, float angle)
{
    vi_landmark_view v = { .box = *box, .angle = angle, .has_points = true };
    static const float at[5][2] = { { 0.3f, 0.4f }, { 0.7f, 0.41f }, { 0.52f, 0.6f }, { 0.35f, 0.8f }, { 0.68f, 0.79f } };
    float w = box->x1 - box->x0, h = box->y1 - box->y0, cx = (box->x0 + box->x1) / 2, cy = (box->y0 + box->y1) / 2;
    for (int i = 0; i < 5; i++) {
        float x = (at[i][0] - 0.5f) * w, y = (at[i][1] - 0.5f) * h;
        v.points[i] = (vi_point){ cx + cosf(angle) * x - sinf(angle) * y, cy + sinf(angle) * x + cosf(angle) * y };
    }
    return v;
}

/* Where a point of the picture lies in the crop, by the contract's own words. */
static void expected_in_crop(const kind *k, const vi_box *b, vi_point p, double out[2])
{
    double w = (double)b->x1 - b->x0, h = (double)b->y1 - b->y0, cx = ((double)b->x0 + b->x1) / 2, cy = ((double)b->y0 + b->y1) / 2;
    if (strcmp(k->id, "2dfan4") == 0) { /* scale 195 / max(w, h), shift (256 - (x1 + x2) scale) / 2 */
        double s = 195 / fmax(w, h);
        out[0] = (double)p.x * s + (256 - ((double)b->x0 + b->x1) * s) / 2;
        out[1] = (double)p.y * s + (256 - ((double)b->y0 + b->y1) * s) / 2;
        return;
    }
    double side = k->margin * fmax(w, h);
    if (strcmp(k->id, "peppapig_98") == 0) /* 1.4 of the width alone */
        side = 1.4 * w;
    if (strcmp(k->id, "hrffa_68") == 0) { /* 1.1 of the head: 1.5 of the face, raised by 0.08 of its height */
        side = 1.1 * fmax(1.5 * w, 1.5 * h);
        cy -= 0.08 * h;
    }
    out[0] = ((double)p.x - (cx - side / 2)) * k->size / side;
    out[1] = ((double)p.y - (cy - side / 2)) * k->size / side;
}

static void check(lab *l, const kind *k, vi_net *net, int place, float angle, vi_crop_mode mode, vi_landmark_found *found)
{
    vi_landmark_view v = view_for(&places[place].box, angle);
    vi_affine map, back;
    if (!vi_landmark_crop(net->family, net->tmpl, mode, &v, (float)net->size, &map))
        fail_msg("%s, place %d: no crop", k->id, place);
    assert_int_equal(net->size, k->size);
    /* The light stands in the part of the crop that the picture has, a little off the middle. */
    float zoom = vi_affine_scale(&map);
    vi_point light = { vi_clampf((v.box.x0 + v.box.x1) / 2 + 3, 14, (float)places[place].w - 14),
                       vi_clampf((v.box.y0 + v.box.y1) / 2 - 4, 14, (float)places[place].h - 14) };
    assert_true(vi_affine_invert(&map, &back));
    vi_point in_crop = vi_affine_apply(&back, light.x, light.y);
    double want[2];
    expected_in_crop(k, &v.box, light, want);
    if (mode == VI_CROP_BOX && angle == 0 && hypot((double)in_crop.x - want[0], (double)in_crop.y - want[1]) > 0.02)
        fail_msg("%s, place %d: %.2f %.2f in the crop, the contract says %.2f %.2f", k->id, place, (double)in_crop.x, (double)in_crop.y,
                 want[0], want[1]);
    vi_affine fitted;
    if (mode == VI_CROP_POINTS && k->tmpl != VI_TEMPLATE_NONE) {
        assert_true(vi_template_fit(k->tmpl, v.points, (float)k->size, &fitted));
        for (int i = 0; i < 6; i++)
            assert_float_equal(map.m[i], fitted.m[i], 1e-3f * (1 + fabsf(fitted.m[i])));
    }
    scene s;
    scene_open(l, &s, places[place].w, places[place].h, light, fmaxf(6 * zoom, 3));
    vi_net_picture picture = { s.frame, &s.colour, &s.upright };
    uint32_t runs = 0;
    OK_OF(l->err, vi_net_look(net, &picture, &map, 1, found, &runs, &l->arena, &l->err));
    assert_true(found->found);
    assert_float_equal(found->own, k->own, 2e-3);
    const int *of = used_of(k->set);
    for (int p = 0; of[p] >= 0; p++) {
        vi_point q = vi_affine_apply(&map, in_crop.x + step_x(p), in_crop.y + step_y(p));
        double off = hypot((double)(found->point[of[p]].x - q.x), (double)(found->point[of[p]].y - q.y));
        if (off > (double)fmaxf(1.2f * zoom, 0.8f))
            fail_msg("%s, place %d, mode %d, angle %.1f: point %d is %.2f pixels off (crop pixels of %.2f)", k->id, place, (int)mode,
                     (double)angle, of[p], off, (double)zoom);
    }
    scene_close(&s);
}

static void points_follow_a_light(void **state)
{
    (void)state;
    lab *l = lab_open(0, put_all);
    vi_landmark_found *found = calloc(1, sizeof *found);
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        const kind *k = &kinds[i];
        vi_net net;
        OK_OF(l->err, vi_net_open(&net, l->models, l->k, k->id, &l->err));
        assert_int_equal(net.family->set, k->set);
        assert_int_equal(net.family->count, k->count);
        for (int p = 0; p < (int)VI_COUNT(places); p++) {
            check(l, k, &net, p, 0, VI_CROP_BOX, found);
            check(l, k, &net, p, 0, VI_CROP_POINTS, found);
            check(l, k, &net, p, 0.5f, VI_CROP_POINTS, found);
            check(l, k, &net, p, 1.6f, VI_CROP_BOX, found);
            check(l, k, &net, p, 3.0f, VI_CROP_BOX, found);
        }
        vi_net_close(&net);
    }
    free(found);
    lab_close(l);
}

static void the_best_prior_gives_the_five(void **state)
{
    (void)state;
    lab *l = lab_open(0, put_all);
    vi_landmark_found *found = calloc(1, sizeof *found);
    vi_net net;
    OK_OF(l->err, vi_net_open(&net, l->models, l->k, "res50", &l->err));
    for (int p = 0; p < (int)VI_COUNT(places); p++) {
        vi_landmark_view v = view_for(&places[p].box, 0);
        vi_affine map, back;
        scene s;
        uint32_t runs = 0;
        assert_true(vi_landmark_crop(net.family, net.tmpl, p % 2 ? VI_CROP_POINTS : VI_CROP_BOX, &v, 512, &map));
        vi_point light = { vi_clampf((v.box.x0 + v.box.x1) / 2, 14, (float)places[p].w - 14),
                           vi_clampf((v.box.y0 + v.box.y1) / 2, 14, (float)places[p].h - 14) };
        float zoom = vi_affine_scale(&map);
        scene_open(l, &s, places[p].w, places[p].h, light, fmaxf(10 * zoom, 4));
        vi_net_picture picture = { s.frame, &s.colour, &s.upright };
        assert_true(vi_affine_invert(&map, &back));
        vi_point c = vi_affine_apply(&back, light.x, light.y);
        OK_OF(l->err, vi_net_look(&net, &picture, &map, 1, found, &runs, &l->arena, &l->err));
        assert_true(found->found);
        assert_float_equal(found->own, 0.9, 1e-5);
        for (int k = 0; k < 5; k++) {
            vi_point q = vi_affine_apply(&map, c.x + step_x(k), c.y + step_y(k));
            assert_true(hypotf(found->point[k].x - q.x, found->point[k].y - q.y) < fmaxf(2 * zoom, 0.8f));
        }
        scene_close(&s);
    }
    vi_net_close(&net);
    free(found);
    lab_close(l);
}

/* The faces too small for the 98 points of Peppa Pig get no crop; points that coincide give none in point mode. */
static void some_faces_get_no_crop(void **state)
{
    (void)state;
    vi_landmark_view v = view_for(&(vi_box){ 10, 10, 29, 40 }, 0);
    vi_affine map;
    const vi_landmark_family *pig = vi_landmark_family_named("peppapig_98"), *pfld = vi_landmark_family_named("pfld_68");
    assert_false(vi_landmark_crop(pig, VI_TEMPLATE_ARCFACE128, VI_CROP_BOX, &v, 256, &map));
    assert_true(vi_landmark_crop(pfld, VI_TEMPLATE_NONE, VI_CROP_BOX, &v, 112, &map));
    for (int i = 0; i < 5; i++)
        v.points[i] = (vi_point){ 20, 20 };
    assert_false(vi_landmark_crop(pfld, VI_TEMPLATE_NONE, VI_CROP_POINTS, &v, 112, &map));
    assert_false(vi_landmark_crop(pig, VI_TEMPLATE_ARCFACE128, VI_CROP_POINTS, &v, 256, &map));
    v.box = (vi_box){ 10, 10, 10, 10 };
    assert_false(vi_landmark_crop(pfld, VI_TEMPLATE_NONE, VI_CROP_BOX, &v, 112, &map));
    v.box = (vi_box){ NAN, 0, 10, 10 };
    assert_false(vi_landmark_crop(pfld, VI_TEMPLATE_NONE, VI_CROP_BOX, &v, 112, &map));
}

/* The 146 points go in as they are, in their order: the last is 477, the ninth (index 8) is 13. */
static void blend_shapes_get_the_points(void **state)
{
    (void)state;
    lab *l = lab_open(0, put_all);
    vi_blend b;
    viso_point3 mesh[VISO_MESH_POINTS];
    float out[VISO_BLENDSHAPES];
    for (int i = 0; i < VISO_MESH_POINTS; i++)
        mesh[i] = (viso_point3){ (float)i + 0.25f, 1000.5f - (float)i, 7 };
    OK_OF(l->err, vi_blend_open(&b, l->models, &l->err));
    OK_OF(l->err, vi_blend_look(&b, mesh, out, &l->err));
    assert_float_equal(out[25], 1000.5 - 477, 1e-3);
    assert_float_equal(out[51], 2 * 13.25, 1e-3);
    vi_blend_close(&b);
    lab_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_follow_a_light),
        cmocka_unit_test(the_best_prior_gives_the_five),
        cmocka_unit_test(some_faces_get_no_crop),
        cmocka_unit_test(blend_shapes_get_the_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
