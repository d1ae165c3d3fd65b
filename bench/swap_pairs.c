/* bench/swap_pairs.c: does a swap change who is seen? Every photograph of a folder lends its face to every other one, and a
 * recogniser that the product does not use says whom the result resembles.
 *
 *   swap_pairs FOLDER RECOGNISER.onnx [-p PREFIX] [-y MAX_YAW] [-o OUT_FOLDER] [-q] [--KEY VALUE ...]
 *
 * RECOGNISER is a 112 x 112 face embedding net with input (v - 127.5) / 127.5 in R, G, B on the usual five-point template.
 * Pairs of one person (untouched cosine above 0.4) are left out. The last line is JSON; the exit status is 1 when fewer
 * than 90 % of the results are nearer to the source than to the target, or the mean gain is below 0.4. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identify/identify.h"
#include "infer/infer.h"
#include "media/media.h"
#include "pipeline/analyse.h"
#include "pipeline/groups.h"
#include "pipeline/run.h"
#include "pipeline/stages.h"

enum { MAX_PHOTOS = 64, DIM = 128, SIZE = 112 };

typedef struct judge {
    const vi_kernels *k;
    vi_runtime *rt;
    vi_session *session;
    vi_run *run;
    vi_arena scratch;
} judge;

typedef struct photo {
    char *path;
    vi_seen seen;
    float who[DIM];
    void *source;
} photo;

typedef struct totals {
    int pairs, nearer;
    double base, src, tgt, swap_ms;
} totals;

static int judge_open(judge *j, const vi_kernels *k, const char *path, viso_error *err)
{
    memset(j, 0, sizeof(*j));
    j->k = k;
    vi_session_params p = { .path = path, .name = "recogniser", .intra_threads = 1 };
    int rc = vi_arena_create(&j->scratch, (size_t)256 << 20);
    if (!rc)
        rc = vi_runtime_open(&j->rt, NULL, err);
    if (!rc)
        rc = vi_session_open(&j->session, j->rt, &p, err);
    const vi_tensor_info *in, *out;
    if (!rc && (vi_session_inputs(j->session, &in) != 1 || vi_session_outputs(j->session, &out) != 1))
        rc = vi_error_set(err, VISO_ERR_MODEL, "%s: one input and one output expected", path);
    if (!rc) {
        vi_binding bi = { .name = in[0].name }, bo = { .name = out[0].name };
        rc = vi_run_create(&j->run, j->session, &bi, 1, &bo, 1, err);
    }
    return rc;
}

static void judge_close(judge *j)
{
    vi_run_destroy(&j->run);
    vi_session_close(&j->session);
    vi_runtime_close(&j->rt);
    vi_arena_destroy(&j->scratch);
}

static int judge_embed(judge *j, const vi_frame *f, const vi_colour_map *cm, const vi_affine *upright, const viso_face *face,
                       float who[DIM], viso_error *err)
{
    static const vi_point tpl[5] = { { 38.2946f, 51.6963f }, { 73.5318f, 51.5014f }, { 56.0252f, 71.7366f },
                                     { 41.5493f, 92.3655f }, { 70.7299f, 92.2041f } };
    static const float scale[3] = { 2, 2, 2 }, offset[3] = { -1, -1, -1 };
    vi_affine to_picture;
    if (!vi_similarity_fit(tpl, face->points, 5, &to_picture))
        return vi_error_set(err, VISO_ERR_INTERNAL, "degenerate points");
    vi_affine to_frame = vi_affine_compose(upright, &to_picture);
    size_t mark = vi_arena_mark(&j->scratch), n = 0;
    vi_rgb crop = vi_rgb_new(&j->scratch, SIZE, SIZE);
    int rc = j->k->sample(f, cm, &to_frame, &crop, VI_BORDER_ZERO, &j->scratch);
    if (!rc) {
        j->k->to_tensor(vi_run_input(j->run, 0, &n), &crop, scale, offset, false);
        rc = vi_run_now(j->run, err);
    }
    if (!rc) {
        const float *out = vi_run_output(j->run, 0, &n);
        double sum = 1e-12;
        for (size_t i = 0; i < DIM && i < n; i++)
            sum += (double)out[i] * out[i];
        for (size_t i = 0; i < DIM && i < n; i++)
            who[i] = (float)(out[i] / sqrt(sum));
    }
    vi_arena_release(&j->scratch, mark);
    return rc;
}

static float cosine(const float *a, const float *b)
{
    float s = 0;
    for (int i = 0; i < DIM; i++)
        s += a[i] * b[i];
    return s;
}

static const char *short_name(const char *path)
{
    const char *n = vi_base_name(path);
    return strncmp(n, "portrait_", 9) == 0 ? n + 9 : n;
}

/* The face's surroundings before and after, side by side, 1:1 up to 640 pixels. */
static int save(const char *folder, const vi_kernels *k, const photo *from, const photo *to, const vi_frame *result,
                viso_error *err)
{
    const vi_box *b = &to->seen.work->face[0].f.box;
    float want = 1.7f * fmaxf(b->x1 - b->x0, b->y1 - b->y0);
    int n = vi_clampi((int)want, 64, 640);
    vi_affine map = vi_square_to_picture(0.5f * (b->x0 + b->x1), 0.5f * (b->y0 + b->y1), want, 0.0f, (float)n);
    map = vi_affine_compose(&to->seen.work->upright, &map);
    vi_arena a;
    vi_frame *out = vi_frame_alloc(VI_FORMAT_RGB24, 2 * n, n);
    char *path = vi_asprintf("%s/%.*s__%.*s.png", folder, (int)strcspn(short_name(from->path), "."), short_name(from->path),
                             (int)strcspn(short_name(to->path), "."), short_name(to->path));
    int rc = out && path && !vi_arena_create(&a, (size_t)64 << 20) ? 0 : vi_error_nomem(err, "picture");
    vi_rgb crop = { 0 };
    if (!rc)
        crop = vi_rgb_new(&a, n, n);
    for (int side = 0; side < 2 && !rc; side++) {
        rc = k->sample(side ? result : to->seen.frame, &to->seen.colour, &map, &crop, VI_BORDER_ZERO, &a);
        for (int i = 0; i < 3 * n * n; i++) {
            int x = i / 3 % n, y = i / 3 / n, c = i % 3;
            out->plane[0][y * out->stride[0] + 3 * (side * n + x) + c] =
                (uint8_t)lrintf(255.0f * vi_clampf(crop.c[c].p[y * crop.c[c].stride + x], 0.0f, 1.0f));
        }
    }
    if (!rc)
        rc = vi_still_save(path, out, err);
    if (crop.c[0].p)
        vi_arena_destroy(&a);
    vi_frame_unref(&out);
    vi_free(path);
    return rc;
}

