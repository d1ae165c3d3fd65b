/* infer/ort_providers.c: which of ONNX Runtime's providers can work on this machine, and if not, why not. Thread-safe.
 *
 * Cheap questions come first (was it built in, is the driver there, is the provider's library beside the runtime); only
 * when all say yes is the runtime asked to load the vendor's libraries, which takes seconds. */
#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "infer/engine.h"
#include "infer/internal.h"

static const struct {
    const char *built_as, *library;
} of[VI_PROVIDERS + 1] = {
    [VI_TENSORRT] = {"TensorrtExecutionProvider", "libonnxruntime_providers_tensorrt.so"},
    [VI_CUDA] = {"CUDAExecutionProvider", "libonnxruntime_providers_cuda.so"},
    [VI_CPU] = {"CPUExecutionProvider", NULL},
};
static const char shared_library[] = "libonnxruntime_providers_shared.so";

/* --- the driver ------------------------------------------------------------------------------------------------- */

/* The driver's own API, declared here so that no vendor header is needed to build: these have not changed since CUDA 4. */
typedef struct driver {
    int (*Init)(unsigned flags);
    int (*DeviceGetCount)(int *n);
    int (*DevicePrimaryCtxRetain)(void **context, int device);
    int (*CtxGetCurrent)(void **context);
    int (*CtxSetCurrent)(void *context);
    int (*MemcpyHtoD)(uint64_t to, const void *from, size_t bytes);
    int (*MemcpyDtoH)(void *to, uint64_t from, size_t bytes);
    int (*StreamSynchronize)(void *stream);
    int (*DeviceGetName)(char *name, int size, int device);
    int (*DeviceGetAttribute)(int *value, int attribute, int device);
    int (*DriverGetVersion)(int *version);
    int (*DeviceTotalMem)(size_t *bytes, int device); /* these two may be missing */
    int (*MemGetInfo)(size_t *free, size_t *total);
    void *context;
    char why[120]; /* it cannot be used; "" */
} driver;

static driver cuda;
static pthread_once_t cuda_once = PTHREAD_ONCE_INIT;

static bool resolve(void *library)
{
    const struct {
        const char *name;
        void *to;
        bool optional;
    } functions[] = {
        {"cuInit", &cuda.Init, false},
        {"cuDeviceGetCount", &cuda.DeviceGetCount, false},
        {"cuDevicePrimaryCtxRetain", &cuda.DevicePrimaryCtxRetain, false},
        {"cuCtxGetCurrent", &cuda.CtxGetCurrent, false},
        {"cuCtxSetCurrent", &cuda.CtxSetCurrent, false},
        {"cuMemcpyHtoD_v2", &cuda.MemcpyHtoD, false},
        {"cuMemcpyDtoH_v2", &cuda.MemcpyDtoH, false},
        {"cuStreamSynchronize", &cuda.StreamSynchronize, false},
        {"cuDeviceGetName", &cuda.DeviceGetName, false},
        {"cuDeviceGetAttribute", &cuda.DeviceGetAttribute, false},
        {"cuDriverGetVersion", &cuda.DriverGetVersion, false},
        {"cuDeviceTotalMem_v2", &cuda.DeviceTotalMem, true},
        {"cuMemGetInfo_v2", &cuda.MemGetInfo, true},
    };
    for (size_t i = 0; i < VI_COUNT(functions); ++i) {
        void *found = dlsym(library, functions[i].name);
        if (!found && !functions[i].optional)
            return false;
        memcpy(functions[i].to, &found, sizeof found);
    }
    return true;
}

static void open_driver(void)
{
    int n = 0, code;
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        snprintf(cuda.why, sizeof cuda.why, "no NVIDIA driver (libcuda.so.1 not found)");
    else if (!resolve(library))
        snprintf(cuda.why, sizeof cuda.why, "the NVIDIA driver is too old");
    else if ((code = cuda.Init(0)) != 0 || (code = cuda.DeviceGetCount(&n)) != 0)
        snprintf(cuda.why, sizeof cuda.why, "the NVIDIA driver does not start (error %d)", code);
    else if (n == 0)
        snprintf(cuda.why, sizeof cuda.why, "the NVIDIA driver finds no GPU");
}

