/* detect/faces.c: candidates become face records, or renew those that are followed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/search.h"

/* The landmark network's view: 1.5 times the longer side of the box (recipe section 2). */
#define ROI_MARGIN 1.5f
/* A detection and a followed face are the same above SAME_IOU. From TOUCH_IOU up to DRIFT_IOU the follower's region is renewed
 * from the detector (recipe section 9, fix 11): landmarks that sit well overlap their detection by 0.58 or more on every clip
 * looked at, so less means that they slid or shrank. */
#define SAME_IOU 0.4f
#define TOUCH_IOU 0.1f
#define DRIFT_IOU 0.5f
/* The landmark model's own limit; a carried record below it was not seen in the last frame. */
#define LOST_PRESENCE 0.5f

/* Which way the face's own x axis points: along the line of the eyes (recipe). In profile the two eyes can fall together and
 * their line then means nothing; where it disagrees with the way down to the mouth, that way decides. */
static float face_angle(const vi_candidate *c)
{
    const vi_point *kp = c->kp;
    vi_point mouth = c->n_kp == 6 ? kp[3] : (vi_point){ (kp[3].x + kp[4].x) / 2, (kp[3].y + kp[4].y) / 2 };
    float ex = kp[1].x - kp[0].x, ey = kp[1].y - kp[0].y;
    float dx = mouth.x - (kp[0].x + kp[1].x) / 2, dy = mouth.y - (kp[0].y + kp[1].y) / 2;
    /* Down turned back by a quarter is (dy, -dx); cosine to the eyes' line below cos 45 degrees: they disagree. */
    float agree = ex * dy - ey * dx, size = hypotf(ex, ey) * hypotf(dx, dy);
    return agree > 0.7071f * size ? atan2f(ey, ex) : atan2f(ey - dx, ex + dy);
}

static void set_region(vi_face *f, const vi_candidate *c)
{
    f->f.score = c->score;
    memcpy(f->kp, c->kp, sizeof(f->kp));
    f->n_kp = c->n_kp;
    f->has_kp = true;
    f->roi.cx = (c->box.x0 + c->box.x1) / 2;
    f->roi.cy = (c->box.y0 + c->box.y1) / 2;
    f->roi.side = ROI_MARGIN * fmaxf(c->box.x1 - c->box.x0, c->box.y1 - c->box.y0);
    f->roi.angle = c->n_kp ? face_angle(c) : remainderf(c->angle, 360.0f) * 0.017453293f;
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
    f->f.has = VISO_FACE_HAS_BOX;
    vi_point five[5];
    if (vi_candidate_points(c, five)) {
        memcpy(f->f.points, five, sizeof(five));
        f->f.has |= VISO_FACE_HAS_POINTS;
    }
}

/* Each followed face takes the candidate it overlaps most. */
static void renew(const vi_detector *d, vi_face *f, const vi_candidate *c, int n, bool *taken)
{
    bool seen = vi_face_seen(f); /* a second look: the landmark model has spoken */
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
        return;
    bool lost = d->looks > 1 || !(f->f.presence >= LOST_PRESENCE);
    if (most > SAME_IOU)
        f->f.score = c[best].score;
    else if (seen || taken[best])
        return;
    taken[best] = true;
    if (!seen && (lost || most < DRIFT_IOU))
        set_region(f, &c[best]);
}

static int larger_first(const void *a, const void *b)
{
    const vi_box *p = &((const vi_candidate *)a)->box, *q = &((const vi_candidate *)b)->box;
    float x = (p->x1 - p->x0) * (p->y1 - p->y0), y = (q->x1 - q->x0) * (q->y1 - q->y0);
    return x < y ? 1 : x > y ? -1 : 0;
}

void vi_detect_hand_over(const vi_detector *d, vi_work *w, vi_candidate *c, int n, bool *taken)
{
    int known = w->n_face, fresh = 0, room = VI_MIN(d->s.max_faces, VI_MAX_FACES) - known;
    if (n > 1)
        qsort(c, (size_t)n, sizeof(*c), larger_first);
    memset(taken, 0, (size_t)n * sizeof(*taken));
    for (int i = 0; i < known; i++)
        renew(d, &w->face[i], c, n, taken);
    /* What no face took is new. */
    for (int j = 0; j < n; j++)
        if (!taken[j] && c[j].box.x1 - c[j].box.x0 >= d->s.min_face)
            c[fresh++] = c[j];
    fresh = vi_detect_most_central(c, fresh, room, w->width, w->height);
    for (int j = 0; j < fresh; j++)
        append(w, &c[j]);
}
