/* track/settle.c: a frame's records once the frames behind it are known too.
 *
 * The measured meshes of both sides are carried into the frame by the followed motion, step by step, which is far more exact than the
 * landmark network. There they would be one and the same if the network were exact and the face rigid. What is left is taken apart as in
 * smooth.c, but looking both ways, hence without delay: differences of pose are averaged per axis, differences of shape per point in
 * the face's own frame. Both averages count less what differs more, so that what really happens is not averaged away.
 *
 * A step whose motion was not seen (blur, something before the face) is what the measured meshes on both sides of it leave over. With
 * that a gap is no special case: a frame without a measurement is an average of its neighbours' like any other.
 *
 * Weights fall to zero towards the window's ends, so that nothing jumps there. Differences well within a hold count fully and those of
 * one and a half do not: a weight that falls earlier would turn the network's own noise into steps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/region.h"
#include "track/state.h"

/* Holds, differences of one axis from which it is motion rather than noise: place in face widths, logarithm of size;
 * the angles' are settings. */
#define HOLD_PLACE 0.025f
#define HOLD_SIZE 0.03f
/* Holds from which a difference of pose does not count at all. */
#define HOLD_REACH 1.5f
/* The most that places of a point of the shape may differ and still count for each other, at strength 0 and 1, in face widths. */
#define HOLD_SHAPE_LEAST 0.01f
#define HOLD_SHAPE_MOST 0.07f
/* Narrowness of the window: the power of 1 - (distance / (frames looked ahead + 1))^2. */
static const float narrow[] = { 0, 7, 2, 0.75f };
#define NARROW_SHAPE 2.0f
/* How far the parabola of a point is held to be flat, in any case. */
#define FLAT 0.004f
/* Fade per frame of a face that appears, and frames in which one disappears. The last measured frame is never less than half there. */
#define FADE_STEP 0.5f
#define LAST_FADE 3.0f
/* A face that was measured in fewer frames than this and then not in so many was none. */
#define PASSING_MEASURED 4
#define PASSING_UNSEEN 2
/* Pairs of measurements that are compared over a step that was not seen; the same where no step around is. */
#define PAIRS 6
#define BLIND_PAIRS 3
/* Per step, from so much on a farther pair does not agree with the nearest: face widths, logarithm, radians. */
#define AGREE_PLACE 0.025f
#define AGREE_SIZE 0.03f
#define AGREE_ANGLE 0.052f

enum { WINDOW = 2 * VI_AHEAD_MOST + 1 };

/* Tukey's biweight, as in motion.c. */
static float tukey(float t)
{
    float r = 1 - t * t;
    return fabsf(t) < 1 ? r * r : 0;
}

/* Three-dimensional affine map. */
typedef struct carry3 {
    double m[3][4];
} carry3;

static const carry3 stay = { { { 1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 } } };

/* vi_motion_apply as a matrix. */
static carry3 carry_of(const vi_motion *v, viso_point3 c)
{
    double k = exp(v->scale), a = k * cos(v->roll), b = k * sin(v->roll);
    double l[3][3] = { { a, -b, a * v->yaw - b * v->pitch }, { b, a, b * v->yaw + a * v->pitch }, { -k * v->yaw, -k * v->pitch, k } };
    carry3 o;
    for (int i = 0; i < 3; i++) {
        memcpy(o.m[i], l[i], sizeof(l[i]));
        o.m[i][3] = -l[i][0] * c.x - l[i][1] * c.y - l[i][2] * c.z;
    }
    o.m[0][3] += c.x + v->dx;
    o.m[1][3] += c.y + v->dy;
    o.m[2][3] += k * c.z;
    return o;
}

/* First g, then f. */
static carry3 compose(const carry3 *f, const carry3 *g)
{
    carry3 o;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) {
            o.m[i][j] = j == 3 ? f->m[i][3] : 0;
            for (int k = 0; k < 3; k++)
                o.m[i][j] += f->m[i][k] * g->m[k][j];
        }
    return o;
}

