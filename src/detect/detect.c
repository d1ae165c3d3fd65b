#include "detect/detect.h"
typedef int vi_detect_unit;
