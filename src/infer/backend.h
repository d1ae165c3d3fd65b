/* infer/backend.h: what lies beneath sessions: the one table through which this room loads and runs networks. The real
 * one is ONNX Runtime (ort_*.c); tests put another one under a runtime handle, which fails when they want it to.
 *
 * Everything here may be called from any thread, but one context belongs to one thread at a time. */
#ifndef VI_INFER_BACKEND_H
#define VI_INFER_BACKEND_H

#include "infer/infer.h"

/* One tensor bound to a running context. The host memory belongs to the caller; the device memory to the backend,
 * unless it is borrowed. */
typedef struct vi_slot {
    const vi_tensor_info *info;
    int64_t dim[VI_MAX_DIMS];
    size_t elements, bytes;
    void *host;    /* 64-byte aligned */
    void *device;  /* set by bind where the provider has memory of its own */
    bool borrowed; /* the device memory is another context's: bind takes it as it is */
    bool loose;    /* output of a shape that the graph contradicts or leaves open: the runtime takes memory, the result is
                      checked and copied to the host (dropped without host memory) */
    bool any;      /* loose, and the result's size is taken as it is: `elements`, `bytes` and `host` follow it (vi_alloc) */
    size_t room;   /* of `host`, when `any` */
} vi_slot;

/* How one graph is to be loaded. All pointers need to live until load returns. */
typedef struct vi_load {
    const char *name; /* for messages */
    const void *data;
    size_t size;
    const char *folder; /* of weights beside the model, NULL: none */
    vi_provider provider;
    int threads;
    bool graphs; /* capture CUDA graphs if the network allows it */
    const char *digest, *cache_dir;
    vi_precision precision;
    const vi_profile *profile;
    int n_profile;
} vi_load;

typedef enum vi_direction { VI_TO_DEVICE = 1, VI_TO_HOST } vi_direction;

typedef struct vi_backend {
    /* False with the reason. The answer stays the same for the life of the process. May take seconds the first time
     * (vendor libraries are loaded). */
    bool (*usable)(void *self, vi_provider provider, char *why, size_t room);
    /* Providers that the library offers beyond the three: names, ours or its own. Returns how many, at most max. */
    int (*others)(void *self, char names[][24], int max);
    /* VISO_ERR_NO_SPACE when memory ran out, otherwise VISO_ERR_MODEL. */
    int (*load)(void *self, const vi_load *load, void **graph, viso_error *err);
    void (*unload)(void *self, void *graph);
    /* Arrays from vi_calloc, the caller's to free. */
    int (*describe)(void *self, void *graph, const char *name, vi_tensor_info **in, int *n_in, vi_tensor_info **out,
                    int *n_out, viso_error *err);
    /* The slots stay where they are until unbind. */
    int (*bind)(void *self, void *graph, const char *name, vi_slot *in, int n_in, vi_slot *out, int n_out,
                void **context, viso_error *err);
    void (*unbind)(void *self, void *context); /* clears `device` of the slots that are not borrowed */
    /* VISO_ERR_DEVICE when it failed. Done when it returns. */
    int (*run)(void *self, void *context, viso_error *err);
    /* Between a slot's two memories; only for slots with device memory. Done when it returns. */
    int (*copy)(void *self, void *context, vi_slot *slot, vi_direction direction, viso_error *err);
} vi_backend;

extern const vi_backend vi_backend_ort;

/* The table under this handle and what its calls take first. */
const vi_backend *vi_runtime_backend(const vi_runtime *rt, void **self);
/* Puts another one beneath, for sessions opened from now on. Both must outlive the handle and its sessions. */
void vi_runtime_set_backend(vi_runtime *rt, const vi_backend *backend, void *self);

#endif
