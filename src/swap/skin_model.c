/* swap/skin_model.c: see skin_model.h. Sizes are tiny (a few thousand samples); the one care is to be deterministic and to
 * survive samples that are all equal. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "swap/clones.h"
#include "swap/skin_model.h"

/* Value of rank k, by Hoare's selection; reorders v. */
static float select_rank(float *v, int n, int k)
{
    int lo = 0, hi = n - 1;
    while (lo < hi) {
        float pivot = v[lo + (hi - lo) / 2];
        int i = lo, j = hi;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                float t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        }
        if (k <= j)
            hi = j;
        else if (k >= i)
            lo = i;
        else
            break;
    }
    return v[k];
}

VI_CLONES static void extremes(const float *restrict v, int n, float *least, float *most)
{
    float lo = v[0], hi = v[0];
    for (int i = 1; i < n; i++) {
        lo = v[i] < lo ? v[i] : lo;
        hi = v[i] > hi ? v[i] : hi;
    }
    *least = lo;
    *most = hi;
}

/* NaN counts as the least. */
static int cell_of(float v, float least, float scale)
{
    float at = (v - least) * scale;
    return at > 0.0f ? (int)at : 0;
}

/* The same, of many: counted in cells between the extremes first, so that only the cell that holds the rank is left to select
 * in. Selecting in all of them mispredicts a branch for every other value. spare: n floats. */
static float value_of_rank(float *v, int n, int k, float *spare)
{
    enum { CELLS = 256, FEW = 64 };
    uint16_t count[CELLS] = { 0 };
    float lo, hi;
    if (n <= FEW)
        return select_rank(v, n, k);
    extremes(v, n, &lo, &hi);
    float scale = (float)(CELLS - 1) / (hi - lo);
    if (!(scale < 1e30f && scale > 0.0f)) /* all alike, or no numbers */
        return select_rank(v, n, k);
    for (int i = 0; i < n; i++)
        count[cell_of(v[i], lo, scale)]++;
    int cell = 0, m = 0;
    for (; k >= count[cell]; cell++)
        k -= count[cell];
    for (int i = 0; i < n; i++) {
        spare[m] = v[i];
        m += cell_of(v[i], lo, scale) == cell;
    }
    return select_rank(spare, m, k);
}

VI_CLONES static void distances(float *restrict out, const float *restrict v, float from, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = fabsf(v[i] - from);
}

/* Bounds per channel: median -+ 2.8 * 1.4826 MAD, never narrower than one unit. */
static void trim_bounds(const vi_sample *x, int n, float *work, float lo[VI_FEATURES], float hi[VI_FEATURES])
{
    float *value = work, *far = work + n, *spare = work + 2 * n;
    for (int c = 0; c < VI_FEATURES; c++) {
        for (int i = 0; i < n; i++)
            value[i] = far[i] = x[i][c];
        float med = value_of_rank(far, n, n / 2, spare);
        distances(far, value, med, n);
        float reach = VI_MAX(2.8f * 1.4826f * value_of_rank(far, n, n / 2, spare), 1.0f);
        lo[c] = med - reach;
        hi[c] = med + reach;
    }
}

static bool within(const float *x, const float *lo, const float *hi)
{
    for (int c = 0; c < VI_FEATURES; c++)
        if (!(x[c] >= lo[c] && x[c] <= hi[c]))
            return false;
    return true;
}

/* Cholesky of cov * scale + diag, then the inverse of the factor. diag > 0 keeps it positive definite. */
void vi_gauss_inflate(vi_gauss *g, float scale, const float diag[VI_FEATURES])
{
    double l[VI_FEATURES][VI_FEATURES] = { { 0 } }, inv[VI_FEATURES][VI_FEATURES] = { { 0 } };
    g->logdet = 0.0f;
    for (int i = 0; i < VI_FEATURES; i++) {
        for (int j = 0; j <= i; j++) {
            double s = g->cov[i][j] * scale + (i == j ? diag[i] : 0.0f);
            for (int k = 0; k < j; k++)
                s -= l[i][k] * l[j][k];
            l[i][j] = i == j ? sqrt(VI_MAX(s, 1e-6)) : s / l[j][j];
        }
        g->logdet += 2.0f * (float)log(l[i][i]);
    }
    for (int i = 0; i < VI_FEATURES; i++) {
        inv[i][i] = 1.0 / l[i][i];
        for (int j = 0; j < i; j++) {
            double s = 0.0;
            for (int k = j; k < i; k++)
                s -= l[i][k] * inv[k][j];
            inv[i][j] = s / l[i][i];
        }
    }
    for (int i = 0; i < VI_FEATURES; i++)
        for (int j = 0; j < VI_FEATURES; j++)
            g->whiten[i][j] = (float)inv[i][j];
}

bool vi_gauss_fit(vi_gauss *g, const vi_sample *x, int n, bool trim, float scale, const float diag[VI_FEATURES],
                  float *work)
{
    float lo[VI_FEATURES], hi[VI_FEATURES];
    double sum[VI_FEATURES] = { 0 }, sq[VI_FEATURES][VI_FEATURES] = { { 0 } };
    int used = 0;
    memset(g, 0, sizeof *g);
    if (n < 8)
        return false;
    if (trim)
        trim_bounds(x, n, work, lo, hi);
    for (int i = 0; i < n; i++) {
        if (trim && !within(x[i], lo, hi))
            continue;
        used++;
        for (int a = 0; a < VI_FEATURES; a++) {
            sum[a] += x[i][a];
            for (int b = 0; b <= a; b++)
                sq[a][b] += (double)x[i][a] * x[i][b];
        }
    }
    if (used < 8)
        return false;
    for (int a = 0; a < VI_FEATURES; a++)
        g->mean[a] = (float)(sum[a] / used);
    for (int a = 0; a < VI_FEATURES; a++)
        for (int b = 0; b <= a; b++)
            g->cov[a][b] = g->cov[b][a] = (float)(sq[a][b] / used - sum[a] / used * (sum[b] / used));
    g->n = used;
    g->weight = 1.0f;
    vi_gauss_inflate(g, scale, diag);
    return true;
}

