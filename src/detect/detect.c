/* detect/detect.c: the MediaPipe full-range detector as a stage of the temporal lane (one thread).
 *
 * The network sees 192 x 192; everything here decides through which windows it looks at the picture. A window is
 * sampled straight from the frame in its own format, so no frame is ever converted as a whole. Stills get every window at
 * once. In video a look costs one window for the whole picture and a few tiles taken in turn, so that small faces are found
 * within a second or two at a small constant price; the first frame of a scene gets everything. */
#include "detect/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/decode.h"
#include "models/models.h"

#define MODEL "face_detection_full_range"
#define MAX_CANDIDATES 4096
/* The landmark network's view: 1.5 times the longer side of the box (recipe section 2). */
#define ROI_MARGIN 1.5f
/* Sides of the two tile levels as part of the picture's longer side. */
static const float levels[2] = { 0.55f, 0.30f };
/* Window for close-ups whose face fills the picture. */
#define CLOSE_UP 1.5f
/* Tiles looked at in turn per look at a running scene. */
#define TURN_TILES 3
/* Without any face, one look in so many also tries the close-up window and the turned pictures. */
#define DEEP_EVERY 12
/* A detection and a followed face are the same above SAME_IOU. From TOUCH_IOU up to DRIFT_IOU the follower's region is renewed
 * from the detector (recipe section 9, fix 11): landmarks that sit well overlap their detection by 0.58 or more on every clip
 * looked at, so less means that they slid or shrank. */
#define SAME_IOU 0.4f
#define TOUCH_IOU 0.1f
#define DRIFT_IOU 0.5f
/* The landmark model's own limit; a carried record below it was not seen in the last frame. */
#define LOST_PRESENCE 0.5f

enum { PYRAMID_AUTO, PYRAMID_1, PYRAMID_2, PYRAMID_3 };
enum { ROTATE_OFF, ROTATE_AUTO, ROTATE_ALL };

typedef struct detector {
    const vi_kernels *k;
    vi_detect_settings s;
    vi_run *run;
    float scale[3], offset[3];
    bool bgr;
    int in_image, out_boxes, out_scores;
    /* Time. */
    uint32_t looks; /* how often this frame was looked at, this look included */
    bool deep;      /* the close-up window and the turned pictures were tried on this frame */
    uint64_t turn;  /* next tile to look at in turn */
    uint64_t empty; /* looks in a row that found nothing */
} detector;

/* One look in progress. */
typedef struct look {
    detector *d;
    vi_work *w;
    vi_arena *scratch;
    vi_rgb crop;
    vi_candidate *c;
    int n;
} look;

static int look_through(look *l, const vi_window *win, viso_error *err)
{
    detector *d = l->d;
    vi_affine to_upright = vi_window_to_picture(win, VI_DETECT_INPUT);
    vi_affine to_frame = vi_affine_compose(&l->w->upright, &to_upright);
    int rc = d->k->sample(l->w->frame, l->w->colour, &to_frame, &l->crop, VI_BORDER_ZERO, l->scratch);
    if (rc)
        return vi_error_set(err, rc, "detector: out of scratch memory for a window");
    size_t n_reg, n_cls;
    d->k->to_tensor(vi_run_input(d->run, d->in_image, NULL), &l->crop, d->scale, d->offset, d->bgr);
    rc = vi_run_now(d->run, err);
    if (rc)
        return rc;
    l->w->count.networks++;
    const float *reg = vi_run_output(d->run, d->out_boxes, &n_reg);
    const float *cls = vi_run_output(d->run, d->out_scores, &n_cls);
    int found = vi_detect_decode(reg, cls, d->s.score, win, l->c + l->n, MAX_CANDIDATES - l->n);
    /* Merged per window first: each view then has one voice in the mean over views. */
    l->n += vi_detect_merge(l->c + l->n, found, d->s.nms);
    return VISO_OK;
}

static int look_through_all(look *l, const vi_window *win, int n, viso_error *err)
{
    int rc = VISO_OK;
    for (int i = 0; i < n && !rc; i++)
        rc = look_through(l, &win[i], err);
    return rc;
}

/* All tiles of the first `n_level` levels. */
static int tiles(const vi_work *w, int n_level, vi_window *out)
{
    int n = 0;
    for (int i = 0; i < n_level; i++)
        n += vi_window_tiles(out + n, VI_WINDOWS_MAX - n, w->width, w->height, levels[i]);
    return n;
}

/* Levels of tiles worth looking at: a coarser view already shows a face of the smallest wanted size with `plain` pixels. */
static int useful_levels(const detector *d, const vi_work *w)
{
    const float plain = 18;
    float side = (float)VI_MAX(w->width, w->height);
    int n = 0;
    while (n < 2 && d->s.min_face * VI_DETECT_INPUT / (side * (n ? levels[n - 1] : 1.0f)) < plain)
        n++;
    return n;
}