bool vi_cuda_driver(char *why, size_t room)
{
    pthread_once(&cuda_once, open_driver);
    snprintf(why, room, "%s", cuda.why);
    return !cuda.why[0];
}

/* The context that the provider also uses (the device's primary one), current on this thread. */
static int enter(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    void *current = NULL;
    int code = cuda.CtxGetCurrent(&current);
    if (code || current)
        return code;
    pthread_mutex_lock(&lock);
    if (!cuda.context)
        code = cuda.DevicePrimaryCtxRetain(&cuda.context, 0);
    pthread_mutex_unlock(&lock);
    return code ? code : cuda.CtxSetCurrent(cuda.context);
}

int vi_cuda_copy(void *to, const void *from, size_t bytes, vi_direction direction, const char *name, viso_error *err)
{
    char why[120];
    if (!vi_cuda_driver(why, sizeof why))
        return vi_error_set(err, VISO_ERR_DEVICE, "%s: %s", name, why);
    int code = enter();
    if (!code)
        code = direction == VI_TO_DEVICE ? cuda.MemcpyHtoD((uint64_t)(uintptr_t)to, from, bytes)
                                         : cuda.MemcpyDtoH(to, (uint64_t)(uintptr_t)from, bytes);
    /* A short copy to the device may still be on its way, and the provider's stream does not wait for this one. */
    if (!code && direction == VI_TO_DEVICE)
        code = cuda.StreamSynchronize(NULL);
    return code ? vi_error_set(err, VISO_ERR_DEVICE, "%s: copying %zu bytes %s the GPU failed (error %d)", name, bytes,
                               direction == VI_TO_DEVICE ? "to" : "from", code) : 0;
}

bool vi_gpu_look(vi_gpu *g, bool free_memory)
{
    enum { MAJOR = 75, MINOR = 76 }; /* attributes: compute capability */
    uint8_t *file = NULL;
    size_t size, bytes = 0, all = 0;
    *g = (vi_gpu){0};
    if (!vi_cuda_driver(g->why, sizeof g->why))
        return false;
    cuda.DeviceGetCount(&g->count);
    cuda.DeviceGetName(g->name, sizeof g->name, 0);
    cuda.DeviceGetAttribute(&g->major, MAJOR, 0);
    cuda.DeviceGetAttribute(&g->minor, MINOR, 0);
    if (cuda.DeviceTotalMem && cuda.DeviceTotalMem(&bytes, 0) == 0)
        g->memory = bytes;
    if (free_memory && cuda.MemGetInfo && enter() == 0 && cuda.MemGetInfo(&bytes, &all) == 0)
        g->memory_free = bytes;
    cuda.DriverGetVersion(&g->cuda); /* only that of its API */
    snprintf(g->driver, sizeof g->driver, "%d", g->cuda);
    if (vi_file_read("/sys/module/nvidia/version", 4096, &file, &size, NULL) == 0)
        snprintf(g->driver, sizeof g->driver, "%.*s", (int)strcspn((char *)file, "\n"), (char *)file);
    vi_free(file);
    return true;
}

void vi_cuda_machine(vi_machine *m)
{
    vi_gpu g;
    if (!vi_gpu_look(&g, false))
        return;
    snprintf(m->gpu, sizeof m->gpu, "%.63s (%d.%d)", g.name, g.major, g.minor);
    snprintf(m->driver, sizeof m->driver, "%s", g.driver);
}

/* --- reasons ---------------------------------------------------------------------------------------------------- */

static void add(char *why, size_t room, const char *text)
{
    size_t used = strlen(why);
    snprintf(why + used, room - used, "%s%s", used ? "; " : "", text);
}

static bool built_in(const OrtApi *api, const char *name)
{
    char **list = NULL;
    int n = 0;
    bool found = false;
    if (vi_ort_check(api, api->GetAvailableProviders(&list, &n), VISO_ERR_DEVICE, "", "", NULL))
        return false;
    for (int i = 0; i < n; ++i)
        found |= strcmp(list[i], name) == 0;
    vi_ort_check(api, api->ReleaseAvailableProviders(list, n), VISO_ERR_DEVICE, "", "", NULL);
    return found;
}

