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

static int (*push_fn)(const char *);
static int (*pop_fn)(void);
static void (*name_fn)(uint32_t, const char *);

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

static void attach_tool(const char *path, const vi_log *log)
{
    for (int m = 1; m < MODULES; m++)
        for (unsigned i = 1; i < slots[m]; i++)
            table[m][i] = &slot[m][i];
    void *library = dlopen(path, RTLD_LAZY);
    if (!library) {
        vi_warn(log, "NVTX_INJECTION64_PATH: %s", dlerror());
        return;
    }
    int (*start)(const void *(*)(uint32_t)) = NULL;
    *(void **)&start = dlsym(library, "InitializeInjectionNvtx2");
    if (!start || start(export_table) == 0) {
        vi_warn(log, "NVTX_INJECTION64_PATH: %s %s", path,
                start ? "does not want this program's ranges" : "has no InitializeInjectionNvtx2");
        dlclose(library);
        return;
    }
    push_fn = (int (*)(const char *))slot[CORE][RANGE_PUSH];
    pop_fn = (int (*)(void))slot[CORE][RANGE_POP];
    name_fn = (void (*)(uint32_t, const char *))slot[CORE][NAME_THREAD];
}

static void attach_old(void)
{
    void *library = dlopen("libnvToolsExt.so.1", RTLD_LAZY);
    if (!library)
        return;
    *(void **)&push_fn = dlsym(library, "nvtxRangePushA");
    *(void **)&pop_fn = dlsym(library, "nvtxRangePop");
    *(void **)&name_fn = dlsym(library, "nvtxNameOsThreadA");
}

bool vi_nvtx_attach(const vi_log *log)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool tried;
    pthread_mutex_lock(&lock);
    if (!tried) {
        const char *path = getenv("NVTX_INJECTION64_PATH");
        tried = true;
        if (path && path[0])
            attach_tool(path, log);
        else
            attach_old();
        if (!push_fn || !pop_fn) {
            push_fn = NULL;
            pop_fn = NULL;
        }
    }
    bool there = push_fn != NULL;
    pthread_mutex_unlock(&lock);
    return there;
}

void vi_nvtx_push(const char *text)
{
    push_fn(text);
}

void vi_nvtx_pop(void)
{
    pop_fn();
}

void vi_nvtx_name_thread(const char *name)
{
    if (name_fn)
        name_fn((uint32_t)syscall(SYS_gettid), name);
}
