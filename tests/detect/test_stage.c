/* The stage with every small detector on photographs: pictures that need another window, limits, errors. Faces are counted after the
 * landmark model, as a user gets them, or before it where that is said. */
#include <math.h>

#include "../models_folder.h"
#include "analysis.h"

static models_folder folder;

static const char *const with_points[] = { "auto", "scrfd_500m", "scrfd_2.5g", "retinaface_mnet025", "yolov8_lite_t", "yunet_2023mar",
                                           "yunet_2026may", "blazeface_short_nchw", "blazeface_short_nhwc" };
static const char *const boxes_only[] = { "ultraface_rfb_320", "ultraface_slim_320", "ultraface_rfb_640", "proxyless_face" };

/* Up to three more settings. */
static analysis *open_with(const char *detector, const char *a, const char *b, const char *c)
{
    char id[80];
    snprintf(id, sizeof(id), "detector=%s", detector);
    const char *set[5] = { id, a, a ? b : NULL, a && b ? c : NULL, NULL };
    return analysis_open(set);
}

static int faces_in(analysis *a, const char *name)
{
    char path[200];
    snprintf(path, sizeof(path), "images/%s", name);
    analyse_picture(a, "VISO_TEST_SHARED", path, false);
    return a->w->n_face;
}

/* What the detector alone says, of a still or of a new scene. */
static int found_as(analysis *a, const char *name, bool still)
{
    char path[1024];
    vi_reader *r = NULL;
    vi_frame *f = NULL;
    vi_colour_map cm;
    vi_work *w = a->w;
    snprintf(path, sizeof(path), "%s/images/%s", getenv("VISO_TEST_SHARED"), name);
    OK_OF(a->err, vi_reader_open(&r, path, NULL, &a->err));
    OK_OF(a->err, vi_reader_next(r, &f, &a->err));
    OK_OF(a->err, vi_colour_map_create(&cm, f->format, &f->colour, f->height, &a->err));
    memset(w, 0, sizeof(*w));
    w->frame = f;
    w->colour = &cm;
    w->upright = vi_frame_upright(f, &w->width, &w->height);
    w->still = still;
    w->cut = w->want_detect = true;
    OK_OF(a->err, vi_detect_stage.process(a->detect, w, &a->arena, &a->err));
    vi_colour_map_destroy(&cm);
    vi_frame_unref(&f);
    vi_reader_close(&r);
    return w->n_face;
}

static int found_in(analysis *a, const char *name)
{
    return found_as(a, name, true);
}

static void turned_heads_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < VI_COUNT(with_points); i++) {
        analysis *a = open_with(with_points[i], "rotate=auto", NULL, NULL);
        if (faces_in(a, "hard_rotated_180.jpg") != 1)
            fail_msg("%s: hard_rotated_180: %d faces", with_points[i], a->w->n_face);
        if (!(fabsf(a->w->face[0].f.pose.roll) > 150))
            fail_msg("%s: hard_rotated_180: rolled by %.0f", with_points[i], (double)a->w->face[0].f.pose.roll);
        if (faces_in(a, "hard_roll_left.png") != 1)
            fail_msg("%s: hard_roll_left: %d faces", with_points[i], a->w->n_face);
        assert_float_equal(a->w->face[0].f.pose.roll, -63, 10);
        analysis_close(a);
    }
    /* Heads said to stand on their tops are found there and nowhere else. */
    analysis *a = open_with("scrfd_500m", "rotate=manual", "rotate-angle=180", NULL);
    assert_int_equal(faces_in(a, "hard_rotated_180.jpg"), 1);
    assert_int_equal(faces_in(a, "portrait_woman_a_turned.jpg"), 0);
    analysis_close(a);
    a = open_with("yolov8_lite_t", "rotate=off", NULL, NULL);
    assert_int_equal(faces_in(a, "hard_rotated_180.jpg"), 0);
    analysis_close(a);
    /* Any angle. */
    a = open_with("yunet_2026may", "rotate=manual", "rotate-angle=-60", "roll-limit=20");
    assert_int_equal(faces_in(a, "hard_roll_left.png"), 1);
    assert_float_equal(a->w->face[0].f.pose.roll, -63, 10);
    analysis_close(a);
}

