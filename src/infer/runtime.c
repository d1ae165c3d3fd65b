/* infer/runtime.c: finding and loading ONNX Runtime, and the one environment of the process.
 *
 * Thread-safe. The library is opened with dlopen at first use and never closed: it keeps threads and static objects
 * that do not survive unloading. The environment ends with its last holder. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/internal.h"

#ifndef VI_ORT_BUILD_PATH
#define VI_ORT_BUILD_PATH ""
#endif
#ifndef VI_ORT_INSTALLED_DIR
#define VI_ORT_INSTALLED_DIR ""
#endif

struct vi_ort {
    const OrtApi *api;
    OrtEnv *env;
    int holders;
    bool arena; /* all sessions on the cpu take their memory from one place */
    char version[32];
    char path[1024];
};

/* Two locks, for the runtime logs while it starts and ends (its search for devices does): `lock` guards library and
 * environment, `handle_lock` the list of handles alone and is taken second. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t handle_lock = PTHREAD_MUTEX_INITIALIZER;
static vi_ort the_runtime;
static vi_runtime *handles;

/* --- the library ------------------------------------------------------------------------------------------------ */

/* Places tried, for the message. */
typedef struct trail {
    char text[360];
    size_t used;
} trail;

static void note(trail *t, const char *place, const char *why)
{
    if (t->used >= sizeof t->text)
        return;
    int n = snprintf(t->text + t->used, sizeof t->text - t->used, "%s%s%s%s%s", t->used ? ", " : "", place, why ? " (" : "",
                     why ? why : "", why ? ")" : "");
    t->used += n > 0 ? (size_t)n : 0;
}

/* Loads one file; checks that it is what we can talk to. */
static bool load(const char *path, vi_ort *ort, trail *t)
{
    /* Since 1.29 the runtime keeps a device number and a record of what was run in the cache folder and sends it to its
     * maker, unless this is set before it starts. Nothing leaves the machine unasked. */
    setenv("ORT_DISABLE_TELEMETRY", "1", 1);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();
        /* A name without a folder is the loader's own search; a file that is there but does not load is worth words. */
        bool there = strchr(path, '/') && vi_file_exists(path);
        note(t, path, there ? why : NULL);
        return false;
    }
    union {
        void *object;
        const OrtApiBase *(*function)(void);
    } get = {dlsym(library, "OrtGetApiBase")};
    const OrtApiBase *base = get.object ? get.function() : NULL;
    const char *version = base ? base->GetVersionString() : NULL;
    const OrtApi *api = base ? base->GetApi(VI_ORT_API) : NULL;
    if (!api) {
        char why[96];
        snprintf(why, sizeof why, "%s %.20s, 1.%d or newer is needed", version ? "version" : "not ONNX Runtime",
                 version ? version : "", VI_ORT_API);
        note(t, path, why);
        dlclose(library);
        return false;
    }
    Dl_info info;
    ort->api = api;
    snprintf(ort->version, sizeof ort->version, "%s", version);
    snprintf(ort->path, sizeof ort->path, "%s", dladdr(get.object, &info) && info.dli_fname ? info.dli_fname : path);
    return true;
}

static const char *const file_names[] = {"libonnxruntime.so.1", "libonnxruntime.so"};

static bool load_from_folder(const char *dir, vi_ort *ort, trail *t)
{
    char path[1024];
    for (size_t i = 0; i < VI_COUNT(file_names); ++i) {
        snprintf(path, sizeof path, "%s/%s", dir, file_names[i]);
        if (vi_file_exists(path) && load(path, ort, t))
            return true;
    }
    note(t, dir, NULL);
    return false;
}

static bool search(vi_ort *ort, trail *t)
{
    const char *chosen = getenv("VISO_ONNXRUNTIME");
    if (chosen && *chosen)
        /* A choice that does not work is an error, not a reason to run something else. */
        return vi_is_folder(chosen) ? load_from_folder(chosen, ort, t) : load(chosen, ort, t);
    bool found = false;
    char *dir = vi_program_dir();
    if (dir) {
        char beside[1024];
        snprintf(beside, sizeof beside, "%s/../lib/viso", dir);
        found = load_from_folder(dir, ort, t) || load_from_folder(beside, ort, t);
        vi_free(dir);
    }
    if (!found && sizeof VI_ORT_INSTALLED_DIR > 1)
        found = load_from_folder(VI_ORT_INSTALLED_DIR, ort, t);
    if (!found && sizeof VI_ORT_BUILD_PATH > 1)
        found = load(VI_ORT_BUILD_PATH, ort, t);
    for (size_t i = 0; i < VI_COUNT(file_names) && !found; ++i)
        found = load(file_names[i], ort, t);
    return found;
}

/* --- the environment -------------------------------------------------------------------------------------------- */

