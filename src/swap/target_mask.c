/* swap/target_mask.c: which pixels take part (recipe 6.5, 6.7, 9.3). Masks for the statistics are made at half size;
 * alpha at the ROI's own. */
#include <math.h>

#include "swap/target.h"

/* Skin of the whole crop, reduced: the segmentation needs hair and background around the head, not every pixel. */
int vi_target_skin(vi_target *t, const vi_work *w)
{
    int n = t->still ? VI_MIN(t->size, 512) : vi_clampi(t->size / 2, 128, 256);
    float f = (float)n / (float)t->size;
    t->skin_crop = vi_plane_new(t->a, n, n);
    size_t mark = vi_arena_mark(t->a);
    vi_rgb rgb = vi_rgb_new(t->a, n, n);
    if (!t->skin_crop.p || !rgb.c[2].p)
        return VISO_ERR_NO_SPACE;
    vi_affine grow = { { 1.0f / f, 0, 0, 0, 1.0f / f, 0 } };
    vi_affine to_picture = vi_affine_compose(&t->crop_to_picture, &grow);
    vi_affine to_frame = vi_affine_compose(&w->upright, &to_picture);
    int rc = t->k->sample(w->frame, w->colour, &to_frame, &rgb, VI_BORDER_REPLICATE, t->a);
    if (!rc) {
        vi_point lm[478];
        for (int i = 0; i < 478; i++)
            lm[i] = (vi_point){ f * (t->t[i].x + (float)t->origin), f * (t->t[i].y + (float)t->origin) };
        vi_skin_params p = { .features = 2.4f, .lips_auto = true, .fast = !t->still };
        rc = vi_skin_segment(t->k, &rgb, lm, &p, &t->skin_crop, &t->skin, t->a);
        t->mouth_occluded = t->skin.mouth_occluded;
    }
    vi_arena_release(t->a, mark);
    return rc;
}

/* Polygon of new-shape points into a cleared half-size plane, blurred. */
static int half_polygon(vi_target *t, const vi_plane *dst, const uint16_t *list, int n, float value, float sigma)
{
    vi_point p[40];
    for (int i = 0; i < n; i++)
        p[i] = (vi_point){ 0.5f * t->n[list[i]].x, 0.5f * t->n[list[i]].y };
    vi_plane_fill(dst, 0.0f);
    int rc = t->k->polygon(dst, p, n, value, t->a);
    return rc ? rc : t->k->blur(dst, dst, 0.5f * sigma, t->a);
}

/* The target's own pixels and skin in the new shape. */
static int warp_pixels(vi_target *t)
{
    size_t mark = vi_arena_mark(t->a);
    vi_plane skin = vi_plane_new(t->a, t->roi, t->roi);
    vi_rgb lab = vi_rgb_new(t->a, t->roi, t->roi);
    if (!skin.p || !lab.c[2].p)
        return VISO_ERR_NO_SPACE;
    float f = (float)t->skin_crop.w / (float)t->size;
    vi_affine to_skin = { { f, 0, f * (float)t->origin, 0, f, f * (float)t->origin } };
    t->k->warp(&skin, &t->skin_crop, 1, &to_skin, VI_FILTER_BILINEAR, VI_BORDER_REPLICATE);
    t->k->rgb_to_lab(&t->s_lab, &t->s_lab); /* the source is complete now */
    t->k->rgb_to_lab(&lab, &t->rgb);
    t->k->remap(t->t_lab.c, lab.c, 3, &t->mx, &t->my, VI_FILTER_BICUBIC);
    t->k->remap(&t->skin_t, &skin, 1, &t->mx, &t->my, VI_FILTER_BILINEAR);
    vi_arena_release(t->a, mark);
    return 0;
}

/* Weights of the statistics, one row. `keep`: mesh and source confidence. */
VI_CLONES static void weight_row(float *restrict st, float *restrict stl, float *restrict sw, const float *restrict cover,
                                 const float *restrict conf, const float *restrict skin, const float *restrict feature,
                                 const float *restrict wide, const float *restrict inner, const float *restrict dist, int n,
                                 float edge)
{
    for (int x = 0; x < n; x++) {
        float keep = cover[x] * conf[x] * (1.0f - inner[x]);
        float deep = vi_smoothstep(dist[x], 0.7f * edge, 1.3f * edge);
        float s = skin[x] > feature[x] ? skin[x] : feature[x];
        st[x] = keep * deep * skin[x] * (1.0f - feature[x]);
        sw[x] = keep * deep * skin[x] * (1.0f - wide[x]);
        stl[x] = keep * vi_smoothstep(dist[x], 0.0f, 0.7f * edge) * s;
    }
}

