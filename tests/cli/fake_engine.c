/* fake_engine.c: a library that swaps nothing, for tests of the program alone: no models, no media, no runtime.
 * The names of the files say what shall happen: "noface" has no face, "damaged" cannot be read, "slow" runs
 * until it is cancelled, "long" gives many frames with progress, "full" fills the disk. Everything else ends
 * well. Its option groups are the program's own and one small stand-in for a stage. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/groups.h"
#include "pipeline/run_options.h"
#include "viso/engine.h"
#include "viso/model.h"
#include "viso/version.h"

typedef struct stage_settings {
    float score;
    int tiles;
    bool pyramid;
} stage_settings;

static const vi_option_row stage_rows[] = {
    VI_OPTION_FLOAT(stage_settings, score, "detect-score", "Score", "Faces below this score are not taken.", NULL, 0.5,
                    0.05, 1, 0.05, 0),
    VI_OPTION_INT(stage_settings, tiles, "detect-tiles", "Tiles", "Tiles a side.", NULL, 3, 1, 8, VI_OPTION_ADVANCED),
    VI_OPTION_BOOL(stage_settings, pyramid, "detect-pyramid", "Pyramid", "Also looks at smaller copies.", true, 0),
};
static const vi_option_group stage_group = { "detect", "Finding faces", stage_rows, VI_COUNT(stage_rows),
                                             sizeof(stage_settings) };

int vi_all_groups(const vi_option_group *const **groups)
{
    static const vi_option_group *const all[] = { &vi_who_options, &stage_group, &vi_run_options };
    *groups = all;
    return (int)VI_COUNT(all);
}

const char *viso_version(void)
{
    return "9.8.7";
}

/* ---- engine ---- */

struct viso_engine {
    atomic_bool cancelled;
    vi_run_settings run;
    viso_log_fn log;
    void *user;
};

int viso_engine_create(viso_engine **e, const viso_options *o, viso_log_fn log, void *log_user, viso_error *err)
{
    *e = vi_calloc(1, sizeof **e);
    if (!*e)
        return vi_error_nomem(err, "engine");
    (*e)->run = *(const vi_run_settings *)vi_settings_group(vi_options_settings(o), "run");
    (*e)->log = log;
    (*e)->user = log_user;
    return VISO_OK;
}

void viso_engine_destroy(viso_engine **e)
{
    vi_free(*e);
    *e = NULL;
}

void viso_cancel(viso_engine *e)
{
    atomic_store(&e->cancelled, true);
}

static int write_result(const viso_swap_params *p, const char *text)
{
    char *path = !p->out ? NULL : vi_is_folder(p->target) ? vi_path_join(p->out, "1.jpg") : vi_strdup(p->out);
    if (!path)
        return VISO_OK;
    FILE *f = fopen(path, "w");
    vi_free(path);
    if (!f)
        return VISO_ERR_NO_SPACE;
    fprintf(f, "%s", text);
    for (int i = 0; i < p->n_source; i++)
        fprintf(f, " %s", p->sources[i]);
    for (int i = 0; i < p->n_map; i++)
        fprintf(f, " %s>%s", p->maps[i].person, p->maps[i].source);
    for (int i = 0; i < p->n_at; i++)
        fprintf(f, " [%s-%s %s=%s]", p->at[i].start ? p->at[i].start : "", p->at[i].end ? p->at[i].end : "", p->at[i].key, p->at[i].value);
    fputc('\n', f);
    return fclose(f) ? VISO_ERR_NO_SPACE : VISO_OK;
}

viso_form viso_swap_form(const viso_options *o, const char *target, const char *out)
{
    (void)o;
    (void)out;
    return vi_is_folder(target) ? VISO_FORM_FILES : VISO_FORM_FILE;
}

int viso_unfinished(const char *out, viso_unfinished_info *info)
{
    char path[600];
    memset(info, 0, sizeof *info);
    snprintf(info->folder, sizeof info->folder, "%s.unfinished", out);
    snprintf(path, sizeof path, "%s/journal", info->folder);
    return access(path, F_OK) == 0;
}

