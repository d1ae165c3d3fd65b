/* infer/internal.h: shared by the files of this room only; the one place that includes ONNX Runtime's header. */
#ifndef VI_INFER_INTERNAL_H
#define VI_INFER_INTERNAL_H

#include <onnxruntime_c_api.h>

#include "infer/infer.h"

/* The oldest version of the C API that has all we call (1.17); the table only ever grows at its end, so any newer
 * library serves it. */
enum { VI_ORT_API = 17 };

typedef struct vi_ort vi_ort; /* what the process has once: library, API table, environment */

struct vi_runtime {
    vi_ort *ort;
    vi_log log;
    vi_runtime *next; /* open handles, the newest first; the first one with a callback gets the runtime's own lines */
};

const OrtApi *vi_ort_api(const vi_ort *ort);
OrtEnv *vi_ort_env(const vi_ort *ort);
/* One more holder of the environment (sessions hold it beyond the handle they were opened with). */
vi_ort *vi_ort_hold(vi_ort *ort);
void vi_ort_release(vi_ort *ort);

/* Turns a status into an error with the runtime's own words, and frees it. NULL status: 0. */
int vi_ort_check(const OrtApi *api, OrtStatus *status, int code, const char *name, const char *doing, viso_error *err);

struct vi_session {
    vi_ort *ort;
    OrtSession *session;
    char name[96];
    int n_in, n_out;
    vi_tensor_info *in, *out;
};

ONNXTensorElementDataType vi_ort_type(vi_dtype type);
size_t vi_dtype_size(vi_dtype type);

/* Numbers below the smallest normal one cost a hundredfold on x86 and carry nothing here: flush them on the thread
 * that runs, and give the thread its own rules back afterwards. */
unsigned vi_denormals_off(void);
void vi_denormals_restore(unsigned saved);

#endif
