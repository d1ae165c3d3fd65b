/* kernel/kernel.c: planes, processor flags, choice of the table. Tables are constants, so the choice needs no
 * lock; the flags are read anew at each call (a few instructions, calls are rare). */
#include "kernel/kernel.h"

#include <string.h>

#include "kernel/internal.h"

vi_plane vi_plane_new(vi_arena *a, int w, int h)
{
    vi_plane p = { NULL, w, h, 0 };
    if (w <= 0 || h <= 0)
        return p;
    p.stride = ((ptrdiff_t)w + 15) & ~(ptrdiff_t)15;
    p.p = vi_arena_alloc(a, (size_t)p.stride * (size_t)h * sizeof(float));
    return p;
}

vi_rgb vi_rgb_new(vi_arena *a, int w, int h)
{
    vi_rgb rgb;
    size_t mark = vi_arena_mark(a);
    for (int i = 0; i < 3; i++)
        rgb.c[i] = vi_plane_new(a, w, h);
    if (!rgb.c[0].p || !rgb.c[1].p || !rgb.c[2].p) {
        vi_arena_release(a, mark);
        for (int i = 0; i < 3; i++)
            rgb.c[i].p = NULL;
    }
    return rgb;
}

vi_quad vi_quad_new(vi_arena *a, int w, int h)
{
    vi_quad q = { NULL, w, h, w };
    if (w > 0 && h > 0)
        q.p = vi_arena_alloc(a, (size_t)w * (size_t)h * 4 * sizeof(float));
    return q;
}

vi_plane vi_plane_view(const vi_plane *p, int x, int y, int w, int h)
{
    vi_plane v = { p->p + y * p->stride + x, w, h, p->stride };
    return v;
}

void vi_plane_fill(const vi_plane *p, float v)
{
    for (int y = 0; y < p->h; y++) {
        float *d = vi_row(p, y);
        if (v == 0.0f) {
            memset(d, 0, (size_t)p->w * sizeof *d);
            continue;
        }
        for (int x = 0; x < p->w; x++)
            d[x] = v;
    }
}

void vi_plane_copy(const vi_plane *dst, const vi_plane *src)
{
    for (int y = 0; y < dst->h; y++)
        memmove(vi_row(dst, y), vi_row(src, y), (size_t)dst->w * sizeof(float));
}

int vi_cpu_flags(void)
{
    int flags = VI_CPU_C;
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    /* F16C came with the processor generation before AVX2; gcc's run-time check does not know it by name everywhere. */
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        flags |= VI_CPU_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2"))
        flags |= VI_CPU_AVX512;
#elif defined(__aarch64__)
    flags |= VI_CPU_NEON;
#endif
    return flags;
}

const char *vi_cpu_text(void)
{
    int f = vi_cpu_flags();
    if (f & VI_CPU_AVX512)
        return "avx2 fma avx512f avx512bw avx512dq avx512vl avx512vbmi avx512vbmi2";
    if (f & VI_CPU_AVX2)
        return "avx2 fma";
    if (f & VI_CPU_NEON)
        return "neon";
    return "none";
}

const vi_kernels *vi_kernels_get(int mask)
{
    int flags = vi_cpu_flags() & mask;
#ifdef VI_HAVE_AVX512
    if (flags & VI_CPU_AVX512)
        return &vi_avx512_table;
#endif
#ifdef VI_HAVE_AVX2
    if (flags & VI_CPU_AVX2)
        return &vi_avx2_table;
#endif
    (void)flags;
    return &vi_c_table;
}
