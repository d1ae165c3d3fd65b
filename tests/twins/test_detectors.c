/* tests/twins/test_detectors.c: every detector of the contracts' table. A twin says that there are faces, some of them cut by the borders,
 * tiny or large, written in its model's own way by this file from the reference; the product reads them back into pictures of
 * several shapes, and what it makes of them is compared with plain arithmetic. Then overlaps, thresholds, and numbers that are none. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "detect/net.h"
#include "twins.h"

enum { MOST = 64 };

static viso_error err;
static models_folder folder;
static vi_arena arena;

/* A face in pixels of a network's input: middle, size, score. */
typedef struct face {
    double cx, cy, w, h, score;
} face;

/* Fractions of the input's side. */
static const face faces[] = {
    {0.30, 0.30, 0.20, 0.25, 0.95}, {0.02, 0.50, 0.10, 0.12, 0.93}, /* cut at the left */
    {0.55, 0.01, 0.11, 0.09, 0.91},                                 /* at the top */
    {0.98, 0.70, 0.12, 0.14, 0.89},                                 /* at the right */
    {0.50, 0.99, 0.10, 0.13, 0.87},                                 /* at the bottom */
    {0.70, 0.20, 0.02, 0.02, 0.85}, {0.60, 0.60, 0.45, 0.40, 0.83},
    {0.30 + 0.20 / 3, 0.30, 0.20, 0.25, 0.81},                      /* overlaps the first by one half */
    {0.10, 0.80, 0.10, 0.10, 0.45},                                 /* below the threshold */
};
enum { FACES = VI_COUNT(faces), GOOD = 7, OVERLAPS = 7 };

static double point_x(const face *f, int p)
{
    static const double at[5] = {-0.2, 0.2, 0.01, -0.15, 0.17};
    return f->cx + at[p] * f->w;
}

static double point_y(const face *f, int p)
{
    static const double at[5] = {-0.2, -0.18, 0.05, 0.25, 0.23};
    return f->cy + at[p] * f->h;
}

typedef struct list {
    twin_value v[FACES * 32];
    char name[FACES * 32][24];
    int n;
} list;

/* The name of an output may be a passing one. */
static void add(list *l, twin_value v, double value)
{
    snprintf(l->name[l->n], sizeof l->name[0], "%s", v.output);
    v.output = l->name[l->n];
    v.value = (float)value;
    l->v[l->n++] = v;
}

/* Cell of a face in a grid of stride s over an input of side `size`. */
static twin_value cell(const char *output, const face *f, int s, int size, int anchor)
{
    return (twin_value){.output = output, .u = vi_clampi((int)(f->cx / s), 0, size / s - 1),
                        .v = vi_clampi((int)(f->cy / s), 0, size / s - 1), .anchor = anchor};
}

static const char *named(const char *what, int s)
{
    static char name[8][24];
    static int next;
    char *p = name[next++ & 7];
    snprintf(p, sizeof name[0], "%s_%d", what, s);
    return p;
}

/* 3.2: distances to the sides and offsets of the points in strides, from the cell's corner; two anchors a cell. */
static void write_scrfd(list *l, const face *f, int i, int size)
{
    int s = 8 << i % 3;
    twin_value v = cell(named("scores", s), f, s, size, i % 2);
    double x = v.u * s, y = v.v * s;
    add(l, v, f->score);
    const double side[4] = {(x - (f->cx - f->w / 2)) / s, (y - (f->cy - f->h / 2)) / s, (f->cx + f->w / 2 - x) / s,
                            (f->cy + f->h / 2 - y) / s};
    for (int k = 0; k < 4; ++k) {
        v.output = named("boxes", s);
        v.column = k;
        add(l, v, side[k]);
    }
    for (int k = 0; k < 10; ++k) {
        v.output = named("points", s);
        v.column = k;
        add(l, v, k % 2 ? (point_y(f, k / 2) - y) / s : (point_x(f, k / 2) - x) / s);
    }
}

/* 3.4: one anchor a cell; middle in strides from the cell's corner, size as logarithm. viso's score is the root of the product. */
static void write_yunet(list *l, const face *f, int i, int size)
{
    int s = 8 << i % 3;
    twin_value v = cell(named("class", s), f, s, size, 0);
    add(l, v, f->score * f->score / 0.98);
    v.output = named("object", s);
    add(l, v, 0.98);
    const double box[4] = {f->cx / s - v.u, f->cy / s - v.v, log(f->w / s), log(f->h / s)};
    for (int k = 0; k < 14; ++k) {
        v.output = named(k < 4 ? "boxes" : "points", s);
        v.column = k < 4 ? k : k - 4;
        add(l, v, k < 4 ? box[k] : k % 2 == 0 ? point_x(f, (k - 4) / 2) / s - v.u : point_y(f, (k - 4) / 2) / s - v.v);
    }
}

