/* tests/models_folder.h: a temporary folder of models, for vi_models_params.dir and the option `models`.
 *
 * It holds links to everything of the folder that VISO_MODELS names (the starter models) and, on request, to the small
 * real models of VISO_TEST_SHARED/models. A test puts files of its own (twins) under the name of a manifest row; the
 * manifest in the folder is the project's own with size and digest of just these rows replaced, so that digests are
 * checked as ever. One thread. XDG_CONFIG_HOME and XDG_CACHE_HOME point into the folder while it is open, so that no
 * user's rows get in. Calls return 0, or a VISO_ERR_* code with the message in err (which may be NULL).
 *
 *     models_folder f;
 *     if (!models_folder_has_shared())
 *         return 77;
 *     models_folder_open(&f, MODELS_FOLDER_SHARED, &err);
 *     models_folder_put(&f, "det_10g", bytes, size, &err);
 *     vi_models_open(&m, &(vi_models_params){.dir = f.dir}, &err);
 *     …
 *     models_folder_close(&f);
 *
 * A vi_models object reads the manifest when it opens: put first, then open. */
#ifndef MODELS_FOLDER_H
#define MODELS_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "viso/common.h"

enum { MODELS_FOLDER_SHARED = 1 }; /* with the small models of VISO_TEST_SHARED/models */

typedef struct models_folder {
    char dir[200];
    char *config, *cache; /* what the variables were before */
    void *manifest;       /* json_t */
} models_folder;

/* Are the small real models there? Says so on stderr when not; the test then ends with 77. */
bool models_folder_has_shared(void);
int models_folder_open(models_folder *f, int what, viso_error *err);
/* `data` becomes the file of row `id`; size and digest in the folder's manifest follow. VISO_ERR_INPUT: no such row. */
int models_folder_put(models_folder *f, const char *id, const void *data, size_t size, viso_error *err);
/* Any other file, by name (folders below are made). Takes the place of a link of this name; the manifest stays, so for the
 * file of a row this is how a damaged one is made. */
int models_folder_put_file(models_folder *f, const char *name, const void *data, size_t size, viso_error *err);
/* A user's rows: models.d/NAME.json with `rows`, the JSON objects parted by commas. "SHA256" in them stands for the digest
 * of `file` in the folder (file NULL: nothing is replaced). */
int models_folder_put_rows(models_folder *f, const char *name, const char *rows, const char *file, viso_error *err);
/* Changes one row of the folder's manifest: `fields`, a JSON object, is laid over it. */
int models_folder_change_row(models_folder *f, const char *id, const char *fields, viso_error *err);
/* Takes a row's file out of the folder: the model is missing. */
int models_folder_remove(models_folder *f, const char *id, viso_error *err);
/* Removes the folder. A zeroed f is fine. */
void models_folder_close(models_folder *f);

#endif
