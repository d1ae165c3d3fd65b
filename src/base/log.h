/* base/log.h: a log handle per object, named by path ("pipeline/detect"). A NULL handle or a handle
 * without a callback is silent. Thread-safety: the callback must be safe; the handle is read-only. */
#ifndef VI_LOG_H
#define VI_LOG_H

#include "viso/common.h"

typedef struct vi_log {
    viso_log_fn fn;
    void *user;
    viso_log_level level; /* lines above this level are not formatted */
    const char *name;     /* static or longer-lived string */
} vi_log;

/* A handle for a child object; shares the callback. */
vi_log vi_log_named(const vi_log *parent, const char *name);
void vi_log_write(const vi_log *log, viso_log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define vi_warn(log, ...) vi_log_write((log), VISO_LOG_WARN, __VA_ARGS__)
#define vi_info(log, ...) vi_log_write((log), VISO_LOG_INFO, __VA_ARGS__)
#define vi_debug(log, ...) vi_log_write((log), VISO_LOG_DEBUG, __VA_ARGS__)

#endif
