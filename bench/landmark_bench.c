/* bench/landmark_bench.c: landmark models on faces of known sizes, and what the automatic rule makes of them.
 *
 *   landmark_bench SHARED [--truth mesh|reference|both] [--only ID] [--check] [--calibrate] [--anchors] [--KEY VALUE …]
 *
 * The faces are those of the portrait_* photographs (one each, bench/annotated.h). Each picture is shrunk (area mean, 8 bits) so
 * that the longer side of the annotated box is 24 … 512 pixels; larger than it was taken no face is made. The landmark stage
 * gets what the default detector said of the picture in full size, shrunk with it, so that all models are shown the same.
 *
 * Error: mean distance of the marks' reduction to five (models.md 4.1) from the true points, in percent of the face's size (square
 * root of its box's area). What is true: "mesh", the 478 points of the attention mesh at full size, reduced; "reference", the
 * median of the detectors of reference.json; "both", the middle of the two, which has neither one's habits and is the default.
 * A model that takes a face for none keeps the detector's points, as in the product, and pays for them.
 *
 * Time: processor time of the stage over all faces of a size, least of two rounds, as a part of what the largest model (the
 * attention mesh) needs (one round with --check).
 *
 * --check ends with 1 when the automatic rule is more than 10 % worse than the best single model at some size, or not faster
 * than always using the largest. --calibrate prints how the common confidence goes with the error, over all models and sizes and
 * over crops put beside the face on purpose. --anchors prints which vertex of the mesh lies at the landmarks that the pose solver
 * uses. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/models_folder.h"
#include "annotated.h"
#include "face/region.h"
#include "landmark/confidence.h"
#include "media/media.h"
#include "pipeline/context.h"
#include "pipeline/groups.h"
#include "pipeline/stages.h"

static const int sizes[] = { 24, 32, 48, 64, 96, 128, 192, 256, 384, 512 };
enum { SIZES = 10, PORTRAITS = 32, MODELS = 24, ROUNDS = 2 };
#define LARGEST "face_landmark_with_attention"

typedef enum truth_kind { TRUE_MESH, TRUE_REFERENCE, TRUE_BOTH, TRUTHS } truth_kind;

typedef struct portrait {
    const annotated *a;
    vi_frame *frame;
    vi_colour_map colour;
    vi_face face; /* the default detector's, full size */
    vi_point truth[TRUTHS][5];
    vi_frame *small[SIZES];
    vi_colour_map small_colour[SIZES];
    float scale[SIZES]; /* 0: not made */
} portrait;

typedef struct bench {
    vi_context context;
    vi_settings *settings;
    vi_arena scratch;
    vi_work *work;
    portrait portrait[PORTRAITS];
    int n;
} bench;

typedef struct row {
    const char *id;
    double error[TRUTHS][SIZES], time[SIZES];
    int faces[SIZES], kept[SIZES];
} row;

/* --- pictures ---------------------------------------------------------------------------------------------------- */

static int run(bench *b, const vi_stage *stage, void *self, uint64_t *ns, viso_error *err)
{
    uint64_t from = vi_thread_cpu_ns();
    size_t mark = vi_arena_mark(&b->scratch);
    int code = stage->process(self, b->work, &b->scratch, err);
    vi_arena_release(&b->scratch, mark);
    if (ns)
        *ns += vi_thread_cpu_ns() - from;
    return code;
}

static int open_stage(bench *b, const vi_stage *stage, void **self, viso_error *err)
{
    vi_stage_env env = vi_stage_environment(&b->context, stage, NULL, NULL);
    return stage->create(self, &env, err);
}