/* 3.3 and 12: one column per face in input pixels, numbers one below the other; with points or without. */
static void write_yolo(list *l, const face *f, int i, int columns, bool points)
{
    const double number[5] = {f->cx, f->cy, f->w, f->h, f->score};
    const int at = 13 + i * (columns / FACES - 1);
    for (int k = 0; k < (points ? 20 : 5); ++k) {
        int p = (k - 5) / 3, what = (k - 5) % 3;
        add(l, (twin_value){.output = "detections", .at = (int64_t)k * columns + at},
            k < 5 ? number[k] : what == 0 ? point_x(f, p) : what == 1 ? point_y(f, p) : 0.3);
    }
}

/* 12: label 7 is a head: 1.5 times the face, raised by 0.08 of its height; corners as fractions of the input. */
static void write_deim(list *l, const face *f, int i, int size)
{
    double y = f->cy - 0.08 * f->h;
    const double number[6] = {7, (f->cx - 0.75 * f->w) / size, (y - 0.75 * f->h) / size, (f->cx + 0.75 * f->w) / size,
                              (y + 0.75 * f->h) / size, f->score};
    for (int k = 0; k < 6; ++k)
        add(l, (twin_value){.output = "detections", .at = 6 * (100 * i + 3) + k}, number[k]);
    for (int k = 0; k < 6; ++k) /* somebody's hand, in the same place */
        add(l, (twin_value){.output = "detections", .at = 6 * (100 * i + 4) + k}, k == 0 ? 21 : number[k]);
}

typedef struct detector {
    const char *id;
    int size, points;
    bool stretched; /* the picture's shape is not kept */
    bool no_larger; /* small pictures are not enlarged: a choice of viso's */
} detector;

static const detector detectors[] = {
    {"det_10g", 512, 5, false, false},          {"scrfd_2.5g", 512, 5, false, false}, {"yoloface_8n", 640, 5, false, false},
    {"yunet_n", 640, 5, false, true},           {"yoloface_11n_vr180", 960, 0, false, false},
    {"yoloface_12n_vr180", 640, 0, false, false}, {"deimv2_head", 640, 0, true, false},
};

static face in_pixels(const detector *d, int i)
{
    const face *f = &faces[i];
    return (face){f->cx * d->size, f->cy * d->size, f->w * d->size, f->h * d->size, f->score};
}

