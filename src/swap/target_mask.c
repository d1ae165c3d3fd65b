/* swap/target_mask.c: both pictures in Lab, and which pixels take part in the statistics (recipe 6.5, 9.3). The masks are made
 * at half size. */
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
            lm[i] = (vi_point){ f * (t->t[i].x + (float)t->left), f * (t->t[i].y + (float)t->top) };
        vi_skin_params p = { .features = 2.4f, .lips_auto = true, .fast = !t->still };
        rc = vi_skin_segment(t->k, &rgb, lm, &p, &t->skin_crop, &t->skin_info, t->a);
        t->mouth_occluded = t->skin_info.mouth_occluded;
    }
    vi_arena_release(t->a, mark);
    return rc;
}

/* Only the polygon's box is blurred. */
int vi_half_polygon(vi_target *t, const vi_plane *dst, const uint16_t *list, int n, float value, float sigma)
{
    vi_point p[40];
    vi_box b = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    float reach = 1.5f * sigma + 2.0f; /* three of the half size */
    for (int i = 0; i < n; i++) {
        p[i] = (vi_point){ 0.5f * t->n[list[i]].x, 0.5f * t->n[list[i]].y };
        b = (vi_box){ fminf(b.x0, p[i].x - reach), fminf(b.y0, p[i].y - reach), fmaxf(b.x1, p[i].x + reach),
                      fmaxf(b.y1, p[i].y + reach) };
    }
    vi_plane_fill(dst, 0.0f);
    vi_rect r = vi_box_cover(&b, dst->w, dst->h);
    if (!(value > 0.0f) || r.w < 1 || r.h < 1)
        return 0;
    for (int i = 0; i < n; i++)
        p[i] = (vi_point){ p[i].x - (float)r.x, p[i].y - (float)r.y };
    vi_plane view = vi_plane_view(dst, r.x, r.y, r.w, r.h);
    int rc = t->k->polygon(&view, p, n, value, t->a);
    return rc ? rc : t->k->blur(&view, &view, 0.5f * sigma, t->a);
}

/* The target's own pixels in the new shape. What does not move stays as it is. */
static int warp_pixels(vi_target *t)
{
    enum { ROWS = 8 };
    int w = t->win.w;
    size_t mark = vi_arena_mark(t->a);
    vi_quad lab = vi_quad_new(t->a, w, t->win.h);
    vi_plane mx = vi_plane_new(t->a, w, ROWS), my = vi_plane_new(t->a, w, ROWS);
    float *tmp = vi_arena_alloc(t->a, ((size_t)w / 2 + 16) * sizeof(*tmp));
    if (!lab.p || !my.p || !tmp)
        return VISO_ERR_NO_SPACE;
    t->k->rgb_to_lab(&t->t_lab, &t->rgb);
    t->k->pack(&lab, t->t_lab.c, 3);
    for (int y = 0; y < t->win.h; y += ROWS) {
        vi_rect b = vi_target_band(t, y, ROWS);
        if (b.w == 0)
            continue;
        vi_rgb s;
        vi_plane out[3];
        for (int c = 0; c < 3; c++) {
            s.c[c] = vi_plane_view(&t->s_lab.c[c], b.x, b.y, b.w, b.h);
            out[c] = vi_plane_view(&t->t_lab.c[c], b.x, b.y, b.w, b.h);
        }
        t->k->rgb_to_lab(&s, &s); /* the source is complete now */
        for (int i = 0; i < b.h; i++) {
            float *px = mx.p + i * mx.stride, *py = my.p + i * my.stride;
            vi_half_row(px, &t->dx, y + i, b.x, b.x + b.w, tmp);
            vi_half_row(py, &t->dy, y + i, b.x, b.x + b.w, tmp);
            for (int x = b.x; x < b.x + b.w; x++) {
                px[x] += (float)x + 0.5f;
                py[x] += (float)(y + i) + 0.5f;
            }
        }
        vi_plane at[2] = { vi_plane_view(&mx, b.x, 0, b.w, b.h), vi_plane_view(&my, b.x, 0, b.w, b.h) };
        t->k->remap_quad(out, &lab, 3, &at[0], &at[1]);
    }
    vi_arena_release(t->a, mark);
    return 0;
}