static bool invert(const carry3 *f, carry3 *out)
{
    const double(*m)[4] = f->m;
    double c[3][3], d = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int p = (i + 1) % 3, q = (i + 2) % 3, r = (j + 1) % 3, s = (j + 2) % 3;
            c[j][i] = m[p][r] * m[q][s] - m[p][s] * m[q][r];
        }
    for (int j = 0; j < 3; j++)
        d += m[0][j] * c[j][0];
    if (!(fabs(d) > 1e-6) || !isfinite(d))
        return false;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            out->m[i][j] = c[i][j] / d;
        out->m[i][3] = -(out->m[i][0] * m[0][3] + out->m[i][1] * m[1][3] + out->m[i][2] * m[2][3]);
    }
    return true;
}

static viso_point3 moved(const carry3 *f, viso_point3 p)
{
    return (viso_point3){ (float)(f->m[0][0] * p.x + f->m[0][1] * p.y + f->m[0][2] * p.z + f->m[0][3]),
                          (float)(f->m[1][0] * p.x + f->m[1][1] * p.y + f->m[1][2] * p.z + f->m[1][3]),
                          (float)(f->m[2][0] * p.x + f->m[2][1] * p.y + f->m[2][2] * p.z + f->m[2][3]) };
}

/* One face over the frames around one of them. */
typedef struct stretch {
    const vi_past *p[WINDOW]; /* NULL: it was not there; between two that are there it is without gap */
    carry3 step[WINDOW];      /* from the frame before */
    carry3 here[WINDOW];      /* into the middle frame */
    int first, last, mid, ahead;
    bool open;                /* more frames follow `last` that are not known yet */
} stretch;

static bool seen(const stretch *s, int i)
{
    return i >= s->first && i <= s->last && s->p[i]->measured;
}

static bool known(const stretch *s, int i)
{
    return s->p[i]->followed == VI_FOLLOW_FOUND;
}

/* What is left of the way from frame a to frame b after all steps that were seen, per step that was not. */
static bool left_over(const stretch *s, int a, int b, vi_motion *out)
{
    carry3 way = stay;
    int n = 0;
    viso_point3 at[VISO_MESH_POINTS];
    for (int i = a + 1; i <= b; i++) {
        if (known(s, i)) {
            carry3 step = carry_of(&s->p[i]->motion, s->p[i]->centre);
            way = compose(&step, &way);
        } else {
            n++;
        }
    }
    for (int i = 0; i < VISO_MESH_POINTS; i++)
        at[i] = moved(&way, s->p[a]->mesh[i]);
    if (!n || !vi_smooth_between(at, s->p[b]->mesh, vi_follow_centre(at), out))
        return false;
    *out = vi_motion_scaled(out, 1 / (float)n);
    return true;
}

/* The motion of the steps between the measured frames a and b that were not seen, by the measurements on both sides; false when
 * there are none. Farther pairs average the network's noise, but also what the head really did: on each axis they count as far as they
 * agree with the nearest. */
static bool guess_steps(const stretch *s, int a, int b, vi_motion *out)
{
    const viso_point3 *m = s->p[a]->mesh;
    float width = hypotf(m[454].x - m[234].x, m[454].y - m[234].y);
    const float apart[6] = { AGREE_PLACE * width, AGREE_PLACE * width, AGREE_SIZE, AGREE_ANGLE, AGREE_ANGLE, AGREE_ANGLE };
    float near[6] = { 0 }, sum[6] = { 0 }, all[6] = { 0 };
    int n = 0;
    vi_motion one;
    for (int k = 0; k < PAIRS && seen(s, a - k) && seen(s, b + k); k++, n++) {
        /* Farther pairs tell as much where only steps that were seen come in, or where none is seen anywhere. */
        if (k && (known(s, a - k + 1) != known(s, b + k) || (k >= BLIND_PAIRS && !known(s, b + k))))
            break;
        if (!left_over(s, a - k, b + k, &one))
            break;
        const float v[6] = { one.dx, one.dy, one.scale, one.roll, one.yaw, one.pitch };
        if (!k)
            memcpy(near, v, sizeof(near));
        for (int i = 0; i < 6; i++) {
            float w = tukey((v[i] - near[i]) / apart[i]);
            sum[i] += w * v[i];
            all[i] += w;
        }
    }
    for (int i = 0; i < 6 && n; i++)
        sum[i] /= all[i]; /* the nearest counts 1 */
    *out = (vi_motion){ sum[0], sum[1], sum[2], sum[3], sum[4], sum[5] };
    return n > 0;
}

