/* models/models.c: from a model's id to its file, checked, and to a loaded session shared by all. Thread-safe.
 *
 * A model is loaded at first use and stays until the object closes. Its digest is checked on the very bytes that the
 * runtime gets, so a file changed in between cannot slip through (bytes.c). */
#include "models/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "models/internal.h"
#include "models/verified.h"

int vi_models_open(vi_models **out, const vi_models_params *p, viso_error *err)
{
    vi_models *m = vi_calloc(1, sizeof *m);
    *out = NULL;
    if (!m)
        return vi_error_nomem(err, "models");
    m->log = vi_log_named(p->log, "models");
    m->intra_threads = VI_MAX(p->intra_threads, 1);
    m->has_lock = pthread_mutex_init(&m->lock, NULL) == 0;
    vi_models_find_dirs(m, p->dir);
    int code = m->has_lock ? vi_models_find_rows(m, err) : vi_error_nomem(err, "models");
    if (!code) {
        m->entry = vi_calloc((size_t)m->n_row, sizeof *m->entry);
        code = m->entry ? vi_models_set_devices(m, p, err) : vi_error_nomem(err, "models");
    }
    for (int i = 0; i < m->n_row && !code; ++i) {
        m->entry[i].has_lock = pthread_mutex_init(&m->entry[i].lock, NULL) == 0;
        if (!m->entry[i].has_lock)
            code = vi_error_nomem(err, "models");
    }
    if (code) {
        vi_models_close(&m);
        return code;
    }
    *out = m;
    return 0;
}

