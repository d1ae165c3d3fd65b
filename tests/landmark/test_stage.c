/* The landmark stage on photographs, with the small real models: what runs when, what ends up in the face, several faces at once,
 * expressions and irises. */
#include "shared.h"

#include "detect/detect.h"
#include "face/pnp.h"
#include "landmark/half.h"
#include "landmark/iris.h"
#include "landmark/landmark.h"
#include "options/options.h"

static lab *l;
static vi_work *w;
static shared_picture picture;

/* The stage over settings given as "key=value" pairs. */
static void *open_stage(const vi_stage *s, const vi_option_group *group, uint32_t wants, const char *const *set, int *code)
{
    vi_settings *settings = NULL;
    void *self = NULL;
    OK_OF(l->err, vi_settings_create(&settings, &group, 1, &l->err));
    for (; set && *set; set++) {
        char key[64];
        const char *eq = strchr(*set, '=');
        snprintf(key, sizeof key, "%.*s", (int)(eq - *set), *set);
        OK_OF(l->err, vi_settings_set(settings, key, eq + 1, &l->err));
    }
    vi_stage_env env = { .k = l->k, .models = l->models, .wants = wants };
    env.settings = vi_settings_group(settings, s->options);
    *code = s->create(&self, &env, &l->err);
    vi_settings_destroy(&settings);
    return self;
}

static void *landmarks(uint32_t wants, const char *a, const char *b, const char *c)
{
    const char *set[4] = { a, b, c, NULL };
    int code;
    void *self = open_stage(&vi_landmark_points, &vi_landmark_options, wants, set, &code);
    if (code)
        fail_msg("%s: %s", a ? a : "", l->err.text);
    return self;
}

/* Detects on a picture of the shared data; the faces are in w. */
static void detect(const char *name)
{
    int code;
    void *self = open_stage(&vi_detect_stage, &vi_detect_options, 0, NULL, &code);
    OK_OF(l->err, code);
    picture_open(l, &picture, name);
    memset(w, 0, sizeof *w);
    w->frame = picture.frame;
    w->colour = &picture.colour;
    w->upright = picture.upright;
    w->width = picture.width;
    w->height = picture.height;
    w->still = w->cut = w->want_detect = true;
    OK_OF(l->err, vi_detect_stage.process(self, w, &l->arena, &l->err));
    vi_detect_stage.destroy(&self);
    w->count.networks = 0;
}

static void look(void *self)
{
    OK_OF(l->err, vi_landmark_points.process(self, w, &l->arena, &l->err));
    assert_int_equal(vi_arena_mark(&l->arena), 0);
}

static void done(void *self)
{
    vi_landmark_points.destroy(&self);
    assert_null(self);
}

