/* tests/media/util.h: a scratch folder, the ffmpeg and ffprobe programs, and a copy of a file through reader and writer. */
#ifndef TEST_MEDIA_UTIL_H
#define TEST_MEDIA_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/media.h"

/* Fresh folder under the temporary directory, removed at exit. Static storage. */
const char *scratch(void);
/* "scratch/name" in one of eight static buffers. */
const char *in_scratch(const char *name);
/* Runs a shell command in the scratch folder; its status. */
int run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Standard output of a shell command run in the scratch folder; freed by the caller. */
char *capture(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool have_ffmpeg(void);
/* Folder of test data, or NULL. */
const char *shared_folder(void);

/* Collects log lines. */
typedef struct lines {
    char text[8192];
    pthread_mutex_t lock;
} lines;
extern lines logged;
extern const vi_log test_log;
void logged_clear(void);

extern const vi_output_settings default_settings;
/* Reader to writer, unchanged. */
int copy_through(const char *from, const char *to, const vi_output_settings *s, bool mark, viso_error *err);
/* The still as a frame; fails the test on error. */
vi_frame *load(const char *path);
bool same_pixels(const vi_frame *a, const vi_frame *b);
void write_file(const char *path, const void *data, size_t size);

#endif
