/* swap/target_colour.c: measures both faces and derives the colour correction (recipe 6.6 a-c).
 *
 * Values are measured raw: means, deviations and masked low-pass fields of the source before any correction. What a step
 * needs of the source corrected so far follows by linearity: mean(g S + o) = g mean(S) + o, and the same for a low-pass
 * whose weights sum to one. So measuring needs no order among frames, and only small arrays are smoothed over time. */
#include <math.h>
#include <string.h>

#include "swap/target.h"

#define LIGHT_SIGMA 0.15f /* of the face size */
#define TINT_SIGMA 0.06f
#define SHINE_SIGMA 0.07f
#define FOLD_SIGMA 0.045f
#define GLOW_SIGMA 0.02f

VI_CLONES static void divide(float *restrict v, const float *restrict w)
{
    for (int i = 0; i < VI_GRID * VI_GRID; i++)
        v[i] /= w[i] > 1e-4f ? w[i] : 1e-4f;
}

/* dst = blur(product) / blur(w); `product` is already a * w, averaged to the grid after multiplying. */
static int divide_blurred(vi_target *t, vi_grid *dst, const vi_grid *product, const vi_grid *blurred_w, float sigma_px)
{
    vi_plane d = vi_grid_plane(dst);
    vi_plane s = vi_grid_plane((vi_grid *)product);
    int rc = t->k->blur(&d, &s, sigma_px * (float)VI_GRID / (float)t->roi, t->a);
    if (!rc)
        divide(dst->v, blurred_w->v);
    return rc;
}

static int blur_weight(vi_target *t, vi_grid *dst, const vi_grid *w, float sigma_px)
{
    vi_plane d = vi_grid_plane(dst), s = vi_grid_plane((vi_grid *)w);
    return t->k->blur(&d, &s, sigma_px * (float)VI_GRID / (float)t->roi, t->a);
}

int vi_grid_lowpass(vi_target *t, vi_grid *dst, const vi_grid *a, const vi_grid *w, float sigma_px)
{
    size_t mark = vi_arena_mark(t->a);
    vi_grid *product = vi_arena_alloc(t->a, sizeof(*product)), *bw = vi_arena_alloc(t->a, sizeof(*bw));
    if (!product || !bw)
        return VISO_ERR_NO_SPACE;
    for (int i = 0; i < VI_GRID * VI_GRID; i++)
        product->v[i] = a->v[i] * w->v[i];
    int rc = blur_weight(t, bw, w, sigma_px);
    if (!rc)
        rc = divide_blurred(t, dst, product, bw, sigma_px);
    vi_arena_release(t->a, mark);
    return rc;
}

static int measure_low(vi_target *t)
{
    size_t mark = vi_arena_mark(t->a);
    vi_grid *product = vi_arena_alloc(t->a, sizeof(*product)), *bw = vi_arena_alloc(t->a, 2 * sizeof(*bw));
    if (!product || !bw)
        return VISO_ERR_NO_SPACE;
    float wide = LIGHT_SIGMA * t->fs, narrow = TINT_SIGMA * t->fs;
    int rc = vi_grid_average(t, &t->weight[0], &t->stl, NULL);
    if (!rc)
        rc = vi_grid_average(t, &t->weight[1], &t->sw, NULL);
    if (!rc)
        rc = blur_weight(t, &t->wide->w, &t->weight[0], wide);
    if (!rc)
        rc = blur_weight(t, &t->narrow->w, &t->weight[1], narrow);
    if (!rc)
        rc = blur_weight(t, &bw[0], &t->weight[0], SHINE_SIGMA * t->fs);
    if (!rc)
        rc = blur_weight(t, &bw[1], &t->weight[0], FOLD_SIGMA * t->fs);
    for (int side = 0; side < 2 && !rc; side++) {
        const vi_rgb *half = side ? &t->s_half : &t->t_half;
        for (int c = 0; c < 3 && !rc; c++) {
            rc = vi_grid_average(t, product, &half->c[c], &t->stl);
            if (!rc)
                rc = divide_blurred(t, side ? &t->wide->s[c] : &t->wide->t[c], product, &t->wide->w, wide);
            if (!rc && c == 0)
                rc = divide_blurred(t, t->shine[side], product, &bw[0], SHINE_SIGMA * t->fs);
            if (!rc && c == 0)
                rc = divide_blurred(t, t->fold[side], product, &bw[1], FOLD_SIGMA * t->fs);
            if (!rc)
                rc = vi_grid_average(t, product, &half->c[c], &t->sw);
            if (!rc)
                rc = divide_blurred(t, side ? &t->narrow->s[c] : &t->narrow->t[c], product, &t->narrow->w, narrow);
        }
    }
    vi_arena_release(t->a, mark);
    return rc;
}

