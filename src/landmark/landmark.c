/* landmark/landmark.c: MediaPipe's attention mesh as a stage of the temporal lane (one thread).
 *
 * A region of the picture, turned upright, becomes 478 points and a belief that there is a face at all. The network is good
 * at the face it is shown centred and at the right size, so a face seen for the first time is shown twice: the second region
 * comes from the first points (recipe section 2). A followed face brings its region from the previous frame. */
#include "landmark/landmark.h"

#include <math.h>
#include <string.h>

#include "face/region.h"
#include "models/models.h"

#define MODEL "face_landmark_with_attention"
#define MESH "face_mesh_canonical"
#define INPUT 192

enum { PASSES_AUTO, PASSES_1, PASSES_2 };
enum { OUT_MESH, OUT_LIPS, OUT_EYE_L, OUT_EYE_R, OUT_IRIS_L, OUT_IRIS_R, OUT_FLAG, OUT_COUNT };

static const struct {
    const char *role;
    size_t values;
} outputs[OUT_COUNT] = {
    { "mesh", 468 * 3 }, { "lips", 80 * 2 },  { "eye_l", 71 * 2 }, { "eye_r", 71 * 2 },
    { "iris_l", 5 * 2 }, { "iris_r", 5 * 2 }, { "flag", 1 },
};

typedef struct landmarker {
    const vi_kernels *k;
    vi_landmark_settings s;
    vi_run *run;
    float scale[3], offset[3];
    bool bgr;
    int in_image;
    const float *out[OUT_COUNT]; /* bound memory, stable between runs */
    vi_mesh mesh;
} landmarker;

static void refine(viso_point3 *lm, const float *xy, const uint16_t *index, int n)
{
    for (int i = 0; i < n; i++) {
        lm[index[i]].x = xy[2 * i];
        lm[index[i]].y = xy[2 * i + 1];
    }
}

/* The network gives no depth for the iris: the lids' mean stands in. */
static void put_iris(viso_point3 *lm, const float *xy, int first, const uint16_t *eye)
{
    float z = 0;
    for (int i = 0; i < 16; i++)
        z += lm[eye[i]].z / 16;
    for (int i = 0; i < 5; i++)
        lm[first + i] = (viso_point3){ xy[2 * i], xy[2 * i + 1], z };
}

/* One run of the network through the face's region. Points stay in the 192-pixel crop of `to_picture` until they are mapped.
 * Returns presence through the face record, 0 when the output is not finite. */
static int look(landmarker *l, vi_work *w, vi_face *f, const vi_rgb *crop, vi_arena *scratch, viso_error *err)
{
    vi_affine to_upright = vi_square_to_picture(f->roi.cx, f->roi.cy, f->roi.side, f->roi.angle, INPUT);
    vi_affine to_frame = vi_affine_compose(&w->upright, &to_upright);
    int rc = l->k->sample(w->frame, w->colour, &to_frame, crop, VI_BORDER_REPLICATE, scratch);
    if (rc)
        return vi_error_set(err, rc, "landmarks: out of scratch memory for a region");
    l->k->to_tensor(vi_run_input(l->run, l->in_image, NULL), crop, l->scale, l->offset, l->bgr);
    rc = vi_run_now(l->run, err);
    if (rc)
        return rc;
    w->count.networks++;

    viso_point3 *lm = f->f.mesh;
    for (int i = 0; i < 468; i++)
        lm[i] = (viso_point3){ l->out[OUT_MESH][3 * i], l->out[OUT_MESH][3 * i + 1], l->out[OUT_MESH][3 * i + 2] };
    refine(lm, l->out[OUT_LIPS], vi_lm_lips, 80);
    refine(lm, l->out[OUT_EYE_L], vi_lm_eye_l, 71);
    refine(lm, l->out[OUT_EYE_R], vi_lm_eye_r, 71);
    put_iris(lm, l->out[OUT_IRIS_L], VI_LM_IRIS_L, vi_lm_eye_l);
    put_iris(lm, l->out[OUT_IRIS_R], VI_LM_IRIS_R, vi_lm_eye_r);
    float flag = l->out[OUT_FLAG][0], depth = f->roi.side / INPUT, sum = 0;
    for (int i = 0; i < VISO_MESH_POINTS; i++) {
        vi_point p = vi_affine_apply(&to_upright, lm[i].x, lm[i].y);
        lm[i] = (viso_point3){ p.x, p.y, lm[i].z * depth };
        sum += fabsf(p.x) + fabsf(p.y) + fabsf(lm[i].z);
    }
    f->f.presence = isfinite(sum) && isfinite(flag) ? 1.0f / (1.0f + expf(-flag)) : 0.0f;
    return VISO_OK;
}

