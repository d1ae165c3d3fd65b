#include "landmark/landmark.h"
typedef int vi_landmark_unit;
