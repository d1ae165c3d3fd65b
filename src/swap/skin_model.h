/* swap/skin_model.h: small Gaussians and k-means over pixel features (L, a, b, texture), for skin.c only. Pure, no heap. */
#ifndef VI_SKIN_MODEL_H
#define VI_SKIN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define VI_FEATURES 4 /* L a b texture */
#define VI_OTHERS 5   /* clusters of what is not skin */

typedef struct vi_gauss {
    float mean[VI_FEATURES];
    float cov[VI_FEATURES][VI_FEATURES];
    float whiten[VI_FEATURES]
                [VI_FEATURES]; /* lower triangular: |whiten (x - mean)|^2 is the squared Mahalanobis distance */
    float logdet;
    float weight; /* share of the samples, 0..1 */
    int n;        /* samples used */
} vi_gauss;

typedef float vi_sample[VI_FEATURES];

/* Mean and covariance of the samples that lie within 2.8 robust standard deviations of the median in every channel (when
 * trim is set), then cov * scale + diag. False when too few samples are left. `x` is used as given; `work` holds 3 n floats. */
bool vi_gauss_fit(vi_gauss *g, const vi_sample *x, int n, bool trim, float scale, const float diag[VI_FEATURES],
                  float *work);
/* Recomputes whiten and logdet from cov * scale + diag. */
void vi_gauss_inflate(vi_gauss *g, float scale, const float diag[VI_FEATURES]);
float vi_gauss_distance2(const vi_gauss *g, const float x[VI_FEATURES]);

/* k-means++ with a fixed seed, the best of `tries`. label: n entries, `work` 5 n floats. Returns the number of clusters
 * (<= VI_OTHERS). */
int vi_kmeans(const vi_sample *x, int n, int tries, int iterations, int32_t *label, float *work);

#endif
