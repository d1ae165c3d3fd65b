/* infer/infer.h: tensors in, tensors out. The only home of ONNX Runtime, reached through its C API, loaded once
 * at first use with dlopen (so that commands that need no network start at once).
 *
 * A vi_session is a loaded model: immutable, shared by threads. A vi_run is one running context over it (bound
 * inputs and outputs with their memory), used by one thread. */
#ifndef VI_INFER_H
#define VI_INFER_H

#include "base/base.h"

typedef enum vi_dtype { VI_F32 = 1, VI_F16, VI_I32, VI_I64, VI_U8, VI_BOOL } vi_dtype;

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

typedef struct vi_session vi_session;
typedef struct vi_session_params {
    const char *path;        /* model file, or NULL with data/size */
    const void *data;        /* must stay until the call returns */
    size_t size;
    const char *name;        /* for messages */
    int intra_threads;       /* threads inside one run; 0 means 1 */
} vi_session_params;
int vi_session_open(vi_session **s, vi_runtime *rt, const vi_session_params *p, viso_error *err);
void vi_session_close(vi_session **s);
int vi_session_inputs(const vi_session *s, const vi_tensor_info **info);
int vi_session_outputs(const vi_session *s, const vi_tensor_info **info);
const char *vi_session_provider(const vi_session *s); /* that really runs it: "cpu" */

typedef struct vi_run vi_run;
/* Binds memory for the given tensors, names as in the graph; every input must be given, of the outputs those wanted.
 * All memory is allocated here, once (64-byte aligned, cleared). A shape that contradicts the graph's is an error,
 * except for outputs of a network with a free input size: their declarations are not always true, the shape given
 * here is compared with the result of each run. The session must outlive the run. */
typedef struct vi_binding {
    const char *name;
    const int64_t *dim; /* full shape, NULL: as in the graph (free dimensions become 1) */
    int n_dim;
} vi_binding;
int vi_run_create(vi_run **r, vi_session *s, const vi_binding *in, int n_in, const vi_binding *out, int n_out,
                  viso_error *err);
void vi_run_destroy(vi_run **r);
/* Bound memory, host side, contiguous float32 unless the graph says otherwise; valid until destroy. */
void *vi_run_input(vi_run *r, int i, size_t *elements);
const void *vi_run_output(vi_run *r, int i, size_t *elements);
/* Runs; may block for the time of the network. Allocates nothing of ours. */
int vi_run_now(vi_run *r, viso_error *err);

#endif
