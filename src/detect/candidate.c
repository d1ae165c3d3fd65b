/* detect/candidate.c: places detections in the picture, merges and limits them (recipe section 2; models.md 3.5). */
#include "detect/candidate.h"

#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "face/template.h"

/* A box nearer than this part of the window to an inner edge is cut off; the neighbouring tile has it whole. */
#define EDGE 0.02f
/* A candidate with this much of its area inside a better one is a part of the same face seen through a smaller tile. */
#define INSIDE 0.75f

vi_placing vi_placing_of(const vi_window *w, int width, int height)
{
    return (vi_placing){ vi_window_to_picture(w, (float)width, (float)height), (float)width, (float)height, w->angle, w->inner };
}

bool vi_candidate_place(vi_candidate *c, const vi_found *f, const vi_placing *p)
{
    float sum = f->x0 + f->y0 + f->x1 + f->y1, ex = EDGE * p->w, ey = EDGE * p->h;
    for (int i = 0; i < 2 * f->n_point; i++)
        sum += f->point[i];
    if (!isfinite(sum) || !(f->x1 > f->x0) || !(f->y1 > f->y0))
        return false;
    if (((p->inner & VI_INNER_LEFT) && f->x0 < ex) || ((p->inner & VI_INNER_TOP) && f->y0 < ey) ||
        ((p->inner & VI_INNER_RIGHT) && f->x1 > p->w - ex) || ((p->inner & VI_INNER_BOTTOM) && f->y1 > p->h - ey))
        return false;
    /* The upright box of a turned one: of the ellipse in it, since a head has no corners. Exact at quarter turns. */
    vi_point mid = vi_affine_apply(&p->to, (f->x0 + f->x1) / 2, (f->y0 + f->y1) / 2);
    float w = (f->x1 - f->x0) / 2, h = (f->y1 - f->y0) / 2;
    float x = hypotf(p->to.m[0] * w, p->to.m[1] * h), y = hypotf(p->to.m[3] * w, p->to.m[4] * h);
    c->box = (vi_box){ mid.x - x, mid.y - y, mid.x + x, mid.y + y };
    c->n_kp = f->n_point;
    for (int i = 0; i < 6; i++)
        c->kp[i] = i < f->n_point ? vi_affine_apply(&p->to, f->point[2 * i], f->point[2 * i + 1]) : (vi_point){ 0, 0 };
    c->score = f->score;
    c->angle = p->angle;
    return true;
}

static int by_score(const void *a, const void *b)
{
    float x = ((const vi_candidate *)a)->score, y = ((const vi_candidate *)b)->score;
    return x < y ? 1 : x > y ? -1 : 0;
}

static float area(const vi_box *b)
{
    return fmaxf(b->x1 - b->x0, 0) * fmaxf(b->y1 - b->y0, 0);
}

/* Part of a's area that lies in b. */
static float inside(const vi_box *a, const vi_box *b)
{
    float w = fminf(a->x1, b->x1) - fmaxf(a->x0, b->x0), h = fminf(a->y1, b->y1) - fmaxf(a->y0, b->y0);
    float own = area(a);
    return w > 0 && h > 0 && own > 0 ? w * h / own : 0;
}

static void sort(vi_candidate *c, int n, int (*order)(const void *, const void *))
{
    if (n > 1)
        qsort(c, (size_t)n, sizeof(*c), order);
}

int vi_detect_suppress(vi_candidate *c, int n, float iou, float most_inside)
{
    sort(c, n, by_score);
    int kept = 0;
    for (int i = 0; i < n; i++) {
        bool keep = true;
        for (int k = 0; k < kept && keep; k++)
            keep = !(vi_box_iou(&c[k].box, &c[i].box) > iou) &&
                   (most_inside > 1 || inside(&c[i].box, &c[k].box) < most_inside);
        if (keep)
            c[kept++] = c[i];
    }
    return kept;
}

static void add(vi_candidate *sum, const vi_candidate *c, float k)
{
    sum->box.x0 += k * c->box.x0;
    sum->box.y0 += k * c->box.y0;
    sum->box.x1 += k * c->box.x1;
    sum->box.y1 += k * c->box.y1;
    for (int i = 0; i < c->n_kp; i++) {
        sum->kp[i].x += k * c->kp[i].x;
        sum->kp[i].y += k * c->kp[i].y;
    }
}

int vi_detect_merge(vi_candidate *c, int n, float iou)
{
    sort(c, n, by_score);
    int kept = 0;
    while (n > kept) {
        /* c[kept] is the best of those not yet decided; everything before it is final. */
        vi_candidate best = c[kept], mean = { .score = best.score, .angle = best.angle, .n_kp = best.n_kp }, sum = mean;
        float weight = best.score;
        int left = kept + 1;
        add(&sum, &best, best.score);
        for (int i = kept + 1; i < n; i++) {
            if (vi_box_iou(&best.box, &c[i].box) > iou) {
                if (c[i].angle == best.angle) { /* points of a turned view mean other things */
                    add(&sum, &c[i], c[i].score);
                    weight += c[i].score;
                }
            } else if (inside(&c[i].box, &best.box) < INSIDE) {
                c[left++] = c[i];
            }
        }
        add(&mean, &sum, 1.0f / weight);
        c[kept++] = mean;
        n = left;
    }
    return kept;
}

bool vi_candidate_points(const vi_candidate *c, vi_point five[5])
{
    if (c->n_kp < 5)
        return false;
    for (int i = 0; i < 5; i++)
        five[i] = c->kp[i];
    if (c->n_kp == 6) {
        /* One point stands for the mouth: its corners lie about where the eyes' line, shortened, would. */
        float ex = (c->kp[1].x - c->kp[0].x) * 0.4f, ey = (c->kp[1].y - c->kp[0].y) * 0.4f;
        five[3] = (vi_point){ c->kp[3].x - ex, c->kp[3].y - ey };
        five[4] = (vi_point){ c->kp[3].x + ex, c->kp[3].y + ey };
    }
    return true;
}

float vi_candidate_roll(const vi_candidate *c)
{
    vi_point five[5];
    vi_affine crop_to_picture;
    if (!vi_candidate_points(c, five) || !vi_template_fit(VI_TEMPLATE_ARCFACE112, five, 112, &crop_to_picture))
        return 0;
    float degrees = atan2f(crop_to_picture.m[3], crop_to_picture.m[0]) * 57.29578f;
    return remainderf(degrees - c->angle, 360.0f);
}

int vi_detect_split_rolled(vi_candidate *c, int n, float limit)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (!(fabsf(vi_candidate_roll(&c[i])) <= limit))
            continue;
        vi_candidate t = c[i];
        c[i] = c[kept];
        c[kept++] = t;
    }
    return kept;
}

static int by_area(const void *a, const void *b)
{
    float x = area(&((const vi_candidate *)a)->box), y = area(&((const vi_candidate *)b)->box);
    return x < y ? 1 : x > y ? -1 : 0;
}

static float central(const vi_candidate *c, int width, int height)
{
    float x = (c->box.x0 + c->box.x1 - (float)width) / 2, y = (c->box.y0 + c->box.y1 - (float)height) / 2;
    return area(&c->box) - 2 * (x * x + y * y);
}

int vi_detect_most_central(vi_candidate *c, int n, int most, int width, int height)
{
    /* Few at a time: the worst goes until the rest fits. */
    for (; n > VI_MAX(most, 0); n--) {
        int worst = 0;
        for (int i = 1; i < n; i++)
            if (central(&c[i], width, height) < central(&c[worst], width, height))
                worst = i;
        c[worst] = c[n - 1];
    }
    sort(c, n, by_area);
    return n;
}