/* In one direction only, so that the limit alone decides: the head is rolled by about 60 degrees. */
static void the_roll_limit_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < VI_COUNT(with_points); i++) {
        int found[2];
        for (int wide = 0; wide < 2; wide++) {
            analysis *a = open_with(with_points[i], "rotate=manual", wide ? "roll-limit=90" : "roll-limit=20", NULL);
            found[wide] = found_in(a, "hard_roll_left.png");
            analysis_close(a);
        }
        if (found[0] != 0 || found[1] != 1)
            fail_msg("%s: %d faces within 20 degrees, %d within 90", with_points[i], found[0], found[1]);
    }
}

static void boxes_lead_to_landmarks(void **state)
{
    (void)state;
    static const char *const pictures[] = { "portrait_astronaut_collins.png", "portrait_woman_a_turned.jpg", "group_obama_biden.jpg",
                                            "portrait_sergey.png", "hard_pitch_down.jpg" };
    vi_box want[VI_COUNT(pictures)][2];
    int n[VI_COUNT(pictures)];
    /* The embedded detector first; the others must lead to the same mesh, whichever box they begin with. */
    for (size_t d = 0; d < VI_COUNT(boxes_only) + VI_COUNT(with_points); d++) {
        const char *id = d < VI_COUNT(with_points) ? with_points[d] : boxes_only[d - VI_COUNT(with_points)];
        analysis *a = open_with(id, NULL, NULL, NULL);
        for (size_t p = 0; p < VI_COUNT(pictures); p++) {
            int found = faces_in(a, pictures[p]);
            if (d == 0)
                n[p] = found;
            if (found != n[p] || found < 1 || found > 2)
                fail_msg("%s: %s: %d faces", id, pictures[p], found);
            for (int i = 0; i < found; i++) {
                float best = 0;
                if (d == 0)
                    want[p][i] = a->w->face[i].f.box;
                for (int k = 0; k < found; k++)
                    best = fmaxf(best, k <= i || d ? vi_box_iou(&want[p][k], &a->w->face[i].f.box) : 0);
                if (best < 0.9f)
                    fail_msg("%s: %s: box of the mesh overlaps by %.2f only", id, pictures[p], (double)best);
            }
        }
        analysis_close(a);
    }
}

static void close_ups_and_empty_pictures(void **state)
{
    (void)state;
    static const char *const zero[] = { "zero_coffee.png", "zero_cat.png", "zero_brick.png", "zero_landscape.jpg" };
    static const struct {
        const char *id;
        int most; /* documented for one look at the whole picture, which test_reference.c holds each to; here every window is tried */
    } detectors[] = { { "auto", 0 }, { "scrfd_500m", 0 }, { "scrfd_2.5g", 0 }, { "yunet_2023mar", 0 }, { "yunet_2026may", 0 },
                      { "retinaface_mnet025", 0 }, { "blazeface_short_nchw", 0 }, { "blazeface_short_nhwc", 0 },
                      { "proxyless_face", 0 }, { "ultraface_slim_320", 0 }, { "ultraface_rfb_320", 1 }, { "ultraface_rfb_640", 1 },
                      { "yolov8_lite_t", 2 } };
    for (size_t d = 0; d < VI_COUNT(detectors); d++) {
        analysis *a = open_with(detectors[d].id, NULL, NULL, NULL);
        int hits = 0;
        for (size_t z = 0; z < VI_COUNT(zero); z++)
            hits += faces_in(a, zero[z]);
        print_message("%-22s %d faces on pictures without one\n", detectors[d].id, hits);
        assert_in_range(hits, 0, detectors[d].most);
        analysis_close(a);
    }
    for (int i = 1; i <= 2; i++) {
        analysis *a = open_with(with_points[i], NULL, NULL, NULL);
        assert_int_equal(found_in(a, "portrait_sergey.png"), 1);
        assert_true(a->w->face[0].f.score > 0.7f);
        analysis_close(a);
    }
}