/* Which networks run: the chosen one alone, unless the mesh is wanted and it gives none. */
static void the_mesh_runs_when_it_is_wanted(void **state)
{
    (void)state;
    static const struct { const char *set; uint32_t wants; int set_no; unsigned runs; bool mesh; const char *model; } cases[] = {
        { "landmarks=face_landmark_with_attention", 0, 478, 2, true, "face_landmark_with_attention" },
        { "landmarks=face_landmark_with_attention", VISO_FACE_HAS_MESH, 478, 2, true, "face_landmark_with_attention" },
        { "landmarks=pfld_68", 0, 68, 1, false, "pfld_68" },
        { "landmarks=pfld_68", VISO_FACE_HAS_MESH, 68, 3, true, "pfld_68" },
        { "landmarks=proxyless_98", 0, 98, 1, false, "proxyless_98" },
        { "landmarks=pfld_106_lite", 0, 106, 1, false, "pfld_106_lite" },
        { "landmarks=facemesh_468", 0, 468, 2, false, "facemesh_468" },
        { "landmarks=facemesh_478_fp16", VISO_FACE_HAS_MESH, 478, 2, true, "facemesh_478_fp16" },
        { "landmarks=auto", 0, 478, 1, false, "face_landmark_with_attention" },
        { "landmarks=auto", VISO_FACE_HAS_MESH, 478, 2, true, "face_landmark_with_attention" },
    };
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        void *self = landmarks(cases[i].wants, cases[i].set, NULL, NULL);
        detect("portrait_obama_official.jpg");
        assert_int_equal(w->n_face, 1);
        look(self);
        const vi_face *f = &w->face[0];
        assert_int_equal(w->n_face, 1);
        if (w->count.networks != cases[i].runs)
            fail_msg("case %zu, %s: %u runs, expected %u", i, cases[i].set, w->count.networks, cases[i].runs);
        assert_true((f->f.has & VISO_FACE_HAS_MARKS) && (f->f.has & VISO_FACE_HAS_POINTS) && (f->f.has & VISO_FACE_HAS_POSE));
        assert_int_equal((f->f.has & VISO_FACE_HAS_MESH) != 0, cases[i].mesh);
        assert_int_equal(f->f.marks.set, cases[i].set_no);
        assert_int_equal(f->f.marks.count, cases[i].set_no);
        assert_string_equal(f->f.marks.model, cases[i].model);
        assert_true(f->f.marks.confidence > 0.8f && f->f.presence > 0.8f);
        /* The same face whatever looked at it: eyes, nose, mouth as the reference has them (portrait_obama_official). */
        static const vi_point truth[5] = { { 440, 214 }, { 552, 214 }, { 496, 269 }, { 438, 319 }, { 551, 318 } };
        for (int p = 0; p < 5; p++)
            assert_true(hypotf(f->f.points[p].x - truth[p].x, f->f.points[p].y - truth[p].y) < 14);
        assert_true(fabsf(f->f.pose.yaw) < 9 && fabsf(f->f.pose.roll) < 5);
        /* A second round leaves it alone. */
        uint32_t runs = w->count.networks;
        look(self);
        assert_int_equal(w->count.networks, runs);
        picture_close(&picture);
        done(self);
    }
}

/* Mean eyes and the crop of points change what they say they change. */
static void options_change_the_result(void **state)
{
    (void)state;
    viso_face plain, mean, points;
    void *self = landmarks(0, "landmarks=proxyless_98", NULL, NULL);
    detect("portrait_woman_a_turned.jpg");
    look(self);
    plain = w->face[0].f;
    done(self);
    picture_close(&picture);
    self = landmarks(0, "landmarks=proxyless_98", "mean-eyes=yes", NULL);
    detect("portrait_woman_a_turned.jpg");
    look(self);
    mean = w->face[0].f;
    done(self);
    picture_close(&picture);
    assert_memory_equal(plain.marks.point, mean.marks.point, 98 * sizeof plain.marks.point[0]);
    assert_memory_equal(&plain.points[2], &mean.points[2], 3 * sizeof(viso_point));
    assert_true(plain.points[0].x != mean.points[0].x);
    assert_true(hypotf(plain.points[0].x - mean.points[0].x, plain.points[0].y - mean.points[0].y) < 20);
    const viso_point3 *p = mean.marks.point;
    assert_float_equal(mean.points[0].x, (p[60].x + p[62].x + p[64].x + p[66].x) / 4, 0.01);
    self = landmarks(0, "landmarks=proxyless_98", "landmark-crop=points", NULL);
    detect("portrait_woman_a_turned.jpg");
    look(self);
    points = w->face[0].f;
    done(self);
    picture_close(&picture);
    assert_true(memcmp(points.marks.point, plain.marks.point, 98 * sizeof plain.marks.point[0]) != 0);
    for (int i = 0; i < 5; i++)
        assert_true(hypotf(points.points[i].x - plain.points[i].x, points.points[i].y - plain.points[i].y) < 25);
}