float vi_gauss_distance2(const vi_gauss *g, const float x[VI_FEATURES])
{
    float d[VI_FEATURES], m2 = 0.0f;
    for (int i = 0; i < VI_FEATURES; i++) {
        d[i] = x[i] - g->mean[i];
        float s = 0.0f;
        for (int j = 0; j <= i; j++)
            s += g->whiten[i][j] * d[j];
        m2 += s * s;
    }
    return m2;
}

/* Samples by channel, n floats each, as loops over all of them want them. */
typedef struct channels {
    const float *c[VI_FEATURES];
    int n;
} channels;

/* Where `centre` is nearer than what was nearest so far: its squared distance and its number. */
VI_CLONES static void nearer(float *restrict best, int32_t *restrict label, const float *restrict l, const float *restrict a,
                             const float *restrict b, const float *restrict t, const float *restrict centre, int number, int n)
{
    const float c0 = centre[0], c1 = centre[1], c2 = centre[2], c3 = centre[3];
    for (int i = 0; i < n; i++) {
        float d0 = l[i] - c0, d1 = a[i] - c1, d2 = b[i] - c2, d3 = t[i] - c3;
        float d = d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3;
        label[i] = d < best[i] ? number : label[i];
        best[i] = d < best[i] ? d : best[i];
    }
}

static void look_at_centre(const channels *x, const float *centre, int number, float *best, int32_t *label)
{
    nearer(best, label, x->c[0], x->c[1], x->c[2], x->c[3], centre, number, x->n);
}

/* k-means++: each next centre with probability by squared distance to the nearest one. Returns how many were found. */
static int seed_centres(const channels *x, uint32_t *seed, float (*centre)[VI_FEATURES], float *near, int32_t *label)
{
    int k = 0, n = x->n;
    for (int i = 0; i < n; i++)
        near[i] = FLT_MAX;
    *seed = *seed * 1664525u + 1013904223u;
    int pick = (int)((uint64_t)*seed * (uint32_t)n >> 32);
    while (k < VI_OTHERS) {
        double total = 0.0;
        for (int c = 0; c < VI_FEATURES; c++)
            centre[k][c] = x->c[c][pick];
        k++;
        look_at_centre(x, centre[k - 1], k - 1, near, label);
        for (int i = 0; i < n; i++)
            total += near[i];
        if (!(total > 1e-3))
            break; /* all samples are centres already */
        *seed = *seed * 1664525u + 1013904223u;
        double at = total * (*seed / 4294967296.0);
        for (pick = 0; pick < n - 1 && (at -= near[pick]) > 0.0; pick++)
            ;
    }
    return k;
}

static double assign(const channels *x, float (*centre)[VI_FEATURES], int k, float *best, int32_t *label)
{
    double total = 0.0;
    for (int i = 0; i < x->n; i++) {
        best[i] = FLT_MAX;
        label[i] = 0;
    }
    for (int c = 0; c < k; c++)
        look_at_centre(x, centre[c], c, best, label);
    for (int i = 0; i < x->n; i++)
        total += best[i];
    return total;
}

static void move_centres(const vi_sample *x, int n, float (*centre)[VI_FEATURES], int k, const int32_t *label)
{
    double sum[VI_OTHERS][VI_FEATURES] = { { 0 } };
    int count[VI_OTHERS] = { 0 };
    for (int i = 0; i < n; i++) {
        count[label[i]]++;
        for (int c = 0; c < VI_FEATURES; c++)
            sum[label[i]][c] += x[i][c];
    }
    for (int j = 0; j < k; j++)
        for (int c = 0; c < VI_FEATURES && count[j] > 0; c++)
            centre[j][c] = (float)(sum[j][c] / count[j]);
}

int vi_kmeans(const vi_sample *x, int n, int tries, int iterations, int32_t *label, float *work)
{
    float best_centre[VI_OTHERS][VI_FEATURES], *near = work + VI_FEATURES * (n > 0 ? n : 0);
    double best = DBL_MAX;
    int best_k = 0;
    uint32_t seed = 12345u;
    channels by = { .n = n };
    for (int c = 0; c < VI_FEATURES; c++) {
        by.c[c] = work + c * n;
        for (int i = 0; i < n; i++)
            work[c * n + i] = x[i][c];
    }
    for (int t = 0; t < tries && n > 0; t++) {
        float centre[VI_OTHERS][VI_FEATURES];
        int k = seed_centres(&by, &seed, centre, near, label);
        double cost = DBL_MAX;
        for (int it = 0; it < iterations; it++) {
            double now = assign(&by, centre, k, near, label);
            if (now >= cost * (1.0 - 1e-4))
                break;
            cost = now;
            move_centres(x, n, centre, k, label);
        }
        if (cost < best) {
            best = cost;
            best_k = k;
            memcpy(best_centre, centre, sizeof centre);
        }
    }
    if (best_k > 0)
        assign(&by, best_centre, best_k, near, label);
    return best_k;
}
