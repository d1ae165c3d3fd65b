/* swap/mips.h: a picture that is sampled at any size. Built once, then read by any thread. */
#ifndef VI_MIPS_H
#define VI_MIPS_H

#include "kernel/kernel.h"

#define VI_MIPS 11 /* half octaves below the full size */

/* A picture of up to four planes, packed, and its half-octave reductions, so that sampling it at any size neither aliases nor
 * costs more than the target's pixels. Level i is 2^(-i/2) of level 0. */
typedef struct vi_mips {
    int n;
    vi_quad level[VI_MIPS];
} vi_mips;

/* Copies n planes of one size. `scratch` takes as much as they do, for the time of the call. 0, or VISO_ERR_NO_SPACE;
 * `m` is empty then. */
int vi_mips_build(vi_mips *m, const vi_kernels *k, const vi_plane *planes, int n, vi_arena *scratch);
void vi_mips_free(vi_mips *m); /* of a zeroed one too */
/* The level nearest to `ratio` source pixels per target pixel. */
int vi_mips_pick(const vi_mips *m, float ratio);

#endif
