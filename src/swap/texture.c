/* swap/texture.c: unrolling a photograph into UV and merging several (mesh-swap recipe 5, 9.2). Runs once per source.
 *
 * The idea: each texel knows where in the photograph it was and how far to trust it: seen from the front, not hidden
 * behind the nose or the rim of the face, and skin rather than hair. What is not trusted is never shown. */
#include <math.h>
#include <string.h>

#include "swap/shape.h"
#include "swap/skin.h"
#include "swap/texture.h"

int vi_texture_new(vi_texture *t, int size, vi_arena *a)
{
    t->size = size;
    t->lab = vi_rgb_new(a, size, size);
    t->conf = vi_plane_new(a, size, size);
    return t->lab.c[0].p && t->lab.c[1].p && t->lab.c[2].p && t->conf.p ? 0 : VISO_ERR_NO_SPACE;
}

/* Unit vertex normals in axes with y up and z to the viewer; only the z part is wanted: 1 faces the camera. */
static void facing(const vi_mesh *m, const vi_point3 lm[478], float *nz)
{
    float n[VI_MESH_VERTS][3];
    memset(n, 0, sizeof n);
    /* The file's winding is read off the canonical mesh, whose face looks to +z. */
    float sign = 0.0f;
    for (int t = 0; t < VI_MESH_TRIS; t++) {
        const float *a = m->pos[m->tri[t][0]], *b = m->pos[m->tri[t][1]], *c = m->pos[m->tri[t][2]];
        sign += (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    }
    sign = sign < 0.0f ? -1.0f : 1.0f;
    for (int t = 0; t < VI_MESH_TRIS; t++) {
        const uint16_t *v = m->tri[t];
        const vi_point3 *a = &lm[v[0]], *b = &lm[v[1]], *c = &lm[v[2]];
        float u[3] = { b->x - a->x, a->y - b->y, a->z - b->z }, w[3] = { c->x - a->x, a->y - c->y, a->z - c->z };
        float x[3] = { u[1] * w[2] - u[2] * w[1], u[2] * w[0] - u[0] * w[2], u[0] * w[1] - u[1] * w[0] };
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++)
                n[v[i]][j] += sign * x[j]; /* area-weighted */
    }
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        float len = sqrtf(n[i][0] * n[i][0] + n[i][1] * n[i][1] + n[i][2] * n[i][2]);
        nz[i] = len > 0.0f ? n[i][2] / len : 0.0f;
    }
}

/* Depth of the mesh over the crop, larger is nearer. */
static void crop_depth(const vi_kernels *k, const vi_mesh *m, const vi_point3 lm[478], const vi_plane *zbuf)
{
    float xyz[VI_MESH_VERTS][3];
    vi_raster r = { .xyz = xyz[0], .n_vert = VI_MESH_VERTS, .n_attr = 0, .tri = m->tri, .n_tri = VI_MESH_TRIS };
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        xyz[i][0] = lm[i].x;
        xyz[i][1] = lm[i].y;
        xyz[i][2] = -lm[i].z;
    }
    vi_plane_fill(zbuf, -INFINITY);
    k->raster(&r, NULL, zbuf, NULL, NULL);
}

/* The nose's underside is never seen from the front, yet its dark nostrils must not be filled with skin: what the photograph
 * shows of it is trusted. */
static void trust_nostrils(float *nz)
{
    static const uint16_t base[] = { 2,   19,  20,  60,  75,  79,  94,  97,  98,  99,  125, 141,
                                     166, 218, 238, 239, 240, 241, 242, 250, 290, 305, 309, 326,
                                     327, 328, 354, 370, 392, 438, 458, 459, 460, 461, 462 };
    for (size_t i = 0; i < VI_COUNT(base); i++)
        nz[base[i]] = VI_MAX(nz[base[i]], 0.45f);
}

enum { AT_X, AT_Y, AT_Z, AT_FACING, AT_COUNT };

