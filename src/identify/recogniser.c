/* identify/recogniser.c: see recogniser.h. */
#include "identify/recogniser.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PIXELS ((size_t)VI_ALIGN_SIZE * VI_ALIGN_SIZE)

enum { SIZES = 4, NETS = 2 }; /* batches of 1, 2, 4, 8: any number of faces is a sum of them */

/* One network with a run for each batch it takes. */
typedef struct net {
    const vi_model_row *row;
    vi_run *run[SIZES];
    float *image[SIZES];
    const float *out[SIZES];
    int sizes; /* how many of the runs there are */
} net;

struct vi_recogniser {
    const vi_kernels *k;
    vi_crop_type crop;
    net net[NETS];
    int n_net, size;
    bool mirrored;
    uint64_t runs;
};

/* ---- the manifest ---- */

static bool is_embedder(const vi_model_row *row)
{
    return strcmp(row->role, "embedder") == 0;
}

/* The second network of a pair has a row of its own and is no recogniser by itself. */
static const vi_model_row *first_of(const vi_models *m, const vi_model_row *half)
{
    for (int i = 0; i < vi_models_count(m); i++) {
        const vi_model_row *row = vi_models_row(m, i);
        if (is_embedder(row) && row != half && strcmp(row->second, half->id) == 0)
            return row;
    }
    return NULL;
}

const vi_model_row *vi_recogniser_at(const vi_models *m, int i)
{
    for (int k = 0; k < vi_models_count(m); k++) {
        const vi_model_row *row = vi_models_row(m, k);
        if (is_embedder(row) && !first_of(m, row) && i-- == 0)
            return row;
    }
    return NULL;
}

int vi_recogniser_check(const vi_models *m, const char *id, viso_error *err)
{
    char known[320] = "";
    const vi_model_row *row = vi_models_find(m, id && *id ? id : VI_RECOGNISER_DEFAULT), *first = NULL;
    if (row && is_embedder(row) && !(first = first_of(m, row)))
        return VISO_OK;
    if (first)
        return vi_error_set(err, VISO_ERR_USAGE, "--recogniser %s: this is the second network of %s, which is the recogniser",
                            id, first->id);
    for (int i = 0; (row = vi_recogniser_at(m, i)); i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", row->id);
    }
    return vi_error_set(err, VISO_ERR_USAGE, "--recogniser '%.60s': there is no recogniser of this name; known are %s", id ? id : "",
                        known);
}

float vi_recogniser_match(const vi_model_row *row)
{
    /* Nobody has calibrated it here: a similarity of 60, which is what users of 512-number ArcFace networks start with. */
    return row->match > 0 ? row->match : 0.20f;
}

static bool is_pair(const vi_model_row *row)
{
    return strcmp(row->family, "cscs") == 0;
}

vi_crop_type vi_recogniser_crop_for(const vi_model_row *row, vi_crop_type wanted)
{
    return is_pair(row) || wanted == VI_CROP_AUTO ? vi_crop_of_template(row->crop) : wanted;
}

static bool file_there(vi_models *m, const char *id)
{
    char *path = NULL;
    viso_error ignored = { 0 };
    int rc = vi_models_path(m, id, &path, &ignored);
    vi_free(path);
    return rc == VISO_OK;
}

bool vi_recogniser_installed(vi_models *m, const vi_model_row *row)
{
    return file_there(m, row->id) && (!row->second[0] || file_there(m, row->second));
}

/* ---- opening ---- */

static const vi_model_role *role(const vi_model_row *row, bool output, const char *name)
{
    for (int i = 0; i < row->n_role; i++)
        if (row->tensor[i].output == output && strcmp(row->tensor[i].role, name) == 0)
            return &row->tensor[i];
    return NULL;
}

/* The numbers of a vector as row or graph declare them; 0: neither does. */
static int64_t declared_size(const vi_model_role *t, const vi_session *s, bool *free_batch)
{
    const vi_tensor_info *info;
    const char *name = vi_models_tensor_name(t, s);
    int n = t->output ? vi_session_outputs(s, &info) : vi_session_inputs(s, &info);
    for (int i = 0; i < n; i++) {
        if (!name || strcmp(info[i].name, name) != 0)
            continue;
        *free_batch = info[i].n_dim > 1 && info[i].dim[0] < 0;
        int64_t last = info[i].n_dim > 1 ? info[i].dim[info[i].n_dim - 1] : 0;
        if (last > 0)
            return last;
    }
    return t->n_dim > 1 && t->dim[t->n_dim - 1] > 0 ? t->dim[t->n_dim - 1] : 0;
}

