#include "infer/infer.h"
typedef int vi_infer_unit;