int viso_swap(viso_engine *e, const viso_swap_params *p, viso_run_stats *stats, viso_error *err)
{
    for (int i = 0; i < p->n_source; i++)
        if (strstr(p->sources[i], "noface"))
            return vi_error_set(err, VISO_ERR_NO_SOURCE_FACE, "%s: no face found", p->sources[i]);
    if (strstr(p->target, "noface"))
        return vi_error_set(err, VISO_ERR_NO_TARGET_FACE, "%s: no face found", p->target);
    if (strstr(p->target, "damaged"))
        return vi_error_set(err, VISO_ERR_INPUT, "%s: damaged", p->target);
    if (strstr(p->target, "full"))
        return vi_error_set(err, VISO_ERR_NO_SPACE, "%s: the disk is full", p->out ? p->out : "");
    if (strcmp(vi_run_provider(&e->run), "cuda") == 0 && e->run.strict_device)
        return vi_error_set(err, VISO_ERR_DEVICE, "provider cuda is not available");
    e->log(e->user, VISO_LOG_WARN, "swap", "the source looks away");
    e->log(e->user, VISO_LOG_DEBUG, "swap", "detail");
    bool slow = strstr(p->target, "slow"), is_long = strstr(p->target, "long");
    uint64_t n = slow ? 2000 : is_long ? 50 : 1, done = 0;
    for (; done < n && !atomic_load(&e->cancelled); done++) {
        viso_progress v = { .phase = "frames",
                            .frames = done,
                            .frames_total = n,
                            .files_total = 1,
                            .file = p->target,
                            .fps = 25,
                            .remaining_s = (double)(n - done) / 25,
                            .limiting = "swap",
                            .faces = done };
        if (p->progress && p->progress(p->user, &v))
            break;
        if (slow)
            usleep(10000);
    }
    if (stats)
        *stats = (viso_run_stats){ .frames = done,
                                   .faces_swapped = done,
                                   .wall_s = 0.5,
                                   .core_s = 0.25,
                                   .workers = 2,
                                   .n_stage = 1,
                                   .stage = { { .id = "swap", .calls = done, .p50_ms = 1.5, .p95_ms = 2 } },
                                   .limiting = "swap",
                                   .n_network = 2,
                                   .network = { { .id = "detector", .provider = "cuda" },
                                                { .id = "mesh", .provider = "cpu", .fell_back = "cuda: it fell" } },
                                   .peak_rss = 1 << 20,
                                   .detector_frames = 5,
                                   .detector_runs = 6,
                                   .landmark_runs = done,
                                   .embedder_runs = 1,
                                   .follow = { .born = 2, .bridged = 3 } };
    if (stats && p->measure)
        stats->quality = (viso_quality_stats){ .measured = 1,
                                               .faces = done,
                                               .frames_seen = done,
                                               .jitter_before = is_long ? 3 : 4,
                                               .jitter_after = 1,
                                               .jitter_count = done,
                                               .before_count = done,
                                               .roll_before = 0.5,
                                               .roll_after = 0.25,
                                               .flicker = 2,
                                               .flicker_count = 144 * done,
                                               .id_switches = 1 };
    if (done < n) {
        write_result(p, "part");
        return vi_error_set(err, VISO_ERR_INTERRUPTED, "stopped");
    }
    return write_result(p, "whole") ? vi_error_set(err, VISO_ERR_NO_SPACE, "%s: cannot write", p->out) : VISO_OK;
}

int viso_warmup(viso_engine *e, const char *const *ids, int n, viso_warm_fn done, void *user, viso_error *err)
{
    static const char *const usual[] = { "face-full" };
    for (int i = 0; i < VI_MAX(n, 1); i++) {
        viso_warm line = { .load_ms = 12.5, .first_ms = 3, .second_ms = 2 };
        const char *id = n ? ids[i] : usual[i];
        if (strcmp(id, "nobody") == 0)
            return vi_error_set(err, VISO_ERR_MODEL, "model 'nobody' is not in the manifest");
        snprintf(line.id, sizeof line.id, "%s", id);
        snprintf(line.provider, sizeof line.provider, "cpu");
        snprintf(line.fell_back, sizeof line.fell_back, "%s", n ? "cuda: it fell" : "");
        done(user, &line);
    }
    return e ? VISO_OK : VISO_ERR_INTERNAL;
}

