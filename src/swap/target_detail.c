/* swap/target_detail.c: applies the colour correction and everything finer: lips, eyes, highlights, creases, sharpness and
 * grain (recipe 6.6 d-h), then alpha, in one pass over the rows of the window; the result is the patch. */
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
    float along[2], glare; /* the skin's hue, and how much glare is left alone */
    bool eye[2];        /* to be matched */
    float eye_shift[2][3], eye_scale[2];
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

/* The eyes in one row of the window: their whites are colourless by right and matched on their own (eye_colour). */
static void eye_row(const vi_target *t, float *row, int y)
{
    memset(row, 0, (size_t)t->win.w * sizeof(*row));
    for (int e = 0; e < 2; e++) {
        vi_rect b = t->eye_box[e];
        if (t->eye_closed[e] < 1.0f && b.w >= 4 && y >= b.y && y < b.y + b.h)
            memcpy(row + b.x, t->eye[e].p + (y - b.y) * t->eye[e].stride, (size_t)b.w * sizeof(*row));
    }
}

VI_CLONES static void chroma_row(float *restrict out, const float *restrict v, const float *restrict field, const float *restrict lips,
                                 const float *restrict tinted, const float *restrict glare, float gain, float offset,
                                 float shift, int n)
{
    for (int x = 0; x < n; x++) {
        float light = offset + field[x];
        out[x] = gain * v[x] + tinted[x] * (light < 0.0f ? glare[x] * light : light) + shift * lips[x];
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

VI_CLONES static void light_row(float *restrict out, const float *restrict s, const float *restrict field,
                                const float *restrict lips, const float *restrict skin, const float *restrict low_s,
                                const float *restrict glow, const float *restrict t_l, const float *restrict t1,
                                const float *restrict t2, const float *restrict s1, const float *restrict s2,
                                const struct recipe *restrict r, int n)
{
    float gain = r->gain[0], offset = r->offset[0], lip = r->lips[0], tau = r->shine;
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
        /* bands */
        float bs0 = gain * (s[x] - s1[x]), bs1 = gain * (s1[x] - s2[x]);
        v += (f0 + k * (g0 - f0)) * bs0 + (f1 + k * (g1 - f1)) * bs1;
        v += k * (i0 * clip(t_l[x] - t1[x], -8.0f, 8.0f) + i1 * clip(t1[x] - t2[x], -8.0f, 8.0f));
        out[x] = v + lip * lips[x];
    }
}

/* Creases: residuals over the low-pass, both slightly smoothed. fold: low-pass of the corrected source less the target's. */
VI_CLONES static void fold_row(float *restrict v, const float *restrict field, const float *restrict fold,
                               const float *restrict crease, const float *restrict t1, const float *restrict s1, float share,
                               float gain, float offset, int n)
{
    for (int x = 0; x < n; x++)
        v[x] += share * crease[x] * (t1[x] - (gain * s1[x] + offset + field[x]) + fold[x]);
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
    int x = vi_clampi((int)((p.x + (float)t->win.x) * k), 0, VI_GRID - 1);
    int y = vi_clampi((int)((p.y + (float)t->win.y) * k), 0, VI_GRID - 1);
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
    int rc = vi_grid_average(t, w, &t->lips, NULL);
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
static void eye_recipe(const vi_target *t, int eye, const vi_grid field[3], struct recipe *r)
{
    static const float share[3] = { 0.7f, 0.9f, 0.9f };
    const vi_stat *e = &t->stat[VI_STAT_EYE_L + eye];
    vi_rect b = t->eye_box[eye];
    r->eye[eye] = e->known && t->eye_closed[eye] < 1.0f && b.w >= 4;
    if (!r->eye[eye])
        return;
    vi_point iris = t->n[vi_eye_iris(eye)];
    float *shift = r->eye_shift[eye];
    /* of a half-closed source eye little white is seen, and much lid */
    float sure = vi_smoothstep(t->src->eye[eye].openness, 0.15f, 0.25f);
    for (int c = 0; c < 3; c++) {
        float now = r->gain[c] * e->v[3 + c] + r->offset[c] + field_at(t, &field[c], iris);
        shift[c] = sure * vi_clampf(share[c] * (e->v[c] - now), -25.0f, 25.0f);
        if (c == 0) /* as a factor, so that pupil and lashes stay dark when the white is lifted */
            r->eye_scale[eye] = vi_clampf((now + shift[0]) / fmaxf(now, 5.0f), 0.5f, 1.5f);
    }
    shift[0] = 0.0f;
}

static void eye_colour_row(const vi_target *t, int eye, const struct recipe *r, int y, float *const lab[3])
{
    vi_rect b = t->eye_box[eye];
    if (!r->eye[eye] || y < b.y || y >= b.y + b.h)
        return;
    vi_point iris = t->n[vi_eye_iris(eye)];
    float radius = vi_iris_radius(t->n, eye), limit = t->stat[VI_STAT_EYE_L + eye].v[6] + 6.0f;
    const float *mask = t->eye[eye].p + (y - b.y) * t->eye[eye].stride;
    for (int i = 0; i < b.w; i++) {
        float m = mask[i];
        int x = b.x + i;
        if (!(m > 0.0f) || x < t->first[y] || x >= t->last[y])
            continue;
        for (int c = 1; c < 3; c++)
            lab[c][x] += m * r->eye_shift[eye][c];
        lab[0][x] *= 1.0f + m * (r->eye_scale[eye] - 1.0f);
        float d = hypotf((float)x + 0.5f - iris.x, (float)y + 0.5f - iris.y);
        float red = m * (1.0f - vi_smoothstep(d, 0.9f * radius, 1.1f * radius)) * (lab[1][x] - limit);
        if (red > 0.0f) {
            lab[1][x] -= red;
            lab[0][x] -= 0.6f * red;
        }
    }
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
        int rc = vi_field_widen(t, &tone[c], g);
        if (rc)
            return rc;
    }
    return 0;
}

/* Everything that is the same for all rows. */
struct fields {
    vi_plane light[3], tone[3], low_s, fold; /* widened */
    struct recipe r;
    float smile;
};

/* Scratch of a row, in the first cache. */
enum { ROWS = 24, PARTS = 6 };

static int prepare(vi_target *t, struct fields *p)
{
    struct recipe *r = &p->r;
    float dark;
    vi_target_transfer(t, r->gain, r->offset, &dark);
    vi_grid *field = vi_arena_alloc(t->a, 5 * sizeof(*field));
    if (!field)
        return VISO_ERR_NO_SPACE;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < VI_GRID * VI_GRID; i++)
            field[c].v[i] = t->set->light * (t->light[c].v[i] + t->tint[c].v[i]);
    r->shine = t->stat[VI_STAT_SHINE].known ? t->stat[VI_STAT_SHINE].v[0] : 6.0f;
    p->smile = vi_target_smile(t);
    r->fold = 0.75f * p->smile;
    band_gains(t, dark, r);
    const vi_stat *skin = &t->stat[VI_STAT_SKIN_S];
    float chroma2 = skin->known ? skin->v[1] * skin->v[1] + skin->v[2] * skin->v[2] : 0.0f;
    r->glare = vi_smoothstep(sqrtf(chroma2), 6.0f, 14.0f);
    for (int c = 0; c < 2; c++)
        r->along[c] = r->glare > 0.0f ? skin->v[1 + c] / chroma2 : 0.0f;
    eye_recipe(t, VI_EYE_L, field, r);
    eye_recipe(t, VI_EYE_R, field, r);
    int rc = lip_shift(t, field, r);
    if (!rc)
        rc = corrected_low(t, &field[3], t->shine[1], &field[0], r, 0.07f);
    if (!rc && r->fold > 0.0f) {
        rc = corrected_low(t, &field[4], t->fold[1], &field[0], r, 0.045f);
        for (int i = 0; i < VI_GRID * VI_GRID; i++)
            field[4].v[i] -= t->fold[0]->v[i];
        if (!rc)
            rc = vi_field_widen(t, &p->fold, &field[4]);
    }
    for (int c = 0; c < 3 && !rc; c++)
        rc = vi_field_widen(t, &p->light[c], &field[c]);
    if (!rc)
        rc = vi_field_widen(t, &p->low_s, &field[3]);
    return rc ? rc : skin_tone(t, p->tone);
}

