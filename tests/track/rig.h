/* Tracks without networks: the test says who is where and plays detector, landmark model and embedder. */
#ifndef RIG_H
#define RIG_H

#include <string.h>

#include "../test.h"
#include "synthetic.h"

#include "face/region.h"
#include "track/track.h"

#define WIDTH 640
#define HEIGHT 360
#define ACTORS 4

typedef struct actor {
    float x, y, width;
    bool there, seen; /* in the picture; visible to the landmark model */
    int person;
    bool unsure; /* of it the detector is */
    float roll;  /* radians */
} actor;

static uint8_t brightness; /* of the thumbnail the fake kernel makes */
static int pattern;
static bool block; /* something light stands on the right */

static inline void fake_thumbnail(const vi_frame *f, uint8_t *out, int w, int h)
{
    (void)f;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            out[y * w + x] =
                (uint8_t)(brightness + ((x * (3 + pattern * 5) + y * (7 + pattern * 11)) * (1 + pattern) % 97) +
                          (block && x >= 38 && x < 46 && y >= 10 && y < 20 ? 40 : 0));
}

static const actor *painted; /* whose skin has texture; NULL: nobody's, the points of faces say nothing */

/* What is on a head: the same at the same place of the same person, whatever it does. */
static inline float skin(const actor *a, float x, float y)
{
    float c = cosf(a->roll), s = sinf(a->roll), dx = (x - a->x) / a->width, dy = (y - a->y) / a->width;
    float u = c * dx + s * dy, v = c * dy - s * dx, p = (float)a->person;
    if (u * u / .36f + v * v / .5f > 1)
        return -1;
    return .5f + .12f * sinf((27 + p) * u + 3 * p) * cosf((23 + 2 * p) * v) + .1f * sinf(41 * u - (33 + p) * v) +
           .1f * cosf((19 - p) * u + 37 * v + p);
}

static inline int fake_grey(const vi_frame *f, const vi_colour_map *cm, const vi_affine *m, const vi_plane *out, vi_arena *scratch)
{
    (void)f, (void)cm, (void)scratch;
    vi_plane_fill(out, .5f);
    for (int y = 0; y < out->h && painted; y++) {
        for (int x = 0; x < out->w; x++) {
            vi_point at = vi_affine_apply(m, (float)x + .5f, (float)y + .5f);
            for (int i = 0; i < ACTORS; i++) {
                float v = painted[i].there && painted[i].seen ? skin(&painted[i], at.x, at.y) : -1;
                if (v >= 0)
                    out->p[y * out->stride + x] = v;
            }
        }
    }
    return 0;
}

typedef struct rig {
    vi_kernels k;
    vi_stage_env env;
    vi_track_settings s;
    void *begin, *end;
    vi_work w;
    vi_arena arena;
    uint64_t next[VI_MAX_TRACKS]; /* ordinal each slot must show next */
    int embeddings, looks;
    float noise; /* of the landmarks, pixels */
    uint32_t seed;
} rig;

static inline rig *make_rig(void)
{
    rig *r = calloc(1, sizeof(*r));
    r->k = *vi_kernels_get(VI_CPU_ALL);
    r->k.thumbnail = fake_thumbnail;
    r->k.grey = fake_grey;
    r->s = (vi_track_settings){ .redetect = 10, .cut = 18, .smooth = 0.5f, .gap = 4, .lose = .4f, .padding = 35, .steady = 2,
                                .hold_roll = 3, .hold_yaw = 3, .hold_pitch = 3 };
    r->env = (vi_stage_env){ .k = &r->k, .settings = &r->s };
    assert_int_equal(vi_track_begin.create(&r->begin, &r->env, NULL), 0);
    r->env.shared = r->begin;
    assert_int_equal(vi_track_end.create(&r->end, &r->env, NULL), 0);
    r->w.frame = vi_frame_alloc(VI_FORMAT_GRAY8, WIDTH, HEIGHT);
    r->w.width = WIDTH;
    r->w.height = HEIGHT;
    r->w.upright = vi_affine_identity();
    brightness = 60;
    pattern = 0;
    block = false;
    painted = NULL;
    r->seed = 3;
    assert_int_equal(vi_arena_create(&r->arena, (size_t)64 << 20), 0);
    return r;
}

static inline void free_rig(rig *r)
{
    vi_track_end.destroy(&r->end);
    vi_track_begin.destroy(&r->begin);
    vi_frame_unref(&r->w.frame);
    vi_arena_destroy(&r->arena);
    free(r);
}

static inline float detector_score(const actor *a)
{
    return a->unsure ? 0.55f : 0.9f;
}