/* ---- looking ---- */

struct viso_look {
    int number, total, faces;
    viso_face face;
};

int viso_look_open(viso_look **l, viso_engine *e, const char *path, int embed, viso_error *err)
{
    *l = vi_calloc(1, sizeof **l);
    if (!*l)
        return vi_error_nomem(err, "look");
    if (strstr(path, "damaged"))
        return vi_error_set(err, VISO_ERR_INPUT, "%s: damaged", path);
    (*l)->total = strstr(path, "long") ? 10 : 1;
    (*l)->faces = strstr(path, "noface") ? 0 : 1;
    viso_face *f = &(*l)->face;
    f->has = VISO_FACE_HAS_BOX | VISO_FACE_HAS_POINTS | VISO_FACE_HAS_MESH | VISO_FACE_HAS_POSE | VISO_FACE_HAS_QUALITY;
    f->box = (viso_box){ 10, 20, 30, 40.5f };
    f->score = 0.9f;
    f->pose.yaw = strstr(path, "nan") ? (float)(0 * 1e300 * 1e300 / 0.0) : 5;
    f->track = -1;
    if (embed) {
        f->has |= VISO_FACE_HAS_EMBEDDING;
        f->embedding_size = 4;
        f->embedding[0] = 1;
    }
    return VISO_OK;
}

int viso_look_next(viso_look *l, viso_look_frame *out, viso_error *err)
{
    if (l->number >= l->total)
        return VISO_EOF;
    *out = (viso_look_frame){ .number = l->number,
                              .time_s = l->total > 1 ? l->number / 25.0 : -1,
                              .width = 64,
                              .height = 48,
                              .n_face = l->faces,
                              .face = &l->face };
    l->number++;
    return VISO_OK;
}

int viso_look_draw(viso_look *l, const char *path, viso_error *err)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return vi_error_set(err, VISO_ERR_NO_SPACE, "%s: cannot write", path);
    fprintf(f, "frame %d\n", l->number - 1);
    fclose(f);
    return VISO_OK;
}

void viso_look_close(viso_look **l)
{
    vi_free(*l);
    *l = NULL;
}

int viso_verify(const char *path, viso_mark_info *m, viso_error *err)
{
    *m = (viso_mark_info){ .marked = strstr(path, "marked") != NULL };
    if (strstr(path, "damaged"))
        return vi_error_set(err, VISO_ERR_INPUT, "%s: damaged", path);
    if (m->marked) {
        snprintf(m->digital_source_type, sizeof m->digital_source_type, "compositeWithTrainedAlgorithmicMedia");
        snprintf(m->where, sizeof m->where, "xmp");
    }
    return VISO_OK;
}

/* ---- doctor: a problem when $FAKE_PROBLEM names its group ---- */

struct viso_report {
    viso_check check[3];
    int n;
};

int viso_doctor(viso_report **r, const viso_options *o, viso_error *err)
{
    const char *problem = getenv("FAKE_PROBLEM");
    *r = vi_calloc(1, sizeof **r);
    if (!*r)
        return vi_error_nomem(err, "report");
    (*r)->check[0] = (viso_check){ .group = "processor", .name = "instructions", .value = "avx2" };
    (*r)->check[1] = (viso_check){ .name = "detector", .value = "found", .state = problem ? 2 : 0 };
    snprintf((*r)->check[1].group, sizeof(*r)->check[1].group, "%s", problem ? problem : "models");
    snprintf((*r)->check[1].advice, sizeof(*r)->check[1].advice, "run make setup");
    (*r)->n = 2;
    return VISO_OK;
}

int viso_doctor_models(viso_report *r, const viso_options *o, viso_error *err)
{
    r->check[r->n++] = (viso_check){ .group = "answers", .name = "detector", .value = "right" };
    return VISO_OK;
}

