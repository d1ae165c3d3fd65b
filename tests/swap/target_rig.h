/* The mesh swapper as a stage, on drawn faces, without the rest of the program. The test that includes this calls rig_begin
 * first and rig_end last. */
#ifndef TEST_TARGET_RIG_H
#define TEST_TARGET_RIG_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../face/mesh_file.h"
#include "face_picture.h"
#include "models/models.h"
#include "swap/swap.h"

enum { W = 500, H = 500 };

/* The stage asks for one file only; the manifest and its digests have their own tests. */
int vi_models_blob(vi_models *m, const char *id, uint8_t **data, size_t *size, viso_error *err)
{
    (void)m, (void)id, (void)err;
    mesh_file(data, size);
    return 0;
}

static vi_mesh mesh;
static const vi_kernels *k;
static vi_arena paint_arena;

typedef struct picture {
    vi_frame *frame;
    vi_colour_map colour;
    viso_point3 lm[478];
} picture;

typedef struct rig {
    vi_swap_settings set;
    vi_stage_env env;
    void *source;
    vi_people people;
    void *self;
    vi_arena scratch;
} rig;

static inline vi_swap_settings defaults(void)
{
    vi_swap_settings s;
    memset(&s, 0, sizeof s);
    for (int i = 0; i < vi_swap_options.n_row; i++) {
        const vi_option_row *r = &vi_swap_options.row[i];
        char *at = (char *)&s + r->offset;
        if (r->type == VI_OPTION_TYPE_FLOAT)
            *(float *)at = (float)r->def;
        else if (r->type == VI_OPTION_TYPE_INT)
            *(int *)at = (int)r->def;
        else
            *(bool *)at = r->def != 0.0;
    }
    return s;
}

static inline picture draw(const drawn_face *d)
{
    picture p;
    size_t mark = vi_arena_mark(&paint_arena);
    drawn_points(&mesh, d, p.lm);
    vi_rgb rgb = vi_rgb_new(&paint_arena, W, H);
    drawn_paint(k, d, p.lm, &rgb, &paint_arena);
    p.frame = drawn_frame(&rgb);
    assert_non_null(p.frame);
    vi_arena_release(&paint_arena, mark);
    viso_error err = { 0 };
    assert_int_equal(vi_colour_map_create(&p.colour, p.frame->format, &p.frame->colour, H, &err), 0);
    return p;
}

static inline void drop(picture *p)
{
    vi_frame_unref(&p->frame);
    vi_colour_map_destroy(&p->colour);
}

static inline void fill_face(vi_face *f, const picture *p)
{
    memset(f, 0, sizeof *f);
    memcpy(f->f.mesh, p->lm, sizeof p->lm);
    f->f.has = VISO_FACE_HAS_MESH | VISO_FACE_HAS_POSE;
    f->f.presence = 1.0f;
    vi_pose_fit(&mesh, p->lm, &f->pose);
    f->f.pose = f->pose.angles;
    f->slot = -1;
    f->fade = 1.0f;
}

static inline void fill_work(vi_work *w, const picture *p)
{
    memset(w, 0, sizeof *w);
    w->frame = p->frame;
    w->colour = &p->colour;
    w->upright = vi_frame_upright(p->frame, &w->width, &w->height);
    w->still = true;
    w->n_face = 1;
    fill_face(&w->face[0], p);
}

static inline void rig_open(rig *r, const picture *source, void *shared)
{
    viso_error err = { 0 };
    memset(r, 0, sizeof *r);
    r->set = defaults();
    r->env = (vi_stage_env){ .k = k, .settings = &r->set, .shared = shared };
    if (source) {
        vi_photo photo = { .frame = source->frame, .colour = &source->colour, .name = "drawn" };
        fill_face(&photo.face, source);
        if (vi_swap_mesh.prepare(&r->source, &r->env, &photo, 1, &err))
            fail_msg("%s", err.text);
        r->people = (vi_people){ 1, &r->source };
    }
    r->env.people = &r->people;
    assert_int_equal(vi_swap_mesh.create(&r->self, &r->env, &err), 0);
    assert_int_equal(vi_arena_create(&r->scratch, (size_t)512 << 20), 0);
}

static inline void rig_close(rig *r)
{
    vi_swap_mesh.destroy(&r->self);
    if (r->source)
        vi_swap_mesh.release(&r->source);
    vi_arena_destroy(&r->scratch);
}

static inline void run(rig *r, vi_work *w)
{
    viso_error err = { 0 };
    if (vi_swap_mesh.process(r->self, w, &r->scratch, &err))
        fail_msg("%s", err.text);
}

static inline uint64_t hash(uint64_t h, const vi_plane *p)
{
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++) {
            uint32_t bits;
            memcpy(&bits, &p->p[y * p->stride + x], 4);
            h = (h ^ bits) * 0x100000001b3ull;
        }
    return h;
}

static inline int rig_begin(void)
{
    mesh_load(&mesh);
    k = vi_kernels_get(VI_CPU_ALL);
    return vi_arena_create(&paint_arena, (size_t)256 << 20);
}

static inline void rig_end(void)
{
    vi_arena_destroy(&paint_arena);
}

#endif
