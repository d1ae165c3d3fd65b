/* kernel/c/composite.c: plain row functions of `composite`; the order of work is in kernel/composite.h. */
#include "kernel/composite.h"

static bool paste_pack(vi_paste *p, vi_arena *scratch)
{
    (void)p;
    (void)scratch;
    return true;
}

static void paste_look_up(const vi_paste *p, int y, int xa, int xb, float *m, float *c0, float *c1, float *c2)
{
    plain_look_up(p, y, xa, xb, m, c0, c1, c2);
}

static void paste_put(const vi_comp *c, int y, int xa, int xb, const float *m, const float *v, float max)
{
    plain_put(c, y, xa, xb, m, v, max);
}

static void paste_gather_rows(float *const v[6], const vi_paste_row *const row[6], const vi_chroma_taps *t, int n)
{
    for (int x = 0; x < n; x++) {
        float s[5] = { 0.0f, 0.0f, 0.0f, 0.0f, 0.0f }, least = 1.0f;
        for (int k = 0; k < 6; k++) {
            float a = t->narrow[k], b = t->wide[k], m = row[k]->m[x];
            if (a != 0.0f) {
                s[0] += a * m;
                s[1] += a * m * row[k]->c[1][x];
                s[2] += a * m * row[k]->c[2][x];
            }
            if (b != 0.0f) {
                s[3] += b * row[k]->c[1][x];
                s[4] += b * row[k]->c[2][x];
                least = m < least ? m : least;
            }
        }
        for (int i = 0; i < 5; i++)
            v[i][x] = s[i];
        v[5][x] = least;
    }
}

static void paste_put_chroma(const vi_comp *c, int j, int from, int to, const float *const v[4],
                             const vi_chroma_taps *t, const vi_chroma_taps *last, int last_cell, float max)
{
    plain_put_chroma(c, j, from, to, v, t, last, last_cell, max);
}
