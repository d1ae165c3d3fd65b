/* tests/kernel/common.h: random planes with guarded surroundings, frames with padding, comparisons that say where. */
#ifndef VI_TESTS_KERNEL_COMMON_H
#define VI_TESTS_KERNEL_COMMON_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/kernel.h"

uint32_t rnd(void); /* xorshift, same sequence in every run */
void rnd_seed(uint32_t s);
float rnd_unit(void);        /* 0..1 */
int rnd_int(int lo, int hi); /* inclusive */

/* A plane inside guard memory, `off` floats away from alignment. Freed by guarded_free, which first checks the guard. */
typedef struct guarded {
    vi_plane p;
    float *mem;
    size_t count;
} guarded;
guarded guarded_new(int w, int h, int off, int extra_stride);
void guarded_free(guarded *g); /* fails the test when the surroundings changed */

typedef enum fill_kind { FILL_NOISE, FILL_SMOOTH, FILL_FLAT, FILL_MASK, FILL_BLOB } fill_kind;
void fill_plane(const vi_plane *p, fill_kind kind, float lo, float hi);

/* Largest difference allowed: abs + rel |expected|; up to `outliers` pixels may differ more. */
void check_planes(const char *what, const vi_plane *expected, const vi_plane *actual, float tol, int outliers);

vi_arena *test_arena(void); /* 256 MiB of addresses, shared by the tests of a program */

/* A frame with its own padded storage, random content, guard bytes around every row. turned: negative strides. */
typedef struct test_frame {
    vi_frame f;
    uint8_t *mem[4];
    size_t size[4];
    uint8_t *before[4]; /* copy of mem */
} test_frame;
void test_frame_new(test_frame *t, vi_format format, int w, int h, bool turned, fill_kind kind);
void test_frame_copy(test_frame *to, const test_frame *from);
void test_frame_free(test_frame *t);
/* Component i of pixel (x, y) in the component's own grid, unshifted. */
int frame_get(const vi_frame *f, int i, int x, int y);
void frame_put(vi_frame *f, int i, int x, int y, int v);
void frame_comp_size(const vi_frame *f, int i, int *w, int *h);

extern const vi_format all_formats[];
extern const int n_formats;

#endif