/* The first look at a still or at a new scene: every level the settings allow. */
static int look_full(look *l, viso_error *err)
{
    detector *d = l->d;
    vi_window win[VI_WINDOWS_MAX + 1];
    int level = d->s.pyramid == PYRAMID_AUTO ? (l->w->still ? 2 : useful_levels(d, l->w)) : d->s.pyramid - PYRAMID_1;
    int n = tiles(l->w, level, win + 1);
    win[0] = vi_window_whole(l->w->width, l->w->height, 1, 0);
    return look_through_all(l, win, n + 1, err);
}

/* A look into a running scene: the whole picture, and some tiles in turn. */
static int look_light(look *l, viso_error *err)
{
    detector *d = l->d;
    vi_window whole = vi_window_whole(l->w->width, l->w->height, 1, 0), win[VI_WINDOWS_MAX];
    int rc = look_through(l, &whole, err);
    if (rc)
        return rc;
    if (d->s.pyramid > PYRAMID_1)
        return look_through_all(l, win, tiles(l->w, d->s.pyramid - PYRAMID_1, win), err);
    int n = d->s.pyramid == PYRAMID_AUTO ? tiles(l->w, useful_levels(d, l->w), win) : 0;
    for (int i = 0; i < VI_MIN(n, TURN_TILES) && !rc; i++)
        rc = look_through(l, &win[d->turn++ % (uint64_t)n], err);
    return rc;
}

/* The landmark model lost a followed face in this very frame: look where it was, at two scales. */
static int look_around_lost(look *l, viso_error *err)
{
    static const float scale[2] = { 1.6f, 3.5f }; /* times the landmark region; a face is then 80 and 37 pixels wide */
    int rc = VISO_OK;
    for (int i = 0; i < l->w->n_face; i++) {
        const vi_face *f = &l->w->face[i];
        if (f->slot < 0 || (f->f.has & VISO_FACE_HAS_MESH) || !(f->roi.side > 1))
            continue;
        for (int j = 0; j < 2 && !rc; j++) {
            vi_window win = { f->roi.cx, f->roi.cy, f->roi.side * scale[j], 0, 0 };
            /* A head rolled beyond what the network knows is shown upright by the nearest quarter turn. */
            win.turns = (int)lroundf(f->roi.angle / 1.5707963f) & 3;
            win.inner = vi_window_inner(&win, l->w->width, l->w->height);
            rc = look_through(l, &win, err);
        }
    }
    return rc;
}

static int look_turned(look *l, viso_error *err)
{
    static const int order[3] = { 2, 1, 3 }; /* upside down is the likeliest */
    int rc = VISO_OK;
    for (int i = 0; i < 3 && !rc; i++) {
        vi_window win = vi_window_whole(l->w->width, l->w->height, 1, order[i]);
        rc = look_through(l, &win, err);
        if (!rc && l->n && l->d->s.rotate != ROTATE_ALL)
            break;
    }
    return rc;
}

/* Faces that fill the picture, then faces that are not upright. */
static int look_deep(look *l, viso_error *err)
{
    vi_window win = vi_window_whole(l->w->width, l->w->height, CLOSE_UP, 0);
    int rc = look_through(l, &win, err);
    l->d->deep = true;
    if (rc || l->n)
        return rc;
    return l->d->s.rotate == ROTATE_OFF ? VISO_OK : look_turned(l, err);
}

