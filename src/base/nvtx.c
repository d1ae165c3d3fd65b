/* base/nvtx.c: the application's side of the NVTX 3 protocol, as far as ranges of threads go.
 *
 * NVTX is a header: each program carries tables of function pointers, one per module (core, CUDA, OpenCL, CUDA runtime, core
 * 2, synchronisation), empty until a tool fills them. The tool's library is named in NVTX_INJECTION64_PATH; its
 * InitializeInjectionNvtx2 is called with a function that hands out export tables by number, and one of these (1) holds the
 * function that hands out the modules. Numbers and layouts are those of nvtx3/nvtxDetail/nvtxTypes.h of CUDA 13; they have
 * been the same since version 3.0. Older tools bring libnvToolsExt.so.1 with the functions themselves. */
#include "base/nvtx.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef void (*any_fn)(void);

enum { MODULES = 7, MOST_SLOTS = 17, CORE = 1 };
enum { RANGE_PUSH = 9, RANGE_POP = 11, NAME_THREAD = 14 }; /* in the core module */
enum { TABLE_CALLBACKS = 1, TABLE_VERSION = 3 };

/* Number of slots of each module; slot 0 is not used. */
static const unsigned slots[MODULES] = { 0, 16, 9, 15, 7, 16, 7 };
static any_fn slot[MODULES][MOST_SLOTS];
static any_fn *table[MODULES][MOST_SLOTS + 1];

/* A tool may fill or empty a slot while the program runs, so it is read at each call, as NVIDIA's header does. */
static any_fn core(int which)
{
    return __atomic_load_n(&slot[CORE][which], __ATOMIC_ACQUIRE);
}

static int module_table(int module, any_fn ***out, unsigned *size)
{
    if (module < 1 || module >= MODULES)
        return 0;
    if (size)
        *size = slots[module];
    if (out)
        *out = table[module];
    return 1;
}

static void tool_version(uint32_t version)
{
    (void)version;
}

static const struct {
    size_t size;
    int (*module_table)(int module, any_fn ***out, unsigned *size);
} callbacks = { sizeof callbacks, module_table };

static const struct {
    size_t size;
    uint32_t version, reserved;
    void (*tool_version)(uint32_t version);
} version_info = { sizeof version_info, 3, 0, tool_version };

static const void *export_table(uint32_t id)
{
    return id == TABLE_CALLBACKS ? (const void *)&callbacks : id == TABLE_VERSION ? (const void *)&version_info : NULL;
}

static bool attach_tool(const char *path, const vi_log *log)
{
    for (int m = 1; m < MODULES; m++)
        for (unsigned i = 1; i < slots[m]; i++)
            table[m][i] = &slot[m][i];
    void *library = dlopen(path, RTLD_LAZY);
    if (!library) {
        vi_warn(log, "NVTX_INJECTION64_PATH: %s", dlerror());
        return false;
    }
    int (*start)(const void *(*)(uint32_t)) = NULL;
    *(void **)&start = dlsym(library, "InitializeInjectionNvtx2");
    if (!start || start(export_table) == 0) {
        vi_warn(log, "NVTX_INJECTION64_PATH: %s %s", path,
                start ? "does not want this program's ranges" : "has no InitializeInjectionNvtx2");
        dlclose(library);
        return false;
    }
    return true;
}

static bool attach_old(void)
{
    static const struct { int at; const char *name; } function[] = {
        { RANGE_PUSH, "nvtxRangePushA" }, { RANGE_POP, "nvtxRangePop" }, { NAME_THREAD, "nvtxNameOsThreadA" },
    };
    void *library = dlopen("libnvToolsExt.so.1", RTLD_LAZY);
    for (int i = 0; i < 3 && library; i++)
        *(void **)&slot[CORE][function[i].at] = dlsym(library, function[i].name);
    return library != NULL;
}

bool vi_nvtx_attach(const vi_log *log)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool tried, listens;
    pthread_mutex_lock(&lock);
    if (!tried) {
        const char *path = getenv("NVTX_INJECTION64_PATH");
        tried = true;
        listens = path && path[0] ? attach_tool(path, log) : attach_old();
    }
    bool there = listens;
    pthread_mutex_unlock(&lock);
    return there;
}

void vi_nvtx_push(const char *text)
{
    any_fn fn = core(RANGE_PUSH);
    if (fn)
        ((int (*)(const char *))fn)(text);
}

void vi_nvtx_pop(void)
{
    any_fn fn = core(RANGE_POP);
    if (fn)
        ((int (*)(void))fn)();
}

void vi_nvtx_name_thread(const char *name)
{
    any_fn fn = core(NAME_THREAD);
    if (fn)
        ((void (*)(uint32_t, const char *))fn)((uint32_t)syscall(SYS_gettid), name);
}