static void put(vi_stat *s, const float *v, int n)
{
    memcpy(s->v, v, (size_t)n * sizeof(*v));
    s->known = true;
    for (int i = 0; i < n; i++)
        s->known = s->known && isfinite(v[i]);
}

static int measure_means(vi_target *t)
{
    vi_stats3 a, b;
    const vi_plane *w = &t->st;
    t->k->stats3(&t->t_half, w, &a);
    if (a.weight < 30.0) { /* hardly any bare skin is seen: take what belongs to the face */
        w = &t->stl;
        t->k->stats3(&t->t_half, w, &a);
    }
    if (a.weight >= 30.0) {
        t->k->stats3(&t->s_half, w, &b);
        put(&t->stat[VI_STAT_SKIN_T], (float[]){ a.mean[0], a.mean[1], a.mean[2], a.sd[0], a.sd[1], a.sd[2] }, 6);
        put(&t->stat[VI_STAT_SKIN_S], (float[]){ b.mean[0], b.mean[1], b.mean[2], b.sd[0], b.sd[1], b.sd[2] }, 6);
    }
    size_t mark = vi_arena_mark(t->a);
    vi_plane middle = vi_plane_new(t->a, t->stl.w, t->stl.h);
    if (!middle.p)
        return VISO_ERR_NO_SPACE;
    t->k->mul(&middle, &t->stl, &t->centre);
    t->k->stats3(&t->t_half, &middle, &a);
    t->k->stats3(&t->s_half, &middle, &b);
    if (a.weight >= 30.0)
        put(&t->stat[VI_STAT_FEATURE], (float[]){ a.sd[0], b.sd[0] }, 2);
    t->k->stats3(&t->t_half, &t->lips, &a);
    t->k->stats3(&t->s_half, &t->lips, &b);
    if (a.weight >= 8.0)
        put(&t->stat[VI_STAT_LIPS], (float[]){ a.mean[0], a.mean[1], a.mean[2], b.mean[0], b.mean[1], b.mean[2] }, 6);
    vi_arena_release(t->a, mark);
    return 0;
}

/* Means over the white of an eye, and the target iris' redness. */
static void measure_eye(vi_target *t, int eye)
{
    vi_rect b = t->eye_box[eye];
    if (t->eye_closed[eye] >= 1.0f || b.w < 4)
        return;
    vi_point iris = t->n[vi_eye_iris(eye)];
    float r = vi_iris_radius(t->n, eye);
    double sum[7] = { 0 }, w = 0.0, wi = 0.0;
    for (int y = 0; y < b.h; y++) {
        for (int x = 0; x < b.w; x++) {
            float m = t->eye[eye].p[y * t->eye[eye].stride + x];
            float d = hypotf((float)(b.x + x) + 0.5f - iris.x, (float)(b.y + y) + 0.5f - iris.y);
            float white = m * vi_smoothstep(d, 1.2f * r, 1.3f * r), in = m * (1.0f - vi_smoothstep(d, 0.9f * r, r));
            for (int c = 0; c < 3; c++) {
                sum[c] += white * t->t_lab.c[c].p[(b.y + y) * t->t_lab.c[c].stride + b.x + x];
                sum[3 + c] += white * t->s_lab.c[c].p[(b.y + y) * t->s_lab.c[c].stride + b.x + x];
            }
            sum[6] += in * t->t_lab.c[1].p[(b.y + y) * t->t_lab.c[1].stride + b.x + x];
            w += white;
            wi += in;
        }
    }
    if (w < 6.0 || wi < 3.0)
        return;
    float v[7];
    for (int c = 0; c < 7; c++)
        v[c] = (float)(sum[c] / (c < 6 ? w : wi));
    put(&t->stat[VI_STAT_EYE_L + eye], v, 7);
}

/* Energies of the two bands, and the weight. */
VI_CLONES static void band_row(float e[3], const float *restrict L, const float *restrict a, const float *restrict b,
                               const float *restrict w, int n)
{
    float e0 = 0.0f, e1 = 0.0f, e2 = 0.0f;
    for (int x = 0; x < n; x++) {
        float fine = L[x] - a[x], coarse = a[x] - b[x];
        e0 += w[x] * fine * fine;
        e1 += w[x] * coarse * coarse;
        e2 += w[x];
    }
    e[0] = e0;
    e[1] = e1;
    e[2] = e2;
}

