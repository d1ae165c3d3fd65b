#include "kernel/kernel.h"
typedef int vi_kernel_unit;
