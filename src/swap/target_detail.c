/* swap/target_detail.c: applies the colour correction and everything finer: lips, eyes, highlights, creases, sharpness and
 * grain (recipe 6.6 d-h), in one pass over the ROI; then the result for the patch. */
#include <math.h>
#include <string.h>

#include "swap/target.h"

/* Constants of a face for the pixel loop. */
struct recipe {
    float gain[3], offset[3];
    float lips[3];      /* shift of the lips */
    float shine;        /* highlight threshold */
    float fold;         /* share of the source's creases that is replaced */
    float skin_gain[2], feature_gain[2], inject[2]; /* per band, minus one for the gains */
};

/* Rows the pixel loop reads and writes. */
struct rows {
    float *s[3];
    const float *field[3];
    const float *t_l, *t_fine[2], *s_fine[2];
    const float *low_s, *glow, *fold_t, *fold_s, *crease, *skin, *lips;
};

/* How far a pixel belongs to what the light tints: 1 on skin, falling to 0 where the uncorrected source is much darker than
 * its surroundings (pupils, lashes, frames of glasses). Black has no colour to correct: the shift that takes ruddy skin to
 * pale skin would turn it cyan. low_s is corrected; taking the correction back gives the source's own low-pass. */
VI_CLONES static void tinted_row(float *restrict out, float *restrict glare, const float *restrict s1, const float *restrict field,
                                 const float *restrict low_s, float gain, float offset, int n)
{
    for (int x = 0; x < n; x++) {
        float low = low_s[x] - offset - field[x];
        low = low > 5.0f ? low : 5.0f;
        float ratio = gain * s1[x] / low, u = (ratio - 0.25f) * (1.0f / 0.6f), g = (ratio - 1.05f) * (1.0f / 0.2f);
        u = u < 0.0f ? 0.0f : u > 1.0f ? 1.0f : u;
        out[x] = u * u * (3.0f - 2.0f * u);
        glare[x] = g < 0.0f ? 0.0f : g > 1.0f ? 1.0f : g;
    }
}

/* The same for glare, lighter than its surroundings and without colour: a shift towards less colour would leave it blue. A
 * shift towards more colour is the light of the scene, which glare takes on like skin. glare becomes what is left of a
 * shift towards less: how far along the skin's hue a pixel lies. */
VI_CLONES static void coloured_row(float *restrict glare, const float *restrict a, const float *restrict b,
                                   const float *restrict eye, float along_a, float along_b, float strength, int n)
{
    for (int x = 0; x < n; x++) {
        float u = (a[x] * along_a + b[x] * along_b - 0.1f) * (1.0f / 0.5f);
        u = u < 0.0f ? 0.0f : u > 1.0f ? 1.0f : u;
        glare[x] = 1.0f - strength * glare[x] * (1.0f - eye[x]) * (1.0f - u);
    }
}

/* The eyes in one row of the ROI: their whites are colourless by right and matched on their own (eye_colour). */
static void eye_row(const vi_target *t, float *row, int y)
{
    memset(row, 0, (size_t)t->roi * sizeof(*row));
    for (int e = 0; e < 2; e++) {
        vi_rect b = t->eye_box[e];
        if (t->eye_closed[e] < 1.0f && b.w >= 4 && y >= b.y && y < b.y + b.h)
            memcpy(row + b.x, t->eye[e].p + (y - b.y) * t->eye[e].stride, (size_t)b.w * sizeof(*row));
    }
}

VI_CLONES static void chroma_row(float *restrict v, const float *restrict field, const float *restrict lips,
                                 const float *restrict tinted, const float *restrict glare, float gain, float offset,
                                 float shift, int n)
{
    for (int x = 0; x < n; x++) {
        float light = offset + field[x];
        v[x] = gain * v[x] + tinted[x] * (light < 0.0f ? glare[x] * light : light) + shift * lips[x];
    }
}

/* Where the source was not seen (hair over a brow), its texture is invented: the target's own skin tone shows there. */
VI_CLONES static void fill_row(float *restrict v, const float *restrict tone, const float *restrict conf, int n)
{
    for (int x = 0; x < n; x++)
        v[x] = tone[x] + vi_smoothstep(conf[x], 0.1f, 0.6f) * (v[x] - tone[x]);
}