/* The picture shrunk to RGB24. */
static int shrink(bench *b, const portrait *p, float scale, vi_frame **out, viso_error *err)
{
    size_t mark = vi_arena_mark(&b->scratch);
    int w, h;
    vi_affine upright = vi_frame_upright(p->frame, &w, &h);
    int sw = VI_MAX((int)lroundf((float)w * scale), 1), sh = VI_MAX((int)lroundf((float)h * scale), 1);
    vi_rgb whole = vi_rgb_new(&b->scratch, w, h), small = vi_rgb_new(&b->scratch, sw, sh);
    *out = vi_frame_alloc(VI_FORMAT_RGB24, sw, sh);
    int code = small.c[2].p && *out ? b->context.k->sample(p->frame, &p->colour, &upright, &whole, VI_BORDER_REPLICATE, &b->scratch)
                                    : VISO_ERR_NO_SPACE;
    for (int c = 0; c < 3 && !code; c++) {
        code = b->context.k->resize(&small.c[c], &whole.c[c], &b->scratch);
        for (int y = 0; y < sh && !code; y++)
            for (int x = 0; x < sw; x++)
                (*out)->plane[0][y * (*out)->stride[0] + 3 * x + c] =
                    (uint8_t)(vi_clampf(small.c[c].p[y * small.c[c].stride + x], 0, 1) * 255 + 0.5f);
    }
    vi_arena_release(&b->scratch, mark);
    return code ? vi_error_set(err, code, "%s: cannot be shrunk", p->a->name) : 0;
}

static float longer(const vi_box *b)
{
    return fmaxf(b->x1 - b->x0, b->y1 - b->y0);
}

static int open_portrait(bench *b, portrait *p, const char *shared, const annotated *a, void *detect, const vi_stage *detector,
                         viso_error *err)
{
    char path[1024];
    vi_reader *r = NULL;
    p->a = a;
    snprintf(path, sizeof path, "%s/images/%s", shared, a->name);
    int code = vi_reader_open(&r, path, NULL, err);
    if (!code)
        code = vi_reader_next(r, &p->frame, err);
    vi_reader_close(&r);
    if (!code)
        code = vi_colour_map_create(&p->colour, p->frame->format, &p->frame->colour, p->frame->height, err);
    if (code)
        return code;
    vi_work_begin(b->work, p->frame, &p->colour, true, 0);
    code = run(b, detector, detect, NULL, err);
    int best = -1;
    float most = 0.3f;
    for (int i = 0; i < b->work->n_face && !code; i++) {
        float o = annotated_overlap(&b->work->face[i].f.box, &a->face[0].box);
        if (o > most) {
            most = o;
            best = i;
        }
    }
    if (!code && best < 0)
        return vi_error_set(err, VISO_ERR_NO_TARGET_FACE, "%s: the detector misses the face", a->name);
    if (!code)
        p->face = b->work->face[best];
    for (int s = 0; s < SIZES && !code; s++) {
        float scale = (float)sizes[s] / longer(&a->face[0].box);
        if (scale > 1.0f)
            continue;
        p->scale[s] = scale;
        code = shrink(b, p, scale, &p->small[s], err);
        if (!code)
            code = vi_colour_map_create(&p->small_colour[s], VI_FORMAT_RGB24, &p->small[s]->colour, p->small[s]->height, err);
    }
    return code;
}

/* A box, a region, points: all shrunk. */
static vi_face shrunk(const vi_face *f, float k)
{
    vi_face s = *f;
    s.f.box = (vi_box){ f->f.box.x0 * k, f->f.box.y0 * k, f->f.box.x1 * k, f->f.box.y1 * k };
    s.roi = (vi_region){ f->roi.cx * k, f->roi.cy * k, f->roi.side * k, f->roi.angle };
    for (int i = 0; i < 6; i++)
        s.kp[i] = (vi_point){ f->kp[i].x * k, f->kp[i].y * k };
    for (int i = 0; i < 5; i++)
        s.f.points[i] = (vi_point){ f->f.points[i].x * k, f->f.points[i].y * k };
    return s;
}

