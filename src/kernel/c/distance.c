/* kernel/c/distance.c: exact Euclidean distance transform; see kernel/distance.h. */
#include "kernel/distance.h"

int VI_FN(distance)(const vi_plane *dst, const vi_plane *src, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    float far = (float)(dst->w + dst->h);
    vi_plane g = vi_plane_new(scratch, dst->w, dst->h);
    int *v = vi_arena_alloc(scratch, (size_t)dst->w * sizeof *v);
    float *z = vi_arena_alloc(scratch, (size_t)dst->w * sizeof *z);
    if (!g.p || !v || !z) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    column_distance(&g, src, far);
    for (int y = 0; y < dst->h; y++)
        row_distance(vi_row(dst, y), vi_row(&g, y), dst->w, far, v, z);
    vi_arena_release(scratch, mark);
    return VISO_OK;
}