static void limits_change_what_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < VI_COUNT(with_points) + VI_COUNT(boxes_only); i++) {
        const char *id = i < VI_COUNT(with_points) ? with_points[i] : boxes_only[i - VI_COUNT(with_points)];
        const char *group = "group_three_adults.jpg";
        analysis *a = open_with(id, "max-faces=1", NULL, NULL), *all = open_with(id, NULL, NULL, NULL);
        assert_int_equal(found_in(all, group), 3);
        /* the one with the largest area less twice the squared distance */
        int best = 0;
        float most = -INFINITY;
        for (int k = 0; k < 3; k++) {
            const vi_box *b = &all->w->face[k].f.box;
            float x = (b->x0 + b->x1 - 500) / 2, y = (b->y0 + b->y1 - 375) / 2, v = (b->x1 - b->x0) * (b->y1 - b->y0) - 2 * (x * x + y * y);
            if (v > most)
                most = v, best = k;
        }
        assert_int_equal(found_in(a, group), 1);
        assert_true(vi_box_iou(&a->w->face[0].f.box, &all->w->face[best].f.box) > 0.8f);
        analysis_close(a);
        analysis_close(all);
        a = open_with(id, "detect-score=0.99", NULL, NULL), all = open_with(id, "detect-score=0.2", NULL, NULL);
        int strict = found_in(a, "group_audience_profiles.jpg"), lax = found_in(all, "group_audience_profiles.jpg");
        if (strict >= lax)
            fail_msg("%s: %d faces at 0.99, %d at 0.2", id, strict, lax);
        analysis_close(a);
        analysis_close(all);
    }
    /* Another size: faces of a large group that a small input does not show. */
    analysis *small = open_with("scrfd_2.5g", "detect-size=160", "pyramid=1", NULL),
             *large = open_with("scrfd_2.5g", "detect-size=1270", "pyramid=1", NULL);
    assert_true(found_in(small, "group_solvay_1927.jpg") < 5);
    assert_int_equal(found_in(large, "group_solvay_1927.jpg"), 29);
    analysis_close(small);
    analysis_close(large);
}

static void looks_where_it_is_asked_to(void **state)
{
    (void)state;
    analysis *a = open_with("scrfd_500m", NULL, NULL, NULL);
    char path[1024];
    vi_reader *r = NULL;
    vi_frame *f = NULL;
    vi_colour_map cm;
    assert_int_equal(found_in(a, "group_obama_biden.jpg"), 2);
    vi_box one = a->w->face[1].f.box;
    snprintf(path, sizeof(path), "%s/images/group_obama_biden.jpg", getenv("VISO_TEST_SHARED"));
    OK_OF(a->err, vi_reader_open(&r, path, NULL, &a->err));
    OK_OF(a->err, vi_reader_next(r, &f, &a->err));
    OK_OF(a->err, vi_colour_map_create(&cm, f->format, &f->colour, f->height, &a->err));
    vi_work *w = a->w;
    memset(w, 0, sizeof(*w));
    w->frame = f;
    w->colour = &cm;
    w->upright = vi_frame_upright(f, &w->width, &w->height);
    w->want_detect = true;
    w->n_look = 1;
    w->look[0] = (vi_region){ (one.x0 + one.x1) / 2, (one.y0 + one.y1) / 2, 3 * (one.x1 - one.x0), 0.2f };
    OK_OF(a->err, vi_detect_stage.process(a->detect, w, &a->arena, &a->err));
    assert_int_equal(w->n_face, 1);
    assert_int_equal(w->count.networks, 1);
    assert_true(vi_box_iou(&one, &w->face[0].f.box) > 0.7f);
    vi_colour_map_destroy(&cm);
    vi_frame_unref(&f);
    vi_reader_close(&r);
    analysis_close(a);
}

