/* swap/target_mouth.c: what always stays the target's: the inside of an open mouth (recipe 6.4) and the frame of glasses
 * (9.8). */
#include <math.h>

#include "swap/target.h"

/* Between these openings the interior fades in; the recipe's threshold of 0.035 in the middle, without a jump in video. */
#define MOUTH_SHUT 0.025f
#define MOUTH_OPEN 0.045f

int vi_target_mouth(vi_target *t)
{
    t->mouth_open = 0.0f;
    if (t->set->mouth_interior)
        t->mouth_open = vi_smoothstep(vi_mouth_openness((const float (*)[3])t->tc), MOUTH_SHUT, MOUTH_OPEN);
    t->inner_box = (vi_rect){ 0, 0, 0, 0 };
    if (!(t->mouth_open > 0.0f))
        return 0;
    vi_point p[20];
    vi_box box = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    float soft = 0.006f * t->fs, reach = 3.0f * soft + 2.0f;
    for (int i = 0; i < 20; i++) {
        p[i] = t->n[vi_lm_lips_inner[i]];
        box = (vi_box){ fminf(box.x0, p[i].x - reach), fminf(box.y0, p[i].y - reach), fmaxf(box.x1, p[i].x + reach),
                        fmaxf(box.y1, p[i].y + reach) };
    }
    vi_rect b = vi_box_cover(&box, t->win.w, t->win.h);
    if (b.w < 1 || b.h < 1)
        return 0;
    t->inner = vi_plane_new(t->a, b.w, b.h);
    if (!t->inner.p)
        return VISO_ERR_NO_SPACE;
    t->inner_box = b;
    vi_plane_fill(&t->inner, 0.0f);
    for (int i = 0; i < 20; i++)
        p[i] = (vi_point){ p[i].x - (float)b.x, p[i].y - (float)b.y };
    int rc = t->k->polygon(&t->inner, p, 20, 1.0f, t->a);
    if (!rc)
        rc = t->k->blur(&t->inner, &t->inner, soft, t->a);
    if (rc)
        return rc;
    t->k->affine(&t->inner, &t->inner, 1.15f, 0.0f);
    t->k->clamp(&t->inner, &t->inner, 0.0f, 1.0f);
    t->k->affine(&t->inner, &t->inner, t->mouth_open, 0.0f);
    return 0;
}

static float at(const vi_plane *p, int x, int y)
{
    return p->p[vi_clampi(y, 0, p->h - 1) * p->stride + vi_clampi(x, 0, p->w - 1)];
}

/* Strongest step of L from row to row in each column of a box, averaged over the columns: a frame's bridge is an edge in
 * every column, skin is not. */
static float bar_energy(const vi_plane *L, float x0, float x1, float y0, float y1, float step)
{
    int s = VI_MAX(1, (int)lrintf(step)), n = 0;
    float sum = 0.0f;
    for (int x = (int)x0; x <= (int)x1; x++, n++) {
        float most = 0.0f;
        for (int y = (int)y0; y <= (int)y1; y++)
            most = fmaxf(most, fabsf(at(L, x, y + s) - at(L, x, y - s)));
        sum += most;
    }
    return n > 0 ? sum / (float)n : 0.0f;
}

/* Edge energy between the eyes at 168..6, relative to the bare ridge of the nose below. */
float vi_target_glasses_score(const vi_target *t)
{
    const vi_plane *L = &t->t_lab.c[0];
    float half = 0.25f * fabsf(t->n[362].x - t->n[133].x), step = 0.012f * t->fs;
    const vi_point *a = &t->n[168], *b = &t->n[6], *c = &t->n[197], *d = &t->n[5];
    float pad = 0.02f * t->fs;
    float bridge = bar_energy(L, a->x - half, a->x + half, a->y - pad, b->y + pad, step);
    float ridge = bar_energy(L, c->x - 0.6f * half, c->x + 0.6f * half, c->y, 0.5f * (c->y + d->y), step);
    return bridge - 1.5f * ridge;
}

