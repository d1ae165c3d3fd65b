/* infer/ort_options.c: what ONNX Runtime's providers are told about one load. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "infer/engine.h"
#include "infer/internal.h"

enum { KEYS = 24 };

typedef struct pairs {
    const char *key[KEYS], *value[KEYS];
    size_t n;
} pairs;

static void put(pairs *p, const char *key, const char *value)
{
    if (p->n < KEYS && value) {
        p->key[p->n] = key;
        p->value[p->n++] = value;
    }
}

static OrtStatus *append_cuda(const OrtApi *api, OrtSessionOptions *o, bool exact, bool graphs)
{
    OrtCUDAProviderOptionsV2 *options = NULL;
    pairs p = {.n = 0};
    put(&p, "device_id", "0");
    put(&p, "arena_extend_strategy", "kSameAsRequested");
    /* The exhaustive search measures every algorithm at the first run of each shape, for seconds. */
    put(&p, "cudnn_conv_algo_search", "HEURISTIC");
    /* Adding the bias in a step of its own makes cuDNN compile kernels at the first run, for seconds; fused, the results are
     * wrong (ONNX Runtime 1.29 with cuDNN 9.14). */
    put(&p, "fuse_conv_bias", "0");
    /* Products of 19 bits are not what float32 means; they differ from the CPU's by 1e-3 and more. */
    put(&p, "use_tf32", exact ? "0" : "1");
    put(&p, "enable_cuda_graph", graphs ? "1" : "0");
    OrtStatus *status = api->CreateCUDAProviderOptions(&options);
    if (!status)
        status = api->UpdateCUDAProviderOptions(options, p.key, p.value, p.n);
    if (!status)
        status = api->SessionOptionsAppendExecutionProvider_CUDA_V2(o, options);
    if (options)
        api->ReleaseCUDAProviderOptions(options);
    return status;
}

/* Every folder on the way. */
static bool make_dirs(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        bool fine = mkdir(path, 0755) == 0 || errno == EEXIST;
        *slash = '/';
        if (!fine)
            return false;
    }
    return mkdir(path, 0755) == 0 || errno == EEXIST;
}

static void tensorrt_version(char *text, size_t room)
{
    union {
        void *object;
        int (*function)(void);
    } get = {NULL};
    void *library = dlopen("libnvinfer.so.10", RTLD_LAZY | RTLD_LOCAL);
    if (library)
        get.object = dlsym(library, "getInferLibVersion");
    snprintf(text, room, "%d", get.object ? get.function() : 0);
}

static OrtStatus *append_tensorrt(const OrtApi *api, OrtSessionOptions *o, const vi_load *load, const char *version)
{
    OrtTensorRTProviderOptionsV2 *options = NULL;
    vi_machine machine = {0};
    char *shapes[3] = {NULL};
    pairs p = {.n = 0};
    vi_cuda_machine(&machine);
    snprintf(machine.runtime, sizeof machine.runtime, "%s", version);
    tensorrt_version(machine.tensorrt, sizeof machine.tensorrt);
    char *dir = vi_engine_dir(load, &machine);
    put(&p, "device_id", "0");
    put(&p, "trt_fp16_enable", load->precision == VI_FP16 ? "1" : "0");
    put(&p, "trt_int8_enable", load->precision == VI_INT8 ? "1" : "0");
    /* A cache that cannot be written costs time at the next start, nothing else. */
    if (dir && make_dirs(dir)) {
        put(&p, "trt_engine_cache_enable", "1");
        put(&p, "trt_engine_cache_path", dir);
        put(&p, "trt_timing_cache_enable", "1");
        put(&p, "trt_timing_cache_path", dir);
    }
    if (load->n_profile) {
        static const char *const keys[] = {"trt_profile_min_shapes", "trt_profile_opt_shapes", "trt_profile_max_shapes"};
        for (int i = 0; i < 3; ++i)
            put(&p, keys[i], shapes[i] = vi_profile_text(load->profile, load->n_profile, i));
    }
    OrtStatus *status = api->CreateTensorRTProviderOptions(&options);
    if (!status)
        status = api->UpdateTensorRTProviderOptions(options, p.key, p.value, p.n);
    if (!status)
        status = api->SessionOptionsAppendExecutionProvider_TensorRT_V2(o, options);
    if (options)
        api->ReleaseTensorRTProviderOptions(options);
    for (int i = 0; i < 3; ++i)
        vi_free(shapes[i]);
    vi_free(dir);
    return status;
}

OrtStatus *vi_ort_append(const vi_ort *ort, OrtSessionOptions *o, const vi_load *load, bool graphs)
{
    const OrtApi *api = vi_ort_api(ort);
    OrtStatus *status = NULL;
    if (load->provider == VI_TENSORRT)
        status = append_tensorrt(api, o, load, vi_ort_version(ort));
    /* Nodes that TensorRT does not take stay on the GPU. */
    if (!status && load->provider != VI_CPU)
        status = append_cuda(api, o, load->precision <= VI_FP32, graphs);
    return status;
}