static inline void detect(rig *r, const actor *a)
{
    r->looks++;
    for (int i = 0; i < ACTORS; i++) {
        vi_box box = { a[i].x - a[i].width / 2, a[i].y - a[i].width * .62f, a[i].x + a[i].width / 2,
                       a[i].y + a[i].width * .62f };
        bool known = false;
        for (int j = 0; j < r->w.n_face; j++)
            known = known || vi_box_iou(&box, &r->w.face[j].f.box) > .4f;
        if (!a[i].there || !a[i].seen || known)
            continue;
        vi_face *f = &r->w.face[r->w.n_face++];
        memset(f, 0, sizeof(*f));
        f->slot = f->f.track = f->source = -1;
        f->fresh = true;
        f->f.box = box;
        f->f.has = VISO_FACE_HAS_BOX;
        f->f.score = detector_score(&a[i]);
        f->roi.cx = a[i].x;
        f->roi.cy = a[i].y;
        f->roi.side = a[i].width * 1.9f;
    }
}

/* Finds in each region the visible actor nearest to its middle. */
static inline void landmark(rig *r, const actor *a)
{
    int n = 0;
    for (int i = 0; i < r->w.n_face; i++) {
        vi_face *f = &r->w.face[i];
        int best = -1;
        float near = f->roi.side * .35f;
        for (int j = 0; j < ACTORS; j++) {
            float d = hypotf(a[j].x - f->roi.cx, a[j].y - f->roi.cy);
            if (a[j].there && a[j].seen && d < near) {
                near = d;
                best = j;
            }
        }
        if (f->f.has & VISO_FACE_HAS_MESH)
            best = -1;
        f->f.presence = best >= 0 || (f->f.has & VISO_FACE_HAS_MESH) ? .99f : .01f;
        if (best >= 0) {
            make_face(f->f.mesh, a[best].x, a[best].y, a[best].width, a[best].roll);
            for (int p = 0; p < VISO_MESH_POINTS && r->noise > 0; p++) {
                f->f.mesh[p].x += r->noise * 2.45f * rnd(&r->seed);
                f->f.mesh[p].y += r->noise * 2.45f * rnd(&r->seed);
            }
            f->f.has |= VISO_FACE_HAS_MESH;
            f->f.quality = (float)a[best].person; /* lets the test see who was found */
            vi_region_from_mesh(f);
        }
        if (f->slot >= 0 || (f->f.has & VISO_FACE_HAS_MESH))
            r->w.face[n++] = *f;
    }
    r->w.n_face = n;
}

/* Unit vectors, nearly at right angles for different persons. */
static inline void embed(rig *r)
{
    for (int i = 0; i < r->w.n_face; i++) {
        viso_face *f = &r->w.face[i].f;
        if (f->has & VISO_FACE_HAS_EMBEDDING)
            continue;
        r->embeddings++;
        f->embedding_size = 32;
        memset(f->embedding, 0, sizeof(f->embedding));
        f->embedding[(int)f->quality] = 1;
        f->has |= VISO_FACE_HAS_EMBEDDING;
    }
}

/* One frame through the chain. */
static inline void analyse(rig *r, const actor *a)
{
    r->w.cut = r->w.want_detect = false;
    memset(&r->w.count, 0, sizeof(r->w.count));
    assert_int_equal(vi_track_begin.process(r->begin, &r->w, &r->arena, NULL), 0);
    if (r->w.want_detect)
        detect(r, a);
    landmark(r, a);
    if (vi_track_retry(r->begin, &r->w)) {
        assert_true(r->w.want_detect);
        detect(r, a);
        landmark(r, a);
        assert_false(vi_track_retry(r->end, &r->w)); /* once per frame */
    }
    assert_int_equal(vi_track_end.process(r->end, &r->w, &r->arena, NULL), 0);
    embed(r);
    vi_track_confirm(r->begin, &r->w, .42f);
    assert_int_equal(vi_arena_mark(&r->arena), 0);
}

/* The same, and its records are in order. */
static inline void step(rig *r, const actor *a)
{
    analyse(r, a);
    r->w.sequence++;
    for (int i = 0; i < r->w.n_face; i++) {
        const vi_face *f = &r->w.face[i];
        assert_in_range(f->slot, 0, VI_MAX_TRACKS - 1);
        assert_int_equal(f->ordinal, r->next[f->slot]++); /* every number once, in order */
        assert_true(f->fade > 0 && f->fade <= 1);
        assert_true(f->f.has & VISO_FACE_HAS_MESH);
        for (int j = 0; j < i; j++)
            assert_true(r->w.face[j].slot != f->slot && r->w.face[j].f.track != f->f.track);
    }
}

static inline const vi_face *face_of(const rig *r, int person)
{
    for (int i = 0; i < r->w.n_face; i++)
        if ((int)r->w.face[i].f.quality == person)
            return &r->w.face[i];
    return NULL;
}

#endif
