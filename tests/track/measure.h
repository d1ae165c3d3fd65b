/* What a tracker did to a clip whose motion is known: distance to the truth, jitter, lag, changed numbers, lost frames. */
#ifndef MEASURE_H
#define MEASURE_H

#include "face/region.h"
#include "scene.h"

#define MOST_FRAMES 300
#define MOST_ACTORS 3
#define SETTLE 15
#define VI_LAG_MOST 15

typedef struct trace {
    vi_point (*raw)[VISO_MESH_POINTS];  /* per frame, in the actor's own coordinates */
    vi_point (*mesh)[VISO_MESH_POINTS]; /* as the chain leaves it */
    vi_point (*calm)[VISO_MESH_POINTS]; /* once it is settled */
    bool seen[MOST_FRAMES];
    float raw_roll[MOST_FRAMES], roll[MOST_FRAMES], calm_roll[MOST_FRAMES]; /* degrees */
    float true_roll[MOST_FRAMES], scale[MOST_FRAMES];
} trace;

typedef struct faults {
    int lost;     /* frames x actors in which somebody visible has no record, or one that is more than half faded */
    int faded;    /* records of visible actors that are not opaque */
    int extra;    /* records that belong to nobody */
    int switches; /* changed numbers */
    int number[MOST_ACTORS]; /* public track number last seen, -1 none */
} faults;

/* A frame that waits for those behind it. */
typedef struct waiting {
    vi_work *w;
    int frame;
    motion at[MOST_ACTORS];
    bool hidden[MOST_ACTORS];
    vi_affine back[MOST_ACTORS];
} waiting;

typedef struct measure {
    analysis *a;
    scene *s;
    trace t[MOST_ACTORS];
    int n_actor, frames;
    int looked, networks;
    struct {
        uint32_t born, ended, bridged, adopted, returned, points_lost, held, region_looks, second_looks;
    } count; /* of the whole clip */
    faults causal, offline;
    waiting wait[VI_LAG_MOST + 1];
    int n_wait;
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
        m->t[i].calm = calloc(MOST_FRAMES, sizeof(*m->t[i].calm));
        m->causal.number[i] = m->offline.number[i] = -1;
    }
    for (size_t i = 0; i < VI_COUNT(m->wait); i++)
        m->wait[i].w = calloc(1, sizeof(vi_work));
    return m;
}

