/* swap/mips.c: see mips.h. */
#include <math.h>
#include <string.h>

#include "swap/mips.h"

/* Sizes of the levels and one piece of memory for them all, which the first owns. */
static bool mips_room(vi_mips *m, int width, int height)
{
    size_t at[VI_MIPS + 1] = { 0 };
    for (int i = 0; i < VI_MIPS; i++) {
        float f = exp2f(-0.5f * (float)i);
        int w = (int)lrintf((float)width * f), h = (int)lrintf((float)height * f);
        if (i > 0 && (w < 16 || h < 16))
            break;
        m->level[i] = (vi_quad){ NULL, w, h, w };
        at[i + 1] = at[i] + (((size_t)w * (size_t)h * 4 + 15) & ~(size_t)15);
        m->n = i + 1;
    }
    float *p = vi_alloc(at[m->n] * sizeof *p);
    for (int i = 0; i < m->n && p; i++)
        m->level[i].p = p + at[i];
    return p != NULL;
}

int vi_mips_build(vi_mips *m, const vi_kernels *k, const vi_plane *planes, int n, vi_arena *scratch)
{
    vi_plane level[VI_MIPS][4];
    size_t mark = vi_arena_mark(scratch);
    memset(m, 0, sizeof(*m));
    int rc = mips_room(m, planes[0].w, planes[0].h) ? 0 : VISO_ERR_NO_SPACE;
    memcpy(level[0], planes, (size_t)n * sizeof *planes);
    for (int i = 0; i < m->n && !rc; i++) {
        for (int c = 0; c < n && i > 0 && !rc; c++) { /* from a level at least one octave up, so that errors do not add up */
            level[i][c] = vi_plane_new(scratch, m->level[i].w, m->level[i].h);
            rc = level[i][c].p ? k->resize(&level[i][c], &level[i > 2 ? i - 2 : 0][c], scratch) : VISO_ERR_NO_SPACE;
        }
        if (!rc)
            k->pack(&m->level[i], level[i], n);
    }
    vi_arena_release(scratch, mark);
    if (rc)
        vi_mips_free(m);
    return rc;
}

void vi_mips_free(vi_mips *m)
{
    vi_free(m->level[0].p);
    memset(m, 0, sizeof(*m));
}

int vi_mips_pick(const vi_mips *m, float ratio)
{
    if (!(ratio > 1.0f)) /* also NaN */
        return 0;
    return vi_clampi((int)lrintf(2.0f * log2f(ratio)), 0, m->n - 1);
}