/* Swaps the largest face of `to` for person `source`; *out is the changed frame. */
static int swap_one(vi_picture_lane *lane, const photo *to, int source, vi_work *w, viso_error *err)
{
    *w = *to->seen.work;
    w->frame = vi_frame_ref(to->seen.frame); /* two references: the lane copies before it writes */
    for (int i = 0; i < w->n_face; i++)
        w->face[i].source = i == 0 ? source : -1;
    return vi_picture_lane_run(lane, w, NULL, err);
}

static int pair(vi_picture_lane *lane, vi_analyser *stills, judge *j, photo *from, int source, photo *to, const char *out,
                bool quiet, totals *t, viso_error *err)
{
    float base = cosine(from->who, to->who), who[DIM] = { 0 };
    if (base > 0.4f)
        return 0;
    vi_work *w = vi_alloc(sizeof(*w));
    if (!w)
        return vi_error_nomem(err, "work");
    uint64_t start = vi_thread_cpu_ns();
    int rc = swap_one(lane, to, source, w, err);
    double ms = (double)(vi_thread_cpu_ns() - start) * 1e-6;
    vi_frame *result = w->frame;
    if (rc >= 0)
        rc = 0;
    if (!rc) { /* look again: the result has to be a face of its own right */
        vi_work_begin(w, result, &to->seen.colour, true, 0);
        rc = vi_analyser_run(stills, w, err);
        const viso_face *face = w->n_face ? &w->face[0].f : &to->seen.work->face[0].f;
        if (!rc)
            rc = judge_embed(j, result, &to->seen.colour, &w->upright, face, who, err);
    }
    if (!rc) {
        float src = cosine(who, from->who), tgt = cosine(who, to->who);
        t->pairs++;
        t->nearer += src > tgt;
        t->base += base;
        t->src += src;
        t->tgt += tgt;
        t->swap_ms += ms;
        if (!quiet)
            printf("%-26.26s %-26.26s %6.2f %6.2f %6.2f %6.2f %7.1f%s\n", short_name(from->path), short_name(to->path), base,
                   src, tgt, src - base, ms, src > tgt ? "" : "  <- nearer to the target");
        if (out)
            rc = save(out, j->k, from, to, result, err);
    }
    vi_frame_unref(&result);
    vi_free(w);
    return rc;
}

