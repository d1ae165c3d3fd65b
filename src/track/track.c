/* track/track.c: the life of tracks: the end stage, and what both stages are made of. One thread.
 *
 * Between frames a track is a smoothed mesh with a velocity. `begin` (expect.c) makes it a region for the landmark model; `end` takes
 * what came back. A face that is not found for a few frames is carried on by its velocity and fades, so that a hand
 * before the face or one blurred frame does not make the swap blink. */
#include "track/track.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/region.h"
#include "track/save.h"
#include "track/state.h"

/* A new face that the detector was unsure of and that is small has to be seen for some frames before it is shown to anyone: in
 * the texture of a flag such faces live for three frames. */
#define UNSURE_SCORE 0.65f
#define UNSURE_WIDTH 40.0f
#define PROBATION 6
/* After a gap, and while on probation, the landmark model has to be convinced. */
#define CONVINCED 0.8f
/* Fade of a face that was not there a frame ago, and its growth per frame. */
#define FADE_STEP 0.5f
/* Frames in which a face that is bridged by its picture fades out. */
#define LAST_FADE 3.0f
/* Frames after which somebody who is lost from sight is looked for. */
#define LOST_LIVED 20
/* Share of a face's points that hold with which its landmarks are taken as they are; with fewer something passes before it. */
#define TRUSTED 0.85f
#define DOUBTED 0.55f
/* Landmarks of one frame that are elsewhere by so much (face widths, radians) than the followed points would have them say that the
 * points followed something else. */
#define CONTRADICTED 0.06f
/* Overlap (over union) of two boxes from which their landmarks may be mixed up. */
#define TOUCHING 0.08f
/* Content of the face's place changed so much that bridging would paint a face on something else; part of the cut threshold. */
#define PLACE_CHANGED 0.9f

static vi_track_state *state_of(void *self)
{
    return self;
}

/* ---- end ---- */

/* Whether the motion that was seen and the landmarks of this frame and the one before say the same. */
static bool agrees(vi_track_state *s, const vi_track *t, const viso_point3 *mesh)
{
    const vi_past *old = s->past.n > 1 ? vi_moment_find(vi_history_at(&s->past, s->past.n - 2), t->life) : NULL;
    viso_point3 ahead[VISO_MESH_POINTS];
    vi_motion off;
    if (!old || !old->measured)
        return true;
    memcpy(ahead, old->mesh, sizeof(ahead));
    vi_motion_apply(&t->step, t->from, ahead, VISO_MESH_POINTS);
    float width = hypotf(mesh[454].x - mesh[234].x, mesh[454].y - mesh[234].y);
    return vi_smooth_between(ahead, mesh, vi_follow_centre(ahead), &off) &&
           fmaxf(hypotf(off.dx, off.dy) / width, fmaxf(fabsf(off.scale), fabsf(off.roll))) < CONTRADICTED;
}

/* Keeps this frame's face for those who look back at it. */
static vi_past *remember(vi_track_state *s, const vi_track *t, const viso_point3 *mesh, bool measured)
{
    vi_past *p = s->s.ahead > 0 ? vi_history_add(&s->past) : NULL;
    if (!p)
        return NULL;
    p->life = t->life;
    p->slot = (int)(t - s->track);
    p->id = t->id;
    p->measured = measured;
    p->rested = t->rests && !measured;
    p->followed = !measured || agrees(s, t, mesh) ? t->followed : VI_FOLLOW_LOST;
    p->motion = t->step;
    p->centre = t->from;
    memcpy(p->mesh, mesh, sizeof(p->mesh));
    return p;
}

