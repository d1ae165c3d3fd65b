/* pipeline/measure_jitter.c: second differences of landmarks beyond the picture's own motion; see measure.h. What the network gave
 * and what was used meet by slot and frame number. One thread (vi-time). */
#include <math.h>
#include <string.h>

#include "face/region.h"
#include "pipeline/measure_parts.h"

enum { KEPT = 128 }; /* frames; more than VI_MEASURE_LAG */
_Static_assert((int)KEPT > VI_MEASURE_LAG + 2, "moments are kept until the final record comes");

/* A face through the last frames. */
typedef struct trail {
    int row;           /* frames in a row, this one included, up to 3 */
    int given;         /* of these, the last ones whose landmarks the network gave */
    int track;
    uint64_t sequence; /* of the last */
    vi_point point[2][VI_STEADY_POINTS]; /* there, and in the frame before it */
} trail;

/* A face in a frame, as the network saw it. */
typedef struct moment {
    uint64_t number; /* of the frame, plus 1; 0 none */
    vi_shown shown;
    bool counts;
    bool given; /* the network gave the landmarks, here and in both frames before */
    vi_affine motion; /* of the picture since the frame before */
    double jitter, roll; /* squares; with `counts` */
} moment;

struct vi_jitter {
    vi_watches *watches;
    trail raw[VI_MAX_TRACKS], final[VI_MAX_TRACKS];
    moment moment[VI_MAX_TRACKS][KEPT];
    vi_jitter_sums sums;
};

int vi_jitter_create(vi_jitter **out, const vi_kernels *k)
{
    vi_jitter *j = vi_calloc(1, sizeof *j);
    *out = j;
    if (j && !vi_watches_create(&j->watches, k))
        return VISO_OK;
    vi_jitter_destroy(out);
    return VISO_ERR_NO_SPACE;
}

void vi_jitter_destroy(vi_jitter **j)
{
    if (!*j)
        return;
    vi_watches_destroy(&(*j)->watches);
    vi_free(*j);
    *j = NULL;
}

const vi_jitter_sums *vi_jitter_so_far(const vi_jitter *j)
{
    return &j->sums;
}

static moment *moment_at(vi_jitter *j, int slot, uint64_t sequence)
{
    return &j->moment[slot][sequence % KEPT];
}

static bool is_of(const moment *m, uint64_t sequence)
{
    return m->number == sequence + 1;
}

/* How the picture moved into this frame and into the one before: both or neither as it shows, so that steady motion cancels.
 * False where it moved in a way that cannot be followed (blur, a turn out of sight). */
static bool motions(vi_jitter *j, int slot, uint64_t sequence, vi_affine m[2])
{
    const moment *now = moment_at(j, slot, sequence), *then = moment_at(j, slot, sequence - 1);
    vi_shown a = is_of(now, sequence) ? now->shown : VI_SHOWN_NOTHING, b = is_of(then, sequence - 1) ? then->shown : VI_SHOWN_NOTHING;
    bool told = a == VI_SHOWN_MOTION && b == VI_SHOWN_MOTION;
    m[0] = told ? now->motion : vi_affine_identity();
    m[1] = told ? then->motion : vi_affine_identity();
    return a != VI_SHOWN_UNCLEAR && b != VI_SHOWN_UNCLEAR;
}

static double turn(const vi_point *from, const vi_point *to)
{
    vi_affine a;
    return vi_similarity_fit(from, to, VI_STEADY_POINTS, &a) ? atan2((double)a.m[3], (double)a.m[0]) * 57.29577951308232 : 0;
}

/* Squares of the second differences of the points (mean) and of the roll. */
static void second_difference(const trail *t, const vi_point *now, const vi_affine m[2], float scale, double *jitter, double *roll)
{
    vi_point moved[VI_STEADY_POINTS], moved_then[VI_STEADY_POINTS];
    double sum = 0;
    for (int i = 0; i < VI_STEADY_POINTS; i++) {
        const vi_point *then = &t->point[0][i], *first = &t->point[1][i];
        moved[i] = vi_affine_apply(&m[0], then->x, then->y);
        moved_then[i] = vi_affine_apply(&m[1], first->x, first->y);
        double dx = (double)now[i].x - moved[i].x - (then->x - moved_then[i].x);
        double dy = (double)now[i].y - moved[i].y - (then->y - moved_then[i].y);
        sum += dx * dx + dy * dy;
    }
    double angle = turn(moved, now) - turn(moved_then, t->point[0]);
    *jitter = sum / VI_STEADY_POINTS * scale * scale;
    *roll = angle * angle;
}

/* Whether the face was there in the two frames before this one as well; then this one becomes the last. */
static bool step(trail *t, const vi_work *w, int track)
{
    bool goes_on = t->row > 0 && !w->cut && t->sequence + 1 == w->sequence && t->track == track;
    t->row = goes_on ? VI_MIN(t->row + 1, 3) : 1;
    t->track = track;
    t->sequence = w->sequence;
    return t->row == 3;
}

static void keep(trail *t, const vi_point *now)
{
    memcpy(t->point[1], t->point[0], sizeof t->point[1]);
    memcpy(t->point[0], now, sizeof t->point[0]);
}

static float to_1080(const vi_work *w)
{
    return w->height > 0 ? 1080.0f / (float)w->height : 1;
}

void vi_jitter_raw(vi_jitter *j, const vi_work *w)
{
    for (int i = 0; i < w->n_face; i++) {
        const vi_face *f = &w->face[i];
        vi_point now[VI_STEADY_POINTS];
        vi_affine m[2];
        if (f->slot < 0 || f->slot >= VI_MAX_TRACKS || !(f->f.has & VISO_FACE_HAS_MESH))
            continue;
        vi_steady_points(f->f.mesh, now);
        trail *t = &j->raw[f->slot];
        moment *at = moment_at(j, f->slot, w->sequence);
        *at = (moment){ .number = w->sequence + 1, .counts = step(t, w, f->f.track) };
        at->shown = vi_watch_face(j->watches, w, f->slot, now, vi_face_width(&f->f), &at->motion);
        at->counts = at->counts && motions(j, f->slot, w->sequence, m);
        t->given = f->carried ? 0 : VI_MIN(t->given + 1, t->row);
        at->given = t->given == 3;
        if (at->counts)
            second_difference(t, now, m, to_1080(w), &at->jitter, &at->roll);
        keep(t, now);
    }
}

void vi_jitter_final(vi_jitter *j, const vi_work *w)
{
    for (int i = 0; i < w->n_face; i++) {
        const vi_face *f = &w->face[i];
        vi_point now[VI_STEADY_POINTS];
        vi_affine m[2];
        double jitter, roll;
        if (f->slot < 0 || f->slot >= VI_MAX_TRACKS || !(f->f.has & VISO_FACE_HAS_MESH))
            continue;
        vi_steady_points(f->f.mesh, now);
        trail *t = &j->final[f->slot];
        const moment *at = moment_at(j, f->slot, w->sequence);
        bool counts = step(t, w, f->f.track) && is_of(at, w->sequence) && at->counts;
        if (counts && motions(j, f->slot, w->sequence, m)) {
            second_difference(t, now, m, to_1080(w), &jitter, &roll);
            j->sums.n++;
            j->sums.n_before += at->given;
            j->sums.before += at->given ? at->jitter : 0;
            j->sums.after += jitter;
            j->sums.roll_before += at->given ? at->roll : 0;
            j->sums.roll_after += roll;
        }
        keep(t, now);
    }
}
