/* infer/run.c: one running context over a session: memory for its inputs and outputs, bound once. One thread. */
#include <string.h>

#include "infer/internal.h"

typedef struct slot {
    void *memory; /* 64-byte aligned */
    size_t elements, bytes;
    OrtValue *value; /* over the memory; NULL: the runtime allocates and the result is copied */
} slot;

struct vi_run {
    vi_session *session;
    OrtIoBinding *binding;
    OrtMemoryInfo *memory;
    int n_in, n_out;
    slot *in, *out;
    bool copies; /* some output is copied */
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

static int bind(vi_run *r, const vi_binding *b, bool output, slot *to, viso_error *err)
{
    const vi_session *s = r->session;
    const OrtApi *api = vi_ort_api(s->ort);
    const vi_tensor_info *t = output ? find(s->out, s->n_out, b->name) : find(s->in, s->n_in, b->name);
    int64_t dim[VI_MAX_DIMS];
    if (!t)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: the network has no %s named '%s'", s->name, output ? "output" : "input",
                            b->name);
    bool differs;
    int code = resolve_shape(s, t, b, !output || !outputs_may_differ(s), dim, &to->elements, &differs, err);
    if (code)
        return code;
    to->bytes = to->elements * vi_dtype_size(t->type);
    to->memory = vi_calloc(1, to->bytes);
    if (!to->memory)
        return vi_error_nomem(err, s->name);
    if (differs) {
        r->copies = true;
        return vi_ort_check(api, api->BindOutputToDevice(r->binding, t->name, r->memory), VISO_ERR_MODEL, s->name, t->name, err);
    }
    OrtStatus *status = api->CreateTensorWithDataAsOrtValue(r->memory, to->memory, to->bytes, dim, (size_t)t->n_dim,
                                                            vi_ort_type(t->type), &to->value);
    if (!status)
        status = output ? api->BindOutput(r->binding, t->name, to->value) : api->BindInput(r->binding, t->name, to->value);
    return vi_ort_check(api, status, VISO_ERR_MODEL, s->name, t->name, err);
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

static int fill(vi_run *r, const vi_binding *in, int n_in, const vi_binding *out, int n_out, viso_error *err)
{
    const vi_session *s = r->session;
    const OrtApi *api = vi_ort_api(s->ort);
    r->in = vi_calloc((size_t)n_in, sizeof *r->in);
    r->out = vi_calloc((size_t)n_out, sizeof *r->out);
    if (!r->in || !r->out)
        return vi_error_nomem(err, s->name);
    r->n_in = n_in;
    r->n_out = n_out;
    OrtStatus *status = api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &r->memory);
    if (!status)
        status = api->CreateIoBinding(s->session, &r->binding);
    int code = vi_ort_check(api, status, VISO_ERR_MODEL, s->name, "binding", err);
    if (!code)
        code = all_inputs_given(s, in, n_in, err);
    for (int i = 0; i < n_in && !code; ++i)
        code = bind(r, &in[i], false, &r->in[i], err);
    for (int i = 0; i < n_out && !code; ++i)
        code = bind(r, &out[i], true, &r->out[i], err);
    return code;
}

int vi_run_create(vi_run **out_run, vi_session *s, const vi_binding *in, int n_in, const vi_binding *out, int n_out,
                  viso_error *err)
{
    vi_run *r = vi_calloc(1, sizeof *r);
    *out_run = NULL;
    if (!r)
        return vi_error_nomem(err, s->name);
    r->session = s;
    int code = fill(r, in, n_in, out, n_out, err);
    if (code) {
        vi_run_destroy(&r);
        return code;
    }
    *out_run = r;
    return 0;
}

static void free_slots(const OrtApi *api, slot *slots, int n)
{
    for (int i = 0; i < n && slots; ++i) {
        if (slots[i].value)
            api->ReleaseValue(slots[i].value);
        vi_free(slots[i].memory);
    }
    vi_free(slots);
}

void vi_run_destroy(vi_run **run)
{
    vi_run *r = *run;
    if (!r)
        return;
    *run = NULL;
    const OrtApi *api = vi_ort_api(r->session->ort);
    if (r->binding)
        api->ReleaseIoBinding(r->binding);
    free_slots(api, r->in, r->n_in);
    free_slots(api, r->out, r->n_out);
    if (r->memory)
        api->ReleaseMemoryInfo(r->memory);
    vi_free(r);
}

void *vi_run_input(vi_run *r, int i, size_t *elements)
{
    if (elements)
        *elements = r->in[i].elements;
    return r->in[i].memory;
}

const void *vi_run_output(vi_run *r, int i, size_t *elements)
{
    if (elements)
        *elements = r->out[i].elements;
    return r->out[i].memory;
}

static int copy_one(const vi_run *r, int i, OrtValue *value, viso_error *err)
{
    const vi_session *s = r->session;
    const OrtApi *api = vi_ort_api(s->ort);
    OrtTensorTypeAndShapeInfo *shape = NULL;
    size_t elements = 0;
    void *data = NULL;
    OrtStatus *status = api->GetTensorTypeAndShape(value, &shape);
    if (!status)
        status = api->GetTensorShapeElementCount(shape, &elements);
    if (!status)
        status = api->GetTensorMutableData(value, &data);
    if (shape)
        api->ReleaseTensorTypeAndShapeInfo(shape);
    int code = vi_ort_check(api, status, VISO_ERR_DEVICE, s->name, "outputs", err);
    if (!code && elements != r->out[i].elements)
        code = vi_error_set(err, VISO_ERR_MODEL, "%s: output %d has %zu numbers, %zu were expected", s->name, i, elements,
                            r->out[i].elements);
    if (!code)
        memcpy(r->out[i].memory, data, r->out[i].bytes);
    return code;
}

static int copy_outputs(const vi_run *r, viso_error *err)
{
    const OrtApi *api = vi_ort_api(r->session->ort);
    OrtAllocator *allocator;
    OrtValue **value = NULL;
    size_t n = 0;
    OrtStatus *status = api->GetAllocatorWithDefaultOptions(&allocator);
    if (!status)
        status = api->GetBoundOutputValues(r->binding, allocator, &value, &n); /* in the order of binding */
    int code = vi_ort_check(api, status, VISO_ERR_DEVICE, r->session->name, "outputs", err);
    for (size_t i = 0; i < n; ++i) {
        if (!code && (int)i < r->n_out && !r->out[i].value)
            code = copy_one(r, (int)i, value[i], err);
        api->ReleaseValue(value[i]);
    }
    if (value)
        allocator->Free(allocator, value);
    return code;
}

int vi_run_now(vi_run *r, viso_error *err)
{
    const OrtApi *api = vi_ort_api(r->session->ort);
    unsigned saved = vi_denormals_off();
    OrtStatus *status = api->RunWithBinding(r->session->session, NULL, r->binding);
    vi_denormals_restore(saved);
    int code = vi_ort_check(api, status, VISO_ERR_DEVICE, r->session->name, "the network failed", err);
    return code || !r->copies ? code : copy_outputs(r, err);
}
