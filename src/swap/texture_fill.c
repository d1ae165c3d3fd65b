/* swap/texture_fill.c: completing a texture: the mirrored half, highlights, holes (mesh-swap recipe 5). */
#include <math.h>
#include <string.h>

#include "swap/texture.h"

static void flip(const vi_plane *dst, const vi_plane *src)
{
    for (int y = 0; y < src->h; y++) {
        float *d = dst->p + y * dst->stride;
        const float *s = src->p + y * src->stride;
        for (int x = 0; x < src->w; x++)
            d[x] = s[src->w - 1 - x];
    }
}

/* Low-pass of this half minus the other where both were seen. Away from there it fades to a wider mean and then to nothing:
 * cut off hard it would draw an edge over the cheek. */
static int light_difference(const vi_kernels *k, const vi_rgb *diff, const vi_plane *both, int size, vi_arena *a)
{
    vi_rgb wide = vi_rgb_new(a, size, size);
    vi_plane near = vi_plane_new(a, size, size), far = vi_plane_new(a, size, size);
    if (!wide.c[2].p || !near.p || !far.p)
        return VISO_ERR_NO_SPACE;
    int rc = k->blur_masked(wide.c, diff->c, 3, both, &far, 0.16f * (float)size, a);
    if (!rc)
        rc = k->blur_masked(diff->c, diff->c, 3, both, &near, 0.06f * (float)size, a);
    k->smoothstep(&near, &near, 0.01f, 0.15f);
    k->smoothstep(&far, &far, 0.005f, 0.15f);
    for (int c = 0; c < 3 && !rc; c++) {
        k->mul(&wide.c[c], &wide.c[c], &far);
        k->lerp(&diff->c[c], &wide.c[c], &diff->c[c], &near);
    }
    return rc;
}

/* What one half did not show, the other half shows, brought to this side's light by the low-pass difference. */
static int mirror_fill(const vi_kernels *k, const vi_texture *t, vi_arena *a)
{
    float size = (float)t->size;
    vi_rgb other = vi_rgb_new(a, t->size, t->size), diff = vi_rgb_new(a, t->size, t->size);
    vi_plane conf = vi_plane_new(a, t->size, t->size), both = vi_plane_new(a, t->size, t->size);
    vi_plane wa = vi_plane_new(a, t->size, t->size);
    if (!other.c[2].p || !diff.c[2].p || !conf.p || !both.p || !wa.p)
        return VISO_ERR_NO_SPACE;
    flip(&conf, &t->conf);
    k->mul(&both, &conf, &t->conf);
    for (int c = 0; c < 3; c++) {
        flip(&other.c[c], &t->lab.c[c]);
        k->add_scaled(&diff.c[c], &t->lab.c[c], &other.c[c], -1.0f);
    }
    int rc = light_difference(k, &diff, &both, t->size, a);
    k->smoothstep(&wa, &t->conf, 0.25f, 0.8f);
    if (!rc)
        rc = k->blur(&wa, &wa, 0.012f * size, a);
    if (rc)
        return rc;
    for (int y = 0; y < t->size; y++) {
        const float *w1 = wa.p + y * wa.stride, *mc = conf.p + y * conf.stride;
        float *out = t->conf.p + y * t->conf.stride;
        for (int x = 0; x < t->size; x++) {
            /* blurring must not carry weight to texels that were not seen at all: their colour means nothing */
            float own = w1[x] * vi_smoothstep(out[x], 0.0f, 0.15f);
            float w2 = (1.0f - own) * vi_smoothstep(mc[x], 0.1f, 0.5f), w = own + w2;
            float share = w > 1e-4f ? w2 / w : 0.0f;
            for (int c = 0; c < 3; c++) {
                float *p = t->lab.c[c].p + y * t->lab.c[c].stride + x;
                ptrdiff_t at = y * other.c[c].stride + x;
                *p += share * (other.c[c].p[at] + diff.c[c].p[at] - *p);
            }
            out[x] = vi_clampf(w, 0.0f, 1.0f);
        }
    }
    return 0;
}

/* Eyes and mouth interior hold bright things that are no highlights of skin. */
static int draw_bright_features(const vi_kernels *k, const vi_mesh *m, int size, const vi_plane *dst, vi_arena *a)
{
    const uint16_t *list[3] = { vi_lm_contour_l, vi_lm_contour_r, vi_lm_lips_inner };
    int rc = 0;
    vi_plane_fill(dst, 0.0f);
    for (int i = 0; i < 3 && !rc; i++) {
        vi_point p[20];
        int n = i < 2 ? 16 : 20;
        for (int j = 0; j < n; j++)
            p[j] = (vi_point){ m->uv[list[i][j]][0] * (float)size, m->uv[list[i][j]][1] * (float)size };
        rc = k->polygon(dst, p, n, 1.0f, a);
    }
    if (!rc)
        rc = k->dilate(dst, dst, 0.012f * (float)size, 0.012f * (float)size, a);
    return rc;
}

