/* landmark/landmark.c: landmarks as a stage of the temporal lane (one thread).
 *
 * A dense model turns a region of the picture, shown upright, into 478 points and a belief that there is a face at all. It is
 * good at the face it is shown centred and at the right size, so a face seen for the first time is shown twice: the second
 * region comes from the first points (recipe section 2). A followed face brings its region from the previous frame. The other
 * models look once, at a crop of the face's box or of its five points (marks.c). */
#include "landmark/landmark.h"

#include <math.h>
#include <string.h>

#include "face/region.h"
#include "landmark/stage.h"

#define DENSE "face_landmark_with_attention"
#define MESH "face_mesh_canonical"

static vi_net_picture picture_of(const vi_work *w)
{
    return (vi_net_picture){ w->frame, w->colour, &w->upright };
}

/* One run of the dense network through the face's region. Returns presence through the face record, 0 when the output is not
 * finite. */
static int look(vi_landmarker *l, vi_work *w, vi_face *f, vi_arena *scratch, viso_error *err)
{
    size_t mark = vi_arena_mark(scratch);
    vi_landmark_found *found = vi_arena_alloc(scratch, sizeof *found);
    vi_affine map = vi_square_to_picture(f->roi.cx, f->roi.cy, f->roi.side, f->roi.angle, (float)l->dense.size);
    vi_net_picture p = picture_of(w);
    int rc = found ? vi_net_look(&l->dense, &p, &map, 1, found, &w->count.networks, scratch, err)
                   : vi_error_nomem(err, "landmark scratch");
    if (!rc) {
        f->f.presence = 0;
        if (found->found) {
            memcpy(f->f.mesh, found->point, sizeof f->f.mesh);
            f->f.presence = found->own >= 0 ? found->own : vi_landmark_belief(l, w, f, VI_MARKS_478, found->point, VISO_MESH_POINTS);
        }
    }
    vi_arena_release(scratch, mark);
    return rc;
}

bool vi_landmark_twice(const vi_landmarker *l, const vi_work *w, const vi_face *f)
{
    if (l->s.passes != VI_PASSES_AUTO)
        return l->s.passes == VI_PASSES_2;
    /* A region that comes from the detector is rough, for a followed face too. */
    return w->still || f->fresh || f->slot < 0 || f->has_kp;
}

/* What a face must reach to be believed. New faces lying on a side or upside down are rare, and cups and folds that look like
 * one are not: they have to convince. */
float vi_landmark_needed(const vi_landmarker *l, const vi_face *f)
{
    const float lying = 1.05f, convinced = 0.8f; /* 60 degrees */
    return f->slot < 0 && fabsf(remainderf(f->roi.angle, 6.2831853f)) > lying ? fmaxf(l->s.presence, convinced)
                                                                              : l->s.presence;
}

/* Marks and the five points of a face whose mesh was found. */
static int describe(vi_landmarker *l, vi_work *w, vi_face *f, vi_arena *scratch, viso_error *err)
{
    viso_marks *m = &f->f.marks;
    if (l->iris.run) {
        vi_net_picture p = picture_of(w);
        int good, rc = vi_iris_look(&l->iris, &p, f->f.mesh, &good, &w->count.networks, scratch, err);
        if (rc)
            return rc;
    }
    m->set = m->count = VI_MARKS_478;
    m->depth = 1;
    m->confidence = f->f.presence;
    memcpy(m->model, l->dense.row->id, sizeof m->model);
    f->f.has |= VISO_FACE_HAS_MARKS;
    vi_marks_follow_mesh(&f->f);
    f->five = l->s.mean_eyes ? VI_FIVE_MEAN : l->dense.family == &vi_landmark_attention_478 ? VI_FIVE_MESH : VI_FIVE_PUPIL;
    vi_points_again(f);
    return VISO_OK;
}

