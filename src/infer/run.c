/* infer/run.c: one running context over a session: memory for its inputs and outputs, bound once for each provider that
 * the session comes to. One thread.
 *
 * The host memory belongs to the run and stays while providers come and go: that is why the same inputs can be run again. */
#include <stdio.h>
#include <string.h>

#include "infer/session.h"

/* What a run knows of a tensor beyond its slot. */
typedef struct wire {
    vi_run *from; /* input: the run whose output it is; its host memory is that one's */
    int output;
    bool stay;    /* output: not brought to the host unless asked for */
    bool stale;   /* output: the device has newer values than the host */
} wire;

struct vi_run {
    vi_session *session;
    vi_loaded *loaded; /* what `context` is bound to */
    void *context;
    bool ran;          /* the outputs hold a result */
    int n_in, n_out;
    vi_slot *in, *out;
    wire *feed, *result; /* for each of `in`, `out` */
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

static int make_slot(const vi_run *r, const vi_binding *b, bool output, vi_slot *to, wire *w, viso_error *err)
{
    const vi_session *s = r->session;
    const vi_tensor_info *t = output ? find(s->out, s->n_out, b->name) : find(s->in, s->n_in, b->name);
    if (!t)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: the network has no %s named '%s'", s->name, output ? "output" : "input",
                            b->name);
    if (output && b->any) {
        *to = (vi_slot){.info = t, .loose = true, .any = true};
        *w = (wire){0};
        return 0;
    }
    int code = resolve_shape(s, t, b, !output || !outputs_may_differ(s), to->dim, &to->elements, &to->loose, err);
    if (code)
        return code;
    to->info = t;
    to->bytes = to->elements * vi_dtype_size(t->type);
    *w = (wire){.from = output ? NULL : b->from, .output = b->output, .stay = output && b->stay};
    if (!w->from) {
        to->host = vi_calloc(1, to->bytes);
        return to->host ? 0 : vi_error_nomem(err, s->name);
    }
    const vi_slot *source = b->output >= 0 && b->output < w->from->n_out ? &w->from->out[b->output] : NULL;
    if (!source || source->info->type != t->type || source->elements != to->elements)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: input '%s' has another type or size than output '%s' of %s", s->name,
                            t->name, source ? source->info->name : "?", w->from->session->name);
    to->host = source->host;
    return 0;
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
    r->feed = vi_calloc((size_t)n_in, sizeof *r->feed);
    r->result = vi_calloc((size_t)n_out, sizeof *r->result);
    if (!r->in || !r->out || !r->feed || !r->result)
        return vi_error_nomem(err, s->name);
    r->n_in = n_in;
    r->n_out = n_out;
    int code = all_inputs_given(s, in, n_in, err);
    for (int i = 0; i < n_in && !code; ++i)
        code = make_slot(r, &in[i], false, &r->in[i], &r->feed[i], err);
    for (int i = 0; i < n_out && !code; ++i)
        code = make_slot(r, &out[i], true, &r->out[i], &r->result[i], err);
    return code;
}

/* --- binding ---------------------------------------------------------------------------------------------------- */

static void unbind(vi_run *r)
{
    vi_devices *d = r->session->devices;
    if (r->context)
        d->backend->unbind(d->self, r->context);
    r->context = NULL;
    r->ran = false;
    vi_session_drop(r->session, r->loaded);
    r->loaded = NULL;
}

/* Device memory of the run that feeds this input, when both are on the device. */
static void *lent(const vi_run *r, int i)
{
    const wire *w = &r->feed[i];
    return w->from && r->loaded->provider != VI_CPU ? w->from->out[w->output].device : NULL;
}

static bool feeds_changed(const vi_run *r)
{
    for (int i = 0; i < r->n_in; ++i)
        if (r->feed[i].from && (r->in[i].borrowed ? r->in[i].device : NULL) != lent(r, i))
            return true;
    return false;
}

