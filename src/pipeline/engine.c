#include "viso/engine.h"
typedef int vi_engine_unit;
