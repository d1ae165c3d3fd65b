/* A painted face for tests: the canonical mesh in a known pose on a known background, with hair, eyes, brows, lips. */
#ifndef TEST_SYNTHETIC_H
#define TEST_SYNTHETIC_H

#include <math.h>
#include <string.h>

#include "../face/mesh_file.h"
#include "kernel/kernel.h"

#define SYN_SIZE 512

typedef struct synthetic {
    float yaw;     /* degrees */
    float scale;   /* pixels per cm, 0: 18 */
    float fringe;  /* canonical y (cm) above which hair covers the forehead, 0: none */
    float tint[3]; /* added to the skin's R'G'B' */
    bool mask;     /* a light blue cloth over everything from the middle of the nose down */
    int shut;      /* 1: eye on the picture's left closed, 2: right, 3: both */
    bool mark;     /* a birthmark on the cheek at the picture's left (canonical x < 0) */
    bool high;     /* a white highlight on the forehead */
} synthetic;

typedef struct painted {
    vi_frame *frame;
    vi_colour_map colour;
    viso_point3 lm[478];
    vi_face face;
} painted;

static inline uint32_t syn_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static inline void syn_shape(const vi_mesh *m, const synthetic *s, float (*c)[3])
{
    const uint16_t *contour[2] = { vi_lm_contour_l, vi_lm_contour_r };
    memcpy(c, m->pos, sizeof m->pos);
    for (int e = 0; e < 2; e++) {
        const uint16_t *k = contour[e];
        for (int i = 1; i < 8 && (s->shut & (1 << e)); i++)
            memcpy(c[k[16 - i]], c[k[i]], sizeof c[0]);
        for (int i = 0; i < 5; i++) {
            const float d[5][2] = { { 0, 0 }, { .35f, 0 }, { 0, .35f }, { -.35f, 0 }, { 0, -.35f } };
            float *p = c[468 + 5 * e + i];
            for (int j = 0; j < 3; j++)
                p[j] = 0.25f * (m->pos[k[0]][j] + m->pos[k[8]][j] + m->pos[k[4]][j] + m->pos[k[12]][j]);
            p[0] += d[i][0], p[1] += d[i][1];
        }
    }
}

static inline bool syn_inside(const viso_point3 *lm, const uint16_t *list, int n, float x, float y)
{
    bool in = false;
    for (int i = 0, j = n - 1; i < n; j = i++) {
        const viso_point3 *a = &lm[list[i]], *b = &lm[list[j]];
        if ((a->y > y) != (b->y > y) && x < (b->x - a->x) * (y - a->y) / (b->y - a->y) + a->x)
            in = !in;
    }
    return in;
}

/* Paints one pixel from the canonical place (cx, cy) it shows; inside: on the mesh. */
static inline void syn_colour(const synthetic *s, const viso_point3 *lm, bool inside, float px, float py, float cx,
                              float cy, uint32_t *seed, float rgb[3])
{
    const float skin[3] = { .80f, .60f, .50f }, hair[3] = { .20f, .13f, .08f }, wall[3] = { .35f, .50f, .45f };
    float n = 0.02f * ((float)(syn_random(seed) & 255) / 255.0f - 0.5f);
    bool round_head = (px - 256) * (px - 256) / (175.f * 175.f) + (py - 230) * (py - 230) / (215.f * 215.f) < 1.0f;
    const float *c = inside ? skin : round_head && py < 330 ? hair : wall;
    float strand = c == hair ? 0.12f * ((float)(syn_random(seed) & 255) / 255.0f - 0.5f) : 0.0f;
    for (int i = 0; i < 3; i++)
        rgb[i] = c[i] + n + strand + (inside ? s->tint[i] : 0.0f);
    if (!inside)
        return;
    const uint16_t *special[3] = { vi_lm_contour_l, vi_lm_contour_r, vi_lm_lips_outer };
    if (syn_inside(lm, special[2], 20, px, py))
        rgb[0] = .66f, rgb[1] = .34f, rgb[2] = .34f;
    if (syn_inside(lm, special[0], 16, px, py) || syn_inside(lm, special[1], 16, px, py)) {
        float r = hypotf(px - lm[468].x, py - lm[468].y), q = hypotf(px - lm[473].x, py - lm[473].y);
        float v = VI_MIN(r, q) < 0.35f * (s->scale > 0 ? s->scale : 18.f) ? .15f : .85f;
        rgb[0] = rgb[1] = rgb[2] = v;
    }
    if (s->mark && hypotf(cx + 4.0f, cy + 1.0f) < 0.7f)
        rgb[0] = .70f, rgb[1] = .51f, rgb[2] = .42f;
    if (s->high && hypotf(cx, cy - 6.0f) < 0.5f)
        rgb[0] = rgb[1] = rgb[2] = .98f;
    if (s->fringe != 0.0f && cy > s->fringe)
        for (int i = 0; i < 3; i++)
            rgb[i] = hair[i] + n + 0.12f * ((float)(syn_random(seed) & 255) / 255.0f - 0.5f);
    if (s->mask && cy < 0.0f)
        rgb[0] = .62f + n, rgb[1] = .75f + n, rgb[2] = .85f + n;
}