static void need_beside(const vi_ort *ort, const char *library, char *why, size_t room)
{
    char path[1200], text[160];
    const char *runtime = vi_ort_path(ort);
    int folder = (int)(vi_base_name(runtime) - runtime);
    snprintf(path, sizeof path, "%.*s%s", folder, runtime, library);
    snprintf(text, sizeof text, "%s is not beside the runtime", library);
    if (!vi_file_exists(path))
        add(why, room, text);
}

/* Has the runtime load the provider with all that it needs: the message of the loader names what is missing. */
static void try_append(vi_ort *ort, vi_provider p, char *why, size_t room)
{
    const OrtApi *api = vi_ort_api(ort);
    OrtSessionOptions *options = NULL;
    viso_error err = {0};
    const vi_load load = {.name = "probe", .provider = p, .threads = 1};
    OrtStatus *status = api->CreateSessionOptions(&options);
    if (!status)
        status = vi_ort_append(ort, options, &load, false);
    if (vi_ort_check(api, status, VISO_ERR_DEVICE, vi_provider_name(p), "does not load", &err)) {
        /* "… Failed to load library … with error: libx.so.1: cannot open shared object file", or what CUDA says */
        const char *loader = strstr(err.text, "with error: "), *device = strstr(err.text, "CUDA failure ");
        char text[200];
        snprintf(text, sizeof text, "%.199s", loader ? loader + 12 : device ? device : err.text);
        add(why, room, text);
    }
    if (options)
        api->ReleaseSessionOptions(options);
}

/* cuDNN is opened by the provider at its first convolution, too late for a good message. */
static void need_cudnn(char *why, size_t room)
{
    char text[200];
    if (dlopen("libcudnn.so.9", RTLD_LAZY | RTLD_LOCAL))
        return;
    snprintf(text, sizeof text, "cuDNN 9 does not load: %.170s", dlerror());
    add(why, room, text);
}

static void probe(vi_ort *ort, vi_provider p, char *why, size_t room)
{
    char text[160];
    if (!built_in(vi_ort_api(ort), of[p].built_as)) {
        add(why, room, "this runtime was built without it");
        return;
    }
    if (!vi_cuda_driver(text, sizeof text))
        add(why, room, text);
    need_beside(ort, of[p].library, why, room);
    if (!*why)
        need_beside(ort, shared_library, why, room);
    if (!*why)
        need_cudnn(why, room);
    if (!*why)
        try_append(ort, p, why, room);
}

const char *vi_provider_library(vi_provider p)
{
    return of[p].library;
}

bool vi_ort_usable(void *self, vi_provider p, char *why, size_t room)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool asked[VI_PROVIDERS + 1];
    static char answer[VI_PROVIDERS + 1][240];
    if (p == VI_CPU)
        return true;
    pthread_mutex_lock(&lock);
    if (!asked[p])
        probe(self, p, answer[p], sizeof answer[p]);
    asked[p] = true;
    snprintf(why, room, "%s", answer[p]);
    bool usable = !answer[p][0];
    pthread_mutex_unlock(&lock);
    return usable;
}

int vi_ort_others(void *self, char names[][24], int max)
{
    const OrtApi *api = vi_ort_api(self);
    char **list = NULL;
    int n = 0, found = 0;
    if (vi_ort_check(api, api->GetAvailableProviders(&list, &n), VISO_ERR_DEVICE, "", "", NULL))
        return 0;
    for (int i = 0; i < n && found < max; ++i) {
        bool known = false;
        for (int p = 1; p <= VI_PROVIDERS; ++p)
            known |= strcmp(list[i], of[p].built_as) == 0;
        if (known)
            continue;
        const char *end = strstr(list[i], "ExecutionProvider");
        snprintf(names[found], sizeof names[found], "%.*s", end ? VI_MIN((int)(end - list[i]), 23) : 23, list[i]);
        for (char *c = names[found]; *c; ++c)
            *c = (char)tolower((unsigned char)*c);
        ++found;
    }
    vi_ort_check(api, api->ReleaseAvailableProviders(list, n), VISO_ERR_DEVICE, "", "", NULL);
    return found;
}
