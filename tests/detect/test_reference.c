/* Every small detector against expected results on all photographs (models/reference.json): one look at the whole picture as the
 * contract has it, at the contract's thresholds. Its tolerances: boxes within about 3 % of the face's width, scores within 0.05.
 * So a detection that is nearer than that to the threshold may be on either side of it, and of several anchors on one face whose
 * scores lie that close together any may be the one that suppression leaves. Hence two comparisons: an anchor of ours, before
 * suppression, is what was expected; and after it there is one detection for each expected one, no more, no less. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../models_folder.h"
#include "../test.h"

#include "detect/net.h"
#include "media/media.h"

#define SCORE 0.05f
#define MOST 2048

/* Thresholds and sizes at which the results were made. */
static const struct {
    const char *id, *file;
    int size;
    float score, iou;
    int zero; /* hits on the pictures without a face (a cat) */
} detectors[] = {
    { "yunet_2023mar", "yunet_2023mar_dyn.onnx", 640, 0.6f, 0.3f, 0 },
    { "yunet_2026may", "yunet_2026may.onnx", 640, 0.6f, 0.3f, 0 },
    { "ultraface_rfb_320", "ultraface_rfb_320.onnx", 0, 0.7f, 0.3f, 1 },
    { "ultraface_slim_320", "ultraface_slim_320.onnx", 0, 0.7f, 0.3f, 0 },
    { "ultraface_rfb_640", "ultraface_rfb_640.onnx", 0, 0.7f, 0.3f, 1 },
    { "scrfd_500m", "scrfd_500m_kps.onnx", 0, 0.5f, 0.4f, 0 },
    { "scrfd_2.5g", "scrfd_2.5g_bnkps.onnx", 640, 0.5f, 0.4f, 0 },
    { "retinaface_mnet025", "retinaface_mnet025.onnx", 0, 0.6f, 0.4f, 0 },
    { "yolov8_lite_t", "yolov8_lite_t_face.onnx", 0, 0.45f, 0.5f, 2 },
    { "blazeface_short_nchw", "blazeface_short_nchw.onnx", 0, 0.6f, 0.3f, 0 },
    { "blazeface_short_nhwc", "blazeface_short_nhwc.onnx", 0, 0.6f, 0.3f, 0 },
    { "proxyless_face", "proxyless_face_128x160.onnx", 0, 0.5f, 0.45f, 0 },
};

/* Where the network itself is on edge: both are enlarged for it, and another resampling filter moves the score by half. */
static const struct {
    const char *id, *picture;
} on_edge[] = {
    { "ultraface_rfb_640", "hard_roll_left.png" },
    { "ultraface_rfb_640", "zero_cat.png" },
};

/* Most anchors above the threshold, before and after suppression. */
typedef struct seen {
    vi_candidate raw[MOST], kept[MOST];
    int n_raw, n_kept;
    float pixel; /* of the input, in pixels of the picture */
} seen;

typedef struct tally {
    int pictures, expected, found, missed, extra, zero;
    int off;          /* farther than the tolerance */
    float box, score, point; /* largest differences; box and points in face widths */
} tally;

static models_folder folder;
static vi_models *models;
static json_t *reference;
static viso_error err;

static void look(vi_detect_net *net, const char *name, float threshold, float iou, seen *s)
{
    static vi_arena arena;
    char path[1024];
    vi_reader *r = NULL;
    vi_frame *f = NULL;
    vi_colour_map cm;
    vi_detect_frame frame;
    vi_rgb crop;
    if (!arena.base)
        assert_int_equal(vi_arena_create(&arena, (size_t)1 << 30), 0);
    snprintf(path, sizeof(path), "%s/images/%s", getenv("VISO_TEST_SHARED"), name);
    OK(vi_reader_open(&r, path, NULL, &err));
    OK(vi_reader_next(r, &f, &err));
    OK(vi_colour_map_create(&cm, f->format, &f->colour, f->height, &err));
    frame = (vi_detect_frame){ .frame = f, .colour = &cm };
    frame.upright = vi_frame_upright(f, &frame.width, &frame.height);
    vi_window w = vi_window_whole(&net->view, frame.width, frame.height, 1, 0);
    s->pixel = fmaxf(w.w / (float)net->view.w, w.h / (float)net->view.h);
    OK(vi_detect_net_sample(net, &frame, &w, &crop, &arena, &err));
    vi_detect_net_feed(net, &frame, &w, &crop);
    OK(vi_run_now(net->run, &err));
    vi_arena_release(&arena, 0);
    s->n_raw = vi_detect_net_read(net, threshold, &w, s->raw, MOST);
    assert_true(s->n_raw < MOST);
    memcpy(s->kept, s->raw, (size_t)s->n_raw * sizeof(s->raw[0]));
    s->n_kept = vi_detect_suppress(s->kept, s->n_raw, iou, 2);
    vi_colour_map_destroy(&cm);
    vi_frame_unref(&f);
    vi_reader_close(&r);
}

