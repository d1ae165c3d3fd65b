/* bench/analysis_bench.c: how well detectors and landmark models do on the annotated photographs, as Markdown tables.
 *
 *   analysis_bench SHARED [--detectors all|none|ID,…] [--landmarks all|none|ID,…] [--by DETECTOR] [--verbose] [--KEY VALUE …]
 *
 * SHARED is the folder with images/ and models/; the models are those of VISO_MODELS (default: models beside the build's bench
 * folder) and of SHARED/models together. KEY is any setting of viso. What is true is bench/annotated.h's affair.
 *
 * Detectors run as the product runs them (windows, canvas, turns, thresholds by default). A detection is right when it overlaps
 * a face by at least 0.4 (intersection over union; best pairs first, one to one). Recall: right ones of all faces. Precision:
 * right ones of all detections. Point error: mean distance of the five points from the annotated ones, in percent of the face's
 * size (square root of its box's area).
 *
 * Landmark models all get the same faces: the right detections of `--by`, before any landmark model. Their error is that of the
 * five points they are reduced to. "Off": share of faces whose error is above 10 %, or that the model took for no face.
 *
 * Time is processor time, the network's apart from the rest (vi_run_now is wrapped by the linker), in multiples of what the first
 * row needs in all: one run, one machine, one unit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/models_folder.h"
#include "annotated.h"
#include "media/media.h"
#include "pipeline/context.h"
#include "pipeline/groups.h"
#include "pipeline/stages.h"

#define RIGHT_OVERLAP 0.4f
#define OFF_ERROR 0.10

/* --- the network's time ------------------------------------------------------------------------------------------ */

static uint64_t network_ns, network_runs;

int __real_vi_run_now(vi_run *r, viso_error *err);
int __wrap_vi_run_now(vi_run *r, viso_error *err);

int __wrap_vi_run_now(vi_run *r, viso_error *err)
{
    uint64_t from = vi_thread_cpu_ns();
    int code = __real_vi_run_now(r, err);
    network_ns += vi_thread_cpu_ns() - from;
    network_runs++;
    return code;
}

/* --- pictures ---------------------------------------------------------------------------------------------------- */

typedef struct picture {
    const annotated *truth;
    vi_frame *frame;
    vi_colour_map colour;
    vi_face *face;  /* right detections of `--by`; ordinal is the index of the annotated face */
    int n_face;
} picture;

typedef struct bench {
    vi_context context;
    vi_settings *settings;
    vi_arena scratch;
    vi_work *work;
    picture *picture;
    int n_picture;
    bool verbose;
} bench;

static int open_picture(picture *p, const char *shared, const annotated *truth, viso_error *err)
{
    char path[1024];
    vi_reader *r = NULL;
    p->truth = truth;
    snprintf(path, sizeof path, "%s/images/%s", shared, truth->name);
    int code = vi_reader_open(&r, path, NULL, err);
    if (!code)
        code = vi_reader_next(r, &p->frame, err);
    if (!code)
        code = vi_colour_map_create(&p->colour, p->frame->format, &p->frame->colour, p->frame->height, err);
    vi_reader_close(&r);
    return code;
}

/* 0 portraits, 1 groups, 2 hard ones, 3 none */
static int kind_of(const annotated *a)
{
    return a->most == 0 ? 3 : strncmp(a->name, "portrait", 8) == 0 ? 0 : strncmp(a->name, "group", 5) == 0 ? 1 : 2;
}

/* --- pairing ----------------------------------------------------------------------------------------------------- */

/* which[i]: annotated face of detection i, -1 none, -2 a doubtful place. Returns the right ones. */
static int pair(const annotated *a, const vi_face *face, int n, int *which)
{
    bool taken[ANNOTATED_FACES] = { false };
    int right = 0;
    for (int i = 0; i < n; i++)
        which[i] = -1;
    for (;;) {
        float most = RIGHT_OVERLAP;
        int at = -1, to = -1;
        for (int i = 0; i < n; i++)
            for (int k = 0; k < a->n_face; k++) {
                float o = which[i] < 0 && !taken[k] ? annotated_overlap(&face[i].f.box, &a->face[k].box) : 0;
                if (o >= most) {
                    most = o;
                    at = i;
                    to = k;
                }
            }
        if (at < 0)
            break;
        which[at] = to;
        taken[to] = true;
        right++;
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < a->n_doubtful && which[i] == -1; k++)
            if (annotated_overlap(&face[i].f.box, &a->doubtful[k]) >= RIGHT_OVERLAP)
                which[i] = -2;
    return right;
}

