#include "face/face.h"
typedef int vi_face_mesh_unit;
