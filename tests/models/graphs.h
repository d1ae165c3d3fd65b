/* tests/models/graphs.h: small self-made networks that use every operator of the converter: damage tests start from
 * them, and so do the fuzzers' seeds. */
#ifndef VI_TEST_GRAPHS_H
#define VI_TEST_GRAPHS_H

#include "tiny.h"

enum { GRAPHS = 3 };
/* File number i (below GRAPHS), allocated with vi_alloc. */
uint8_t *graph_file(int i, size_t *size);
const char *graph_name(int i);

#endif