static void ORT_API_CALL on_log(void *user, OrtLoggingLevel severity, const char *category, const char *id,
                                const char *where, const char *text)
{
    /* The runtime warns about things that are no concern of a user (unused initialisers), so every level goes down
     * by one. Its errors also come back as statuses. */
    static const viso_log_level levels[] = {VISO_LOG_TRACE, VISO_LOG_TRACE, VISO_LOG_DEBUG, VISO_LOG_WARN, VISO_LOG_ERROR};
    (void)user;
    (void)category;
    (void)id;
    (void)where;
    /* The lock is held over the callback: the handle must not be closed under it. */
    pthread_mutex_lock(&handle_lock);
    const vi_runtime *h = handles;
    while (h && !h->log.fn)
        h = h->next;
    if (h && (size_t)severity < VI_COUNT(levels))
        vi_log_write(&h->log, levels[severity], "onnxruntime: %s", text);
    pthread_mutex_unlock(&handle_lock);
}

/* One arena for the sessions on the cpu, which grows by what is asked for; else each has its own, and doubles it. Without it
 * all goes on as ever. */
static bool share_arena(const vi_ort *ort)
{
    static const char *const key[] = {"arena_extend_strategy"};
    static const size_t same_as_requested[] = {1};
    const OrtApi *api = ort->api;
    OrtArenaCfg *arena = NULL;
    OrtMemoryInfo *memory = NULL;
    OrtStatus *status = api->CreateArenaCfgV2(key, same_as_requested, 1, &arena);
    if (!status)
        status = api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory);
    if (!status)
        status = api->CreateAndRegisterAllocator(ort->env, memory, arena);
    bool shared = status == NULL;
    if (status)
        api->ReleaseStatus(status);
    if (memory)
        api->ReleaseMemoryInfo(memory);
    if (arena)
        api->ReleaseArenaCfg(arena);
    return shared;
}

static int start(vi_ort *ort, viso_error *err)
{
    if (!ort->api) {
        trail t = {0};
        if (!search(ort, &t))
            return vi_error_set(err, VISO_ERR_DEVICE,
                                "ONNX Runtime not found; tried: %s. Set VISO_ONNXRUNTIME to libonnxruntime.so.1", t.text);
    }
    OrtStatus *status = ort->api->CreateEnvWithCustomLogger(on_log, NULL, ORT_LOGGING_LEVEL_WARNING, "viso", &ort->env);
    int code = vi_ort_check(ort->api, status, VISO_ERR_DEVICE, "ONNX Runtime", "cannot start", err);
    ort->arena = !code && share_arena(ort);
    return code;
}

static void release(void *runtime)
{
    vi_ort *ort = runtime;
    OrtEnv *env = NULL;
    pthread_mutex_lock(&lock);
    if (--ort->holders == 0) {
        env = ort->env;
        ort->env = NULL;
    }
    /* Inside the lock: a second environment must not start before this one has ended. */
    if (env)
        ort->api->ReleaseEnv(env);
    pthread_mutex_unlock(&lock);
}

static void list_handle(vi_runtime *rt)
{
    pthread_mutex_lock(&handle_lock);
    rt->next = handles;
    handles = rt;
    pthread_mutex_unlock(&handle_lock);
}

static void unlist_handle(const vi_runtime *rt)
{
    pthread_mutex_lock(&handle_lock);
    for (vi_runtime **at = &handles; *at; at = &(*at)->next) {
        if (*at == rt) {
            *at = rt->next;
            break;
        }
    }
    pthread_mutex_unlock(&handle_lock);
}

int vi_runtime_open(vi_runtime **rt, const vi_log *log, viso_error *err)
{
    vi_runtime *handle = vi_calloc(1, sizeof *handle);
    *rt = NULL;
    if (!handle)
        return vi_error_nomem(err, "runtime");
    handle->log = vi_log_named(log, "infer");
    handle->ort = &the_runtime;
    handle->devices = vi_devices_create(&vi_backend_ort, &the_runtime, &handle->log);
    list_handle(handle);
    pthread_mutex_lock(&lock);
    int code = !handle->devices ? vi_error_nomem(err, "runtime") : the_runtime.holders ? 0 : start(&the_runtime, err);
    if (!code) {
        the_runtime.holders++;
        handle->devices->end = release;
        handle->devices->runtime = &the_runtime;
    }
    pthread_mutex_unlock(&lock);
    if (code)
        vi_runtime_close(&handle);
    *rt = handle;
    return code;
}

void vi_runtime_close(vi_runtime **rt)
{
    vi_runtime *handle = *rt;
    if (!handle)
        return;
    *rt = NULL;
    if (handle->devices)
        vi_devices_silence(handle->devices);
    vi_devices_release(handle->devices); /* the runtime may log its end through the handle, the last one of all */
    unlist_handle(handle);
    vi_free(handle);
}

const char *vi_runtime_version(vi_runtime *rt)
{
    return rt->ort->version;
}

const char *vi_runtime_path(vi_runtime *rt)
{
    return rt->ort->path;
}

