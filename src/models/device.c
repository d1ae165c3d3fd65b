/* models/device.c: what a model may run on, what its session is told, and what became of it. Thread-safe after open. */
#include <stdio.h>
#include <string.h>

#include "models/internal.h"
#include "models/onnx_read.h"

/* --- at open ---------------------------------------------------------------------------------------------------- */

static int copy_word(char to[16], const char *word, viso_error *err)
{
    vi_device_policy unused;
    int code = vi_device_policy_make(&unused, word, NULL, NULL, false, err);
    if (!code)
        snprintf(to, 16, "%s", word);
    return code;
}

/* One "MODEL=PROVIDER". */
static int override(vi_models *m, const char *text, size_t length, viso_error *err)
{
    char id[96];
    const char *sign = memchr(text, '=', length);
    size_t n = sign ? (size_t)(sign - text) : 0;
    if (n == 0 || n >= sizeof m->row->id || length >= sizeof id)
        return vi_error_set(err, VISO_ERR_USAGE, "provider-for: '%.*s' is not of the form MODEL=PROVIDER",
                            (int)VI_MIN(length, 60), text);
    memcpy(id, text, length);
    id[length] = id[n] = 0;
    const vi_model_row *row = vi_models_find(m, id);
    if (!row)
        return vi_error_set(err, VISO_ERR_USAGE, "provider-for: there is no model '%s'; 'viso models list' shows what there is",
                            id);
    viso_error why = {0};
    int code = copy_word(m->entry[row - m->row].instead, id + n + 1, &why);
    return code ? vi_error_set(err, code, "provider-for: %s: %s", id, why.text) : 0;
}

int vi_models_set_devices(vi_models *m, const vi_models_params *p, viso_error *err)
{
    const char *item = p->provider_for ? p->provider_for : "";
    m->strict = p->strict;
    m->warm_up = p->warm_up;
    m->no_graphs = p->no_graphs;
    int code = copy_word(m->provider, p->provider ? p->provider : "cpu", err);
    if (!code && !p->cache_dir)
        code = vi_models_cache_dir(&m->cache_dir, err);
    else if (!code && *p->cache_dir && !(m->cache_dir = vi_strdup(p->cache_dir)))
        code = vi_error_nomem(err, "models");
    while (*item && !code) {
        size_t length = strcspn(item, ",");
        code = override(m, item, length, err);
        item += length + (item[length] == ',');
    }
    return code;
}

/* --- at load ---------------------------------------------------------------------------------------------------- */

/* Sides that TensorRT builds for where a network takes any: from small crops to the largest ones in use. */
enum { SIDE_LEAST = 128, SIDE_USUAL = 256, SIDE_MOST = 512 };

static const vi_model_role *role_of(const vi_model_row *row, const char *tensor, int at)
{
    char number[16];
    snprintf(number, sizeof number, "#%d", at);
    for (int i = 0; i < row->n_role; ++i)
        if (!row->tensor[i].output && (strcmp(row->tensor[i].tensor, tensor) == 0 || strcmp(row->tensor[i].tensor, number) == 0))
            return &row->tensor[i];
    return NULL;
}

void vi_models_usual_size(const vi_model_row *row, const char *tensor, int at, const int64_t *dim, int n_dim, vi_profile *p)
{
    const vi_model_role *role = role_of(row, tensor, at);
    p->n_dim = n_dim;
    for (int k = 0; k < n_dim; ++k) {
        bool side = n_dim == 4 && (row->nhwc ? k == 1 || k == 2 : k >= 2);
        bool said = role && role->n_dim == n_dim && role->dim[k] > 0;
        int64_t usual = dim[k] > 0 ? dim[k] : said ? role->dim[k] : side ? SIDE_USUAL : 1;
        bool open = dim[k] <= 0 && side;
        p->opt[k] = usual;
        p->min[k] = open ? VI_MIN(usual, SIDE_LEAST) : usual;
        p->max[k] = open ? VI_MAX(usual, SIDE_MOST) : usual;
    }
}