static inline float clip(float v, float lo, float hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

VI_CLONES static void light_row(float *restrict s, const float *restrict field, const float *restrict lips,
                                const float *restrict skin, const float *restrict low_s, const float *restrict glow,
                                const float *restrict fold_t, const float *restrict fold_s, const float *restrict crease,
                                const float *restrict t_l, const float *restrict t1, const float *restrict t2,
                                const float *restrict s1, const float *restrict s2, const struct recipe *restrict r, int n)
{
    float gain = r->gain[0], offset = r->offset[0], lip = r->lips[0], tau = r->shine, fold = r->fold;
    float g0 = r->skin_gain[0], g1 = r->skin_gain[1], f0 = r->feature_gain[0], f1 = r->feature_gain[1];
    float i0 = r->inject[0], i1 = r->inject[1];
    for (int x = 0; x < n; x++) {
        float base = gain * s[x] + offset + field[x];
        float k = skin[x];
        /* highlights: the source's flattened, the target's put in */
        float excess = base - low_s[x] - tau;
        excess = excess > 0.0f ? excess : 0.0f;
        float own = clip(glow[x] - tau, 0.0f, 25.0f);
        float v = base + k * (0.6f * own - 0.8f * excess);
        /* creases: residual over low-pass, both slightly smoothed */
        float mine = gain * s1[x] + offset + field[x] - fold_s[x];
        v += fold * crease[x] * ((t1[x] - fold_t[x]) - mine);
        /* bands */
        float bs0 = gain * (s[x] - s1[x]), bs1 = gain * (s1[x] - s2[x]);
        v += (f0 + k * (g0 - f0)) * bs0 + (f1 + k * (g1 - f1)) * bs1;
        v += k * (i0 * clip(t_l[x] - t1[x], -8.0f, 8.0f) + i1 * clip(t1[x] - t2[x], -8.0f, 8.0f));
        s[x] = v + lip * lips[x];
    }
}

/* Weighted mean of a field over a mask on the grid. */
static float field_mean(const vi_grid *f, const vi_grid *w)
{
    double sum = 0.0, n = 0.0;
    for (int i = 0; i < VI_GRID * VI_GRID; i++) {
        sum += (double)f->v[i] * w->v[i];
        n += w->v[i];
    }
    return n > 1e-6 ? (float)(sum / n) : 0.0f;
}

static float field_at(const vi_target *t, const vi_grid *f, vi_point p)
{
    float k = (float)VI_GRID / (float)t->roi;
    int x = vi_clampi((int)(p.x * k), 0, VI_GRID - 1), y = vi_clampi((int)(p.y * k), 0, VI_GRID - 1);
    return f->v[y * VI_GRID + x];
}

/* 6d: the lips' mean colour half-way to the target's. */
static int lip_shift(vi_target *t, const vi_grid field[3], struct recipe *r)
{
    const vi_stat *l = &t->stat[VI_STAT_LIPS];
    r->lips[0] = r->lips[1] = r->lips[2] = 0.0f;
    if (!l->known || t->mouth_occluded)
        return 0;
    size_t mark = vi_arena_mark(t->a);
    vi_grid *w = vi_arena_alloc(t->a, sizeof(*w));
    if (!w)
        return VISO_ERR_NO_SPACE;
    vi_plane g = vi_grid_plane(w);
    int rc = t->k->resize(&g, &t->lips, t->a);
    for (int c = 0; c < 3 && !rc; c++) {
        float now = r->gain[c] * l->v[3 + c] + r->offset[c] + field_mean(&field[c], w);
        r->lips[c] = vi_clampf((c == 0 ? 0.35f : 0.5f) * (l->v[c] - now), -20.0f, 20.0f);
    }
    vi_arena_release(t->a, mark);
    return rc;
}

/* 6h: how much of each band to keep, and how much of the target's to put in where that is not enough. */
static void band_gains(const vi_target *t, float dark, struct recipe *r)
{
    const vi_stat *b = &t->stat[VI_STAT_BAND];
    for (int i = 0; i < 2; i++) {
        r->skin_gain[i] = r->feature_gain[i] = r->inject[i] = 0.0f;
        if (!b->known || !(t->set->grain > 0.0f))
            continue;
        float et = b->v[i], es = fmaxf(r->gain[0] * b->v[2 + i], 1e-3f);
        float g = vi_clampf(et / es, 0.55f * dark, 1.25f);
        r->skin_gain[i] = t->set->grain * (g - 1.0f);
        r->feature_gain[i] = t->set->grain * (g < 1.0f ? 0.4f * (g - 1.0f) : g - 1.0f);
        float have = et > 1e-3f ? g * es / et : 1.0f;
        r->inject[i] = 0.8f * t->set->grain * sqrtf(fmaxf(0.0f, 1.0f - have * have));
    }
}

/* 6e: the white of the eye, and red pupils. */
static void eye_colour(vi_target *t, int eye, const vi_grid field[3], const struct recipe *r)
{
    static const float share[3] = { 0.7f, 0.9f, 0.9f };
    const vi_stat *e = &t->stat[VI_STAT_EYE_L + eye];
    vi_rect b = t->eye_box[eye];
    if (!e->known || t->eye_closed[eye] >= 1.0f || b.w < 4)
        return;
    vi_point iris = t->n[vi_eye_iris(eye)];
    float radius = vi_iris_radius(t->n, eye), shift[3], scale = 1.0f;
    /* of a half-closed source eye little white is seen, and much lid */
    float sure = vi_smoothstep(t->src->s->eye[eye].openness, 0.15f, 0.25f);
    for (int c = 0; c < 3; c++) {
        float now = r->gain[c] * e->v[3 + c] + r->offset[c] + field_at(t, &field[c], iris);
        shift[c] = sure * vi_clampf(share[c] * (e->v[c] - now), -25.0f, 25.0f);
        if (c == 0) /* as a factor, so that pupil and lashes stay dark when the white is lifted */
            scale = vi_clampf((now + shift[0]) / fmaxf(now, 5.0f), 0.5f, 1.5f);
    }
    shift[0] = 0.0f;
    for (int y = 0; y < b.h; y++) {
        for (int x = 0; x < b.w; x++) {
            float m = t->eye[eye].p[y * t->eye[eye].stride + x];
            float *v[3];
            for (int c = 0; c < 3; c++) {
                v[c] = &t->s_lab.c[c].p[(b.y + y) * t->s_lab.c[c].stride + b.x + x];
                *v[c] += m * shift[c];
            }
            *v[0] *= 1.0f + m * (scale - 1.0f);
            float d = hypotf((float)(b.x + x) + 0.5f - iris.x, (float)(b.y + y) + 0.5f - iris.y);
            float red = m * (1.0f - vi_smoothstep(d, 0.9f * radius, 1.1f * radius)) * (*v[1] - (e->v[6] + 6.0f));
            if (red > 0.0f) {
                *v[1] -= red;
                *v[0] -= 0.6f * red;
            }
        }
    }
}

static int grow(vi_target *t, vi_plane *dst, vi_grid *g)
{
    *dst = vi_plane_new(t->a, t->roi, t->roi);
    vi_plane p = vi_grid_plane(g);
    return dst->p ? t->k->resize(dst, &p, t->a) : VISO_ERR_NO_SPACE;
}

static int grow_half(vi_target *t, vi_plane *dst, const vi_plane *h)
{
    *dst = vi_plane_new(t->a, t->roi, t->roi);
    return dst->p ? t->k->resize(dst, h, t->a) : VISO_ERR_NO_SPACE;
}

/* Low-pass of the corrected source on the grid, from the raw one. */
static int corrected_low(vi_target *t, vi_grid *dst, const vi_grid *raw, const vi_grid *field, const struct recipe *r,
                         float sigma)
{
    int rc = vi_grid_lowpass(t, dst, field, &t->weight[0], sigma * t->fs);
    for (int i = 0; i < VI_GRID * VI_GRID && !rc; i++)
        dst->v[i] += r->gain[0] * raw->v[i] + r->offset[0];
    return rc;
}

/* Skin tone of the target: the narrow low-pass where skin is near, else the wide one. */
static int skin_tone(vi_target *t, vi_plane tone[3])
{
    vi_grid *g = vi_arena_alloc(t->a, sizeof(*g));
    if (!g)
        return VISO_ERR_NO_SPACE;
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < VI_GRID * VI_GRID; i++) {
            float w = vi_smoothstep(t->narrow->w.v[i], 0.02f, 0.1f), v = vi_smoothstep(t->wide->w.v[i], 0.005f, 0.02f);
            float far = t->stat[VI_STAT_SKIN_T].known ? t->stat[VI_STAT_SKIN_T].v[c] : t->wide->t[c].v[i];
            far += v * (t->wide->t[c].v[i] - far);
            g->v[i] = far + w * (t->narrow->t[c].v[i] - far);
        }
        int rc = grow(t, &tone[c], g);
        if (rc)
            return rc;
    }
    return 0;
}