int viso_report_count(const viso_report *r)
{
    return r->n;
}

const viso_check *viso_report_at(const viso_report *r, int i)
{
    return &r->check[i];
}

const viso_check *viso_report_todo(const viso_report *r, int i)
{
    return i == 0 && r->check[1].state ? &r->check[1] : NULL;
}

int viso_report_ready(const viso_report *r)
{
    return r->check[1].state < 2;
}

void viso_report_free(viso_report **r)
{
    vi_free(*r);
    *r = NULL;
}

/* ---- plan: ten bytes a pixel ---- */

int viso_plan_make(viso_plan *p, const viso_options *o, const char *target, int width, int height, viso_error *err)
{
    *p = (viso_plan){ .width = target ? 640 : width, .height = target ? 480 : height, .workers = 2, .n_part = 1, .fits = 1 };
    snprintf(p->part[0].name, sizeof p->part[0].name, "frames in flight");
    p->ram = p->part[0].ram = 10 * (uint64_t)p->width * (uint64_t)p->height;
    return VISO_OK;
}

/* ---- models ---- */

static const viso_model_info models[] = {
    { .id = "face-full",
      .role = "detector",
      .label = "Detector",
      .file = "face.onnx",
      .licence = "Apache-2.0",
      .commercial = "yes",
      .preset = "starter",
      .bytes = 1234567,
      .state = "installed",
      .path = "/m/face.onnx" },
    { .id = "optional-net",
      .role = "swapper",
      .label = "Swapper",
      .file = "net.onnx",
      .licence = "non-commercial",
      .commercial = "no",
      .about_bytes = 277000000,
      .addresses = 1,
      .state = "missing" },
};

struct viso_model_list {
    int unused;
};

int viso_models_list(viso_model_list **l, const char *dir, int verify, viso_error *err)
{
    *l = vi_calloc(1, sizeof **l);
    return *l ? VISO_OK : vi_error_nomem(err, "models");
}

int viso_models_count(const viso_model_list *l)
{
    return (int)VI_COUNT(models);
}

const viso_model_info *viso_models_at(const viso_model_list *l, int i)
{
    return &models[i];
}

void viso_models_free(viso_model_list **l)
{
    vi_free(*l);
    *l = NULL;
}

int viso_models_describe(const char *dir, const char *id, char **text, viso_error *err)
{
    *text = vi_asprintf("%s described\n", id);
    return *text ? VISO_OK : vi_error_nomem(err, "text");
}

int viso_models_import(const char *path, const char *out_path, viso_error *err)
{
    FILE *f = fopen(out_path, "w");
    if (!f)
        return vi_error_set(err, VISO_ERR_NO_SPACE, "%s: cannot write", out_path);
    fclose(f);
    return VISO_OK;
}

int viso_models_remove(const char *dir, const char *id, char **path, viso_error *err)
{
    *path = vi_asprintf("/m/%s.onnx", id);
    return *path ? VISO_OK : vi_error_nomem(err, "text");
}

int viso_models_folder(const char *dir, char **path, viso_error *err)
{
    *path = vi_strdup("/m");
    return *path ? VISO_OK : vi_error_nomem(err, "text");
}

int viso_models_install(const char *id, const viso_install *how, viso_error *err)
{
    if (how->offline && strcmp(id, "face-full") != 0)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s is not here and --offline forbids to fetch it", id);
    /* $FAKE_SLOW: a server that hangs, for a user who has enough. */
    for (int i = 0; i < (getenv("FAKE_SLOW") ? 2000 : 3); i++, usleep(getenv("FAKE_SLOW") ? 10000 : 0))
        if (how->progress(how->user, id, (uint64_t)i, 2))
            return vi_error_set(err, VISO_ERR_INTERRUPTED, "model %s: stopped", id);
    return VISO_OK;
}

int viso_models_adopt(const char *dir, const char *path, const char *as, char **text, viso_error *err)
{
    *text = vi_asprintf("%s: installed as %s", path, as ? as : "something");
    return *text ? VISO_OK : vi_error_nomem(err, "text");
}