static void walk(stretch *s)
{
    viso_point3 c = vi_follow_centre(s->p[s->first]->mesh);
    int a = s->first, b = s->first; /* measured, on both sides of the step; b: found for this a */
    vi_motion m;
    bool guessed = false;
    for (int i = s->first + 1; i <= s->last; i++) {
        const vi_past *p = s->p[i];
        if (s->p[i - 1]->measured)
            a = i - 1;
        if (!known(s, i) && b <= a) {
            for (b = i; b <= s->last && !s->p[b]->measured; b++)
                ;
            guessed = guess_steps(s, a, b, &m);
        }
        s->step[i] = guessed && !known(s, i) ? carry_of(&m, c) : carry_of(&p->motion, p->centre);
        c = p->measured ? vi_follow_centre(p->mesh) : moved(&s->step[i], c);
    }
    s->here[s->mid] = stay;
    for (int i = s->mid + 1; i <= s->last; i++) {
        carry3 back = stay;
        if (!invert(&s->step[i], &back)) {
            s->last = i - 1;
            s->open = true;
            break;
        }
        s->here[i] = compose(&s->here[i - 1], &back);
    }
    for (int i = s->mid - 1; i >= s->first; i--)
        s->here[i] = compose(&s->here[i + 1], &s->step[i + 1]);
}

static void gather(vi_history *h, int n, const vi_past *middle, int ahead, stretch *s)
{
    s->mid = ahead;
    s->ahead = ahead;
    s->first = s->last = ahead;
    s->p[ahead] = middle;
    s->open = false;
    for (int i = 1; i <= ahead && n - i >= 0; i++) {
        const vi_past *p = vi_moment_find(vi_history_at(h, n - i), middle->life);
        if (!p)
            break;
        s->p[--s->first] = p;
    }
    for (int i = 1; i <= ahead; i++) {
        const vi_past *p = n + i < h->n ? vi_moment_find(vi_history_at(h, n + i), middle->life) : NULL;
        s->open = n + i >= h->n;
        if (!p)
            return;
        s->p[++s->last] = p;
    }
    s->open = true;
}

/* ---- fade ---- */

static bool there(const vi_past *p)
{
    return p->measured || p->rested;
}

/* The first frame of a gap that does not end in which the face's place is a guess; -1: there is none, and the face stays. A face that is
 * gone from one frame to the next, without a frame in which it was carried on, ends there without fading: a cut, or something that
 * was put before it. */
static int gone_from(const stretch *s, int from)
{
    int i = from;
    while (i > s->first && !there(s->p[i]))
        i--;
    while (i <= s->last) {
        if (there(s->p[i])) {
            i++;
            continue;
        }
        int first_guess = -1;
        for (; i <= s->last && !there(s->p[i]); i++)
            if (first_guess < 0 && s->p[i]->followed < VI_FOLLOW_HELD)
                first_guess = i;
        if (i > s->last)
            return first_guess >= 0 ? first_guess : s->open ? -1 : i;
    }
    return -1;
}

static bool seen_from(const stretch *s, int i)
{
    while (i <= s->last && !s->p[i]->measured)
        i++;
    return i <= s->last;
}