static int find(vi_landmarker *l, vi_work *w, vi_face *f, vi_arena *scratch, viso_error *err)
{
    int n = vi_landmark_twice(l, w, f) ? 2 : 1, rc = VISO_OK;
    bool followed = f->slot >= 0;
    for (int i = 0; i < n; i++) {
        rc = look(l, w, f, scratch, err);
        if (rc)
            return rc;
        if (f->f.presence < l->s.presence && i == 0 && followed && n == 1) {
            /* A followed face that moved faster than foretold is often only off the middle: a wider view, once. */
            f->roi.side *= 1.35f;
            n = 2;
            continue;
        }
        if (f->f.presence < 0.1f)
            break; /* no face near: a second look from these points would be a look at noise */
        if (i + 1 < n)
            vi_region_from_mesh(f);
    }
    if (!(f->f.presence >= vi_landmark_needed(l, f)))
        return VISO_OK;
    if (!vi_region_from_mesh(f)) {
        f->f.presence = 0;
        return VISO_OK;
    }
    f->f.has |= VISO_FACE_HAS_MESH | VISO_FACE_HAS_BOX | VISO_FACE_HAS_POINTS;
    f->f.has &= ~(uint32_t)VISO_FACE_HAS_POSE;
    if (vi_pose_fit(&l->mesh, f->f.mesh, &f->pose)) {
        f->f.pose = f->pose.angles;
        f->f.has |= VISO_FACE_HAS_POSE;
        return describe(l, w, f, scratch, err);
    }
    f->f.presence = 0; /* points without extent: no face */
    f->f.has &= ~(uint32_t)VISO_FACE_HAS_MESH;
    return VISO_OK;
}

/* Whether record i, seen for the first time, landed on a face that a better record has. */
static bool is_repeat(const vi_work *w, int i)
{
    const vi_face *f = &w->face[i];
    for (int j = 0; j < w->n_face; j++) {
        const vi_face *o = &w->face[j];
        if (j == i || !vi_face_seen(o) || !vi_same_face(&f->f.box, &o->f.box))
            continue;
        if (o->slot >= 0 || o->f.presence > f->f.presence || (o->f.presence == f->f.presence && j < i))
            return true;
    }
    return false;
}

/* Drops records that are no face and repeats. Followed faces stay for track, seen or not. */
static void keep_faces(vi_work *w)
{
    bool keep[VI_MAX_FACES];
    int n = 0;
    for (int i = 0; i < w->n_face; i++) {
        const vi_face *f = &w->face[i];
        keep[i] = f->slot >= 0 || (vi_face_seen(f) && !is_repeat(w, i));
    }
    for (int i = 0; i < w->n_face; i++)
        if (keep[i] && n++ != i)
            w->face[n - 1] = w->face[i];
    w->n_face = n;
}

static int blend_shapes(vi_landmarker *l, vi_work *w, viso_error *err)
{
    for (int i = 0; i < w->n_face; i++) {
        vi_face *f = &w->face[i];
        const viso_point3 *p = (f->f.has & VISO_FACE_HAS_MESH) ? f->f.mesh : f->f.marks.point;
        if (!(f->f.has & VISO_FACE_HAS_MESH) && !((f->f.has & VISO_FACE_HAS_MARKS) && f->f.marks.set == VI_MARKS_478))
            continue;
        int rc = vi_blend_look(&l->blend, p, f->f.blendshapes, err);
        if (rc)
            return rc;
        f->f.has |= VISO_FACE_HAS_BLENDSHAPES;
        w->count.networks++;
    }
    return VISO_OK;
}

