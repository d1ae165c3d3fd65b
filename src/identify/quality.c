/* identify/quality.c: how well a photograph would do as a source (recipe section 9, fix 2). Pure. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "face/region.h"
#include "identify/identify.h"

/* A fault in words, most serious first, and how much of the score it leaves. */
typedef struct verdict {
    float score;
    char *why;
    size_t size, used;
} verdict;

static void judge(verdict *v, float factor, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void judge(verdict *v, float factor, const char *fmt, ...)
{
    v->score *= vi_clampf(factor, 0, 1);
    if (factor >= 0.999f || v->used >= v->size)
        return;
    va_list ap;
    va_start(ap, fmt);
    if (v->used && v->used + 2 < v->size) {
        v->why[v->used++] = ',';
        v->why[v->used++] = ' ';
    }
    int n = vsnprintf(v->why + v->used, v->size - v->used, fmt, ap);
    va_end(ap);
    if (n > 0)
        v->used = v->used + (size_t)n < v->size ? v->used + (size_t)n : v->size;
}

static float gap(const viso_point3 *m, int a, int b)
{
    return hypotf(m[a].x - m[b].x, m[a].y - m[b].y);
}

/* Mean lid gap over the eye's width: .25 to .42 is normal, below .12 closed (recipe 6.3). Contour positions 3, 4, 5 of the lower
 * lid against 13, 12, 11 of the upper. */
static float openness(const viso_point3 *m, const uint16_t contour[16])
{
    float lids =
        (gap(m, contour[3], contour[13]) + gap(m, contour[4], contour[12]) + gap(m, contour[5], contour[11])) / 3;
    float width = gap(m, contour[0], contour[8]);
    return width > 1e-3f ? lids / width : 0;
}

float vi_face_quality(const vi_face *f, float skin_fraction, char *why, size_t why_size)
{
    verdict v = { .score = 1, .why = why, .size = why ? why_size : 0 };
    if (v.size)
        why[0] = '\0';
    if (!(f->f.has & VISO_FACE_HAS_MESH)) {
        judge(&v, 0, "no landmarks");
        return 0;
    }
    const float yaw = fabsf(f->f.pose.yaw), pitch = fabsf(f->f.pose.pitch), width = vi_face_width(&f->f);
    const float left = openness(f->f.mesh, vi_lm_contour_l), right = openness(f->f.mesh, vi_lm_contour_r);
    const float open = fminf(left, right);
    if (!isfinite(yaw) || !isfinite(width) || !isfinite(open)) {
        judge(&v, 0, "landmarks are not usable");
        return 0;
    }
    /* Each rule costs nothing up to its limit and then falls off; at the second number half is gone. */
    judge(&v, yaw <= 35 ? 1 : 1 / (1 + (yaw - 35) / 15), "turned %.0f degrees to the side (at most 35 is good)",
          (double)yaw);
    judge(&v, pitch <= 30 ? 1 : 1 / (1 + (pitch - 30) / 15), "tilted %.0f degrees (at most 30 is good)", (double)pitch);
    judge(&v, width >= 100 ? 1 : width / 100, "face only %.0f pixels wide (100 are good)", (double)width);
    judge(&v,
          open >= 0.18f   ? 1
          : open >= 0.12f ? 0.75f
                          : 0.5f,
          "%s", fmaxf(left, right) < 0.18f ? "eyes closed" : "an eye nearly closed");
    judge(&v, f->f.presence >= 0.9f ? 1 : f->f.presence, "face not clearly visible (%.2f)", (double)f->f.presence);
    if (skin_fraction >= 0)
        judge(&v, skin_fraction >= 0.75f ? 1 : 0.3f + 0.7f * skin_fraction / 0.75f,
              "only %.0f %% of the face is bare skin (hair, a hand or an object in front)",
              (double)skin_fraction * 100);
    return vi_clampf(v.score, 0, 1);
}
