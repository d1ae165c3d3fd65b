/* identify/identify.c: MobileFaceNet as a stage of the temporal lane (one thread).
 *
 * A face is turned so that five of its points lie where the training set had them, and becomes a unit vector whose cosine with
 * another says whether the two are one person. Only faces without an embedding cost anything: track decides when a new one
 * is worth two runs of the network. */
#include "identify/identify.h"

#include <math.h>
#include <string.h>

#include "identify/align.h"
#include "models/models.h"

#define MODEL "mobilefacenet"

typedef struct embedder {
    const vi_kernels *k;
    vi_run *run;
    float scale[3], offset[3];
    bool bgr;
    int in_image, size;
    float *image;
    const float *out;
} embedder;

static void mirror_rows(float *image)
{
    for (int r = 0; r < 3 * VI_ALIGN_SIZE; r++) {
        float *row = image + (size_t)r * VI_ALIGN_SIZE;
        for (int i = 0, j = VI_ALIGN_SIZE - 1; i < j; i++, j--) {
            float t = row[i];
            row[i] = row[j];
            row[j] = t;
        }
    }
}

static void normalise(viso_face *f)
{
    double sum = 0;
    for (int i = 0; i < f->embedding_size; i++)
        sum += (double)f->embedding[i] * f->embedding[i];
    if (!isfinite(sum) || !(sum > 1e-12)) {
        f->embedding_size = 0; /* a flat picture can do this; no embedding is the honest answer */
        f->has &= ~(uint32_t)VISO_FACE_HAS_EMBEDDING;
        return;
    }
    float k = (float)(1 / sqrt(sum));
    for (int i = 0; i < f->embedding_size; i++)
        f->embedding[i] *= k;
    f->has |= VISO_FACE_HAS_EMBEDDING;
}

static int embed(embedder *e, vi_work *w, vi_face *f, const vi_rgb *crop, vi_arena *scratch, viso_error *err)
{
    vi_affine to_upright;
    if (!vi_align_template(f->f.points, &to_upright))
        return VISO_OK;
    vi_affine to_frame = vi_affine_compose(&w->upright, &to_upright);
    int rc = e->k->sample(w->frame, w->colour, &to_frame, crop, VI_BORDER_ZERO, scratch);
    if (rc)
        return vi_error_set(err, rc, "embedder: out of scratch memory for a face");
    /* The network writes into bound memory, so the first result is taken out before the mirrored run. */
    e->k->to_tensor(e->image, crop, e->scale, e->offset, e->bgr);
    if ((rc = vi_run_now(e->run, err)))
        return rc;
    memcpy(f->f.embedding, e->out, (size_t)e->size * sizeof(float));
    mirror_rows(e->image);
    if ((rc = vi_run_now(e->run, err)))
        return rc;
    w->count.networks += 2;
    for (int i = 0; i < e->size; i++)
        f->f.embedding[i] += e->out[i];
    f->f.embedding_size = e->size;
    normalise(&f->f);
    return VISO_OK;
}

static int process(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
{
    embedder *e = self;
    size_t mark = vi_arena_mark(scratch);
    vi_rgb crop = vi_rgb_new(scratch, VI_ALIGN_SIZE, VI_ALIGN_SIZE);
    int rc = crop.c[2].p ? VISO_OK : vi_error_nomem(err, "embedder scratch");
    for (int i = 0; i < w->n_face && !rc; i++) {
        vi_face *f = &w->face[i];
        if ((f->f.has & VISO_FACE_HAS_MESH) && !(f->f.has & VISO_FACE_HAS_EMBEDDING))
            rc = embed(e, w, f, &crop, scratch, err);
    }
    vi_arena_release(scratch, mark);
    return rc;
}

static void destroy(void **self)
{
    embedder *e = *self;
    if (!e)
        return;
    vi_run_destroy(&e->run);
    vi_free(e);
    *self = NULL;
}

static int bind(embedder *e, const vi_model_row *row, viso_error *err)
{
    size_t n = 0;
    int out = vi_model_role_index(row, "embedding");
    e->in_image = vi_model_role_index(row, "image");
    if (e->in_image < 0 || out < 0)
        return vi_error_set(err, VISO_ERR_MODEL, "model " MODEL ": manifest row lacks a role (image, embedding)");
    e->image = vi_run_input(e->run, e->in_image, &n);
    if (n != 3 * VI_ALIGN_SIZE * VI_ALIGN_SIZE)
        return vi_error_set(err, VISO_ERR_MODEL, "model " MODEL ": image of %zu values, expected %d", n,
                            3 * VI_ALIGN_SIZE * VI_ALIGN_SIZE);
    e->out = vi_run_output(e->run, out, &n);
    if (n < 1 || n > VISO_EMBEDDING_MAX)
        return vi_error_set(err, VISO_ERR_MODEL, "model " MODEL ": embedding of %zu values, at most %d are supported",
                            n, VISO_EMBEDDING_MAX);
    e->size = (int)n;
    memcpy(e->scale, row->scale, sizeof(e->scale));
    memcpy(e->offset, row->offset, sizeof(e->offset));
    e->bgr = row->bgr;
    return VISO_OK;
}

static int create(void **self, const vi_stage_env *env, viso_error *err)
{
    embedder *e = vi_calloc(1, sizeof(*e));
    *self = e;
    if (!e)
        return vi_error_nomem(err, "embedder");
    const vi_model_row *row = NULL;
    e->k = env->k;
    int rc = vi_models_run(env->models, MODEL, &e->run, &row, err);
    if (!rc)
        rc = bind(e, row, err);
    if (rc)
        destroy(self);
    return rc;
}

float vi_embedding_cosine(const viso_face *a, const viso_face *b)
{
    if (!(a->has & VISO_FACE_HAS_EMBEDDING) || !(b->has & VISO_FACE_HAS_EMBEDDING) || a->embedding_size < 1 ||
        a->embedding_size != b->embedding_size)
        return -1;
    double sum = 0;
    for (int i = 0; i < a->embedding_size; i++)
        sum += (double)a->embedding[i] * b->embedding[i];
    return (float)sum;
}

static const vi_option_row rows[] = {
    VI_OPTION_FLOAT(vi_identify_settings, match, "match", "Same person",
                    "Two faces whose embeddings have at least this cosine are one person; 0.5 is strict.", NULL, 0.42,
                    0.1, 0.95, 0.01, 0),
};
const vi_option_group vi_identify_options = { "identify", "Telling people apart", rows, VI_COUNT(rows),
                                              sizeof(vi_identify_settings) };

const vi_stage vi_identify_mobilefacenet = {
    .id = "mobilefacenet",
    .label = "MobileFaceNet embedding",
    .kind = VI_STAGE_IDENTIFY,
    .lane = VI_LANE_TEMPORAL,
    .needs = VISO_FACE_HAS_MESH,
    .gives = VISO_FACE_HAS_EMBEDDING,
    .options = "identify",
    .create = create,
    .destroy = destroy,
    .process = process,
};
