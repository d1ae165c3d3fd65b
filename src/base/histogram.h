/* base/histogram.h: how long something takes, as a histogram of fixed size: percentiles over hours without keeping the
 * samples, no allocation, mergeable over threads.
 *
 * Values are whole numbers (nanoseconds here). Below 128 each has a bucket of its own; above, every power of two is cut
 * into 64 equal buckets, so that the middle of a bucket is at most 1/128 (0.8 %) off any value in it. Values of 2^45 and
 * more (9.7 hours) share the last bucket. Smallest, largest, sum and number are exact. One owner at a time. */
#ifndef VI_HISTOGRAM_H
#define VI_HISTOGRAM_H

#include <stdint.h>

enum { VI_HISTOGRAM_OCTAVES = 38, VI_HISTOGRAM_BUCKETS = 64 * (VI_HISTOGRAM_OCTAVES + 2) };

typedef struct vi_histogram { /* zeroed: empty */
    uint64_t count, total, min, max;
    uint32_t bucket[VI_HISTOGRAM_BUCKETS];
} vi_histogram;

void vi_histogram_add(vi_histogram *h, uint64_t value);
void vi_histogram_merge(vi_histogram *into, const vi_histogram *h);
/* The smallest value that at least the share q (0..1) of all values do not exceed, within 0.8 %; 1: the largest, exactly.
 * 0 when empty. */
double vi_histogram_quantile(const vi_histogram *h, double q);

#endif
