/* models/onnx_write.h: an ONNX graph under construction, written through protobuf-c.
 *
 * All parts live in one pool with a fixed limit and die together. A failure (no memory, over the limit) is sticky:
 * every call tolerates it and vi_onnx_finish reports it, so building code needs no check per node. Names passed in
 * must live as long as the graph (vi_onnx_text makes such). Private to src/models; one thread. */
#ifndef VI_ONNX_WRITE_H
#define VI_ONNX_WRITE_H

#include "base/base.h"

typedef struct vi_onnx vi_onnx;
struct Onnx__NodeProto; /* of the generated code, which only onnx_write.c includes */
typedef struct Onnx__NodeProto vi_onnx_node_t;

vi_onnx *vi_onnx_begin(size_t limit); /* bytes the pool may take; NULL without memory */
void vi_onnx_free(vi_onnx **g);
bool vi_onnx_failed(const vi_onnx *g);

char *vi_onnx_text(vi_onnx *g, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* "" after a failure */

/* Adds a node with one output, named `out`; the node is for the attribute calls below. */
vi_onnx_node_t *vi_onnx_node_n(vi_onnx *g, const char *type, const char *out, const char *const *in, int n_in);
#define vi_onnx_node(g, type, out, ...) \
    vi_onnx_node_n((g), (type), (out), (const char *const[]){__VA_ARGS__}, \
                   (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))
/* Attributes; a NULL node is ignored. */
void vi_onnx_set_int(vi_onnx *g, vi_onnx_node_t *n, const char *name, int64_t value);
void vi_onnx_set_ints(vi_onnx *g, vi_onnx_node_t *n, const char *name, const int64_t *value, int count);
void vi_onnx_set_text(vi_onnx *g, vi_onnx_node_t *n, const char *name, const char *value);

/* Constants. `floats` returns memory for the values (rows by the last dimension), NULL after a failure. */
float *vi_onnx_floats(vi_onnx *g, const char *name, const int64_t *dim, int n_dim);
void vi_onnx_int64s(vi_onnx *g, const char *name, const int64_t *value, int count);

/* Of float32; a size of -1 is free. */
void vi_onnx_input(vi_onnx *g, const char *name, const int64_t *dim, int n_dim);
void vi_onnx_output(vi_onnx *g, const char *name, const int64_t *dim, int n_dim);
/* Of other numbers. */
typedef enum vi_onnx_type {
    VI_ONNX_FLOAT = 1, VI_ONNX_UINT8 = 2, VI_ONNX_INT32 = 6, VI_ONNX_INT64 = 7, VI_ONNX_BOOL = 9, VI_ONNX_FLOAT16 = 10,
    VI_ONNX_DOUBLE = 11
} vi_onnx_type; /* ONNX's own numbers: also for the attribute `to` of Cast */
void vi_onnx_input_of(vi_onnx *g, const char *name, vi_onnx_type type, const int64_t *dim, int n_dim);
void vi_onnx_output_of(vi_onnx *g, const char *name, vi_onnx_type type, const int64_t *dim, int n_dim);

/* Serialises. *data is freed with vi_free. `source` is for messages. */
int vi_onnx_finish(vi_onnx *g, const char *graph_name, const char *source, uint8_t **data, size_t *size,
                   viso_error *err);

#endif
