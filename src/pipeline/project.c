/* pipeline/project.c: reading project files. The whole file is checked at once, so that a mistake in a late range does not show after
 * an hour; messages name the place in the file the way people write it: ranges[1].settings.opacity. */
#include "pipeline/project.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/groups.h"
#include "pipeline/parts.h"

#define PROJECT_LIMIT ((size_t)1 << 20)

typedef struct setting {
    const char *key, *value;
} setting;

struct viso_project {
    char **kept; /* every string */
    size_t n_kept, room;
    viso_project_source *source;
    int n_source;
    int everybody; /* source of all others, -1 none */
    viso_map *map;
    int n_map;
    viso_at *at;
    int n_at;
    setting *set;
    int n_set;
    const char *target, *out;
};

typedef struct reading {
    viso_project *p;
    const char *file;
    char *folder;
    vi_settings *scratch; /* where values are tried */
    viso_error *err;
} reading;

/* ---- messages, and strings that are kept ---- */

static int wrong(const reading *r, const char *where, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int wrong(const reading *r, const char *where, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return vi_error_set(r->err, VISO_ERR_USAGE, "%s: %s%s%s", r->file, where, where[0] ? ": " : "", text);
}

static int no_room(const reading *r)
{
    return vi_error_nomem(r->err, r->file);
}

/* Takes an allocated string over. NULL: out of memory. */
static const char *keep(viso_project *p, char *text)
{
    if (text && p->n_kept == p->room) {
        size_t room = p->room ? 2 * p->room : 64;
        char **kept = vi_calloc(room, sizeof *kept);
        if (kept && p->n_kept)
            memcpy(kept, p->kept, p->n_kept * sizeof *kept);
        if (!kept) {
            vi_free(text);
            return NULL;
        }
        vi_free(p->kept);
        p->kept = kept;
        p->room = room;
    }
    if (text)
        p->kept[p->n_kept++] = text;
    return text;
}

static const char *kind_of(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "a list";
    case JSON_STRING: return "text";
    case JSON_INTEGER: return "a whole number";
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: return "null";
    }
    return "something else";
}

