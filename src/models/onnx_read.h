/* models/onnx_read.h: what an ONNX file says of itself, read from its bytes without the runtime. Private to src/models
 * (vi_onnx_initialiser stands in models.h). The input is untrusted: everything is checked against the size, work grows with
 * the size of the file. */
#ifndef VI_ONNX_READ_H
#define VI_ONNX_READ_H

#include "models/models.h"

enum { VI_ONNX_MOST = 64 }; /* inputs, and outputs */

typedef struct vi_onnx_value {
    char name[96];   /* longer ones are cut */
    char type[12];   /* "float32" …, "?" */
    int n_dim;       /* -1: no shape given */
    int64_t dim[VI_MAX_DIMS]; /* -1: free */
} vi_onnx_value;

typedef struct vi_onnx_signature {
    int n_in, n_out; /* without the weights that old files list among the inputs */
    vi_onnx_value in[VI_ONNX_MOST], out[VI_ONNX_MOST];
    char external[160]; /* a file that holds weights beside this one, "" none */
} vi_onnx_signature;

/* NULL, or what is wrong with the file. */
const char *vi_onnx_read_signature(const uint8_t *data, size_t size, vi_onnx_signature *s);

/* A file mapped for reading. Errors: VISO_ERR_INPUT. */
typedef struct vi_mapped {
    const uint8_t *data;
    size_t size;
} vi_mapped;
int vi_map_file(const char *path, vi_mapped *m, viso_error *err);
void vi_unmap_file(vi_mapped *m);

/* vi_onnx_initialiser over bytes: `path` is for messages and says where external files lie (NULL: there are none). */
int vi_onnx_initialiser_of(const uint8_t *data, size_t size, const char *path, const char *name, vi_onnx_values *v,
                           viso_error *err);

#endif
