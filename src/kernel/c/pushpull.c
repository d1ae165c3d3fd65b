/* kernel/c/pushpull.c: pyramid fill. Going down, each level holds the weighted mean of 2 x 2 samples and a
 * weight that saturates at 1; coming back, a sample takes what its own weight leaves open from the level
 * below, interpolated (9 3 3 1). */
#include <string.h>

#include "kernel/internal.h"

enum { MAX_LEVELS = 17 };

typedef struct vi_level {
    vi_plane w;
    vi_plane *v;
} vi_level;

static bool level_create(vi_level *l, int w, int h, int n, vi_arena *a)
{
    l->w = vi_plane_new(a, w, h);
    l->v = vi_arena_alloc(a, (size_t)n * sizeof *l->v);
    if (!l->w.p || !l->v)
        return false;
    for (int i = 0; i < n; i++) {
        l->v[i] = vi_plane_new(a, w, h);
        if (!l->v[i].p)
            return false;
    }
    return true;
}

/* Weight 0 stands for "no sample": its value, even a NaN, must not enter. */
static inline float weighted(float w, float v)
{
    return w > 0.0f ? w * v : 0.0f;
}

/* Vertical pair of rows first, then pairs of columns. `sum` and `wsum` hold a row of the upper level, padded to an
 * even width. */
static void pull(const vi_level *to, const vi_level *from, int n, float *restrict sum, float *restrict wsum)
{
    int w = from->w.w, cells = to->w.w;
    for (int y = 0; y < to->w.h; y++) {
        bool two = 2 * y + 1 < from->w.h;
        const float *wa = vi_row(&from->w, 2 * y), *wb = two ? vi_row(&from->w, 2 * y + 1) : wa;
        float *wo = vi_row(&to->w, y), second = two ? 1.0f : 0.0f;
        for (int x = 0; x < w; x++)
            wsum[x] = wa[x] + second * wb[x];
        wsum[w] = sum[w] = 0.0f;
        for (int x = 0; x < cells; x++) {
            float s = wsum[2 * x] + wsum[2 * x + 1];
            wo[x] = s < 1.0f ? s : 1.0f;
        }
        for (int i = 0; i < n; i++) {
            const float *a = vi_row(&from->v[i], 2 * y), *b = two ? vi_row(&from->v[i], 2 * y + 1) : a;
            float *restrict o = vi_row(&to->v[i], y);
            for (int x = 0; x < w; x++)
                sum[x] = weighted(wa[x], a[x]) + second * weighted(wb[x], b[x]);
            for (int x = 0; x < cells; x++) {
                float s = sum[2 * x] + sum[2 * x + 1], k = wsum[2 * x] + wsum[2 * x + 1];
                o[x] = s / (k > 0.0f ? k : 1.0f);
            }
        }
    }
}

static inline float filled(float w, float v, float up)
{
    float mixed = weighted(w, v) + (1.0f - w) * up;
    return w < 1.0f ? mixed : v;
}

static void push(const vi_level *to, const vi_level *from, int n, float *restrict line)
{
    int cw = from->w.w, pairs = to->w.w / 2;
    for (int y = 0; y < to->w.h; y++) {
        const float *w = vi_row(&to->w, y);
        int near = y >> 1, other = vi_clampi(y & 1 ? near + 1 : near - 1, 0, from->w.h - 1);
        bool open = false;
        for (int x = 0; x < to->w.w && !open; x++)
            open = w[x] < 1.0f;
        if (!open)
            continue;
        for (int i = 0; i < n; i++) {
            const float *a = vi_row(&from->v[i], near), *b = vi_row(&from->v[i], other);
            float *o = vi_row(&to->v[i], y);
            for (int x = 0; x < cw; x++)
                line[x + 1] = 0.75f * a[x] + 0.25f * b[x];
            line[0] = line[1];
            line[cw + 1] = line[cw];
            for (int x = 0; x < pairs; x++) {
                float mid = 0.75f * line[x + 1];
                o[2 * x] = filled(w[2 * x], o[2 * x], mid + 0.25f * line[x]);
                o[2 * x + 1] = filled(w[2 * x + 1], o[2 * x + 1], mid + 0.25f * line[x + 2]);
            }
            if (to->w.w & 1)
                o[2 * pairs] = filled(w[2 * pairs], o[2 * pairs], 0.75f * line[pairs + 1] + 0.25f * line[pairs]);
        }
    }
}

int VI_FN(push_pull)(const vi_plane *planes, int n, const vi_plane *weight, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    vi_level level[MAX_LEVELS];
    int count = 1, rc = VISO_ERR_NO_SPACE;
    if (n <= 0)
        return VISO_OK;
    float *line = vi_arena_alloc(scratch, 2 * ((size_t)weight->w + 4) * sizeof *line);
    level[0].w = *weight;
    level[0].v = vi_arena_alloc(scratch, (size_t)n * sizeof *level[0].v);
    if (!line || !level[0].v)
        goto out;
    memcpy(level[0].v, planes, (size_t)n * sizeof *planes);
    while (count < MAX_LEVELS && (level[count - 1].w.w > 1 || level[count - 1].w.h > 1)) {
        const vi_plane *above = &level[count - 1].w;
        if (!level_create(&level[count], (above->w + 1) / 2, (above->h + 1) / 2, n, scratch))
            goto out;
        pull(&level[count], &level[count - 1], n, line, line + weight->w + 4);
        count++;
    }
    rc = VISO_OK;
    if (!(level[count - 1].w.p[0] > 0.0f)) /* nothing to fill from */
        goto out;
    for (int i = count - 2; i >= 0; i--)
        push(&level[i], &level[i + 1], n, line);
out:
    vi_arena_release(scratch, mark);
    return rc;
}
