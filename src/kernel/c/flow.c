/* kernel/c/flow.c: inner loop of `flow`. */
#include "kernel/flow.h"

static void flow_sums(const flow_window *t, const flow_place *at, float sum[4])
{
    sum[0] = sum[1] = sum[2] = sum[3] = 0;
    for (int j = 0; j < FLOW_SIDE; j++) {
        const float *a = at->p + j * at->stride, *b = a + at->stride;
        for (int i = 0; i < FLOW_SIDE; i++) {
            int o = j * FLOW_SIDE + i;
            float d = t->value[o] - (at->w00 * a[i] + at->w01 * a[i + 1] + at->w10 * b[i] + at->w11 * b[i + 1]);
            sum[0] += d * t->gx[o];
            sum[1] += d * t->gy[o];
            sum[2] += d;
            sum[3] += d * d;
        }
    }
}