static inline void measure_close(measure *m)
{
    for (int i = 0; i < m->n_actor; i++) {
        free(m->t[i].raw);
        free(m->t[i].mesh);
        free(m->t[i].calm);
    }
    for (size_t i = 0; i < VI_COUNT(m->wait); i++)
        free(m->wait[i].w);
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

/* How a frame's records answer for its actors. */
static inline void judge_frame(measure *m, const vi_work *w, const waiting *at, bool calm)
{
    faults *k = calm ? &m->offline : &m->causal;
    int known = 0, n = at->frame;
    for (int i = 0; i < m->n_actor; i++) {
        trace *t = &m->t[i];
        int r = nearest_record(w, &at->at[i], true);
        known += r >= 0;
        t->seen[n] = r >= 0 && !at->hidden[i];
        if (at->hidden[i])
            continue;
        if (r < 0 || w->face[r].fade < .5f)
            k->lost++;
        if (r < 0)
            continue;
        const vi_face *f = &w->face[r];
        k->faded += f->fade < .999f;
        k->switches += k->number[i] >= 0 && k->number[i] != f->f.track;
        k->number[i] = f->f.track;
        keep_mesh(calm ? t->calm[n] : t->mesh[n], f, &at->back[i]);
        (calm ? t->calm_roll : t->roll)[n] = f->f.pose.roll;
    }
    int shown = 0;
    for (int i = 0; i < w->n_face; i++)
        shown += w->face[i].fade > 0;
    k->extra += VI_MAX(0, shown - known);
}

static inline void settle_oldest(measure *m)
{
    waiting first = m->wait[0];
    vi_track_settle(m->a->begin, first.w);
    judge_frame(m, first.w, &first, true);
    m->n_wait--;
    for (int i = 0; i < m->n_wait; i++)
        m->wait[i] = m->wait[i + 1];
    m->wait[m->n_wait] = first;
}

/* The clip is over. */
static inline void measure_end(measure *m)
{
    while (m->n_wait)
        settle_oldest(m);
}

/* Runs the analysis over the scene's frame. `at[i]`: where actor i is; hidden[i]: cannot be seen, losing it is no fault. */
static inline void measure_frame(measure *m, const still_actor *actor, const motion *at, const bool *hidden)
{
    analysis *a = m->a;
    vi_work *w = a->w;
    int n = m->frames;
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
    waiting *now = &m->wait[m->n_wait++];
    now->frame = n;
    for (int i = 0; i < m->n_actor; i++) {
        vi_affine to_frame = actor_map(&actor[i], &at[i]);
        now->at[i] = at[i];
        now->hidden[i] = hidden && hidden[i];
        vi_affine_invert(&to_frame, &now->back[i]);
        m->t[i].true_roll[n] = at[i].roll;
        m->t[i].scale[n] = at[i].width / actor[i].width;
        int r = nearest_record(w, &at[i], true);
        if (r >= 0) {
            vi_pose3d pose;
            keep_mesh(m->t[i].raw[n], &w->face[r], &now->back[i]);
            if (vi_pose_fit(w->canonical, w->face[r].f.mesh, &pose))
                m->t[i].raw_roll[n] = pose.angles.roll;
        }
    }
    OK_OF(a->err, vi_track_end.process(a->end, w, &a->arena, &a->err));
    OK_OF(a->err, vi_identify_recognise.process(a->identify, w, &a->arena, &a->err));
    vi_track_confirm(a->begin, w, 0.42f);
    assert_int_equal(vi_arena_mark(&a->arena), 0);
    m->looked += w->count.looks > 0;
    m->networks += (int)w->count.networks;
    m->count.born += w->count.born;
    m->count.ended += w->count.ended;
    m->count.bridged += w->count.bridged;
    m->count.adopted += w->count.adopted;
    m->count.returned += w->count.returned;
    m->count.points_lost += w->count.points_lost;
    m->count.held += w->count.held;
    m->count.region_looks += w->count.region_looks;
    m->count.second_looks += w->count.second_looks;
    judge_frame(m, w, now, false);
    *now->w = *w;
    m->frames++;
    if (m->n_wait > vi_track_lag(a->begin))
        settle_oldest(m);
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

static inline void report_one(const measure *m, const char *name, bool calm)
{
    const faults *k = calm ? &m->offline : &m->causal;
    print_message("%-20s %s", name, calm ? "offline" : "causal ");
    for (int i = 0; i < m->n_actor; i++) {
        const trace *t = &m->t[i];
        turn_error e = roll_error(t, calm ? t->calm_roll : t->roll, m->frames), raw = roll_error(t, t->raw_roll, m->frames);
        print_message("%s rms %.3f (raw %.3f) px, jitter@1080 %.3f (raw %.3f) px, roll sd %.3f (raw %.3f) worst %.2f",
                      i ? " |" : "", rms_of(t, calm ? t->calm : t->mesh, m->frames), rms_of(t, t->raw, m->frames),
                      jitter_of(t, calm ? t->calm : t->mesh, m->frames, 480), jitter_of(t, t->raw, m->frames, 480), e.sd, raw.sd,
                      e.worst);
        if (e.lag > -2.9)
            print_message(" lag %.2f", e.lag);
    }
    print_message("; lost %d faded %d extra %d switches %d\n", k->lost, k->faded, k->extra, k->switches);
}

/* Settles what still waits, and prints both. */
static inline void report(const char *name, measure *m)
{
    measure_end(m);
    report_one(m, name, false);
    report_one(m, name, true);
    print_message("%-20s looked at %d of %d, %.2f networks a frame; born %u ended %u bridged %u adopted %u returned %u; points lost %u "
                  "held %u looks around %u, second %u\n",
                  "", m->looked, m->frames, (double)m->networks / m->frames, m->count.born, m->count.ended, m->count.bridged,
                  m->count.adopted, m->count.returned, m->count.points_lost, m->count.held, m->count.region_looks,
                  m->count.second_looks);
}

#endif
