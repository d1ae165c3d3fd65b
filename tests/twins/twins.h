/* tests/twins/twins.h: twins, ONNX graphs with the contract of a model whose weights are not here.
 *
 * A twin has the exact tensor names, types, shapes and free axes of its model (contracts.c, written from the contracts'
 * reference and not from viso's manifest, so that a test finds out when the two differ). What its outputs say is the test's
 * choice, of three kinds that mix freely:
 *
 *   fills    a whole output, the same for every image: one number or all numbers;
 *   values   single numbers in chosen places ("cell 3, 5 of stride 8 has score 0.9");
 *   probes   single numbers taken from the network's input while it runs: a pixel, the mean of a colour, or where a spot
 *            of light lies. A test that reads them sees the very numbers that the recipe fed: layout, colour order,
 *            normalisation; and with spots the whole way of a point from the picture through crop, network and decode back
 *            to the picture.
 *
 * The graph runs on ONNX Runtime's CPU provider and does the same for every image of a batch by itself.
 *
 * A detector that has one face, and says in the first number of its box how red the pixel at x 7, y 3 is:
 *
 *     static const twin_value v[] = {
 *         {.output = "scores_8", .u = 10, .v = 4, .value = 0.9f},
 *         {.output = "boxes_8", .u = 10, .v = 4, .column = 0, .probe = TWIN_PIXEL, .c = 0, .y = 3, .x = 7, .scale = 1},
 *         {.output = "boxes_8", .u = 10, .v = 4, .column = 1, .value = 2},
 *     };
 *     OK(twin_put(&folder, "det_10g", &(twin_plan){.value = v, .n_value = VI_COUNT(v)}, &err));
 *
 * A set of landmarks whose first point follows the light in the red channel (c 0 of an RGB input), in pixels of the crop:
 *
 *     {.output = "points", .at = 0, .probe = TWIN_SPOT_X, .c = 0, .scale = 1},
 *     {.output = "points", .at = 1, .probe = TWIN_SPOT_Y, .c = 0, .scale = 1},
 *
 * Errors: 0 or VISO_ERR_* with the message in err. One thread. */
#ifndef TWINS_H
#define TWINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../models_folder.h"

enum { TWIN_DIMS = 4, TWIN_INPUTS = 4, TWIN_OUTPUTS = 12 };

/* Sizes that are not numbers. */
enum {
    TWIN_FREE = -1, /* input: any size. output: axis 0 only, the batch */
    TWIN_ROWS = -2  /* output: per_cell * (H / stride) * (W / stride) rows, cell after cell, row-major; declared free when
                       the image's size is free. Only in [ROWS, C] and [1, ROWS, C] */
};

typedef struct twin_tensor {
    const char *role;  /* the word that plans use, as in docs/models-manifest.md: "image", "scores_8" */
    const char *name;  /* in the graph */
    const char *type;  /* NULL: "float32"; "float16", "float64", "uint8", "int32", "int64" */
    int n_dim;
    int64_t dim[TWIN_DIMS];
    int stride, per_cell; /* with TWIN_ROWS */
    bool nhwc;            /* input: colours last */
    bool any_name;        /* the reference says "by position": `name` is one of ours */
} twin_tensor;

/* What the reference says of one model. A test may copy one and change the copy: another name, shape or type makes a wrong
 * twin. */
typedef struct twin_contract {
    const char *id;  /* of the manifest's row */
    const char *part; /* of the reference: "3.2" */
    int n_in, n_out;
    twin_tensor in[TWIN_INPUTS], out[TWIN_OUTPUTS];
    /* The image's recipe: number = mul * x + add, x in 0..255, by the colours' order in the tensor. mul 0: the model has no
     * image, or the reference says nothing. */
    bool bgr;
    float mul[3], add[3];
    const char *crop; /* template of the crop as manifest word, NULL: none or not one of these */
} twin_contract;

/* All contracts, in the order of the reference. */
const twin_contract *twin_contracts(int *n);
/* NULL: not in the table. */
const twin_contract *twin_contract_of(const char *id);

typedef enum twin_probe {
    TWIN_CONSTANT = 0, /* value */
    TWIN_PIXEL,        /* scale * input[c, y, x] + value; a place outside gives the border's pixel */
    TWIN_MEAN,         /* scale * (mean of colour c over the image) + value */
    TWIN_MAX,          /* scale * (largest number of colour c in the image) + value: is there light at all? */
    TWIN_SPOT_X,       /* scale * x + value, x: centre of the pixels of colour c that are brighter than the middle between the
                          darkest and the brightest one; continuous pixels of the input (the first pixel's centre is 0.5) */
    TWIN_SPOT_Y        /* the same for y */
} twin_probe;

typedef struct twin_value {
    const char *output; /* role */
    /* Where. In outputs with TWIN_ROWS: anchor `anchor` of cell (u, v), number `column` of its row; cells outside of the
     * grid (the image is small) are left out. In others: `at`, index into one image's numbers as they lie. */
    int u, v, anchor, column;
    int64_t at;
    /* What. */
    twin_probe probe;
    int c, y, x;  /* of the input: in tensors without colours ([1, 146, 2], [1, 512]) row y, column x */
    float scale;  /* of probes */
    float value;
    const char *input; /* role of the input that is looked at, NULL: the first */
} twin_value;

/* A whole output. Not filled: 0. */
typedef struct twin_fill {
    const char *output;
    float all;           /* every number */
    const float *values; /* or these, NULL: none; as many as one image's output has (not with TWIN_ROWS) */
    size_t n;
} twin_fill;

enum { TWIN_FREE_BATCH = 1, TWIN_FREE_SIZE = 2, TWIN_ONE_BATCH = 4 }; /* instead of the contract's axes */

typedef struct twin_plan {
    unsigned flags;
    int width, height; /* of the image input, fixed, instead of the contract's; 0: the contract's */
    const twin_fill *fill;
    int n_fill;
    const twin_value *value; /* no place twice */
    int n_value;
} twin_plan;

/* The bytes of the ONNX file, freed with vi_free. plan NULL: all outputs 0. VISO_ERR_USAGE: the plan names an output or a
 * place that the contract lacks. */
int twin_make(const twin_contract *c, const twin_plan *plan, uint8_t **data, size_t *size, viso_error *err);
/* To a file. */
int twin_write(const char *id, const twin_plan *plan, const char *path, viso_error *err);
/* As the file of the row into a folder of models, with its digest in the folder's manifest. */
int twin_put(models_folder *f, const char *id, const twin_plan *plan, viso_error *err);
/* The same for a contract of the test's own; its id says the row. */
int twin_put_contract(models_folder *f, const twin_contract *c, const twin_plan *plan, viso_error *err);

#endif
