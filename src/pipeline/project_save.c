/* pipeline/project_save.c: writing project files. Paths that are relative to the present folder become relative to the project's where
 * they lie in it, and whole otherwise, so that the file means the same from wherever it is read. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/groups.h"
#include "pipeline/project.h"

typedef struct saving {
    json_t *root, *sources;
    char *folder; /* of the project, whole */
    bool failed;  /* out of memory */
} saving;

static void put(saving *s, json_t *object, const char *key, json_t *value)
{
    s->failed |= json_object_set_new(object, key, value) != 0; /* a NULL value fails too */
}

/* ---- paths ---- */

/* The whole path of something that need not exist: its folder's, when that does. Allocated; NULL out of memory. */
static char *whole_path(const char *path)
{
    char *folder = vi_project_folder(path), *real = folder ? realpath(folder, NULL) : NULL, *out;
    const char *name = vi_base_name(path);
    if (!folder)
        return NULL;
    vi_free(folder);
    if (!real)
        return vi_strdup(path); /* its folder is not there: as written */
    out = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !name[0] ? vi_strdup(path) : vi_path_join(real, name);
    free(real);
    return out;
}

/* Text as JSON takes it; NULL (and `failed`) for bytes that are not UTF-8 too. */
static json_t *path_json(saving *s, const char *path)
{
    char *whole = whole_path(path);
    size_t n = strlen(s->folder);
    const char *text = whole;
    if (whole && strncmp(whole, s->folder, n) == 0 && whole[n] == '/' && whole[n + 1])
        text = whole + n + 1;
    json_t *v = text ? json_string(text) : NULL;
    vi_free(whole);
    return v;
}

static json_t *photo_json(saving *s, const char *name)
{
    return vi_project_is_photo(name, ".") ? path_json(s, name) : json_string(name);
}

/* ---- sources: named after their first photograph ---- */

/* Adds a source, or finds the one of the same single photograph. Its name goes to `name`. */
static void add_source(saving *s, const char *const *photo, int n, char name[80])
{
    char stem[64];
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        s->failed |= json_array_append_new(list, photo_json(s, photo[i])) != 0;
    json_t *value = n == 1 ? json_incref(json_array_get(list, 0)) : json_incref(list);
    json_decref(list);
    snprintf(stem, sizeof stem, "%.60s", vi_base_name(photo[0]));
    char *dot = strrchr(stem, '.');
    if (dot && dot > stem)
        *dot = 0;
    snprintf(name, 80, "%s", stem);
    for (int i = 2;; i++) {
        json_t *there = json_object_get(s->sources, name);
        if (there && json_equal(there, value)) {
            json_decref(value);
            return;
        }
        if (!there)
            break;
        snprintf(name, 80, "%s-%d", stem, i);
    }
    put(s, s->sources, name, value);
}

/* Photographs of the source that the person of the i-th entry gets; 0: an earlier entry is of the same person. */
static int of_person(const viso_swap_params *p, int i, const char **photo)
{
    int n = 0;
    for (int j = 0; j < p->n_map; j++) {
        if (strcmp(p->maps[j].person, p->maps[i].person) != 0)
            continue;
        if (j < i)
            return 0;
        photo[n++] = p->maps[j].source;
    }
    return n;
}

static void add_people(saving *s, const viso_swap_params *p)
{
    char name[80];
    if (p->n_source > 0) {
        add_source(s, p->sources, p->n_source, name);
        put(s, s->root, VI_PROJECT_KEY_SOURCE, json_string(name));
    }
    json_t *people = json_object();
    const char **photo = vi_calloc((size_t)p->n_map + 1, sizeof *photo);
    s->failed |= !photo;
    for (int i = 0; i < p->n_map && photo; i++) {
        int n = of_person(p, i, photo);
        if (!n)
            continue;
        json_t *person = photo_json(s, p->maps[i].person);
        add_source(s, photo, n, name);
        if (json_is_string(person) && json_object_get(people, json_string_value(person)))
            ; /* one file by two paths: the first counts, as in a swap */
        else if (json_is_string(person))
            put(s, people, json_string_value(person), json_string(name));
        else
            s->failed = true;
        json_decref(person);
    }
    vi_free(photo);
    if (p->n_map)
        put(s, s->root, VI_PROJECT_KEY_PEOPLE, people);
    else
        json_decref(people);
}

/* ---- settings ---- */

static json_t *value_json(saving *s, const vi_option_group *g, const vi_option_row *r, const char *text)
{
    switch (r->type) {
    case VI_OPTION_TYPE_BOOL: return json_boolean(strcmp(text, "true") == 0);
    case VI_OPTION_TYPE_INT:
    case VI_OPTION_TYPE_FLOAT: return json_loads(text, JSON_DECODE_ANY, NULL);
    default: return vi_project_is_path(g, r, text, ".") ? path_json(s, text) : json_string(text);
    }
}

