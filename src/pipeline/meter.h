/* pipeline/meter.h: how long a stage takes, as a histogram of fixed size: no allocation in the frame path, mergeable over
 * threads. Buckets grow by 4 %, so a quantile is right to about 2 %. One owner thread. */
#ifndef VI_METER_H
#define VI_METER_H

#include "base/base.h"

#define VI_METER_BUCKETS 480

typedef struct vi_meter {
    uint64_t calls, total_ns;
    uint32_t bucket[VI_METER_BUCKETS];
} vi_meter;

void vi_meter_add(vi_meter *m, uint64_t ns);
void vi_meter_merge(vi_meter *into, const vi_meter *m);
double vi_meter_quantile_ms(const vi_meter *m, double q); /* q in 0..1; 0 when empty */

#endif
