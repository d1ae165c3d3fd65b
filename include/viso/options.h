/* viso/options.h: every setting of viso, described by its row, and a set of values.
 *
 * Thread-safety: rows are static; a viso_options belongs to one thread at a time. */
#ifndef VISO_OPTIONS_H
#define VISO_OPTIONS_H

#include "viso/common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum viso_option_type {
    VISO_OPTION_BOOL = 1,
    VISO_OPTION_INT,
    VISO_OPTION_FLOAT,
    VISO_OPTION_CHOICE,
    VISO_OPTION_TEXT
} viso_option_type;

enum {
    VISO_OPTION_LIVE = 1 << 0,     /* may change while running */
    VISO_OPTION_ADVANCED = 1 << 1, /* not shown in the short help */
    VISO_OPTION_PATH = 1 << 2,     /* the value names a file or folder */
    VISO_OPTION_PROGRAM = 1 << 3,  /* concerns the program, not the picture */
    VISO_OPTION_IN_RANGE = 1 << 8  /* can hold in a part of a clip (viso_at) */
};

typedef struct viso_option_info {
    const char *key;     /* "detect-score": long option without dashes, key in configuration files */
    const char *group;   /* "detect" */
    const char *group_label;
    const char *label;
    const char *help;    /* one or two sentences */
    const char *unit;    /* NULL none */
    viso_option_type type;
    double def, min, max, step; /* numbers; choice: index */
    const char *def_text;
    const char *const *choices; /* NULL-terminated, choice only */
    uint32_t flags;
    char letter; /* one-letter form, 0 none */
} viso_option_info;

typedef struct viso_options viso_options;

VISO_API int viso_option_count(void);
/* 0, or VISO_ERR_USAGE when i is out of range. Strings are static. */
VISO_API int viso_option_describe(int i, viso_option_info *info);

/* All defaults. VISO_ERR_NO_SPACE. */
VISO_API int viso_options_create(viso_options **o, viso_error *err);
VISO_API void viso_options_destroy(viso_options **o);
/* VISO_ERR_USAGE naming option and value (unknown key: with the nearest one). */
VISO_API int viso_options_set(viso_options *o, const char *key, const char *text, viso_error *err);
VISO_API int viso_options_get(const viso_options *o, const char *key, char *text, size_t size, viso_error *err);
/* Reads / writes a configuration text file. */
VISO_API int viso_options_load(viso_options *o, const char *path, viso_error *err);
/* Fills in the values of the preset that the option "preset" names, except those that were set or loaded. An engine does so by
 * itself for its own copy. VISO_ERR_USAGE: unknown preset, or a fault in its file. */
VISO_API int viso_options_apply_preset(viso_options *o, viso_error *err);
/* Allocated text, freed with viso_text_free: commented configuration file, Markdown table, JSON schema. */
VISO_API char *viso_options_text(const viso_options *o);
VISO_API char *viso_options_markdown(void);
VISO_API char *viso_options_schema(void);
VISO_API void viso_text_free(char *text);

#ifdef __cplusplus
}
#endif
#endif
