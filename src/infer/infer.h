/* infer/infer.h: tensors in, tensors out. The only home of ONNX Runtime, reached through its C API, loaded once
 * at first use with dlopen (so that commands that need no network start at once).
 *
 * A vi_session is a loaded model, shared by threads. A vi_run is one running context over it (bound inputs and outputs
 * with their memory), used by one thread. Which provider runs a session is this room's affair: when one fails, at load
 * or at run, it is switched off for the handle the session was opened with, the model is loaded on the next one of the
 * session's policy and the same inputs are run again. */
#ifndef VI_INFER_H
#define VI_INFER_H

#include "base/base.h"

typedef enum vi_dtype { VI_F32 = 1, VI_F16, VI_I32, VI_I64, VI_U8, VI_BOOL, VI_F64 } vi_dtype;

#define VI_MAX_DIMS 8

typedef struct vi_tensor_info {
    char name[96];
    vi_dtype type;
    int n_dim;
    int64_t dim[VI_MAX_DIMS]; /* -1: free */
} vi_tensor_info;

typedef struct vi_runtime vi_runtime; /* process-wide, reference-counted */
/* Finds the library: $VISO_ONNXRUNTIME (file or folder; when set, nothing else is tried), beside the program,
 * ../lib/viso, the folder it is installed to, the path given at build time, then the loader's default.
 * VISO_ERR_DEVICE with the places tried when there is none. Runtime messages go to the log of the newest open handle
 * that has a callback. Thread-safe. */
int vi_runtime_open(vi_runtime **rt, const vi_log *log, viso_error *err);
void vi_runtime_close(vi_runtime **rt);
const char *vi_runtime_version(vi_runtime *rt);  /* "1.29.0" */
const char *vi_runtime_path(vi_runtime *rt);
/* Names of the providers the library was built with. */
int vi_runtime_providers(vi_runtime *rt, char names[][40], int max);

/* The providers we know, best first. */
typedef enum vi_provider { VI_TENSORRT = 1, VI_CUDA, VI_CPU } vi_provider;
enum { VI_PROVIDERS = 3 };
const char *vi_provider_name(vi_provider p); /* "tensorrt", "cuda", "cpu" */

typedef struct vi_provider_info {
    char name[24];    /* as above; further ones that the library offers in its own words, lower case: "openvino" */
    bool usable;
    bool off;         /* was usable and failed; sessions opened from now on do without */
    char reason[240]; /* why not; "" */
} vi_provider_info;
/* The three and whatever else the library offers; how many, at most max. With an NVIDIA driver present the first call
 * loads the vendor's libraries (seconds). Thread-safe. */
int vi_runtime_provider_list(vi_runtime *rt, vi_provider_info *list, int max);
/* One of the three: may a session use it now? False with the reason. Takes as long as the list, the first time. */
bool vi_runtime_usable(vi_runtime *rt, vi_provider p, char *why, size_t room);

/* The first GPU of the NVIDIA driver. */
typedef struct vi_gpu {
    int count;             /* GPUs in all */
    char name[96];
    int major, minor;      /* compute capability */
    uint64_t memory, memory_free; /* bytes, 0 not known */
    char driver[32];       /* "580.65.06" */
    int cuda;              /* the newest CUDA that the driver serves: 13000 */
    char why[120];         /* no driver, or none that works; "" */
} vi_gpu;
/* False, with the reason alone, without a driver that works; then nothing else was loaded. memory_free is only asked for when
 * wanted: it takes a context on the device (some 100 ms, some memory there). Thread-safe. */
bool vi_gpu_look(vi_gpu *g, bool memory_free);

/* A library that the GPU providers need, beside what is there. */
typedef struct vi_gpu_library {
    char name[16];   /* "CUDA" "cuBLAS" "cuFFT" "cuDNN" "TensorRT" "NVDEC" "NVENC" */
    char file[40];   /* soname wanted: "libcudnn.so.9" */
    char wanted[16]; /* "9" */
    char found[32];  /* "9.14.0", "there" when it does not tell; "" nothing, or none that loads */
    bool fits;       /* it loads and is what is wanted */
    bool broken;     /* a file of that name is there and does not load */
    char why[200];   /* in the loader's words; "" when it fits */
} vi_gpu_library;
/* What the providers beside the runtime ask for, else what the newest known ones do. Opens the libraries (cuDNN and TensorRT are
 * large: up to seconds when they are not in memory), so ask only when there is a driver. rt may be NULL. How many, at most max. */
int vi_gpu_libraries(vi_runtime *rt, vi_gpu_library *list, int max);
/* Whether the provider's own library lies beside the runtime; file gets its name. True for the cpu. */
bool vi_provider_present(vi_runtime *rt, vi_provider p, char file[64]);

/* Where a session may run, best first. */
typedef struct vi_device_policy {
    vi_provider order[VI_PROVIDERS];
    int n_order;
    bool named;  /* the first one was asked for by name: it is worth a line when it cannot be had */
    bool strict; /* fail with VISO_ERR_DEVICE rather than go on with the next */
} vi_device_policy;
/* choice: what the user wants ("auto", "tensorrt", "cuda", "cpu"; NULL is auto): that one and those after it.
 * hint: the best that the model's manifest allows (same words); it narrows the choice and is no failure, strict or not. The hint
 *   "cpu" means that a GPU is not worth it, and is no answer to a user who names one.
 * instead: an override at load, which replaces both; NULL or "" when there is none.
 * Strict with a name leaves that one alone; strict with auto takes the first usable one and stays there.
 * VISO_ERR_USAGE for another word. */