/* Takes the measured mesh into the track and writes the smoothed one into the record. */
static void measure(vi_track_state *s, vi_track *t, vi_face *f, const vi_mesh *canonical)
{
    bool held = t->followed == VI_FOLLOW_FOUND;
    const vi_steady how = { .shape = s->s.smooth,
                            .level = (vi_steady_level)s->s.steady,
                            .hold = { s->s.hold_roll, s->s.hold_yaw, s->s.hold_pitch },
                            .doubt = held ? 1 - vi_smoothstep(t->held, DOUBTED, TRUSTED) : 0 };
    vi_past *p = remember(s, t, f->f.mesh, true);
    vi_smooth_update(&t->smooth, f->f.mesh, &how, held ? &t->motion : NULL);
    memcpy(f->f.mesh, t->smooth.mesh, sizeof(f->f.mesh));
    for (int i = 0; p && how.doubt > 0 && i < VISO_MESH_POINTS; i++) {
        p->mesh[i].x += how.doubt * (t->smooth.mesh[i].x - p->mesh[i].x);
        p->mesh[i].y += how.doubt * (t->smooth.mesh[i].y - p->mesh[i].y);
        p->mesh[i].z += how.doubt * (t->smooth.mesh[i].z - p->mesh[i].z);
    }
    vi_region_from_mesh(f);
    vi_marks_follow_mesh(&f->f);
    vi_points_again(f);
    if (canonical && vi_pose_fit(canonical, f->f.mesh, &f->pose))
        f->f.pose = f->pose.angles;
    t->missing = t->rested = 0;
}

bool vi_track_rest(vi_track_state *s, vi_track *t, vi_face *f)
{
    const vi_mesh *canonical = s->past.canonical;
    vi_face was = *f;
    f->f = t->face.f;
    memcpy(f->f.mesh, t->smooth.mesh, sizeof(f->f.mesh));
    vi_motion_apply(&t->motion, vi_follow_centre(f->f.mesh), f->f.mesh, VISO_MESH_POINTS);
    if (f->five == VI_FIVE_OTHER || !(f->f.has & VISO_FACE_HAS_MESH) || !vi_region_from_mesh(f)) {
        *f = was; /* marks that are not the mesh do not move with it */
        return false;
    }
    f->f.has &= ~(uint32_t)(VISO_FACE_HAS_EMBEDDING | VISO_FACE_HAS_QUALITY);
    f->carried = true;
    vi_marks_follow_mesh(&f->f);
    vi_points_again(f);
    if (canonical && vi_pose_fit(canonical, f->f.mesh, &f->pose))
        f->f.pose = f->pose.angles;
    return true;
}

/* The frame's record is that of vi_track_rest. */
static void carry_on(vi_track_state *s, vi_track *t, const vi_face *f)
{
    vi_smooth_coast(&t->smooth, &t->motion);
    memcpy(t->smooth.mesh, f->f.mesh, sizeof(f->f.mesh));
    remember(s, t, f->f.mesh, false);
    t->rested++;
}

/* Opaque while the picture itself says where the face is, but for the last frames; else weaker every frame. */
static float bridge_fade(int missing, int gap, bool held)
{
    float steady = 1 - (float)missing / (float)(gap + 1);
    return held ? fmaxf(steady, fminf(1, (float)(gap + 1 - missing) / LAST_FADE)) : steady;
}

/* A record for a face that was not found: the mesh moved on, weaker every frame. False when the track ends. */
static bool bridge(vi_track_state *s, vi_track *t, vi_work *w, vi_face *f)
{
    bool held = t->followed >= VI_FOLLOW_HELD;
    t->missing++;
    s->quiet = 0;
    t->fade = fminf(t->fade, bridge_fade(t->missing, s->s.gap, held));
    vi_smooth_coast(&t->smooth, held ? &t->motion : NULL);
    *f = t->face;
    memcpy(f->f.mesh, t->smooth.mesh, sizeof(f->f.mesh));
    if (t->missing > s->s.gap || t->fade <= 0 || !vi_region_from_mesh(f))
        return false;
    if (f->roi.cx < 0 || f->roi.cy < 0 || f->roi.cx > (float)w->width || f->roi.cy > (float)w->height)
        return false; /* left the picture */
    if (f->five == VI_FIVE_OTHER) { /* marks that are not the mesh do not move with it */
        f->f.has &= ~(uint32_t)VISO_FACE_HAS_MARKS;
        f->five = VI_FIVE_MESH;
    }
    vi_marks_follow_mesh(&f->f);
    vi_points_again(f);
    if (w->canonical && vi_pose_fit(w->canonical, f->f.mesh, &f->pose))
        f->f.pose = f->pose.angles;
    f->f.presence = 0;
    f->fresh = false;
    /* Something else is there now: painting on would be worse than stopping. */
    vi_point a = vi_affine_apply(&w->upright, f->f.box.x0, f->f.box.y0),
             b = vi_affine_apply(&w->upright, f->f.box.x1, f->f.box.y1);
    float fw = (float)w->frame->width, fh = (float)w->frame->height;
    vi_box part = { fminf(a.x, b.x) / fw, fminf(a.y, b.y) / fh, fmaxf(a.x, b.x) / fw, fmaxf(a.y, b.y) / fh };
    if (!held && vi_cut_change(&s->cut, &part) > s->s.cut * PLACE_CHANGED)
        return false;
    remember(s, t, f->f.mesh, false);
    return true;
}