/* Text of a path or name: not empty, no control characters. */
static int text_of(const reading *r, const char *where, const json_t *v, const char **text)
{
    *text = json_string_value(v);
    if (!*text)
        return wrong(r, where, "expected text, found %s", kind_of(v));
    if (!**text)
        return wrong(r, where, "is empty");
    for (const char *c = *text; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            return wrong(r, where, "holds a control character");
    return VISO_OK;
}

static int path_of(const reading *r, const char *where, const json_t *v, const char **path)
{
    const char *text;
    int rc = text_of(r, where, v, &text);
    if (rc)
        return rc;
    *path = keep(r->p, vi_project_path(r->folder, text));
    return *path ? VISO_OK : no_room(r);
}

static int photo_of(const reading *r, const char *where, const char *text, const char **path)
{
    if (!text[0])
        return wrong(r, where, "names nobody: the key is empty");
    *path = keep(r->p, vi_project_is_photo(text, r->folder) ? vi_project_path(r->folder, text) : vi_strdup(text));
    return *path ? VISO_OK : no_room(r);
}

static int an_object(const reading *r, const char *where, const json_t *v)
{
    return json_is_object(v) ? VISO_OK : wrong(r, where, "expected an object, found %s", kind_of(v));
}

/* Every key must be one of the list. */
static int known_keys(const reading *r, const char *where, const json_t *object, const char *const *list, int n)
{
    vi_nearest near;
    for (void *i = json_object_iter((json_t *)(uintptr_t)object); i; i = json_object_iter_next((json_t *)(uintptr_t)object, i)) {
        const char *key = json_object_iter_key(i);
        bool known = false;
        vi_nearest_begin(&near, key);
        for (int k = 0; k < n; k++) {
            known = known || strcmp(key, list[k]) == 0;
            vi_nearest_offer(&near, list[k]);
        }
        const char *best = vi_nearest_best(&near);
        if (!known && best)
            return wrong(r, where, "unknown key '%.60s'; did you mean '%s'?", key, best);
        if (!known)
            return wrong(r, where, "unknown key '%.60s'; docs/project.md lists those there are", key);
    }
    return VISO_OK;
}

/* ---- sources and people ---- */

static int read_photos(const reading *r, const char *where, const json_t *v, viso_project_source *s)
{
    size_t n = json_is_array(v) ? json_array_size(v) : 1;
    if (!n)
        return wrong(r, where, "has no photograph");
    const char **photo = vi_calloc(n, sizeof *photo);
    if (!photo || !keep(r->p, (char *)photo))
        return no_room(r);
    s->photos = photo;
    for (size_t i = 0; i < n; i++) {
        char here[160];
        const char *text;
        snprintf(here, sizeof here, json_is_array(v) ? "%s[%zu]" : "%s", where, i);
        int rc = text_of(r, here, json_is_array(v) ? json_array_get(v, i) : v, &text);
        rc = rc ? rc : photo_of(r, here, text, &photo[i]);
        if (rc)
            return rc;
        s->n_photo++;
    }
    return VISO_OK;
}

static int read_sources(const reading *r, json_t *v)
{
    int rc = an_object(r, VI_PROJECT_KEY_SOURCES, v);
    if (rc)
        return rc;
    viso_project *p = r->p;
    p->source = vi_calloc(json_object_size(v) + 1, sizeof *p->source);
    if (!p->source)
        return no_room(r);
    const char *name;
    json_t *photos;
    json_object_foreach(v, name, photos) {
        char where[120];
        snprintf(where, sizeof where, VI_PROJECT_KEY_SOURCES ".%.80s", name);
        if (!name[0])
            return wrong(r, VI_PROJECT_KEY_SOURCES, "a source has no name");
        viso_project_source *s = &p->source[p->n_source++];
        s->name = keep(p, vi_strdup(name));
        rc = s->name ? read_photos(r, where, photos, s) : no_room(r);
        if (rc)
            return rc;
    }
    return VISO_OK;
}

static int find_source(const reading *r, const char *where, const json_t *v, int *index)
{
    const char *name;
    vi_nearest near;
    int rc = text_of(r, where, v, &name);
    if (rc)
        return rc;
    vi_nearest_begin(&near, name);
    for (int i = 0; i < r->p->n_source; i++) {
        if (strcmp(r->p->source[i].name, name) == 0) {
            *index = i;
            return VISO_OK;
        }
        vi_nearest_offer(&near, r->p->source[i].name);
    }
    const char *best = vi_nearest_best(&near);
    return best ? wrong(r, where, "there is no source '%.60s'; did you mean '%s'?", name, best)
                : wrong(r, where, "there is no source '%.60s' among the " VI_PROJECT_KEY_SOURCES, name);
}

static int read_people(const reading *r, json_t *v)
{
    viso_project *p = r->p;
    int rc = an_object(r, VI_PROJECT_KEY_PEOPLE, v);
    if (rc)
        return rc;
    size_t most = 1; /* photographs of all sources, once for each person */
    for (int i = 0; i < p->n_source; i++)
        most += (size_t)p->source[i].n_photo;
    p->map = vi_calloc(json_object_size(v) * most + 1, sizeof *p->map);
    if (!p->map)
        return no_room(r);
    const char *person;
    json_t *source;
    json_object_foreach(v, person, source) {
        char where[120];
        const char *name;
        int of;
        snprintf(where, sizeof where, VI_PROJECT_KEY_PEOPLE ".%.80s", person);
        rc = find_source(r, where, source, &of);
        rc = rc ? rc : photo_of(r, where, person, &name);
        if (rc)
            return rc;
        for (int i = 0; i < p->source[of].n_photo; i++)
            p->map[p->n_map++] = (viso_map){ name, p->source[of].photos[i] };
    }
    return VISO_OK;
}

/* Who is given to all that the map does not name: as written, else the only source when there is no map. */
static int read_everybody(const reading *r, const json_t *v)
{
    viso_project *p = r->p;
    p->everybody = v || p->n_map || p->n_source != 1 ? -1 : 0;
    if (v)
        return find_source(r, VI_PROJECT_KEY_SOURCE, v, &p->everybody);
    if (p->n_source > 1 && !p->n_map)
        return wrong(r, "", "has %d sources; say with \"" VI_PROJECT_KEY_SOURCE "\" which one is taken, or with \"" VI_PROJECT_KEY_PEOPLE
                     "\" who becomes whom", p->n_source);
    return VISO_OK;
}

/* ---- settings ---- */

static const char *wanted(const vi_option_row *row)
{
    switch (row->type) {
    case VI_OPTION_TYPE_BOOL: return "true or false";
    case VI_OPTION_TYPE_INT: return "a whole number";
    case VI_OPTION_TYPE_FLOAT: return "a number";
    default: return "text";
    }
}

static bool fits(const vi_option_row *row, const json_t *v)
{
    switch (row->type) {
    case VI_OPTION_TYPE_BOOL: return json_is_boolean(v);
    case VI_OPTION_TYPE_INT: return json_is_integer(v);
    case VI_OPTION_TYPE_FLOAT: return json_is_number(v);
    default: return json_is_string(v);
    }
}

/* A value as the text the table takes, kept. */
static int value_text(const reading *r, const char *where, const vi_option_group *g, const vi_option_row *row, const json_t *v,
                      const char **value)
{
    if (!fits(row, v))
        return wrong(r, where, "--%s takes %s, found %s", row->key, wanted(row), kind_of(v));
    if (json_is_string(v)) {
        const char *s = json_string_value(v);
        *value = keep(r->p, vi_project_is_path(g, row, s, r->folder) ? vi_project_path(r->folder, s) : vi_strdup(s));
    } else {
        char *dump = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)); /* with a point, whatever the locale */
        *value = dump ? keep(r->p, vi_strdup(dump)) : NULL;
        free(dump);
    }
    return *value ? VISO_OK : no_room(r);
}

