#include "face/face.h"
typedef int vi_face_pose_unit;