static float fade_of(const stretch *s)
{
    int gone = gone_from(s, s->mid);
    if (gone < 0)
        return 1;
    float f = fminf((float)(gone - s->mid) / LAST_FADE, 1);
    return f <= 0 ? 0 : there(s->p[s->mid]) ? fmaxf(f, .5f) : f;
}

/* A face that came and went within the frames in view, hardly measured: it is none, but an ear or a fold of cloth. One that goes on, or
 * that a cut or the end of the clip breaks off, is none of those. */
static bool passing(vi_history *h, int n, int ahead, uint64_t life)
{
    int last = VI_MIN(n + ahead, h->n - 1), measured = 0, unseen = 0, i = n;
    while (i > 0 && i > n - ahead && vi_moment_find(vi_history_at(h, i - 1), life))
        i--;
    if (i == 0 || i == n - ahead)
        return false; /* may be older */
    for (; i <= last; i++) {
        const vi_past *p = vi_moment_find(vi_history_at(h, i), life);
        if (!p && !vi_history_at(h, i)->cut)
            return measured < PASSING_MEASURED; /* ended in a running scene */
        if (!p)
            break;
        measured += p->measured;
        unseen = p->measured ? 0 : unseen + 1;
    }
    return measured < PASSING_MEASURED && unseen >= PASSING_UNSEEN;
}

/* ---- mesh ---- */

/* The same, flat on top. */
static float within(float t)
{
    float r = 1 - t * t * t * t;
    return fabsf(t) < 1 ? r * r : 0;
}

static float window(const stretch *s, int i, float power)
{
    float t = (float)(i - s->mid) / (float)(s->ahead + 1);
    return powf(1 - t * t, power);
}

static float middle(float a, float b, float c)
{
    return fmaxf(fminf(a, b), fminf(fmaxf(a, b), c));
}

/* What the values are about in the middle frame: the median with its neighbours, so that one frame that is off does not count. False
 * when there is no measurement next to it. */
static bool about(const stretch *s, const float (*value)[3], int n, float *near)
{
    int before = s->mid - 1, after = s->mid + 1;
    bool b = seen(s, before), m = seen(s, s->mid), a = seen(s, after);
    for (int k = 0; k < n; k++)
        near[k] = b && m && a ? middle(value[before][k], value[s->mid][k], value[after][k])
                  : m         ? value[s->mid][k]
                  : b && a    ? (value[before][k] + value[after][k]) / 2
                              : 0;
    return m || (b && a);
}

/* Weighted mean over the measured frames; those that are HOLD_REACH holds or more from the middle's own surroundings do not count. */
static float calm_mean(const stretch *s, const float (*value)[3], const float *weight, float hold)
{
    float near[3], sum = 0, all = 0;
    bool around = about(s, value, 1, near);
    for (int i = s->first; i <= s->last; i++) {
        if (!s->p[i]->measured)
            continue;
        float w = weight[i] * (around ? within((value[i][0] - near[0]) / (HOLD_REACH * hold)) : 1);
        sum += w * value[i][0];
        all += w;
    }
    return all > 1e-6f ? sum / all : near[0];
}

/* The same for a point's place. Expressions run on from frame to frame, and a mean would flatten their ends or, with a hold as narrow
 * as would keep those, let the noise through: so it is a parabola over time that is fitted (after Savitzky and Golay 1964). On one
 * side only, as at the ends of a track, it is held to be flat. */
