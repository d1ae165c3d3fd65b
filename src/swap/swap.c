/* swap/swap.c: the mesh swapper as a stage. A face swap without a swap network: the source's face texture is carried
 * through a dense mesh into the target's pose and expression, matched in colour and light, and handed on as a patch.
 *
 * Thread: `process` runs in several workers at once, each with its own instance; sources are read-only, memory of earlier
 * frames is in `shared` (target_time.c). Memory: the worker's arena, nothing else. */
#include <stddef.h>
#include <string.h>

#include "models/models.h"
#include "swap/target.h"

typedef struct swapper {
    const vi_kernels *k;
    const vi_swap_settings *set;
    const vi_people *people;
    vi_slots *slots;
    vi_swap_mesh_data m;
} swapper;

static void destroy(void **self)
{
    vi_free(*self);
    *self = NULL;
}

static int create(void **self, const vi_stage_env *env, viso_error *err)
{
    swapper *s = vi_calloc(1, sizeof(*s));
    *self = s;
    if (!s)
        return vi_error_nomem(err, "swap");
    s->k = env->k;
    s->set = env->settings;
    s->people = env->people;
    s->slots = env->shared;
    int rc = vi_swap_mesh_load(&s->m, env->models, err);
    if (rc)
        destroy(self);
    return rc;
}

static void release(void **source)
{
    vi_source *s = *source;
    vi_source_free(&s);
    *source = NULL;
}

static int prepare(void **source, const vi_stage_env *env, const vi_photo *photo, int n, viso_error *err)
{
    vi_swap_mesh_data *m = vi_calloc(1, sizeof(*m));
    vi_source *s = NULL;
    int rc = m ? vi_swap_mesh_load(m, env->models, err) : vi_error_nomem(err, "source face");
    if (!rc)
        rc = vi_source_build(env->k, &m->mesh, photo, n, &s, &env->log, err);
    vi_free(m);
    *source = s;
    return rc;
}

static int share(void **shared, const vi_stage_env *env, viso_error *err)
{
    (void)env;
    return vi_slots_create((vi_slots **)shared, err);
}

static void drop_shared(void **shared)
{
    vi_slots_destroy((vi_slots **)shared);
}

static void share_save(const void *shared, vi_blob *b)
{
    vi_slots_save(shared, b);
}

static int share_load(void *shared, vi_blob *b, viso_error *err)
{
    return vi_slots_load(shared, b, err);
}

/* Both gates are left here on the ordinary path, as early as possible; vi_slot_pass_end covers every other path. */
static int make_face(vi_target *t, const vi_work *w, vi_face *f, vi_slot_pass *pass)
{
    int rc = vi_target_sample(t, w);
    if (!rc)
        rc = vi_target_skin(t, w);
    if (rc)
        return rc;
    vi_slot_enter(pass, 0);
    rc = vi_slot_skin(pass, t);
    vi_slot_leave(pass, 0);
    if (!rc)
        rc = vi_target_warp(t);
    if (!rc)
        rc = vi_target_eyes(t);
    if (!rc)
        rc = vi_target_masks(t);
    if (!rc)
        rc = vi_target_measure(t);
    if (rc)
        return rc;
    vi_slot_enter(pass, 1);
    vi_slot_stats(pass, t);
    rc = vi_target_light(t);
    if (!rc) {
        vi_slot_light(pass, t);
        rc = vi_target_tint(t);
    }
    if (!rc)
        vi_slot_tint(pass, t);
    vi_slot_leave(pass, 1);
    if (!rc)
        rc = vi_target_alpha(t);
    return rc ? rc : vi_target_compose(t, &f->patch.rgb, &f->patch.mask);
}

static int swap_face(swapper *s, const vi_work *w, vi_face *f, vi_arena *scratch, vi_slot_pass *pass)
{
    memset(&f->patch, 0, sizeof(f->patch));
    if (f->source < 0 || !s->people || f->source >= s->people->n || !s->people->source[f->source])
        return 0;
    size_t begin = vi_arena_mark(scratch);
    vi_target *t = vi_arena_alloc(scratch, sizeof(*t));
    if (!t)
        return VISO_ERR_NO_SPACE;
    memset(t, 0, sizeof(*t));
    t->k = s->k;
    t->set = s->set;
    t->m = &s->m;
    t->src = s->people->source[f->source];
    t->a = scratch;
    t->still = w->still;
    if (!vi_target_place(t, &f->f)) {
        vi_arena_release(scratch, begin);
        return 0;
    }
    f->patch.rgb = vi_rgb_new(scratch, t->win.w, t->win.h);
    f->patch.mask = vi_plane_new(scratch, t->win.w, t->win.h);
    f->patch.crop_to_picture = t->win_to_picture;
    size_t kept = vi_arena_mark(scratch);
    int rc = f->patch.rgb.c[2].p && f->patch.mask.p ? make_face(t, w, f, pass) : VISO_ERR_NO_SPACE;
    vi_arena_release(scratch, rc ? begin : kept);
    if (rc)
        memset(&f->patch, 0, sizeof(f->patch));
    return rc;
}

