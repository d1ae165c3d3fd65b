/* swap/skin.c: skin segmentation of an upright face crop (mesh-swap recipe 5 and 6.5), standing in for a parsing network.
 * Any thread, no heap, deterministic.
 *
 * The idea: the landmarks say where skin must be (cheeks, nose, chin) and where hair and background must be (a ring around
 * the oval above the mouth). Both are modelled by Gaussians over Lab and a texture measure, a prior that knows the distance
 * to the oval's edge and the brow line settles doubt, and eyes, brows and lips are declared to belong to the face. The work
 * is done at a reduced size: the mask is smooth. */
#include <math.h>
#include <string.h>

#include "swap/skin.h"
#include "swap/skin_draw.h"
#include "swap/skin_model.h"
#include "swap/clones.h"

#define SIZE_FULL 384    /* largest working size */
#define SIZE_FAST 128    /* in video */
#define CORE_MAX 4096    /* samples of a Gaussian */
#define RING_MAX 2400    /* samples of the k-means */
#define FALLBACK (-8.0f) /* log level of "something never seen", relative to the skin's own peak */

static const float skin_diag[VI_FEATURES] = { 40.0f, 5.0f, 5.0f, 25.0f };
static const float other_diag[VI_FEATURES] = { 12.0f, 4.0f, 4.0f, 10.0f };

/* What a mask over mouth and nose leaves free: strips under the eyes, the brow ridge. */
static const uint16_t under_eye_l[] = { 111, 117, 118, 119, 120, 100, 101, 50, 123, 116 };
static const uint16_t under_eye_r[] = { 340, 346, 347, 348, 349, 329, 330, 280, 352, 345 };
static const uint16_t brow_ridge[] = { 9, 107, 108, 151, 337, 336 };

typedef struct work {
    const vi_kernels *k;
    vi_arena *a;
    int w, h;
    vi_point lm[478]; /* working coordinates */
    float fs;
    vi_plane feature[VI_FEATURES];
    vi_plane light; /* L unblurred, 0..1: guide */
    vi_plane mask, tmp;
    vi_sample *sample; /* room for CORE_MAX */
    float *floats;     /* the same */
    vi_rect box;       /* where the mask is computed: the oval and some room */
} work;

/* ---- polygons ---- */

static void gather(const work *s, const uint16_t *list, int n, vi_point *out)
{
    for (int i = 0; i < n; i++)
        out[i] = s->lm[list[i]];
}

static int draw_list(const work *s, const vi_plane *dst, const uint16_t *list, int n, float value)
{
    vi_point pts[40];
    gather(s, list, n, pts);
    return s->k->polygon(dst, pts, n, value, s->a);
}

/* ---- features ---- */

static int prepare(work *s, const vi_rgb *crop, const vi_point lm[478], int limit)
{
    const vi_kernels *k = s->k;
    int cw = crop->c[0].w, ch = crop->c[0].h;
    float scale = VI_MIN(1.0f, (float)limit / (float)VI_MAX(cw, ch));
    s->w = VI_MAX(8, (int)lrintf(scale * (float)cw));
    s->h = VI_MAX(8, (int)lrintf(scale * (float)ch));
    float sx = (float)s->w / (float)cw, sy = (float)s->h / (float)ch;
    for (int i = 0; i < 478; i++)
        s->lm[i] = (vi_point){ lm[i].x * sx, lm[i].y * sy };
    s->fs = vi_face_size(s->lm);
    vi_rgb lab = vi_rgb_new(s->a, s->w, s->h);
    s->feature[3] = vi_plane_new(s->a, s->w, s->h);
    s->light = vi_plane_new(s->a, s->w, s->h);
    s->mask = vi_plane_new(s->a, s->w, s->h);
    s->tmp = vi_plane_new(s->a, s->w, s->h);
    s->sample = vi_arena_alloc(s->a, CORE_MAX * sizeof *s->sample);
    s->floats = vi_arena_alloc(s->a, 5 * CORE_MAX * sizeof *s->floats); /* skin_model.h */
    if (!lab.c[0].p || !lab.c[1].p || !lab.c[2].p || !s->feature[3].p || !s->light.p || !s->mask.p || !s->tmp.p ||
        !s->sample || !s->floats)
        return VISO_ERR_NO_SPACE;
    for (int c = 0; c < 3; c++) {
        int rc = 0;
        s->feature[c] = lab.c[c];
        if (s->w == cw && s->h == ch)
            vi_plane_copy(&lab.c[c], &crop->c[c]);
        else
            rc = k->resize(&lab.c[c], &crop->c[c], s->a);
        if (rc)
            return rc;
    }
    k->rgb_to_lab(&lab, &lab);
    k->affine(&s->light, &lab.c[0], 0.01f, 0.0f);
    return 0;
}

