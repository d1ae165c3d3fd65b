/* Clips made in memory from stills by known motion, for tests of tracking: what moves where is the ground truth.
 *
 * An actor is a square cut out of a photograph around its face and a map per frame from that square to the frame. Luma noise like a
 * sensor's is added last. The frame is planar YUV, as a clip's would be. */
#ifndef SCENE_H
#define SCENE_H

#include "../detect/analysis.h"
#include "synthetic.h"

#define ACTOR_SIZE 768

typedef struct still_actor {
    vi_rgb crop;
    vi_plane mask;     /* head only, for scenes with several */
    float width;       /* of the face in the crop, pixels: distance of the ears' points */
    vi_point centre;   /* of the face in the crop */
} still_actor;

typedef struct motion {
    float x, y;  /* where the face's middle is, frame pixels */
    float width; /* of the face there */
    float roll;  /* degrees, clockwise in the picture */
} motion;

typedef struct scene {
    vi_arena arena;
    const vi_kernels *k;
    vi_frame *frame;
    vi_colour_map colour;
    vi_rgb picture, layer;
    vi_plane alpha;
    uint32_t seed;
} scene;

static inline float *scene_row(const vi_plane *p, int y)
{
    return p->p + y * p->stride;
}

static inline scene *scene_open(analysis *a, int width, int height)
{
    scene *s = calloc(1, sizeof(*s));
    OK_OF(a->err, vi_arena_create(&s->arena, (size_t)1 << 30));
    s->k = vi_kernels_get(VI_CPU_ALL);
    s->frame = vi_frame_alloc(VI_FORMAT_YUV420P, width, height);
    s->frame->colour = (vi_colour){ 1, 1, 6, 2, 2 };
    OK_OF(a->err, vi_colour_map_create(&s->colour, s->frame->format, &s->frame->colour, height, &a->err));
    s->picture = vi_rgb_new(&s->arena, width, height);
    s->layer = vi_rgb_new(&s->arena, width, height);
    s->alpha = vi_plane_new(&s->arena, width, height);
    s->seed = 7;
    return s;
}

static inline void scene_close(scene *s)
{
    vi_frame_unref(&s->frame);
    vi_colour_map_destroy(&s->colour);
    vi_arena_destroy(&s->arena);
    free(s);
}

/* Cuts the largest face of a photograph out, `width` pixels wide, so that it is drawn later at about its own size. */
static inline still_actor actor_from(scene *s, analysis *a, const char *name, float width)
{
    char path[1024];
    vi_reader *r = NULL;
    vi_frame *f = NULL;
    vi_colour_map cm;
    still_actor out = { .width = width };
    snprintf(path, sizeof(path), "%s/images/%s", getenv("VISO_TEST_SHARED"), name);
    OK_OF(a->err, vi_reader_open(&r, path, NULL, &a->err));
    OK_OF(a->err, vi_reader_next(r, &f, &a->err));
    OK_OF(a->err, vi_colour_map_create(&cm, f->format, &f->colour, f->height, &a->err));
    analyse_frame(a, f, &cm, true, 0, false);
    assert_true(a->w->n_face >= 1);
    const viso_face *face = &a->w->face[0].f;
    for (int i = 1; i < a->w->n_face; i++)
        if (a->w->face[i].f.box.x1 - a->w->face[i].f.box.x0 > face->box.x1 - face->box.x0)
            face = &a->w->face[i].f;
    float cx = (face->box.x0 + face->box.x1) / 2, cy = (face->box.y0 + face->box.y1) / 2;
    float wide = hypotf(face->mesh[454].x - face->mesh[234].x, face->mesh[454].y - face->mesh[234].y);
    float side = ACTOR_SIZE * wide / width;
    vi_affine to_upright = vi_square_to_picture(cx, cy, side, 0, ACTOR_SIZE);
    vi_affine to_frame = vi_affine_compose(&a->w->upright, &to_upright);
    out.crop = vi_rgb_new(&s->arena, ACTOR_SIZE, ACTOR_SIZE);
    out.mask = vi_plane_new(&s->arena, ACTOR_SIZE, ACTOR_SIZE);
    OK_OF(a->err, s->k->sample(f, &cm, &to_frame, &out.crop, VI_BORDER_REPLICATE, &s->arena));
    out.centre = (vi_point){ ACTOR_SIZE / 2.0f, ACTOR_SIZE / 2.0f };
    for (int y = 0; y < ACTOR_SIZE; y++) {
        for (int x = 0; x < ACTOR_SIZE; x++) {
            float u = ((float)x - ACTOR_SIZE / 2.0f) / (.72f * width);
            float v = ((float)y - ACTOR_SIZE / 2.0f + .1f * width) / (.95f * width);
            out.mask.p[y * out.mask.stride + x] = vi_clampf((1 - hypotf(u, v)) * 12, 0, 1);
        }
    }
    vi_frame_unref(&f);
    vi_colour_map_destroy(&cm);
    vi_reader_close(&r);
    return out;
}

