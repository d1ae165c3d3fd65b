/* identify/identify.c: the chosen recogniser as a stage of the temporal lane (one thread).
 *
 * A face becomes a unit vector whose cosine with another says whether the two are one person. Only faces without an embedding
 * cost anything: track decides when a new one is worth the runs of the network. */
#include "identify/identify.h"

#include <string.h>

#include "models/models.h"

typedef struct embedder {
    vi_recogniser *r;
} embedder;

static int embed(embedder *e, vi_work *w, const int *which, int n, vi_arena *scratch, viso_error *err)
{
    vi_face_view view[VI_RECOGNISER_BATCH];
    float *unit[VI_RECOGNISER_BATCH];
    bool ok[VI_RECOGNISER_BATCH];
    for (int i = 0; i < n; i++) {
        viso_face *f = &w->face[which[i]].f;
        view[i] = (vi_face_view){ .frame = w->frame, .colour = w->colour, .upright = w->upright };
        memcpy(view[i].points, f->points, sizeof view[i].points);
        unit[i] = f->embedding;
    }
    if (n == 1)
        vi_work_trace_face(w, which[0]); /* a run over several faces is nobody's */
    uint64_t before = vi_recogniser_runs(e->r);
    int rc = vi_recogniser_embed(e->r, view, n, NULL, unit, ok, scratch, err);
    w->count.networks += (uint32_t)(vi_recogniser_runs(e->r) - before);
    for (int i = 0; i < n && !rc; i++) {
        viso_face *f = &w->face[which[i]].f;
        f->embedding_size = ok[i] ? vi_recogniser_size(e->r) : 0;
        f->has |= ok[i] ? VISO_FACE_HAS_EMBEDDING : 0;
    }
    return rc;
}

static int process(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
{
    embedder *e = self;
    int which[VI_RECOGNISER_BATCH], n = 0, rc = 0;
    for (int i = 0; i < w->n_face && !rc; i++) {
        const viso_face *f = &w->face[i].f;
        if ((f->has & (VISO_FACE_HAS_MESH | VISO_FACE_HAS_MARKS)) && !(f->has & VISO_FACE_HAS_EMBEDDING))
            which[n++] = i;
        if (n == VI_RECOGNISER_BATCH) {
            rc = embed(e, w, which, n, scratch, err);
            n = 0;
        }
    }
    return rc || !n ? rc : embed(e, w, which, n, scratch, err);
}

static void destroy(void **self)
{
    embedder *e = *self;
    if (!e)
        return;
    vi_recogniser_close(&e->r);
    vi_free(e);
    *self = NULL;
}

static int create(void **self, const vi_stage_env *env, viso_error *err)
{
    const vi_identify_settings *s = env->settings;
    embedder *e = vi_calloc(1, sizeof(*e));
    *self = e;
    if (!e)
        return vi_error_nomem(err, "embedder");
    vi_recogniser_params p = {
        .k = env->k,
        .models = env->models,
        .id = s->recogniser,
        .crop = (vi_crop_type)s->crop,
        .batch = VI_RECOGNISER_BATCH,
    };
    int rc = vi_recogniser_open(&e->r, &p, err);
    if (rc)
        destroy(self);
    return rc;
}

int vi_identify_match(const vi_identify_settings *s, const vi_models *m, float *match, viso_error *err)
{
    int rc = vi_recogniser_check(m, s->recogniser, err);
    if (!rc)
        *match = s->match > 0 ? s->match
                              : vi_recogniser_match(vi_models_find(m, s->recogniser[0] ? s->recogniser : VI_RECOGNISER_DEFAULT));
    return rc;
}

float vi_embedding_cosine(const viso_face *a, const viso_face *b)
{
    if (!(a->has & VISO_FACE_HAS_EMBEDDING) || !(b->has & VISO_FACE_HAS_EMBEDDING) || a->embedding_size < 1 ||
        a->embedding_size != b->embedding_size)
        return -1;
    return vi_vector_cosine(a->embedding, b->embedding, a->embedding_size);
}

static const char *const crops[] = { "auto", "arcface", "opal", "pearl", "optimal", NULL };
static const char *const merges[] = { "mean", "median", NULL };

static const vi_option_row rows[] = {
    VI_OPTION_STRING(vi_identify_settings, recogniser, "recogniser", "Recogniser",
                     "Model that tells people apart, by its id ('viso models list' shows those of role embedder). A swapper takes the "
                     "vector of its own recogniser, whatever is chosen here.",
                     VI_RECOGNISER_DEFAULT, 0),
    VI_OPTION_FLOAT(vi_identify_settings, match, "match", "Same person",
                    "Two faces whose embeddings have at least this cosine are one person (a similarity of 50 + 50 times it). 0: the "
                    "threshold that was calibrated for the recogniser; more is stricter.",
                    NULL, 0, 0, 0.95, 0.01, 0),
    VI_OPTION_CHOICE(vi_identify_settings, crop, "crop-type", "Crop of a face",
                     "How a face is cut out for the recogniser: 'auto' is the best one measured for it; 'opal' and 'pearl' take the "
                     "nearest pixel (pearl with a wider window), 'optimal' the best fitting of five poses, 'arcface' opal's frame "
                     "with filtering.",
                     crops, VI_CROP_AUTO, VI_OPTION_ADVANCED),
    VI_OPTION_CHOICE(vi_identify_settings, merge, "merge", "Merging",
                     "How the vectors of several photographs of one person become one.", merges, VI_MERGE_MEAN,
                     VI_OPTION_ADVANCED),
    VI_OPTION_STRING(vi_identify_settings, gallery, "gallery", "Gallery",
                     "File with the people that have a name (viso gallery). Empty: $XDG_DATA_HOME/viso/gallery.db.", "",
                     VI_OPTION_PATH),
};
const vi_option_group vi_identify_options = { "identify", "Telling people apart", rows, VI_COUNT(rows),
                                              sizeof(vi_identify_settings) };

const vi_stage vi_identify_recognise = {
    .id = "recognise",
    .label = "Embedding by the chosen recogniser",
    .kind = VI_STAGE_IDENTIFY,
    .lane = VI_LANE_TEMPORAL,
    .needs = VISO_FACE_HAS_POINTS,
    .gives = VISO_FACE_HAS_EMBEDDING,
    .options = "identify",
    .create = create,
    .destroy = destroy,
    .process = process,
};