static float number(const json_t *list, size_t i)
{
    return (float)json_number_value(json_array_get(list, i));
}

static vi_box box_of(const json_t *face)
{
    const json_t *b = json_object_get(face, "box");
    return (vi_box){ number(b, 0), number(b, 1), number(b, 2), number(b, 3) };
}

static float score_of(const json_t *face)
{
    return (float)json_number_value(json_object_get(face, "score"));
}

static float worst_edge(const vi_box *a, const vi_box *b)
{
    return fmaxf(fmaxf(fabsf(a->x0 - b->x0), fabsf(a->y0 - b->y0)), fmaxf(fabsf(a->x1 - b->x1), fabsf(a->y1 - b->y1)));
}

/* How far an anchor is from what was expected: the larger of box and points in face widths. */
static float distance(const json_t *face, const vi_candidate *c, float *box)
{
    vi_box want = box_of(face);
    const json_t *kps = json_object_get(face, "kps");
    float width = want.x1 - want.x0, worst = worst_edge(&want, &c->box) / width;
    *box = worst;
    assert_int_equal(json_array_size(kps), c->n_kp);
    for (int i = 0; i < c->n_kp; i++) {
        const json_t *p = json_array_get(kps, (size_t)i);
        worst = fmaxf(worst, hypotf(number(p, 0) - c->kp[i].x, number(p, 1) - c->kp[i].y) / width);
    }
    return worst;
}

/* The anchor nearest to it among those of about its score. */
static bool explain(const char *name, const json_t *face, const seen *s, tally *t)
{
    float least = INFINITY, least_box = 0;
    int best = -1;
    for (int k = 0; k < s->n_raw; k++) {
        float box = 0, d = fabsf(s->raw[k].score - score_of(face)) <= SCORE ? distance(face, &s->raw[k], &box) : INFINITY;
        if (d < least) {
            least = d;
            least_box = box;
            best = k;
        }
    }
    if (best < 0 || least > 0.1f)
        return false;
    /* About 3 % of the face, or a pixel of the input where that is more; points of a coarse network wander twice as far, and
     * so do boxes of masked, cut and upside-down faces, of which no network is sure. */
    vi_box want = box_of(face);
    float width = want.x1 - want.x0, most = fmaxf(strncmp(name, "hard_", 5) ? 0.035f : 0.1f, s->pixel / width);
    if (least_box > most || least > 2 * most) {
        t->off++;
        print_message("  %s: box off by %.1f %%, points by %.1f %% (%.0f wide, a pixel is %.1f)\n", name, 100 * (double)least_box,
                      100 * (double)least, (double)width, (double)s->pixel);
    }
    t->box = fmaxf(t->box, least_box);
    t->point = fmaxf(t->point, s->raw[best].n_kp ? least : 0);
    t->score = fmaxf(t->score, fabsf(s->raw[best].score - score_of(face)));
    return true;
}

static bool is_on_edge(const char *id, const char *picture)
{
    for (size_t i = 0; i < VI_COUNT(on_edge); i++)
        if (strcmp(on_edge[i].id, id) == 0 && strcmp(on_edge[i].picture, picture) == 0)
            return true;
    return false;
}

