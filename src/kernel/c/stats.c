/* kernel/c/stats.c: plain sums of a row for kernel/stats.h. */
#include "kernel/stats.h"

static void row_sums(float s[SUMS], const float *a, const float *b, const float *c, const float *w,
                     const float pivot[3], int n)
{
    float t[SUMS] = { 0 };
    for (int x = 0; x < n; x++) {
        float k = w ? w[x] : 1.0f;
        float p = k > 0.0f ? a[x] - pivot[0] : 0.0f, q = k > 0.0f ? b[x] - pivot[1] : 0.0f;
        float r = k > 0.0f ? c[x] - pivot[2] : 0.0f;
        t[0] += k;
        t[1] += k * p, t[2] += k * q, t[3] += k * r;
        t[4] += k * p * p, t[5] += k * p * q, t[6] += k * p * r;
        t[7] += k * q * q, t[8] += k * q * r, t[9] += k * r * r;
    }
    memcpy(s, t, sizeof t);
}