/* How much darker than skin a beard begins, from the spread of the skin itself. */
static void beard_limits(const vi_lab_model *skin, float *lo, float *hi)
{
    float sd = sqrtf(fmaxf(skin->cov[0], 4.0f));
    *lo = skin->mean[0] - (2.0f * sd + 12.0f);
    *hi = skin->mean[0] - (1.2f * sd + 4.0f);
}

/* A beard is no shadow: where a source's takes part in the statistics, the skin around it comes out too bright; a target's
 * moustache would leave a grey smear. Below the nose, what is much darker than that person's skin is left out; of the
 * target only down to the mouth, as a beard goes on outside the mesh and the chin has to go with it. */
static void leave_beard(vi_target *t)
{
    const vi_lab_model *mine = &t->src->s->skin.upper, *theirs = &t->skin.upper;
    float s_lo, s_hi, t_lo, t_hi;
    beard_limits(mine, &s_lo, &s_hi);
    beard_limits(theirs, &t_lo, &t_hi);
    float nose = 0.5f * t->n[2].y, mouth = 0.25f * (t->n[61].y + t->n[291].y), soft = 0.5f * 0.05f * t->fs;
    for (int y = 0; y < t->st.h; y++) {
        float below = vi_smoothstep((float)y, nose - soft, nose + soft);
        float s_zone = mine->n > 0.0f ? below : 0.0f;
        float t_zone = theirs->n > 0.0f ? below * (1.0f - vi_smoothstep((float)y, mouth - 0.5f * soft, mouth + 1.5f * soft)) : 0;
        const float *s = t->s_half.c[0].p + y * t->s_half.c[0].stride, *d = t->t_half.c[0].p + y * t->t_half.c[0].stride;
        float *w[3] = { t->st.p + y * t->st.stride, t->sw.p + y * t->sw.stride, t->stl.p + y * t->stl.stride };
        for (int x = 0; x < t->st.w && below > 0.0f; x++) {
            float keep = 1.0f - s_zone * (1.0f - vi_smoothstep(s[x], s_lo, s_hi));
            keep *= 1.0f - t_zone * (1.0f - vi_smoothstep(d[x], t_lo, t_hi));
            for (int i = 0; i < 3; i++)
                w[i][x] *= keep;
        }
    }
    for (int y = 0; y < t->roi && theirs->n > 0.0f; y++) { /* nor does a moustache replace a crease */
        float *c = t->crease.p + y * t->crease.stride;
        const float *d = t->t_lab.c[0].p + y * t->t_lab.c[0].stride;
        for (int x = 0; x < t->roi; x++)
            if (c[x] > 0.0f)
                c[x] *= vi_smoothstep(d[x], t_lo, t_hi);
    }
}

