/* base/error.h: errors are values; the message is written once, by the code that detects the fault. */
#ifndef VI_ERROR_H
#define VI_ERROR_H

#include "viso/common.h"

/* Writes the message (if err is not NULL and holds none yet) and returns `code`, so that a fault reads
 * `return vi_error_set(err, VISO_ERR_INPUT, "%s: …", path);`. Code that only passes a fault on adds nothing. */
int vi_error_set(viso_error *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The message for an allocation that failed; returns VISO_ERR_NO_SPACE. */
int vi_error_nomem(viso_error *err, const char *what);

#endif
