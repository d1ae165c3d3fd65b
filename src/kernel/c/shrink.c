/* kernel/c/shrink.c: a part of a frame made smaller by the filter that networks were trained with: bilinear and antialiased, a triangle
 * as wide as two pixels of the crop along each axis. Row by row: down the columns first, then along the row, then the colour
 * matrix. The loops are written so that the compiler widens them; only the gathers of the second pass are by hand. */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"

#ifdef __AVX2__
#include "kernel/x86/wide.h"
#endif

/* The filter along one axis: out[i] = sum over t of weight[t * size + i] * in[start[i] + t]. */
typedef struct taps {
    int32_t *start;
    float *weight;
    int size, n; /* outputs; taps of each, an even number: the last may lie one beyond the samples and weigh nothing */
} taps;

/* Output i looks at at + step * (i + 0.5) of `length` samples (centres at half-integers). */
static bool taps_make(taps *t, int size, float step, float at, int length, vi_arena *a)
{
    float reach = fmaxf(fabsf(step), 1.0f);
    t->size = size;
    int count = VI_MIN((int)ceilf(2 * reach), length);
    t->n = (count + 1) & ~1;
    t->start = vi_arena_alloc(a, (size_t)size * sizeof *t->start);
    t->weight = vi_arena_alloc(a, (size_t)size * (size_t)t->n * sizeof *t->weight);
    if (!t->start || !t->weight)
        return false;
    for (int i = 0; i < size; i++) {
        float centre = vi_clampf(at + step * ((float)i + 0.5f), 0.5f, (float)length - 0.5f), sum = 0;
        int first = vi_clampi((int)floorf(centre - reach - 0.5f) + 1, 0, length - count);
        t->start[i] = first;
        for (int k = 0; k < t->n; k++) {
            float w = k < count ? fmaxf(1.0f - fabsf((float)(first + k) + 0.5f - centre) / reach, 0.0f) : 0.0f;
            t->weight[(ptrdiff_t)k * size + i] = w;
            sum += w;
        }
        for (int k = 0; k < t->n; k++)
            t->weight[(ptrdiff_t)k * size + i] /= sum;
    }
    return true;
}

/* acc[x] (+)= sum over four rows; the rows differ only in where they start. */
#define FOUR_ROWS(T, expr)                                                                                             \
    do {                                                                                                               \
        const T *p0 = (const void *)r[0], *p1 = (const void *)r[1], *p2 = (const void *)r[2], *p3 = (const void *)r[3]; \
        for (int x = 0; x < n; x++) {                                                                                  \
            float v = expr;                                                                                            \
            acc[x] = more ? acc[x] + v : v;                                                                            \
        }                                                                                                              \
    } while (0)
#define AT(p, s) (float)(p[x * (s)] >> shift)
#define SUM(s) w[0] * AT(p0, s) + w[1] * AT(p1, s) + w[2] * AT(p2, s) + w[3] * AT(p3, s)

static void four_rows(const vi_comp *c, const uint8_t *const r[4], const float w[4], float *restrict acc, int n, bool more)
{
    int shift = c->shift, step = c->step / c->bytes;
    if (c->bytes == 1 && step == 1) {
        const uint8_t *restrict p0 = r[0], *restrict p1 = r[1], *restrict p2 = r[2], *restrict p3 = r[3];
        float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
        if (more)
            for (int x = 0; x < n; x++)
                acc[x] += w0 * (float)p0[x] + w1 * (float)p1[x] + w2 * (float)p2[x] + w3 * (float)p3[x];
        else
            for (int x = 0; x < n; x++)
                acc[x] = w0 * (float)p0[x] + w1 * (float)p1[x] + w2 * (float)p2[x] + w3 * (float)p3[x];
    } else if (c->bytes == 1) {
        FOUR_ROWS(uint8_t, SUM(step));
    } else if (step == 1) {
        FOUR_ROWS(uint16_t, SUM(1));
    } else {
        FOUR_ROWS(uint16_t, SUM(step));
    }
}

#ifdef __AVX2__
enum { PAIRS_MAX = 64 };

/* 16 columns of two rows times their weights (in 2^-14), added to what is there. */
static inline void two_rows(const uint8_t *a, const uint8_t *b, __m256i w, __m256i *lo, __m256i *hi)
{
    __m256i p = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)a));
    __m256i q = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)b));
    *lo = _mm256_add_epi32(*lo, _mm256_madd_epi16(_mm256_unpacklo_epi16(p, q), w));
    *hi = _mm256_add_epi32(*hi, _mm256_madd_epi16(_mm256_unpackhi_epi16(p, q), w));
}

/* The planar 8-bit case in whole numbers, all rows at once. false: too few columns or too many rows for that. */
static bool down_8(const vi_comp *c, const taps *t, int j, int x0, int n, float *restrict acc)
{
    const uint8_t *row[2 * PAIRS_MAX];
    __m256i weight[PAIRS_MAX];
    if (c->bytes != 1 || c->step != 1 || n < 16 || t->n > 2 * PAIRS_MAX)
        return false;
    int rows = 0;
    for (int k = 0; k < t->n; k += 2) {
        int a = (int)(t->weight[(ptrdiff_t)k * t->size + j] * 16384 + 0.5f);
        int b = (int)(t->weight[(ptrdiff_t)(k + 1) * t->size + j] * 16384 + 0.5f);
        if (rows && a == 0 && b == 0)
            continue; /* how many rows count changes by one from output to output */
        weight[rows / 2] = _mm256_set1_epi32(a | b << 16);
        for (int i = 0; i < 2; i++)
            row[rows++] = c->p + (ptrdiff_t)VI_MIN(t->start[j] + k + i, c->h - 1) * c->stride + x0;
    }
    const __m256 unit = _mm256_set1_ps(1.0f / 16384);
    for (int x = 0; x < n; x += 16) {
        int at = VI_MIN(x, n - 16); /* the last group overlaps the one before */
        __m256i lo = _mm256_setzero_si256(), hi = lo;
        for (int k = 0; k < rows; k += 2)
            two_rows(row[k] + at, row[k + 1] + at, weight[k / 2], &lo, &hi);
        _mm256_storeu_ps(acc + at, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_permute2x128_si256(lo, hi, 0x20)), unit));
        _mm256_storeu_ps(acc + at + 8, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_permute2x128_si256(lo, hi, 0x31)), unit));
    }
    return true;
}
#endif

