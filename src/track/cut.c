/* track/cut.c: the cut detector.
 *
 * A cut replaces the picture; so does, for the mean difference of thumbnails, a photographer's flash, a fade, or a fast pan. The
 * difference is only the alarm. Two pictures that are a change of brightness apart correlate, and two that are a camera
 * movement apart match when one is shifted. Pure arithmetic on 64 x 36 grey values. */
#include "track/cut.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Below this standard deviation a thumbnail shows nothing: black or white between two scenes. */
#define PLAIN_SD 3.0f
/* Correlation from which two thumbnails are the same scene in another light. */
#define SAME_SCENE 0.8f
/* In dark or flat scenes a cut stays below the threshold: there, a difference as large as the scenes' own contrast, without
 * correlation, is one too. */
#define DARK_FLOOR 4.0f
#define DARK_CONTRAST 0.7f
#define DARK_CORRELATION 0.3f
/* How far a pan may shift the picture between frames (thumbnail pixels), and how much of the difference must go away. */
#define PAN_X 14
#define PAN_Y 7
#define PAN_REST 0.5f
#define FLASH_FRAMES 3

typedef struct relation {
    float mad, corr, sd_a, sd_b;
} relation;

static relation relate(const uint8_t *a, const uint8_t *b)
{
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0, diff = 0;
    for (int i = 0; i < VI_THUMB_SIZE; i++) {
        double x = a[i], y = b[i];
        sa += x;
        sb += y;
        saa += x * x;
        sbb += y * y;
        sab += x * y;
        diff += fabs(x - y);
    }
    const double n = VI_THUMB_SIZE;
    double va = fmax(saa / n - sa / n * (sa / n), 0), vb = fmax(sbb / n - sb / n * (sb / n), 0);
    double cov = sab / n - sa / n * (sb / n);
    relation r = { (float)(diff / n), va > 1e-6 && vb > 1e-6 ? (float)(cov / sqrt(va * vb)) : 0, (float)sqrt(va),
                   (float)sqrt(vb) };
    return r;
}

/* Smallest mean difference over shifts of the picture. */
static float best_shifted(const uint8_t *a, const uint8_t *b)
{
    float best = 255;
    for (int dy = -PAN_Y; dy <= PAN_Y; dy++) {
        for (int dx = -PAN_X; dx <= PAN_X; dx++) {
            int x0 = dx > 0 ? dx : 0, x1 = VI_THUMB_W + (dx < 0 ? dx : 0);
            int y0 = dy > 0 ? dy : 0, y1 = VI_THUMB_H + (dy < 0 ? dy : 0), sum = 0;
            for (int y = y0; y < y1; y++) {
                const uint8_t *p = a + y * VI_THUMB_W, *q = b + (y - dy) * VI_THUMB_W - dx;
                for (int x = x0; x < x1; x++)
                    sum += abs(p[x] - q[x]);
            }
            best = fminf(best, (float)sum / (float)((x1 - x0) * (y1 - y0)));
        }
    }
    return best;
}

static bool differ(const uint8_t *a, const uint8_t *b, float threshold)
{
    relation r = relate(a, b);
    bool bright = r.mad > threshold;
    bool dark = r.mad > DARK_FLOOR && r.mad > DARK_CONTRAST * fminf(r.sd_a, r.sd_b) && r.corr < DARK_CORRELATION;
    if ((!bright && !dark) || r.corr >= SAME_SCENE)
        return false;
    return best_shifted(a, b) > PAN_REST * r.mad;
}

void vi_cut_reset(vi_cut *c)
{
    memset(c, 0, sizeof(*c));
}

bool vi_cut_feed(vi_cut *c, const uint8_t thumb[VI_THUMB_SIZE], float threshold)
{
    memcpy(c->before, c->frames ? c->now : thumb, VI_THUMB_SIZE);
    memcpy(c->now, thumb, VI_THUMB_SIZE);
    c->frames += c->frames < 2;
    c->since_cut++;
    relation own = relate(thumb, thumb);
    if (own.sd_a < PLAIN_SD)
        return false; /* what follows decides, against what was before */
    bool cut = c->scenes && differ(c->scene, thumb, threshold);
    if (cut && c->scenes > 1 && c->since_cut <= FLASH_FRAMES && !differ(c->outside, thumb, threshold))
        cut = false; /* back from a flash to where it interrupted */
    if (cut) {
        memcpy(c->outside, c->scene, VI_THUMB_SIZE);
        c->since_cut = 0;
        c->scenes = 2;
    } else if (!c->scenes) {
        c->scenes = 1;
    }
    memcpy(c->scene, thumb, VI_THUMB_SIZE);
    return cut;
}

float vi_cut_change(const vi_cut *c, const vi_box *part)
{
    if (c->frames < 2)
        return 0;
    int x0 = (int)fminf(fmaxf(part->x0 * VI_THUMB_W, 0), VI_THUMB_W - 1),
        x1 = (int)fminf(fmaxf(ceilf(part->x1 * VI_THUMB_W), 1), VI_THUMB_W);
    int y0 = (int)fminf(fmaxf(part->y0 * VI_THUMB_H, 0), VI_THUMB_H - 1),
        y1 = (int)fminf(fmaxf(ceilf(part->y1 * VI_THUMB_H), 1), VI_THUMB_H);
    int sum = 0, n = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++, n++)
            sum += abs(c->now[y * VI_THUMB_W + x] - c->before[y * VI_THUMB_W + x]);
    return n ? (float)sum / (float)n : 0;
}