static double error_of(const annotated_face *a, const viso_face *f)
{
    double sum = 0;
    for (int p = 0; p < 5; p++)
        sum += hypot((double)(f->points[p].x - a->point[p].x), (double)(f->points[p].y - a->point[p].y));
    return sum / 5 / (double)annotated_size(&a->box);
}

/* --- one model --------------------------------------------------------------------------------------------------- */

typedef struct score {
    int faces[4], right[4];     /* by kind of picture */
    int found, doubtful, false_none; /* detections in all, in doubtful places, on pictures without a face */
    double overlap, error[4];
    int measured[4], off;
    uint64_t ns, net_ns, runs;
} score;

static void see_detections(bench *b, picture *p, score *s, bool keep)
{
    const annotated *a = p->truth;
    vi_work *w = b->work;
    int which[VI_MAX_FACES], kind = kind_of(a);
    int right = pair(a, w->face, w->n_face, which);
    s->faces[kind] += a->n_face;
    s->right[kind] += right;
    s->found += w->n_face;
    for (int i = 0; i < w->n_face; i++) {
        const vi_face *f = &w->face[i];
        s->doubtful += which[i] == -2;
        s->false_none += kind == 3;
        if (b->verbose && which[i] == -1)
            printf("# %s: false, score %.2f at %.0f %.0f, %.0f x %.0f\n", a->name, f->f.score, f->f.box.x0, f->f.box.y0,
                   f->f.box.x1 - f->f.box.x0, f->f.box.y1 - f->f.box.y0);
        if (which[i] < 0)
            continue;
        const annotated_face *t = &a->face[which[i]];
        s->overlap += annotated_overlap(&f->f.box, &t->box);
        if (t->has_points && (f->f.has & VISO_FACE_HAS_POINTS)) {
            s->error[kind] += error_of(t, &f->f);
            s->measured[kind]++;
        }
        if (keep) {
            p->face[p->n_face] = *f;
            p->face[p->n_face++].ordinal = (uint64_t)which[i];
        }
    }
    if (b->verbose && right < a->n_face)
        printf("# %s: %d of %d found\n", a->name, right, a->n_face);
}

static int run_stage(bench *b, void *self, const vi_stage *stage, score *s, viso_error *err)
{
    uint64_t from = vi_thread_cpu_ns();
    size_t mark = vi_arena_mark(&b->scratch);
    network_ns = network_runs = 0;
    int code = stage->process(self, b->work, &b->scratch, err);
    vi_arena_release(&b->scratch, mark);
    s->ns += vi_thread_cpu_ns() - from;
    s->net_ns += network_ns;
    s->runs += network_runs;
    return code;
}

/* The setting that names the model; a viso without it has one model, the embedded one. */
static int choose(bench *b, const char *key, const char *id, viso_error *err)
{
    return vi_settings_find(b->settings, key, NULL) ? vi_settings_set(b->settings, key, id, err) : 0;
}

static int detect_all(bench *b, const char *id, score *s, bool keep, viso_error *err)
{
    const vi_stage *stage = vi_stages_chosen(b->settings)->detect;
    void *self = NULL;
    int code = choose(b, "detector", id, err);
    vi_stage_env env = vi_stage_environment(&b->context, stage, NULL, NULL);
    if (!code)
        code = stage->create(&self, &env, err);
    memset(s, 0, sizeof *s);
    for (int i = 0; i < b->n_picture && !code; i++) {
        picture *p = &b->picture[i];
        stage->reset(self);
        vi_work_begin(b->work, p->frame, &p->colour, true, 0);
        code = run_stage(b, self, stage, s, err);
        if (!code)
            see_detections(b, p, s, keep);
    }
    if (self)
        stage->destroy(&self);
    return code;
}

