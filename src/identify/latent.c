/* identify/latent.c: see latent.h. Runs before frames do, so it may allocate and load. */
#include "identify/latent.h"

#include <stdio.h>
#include <string.h>

enum { SCRATCH = 256 << 20, MOST_PHOTOS = 64 };

typedef struct photo {
    vi_frame *frame;
    vi_colour_map colour;
    vi_point points[5];
} photo;

enum { GIVEN = 1, MERGED, LATENT };

/* A vector under the name of what made it: a recogniser's of one photograph, the merged one, or a swapper's latent. */
typedef struct entry {
    struct entry *next;
    char id[48];
    int kind;
    int n;
    float value[VISO_EMBEDDING_MAX];
} entry;

struct vi_identity {
    const vi_kernels *k;
    vi_models *models;
    vi_merge merge;
    vi_crop_type crop;
    char *name;
    photo photo[MOST_PHOTOS];
    int n_photo;
    entry *entry;
};

int vi_identity_create(vi_identity **out, const vi_identity_params *params, viso_error *err)
{
    vi_identity *p = vi_calloc(1, sizeof *p);
    *out = p;
    if (!p || !(p->name = vi_strdup(params->name ? params->name : "source"))) {
        vi_identity_destroy(out);
        return vi_error_nomem(err, "source person");
    }
    p->k = params->k;
    p->models = params->models;
    p->merge = params->merge;
    p->crop = params->crop;
    return VISO_OK;
}

void vi_identity_destroy(vi_identity **out)
{
    vi_identity *p = *out;
    *out = NULL;
    if (!p)
        return;
    for (int i = 0; i < p->n_photo; i++) {
        vi_colour_map_destroy(&p->photo[i].colour);
        vi_frame_unref(&p->photo[i].frame);
    }
    for (entry *e = p->entry, *next; e; e = next) {
        next = e->next;
        vi_free(e);
    }
    vi_free(p->name);
    vi_free(p);
}

static int add_entry(vi_identity *p, const char *id, int kind, const float *value, int n, entry **added, viso_error *err)
{
    entry *e = vi_calloc(1, sizeof *e);
    if (!e)
        return vi_error_nomem(err, "vector of a person");
    snprintf(e->id, sizeof e->id, "%s", id);
    e->kind = kind;
    e->n = n;
    memcpy(e->value, value, (size_t)n * sizeof *value);
    e->next = p->entry;
    p->entry = e;
    if (added)
        *added = e;
    return VISO_OK;
}

static const entry *find(const vi_identity *p, const char *id, int kind)
{
    for (const entry *e = p->entry; e; e = e->next)
        if (e->kind == kind && strcmp(e->id, id) == 0)
            return e;
    return NULL;
}

/* What was merged before a photograph or vector came is not true any more. */
static void forget(vi_identity *p)
{
    for (entry **at = &p->entry; *at;) {
        entry *e = *at;
        if (e->kind == GIVEN) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        vi_free(e);
    }
}

int vi_identity_add_photo(vi_identity *p, vi_frame *f, const vi_point points[5], viso_error *err)
{
    if (p->n_photo == MOST_PHOTOS)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: at most %d photographs of one person are taken", p->name, MOST_PHOTOS);
    photo *to = &p->photo[p->n_photo];
    int rc = vi_colour_map_create(&to->colour, f->format, &f->colour, f->height, err);
    if (rc)
        return rc;
    to->frame = vi_frame_ref(f);
    memcpy(to->points, points, sizeof to->points);
    p->n_photo++;
    forget(p);
    return VISO_OK;
}

int vi_identity_add_vector(vi_identity *p, const char *recogniser, const float *raw, int n, viso_error *err)
{
    if (n < 1 || n > VISO_EMBEDDING_MAX)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: a vector of %d numbers, 1 to %d are possible", p->name, n, VISO_EMBEDDING_MAX);
    forget(p);
    return add_entry(p, recogniser, GIVEN, raw, n, NULL, err);
}

/* Vectors of all photographs by one recogniser, into rows of `value`; *used of them are good. */
static int embed_photos(vi_identity *p, vi_recogniser *r, float (*value)[VISO_EMBEDDING_MAX], int *used, viso_error *err)
{
    vi_arena scratch;
    if (vi_arena_create(&scratch, SCRATCH) != 0)
        return vi_error_nomem(err, "vectors of a person");
    int rc = VISO_OK;
    for (int i = 0; i < p->n_photo && !rc; i++) {
        const photo *at = &p->photo[i];
        int w, h;
        vi_face_view view = { .frame = at->frame, .colour = &at->colour, .upright = vi_frame_upright(at->frame, &w, &h) };
        memcpy(view.points, at->points, sizeof view.points);
        float *raw = value[*used];
        bool ok;
        rc = vi_recogniser_embed(r, &view, 1, &raw, NULL, &ok, &scratch, err);
        *used += !rc && ok;
    }
    vi_arena_destroy(&scratch);
    return rc;
}

