/* swap/clones.h: how loops over pixels are built. Internal to the room. */
#ifndef VI_CLONES_H
#define VI_CLONES_H

#include "base/base.h"

/* Loops over pixels that the compiler vectorises: built for AVX2 and AVX-512 too, chosen when the program is loaded. Sanitizers
 * and function multiversioning do not go together. The arithmetic is the same: the room is built without contraction. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && !VI_SANITIZED
#define VI_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default"), optimize("O3")))
#else
#define VI_CLONES
#endif

#endif
