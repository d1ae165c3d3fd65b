/* swap/clones.h: how loops over pixels are built. Internal to the room. */
#ifndef VI_CLONES_H
#define VI_CLONES_H

/* Loops over pixels that the compiler vectorises: built for AVX2 and AVX-512 too, chosen when the program is loaded. Sanitizers
 * and function multiversioning do not go together. The arithmetic is the same: the room is built without contraction. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define VI_NO_CLONES 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VI_NO_CLONES 1
#endif
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && !defined(VI_NO_CLONES)
#define VI_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default"), optimize("O3")))
#else
#define VI_CLONES
#endif

#endif