/* Attributes over UV: place in the crop, depth, facing. */
static void uv_attributes(const vi_kernels *k, const vi_mesh *m, const vi_point3 lm[478], int size,
                          const vi_plane *attr, const vi_plane *zbuf, const vi_plane *cover)
{
    float xyz[VI_MESH_VERTS][3], at[VI_MESH_VERTS][AT_COUNT], nz[VI_MESH_VERTS];
    vi_raster r = {
        .xyz = xyz[0], .attr = at[0], .n_vert = VI_MESH_VERTS, .n_attr = AT_COUNT, .tri = m->tri, .n_tri = VI_MESH_TRIS
    };
    facing(m, lm, nz);
    trust_nostrils(nz);
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        xyz[i][0] = m->uv[i][0] * (float)size;
        xyz[i][1] = m->uv[i][1] * (float)size;
        xyz[i][2] = 0.0f;
        at[i][AT_X] = lm[i].x;
        at[i][AT_Y] = lm[i].y;
        at[i][AT_Z] = -lm[i].z;
        at[i][AT_FACING] = nz[i];
    }
    for (int c = 0; c < AT_COUNT; c++)
        vi_plane_fill(&attr[c], 0.0f);
    vi_plane_fill(zbuf, -INFINITY);
    vi_plane_fill(cover, 0.0f);
    k->raster(&r, attr, zbuf, cover, NULL);
}

/* Depth at a place of the crop: the farthest of five neighbours, so that a rim is not hidden by its own neighbour pixel. */
static float depth_at(const vi_plane *d, int x, int y)
{
    const float *p = d->p + y * d->stride + x;
    float z = *p;
    if (x > 0 && x < d->w - 1 && y > 0 && y < d->h - 1) {
        z = VI_MIN(z, VI_MIN(p[-1], p[1]));
        z = VI_MIN(z, VI_MIN(p[-d->stride], p[d->stride]));
    }
    return z;
}

/* conf = seen from the front x not hidden x inside the crop. */
static void seen(const vi_plane *attr, const vi_plane *cover, const vi_plane *depth, float width, const vi_plane *conf)
{
    for (int y = 0; y < conf->h; y++) {
        float *c = conf->p + y * conf->stride;
        for (int x = 0; x < conf->w; x++) {
            float at[AT_COUNT];
            for (int i = 0; i < AT_COUNT; i++)
                at[i] = attr[i].p[y * attr[i].stride + x];
            c[x] = 0.0f;
            if (cover->p[y * cover->stride + x] < 0.5f)
                continue;
            int px = (int)floorf(at[AT_X]), py = (int)floorf(at[AT_Y]);
            if (px < 0 || py < 0 || px >= depth->w || py >= depth->h)
                continue;
            float behind = depth_at(depth, px, py) - at[AT_Z];
            c[x] = vi_smoothstep(at[AT_FACING], 0.12f, 0.45f);
            if (behind > 0.02f * width)
                c[x] *= 1.0f - vi_smoothstep(behind, 0.02f * width, 0.04f * width);
        }
    }
}

/* Draws the convex region around an eye in UV. */
static int uv_polygon(const vi_kernels *k, const vi_mesh *m, const uint16_t *list, int n, int size, float grow,
                      const vi_plane *dst, float value, vi_arena *a)
{
    vi_point p[40], c = { 0, 0 };
    for (int i = 0; i < n; i++) {
        p[i] = (vi_point){ m->uv[list[i]][0] * (float)size, m->uv[list[i]][1] * (float)size };
        c.x += p[i].x / (float)n;
        c.y += p[i].y / (float)n;
    }
    for (int i = 0; i < n; i++)
        p[i] = (vi_point){ c.x + grow * (p[i].x - c.x), c.y + grow * (p[i].y - c.y) };
    return k->polygon(dst, p, n, value, a);
}

static int drop_eyes(const vi_kernels *k, const vi_mesh *m, const float eye_weight[2], const vi_texture *out,
                     vi_arena *a)
{
    vi_plane region = vi_plane_new(a, out->size, out->size);
    if (!region.p)
        return VISO_ERR_NO_SPACE;
    vi_plane_fill(&region, 0.0f);
    int rc = 0;
    for (int e = 0; e < 2 && !rc; e++) {
        if (eye_weight[e] < 1.0f)
            rc = uv_polygon(k, m, e == VI_EYE_L ? vi_lm_socket_l : vi_lm_socket_r, 16, out->size, 1.15f, &region,
                            1.0f - eye_weight[e], a);
    }
    if (!rc)
        rc = k->blur(&region, &region, 0.012f * (float)out->size, a);
    k->affine(&region, &region, -1.0f, 1.0f);
    k->mul(&out->conf, &out->conf, &region);
    return rc;
}

/* Skin mask carried to UV, drawn in a little and softened. Drawn in twice: in the photograph, where a fringe of hair has
 * its own width however much the square stretches it, and in the square. Outside the mesh it must not eat the rim. */