static void compare_picture(const char *name, const json_t *want, const seen *s, float threshold, float iou, tally *t)
{
    bool used[MOST] = { false };
    size_t i;
    const json_t *face;
    json_array_foreach(want, i, face)
    {
        vi_box b = box_of(face);
        int best = -1;
        float most = iou;
        for (int k = 0; k < s->n_kept; k++)
            if (!used[k] && vi_box_iou(&b, &s->kept[k].box) > most)
                most = vi_box_iou(&b, &s->kept[best = k].box);
        t->expected++;
        if (!explain(name, face, s, t) && score_of(face) >= threshold + SCORE) {
            t->missed++;
            print_message("  %s: no anchor like that at %.0f %.0f (%.0f wide, %.3f)\n", name, (double)b.x0, (double)b.y0,
                          (double)(b.x1 - b.x0), (double)score_of(face));
        }
        /* Gone in a better one that it overlaps by about the limit: on either side of it. */
        bool near_limit = false;
        for (int k = 0; k < s->n_kept && best < 0; k++)
            near_limit = near_limit || vi_box_iou(&b, &s->kept[k].box) > iou - 0.05f;
        if (best >= 0)
            used[best] = true;
        else if (score_of(face) >= threshold + SCORE && !near_limit) {
            t->missed++;
            print_message("  %s: nothing at %.0f %.0f (%.0f wide, %.3f)\n", name, (double)b.x0, (double)b.y0,
                          (double)(b.x1 - b.x0), (double)score_of(face));
        }
    }
    for (int k = 0; k < s->n_kept; k++) {
        const vi_candidate *c = &s->kept[k];
        t->found += c->score >= threshold;
        t->zero += strncmp(name, "zero_", 5) == 0 && c->score >= threshold;
        if (!used[k] && c->score >= threshold + SCORE) {
            t->extra++;
            print_message("  %s: one too many at %.0f %.0f (%.3f)\n", name, (double)c->box.x0, (double)c->box.y0, (double)c->score);
        }
    }
}

static void every_detector_agrees_on_every_picture(void **state)
{
    (void)state;
    const json_t *detect = json_object_get(reference, "detect");
    int bad = 0;
    assert_int_equal(json_object_size(detect), VI_COUNT(detectors));
    print_message("%-22s %8s %8s %6s %6s  %8s %8s %8s\n", "detector", "expected", "found", "missed", "extra", "box %", "points %",
                  "score");
    for (size_t d = 0; d < VI_COUNT(detectors); d++) {
        const vi_model_row *row = NULL;
        vi_detect_net net;
        tally t = { 0 };
        const char *name;
        json_t *want, *pictures = json_object_get(detect, detectors[d].file);
        static seen s;
        OK(vi_detect_choose(models, detectors[d].id, &row, &err));
        OK(vi_detect_net_open(&net, vi_kernels_get(VI_CPU_ALL), models, row, detectors[d].size, &err));
        json_object_foreach(pictures, name, want)
        {
            tally before = t;
            look(&net, name, detectors[d].score - SCORE, detectors[d].iou, &s);
            compare_picture(name, want, &s, detectors[d].score, detectors[d].iou, &t);
            if (is_on_edge(detectors[d].id, name))
                t.missed = before.missed, t.extra = before.extra, t.off = before.off;
            t.pictures++;
        }
        vi_detect_net_close(&net);
        print_message("%-22s %8d %8d %6d %6d  %8.2f %8.2f %8.3f\n", detectors[d].id, t.expected, t.found, t.missed, t.extra,
                      (double)(100 * t.box), (double)(100 * t.point), (double)t.score);
        assert_int_equal(t.pictures, 40);
        bad += t.missed || t.extra || t.off || !(t.score <= SCORE) || t.zero > detectors[d].zero;
    }
    assert_int_equal(bad, 0);
}

int main(void)
{
    char path[1024];
    if (!models_folder_has_shared())
        return 77;
    snprintf(path, sizeof(path), "%s/models/reference.json", getenv("VISO_TEST_SHARED"));
    reference = json_load_file(path, 0, NULL);
    if (!reference || models_folder_open(&folder, MODELS_FOLDER_SHARED, &err) ||
        vi_models_open(&models, &(vi_models_params){ .dir = folder.dir }, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_detector_agrees_on_every_picture) };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vi_models_close(&models);
    models_folder_close(&folder);
    json_decref(reference);
    return failed;
}