/* One key of a "settings": known, of the right type, within its range; for a part of a clip when `at` says which. */
static int read_setting(const reading *r, const char *where, const char *key, const json_t *v, const viso_at *at, setting *to)
{
    char here[200];
    const vi_option_group *g = NULL;
    viso_error e = { 0 };
    snprintf(here, sizeof here, "%s.%.80s", where, key);
    if (strchr(key, '.'))
        return wrong(r, here, "options are named without their group");
    const vi_option_row *row = vi_settings_find(r->scratch, key, &g);
    if (!row) {
        vi_settings_set(r->scratch, key, "", &e); /* for its message, with the nearest one */
        return wrong(r, here, "%s", e.text);
    }
    to->key = row->key; /* static */
    int rc = value_text(r, here, g, row, v, &to->value);
    if (rc)
        return rc;
    viso_at one = { at ? at->start : NULL, at ? at->end : NULL, to->key, to->value };
    rc = at ? vi_parts_check(r->scratch, &one, &e) : vi_settings_set(r->scratch, to->key, to->value, &e);
    return rc ? wrong(r, here, "%s", e.text) : VISO_OK;
}

static int read_settings(const reading *r, json_t *v)
{
    int rc = an_object(r, VI_PROJECT_KEY_SETTINGS, v);
    if (rc)
        return rc;
    r->p->set = vi_calloc(json_object_size(v) + 1, sizeof *r->p->set);
    if (!r->p->set)
        return no_room(r);
    const char *key;
    json_t *value;
    json_object_foreach(v, key, value) {
        rc = read_setting(r, VI_PROJECT_KEY_SETTINGS, key, value, NULL, &r->p->set[r->p->n_set]);
        if (rc)
            return rc;
        r->p->n_set++;
    }
    return VISO_OK;
}

/* ---- ranges ---- */