int vi_device_policy_make(vi_device_policy *p, const char *choice, const char *hint, const char *instead, bool strict,
                          viso_error *err);

/* What happened under one runtime handle since it was opened; loads and failures by vi_provider. */
typedef struct vi_device_counts {
    uint64_t loads[VI_PROVIDERS + 1], failures[VI_PROVIDERS + 1];
    uint64_t reruns;      /* runs repeated on another provider */
    uint64_t host_copies; /* tensors copied between host and device */
    uint64_t host_bytes;
} vi_device_counts;
void vi_runtime_counts(vi_runtime *rt, vi_device_counts *c);

typedef enum vi_precision { VI_FP32 = 1, VI_FP16, VI_INT8 } vi_precision;

/* Sizes of one input with free dimensions: what TensorRT builds for, and what a warm-up runs (`opt`). */
typedef struct vi_profile {
    const char *input;
    int n_dim;
    int64_t min[VI_MAX_DIMS], opt[VI_MAX_DIMS], max[VI_MAX_DIMS];
} vi_profile;

typedef struct vi_session vi_session;
typedef struct vi_session_params {
    const char *path;        /* model file, or NULL with data/size */
    const void *data;        /* must stay until the call returns */
    size_t size;
    const char *folder;      /* where files of weights lie that the model names (its own folder); NULL: it names none */
    const char *name;        /* for messages */
    int intra_threads;       /* threads inside one run; 0 means 1 */
    const vi_device_policy *policy; /* NULL: the cpu alone */
    /* The rest is for devices; all of it may be left out. */
    const char *digest;      /* SHA-256 of the model in hex; without it nothing is kept on disk */
    const char *cache_dir;   /* for built engines and timings; made when it is missing */
    vi_precision precision;  /* of TensorRT's engines; 0 means VI_FP32 */
    const vi_profile *profile;
    int n_profile;
    bool no_graphs;          /* no CUDA graphs; else they are used where all input shapes are fixed */
    bool warm_up;            /* run once at opening, on another provider than the cpu */
} vi_session_params;
/* Loads on the first provider of the policy that is usable and does load. While another one could follow, the session
 * keeps a copy of the model. */
int vi_session_open(vi_session **s, vi_runtime *rt, const vi_session_params *p, viso_error *err);
void vi_session_close(vi_session **s);
int vi_session_inputs(const vi_session *s, const vi_tensor_info **info);
int vi_session_outputs(const vi_session *s, const vi_tensor_info **info);
const char *vi_session_provider(const vi_session *s); /* that really runs it now: "cpu" */
/* Did it come to be there because another one was asked for by name, or failed, now or before? Then *why gets the first
 * reason, "cuda: out of memory"; else "". That auto passes over what the machine lacks is no such case. Thread-safe. */
bool vi_session_fell_back(const vi_session *s, char *why, size_t room);

typedef struct vi_run vi_run;
/* Binds memory for the given tensors, names as in the graph; every input must be given, of the outputs those wanted.
 * All memory is allocated here, once (64-byte aligned, cleared). A shape that contradicts the graph's is an error,
 * except for outputs of a network with a free input size: their declarations are not always true, the shape given
 * here is compared with the result of each run. The session must outlive the run. */
typedef struct vi_binding {
    const char *name;
    const int64_t *dim; /* full shape, NULL: as in the graph (free dimensions become 1) */
    int n_dim;
    bool any;           /* output: of whatever size comes; `dim` is not looked at, memory is taken in the run when it has to
                           grow, vi_run_output tells the size of the last result (NULL and 0 before the first). Slower. */
    bool stay;          /* output: left on the device where there is one; vi_run_fetch brings it to the host */
    vi_run *from;       /* input: is output number `output` of this run (same type, same number of elements), which runs */
    int output;         /*   first, on the same thread, and is destroyed later. No copy where both are on one device. */
} vi_binding;
int vi_run_create(vi_run **r, vi_session *s, const vi_binding *in, int n_in, const vi_binding *out, int n_out,
                  viso_error *err);
void vi_run_destroy(vi_run **r);
/* Bound memory, host side, contiguous float32 unless the graph says otherwise; valid until destroy. */
void *vi_run_input(vi_run *r, int i, size_t *elements); /* of a fed input: the other run's output, not to be written */
const void *vi_run_output(vi_run *r, int i, size_t *elements);
/* Runs; may block for the time of the network. Allocates nothing of ours, except when a provider fails: then the model is
 * loaded on the next one (once, whichever thread notices first), bound anew, and run again with the same inputs. */
int vi_run_now(vi_run *r, viso_error *err);
/* Brings an output that stayed on the device to its host memory; nothing to do when it is there. */
int vi_run_fetch(vi_run *r, int i, viso_error *err);

/* Runs once on zeros, so that what a provider builds or measures at its first run is done; *ms says how long it took.
 * Does nothing (0 ms) when an input has free dimensions and no profile. */
int vi_session_warm_up(vi_session *s, double *ms, viso_error *err);

#endif
