/* options/options.h: one row per setting, in the room that reads it. Everything else (command line, configuration
 * text, documents, completion, JSON schema) is derived from the rows; nobody writes an option name twice.
 *
 * A room declares a plain struct of settings and a group of rows over it:
 *
 *     typedef struct vi_detect_settings { float score; int tiles; } vi_detect_settings;
 *     static const vi_option_row rows[] = {
 *         VI_OPTION_FLOAT(vi_detect_settings, score, "score", "Score threshold", "Faces below this …", NULL, 0.5, 0.05, 1, 0.05, 0),
 *     };
 *     const vi_option_group vi_detect_options = { "detect", "Finding faces", rows, VI_COUNT(rows), sizeof(vi_detect_settings) };
 *
 * The full key is "group.key" in files and "--key" on the command line, so keys are unique over all groups and named so
 * that they read well alone ("detect-score"). */
#ifndef VI_OPTIONS_H
#define VI_OPTIONS_H

#include "base/base.h"

typedef enum vi_option_type {
    VI_OPTION_TYPE_BOOL = 1, /* bool */
    VI_OPTION_TYPE_INT,      /* int */
    VI_OPTION_TYPE_FLOAT,    /* float */
    VI_OPTION_TYPE_CHOICE,   /* int, index into choices */
    VI_OPTION_TYPE_TEXT      /* char[VI_OPTION_TEXT] */
} vi_option_type;

#define VI_OPTION_TEXT 256

enum {
    VI_OPTION_LIVE = 1 << 0,     /* may change while running */
    VI_OPTION_ADVANCED = 1 << 1, /* not in the short help */
    VI_OPTION_PATH = 1 << 2,     /* completion offers files */
    VI_OPTION_PROGRAM = 1 << 3   /* concerns the program (output, verbosity), not the picture */
};

typedef struct vi_option_row {
    const char *key, *label, *help, *unit; /* unit may be NULL */
    vi_option_type type;
    double def, min, max, step;            /* bool, int, float, choice (index) */
    const char *def_text;                  /* text */
    const char *const *choices;            /* NULL-terminated */
    uint32_t flags;
    char letter;                           /* short form "-q", 0 none */
    size_t offset;
} vi_option_row;

#define VI_OPTION_OFFSET(T, field, ctype)                                                                    \
    (offsetof(T, field) + 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((T *)0)->field), ctype) ? 1 : -1]))

#define VI_OPTION_BOOL(T, field, key_, label_, help_, def_, flags_)                                           \
    { .key = key_, .label = label_, .help = help_, .type = VI_OPTION_TYPE_BOOL, .def = def_, .max = 1, .step = 1, \
      .flags = flags_, .offset = VI_OPTION_OFFSET(T, field, bool) }
#define VI_OPTION_INT(T, field, key_, label_, help_, unit_, def_, min_, max_, flags_)                         \
    { .key = key_, .label = label_, .help = help_, .unit = unit_, .type = VI_OPTION_TYPE_INT, .def = def_, .min = min_, \
      .max = max_, .step = 1, .flags = flags_, .offset = VI_OPTION_OFFSET(T, field, int) }
#define VI_OPTION_FLOAT(T, field, key_, label_, help_, unit_, def_, min_, max_, step_, flags_)                \
    { .key = key_, .label = label_, .help = help_, .unit = unit_, .type = VI_OPTION_TYPE_FLOAT, .def = def_, .min = min_, \
      .max = max_, .step = step_, .flags = flags_, .offset = VI_OPTION_OFFSET(T, field, float) }
#define VI_OPTION_CHOICE(T, field, key_, label_, help_, choices_, def_, flags_)                               \
    { .key = key_, .label = label_, .help = help_, .type = VI_OPTION_TYPE_CHOICE, .def = def_, .max = VI_COUNT(choices_) - 2, \
      .step = 1, .choices = choices_, .flags = flags_, .offset = VI_OPTION_OFFSET(T, field, int) }
#define VI_OPTION_STRING(T, field, key_, label_, help_, def_, flags_)                                         \
    { .key = key_, .label = label_, .help = help_, .type = VI_OPTION_TYPE_TEXT, .def_text = def_, .flags = flags_, \
      .offset = VI_OPTION_OFFSET(T, field, vi_option_text) }

typedef char vi_option_text[VI_OPTION_TEXT];

typedef struct vi_option_group {
    const char *key, *label;
    const vi_option_row *row;
    int n_row;
    size_t size; /* of the settings struct */
} vi_option_group;

/* Values for a set of groups: one zeroed-then-defaulted struct per group. Not thread-safe; workers read a snapshot. */
typedef struct vi_settings vi_settings;
int vi_settings_create(vi_settings **s, const vi_option_group *const *groups, int n_group, viso_error *err);
vi_settings *vi_settings_copy(const vi_settings *s); /* snapshot, NULL out of memory */
void vi_settings_destroy(vi_settings **s);
/* The struct of a group by its key; NULL unknown. */
const void *vi_settings_group(const vi_settings *s, const char *group);
/* "key" or "group.key"; text is parsed by type. VISO_ERR_USAGE naming option, value, range or choices, with the nearest
 * known key when the key is unknown. */
int vi_settings_set(vi_settings *s, const char *key, const char *text, viso_error *err);
/* A value that gives way to a chosen one (a preset's, a limit's): no effect where vi_settings_given. Faults as above. */
int vi_settings_suggest(vi_settings *s, const char *key, const char *text, viso_error *err);
/* Whether somebody chose the value (vi_settings_set, vi_settings_read), be it the default. Unknown key: false. */
bool vi_settings_given(const vi_settings *s, const char *key);
/* Canonical text of the value. 0 or VISO_ERR_USAGE / VISO_ERR_NO_SPACE (buffer too small). */
int vi_settings_get(const vi_settings *s, const char *key, char *text, size_t size, viso_error *err);
const vi_option_row *vi_settings_find(const vi_settings *s, const char *key, const vi_option_group **group);
int vi_settings_groups(const vi_settings *s, const vi_option_group *const **groups);
/* Configuration text: "key = value" lines grouped, each with its help as a comment (write); tolerant of blank lines and
 * # comments (read; faults name `name` and line). Written text is allocated, freed with vi_free. */
int vi_settings_write(const vi_settings *s, char **text, viso_error *err);
int vi_settings_read(vi_settings *s, const char *text, const char *name, viso_error *err);
/* The same, each value as vi_settings_suggest takes it. */
int vi_settings_read_suggested(vi_settings *s, const char *text, const char *name, viso_error *err);
/* "2G", "800M", "1.5G", "2000000000" bytes, "50%" of `whole`; "" is 0: no limit. K, M, G and T are powers of 1024. VISO_ERR_USAGE
 * naming the option for another text, or a percentage of an unknown whole (0). */
int vi_size_parse(const char *option, const char *text, uint64_t whole, uint64_t *bytes, viso_error *err);
/* Documents made from the rows; allocated text. */
char *vi_options_markdown(const vi_option_group *const *groups, int n_group);
char *vi_options_json_schema(const vi_option_group *const *groups, int n_group);

#endif
