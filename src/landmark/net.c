/* landmark/net.c: a landmark network: loaded by its manifest row, run through crops. One thread per object. */
#include <math.h>
#include <string.h>

#include "landmark/family.h"
#include "landmark/half.h"
#include "landmark/open.h"

static size_t row_values(const vi_model_role *t)
{
    size_t n = 1;
    for (int i = 1; i < t->n_dim; i++) /* the first is the batch */
        n *= t->dim[i] > 0 ? (size_t)t->dim[i] : 1;
    return n;
}

/* The side of the square input, from the row: [N, 3, S, S]. */
static int input_side(const vi_model_row *row, viso_error *err)
{
    for (int i = 0; i < row->n_role; i++) {
        const vi_model_role *t = &row->tensor[i];
        if (t->output || strcmp(t->role, "image") != 0)
            continue;
        if (t->n_dim == 4 && t->dim[1] == 3 && t->dim[2] > 0 && t->dim[2] == t->dim[3] && t->dim[2] <= 4096)
            return (int)t->dim[2];
        vi_error_set(err, VISO_ERR_MODEL, "model %s: the image of a landmark model is a square [1,3,S,S]", row->id);
        return 0;
    }
    vi_error_set(err, VISO_ERR_MODEL, "model %s: manifest row lacks the role image", row->id);
    return 0;
}

static const vi_model_role *role_of(const vi_model_row *row, const char *role, bool output)
{
    for (int i = 0; i < row->n_role; i++)
        if (row->tensor[i].output == output && strcmp(row->tensor[i].role, role) == 0)
            return &row->tensor[i];
    return NULL;
}

static int bind_outputs(vi_net *n, viso_error *err)
{
    const vi_landmark_family *f = n->family;
    for (int i = 0; i < VI_LANDMARK_OUTPUTS; i++) {
        n->at[i] = f->out[i].role ? vi_model_role_index(n->row, f->out[i].role) : -1;
        if (!f->out[i].role || (n->at[i] < 0 && f->out[i].optional))
            continue;
        if (n->at[i] < 0)
            return vi_error_set(err, VISO_ERR_MODEL, "model %s: manifest row lacks the role %s (family %s)", n->row->id,
                                f->out[i].role, f->id);
        vi_run_output(n->run, n->at[i], &n->values[i]);
        if (f->out[i].values && n->values[i] != f->out[i].values)
            return vi_error_set(err, VISO_ERR_MODEL, "model %s: %s of %zu values, expected %zu (family %s)", n->row->id,
                                f->out[i].role, n->values[i], f->out[i].values, f->id);
        n->half_out[i] = strcmp(role_of(n->row, f->out[i].role, true)->type, "float16") == 0;
        if (n->half_out[i] && !(n->widened[i] = vi_calloc(n->values[i], sizeof(float))))
            return vi_error_nomem(err, n->row->id);
    }
    return VISO_OK;
}

/* A context for several faces where row and graph leave the batch open. The shapes are the row's with the batch put in. */
static int open_batch(vi_net *n, vi_models *m, viso_error *err)
{
    vi_role_shape shape[VI_MAX_ROLES];
    int n_shape = 0;
    for (int i = 0; i < n->row->n_role; i++) {
        const vi_model_role *t = &n->row->tensor[i];
        if (t->n_dim < 1 || t->dim[0] != -1 || row_values(t) < 1)
            return VISO_OK;
        vi_role_shape *s = &shape[n_shape++];
        s->role = t->role;
        s->n_dim = t->n_dim;
        memcpy(s->dim, t->dim, sizeof s->dim);
        s->dim[0] = VI_NET_BATCH;
    }
    viso_error refused = { 0 };
    int rc = vi_models_run_shaped(m, n->row->id, shape, n_shape, &n->many, NULL, &refused);
    if (rc == VISO_ERR_MODEL)
        return VISO_OK; /* a copy of the file with a fixed batch: one face at a time */
    n->batch = VI_NET_BATCH;
    return rc ? vi_error_set(err, rc, "%s", refused.text) : VISO_OK;
}

int vi_net_open(vi_net *n, vi_models *m, const vi_kernels *k, const char *id, viso_error *err)
{
    memset(n, 0, sizeof *n);
    const vi_model_row *row = vi_models_find(m, id);
    n->k = k;
    n->batch = 1;
    if (row && !(n->family = vi_landmark_family_named(row->family)))
        return vi_error_set(err, VISO_ERR_MODEL, row->family[0] ? "model %s: its family '%s' is none of landmark models"
                                                                : "model %s: its manifest row names no family of landmark models%s",
                            id, row->family);
    size_t values = 0;
    int rc = vi_models_run(m, id, &n->run, &n->row, err);
    if (!rc && !(n->size = input_side(n->row, err)))
        rc = VISO_ERR_MODEL;
    if (!rc) {
        n->tmpl = vi_template_named(n->row->crop);
        n->in_image = vi_model_role_index(n->row, "image");
        vi_run_input(n->run, n->in_image, &values);
        n->half_in = strcmp(role_of(n->row, "image", false)->type, "float16") == 0;
        if (values != 3 * (size_t)n->size * (size_t)n->size)
            rc = vi_error_set(err, VISO_ERR_MODEL, "model %s: image of %zu values, expected %d", id, values, 3 * n->size * n->size);
    }
    if (!rc && n->half_in && !(n->staged = vi_calloc(values, sizeof(float))))
        rc = vi_error_nomem(err, id);
    if (!rc)
        rc = bind_outputs(n, err);
    if (!rc && !n->half_in)
        rc = open_batch(n, m, err);
    if (rc)
        vi_net_close(n);
    return rc;
}