static void calm_point(const stretch *s, const float (*value)[3], const float *weight, float hold, float *mean)
{
    float near[3], m[5] = { 0 }, y[3][3] = { { 0 } };
    bool around = about(s, value, 3, near);
    for (int i = s->first; i <= s->last; i++) {
        if (!s->p[i]->measured)
            continue;
        float dx = value[i][0] - near[0], dy = value[i][1] - near[1], t = (float)(i - s->mid) / (float)(s->ahead + 1);
        float w = weight[i] * (around ? within(sqrtf(dx * dx + dy * dy) / hold) : 1), p = w;
        for (int k = 0; k < 5; k++, p *= t) {
            m[k] += p;
            for (int c = 0; c < 3 && k < 3; c++)
                y[k][c] += p * value[i][c];
        }
    }
    memcpy(mean, near, sizeof(near));
    if (!(m[0] > 1e-6f))
        return;
    float aside = m[1] / m[0], flat = m[0] * (FLAT + aside * aside), a = m[2] + flat, b = m[4] + flat;
    /* First unknown of three by Cramer's rule. */
    float k0 = a * b - m[3] * m[3], k1 = m[1] * b - m[3] * m[2], k2 = m[1] * m[3] - a * m[2];
    float d = m[0] * k0 - m[1] * k1 + m[2] * k2;
    for (int c = 0; c < 3; c++)
        mean[c] = d > 1e-9f * m[0] * m[0] * m[0] ? (y[0][c] * k0 - y[1][c] * k1 + y[2][c] * k2) / d : y[0][c] / m[0];
}

static void calm_pose(const vi_track_settings *set, const stretch *s, const vi_motion *off, float width, vi_motion *out)
{
    const float degree = 0.0174532925f;
    const float hold[] = { HOLD_PLACE * width, HOLD_PLACE * width, HOLD_SIZE, set->hold_roll * degree, set->hold_yaw * degree,
                           set->hold_pitch * degree };
    float weight[WINDOW], value[WINDOW][3], mean[6];
    for (int i = s->first; i <= s->last; i++)
        weight[i] = set->steady == VI_STEADY_OFF ? i == s->mid : window(s, i, narrow[set->steady]);
    for (int axis = 0; axis < 6; axis++) {
        for (int i = s->first; i <= s->last; i++)
            value[i][0] = (&off[i].dx)[axis];
        mean[axis] = calm_mean(s, (const float(*)[3])value, weight, hold[axis]);
    }
    *out = (vi_motion){ mean[0], mean[1], mean[2], mean[3], mean[4], mean[5] };
}

/* The settled mesh; false when there is nothing to make it of. */
static bool settle_mesh(const vi_track_settings *set, stretch *s, viso_point3 *out)
{
    int ref = -1;
    vi_motion off[WINDOW], pose;
    carry3 plain[WINDOW]; /* into the middle frame, and into the pose of the reference there */
    float weight[WINDOW];
    walk(s);
    for (int i = s->first; i <= s->last; i++)
        if (s->p[i]->measured && (ref < 0 || abs(i - s->mid) < abs(ref - s->mid)))
            ref = i;
    if (ref < 0)
        return false;
    for (int k = 0; k < VISO_MESH_POINTS; k++)
        out[k] = moved(&s->here[ref], s->p[ref]->mesh[k]);
    viso_point3 c = vi_follow_centre(out);
    float width = hypotf(out[454].x - out[234].x, out[454].y - out[234].y);
    float hold = (HOLD_SHAPE_LEAST + (HOLD_SHAPE_MOST - HOLD_SHAPE_LEAST) * set->smooth) * width;
    for (int i = s->first; i <= s->last; i++) {
        viso_point3 at[VISO_MESH_POINTS];
        carry3 turn;
        weight[i] = 0;
        if (!s->p[i]->measured)
            continue;
        for (int k = 0; k < VISO_MESH_POINTS; k++)
            at[k] = moved(&s->here[i], s->p[i]->mesh[k]);
        if (!vi_smooth_between(out, at, c, &off[i]))
            return false;
        turn = carry_of(&off[i], c);
        if (!invert(&turn, &plain[i]))
            return false;
        plain[i] = compose(&plain[i], &s->here[i]);
        weight[i] = window(s, i, NARROW_SHAPE);
    }
    calm_pose(set, s, off, width, &pose);
    for (int k = 0; k < VISO_MESH_POINTS; k++) {
        float v[WINDOW][3], mean[3];
        for (int i = s->first; i <= s->last; i++) {
            if (!s->p[i]->measured)
                continue;
            viso_point3 p = moved(&plain[i], s->p[i]->mesh[k]);
            v[i][0] = p.x - out[k].x;
            v[i][1] = p.y - out[k].y;
            v[i][2] = p.z - out[k].z;
        }
        calm_point(s, (const float(*)[3])v, weight, hold, mean);
        out[k].x += mean[0];
        out[k].y += mean[1];
        out[k].z += mean[2];
    }
    vi_motion_apply(&pose, c, out, VISO_MESH_POINTS);
    return true;
}