/* What is left to blur of L, already blurred by 1.6 px, for 3.6 together: 3.225 px, of which averaging to the half size and
 * growing again are one. */
#define COARSE_HALF_SIGMA 1.533f

static int measure_bands(vi_target *t)
{
    double sum[4] = { 0 }, weight = 0.0;
    int w = t->win.w, h = t->win.h;
    float *low = vi_arena_alloc(t->a, (size_t)w * sizeof(*low)), *skin = vi_arena_alloc(t->a, (size_t)w * sizeof(*skin));
    float *tmp = vi_arena_alloc(t->a, ((size_t)w / 2 + 16) * sizeof(*tmp));
    if (!low || !skin || !tmp)
        return VISO_ERR_NO_SPACE;
    for (int side = 0; side < 2; side++) {
        const vi_plane *L = side ? &t->s_lab.c[0] : &t->t_lab.c[0];
        vi_plane *f = side ? t->s_fine : t->t_fine;
        f[0] = vi_plane_new(t->a, w, h);
        f[1] = vi_plane_new(t->a, w / 2, h / 2);
        if (!f[0].p || !f[1].p)
            return VISO_ERR_NO_SPACE;
        int rc = t->k->blur(&f[0], L, 1.6f, t->a);
        if (!rc)
            rc = t->k->resize(&f[1], &f[0], t->a);
        if (!rc)
            rc = t->k->blur(&f[1], &f[1], COARSE_HALF_SIGMA, t->a);
        if (rc)
            return rc;
    }
    for (int y = 0; y < h; y++) {
        int x0 = t->first[y], x1 = t->last[y];
        if (x0 >= x1)
            continue;
        vi_half_row(skin, &t->grain, y, x0, x1, tmp);
        for (int side = 0; side < 2; side++) {
            const vi_plane *L = side ? &t->s_lab.c[0] : &t->t_lab.c[0];
            const vi_plane *f = side ? t->s_fine : t->t_fine;
            float e[3];
            vi_half_row(low, &f[1], y, x0, x1, tmp);
            band_row(e, L->p + y * L->stride + x0, f[0].p + y * f[0].stride + x0, low + x0, skin + x0, x1 - x0);
            sum[2 * side] += e[0];
            sum[2 * side + 1] += e[1];
            weight += side ? e[2] : 0.0f;
        }
    }
    if (weight >= 60.0) {
        float v[4];
        for (int i = 0; i < 4; i++)
            v[i] = (float)sqrt(sum[i] / weight);
        put(&t->stat[VI_STAT_BAND], v, 4);
    }
    return 0;
}

/* The target's residual over its low-pass light: threshold, and the smoothed residual itself. */
static int measure_shine(vi_target *t)
{
    t->glow = vi_plane_new(t->a, t->st.w, t->st.h);
    size_t mark = vi_arena_mark(t->a);
    vi_plane low = vi_grid_plane(t->shine[0]), all = vi_plane_new(t->a, t->square.w, t->square.h);
    if (!t->glow.p || !all.p)
        return VISO_ERR_NO_SPACE;
    int rc = t->k->resize(&all, &low, t->a);
    if (rc)
        return rc;
    vi_plane part = vi_plane_view(&all, t->win.x / 2, t->win.y / 2, t->glow.w, t->glow.h);
    t->k->add_scaled(&t->glow, &t->t_half.c[0], &part, -1.0f);
    vi_arena_release(t->a, mark);
    float p95 = t->k->percentile(&t->glow, &t->st, 0.95f);
    if (isfinite(p95))
        put(&t->stat[VI_STAT_SHINE], (float[]){ vi_clampf(p95, 2.5f, 6.0f) }, 1);
    return t->k->blur(&t->glow, &t->glow, 0.5f * GLOW_SIGMA * t->fs, t->a);
}

int vi_target_measure(vi_target *t)
{
    memset(t->stat, 0, sizeof(t->stat));
    vi_grid *g = vi_arena_alloc(t->a, 12 * sizeof(*g));
    t->wide = vi_arena_alloc(t->a, sizeof(*t->wide));
    t->narrow = vi_arena_alloc(t->a, sizeof(*t->narrow));
    if (!g || !t->wide || !t->narrow)
        return VISO_ERR_NO_SPACE;
    t->weight = g;
    t->shine[0] = g + 2;
    t->shine[1] = g + 3;
    t->fold[0] = g + 4;
    t->fold[1] = g + 5;
    t->light = g + 6;
    t->tint = g + 9;
    int rc = measure_means(t);
    if (!rc)
        rc = measure_low(t);
    if (!rc)
        rc = measure_bands(t);
    if (!rc)
        rc = measure_shine(t);
    measure_eye(t, VI_EYE_L);
    measure_eye(t, VI_EYE_R);
    put(&t->stat[VI_STAT_GLASSES], (float[]){ vi_target_glasses_score(t) }, 1);
    return rc;
}

