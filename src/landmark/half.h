/* landmark/half.h: IEEE half precision, for networks whose inputs or outputs have it. Rounds to nearest, ties to even. */
#ifndef VI_HALF_H
#define VI_HALF_H

#include <stdint.h>
#include <string.h>

static inline float vi_from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h >> 10 & 31, m = h & 0x3ff, bits;
    float f;
    if (e == 31)
        bits = sign | 0x7f800000 | m << 13;
    else if (e)
        bits = sign | (e + 112) << 23 | m << 13;
    else {
        f = (float)m * 5.9604644775390625e-8f; /* 2^-24 */
        return sign ? -f : f;
    }
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint16_t vi_to_half(float f)
{
    uint32_t x;
    memcpy(&x, &f, sizeof x);
    uint16_t sign = (uint16_t)(x >> 16 & 0x8000);
    uint32_t a = x & 0x7fffffff;
    if (a > 0x7f800000)
        return sign | 0x7e00; /* NaN */
    if (a >= 0x477ff000)
        return sign | 0x7c00; /* rounds beyond 65504 */
    if (a < 0x38800000) {     /* below 2^-14: counts of 2^-24 */
        float v;
        memcpy(&v, &a, sizeof v);
        v = v * 16777216.0f + 8388608.0f; /* adding 2^23 rounds to a whole number */
        memcpy(&a, &v, sizeof a);
        return (uint16_t)(sign | (a & 0x7ff));
    }
    a += 0xfff + (a >> 13 & 1);
    return (uint16_t)(sign | ((a - 0x38000000) >> 13));
}

#endif