static int merge(vi_identity *p, const char *id, float (*value)[VISO_EMBEDDING_MAX], int used, int size, const entry **out,
                 viso_error *err)
{
    const float *list[2 * MOST_PHOTOS];
    float merged[VISO_EMBEDDING_MAX];
    entry *added;
    int n = 0;
    for (; n < used; n++)
        list[n] = value[n];
    for (const entry *e = p->entry; e && n < 2 * MOST_PHOTOS; e = e->next) {
        if (e->kind != GIVEN || strcmp(e->id, id) != 0)
            continue;
        if (size && e->n != size)
            return vi_error_set(err, VISO_ERR_INPUT, "%s: vectors of recogniser %s with %d and %d numbers do not go together", p->name,
                                id, size, e->n);
        size = e->n;
        list[n++] = e->value;
    }
    if (n == 0)
        return vi_error_set(err, VISO_ERR_NO_SOURCE_FACE, "%s: there is no vector of recogniser %s, and no photograph to make one "
                            "from; add a photograph", p->name, id);
    if (!vi_vector_merge(list, n, size, p->merge, merged))
        return vi_error_nomem(err, "merging vectors");
    int rc = add_entry(p, id, MERGED, merged, size, &added, err);
    *out = added;
    return rc;
}

/* The recogniser is only opened when there are photographs: vectors alone need no model. */
static int make_vector(vi_identity *p, const char *id, const entry **out, viso_error *err)
{
    vi_recogniser *r = NULL;
    float(*value)[VISO_EMBEDDING_MAX] = vi_alloc(MOST_PHOTOS * sizeof *value);
    int used = 0, size = 0, rc = value ? VISO_OK : vi_error_nomem(err, "vectors of a person");
    if (!rc && p->n_photo > 0) {
        vi_recogniser_params open = { .k = p->k, .models = p->models, .id = id, .crop = p->crop };
        rc = vi_recogniser_open(&r, &open, err);
        if (!rc)
            rc = embed_photos(p, r, value, &used, err);
        if (!rc)
            size = vi_recogniser_size(r);
        vi_recogniser_close(&r);
    }
    if (!rc)
        rc = merge(p, id, value, used, size, out, err);
    vi_free(value);
    return rc;
}

static int vector(vi_identity *p, const char *id, const entry **out, viso_error *err)
{
    *out = find(p, id, MERGED);
    return *out ? VISO_OK : make_vector(p, id, out, err);
}

int vi_identity_vector(vi_identity *p, const char *recogniser, const float **raw, int *n, viso_error *err)
{
    const entry *e;
    int rc = vector(p, recogniser, &e, err);
    if (rc)
        return rc;
    *raw = e->value;
    *n = e->n;
    return VISO_OK;
}

/* z = e E, row vector times matrix. The matrix is an initialiser of the swapper: named emap, else the last one. */
static int through_emap(vi_identity *p, const vi_model_row *row, float *z, int n, viso_error *err)
{
    char *path = NULL;
    vi_onnx_values m = { 0 };
    viso_error named = { 0 };
    float out[VISO_EMBEDDING_MAX];
    int rc = vi_models_path(p->models, row->id, &path, err);
    if (rc)
        return rc;
    if (vi_onnx_initialiser(path, "emap", &m, &named) != 0)
        rc = vi_onnx_initialiser(path, NULL, &m, err);
    vi_free(path);
    if (!rc && (m.n_dim != 2 || m.dim[0] != n || m.dim[1] != n))
        rc = vi_error_set(err, VISO_ERR_MODEL, "model %s: the matrix '%s' is not %d x %d", row->id, m.name, n, n);
    for (int j = 0; j < n && !rc; j++) {
        double sum = 0;
        for (int i = 0; i < n; i++)
            sum += (double)z[i] * m.value[(size_t)i * (size_t)n + (size_t)j];
        out[j] = (float)sum;
    }
    vi_onnx_values_free(&m);
    if (!rc && !vi_vector_unit(out, n, z))
        rc = vi_error_set(err, VISO_ERR_MODEL, "model %s: its matrix makes nothing of the vector", row->id);
    return rc;
}

static int make_latent(vi_identity *p, const vi_model_row *row, entry **out, viso_error *err)
{
    const entry *e;
    float z[VISO_EMBEDDING_MAX];
    if (!row->recogniser[0] || !row->latent[0])
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: its row does not say what it takes of a person (recogniser, latent)", row->id);
    int rc = vector(p, row->recogniser, &e, err);
    if (rc)
        return rc;
    memcpy(z, e->value, sizeof z);
    if (strcmp(row->latent, "raw") != 0 && !vi_vector_unit(z, e->n, z))
        return vi_error_set(err, VISO_ERR_NO_SOURCE_FACE, "%s: the photographs cancel each other out", p->name);
    if (strcmp(row->latent, "emap") == 0)
        rc = through_emap(p, row, z, e->n, err);
    return rc ? rc : add_entry(p, row->id, LATENT, z, e->n, out, err);
}

int vi_identity_latent(vi_identity *p, const char *swapper, const float **latent, int *n, viso_error *err)
{
    const vi_model_row *row = vi_models_find(p->models, swapper);
    if (!row)
        return vi_error_set(err, VISO_ERR_MODEL, "there is no model '%s'", swapper);
    const entry *have = find(p, row->id, LATENT);
    entry *made = NULL;
    int rc = have ? VISO_OK : make_latent(p, row, &made, err);
    if (rc)
        return rc;
    have = have ? have : made;
    *latent = have->value;
    *n = have->n;
    return VISO_OK;
}
