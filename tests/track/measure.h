/* What a tracker did to a clip whose motion is known: distance to the truth, jitter, lag, changed numbers, lost frames. */
#ifndef MEASURE_H
#define MEASURE_H

#include "face/region.h"
#include "scene.h"

#define MOST_FRAMES 300
#define MOST_ACTORS 3
#define SETTLE 15

typedef struct trace {
    vi_point (*raw)[VISO_MESH_POINTS];  /* per frame, in the actor's own coordinates */
    vi_point (*mesh)[VISO_MESH_POINTS];
    bool seen[MOST_FRAMES];
    float raw_roll[MOST_FRAMES], roll[MOST_FRAMES]; /* degrees */
    float true_roll[MOST_FRAMES], scale[MOST_FRAMES];
    int number; /* public track number last seen, -1 none */
} trace;

typedef struct measure {
    analysis *a;
    scene *s;
    trace t[MOST_ACTORS];
    int n_actor, frames;
    int looked, networks;
    int lost;     /* frames x actors in which somebody visible has no record, or one that is more than half faded */
    int faded;    /* records of visible actors that are not opaque */
    int extra;    /* records that belong to nobody */
    int switches; /* changed numbers */
    float worst_fade;
} measure;

static inline measure *measure_open(const char *const *set, int n_actor)
{
    measure *m = calloc(1, sizeof(*m));
    m->a = analysis_open(set);
    m->s = scene_open(m->a, 640, 480);
    m->n_actor = n_actor;
    for (int i = 0; i < n_actor; i++) {
        m->t[i].raw = calloc(MOST_FRAMES, sizeof(*m->t[i].raw));
        m->t[i].mesh = calloc(MOST_FRAMES, sizeof(*m->t[i].mesh));
        m->t[i].number = -1;
    }
    return m;
}

static inline void measure_close(measure *m)
{
    for (int i = 0; i < m->n_actor; i++) {
        free(m->t[i].raw);
        free(m->t[i].mesh);
    }
    scene_close(m->s);
    analysis_close(m->a);
    free(m);
}

static inline int nearest_record(const vi_work *w, const motion *at, bool meshed)
{
    int best = -1;
    float least = .45f * at->width;
    for (int i = 0; i < w->n_face; i++) {
        const vi_box *b = &w->face[i].f.box;
        float d = hypotf((b->x0 + b->x1) / 2 - at->x, (b->y0 + b->y1) / 2 - at->y);
        if (d < least && (!meshed || (w->face[i].f.has & VISO_FACE_HAS_MESH))) {
            least = d;
            best = i;
        }
    }
    return best;
}

static inline void keep_mesh(vi_point *to, const vi_face *f, const vi_affine *back)
{
    for (int p = 0; p < VISO_MESH_POINTS; p++)
        to[p] = vi_affine_apply(back, f->f.mesh[p].x, f->f.mesh[p].y);
}

/* Runs the analysis over the scene's frame. `at[i]`: where actor i is; hidden[i]: cannot be seen, losing it is no fault. */
static inline void measure_frame(measure *m, const still_actor *actor, const motion *at, const bool *hidden)
{
    analysis *a = m->a;
    vi_work *w = a->w;
    int n = m->frames, embed = 1;
    w->frame = m->s->frame;
    w->colour = &m->s->colour;
    w->upright = vi_frame_upright(w->frame, &w->width, &w->height);
    w->still = false;
    w->sequence = (uint64_t)n;
    w->n_face = w->n_look = 0;
    memset(&w->count, 0, sizeof(w->count));
    OK_OF(a->err, vi_track_begin.process(a->begin, w, &a->arena, &a->err));
    do {
        if (w->want_detect)
            OK_OF(a->err, vi_detect_stage.process(a->detect, w, &a->arena, &a->err));
        OK_OF(a->err, vi_landmark_points.process(a->landmark, w, &a->arena, &a->err));
    } while (vi_track_retry(a->begin, w));
    vi_affine back[MOST_ACTORS];
    for (int i = 0; i < m->n_actor; i++) {
        vi_affine to_frame = actor_map(&actor[i], &at[i]);
        vi_affine_invert(&to_frame, &back[i]);
        int r = nearest_record(w, &at[i], true);
        if (r >= 0) {
            vi_pose3d pose;
            keep_mesh(m->t[i].raw[n], &w->face[r], &back[i]);
            if (vi_pose_fit(w->canonical, w->face[r].f.mesh, &pose))
                m->t[i].raw_roll[n] = pose.angles.roll;
        }
    }
    OK_OF(a->err, vi_track_end.process(a->end, w, &a->arena, &a->err));
    if (embed) {
        OK_OF(a->err, vi_identify_recognise.process(a->identify, w, &a->arena, &a->err));
        vi_track_confirm(a->begin, w, 0.42f);
    }
    assert_int_equal(vi_arena_mark(&a->arena), 0);
    m->looked += w->count.looks > 0;
    m->networks += (int)w->count.networks;
    int known = 0;
    for (int i = 0; i < m->n_actor; i++) {
        trace *t = &m->t[i];
        int r = nearest_record(w, &at[i], true);
        known += r >= 0;
        t->true_roll[n] = at[i].roll;
        t->scale[n] = at[i].width / actor[i].width;
        t->seen[n] = r >= 0 && !(hidden && hidden[i]);
        if (hidden && hidden[i])
            continue;
        if (r < 0 || w->face[r].fade < .5f)
            m->lost++;
        if (r < 0)
            continue;
        const vi_face *f = &w->face[r];
        m->faded += f->fade < .999f;
        m->switches += t->number >= 0 && t->number != f->f.track;
        t->number = f->f.track;
        keep_mesh(t->mesh[n], f, &back[i]);
        t->roll[n] = f->f.pose.roll;
    }
    m->extra += VI_MAX(0, w->n_face - known);
    m->frames++;
}

