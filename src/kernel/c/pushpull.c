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

static void pull(const vi_level *to, const vi_level *from, int n)
{
    int even = from->w.w / 2;
    for (int y = 0; y < to->w.h; y++) {
        bool two = 2 * y + 1 < from->w.h;
        const float *wa = vi_row(&from->w, 2 * y), *wb = two ? vi_row(&from->w, 2 * y + 1) : NULL;
        float *wo = vi_row(&to->w, y);
        for (int i = -1; i < n; i++) {
            const float *a = i < 0 ? wa : vi_row(&from->v[i], 2 * y);
            const float *b = i < 0 || !two ? NULL : vi_row(&from->v[i], 2 * y + 1);
            float *o = i < 0 ? wo : vi_row(&to->v[i], y);
            for (int x = 0; x < to->w.w; x++) {
                int p = 2 * x, q = x < even ? p + 1 : p;
                float w0 = wa[p], w1 = x < even ? wa[q] : 0.0f, w2 = two ? wb[p] : 0.0f, w3 = two && x < even ? wb[q] : 0.0f;
                float sw = w0 + w1 + w2 + w3;
                if (i < 0) {
                    o[x] = sw < 1.0f ? sw : 1.0f;
                    continue;
                }
                float s = weighted(w0, a[p]) + weighted(w1, a[q]);
                if (two)
                    s += weighted(w2, b[p]) + weighted(w3, b[q]);
                o[x] = sw > 0.0f ? s / sw : 0.0f;
            }
        }
    }
}

static void push(const vi_level *to, const vi_level *from, int n, float *restrict line)
{
    int cw = from->w.w;
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
            for (int x = 0; x < to->w.w; x++) {
                float up = 0.75f * line[(x >> 1) + 1] + 0.25f * line[(x >> 1) + (x & 1 ? 2 : 0)];
                float own = weighted(w[x], o[x]) + (1.0f - w[x]) * up;
                o[x] = w[x] < 1.0f ? own : o[x];
            }
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
    float *line = vi_arena_alloc(scratch, ((size_t)weight->w / 2 + 4) * sizeof *line);
    level[0].w = *weight;
    level[0].v = vi_arena_alloc(scratch, (size_t)n * sizeof *level[0].v);
    if (!line || !level[0].v)
        goto out;
    memcpy(level[0].v, planes, (size_t)n * sizeof *planes);
    while (count < MAX_LEVELS && (level[count - 1].w.w > 1 || level[count - 1].w.h > 1)) {
        const vi_plane *above = &level[count - 1].w;
        if (!level_create(&level[count], (above->w + 1) / 2, (above->h + 1) / 2, n, scratch))
            goto out;
        pull(&level[count], &level[count - 1], n);
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
