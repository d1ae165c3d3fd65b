/* models/verified.h: which files were read and found right before. Private to src/models; thread-safe. */
#ifndef VI_VERIFIED_H
#define VI_VERIFIED_H

#include "base/base.h"

/* Files below this size are read every time: that takes less than finding out whether one might do without. */
#define VI_VERIFY_ALWAYS ((uint64_t)16 << 20)

struct stat;
/* Was this very file (device, inode, size, time of change) found to have this digest before? */
bool vi_verified_before(const struct stat *st, const char *sha256);
/* Remembers that it has. Failing to is no fault: the file is read again next time. */
void vi_verified_note(const struct stat *st, const char *sha256);
/* Has the file this digest? Reads it, unless it was found right before and not `force`. A file that cannot be read is
 * not right. */
bool vi_verify_file(const char *path, const char *sha256, bool force);

#endif