/* Pixels of a frame: much darker or brighter than their surroundings, between brows and cheeks, not the eye itself. */
int vi_target_glasses(vi_target *t)
{
    static const uint16_t band[] = { 127, 70, 63, 105, 66, 107, 9, 336, 296, 334, 293, 300, 356,
                                     447, 346, 347, 348, 349, 350, 277, 197, 47, 121, 120, 119, 118, 117, 227 };
    t->glasses.p = NULL;
    float strength = t->stat[VI_STAT_GLASSES].known ? vi_smoothstep(t->stat[VI_STAT_GLASSES].v[0], 9.0f, 16.0f) : 0.0f;
    if (!(strength > 0.0f))
        return 0;
    int w = t->win.w, h = t->win.h;
    t->glasses = vi_plane_new(t->a, w, h);
    vi_plane *dst = &t->glasses;
    size_t mark = vi_arena_mark(t->a);
    vi_plane zone = vi_plane_new(t->a, w, h), low = vi_plane_new(t->a, w, h), brows = vi_plane_new(t->a, w, h);
    if (!brows.p)
        return VISO_ERR_NO_SPACE;
    vi_point p[VI_COUNT(band)];
    for (size_t i = 0; i < VI_COUNT(band); i++)
        p[i] = t->n[band[i]];
    vi_plane_fill(&zone, 0.0f);
    int rc = t->k->polygon(&zone, p, VI_COUNT(band), 1.0f, t->a);
    if (!rc)
        rc = t->k->blur(&zone, &zone, 0.01f * t->fs, t->a);
    if (!rc)
        rc = t->k->blur(&low, &t->t_lab.c[0], 0.035f * t->fs, t->a);
    for (int e = 0; e < 2 && !rc; e++) { /* brows are dark too, and come from the source */
        vi_point brow[10];
        for (int i = 0; i < 10; i++)
            brow[i] = t->n[(e ? vi_lm_brow_r : vi_lm_brow_l)[i]];
        vi_plane_fill(&brows, 0.0f);
        rc = t->k->polygon(&brows, brow, 10, 1.0f, t->a);
        if (!rc)
            rc = t->k->dilate(&brows, &brows, 0.012f * t->fs, 0.012f * t->fs, t->a);
        if (!rc)
            rc = t->k->blur(&brows, &brows, 0.008f * t->fs, t->a);
        for (int y = 0; y < h && !rc; y++)
            for (int x = 0; x < w; x++)
                zone.p[y * zone.stride + x] *= 1.0f - brows.p[y * brows.stride + x];
    }
    for (int e = 0; e < 2 && !rc; e++) { /* so are lids and lashes */
        vi_rect b = t->eye_box[e];
        for (int y = 0; y < b.h; y++)
            for (int x = 0; x < b.w; x++) {
                float *z = &zone.p[(b.y + y) * zone.stride + b.x + x];
                *z *= 1.0f - t->eye[e].p[y * t->eye[e].stride + x];
            }
    }
    for (int y = 0; y < h && !rc; y++) {
        float *o = dst->p + y * dst->stride;
        const float *L = t->t_lab.c[0].p + y * t->t_lab.c[0].stride;
        const float *l = low.p + y * low.stride, *z = zone.p + y * zone.stride;
        for (int x = 0; x < w; x++)
            o[x] = z[x] * vi_smoothstep(fabsf(L[x] - l[x]), 7.0f, 14.0f);
    }
    float r = 0.01f * t->fs;
    if (!rc)
        rc = t->k->dilate(dst, dst, r, r, t->a);
    if (!rc)
        rc = t->k->blur(dst, dst, 0.006f * t->fs, t->a);
    if (!rc)
        t->k->affine(dst, dst, strength, 0.0f);
    vi_arena_release(t->a, mark);
    return rc;
}
