/* kernel/cubic.h: weights of the Catmull-Rom spline (the cubic convolution of Keys 1981 with a = -1/2). */
#ifndef VI_KERNEL_CUBIC_H
#define VI_KERNEL_CUBIC_H

#include "kernel/internal.h"

/* Of the samples at -1, 0, 1, 2 for a place t between the middle two. */
static inline void cubic_weights(float t, float w[4])
{
    w[0] = t * (-0.5f + t * (1.0f - 0.5f * t));
    w[1] = 1.0f + t * t * (-2.5f + 1.5f * t);
    w[2] = t * (0.5f + t * (2.0f - 1.5f * t));
    w[3] = t * t * (-0.5f + 0.5f * t);
}

#endif
