/* identify/vector.c: arithmetic on embeddings. Pure. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "identify/recogniser.h"

bool vi_vector_unit(const float *raw, int n, float *unit)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)raw[i] * raw[i];
    if (!isfinite(sum) || !(sum > 1e-12))
        return false; /* a flat picture can do this; no vector is the honest answer */
    float k = (float)(1 / sqrt(sum));
    for (int i = 0; i < n; i++)
        unit[i] = raw[i] * k;
    return true;
}

float vi_vector_cosine(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return (float)sum;
}

float vi_similarity(float cosine)
{
    return vi_clampf(50 + 50 * cosine, 0, 100);
}

static int by_value(const void *x, const void *y)
{
    float a = *(const float *)x, b = *(const float *)y;
    return (a > b) - (a < b);
}

bool vi_vector_merge(const float *const *in, int n, int size, vi_merge how, float *out)
{
    float *column = how == VI_MERGE_MEDIAN && n > 2 ? vi_alloc((size_t)n * sizeof *column) : NULL;
    if (how == VI_MERGE_MEDIAN && n > 2 && !column)
        return false;
    for (int k = 0; k < size; k++) {
        double sum = 0;
        for (int i = 0; i < n; i++)
            sum += in[i][k];
        if (column) {
            for (int i = 0; i < n; i++)
                column[i] = in[i][k];
            qsort(column, (size_t)n, sizeof *column, by_value);
            out[k] = n & 1 ? column[n / 2] : 0.5f * (column[n / 2 - 1] + column[n / 2]);
        } else {
            out[k] = (float)(sum / n);
        }
    }
    vi_free(column);
    return true;
}
