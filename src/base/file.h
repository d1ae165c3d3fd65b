/* base/file.h: whole-file reads with a bound, and results that appear under their name only when whole. */
#ifndef VI_FILE_H
#define VI_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viso/common.h"

/* Reads a regular file of at most `limit` bytes. *data is NUL-terminated past its end, freed with
 * vi_free. Errors: VISO_ERR_INPUT (missing, unreadable, a folder, too large), VISO_ERR_NO_SPACE. */
int vi_file_read(const char *path, size_t limit, uint8_t **data, size_t *size, viso_error *err);

bool vi_file_exists(const char *path);
bool vi_is_folder(const char *path);
/* Same file behind both names (device and inode); false when either is missing. */
bool vi_same_file(const char *a, const char *b);
/* Part after the last '/', never NULL. */
const char *vi_base_name(const char *path);
/* Lower-case extension without the dot into out; "" when there is none. */
void vi_extension(const char *path, char out[16]);
/* "dir/name" allocated; NULL when out of memory. */
char *vi_path_join(const char *dir, const char *name);
/* Folder of the running program (from /proc/self/exe), allocated. */
char *vi_program_dir(void);

/* A file that is written beside its final name ("dir/.name.part-PID.ext", same extension so that muxers
 * can guess by name) and gets the name at the end. */
typedef struct vi_pending {
    char *final_path;
    char *temp_path;
} vi_pending;

/* Checks that the folder exists and can be written. Creates an empty temporary file. */
int vi_pending_begin(vi_pending *p, const char *final_path, viso_error *err);
/* fsync, rename, fsync of the folder. On failure the temporary file is removed. Clears p. */
int vi_pending_commit(vi_pending *p, viso_error *err);
/* Removes the temporary file. Clears p. A zeroed p is fine. */
void vi_pending_abort(vi_pending *p);

/* Writes a whole file through a vi_pending. */
int vi_file_write(const char *path, const void *data, size_t size, viso_error *err);

/* SHA-256 in lower-case hex of a file (streamed) or a buffer. */
int vi_sha256_file(const char *path, char hex[65], viso_error *err);
void vi_sha256(const void *data, size_t size, char hex[65]);

#endif
