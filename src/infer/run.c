/* infer/run.c: one running context over a session: memory for its inputs and outputs, bound once for each provider that
 * the session comes to. One thread.
 *
 * The host memory belongs to the run and stays while providers come and go: that is why the same inputs can be run again. */
#include <string.h>

#include "infer/session.h"

struct vi_run {
    vi_session *session;
    vi_loaded *loaded; /* what `context` is bound to */
    void *context;
    int n_in, n_out;
    vi_slot *in, *out;
};

static const vi_tensor_info *find(const vi_tensor_info *info, int n, const char *name)
{
    for (int i = 0; i < n; ++i)
        if (strcmp(info[i].name, name) == 0)
            return &info[i];
    return NULL;
}

/* Some networks with a free input size still declare their outputs for one size (YuNet 2023). There the caller's word
 * stands against the declaration; the runtime takes no memory of ours then, so the result is checked and copied. */
static bool outputs_may_differ(const vi_session *s)
{
    for (int i = 0; i < s->n_in; ++i)
        for (int k = 0; k < s->in[i].n_dim; ++k)
            if (s->in[i].dim[k] < 0)
                return true;
    return false;
}

static int resolve_shape(const vi_session *s, const vi_tensor_info *t, const vi_binding *b, bool strict, int64_t *dim,
                         size_t *elements, bool *differs, viso_error *err)
{
    *differs = false;
    if (b->dim && b->n_dim != t->n_dim)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: tensor '%s' has %d dimensions, %d given", s->name, t->name, t->n_dim,
                            b->n_dim);
    *elements = 1;
    for (int i = 0; i < t->n_dim; ++i) {
        dim[i] = b->dim ? b->dim[i] : t->dim[i] < 0 ? 1 : t->dim[i];
        *differs |= t->dim[i] >= 0 && dim[i] != t->dim[i];
        if (dim[i] < 0 || (strict && *differs))
            return vi_error_set(err, VISO_ERR_MODEL, "%s: tensor '%s': dimension %d is %lld in the network, %lld given",
                                s->name, t->name, i, (long long)t->dim[i], (long long)dim[i]);
        if (__builtin_mul_overflow(*elements, (size_t)dim[i], elements) || *elements > SIZE_MAX / 16)
            return vi_error_set(err, VISO_ERR_MODEL, "%s: tensor '%s' is too large", s->name, t->name);
    }
    return 0;
}

static int make_slot(const vi_run *r, const vi_binding *b, bool output, vi_slot *to, viso_error *err)
{
    const vi_session *s = r->session;
    const vi_tensor_info *t = output ? find(s->out, s->n_out, b->name) : find(s->in, s->n_in, b->name);
    if (!t)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: the network has no %s named '%s'", s->name, output ? "output" : "input",
                            b->name);
    int code = resolve_shape(s, t, b, !output || !outputs_may_differ(s), to->dim, &to->elements, &to->loose, err);
    if (code)
        return code;
    to->info = t;
    to->bytes = to->elements * vi_dtype_size(t->type);
    to->host = vi_calloc(1, to->bytes);
    return to->host ? 0 : vi_error_nomem(err, s->name);
}

static int all_inputs_given(const vi_session *s, const vi_binding *in, int n_in, viso_error *err)
{
    for (int i = 0; i < s->n_in; ++i) {
        bool given = false;
        for (int k = 0; k < n_in; ++k)
            given |= strcmp(in[k].name, s->in[i].name) == 0;
        if (!given)
            return vi_error_set(err, VISO_ERR_MODEL, "%s: the network's input '%s' is not bound", s->name, s->in[i].name);
    }
    return 0;
}

static int make_slots(vi_run *r, const vi_binding *in, int n_in, const vi_binding *out, int n_out, viso_error *err)
{
    const vi_session *s = r->session;
    r->in = vi_calloc((size_t)n_in, sizeof *r->in);
    r->out = vi_calloc((size_t)n_out, sizeof *r->out);
    if (!r->in || !r->out)
        return vi_error_nomem(err, s->name);
    r->n_in = n_in;
    r->n_out = n_out;
    int code = all_inputs_given(s, in, n_in, err);
    for (int i = 0; i < n_in && !code; ++i)
        code = make_slot(r, &in[i], false, &r->in[i], err);
    for (int i = 0; i < n_out && !code; ++i)
        code = make_slot(r, &out[i], true, &r->out[i], err);
    return code;
}