/* A region with nothing in it: no model makes a face of it, whatever it says of its points; the threshold decides. */
static void no_face_is_no_face(void **state)
{
    (void)state;
    static const char *const models[] = { "landmarks=auto", "landmarks=pfld_68", "landmarks=proxyless_98", "landmarks=facemesh_468" };
    static const char *const pictures[] = { "zero_brick.png", "zero_landscape.jpg", "zero_coffee.png" };
    for (size_t m = 0; m < VI_COUNT(models); m++) {
        for (size_t i = 0; i < VI_COUNT(pictures); i++) {
            void *self = landmarks(0, models[m], NULL, NULL);
            detect(pictures[i]);
            memset(&w->face[0], 0, sizeof w->face[0]);
            vi_face *f = &w->face[0];
            w->n_face = 1;
            f->slot = -1;
            f->f.has = VISO_FACE_HAS_BOX | VISO_FACE_HAS_POINTS;
            f->f.box = (vi_box){ 100, 100, 190, 210 };
            f->roi = (vi_region){ 145, 155, 165, 0 };
            static const vi_point nowhere[5] = { { 180, 110 }, { 120, 180 }, { 160, 170 }, { 110, 130 }, { 175, 200 } };
            memcpy(f->f.points, nowhere, sizeof nowhere);
            look(self);
            if (w->n_face)
                fail_msg("%s: a face on %s, presence %.2f", models[m], pictures[i], (double)w->face[0].f.presence);
            picture_close(&picture);
            done(self);
        }
    }
    /* A followed face stays for track, unseen. */
    void *self = landmarks(0, "landmarks=proxyless_98", NULL, NULL);
    detect("zero_brick.png");
    memset(&w->face[0], 0, sizeof w->face[0]);
    w->face[0].f.has = VISO_FACE_HAS_BOX;
    w->face[0].f.box = (vi_box){ 100, 100, 190, 210 };
    w->face[0].roi = (vi_region){ 145, 155, 165, 0 };
    w->n_face = 1;
    look(self);
    assert_int_equal(w->n_face, 1);
    assert_false(vi_face_seen(&w->face[0]));
    picture_close(&picture);
    done(self);
}

/* The threshold is the same option for all: what one keeps, a higher one may drop. */
static void the_threshold_drops_faces(void **state)
{
    (void)state;
    int kept[3], by_model[3] = { 0 };
    static const char *const at[3] = { "presence=0.05", "presence=0.5", "presence=0.99" };
    for (int i = 0; i < 3; i++) {
        void *self = landmarks(0, "landmarks=pfld_68_dynbatch", at[i], NULL);
        detect("group_audience_profiles.jpg");
        look(self);
        kept[i] = w->n_face;
        for (int k = 0; k < w->n_face; k++) {
            /* The detector's own points stand in for faces it is very sure of. */
            const viso_marks *m = &w->face[k].f.marks;
            bool stands = strcmp(m->model, "detector") == 0;
            by_model[i] += !stands;
            assert_true(stands ? m->set == 5 && w->face[k].f.score >= 0.85f : m->confidence >= (i == 0 ? 0.05f : i == 1 ? 0.5f : 0.99f));
        }
        picture_close(&picture);
        done(self);
    }
    print_message("faces kept at 0.05, 0.5, 0.99: %d %d %d, by the model %d %d %d\n", kept[0], kept[1], kept[2], by_model[0], by_model[1],
                  by_model[2]);
    assert_true(kept[0] >= kept[1] && kept[1] >= kept[2]);
    assert_true(by_model[0] > by_model[1] && by_model[1] > by_model[2]);
}

/* Faces that go through the network together come out as one by one. */
static void a_batch_equals_single_runs(void **state)
{
    (void)state;
    enum { FACES = 10 };
    detect("group_office_rows.jpg");
    assert_true(w->n_face >= FACES);
    vi_net many, one;
    vi_affine map[FACES];
    vi_landmark_found *a = calloc(FACES, sizeof *a), *b = calloc(FACES, sizeof *b);
    vi_net_picture p = { w->frame, w->colour, &w->upright };
    uint32_t runs = 0, singles = 0;
    OK_OF(l->err, vi_net_open(&many, l->models, l->k, "pfld_68_dynbatch", &l->err));
    OK_OF(l->err, vi_net_open(&one, l->models, l->k, "pfld_68_dynbatch", &l->err));
    assert_non_null(many.many);
    for (int i = 0; i < FACES; i++) {
        vi_landmark_view v = { .box = w->face[i].f.box };
        assert_true(vi_landmark_crop(many.family, many.tmpl, VI_CROP_BOX, &v, (float)many.size, &map[i]));
        OK_OF(l->err, vi_net_look(&one, &p, &map[i], 1, &b[i], &singles, &l->arena, &l->err));
    }
    OK_OF(l->err, vi_net_look(&many, &p, map, FACES, a, &runs, &l->arena, &l->err));
    assert_int_equal(singles, FACES);
    assert_int_equal(runs, FACES / VI_NET_BATCH + FACES % VI_NET_BATCH);
    for (int i = 0; i < FACES; i++)
        for (int k = 0; k < 68; k++)
            assert_true(hypotf(a[i].point[k].x - b[i].point[k].x, a[i].point[k].y - b[i].point[k].y) < 1e-2f);
    vi_net_close(&many);
    /* The same network with a fixed batch has no context for several. */
    OK_OF(l->err, vi_net_open(&many, l->models, l->k, "pfld_68", &l->err));
    assert_null(many.many);
    vi_net_close(&many);
    vi_net_close(&one);
    free(a);
    free(b);
    picture_close(&picture);
}

