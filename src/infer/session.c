/* infer/session.c: a model on whichever provider works. Thread-safe.
 *
 * The session knows the graph's tensors and holds one loaded graph at a time. Runs hold the graph they are bound to; when
 * a provider fails, the first run to notice loads the next one under the lock, the others wait there or find it done. */
#include "infer/session.h"

#include <stdio.h>
#include <string.h>

size_t vi_dtype_size(vi_dtype type)
{
    static const size_t size[] = {[VI_F32] = 4, [VI_F16] = 2, [VI_I32] = 4, [VI_I64] = 8, [VI_U8] = 1, [VI_BOOL] = 1, [VI_F64] = 8};
    return (size_t)type < VI_COUNT(size) ? size[type] : 0;
}

/* --- choosing --------------------------------------------------------------------------------------------------- */

/* Providers that failed during one search. They are switched off only when a later one loads: a model that loads nowhere
 * is itself at fault. */
typedef struct faults {
    viso_error why[VI_PROVIDERS + 1];
} faults;

static int strict_error(const vi_session *s, vi_provider p, const char *why, viso_error *err)
{
    return vi_error_set(err, VISO_ERR_DEVICE, "%s: %s cannot be used and no other device may be: %s", s->name,
                        vi_provider_name(p), why);
}

static int load_on(vi_session *s, vi_provider p, const void *data, size_t size, vi_loaded *l, viso_error *err)
{
    vi_devices *d = s->devices;
    const vi_load how = {.name = s->name, .data = data, .size = size, .folder = s->folder, .provider = p, .threads = s->threads,
                         .graphs = !s->no_graphs, .digest = s->digest, .cache_dir = s->cache_dir, .precision = s->precision,
                         .profile = s->profile, .n_profile = s->n_profile};
    int code = d->backend->load(d->self, &how, &l->graph, err);
    atomic_fetch_add(code ? &d->failures[p] : &d->loads[p], 1);
    if (code == 0)
        l->provider = p;
    return code;
}

/* From order[next] on. */
static int search(vi_session *s, const void *data, size_t size, faults *f, vi_loaded *l, viso_error *err)
{
    const vi_device_policy *policy = &s->policy;
    for (; s->next < policy->n_order; ++s->next) {
        vi_provider p = policy->order[s->next];
        viso_error why = {0};
        char reason[240] = "";
        bool last = s->next == policy->n_order - 1;
        if (!vi_devices_usable(s->devices, p, reason, sizeof reason)) {
            if (last || (policy->strict && policy->named))
                return strict_error(s, p, reason, err);
            /* Asked for by name, or switched off by a failure: not in silence. */
            if ((policy->named && s->next == 0) || vi_devices_off(s->devices, p))
                vi_error_set(&f->why[p], VISO_ERR_DEVICE, "%s", reason);
            continue;
        }
        int code = load_on(s, p, data, size, l, &why);
        if (code == 0) {
            s->next++;
            return 0;
        }
        if (code == VISO_ERR_NO_SPACE || (last && p == VI_CPU))
            return vi_error_set(err, code, "%s", why.text);
        if (last || policy->strict)
            return strict_error(s, p, why.text, err);
        f->why[p] = why;
    }
    return vi_error_set(err, VISO_ERR_DEVICE, "%s: no device is left to run on", s->name);
}

/* Puts a newly loaded graph in place of the present one; the lock is held (or nobody knows the session yet). */
static int load_next(vi_session *s, const void *data, size_t size, faults *f, viso_error *err)
{
    vi_loaded *l = vi_calloc(1, sizeof *l), *old = s->now;
    if (!l)
        return vi_error_nomem(err, s->name);
    int code = search(s, data, size, f, l, err);
    if (code) {
        vi_free(l);
        return code;
    }
    for (int p = 1; p <= VI_PROVIDERS; ++p) {
        if (!f->why[p].text[0])
            continue;
        vi_devices_switch_off(s->devices, p, f->why[p].text, s->name, l->provider);
        if (!s->fell[0])
            snprintf(s->fell, sizeof s->fell, "%s: %.240s", vi_provider_name(p), f->why[p].text);
    }
    l->holders = 1;
    l->generation = old ? old->generation + 1 : 1;
    s->now = l;
    atomic_store_explicit(&s->generation, l->generation, memory_order_release);
    if (old && --old->holders == 0) {
        s->devices->backend->unload(s->devices->self, old->graph);
        vi_free(old);
    }
    return 0;
}