/* ln x of a positive normal number, to 2e-6: 2 atanh((m - 1) / (m + 1)) of the mantissa around 1, and the exponent. Plain
 * arithmetic, so that the compiler does eight at once. */
static inline float quick_ln(float x)
{
    union {
        float f;
        int32_t i;
    } v = { .f = x };
    int32_t e = (v.i - 0x3f3504f3) >> 23;
    v.i -= e * (1 << 23);
    float s = (v.f - 1.0f) / (v.f + 1.0f), s2 = s * s;
    return 2.0f * s * (1.0f + s2 * (1.0f / 3.0f + s2 * (0.2f + s2 * 0.15f))) + 0.69314718f * (float)e;
}

/* e^x for |x| <= 30, to 2e-6 of itself: a power of two and a series between its halves. */
static inline float quick_exp(float x)
{
    union {
        float f;
        int32_t i;
    } v;
    float t = x * 1.44269504f, whole = (float)(int32_t)(t + (t < 0.0f ? -0.5f : 0.5f)), f = 0.69314718f * (t - whole);
    v.f = 1.0f + f * (1.0f + f * (0.5f + f * (1.0f / 6.0f + f * (1.0f / 24.0f + f * (1.0f / 120.0f)))));
    v.i += (int32_t)whole * (1 << 23);
    return v.f;
}

VI_CLONES static void texture_row(float *p, int n)
{
    for (int x = 0; x < n; x++) {
        float v = p[x] > 0.0f ? p[x] : 0.0f;
        p[x] = 12.0f * quick_ln(1.0f + sqrtf(v));
    }
}

/* Texture: 12 ln(1 + local standard deviation of the high-passed L); and the slight blur of Lab. */
static int make_features(work *s)
{
    const vi_kernels *k = s->k;
    const vi_plane *tex = &s->feature[3], *tmp = &s->tmp;
    float wide = 0.02f * s->fs, fine = 0.006f * s->fs;
    int rc = k->blur(tmp, &s->feature[0], wide, s->a);
    if (rc)
        return rc;
    k->add_scaled(tmp, &s->feature[0], tmp, -1.0f);
    k->mul(tmp, tmp, tmp);
    if ((rc = k->blur(tex, tmp, wide, s->a)))
        return rc;
    for (int y = 0; y < s->h; y++)
        texture_row(tex->p + y * tex->stride, s->w);
    for (int c = 0; c < 3 && !rc && fine > 0.3f; c++)
        rc = k->blur(&s->feature[c], &s->feature[c], fine, s->a);
    return rc;
}

VI_CLONES static int count_row(const float *restrict m, int n)
{
    int found = 0;
    for (int x = 0; x < n; x++)
        found += m[x] > 0.5f;
    return found;
}

/* Up to CORE_MAX evenly spread pixels where mask > 0.5. Most rows have none. */
static int collect(work *s, const vi_plane *mask)
{
    int total = 0, n = 0, seen = 0, top = s->h, bottom = 0;
    for (int y = 0; y < s->h; y++) {
        int found = count_row(mask->p + y * mask->stride, s->w);
        total += found;
        if (found) {
            top = VI_MIN(top, y);
            bottom = y + 1;
        }
    }
    int step = total / CORE_MAX + 1;
    for (int y = top; y < bottom && n < CORE_MAX; y++) {
        const float *m = mask->p + y * mask->stride;
        for (int x = 0; x < s->w && n < CORE_MAX; x++) {
            if (!(m[x] > 0.5f) || seen++ % step != 0)
                continue;
            for (int c = 0; c < VI_FEATURES; c++)
                s->sample[n][c] = s->feature[c].p[y * s->feature[c].stride + x];
            n++;
        }
    }
    return n;
}

/* ---- models ---- */

typedef struct patch {
    const uint16_t *list;
    int n;
} patch;
#define PATCH(l)                                                                                                       \
    {                                                                                                                  \
        l, (int)VI_COUNT(l)                                                                                            \
    }

