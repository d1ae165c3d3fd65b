#include "swap/swap.h"
typedef int vi_swap_unit;
