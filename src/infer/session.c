/* infer/session.c: a loaded model and what it says about its tensors. Immutable after opening; shared by threads. */
#include <stdio.h>
#include <string.h>

#include "infer/internal.h"

static const struct {
    vi_dtype type;
    ONNXTensorElementDataType ort;
    size_t size;
} types[] = {
    {VI_F32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, 4}, {VI_F16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, 2},
    {VI_I32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, 4}, {VI_I64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, 8},
    {VI_U8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, 1},  {VI_BOOL, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, 1},
};

ONNXTensorElementDataType vi_ort_type(vi_dtype type)
{
    for (size_t i = 0; i < VI_COUNT(types); ++i)
        if (types[i].type == type)
            return types[i].ort;
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

size_t vi_dtype_size(vi_dtype type)
{
    for (size_t i = 0; i < VI_COUNT(types); ++i)
        if (types[i].type == type)
            return types[i].size;
    return 0;
}

static int fill_shape(vi_session *s, const OrtTensorTypeAndShapeInfo *shape, vi_tensor_info *info, viso_error *err)
{
    const OrtApi *api = vi_ort_api(s->ort);
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

static int fill_info(vi_session *s, bool output, size_t i, vi_tensor_info *info, viso_error *err)
{
    const OrtApi *api = vi_ort_api(s->ort);
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

static int fill_infos(vi_session *s, viso_error *err)
{
    const OrtApi *api = vi_ort_api(s->ort);
    size_t n_in = 0, n_out = 0;
    int code = vi_ort_check(api, api->SessionGetInputCount(s->session, &n_in), VISO_ERR_MODEL, s->name, "tensors", err);
    if (!code)
        code = vi_ort_check(api, api->SessionGetOutputCount(s->session, &n_out), VISO_ERR_MODEL, s->name, "tensors", err);
    if (code)
        return code;
    s->in = vi_calloc(n_in, sizeof *s->in);
    s->out = vi_calloc(n_out, sizeof *s->out);
    if (!s->in || !s->out)
        return vi_error_nomem(err, s->name);
    s->n_in = (int)n_in;
    s->n_out = (int)n_out;
    for (size_t i = 0; i < n_in && !code; ++i)
        code = fill_info(s, false, i, &s->in[i], err);
    for (size_t i = 0; i < n_out && !code; ++i)
        code = fill_info(s, true, i, &s->out[i], err);
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

static int create(vi_session *s, const vi_session_params *p, viso_error *err)
{
    const OrtApi *api = vi_ort_api(s->ort);
    OrtSessionOptions *options = NULL;
    uint8_t *file = NULL;
    const void *data = p->data;
    size_t size = p->size;
    int code = vi_ort_check(api, api->CreateSessionOptions(&options), VISO_ERR_MODEL, s->name, "session options", err);
    if (!code)
        code = set_options(api, options, VI_MAX(p->intra_threads, 1), s->name, err);
    if (!code && p->path) {
        code = vi_file_read(p->path, SIZE_MAX / 2, &file, &size, err);
        data = file;
    }
    if (!code) {
        /* The option for the session's own threads also changes the thread that creates it. */
        unsigned saved = vi_denormals_off();
        OrtStatus *status = api->CreateSessionFromArray(vi_ort_env(s->ort), data, size, options, &s->session);
        vi_denormals_restore(saved);
        code = vi_ort_check(api, status, VISO_ERR_MODEL, s->name, "cannot load the network", err);
    }
    vi_free(file);
    if (options)
        api->ReleaseSessionOptions(options);
    return code;
}

int vi_session_open(vi_session **out, vi_runtime *rt, const vi_session_params *p, viso_error *err)
{
    vi_session *s = vi_calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return vi_error_nomem(err, "session");
    s->ort = vi_ort_hold(rt->ort);
    snprintf(s->name, sizeof s->name, "%s", p->name ? p->name : p->path ? vi_base_name(p->path) : "network");
    int code = create(s, p, err);
    if (!code)
        code = fill_infos(s, err);
    if (code) {
        vi_session_close(&s);
        return code;
    }
    *out = s;
    return 0;
}

void vi_session_close(vi_session **s)
{
    if (!*s)
        return;
    if ((*s)->session)
        vi_ort_api((*s)->ort)->ReleaseSession((*s)->session);
    vi_ort_release((*s)->ort);
    vi_free((*s)->in);
    vi_free((*s)->out);
    vi_free(*s);
    *s = NULL;
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

const char *vi_session_provider(const vi_session *s)
{
    (void)s;
    return "cpu"; /* no other provider is ever added to the options above */
}