static int find_truth(bench *b, viso_error *err)
{
    void *self = NULL;
    int code = vi_settings_set(b->settings, "landmarks", LARGEST, err);
    if (!code)
        code = open_stage(b, &vi_landmark_points, &self, err);
    for (int i = 0; i < b->n && !code; i++) {
        portrait *p = &b->portrait[i];
        vi_work_begin(b->work, p->frame, &p->colour, true, 0);
        b->work->face[0] = p->face;
        b->work->n_face = 1;
        code = run(b, &vi_landmark_points, self, NULL, err);
        if (!code && (b->work->n_face != 1 || !vi_face_five(&b->work->face[0].f, VI_EYES_PUPIL, p->truth[TRUE_MESH])))
            code = vi_error_set(err, VISO_ERR_NO_TARGET_FACE, "%s: no mesh at full size", p->a->name);
        for (int k = 0; k < 5 && !code; k++) {
            vi_point m = p->truth[TRUE_MESH][k], r = p->a->face[0].point[k];
            p->truth[TRUE_REFERENCE][k] = r;
            p->truth[TRUE_BOTH][k] = (vi_point){ (m.x + r.x) / 2, (m.y + r.y) / 2 };
        }
    }
    if (self)
        vi_landmark_points.destroy(&self);
    return code;
}

/* --- one model --------------------------------------------------------------------------------------------------- */

static double error_of(const vi_point *five, const vi_point *truth, float scale, float size)
{
    double sum = 0;
    for (int i = 0; i < 5; i++)
        sum += hypot((double)(five[i].x / scale - truth[i].x), (double)(five[i].y / scale - truth[i].y)) / 5;
    return 100 * sum / (double)size;
}

