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
#define VI_WAIT 17
#define LID 159

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

/* Noise without a period: random values on a lattice, smooth in between. */
static inline float lattice(float u, float v, uint32_t seed)
{
    float fu = floorf(u), fv = floorf(v), su = u - fu, sv = v - fv, c[4];
    su = su * su * (3 - 2 * su);
    sv = sv * sv * (3 - 2 * sv);
    for (int i = 0; i < 4; i++) {
        uint32_t h = (uint32_t)((int)fu + (i & 1)) * 374761393u + (uint32_t)((int)fv + i / 2) * 668265263u + seed * 2246822519u;
        h = (h ^ h >> 13) * 1274126177u;
        c[i] = (float)((h ^ h >> 16) & 0xffff) / 65535.0f;
    }
    float top = c[0] + su * (c[1] - c[0]), low = c[2] + su * (c[3] - c[2]);
    return top + sv * (low - top);
}

#define SKIN_SIDE 256
#define SKIN_UNIT 160.0f

static inline const float *skin_of(uint32_t person)
{
    static float table[8][SKIN_SIDE * SKIN_SIDE];
    static bool made[8];
    float *t = table[person % 8];
    for (int i = 0; i < SKIN_SIDE * SKIN_SIDE && !made[person % 8]; i++) {
        float u = (float)(i % SKIN_SIDE) / SKIN_UNIT, v = (float)(i / SKIN_SIDE) / SKIN_UNIT;
        t[i] = .2f + .4f * lattice(7 * u, 7 * v, person) + .2f * lattice(17 * u, 17 * v, person + 77);
    }
    made[person % 8] = true;
    return t;
}

/* What is on a head: the same at the same place of the same person, whatever it does. */
static inline float skin(const actor *a, float x, float y)
{
    float c = cosf(a->roll), s = sinf(a->roll), dx = (x - a->x) / a->width, dy = (y - a->y) / a->width;
    float u = c * dx + s * dy, v = c * dy - s * dx;
    if (u * u / .36f + v * v / .5f > 1)
        return -1;
    float x0 = (u + .65f) * SKIN_UNIT, y0 = (v + .75f) * SKIN_UNIT; /* from a table: it is looked at a million times */
    const float *row = skin_of((uint32_t)a->person) + (int)y0 * SKIN_SIDE + (int)x0;
    float fx = x0 - floorf(x0), fy = y0 - floorf(y0);
    float top = row[0] + fx * (row[1] - row[0]), low = row[SKIN_SIDE] + fx * (row[SKIN_SIDE + 1] - row[SKIN_SIDE]);
    return top + fy * (low - top);
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
    int found; /* meshes given by the landmark model */
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
    float lid;    /* how far an upper lid has fallen, face widths */
    bool silent;  /* the embedder has nothing to say */
    vi_work *wait[VI_WAIT], *done; /* frames not settled yet, and the one settled last */
    int n_wait;
} rig;

/* Stages with what r->s says. */
static inline void make_stages(rig *r)
{
    assert_int_equal(vi_track_begin.create(&r->begin, &r->env, NULL), 0);
    r->env.shared = r->begin;
    assert_int_equal(vi_track_end.create(&r->end, &r->env, NULL), 0);
}

static inline void free_stages(rig *r)
{
    vi_track_end.destroy(&r->end);
    vi_track_begin.destroy(&r->begin);
}

static inline rig *make_rig(void)
{
    rig *r = calloc(1, sizeof(*r));
    r->k = *vi_kernels_get(VI_CPU_ALL);
    r->k.thumbnail = fake_thumbnail;
    r->k.grey = fake_grey;
    r->s = (vi_track_settings){ .redetect = 10, .cut = 18, .smooth = 0.5f, .gap = 4, .lose = .4f, .padding = 35, .steady = 2,
                                .hold_roll = 3, .hold_yaw = 3, .hold_pitch = 3 };
    r->env = (vi_stage_env){ .k = &r->k, .settings = &r->s };
    make_stages(r);
    for (int i = 0; i < VI_WAIT; i++)
        r->wait[i] = calloc(1, sizeof(vi_work));
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
    free_stages(r);
    for (int i = 0; i < VI_WAIT; i++)
        free(r->wait[i]);
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
            f->f.mesh[LID].y += r->lid * a[best].width;
            r->found++;
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
        if (f->has & VISO_FACE_HAS_EMBEDDING || r->silent)
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

/* The oldest frame that waits is settled: r->done. */
static inline void settle(rig *r)
{
    vi_work *first = r->wait[0];
    vi_track_settle(r->begin, first);
    r->n_wait--;
    for (int i = 0; i < r->n_wait; i++)
        r->wait[i] = r->wait[i + 1];
    r->wait[r->n_wait] = first;
    r->done = first;
}

static inline void take(vi_work *to, const vi_work *from)
{
    to->sequence = from->sequence;
    to->cut = from->cut;
    to->count = from->count;
    to->n_face = from->n_face;
    memcpy(to->face, from->face, (size_t)from->n_face * sizeof(*from->face));
}

/* One frame analysed, and the one settled that waited long enough; false: none is ready. */
static inline bool step_and_settle(rig *r, const actor *a)
{
    analyse(r, a);
    take(r->wait[r->n_wait++], &r->w);
    r->w.sequence++;
    if (r->n_wait <= vi_track_lag(r->begin))
        return false;
    settle(r);
    return true;
}

static inline const vi_face *settled_face(const rig *r, int person)
{
    for (int i = 0; i < r->done->n_face; i++)
        if ((int)r->done->face[i].f.quality == person)
            return &r->done->face[i];
    return NULL;
}

#endif
