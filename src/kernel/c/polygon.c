/* kernel/c/polygon.c: anti-aliased polygon. Each pixel row is cut by four sub-scanlines; on each, the runs inside
 * (non-zero winding) are counted at four points per pixel. */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"

typedef struct vi_crossing {
    float x;
    int dir;
} vi_crossing;

/* Edges that reach into the rows [y, y + 1), by the number of their first point. */
static int edges_in_row(const vi_point *pts, int n, float y, int *edge)
{
    int k = 0;
    for (int i = 0; i < n; i++) {
        float a = pts[i].y, b = pts[i + 1 < n ? i + 1 : 0].y;
        if ((a < y + 1.0f || b < y + 1.0f) && (a >= y || b >= y))
            edge[k++] = i;
    }
    return k;
}

static int crossings_at(const vi_point *pts, int n, const int *edge, int edges, float y, vi_crossing *out)
{
    int k = 0;
    for (int i = 0; i < edges; i++) {
        vi_point a = pts[edge[i]], b = pts[edge[i] + 1 < n ? edge[i] + 1 : 0];
        bool down = a.y <= y && b.y > y, up = b.y <= y && a.y > y;
        if (!down && !up)
            continue;
        vi_crossing c = { a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x), down ? 1 : -1 };
        int at = k++;
        for (; at > 0 && out[at - 1].x > c.x; at--)
            out[at] = out[at - 1];
        out[at] = c;
    }
    return k;
}

/* First of the sample points (s + .5) / 4 at or right of x. */
static int sample_index(float x, int w)
{
    float s = ceilf(x * 4.0f - 0.5f);
    return !(s > 0.0f) ? 0 : s >= (float)(4 * w) ? 4 * w : (int)s;
}

/* Adds the samples [a, b) to a row of counts kept as differences: full pixels cost two writes, not one each. */
static void add_run(int *whole, int *part, int a, int b)
{
    if (a >= b)
        return;
    int pa = a >> 2, pb = b >> 2;
    if (pa == pb) {
        part[pa] += b - a;
        return;
    }
    part[pa] += 4 - (a & 3);
    part[pb] += b & 3;
    whole[pa + 1]++;
    whole[pb]--;
}

int VI_FN(polygon)(const vi_plane *dst, const vi_point *pts, int n, float value, vi_arena *scratch)
{
    if (n < 3)
        return VISO_OK;
    size_t mark = vi_arena_mark(scratch), width = (size_t)dst->w + 2;
    vi_crossing *cross = vi_arena_alloc(scratch, (size_t)n * sizeof *cross);
    int *whole = vi_arena_alloc(scratch, width * sizeof *whole);
    int *part = vi_arena_alloc(scratch, width * sizeof *part),
        *edge = vi_arena_alloc(scratch, (size_t)n * sizeof *edge);
    if (!cross || !whole || !part || !edge) {
        vi_arena_release(scratch, mark);
        return VISO_ERR_NO_SPACE;
    }
    memset(whole, 0, width * sizeof *whole);
    memset(part, 0, width * sizeof *part);
    float lo = INFINITY, hi = -INFINITY;
    for (int i = 0; i < n; i++) {
        lo = fminf(lo, pts[i].y);
        hi = fmaxf(hi, pts[i].y);
    }
    int y0 = (int)fmaxf(0.0f, floorf(lo)), y1 = (int)fminf((float)dst->h, ceilf(hi));
    for (int y = y0; y < y1; y++) {
        int first = dst->w, last = -1, edges = edges_in_row(pts, n, (float)y, edge);
        for (int sub = 0; sub < 4; sub++) {
            int k = crossings_at(pts, n, edge, edges, (float)y + ((float)sub + 0.5f) * 0.25f, cross), winding = 0;
            for (int i = 0; i + 1 < k; i++) {
                winding += cross[i].dir;
                if (winding == 0)
                    continue;
                int a = sample_index(cross[i].x, dst->w), b = sample_index(cross[i + 1].x, dst->w);
                add_run(whole, part, a, b);
                first = VI_MIN(first, a >> 2);
                last = VI_MAX(last, b >> 2);
            }
        }
        if (last < 0)
            continue;
        float *d = vi_row(dst, y);
        for (int x = first, run = 0; x <= last && x < dst->w; x++) {
            run += whole[x];
            float v = value * (float)(run * 4 + part[x]) * (1.0f / 16.0f);
            d[x] = d[x] > v ? d[x] : v;
        }
        memset(whole + first, 0, (size_t)(last + 2 - first) * sizeof *whole);
        memset(part + first, 0, (size_t)(last + 2 - first) * sizeof *part);
    }
    vi_arena_release(scratch, mark);
    return VISO_OK;
}
