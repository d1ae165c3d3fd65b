#include "face/face.h"
typedef int vi_face_indices_unit;