int vi_session_move(vi_session *s, const vi_loaded *failed, const viso_error *why, viso_error *err)
{
    faults f = {0};
    pthread_mutex_lock(&s->lock);
    int code = 0;
    atomic_fetch_add(&s->devices->failures[failed->provider], 1);
    if (s->now == failed) {
        if (s->policy.strict)
            code = strict_error(s, failed->provider, why->text, err);
        else if (s->next >= s->policy.n_order || !s->data)
            code = vi_error_set(err, VISO_ERR_DEVICE, "%s", why->text);
        f.why[failed->provider] = *why;
        if (!code)
            code = load_next(s, s->data, s->size, &f, err);
    }
    if (!code && s->next >= s->policy.n_order) {
        vi_free(s->data);
        s->data = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    return code;
}

vi_loaded *vi_session_hold(vi_session *s)
{
    pthread_mutex_lock(&s->lock);
    vi_loaded *l = s->now;
    l->holders++;
    pthread_mutex_unlock(&s->lock);
    return l;
}

void vi_session_drop(vi_session *s, vi_loaded *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&s->lock);
    bool last = --l->holders == 0;
    pthread_mutex_unlock(&s->lock);
    if (last) {
        s->devices->backend->unload(s->devices->self, l->graph);
        vi_free(l);
    }
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

/* A later load needs them, when the caller's are gone. */
static int keep_settings(vi_session *s, const vi_session_params *p, viso_error *err)
{
    s->no_graphs = p->no_graphs;
    s->folder = p->folder ? vi_strdup(p->folder) : NULL;
    if (p->folder && !s->folder)
        return vi_error_nomem(err, s->name);
    s->precision = p->precision ? p->precision : VI_FP32;
    if (s->policy.order[0] == VI_CPU)
        return 0;
    s->digest = p->digest ? vi_strdup(p->digest) : NULL;
    s->cache_dir = p->cache_dir ? vi_strdup(p->cache_dir) : NULL;
    s->profile = p->n_profile ? vi_calloc((size_t)p->n_profile, sizeof *s->profile) : NULL;
    if ((p->digest && !s->digest) || (p->cache_dir && !s->cache_dir) || (p->n_profile && !s->profile))
        return vi_error_nomem(err, s->name);
    for (int i = 0; i < p->n_profile; ++i) {
        s->profile[i] = p->profile[i];
        s->profile[i].input = vi_strdup(p->profile[i].input);
        s->n_profile = i + 1;
        if (!s->profile[i].input)
            return vi_error_nomem(err, s->name);
    }
    return 0;
}

static int open_model(vi_session *s, const vi_session_params *p, viso_error *err)
{
    faults f = {0};
    uint8_t *file = NULL;
    const void *data = p->data;
    size_t size = p->size;
    int code = p->path ? vi_file_read(p->path, SIZE_MAX / 2, &file, &size, err) : 0;
    if (p->path)
        data = file;
    if (!code)
        code = load_next(s, data, size, &f, err);
    if (!code && s->next < s->policy.n_order) {
        s->data = file ? file : vi_alloc(VI_MAX(size, 1));
        s->size = size;
        if (!s->data)
            code = vi_error_nomem(err, s->name);
        else if (!file)
            memcpy(s->data, data, size);
        file = NULL;
    }
    vi_free(file);
    return code;
}

int vi_session_open(vi_session **out, vi_runtime *rt, const vi_session_params *p, viso_error *err)
{
    vi_session *s = vi_calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return vi_error_nomem(err, "session");
    s->devices = vi_devices_hold(vi_runtime_devices(rt));
    s->policy = p->policy ? *p->policy : (vi_device_policy){.order = {VI_CPU}, .n_order = 1};
    s->threads = VI_MAX(p->intra_threads, 1);
    snprintf(s->name, sizeof s->name, "%s", p->name ? p->name : p->path ? vi_base_name(p->path) : "network");
    s->has_lock = pthread_mutex_init(&s->lock, NULL) == 0;
    int code = s->has_lock ? keep_settings(s, p, err) : vi_error_nomem(err, s->name);
    if (!code)
        code = open_model(s, p, err);
    if (!code)
        code = s->devices->backend->describe(s->devices->self, s->now->graph, s->name, &s->in, &s->n_in, &s->out, &s->n_out,
                                             err);
    if (!code && p->warm_up && s->now->provider != VI_CPU)
        code = vi_session_warm_up(s, NULL, err);
    if (code) {
        vi_session_close(&s);
        return code;
    }
    *out = s;
    return 0;
}

void vi_session_close(vi_session **session)
{
    vi_session *s = *session;
    if (!s)
        return;
    *session = NULL;
    vi_session_drop(s, s->now);
    if (s->has_lock)
        pthread_mutex_destroy(&s->lock);
    vi_devices_release(s->devices);
    for (int i = 0; i < s->n_profile; ++i)
        vi_free((char *)s->profile[i].input);
    vi_free(s->profile);
    vi_free(s->digest);
    vi_free(s->cache_dir);
    vi_free(s->folder);
    vi_free(s->data);
    vi_free(s->in);
    vi_free(s->out);
    vi_free(s);
}

int vi_session_inputs(const vi_session *s, const vi_tensor_info **info)
{
    *info = s->in;
    return s->n_in;
}

int vi_session_outputs(const vi_session *s, const vi_tensor_info **info)
{
    *info = s->out;
    return s->n_out;
}

bool vi_session_fell_back(const vi_session *s, char *why, size_t room)
{
    vi_session *open = (vi_session *)s;
    pthread_mutex_lock(&open->lock);
    snprintf(why, room, "%s", s->fell);
    pthread_mutex_unlock(&open->lock);
    return why[0] != 0;
}

const char *vi_session_provider(const vi_session *s)
{
    vi_session *open = (vi_session *)s; /* the lock is no part of what the caller sees */
    pthread_mutex_lock(&open->lock);
    vi_provider p = s->now->provider;
    pthread_mutex_unlock(&open->lock);
    return vi_provider_name(p);
}
