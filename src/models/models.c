#include "models/models.h"
typedef int vi_models_unit;
