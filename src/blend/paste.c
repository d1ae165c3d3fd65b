#include "blend/blend.h"
typedef int vi_blend_unit;