/* Gaussian of the pixels inside the polygons. `hole`: a polygon cut out, or NULL. */
static int fit_patches(work *s, const patch *p, int n, const patch *hole, vi_gauss *g)
{
    int rc = 0;
    vi_plane_fill(&s->mask, 0.0f);
    for (int i = 0; i < n && !rc; i++)
        rc = draw_list(s, &s->mask, p[i].list, p[i].n, 1.0f);
    if (!rc && hole) {
        vi_plane_fill(&s->tmp, 0.0f);
        rc = draw_list(s, &s->tmp, hole->list, hole->n, 1.0f);
        s->k->add_scaled(&s->mask, &s->mask, &s->tmp, -1.0f);
    }
    if (rc)
        return rc;
    vi_gauss_fit(g, s->sample, collect(s, &s->mask), true, 1.5f, skin_diag, s->floats);
    return 0;
}

static void to_lab_model(const vi_gauss *g, vi_lab_model *m)
{
    m->n = (float)g->n;
    memcpy(m->mean, g->mean, sizeof m->mean);
    const int at[6][2] = { { 0, 0 }, { 0, 1 }, { 0, 2 }, { 1, 1 }, { 1, 2 }, { 2, 2 } };
    for (int i = 0; i < 6; i++)
        m->cov[i] = g->cov[at[i][0]][at[i][1]];
}

/* Skin, upper skin, chin and lips; what they say of each other. */
static int measure(work *s, vi_gauss *skin, vi_gauss *upper, vi_skin_info *info)
{
    const patch core[] = { PATCH(vi_lm_skin_cheek_l), PATCH(vi_lm_skin_cheek_r), PATCH(vi_lm_skin_nose_l),
                           PATCH(vi_lm_skin_nose_r), PATCH(vi_lm_skin_chin) };
    const patch high[] = { PATCH(under_eye_l), PATCH(under_eye_r), PATCH(brow_ridge) };
    const patch outer = PATCH(vi_lm_lips_outer), inner = PATCH(vi_lm_lips_inner);
    vi_gauss chin, lips;
    int rc = fit_patches(s, core, 5, NULL, skin);
    if (!rc)
        rc = fit_patches(s, high, 3, NULL, upper);
    if (!rc)
        rc = fit_patches(s, core + 4, 1, NULL, &chin);
    if (!rc)
        rc = fit_patches(s, &outer, 1, &inner, &lips);
    if (rc)
        return rc;
    to_lab_model(skin, &info->skin);
    to_lab_model(upper, &info->upper);
    to_lab_model(&chin, &info->chin);
    to_lab_model(&lips, &info->lips);
    if (upper->n > 0 && chin.n > 0) {
        float at[VI_FEATURES] = { chin.mean[0], chin.mean[1], chin.mean[2], upper->mean[3] };
        info->chin_distance = sqrtf(vi_gauss_distance2(upper, at));
    }
    if (lips.n > 0 && chin.n > 0)
        info->lips_chin = sqrtf((lips.mean[0] - chin.mean[0]) * (lips.mean[0] - chin.mean[0]) +
                                (lips.mean[1] - chin.mean[1]) * (lips.mean[1] - chin.mean[1]) +
                                (lips.mean[2] - chin.mean[2]) * (lips.mean[2] - chin.mean[2]));
    return 0;
}

/* Lips that are lighter or less red than skin are no lips. A chin unlike the skin under the eyes is a beard when the lips
 * stand out from it, and an object when they do not. */
bool vi_skin_mouth_occluded(const vi_skin_info *i)
{
    const vi_lab_model *skin = i->upper.n > 0 ? &i->upper : &i->skin;
    if (skin->n <= 0 || i->lips.n <= 0)
        return false;
    if (i->lips.mean[0] > skin->mean[0] + 12.0f || i->lips.mean[1] < skin->mean[1] - 6.0f)
        return true;
    return i->chin.n > 0 && i->chin_distance > 4.0f && i->lips_chin < 8.0f;
}

static int draw_oval(const work *s, const vi_plane *dst, float grow)
{
    vi_point p[36], c = { 0, 0 };
    gather(s, vi_lm_oval, 36, p);
    for (int i = 0; i < 36; i++) {
        c.x += p[i].x / 36.0f;
        c.y += p[i].y / 36.0f;
    }
    for (int i = 0; i < 36; i++)
        p[i] = (vi_point){ c.x + grow * (p[i].x - c.x), c.y + grow * (p[i].y - c.y) };
    vi_plane_fill(dst, 0.0f);
    return s->k->polygon(dst, p, 36, 1.0f, s->a);
}