static float ratio(float a, float b)
{
    return a / fmaxf(b, 1e-3f);
}

void vi_target_transfer(const vi_target *t, float gain[3], float offset[3], float *dark)
{
    for (int c = 0; c < 3; c++) {
        gain[c] = 1.0f;
        offset[c] = 0.0f;
    }
    *dark = 1.0f;
    const vi_stat *a = &t->stat[VI_STAT_SKIN_T], *b = &t->stat[VI_STAT_SKIN_S], *f = &t->stat[VI_STAT_FEATURE];
    if (!a->known || !b->known)
        return;
    float level = ratio(a->v[0], b->v[0]);
    float dk = vi_clampf(1.4f * level, 0.15f, 1.0f);
    float skin = vi_clampf(ratio(a->v[3], b->v[3]), 0.75f * dk, 1.2f);
    float feature = f->known ? vi_clampf(ratio(f->v[0], f->v[1]), 0.6f * dk, 1.8f) : skin;
    gain[0] = vi_clampf(sqrtf(skin * feature), 0.75f * dk, 1.4f);
    /* Blotches of a ruddy face would show green and blue on pale skin: what strays from the mean goes with the mean. */
    float pale = vi_clampf(1.25f * ratio(hypotf(a->v[1], a->v[2]), hypotf(b->v[1], b->v[2])), 0.4f, 1.0f);
    for (int c = 1; c < 3; c++)
        gain[c] = vi_clampf(ratio(a->v[3 + c], b->v[3 + c]), 0.8f, 1.12f) * vi_clampf(level, 0.15f, 1.15f) * pale;
    for (int c = 0; c < 3; c++)
        offset[c] = a->v[c] - gain[c] * b->v[c];
    *dark = dk;
}

/* How much more the source smiles than the target, 0..1 (recipe 6g). */
float vi_target_smile(const vi_target *t)
{
    return vi_clampf((t->src->smile - vi_smile_ratio((const float (*)[3])t->tc)) / 0.15f, 0.0f, 1.0f);
}

/* 6b: low-frequency light, all channels, over skin and features. */
int vi_target_light(vi_target *t)
{
    float gain[3], offset[3], dark;
    vi_target_transfer(t, gain, offset, &dark);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < VI_GRID * VI_GRID; i++) {
            float gate = vi_smoothstep(t->wide->w.v[i], 0.01f, 0.12f);
            t->light[c].v[i] = gate * (t->wide->t[c].v[i] - (gain[c] * t->wide->s[c].v[i] + offset[c]));
        }
    return 0;
}

/* 6c: a second, narrower pass over skin alone, mostly for colour: it carries coloured rim light. */
int vi_target_tint(vi_target *t)
{
    float gain[3], offset[3], dark, smile = vi_target_smile(t);
    vi_target_transfer(t, gain, offset, &dark);
    size_t mark = vi_arena_mark(t->a);
    vi_grid *fold = vi_arena_alloc(t->a, sizeof(*fold));
    if (!fold)
        return VISO_ERR_NO_SPACE;
    int rc = vi_grid_average(t, fold, &t->crease, NULL);
    for (int c = 0; c < 3 && !rc; c++) {
        rc = vi_grid_lowpass(t, &t->tint[c], &t->light[c], &t->weight[1], TINT_SIGMA * t->fs);
        if (rc)
            break;
        for (int i = 0; i < VI_GRID * VI_GRID; i++) {
            float gate = vi_smoothstep(t->narrow->w.v[i], 0.02f, 0.2f);
            float now = gain[c] * t->narrow->s[c].v[i] + offset[c] + t->tint[c].v[i];
            /* of L only a part, or shape from shading is lost; more where a smile's folds have to go (6g) */
            float k = c == 0 ? 0.2f + 0.8f * smile * fold->v[i] : 1.0f;
            t->tint[c].v[i] = k * gate * (t->narrow->t[c].v[i] - now);
        }
    }
    vi_arena_release(t->a, mark);
    return rc;
}