/* A place is text as --start takes it, or a number of seconds. */
static int place_of(const reading *r, const char *where, const char *key, const json_t *range, const char **place)
{
    char here[100];
    viso_error e = { 0 };
    const json_t *v = json_object_get(range, key);
    snprintf(here, sizeof here, "%s.%s", where, key);
    *place = NULL;
    if (!v)
        return VISO_OK;
    if (!json_is_string(v) && !json_is_number(v))
        return wrong(r, here, "expected a place in the clip as text (\"1:23.5\", \"250f\") or seconds, found %s", kind_of(v));
    char number[40];
    int n = snprintf(number, sizeof number, "%.3f", json_number_value(v));
    for (char *c = number; *c; c++)
        *c = *c == ',' ? '.' : *c; /* the locale's point */
    while (n > 0 && n < (int)sizeof number && (number[n - 1] == '0' || number[n - 1] == '.') && memchr(number, '.', (size_t)n))
        number[--n] = 0;
    *place = keep(r->p, vi_strdup(json_is_string(v) ? json_string_value(v) : number));
    if (!*place)
        return no_room(r);
    return **place && vi_reader_place(NULL, *place, NULL, &e) ? wrong(r, here, "%s", e.text) : VISO_OK;
}

static int read_range(const reading *r, int index, json_t *v)
{
    static const char *const keys[] = { VI_PROJECT_KEY_START, VI_PROJECT_KEY_END, VI_PROJECT_KEY_SETTINGS };
    char where[60], inner[100];
    viso_at at = { 0 };
    snprintf(where, sizeof where, VI_PROJECT_KEY_RANGES "[%d]", index);
    snprintf(inner, sizeof inner, "%s." VI_PROJECT_KEY_SETTINGS, where);
    int rc = an_object(r, where, v);
    rc = rc ? rc : known_keys(r, where, v, keys, (int)VI_COUNT(keys));
    rc = rc ? rc : place_of(r, where, VI_PROJECT_KEY_START, v, &at.start);
    rc = rc ? rc : place_of(r, where, VI_PROJECT_KEY_END, v, &at.end);
    json_t *settings = rc ? NULL : json_object_get(v, VI_PROJECT_KEY_SETTINGS);
    if (!rc && !settings)
        rc = wrong(r, where, "has no \"" VI_PROJECT_KEY_SETTINGS "\"");
    rc = rc ? rc : an_object(r, inner, settings);
    if (rc)
        return rc;
    const char *key;
    json_t *value;
    json_object_foreach(settings, key, value) {
        setting one;
        rc = read_setting(r, inner, key, value, &at, &one);
        if (rc)
            return rc;
        r->p->at[r->p->n_at++] = (viso_at){ at.start, at.end, one.key, one.value };
    }
    return VISO_OK;
}

static int read_ranges(const reading *r, json_t *v)
{
    if (!json_is_array(v))
        return wrong(r, VI_PROJECT_KEY_RANGES, "expected a list, found %s", kind_of(v));
    size_t i, n = 1;
    json_t *range;
    json_array_foreach(v, i, range)
        n += json_object_size(json_object_get(range, VI_PROJECT_KEY_SETTINGS));
    r->p->at = vi_calloc(n, sizeof *r->p->at);
    int rc = r->p->at ? VISO_OK : no_room(r);
    json_array_foreach(v, i, range) {
        rc = rc ? rc : read_range(r, (int)i, range);
    }
    return rc;
}

/* ---- the file ---- */

static int check_version(const reading *r, const json_t *v)
{
    if (v && !json_is_integer(v))
        return wrong(r, VI_PROJECT_KEY_VERSION, "expected a whole number, found %s", kind_of(v));
    if (v && json_integer_value(v) != VI_PROJECT_VERSION)
        return wrong(r, VI_PROJECT_KEY_VERSION, "is %lld; this viso reads version %d", (long long)json_integer_value(v),
                     VI_PROJECT_VERSION);
    return VISO_OK;
}