static int apply_skin(const vi_kernels *k, const vi_plane *skin, const vi_plane *attr, const vi_plane *cover, float fs,
                      const vi_texture *out, vi_arena *a)
{
    vi_plane s = vi_plane_new(a, out->size, out->size), in = vi_plane_new(a, skin->w, skin->h);
    float size = (float)out->size;
    if (!s.p || !in.p)
        return VISO_ERR_NO_SPACE;
    int rc = k->erode(&in, skin, 0.012f * fs, 0.012f * fs, a);
    if (rc)
        return rc;
    k->remap(&s, &in, 1, &attr[AT_X], &attr[AT_Y], VI_FILTER_BILINEAR);
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++)
            if (cover->p[y * cover->stride + x] < 0.5f)
                s.p[y * s.stride + x] = 1.0f;
    rc = k->erode(&s, &s, 0.03f * size, 0.03f * size, a);
    if (!rc)
        rc = k->blur(&s, &s, 0.02f * size, a);
    k->smoothstep(&s, &s, 0.2f, 0.7f);
    k->mul(&out->conf, &out->conf, &s);
    return rc;
}

/* What is seen of the far half of a turned face is narrow, stretched in the square, and mostly lit otherwise. */
static void drop_far_half(const vi_plane *conf, float yaw)
{
    float turned = vi_smoothstep(fabsf(yaw), 20.0f, 36.0f), size = (float)conf->w;
    for (int x = 0; x < conf->w && turned > 0.0f; x++) {
        float u = ((float)x + 0.5f) / size - 0.5f,
              side = yaw > 0.0f ? u : -u; /* looking right, the right half is far */
        float keep = 1.0f - turned * vi_smoothstep(side, -0.02f, 0.03f);
        for (int y = 0; y < conf->h; y++)
            conf->p[y * conf->stride + x] *= keep;
    }
}

int vi_texture_unroll(const vi_kernels *k, const vi_mesh *m, const vi_rgb *crop, const vi_point3 lm[478],
                      const vi_plane *skin, const float eye_weight[2], float yaw, bool mouth_open,
                      const vi_texture *out, vi_arena *a)
{
    size_t mark = vi_arena_mark(a);
    int size = out->size, rc = VISO_ERR_NO_SPACE;
    vi_plane attr[AT_COUNT], zbuf = vi_plane_new(a, size, size), cover = vi_plane_new(a, size, size);
    vi_plane depth = vi_plane_new(a, crop->c[0].w, crop->c[0].h);
    bool ok = zbuf.p && cover.p && depth.p;
    for (int i = 0; i < AT_COUNT; i++) {
        attr[i] = vi_plane_new(a, size, size);
        ok = ok && attr[i].p;
    }
    if (ok) {
        vi_point flat[478];
        for (int i = 0; i < 478; i++)
            flat[i] = (vi_point){ lm[i].x, lm[i].y };
        uv_attributes(k, m, lm, size, attr, &zbuf, &cover);
        crop_depth(k, m, lm, &depth);
        k->remap(out->lab.c, crop->c, 3, &attr[AT_X], &attr[AT_Y], VI_FILTER_BICUBIC);
        for (int c = 0; c < 3; c++)
            k->clamp(&out->lab.c[c], &out->lab.c[c], 0.0f, 1.0f);
        k->rgb_to_lab(&out->lab, &out->lab);
        seen(attr, &cover, &depth, vi_face_size(flat), &out->conf);
        drop_far_half(&out->conf, yaw);
        rc = apply_skin(k, skin, attr, &cover, vi_face_size(flat), out, a);
        if (!rc && (eye_weight[0] < 1.0f || eye_weight[1] < 1.0f))
            rc = drop_eyes(k, m, eye_weight, out, a);
        if (!rc && mouth_open && !(rc = vi_texture_lip_line(k, m, &zbuf, a))) {
            k->affine(&zbuf, &zbuf, -1.0f, 1.0f);
            k->mul(&out->conf, &out->conf, &zbuf);
        }
    }
    vi_arena_release(a, mark);
    return rc;
}

/* ---- several photographs ---- */

int vi_texture_sum_begin(vi_texture_sum *s, const vi_kernels *k, const vi_texture *best, vi_arena *a)
{
    s->lab = vi_rgb_new(a, best->size, best->size);
    s->weight = vi_plane_new(a, best->size, best->size);
    s->conf = vi_plane_new(a, best->size, best->size);
    if (!s->lab.c[0].p || !s->lab.c[1].p || !s->lab.c[2].p || !s->weight.p || !s->conf.p)
        return VISO_ERR_NO_SPACE;
    for (int c = 0; c < 3; c++)
        k->mul(&s->lab.c[c], &best->lab.c[c], &best->conf);
    vi_plane_copy(&s->weight, &best->conf);
    vi_plane_copy(&s->conf, &best->conf);
    return 0;
}

