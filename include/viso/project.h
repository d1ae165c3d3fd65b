/* viso/project.h: a project: what a swap is made of, as a file (JSON, described in docs/project.md): sources with names, who becomes
 * whom, target, result, settings, and ranges of time with settings of their own.
 *
 * Thread-safety: a viso_project is read-only once loaded. Its strings live as long as it. */
#ifndef VISO_PROJECT_H
#define VISO_PROJECT_H

#include "viso/common.h"
#include "viso/engine.h"
#include "viso/options.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct viso_project viso_project;

/* Reads and checks the whole file: unknown and repeated keys, wrong types, unknown options, values out of range. Paths in it are
 * relative to its folder; those of the object are ready to use. Photographs and target are not opened. VISO_ERR_USAGE naming file,
 * place in the file and option; VISO_ERR_INPUT: cannot be read; VISO_ERR_NO_SPACE. */
VISO_API int viso_project_load(viso_project **p, const char *path, viso_error *err);
VISO_API void viso_project_free(viso_project **p);

typedef struct viso_project_source {
    const char *name;
    const char *const *photos; /* paths, or names of the gallery */
    int n_photo;
} viso_project_source;
/* The i-th source in the order of the file. 0, or VISO_ERR_USAGE when i is out of range. */
VISO_API int viso_project_source_at(const viso_project *p, int i, viso_project_source *source);

/* Fills in sources, maps, target, out and at; leaves the rest of `params` alone. target and out are NULL when the file names none. */
VISO_API void viso_project_params(const viso_project *p, viso_swap_params *params);
/* Sets the options of the project's "settings", as viso_options_set does. */
VISO_API int viso_project_apply(const viso_project *p, viso_options *o, viso_error *err);

/* Writes a project file of these parameters, and of the options that were set in `o` (by viso_options_set, _load or
 * viso_project_apply), but for those that concern the program alone. Files in the folder of the project are written relative to it,
 * others with their whole path. An existing file is replaced. */
VISO_API int viso_project_save(const char *path, const viso_swap_params *params, const viso_options *o, viso_error *err);

/* JSON schema (draft 2020-12) of project files, made from the table of options. Freed with viso_text_free; NULL: out of memory. */
VISO_API char *viso_project_schema(void);

/* What can be told of time ranges before a clip is opened: places are written as such, options are known, take the value and may
 * hold in a part of a clip. VISO_ERR_USAGE naming the range. */
VISO_API int viso_at_check(const viso_at *at, int n, viso_error *err);

#ifdef __cplusplus
}
#endif
#endif