static void write_face(const detector *d, list *l, int i)
{
    face f = in_pixels(d, i);
    if (strcmp(d->id, "yunet_n") == 0)
        write_yunet(l, &f, i, d->size);
    else if (strcmp(d->id, "deimv2_head") == 0)
        write_deim(l, &f, i, d->size);
    else if (strncmp(d->id, "yolo", 4) == 0)
        write_yolo(l, &f, i, d->size == 960 ? 18900 : 8400, d->points);
    else
        write_scrfd(l, &f, i, d->size);
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

typedef struct looked {
    vi_models *models;
    vi_detect_net net;
} looked;

static void open_detector(looked *k, const char *id)
{
    const vi_model_row *row;
    OK(vi_models_open(&k->models, &(vi_models_params){.dir = folder.dir}, &err));
    OK(vi_detect_choose(k->models, id, &row, &err));
    OK(vi_detect_net_open(&k->net, vi_kernels_get(VI_CPU_ALL), k->models, row, 0, &err));
}

static void close_detector(looked *k)
{
    vi_detect_net_close(&k->net);
    vi_models_close(&k->models);
}

/* The whole picture through one window; best first. */
static int look(looked *k, int width, int height, float threshold, float iou, vi_candidate c[MOST])
{
    vi_colour_map colour;
    int n = 0;
    vi_frame *f = vi_frame_alloc(VI_FORMAT_RGB24, width, height);
    assert_non_null(f);
    memset(f->plane[0], 90, (size_t)f->stride[0] * (size_t)height);
    OK(vi_colour_map_create(&colour, f->format, &f->colour, height, &err));
    vi_detect_frame frame = {.frame = f, .colour = &colour, .width = width, .height = height};
    frame.upright = vi_frame_upright(f, &frame.width, &frame.height);
    vi_window w = vi_window_whole(&k->net.view, width, height, 1, 0);
    OK(vi_detect_net_look(&k->net, &frame, &w, threshold, iou, c, MOST, &n, &arena, &err));
    vi_colour_map_destroy(&colour);
    vi_frame_unref(&f);
    return n;
}

static void near(const detector *d, int i, const char *what, double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("%s, face %d: %s is %.3f, not %.3f", d->id, i, what, got, want);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void faces_come_back(void **state)
{
    static const int size[][2] = {{640, 480}, {333, 771}, {97, 61}, {1920, 1081}, {512, 512}};
    (void)state;
    for (size_t m = 0; m < VI_COUNT(detectors); ++m) {
        const detector *d = &detectors[m];
        looked k;
        open_detector(&k, d->id);
        assert_int_equal(k.net.view.w, d->size);
        for (size_t s = 0; s < VI_COUNT(size); ++s) {
            vi_candidate c[MOST];
            int w = size[s][0], h = size[s][1];
            double kx = (double)d->size / w, ky = (double)d->size / h;
            if (!d->stretched)
                kx = ky = fmin(kx, ky);
            if (d->no_larger)
                kx = ky = fmin(kx, 1);
            assert_int_equal(look(&k, w, h, 0.5f, 0.4f, c), GOOD);
            for (int i = 0; i < GOOD; ++i) {
                face f = in_pixels(d, i);
                double within = 0.3 + 0.002 * VI_MAX(w, h); /* the reference rounds the shrunken picture down to whole pixels */
                near(d, i, "score", (double)c[i].score, f.score, 1e-4);
                near(d, i, "left", (double)c[i].box.x0, (f.cx - f.w / 2) / kx, within);
                near(d, i, "top", (double)c[i].box.y0, (f.cy - f.h / 2) / ky, within);
                near(d, i, "right", (double)c[i].box.x1, (f.cx + f.w / 2) / kx, within);
                near(d, i, "bottom", (double)c[i].box.y1, (f.cy + f.h / 2) / ky, within);
                assert_int_equal(c[i].n_kp, d->points);
                for (int p = 0; p < d->points; ++p) {
                    near(d, i, "a point's x", (double)c[i].kp[p].x, point_x(&f, p) / kx, within);
                    near(d, i, "a point's y", (double)c[i].kp[p].y, point_y(&f, p) / ky, within);
                }
            }
        }
        close_detector(&k);
    }
}

static void overlap_and_threshold_decide(void **state)
{
    (void)state;
    for (size_t m = 0; m < VI_COUNT(detectors); ++m) {
        const detector *d = &detectors[m];
        vi_candidate c[MOST];
        looked k;
        open_detector(&k, d->id);
        assert_int_equal(look(&k, 640, 640, 0.5f, 0.49f, c), GOOD);
        assert_int_equal(look(&k, 640, 640, 0.5f, 0.51f, c), GOOD + 1); /* they overlap by exactly one half */
        assert_int_equal(look(&k, 640, 640, 0.44f, 0.4f, c), GOOD + 1);
        assert_int_equal(look(&k, 640, 640, 0.46f, 0.4f, c), GOOD);
        assert_int_equal(look(&k, 640, 640, 0.88f, 0.4f, c), 4);
        assert_int_equal(look(&k, 640, 640, 0.96f, 0.4f, c), 0);
        close_detector(&k);
    }
}

/* A network may say anything: no number, endless ones, boxes inside out, as many faces as there are anchors. */
static void nonsense_is_no_face(void **state)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, -5};
    (void)state;
    for (size_t m = 0; m < VI_COUNT(detectors); ++m)
        for (size_t o = 0; o < VI_COUNT(odd); ++o) {
            const twin_contract *c = twin_contract_of(detectors[m].id);
            vi_candidate found[MOST];
            twin_fill fill[TWIN_OUTPUTS];
            looked k;
            for (int i = 0; i < c->n_out; ++i)
                fill[i] = (twin_fill){.output = c->out[i].role, .all = odd[o]};
            if (c->n_out > 1) /* every anchor is sure */
                for (int i = 0; i < (c->n_out == 9 ? 3 : 6); ++i)
                    fill[i].all = 0.9f;
            OK(twin_put(&folder, c->id, &(twin_plan){.fill = fill, .n_fill = c->n_out}, &err));
            open_detector(&k, c->id);
            int n = look(&k, 320, 240, 0.5f, 0.4f, found);
            for (int i = 0; i < n; ++i) {
                const vi_box *b = &found[i].box;
                if (!isfinite(b->x0 + b->y0 + b->x1 + b->y1 + found[i].score) || b->x1 <= b->x0 || b->y1 <= b->y0)
                    fail_msg("%s filled with %g: a face of %g %g %g %g", c->id, (double)odd[o], (double)b->x0, (double)b->y0,
                             (double)b->x1, (double)b->y1);
            }
            close_detector(&k);
        }
}

static int setup(void **state)
{
    static list l;
    (void)state;
    int code = models_folder_open(&folder, 0, &err);
    for (size_t m = 0; m < VI_COUNT(detectors) && !code; ++m) {
        l.n = 0;
        for (int i = 0; i < (int)FACES; ++i)
            write_face(&detectors[m], &l, i);
        code = twin_put(&folder, detectors[m].id, &(twin_plan){.value = l.v, .n_value = l.n}, &err);
    }
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
    models_folder_close(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(faces_come_back), cmocka_unit_test(overlap_and_threshold_decide),
                                       cmocka_unit_test(nonsense_is_no_face)};
    char path[1024];
    snprintf(path, sizeof path, "%s/manifest.json", getenv("VISO_MODELS") ? getenv("VISO_MODELS") : "");
    if (!vi_file_exists(path)) {
        print_message("skipped: there is no manifest (VISO_MODELS)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