/* Difference best - other where both are seen: one mean, and a low-pass field where there is enough to see. */
static int colour_difference(const vi_kernels *k, const vi_texture *best, const vi_texture *other, const vi_rgb *diff,
                             const vi_plane *seen_both, const vi_plane *tmp, vi_arena *a)
{
    vi_stats3 mean;
    k->mul(seen_both, &best->conf, &other->conf);
    for (int c = 0; c < 3; c++)
        k->add_scaled(&diff->c[c], &best->lab.c[c], &other->lab.c[c], -1.0f);
    k->stats3(diff, seen_both, &mean);
    if (!(mean.weight > 1.0))
        memset(mean.mean, 0, sizeof mean.mean);
    for (int c = 0; c < 3; c++)
        k->affine(&diff->c[c], &diff->c[c], 1.0f, -mean.mean[c]);
    int rc = k->blur_masked(diff->c, diff->c, 3, seen_both, tmp, 0.06f * (float)best->size, a);
    k->smoothstep(tmp, tmp, 0.01f, 0.12f);
    for (int c = 0; c < 3; c++) {
        k->mul(&diff->c[c], &diff->c[c], tmp);
        k->affine(&diff->c[c], &diff->c[c], 1.0f, mean.mean[c]);
    }
    return rc;
}

int vi_texture_sum_add(vi_texture_sum *s, const vi_kernels *k, const vi_texture *best, const vi_texture *other,
                       float weight, vi_arena *a)
{
    size_t mark = vi_arena_mark(a);
    vi_rgb diff = vi_rgb_new(a, best->size, best->size);
    vi_plane w = vi_plane_new(a, best->size, best->size), tmp = vi_plane_new(a, best->size, best->size);
    int rc = VISO_ERR_NO_SPACE;
    if (diff.c[0].p && diff.c[1].p && diff.c[2].p && w.p && tmp.p) {
        rc = colour_difference(k, best, other, &diff, &w, &tmp, a);
        k->affine(&w, &other->conf, weight, 0.0f);
        for (int c = 0; c < 3; c++) {
            k->add_scaled(&diff.c[c], &diff.c[c], &other->lab.c[c], 1.0f);
            k->mul(&diff.c[c], &diff.c[c], &w);
            k->add_scaled(&s->lab.c[c], &s->lab.c[c], &diff.c[c], 1.0f);
        }
        k->add_scaled(&s->weight, &s->weight, &w, 1.0f);
        k->max2(&s->conf, &s->conf, &other->conf);
    }
    vi_arena_release(a, mark);
    return rc;
}

/* A mean of several photographs is soft. Where the best one saw the skin, only its slow part is taken from the mean. */
int vi_texture_sum_finish(vi_texture_sum *s, const vi_kernels *k, const vi_texture *best, vi_arena *a)
{
    size_t mark = vi_arena_mark(a);
    vi_rgb slow = vi_rgb_new(a, best->size, best->size);
    vi_plane keep = vi_plane_new(a, best->size, best->size);
    if (!slow.c[0].p || !slow.c[1].p || !slow.c[2].p || !keep.p)
        return VISO_ERR_NO_SPACE;
    for (int c = 0; c < 3; c++) {
        for (int y = 0; y < best->size; y++) {
            float *p = s->lab.c[c].p + y * s->lab.c[c].stride;
            const float *w = s->weight.p + y * s->weight.stride, *b = best->lab.c[c].p + y * best->lab.c[c].stride;
            for (int x = 0; x < best->size; x++)
                p[x] = w[x] > 1e-4f ? p[x] / w[x] : b[x];
        }
        k->add_scaled(&slow.c[c], &s->lab.c[c], &best->lab.c[c], -1.0f);
    }
    int rc = k->blur_masked(slow.c, slow.c, 3, &best->conf, NULL, 0.02f * (float)best->size, a);
    k->smoothstep(&keep, &best->conf, 0.5f, 0.95f);
    for (int c = 0; c < 3; c++) {
        k->add_scaled(&slow.c[c], &slow.c[c], &best->lab.c[c], 1.0f);
        k->lerp(&best->lab.c[c], &s->lab.c[c], &slow.c[c], &keep);
    }
    vi_plane_copy(&best->conf, &s->conf);
    vi_arena_release(a, mark);
    return rc;
}
