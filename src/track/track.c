/* track/track.c: the life of tracks, as two stages of the temporal lane (one thread) around detect and landmark.
 *
 * Between frames a track is a smoothed mesh with a velocity. `begin` turns it into a region for the landmark model; `end` takes
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
/* A face whose points are lost is looked for around its place at once, and while that goes on after so many frames, then after twice
 * and four times as many. */
#define ASK_AGAIN 6
#define ASK_FORGET 60
/* Two faces nearer than this part of the larger one's region lie over each other. */
#define HIDDEN 0.6f
/* With nobody in the picture the detector looks at every frame at first, later less often. */
#define EMPTY_PATIENCE 3
#define EMPTY_SOON 5
#define EMPTY_LONG 30
#define EMPTY_INTERVAL 10
/* While looks find nobody new and the picture beside the faces stays as it was, the next look waits longer: times the setting. */
#define QUIET_MOST 3.0f
#define QUIET_STEP 0.5f
#define RESTLESS_MOST 2.0f
/* A cell of the thumbnail that changed by more than so many levels, and the part of all cells that makes a change. */
#define CELL_CHANGED 14
#define CELLS_CHANGED 0.015f
/* Somebody who was there for a while and is lost from sight is looked for so often at first (then after twice and four times as
 * long), for so many frames; at once when their place shows something that differs by so many levels. */
#define LOST_INTERVAL 5u
#define LOST_FRAMES 45
#define LOST_LIVED 20
#define PLACE_SHOWS_ELSE 24
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

/* ---- begin ---- */

/* The record that carries a track into this frame: where the face should be by now. */
static void carry(vi_track_state *s, int slot, vi_work *w)
{
    vi_track *t = &s->track[slot];
    vi_face *f = &w->face[w->n_face++];
    *f = t->face;
    memset(&f->patch, 0, sizeof(f->patch));
    f->slot = slot;
    f->fresh = false;
    f->has_kp = false;
    f->source = -1;
    f->f.has = VISO_FACE_HAS_BOX;
    const vi_motion *v = t->followed >= VI_FOLLOW_HELD ? &t->motion : &t->smooth.velocity;
    vi_point c = vi_motion_point(v, vi_follow_centre(t->smooth.mesh), f->roi.cx, f->roi.cy);
    float dx = c.x - f->roi.cx, dy = c.y - f->roi.cy;
    f->roi.cx = c.x;
    f->roi.cy = c.y;
    f->roi.side *= expf(v->scale);
    f->roi.angle += v->roll;
    f->f.box = (viso_box){ f->f.box.x0 + dx, f->f.box.y0 + dy, f->f.box.x1 + dx, f->f.box.y1 + dy };
    t->foretold = f->f.box;
    t->step = *v;
    t->from = vi_follow_centre(t->smooth.mesh);
}

/* Whether the picture beside the followed faces differs from what the detector saw last. */
static bool changed_since_look(const vi_track_state *s, const vi_work *w)
{
    int n = 0;
    for (int y = 0; y < VI_THUMB_H; y++) {
        for (int x = 0; x < VI_THUMB_W; x++) {
            int o = y * VI_THUMB_W + x;
            if (abs(s->cut.now[o] - s->seen[o]) <= CELL_CHANGED)
                continue;
            float px = ((float)x + .5f) * (float)w->width / VI_THUMB_W, py = ((float)y + .5f) * (float)w->height / VI_THUMB_H;
            bool face = false;
            for (int i = 0; i < w->n_face && !face; i++) {
                float dx = px - w->face[i].roi.cx, dy = py - w->face[i].roi.cy, r = w->face[i].roi.side * .75f;
                face = dx * dx + dy * dy < r * r;
            }
            n += !face;
        }
    }
    return (float)n > CELLS_CHANGED * VI_THUMB_SIZE;
}

/* Somebody was lost a moment ago: whether it is time to see if they are back. At once when their place shows something else than
 * it did to the detector. */
static bool may_be_back(const vi_track_state *s, const vi_work *w, uint64_t since)
{
    if (!s->somebody_lost || s->frame - s->lost_at > LOST_FRAMES)
        return false;
    if (since >= LOST_INTERVAL << VI_MIN(s->lost_looks, 2))
        return true;
    const vi_box *b = &s->lost_box;
    float rx = (b->x1 - b->x0) / 2, ry = (b->y1 - b->y0) / 2;
    float sx = VI_THUMB_W / (float)w->width, sy = VI_THUMB_H / (float)w->height;
    int x0 = VI_MAX((int)((b->x0 - rx) * sx), 0), x1 = VI_MIN((int)((b->x1 + rx) * sx) + 1, VI_THUMB_W), sum = 0, n = 0;
    int y0 = VI_MAX((int)((b->y0 - ry) * sy), 0), y1 = VI_MIN((int)((b->y1 + ry) * sy) + 1, VI_THUMB_H);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++, n++)
            sum += abs(s->cut.now[y * VI_THUMB_W + x] - s->seen[y * VI_THUMB_W + x]);
    return n && sum > PLACE_SHOWS_ELSE * n;
}