int vi_target_apply(vi_target *t)
{
    struct recipe r;
    float dark;
    vi_target_transfer(t, r.gain, r.offset, &dark);
    size_t mark = vi_arena_mark(t->a);
    vi_grid *field = vi_arena_alloc(t->a, 5 * sizeof(*field));
    if (!field)
        return VISO_ERR_NO_SPACE;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < VI_GRID * VI_GRID; i++)
            field[c].v[i] = t->set->light * (t->light[c].v[i] + t->tint[c].v[i]);
    r.shine = t->stat[VI_STAT_SHINE].known ? t->stat[VI_STAT_SHINE].v[0] : 6.0f;
    r.fold = 0.75f * vi_target_smile(t);
    band_gains(t, dark, &r);

    vi_plane f[3], tone[3], low_s, glow, fold_t, fold_s, lips;
    int rc = lip_shift(t, field, &r);
    if (!rc)
        rc = corrected_low(t, &field[3], t->shine[1], &field[0], &r, 0.07f);
    if (!rc)
        rc = corrected_low(t, &field[4], t->fold[1], &field[0], &r, 0.045f);
    for (int c = 0; c < 3 && !rc; c++)
        rc = grow(t, &f[c], &field[c]);
    if (!rc)
        rc = grow(t, &low_s, &field[3]);
    if (!rc)
        rc = grow(t, &fold_s, &field[4]);
    if (!rc)
        rc = grow(t, &fold_t, t->fold[0]);
    if (!rc)
        rc = grow_half(t, &glow, &t->glow);
    if (!rc)
        rc = grow_half(t, &lips, &t->lips);
    const vi_stat *skin = &t->stat[VI_STAT_SKIN_S];
    float chroma2 = skin->known ? skin->v[1] * skin->v[1] + skin->v[2] * skin->v[2] : 0.0f;
    float strength = vi_smoothstep(sqrtf(chroma2), 6.0f, 14.0f);
    float along_a = strength > 0.0f ? skin->v[1] / chroma2 : 0.0f, along_b = strength > 0.0f ? skin->v[2] / chroma2 : 0.0f;
    if (!rc)
        rc = skin_tone(t, tone);
    float *tinted = vi_arena_alloc(t->a, (size_t)t->roi * sizeof(*tinted));
    float *glare = vi_arena_alloc(t->a, (size_t)t->roi * sizeof(*glare));
    float *eye = vi_arena_alloc(t->a, (size_t)t->roi * sizeof(*eye));
    if (!rc && (!tinted || !glare || !eye))
        rc = VISO_ERR_NO_SPACE;
    for (int y = 0; y < t->roi && !rc; y++) {
#define ROW(plane) ((plane).p + y * (plane).stride)
        light_row(ROW(t->s_lab.c[0]), ROW(f[0]), ROW(lips), ROW(t->st_full), ROW(low_s), ROW(glow), ROW(fold_t),
                  ROW(fold_s), ROW(t->crease), ROW(t->t_lab.c[0]), ROW(t->t_fine[0]), ROW(t->t_fine[1]),
                  ROW(t->s_fine[0]), ROW(t->s_fine[1]), &r, t->roi);
        tinted_row(tinted, glare, ROW(t->s_fine[0]), ROW(f[0]), ROW(low_s), r.gain[0], r.offset[0], t->roi);
        eye_row(t, eye, y);
        coloured_row(glare, ROW(t->s_lab.c[1]), ROW(t->s_lab.c[2]), eye, along_a, along_b, strength, t->roi);
        for (int c = 1; c < 3; c++)
            chroma_row(ROW(t->s_lab.c[c]), ROW(f[c]), ROW(lips), tinted, glare, r.gain[c], r.offset[c], r.lips[c], t->roi);
        for (int c = 0; c < 3; c++)
            fill_row(ROW(t->s_lab.c[c]), ROW(tone[c]), ROW(t->conf), t->roi);
    }
    if (!rc) {
        eye_colour(t, VI_EYE_L, field, &r);
        eye_colour(t, VI_EYE_R, field, &r);
    }
    vi_arena_release(t->a, mark);
    return rc;
}