/* Highlights belong to the photograph's lamps: 85 % of them is replaced by what lies around. */
static int remove_highlights(const vi_kernels *k, const vi_mesh *m, const vi_texture *t, vi_arena *a)
{
    vi_plane res = vi_plane_new(a, t->size, t->size), keep = vi_plane_new(a, t->size, t->size);
    vi_plane bright = vi_plane_new(a, t->size, t->size);
    vi_rgb fill = vi_rgb_new(a, t->size, t->size);
    if (!res.p || !keep.p || !bright.p || !fill.c[2].p)
        return VISO_ERR_NO_SPACE;
    int rc = k->blur_masked(&res, &t->lab.c[0], 1, &t->conf, NULL, 0.10f * (float)t->size, a);
    if (!rc)
        rc = draw_bright_features(k, m, t->size, &bright, a);
    if (rc)
        return rc;
    k->add_scaled(&res, &t->lab.c[0], &res, -1.0f);
    float sd = 1.48f * VI_MAX(k->percentile(&res, &t->conf, 0.75f), 0.0f);
    k->smoothstep(&res, &res, VI_MAX(5.0f, 2.0f * sd), VI_MAX(9.0f, 3.2f * sd));
    k->affine(&bright, &bright, -1.0f, 1.0f);
    k->mul(&res, &res, &bright);
    /* weight of the fill: seen and no highlight */
    k->affine(&keep, &res, -1.0f, 1.0f);
    k->mul(&keep, &keep, &t->conf);
    for (int c = 0; c < 3; c++)
        vi_plane_copy(&fill.c[c], &t->lab.c[c]);
    rc = k->push_pull(fill.c, 3, &keep, a);
    k->affine(&res, &res, 0.85f, 0.0f);
    for (int c = 0; c < 3; c++)
        k->lerp(&t->lab.c[c], &t->lab.c[c], &fill.c[c], &res);
    return rc;
}

int vi_texture_lip_line(const vi_kernels *k, const vi_mesh *m, const vi_plane *dst, vi_arena *a)
{
    vi_point p[20];
    for (int i = 0; i < 20; i++)
        p[i] =
            (vi_point){ m->uv[vi_lm_lips_inner[i]][0] * (float)dst->w, m->uv[vi_lm_lips_inner[i]][1] * (float)dst->h };
    vi_plane_fill(dst, 0.0f);
    int rc = k->polygon(dst, p, 20, 1.0f, a);
    k->smoothstep(dst, dst, 0.0f, 0.25f); /* the polygon is about a texel high */
    if (!rc)
        rc = k->dilate(dst, dst, 0.004f * (float)dst->w, 0.004f * (float)dst->h, a);
    if (!rc)
        rc = k->blur(dst, dst, 0.0025f * (float)dst->w, a);
    return rc;
}

/* Lips filled over the line were never seen there; closed lips show a shade darker where they meet. */
static int draw_lip_line(const vi_kernels *k, const vi_mesh *m, const vi_texture *t, vi_arena *a)
{
    vi_plane line = vi_plane_new(a, t->size, t->size);
    int rc = line.p ? vi_texture_lip_line(k, m, &line, a) : VISO_ERR_NO_SPACE;
    if (rc)
        return rc;
    for (int y = 0; y < t->size; y++) {
        float *l = t->lab.c[0].p + y * t->lab.c[0].stride;
        float *c = t->conf.p + y * t->conf.stride;
        const float *w = line.p + y * line.stride;
        for (int x = 0; x < t->size; x++) {
            l[x] *= 1.0f - 0.3f * w[x];
            c[x] = VI_MAX(c[x], VI_MIN(3.0f * w[x], 1.0f)); /* it is to be shown */
        }
    }
    return 0;
}

int vi_texture_complete(const vi_kernels *k, const vi_mesh *m, const vi_texture *t, bool mouth_open, vi_arena *a)
{
    size_t mark = vi_arena_mark(a);
    int rc = mirror_fill(k, t, a);
    vi_arena_release(a, mark);
    if (!rc)
        rc = remove_highlights(k, m, t, a);
    vi_arena_release(a, mark);
    vi_plane weight = vi_plane_new(a, t->size, t->size);
    if (!rc && !weight.p)
        rc = VISO_ERR_NO_SPACE;
    if (!rc) { /* so that no hair colour bleeds in at the mask's edge */
        k->smoothstep(&weight, &t->conf, 0.75f, 0.98f);
        rc = k->push_pull(t->lab.c, 3, &weight, a);
    }
    if (!rc && mouth_open)
        rc = draw_lip_line(k, m, t, a);
    vi_arena_release(a, mark);
    return rc;
}
