/* kernel/x86/distance.c: the second pass of the distance transform in wide registers. A pixel's distance is at most that along its
 * column, so the square is the least of g(x + k)^2 + k^2 over the few k below it: a register of pixels at a time, until k^2
 * exceeds the largest square that is left. Where distances are long the lower envelope is cheaper. */
#include "kernel/distance.h"
#include "kernel/x86/vec.h"

enum { REACH = 8 * VN }; /* columns to either side; the envelope costs about as much as so many steps */

/* square: g^2 of the row, with REACH infinite values on both sides. false: something is farther than REACH. */
static bool near_row(float *d, const float *square, int w)
{
    for (int x = 0; x < w; x += VN) {
        vm part = m_first(w - x);
        vf best = v_load_part(square + x, part);
        float most = v_largest(best);
        if (most > (float)(REACH * REACH))
            return false;
        for (int k = 1; (float)(k * k) < most; k += 4) {
            for (int i = k; i < k + 4; i++) {
                vf side = v_min(v_load(square + x - i), v_load(square + x + i));
                best = v_min(best, v_add(side, v_set((float)(i * i))));
            }
            most = v_largest(best);
        }
        v_store_part(d + x, part, v_sqrt(best));
    }
    return true;
}

int VI_FN(distance)(const vi_plane *dst, const vi_plane *src, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    int w = dst->w;
    float far = (float)(w + dst->h);
    vi_plane g = vi_plane_new(scratch, w, dst->h);
    int *v = vi_arena_alloc(scratch, (size_t)w * sizeof *v);
    float *z = vi_arena_alloc(scratch, (size_t)w * sizeof *z);
    float *line = vi_arena_alloc(scratch, (size_t)(w + 2 * (REACH + 4) + VN) * sizeof *line), *square = line + REACH + 4;
    if (!g.p || !v || !z || !line) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    for (int x = 0; x < w + 2 * (REACH + 4) + VN; x++)
        line[x] = INFINITY;
    column_distance(&g, src, far);
    for (int y = 0; y < dst->h; y++) {
        const float *s = vi_row(&g, y);
        for (int x = 0; x < w; x++)
            square[x] = s[x] * s[x];
        if (!near_row(vi_row(dst, y), square, w))
            row_distance(vi_row(dst, y), s, w, far, v, z);
    }
    vi_arena_release(scratch, mark);
    return VISO_OK;
}