/* --- binding ---------------------------------------------------------------------------------------------------- */

static void unbind(vi_run *r)
{
    vi_devices *d = r->session->devices;
    if (r->context)
        d->backend->unbind(d->self, r->context);
    r->context = NULL;
    vi_session_drop(r->session, r->loaded);
    r->loaded = NULL;
}

/* Binds to what the session runs on now. */
static int rebind(vi_run *r, viso_error *err)
{
    vi_session *s = r->session;
    vi_devices *d = s->devices;
    unbind(r);
    r->loaded = vi_session_hold(s);
    int code = d->backend->bind(d->self, r->loaded->graph, s->name, r->in, r->n_in, r->out, r->n_out, &r->context, err);
    /* The shapes fit the graph, so it is the device that does not take them. */
    return code && code != VISO_ERR_NO_SPACE && r->loaded->provider != VI_CPU ? VISO_ERR_DEVICE : code;
}

/* Rebinds; a provider that does not take it is left for the next one. */
static int settle(vi_run *r, viso_error *err)
{
    for (;;) {
        viso_error why = {0};
        int code = rebind(r, &why);
        if (code != VISO_ERR_DEVICE)
            return code ? vi_error_set(err, code, "%s", why.text) : 0;
        code = vi_session_move(r->session, r->loaded, &why, err);
        if (code)
            return code;
    }
}

int vi_run_create(vi_run **out_run, vi_session *s, const vi_binding *in, int n_in, const vi_binding *out, int n_out,
                  viso_error *err)
{
    vi_run *r = vi_calloc(1, sizeof *r);
    *out_run = NULL;
    if (!r)
        return vi_error_nomem(err, s->name);
    r->session = s;
    int code = make_slots(r, in, n_in, out, n_out, err);
    if (!code)
        code = settle(r, err);
    if (code) {
        vi_run_destroy(&r);
        return code;
    }
    *out_run = r;
    return 0;
}

static void free_slots(vi_slot *slots, int n)
{
    for (int i = 0; i < n && slots; ++i)
        vi_free(slots[i].host);
    vi_free(slots);
}

void vi_run_destroy(vi_run **run)
{
    vi_run *r = *run;
    if (!r)
        return;
    *run = NULL;
    unbind(r);
    free_slots(r->in, r->n_in);
    free_slots(r->out, r->n_out);
    vi_free(r);
}

void *vi_run_input(vi_run *r, int i, size_t *elements)
{
    if (elements)
        *elements = r->in[i].elements;
    return r->in[i].host;
}

const void *vi_run_output(vi_run *r, int i, size_t *elements)
{
    if (elements)
        *elements = r->out[i].elements;
    return r->out[i].host;
}

/* --- running ---------------------------------------------------------------------------------------------------- */

/* Slots without device memory are not copied. */
static int copy_all(vi_run *r, vi_slot *slots, int n, vi_direction direction, viso_error *err)
{
    vi_devices *d = r->session->devices;
    int code = 0;
    for (int i = 0; i < n && !code; ++i) {
        if (!slots[i].device)
            continue;
        code = d->backend->copy(d->self, r->context, &slots[i], direction, err);
        atomic_fetch_add_explicit(&d->host_copies, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&d->host_bytes, slots[i].bytes, memory_order_relaxed);
    }
    return code;
}

static int run_once(vi_run *r, viso_error *err)
{
    vi_devices *d = r->session->devices;
    int code = copy_all(r, r->in, r->n_in, VI_TO_DEVICE, err);
    if (!code)
        code = d->backend->run(d->self, r->context, err);
    return code ? code : copy_all(r, r->out, r->n_out, VI_TO_HOST, err);
}

int vi_run_now(vi_run *r, viso_error *err)
{
    vi_session *s = r->session;
    for (;;) {
        viso_error why = {0};
        bool moved = !r->context || r->loaded->generation != atomic_load_explicit(&s->generation, memory_order_acquire);
        int code = moved ? settle(r, &why) : 0;
        if (code)
            return vi_error_set(err, code, "%s", why.text);
        code = run_once(r, &why);
        if (code != VISO_ERR_DEVICE)
            return code ? vi_error_set(err, code, "%s", why.text) : 0;
        code = vi_session_move(s, r->loaded, &why, err);
        if (code)
            return code;
        atomic_fetch_add(&s->devices->reruns, 1);
    }
}