#define ROW(plane) ((plane).p + y * (plane).stride)

VI_CLONES static int unsure(const float *restrict conf, int n)
{
    int found = 0;
    for (int x = 0; x < n; x++)
        found += conf[x] < 0.6f;
    return found;
}

/* The new face's Lab in one row: lab[0..2], only in the span. */
static void colour_row(const vi_target *t, const struct fields *p, int y, float *const row[ROWS], float *const lab[3])
{
    const struct recipe *r = &p->r;
    int x0 = t->first[y], x1 = t->last[y], n = x1 - x0;
    float *tmp = row[ROWS - 1], *tinted = row[0], *glare = row[1], *eye = row[2], *lips = row[3], *skin = row[4];
    float *light = row[5], *low_s = row[6], *glow = row[7], *t2 = row[8], *s2 = row[9];
    const float *s1 = ROW(t->s_fine[0]) + x0, *t1 = ROW(t->t_fine[0]) + x0;
    vi_half_row(lips, &t->lips, y, x0, x1, tmp);
    vi_half_row(skin, &t->grain, y, x0, x1, tmp);
    vi_half_row(glow, &t->glow, y, x0, x1, tmp);
    vi_half_row(t2, &t->t_fine[1], y, x0, x1, tmp);
    vi_half_row(s2, &t->s_fine[1], y, x0, x1, tmp);
    vi_field_row(t, light, &p->light[0], y, x0, x1);
    vi_field_row(t, low_s, &p->low_s, y, x0, x1);
    light_row(lab[0] + x0, ROW(t->s_lab.c[0]) + x0, light + x0, lips + x0, skin + x0, low_s + x0, glow + x0,
              ROW(t->t_lab.c[0]) + x0, t1, t2 + x0, s1, s2 + x0, r, n);
    if (r->fold > 0.0f) {
        vi_half_row(t2, &t->crease, y, x0, x1, tmp);
        vi_field_row(t, s2, &p->fold, y, x0, x1);
        fold_row(lab[0] + x0, light + x0, s2 + x0, t2 + x0, t1, s1, r->fold, r->gain[0], r->offset[0], n);
    }
    tinted_row(tinted + x0, glare + x0, s1, light + x0, low_s + x0, r->gain[0], r->offset[0], n);
    eye_row(t, eye, y);
    coloured_row(glare + x0, ROW(t->s_lab.c[1]) + x0, ROW(t->s_lab.c[2]) + x0, eye + x0, r->along[0], r->along[1], r->glare, n);
    for (int c = 1; c < 3; c++) {
        vi_field_row(t, light, &p->light[c], y, x0, x1);
        chroma_row(lab[c] + x0, ROW(t->s_lab.c[c]) + x0, light + x0, lips + x0, tinted + x0, glare + x0, r->gain[c],
                   r->offset[c], r->lips[c], n);
    }
    for (int c = 0; c < 3 && unsure(ROW(t->conf) + x0, n); c++) {
        vi_field_row(t, light, &p->tone[c], y, x0, x1);
        fill_row(lab[c] + x0, light + x0, ROW(t->conf) + x0, n);
    }
    eye_colour_row(t, VI_EYE_L, r, y, lab);
    eye_colour_row(t, VI_EYE_R, r, y, lab);
}