int vi_runtime_providers(vi_runtime *rt, char names[][40], int max)
{
    char **list = NULL;
    int n = 0;
    OrtStatus *status = rt->ort->api->GetAvailableProviders(&list, &n);
    if (vi_ort_check(rt->ort->api, status, VISO_ERR_DEVICE, "ONNX Runtime", "no list of providers", NULL))
        return 0;
    for (int i = 0; i < VI_MIN(n, max); ++i)
        snprintf(names[i], 40, "%s", list[i]);
    status = rt->ort->api->ReleaseAvailableProviders(list, n);
    vi_ort_check(rt->ort->api, status, VISO_ERR_DEVICE, "ONNX Runtime", "", NULL);
    return VI_MIN(n, max);
}

int vi_runtime_provider_list(vi_runtime *rt, vi_provider_info *list, int max)
{
    vi_devices *d = rt->devices;
    char others[16][24];
    int n = 0;
    for (int p = 1; p <= VI_PROVIDERS && n < max; ++p, ++n) {
        list[n] = (vi_provider_info){0};
        snprintf(list[n].name, sizeof list[n].name, "%s", vi_provider_name(p));
        list[n].usable = vi_devices_usable(d, p, list[n].reason, sizeof list[n].reason);
        list[n].off = vi_devices_off(d, p);
    }
    int more = d->backend->others ? d->backend->others(d->self, others, VI_COUNT(others)) : 0;
    for (int i = 0; i < more && n < max; ++i, ++n) {
        list[n] = (vi_provider_info){.reason = "the runtime offers it; viso does not use it"};
        snprintf(list[n].name, sizeof list[n].name, "%.23s", others[i]);
    }
    return n;
}

bool vi_runtime_usable(vi_runtime *rt, vi_provider p, char *why, size_t room)
{
    return vi_devices_usable(rt->devices, p, why, room);
}

void vi_runtime_counts(vi_runtime *rt, vi_device_counts *c)
{
    vi_devices *d = rt->devices;
    for (int p = 0; p <= VI_PROVIDERS; ++p) {
        c->loads[p] = atomic_load(&d->loads[p]);
        c->failures[p] = atomic_load(&d->failures[p]);
    }
    c->reruns = atomic_load(&d->reruns);
    c->host_copies = atomic_load(&d->host_copies);
    c->host_bytes = atomic_load(&d->host_bytes);
}

vi_devices *vi_runtime_devices(const vi_runtime *rt)
{
    return rt->devices;
}

const vi_backend *vi_runtime_backend(const vi_runtime *rt, void **self)
{
    *self = rt->devices->self;
    return rt->devices->backend;
}

void vi_runtime_set_backend(vi_runtime *rt, const vi_backend *backend, void *self)
{
    rt->devices->backend = backend;
    rt->devices->self = self;
}

const char *vi_ort_version(const vi_ort *ort)
{
    return ort->version;
}

const char *vi_ort_path(const vi_ort *ort)
{
    return ort->path;
}

const OrtApi *vi_ort_api(const vi_ort *ort)
{
    return ort->api;
}

bool vi_ort_shares_arena(const vi_ort *ort)
{
    return ort->arena;
}

OrtEnv *vi_ort_env(const vi_ort *ort)
{
    return ort->env;
}

/* Its messages name places in its own source, "/…/x.cc:12 T f(U) [ONNXRuntimeError] : 1 : FAIL : what happened ; GPU=0 ;
 * …", on several lines. What happened is what a user can act on. */
static void tell(const char *message, char *text, size_t room)
{
    const char *mark;
    while ((mark = strstr(message, "[ONNXRuntimeError] : ")) != NULL) {
        message = mark + strlen("[ONNXRuntimeError] : ");
        const char *kind = strstr(message, " : "), *what = kind ? strstr(kind + 3, " : ") : NULL;
        message = what ? what + 3 : message;
    }
    /* Faults of the device come as an exception whose text begins with a function's signature. */
    static const char *const libraries[] = {"CUDA failure ", "CUDNN failure ", "CUDNN_FE failure ", "CUBLAS failure "};
    for (size_t i = 0; i < VI_COUNT(libraries); ++i)
        message = (mark = strstr(message, libraries[i])) != NULL ? mark : message;
    snprintf(text, room, "%s", message);
    char *end = strstr(text, " ; GPU=");
    if (end)
        *end = 0;
    for (char *p = text; *p; ++p)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; --n)
        text[n - 1] = 0;
}

int vi_ort_check(const OrtApi *api, OrtStatus *status, int code, const char *name, const char *doing, viso_error *err)
{
    char text[400];
    if (!status)
        return 0;
    tell(api->GetErrorMessage(status), text, sizeof text);
    vi_error_set(err, code, "%s: %s: %s", name, doing, text);
    api->ReleaseStatus(status);
    return code;
}

unsigned vi_denormals_off(void)
{
#if defined(__SSE2__)
    unsigned saved = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(saved | 0x8040); /* flush to zero, denormals are zero */
    return saved;
#else
    return 0;
#endif
}

void vi_denormals_restore(unsigned saved)
{
#if defined(__SSE2__)
    __builtin_ia32_ldmxcsr(saved);
#else
    (void)saved;
#endif
}