static int landmark_all(bench *b, const char *id, score *s, viso_error *err)
{
    const vi_stage *stage = vi_stages_chosen(b->settings)->landmark;
    void *self = NULL;
    int code = choose(b, "landmarks", id, err);
    vi_stage_env env = vi_stage_environment(&b->context, stage, NULL, NULL);
    if (!code)
        code = stage->create(&self, &env, err);
    memset(s, 0, sizeof *s);
    for (int i = 0; i < b->n_picture && !code; i++) {
        picture *p = &b->picture[i];
        const annotated *a = p->truth;
        int kind = kind_of(a), seen = 0;
        vi_work *w = b->work;
        if (p->n_face == 0)
            continue;
        if (stage->reset)
            stage->reset(self);
        vi_work_begin(w, p->frame, &p->colour, true, 0);
        memcpy(w->face, p->face, (size_t)p->n_face * sizeof w->face[0]);
        w->n_face = p->n_face;
        code = run_stage(b, self, stage, s, err);
        for (int k = 0; k < w->n_face && !code; k++) {
            const annotated_face *t = &a->face[w->face[k].ordinal];
            seen++;
            if (!t->has_points)
                continue;
            double e = error_of(t, &w->face[k].f);
            s->error[kind] += e;
            s->measured[kind]++;
            s->off += e > OFF_ERROR;
            if (b->verbose && e > OFF_ERROR)
                printf("# %s: %.1f %% off\n", a->name, 100 * e);
        }
        s->faces[kind] += p->n_face;
        s->right[kind] += seen;
        s->off += p->n_face - seen;
    }
    if (self)
        stage->destroy(&self);
    return code;
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static double share(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

static void percent(const char *format, double part, double whole)
{
    if (whole > 0)
        printf(format, 100 * part / whole);
    else
        printf(" – |");
}

static double sum_of(const double v[4])
{
    return v[0] + v[1] + v[2] + v[3];
}

static int count_of(const int v[4])
{
    return v[0] + v[1] + v[2] + v[3];
}

static void detector_row(const char *id, const score *s, int pictures, double unit)
{
    int right = count_of(s->right);
    printf("| `%s` | %.1f | %.0f / %.0f / %.0f |", id, share(right, count_of(s->faces)), share(s->right[0], s->faces[0]),
           share(s->right[1], s->faces[1]), share(s->right[2], s->faces[2]));
    percent(" %.1f |", right, s->found - s->doubtful);
    printf(" %d |", s->false_none);
    percent(" %.0f |", s->overlap, right);
    percent(" %.1f |", sum_of(s->error), count_of(s->measured));
    printf(" %.1f | %.2f | %.3f |\n", (double)s->runs / pictures, (double)s->net_ns / unit, (double)(s->ns - s->net_ns) / unit);
}

static void landmark_row(const char *id, const score *s, double unit)
{
    int faces = count_of(s->faces);
    printf("| `%s` |", id);
    percent(" %.1f |", sum_of(s->error), count_of(s->measured));
    for (int k = 0; k < 3; k++)
        percent(k == 0 ? " %.1f /" : k == 1 ? " %.1f /" : " %.1f |", s->error[k], s->measured[k]);
    printf(" %.1f | %.0f | %.1f | %.2f | %.3f |\n", share(s->off, faces), share(count_of(s->right), faces), (double)s->runs / faces,
           (double)s->net_ns / unit, (double)(s->ns - s->net_ns) / unit);
}

static bool wanted(const char *list, const char *id)
{
    size_t n = strlen(id);
    if (strcmp(list, "all") == 0)
        return true;
    for (const char *at = list; (at = strstr(at, id)); at += n)
        if ((at == list || at[-1] == ',') && (at[n] == 0 || at[n] == ','))
            return true;
    return false;
}

/* Runs every installed model of a role (and "auto" last) that the list wants; the first row's time is the unit. */
static int table(bench *b, const char *role, const char *key, const char *list, viso_error *err)
{
    bool detector = strcmp(role, "detector") == 0;
    double unit = 0;
    int n = vi_models_count(b->context.models), code = 0;
    bool choice = vi_settings_find(b->settings, key, NULL) != NULL;
    for (int i = 0; i <= n && !code; i++) {
        const vi_model_row *row = vi_models_row(b->context.models, i);
        const char *id = row ? row->id : "auto";
        score s;
        viso_error fault = { 0 };
        if (row && (strcmp(row->role, role) != 0 || row->n_role == 0 || !choice ||
                    strcmp(vi_models_state(b->context.models, i, false), "installed") != 0))
            continue;
        if (!wanted(list, id))
            continue;
        if (detector ? detect_all(b, id, &s, false, &fault) : landmark_all(b, id, &s, &fault)) {
            fprintf(stderr, "%s: %s\n", id, fault.text);
            continue;
        }
        if (unit == 0)
            unit = (double)VI_MAX(s.ns, 1u);
        if (detector)
            detector_row(id, &s, b->n_picture, unit);
        else
            landmark_row(id, &s, unit);
        fflush(stdout);
    }
    return code;
}

static int run_all(bench *b, const char *detectors, const char *landmarks, const char *by, viso_error *err)
{
    int code = 0, faces = 0;
    if (strcmp(detectors, "none") != 0) {
        printf("| detector | recall | portraits / groups / hard | precision | false on none | overlap | five points off | runs a picture | "
               "network | rest |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
        code = table(b, "detector", "detector", detectors, err);
    }
    if (code || strcmp(landmarks, "none") == 0)
        return code;
    score s;
    code = detect_all(b, by, &s, true, err);
    for (int i = 0; i < b->n_picture; i++)
        faces += b->picture[i].n_face;
    if (!code) {
        printf("\n%d faces, found by `%s`\n\n| landmarks | five points off | portraits / groups / hard | off | taken for faces | runs a "
               "face | network | rest |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n", faces, by);
        code = table(b, "landmarks", "landmarks", landmarks, err);
    }
    return code;
}

/* --- setting up -------------------------------------------------------------------------------------------------- */

static int open_bench(bench *b, const char *dir, const char *shared, const annotated *list, int n, viso_error *err)
{
    int code = vi_models_open(&b->context.models, &(vi_models_params){ .dir = dir, .intra_threads = 1 }, err);
    b->context.settings = b->settings;
    b->context.run = vi_settings_group(b->settings, "run");
    b->context.k = vi_kernels_get(vi_run_cpu_mask(b->context.run));
    if (!code)
        code = vi_arena_create(&b->scratch, VI_SCRATCH_BYTES);
    b->work = vi_calloc(1, sizeof *b->work);
    b->picture = vi_calloc((size_t)n, sizeof *b->picture);
    if (!code && (!b->work || !b->picture))
        code = vi_error_nomem(err, "pictures");
    b->n_picture = b->picture ? n : 0;
    for (int i = 0; i < n && !code; i++) {
        code = open_picture(&b->picture[i], shared, &list[i], err);
        b->picture[i].face = code ? NULL : vi_calloc(VI_MAX_FACES, sizeof *b->picture[i].face);
        if (!code && !b->picture[i].face)
            code = vi_error_nomem(err, "faces");
    }
    return code;
}

static void close_bench(bench *b)
{
    for (int i = 0; i < b->n_picture; i++) {
        vi_colour_map_destroy(&b->picture[i].colour);
        vi_frame_unref(&b->picture[i].frame);
        vi_free(b->picture[i].face);
    }
    vi_free(b->picture);
    vi_free(b->work);
    vi_arena_destroy(&b->scratch);
    vi_models_close(&b->context.models);
    vi_settings_destroy(&b->settings);
}

int main(int argc, char **argv)
{
    const char *detectors = "all", *landmarks = "all", *by = "auto", *shared = argc > 1 ? argv[1] : NULL;
    viso_error err = { 0 };
    bench b = { 0 };
    annotated *list = NULL;
    models_folder folder = { 0 };
    const vi_option_group *const *groups;
    int n = 0, n_groups = vi_all_groups(&groups), code = vi_settings_create(&b.settings, groups, n_groups, &err);
    if (!shared || shared[0] == '-') {
        fprintf(stderr, "usage: analysis_bench SHARED [--detectors all|none|ID,…] [--landmarks all|none|ID,…] [--by DETECTOR] "
                        "[--verbose] [--KEY VALUE …]\n");
        vi_settings_destroy(&b.settings);
        return 2;
    }
    if (!code)
        code = vi_settings_set(b.settings, "max-faces", "64", &err);
    for (int i = 2; i < argc && !code; i++) {
        const char *key = argv[i] + strspn(argv[i], "-"), *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(key, "verbose") == 0) {
            b.verbose = true;
            continue;
        }
        if (strcmp(key, "detectors") == 0)
            detectors = value;
        else if (strcmp(key, "landmarks") == 0)
            landmarks = value;
        else if (strcmp(key, "by") == 0)
            by = value;
        else
            code = vi_settings_set(b.settings, key, value, &err);
        i++;
    }
    char *program = vi_program_dir(), *models = program ? vi_asprintf("%s/../models", program) : NULL;
    if (models)
        setenv("VISO_MODELS", models, 0);
    setenv("VISO_TEST_SHARED", shared, 1);
    if (!code)
        code = annotated_read(shared, &list, &n, &err);
    if (!code)
        code = models_folder_open(&folder, MODELS_FOLDER_SHARED, &err);
    if (!code)
        code = open_bench(&b, folder.dir, shared, list, n, &err);
    if (!code)
        code = run_all(&b, detectors, landmarks, by, &err);
    close_bench(&b);
    models_folder_close(&folder);
    vi_free(list);
    vi_free(models);
    vi_free(program);
    if (code)
        fprintf(stderr, "analysis_bench: %s\n", err.text);
    return code ? 1 : 0;
}
