/* tests/models/tiny.h: writes small TensorFlow Lite files, so that the converter can be tested without anybody's
 * network. The file is laid out front to back: a table first, then what its offsets point to. */
#ifndef VI_TEST_TINY_H
#define VI_TEST_TINY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/tflite_read.h"

typedef struct tiny_tensor {
    const char *name;
    int type; /* vi_tfl_type */
    int n_dim;
    int32_t dim[8];
    const void *data; /* NULL: computed */
    size_t bytes;
} tiny_tensor;

typedef struct tiny_op {
    int code;
    const char *custom;
    int n_in, n_out;
    int in[8], out[4];
    int option[8]; /* fields of the options table, in order */
    int n_option;
    const uint8_t *flex;
    size_t flex_size;
} tiny_op;

typedef struct tiny {
    tiny_tensor tensor[40];
    int n_tensor;
    tiny_op op[40];
    int n_op;
    int in[4], out[8], n_in, n_out;
} tiny;

/* Adds a tensor and returns its number. `dims` ends with 0. */
int tiny_add(tiny *t, const char *name, const int *dims);
int tiny_constant(tiny *t, const char *name, const int *dims, int type, const void *data, size_t bytes);
/* Adds an operator with up to two inputs and one output (in1 < 0: one input). */
tiny_op *tiny_node(tiny *t, int code, int in0, int in1, int out);
/* The file, allocated with vi_alloc. */
uint8_t *tiny_write(const tiny *t, size_t *size);

/* A FlexBuffer map of whole numbers, and one list of numbers under `list_key` (or NULL). Keys must be sorted. */
typedef struct tiny_flex {
    const char *key;
    int n;           /* values; 1: a number, more: a list */
    const int *list; /* for n > 1 */
    double value;
    bool real;
} tiny_flex;
uint8_t *tiny_flex_write(const tiny_flex *entry, int n, size_t *size);

#endif