static int measure(bench *b, const char *id, int rounds, row *r, viso_error *err)
{
    void *self = NULL;
    memset(r, 0, sizeof *r);
    r->id = id;
    int code = vi_settings_set(b->settings, "landmarks", id, err);
    if (!code)
        code = open_stage(b, &vi_landmark_points, &self, err);
    for (int s = 0; s < SIZES && !code; s++) {
        for (int round = 0; round < rounds && !code; round++) {
            uint64_t ns = 0;
            for (int i = 0; i < b->n && !code; i++) {
                portrait *p = &b->portrait[i];
                if (p->scale[s] <= 0)
                    continue;
                vi_work_begin(b->work, p->small[s], &p->small_colour[s], true, 0);
                vi_face given = shrunk(&p->face, p->scale[s]);
                b->work->face[0] = given;
                b->work->n_face = 1;
                code = run(b, &vi_landmark_points, self, &ns, err);
                if (round || code)
                    continue;
                vi_point five[5];
                const viso_face *f = b->work->n_face ? &b->work->face[0].f : &given.f;
                if (!vi_face_five(f, VI_EYES_PUPIL, five))
                    memcpy(five, f->points, sizeof five);
                for (int t = 0; t < TRUTHS; t++)
                    r->error[t][s] += error_of(five, p->truth[t], p->scale[s], annotated_size(&p->a->face[0].box));
                r->faces[s]++;
                r->kept[s] += b->work->n_face;
            }
            if (!round || (double)ns < r->time[s])
                r->time[s] = (double)ns;
        }
        for (int t = 0; t < TRUTHS; t++)
            r->error[t][s] /= VI_MAX(r->faces[s], 1);
    }
    if (self)
        vi_landmark_points.destroy(&self);
    return code;
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static void head(const char *what, const row *r)
{
    printf("\n| %s |", what);
    for (int s = 0; s < SIZES; s++)
        printf(" %d |", sizes[s]);
    printf("\n| --- |");
    for (int s = 0; s < SIZES; s++)
        printf(" --- |");
    printf("\n| faces |");
    for (int s = 0; s < SIZES; s++)
        printf(" %d |", r->faces[s]);
    printf("\n");
}

/* Returns whether the automatic rule (the last row) keeps its promises. */
static bool print(const row *r, int n, truth_kind t)
{
    const row *largest = NULL, *rule = &r[n - 1];
    bool good = true;
    double ours = 0, theirs = 0;
    for (int i = 0; i < n; i++)
        if (strcmp(r[i].id, LARGEST) == 0)
            largest = &r[i];
    head("five points off, % of the face's size", r);
    for (int i = 0; i < n; i++) {
        printf("| `%s` |", r[i].id);
        for (int s = 0; s < SIZES; s++)
            printf(r[i].kept[s] < r[i].faces[s] ? " %.2f (%d lost) |" : " %.2f |", r[i].error[t][s], r[i].faces[s] - r[i].kept[s]);
        printf("\n");
    }
    bool is_auto = strcmp(rule->id, "auto") == 0;
    if (is_auto) {
        printf("| auto over the best single one |");
        for (int s = 0; s < SIZES; s++) {
            double best = INFINITY;
            for (int i = 0; i < n - 1; i++)
                best = fmin(best, r[i].error[t][s]);
            printf(" %.2f |", rule->error[t][s] / best);
            good = good && (!rule->faces[s] || rule->error[t][s] <= 1.10 * best);
        }
        printf("\n");
    }
    if (!largest)
        return good;
    head("time, parts of the largest model's", r);
    for (int i = 0; i < n; i++) {
        printf("| `%s` |", r[i].id);
        for (int s = 0; s < SIZES; s++)
            printf(" %.2f |", r[i].time[s] / largest->time[s]);
        printf("\n");
    }
    for (int s = 0; s < SIZES; s++) {
        ours += rule->time[s];
        theirs += largest->time[s];
    }
    printf("\n%s, all sizes: %.2f of the largest model's time\n", rule->id, ours / theirs);
    return good && (!is_auto || ours < theirs);
}

/* --- calibration ------------------------------------------------------------------------------------------------- */

typedef struct sample {
    float confidence, error;
    vi_agreement a;
} sample;

static int by_confidence(const void *x, const void *y)
{
    float a = ((const sample *)x)->confidence, b = ((const sample *)y)->confidence;
    return (a > b) - (a < b);
}

/* One model over all faces and sizes, with the crop in its place and beside it. */
static int take_samples(bench *b, const char *id, const vi_mesh *mesh, sample *out, int *n, viso_error *err)
{
    static const float beside[][3] = { { 0, 0, 1 }, { 0.15f, 0, 1 }, { 0, -0.25f, 1 }, { -0.35f, 0.2f, 1 }, { 0.6f, 0, 1 }, { 0, 0.9f, 1 },
                                       { 0, 0, 1.5f }, { 0, 0, 0.6f } };
    vi_net net;
    vi_landmark_found *found = vi_arena_alloc(&b->scratch, sizeof *found);
    int code = vi_net_open(&net, b->context.models, b->context.k, id, err);
    for (int i = 0; i < b->n && !code; i++) {
        portrait *p = &b->portrait[i];
        for (int s = 0; s < SIZES && !code; s += 3) {
            for (size_t k = 0; k < VI_COUNT(beside) && p->scale[s] > 0 && !code; k++) {
                vi_work_begin(b->work, p->small[s], &p->small_colour[s], true, 0);
                vi_face f = shrunk(&p->face, p->scale[s]);
                vi_landmark_view v = { .box = f.f.box, .angle = f.roi.angle, .has_points = true };
                memcpy(v.points, f.f.points, sizeof v.points);
                vi_landmark_view off = v;
                float w = v.box.x1 - v.box.x0, dx = beside[k][0] * w, dy = beside[k][1] * w, grow = (beside[k][2] - 1) * w / 2;
                off.box = (vi_box){ v.box.x0 + dx - grow, v.box.y0 + dy - grow, v.box.x1 + dx + grow, v.box.y1 + dy + grow };
                vi_affine map;
                vi_net_picture picture = { b->work->frame, b->work->colour, &b->work->upright };
                uint32_t runs = 0;
                vi_point five[5];
                if (!vi_landmark_crop(net.family, net.tmpl, VI_CROP_BOX, &off, (float)net.size, &map))
                    continue;
                code = vi_net_look(&net, &picture, &map, 1, found, &runs, &b->scratch, err);
                if (code || !found->found ||
                    !vi_marks_five(net.family->set, found->point, net.family->count, VI_EYES_PUPIL, five))
                    continue;
                vi_camera c = vi_camera_for(b->work->width, b->work->height, &v.box);
                vi_agreement a = vi_landmark_agreement(mesh, net.family->set, found->point, net.family->count, &v, &c);
                out[(*n)++] = (sample){ vi_landmark_confidence(&a),
                                        (float)error_of(five, p->truth[TRUE_BOTH], p->scale[s], annotated_size(&p->a->face[0].box)), a };
            }
        }
    }
    vi_net_close(&net);
    return code;
}

static int calibrate(bench *b, const char *const *id, int n_id, viso_error *err)
{
    enum { MOST = 32768, BINS = 10 };
    sample *s = vi_calloc(MOST, sizeof *s);
    uint8_t *data = NULL;
    size_t size = 0;
    vi_mesh *mesh = vi_calloc(1, sizeof *mesh);
    int n = 0, code = s && mesh ? vi_models_blob(b->context.models, "face_mesh_canonical", &data, &size, err) : VISO_ERR_NO_SPACE;
    if (!code)
        code = vi_mesh_parse(mesh, data, size, "face_mesh_canonical", err);
    printf("\n| confidence | samples | mean error %% | off by more than 10 %% | points | residual | box |\n"
           "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < n_id && !code; i++) {
        if (getenv("LANDMARK_SAMPLES"))
            n = 0;
        code = take_samples(b, id[i], mesh, s, &n, err);
        for (int k = 0; k < n && getenv("LANDMARK_SAMPLES"); k++)
            printf("# %s %.4f %.4f %.4f %.4f %.4f\n", id[i], s[k].confidence, s[k].error, s[k].a.points, s[k].a.residual, s[k].a.box);
    }
    qsort(s, (size_t)n, sizeof *s, by_confidence);
    for (int bin = 0; bin < BINS && !code; bin++) {
        double error = 0, p = 0, r = 0, x = 0;
        int count = 0, off = 0;
        for (int i = 0; i < n; i++) {
            if (VI_MIN((int)(s[i].confidence * BINS), BINS - 1) != bin)
                continue;
            count++;
            error += (double)s[i].error;
            off += s[i].error > 10;
            p += (double)s[i].a.points;
            r += (double)s[i].a.residual;
            x += (double)s[i].a.box;
        }
        if (count)
            printf("| %.1f .. %.1f | %d | %.1f | %.0f %% | %.3f | %.3f | %.3f |\n", 0.1 * bin, 0.1 * bin + 0.1, count, error / count,
                   100.0 * off / count, p / count, r / count, x / count);
    }
    vi_free(data);
    vi_free(mesh);
    vi_free(s);
    return code;
}

/* --- anchors ----------------------------------------------------------------------------------------------------- */

/* Which vertex of the mesh lies nearest to a landmark in the mean over all portraits, beside the one that face/marks.c names. */
static int anchors(bench *b, const char *const *id, int n_id, viso_error *err)
{
    void *self = NULL;
    viso_point3(*mesh)[VISO_MESH_POINTS] = vi_calloc(PORTRAITS, sizeof *mesh);
    int code = mesh ? vi_settings_set(b->settings, "landmarks", LARGEST, err) : VISO_ERR_NO_SPACE;
    if (!code)
        code = open_stage(b, &vi_landmark_points, &self, err);
    for (int m = -1; m < n_id && !code; m++) {
        const vi_anchor *anchor = NULL;
        static viso_marks marks[PORTRAITS];
        if (m >= 0) {
            vi_landmark_points.destroy(&self);
            code = vi_settings_set(b->settings, "landmarks", id[m], err);
            code = code ? code : open_stage(b, &vi_landmark_points, &self, err);
        }
        for (int i = 0; i < b->n && !code; i++) {
            vi_work_begin(b->work, b->portrait[i].frame, &b->portrait[i].colour, true, 0);
            b->work->face[0] = b->portrait[i].face;
            b->work->n_face = 1;
            code = run(b, &vi_landmark_points, self, NULL, err);
            if (m < 0)
                memcpy(mesh[i], b->work->face[0].f.mesh, sizeof mesh[i]);
            else
                marks[i] = b->work->face[0].f.marks;
        }
        int n = m >= 0 && !code ? vi_marks_anchors(marks[0].set, &anchor) : 0;
        for (int k = 0; k < n; k++) {
            double best = INFINITY, named = 0;
            int at = -1;
            for (int v = 0; v < VI_MESH_VERTS; v++) {
                double sum = 0;
                for (int i = 0; i < b->n; i++) {
                    const viso_point3 *p = &marks[i].point[anchor[k].mark], *q = &mesh[i][v];
                    sum += 100 * hypot((double)(p->x - q->x), (double)(p->y - q->y)) /
                           (double)annotated_size(&b->portrait[i].a->face[0].box) / b->n;
                }
                named = v == anchor[k].vertex ? sum : named;
                if (sum < best) {
                    best = sum;
                    at = v;
                }
            }
            printf("%s: point %d: vertex %d is %.1f %% away, nearest %d, %.1f %%\n", id[m], anchor[k].mark, anchor[k].vertex, named,
                   at, best);
        }
    }
    if (self)
        vi_landmark_points.destroy(&self);
    vi_free(mesh);
    return code;
}

/* --- setting up -------------------------------------------------------------------------------------------------- */

static int open_bench(bench *b, const char *dir, const char *shared, const annotated *list, int n, viso_error *err)
{
    int code = vi_models_open(&b->context.models, &(vi_models_params){ .dir = dir, .intra_threads = 1 }, err);
    void *detect = NULL;
    b->context.settings = b->settings;
    b->context.run = vi_settings_group(b->settings, "run");
    b->context.k = vi_kernels_get(vi_run_cpu_mask(b->context.run));
    if (!code)
        code = vi_arena_create(&b->scratch, VI_SCRATCH_BYTES);
    if (!code && !(b->work = vi_calloc(1, sizeof *b->work)))
        code = vi_error_nomem(err, "work");
    const vi_stage *detector = vi_stages_chosen(b->settings)->detect;
    if (!code)
        code = open_stage(b, detector, &detect, err);
    for (int i = 0; i < n && !code; i++)
        if (strncmp(list[i].name, "portrait", 8) == 0 && list[i].n_face == 1 && list[i].face[0].has_points && b->n < PORTRAITS)
            code = open_portrait(b, &b->portrait[b->n++], shared, &list[i], detect, detector, err);
    if (detect)
        detector->destroy(&detect);
    return code ? code : find_truth(b, err);
}

static void close_bench(bench *b)
{
    for (int i = 0; i < b->n; i++) {
        portrait *p = &b->portrait[i];
        for (int s = 0; s < SIZES; s++) {
            if (p->small[s])
                vi_colour_map_destroy(&p->small_colour[s]);
            vi_frame_unref(&p->small[s]);
        }
        vi_colour_map_destroy(&p->colour);
        vi_frame_unref(&p->frame);
    }
    vi_free(b->work);
    vi_arena_destroy(&b->scratch);
    vi_models_close(&b->context.models);
    vi_settings_destroy(&b->settings);
}

typedef struct wishes {
    truth_kind truth;
    const char *only;
    bool check, calibrate, anchors;
} wishes;

static int run_all(bench *b, const wishes *w, bool *good, viso_error *err)
{
    static row r[MODELS];
    const char *id[MODELS];
    int n = 0, code = 0, at = 0;
    for (int i = 0; i < vi_models_count(b->context.models) && n < MODELS - 1; i++) {
        const vi_model_row *m = vi_models_row(b->context.models, i);
        if (strcmp(m->role, "landmarks") == 0 && m->n_role && vi_landmark_family_named(m->family) &&
            strcmp(vi_models_state(b->context.models, i, false), "installed") == 0 && (!w->only || strcmp(w->only, m->id) == 0))
            id[n++] = m->id;
    }
    if (w->calibrate)
        return calibrate(b, id, n, err);
    if (w->anchors)
        return anchors(b, id, n, err);
    if (!w->only || strcmp(w->only, "auto") == 0)
        id[n++] = "auto";
    for (; at < n && !code; at++)
        code = measure(b, id[at], w->check ? 1 : ROUNDS, &r[at], err);
    if (!code)
        *good = print(r, n, w->truth);
    return code;
}

int main(int argc, char **argv)
{
    static const char *const truths[] = { "mesh", "reference", "both" };
    const char *shared = argc > 1 ? argv[1] : NULL;
    viso_error err = { 0 };
    wishes w = { .truth = TRUE_BOTH };
    static bench b;
    annotated *list = NULL;
    models_folder folder = { 0 };
    const vi_option_group *const *groups;
    bool good = true;
    int n = 0, n_groups = vi_all_groups(&groups), code = vi_settings_create(&b.settings, groups, n_groups, &err);
    if (!shared || shared[0] == '-') {
        fprintf(stderr, "usage: landmark_bench SHARED [--truth mesh|reference|both] [--only ID] [--check] [--calibrate] "
                        "[--anchors] [--KEY VALUE …]\n");
        vi_settings_destroy(&b.settings);
        return 2;
    }
    for (int i = 2; i < argc && !code; i++) {
        const char *key = argv[i] + strspn(argv[i], "-"), *value = i + 1 < argc ? argv[i + 1] : "";
        bool *flag = strcmp(key, "check") == 0       ? &w.check
                     : strcmp(key, "calibrate") == 0 ? &w.calibrate
                     : strcmp(key, "anchors") == 0   ? &w.anchors
                                                     : NULL;
        if (flag) {
            *flag = true;
            continue;
        }
        i++;
        if (strcmp(key, "only") == 0)
            w.only = value;
        else if (strcmp(key, "truth") == 0) {
            for (int t = 0; t < TRUTHS; t++)
                w.truth = strcmp(value, truths[t]) == 0 ? (truth_kind)t : w.truth;
        } else
            code = vi_settings_set(b.settings, key, value, &err);
    }
    char *program = vi_program_dir(), *models = program ? vi_asprintf("%s/../models", program) : NULL;
    if (models)
        setenv("VISO_MODELS", models, 0);
    setenv("VISO_TEST_SHARED", shared, 1);
    if (!models_folder_has_shared())
        code = 77;
    if (!code)
        code = annotated_read(shared, &list, &n, &err);
    if (!code)
        code = models_folder_open(&folder, MODELS_FOLDER_SHARED, &err);
    if (!code)
        code = open_bench(&b, folder.dir, shared, list, n, &err);
    if (!code)
        code = run_all(&b, &w, &good, &err);
    close_bench(&b);
    models_folder_close(&folder);
    vi_free(list);
    vi_free(models);
    vi_free(program);
    if (code && code != 77)
        fprintf(stderr, "landmark_bench: %s\n", err.text);
    if (!code && w.check && !good)
        fprintf(stderr, "landmark_bench: the automatic rule does not keep its promise\n");
    return code == 77 ? 77 : code || (w.check && !good) ? 1 : 0;
}