/* Sizes for the inputs with free dimensions. What cannot be told is left out: the runtime finds its own way then. */
static void fill_profiles(const vi_model_row *row, const uint8_t *data, size_t size, vi_model_load *l)
{
    vi_onnx_signature *s = vi_calloc(1, sizeof *s);
    bool read = s && !vi_onnx_read_signature(data, size, s);
    int n = 0;
    for (int i = 0; read && i < s->n_in && n < VI_MAX_ROLES; ++i) {
        bool open = false;
        for (int k = 0; k < s->in[i].n_dim; ++k)
            open = open || s->in[i].dim[k] <= 0;
        if (!open)
            continue;
        snprintf(l->input[n], sizeof l->input[n], "%s", s->in[i].name);
        l->profile[n].input = l->input[n];
        vi_models_usual_size(row, s->in[i].name, i, s->in[i].dim, s->in[i].n_dim, &l->profile[n]);
        ++n;
    }
    l->p.profile = l->profile;
    l->p.n_profile = n;
    vi_free(s);
}

/* "auto" for one model lifts its hint and what is chosen for the others. */
static int policy_of(const vi_models *m, const vi_model_row *row, vi_device_policy *p, viso_error *err)
{
    const vi_model_entry *e = &m->entry[row - m->row];
    return strcmp(e->instead, "auto") == 0 ? vi_device_policy_make(p, "auto", NULL, NULL, m->strict, err)
                                           : vi_device_policy_make(p, m->provider, row->provider_hint, e->instead, m->strict, err);
}

bool vi_models_may_leave_cpu(const vi_models *m, const vi_model_row *row)
{
    vi_device_policy p;
    return policy_of(m, row, &p, NULL) == 0 && p.order[0] != VI_CPU;
}

int vi_models_prepare(vi_models *m, const vi_model_row *row, const vi_model_file *f, vi_model_load *l, viso_error *err)
{
    char why[240];
    bool device = false;
    int code = policy_of(m, row, &l->policy, err);
    if (code)
        return code;
    l->p = (vi_session_params){.data = f->data, .size = f->size, .folder = f->folder, .name = row->id, .intra_threads = m->intra_threads,
                               .policy = &l->policy, .cache_dir = m->cache_dir, .warm_up = m->warm_up, .no_graphs = m->no_graphs};
    for (int i = 0; i < l->policy.n_order && !device; ++i)
        device = l->policy.order[i] != VI_CPU && vi_runtime_usable(m->runtime, l->policy.order[i], why, sizeof why);
    if (!device)
        return 0; /* what follows takes time and is for devices */
    if (strcmp(row->precision_hint, "fp16") == 0)
        l->p.precision = VI_FP16;
    if (row->sha256[0])
        snprintf(l->digest, sizeof l->digest, "%s", row->sha256);
    else
        vi_sha256(f->data, f->size, l->digest);
    l->p.digest = l->digest;
    fill_profiles(row, f->data, f->size, l);
    return 0;
}

/* --- afterwards ------------------------------------------------------------------------------------------------- */

void vi_models_counts(vi_models *m, vi_device_counts *c)
{
    memset(c, 0, sizeof *c);
    pthread_mutex_lock(&m->lock);
    if (m->runtime)
        vi_runtime_counts(m->runtime, c);
    pthread_mutex_unlock(&m->lock);
}

int vi_models_uses(vi_models *m, vi_model_use *list, int max)
{
    int n = 0;
    for (int i = 0; i < m->n_row && n < max; ++i) {
        vi_model_entry *e = &m->entry[i];
        pthread_mutex_lock(&e->lock);
        if (e->session) {
            vi_model_use *u = &list[n++];
            *u = (vi_model_use){.row = &m->row[i], .load_ms = e->load_ms};
            snprintf(u->provider, sizeof u->provider, "%s", vi_session_provider(e->session));
            vi_session_fell_back(e->session, u->fell_back, sizeof u->fell_back);
        }
        pthread_mutex_unlock(&e->lock);
    }
    return n;
}
