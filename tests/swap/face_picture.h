/* A drawn face for tests that need no network: the canonical mesh as landmarks in a given pose, and a picture of it with
 * skin, hair, brows, eyes and lips where the landmarks say. */
#ifndef TEST_FACE_PICTURE_H
#define TEST_FACE_PICTURE_H

#include <math.h>
#include <string.h>

#include "face/face.h"
#include "swap/shape.h"

typedef struct drawn_face {
    float yaw, pitch, roll; /* degrees */
    float scale;            /* pixels per cm; a face is about 15 cm wide */
    float cx, cy;
    float mouth;            /* opening in cm */
    bool eyes_closed;
    bool glasses;
    bool flat;              /* nothing is drawn: one grey */
    float grey;
    uint32_t seed;          /* of the skin's grain */
} drawn_face;

static inline drawn_face drawn_default(void)
{
    return (drawn_face){ .scale = 16, .cx = 250, .cy = 250, .grey = 0.5f, .seed = 1 };
}

static inline void drawn_points(const vi_mesh *m, const drawn_face *d, viso_point3 lm[478])
{
    float c[478][3];
    memset(c, 0, sizeof c);
    memcpy(c, m->pos, sizeof m->pos);
    float down = d->mouth - (m->pos[13][1] - m->pos[14][1]); /* the canonical lips do not quite meet */
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        bool lower = m->pos[i][1] < 0.5f * (m->pos[13][1] + m->pos[14][1]) - 1e-4f;
        for (int k = 11; k < 20; k++)
            lower = lower || i == vi_lm_lips_inner[k];
        if (lower)
            c[i][1] -= down;
    }
    for (int e = 0; e < 2; e++) {
        const uint16_t *r = vi_eye_contour(e);
        int i = vi_eye_iris(e);
        float x = 0.5f * (c[r[0]][0] + c[r[8]][0]), y = 0.5f * (c[r[4]][1] + c[r[12]][1]), z = c[r[4]][2];
        const float ring[5][2] = { { 0, 0 }, { .6f, 0 }, { 0, .6f }, { -.6f, 0 }, { 0, -.6f } };
        for (int k = 0; k < 5; k++)
            c[i + k][0] = x + ring[k][0], c[i + k][1] = y + ring[k][1], c[i + k][2] = z;
        for (int k = 1; k < 8 && d->eyes_closed; k++) /* upper lid on the lower */
            memcpy(c[r[16 - k]], c[r[k]], sizeof c[0]);
    }
    float ya = d->yaw * 0.01745329f, pa = d->pitch * 0.01745329f, ra = d->roll * 0.01745329f;
    for (int i = 0; i < 478; i++) {
        float x = c[i][0], y = c[i][1], z = c[i][2];
        float x1 = cosf(ya) * x + sinf(ya) * z, z1 = -sinf(ya) * x + cosf(ya) * z;    /* about y: nose to picture right */
        float y1 = cosf(pa) * y + sinf(pa) * z1, z2 = -sinf(pa) * y + cosf(pa) * z1;  /* about x */
        float px = x1, py = -y1;                                                      /* y down */
        lm[i].x = d->cx + d->scale * (cosf(ra) * px - sinf(ra) * py);
        lm[i].y = d->cy + d->scale * (sinf(ra) * px + cosf(ra) * py);
        lm[i].z = -d->scale * z2;
    }
}

/* Smooth noise of about `cell` pixels, -1..1. */
static inline float drawn_noise(int x, int y, uint32_t seed)
{
    uint32_t h = (uint32_t)x * 0x8da6b343u ^ (uint32_t)y * 0xd8163841u ^ seed * 0xcb1ab31fu;
    h ^= h >> 13, h *= 0x5bd1e995u, h ^= h >> 15;
    return (float)(h & 0xffff) / 32767.5f - 1.0f;
}

typedef struct drawn_layer {
    const uint16_t *list;
    int n;
    float rgb[3];
} drawn_layer;