static int bind(vi_recogniser *r, net *n, int i, viso_error *err)
{
    const size_t batch = (size_t)1 << i;
    size_t have = 0;
    n->image[i] = vi_run_input(n->run[i], vi_model_role_index(n->row, "image"), &have);
    if (have != batch * 3 * PIXELS)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: image of %zu values, expected %zu", n->row->id, have, batch * 3 * PIXELS);
    n->out[i] = vi_run_output(n->run[i], vi_model_role_index(n->row, "embedding"), &have);
    if (have < batch || have % batch || have / batch > VISO_EMBEDDING_MAX)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: embedding of %zu values for %zu faces, at most %d each are supported",
                            n->row->id, have, batch, VISO_EMBEDDING_MAX);
    if (r->size && (int)(have / batch) != r->size)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: embedding of %zu numbers, expected %d as of the first network",
                            n->row->id, have / batch, r->size);
    r->size = (int)(have / batch);
    return VISO_OK;
}

static int open_net(vi_recogniser *r, net *n, const vi_recogniser_params *p, const char *id, viso_error *err)
{
    vi_session *s;
    bool in_free = false, out_free = false;
    int rc = vi_models_session(p->models, id, &s, &n->row, err);
    if (rc)
        return rc;
    const vi_model_role *image = role(n->row, false, "image"), *out = role(n->row, true, "embedding");
    if (!image || !out)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: manifest row lacks a role (image, embedding)", id);
    if (n->row->nhwc)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: a recogniser that takes colours last is not supported", id);
    declared_size(image, s, &in_free);
    int64_t size = declared_size(out, s, &out_free);
    int most = in_free && out_free && size > 0 ? vi_clampi(p->batch, 1, VI_RECOGNISER_BATCH) : 1;
    for (int i = 0; i < SIZES && (1 << i) <= most && !rc; i++) {
        vi_role_shape shape[2] = {
            { "image", 4, { 1 << i, 3, VI_ALIGN_SIZE, VI_ALIGN_SIZE } },
            { "embedding", 2, { 1 << i, size } },
        };
        rc = vi_models_run_shaped(p->models, id, shape, most > 1 ? 2 : 1, &n->run[i], NULL, err);
        if (!rc)
            rc = bind(r, n, i, err);
        n->sizes = i + 1;
    }
    return rc;
}

static int open_nets(vi_recogniser *r, const vi_recogniser_params *p, const char *id, viso_error *err)
{
    int rc = open_net(r, &r->net[0], p, id, err);
    const vi_model_row *row = r->net[0].row;
    r->n_net = 1;
    if (rc)
        return rc;
    const bool pair = is_pair(row);
    r->mirrored = strcmp(row->family, "mirrored") == 0;
    if (row->family[0] && !pair && !r->mirrored)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: family '%s' is not known; recognisers have none, 'mirrored' or 'cscs'",
                            row->id, row->family);
    r->crop = vi_recogniser_crop_for(row, p->crop);
    if (!pair)
        return VISO_OK;
    if (!row->second[0])
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: the row of a pair names its other network ('second')", row->id);
    r->n_net = 2;
    return open_net(r, &r->net[1], p, row->second, err);
}

int vi_recogniser_open(vi_recogniser **out, const vi_recogniser_params *p, viso_error *err)
{
    const char *id = p->id && *p->id ? p->id : VI_RECOGNISER_DEFAULT;
    *out = NULL;
    int rc = vi_recogniser_check(p->models, id, err);
    if (rc)
        return rc;
    vi_recogniser *r = vi_calloc(1, sizeof *r);
    if (!r)
        return vi_error_nomem(err, "recogniser");
    r->k = p->k;
    rc = open_nets(r, p, id, err);
    if (rc)
        vi_recogniser_close(&r);
    *out = r;
    return rc;
}

void vi_recogniser_close(vi_recogniser **p)
{
    vi_recogniser *r = *p;
    *p = NULL;
    if (!r)
        return;
    for (int i = 0; i < NETS; i++)
        for (int k = 0; k < SIZES; k++)
            vi_run_destroy(&r->net[i].run[k]);
    vi_free(r);
}

const vi_model_row *vi_recogniser_row(const vi_recogniser *r)
{
    return r->net[0].row;
}

int vi_recogniser_size(const vi_recogniser *r)
{
    return r->size;
}

vi_crop_type vi_recogniser_crop(const vi_recogniser *r)
{
    return r->crop;
}

int vi_recogniser_batch(const vi_recogniser *r)
{
    int sizes = VI_MIN(r->net[0].sizes, r->n_net > 1 ? r->net[1].sizes : SIZES);
    return 1 << (sizes - 1);
}

uint64_t vi_recogniser_runs(const vi_recogniser *r)
{
    return r->runs;
}

/* ---- running ---- */

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

/* Adds the outputs of a batch to the sums: as they are, or each brought to unit length first. */
static void add(const vi_recogniser *r, const float *out, int n, bool unit, float sum[][VISO_EMBEDDING_MAX])
{
    float v[VISO_EMBEDDING_MAX];
    for (int i = 0; i < n; i++, out += r->size) {
        const float *from = out;
        if (unit)
            from = vi_vector_unit(out, r->size, v) ? v : NULL;
        for (int k = 0; k < r->size && from; k++)
            sum[i][k] += from[k];
        if (!from)
            sum[i][0] = NAN; /* half a sum is no vector */
    }
}

