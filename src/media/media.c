#include "media/media.h"
typedef int vi_media_unit;