/* Samples x0 .. x0 + n of the component, filtered down the columns. */
static void down(const vi_comp *c, const taps *t, int j, int x0, int n, float *restrict acc)
{
#ifdef __AVX2__
    if (down_8(c, t, j, x0, n, acc))
        return;
#endif
    for (int k = 0; k < t->n; k += 4) {
        const uint8_t *row[4];
        float w[4];
        for (int i = 0; i < 4; i++) {
            int at = VI_MIN(k + i, t->n - 1);
            w[i] = k + i < t->n ? t->weight[(ptrdiff_t)at * t->size + j] : 0.0f;
            row[i] = c->p + (ptrdiff_t)VI_MIN(t->start[j] + at, c->h - 1) * c->stride + (ptrdiff_t)x0 * c->step;
        }
        if (k && w[0] == 0 && w[1] == 0 && w[2] == 0 && w[3] == 0)
            continue;
        four_rows(c, row, w, acc, n, k > 0);
    }
}

static void along(const taps *t, const float *in, int x0, float *restrict out)
{
    int i = 0;
#ifdef __AVX2__
    for (; i + 8 <= t->size; i += 8) {
        __m256i at = _mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)(const void *)(t->start + i)), _mm256_set1_epi32(x0));
        __m256 v = _mm256_setzero_ps();
        const float *w = t->weight + i;
        for (int k = 0; k < t->n; k += 2, w += (ptrdiff_t)2 * t->size) {
            __m256 a, b;
            wide_pairs(in + k, at, &a, &b);
            v = _mm256_fmadd_ps(_mm256_loadu_ps(w), a, _mm256_fmadd_ps(_mm256_loadu_ps(w + t->size), b, v));
        }
        _mm256_storeu_ps(out + i, v);
    }
#endif
    for (; i < t->size; i++) {
        float v = 0;
        for (int k = 0; k < t->n; k++)
            v += t->weight[(ptrdiff_t)k * t->size + i] * in[t->start[i] - x0 + k];
        out[i] = v;
    }
}

typedef struct plan {
    vi_comp comp;
    taps x, y;
    int x0, n; /* columns needed */
} plan;

static bool plan_make(plan *p, const vi_comp *c, const float *m, int w, int h, vi_arena *a)
{
    p->comp = *c;
    if (!taps_make(&p->x, w, c->ax * m[0], c->ax * m[2] + c->bx, c->w, a) ||
        !taps_make(&p->y, h, c->ay * m[4], c->ay * m[5] + c->by, c->h, a))
        return false;
    int lo = c->w, hi = 0;
    for (int i = 0; i < w; i++) {
        lo = VI_MIN(lo, p->x.start[i]);
        hi = VI_MAX(hi, p->x.start[i] + p->x.n);
    }
    p->x0 = lo;
    p->n = VI_MIN(hi, c->w) - lo;
    return true;
}

static void colours(float *restrict r, float *restrict g, float *restrict b, const float *restrict v0, const float *restrict v1,
                    const float *restrict v2, const float *k, int w)
{
    for (int i = 0; i < w; i++) {
        r[i] = k[0] * v0[i] + k[1] * v1[i] + k[2] * v2[i] + k[3];
        g[i] = k[4] * v0[i] + k[5] * v1[i] + k[6] * v2[i] + k[7];
        b[i] = k[8] * v0[i] + k[9] * v1[i] + k[10] * v2[i] + k[11];
    }
}

int VI_FN(shrink)(const vi_frame *f, const vi_colour_map *cm, const vi_affine *crop_to_frame, const vi_rgb *crop, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    const float *m = crop_to_frame->m;
    int w = crop->c[0].w, h = crop->c[0].h;
    vi_comp comp[3];
    plan p[3];
    float *v[3];
    int n = vi_frame_comps(f, cm, comp), widest = 0;
    bool ok = true;
    for (int c = 0; c < 3 && ok; c++) {
        v[c] = vi_arena_alloc(scratch, (size_t)w * sizeof(float));
        ok = v[c] && (c >= n || plan_make(&p[c], &comp[c], m, w, h, scratch));
        if (ok && c < n)
            widest = VI_MAX(widest, p[c].n);
        else if (ok)
            memset(v[c], 0, (size_t)w * sizeof(float));
    }
    float *acc = ok ? vi_arena_alloc(scratch, (size_t)(widest + 1) * sizeof(float)) : NULL;
    for (int j = 0; j < h && acc; j++) {
        for (int c = 0; c < n; c++) {
            acc[p[c].n] = 0;
            down(&p[c].comp, &p[c].y, j, p[c].x0, p[c].n, acc);
            along(&p[c].x, acc, p[c].x0, v[c]);
        }
        float *r = vi_row(&crop->c[0], j), *g = vi_row(&crop->c[1], j), *b = vi_row(&crop->c[2], j);
        colours(r, g, b, v[0], v[1], v[2], cm->to_rgb, w);
        if (cm->curved)
            vi_curve_to_crop(cm, r, g, b, w);
    }
    vi_arena_release(scratch, mark);
    return acc ? VISO_OK : VISO_ERR_NO_SPACE;
}