/* With fewer networks a new scene shows the faces that a still shows. */
static void a_new_scene_takes_fewer_looks(void **state)
{
    (void)state;
    static const char *const pictures[] = { "group_obama_biden.jpg", "group_three_adults.jpg", "portrait_astronaut_collins.png",
                                            "hard_small_240p.jpg" };
    analysis *a = open_with("auto", NULL, NULL, NULL);
    for (size_t i = 0; i < VI_COUNT(pictures); i++) {
        int still = found_as(a, pictures[i], true), runs = (int)a->w->count.networks, scene = found_as(a, pictures[i], false);
        if (scene < still || (int)a->w->count.networks >= runs)
            fail_msg("%s: a still has %d faces with %d networks, a scene %d with %d", pictures[i], still, runs, scene,
                     (int)a->w->count.networks);
    }
    analysis_close(a);
}

static void create_fails(const char *detector, const char *size, int code, const char *text)
{
    static const vi_option_group *const groups[] = { &vi_detect_options };
    vi_settings *s = NULL;
    vi_models *m = NULL;
    viso_error err = { 0 };
    void *self = NULL;
    vi_models_params p = { 0 };
    assert_int_equal(vi_settings_create(&s, groups, 1, &err), 0);
    assert_int_equal(vi_settings_set(s, "detector", detector, &err), 0);
    assert_int_equal(vi_settings_set(s, "detect-size", size, &err), 0);
    assert_int_equal(vi_models_open(&m, &p, &err), 0);
    vi_stage_env env = { .k = vi_kernels_get(VI_CPU_ALL), .models = m, .settings = vi_settings_group(s, "detect") };
    assert_int_equal(vi_detect_stage.create(&self, &env, &err), code);
    if (!strstr(err.text, text))
        fail_msg("'%s' does not say '%s'", err.text, text);
    assert_null(self);
    vi_models_close(&m);
    vi_settings_destroy(&s);
}

static void wrong_choices_are_named(void **state)
{
    (void)state;
    create_fails("scrfd_500", "auto", VISO_ERR_MODEL, "--detector scrfd_500: no model of that name; installed detectors: face_detection");
    create_fails("mobilefacenet", "auto", VISO_ERR_MODEL, "is no detector (embedder); installed detectors: ");
    create_fails("det_10g", "auto", VISO_ERR_MODEL, "det_10g.onnx is missing or damaged; installed detectors: ");
    create_fails("ultraface_rfb_320", "640", VISO_ERR_USAGE, "--detect-size 640: model ultraface_rfb_320 takes pictures of 320 x 240 only");
    create_fails("auto", "large", VISO_ERR_USAGE, "--detect-size: 'large' is neither auto nor a whole number");
    create_fails("auto", "7", VISO_ERR_USAGE, "--detect-size: '7' is neither");
}

int main(void)
{
    viso_error err = { 0 };
    int skip = missing("VISO_TEST_SHARED", "images/README.md");
    if (!models_folder_has_shared() || skip)
        return 77;
    if (models_folder_open(&folder, MODELS_FOLDER_SHARED, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    setenv("VISO_MODELS", folder.dir, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turned_heads_are_found),      cmocka_unit_test(the_roll_limit_decides),
        cmocka_unit_test(boxes_lead_to_landmarks),     cmocka_unit_test(close_ups_and_empty_pictures),
        cmocka_unit_test(limits_change_what_is_found), cmocka_unit_test(looks_where_it_is_asked_to),
        cmocka_unit_test(a_new_scene_takes_fewer_looks), cmocka_unit_test(wrong_choices_are_named),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    models_folder_close(&folder);
    return failed;
}
