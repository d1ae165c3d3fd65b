/* The analysis stages on a picture or clip, as the pipeline chains them; for the golden tests of four rooms. */
#ifndef ANALYSIS_H
#define ANALYSIS_H

#include <stdio.h>
#include <string.h>

#include "../test.h"

#include "detect/detect.h"
#include "identify/identify.h"
#include "landmark/landmark.h"
#include "media/media.h"
#include "models/models.h"
#include "track/track.h"

typedef struct analysis {
    vi_settings *settings;
    vi_models *models;
    void *begin, *detect, *landmark, *end, *identify;
    vi_arena arena;
    vi_work *w;
    viso_error err;
} analysis;

static inline void *open_stage(analysis *a, const vi_stage *s, void *shared)
{
    vi_stage_env env = { .k = vi_kernels_get(VI_CPU_ALL), .models = a->models, .shared = shared };
    void *self = NULL;
    env.settings = vi_settings_group(a->settings, s->options);
    OK_OF(a->err, s->create(&self, &env, &a->err));
    return self;
}

/* `set`: "key=value" pairs, NULL-terminated, or NULL. */
static inline analysis *analysis_open(const char *const *set)
{
    static const vi_option_group *const groups[] = { &vi_detect_options, &vi_landmark_options, &vi_track_options,
                                                     &vi_identify_options };
    analysis *a = calloc(1, sizeof(*a));
    vi_models_params p = { 0 };
    OK_OF(a->err, vi_settings_create(&a->settings, groups, VI_COUNT(groups), &a->err));
    for (; set && *set; set++) {
        char key[64];
        const char *eq = strchr(*set, '=');
        snprintf(key, sizeof(key), "%.*s", (int)(eq - *set), *set);
        OK_OF(a->err, vi_settings_set(a->settings, key, eq + 1, &a->err));
    }
    OK_OF(a->err, vi_models_open(&a->models, &p, &a->err));
    OK_OF(a->err, vi_arena_create(&a->arena, (size_t)1 << 30));
    a->begin = open_stage(a, &vi_track_begin, NULL);
    a->end = open_stage(a, &vi_track_end, a->begin);
    a->detect = open_stage(a, &vi_detect_stage, NULL);
    a->landmark = open_stage(a, &vi_landmark_points, NULL);
    a->identify = open_stage(a, &vi_identify_recognise, NULL);
    a->w = calloc(1, sizeof(*a->w));
    return a;
}

static inline void analysis_close(analysis *a)
{
    vi_track_end.destroy(&a->end);
    vi_track_begin.destroy(&a->begin);
    vi_detect_stage.destroy(&a->detect);
    vi_landmark_points.destroy(&a->landmark);
    vi_identify_recognise.destroy(&a->identify);
    vi_models_close(&a->models);
    vi_settings_destroy(&a->settings);
    vi_arena_destroy(&a->arena);
    free(a->w);
    free(a);
}

/* Faces of one frame in a->w. */
static inline void analyse_frame(analysis *a, vi_frame *f, const vi_colour_map *cm, bool still, uint64_t sequence,
                                 bool embed)
{
    vi_work *w = a->w;
    w->frame = f;
    w->colour = cm;
    w->upright = vi_frame_upright(f, &w->width, &w->height);
    w->still = still;
    w->sequence = sequence;
    w->n_look = 0;
    w->n_face = 0;
    memset(&w->count, 0, sizeof(w->count));
    OK_OF(a->err, vi_track_begin.process(a->begin, w, &a->arena, &a->err));
    do {
        if (w->want_detect)
            OK_OF(a->err, vi_detect_stage.process(a->detect, w, &a->arena, &a->err));
        OK_OF(a->err, vi_landmark_points.process(a->landmark, w, &a->arena, &a->err));
    } while (vi_track_retry(a->begin, w));
    OK_OF(a->err, vi_track_end.process(a->end, w, &a->arena, &a->err));
    if (embed) {
        OK_OF(a->err, vi_identify_recognise.process(a->identify, w, &a->arena, &a->err));
        vi_track_confirm(a->begin, w, 0.42f);
    }
    assert_int_equal(vi_arena_mark(&a->arena), 0); /* stages give their scratch back */
}

/* Calls `see` after every frame; returns how many there were. */
static inline int analyse_file(analysis *a, const char *path, bool embed,
                               void (*see)(analysis *a, int frame, void *user), void *user)
{
    vi_reader *r = NULL;
    vi_frame *f = NULL;
    vi_colour_map cm;
    int n = 0, rc;
    OK_OF(a->err, vi_reader_open(&r, path, NULL, &a->err));
    bool still = vi_reader_info(r)->kind == VI_MEDIA_STILL;
    vi_detect_stage.reset(a->detect);
    vi_track_begin.reset(a->begin);
    while ((rc = vi_reader_next(r, &f, &a->err)) == VISO_OK) {
        if (n == 0)
            OK_OF(a->err, vi_colour_map_create(&cm, f->format, &f->colour, f->height, &a->err));
        analyse_frame(a, f, &cm, still, (uint64_t)n, embed);
        if (see)
            see(a, n, user);
        n++;
        vi_frame_unref(&f);
    }
    assert_int_equal(rc, VISO_EOF);
    vi_reader_close(&r);
    vi_colour_map_destroy(&cm);
    return n;
}

static inline void analyse_picture(analysis *a, const char *folder_variable, const char *name, bool embed)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", getenv(folder_variable), name);
    assert_int_equal(analyse_file(a, path, embed, NULL, NULL), 1);
}

/* Exit code for meson when the folder named by `variable` with `name` in it, or the models, are not there. */
static inline int missing(const char *variable, const char *name)
{
    char path[1024];
    const char *dir = getenv(variable), *models = getenv("VISO_MODELS");
    snprintf(path, sizeof(path), "%s/%s", dir ? dir : "", name);
    if (!dir || !vi_file_exists(path)) {
        fprintf(stderr, "skipped: %s is not there (%s)\n", name, variable);
        return 77;
    }
    snprintf(path, sizeof(path), "%s/mobilefacenet.onnx", models ? models : "");
    if (!vi_file_exists(path)) {
        fprintf(stderr, "skipped: the starter models are not installed (VISO_MODELS)\n");
        return 77;
    }
    return 0;
}

#endif