static int process(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
{
    vi_landmarker *l = self;
    int rc = VISO_OK;
    bool old[VI_MAX_FACES];
    w->canonical = &l->mesh;
    for (int i = 0; i < w->n_face && !rc; i++) {
        vi_face *f = &w->face[i];
        vi_work_trace_face(w, i);
        /* A second round over the same frame leaves alone what the first one found. */
        old[i] = vi_face_seen(f);
        if (l->dense.run && !old[i] && f->roi.side > 1)
            rc = find(l, w, f, scratch, err);
    }
    if (!rc && l->choice.n)
        rc = vi_landmark_marks(l, w, old, scratch, err);
    if (!rc)
        keep_faces(w);
    if (!rc && l->blend.run)
        rc = blend_shapes(l, w, err);
    return rc;
}

static void destroy(void **self)
{
    vi_landmarker *l = *self;
    if (!l)
        return;
    if (l->dense.run)
        vi_net_close(&l->dense);
    vi_landmark_choice_close(&l->choice);
    vi_iris_close(&l->iris);
    vi_blend_close(&l->blend);
    vi_free(l);
    *self = NULL;
}

/* Which networks: the chosen one if it gives the mesh; else the chosen one, and the attention mesh when somebody needs it. The
 * automatic rule has nothing to choose where the mesh has to run anyway. */
static int open_networks(vi_landmarker *l, const vi_stage_env *env, viso_error *err)
{
    const vi_model_row *row = vi_models_find(env->models, l->s.model);
    const vi_landmark_family *family = row ? vi_landmark_family_named(row->family) : NULL;
    bool is_auto = strcmp(l->s.model, "auto") == 0;
    bool want_mesh = (env->wants & (VISO_FACE_HAS_MESH | VISO_FACE_HAS_POSE)) || l->s.iris || l->s.blend_shapes;
    if (family && family->mesh)
        return vi_net_open(&l->dense, env->models, env->k, l->s.model, err);
    int rc = want_mesh ? vi_net_open(&l->dense, env->models, env->k, DENSE, err) : VISO_OK;
    if (rc || (is_auto && want_mesh))
        return rc;
    if (want_mesh)
        vi_info(&env->log, "%s gives no mesh, which this run needs: %s runs as well, one or two networks more for each face",
                l->s.model, DENSE);
    return vi_landmark_choose(&l->choice, env->models, env->k, l->s.model, err);
}

static int create(void **self, const vi_stage_env *env, viso_error *err)
{
    vi_landmarker *l = vi_calloc(1, sizeof(*l));
    *self = l;
    if (!l)
        return vi_error_nomem(err, "landmarks");
    uint8_t *data = NULL;
    size_t size = 0;
    int rc;
    l->k = env->k;
    l->s = *(const vi_landmark_settings *)env->settings;
    if ((rc = open_networks(l, env, err)) || (l->s.iris && (rc = vi_iris_open(&l->iris, env->models, env->k, err))) ||
        (l->s.blend_shapes && (rc = vi_blend_open(&l->blend, env->models, err))) ||
        (rc = vi_models_blob(env->models, MESH, &data, &size, err)) ||
        (rc = vi_mesh_parse(&l->mesh, data, size, MESH, err)))
        destroy(self);
    vi_free(data);
    return rc;
}

static const char *const pass_choices[] = { "auto", "1", "2", NULL };
static const char *const crop_choices[] = { "box", "points", NULL };
static const vi_option_row rows[] = {
    VI_OPTION_STRING(vi_landmark_settings, model, "landmarks", "Landmark model",
                     "Id of an installed landmark model (viso models list), or auto: by the size and turn of each face, with the "
                     "next model where one is not sure. The swap over the mesh also runs the attention mesh when the chosen "
                     "model gives none.",
                     DENSE, 0),
    VI_OPTION_CHOICE(vi_landmark_settings, crop, "landmark-crop", "Landmark crop",
                     "What a landmark model is shown: box, a square around the face; points, the face turned and scaled so that "
                     "its five points lie where the model knows them. Meshes choose by themselves.",
                     crop_choices, 0, VI_OPTION_ADVANCED),
    VI_OPTION_BOOL(vi_landmark_settings, mean_eyes, "mean-eyes", "Mean eyes",
                   "Take the eyes of the five points from the contour of the eye instead of the pupil, which moves with the gaze.",
                   0, VI_OPTION_ADVANCED),
    VI_OPTION_BOOL(vi_landmark_settings, iris, "iris", "Iris model", "Renew the irises of the mesh with the iris model.", 0,
                   VI_OPTION_ADVANCED),
    VI_OPTION_BOOL(vi_landmark_settings, blend_shapes, "blend-shapes", "Blend shapes",
                   "Also compute 52 coefficients of expression (viso detect --json shows them).", 0, VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_landmark_settings, presence, "presence", "Landmark threshold",
                    "Faces the landmark model believes in less than this are left alone.", NULL, 0.5, 0.01, 0.99, 0.05,
                    0),
    VI_OPTION_CHOICE(
        vi_landmark_settings, passes, "landmark-passes", "Landmark passes",
        "How often the landmark model looks at a face. auto: twice in stills and at new faces, once at faces "
        "that are followed.",
        pass_choices, VI_PASSES_AUTO, VI_OPTION_ADVANCED),
};
const vi_option_group vi_landmark_options = { "landmark", "Landmarks", rows, VI_COUNT(rows),
                                              sizeof(vi_landmark_settings) };

const vi_stage vi_landmark_points = {
    .id = "landmarks",
    .label = "Landmarks",
    .kind = VI_STAGE_LANDMARK,
    .lane = VI_LANE_TEMPORAL,
    .needs = VISO_FACE_HAS_BOX,
    .gives = VISO_FACE_HAS_BOX | VISO_FACE_HAS_POINTS | VISO_FACE_HAS_MESH | VISO_FACE_HAS_POSE | VISO_FACE_HAS_MARKS,
    .options = "landmark",
    .create = create,
    .destroy = destroy,
    .process = process,
};
