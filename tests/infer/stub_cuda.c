/* tests/infer/stub_cuda.c: a libcuda.so.1 that answers what the environment says, for machines without one. */
#include <stdlib.h>

#pragma GCC visibility push(default)

#define STUB(name) int name(void); int name(void) { return 801; } /* not supported */

static int number(const char *variable)
{
    const char *text = getenv(variable);
    return text ? atoi(text) : 0;
}

int cuInit(unsigned flags);
int cuInit(unsigned flags)
{
    (void)flags;
    return number("STUB_CUDA_ERROR");
}

int cuDeviceGetCount(int *n);
int cuDeviceGetCount(int *n)
{
    *n = number("STUB_CUDA_GPUS");
    return 0;
}

STUB(cuDevicePrimaryCtxRetain)
STUB(cuCtxGetCurrent)
STUB(cuCtxSetCurrent)
STUB(cuMemcpyHtoD_v2)
STUB(cuMemcpyDtoH_v2)
STUB(cuStreamSynchronize)
STUB(cuDeviceGetName)
STUB(cuDeviceGetAttribute)
STUB(cuDriverGetVersion)