static int by_area(const void *a, const void *b)
{
    const vi_box *p = &((const vi_candidate *)a)->box, *q = &((const vi_candidate *)b)->box;
    float x = (p->x1 - p->x0) * (p->y1 - p->y0), y = (q->x1 - q->x0) * (q->y1 - q->y0);
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Which way the face's own x axis points: along the line of the eyes (recipe). In profile the two eyes can fall together and
 * their line then means nothing; where it disagrees with the way down to the mouth, that way decides. */
static float face_angle(const vi_point kp[6])
{
    float ex = kp[1].x - kp[0].x, ey = kp[1].y - kp[0].y;
    float dx = kp[3].x - (kp[0].x + kp[1].x) / 2, dy = kp[3].y - (kp[0].y + kp[1].y) / 2;
    /* Down turned back by a quarter is (dy, -dx); cosine to the eyes' line below cos 45 degrees: they disagree. */
    float agree = ex * dy - ey * dx, size = hypotf(ex, ey) * hypotf(dx, dy);
    return agree > 0.7071f * size ? atan2f(ey, ex) : atan2f(ey - dx, ex + dy);
}

static void set_region(vi_face *f, const vi_candidate *c)
{
    f->f.score = c->score;
    memcpy(f->kp, c->kp, sizeof(f->kp));
    f->has_kp = true;
    f->roi.cx = (c->box.x0 + c->box.x1) / 2;
    f->roi.cy = (c->box.y0 + c->box.y1) / 2;
    f->roi.side = ROI_MARGIN * fmaxf(c->box.x1 - c->box.x0, c->box.y1 - c->box.y0);
    f->roi.angle = face_angle(c->kp);
}

static void append(vi_work *w, const vi_candidate *c)
{
    vi_face *f = &w->face[w->n_face++];
    memset(f, 0, sizeof(*f));
    f->slot = f->source = f->f.track = -1;
    f->fresh = true;
    f->fade = 1;
    set_region(f, c);
    f->f.box = c->box;
    /* Of the detector's points only one mouth point exists; the landmark stage replaces all five. */
    vi_point mouth = c->kp[3];
    float ex = (c->kp[1].x - c->kp[0].x) * 0.4f, ey = (c->kp[1].y - c->kp[0].y) * 0.4f;
    f->f.points[0] = c->kp[0];
    f->f.points[1] = c->kp[1];
    f->f.points[2] = c->kp[2];
    f->f.points[3] = (vi_point){ mouth.x - ex, mouth.y - ey };
    f->f.points[4] = (vi_point){ mouth.x + ex, mouth.y + ey };
    f->f.has = VISO_FACE_HAS_BOX | VISO_FACE_HAS_POINTS;
}

/* Brings candidates (largest first) together with faces that are followed already. Each followed face takes the candidate it
 * overlaps most; what no face took is new. */
static void merge_into(detector *d, vi_work *w, vi_candidate *c, int n, bool *taken)
{
    int known = w->n_face;
    memset(taken, 0, (size_t)n * sizeof(*taken));
    for (int i = 0; i < known; i++) {
        vi_face *f = &w->face[i];
        bool seen = (f->f.has & VISO_FACE_HAS_MESH) != 0; /* a second look: the landmark model has spoken */
        int best = -1;
        float most = TOUCH_IOU;
        for (int j = 0; j < n; j++) {
            float iou = vi_box_iou(&f->f.box, &c[j].box);
            if (iou > SAME_IOU)
                taken[j] = true; /* also keeps a second, weaker detection of the same face out */
            if (iou > most) {
                most = iou;
                best = j;
            }
        }
        if (best < 0)
            continue;
        bool lost = d->looks > 1 || !(f->f.presence >= LOST_PRESENCE);
        if (most > SAME_IOU)
            f->f.score = c[best].score;
        else if (seen || taken[best])
            continue;
        taken[best] = true;
        if (!seen && (lost || most < DRIFT_IOU))
            set_region(f, &c[best]);
    }
    int most_faces = VI_MIN(d->s.max_faces, VI_MAX_FACES);
    for (int j = 0; j < n && w->n_face < most_faces; j++)
        if (!taken[j] && c[j].box.x1 - c[j].box.x0 >= d->s.min_face)
            append(w, &c[j]);
}

static int process(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
{
    detector *d = self;
    if (!w->want_detect)
        return VISO_OK;
    d->looks = ++w->count.looks;
    size_t mark = vi_arena_mark(scratch);
    look l = { .d = d, .w = w, .scratch = scratch };
    l.crop = vi_rgb_new(scratch, VI_DETECT_INPUT, VI_DETECT_INPUT);
    l.c = vi_arena_alloc(scratch, MAX_CANDIDATES * sizeof(*l.c));
    bool *taken = vi_arena_alloc(scratch, MAX_CANDIDATES * sizeof(*taken));
    if (!l.crop.c[2].p || !l.c || !taken) {
        vi_arena_release(scratch, mark);
        return vi_error_nomem(err, "detector scratch");
    }
    int rc;
    bool first = w->still || w->cut;
    if (d->looks > 1) {
        /* Asked again: what was found first did not hold up. */
        rc = look_around_lost(&l, err);
        if (!rc && !l.n && w->n_face == 0 && !d->deep)
            rc = look_deep(&l, err);
    } else {
        d->deep = false;
        rc = first ? look_full(&l, err) : look_light(&l, err);
        bool nothing = !l.n && w->n_face == 0;
        if (!rc && nothing && (first || d->empty % DEEP_EVERY == DEEP_EVERY - 1))
            rc = look_deep(&l, err);
        else if (!rc && d->s.rotate == ROTATE_ALL)
            rc = look_turned(&l, err);
        d->empty = l.n || w->n_face ? 0 : d->empty + 1;
    }
    if (!rc) {
        int n = vi_detect_merge(l.c, l.n, d->s.nms);
        if (n > 1)
            qsort(l.c, (size_t)n, sizeof(*l.c), by_area);
        merge_into(d, w, l.c, n, taken);
    }
    vi_arena_release(scratch, mark);
    return rc;
}

static void reset(void *self)
{
    detector *d = self;
    d->looks = 0;
    d->deep = false;
    d->turn = d->empty = 0;
}

static void destroy(void **self)
{
    detector *d = *self;
    if (!d)
        return;
    vi_run_destroy(&d->run);
    vi_free(d);
    *self = NULL;
}

static int create(void **self, const vi_stage_env *env, viso_error *err)
{
    detector *d = vi_calloc(1, sizeof(*d));
    *self = d;
    if (!d)
        return vi_error_nomem(err, "detector");
    const vi_model_row *row = NULL;
    int rc;
    d->k = env->k;
    d->s = *(const vi_detect_settings *)env->settings;
    if ((rc = vi_models_run(env->models, MODEL, &d->run, &row, err)))
        goto fail;
    d->in_image = vi_model_role_index(row, "image");
    d->out_boxes = vi_model_role_index(row, "regressors");
    d->out_scores = vi_model_role_index(row, "classificators");
    if (d->in_image < 0 || d->out_boxes < 0 || d->out_scores < 0) {
        rc = vi_error_set(err, VISO_ERR_MODEL,
                          "model " MODEL ": manifest row lacks a role (image, regressors, classificators)");
        goto fail;
    }
    size_t n_in = 0, n_reg = 0, n_cls = 0;
    vi_run_input(d->run, d->in_image, &n_in);
    vi_run_output(d->run, d->out_boxes, &n_reg);
    vi_run_output(d->run, d->out_scores, &n_cls);
    if (n_in != 3 * VI_DETECT_INPUT * VI_DETECT_INPUT || n_reg != VI_DETECT_ANCHORS * VI_DETECT_VALUES ||
        n_cls != VI_DETECT_ANCHORS) {
        rc = vi_error_set(err, VISO_ERR_MODEL, "model " MODEL ": tensors of %zu, %zu, %zu values, expected %d, %d, %d",
                          n_in, n_reg, n_cls, 3 * VI_DETECT_INPUT * VI_DETECT_INPUT,
                          VI_DETECT_ANCHORS * VI_DETECT_VALUES, VI_DETECT_ANCHORS);
        goto fail;
    }
    memcpy(d->scale, row->scale, sizeof(d->scale));
    memcpy(d->offset, row->offset, sizeof(d->offset));
    d->bgr = row->bgr;
    return VISO_OK;
fail:
    destroy(self);
    return rc;
}

static const char *const pyramid_choices[] = { "auto", "1", "2", "3", NULL };
static const char *const rotate_choices[] = { "off", "auto", "all", NULL };

static const vi_option_row rows[] = {
    VI_OPTION_FLOAT(vi_detect_settings, score, "detect-score", "Detection threshold",
                    "Detections the detector believes in less than this are not faces.", NULL, 0.5, 0.05, 0.99, 0.05,
                    0),
    VI_OPTION_FLOAT(vi_detect_settings, nms, "detect-overlap", "Merge overlap",
                    "Detections that overlap by more than this (intersection over union) are one face.", NULL, 0.3,
                    0.05, 0.95, 0.05, VI_OPTION_ADVANCED),
    VI_OPTION_CHOICE(
        vi_detect_settings, pyramid, "pyramid", "Search levels",
        "1 looks at the whole picture, 2 and 3 also at smaller and smaller parts of it for small faces. auto: "
        "everything in stills and at the start of a scene, parts in turn while a scene runs.",
        pyramid_choices, PYRAMID_AUTO, 0),
    VI_OPTION_CHOICE(vi_detect_settings, rotate, "rotate", "Turned faces",
                     "Look for faces lying on a side or upside down: off, auto (when nothing else is found), all.",
                     rotate_choices, ROTATE_AUTO, 0),
    VI_OPTION_INT(vi_detect_settings, max_faces, "max-faces", "Most faces",
                  "At most this many faces of a picture, largest first.", NULL, 64, 1, VI_MAX_FACES, 0),
    VI_OPTION_FLOAT(vi_detect_settings, min_face, "min-face", "Smallest face",
                    "Faces narrower than this are left alone.", "px", 24, 8, 4096, 1, 0),
};
const vi_option_group vi_detect_options = { "detect", "Finding faces", rows, VI_COUNT(rows),
                                            sizeof(vi_detect_settings) };

const vi_stage vi_detect_mediapipe = {
    .id = "mediapipe-full",
    .label = "MediaPipe full-range face detector",
    .kind = VI_STAGE_DETECT,
    .lane = VI_LANE_TEMPORAL,
    .gives = VISO_FACE_HAS_BOX | VISO_FACE_HAS_POINTS,
    .options = "detect",
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .process = process,
};
