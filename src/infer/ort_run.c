/* infer/ort_run.c: ONNX Runtime's half of running: tensors over the caller's memory, bound once. One thread a context. */
#include <stdio.h>
#include <string.h>

#include "infer/internal.h"
#include "infer/session.h"

typedef struct context {
    vi_ort_graph *graph;
    const OrtApi *api;
    char name[96];
    OrtIoBinding *binding;
    OrtMemoryInfo *host, *device;
    OrtRunOptions *options; /* the number of the captured graph; NULL: nothing is captured */
    OrtAllocator *allocator; /* of device memory; NULL: the provider runs on the host's */
    vi_slot *in, *out;
    int n_in, n_out;
    OrtValue **value; /* inputs, then outputs; NULL where the runtime allocates */
    bool loose;       /* some output is */
} context;

/* While a graph is captured nothing else may be asked of the device, by any thread: one captures alone (writing), all other
 * work goes side by side (reading). Video decoders on the same device do not know this lock: contexts are made before frames
 * flow. */
static pthread_rwlock_t device_use = PTHREAD_RWLOCK_INITIALIZER;

void vi_ort_device_enter(const vi_ort_graph *g, bool alone)
{
    if (g->provider == VI_CPU)
        return;
    if (alone)
        pthread_rwlock_wrlock(&device_use);
    else
        pthread_rwlock_rdlock(&device_use);
}

void vi_ort_device_leave(const vi_ort_graph *g)
{
    if (g->provider != VI_CPU)
        pthread_rwlock_unlock(&device_use);
}

/* Device memory for the slot, except where it is borrowed. */
static int place(context *c, vi_slot *s, viso_error *err)
{
    if (!c->allocator || s->loose || s->borrowed)
        return 0;
    s->device = c->allocator->Alloc(c->allocator, VI_MAX(s->bytes, 1));
    return s->device ? 0 : vi_error_set(err, VISO_ERR_DEVICE, "%s: no device memory for tensor '%s' (%zu bytes)", c->name,
                                        s->info->name, s->bytes);
}

static int bind_one(context *c, vi_slot *s, bool output, OrtValue **value, viso_error *err)
{
    const OrtApi *api = c->api;
    const char *tensor = s->info->name;
    if (s->loose) {
        c->loose = true;
        return vi_ort_check(api, api->BindOutputToDevice(c->binding, tensor, c->host), VISO_ERR_MODEL, c->name, tensor, err);
    }
    int code = place(c, s, err);
    if (code)
        return code;
    OrtStatus *status = api->CreateTensorWithDataAsOrtValue(c->allocator ? c->device : c->host,
                                                            c->allocator ? s->device : s->host, s->bytes, s->dim,
                                                            (size_t)s->info->n_dim, vi_ort_type(s->info->type), value);
    if (!status)
        status = output ? api->BindOutput(c->binding, tensor, *value) : api->BindInput(c->binding, tensor, *value);
    return vi_ort_check(api, status, VISO_ERR_MODEL, c->name, tensor, err);
}

static int prepare(context *c, viso_error *err)
{
    const OrtApi *api = c->api;
    OrtStatus *status = api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &c->host);
    if (!status && c->graph->provider != VI_CPU) {
        /* TensorRT's provider takes CUDA's memory too. */
        status = api->CreateMemoryInfo("Cuda", OrtDeviceAllocator, 0, OrtMemTypeDefault, &c->device);
        if (!status)
            status = api->CreateAllocator(c->graph->session, c->device, &c->allocator);
    }
    if (!status)
        status = api->CreateIoBinding(c->graph->session, &c->binding);
    return vi_ort_check(api, status, VISO_ERR_MODEL, c->name, "binding", err);
}

static int number_graph(context *c, viso_error *err)
{
    char number[16] = "-1"; /* memory that the runtime takes anew in each run cannot be replayed into */
    if (!c->loose)
        snprintf(number, sizeof number, "%d", atomic_fetch_add(&c->graph->captured, 1) + 1);
    OrtStatus *status = c->api->CreateRunOptions(&c->options);
    if (!status)
        status = c->api->AddRunConfigEntry(c->options, "gpu_graph_id", number);
    return vi_ort_check(c->api, status, VISO_ERR_MODEL, c->name, "run options", err);
}

static int run(const context *c, viso_error *err)
{
    unsigned saved = vi_denormals_off();
    if (c->options)
        pthread_mutex_lock(&c->graph->lock);
    OrtStatus *status = c->api->RunWithBinding(c->graph->session, c->options, c->binding);
    if (c->options)
        pthread_mutex_unlock(&c->graph->lock);
    vi_denormals_restore(saved);
    return vi_ort_check(c->api, status, VISO_ERR_DEVICE, c->name, "the network failed", err);
}

int vi_ort_bind(void *self, void *graph, const char *name, vi_slot *in, int n_in, vi_slot *out, int n_out, void **result,
                viso_error *err)
{
    vi_ort_graph *g = graph;
    context *c = vi_calloc(1, sizeof *c);
    *result = NULL;
    if (!c)
        return vi_error_nomem(err, name);
    *c = (context){.graph = g, .api = vi_ort_api(g->ort), .in = in, .n_in = n_in, .out = out, .n_out = n_out};
    memcpy(c->name, name, VI_MIN(strlen(name), sizeof c->name - 1));
    vi_ort_device_enter(g, g->graphs);
    c->value = vi_calloc((size_t)(n_in + n_out), sizeof *c->value);
    int code = c->value ? prepare(c, err) : vi_error_nomem(err, name);
    for (int i = 0; i < n_in && !code; ++i)
        code = bind_one(c, &in[i], false, &c->value[i], err);
    for (int i = 0; i < n_out && !code; ++i)
        code = bind_one(c, &out[i], true, &c->value[n_in + i], err);
    if (!code && g->graphs)
        code = number_graph(c, err);
    /* The first run captures, whatever is in the inputs; later ones only replay. */
    if (!code && g->graphs && !c->loose)
        code = run(c, err);
    vi_ort_device_leave(g);
    if (code)
        vi_ort_unbind(self, c);
    else
        *result = c;
    return code;
}