/* Expressions of the README's photographs. */
static void blend_shapes_see_the_mouth(void **state)
{
    (void)state;
    static const struct { const char *name; int at; float least, most; } cases[] = {
        { "portrait_man_mouth_open.jpg", 25, 0.82f, 1 },   { "portrait_obama_official.jpg", 44, 0.85f, 1 },
        { "portrait_obama_official.jpg", 45, 0.85f, 1 },   { "portrait_obama_official.jpg", 25, 0, 0.2f },
        { "portrait_man_mouth_open.jpg", 44, 0, 0.5f },
    };
    void *self = landmarks(VISO_FACE_HAS_MESH, "landmarks=facemesh_478_fp16", "blend-shapes=yes", NULL);
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        detect(cases[i].name);
        look(self);
        assert_int_equal(w->n_face, 1);
        assert_true(w->face[0].f.has & VISO_FACE_HAS_BLENDSHAPES);
        float got = w->face[0].f.blendshapes[cases[i].at];
        print_message("%s: coefficient %d is %.2f\n", cases[i].name, cases[i].at, (double)got);
        assert_true(got >= cases[i].least && got <= cases[i].most);
        for (int k = 0; k < VISO_BLENDSHAPES; k++)
            assert_true(w->face[0].f.blendshapes[k] >= -0.01f && w->face[0].f.blendshapes[k] <= 1.01f);
        picture_close(&picture);
    }
    done(self);
}

/* The iris network's centres against those of the 478 points: within 2 % of the eye's width on the left, 6 % in the mirror
 * (models' README), with some room for other crops. */
static void irises_agree_with_the_mesh(void **state)
{
    (void)state;
    static const char *const names[] = { "portrait_obama_official.jpg", "portrait_woman_a_frontal.jpg", "portrait_man_mouth_open.jpg" };
    vi_iris iris;
    vi_net_picture p;
    void *self = landmarks(VISO_FACE_HAS_MESH, "landmarks=facemesh_478_fp16", NULL, NULL);
    OK_OF(l->err, vi_iris_open(&iris, l->models, l->k, &l->err));
    for (size_t i = 0; i < VI_COUNT(names); i++) {
        detect(names[i]);
        look(self);
        viso_point3 mesh[VISO_MESH_POINTS];
        memcpy(mesh, w->face[0].f.mesh, sizeof mesh);
        p = (vi_net_picture){ w->frame, w->colour, &w->upright };
        int good;
        uint32_t runs = 0;
        OK_OF(l->err, vi_iris_look(&iris, &p, mesh, &good, &runs, &l->arena, &l->err));
        assert_int_equal(good, 2);
        assert_int_equal(runs, 2);
        assert_memory_equal(mesh, w->face[0].f.mesh, 468 * sizeof mesh[0]); /* the rest stays */
        for (int e = 0; e < 2; e++) {
            static const int corner[2][2] = { { 33, 133 }, { 362, 263 } }, centre[2] = { 468, 473 };
            const viso_point3 *a = &mesh[corner[e][0]], *b = &mesh[corner[e][1]], *c = &mesh[centre[e]];
            const viso_point3 *m = &w->face[0].f.mesh[centre[e]];
            float off = hypotf(c->x - m->x, c->y - m->y) / hypotf(a->x - b->x, a->y - b->y);
            print_message("%s: iris %d is %.1f %% of the eye's width from the mesh's\n", names[i], e, 100 * (double)off);
            assert_true(off < (e ? 0.09f : 0.05f));
            for (int k = 1; k < 5; k++) /* the rim lies around the centre */
                assert_true(hypotf(mesh[centre[e] + k].x - c->x, mesh[centre[e] + k].y - c->y) < 0.4f * hypotf(a->x - b->x, a->y - b->y));
        }
        picture_close(&picture);
    }
    vi_iris_close(&iris);
    done(self);
}

