/* options/config.c: the configuration text: "key = value" lines under a heading per group, each with its help
 * as a comment. Values that are as delivered are written commented out, so that a kept file does not freeze
 * today's defaults; what a preset set is written out and marked. */
#include <stdio.h>
#include <string.h>

#include "options/value.h"

#define LINE_MAX_BYTES 1024
#define WRAP 100

/* Blanks at an end, quotes and comment signs would be lost on the way back. */
static bool needs_quotes(const char *v)
{
    size_t n = strlen(v);
    return n == 0 || v[0] == ' ' || v[n - 1] == ' ' || strpbrk(v, "\"\\#");
}

static void add_value(vi_text *t, const char *v)
{
    if (!needs_quotes(v)) {
        vi_text_add(t, v);
        return;
    }
    vi_text_add(t, "\"");
    for (; *v; v++)
        vi_text_addf(t, *v == '"' || *v == '\\' ? "\\%c" : "%c", *v);
    vi_text_add(t, "\"");
}

static void write_row(vi_text *t, const vi_option_row *r, const void *values, bool suggested)
{
    char value[VI_OPTION_TEXT], range[320];
    vi_value_print(r, values, value, sizeof value);
    vi_value_range(r, range, sizeof range);
    vi_text_wrap(t, "# ", r->help, WRAP);
    if (r->type != VI_OPTION_TYPE_TEXT && r->type != VI_OPTION_TYPE_BOOL)
        vi_text_addf(t, "# %s%s%s\n", range, r->unit ? " " : "", r->unit ? r->unit : "");
    if (suggested)
        vi_text_add(t, "# Set by the preset.\n");
    vi_text_addf(t, "%s%s = ", vi_value_is_default(r, values) && !suggested ? "#" : "", r->key);
    add_value(t, value);
    vi_text_add(t, "\n\n");
}

int vi_settings_write(const vi_settings *s, char **text, viso_error *err)
{
    const vi_option_group *const *groups;
    int n = vi_settings_groups(s, &groups);
    vi_text t = { .ok = true };
    vi_text_add(&t,
                "# Settings of viso. Lines that start with '#' are comments; a setting that is commented out has its\n"
                "# default. The command line goes before this file.\n\n");
    for (int g = 0; g < n; g++) {
        vi_text_addf(&t, "# ---- %s ----\n\n", groups[g]->label);
        for (int r = 0; r < groups[g]->n_row; r++)
            write_row(&t, &groups[g]->row[r], vi_settings_group(s, groups[g]->key), vi_settings_suggested(s, groups[g]->row[r].key));
    }
    *text = vi_text_take(&t);
    return *text ? VISO_OK : vi_error_nomem(err, "configuration text");
}

static char *trim(char *s)
{
    s += strspn(s, " \t");
    size_t n = strlen(s);
    while (n > 0 && strchr(" \t\r", s[n - 1]))
        s[--n] = 0;
    return s;
}

/* Takes the quotes off in place. False: no closing quote, or something behind it. */
static bool unquote(char *v)
{
    char *to = v, *from = v + 1;
    while (*from && *from != '"') {
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from++;
    }
    if (*from != '"' || from[1] != 0)
        return false;
    *to = 0;
    return true;
}

typedef int put_fn(vi_settings *s, const char *key, const char *text, viso_error *err);

static int read_line(vi_settings *s, put_fn *put, char *line, const char *name, int number, viso_error *err)
{
    char *key = trim(line);
    if (*key == 0 || *key == '#')
        return VISO_OK;
    char *equals = strchr(key, '=');
    if (!equals)
        return vi_error_set(err, VISO_ERR_USAGE, "%s:%d: expected 'key = value', found '%.60s'", name, number, key);
    *equals = 0;
    key = trim(key);
    char *value = trim(equals + 1);
    if (*value == '"' && !unquote(value))
        return vi_error_set(err, VISO_ERR_USAGE, "%s:%d: the quotes of '%.60s' do not match", name, number, key);
    viso_error inner = { 0 };
    int rc = put(s, key, value, &inner);
    return rc ? vi_error_set(err, rc, "%s:%d: %s", name, number, inner.text) : VISO_OK;
}

static int read_text(vi_settings *s, put_fn *put, const char *text, const char *name, viso_error *err)
{
    char line[LINE_MAX_BYTES];
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3; /* the byte order mark that some editors write */
    for (int number = 1; *text; number++) {
        size_t n = strcspn(text, "\n");
        if (n >= sizeof line)
            return vi_error_set(err, VISO_ERR_USAGE, "%s:%d: the line is longer than %d bytes", name, number,
                                LINE_MAX_BYTES - 1);
        memcpy(line, text, n);
        line[n] = 0;
        int rc = read_line(s, put, line, name, number, err);
        if (rc)
            return rc;
        text += n + (text[n] == '\n');
    }
    return VISO_OK;
}

int vi_settings_read(vi_settings *s, const char *text, const char *name, viso_error *err)
{
    return read_text(s, vi_settings_set, text, name, err);
}

int vi_settings_read_suggested(vi_settings *s, const char *text, const char *name, viso_error *err)
{
    return read_text(s, vi_settings_suggest, text, name, err);
}