static inline vi_affine actor_map(const still_actor *p, const motion *m)
{
    float k = m->width / p->width, t = m->roll * 0.0174532925f, c = k * cosf(t), n = k * sinf(t);
    return (vi_affine){ { c, -n, m->x - c * p->centre.x + n * p->centre.y, n, c,
                          m->y - n * p->centre.x - c * p->centre.y } };
}

static inline void scene_fill(scene *s, float v)
{
    for (int i = 0; i < 3; i++)
        vi_plane_fill(&s->picture.c[i], v);
}

/* A background of soft blobs in which no face can be seen. */
static inline void scene_backdrop(scene *s, float phase)
{
    for (int i = 0; i < 3; i++)
        for (int y = 0; y < s->picture.c[i].h; y++)
            for (int x = 0; x < s->picture.c[i].w; x++)
                scene_row(&s->picture.c[i], y)[x] =
                    .4f + .16f * sinf((float)x * .021f + phase) * cosf((float)y * .017f - phase + (float)i) +
                    .1f * sinf((float)(x + 2 * y) * .05f);
}

/* whole: the photograph fills the frame; else only the head is put over what is there. */
static inline void scene_draw(scene *s, const still_actor *p, const motion *m, bool whole)
{
    vi_affine to_frame = actor_map(p, m), back;
    assert_true(vi_affine_invert(&to_frame, &back));
    if (whole) {
        s->k->warp(s->picture.c, p->crop.c, 3, &back, VI_FILTER_BICUBIC, VI_BORDER_REPLICATE);
        return;
    }
    s->k->warp(s->layer.c, p->crop.c, 3, &back, VI_FILTER_BICUBIC, VI_BORDER_REPLICATE);
    s->k->warp(&s->alpha, &p->mask, 1, &back, VI_FILTER_BILINEAR, VI_BORDER_ZERO);
    for (int i = 0; i < 3; i++)
        s->k->lerp(&s->picture.c[i], &s->picture.c[i], &s->layer.c[i], &s->alpha);
}

/* A striped rectangle, cut to the frame. */
static inline void scene_bar(scene *s, float x0, float y0, float x1, float y1)
{
    for (int y = (int)fmaxf(y0, 0); y < (int)fminf(y1, (float)s->alpha.h); y++)
        for (int x = (int)fmaxf(x0, 0); x < (int)fminf(x1, (float)s->alpha.w); x++)
            for (int i = 0; i < 3; i++)
                scene_row(&s->picture.c[i], y)[x] = ((x - (int)x0) / 7 + y / 9) & 1 ? .3f : .45f;
}

/* Picture to frame: full-range BT.601 with `noise` levels (rms) of luma noise. */
static inline void scene_finish(scene *s, float noise)
{
    vi_frame *f = s->frame;
    for (int y = 0; y < f->height; y++) {
        const float *r = scene_row(&s->picture.c[0], y), *g = scene_row(&s->picture.c[1], y),
                    *b = scene_row(&s->picture.c[2], y);
        for (int x = 0; x < f->width; x++) {
            float v = 255 * (.299f * r[x] + .587f * g[x] + .114f * b[x]) + rnd(&s->seed) * 2.45f * noise;
            f->plane[0][y * f->stride[0] + x] = (uint8_t)(vi_clampf(v, 0, 255) + .5f);
        }
    }
    for (int y = 0; y < f->height / 2; y++) {
        for (int x = 0; x < f->width / 2; x++) {
            float c[3];
            for (int i = 0; i < 3; i++) {
                const float *p = scene_row(&s->picture.c[i], 2 * y) + 2 * x,
                            *q = scene_row(&s->picture.c[i], 2 * y + 1) + 2 * x;
                c[i] = (p[0] + p[1] + q[0] + q[1]) / 4;
            }
            float l = .299f * c[0] + .587f * c[1] + .114f * c[2];
            f->plane[1][y * f->stride[1] + x] = (uint8_t)vi_clampf(128.5f + 255 * (c[2] - l) / 1.772f, 0, 255);
            f->plane[2][y * f->stride[2] + x] = (uint8_t)vi_clampf(128.5f + 255 * (c[0] - l) / 1.402f, 0, 255);
        }
    }
}

#endif