static int passes_for(const landmarker *l, const vi_work *w, const vi_face *f)
{
    if (l->s.passes != PASSES_AUTO)
        return l->s.passes == PASSES_2 ? 2 : 1;
    /* A region that comes from the detector is rough, for a followed face too. */
    return w->still || f->fresh || f->slot < 0 || f->has_kp ? 2 : 1;
}

/* What a face must reach to be believed. New faces lying on a side or upside down are rare, and cups and folds that look like
 * one are not: they have to convince. */
static float needed(const landmarker *l, const vi_face *f)
{
    const float lying = 1.05f, convinced = 0.8f; /* 60 degrees */
    return f->slot < 0 && fabsf(remainderf(f->roi.angle, 6.2831853f)) > lying ? fmaxf(l->s.presence, convinced)
                                                                              : l->s.presence;
}

static int find(landmarker *l, vi_work *w, vi_face *f, const vi_rgb *crop, vi_arena *scratch, viso_error *err)
{
    int n = passes_for(l, w, f), rc = VISO_OK;
    bool followed = f->slot >= 0;
    for (int i = 0; i < n; i++) {
        rc = look(l, w, f, crop, scratch, err);
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
    if (!(f->f.presence >= needed(l, f)))
        return VISO_OK;
    if (!vi_region_from_mesh(f)) {
        f->f.presence = 0;
        return VISO_OK;
    }
    vi_points_from_mesh(&f->f);
    f->f.has |= VISO_FACE_HAS_MESH | VISO_FACE_HAS_BOX | VISO_FACE_HAS_POINTS;
    f->f.has &= ~(uint32_t)VISO_FACE_HAS_POSE;
    if (vi_pose_fit(&l->mesh, f->f.mesh, &f->pose)) {
        f->f.pose = f->pose.angles;
        f->f.has |= VISO_FACE_HAS_POSE;
    } else {
        f->f.presence = 0; /* points without extent: no face */
        f->f.has &= ~(uint32_t)VISO_FACE_HAS_MESH;
    }
    return VISO_OK;
}

/* Whether record i, seen for the first time, landed on a face that a better record has. */
static bool is_repeat(const vi_work *w, int i)
{
    const vi_face *f = &w->face[i];
    for (int j = 0; j < w->n_face; j++) {
        const vi_face *o = &w->face[j];
        if (j == i || !(o->f.has & VISO_FACE_HAS_MESH) || !vi_same_face(&f->f.box, &o->f.box))
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
        keep[i] = f->slot >= 0 || ((f->f.has & VISO_FACE_HAS_MESH) && !is_repeat(w, i));
    }
    for (int i = 0; i < w->n_face; i++)
        if (keep[i] && n++ != i)
            w->face[n - 1] = w->face[i];
    w->n_face = n;
}

static int process(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
{
    landmarker *l = self;
    size_t mark = vi_arena_mark(scratch);
    vi_rgb crop = vi_rgb_new(scratch, INPUT, INPUT);
    int rc = crop.c[2].p ? VISO_OK : vi_error_nomem(err, "landmark scratch");
    w->canonical = &l->mesh;
    for (int i = 0; i < w->n_face && !rc; i++) {
        vi_face *f = &w->face[i];
        /* A second round over the same frame leaves alone what the first one found. */
        if (!(f->f.has & VISO_FACE_HAS_MESH) && f->roi.side > 1)
            rc = find(l, w, f, &crop, scratch, err);
    }
    vi_arena_release(scratch, mark);
    if (!rc)
        keep_faces(w);
    return rc;
}

static void destroy(void **self)
{
    landmarker *l = *self;
    if (!l)
        return;
    vi_run_destroy(&l->run);
    vi_free(l);
    *self = NULL;
}

static int bind(landmarker *l, const vi_model_row *row, viso_error *err)
{
    size_t n = 0;
    l->in_image = vi_model_role_index(row, "image");
    if (l->in_image < 0)
        return vi_error_set(err, VISO_ERR_MODEL, "model " MODEL ": manifest row lacks the role image");
    vi_run_input(l->run, l->in_image, &n);
    if (n != 3 * INPUT * INPUT)
        return vi_error_set(err, VISO_ERR_MODEL, "model " MODEL ": image of %zu values, expected %d", n,
                            3 * INPUT * INPUT);
    for (int i = 0; i < OUT_COUNT; i++) {
        int at = vi_model_role_index(row, outputs[i].role);
        if (at < 0)
            return vi_error_set(err, VISO_ERR_MODEL, "model " MODEL ": manifest row lacks the role %s",
                                outputs[i].role);
        l->out[i] = vi_run_output(l->run, at, &n);
        if (n != outputs[i].values)
            return vi_error_set(err, VISO_ERR_MODEL, "model " MODEL ": %s of %zu values, expected %zu", outputs[i].role,
                                n, outputs[i].values);
    }
    memcpy(l->scale, row->scale, sizeof(l->scale));
    memcpy(l->offset, row->offset, sizeof(l->offset));
    l->bgr = row->bgr;
    return VISO_OK;
}

static int create(void **self, const vi_stage_env *env, viso_error *err)
{
    landmarker *l = vi_calloc(1, sizeof(*l));
    *self = l;
    if (!l)
        return vi_error_nomem(err, "landmarks");
    const vi_model_row *row = NULL;
    uint8_t *data = NULL;
    size_t size = 0;
    int rc;
    l->k = env->k;
    l->s = *(const vi_landmark_settings *)env->settings;
    if ((rc = vi_models_run(env->models, MODEL, &l->run, &row, err)) || (rc = bind(l, row, err)) ||
        (rc = vi_models_blob(env->models, MESH, &data, &size, err)) ||
        (rc = vi_mesh_parse(&l->mesh, data, size, MESH, err)))
        destroy(self);
    vi_free(data);
    return rc;
}

static const char *const pass_choices[] = { "auto", "1", "2", NULL };
static const vi_option_row rows[] = {
    VI_OPTION_FLOAT(vi_landmark_settings, presence, "presence", "Landmark threshold",
                    "Faces the landmark model believes in less than this are left alone.", NULL, 0.5, 0.01, 0.99, 0.05,
                    0),
    VI_OPTION_CHOICE(
        vi_landmark_settings, passes, "landmark-passes", "Landmark passes",
        "How often the landmark model looks at a face. auto: twice in stills and at new faces, once at faces "
        "that are followed.",
        pass_choices, PASSES_AUTO, VI_OPTION_ADVANCED),
};
const vi_option_group vi_landmark_options = { "landmark", "Landmarks", rows, VI_COUNT(rows),
                                              sizeof(vi_landmark_settings) };

const vi_stage vi_landmark_attention = {
    .id = "mediapipe-attention",
    .label = "MediaPipe attention mesh, 478 points",
    .kind = VI_STAGE_LANDMARK,
    .lane = VI_LANE_TEMPORAL,
    .needs = VISO_FACE_HAS_BOX,
    .gives = VISO_FACE_HAS_BOX | VISO_FACE_HAS_POINTS | VISO_FACE_HAS_MESH | VISO_FACE_HAS_POSE,
    .options = "landmark",
    .create = create,
    .destroy = destroy,
    .process = process,
};