/* RMS distance to the known motion in frame pixels: each point against its own mean place on the actor. */
static inline double rms_of(const trace *t, vi_point (*p)[VISO_MESH_POINTS], int frames)
{
    double sum = 0;
    long n = 0;
    for (int k = 0; k < VISO_MESH_POINTS; k++) {
        double mx = 0, my = 0, count = 0;
        for (int i = SETTLE; i < frames; i++) {
            if (t->seen[i]) {
                mx += p[i][k].x;
                my += p[i][k].y;
                count++;
            }
        }
        for (int i = SETTLE; i < frames && count > 0; i++) {
            if (!t->seen[i])
                continue;
            double dx = (p[i][k].x - mx / count) * t->scale[i], dy = (p[i][k].y - my / count) * t->scale[i];
            sum += dx * dx + dy * dy;
            n++;
        }
    }
    return n ? sqrt(sum / (double)n) : 0;
}

/* RMS per axis of second differences with the known motion taken out, in pixels of 1080 lines. */
static inline double jitter_of(const trace *t, vi_point (*p)[VISO_MESH_POINTS], int frames, int lines)
{
    double sum = 0;
    long n = 0;
    for (int i = SETTLE + 1; i + 1 < frames; i++) {
        if (!t->seen[i - 1] || !t->seen[i] || !t->seen[i + 1])
            continue;
        for (int k = 0; k < VISO_MESH_POINTS; k++) {
            double dx = (p[i + 1][k].x - 2 * p[i][k].x + p[i - 1][k].x) * t->scale[i],
                   dy = (p[i + 1][k].y - 2 * p[i][k].y + p[i - 1][k].y) * t->scale[i];
            sum += dx * dx + dy * dy;
            n += 2;
        }
    }
    return n ? sqrt(sum / (double)n) * 1080 / lines : 0;
}

typedef struct turn_error {
    double sd, worst; /* of measured roll against the true one, constant difference taken out; degrees */
    double lag;       /* frames by which the measured follows the true one */
} turn_error;

static inline turn_error roll_error(const trace *t, const float *roll, int frames)
{
    turn_error e = { 0 };
    double mean = 0, n = 0, least = 1e30;
    for (int i = SETTLE; i < frames; i++)
        mean += t->seen[i] ? roll[i] - t->true_roll[i] : 0, n += t->seen[i];
    mean /= fmax(n, 1);
    for (int i = SETTLE; i < frames; i++) {
        double d = t->seen[i] ? roll[i] - t->true_roll[i] - mean : 0;
        e.sd += d * d;
        e.worst = fmax(e.worst, fabs(d));
    }
    e.sd = sqrt(e.sd / fmax(n, 1));
    for (double lag = -3; lag <= 5; lag += .05) { /* true roll between frames by a line: fine for 30 frames a turn */
        double sum = 0;
        for (int i = SETTLE + 6; i < frames - 4; i++) {
            double at = i - lag;
            int j = (int)floor(at);
            double want = t->true_roll[j] + (at - j) * (t->true_roll[j + 1] - t->true_roll[j]);
            sum += t->seen[i] ? pow(roll[i] - mean - want, 2) : 0;
        }
        if (sum < least - 1e-9) {
            least = sum;
            e.lag = lag;
        }
    }
    return e;
}

static inline void report(const char *name, const measure *m)
{
    print_message("%-26s", name);
    for (int i = 0; i < m->n_actor; i++) {
        const trace *t = &m->t[i];
        turn_error e = roll_error(t, t->roll, m->frames), raw = roll_error(t, t->raw_roll, m->frames);
        print_message("%s rms %.3f (raw %.3f) px, jitter@1080 %.3f (raw %.3f) px, roll sd %.3f (raw %.3f) worst %.2f",
                      i ? " |" : "", rms_of(t, t->mesh, m->frames), rms_of(t, t->raw, m->frames),
                      jitter_of(t, t->mesh, m->frames, 480), jitter_of(t, t->raw, m->frames, 480), e.sd, raw.sd, e.worst);
        if (e.lag > -2.9)
            print_message(" lag %.2f frames", e.lag);
    }
    print_message("; looked %d of %d, %.2f networks, lost %d faded %d extra %d switches %d\n", m->looked, m->frames,
                  (double)m->networks / m->frames, m->lost, m->faded, m->extra, m->switches);
}

#endif