void vi_models_close(vi_models **models)
{
    vi_models *m = *models;
    if (!m)
        return;
    *models = NULL;
    for (int i = 0; i < m->n_row && m->entry; ++i) {
        vi_session_close(&m->entry[i].session);
        if (m->entry[i].has_lock)
            pthread_mutex_destroy(&m->entry[i].lock);
    }
    vi_runtime_close(&m->runtime);
    for (int i = 0; i < m->n_dir; ++i)
        vi_free(m->dir[i]);
    if (m->has_lock)
        pthread_mutex_destroy(&m->lock);
    vi_free(m->entry);
    vi_free(m->row);
    vi_free(m->cache_dir);
    vi_free(m);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

int vi_models_count(const vi_models *m)
{
    return m->n_row;
}

const vi_model_row *vi_models_row(const vi_models *m, int i)
{
    return i >= 0 && i < m->n_row ? &m->row[i] : NULL;
}

const vi_model_row *vi_models_find(const vi_models *m, const char *id)
{
    for (int i = 0; i < m->n_row; ++i)
        if (strcmp(m->row[i].id, id) == 0)
            return &m->row[i];
    return NULL;
}

static const vi_model_row *need_row(const vi_models *m, const char *id, viso_error *err)
{
    const vi_model_row *row = vi_models_find(m, id);
    if (!row)
        vi_error_set(err, VISO_ERR_MODEL, "model '%s' is not in the manifest; 'viso models list' shows what there is", id);
    return row;
}

int vi_model_role_index(const vi_model_row *row, const char *role)
{
    int in = 0, out = 0;
    for (int i = 0; i < row->n_role; ++i) {
        int at = row->tensor[i].output ? out++ : in++;
        if (strcmp(row->tensor[i].role, role) == 0)
            return at;
    }
    return -1;
}

/* --- files ------------------------------------------------------------------------------------------------------ */

char *vi_models_where(const vi_models *m, const vi_model_row *row)
{
    for (int i = 0; i < m->n_dir; ++i) {
        char *path = vi_path_join(m->dir[i], row->file);
        if (path && vi_file_exists(path))
            return path;
        vi_free(path);
    }
    return NULL;
}

int vi_models_missing(const vi_models *m, const vi_model_row *row, viso_error *err)
{
    char tried[256] = "", path[4096];
    for (int i = 0; i < m->n_dir; ++i) {
        size_t used = strlen(tried);
        snprintf(path, sizeof path, "%s/%s", m->dir[i], row->file);
        if (vi_file_exists(path)) /* it could not be named for want of memory */
            return vi_error_nomem(err, row->id);
        snprintf(tried + used, sizeof tried - used, "%s%s", used ? ", " : "", m->dir[i]);
    }
    return vi_error_set(err, VISO_ERR_MODEL, "model %s is missing: no %s in %s; %s", row->id, row->file, tried,
                        row->source_sha256[0] ? "run 'make build' to make the starter models"
                                               : "'viso models info' says where it comes from");
}

int vi_models_path(vi_models *m, const char *id, char **path, viso_error *err)
{
    const vi_model_row *row = need_row(m, id, err);
    *path = row ? vi_models_where(m, row) : NULL;
    if (*path)
        return 0;
    return row ? vi_models_missing(m, row, err) : VISO_ERR_MODEL;
}

static const char *state(vi_models *m, int i, bool full, bool force)
{
    const vi_model_row *row = vi_models_row(m, i);
    struct stat st;
    char *path = row ? vi_models_where(m, row) : NULL;
    if (!path)
        return "missing";
    bool good = stat(path, &st) == 0 && (row->bytes == 0 || (uint64_t)st.st_size == row->bytes);
    if (good && full && row->sha256[0])
        good = vi_verify_file(path, row->sha256, force);
    vi_free(path);
    return good ? "installed" : "damaged";
}

const char *vi_models_state(vi_models *m, int i, bool full)
{
    return state(m, i, full, false);
}

const char *vi_models_state_now(vi_models *m, int i)
{
    return state(m, i, true, true);
}

int vi_models_blob(vi_models *m, const char *id, uint8_t **data, size_t *size, viso_error *err)
{
    const vi_model_row *row = need_row(m, id, err);
    *data = NULL;
    *size = 0;
    vi_model_file f;
    int code = row ? vi_models_open_file(m, row, &f, err) : VISO_ERR_MODEL;
    if (!code && !f.heap && !(f.heap = vi_alloc(f.size + 1)))
        code = vi_error_nomem(err, id);
    else if (!code && f.map.data)
        memcpy(f.heap, f.data, f.size);
    if (!code)
        code = vi_models_file_kept(&f, row, err);
    if (!code) {
        *data = f.heap;
        *size = f.size;
        f.heap = NULL;
    }
    if (row)
        vi_models_close_file(&f);
    return code;
}

/* --- sessions --------------------------------------------------------------------------------------------------- */

int vi_models_runtime(vi_models *m, viso_error *err)
{
    pthread_mutex_lock(&m->lock);
    bool first = !m->runtime;
    int code = first ? vi_runtime_open(&m->runtime, &m->log, err) : 0;
    if (!code && first)
        vi_debug(&m->log, "ONNX Runtime %s from %s", vi_runtime_version(m->runtime), vi_runtime_path(m->runtime));
    pthread_mutex_unlock(&m->lock);
    return code;
}

static void print_shape(char *text, size_t size, const int64_t *dim, int n_dim)
{
    size_t used = 0;
    text[0] = 0;
    for (int k = 0; k < n_dim && used < size; ++k)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", k ? "," : "", (long long)dim[k]);
}

/* The graph's tensor that a row's tensor means: by name, or by number where the name is not known. */
static const vi_tensor_info *find_tensor(const vi_model_role *r, const vi_tensor_info *info, int n)
{
    if (r->tensor[0] == '#') {
        long at = strtol(r->tensor + 1, NULL, 10);
        return at >= 0 && at < n ? &info[at] : NULL;
    }
    for (int i = 0; i < n; ++i)
        if (strcmp(info[i].name, r->tensor) == 0)
            return &info[i];
    return NULL;
}

const char *vi_models_tensor_name(const vi_model_role *t, const vi_session *s)
{
    const vi_tensor_info *info;
    int n = t->output ? vi_session_outputs(s, &info) : vi_session_inputs(s, &info);
    info = find_tensor(t, info, n);
    return info ? info->name : NULL;
}

static const char *type_name(vi_dtype type)
{
    static const char *const names[] = {"?", "float32", "float16", "int32", "int64", "uint8", "bool", "float64"};
    return (size_t)type < VI_COUNT(names) ? names[type] : "?";
}

static int check_tensor(const vi_model_row *row, const vi_model_role *r, const vi_tensor_info *info, int n, viso_error *err)
{
    char want[160], got[160];
    const char *kind = r->output ? "output" : "input";
    const vi_tensor_info *t = find_tensor(r, info, n);
    if (!t)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: %s '%s': expected a tensor '%s' in %s, found none (first %s: '%s')",
                            row->id, kind, r->role, r->tensor, row->file, kind, n ? info[0].name : "none");
    /* -1 in either place means any size. */
    bool fits = r->n_dim < 0 || t->n_dim == r->n_dim;
    for (int k = 0; k < r->n_dim && fits; ++k)
        fits = r->dim[k] < 0 || t->dim[k] < 0 || r->dim[k] == t->dim[k];
    if (!fits) {
        print_shape(want, sizeof want, r->dim, r->n_dim);
        print_shape(got, sizeof got, t->dim, t->n_dim);
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: %s '%s', tensor '%s' in %s: expected shape [%s], found [%s]",
                            row->id, kind, r->role, r->tensor, row->file, want, got);
    }
    if (strcmp(r->type, type_name(t->type)) != 0)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: %s '%s', tensor '%s' in %s: expected %s numbers, found %s (type %d)",
                            row->id, kind, r->role, r->tensor, row->file, r->type, type_name(t->type), (int)t->type);
    return 0;
}