static int half_weights(vi_target *t)
{
    int n = t->roi / 2;
    vi_plane *made[] = { &t->st, &t->stl, &t->sw, &t->centre, &t->lips, &t->features };
    for (size_t i = 0; i < VI_COUNT(made); i++) {
        *made[i] = vi_plane_new(t->a, n, n);
        if (!made[i]->p)
            return VISO_ERR_NO_SPACE;
    }
    t->t_half = vi_rgb_new(t->a, n, n);
    t->s_half = vi_rgb_new(t->a, n, n);
    size_t mark = vi_arena_mark(t->a);
    vi_plane feature = vi_plane_new(t->a, n, n), inner = vi_plane_new(t->a, n, n);
    vi_plane cover = vi_plane_new(t->a, n, n), conf = vi_plane_new(t->a, n, n);
    vi_plane skin = vi_plane_new(t->a, n, n), dist = vi_plane_new(t->a, n, n);
    if (!t->s_half.c[2].p || !dist.p)
        return VISO_ERR_NO_SPACE;
    int rc = 0;
    for (int c = 0; c < 3 && !rc; c++) {
        rc = t->k->resize(&t->t_half.c[c], &t->t_lab.c[c], t->a);
        if (!rc)
            rc = t->k->resize(&t->s_half.c[c], &t->s_lab.c[c], t->a);
    }
    const vi_plane *from[] = { &t->cover, &t->conf, &t->skin_t, &t->dist };
    const vi_plane *to[] = { &cover, &conf, &skin, &dist };
    for (size_t i = 0; i < VI_COUNT(from) && !rc; i++)
        rc = t->k->resize(to[i], from[i], t->a);
    vi_point lm[478];
    for (int i = 0; i < 478; i++)
        lm[i] = (vi_point){ 0.5f * t->n[i].x, 0.5f * t->n[i].y };
    float r = 0.5f * 0.035f * t->fs;
    if (!rc)
        rc = vi_skin_features(t->k, lm, 1.0f, !t->mouth_occluded, &feature, t->a);
    if (!rc)
        rc = t->k->dilate(&t->features, &feature, r, r, t->a);
    if (!rc)
        rc = half_polygon(t, &inner, vi_lm_lips_inner, VI_COUNT(vi_lm_lips_inner), t->mouth_open, 0.006f * t->fs);
    if (!rc)
        rc = half_polygon(t, &t->centre, vi_lm_centre, VI_COUNT(vi_lm_centre), 1.0f, 0.03f * t->fs);
    if (!rc)
        rc = half_polygon(t, &t->lips, vi_lm_lips_outer, VI_COUNT(vi_lm_lips_outer), 1.0f, 0.008f * t->fs);
    float edge = 0.03f * t->fs;
    for (int y = 0; y < n && !rc; y++) {
        weight_row(t->st.p + y * t->st.stride, t->stl.p + y * t->stl.stride, t->sw.p + y * t->sw.stride,
                   cover.p + y * cover.stride, conf.p + y * conf.stride, skin.p + y * skin.stride,
                   feature.p + y * feature.stride, t->features.p + y * t->features.stride, inner.p + y * inner.stride,
                   dist.p + y * dist.stride, n, edge);
        float *lips = t->lips.p + y * t->lips.stride;
        const float *in = inner.p + y * inner.stride;
        for (int x = 0; x < n; x++)
            lips[x] *= t->mouth_occluded ? 0.0f : 1.0f - in[x] / fmaxf(t->mouth_open, 0.01f);
    }
    vi_arena_release(t->a, mark);
    if (!rc)
        rc = t->k->resize(&t->st_full, &t->st, t->a); /* with the beard: its grain is matched like skin's */
    if (!rc)
        leave_beard(t);
    return rc;
}

int vi_target_masks(vi_target *t)
{
    t->st_full = vi_plane_new(t->a, t->roi, t->roi);
    t->inner = vi_plane_new(t->a, t->roi, t->roi);
    t->alpha = vi_plane_new(t->a, t->roi, t->roi);
    if (!t->alpha.p)
        return VISO_ERR_NO_SPACE;
    int rc = warp_pixels(t);
    if (!rc)
        rc = vi_target_mouth(t);
    return rc ? rc : half_weights(t);
}

/* Confidence of the source without thin islands, softly cut. At half size. */
static int source_mask(vi_target *t, const vi_plane *dst)
{
    int n = t->roi / 2;
    vi_plane h = vi_plane_new(t->a, n, n);
    if (!h.p)
        return VISO_ERR_NO_SPACE;
    float r = 0.5f * 0.01f * t->fs;
    int rc = t->k->resize(&h, &t->conf, t->a);
    if (rc)
        return rc;
    t->k->smoothstep(&h, &h, 0.2f, 0.7f);
    rc = t->k->erode(&h, &h, r, r, t->a);
    /* Around eyes and brows the filled texture is better than a second brow of the target's. */
    t->k->max2(&h, &h, &t->features);
    if (!rc)
        rc = t->k->blur(&h, &h, 0.5f * 0.025f * t->fs, t->a);
    return rc ? rc : t->k->resize(dst, &h, t->a);
}

/* Both eye sockets, each as far as it belongs to the target. At half size. */
static int socket_mask(vi_target *t, const vi_plane *dst)
{
    int n = t->roi / 2;
    vi_plane h = vi_plane_new(t->a, n, n), one = vi_plane_new(t->a, n, n);
    if (!one.p)
        return VISO_ERR_NO_SPACE;
    vi_plane_fill(&h, 0.0f);
    for (int e = 0; e < 2; e++) {
        if (!(t->eye_closed[e] > 0.0f))
            continue;
        int rc = half_polygon(t, &one, e == VI_EYE_L ? vi_lm_socket_l : vi_lm_socket_r, VI_COUNT(vi_lm_socket_l), t->eye_closed[e],
                              0.03f * t->fs);
        if (rc)
            return rc;
        t->k->max2(&h, &h, &one);
    }
    return t->k->resize(dst, &h, t->a);
}

/* What lies in front of the face: the guided filter snaps the soft skin mask to the edges of L. In the middle of the face
 * doubt is resolved for the swap; not below the nose when something lies over the mouth. */
