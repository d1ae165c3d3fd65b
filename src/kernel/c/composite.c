/* kernel/c/composite.c: plain row functions of `composite`; the order of work is in kernel/composite.h. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "kernel/internal.h"
#include "kernel/composite.h"

typedef struct vi_tap {
    ptrdiff_t i, j; /* offsets of the two rows' left taps */
    int dx;         /* 0 at the right edge */
    float fx, fy;
} vi_tap;

static inline float tap(const vi_plane *p, const vi_tap *t)
{
    const float *a = p->p + t->i, *b = p->p + t->j;
    float top = a[0] + t->fx * (a[t->dx] - a[0]), bottom = b[0] + t->fx * (b[t->dx] - b[0]);
    return top + t->fy * (bottom - top);
}

static void paste_look_up(const vi_paste *p, int y, int xa, int xb, float *m, float *c0, float *c1, float *c2)
{
    const float *a = p->map.m, *k = p->cm->from_rgb;
    float w = (float)p->mask.w, h = (float)p->mask.h;
    for (int x = xa; x < xb; x++) {
        float u = a[0] * ((float)x + 0.5f) + (a[1] * ((float)y + 0.5f) + a[2]);
        float v = a[3] * ((float)x + 0.5f) + (a[4] * ((float)y + 0.5f) + a[5]);
        /* share of the look-up that lies inside the crop: its outside has mask 0 */
        float inside = vi_clampf(fminf(u, w - u) + 0.5f, 0.0f, 1.0f) * vi_clampf(fminf(v, h - v) + 0.5f, 0.0f, 1.0f);
        c0[x] = c1[x] = c2[x] = 0.0f;
        if (!(inside > 0.0f))
            continue;
        u = vi_clampf(u - 0.5f, 0.0f, w - 1.0f);
        v = vi_clampf(v - 0.5f, 0.0f, h - 1.0f);
        int iu = (int)u, iv = (int)v, down = iv + 1 < p->mask.h;
        vi_tap t = { iv * p->mask.stride + iu, (iv + down) * p->mask.stride + iu, iu + 1 < p->mask.w, u - (float)iu,
                     v - (float)iv };
        m[x] = fminf(tap(&p->mask, &t) * inside, 1.0f);
        if (!(m[x] > 0.0f)) {
            m[x] = 0.0f;
            continue;
        }
        float rgb[3];
        for (int i = 0; i < 3; i++) {
            t.i = iv * p->rgb[i].stride + iu, t.j = (iv + down) * p->rgb[i].stride + iu;
            rgb[i] = tap(&p->rgb[i], &t);
        }
        if (p->cm->curved)
            vi_curve_from_crop(p->cm, &rgb[0], &rgb[1], &rgb[2], 1);
        c0[x] = k[0] * rgb[0] + k[1] * rgb[1] + k[2] * rgb[2] + k[3];
        c1[x] = k[4] * rgb[0] + k[5] * rgb[1] + k[6] * rgb[2] + k[7];
        c2[x] = k[8] * rgb[0] + k[9] * rgb[1] + k[10] * rgb[2] + k[11];
    }
}

static inline void put(const vi_comp *c, uint8_t *d, float m, float v, float max)
{
    uint16_t *d16 = (uint16_t *)(void *)d;
    float old = c->bytes == 1 ? (float)*d : (float)(*d16 >> c->shift);
    float mixed = vi_clampf(old * (1.0f - m) + v * m, 0.0f, max);
    if (c->bytes == 1)
        *d = (uint8_t)lrintf(mixed);
    else
        *d16 = (uint16_t)(lrintf(mixed) << c->shift);
}

static void paste_put(const vi_comp *c, int y, int xa, int xb, const float *m, const float *v, float max)
{
    uint8_t *row = (uint8_t *)(uintptr_t)c->p + y * c->stride;
    for (int x = xa; x < xb; x++)
        if (m[x] > 0.0f)
            put(c, row + (ptrdiff_t)x * c->step, m[x], v[x], max);
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

static void paste_put_chroma(const vi_comp *c, int j, int cx0, int cx1, const float *m, const float *soft,
                             const float *wide, const float *least, const vi_chroma_taps *t, const vi_chroma_taps *last,
                             int last_cell, float max)
{
    uint8_t *row = (uint8_t *)(uintptr_t)c->p + j * c->stride;
    for (int i = cx0; i < cx1; i++) {
        const vi_chroma_taps *h = i == last_cell ? last : t;
        float sm = 0.0f, sc = 0.0f, sw = 0.0f, low = 1.0f;
        for (int k = 0; k < 6; k++) {
            int x = 2 * i - 2 + k;
            if (h->narrow[k] != 0.0f) {
                sm += h->narrow[k] * m[x];
                sc += h->narrow[k] * soft[x];
            }
            if (h->wide[k] != 0.0f) {
                sw += h->wide[k] * wide[x];
                low = least[x] < low ? least[x] : low;
            }
        }
        if (sm > 0.0f)
            put(c, row + (ptrdiff_t)i * c->step, sm, low > 0.0f ? sw : sc / sm, max);
    }
}
