#include "identify/identify.h"
typedef int vi_identify_unit;
