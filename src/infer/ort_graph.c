/* infer/ort_graph.c: ONNX Runtime's half of loading: options, a session of its own for one provider, and what the graph
 * says about its tensors. Thread-safe: a loaded graph does not change. */
#include <stdio.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "infer/internal.h"

enum { TRIM_FROM = 16 << 20 }; /* bytes of a model; below, there is little to win */

static const struct {
    vi_dtype type;
    ONNXTensorElementDataType ort;
} types[] = {
    {VI_F32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT}, {VI_F16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
    {VI_I32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32}, {VI_I64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
    {VI_U8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},  {VI_BOOL, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL},
    {VI_F64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
};

ONNXTensorElementDataType vi_ort_type(vi_dtype type)
{
    for (size_t i = 0; i < VI_COUNT(types); ++i)
        if (types[i].type == type)
            return types[i].ort;
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

/* The graph being described and its name for messages. */
typedef struct subject {
    const OrtApi *api;
    OrtSession *session;
    const char *name;
} subject;

static int fill_shape(const subject *s, const OrtTensorTypeAndShapeInfo *shape, vi_tensor_info *info, viso_error *err)
{
    const OrtApi *api = s->api;
    ONNXTensorElementDataType type;
    size_t n;
    int code = vi_ort_check(api, api->GetTensorElementType(shape, &type), VISO_ERR_MODEL, s->name, info->name, err);
    if (!code)
        code = vi_ort_check(api, api->GetDimensionsCount(shape, &n), VISO_ERR_MODEL, s->name, info->name, err);
    if (code)
        return code;
    for (size_t i = 0; i < VI_COUNT(types); ++i)
        if (types[i].ort == type)
            info->type = types[i].type;
    if (info->type == 0)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: tensor '%s' has an element type that is not supported (%d)", s->name,
                            info->name, (int)type);
    if (n > VI_MAX_DIMS)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: tensor '%s' has %zu dimensions, at most %d are supported", s->name,
                            info->name, n, VI_MAX_DIMS);
    info->n_dim = (int)n;
    return vi_ort_check(api, api->GetDimensions(shape, info->dim, n), VISO_ERR_MODEL, s->name, info->name, err);
}

static int fill_info(const subject *s, bool output, size_t i, vi_tensor_info *info, viso_error *err)
{
    const OrtApi *api = s->api;
    OrtAllocator *allocator;
    OrtTypeInfo *type = NULL;
    const OrtTensorTypeAndShapeInfo *shape = NULL;
    char *name = NULL;
    int code = vi_ort_check(api, api->GetAllocatorWithDefaultOptions(&allocator), VISO_ERR_MODEL, s->name, "tensors", err);
    if (code)
        return code;
    OrtStatus *status = output ? api->SessionGetOutputName(s->session, i, allocator, &name)
                               : api->SessionGetInputName(s->session, i, allocator, &name);
    code = vi_ort_check(api, status, VISO_ERR_MODEL, s->name, "tensors", err);
    if (code)
        return code;
    bool fits = (size_t)snprintf(info->name, sizeof info->name, "%s", name) < sizeof info->name;
    allocator->Free(allocator, name);
    if (!fits)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: tensor name '%s…' is longer than %zu bytes", s->name, info->name,
                            sizeof info->name - 1);
    status = output ? api->SessionGetOutputTypeInfo(s->session, i, &type) : api->SessionGetInputTypeInfo(s->session, i, &type);
    code = vi_ort_check(api, status, VISO_ERR_MODEL, s->name, info->name, err);
    if (code)
        return code;
    code = vi_ort_check(api, api->CastTypeInfoToTensorInfo(type, &shape), VISO_ERR_MODEL, s->name, info->name, err);
    if (!code && !shape)
        code = vi_error_set(err, VISO_ERR_MODEL, "%s: '%s' is not a tensor", s->name, info->name);
    if (!code)
        code = fill_shape(s, shape, info, err);
    api->ReleaseTypeInfo(type);
    return code;
}

int vi_ort_describe(void *self, void *graph, const char *name, vi_tensor_info **in, int *n_in, vi_tensor_info **out,
                    int *n_out, viso_error *err)
{
    const vi_ort_graph *g = graph;
    const subject s = {vi_ort_api(g->ort), g->session, name};
    size_t ins = 0, outs = 0;
    (void)self;
    OrtStatus *status = s.api->SessionGetInputCount(s.session, &ins);
    if (!status)
        status = s.api->SessionGetOutputCount(s.session, &outs);
    int code = vi_ort_check(s.api, status, VISO_ERR_MODEL, name, "tensors", err);
    if (code)
        return code;
    *in = vi_calloc(ins, sizeof **in);
    *out = vi_calloc(outs, sizeof **out);
    if (!*in || !*out)
        return vi_error_nomem(err, name);
    *n_in = (int)ins;
    *n_out = (int)outs;
    for (size_t i = 0; i < ins && !code; ++i)
        code = fill_info(&s, false, i, &(*in)[i], err);
    for (size_t i = 0; i < outs && !code; ++i)
        code = fill_info(&s, true, i, &(*out)[i], err);
    return code;
}

static int set_options(const OrtApi *api, OrtSessionOptions *o, int threads, const char *name, viso_error *err)
{
    OrtStatus *status = api->SetSessionExecutionMode(o, ORT_SEQUENTIAL);
    if (!status)
        status = api->SetSessionGraphOptimizationLevel(o, ORT_ENABLE_ALL);
    if (!status)
        status = api->SetIntraOpNumThreads(o, threads);
    if (!status)
        status = api->SetInterOpNumThreads(o, 1);
    /* Waiting threads that spin take the cores from the other workers; with several threads inside one run the
     * spinning is what makes short operators pay. */
    if (!status && threads == 1)
        status = api->AddSessionConfigEntry(o, "session.intra_op.allow_spinning", "0");
    if (!status)
        status = api->AddSessionConfigEntry(o, "session.set_denormal_as_zero", "1");
    return vi_ort_check(api, status, VISO_ERR_MODEL, name, "session options", err);
}

static int create(vi_ort_graph *g, const vi_load *l, bool graphs, viso_error *err)
{
    const OrtApi *api = vi_ort_api(g->ort);
    OrtSessionOptions *options = NULL;
    int code = vi_ort_check(api, api->CreateSessionOptions(&options), VISO_ERR_MODEL, l->name, "session options", err);
    if (!code)
        code = set_options(api, options, VI_MAX(l->threads, 1), l->name, err);
    if (!code && l->provider == VI_CPU && vi_ort_shares_arena(g->ort))
        code = vi_ort_check(api, api->AddSessionConfigEntry(options, "session.use_env_allocators", "1"), VISO_ERR_MODEL, l->name,
                            "session options", err);
    /* The runtime maps such files; it knows the model as bytes only. */
    if (!code && l->folder)
        code = vi_ort_check(api, api->AddSessionConfigEntry(options, "session.model_external_initializers_file_folder_path", l->folder),
                            VISO_ERR_MODEL, l->name, "session options", err);
    /* A try may fail; its errors come back as a status and are no concern of the log. */
    if (!code && graphs)
        code = vi_ort_check(api, api->SetSessionLogSeverityLevel(options, ORT_LOGGING_LEVEL_FATAL), VISO_ERR_MODEL, l->name,
                            "session options", err);
    if (!code)
        code = vi_ort_check(api, vi_ort_append(g->ort, options, l, graphs), VISO_ERR_MODEL, l->name,
                            vi_provider_name(l->provider), err);
    if (!code) {
        /* The option for the session's own threads also changes the thread that creates it. */
        unsigned saved = vi_denormals_off();
        OrtStatus *status = api->CreateSessionFromArray(vi_ort_env(g->ort), l->data, l->size, options, &g->session);
        vi_denormals_restore(saved);
        code = vi_ort_check(api, status, VISO_ERR_MODEL, l->name, "cannot load the network", err);
    }
    if (options)
        api->ReleaseSessionOptions(options);
    return code;
}

/* Loading leaves the C library with a multiple of the file in freed pieces that it does not give back by itself: with a file
 * of 268 MB, 1.9 times that. */
static void give_back(size_t model)
{
#ifdef __GLIBC__
    if (model >= TRIM_FROM)
        malloc_trim(0);
#else
    (void)model;
#endif
}

int vi_ort_load(void *self, const vi_load *l, void **graph, viso_error *err)
{
    vi_ort_graph *g = vi_calloc(1, sizeof *g);
    *graph = NULL;
    if (!g)
        return vi_error_nomem(err, l->name);
    g->ort = self;
    g->provider = l->provider;
    if (pthread_mutex_init(&g->lock, NULL) != 0) {
        vi_free(g);
        return vi_error_nomem(err, l->name);
    }
    vi_ort_device_enter(g, false);
    /* A network with nodes that stay on the CPU cannot be captured; the runtime says so only now. */
    g->graphs = l->graphs && l->provider == VI_CUDA && create(g, l, true, NULL) == 0;
    int code = g->graphs ? 0 : create(g, l, false, err);
    vi_ort_device_leave(g);
    if (code)
        vi_ort_unload(self, g);
    else
        *graph = g;
    give_back(l->size);
    return code;
}

void vi_ort_unload(void *self, void *graph)
{
    vi_ort_graph *g = graph;
    (void)self;
    vi_ort_device_enter(g, false);
    if (g->session)
        vi_ort_api(g->ort)->ReleaseSession(g->session);
    vi_ort_device_leave(g);
    pthread_mutex_destroy(&g->lock);
    vi_free(g);
}