static float mean_y(const work *s, const uint16_t *list, int n)
{
    float y = 0.0f;
    for (int i = 0; i < n; i++)
        y += s->lm[list[i]].y / (float)n;
    return y;
}

/* Clusters of the ring around the head that does not look like skin: hair, background, hat, collar. */
static int find_others(work *s, const vi_gauss *skin, bool fast, vi_gauss other[VI_OTHERS], int *n_other)
{
    int rc = draw_oval(s, &s->mask, 1.45f), n = 0, kept = 0, limit = fast ? 700 : RING_MAX;
    if (!rc)
        rc = draw_oval(s, &s->tmp, 1.06f);
    if (rc)
        return rc;
    s->k->add_scaled(&s->mask, &s->mask, &s->tmp, -1.0f);
    int below = vi_clampi((int)mean_y(s, vi_lm_lips, 80), 0, s->h);
    for (int y = below; y < s->h; y++)
        memset(s->mask.p + y * s->mask.stride, 0, sizeof(float) * (size_t)s->w);
    n = collect(s, &s->mask);
    for (int i = 0; i < n; i++)
        if (vi_gauss_distance2(skin, s->sample[i]) > 9.0f)
            memmove(s->sample[kept++], s->sample[i], sizeof *s->sample);
    int step = kept / limit + 1;
    n = 0;
    for (int i = 0; i < kept; i += step)
        memmove(s->sample[n++], s->sample[i], sizeof *s->sample);
    *n_other = 0;
    if (n < 40)
        return 0;
    size_t mark = vi_arena_mark(s->a);
    int32_t *label = vi_arena_alloc(s->a, (size_t)n * sizeof *label);
    vi_sample *one = vi_arena_alloc(s->a, (size_t)n * sizeof *one);
    if (!label || !one)
        return VISO_ERR_NO_SPACE;
    int k = vi_kmeans((const vi_sample *)s->sample, n, fast ? 2 : 3, fast ? 12 : 20, label, s->floats);
    for (int c = 0; c < k; c++) {
        int m = 0;
        for (int i = 0; i < n; i++)
            if (label[i] == c)
                memcpy(one[m++], s->sample[i], sizeof *one);
        vi_gauss *g = &other[*n_other];
        if (vi_gauss_fit(g, (const vi_sample *)one, m, false, 1.0f, other_diag, s->floats)) {
            g->weight = (float)m / (float)n;
            (*n_other)++;
        }
    }
    vi_arena_release(s->a, mark);
    return 0;
}

/* ---- posterior ---- */

/* A Gaussian over one row. The four factors of the squared distance are written out so that they stay in registers. */
typedef struct row {
    const float *l, *a, *b, *t;
} row;

static row row_of(const work *s, int y)
{
    const vi_plane *f = s->feature;
    return (row){ f[0].p + y * f[0].stride, f[1].p + y * f[1].stride, f[2].p + y * f[2].stride,
                  f[3].p + y * f[3].stride };
}

static inline float distance2_of(const vi_gauss *g, float d0, float d1, float d2, float d3)
{
    float e0 = g->whiten[0][0] * d0, e1 = g->whiten[1][0] * d0 + g->whiten[1][1] * d1;
    float e2 = g->whiten[2][0] * d0 + g->whiten[2][1] * d1 + g->whiten[2][2] * d2;
    float e3 = g->whiten[3][0] * d0 + g->whiten[3][1] * d1 + g->whiten[3][2] * d2 + g->whiten[3][3] * d3;
    return e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3;
}

/* best = max(best, log density), relative to the skin's peak through `base`. */
VI_CLONES static void others_row(const work *s, const vi_gauss *other, float base, int y, int x0, int x1, float *restrict best)
{
    const vi_gauss g = *other;
    const row r = row_of(s, y);
    for (int x = x0; x < x1; x++) {
        float v = base - 0.5f * distance2_of(&g, r.l[x] - g.mean[0], r.a[x] - g.mean[1], r.b[x] - g.mean[2],
                                             r.t[x] - g.mean[3]);
        best[x] = v > best[x] ? v : best[x];
    }
}