/* The patch: mask m = max(alpha, moved) and colour c so that m c + (1 - m) T = alpha S + (m - alpha) T' + (1 - m) T, where
 * T' is the warped target. share: alpha / m. */
VI_CLONES static void mask_row(float *restrict mask, float *restrict share, const float *restrict alpha,
                               const float *restrict moved, const float *restrict cover, float beyond, int n)
{
    for (int x = 0; x < n; x++) {
        float k = cover[x] > beyond ? cover[x] : beyond, move = moved[x] * k;
        float m = alpha[x] > move ? alpha[x] : move;
        share[x] = m > 1e-4f ? alpha[x] / m : 0.0f; /* beside the mask the target: pasting interpolates across its edge */
        m = m < 1.0f ? m : 1.0f; /* filters leave a rounding error above 1 */
        mask[x] = m > 1e-4f ? m : 0.0f;
    }
}

VI_CLONES static void mix_row(float *restrict out, const float *restrict s, const float *restrict t, const float *restrict share,
                              int n)
{
    for (int x = 0; x < n; x++)
        out[x] = t[x] + share[x] * (s[x] - t[x]);
}

VI_CLONES static void within_row(float *restrict out, const float *restrict in, int n)
{
    for (int x = 0; x < n; x++)
        out[x] = in[x] < 0.0f ? 0.0f : in[x] > 1.0f ? 1.0f : in[x];
}

