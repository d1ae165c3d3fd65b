/* pipeline/meter.c: logarithmic histogram from 1 us upward. */
#include "pipeline/meter.h"

#include <math.h>

static const double step = 1.04;

void vi_meter_add(vi_meter *m, uint64_t ns)
{
    double us = (double)ns / 1000;
    int i = us <= 1 ? 0 : (int)(log(us) / log(step));
    m->bucket[VI_MIN(i, VI_METER_BUCKETS - 1)]++;
    m->calls++;
    m->total_ns += ns;
}

void vi_meter_merge(vi_meter *into, const vi_meter *m)
{
    into->calls += m->calls;
    into->total_ns += m->total_ns;
    for (int i = 0; i < VI_METER_BUCKETS; i++)
        into->bucket[i] += m->bucket[i];
}

double vi_meter_quantile_ms(const vi_meter *m, double q)
{
    double want = q * (double)m->calls, seen = 0;
    for (int i = 0; i < VI_METER_BUCKETS; i++) {
        seen += m->bucket[i];
        if (m->bucket[i] && seen >= want)
            return pow(step, i + 0.5) / 1000;
    }
    return 0;
}
