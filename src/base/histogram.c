/* base/histogram.c: buckets of equal width within each power of two. */
#include "base/histogram.h"

#include <math.h>

static int index_of(uint64_t value)
{
    if (value < 128)
        return (int)value;
    int shift = 63 - __builtin_clzll(value) - 6; /* leaves 64..127 */
    return shift > VI_HISTOGRAM_OCTAVES ? VI_HISTOGRAM_BUCKETS - 1 : 64 * shift + (int)(value >> shift);
}

static double middle_of(int index)
{
    if (index < 128)
        return index;
    int shift = index / 64 - 1;
    return ldexp(index - 64 * shift + 0.5, shift);
}

void vi_histogram_add(vi_histogram *h, uint64_t value)
{
    h->bucket[index_of(value)]++;
    h->min = h->count == 0 || value < h->min ? value : h->min;
    h->max = value > h->max ? value : h->max;
    h->count++;
    h->total += value;
}

void vi_histogram_merge(vi_histogram *into, const vi_histogram *h)
{
    if (h->count == 0)
        return;
    into->min = into->count == 0 || h->min < into->min ? h->min : into->min;
    into->max = h->max > into->max ? h->max : into->max;
    into->count += h->count;
    into->total += h->total;
    for (int i = 0; i < VI_HISTOGRAM_BUCKETS; i++)
        into->bucket[i] += h->bucket[i];
}

double vi_histogram_quantile(const vi_histogram *h, double q)
{
    double want = ceil(q * (double)h->count), seen = 0;
    if (want >= (double)h->count)
        return (double)h->max; /* empty: 0 */
    for (int i = 0; i < VI_HISTOGRAM_BUCKETS; i++) {
        seen += h->bucket[i];
        if (h->bucket[i] && seen >= want)
            return fmin(fmax(middle_of(i), (double)h->min), (double)h->max);
    }
    return (double)h->max;
}
