/* viso/common.h: status codes, the export macro and the error value used by every public header. */
#ifndef VISO_COMMON_H
#define VISO_COMMON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VISO_API __attribute__((visibility("default")))
#else
#define VISO_API
#endif

/* Zero is success, negative is failure. The program's exit code is the negated status. AGAIN and EOF
 * are ordinary outcomes of pulling functions and never leave the program as an exit code. */
typedef enum viso_status {
    VISO_OK = 0,
    VISO_ERR_INTERNAL = -1,       /* a fault of ours */
    VISO_ERR_USAGE = -2,          /* an option or argument is wrong */
    VISO_ERR_NO_SOURCE_FACE = -3, /* the source shows no (usable) face */
    VISO_ERR_NO_TARGET_FACE = -4, /* the target shows no face */
    VISO_ERR_REFUSED = -5,        /* refused content */
    VISO_ERR_MODEL = -6,          /* model missing, damaged or with a wrong digest */
    VISO_ERR_DEVICE = -7,         /* the device asked for is not available */
    VISO_ERR_NO_SPACE = -8,       /* out of memory or disk */
    VISO_ERR_INPUT = -9,          /* unreadable or unsupported input */
    VISO_ERR_INTERRUPTED = -130,  /* stopped by the caller */
    VISO_AGAIN = -200,
    VISO_EOF = -201
} viso_status;

/* An error value. `text` is one line without a final newline: what failed, on which file, model or
 * option, and what to do next. Written once, by the code that found the fault. Owned by the caller;
 * zero-initialise it. A second fault does not overwrite the first. */
typedef struct viso_error {
    int code; /* viso_status, 0 while unset */
    char text[508];
} viso_error;

/* Severity of a log line. */
typedef enum viso_log_level {
    VISO_LOG_ERROR = 1,
    VISO_LOG_WARN = 2,
    VISO_LOG_INFO = 3,
    VISO_LOG_DEBUG = 4,
    VISO_LOG_TRACE = 5
} viso_log_level;

/* Receives log lines; may be called from any thread, one call at a time is not guaranteed. */
typedef void (*viso_log_fn)(void *user, viso_log_level level, const char *object, const char *text);

#ifdef __cplusplus
}
#endif
#endif