static int read_root(const reading *r, json_t *root)
{
    static const char *const keys[] = { VI_PROJECT_KEY_VERSION, VI_PROJECT_KEY_SOURCES, VI_PROJECT_KEY_SOURCE,
                                        VI_PROJECT_KEY_PEOPLE, VI_PROJECT_KEY_TARGET, VI_PROJECT_KEY_OUT,
                                        VI_PROJECT_KEY_SETTINGS, VI_PROJECT_KEY_RANGES };
    int rc = an_object(r, "", root);
    rc = rc ? rc : check_version(r, json_object_get(root, VI_PROJECT_KEY_VERSION));
    rc = rc ? rc : known_keys(r, "", root, keys, (int)VI_COUNT(keys));
    json_t *v = json_object_get(root, VI_PROJECT_KEY_SOURCES);
    rc = rc || !v ? rc : read_sources(r, v);
    v = json_object_get(root, VI_PROJECT_KEY_PEOPLE);
    rc = rc || !v ? rc : read_people(r, v);
    rc = rc ? rc : read_everybody(r, json_object_get(root, VI_PROJECT_KEY_SOURCE));
    v = json_object_get(root, VI_PROJECT_KEY_TARGET);
    rc = rc || !v ? rc : path_of(r, VI_PROJECT_KEY_TARGET, v, &r->p->target);
    v = json_object_get(root, VI_PROJECT_KEY_OUT);
    rc = rc || !v ? rc : path_of(r, VI_PROJECT_KEY_OUT, v, &r->p->out);
    v = json_object_get(root, VI_PROJECT_KEY_SETTINGS);
    rc = rc || !v ? rc : read_settings(r, v);
    v = json_object_get(root, VI_PROJECT_KEY_RANGES);
    return rc || !v ? rc : read_ranges(r, v);
}

static int read_text(const reading *r, viso_error *err)
{
    uint8_t *data;
    size_t size;
    json_error_t at;
    int rc = vi_file_read(r->file, PROJECT_LIMIT, &data, &size, err);
    if (rc)
        return rc;
    size_t mark = size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* which some editors write */
    json_t *root = json_loadb((const char *)data + mark, size - mark, JSON_REJECT_DUPLICATES, &at);
    vi_free(data);
    if (!root)
        return vi_error_set(err, VISO_ERR_USAGE, "%s:%d:%d: %s", r->file, at.line, at.column, at.text);
    rc = read_root(r, root);
    json_decref(root);
    return rc;
}

int viso_project_load(viso_project **p, const char *path, viso_error *err)
{
    const vi_option_group *const *groups;
    int n = vi_all_groups(&groups);
    *p = vi_calloc(1, sizeof **p);
    reading r = { .p = *p, .file = path, .folder = vi_project_folder(path), .err = err };
    int rc = *p && r.folder ? vi_settings_create(&r.scratch, groups, n, err) : vi_error_nomem(err, path);
    rc = rc ? rc : read_text(&r, err);
    vi_settings_destroy(&r.scratch);
    vi_free(r.folder);
    if (rc)
        viso_project_free(p);
    return rc;
}

void viso_project_free(viso_project **p)
{
    if (!*p)
        return;
    for (size_t i = 0; i < (*p)->n_kept; i++)
        vi_free((*p)->kept[i]);
    vi_free((*p)->kept);
    vi_free((*p)->source);
    vi_free((*p)->map);
    vi_free((*p)->at);
    vi_free((*p)->set);
    vi_free(*p);
    *p = NULL;
}

int viso_project_source_at(const viso_project *p, int i, viso_project_source *source)
{
    if (i < 0 || i >= p->n_source)
        return VISO_ERR_USAGE;
    *source = p->source[i];
    return VISO_OK;
}

void viso_project_params(const viso_project *p, viso_swap_params *to)
{
    to->sources = p->everybody >= 0 ? p->source[p->everybody].photos : NULL;
    to->n_source = p->everybody >= 0 ? p->source[p->everybody].n_photo : 0;
    to->maps = p->map;
    to->n_map = p->n_map;
    to->target = p->target;
    to->out = p->out;
    to->at = p->at;
    to->n_at = p->n_at;
}

int viso_project_apply(const viso_project *p, viso_options *o, viso_error *err)
{
    int rc = VISO_OK;
    for (int i = 0; i < p->n_set && !rc; i++)
        rc = viso_options_set(o, p->set[i].key, p->set[i].value, err);
    return rc;
}

int viso_at_check(const viso_at *at, int n, viso_error *err)
{
    const vi_option_group *const *groups;
    int count = vi_all_groups(&groups);
    vi_settings *s = NULL;
    int rc = vi_settings_create(&s, groups, count, err);
    rc = rc ? rc : vi_parts_check_all(s, at, n, err);
    vi_settings_destroy(&s);
    return rc;
}