/* One row of the patch. Outside the span it is the target. */
static void patch_row(const vi_target *t, const struct fields *p, int y, float *const row[ROWS], const vi_rgb *rgb,
                      const vi_plane *mask)
{
    int x0 = t->first[y], x1 = VI_MAX(t->last[y], t->first[y]), n = x1 - x0;
    for (int c = 0; c < 3; c++) {
        within_row(ROW(rgb->c[c]), ROW(t->rgb.c[c]), x0);
        within_row(ROW(rgb->c[c]) + x1, ROW(t->rgb.c[c]) + x1, t->win.w - x1);
    }
    memset(ROW(*mask), 0, (size_t)x0 * sizeof(float));
    memset(ROW(*mask) + x1, 0, (size_t)(t->win.w - x1) * sizeof(float));
    if (n == 0)
        return;
    float *const lab[3] = { row[10], row[11], row[12] };
    float *alpha = row[13], *moved = row[14], *share = row[15];
    colour_row(t, p, y, row, lab);
    /* What the creases' correction leaves of a broad smile on a neutral face (6g) goes half-way to the target. */
    vi_target_alpha_row(t, alpha, y, row + ROWS - PARTS, 0.4f * p->smile);
    vi_half_row(moved, &t->moved, y, x0, x1, row[ROWS - 1]);
    mask_row(ROW(*mask) + x0, share + x0, alpha + x0, moved + x0, ROW(t->cover) + x0, t->set->outline > 0.0f ? 1.0f : 0.0f, n);
    vi_rgb out;
    for (int c = 0; c < 3; c++) {
        mix_row(ROW(rgb->c[c]) + x0, lab[c] + x0, ROW(t->t_lab.c[c]) + x0, share + x0, n);
        out.c[c] = vi_plane_view(&rgb->c[c], x0, y, n, 1);
    }
    t->k->lab_to_rgb(&out, &out);
}

int vi_target_compose(vi_target *t, const vi_rgb *rgb, const vi_plane *mask)
{
    size_t mark = vi_arena_mark(t->a);
    struct fields *p = vi_arena_alloc(t->a, sizeof(*p));
    float *row[ROWS];
    int rc = p ? prepare(t, p) : VISO_ERR_NO_SPACE;
    for (int i = 0; i < ROWS && !rc; i++) {
        row[i] = vi_arena_alloc(t->a, ((size_t)t->win.w + 16) * sizeof(*row[i]));
        if (!row[i])
            rc = VISO_ERR_NO_SPACE;
    }
    for (int y = 0; y < t->win.h && !rc; y++)
        patch_row(t, p, y, row, rgb, mask);
    vi_arena_release(t->a, mark);
    return rc;
}
