/* tests/infer/stub_cuda.c: a libcuda.so.1 that answers what the environment says, for machines without one. Under other names
 * it stands in for the vendor's libraries as far as they tell their versions. */
#include <stdio.h>
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
STUB(cuDeviceGetAttribute)

int cuDeviceGetName(char *name, int size, int device);
int cuDeviceGetName(char *name, int size, int device)
{
    snprintf(name, (size_t)size, "Stub GPU %d", device);
    return 0;
}

int cuDriverGetVersion(int *version);
int cuDriverGetVersion(int *version)
{
    *version = number("STUB_CUDA_DRIVER");
    return 0;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device);
int cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    *bytes = (size_t)number("STUB_CUDA_MIB") << 20;
    return device;
}

int cudaRuntimeGetVersion(int *version);
int cudaRuntimeGetVersion(int *version)
{
    *version = number("STUB_CUDART");
    return 0;
}

size_t cudnnGetVersion(void);
size_t cudnnGetVersion(void)
{
    return (size_t)number("STUB_CUDNN");
}

int getInferLibVersion(void);
int getInferLibVersion(void)
{
    return number("STUB_TENSORRT");
}