/* A batch of 1 << size crops through one network. The network writes into bound memory, so the first result is taken out
 * before a mirrored run. */
static int run_net(vi_recogniser *r, net *n, int size, const vi_rgb *crop, float sum[][VISO_EMBEDDING_MAX], viso_error *err)
{
    const int batch = 1 << size;
    const vi_model_row *row = n->row;
    for (int i = 0; i < batch; i++)
        r->k->to_tensor(n->image[size] + (size_t)i * 3 * PIXELS, &crop[i], row->scale, row->offset, row->bgr);
    int rc = vi_run_now(n->run[size], err);
    if (rc)
        return rc;
    r->runs++;
    add(r, n->out[size], batch, r->n_net > 1, sum);
    if (!r->mirrored)
        return VISO_OK;
    for (int i = 0; i < batch; i++)
        mirror_rows(n->image[size] + (size_t)i * 3 * PIXELS);
    rc = vi_run_now(n->run[size], err);
    r->runs++;
    if (!rc)
        add(r, n->out[size], batch, false, sum);
    return rc;
}

static bool hand_out(const vi_recogniser *r, const float *sum, float *raw, float *unit)
{
    float v[VISO_EMBEDDING_MAX];
    bool ok = vi_vector_unit(sum, r->size, v);
    if (ok && raw)
        memcpy(raw, sum, (size_t)r->size * sizeof *raw);
    if (ok && unit)
        memcpy(unit, v, (size_t)r->size * sizeof *unit);
    return ok;
}

int vi_recogniser_embed_crops(vi_recogniser *r, const vi_rgb *crop, int n, float *const *raw, float *const *unit, bool *ok,
                              viso_error *err)
{
    float sum[VI_RECOGNISER_BATCH][VISO_EMBEDDING_MAX];
    const int most = vi_recogniser_batch(r);
    for (int at = 0; at < n;) {
        int size = 0, rc = 0;
        while (2 << size <= most && at + (2 << size) <= n)
            size++;
        memset(sum, 0, sizeof sum);
        for (int i = 0; i < r->n_net && !rc; i++)
            rc = run_net(r, &r->net[i], size, crop + at, sum, err);
        if (rc)
            return rc;
        for (int i = 0; i < 1 << size; i++)
            ok[at + i] = hand_out(r, sum[i], raw ? raw[at + i] : NULL, unit ? unit[at + i] : NULL);
        at += 1 << size;
    }
    return VISO_OK;
}

/* As many faces as go into one run, from face[*next] on: those that have a crop are embedded, *next goes on. */
static int embed_some(vi_recogniser *r, const vi_face_view *face, int n, int *next, float *const *raw, float *const *unit,
                      bool *ok, vi_arena *scratch, viso_error *err)
{
    vi_rgb crop[VI_RECOGNISER_BATCH];
    float *to_raw[VI_RECOGNISER_BATCH], *to_unit[VI_RECOGNISER_BATCH];
    bool good[VI_RECOGNISER_BATCH];
    int index[VI_RECOGNISER_BATCH], used = 0, rc = 0;
    for (; *next < n && used < vi_recogniser_batch(r); ++*next) {
        const int i = *next;
        ok[i] = false;
        crop[used] = vi_rgb_new(scratch, VI_ALIGN_SIZE, VI_ALIGN_SIZE);
        rc = crop[used].c[2].p ? vi_crop_face(r->k, &face[i], r->crop, &crop[used], scratch) : VISO_ERR_NO_SPACE;
        if (rc == VISO_AGAIN)
            continue;
        if (rc)
            return vi_error_set(err, rc, "recogniser %s: out of scratch memory for a face", r->net[0].row->id);
        to_raw[used] = raw ? raw[i] : NULL;
        to_unit[used] = unit ? unit[i] : NULL;
        index[used++] = i;
    }
    if (used == 0)
        return VISO_OK;
    rc = vi_recogniser_embed_crops(r, crop, used, to_raw, to_unit, good, err);
    for (int i = 0; i < used && !rc; i++)
        ok[index[i]] = good[i];
    return rc;
}

int vi_recogniser_embed(vi_recogniser *r, const vi_face_view *face, int n, float *const *raw, float *const *unit, bool *ok,
                        vi_arena *scratch, viso_error *err)
{
    int rc = VISO_OK;
    for (int next = 0; next < n && !rc;) {
        size_t mark = vi_arena_mark(scratch);
        rc = embed_some(r, face, n, &next, raw, unit, ok, scratch, err);
        vi_arena_release(scratch, mark);
    }
    return rc;
}