static void add_settings(saving *s, const vi_settings *o)
{
    const vi_option_group *const *groups;
    int n = vi_settings_groups(o, &groups);
    json_t *settings = json_object();
    for (int g = 0; g < n; g++) {
        for (int r = 0; r < groups[g]->n_row; r++) {
            const vi_option_row *row = &groups[g]->row[r];
            char text[VI_OPTION_TEXT + 32];
            if ((row->flags & VI_OPTION_PROGRAM) || !vi_settings_given(o, row->key) ||
                vi_settings_get(o, row->key, text, sizeof text, NULL))
                continue;
            put(s, settings, row->key, value_json(s, groups[g], row, text));
        }
    }
    if (json_object_size(settings))
        put(s, s->root, VI_PROJECT_KEY_SETTINGS, settings);
    else
        json_decref(settings);
}

/* ---- ranges: neighbours of one range go into one entry ---- */

static const char *text_or_none(const char *s)
{
    return s ? s : "";
}

static bool same_range(const viso_at *a, const viso_at *b)
{
    return strcmp(text_or_none(a->start), text_or_none(b->start)) == 0 && strcmp(text_or_none(a->end), text_or_none(b->end)) == 0;
}

/* One value as the table has it: canonical, so that "YES" becomes true. */
static int add_value(saving *s, json_t *settings, const viso_at *a, vi_settings *scratch, viso_error *err)
{
    const vi_option_group *g;
    char text[VI_OPTION_TEXT + 32];
    int rc = vi_settings_set(scratch, a->key, a->value, err);
    if (rc)
        return rc;
    const vi_option_row *row = vi_settings_find(scratch, a->key, &g);
    rc = vi_settings_get(scratch, a->key, text, sizeof text, err);
    if (!rc)
        put(s, settings, row->key, value_json(s, g, row, text));
    return rc;
}

static int add_ranges(saving *s, const viso_swap_params *p, const vi_settings *o, viso_error *err)
{
    json_t *ranges = json_array(), *settings = NULL;
    vi_settings *scratch = vi_settings_copy(o);
    int rc = scratch ? VISO_OK : vi_error_nomem(err, "project");
    for (int i = 0; i < p->n_at && !rc; i++) {
        const viso_at *a = &p->at[i];
        if (i == 0 || !same_range(a, a - 1)) {
            json_t *range = json_object();
            settings = json_object();
            if (text_or_none(a->start)[0])
                put(s, range, VI_PROJECT_KEY_START, json_string(a->start));
            if (text_or_none(a->end)[0])
                put(s, range, VI_PROJECT_KEY_END, json_string(a->end));
            put(s, range, VI_PROJECT_KEY_SETTINGS, settings);
            s->failed |= json_array_append_new(ranges, range) != 0;
        }
        if (s->failed)
            break;
        rc = add_value(s, settings, a, scratch, err);
    }
    vi_settings_destroy(&scratch);
    if (p->n_at && !rc)
        put(s, s->root, VI_PROJECT_KEY_RANGES, ranges);
    else
        json_decref(ranges);
    return rc;
}

/* ---- the file ---- */

static int write_root(const saving *s, const char *path, viso_error *err)
{
    char *dump = json_dumps(s->root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    char *text = dump ? vi_asprintf("%s\n", dump) : NULL;
    int rc = text ? vi_file_write(path, text, strlen(text), err) : vi_error_nomem(err, path);
    free(dump);
    vi_free(text);
    return rc;
}

int viso_project_save(const char *path, const viso_swap_params *p, const viso_options *o, viso_error *err)
{
    char *folder = vi_project_folder(path), *real = folder ? realpath(folder, NULL) : NULL;
    vi_free(folder);
    if (!real)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: its folder cannot be found", path);
    saving s = { .root = json_object(), .sources = json_object(), .folder = real };
    put(&s, s.root, VI_PROJECT_KEY_VERSION, json_integer(VI_PROJECT_VERSION));
    json_incref(s.sources);
    put(&s, s.root, VI_PROJECT_KEY_SOURCES, s.sources);
    add_people(&s, p);
    if (p->target)
        put(&s, s.root, VI_PROJECT_KEY_TARGET, path_json(&s, p->target));
    if (p->out)
        put(&s, s.root, VI_PROJECT_KEY_OUT, path_json(&s, p->out));
    add_settings(&s, vi_options_settings(o));
    int rc = add_ranges(&s, p, vi_options_settings(o), err);
    if (!rc && s.failed)
        rc = vi_error_set(err, VISO_ERR_USAGE, "%s: cannot be written: a path or name is not UTF-8, or the memory is short", path);
    rc = rc ? rc : write_root(&s, path, err);
    json_decref(s.sources);
    json_decref(s.root);
    free(real);
    return rc;
}