/* ---- records ---- */

static void rewrite(const vi_track_state *s, const vi_work *w, vi_face *f, const viso_point3 *mesh)
{
    const vi_mesh *canonical = w->canonical ? w->canonical : s->past.canonical;
    viso_point3 was[VISO_MESH_POINTS];
    memcpy(was, f->f.mesh, sizeof(was));
    memcpy(f->f.mesh, mesh, sizeof(f->f.mesh));
    if (!vi_region_from_mesh(f)) {
        memcpy(f->f.mesh, was, sizeof(was));
        return;
    }
    vi_marks_follow_mesh(&f->f);
    vi_points_again(f);
    if (canonical && vi_pose_fit(canonical, f->f.mesh, &f->pose))
        f->f.pose = f->pose.angles;
}

/* Whom later frames made of this face. */
static void name_again(vi_track_state *s, vi_face *f, const vi_past *p)
{
    const vi_track *t = &s->track[p->slot];
    f->f.track = p->id;
    bool lacks = !(f->f.has & VISO_FACE_HAS_EMBEDDING);
    if ((!lacks && !p->renamed) || !t->used || t->life != p->life || t->id != p->id || !t->size)
        return;
    memcpy(f->f.embedding, t->embedding, (size_t)t->size * sizeof(float));
    f->f.embedding_size = t->size;
    f->f.has |= VISO_FACE_HAS_EMBEDDING;
}

static void settle_one(vi_track_state *s, vi_work *w, vi_face *f, int n, const vi_past *p)
{
    stretch st;
    viso_point3 mesh[VISO_MESH_POINTS];
    gather(&s->past, n, p, s->s.ahead, &st);
    float fade = fade_of(&st);
    bool first = !s->past.out[p->slot].any || s->past.out[p->slot].life != p->life;
    bool hidden = !first && s->past.out[p->slot].fade <= 0; /* and nothing to be seen comes: its birth may be out of view by now */
    if (passing(&s->past, n, s->s.ahead, p->life) || (hidden && !seen_from(&st, st.mid)))
        fade = 0;
    f->fade = first ? fminf(fade, f->fade) : fminf(fade, s->past.out[p->slot].fade + FADE_STEP);
    s->past.out[p->slot].any = true;
    s->past.out[p->slot].life = p->life;
    s->past.out[p->slot].fade = f->fade;
    name_again(s, f, p);
    if (f->fade > 0 && (s->s.smooth > 0 || !p->measured) && settle_mesh(&s->s, &st, mesh))
        rewrite(s, w, f, mesh);
}

int vi_track_lag(const void *self)
{
    const vi_track_state *s = self;
    return s->s.ahead;
}

void vi_track_settle(void *self, vi_work *w)
{
    vi_track_state *s = self;
    int n = 0;
    while (n < s->past.n && (vi_history_at(&s->past, n)->settled || vi_history_at(&s->past, n)->sequence != w->sequence))
        n++;
    if (w->still || n == s->past.n)
        return;
    vi_moment *m = vi_history_at(&s->past, n);
    m->settled = true;
    for (int i = 0; i < w->n_face && s->s.ahead > 0; i++)
        for (int j = 0; j < m->n && w->face[i].slot >= 0; j++)
            if (m->face[j].slot == w->face[i].slot)
                settle_one(s, w, &w->face[i], n, &m->face[j]);
}