int vi_models_check_contract(const vi_model_row *row, const vi_session *s, viso_error *err)
{
    const vi_tensor_info *in, *out;
    int n_in = vi_session_inputs(s, &in), n_out = vi_session_outputs(s, &out), code = 0;
    for (int i = 0; i < row->n_role && !code; ++i) {
        bool output = row->tensor[i].output;
        code = check_tensor(row, &row->tensor[i], output ? out : in, output ? n_out : n_in, err);
    }
    return code;
}

static int load(vi_models *m, const vi_model_row *row, vi_model_entry *e, viso_error *err)
{
    vi_model_file f = {0};
    uint64_t begin = vi_now_ns();
    if (row->n_role == 0)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s is not a network", row->id);
    vi_model_load *how = vi_calloc(1, sizeof *how);
    int code = how ? vi_models_open_file(m, row, &f, err) : vi_error_nomem(err, row->id);
    if (!code)
        code = vi_models_runtime(m, err);
    if (!code)
        code = vi_models_prepare(m, row, &f, how, err);
    if (!code)
        code = vi_session_open(&e->session, m->runtime, &how->p, err);
    if (!code)
        code = vi_models_file_kept(&f, row, err);
    vi_models_close_file(&f);
    vi_free(how);
    if (!code)
        code = vi_models_check_contract(row, e->session, err);
    e->load_ms = (double)(vi_now_ns() - begin) * 1e-6;
    if (code)
        vi_session_close(&e->session);
    else
        vi_debug(&m->log, "%s loaded on %s in %.1f ms", row->id, vi_session_provider(e->session), e->load_ms);
    return code;
}

int vi_models_session(vi_models *m, const char *id, vi_session **s, const vi_model_row **row, viso_error *err)
{
    const vi_model_row *r = need_row(m, id, err);
    *s = NULL;
    if (!r)
        return VISO_ERR_MODEL;
    vi_model_entry *e = &m->entry[r - m->row];
    pthread_mutex_lock(&e->lock);
    /* A failure is not remembered: the user may have put the file in place meanwhile. */
    int code = e->session ? 0 : load(m, r, e, err);
    *s = e->session;
    pthread_mutex_unlock(&e->lock);
    if (row)
        *row = r;
    return code;
}

/* The shape to bind: the caller's, else the row's when it is whole, else the graph's. */
static vi_binding binding_of(const vi_model_role *t, const vi_session *s, const vi_role_shape *shape, int n_shape)
{
    vi_binding b = {.name = vi_models_tensor_name(t, s)};
    bool whole = t->n_dim >= 0;
    for (int k = 0; k < t->n_dim; ++k)
        whole = whole && t->dim[k] > 0;
    if (whole) {
        b.dim = t->dim;
        b.n_dim = t->n_dim;
    }
    for (int i = 0; i < n_shape; ++i)
        if (strcmp(shape[i].role, t->role) == 0) {
            b.dim = shape[i].dim;
            b.n_dim = shape[i].n_dim;
        }
    return b;
}

int vi_models_run_shaped(vi_models *m, const char *id, const vi_role_shape *shape, int n_shape, vi_run **r,
                         const vi_model_row **row, viso_error *err)
{
    const vi_model_row *found;
    vi_session *s;
    vi_binding in[VI_MAX_ROLES], out[VI_MAX_ROLES];
    int n_in = 0, n_out = 0;
    *r = NULL;
    int code = vi_models_session(m, id, &s, &found, err);
    if (code)
        return code;
    for (int i = 0; i < found->n_role; ++i) {
        const vi_model_role *t = &found->tensor[i];
        vi_binding b = binding_of(t, s, shape, n_shape);
        if (t->output)
            out[n_out++] = b;
        else
            in[n_in++] = b;
    }
    if (row)
        *row = found;
    return vi_run_create(r, s, in, n_in, out, n_out, err);
}

int vi_models_run(vi_models *m, const char *id, vi_run **r, const vi_model_row **row, viso_error *err)
{
    return vi_models_run_shaped(m, id, NULL, 0, r, row, err);
}