/* Log density of skin, where being lighter counts half and being smoother not at all. */
VI_CLONES static void skin_row(const work *s, const vi_gauss *skin, int y, int x0, int x1, float *restrict out)
{
    const vi_gauss g = *skin;
    const row r = row_of(s, y);
    for (int x = x0; x < x1; x++) {
        float d0 = r.l[x] - g.mean[0], d3 = r.t[x] - g.mean[3];
        d0 = d0 > 0.0f ? 0.5f * d0 : d0;
        d3 = d3 > 0.0f ? d3 : 0.0f;
        out[x] = -0.5f * distance2_of(&g, d0, r.a[x] - g.mean[1], r.b[x] - g.mean[2], d3);
    }
}

/* Posterior from both log densities and the prior, which trusts what is deep inside the oval. */
VI_CLONES static void probable_row(float *restrict p, const float *restrict depth, const float *restrict own,
                                   const float *restrict best, int n, float per_fs, float trust)
{
    for (int x = 0; x < n; x++) {
        float prior = -1.0f + 7.0f * vi_smoothstep(depth[x] * per_fs, 0.02f, 0.22f) * trust;
        float v = best[x] - own[x] - prior;
        v = v < -30.0f ? -30.0f : v > 30.0f ? 30.0f : v;
        p[x] = 1.0f / (1.0f + quick_exp(v));
    }
}

static void find_box(work *s)
{
    float x0 = 1e9f, y0 = 1e9f, x1 = -1e9f, y1 = -1e9f, room = 0.08f * s->fs + 3.0f;
    for (int i = 0; i < 36; i++) {
        vi_point p = s->lm[vi_lm_oval[i]];
        x0 = VI_MIN(x0, p.x), x1 = VI_MAX(x1, p.x);
        y0 = VI_MIN(y0, p.y), y1 = VI_MAX(y1, p.y);
    }
    vi_box b = { x0 - room, y0 - room, x1 + room, y1 + room };
    s->box = vi_box_cover(&b, s->w, s->h);
}

/* P(skin) into s->mask. */
static int posterior(work *s, const vi_gauss *skin, const vi_gauss *other, int n_other, bool occluded)
{
    size_t mark = vi_arena_mark(s->a);
    float *best = vi_arena_alloc(s->a, (size_t)s->w * sizeof *best),
          *own = vi_arena_alloc(s->a, (size_t)s->w * sizeof *own);
    if (!best || !own)
        return VISO_ERR_NO_SPACE;
    int rc = draw_oval(s, &s->mask, 1.0f);
    if (!rc)
        rc = s->k->distance(&s->tmp, &s->mask, s->a);
    if (rc)
        return rc;
    float brow = 0.5f * (mean_y(s, vi_lm_brow_l, 10) + mean_y(s, vi_lm_brow_r, 10)), nose = s->lm[2].y;
    int x0 = s->box.x, x1 = s->box.x + s->box.w;
    vi_plane_fill(&s->mask, 0.0f);
    for (int y = s->box.y; y < s->box.y + s->box.h; y++) {
        float yc = (float)y + 0.5f;
        float trust = 1.0f - 0.75f * vi_smoothstep(brow - yc, -0.05f * s->fs, 0.10f * s->fs);
        if (occluded)
            trust = VI_MIN(trust, 1.0f - vi_smoothstep(yc - nose, -0.12f * s->fs, 0.0f));
        for (int x = x0; x < x1; x++)
            best[x] = FALLBACK;
        for (int c = 0; c < n_other; c++)
            others_row(s, &other[c], logf(other[c].weight) - 0.5f * (other[c].logdet - skin->logdet), y, x0, x1, best);
        skin_row(s, skin, y, x0, x1, own);
        float *p = s->mask.p + y * s->mask.stride;
        const float *d = s->tmp.p + y * s->tmp.stride;
        probable_row(p + x0, d + x0, own + x0, best + x0, x1 - x0, 1.0f / s->fs, trust);
    }
    vi_arena_release(s->a, mark);
    return 0;
}

/* The nose, whose highlights and shadows stray far from the skin's colour, and from its base over the lips: a moustache is
 * often as dark as the hair around the head. */
static int draw_middle(const work *s, const vi_plane *dst)
{
    static const uint16_t nose[] = { 168, 193, 417, 122, 351, 198, 420, 129, 358, 98, 327, 2, 4 };
    vi_point pts[23] = { s->lm[2], s->lm[98], s->lm[327] };
    gather(s, vi_lm_lips_outer, 20, pts + 3);
    int rc = vi_skin_draw_hull(s->k, dst, pts, 23, 0.05f * s->fs, s->a);
    gather(s, nose, (int)VI_COUNT(nose), pts);
    return rc ? rc : vi_skin_draw_hull(s->k, dst, pts, (int)VI_COUNT(nose), 0.01f * s->fs, s->a);
}