static bool must_look(const vi_track_state *s, const vi_work *w)
{
    if (w->cut || s->look_next)
        return true;
    uint64_t since = s->frame - s->looked;
    if (may_be_back(s, w, since))
        return true;
    if (!w->n_face) {
        uint64_t wait = s->empty < EMPTY_PATIENCE ? 1 : s->empty < EMPTY_LONG ? EMPTY_SOON : EMPTY_INTERVAL;
        return since >= VI_MIN(wait, (uint64_t)s->s.redetect);
    }
    for (int i = 0; i < w->n_face; i++)
        if (s->track[w->face[i].slot].missing == 1)
            return true;
    if (since < (uint64_t)s->s.redetect)
        return false;
    /* With change all over the picture, as a moving camera makes it, they still grow rarer, but to half as often only. */
    float patience = fminf(1 + QUIET_STEP * (float)s->quiet, QUIET_MOST);
    float waited = (float)since / (float)s->s.redetect;
    return waited >= patience || (waited >= fminf(1 + QUIET_STEP * (float)s->quiet / 2, RESTLESS_MOST) && changed_since_look(s, w));
}

static void looks(vi_track_state *s)
{
    s->looked = s->frame;
    s->quiet++;
    s->lost_looks++;
    memcpy(s->seen, s->cut.now, sizeof(s->seen));
}

/* A cut by the look of the whole picture. Where the skin of a face goes on from the last frame into this one, the camera was torn
 * round or the picture behind changed: that face stays, who is gone is gone, and the detector looks. */
static void settle_cut(vi_track_state *s, vi_work *w, bool held)
{
    for (int i = 0; i < VI_MAX_TRACKS; i++)
        if (s->track[i].used && s->track[i].followed != VI_FOLLOW_FOUND) {
            vi_track_end_one(s, &s->track[i]);
            w->count.ended++;
        }
    s->somebody_lost = false;
    if (held) {
        w->cut = false;
        s->look_next = true;
    }
}

/* Somebody whose points are lost where another one's face is found is hidden by that one: what the filter found there, and what the
 * detector would, is the other. */
static void find_hidden(vi_track_state *s)
{
    for (int i = 0; i < VI_MAX_TRACKS; i++) {
        vi_track *t = &s->track[i];
        t->hidden = false;
        if (!t->used || (t->followed != VI_FOLLOW_HELD && t->followed != VI_FOLLOW_LOST))
            continue;
        viso_point3 a = vi_follow_centre(t->smooth.mesh);
        const vi_motion *v = t->followed == VI_FOLLOW_HELD ? &t->motion : &t->smooth.velocity;
        for (int j = 0; j < VI_MAX_TRACKS && !t->hidden; j++) {
            const vi_track *o = &s->track[j];
            if (j == i || !o->used || o->followed != VI_FOLLOW_FOUND)
                continue;
            viso_point3 b = vi_follow_centre(o->smooth.mesh);
            float d = hypotf(a.x + v->dx - b.x - o->motion.dx, a.y + v->dy - b.y - o->motion.dy);
            t->hidden = d < HIDDEN * fmaxf(t->face.roi.side, o->face.roi.side);
        }
        if (t->hidden)
            t->followed = VI_FOLLOW_LOST;
    }
}

/* Where points were lost a detection sets the face right again: around its place only. */
static void ask_around(vi_track_state *s, vi_work *w)
{
    for (int i = 0; i < w->n_face && w->n_look < VI_MAX_LOOKS; i++) {
        const vi_face *f = &w->face[i];
        vi_track *t = &s->track[f->slot];
        bool lost = t->followed == VI_FOLLOW_HELD || t->followed == VI_FOLLOW_LOST;
        t->astray = lost ? t->astray + 1 : 0;
        if (t->astray < 2 || t->hidden)
            continue; /* a single frame is mended by the landmarks, or by the second look at it */
        uint64_t since = s->frame - t->asked;
        if (since > ASK_FORGET)
            t->asks = 0;
        if (t->asks && since < (uint64_t)ASK_AGAIN << VI_MIN(t->asks - 1, 2))
            continue;
        t->asked = s->frame;
        t->asks++;
        float side = f->roi.side * (1 + s->s.padding / 50);
        w->look[w->n_look++] = (vi_region){ f->roi.cx, f->roi.cy, side, f->roi.angle };
    }
    w->want_detect = w->n_look > 0;
    w->count.region_looks += (uint32_t)w->n_look;
}

