#include "track/track.h"
typedef int vi_track_unit;
