/* track/expect.c: the begin stage: cuts, where the followed faces should be in this frame, and whether the detector must look. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "track/state.h"

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
#define PLACE_SHOWS_ELSE 24

/* A face whose landmarks may rest: share of its points that hold, change of mouth and lids (times that of the skin), and age. */
#define RESTS_HELD 0.8f
#define RESTS_LIVE 2.0f
#define RESTS_FROM 10

static vi_track_state *state_of(void *self)
{
    return self;
}

/* Whether the landmark network need not look at this face in this frame: what it would find is known from the frames around it. Those
 * that settle frames need one behind that was measured. */
static bool may_rest(const vi_track_state *s, const vi_track *t)
{
    return s->s.ahead > t->rested + 1 && t->rested + 1 < s->s.every && t->followed == VI_FOLLOW_FOUND && t->held >= RESTS_HELD &&
           t->live < RESTS_LIVE && !t->missing && !t->probation && !t->close && !t->contested && !t->hidden &&
           s->frame - t->born >= RESTS_FROM;
}

/* The record that carries a track into this frame: where the face should be by now. */
static void carry(vi_track_state *s, int slot, vi_work *w)
{
    vi_track *t = &s->track[slot];
    vi_face *f = &w->face[w->n_face++];
    *f = t->face;
    memset(&f->patch, 0, sizeof(f->patch));
    f->slot = slot;
    f->fresh = false;
    f->has_kp = f->carried = false;
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
    t->rests = may_rest(s, t) && vi_track_rest(s, t, f);
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

int vi_track_expect(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
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
