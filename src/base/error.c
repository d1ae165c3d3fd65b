/* base/error.c: writing an error value, once. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

int vi_error_set(viso_error *err, int code, const char *fmt, ...)
{
    if (err && err->code == 0) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
        err->code = code;
    }
    return code;
}

int vi_error_nomem(viso_error *err, const char *what)
{
    return vi_error_set(err, VISO_ERR_NO_SPACE, "out of memory: %s", what);
}