static int occlusion_mask(vi_target *t, const vi_plane *dst)
{
    vi_plane centre = vi_plane_new(t->a, t->roi, t->roi), skin = vi_plane_new(t->a, t->roi, t->roi);
    vi_plane L = vi_plane_new(t->a, t->roi, t->roi);
    if (!L.p)
        return VISO_ERR_NO_SPACE;
    /* A moustache looks like an object, but is part of the face. */
    static const uint16_t lip[] = { 216, 206, 203, 98, 97, 2, 326, 327, 423, 426, 436, 291, 0, 61 };
    vi_plane half = vi_plane_new(t->a, t->roi / 2, t->roi / 2);
    if (!half.p)
        return VISO_ERR_NO_SPACE;
    int rc = half_polygon(t, &half, lip, VI_COUNT(lip), t->mouth_occluded ? 0.0f : 1.0f, 0.01f * t->fs);
    if (rc)
        return rc;
    t->k->max2(&half, &half, &t->features);
    rc = t->k->resize(&skin, &half, t->a);
    if (!rc)
        rc = t->k->resize(&centre, &t->centre, t->a);
    if (rc)
        return rc;
    t->k->max2(&skin, &skin, &t->skin_t);
    t->k->affine(&L, &t->t_lab.c[0], 0.01f, 0.0f); /* eps is meant for 0..1 */
    int radius = VI_MAX(1, (int)lrintf(0.02f * t->fs));
    rc = t->k->guided(dst, &L, &skin, radius, 1e-3f, t->a);
    if (rc)
        return rc;
    float nose = t->n[2].y, soft = 0.04f * t->fs;
    for (int y = 0; y < t->roi; y++) {
        float *o = dst->p + y * dst->stride;
        const float *c = centre.p + y * centre.stride;
        float insist = t->mouth_occluded ? 1.0f - vi_smoothstep((float)y, nose - soft, nose + soft) : 1.0f;
        for (int x = 0; x < t->roi; x++) {
            float v = vi_clampf(o[x], 0.0f, 1.0f);
            o[x] = v + insist * c[x] * (vi_smoothstep(v, 0.0f, 0.35f) - v);
        }
    }
    return 0;
}

VI_CLONES static void alpha_row(float *restrict alpha, const float *restrict cover, const float *restrict dist,
                                const float *restrict occ, const float *restrict conf, const float *restrict socket,
                                const float *restrict inner, const float *restrict glasses,
                                const float *restrict crease, int n, float lo, float hi, float profile, float smile)
{
    for (int x = 0; x < n; x++) {
        float edge = cover[x] * vi_smoothstep(dist[x], lo, hi);
        alpha[x] = edge * profile * occ[x] * conf[x] * (1.0f - socket[x]) * (1.0f - inner[x]) * (1.0f - glasses[x]) *
                   (1.0f - smile * crease[x]);
    }
}

int vi_target_alpha(vi_target *t)
{
    size_t mark = vi_arena_mark(t->a);
    vi_plane occ = vi_plane_new(t->a, t->roi, t->roi), conf = vi_plane_new(t->a, t->roi, t->roi);
    vi_plane socket = vi_plane_new(t->a, t->roi, t->roi), glasses = vi_plane_new(t->a, t->roi, t->roi);
    if (!glasses.p)
        return VISO_ERR_NO_SPACE;
    /* What the creases' correction leaves of a broad smile on a neutral face (6g) goes half-way to the target. */
    float smile = 0.4f * vi_target_smile(t);
    int rc = 0;
    if (t->set->occlusion)
        rc = occlusion_mask(t, &occ);
    else
        vi_plane_fill(&occ, 1.0f);
    if (!rc)
        rc = source_mask(t, &conf);
    if (!rc)
        rc = socket_mask(t, &socket);
    if (!rc)
        rc = vi_target_glasses(t, &glasses);
    for (int y = 0; y < t->roi && !rc; y++)
        alpha_row(t->alpha.p + y * t->alpha.stride, t->cover.p + y * t->cover.stride, t->dist.p + y * t->dist.stride,
                  occ.p + y * occ.stride, conf.p + y * conf.stride, socket.p + y * socket.stride,
                  t->inner.p + y * t->inner.stride, glasses.p + y * glasses.stride,
                  t->crease.p + y * t->crease.stride, t->roi, 0.012f * t->fs, 0.06f * t->fs, t->profile, smile);
    vi_arena_release(t->a, mark);
    return rc;
}
