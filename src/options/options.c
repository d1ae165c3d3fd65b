/* options/options.c: values for a set of groups: one struct per group, found by key, set and read as text. No
 * thread of its own; a vi_settings belongs to one owner, and workers get a copy. */
#include "options/options.h"

#include <stdio.h>
#include <string.h>

#include "options/value.h"

struct vi_settings {
    const vi_option_group *const *groups; /* static lists; not copied */
    int n_group;
    void *group[]; /* n_group structs, each followed by one byte a row: who its value is from */
};

enum { OF_ROW, CHOSEN, SUGGESTED };

static size_t bytes_of(const vi_option_group *g)
{
    return g->size + (size_t)g->n_row;
}

static vi_settings *allocate(const vi_option_group *const *groups, int n_group)
{
    vi_settings *s = vi_calloc(1, sizeof *s + (size_t)n_group * sizeof s->group[0]);
    if (!s)
        return NULL;
    s->groups = groups;
    s->n_group = n_group;
    for (int g = 0; g < n_group; g++) {
        s->group[g] = vi_calloc(1, bytes_of(groups[g]));
        if (!s->group[g]) {
            vi_settings_destroy(&s);
            return NULL;
        }
    }
    return s;
}

int vi_settings_create(vi_settings **s, const vi_option_group *const *groups, int n_group, viso_error *err)
{
    *s = allocate(groups, n_group);
    if (!*s)
        return vi_error_nomem(err, "options");
    for (int g = 0; g < n_group; g++)
        for (int r = 0; r < groups[g]->n_row; r++)
            vi_value_default(&groups[g]->row[r], (*s)->group[g]);
    return VISO_OK;
}

vi_settings *vi_settings_copy(const vi_settings *s)
{
    vi_settings *copy = allocate(s->groups, s->n_group);
    for (int g = 0; copy && g < s->n_group; g++)
        memcpy(copy->group[g], s->group[g], bytes_of(s->groups[g]));
    return copy;
}

void vi_settings_destroy(vi_settings **s)
{
    if (!*s)
        return;
    for (int g = 0; g < (*s)->n_group; g++)
        vi_free((*s)->group[g]);
    vi_free(*s);
    *s = NULL;
}

const void *vi_settings_group(const vi_settings *s, const char *group)
{
    for (int g = 0; g < s->n_group; g++)
        if (strcmp(s->groups[g]->key, group) == 0)
            return s->group[g];
    return NULL;
}

int vi_settings_groups(const vi_settings *s, const vi_option_group *const **groups)
{
    *groups = s->groups;
    return s->n_group;
}

/* Finds a row by "key" or "group.key"; the struct it lives in goes to *values. */
static const vi_option_row *find(const vi_settings *s, const char *key, const vi_option_group **group, void **values)
{
    const char *dot = strchr(key, '.');
    for (int g = 0; g < s->n_group; g++) {
        const vi_option_group *o = s->groups[g];
        if (dot && (strlen(o->key) != (size_t)(dot - key) || strncmp(o->key, key, (size_t)(dot - key)) != 0))
            continue;
        for (int r = 0; r < o->n_row; r++) {
            if (strcmp(o->row[r].key, dot ? dot + 1 : key) != 0)
                continue;
            if (group)
                *group = o;
            *values = s->group[g];
            return &o->row[r];
        }
    }
    return NULL;
}

const vi_option_row *vi_settings_find(const vi_settings *s, const char *key, const vi_option_group **group)
{
    void *values;
    return find(s, key, group, &values);
}

static int unknown(const vi_settings *s, const char *key, viso_error *err)
{
    const char *dot = strchr(key, '.');
    vi_nearest near;
    vi_nearest_begin(&near, dot ? dot + 1 : key);
    for (int g = 0; g < s->n_group; g++)
        for (int r = 0; r < s->groups[g]->n_row; r++)
            vi_nearest_offer(&near, s->groups[g]->row[r].key);
    const char *best = vi_nearest_best(&near);
    if (best)
        return vi_error_set(err, VISO_ERR_USAGE, "unknown option '%.60s'; did you mean '%s'?", key, best);
    return vi_error_set(err, VISO_ERR_USAGE, "unknown option '%.60s'; 'viso options' lists all of them", key);
}

static uint8_t *origin(const vi_option_group *g, const vi_option_row *r, void *values)
{
    return (uint8_t *)values + g->size + (r - g->row);
}

int vi_settings_set(vi_settings *s, const char *key, const char *text, viso_error *err)
{
    void *values;
    const vi_option_group *g;
    const vi_option_row *r = find(s, key, &g, &values);
    int rc = r ? vi_value_parse(r, values, text, err) : unknown(s, key, err);
    if (!rc)
        *origin(g, r, values) = CHOSEN;
    return rc;
}

int vi_settings_suggest(vi_settings *s, const char *key, const char *text, viso_error *err)
{
    if (!vi_settings_given(s, key)) {
        void *values;
        const vi_option_group *g;
        const vi_option_row *r = find(s, key, &g, &values);
        int rc = r ? vi_value_parse(r, values, text, err) : unknown(s, key, err);
        if (!rc)
            *origin(g, r, values) = SUGGESTED;
        return rc;
    }
    return VISO_OK;
}

static int origin_of(const vi_settings *s, const char *key)
{
    void *values;
    const vi_option_group *g;
    const vi_option_row *r = find(s, key, &g, &values);
    return r ? *origin(g, r, values) : OF_ROW;
}

bool vi_settings_given(const vi_settings *s, const char *key)
{
    return origin_of(s, key) == CHOSEN;
}

bool vi_settings_suggested(const vi_settings *s, const char *key)
{
    return origin_of(s, key) == SUGGESTED;
}

int vi_settings_get(const vi_settings *s, const char *key, char *text, size_t size, viso_error *err)
{
    void *values;
    const vi_option_row *r = find(s, key, NULL, &values);
    if (!r)
        return unknown(s, key, err);
    if ((size_t)vi_value_print(r, values, text, size) >= size)
        return vi_error_set(err, VISO_ERR_NO_SPACE, "--%s: %zu bytes are too few for the value", r->key, size);
    return VISO_OK;
}