/* Photographs whose largest face looks ahead. */
static int gather(photo *p, int *n_photo, vi_analyser *stills, judge *j, const char *folder, const char *prefix, float yaw,
                  const vi_context *c, viso_error *err)
{
    char **names = NULL;
    int n = 0, rc = vi_media_list(folder, &names, &n, err);
    for (int i = 0; i < n && !rc && *n_photo < MAX_PHOTOS; i++) {
        const char *base = vi_base_name(names[i]);
        if (strncmp(base, prefix, strlen(prefix)) != 0 || vi_media_kind_of_name(base) != VI_MEDIA_STILL)
            continue;
        photo *q = &p[*n_photo];
        q->path = strchr(names[i], '/') ? vi_strdup(names[i]) : vi_path_join(folder, names[i]);
        rc = q->path ? vi_see(&q->seen, stills, q->path, &c->log, err) : vi_error_nomem(err, "path");
        if (rc == VISO_EOF) {
            printf("# %s: no face\n", base);
            rc = 0;
        } else if (!rc) {
            const viso_face *f = &q->seen.work->face[0].f;
            if (fabsf(f->pose.yaw) < yaw) {
                rc = judge_embed(j, q->seen.frame, &q->seen.colour, &q->seen.work->upright, f, q->who, err);
                (*n_photo)++;
                continue;
            }
            printf("# %s: yaw %.0f, left out\n", base, f->pose.yaw);
        }
        vi_seen_free(&q->seen);
        vi_free(q->path);
        memset(q, 0, sizeof(*q));
    }
    vi_media_list_free(&names, n);
    return rc;
}