static inline void paint(painted *p, const vi_kernels *k, const vi_mesh *m, const synthetic *s, vi_arena *a)
{
    float c[478][3], xyz[VI_MESH_VERTS][3], sc = s->scale > 0 ? s->scale : 18.0f;
    double t = s->yaw * 3.14159265 / 180.0;
    viso_error err = { 0 };
    memset(p, 0, sizeof *p);
    syn_shape(m, s, c);
    for (int i = 0; i < 478; i++) {
        float x = (float)(cos(t) * c[i][0] + sin(t) * c[i][2]), z = (float)(cos(t) * c[i][2] - sin(t) * c[i][0]);
        p->lm[i] = (viso_point3){ 256 + sc * x, 250 - sc * c[i][1], -sc * z };
        if (i < VI_MESH_VERTS)
            xyz[i][0] = p->lm[i].x, xyz[i][1] = p->lm[i].y, xyz[i][2] = -p->lm[i].z;
    }
    vi_plane at[3], z = vi_plane_new(a, SYN_SIZE, SYN_SIZE), cover = vi_plane_new(a, SYN_SIZE, SYN_SIZE);
    for (int i = 0; i < 3; i++)
        at[i] = vi_plane_new(a, SYN_SIZE, SYN_SIZE);
    vi_plane_fill(&z, -INFINITY), vi_plane_fill(&cover, 0);
    vi_raster r = {
        .xyz = xyz[0], .attr = m->pos[0], .n_vert = VI_MESH_VERTS, .n_attr = 3, .tri = m->tri, .n_tri = VI_MESH_TRIS
    };
    k->raster(&r, at, &z, &cover, NULL);
    p->frame = vi_frame_alloc(VI_FORMAT_RGB24, SYN_SIZE, SYN_SIZE);
    uint32_t seed = 7;
    for (int y = 0; y < SYN_SIZE; y++) {
        for (int x = 0; x < SYN_SIZE; x++) {
            float rgb[3];
            bool in = cover.p[y * cover.stride + x] > 0.5f;
            syn_colour(s, p->lm, in, (float)x + .5f, (float)y + .5f, in ? at[0].p[y * at[0].stride + x] : 0,
                       in ? at[1].p[y * at[1].stride + x] : 0, &seed, rgb);
            for (int i = 0; i < 3; i++)
                p->frame->plane[0][y * p->frame->stride[0] + 3 * x + i] =
                    (uint8_t)(255.0f * vi_clampf(rgb[i], 0, 1) + .5f);
        }
    }
    p->frame->colour = (vi_colour){ 1, 13, 0, 2, 0 };
    if (vi_colour_map_create(&p->colour, VI_FORMAT_RGB24, &p->frame->colour, SYN_SIZE, &err))
        abort();
    p->face.f.has = VISO_FACE_HAS_MESH | VISO_FACE_HAS_POSE;
    p->face.f.presence = 1.0f;
    memcpy(p->face.f.mesh, p->lm, sizeof p->lm);
    vi_pose_fit(m, p->lm, &p->face.pose);
    p->face.f.pose = p->face.pose.angles;
}

static inline void paint_free(painted *p)
{
    vi_colour_map_destroy(&p->colour);
    vi_frame_unref(&p->frame);
}

#endif