static int free_slot(const vi_track_state *s)
{
    int best = -1;
    for (int i = 0; i < VI_MAX_TRACKS; i++)
        if (!s->track[i].used && (best < 0 || s->track[i].ended < s->track[best].ended))
            best = i;
    return best;
}

static void bear(vi_track_state *s, vi_work *w, vi_face *f)
{
    int slot = free_slot(s);
    if (slot < 0) { /* cannot happen while VI_MAX_TRACKS exceeds VI_MAX_FACES by this much; the face stays alone */
        f->slot = -1;
        return;
    }
    vi_track *t = &s->track[slot];
    memset(t, 0, sizeof(*t));
    t->used = true;
    t->id = s->next_id++;
    t->life = s->lives++;
    t->born = t->renew_at = s->frame;
    s->quiet = 0;
    t->view = vi_track_take_view(s);
    t->credit = vi_credit_full();
    t->followed = VI_FOLLOW_BLIND;
    t->fade = w->cut ? 1 : FADE_STEP;
    t->probation = f->f.score < UNSURE_SCORE && vi_face_width(&f->f) < UNSURE_WIDTH ? PROBATION : 0;
    measure(s, t, f, w->canonical);
    w->count.born++;
    f->slot = slot;
    f->fresh = true;
}

void vi_track_lose(vi_track_state *s, vi_track *t)
{
    if (t->shown && s->frame - t->born >= LOST_LIVED) {
        s->somebody_lost = true;
        s->lost_at = s->frame;
        s->lost_box = t->face.f.box;
        s->lost_looks = 0;
    }
    vi_track_end_one(s, t);
}

static void follow(vi_track_state *s, vi_work *w, bool *drop)
{
    vi_track_match(s, w, drop);
    for (int i = 0; i < w->n_face; i++)
        if (w->face[i].slot < 0 && !drop[i])
            bear(s, w, &w->face[i]);
    for (int i = 0; i < w->n_face; i++) {
        vi_face *f = &w->face[i];
        if (drop[i] || f->slot < 0)
            continue;
        vi_track *t = &s->track[f->slot];
        bool doubted = (t->missing || t->probation) && f->f.presence < CONVINCED;
        if ((f->f.has & VISO_FACE_HAS_MESH) && !doubted) {
            if (f->fresh)
                continue; /* bear() measured it */
            if (t->rests)
                carry_on(s, t, f);
            else
                measure(s, t, f, w->canonical);
            if (t->probation)
                t->probation--;
            else
                t->fade = fminf(1, t->fade + FADE_STEP);
        } else if (t->probation || !bridge(s, t, w, f)) {
            vi_track_lose(s, t);
            w->count.ended++;
            drop[i] = true;
        } else {
            w->count.bridged++;
        }
    }
}

/* Landmarks of faces that touch may slide from one to the other: when they are apart again, it is checked who is who. */
static void watch_neighbours(vi_track_state *s, const vi_work *w)
{
    bool close[VI_MAX_FACES] = { false };
    for (int i = 0; i < w->n_face; i++)
        for (int j = 0; j < i; j++)
            if (vi_box_iou(&w->face[i].f.box, &w->face[j].f.box) > TOUCHING)
                close[i] = close[j] = true;
    for (int i = 0; i < w->n_face; i++) {
        vi_track *t = w->face[i].slot < 0 ? NULL : &s->track[w->face[i].slot];
        if (!t || t->missing)
            continue;
        if (t->close && !close[i])
            vi_track_doubt(s, t);
        t->close = close[i];
    }
}

static void end_still(vi_work *w)
{
    for (int i = 0; i < w->n_face; i++) {
        vi_face *f = &w->face[i];
        f->slot = f->f.track = -1;
        f->ordinal = 0;
        f->fresh = true;
        f->fade = 1;
    }
}