static int all_pairs(const vi_context *c, judge *j, const char *folder, const char *prefix, float yaw, const char *out,
                     bool quiet, totals *t, viso_error *err)
{
    static photo p[MAX_PHOTOS];
    void *sources[MAX_PHOTOS] = { 0 };
    vi_people people = { 0, sources };
    int n = 0;
    vi_analyser *stills = NULL;
    vi_picture_lane lane = { 0 };
    const vi_stage *swap = vi_stages_chosen(c->settings)->swap;
    vi_stage_env env = vi_stage_environment(c, swap, NULL, NULL);
    int rc = vi_analyser_create(&stills, c, &(vi_analyser_params){ 0 }, err);
    if (!rc)
        rc = gather(p, &n, stills, j, folder, prefix, yaw, c, err);
    uint64_t start = vi_thread_cpu_ns();
    for (int i = 0; i < n && !rc; i++) {
        vi_photo view = { p[i].seen.frame, &p[i].seen.colour, p[i].path, p[i].seen.work->face[0] };
        rc = swap->prepare(&sources[i], &env, &view, 1, err);
        if (rc == VISO_ERR_NO_SOURCE_FACE) {
            printf("# %s: %s\n", short_name(p[i].path), err->text);
            memset(err, 0, sizeof(*err));
            rc = 0;
        }
    }
    if (n && !rc)
        printf("# %d photographs, %.0f ms to make a source\n", n, (double)(vi_thread_cpu_ns() - start) * 1e-6 / n);
    people.n = n;
    if (!rc)
        rc = vi_picture_lane_open(&lane, c, &people, NULL, err);
    if (!rc && !quiet)
        printf("%-26s %-26s %6s %6s %6s %6s %7s\n", "source", "target", "before", "source", "target", "gain", "ms");
    for (int a = 0; a < n && !rc; a++)
        for (int b = 0; b < n && !rc; b++)
            if (a != b && sources[a])
                rc = pair(&lane, stills, j, &p[a], a, &p[b], out, quiet, t, err);
    vi_picture_lane_close(&lane);
    vi_analyser_destroy(&stills);
    for (int i = 0; i < n; i++) {
        swap->release(&sources[i]);
        vi_seen_free(&p[i].seen);
        vi_free(p[i].path);
    }
    return rc;
}

int main(int argc, char **argv)
{
    const char *out = NULL, *prefix = "portrait_";
    float yaw = 30;
    bool quiet = false;
    viso_error err = { 0 };
    vi_settings *settings = NULL;
    const vi_option_group *const *groups;
    int n_groups = vi_all_groups(&groups), rc = vi_settings_create(&settings, groups, n_groups, &err);
    if (argc < 3) {
        fprintf(stderr, "usage: swap_pairs FOLDER RECOGNISER.onnx [-p PREFIX] [-y YAW] [-o FOLDER] [-q] [--KEY VALUE]\n");
        return 2;
    }
    for (int i = 3; i < argc && !rc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "-q") == 0) {
            quiet = true;
            continue;
        }
        if (strcmp(argv[i], "-p") == 0)
            prefix = value;
        else if (strcmp(argv[i], "-y") == 0)
            yaw = strtof(value, NULL);
        else if (strcmp(argv[i], "-o") == 0)
            out = value;
        else
            rc = vi_settings_set(settings, argv[i] + strspn(argv[i], "-"), value, &err);
        i++;
    }
    vi_models *models = NULL;
    vi_models_params mp = { .intra_threads = 1 };
    judge j = { 0 };
    totals t = { 0 };
    if (!rc)
        rc = vi_models_open(&models, &mp, &err);
    vi_context c = { .models = models, .settings = settings };
    if (!rc) {
        c.run = vi_settings_group(settings, "run");
        c.k = vi_kernels_get(vi_run_cpu_mask(c.run));
        rc = judge_open(&j, c.k, argv[2], &err);
    }
    if (!rc)
        rc = all_pairs(&c, &j, argv[1], prefix, yaw, out, quiet, &t, &err);
    judge_close(&j);
    vi_models_close(&models);
    vi_settings_destroy(&settings);
    if (rc || t.pairs == 0) {
        fprintf(stderr, "swap_pairs: %s\n", rc ? err.text : "no pairs");
        return 2;
    }
    double n = t.pairs, gain = (t.src - t.base) / n, nearer = t.nearer / n;
    printf("{\"pairs\": %d, \"nearer_to_source\": %.4f, \"mean_before\": %.3f, \"mean_to_source\": %.3f, "
           "\"mean_to_target\": %.3f, \"mean_gain\": %.3f, \"swap_ms\": %.1f}\n",
           t.pairs, nearer, t.base / n, t.src / n, t.tgt / n, gain, t.swap_ms / n);
    return nearer >= 0.9 && gain >= 0.4 ? 0 : 1;
}
