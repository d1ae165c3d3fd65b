/* infer/internal.h: shared by the files of this room that speak to ONNX Runtime (runtime.c, ort_*.c); the one place that
 * includes its header. */
#ifndef VI_INFER_INTERNAL_H
#define VI_INFER_INTERNAL_H

#include <onnxruntime_c_api.h>

#include "infer/backend.h"
#include "infer/devices.h"

/* The oldest version of the C API that has all we call (1.17); the table only ever grows at its end, so any newer
 * library serves it. */
enum { VI_ORT_API = 17 };

typedef struct vi_ort vi_ort; /* what the process has once: library, API table, environment */

struct vi_runtime {
    vi_ort *ort;
    vi_devices *devices;
    vi_log log;
    vi_runtime *next; /* open handles, the newest first; the first one with a callback gets the runtime's own lines */
};

const OrtApi *vi_ort_api(const vi_ort *ort);
OrtEnv *vi_ort_env(const vi_ort *ort);
bool vi_ort_shares_arena(const vi_ort *ort); /* the environment has an arena that sessions on the cpu may share */
const char *vi_ort_path(const vi_ort *ort); /* of the library */
const char *vi_ort_version(const vi_ort *ort);

/* Turns a status into an error with the runtime's own words, and frees it. NULL status: 0. */
int vi_ort_check(const OrtApi *api, OrtStatus *status, int code, const char *name, const char *doing, viso_error *err);

/* A network loaded on one provider. */
typedef struct vi_ort_graph {
    vi_ort *ort;
    OrtSession *session;
    vi_provider provider;
    bool graphs;           /* runs are captured and replayed */
    pthread_mutex_t lock;  /* over runs, when they are: capturing forbids other work on the device meanwhile */
    atomic_int captured;   /* one number for each context, whose addresses a captured graph holds */
} vi_ort_graph;

/* Around everything that is asked of the device: side by side, or alone while a graph is captured. Nothing on the CPU. */
void vi_ort_device_enter(const vi_ort_graph *g, bool alone);
void vi_ort_device_leave(const vi_ort_graph *g);

bool vi_ort_usable(void *self, vi_provider provider, char *why, size_t room);
int vi_ort_others(void *self, char names[][24], int max);
/* Puts the provider into the options of a session. */
OrtStatus *vi_ort_append(const vi_ort *ort, OrtSessionOptions *o, const vi_load *load, bool graphs);
int vi_ort_load(void *self, const vi_load *load, void **graph, viso_error *err);
void vi_ort_unload(void *self, void *graph);
int vi_ort_describe(void *self, void *graph, const char *name, vi_tensor_info **in, int *n_in, vi_tensor_info **out,
                    int *n_out, viso_error *err);
int vi_ort_bind(void *self, void *graph, const char *name, vi_slot *in, int n_in, vi_slot *out, int n_out, void **context,
                viso_error *err);
void vi_ort_unbind(void *self, void *context);
int vi_ort_run(void *self, void *context, viso_error *err);
int vi_ort_copy(void *self, void *context, vi_slot *slot, vi_direction direction, viso_error *err);

/* The NVIDIA driver, opened at run time. Never closed. */
bool vi_cuda_driver(char *why, size_t room); /* false with the reason */
struct vi_machine;
void vi_cuda_machine(struct vi_machine *m); /* GPU and driver */
const char *vi_provider_library(vi_provider p); /* file beside the runtime; NULL: none */
/* The sonames that a shared library asks for (DT_NEEDED), read from its file. How many; 0 when it is no library. */
int vi_elf_needs(const char *path, char names[][64], int max);
int vi_cuda_copy(void *to, const void *from, size_t bytes, vi_direction direction, const char *name, viso_error *err);

ONNXTensorElementDataType vi_ort_type(vi_dtype type);

/* Numbers below the smallest normal one cost a hundredfold on x86 and carry nothing here: flush them on the thread
 * that runs, and give the thread its own rules back afterwards. */
unsigned vi_denormals_off(void);
void vi_denormals_restore(unsigned saved);

#endif
