/* tests/models/exec.h: converts a tiny file and runs it, everything in the original's N,H,W,C order. */
#ifndef VI_TEST_EXEC_H
#define VI_TEST_EXEC_H

#include "infer/infer.h"
#include "tiny.h"

/* Runs t's graph on `in` and writes output number `which` (both in the original's order). Fails the test when
 * conversion, loading or running does. */
void exec_tiny(const tiny *t, const float *in, int which, float *out, size_t out_count);
/* Fills with values in -1..1 that do not repeat soon. */
void exec_noise(float *x, size_t n, unsigned seed);
/* The message of a conversion that must fail with VISO_ERR_INPUT. */
void exec_must_fail(const tiny *t, char message[508]);
#endif
