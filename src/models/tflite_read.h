/* models/tflite_read.h: a TensorFlow Lite file as plain arrays.
 *
 * The file is a FlatBuffer: tables that point to each other by offsets. Everything is checked against the size
 * once, here, so that the converter can index freely. Work and memory grow with the size of the file only: each
 * table entry costs a fixed amount and lists inside an operator are short by rule. Private to src/models. */
#ifndef VI_TFLITE_READ_H
#define VI_TFLITE_READ_H

#include "base/base.h"

#define VI_TFL_MAX_DIMS 8
#define VI_TFL_MAX_OPERANDS 64
#define VI_TFL_MAX_ELEMENTS (INT64_C(1) << 31) /* of one tensor; a bound for arithmetic, nothing is allocated by it */

/* Numbers of the schema. */
enum vi_tfl_type { VI_TFL_F32 = 0, VI_TFL_F16 = 1, VI_TFL_I32 = 2 };

enum vi_tfl_code {
    VI_TFL_ADD = 0,
    VI_TFL_AVERAGE_POOL_2D = 1,
    VI_TFL_CONCATENATION = 2,
    VI_TFL_CONV_2D = 3,
    VI_TFL_DEPTHWISE_CONV_2D = 4,
    VI_TFL_DEQUANTIZE = 6,
    VI_TFL_LOGISTIC = 14,
    VI_TFL_MAX_POOL_2D = 17,
    VI_TFL_MUL = 18,
    VI_TFL_RELU = 19,
    VI_TFL_RELU6 = 21,
    VI_TFL_RESHAPE = 22,
    VI_TFL_RESIZE_BILINEAR = 23,
    VI_TFL_TANH = 28,
    VI_TFL_CUSTOM = 32,
    VI_TFL_PAD = 34,
    VI_TFL_SUB = 41,
    VI_TFL_STRIDED_SLICE = 45,
    VI_TFL_PRELU = 54,
    VI_TFL_NEG = 59,
    VI_TFL_ABS = 101
};

typedef struct vi_tfl_tensor {
    const char *name; /* inside the file, not terminated */
    size_t name_size;
    int type;         /* vi_tfl_type or another number of the schema */
    int n_dim;
    int64_t dim[VI_TFL_MAX_DIMS];
    int64_t count;       /* product of dim */
    const uint8_t *data; /* constants; NULL for what operators make */
    size_t bytes;
    int index;
} vi_tfl_tensor;

typedef struct vi_tfl_op {
    int code;
    const char *custom; /* name of a custom operator, not terminated */
    size_t custom_size;
    int n_in, n_out;
    const uint8_t *in, *out; /* little-endian int32 in the file */
    size_t options;          /* position of the options table, 0: none */
    const uint8_t *custom_options;
    size_t custom_options_size;
} vi_tfl_op;

typedef struct vi_tfl {
    const uint8_t *data;
    size_t size;
    int n_tensor, n_op, n_in, n_out;
    vi_tfl_tensor *tensor;
    vi_tfl_op *op;
    const uint8_t *in, *out; /* of the graph, little-endian int32 */
} vi_tfl;

/* Reads the arrays; `file` is for messages. `data` must outlive the result. VISO_ERR_INPUT for a damaged file.
 * On failure nothing is left to free. */
int vi_tfl_read(vi_tfl *m, const uint8_t *data, size_t size, const char *file, viso_error *err);
void vi_tfl_free(vi_tfl *m);

/* Entry i of one of the int32 lists above. Tensor lists hold numbers below n_tensor, or -1 for "none" (only among
 * the inputs of an operator). */
int vi_tfl_at(const uint8_t *list, int i);

/* A scalar of an operator's options table: field number, bytes wide (1 or 4), value when absent. */
int vi_tfl_option(const vi_tfl *m, const vi_tfl_op *op, int field, int wide, int absent);

/* Name of an operator code for messages. */
const char *vi_tfl_code_name(int code);

/* Custom operators carry a FlexBuffer map. Numbers under `key`: returns how many were read (at most `max`), -1 when
 * the key is absent, the value is no number or list of numbers, or the buffer is damaged. */
int vi_flex_numbers(const uint8_t *data, size_t size, const char *key, double *value, int max);

#endif