/* The solver on real landmarks of several sets against the pose of the whole mesh, and against two networks that see no landmarks. */
static void head_poses_agree(void **state)
{
    (void)state;
    static const char *const names[] = { "portrait_obama_official.jpg", "portrait_woman_a_frontal.jpg", "portrait_woman_a_turned.jpg",
                                         "portrait_woman_official.jpg", "hard_pitch_up.jpg",           "portrait_biden_official.jpg",
                                         "portrait_lacamoire.jpg",      "hard_pitch_down.jpg" };
    static const char *const sets[] = { "landmarks=face_landmark_with_attention", "landmarks=pfld_68", "landmarks=proxyless_98",
                                        "landmarks=pfld_106_lite" };
    vi_run *fsa[2];
    const vi_model_row *row = NULL;
    OK_OF(l->err, vi_models_run(l->models, "fsanet_var", &fsa[0], &row, &l->err));
    OK_OF(l->err, vi_models_run(l->models, "fsanet_1x1", &fsa[1], &row, &l->err));
    double sum[5][3] = { { 0 } };
    for (size_t i = 0; i < VI_COUNT(names); i++) {
        for (size_t m = 0; m < VI_COUNT(sets); m++) {
            /* The canonical pose comes from the mesh, the solver's from the chosen points. */
            void *self = landmarks(VISO_FACE_HAS_MESH, sets[m], "presence=0.05", NULL);
            detect(names[i]);
            look(self);
            assert_true(w->n_face >= 1);
            const vi_face *f = &w->face[0];
            vi_camera c = vi_camera_for(w->width, w->height, &f->f.box);
            vi_pnp got, five;
            assert_true(f->f.has & VISO_FACE_HAS_MARKS);
            assert_true(vi_pnp_marks(w->canonical, f->f.marks.set, f->f.marks.point, f->f.marks.count, &c, &got));
            double yaw = fabs((double)(got.angles.yaw - f->f.pose.yaw)), pitch = fabs((double)(got.angles.pitch - f->f.pose.pitch)),
                   roll = fabs((double)(got.angles.roll - f->f.pose.roll));
            sum[m][0] += yaw / VI_COUNT(names);
            sum[m][1] += pitch / VI_COUNT(names);
            sum[m][2] += roll / VI_COUNT(names);
            if (m == 0) {
                assert_true(vi_pnp_five(w->canonical, f->f.points, &c, &five));
                sum[4][0] += fabs((double)(five.angles.yaw - f->f.pose.yaw)) / VI_COUNT(names);
                sum[4][1] += fabs((double)(five.angles.pitch - f->f.pose.pitch)) / VI_COUNT(names);
                sum[4][2] += fabs((double)(five.angles.roll - f->f.pose.roll)) / VI_COUNT(names);
                /* FSA-Net: 64 pixels, 1.3 of the box; yaw, pitch, roll. Its signs: README of the models. */
                vi_affine map = vi_square_to_picture((f->f.box.x0 + f->f.box.x1) / 2, (f->f.box.y0 + f->f.box.y1) / 2,
                                                     1.3f * fmaxf(f->f.box.x1 - f->f.box.x0, f->f.box.y1 - f->f.box.y0), 0, 64);
                vi_affine to_frame = vi_affine_compose(&w->upright, &map);
                vi_rgb crop = vi_rgb_new(&l->arena, 64, 64);
                OK_OF(l->err, l->k->sample(w->frame, w->colour, &to_frame, &crop, VI_BORDER_ZERO, &l->arena));
                float net[3] = { 0, 0, 0 };
                for (int k = 0; k < 2; k++) {
                    l->k->to_tensor(vi_run_input(fsa[k], 0, NULL), &crop, row->scale, row->offset, row->bgr);
                    OK_OF(l->err, vi_run_now(fsa[k], &l->err));
                    for (int q = 0; q < 3; q++)
                        net[q] += ((const float *)vi_run_output(fsa[k], 0, NULL))[q] / 2;
                }
                vi_arena_release(&l->arena, 0);
                print_message("%s: mesh %.0f %.0f %.0f, solver %.0f %.0f %.0f, FSA-Net %.0f %.0f %.0f\n", names[i], (double)f->f.pose.yaw,
                              (double)f->f.pose.pitch, (double)f->f.pose.roll, (double)got.angles.yaw, (double)got.angles.pitch,
                              (double)got.angles.roll, (double)net[0], (double)net[1], (double)net[2]);
                assert_true(fabsf(-net[0] - got.angles.yaw) < 20); /* its yaw is positive to the picture's left */
                assert_true(fabsf(net[1] - got.angles.pitch) < 25);
            }
            picture_close(&picture);
            done(self);
        }
    }
    for (size_t m = 0; m < 5; m++)
        print_message("%s: yaw %.1f, pitch %.1f, roll %.1f degrees from the mesh's pose in the mean\n", m < 4 ? sets[m] : "five points",
                      sum[m][0], sum[m][1], sum[m][2]);
    for (size_t m = 0; m < 5; m++)
        assert_true(sum[m][0] < 6 && sum[m][1] < 9 && sum[m][2] < 3);
    vi_run_destroy(&fsa[0]);
    vi_run_destroy(&fsa[1]);
}

