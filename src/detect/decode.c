/* detect/decode.c: anchors, scores and weighted suppression (recipe section 2). Pure functions, no state. */
#include "detect/decode.h"

#include <math.h>
#include <stdlib.h>

/* A box nearer than this part of the window to an inner edge is cut off; the neighbouring tile has it whole. */
#define EDGE 0.02f
/* A candidate with this much of its area inside a better one is a part of the same face seen through a smaller tile. */
#define INSIDE 0.75f

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-fminf(fmaxf(x, -100.0f), 100.0f)));
}

static bool decode_one(const float *r, float ax, float ay, const vi_window *w, const vi_affine *to, vi_candidate *out)
{
    const float n = 1.0f / VI_DETECT_INPUT;
    for (int i = 0; i < VI_DETECT_VALUES; i++)
        if (!isfinite(r[i]))
            return false;
    float cx = r[0] * n + ax, cy = r[1] * n + ay, bw = r[2] * n, bh = r[3] * n;
    if (!(bw > 0) || !(bh > 0))
        return false;
    float x0 = cx - bw / 2, y0 = cy - bh / 2, x1 = cx + bw / 2, y1 = cy + bh / 2;
    if (((w->inner & VI_INNER_LEFT) && x0 < EDGE) || ((w->inner & VI_INNER_TOP) && y0 < EDGE) ||
        ((w->inner & VI_INNER_RIGHT) && x1 > 1 - EDGE) || ((w->inner & VI_INNER_BOTTOM) && y1 > 1 - EDGE))
        return false;
    vi_point p = vi_affine_apply(to, x0, y0), q = vi_affine_apply(to, x1, y1);
    out->box = (vi_box){ fminf(p.x, q.x), fminf(p.y, q.y), fmaxf(p.x, q.x), fmaxf(p.y, q.y) };
    for (int i = 0; i < 6; i++)
        out->kp[i] = vi_affine_apply(to, r[4 + 2 * i] * n + ax, r[5 + 2 * i] * n + ay);
    out->turns = w->turns;
    return true;
}

int vi_detect_decode(const float *regressors, const float *scores, float threshold, const vi_window *w,
                     vi_candidate *out, int max)
{
    vi_affine to = vi_window_to_picture(w, 1.0f);
    /* The threshold as a logit: one comparison per anchor instead of one exponential. */
    float t = fminf(fmaxf(threshold, 1e-6f), 1 - 1e-6f), logit = logf(t / (1 - t));
    int n = 0;
    for (int i = 0; i < VI_DETECT_ANCHORS && n < max; i++) {
        if (!(scores[i] >= logit))
            continue;
        float ax = ((float)(i % VI_DETECT_GRID) + 0.5f) / VI_DETECT_GRID;
        float ay = ((float)(i / VI_DETECT_GRID) + 0.5f) / VI_DETECT_GRID;
        if (decode_one(regressors + (size_t)i * VI_DETECT_VALUES, ax, ay, w, &to, &out[n]))
            out[n++].score = sigmoid(scores[i]);
    }
    return n;
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

static void add(vi_candidate *sum, const vi_candidate *c, float k)
{
    sum->box.x0 += k * c->box.x0;
    sum->box.y0 += k * c->box.y0;
    sum->box.x1 += k * c->box.x1;
    sum->box.y1 += k * c->box.y1;
    for (int i = 0; i < 6; i++) {
        sum->kp[i].x += k * c->kp[i].x;
        sum->kp[i].y += k * c->kp[i].y;
    }
}

int vi_detect_merge(vi_candidate *c, int n, float iou)
{
    if (n > 1)
        qsort(c, (size_t)n, sizeof(*c), by_score);
    int kept = 0;
    while (n > kept) {
        /* c[kept] is the best of those not yet decided; everything before it is final. */
        vi_candidate best = c[kept], sum = { .score = best.score, .turns = best.turns };
        float weight = best.score;
        int left = kept + 1;
        add(&sum, &best, best.score);
        for (int i = kept + 1; i < n; i++) {
            if (vi_box_iou(&best.box, &c[i].box) > iou) {
                if (c[i].turns == best.turns) { /* points of a turned view mean other things */
                    add(&sum, &c[i], c[i].score);
                    weight += c[i].score;
                }
            } else if (inside(&c[i].box, &best.box) < INSIDE) {
                c[left++] = c[i];
            }
        }
        vi_candidate mean = { .score = best.score, .turns = best.turns };
        add(&mean, &sum, 1.0f / weight);
        c[kept++] = mean;
        n = left;
    }
    return kept;
}
