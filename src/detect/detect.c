/* detect/detect.c: the detector as a stage of the temporal lane (one thread): its settings, and its life. What it looks at is
 * search.c's affair, how a network's output is read its family's. */
#include "detect/detect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/search.h"

static int process(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
{
    vi_detector *d = self;
    if (!w->want_detect)
        return VISO_OK;
    d->looks = ++w->count.looks;
    size_t mark = vi_arena_mark(scratch);
    vi_look l = { .d = d, .w = w, .scratch = scratch };
    l.c = vi_arena_alloc(scratch, VI_CANDIDATES_MAX * sizeof(*l.c));
    bool *taken = vi_arena_alloc(scratch, VI_CANDIDATES_MAX * sizeof(*taken));
    int rc = l.c && taken ? vi_detect_search(&l, err) : vi_error_nomem(err, "detector scratch");
    if (!rc)
        vi_detect_hand_over(d, w, l.c, l.n, taken);
    vi_arena_release(scratch, mark);
    return rc;
}

static void reset(void *self)
{
    vi_detector *d = self;
    d->looks = 0;
    d->deep = false;
    d->turn = d->empty = 0;
}

static void save(const void *self, vi_blob *b)
{
    const vi_detector *d = self;
    int deep = d->deep;
    VI_PUT(b, deep);
    VI_PUT(b, d->turn);
    VI_PUT(b, d->empty);
}

static int load(void *self, vi_blob *b, viso_error *err)
{
    vi_detector *d = self;
    int deep = 0;
    VI_GET(b, deep);
    VI_GET(b, d->turn);
    VI_GET(b, d->empty);
    d->deep = deep != 0;
    if (b->failed)
        return vi_error_set(err, VISO_ERR_INPUT, "the state of the detector is damaged");
    return VISO_OK;
}

static void destroy(void **self)
{
    vi_detector *d = *self;
    if (!d)
        return;
    vi_detect_net_close(&d->net);
    vi_free(d);
    *self = NULL;
}

/* "auto" is 0. */
static int parse_size(const char *text, int *size, viso_error *err)
{
    char *end;
    *size = 0;
    if (strcmp(text, "auto") == 0)
        return VISO_OK;
    long v = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : 0;
    if (v < 32 || v > 4096 || *end)
        return vi_error_set(err, VISO_ERR_USAGE, "--detect-size: '%.40s' is neither auto nor a whole number in 32 .. 4096 px", text);
    *size = (int)v;
    return VISO_OK;
}

static int create(void **self, const vi_stage_env *env, viso_error *err)
{
    vi_detector *d = vi_calloc(1, sizeof(*d));
    *self = d;
    if (!d)
        return vi_error_nomem(err, "detector");
    const vi_model_row *row = NULL;
    int size = 0;
    d->k = env->k;
    d->s = *(const vi_detect_settings *)env->settings;
    int rc = parse_size(d->s.size, &size, err);
    if (!rc)
        rc = vi_detect_choose(env->models, d->s.detector, &row, err);
    if (!rc)
        rc = vi_detect_net_open(&d->net, env->k, env->models, row, size, err);
    if (rc) {
        destroy(self);
        return rc;
    }
    d->score = d->s.score > 0 ? d->s.score : d->net.family->score;
    vi_debug(&env->log, "%s: %d x %d, threshold %.2f", row->id, d->net.view.w, d->net.view.h, (double)d->score);
    return VISO_OK;
}

static const char *const pyramid_choices[] = { "auto", "1", "2", "3", NULL };
static const char *const rotate_choices[] = { "off", "auto", "all", "manual", NULL };

static const vi_option_row rows[] = {
    VI_OPTION_STRING(vi_detect_settings, detector, "detector", "Detector",
                     "The model that finds faces, by its id ('viso models list' shows those of the role detector). auto: the "
                     "embedded one.",
                     "auto", 0),
    VI_OPTION_FLOAT(vi_detect_settings, score, "detect-score", "Detection threshold",
                    "Detections the detector believes in less than this are not faces. 0: the threshold of the detector's "
                    "authors (0.5 for the embedded one).",
                    NULL, 0, 0, 0.99, 0.05, 0),
    VI_OPTION_FLOAT(vi_detect_settings, nms, "detect-overlap", "NMS threshold",
                    "Detections that overlap by more than this (intersection over union) are one face.", NULL, 0.4,
                    0.05, 0.95, 0.05, VI_OPTION_ADVANCED),
    VI_OPTION_STRING(vi_detect_settings, size, "detect-size", "Detector input",
                     "Side of the detector's input in pixels, for networks that take any size; larger finds smaller faces and "
                     "takes longer. Rounded up to what the network can take. auto: what the model was made for.",
                     "auto", VI_OPTION_ADVANCED),
    VI_OPTION_CHOICE(
        vi_detect_settings, pyramid, "pyramid", "Search levels",
        "1 looks at the whole picture, 2 and 3 also at smaller and smaller parts of it for small faces. auto: "
        "all that help in stills and at the start of a scene, parts in turn while a scene runs.",
        pyramid_choices, VI_PYRAMID_AUTO, 0),
    VI_OPTION_CHOICE(vi_detect_settings, rotate, "rotate", "Turned faces",
                     "Look for faces lying on a side or upside down: off, auto (when nothing else is found, and once more, upright, "
                     "at faces rolled beyond the limit), all (every quarter turn of every picture), manual (heads are turned by "
                     "--rotate-angle).",
                     rotate_choices, VI_ROTATE_AUTO, 0),
    VI_OPTION_FLOAT(vi_detect_settings, angle, "rotate-angle", "Turn",
                    "With --rotate manual: how far heads are turned clockwise in the picture.", "degrees", 0, -180, 180, 5,
                    VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_detect_settings, roll, "roll-limit", "Roll limit",
                    "How far a face may be rolled either way against the direction in which it is looked for; further ones are looked "
                    "at again upright (auto) or left out (all, manual). Not for detectors without points, and not with "
                    "--rotate off.",
                    "degrees", 50, 5, 180, 5, VI_OPTION_ADVANCED),
    VI_OPTION_INT(vi_detect_settings, max_faces, "max-faces", "Most faces",
                  "At most this many faces of a picture: the largest, those near the middle before others (area less twice the "
                  "squared distance from it).",
                  NULL, 64, 1, VI_MAX_FACES, 0),
    VI_OPTION_FLOAT(vi_detect_settings, min_face, "min-face", "Smallest face",
                    "Faces narrower than this are left alone.", "px", 24, 8, 4096, 1, 0),
};
const vi_option_group vi_detect_options = { "detect", "Finding faces", rows, VI_COUNT(rows),
                                            sizeof(vi_detect_settings) };

const vi_stage vi_detect_stage = {
    .id = "detect",
    .label = "Face detector",
    .kind = VI_STAGE_DETECT,
    .lane = VI_LANE_TEMPORAL,
    .gives = VISO_FACE_HAS_BOX | VISO_FACE_HAS_POINTS,
    .options = "detect",
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .save = save,
    .load = load,
    .process = process,
};