static void faults_are_named(void **state)
{
    (void)state;
    static const struct { const char *set, *has; } cases[] = {
        { "landmarks=no_such_model", "no_such_model" },
        { "landmarks=yunet_n", "yunet_n" },       /* a detector */
        { "landmarks=res50", "res50" },           /* not installed */
        { "landmarks=tufa_98", "tufa_98" },       /* nothing is known of its tensors */
    };
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        const char *set[] = { cases[i].set, NULL };
        int code;
        l->err = (viso_error){ 0 };
        void *self = open_stage(&vi_landmark_points, &vi_landmark_options, 0, set, &code);
        print_message("%s: %s\n", cases[i].set, l->err.text);
        assert_int_equal(code, VISO_ERR_MODEL);
        assert_null(self);
        assert_non_null(strstr(l->err.text, cases[i].has));
    }
}

static void halves_are_exact(void **state)
{
    (void)state;
    for (int i = 0; i < 0x7c00; i++) {
        float f = vi_from_half((uint16_t)i);
        assert_int_equal(vi_to_half(f), i);
        assert_int_equal(vi_to_half(-f), i | 0x8000);
        if (i) /* between two neighbours: the even one */
            assert_int_equal(vi_to_half((f + vi_from_half((uint16_t)(i - 1))) / 2), i % 2 ? i - 1 : i);
    }
    assert_int_equal(vi_to_half(65519), 0x7bff);
    assert_int_equal(vi_to_half(65520), 0x7c00);
    assert_int_equal(vi_to_half(INFINITY), 0x7c00);
    assert_true(isnan(vi_from_half(vi_to_half(NAN))));
    assert_int_equal(vi_to_half(1e-9f), 0);
}

static int setup(void **state)
{
    (void)state;
    l = lab_open(MODELS_FOLDER_SHARED, NULL);
    w = calloc(1, sizeof *w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(w);
    lab_close(l);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mesh_runs_when_it_is_wanted), cmocka_unit_test(options_change_the_result),
        cmocka_unit_test(no_face_is_no_face),              cmocka_unit_test(the_threshold_drops_faces),
        cmocka_unit_test(a_batch_equals_single_runs),      cmocka_unit_test(blend_shapes_see_the_mouth),
        cmocka_unit_test(irises_agree_with_the_mesh),      cmocka_unit_test(head_poses_agree),
        cmocka_unit_test(faults_are_named),                cmocka_unit_test(halves_are_exact),
    };
    return models_folder_has_shared() ? cmocka_run_group_tests(tests, setup, teardown) : 77;
}
