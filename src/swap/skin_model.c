/* swap/skin_model.c: see skin_model.h. Sizes are tiny (a few thousand samples); the one care is to be deterministic and to
 * survive samples that are all equal. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
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

/* Bounds per channel: median -+ 2.8 * 1.4826 MAD, never narrower than one unit. */
static void trim_bounds(const vi_sample *x, int n, float *work, float lo[VI_FEATURES], float hi[VI_FEATURES])
{
    for (int c = 0; c < VI_FEATURES; c++) {
        for (int i = 0; i < n; i++)
            work[i] = x[i][c];
        float med = select_rank(work, n, n / 2);
        for (int i = 0; i < n; i++)
            work[i] = fabsf(x[i][c] - med);
        float reach = VI_MAX(2.8f * 1.4826f * select_rank(work, n, n / 2), 1.0f);
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

static float distance2(const float *a, const float *b)
{
    float s = 0.0f;
    for (int c = 0; c < VI_FEATURES; c++)
        s += (a[c] - b[c]) * (a[c] - b[c]);
    return s;
}

/* k-means++: each next centre with probability by squared distance to the nearest one. Returns how many were found. */
static int seed_centres(const vi_sample *x, int n, uint32_t *seed, float (*centre)[VI_FEATURES], float *near)
{
    int k = 0;
    for (int i = 0; i < n; i++)
        near[i] = FLT_MAX;
    *seed = *seed * 1664525u + 1013904223u;
    int pick = (int)((uint64_t)*seed * (uint32_t)n >> 32);
    while (k < VI_OTHERS) {
        double total = 0.0;
        memcpy(centre[k], x[pick], sizeof centre[k]);
        k++;
        for (int i = 0; i < n; i++) {
            near[i] = VI_MIN(near[i], distance2(x[i], centre[k - 1]));
            total += near[i];
        }
        if (!(total > 1e-3))
            break; /* all samples are centres already */
        *seed = *seed * 1664525u + 1013904223u;
        double at = total * (*seed / 4294967296.0);
        for (pick = 0; pick < n - 1 && (at -= near[pick]) > 0.0; pick++)
            ;
    }
    return k;
}

static double assign(const vi_sample *x, int n, const float (*centre)[VI_FEATURES], int k, uint8_t *label)
{
    double total = 0.0;
    for (int i = 0; i < n; i++) {
        float best = FLT_MAX;
        int at = 0;
        for (int c = 0; c < k; c++) {
            float d = distance2(x[i], centre[c]);
            if (d < best) {
                best = d;
                at = c;
            }
        }
        label[i] = (uint8_t)at;
        total += best;
    }
    return total;
}

static void move_centres(const vi_sample *x, int n, float (*centre)[VI_FEATURES], int k, const uint8_t *label)
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

int vi_kmeans(const vi_sample *x, int n, int tries, int iterations, uint8_t *label, float *work)
{
    float best_centre[VI_OTHERS][VI_FEATURES];
    double best = DBL_MAX;
    int best_k = 0;
    uint32_t seed = 12345u;
    for (int t = 0; t < tries && n > 0; t++) {
        float centre[VI_OTHERS][VI_FEATURES];
        int k = seed_centres(x, n, &seed, centre, work);
        double cost = DBL_MAX;
        for (int it = 0; it < iterations; it++) {
            double now = assign(x, n, (const float(*)[VI_FEATURES])centre, k, label);
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
        assign(x, n, (const float(*)[VI_FEATURES])best_centre, best_k, label);
    return best_k;
}