/* Median, forced features, guided filter, steepening; result in s->mask. */
static int refine(work *s, const vi_skin_params *p, bool occluded)
{
    const vi_kernels *k = s->k;
    int rc = 0;
    vi_plane_copy(&s->tmp, &s->mask);
    if (!p->fast && s->box.w > 0 && s->box.h > 0) { /* in video the averaging down has removed the speckles */
        vi_plane from = vi_plane_view(&s->mask, s->box.x, s->box.y, s->box.w, s->box.h);
        vi_plane to = vi_plane_view(&s->tmp, s->box.x, s->box.y, s->box.w, s->box.h);
        rc = k->median5(&to, &from, s->a);
    }
    if (!rc)
        rc = vi_skin_features(k, s->lm, p->features > 0.0f ? p->features : 1.0f, !occluded, &s->mask, s->a);
    if (!rc && p->middle && !occluded)
        rc = draw_middle(s, &s->mask);
    if (rc)
        return rc;
    k->max2(&s->tmp, &s->tmp, &s->mask);
    rc = k->guided(&s->mask, &s->light, &s->tmp, VI_MAX(1, (int)lrintf(0.025f * s->fs)), 2e-3f, s->a);
    if (!rc)
        k->smoothstep(&s->mask, &s->mask, 0.25f, 0.8f);
    return rc;
}

static float oval_fraction(work *s)
{
    double sum = 0.0, n = 0.0;
    if (draw_oval(s, &s->tmp, 1.0f))
        return 0.0f;
    for (int y = 0; y < s->h; y++) {
        const float *o = s->tmp.p + y * s->tmp.stride, *m = s->mask.p + y * s->mask.stride;
        for (int x = 0; x < s->w; x++) {
            sum += (double)o[x] * m[x];
            n += o[x];
        }
    }
    return n > 0.0 ? (float)(sum / n) : 0.0f;
}

static int segment(work *s, const vi_skin_params *p, const vi_plane *out, vi_skin_info *info)
{
    vi_gauss skin, upper, other[VI_OTHERS];
    int n_other = 0, rc = make_features(s);
    if (!rc)
        rc = measure(s, &skin, &upper, info);
    if (rc)
        return rc;
    if (skin.n == 0) { /* nothing of the face is in the picture */
        vi_plane_fill(out, 0.0f);
        return 0;
    }
    info->mouth_occluded = p->lips_auto ? vi_skin_mouth_occluded(info) : p->lips_occluded;
    if (info->mouth_occluded && upper.n > 0)
        skin = upper; /* the core patches may lie on the object */
    find_box(s);
    rc = find_others(s, &skin, p->fast, other, &n_other);
    if (!rc)
        rc = posterior(s, &skin, other, n_other, info->mouth_occluded);
    if (!rc)
        rc = refine(s, p, info->mouth_occluded);
    if (rc)
        return rc;
    info->fraction = oval_fraction(s);
    if (out->w == s->w && out->h == s->h)
        vi_plane_copy(out, &s->mask);
    else
        rc = s->k->resize(out, &s->mask, s->a);
    return rc;
}

static bool sane_points(const vi_point lm[478])
{
    for (int i = 0; i < 478; i++)
        if (!(fabsf(lm[i].x) < 1e5f && fabsf(lm[i].y) < 1e5f)) /* not a number fails too */
            return false;
    return true;
}

int vi_skin_segment(const vi_kernels *k, const vi_rgb *crop, const vi_point lm_crop[478], const vi_skin_params *p,
                    const vi_plane *out, vi_skin_info *info, vi_arena *scratch)
{
    vi_skin_info own;
    work s = { .k = k, .a = scratch };
    size_t mark = vi_arena_mark(scratch);
    if (!info)
        info = &own;
    memset(info, 0, sizeof *info);
    info->fs = vi_face_size(lm_crop);
    if (!(info->fs > 4.0f) || !sane_points(lm_crop)) {
        vi_plane_fill(out, 0.0f);
        return 0;
    }
    int rc = prepare(&s, crop, lm_crop, p->fast ? SIZE_FAST : SIZE_FULL);
    if (!rc)
        rc = segment(&s, p, out, info);
    vi_arena_release(scratch, mark);
    return rc;
}
