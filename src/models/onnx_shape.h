/* models/onnx_shape.h: an ONNX graph with the sizes of what flows through it, found by walking forward from the sizes of the
 * inputs. Private to src/models. The file is untrusted: every number is checked, work grows with the size of the file. */
#ifndef VI_ONNX_SHAPE_H
#define VI_ONNX_SHAPE_H

#include "models/models.h"
#include "models/onnx_wire.h"

enum { VI_SHAPE_NUMBERS = 16 }; /* how many numbers of a small constant are kept: enough for shapes */

typedef struct vi_shape_value {
    uint64_t hash;       /* of its name */
    int type;            /* as in onnx.proto, 0 unknown */
    int n_dim;           /* -1 unknown */
    int64_t dim[VI_MAX_DIMS];
    int n_number;        /* -1: the numbers are not known */
    double number[VI_SHAPE_NUMBERS];
    bool weight;         /* an initialiser, or computed from such alone */
    bool bound;          /* an input or output of the graph: its memory belongs to the run */
    int last;            /* the last node that reads it */
    int root;            /* the value whose memory it uses, itself when it has its own */
} vi_shape_value;

typedef struct vi_shape_node {
    bytes op, message;
    int in, n_in, out, n_out; /* ranges in vi_shape_graph.link */
} vi_shape_node;

typedef struct vi_shape_graph {
    vi_shape_value *value;
    int n_value;
    vi_shape_node *node;
    int n_node;
    int *link;         /* indices of values, -1: left out */
    int n_link;
    int *slot;         /* hash table of values: index + 1 */
    int n_slot;        /* a power of two */
    int guessed;       /* nodes whose results were given the size of their largest input, for want of a rule or of numbers */
    uint64_t stored;   /* bytes of the initialisers as the file has them */
    int input[64], n_input; /* values of the graph's inputs */
} vi_shape_graph;

/* Reads nodes, inputs, outputs and initialisers. NULL, or what is wrong. Free it in any case. */
const char *vi_shape_read(vi_shape_graph *g, const uint8_t *data, size_t size);
void vi_shape_free(vi_shape_graph *g);
vi_shape_value *vi_shape_find(const vi_shape_graph *g, const char *name);
/* Sizes of all values from those of the inputs; free dimensions that nobody set count as 1. */
void vi_shape_walk(vi_shape_graph *g);
/* One node (onnx_shape.c); false: no rule, or not enough known. */
bool vi_shape_step(const vi_shape_graph *g, const vi_shape_node *n);
/* 0 when the size is not known. half_as: bytes of a float16 number. */
uint64_t vi_shape_bytes(const vi_shape_value *v, int half_as);

/* A field of the node's attribute; false when there is none. */
bool vi_shape_attribute(const vi_shape_node *n, const char *name, bytes *message);
/* The tensor of a Constant or an initialiser; false: damaged. */
bool vi_shape_tensor(bytes message, vi_shape_value *v, bytes *name);

#endif
