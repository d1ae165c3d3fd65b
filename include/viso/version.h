/* viso/version.h: the version; Meson reads these three lines. */
#ifndef VISO_VERSION_H
#define VISO_VERSION_H

#include "viso/common.h"

#define VISO_VERSION_MAJOR 0
#define VISO_VERSION_MINOR 1
#define VISO_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0"; static storage. */
VISO_API const char *viso_version(void);

#ifdef __cplusplus
}
#endif
#endif