static int end(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
{
    vi_track_state *s = state_of(self);
    bool drop[VI_MAX_FACES];
    (void)err;
    if (w->still) {
        end_still(w);
        return VISO_OK;
    }
    if (s->s.ahead > 0) {
        vi_history_open(&s->past, w->sequence, s->frame);
        vi_history_at(&s->past, s->past.n - 1)->cut = w->cut;
    }
    if (w->canonical)
        s->past.canonical = w->canonical;
    follow(s, w, drop);
    int n = 0;
    for (int i = 0; i < w->n_face; i++) {
        if (drop[i])
            continue;
        if (n != i)
            w->face[n] = w->face[i];
        vi_face *f = &w->face[n++];
        if (f->slot < 0)
            continue;
        vi_track *t = &s->track[f->slot];
        f->fade = t->fade;
        f->f.track = t->id;
        f->fresh = !t->shown;
        t->face = *f;
        vi_track_keep_view(s, t, w, scratch);
        if (t->probation) {
            n--; /* followed, but nobody's business yet */
            continue;
        }
        t->shown = true;
        f->ordinal = s->handed[f->slot]++;
    }
    w->n_face = n;
    s->empty = n ? 0 : s->empty + 1;
    watch_neighbours(s, w);
    vi_track_plan_embeddings(s, w);
    return VISO_OK;
}

/* ---- the stages ---- */

static void end_all(vi_track_state *s)
{
    for (int i = 0; i < VI_MAX_TRACKS; i++)
        if (s->track[i].used)
            vi_track_end_one(s, &s->track[i]);
}

static void reset(void *self)
{
    vi_track_state *s = state_of(self);
    end_all(s);
    vi_persons_clear(&s->persons);
    vi_cut_reset(&s->cut);
    vi_history_clear(&s->past);
    s->started = s->look_next = false;
    s->empty = 0;
    s->next_id = 0;
    /* `handed` stays: turnstiles of the picture lane count on over the whole run. */
}

static void destroy_begin(void **self)
{
    vi_track_state *s = *self;
    if (s && s->views.base)
        vi_arena_destroy(&s->views);
    if (s)
        vi_history_destroy(&s->past);
    vi_free(s);
    *self = NULL;
}

static int create_views(vi_track_state *s)
{
    const size_t one = VI_FOLLOW_FLOATS * sizeof(float);
    if (vi_arena_create(&s->views, 2 * VI_MAX_FACES * (one + 64)))
        return -1;
    for (int i = 0; i < VI_MAX_FACES; i++) { /* pages are touched when a face is there */
        float *a = vi_arena_alloc(&s->views, one), *b = vi_arena_alloc(&s->views, one);
        if (!a || !b)
            return -1;
        vi_view_place(&s->view[i].now, a);
        vi_view_place(&s->view[i].next, b);
    }
    return 0;
}

static int create_begin(void **self, const vi_stage_env *env, viso_error *err)
{
    vi_track_state *s = vi_calloc(1, sizeof(*s));
    *self = s;
    if (!s)
        return vi_error_nomem(err, "tracks");
    s->k = env->k;
    s->s = *(const vi_track_settings *)env->settings;
    vi_persons_clear(&s->persons);
    if (create_views(s) || vi_history_create(&s->past)) {
        destroy_begin(self);
        return vi_error_nomem(err, "views of faces");
    }
    return VISO_OK;
}

static int create_end(void **self, const vi_stage_env *env, viso_error *err)
{
    *self = env->shared;
    return env->shared ? VISO_OK : vi_error_set(err, VISO_ERR_INTERNAL, "track end stage made without its begin stage");
}

static void destroy_end(void **self)
{
    *self = NULL; /* the state belongs to the begin stage */
}

const vi_stage vi_track_begin = {
    .id = "track-begin",
    .label = "Tracking: cuts and expected places",
    .kind = VI_STAGE_TRACK,
    .lane = VI_LANE_TEMPORAL,
    .options = "track",
    .create = create_begin,
    .destroy = destroy_begin,
    .reset = reset,
    .save = vi_track_save,
    .load = vi_track_load,
    .process = vi_track_expect,
};

const vi_stage vi_track_end = {
    .id = "track-end",
    .label = "Tracking: matching and smoothing",
    .kind = VI_STAGE_TRACK,
    .lane = VI_LANE_TEMPORAL,
    .needs = VISO_FACE_HAS_MESH,
    .gives = VISO_FACE_HAS_MESH,
    .options = "track",
    .create = create_end,
    .destroy = destroy_end,
    .process = end,
};