static void displace(const context *c, vi_slot *s, int n)
{
    for (int i = 0; i < n; ++i) {
        if (s[i].borrowed || !s[i].device)
            continue;
        c->allocator->Free(c->allocator, s[i].device);
        s[i].device = NULL;
    }
}

void vi_ort_unbind(void *self, void *opaque)
{
    context *c = opaque;
    const OrtApi *api = c->api;
    const vi_ort_graph *g = c->graph;
    (void)self;
    vi_ort_device_enter(g, false);
    if (c->binding)
        api->ReleaseIoBinding(c->binding);
    for (int i = 0; c->value && i < c->n_in + c->n_out; ++i)
        if (c->value[i])
            api->ReleaseValue(c->value[i]);
    if (c->allocator) {
        displace(c, c->in, c->n_in);
        displace(c, c->out, c->n_out);
        api->ReleaseAllocator(c->allocator);
    }
    if (c->options)
        api->ReleaseRunOptions(c->options);
    if (c->device)
        api->ReleaseMemoryInfo(c->device);
    if (c->host)
        api->ReleaseMemoryInfo(c->host);
    vi_ort_device_leave(g);
    vi_free(c->value);
    vi_free(c);
}

/* Memory for a result of any size; what is there is kept when it is enough. */
static int make_room(vi_slot *s, size_t elements, const char *name, viso_error *err)
{
    size_t bytes = elements * vi_dtype_size(s->info->type);
    if (bytes > s->room || !s->host) {
        vi_free(s->host);
        s->host = vi_alloc(VI_MAX(bytes, 1));
        s->room = s->host ? bytes : 0;
    }
    s->elements = s->host ? elements : 0;
    s->bytes = s->host ? bytes : 0;
    return s->host ? 0 : vi_error_nomem(err, name);
}

static int copy_one(const context *c, int i, OrtValue *value, viso_error *err)
{
    const OrtApi *api = c->api;
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
    int code = vi_ort_check(api, status, VISO_ERR_DEVICE, c->name, "outputs", err);
    if (!code && c->out[i].any)
        code = make_room(&c->out[i], elements, c->name, err);
    if (!code && elements != c->out[i].elements)
        code = vi_error_set(err, VISO_ERR_MODEL, "%s: output %d has %zu numbers, %zu were expected", c->name, i, elements,
                            c->out[i].elements);
    if (!code)
        memcpy(c->out[i].host, data, c->out[i].bytes);
    return code;
}

static int copy_outputs(const context *c, viso_error *err)
{
    const OrtApi *api = c->api;
    OrtAllocator *allocator;
    OrtValue **value = NULL;
    size_t n = 0;
    OrtStatus *status = api->GetAllocatorWithDefaultOptions(&allocator);
    if (!status)
        status = api->GetBoundOutputValues(c->binding, allocator, &value, &n); /* in the order of binding */
    int code = vi_ort_check(api, status, VISO_ERR_DEVICE, c->name, "outputs", err);
    for (size_t i = 0; i < n; ++i) {
        if (!code && (int)i < c->n_out && c->out[i].loose && (c->out[i].any || c->out[i].host))
            code = copy_one(c, (int)i, value[i], err);
        api->ReleaseValue(value[i]);
    }
    if (value)
        allocator->Free(allocator, value);
    return code;
}

/* What the last run left in the binding would be taken as the caller's memory and held against the declared shape. */
static int free_loose(const context *c, viso_error *err)
{
    OrtStatus *status = NULL;
    for (int i = 0; i < c->n_out && !status; ++i)
        if (c->out[i].loose)
            status = c->api->BindOutputToDevice(c->binding, c->out[i].info->name, c->host);
    return vi_ort_check(c->api, status, VISO_ERR_DEVICE, c->name, "outputs", err);
}

int vi_ort_run(void *self, void *opaque, viso_error *err)
{
    const context *c = opaque;
    (void)self;
    if (c->loose && free_loose(c, err))
        return VISO_ERR_DEVICE;
    vi_ort_device_enter(c->graph, false);
    int code = run(c, err);
    if (!code && c->loose)
        code = copy_outputs(c, err);
    vi_ort_device_leave(c->graph);
    return code;
}


int vi_ort_copy(void *self, void *opaque, vi_slot *slot, vi_direction direction, viso_error *err)
{
    const context *c = opaque;
    (void)self;
    bool up = direction == VI_TO_DEVICE;
    vi_ort_device_enter(c->graph, false);
    int code = vi_cuda_copy(up ? slot->device : slot->host, up ? slot->host : slot->device, slot->bytes, direction, c->name, err);
    vi_ort_device_leave(c->graph);
    return code;
}

const vi_backend vi_backend_ort = {
    .usable = vi_ort_usable,
    .others = vi_ort_others,
    .load = vi_ort_load,
    .unload = vi_ort_unload,
    .describe = vi_ort_describe,
    .bind = vi_ort_bind,
    .unbind = vi_ort_unbind,
    .run = vi_ort_run,
    .copy = vi_ort_copy,
};