/* Paints into planar R'G'B' of the picture's size; `a` for scratch. */
static inline void drawn_paint(const vi_kernels *k, const drawn_face *d, const viso_point3 lm[478], const vi_rgb *out,
                               vi_arena *a)
{
    static const float hair[3] = { .16f, .11f, .08f }, back[3] = { .35f, .45f, .60f };
    const drawn_layer layer[] = {
        { vi_lm_oval, 36, { .80f, .60f, .50f } },       { vi_lm_brow_l, 10, { .25f, .17f, .12f } },
        { vi_lm_brow_r, 10, { .25f, .17f, .12f } },     { vi_lm_lips_outer, 20, { .70f, .35f, .35f } },
        { vi_lm_lips_inner, 20, { .22f, .05f, .06f } }, { vi_lm_contour_l, 16, { .92f, .90f, .88f } },
        { vi_lm_contour_r, 16, { .92f, .90f, .88f } },
    };
    size_t mark = vi_arena_mark(a);
    int w = out->c[0].w, h = out->c[0].h;
    vi_plane m = vi_plane_new(a, w, h);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            float r = hypotf(((float)x - d->cx) / 1.0f, ((float)y - d->cy + 2 * d->scale) / 1.15f) / d->scale;
            for (int c = 0; c < 3; c++)
                out->c[c].p[y * out->c[c].stride + x] = d->flat ? d->grey : r < 10.5f ? hair[c] : back[c];
        }
    for (size_t l = 0; l < VI_COUNT(layer) && !d->flat; l++) {
        vi_point p[40];
        for (int i = 0; i < layer[l].n; i++)
            p[i] = (vi_point){ lm[layer[l].list[i]].x, lm[layer[l].list[i]].y };
        vi_plane_fill(&m, 0.0f);
        (void)k->polygon(&m, p, layer[l].n, 1.0f, a);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                float t = m.p[y * m.stride + x];
                if (t <= 0.0f)
                    continue;
                /* light falls from the left; skin has grain */
                float light = l == 0 ? 1.0f - 0.02f * ((float)x - d->cx) / d->scale + 0.03f * drawn_noise(x, y, d->seed) : 1.0f;
                for (int c = 0; c < 3; c++) {
                    float *v = &out->c[c].p[y * out->c[c].stride + x];
                    *v += t * (vi_clampf(layer[l].rgb[c] * light, 0, 1) - *v);
                }
            }
    }
    for (int e = 0; e < 2 && !d->flat && !d->eyes_closed; e++) {
        const viso_point3 *i = &lm[vi_eye_iris(e)];
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                if (hypotf((float)x + .5f - i->x, (float)y + .5f - i->y) < 0.5f * d->scale)
                    for (int c = 0; c < 3; c++)
                        out->c[c].p[y * out->c[c].stride + x] = c == 2 ? .3f : .15f;
    }
    if (d->glasses) /* a bar across the nose and the lower rims */
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                bool bar = fabsf((float)y - 0.5f * (lm[168].y + lm[6].y)) < 0.2f * d->scale && x > lm[33].x && x < lm[263].x;
                for (int c = 0; c < 3 && bar; c++)
                    out->c[c].p[y * out->c[c].stride + x] = 0.05f;
            }
    vi_arena_release(a, mark);
}

static inline vi_frame *drawn_frame(const vi_rgb *rgb)
{
    vi_frame *f = vi_frame_alloc(VI_FORMAT_RGB24, rgb->c[0].w, rgb->c[0].h);
    for (int y = 0; f && y < f->height; y++)
        for (int x = 0; x < f->width; x++)
            for (int c = 0; c < 3; c++)
                f->plane[0][y * f->stride[0] + 3 * x + c] =
                    (uint8_t)lrintf(255.0f * vi_clampf(rgb->c[c].p[y * rgb->c[c].stride + x], 0, 1));
    return f;
}

#endif