/* Skin in the new shape. */
static int warp_skin(vi_target *t)
{
    size_t mark = vi_arena_mark(t->a);
    vi_plane mx = vi_plane_new(t->a, t->skin.w, t->skin.h), my = vi_plane_new(t->a, t->skin.w, t->skin.h);
    if (!my.p)
        return VISO_ERR_NO_SPACE;
    for (int y = 0; y < mx.h; y++) {
        const float *dx = t->dx.p + y * t->dx.stride, *dy = t->dy.p + y * t->dy.stride;
        for (int x = 0; x < mx.w; x++) {
            mx.p[y * mx.stride + x] = (float)x + 0.5f + 0.5f * dx[x];
            my.p[y * my.stride + x] = (float)y + 0.5f + 0.5f * dy[x];
        }
    }
    t->k->remap(&t->skin_t, &t->skin, 1, &mx, &my, VI_FILTER_BILINEAR);
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
        float d = 2.0f * dist[x] * cover[x], deep = vi_smoothstep(d, 0.7f * edge, 1.3f * edge);
        float s = skin[x] > feature[x] ? skin[x] : feature[x];
        st[x] = keep * deep * skin[x] * (1.0f - feature[x]);
        sw[x] = keep * deep * skin[x] * (1.0f - wide[x]);
        stl[x] = keep * vi_smoothstep(d, 0.0f, 0.7f * edge) * s;
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
    const vi_lab_model *mine = &t->src->skin.upper, *theirs = &t->skin_info.upper;
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
    for (int y = 0; y < t->crease.h && theirs->n > 0.0f; y++) { /* nor does a moustache replace a crease */
        float *c = t->crease.p + y * t->crease.stride;
        const float *d = t->t_half.c[0].p + y * t->t_half.c[0].stride;
        for (int x = 0; x < t->crease.w; x++)
            if (c[x] > 0.0f)
                c[x] *= vi_smoothstep(d[x], t_lo, t_hi);
    }
}

static int half_weights(vi_target *t)
{
    int w = t->win.w / 2, h = t->win.h / 2;
    vi_plane *made[] = { &t->st,    &t->stl,  &t->sw,       &t->centre, &t->lips,
                         &t->grain, &t->skin_t, &t->features, &t->conf_half };
    for (size_t i = 0; i < VI_COUNT(made); i++) {
        *made[i] = vi_plane_new(t->a, w, h);
        if (!made[i]->p)
            return VISO_ERR_NO_SPACE;
    }
    t->t_half = vi_rgb_new(t->a, w, h);
    t->s_half = vi_rgb_new(t->a, w, h);
    size_t mark = vi_arena_mark(t->a);
    vi_plane feature = vi_plane_new(t->a, w, h), inner = vi_plane_new(t->a, w, h);
    if (!t->s_half.c[2].p || !inner.p)
        return VISO_ERR_NO_SPACE;
    int rc = warp_skin(t);
    for (int c = 0; c < 3 && !rc; c++) {
        rc = t->k->resize(&t->t_half.c[c], &t->t_lab.c[c], t->a);
        if (!rc)
            rc = t->k->resize(&t->s_half.c[c], &t->s_lab.c[c], t->a);
    }
    if (!rc)
        rc = t->k->resize(&t->conf_half, &t->conf, t->a);
    vi_point lm[478];
    for (int i = 0; i < 478; i++)
        lm[i] = (vi_point){ 0.5f * t->n[i].x, 0.5f * t->n[i].y };
    float r = 0.5f * 0.035f * t->fs;
    if (!rc)
        rc = vi_skin_features(t->k, lm, 1.0f, !t->mouth_occluded, &feature, t->a);
    if (!rc)
        rc = t->k->dilate(&t->features, &feature, r, r, t->a);
    if (!rc)
        rc = vi_half_polygon(t, &inner, vi_lm_lips_inner, VI_COUNT(vi_lm_lips_inner), t->mouth_open, 0.006f * t->fs);
    if (!rc)
        rc = vi_half_polygon(t, &t->centre, vi_lm_centre, VI_COUNT(vi_lm_centre), 1.0f, 0.03f * t->fs);
    if (!rc)
        rc = vi_half_polygon(t, &t->lips, vi_lm_lips_outer, VI_COUNT(vi_lm_lips_outer), t->mouth_occluded ? 0.0f : 1.0f,
                             0.008f * t->fs);
    for (int y = 0; y < h && !rc; y++) {
#define ROW(plane) ((plane).p + y * (plane).stride)
        weight_row(ROW(t->st), ROW(t->stl), ROW(t->sw), ROW(t->cover_half), ROW(t->conf_half), ROW(t->skin_t), ROW(feature),
                   ROW(t->features), ROW(inner), ROW(t->dist), w, 0.03f * t->fs);
        float *lips = ROW(t->lips), open = fmaxf(t->mouth_open, 0.01f);
        const float *in = ROW(inner);
        for (int x = 0; x < w && t->mouth_open > 0.0f; x++)
            lips[x] *= 1.0f - in[x] / open;
#undef ROW
    }
    vi_arena_release(t->a, mark);
    if (!rc) {
        vi_plane_copy(&t->grain, &t->st); /* with the beard: its grain is matched like skin's */
        leave_beard(t);
    }
    return rc;
}

int vi_target_masks(vi_target *t)
{
    int rc = warp_pixels(t);
    if (!rc)
        rc = vi_target_mouth(t);
    return rc ? rc : half_weights(t);
}