static int begin(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
{
    vi_track_state *s = state_of(self);
    (void)err;
    s->retried = false;
    w->n_face = w->n_look = 0;
    if (w->still) {
        w->cut = w->want_detect = true;
        return VISO_OK;
    }
    uint8_t thumb[VI_THUMB_SIZE];
    s->k->thumbnail(w->frame, thumb, VI_THUMB_W, VI_THUMB_H);
    w->cut = vi_cut_feed(&s->cut, thumb, s->s.cut) || !s->started;
    s->frame += s->started;
    s->started = true;
    int held = 0;
    for (int i = 0; i < VI_MAX_TRACKS; i++) {
        if (!s->track[i].used)
            continue;
        vi_track_see(s, &s->track[i], w, scratch);
        held += s->track[i].followed == VI_FOLLOW_FOUND;
    }
    if (w->cut)
        settle_cut(s, w, held > 0);
    find_hidden(s);
    for (int i = 0; i < VI_MAX_TRACKS && w->n_face < VI_MAX_FACES; i++)
        if (s->track[i].used)
            carry(s, i, w);
    w->want_detect = must_look(s, w);
    s->look_next = false;
    if (w->want_detect)
        looks(s);
    else
        ask_around(s, w);
    return VISO_OK;
}

bool vi_track_retry(void *self, vi_work *w)
{
    vi_track_state *s = state_of(self);
    if (s->retried)
        return false;
    bool lost = (w->still || w->cut) && w->n_face == 0;
    for (int i = 0; i < w->n_face; i++)
        lost = lost || (w->face[i].slot >= 0 && !(w->face[i].f.has & VISO_FACE_HAS_MESH) &&
                        !(s->track[w->face[i].slot].missing & 1)); /* then every second frame; after the first all is searched */
    if (!lost)
        return false;
    s->retried = w->want_detect = true;
    w->n_look = 0;
    w->count.second_looks++;
    looks(s);
    return true;
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
    t->missing = 0;
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
    if (s->s.ahead > 0)
        vi_history_open(&s->past, w->sequence, s->frame);
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

static const char *const steady_choices[] = { "off", "low", "medium", "high", NULL };

static const vi_option_row rows[] = {
    VI_OPTION_INT(vi_track_settings, redetect, "redetect", "Look again every",
                  "How often the detector looks for new faces while others are followed.", "frames", 10, 1, 1000, 0),
    VI_OPTION_FLOAT(vi_track_settings, cut, "cut", "Scene cut",
                    "Mean brightness difference of two frames (0 to 255) that starts a new scene.", NULL, 18, 2, 255, 1,
                    VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_track_settings, smooth, "smooth", "Landmark smoothing",
                    "How calmly the face is followed: 0 off, 1 strong. Fast motion is followed at once in any case.",
                    NULL, 0.5, 0, 1, 0.05, 0),
    VI_OPTION_INT(vi_track_settings, gap, "gap", "Bridge gaps",
                  "A face that is not seen for up to this many frames is carried on and fades out.", "frames", 4, 0, 10,
                  0),
    VI_OPTION_INT(vi_track_settings, ahead, "look-ahead", "Look ahead",
                  "In files a frame waits until so many frames behind it were analysed too: smoothing is then without delay, and "
                  "gaps that end are closed from both sides. 0: every frame by those before it alone.",
                  "frames", 6, 0, VI_AHEAD_MOST, 0),
    VI_OPTION_FLOAT(vi_track_settings, lose, "follow-lost", "Lost points",
                    "Part of a face's points that may get lost from one frame to the next before their motion is not "
                    "believed.",
                    NULL, 0.4, 0.1, 0.9, 0.05, VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_track_settings, padding, "follow-padding", "Search around a lost face",
                    "How far beyond the face's region the detector looks when its points got lost: part of the region on each "
                    "side.",
                    "%", 35, 25, 40, 1, VI_OPTION_ADVANCED),
    VI_OPTION_BOOL(vi_track_settings, weigh, "follow-weigh", "Weigh channels",
                   "The filter that holds a face whose points got lost counts those features more that tell it from what is "
                   "around it.",
                   0, VI_OPTION_ADVANCED),
    VI_OPTION_CHOICE(vi_track_settings, steady, "steady", "Pose smoothing",
                     "How calmly place, size and turn of the head are followed: off, low, medium, high.", steady_choices,
                     VI_STEADY_MEDIUM, 0),
    VI_OPTION_FLOAT(vi_track_settings, hold_roll, "steady-roll", "Roll threshold",
                    "Differences in roll from this angle on are followed at once, smaller ones calmly. 2 suits tight "
                    "portraits, 4 to 5 wild motion.",
                    "degrees", 3, 0.5, 30, 0.5, VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_track_settings, hold_yaw, "steady-yaw", "Yaw threshold", "The same for turning left and right.",
                    "degrees", 3, 0.5, 30, 0.5, VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_track_settings, hold_pitch, "steady-pitch", "Pitch threshold", "The same for nodding.", "degrees", 3,
                    0.5, 30, 0.5, VI_OPTION_ADVANCED),
};
const vi_option_group vi_track_options = { "track", "Following faces", rows, VI_COUNT(rows),
                                           sizeof(vi_track_settings) };

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
    .process = begin,
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