/* Binds to what the session runs on now. */
static int rebind(vi_run *r, viso_error *err)
{
    vi_session *s = r->session;
    vi_devices *d = s->devices;
    unbind(r);
    r->loaded = vi_session_hold(s);
    for (int i = 0; i < r->n_in; ++i) {
        if (!r->feed[i].from)
            continue;
        r->in[i].device = lent(r, i);
        r->in[i].borrowed = r->in[i].device != NULL;
    }
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

static void free_slots(vi_slot *slots, wire *wires, int n)
{
    for (int i = 0; i < n && slots && wires; ++i)
        if (!wires[i].from)
            vi_free(slots[i].host);
    vi_free(slots);
    vi_free(wires);
}

void vi_run_destroy(vi_run **run)
{
    vi_run *r = *run;
    if (!r)
        return;
    *run = NULL;
    unbind(r);
    free_slots(r->in, r->feed, r->n_in);
    free_slots(r->out, r->result, r->n_out);
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

static void count_copy(vi_devices *d, const vi_slot *slot)
{
    atomic_fetch_add_explicit(&d->host_copies, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&d->host_bytes, slot->bytes, memory_order_relaxed);
}

static int copy(vi_run *r, vi_slot *slot, vi_direction direction, viso_error *err)
{
    vi_devices *d = r->session->devices;
    count_copy(d, slot);
    return d->backend->copy(d->self, r->context, slot, direction, err);
}

int vi_run_fetch(vi_run *r, int i, viso_error *err)
{
    viso_error why = {0};
    if (!r->ran)
        return vi_error_set(err, VISO_ERR_INTERNAL, "%s: output %d is asked for before a run", r->session->name, i);
    if (!r->result[i].stale)
        return 0;
    int code = copy(r, &r->out[i], VI_TO_HOST, &why);
    if (code == VISO_ERR_DEVICE) { /* the device is gone with the result; the inputs are still here */
        code = vi_session_move(r->session, r->loaded, &why, err);
        if (!code)
            atomic_fetch_add(&r->session->devices->reruns, 1);
        if (!code)
            code = vi_run_now(r, err);
        return code ? code : vi_run_fetch(r, i, err);
    }
    r->result[i].stale = code != 0;
    return code ? vi_error_set(err, code, "%s", why.text) : 0;
}

static int bring_inputs(vi_run *r, viso_error *err)
{
    int code = 0;
    for (int i = 0; i < r->n_in && !code; ++i)
        if (r->in[i].device && !r->in[i].borrowed)
            code = copy(r, &r->in[i], VI_TO_DEVICE, err);
    return code;
}

static int take_outputs(vi_run *r, viso_error *err)
{
    int code = 0;
    for (int i = 0; i < r->n_out && !code; ++i) {
        bool away = r->out[i].device != NULL;
        r->result[i].stale = away && r->result[i].stay;
        if (away && !r->result[i].stay)
            code = copy(r, &r->out[i], VI_TO_HOST, err);
        else if (r->out[i].loose && r->loaded->provider != VI_CPU)
            count_copy(r->session->devices, &r->out[i]); /* the layer beneath made it */
    }
    r->ran = !code;
    return code;
}

/* Feeds that are not borrowed come through the host. May run the other network again when its device is gone, which
 * moves its memory: before anything is bound to it. */
static int ready_feeds(const vi_run *r, viso_error *err)
{
    int code = 0;
    for (int i = 0; i < r->n_in && !code; ++i) {
        const wire *w = &r->feed[i];
        if (!w->from)
            continue;
        if (!w->from->ran)
            code = vi_error_set(err, VISO_ERR_INTERNAL, "%s: '%s', which feeds it, has not run", r->session->name,
                                w->from->session->name);
        else if (!r->loaded || !lent(r, i))
            code = vi_run_fetch(w->from, w->output, err);
    }
    return code;
}

static int run_once(vi_run *r, viso_error *err)
{
    vi_devices *d = r->session->devices;
    int code = bring_inputs(r, err);
    if (!code)
        code = d->backend->run(d->self, r->context, err);
    return code ? code : take_outputs(r, err);
}

static int run_until_done(vi_run *r, viso_error *err)
{
    vi_session *s = r->session;
    for (;;) {
        viso_error why = {0};
        bool moved = !r->context || r->loaded->generation != atomic_load_explicit(&s->generation, memory_order_acquire);
        int code = moved || feeds_changed(r) ? settle(r, err) : 0;
        if (!code)
            code = ready_feeds(r, err);
        if (!code && feeds_changed(r))
            code = settle(r, err);
        if (code)
            return code;
        code = run_once(r, &why);
        if (code != VISO_ERR_DEVICE)
            return code ? vi_error_set(err, code, "%s", why.text) : 0;
        code = vi_session_move(s, r->loaded, &why, err);
        if (code)
            return code;
        atomic_fetch_add(&s->devices->reruns, 1);
    }
}

int vi_run_now(vi_run *r, viso_error *err)
{
    vi_span span = vi_trace_begin(VI_TRACE_NETWORK, r->session->name);
    int code = run_until_done(r, err);
    vi_trace_end_noted(&span, r->loaded ? vi_provider_name(r->loaded->provider) : NULL);
    return code;
}

/* --- warming up ------------------------------------------------------------------------------------------------- */

static const vi_profile *profile_of(const vi_session *s, const char *input)
{
    for (int i = 0; i < s->n_profile; ++i)
        if (strcmp(s->profile[i].input, input) == 0)
            return &s->profile[i];
    return NULL;
}

static bool is_open(const vi_tensor_info *t)
{
    for (int k = 0; k < t->n_dim; ++k)
        if (t->dim[k] < 0)
            return true;
    return false;
}

/* Outputs need no memory of ours: whatever shape they come in, they are dropped. */
static int warm_slots(vi_run *r, const vi_binding *in, viso_error *err)
{
    vi_session *s = r->session;
    int code = make_slots(r, in, s->n_in, NULL, 0, err);
    vi_free(r->out);
    r->out = code ? NULL : vi_calloc((size_t)s->n_out, sizeof *r->out);
    vi_free(r->result);
    r->result = code ? NULL : vi_calloc((size_t)s->n_out, sizeof *r->result);
    if (!code && (!r->out || !r->result))
        return vi_error_nomem(err, s->name);
    for (int i = 0; i < s->n_out && !code; ++i)
        r->out[i] = (vi_slot){.info = &s->out[i], .loose = true};
    r->n_out = code ? 0 : s->n_out;
    return code;
}

int vi_session_warm_up(vi_session *s, double *ms, viso_error *err)
{
    vi_run *r = vi_calloc(1, sizeof *r);
    vi_binding *in = vi_calloc((size_t)s->n_in, sizeof *in);
    bool ready = true;
    int code = r && in ? 0 : vi_error_nomem(err, s->name);
    for (int i = 0; i < s->n_in && !code; ++i) {
        const vi_profile *p = profile_of(s, s->in[i].name);
        in[i] = (vi_binding){.name = s->in[i].name, .dim = p ? p->opt : NULL, .n_dim = p ? p->n_dim : 0};
        ready = ready && (p || !is_open(&s->in[i]));
    }
    uint64_t begin = vi_now_ns();
    if (!code && ready) {
        r->session = s;
        code = warm_slots(r, in, err);
        if (!code)
            code = settle(r, err);
        if (!code)
            code = vi_run_now(r, err);
    }
    double took = ready && !code ? (double)(vi_now_ns() - begin) * 1e-6 : 0;
    if (r && r->session)
        vi_run_destroy(&r);
    vi_free(r);
    vi_free(in);
    if (ms)
        *ms = took;
    return code;
}
