/* base/base.h: what C lacks. The one header neighbours include for this room. */
#ifndef VI_BASE_H
#define VI_BASE_H

#include "base/blob.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/thread.h"
#include "base/trace.h"

/* 1 in a build with address, thread or memory sanitizer. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VI_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define VI_SANITIZED 1
#endif
#endif
#ifndef VI_SANITIZED
#define VI_SANITIZED 0
#endif

#define VI_MIN(a, b) ((a) < (b) ? (a) : (b))
#define VI_MAX(a, b) ((a) > (b) ? (a) : (b))
#define VI_COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline int vi_clampi(int v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static inline float vi_clampf(float v, float lo, float hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* Hermite step: 0 below a, 1 above b, 3t^2 - 2t^3 between. a < b. */
static inline float vi_smoothstep(float x, float a, float b)
{
    float t = vi_clampf((x - a) / (b - a), 0.0f, 1.0f);
    return t * t * (3.0f - 2.0f * t);
}

#endif