static int process(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
{
    swapper *s = self;
    int failed = 0;
    for (int i = 0; i < w->n_face; i++) {
        vi_work_trace_face(w, i);
        vi_slot_pass pass = vi_slot_pass_begin(s->slots, &w->face[i], s->set->steady);
        int rc = swap_face(s, w, &w->face[i], scratch, &pass);
        vi_slot_pass_end(&pass);
        if (rc && !failed)
            failed = vi_error_set(err, rc, "swap: not enough working memory for face %d of frame %llu", i,
                                  (unsigned long long)w->sequence);
    }
    return failed;
}

#define ROW_FLOAT(field, key, label, help, unit, def, lo, hi, step, flags) \
    VI_OPTION_FLOAT(vi_swap_settings, field, key, label, help, unit, def, lo, hi, step, flags)
#define ROW_BOOL(field, key, label, help, def, flags) VI_OPTION_BOOL(vi_swap_settings, field, key, label, help, def, flags)

static const vi_option_row rows[] = {
    ROW_FLOAT(shape, "swap-shape", "Shape", "How far eyes, nose, mouth and cheeks take the source's shape.", NULL, 1, 0, 1,
              0.05, VI_OPTION_LIVE),
    ROW_FLOAT(outline, "swap-outline", "Outline",
              "How far the outline of the face takes the source's shape. Above 0 the surroundings are warped a little, so "
              "that pixels outside the face change.", NULL, 0, 0, 1, 0.05, VI_OPTION_LIVE),
    ROW_BOOL(eyes, "swap-eyes", "Source's eyes", "Take the eyes from the source; gaze and blinks stay the target's.", 1,
             VI_OPTION_LIVE),
    ROW_BOOL(mouth_interior, "swap-mouth-interior", "Target's mouth interior",
             "Keep teeth and tongue of the target when its mouth is open.", 1, VI_OPTION_LIVE),
    ROW_FLOAT(light, "swap-light", "Light", "How much of the target's soft light and shade is taken over.", NULL, 1, 0, 1,
              0.05, VI_OPTION_LIVE),
    ROW_FLOAT(grain, "swap-grain", "Grain", "How closely sharpness and noise follow the target.", NULL, 1, 0, 1, 0.05,
              VI_OPTION_LIVE | VI_OPTION_ADVANCED),
    ROW_BOOL(occlusion, "swap-occlusion", "Keep objects in front", "Leave hair, hands and objects over the face alone.", 1,
             VI_OPTION_LIVE),
    ROW_FLOAT(profile_from, "swap-profile-from", "Profile fade begins",
              "Turned further away than this, the swap starts to fade out.", "degrees", 50, 20, 90, 1,
              VI_OPTION_LIVE | VI_OPTION_ADVANCED),
    ROW_FLOAT(profile_to, "swap-profile-to", "Profile fade ends", "Turned further away than this, a face is left alone.",
              "degrees", 65, 20, 90, 1, VI_OPTION_LIVE | VI_OPTION_ADVANCED),
    VI_OPTION_INT(vi_swap_settings, max_size, "swap-max-size", "Largest face crop",
                  "A face crop larger than this is worked on reduced.", "px", 1024, 192, 1024,
                  VI_OPTION_LIVE | VI_OPTION_ADVANCED),
    ROW_FLOAT(steady, "swap-steady", "Steadiness", "Averaging of colour and light over frames of a video; 0 is off.", NULL,
              0.8, 0, 0.98, 0.02, VI_OPTION_LIVE),
};
const vi_option_group vi_swap_options = { "swap", "New face", rows, VI_COUNT(rows), sizeof(vi_swap_settings) };

const vi_stage vi_swap_mesh = {
    .id = "mesh",
    .label = "Mesh swapper",
    .kind = VI_STAGE_SWAP,
    .lane = VI_LANE_PICTURE,
    .needs = VISO_FACE_HAS_MESH,
    .options = "swap",
    .prepare = prepare,
    .release = release,
    .share = share,
    .unshare = drop_shared,
    .share_save = share_save,
    .share_load = share_load,
    .create = create,
    .destroy = destroy,
    .process = process,
};
