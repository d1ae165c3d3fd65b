#include "options/options.h"
typedef int vi_options_unit;
