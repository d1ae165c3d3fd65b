/* pipeline/project.h: what reading, writing and describing project files share (viso/project.h is the public side). */
#ifndef VI_PROJECT_H
#define VI_PROJECT_H

#include "options/options.h"
#include "viso/project.h"

#define VI_PROJECT_VERSION 1

/* The keys of the file, each once. */
#define VI_PROJECT_KEY_VERSION "version"
#define VI_PROJECT_KEY_SOURCES "sources"
#define VI_PROJECT_KEY_SOURCE "source"
#define VI_PROJECT_KEY_PEOPLE "people"
#define VI_PROJECT_KEY_TARGET "target"
#define VI_PROJECT_KEY_OUT "out"
#define VI_PROJECT_KEY_SETTINGS "settings"
#define VI_PROJECT_KEY_RANGES "ranges"
#define VI_PROJECT_KEY_START "start"
#define VI_PROJECT_KEY_END "end"

/* Whether the value of an option names a file, relative to the folder of the project ("." is the present one): the row says so, or it
 * is the photograph of --face or the file of --preset; not "nvtx", "largest", a name of the gallery. */
bool vi_project_is_path(const vi_option_group *g, const vi_option_row *r, const char *value, const char *folder);
/* Whether a photograph is meant rather than a name of the gallery: written like a file, or there is one. */
bool vi_project_is_photo(const char *name, const char *folder);
/* `path` seen from `folder`, allocated; NULL out of memory. */
char *vi_project_path(const char *folder, const char *path);
/* Folder of a file, allocated: "." when it names none. NULL out of memory. */
char *vi_project_folder(const char *file);

#endif