/* The patch: mask m = max(alpha, moved) and colour c so that m c + (1 - m) T = alpha S + (m - alpha) T' + (1 - m) T, where
 * T' is the warped target. */
VI_CLONES static void mix_row(float *restrict out, float *restrict mask, const float *restrict s, const float *restrict tw,
                              const float *restrict alpha, const float *restrict moved, int n)
{
    for (int x = 0; x < n; x++) {
        float m = alpha[x] > moved[x] ? alpha[x] : moved[x];
        float a = m > 1e-4f ? alpha[x] / m : 0.0f; /* beside the mask the target: pasting interpolates across its edge */
        m = m < 1.0f ? m : 1.0f; /* filters leave a rounding error above 1 */
        out[x] = tw[x] + a * (s[x] - tw[x]);
        mask[x] = m > 1e-4f ? m : 0.0f;
    }
}

int vi_target_compose(vi_target *t, const vi_rgb *rgb, const vi_plane *mask)
{
    vi_plane m = *mask;
    for (int y = 0; y < t->roi; y++)
        for (int c = 0; c < 3; c++)
            mix_row(ROW(rgb->c[c]), ROW(m), ROW(t->s_lab.c[c]), ROW(t->t_lab.c[c]), ROW(t->alpha), ROW(t->moved), t->roi);
    t->k->lab_to_rgb(rgb, rgb);
    return 0;
}
