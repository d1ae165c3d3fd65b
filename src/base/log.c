/* base/log.c: log lines to a callback. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

vi_log vi_log_named(const vi_log *parent, const char *name)
{
    vi_log log = { 0 };
    if (parent)
        log = *parent;
    log.name = name;
    return log;
}

void vi_log_write(const vi_log *log, viso_log_level level, const char *fmt, ...)
{
    if (!log || !log->fn || level > log->level)
        return;
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    log->fn(log->user, level, log->name ? log->name : "viso", text);
}
