/* models/tflite_convert.h: state shared by the files of the converter. Private to src/models.
 *
 * The rule of layouts: a TensorFlow Lite activation of rank 4 is N,H,W,C and becomes N,C,H,W in ONNX; every other
 * rank stays as it is. vi_tfl_tensor.dim always keeps the order of the original. */
#ifndef VI_TFLITE_CONVERT_H
#define VI_TFLITE_CONVERT_H

#include "models/onnx_write.h"
#include "models/tflite_read.h"

/* How a constant is written. */
typedef enum vi_const_layout {
    VI_CONST_PLAIN,      /* as in the file */
    VI_CONST_IMAGE,      /* padded in front to rank 4, then N,H,W,C -> N,C,H,W; also Conv's O,h,w,I -> O,I,h,w */
    VI_CONST_DEPTHWISE,  /* padded in front to rank 4, 1,h,w,C -> C,1,h,w */
    VI_CONST_REST,       /* the same of 1 - x */
    VI_CONST_MINUS,      /* as many numbers in that order, all -1 */
    VI_CONST_TWICE_REST, /* as VI_CONST_REST, of 1 - 2 x */
    VI_CONST_SLOPE,      /* padded to rank 3, h,w,C -> C,h,w */
    VI_CONST_LAYOUTS
} vi_const_layout;

typedef struct vi_convert_value {
    const char *name;                       /* in ONNX; NULL until made (activations) */
    const char *constant[VI_CONST_LAYOUTS]; /* names of the forms written so far */
    int producer;                           /* operator, -1: none */
    int uses;                               /* operators that read it, graph outputs count too */
} vi_convert_value;

typedef struct vi_convert {
    vi_tfl m;
    vi_onnx *g;
    vi_convert_value *value; /* one per tensor */
    bool *fused;             /* one per operator: swallowed by a later one */
    const char *file;
    viso_error *err;
    int op; /* being converted, for messages */
    int serial; /* of helper tensors */
} vi_convert;

/* Writes "FILE: operator N NAME, tensor 'T': …" and returns VISO_ERR_INPUT. tensor < 0: the operator alone. */
int vi_convert_fault(vi_convert *c, int tensor, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static inline const vi_tfl_op *vi_convert_op(const vi_convert *c)
{
    return &c->m.op[c->op];
}

/* Tensor of operand i of the operator being converted (its number is ->index); NULL when left out. */
vi_tfl_tensor *vi_convert_in(vi_convert *c, int i);
vi_tfl_tensor *vi_convert_out(vi_convert *c, int i);

/* Counts of operands as demanded, or a fault. */
int vi_convert_arity(vi_convert *c, int min_in, int max_in, int n_out);
/* Operand i as an activation that exists by now, of rank `rank` (0: any). */
int vi_convert_activation(vi_convert *c, int i, int rank, const char **name);
/* Operand i as float constant in a layout. */
int vi_convert_constant(vi_convert *c, int i, vi_const_layout layout, const char **name);
int vi_convert_constant_tensor(vi_convert *c, int tensor, vi_const_layout layout, const char **name);
/* Operand i as constant int32 numbers, exactly `count` of them. */
int vi_convert_ints(vi_convert *c, int i, int32_t *value, int count);
bool vi_convert_is_constant(const vi_tfl_tensor *t);

/* Whether `t` has one number for each channel of `image` and nothing more. */
static inline bool vi_convert_per_channel(const vi_tfl_tensor *t, const vi_tfl_tensor *image)
{
    return t->n_dim >= 1 && t->n_dim <= 4 && image->n_dim == 4 && t->dim[t->n_dim - 1] == image->dim[3] &&
           t->count == image->dim[3];
}

/* Output i gets a name; a fault when something made it before. */
int vi_convert_make(vi_convert *c, int i, const char **name);
/* Output i must have this shape (order of the original). */
int vi_convert_expect(vi_convert *c, int i, const int64_t *dim, int n_dim);
/* Shape of a tensor in the order of ONNX. */
void vi_convert_shape(const vi_tfl_tensor *t, int64_t dim[VI_TFL_MAX_DIMS]);
/* Name for a helper tensor. */
const char *vi_convert_helper(vi_convert *c, const char *what);

/* Converts operator c->op. */
int vi_convert_operator(vi_convert *c);
/* The custom operators of MediaPipe's attention mesh (tflite_convert_mesh.c). */
int vi_convert_custom(vi_convert *c);
/* Marks the five-operator spelling of PReLU (tflite_convert_fuse.c). */
void vi_convert_find_prelu(vi_convert *c);
/* When c->op is the ADD that ends such a group: operands for one PRelu. */
bool vi_convert_is_prelu(vi_convert *c, int *x, int *slope);

#endif