void vi_net_close(vi_net *n)
{
    vi_run_destroy(&n->run);
    vi_run_destroy(&n->many);
    vi_free(n->staged);
    for (int i = 0; i < VI_LANDMARK_OUTPUTS; i++)
        vi_free(n->widened[i]);
    memset(n, 0, sizeof *n);
}

static int fill(vi_net *n, const vi_net_picture *p, const vi_affine *map, const vi_rgb *crop, vi_run *run, int item,
                vi_arena *scratch, viso_error *err)
{
    vi_affine to_frame = vi_affine_compose(p->upright, map);
    int rc = n->k->sample(p->frame, p->colour, &to_frame, crop, n->family->border, scratch);
    if (!rc && n->family->prepare)
        rc = n->family->prepare(n->k, crop, scratch);
    if (rc)
        return vi_error_set(err, rc, "landmarks: out of scratch memory for a region");
    size_t values = 3 * (size_t)n->size * (size_t)n->size;
    void *input = vi_run_input(run, n->in_image, NULL);
    if (!n->half_in) {
        n->k->to_tensor((float *)input + (size_t)item * values, crop, n->row->scale, n->row->offset, n->row->bgr);
        return VISO_OK;
    }
    n->k->to_tensor(n->staged, crop, n->row->scale, n->row->offset, n->row->bgr);
    for (size_t i = 0; i < values; i++)
        ((uint16_t *)input)[i] = vi_to_half(n->staged[i]);
    return VISO_OK;
}

/* Outputs of one face as points of the picture. */
static void take(vi_net *n, vi_run *run, int item, const vi_affine *map, vi_landmark_found *o)
{
    const float *out[VI_LANDMARK_OUTPUTS] = { NULL };
    for (int i = 0; i < VI_LANDMARK_OUTPUTS; i++) {
        if (n->at[i] < 0)
            continue;
        const void *raw = vi_run_output(run, n->at[i], NULL);
        if (n->half_out[i])
            for (size_t k = 0; k < n->values[i]; k++)
                n->widened[i][k] = vi_from_half(((const uint16_t *)raw)[k]);
        out[i] = n->half_out[i] ? n->widened[i] : (const float *)raw + (size_t)item * n->values[i];
    }
    o->to_picture = *map;
    o->own = -1;
    o->found = n->family->decode(out, n->values, n->size, o->point, &o->own);
    float depth = vi_affine_scale(map), sum = 0;
    for (int i = 0; o->found && i < n->family->count; i++) {
        vi_point p = vi_affine_apply(map, o->point[i].x, o->point[i].y);
        o->point[i] = (vi_point3){ p.x, p.y, n->family->depth ? o->point[i].z * depth : 0 };
        sum += fabsf(p.x) + fabsf(p.y) + fabsf(o->point[i].z);
    }
    o->found = o->found && isfinite(sum);
}

int vi_net_look(vi_net *n, const vi_net_picture *p, const vi_affine *crop, int faces, vi_landmark_found *out, uint32_t *networks,
                vi_arena *scratch, viso_error *err)
{
    size_t mark = vi_arena_mark(scratch);
    vi_rgb image = vi_rgb_new(scratch, n->size, n->size);
    int rc = image.c[2].p ? VISO_OK : vi_error_nomem(err, "landmark scratch");
    for (int at = 0; at < faces && !rc;) {
        int batch = n->many && faces - at >= n->batch ? n->batch : 1;
        vi_run *run = batch > 1 ? n->many : n->run;
        for (int i = 0; i < batch && !rc; i++)
            rc = fill(n, p, &crop[at + i], &image, run, i, scratch, err);
        if (!rc)
            rc = vi_run_now(run, err);
        for (int i = 0; i < batch && !rc; i++)
            take(n, run, i, &crop[at + i], &out[at + i]);
        *networks += 1;
        at += batch;
    }
    vi_arena_release(scratch, mark);
    return rc;
}

const char *vi_landmark_installed(vi_models *m, const char *family, const char *option, const char *suggested, viso_error *err)
{
    for (int i = 0; i < vi_models_count(m); i++)
        if (strcmp(vi_models_row(m, i)->family, family) == 0 && strcmp(vi_models_state(m, i, false), "installed") == 0)
            return vi_models_row(m, i)->id;
    vi_error_set(err, VISO_ERR_MODEL, "%s: no model of family %s is installed; run 'viso models install %s'", option, family,
                 suggested);
    return NULL;
}
