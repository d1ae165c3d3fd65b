/* options/documents.c: what is made from the rows for readers: a Markdown page and a JSON schema. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options/value.h"

/* ---- Markdown ---- */

static void add_cell(vi_text *t, const char *s)
{
    for (; *s; s++)
        vi_text_addf(t, *s == '|' ? "\\%c" : "%c", *s);
}

/* The default as text, from the row alone. */
static void default_of(const vi_option_row *r, char *text, size_t size)
{
    char number[32];
    switch (r->type) {
    case VI_OPTION_TYPE_BOOL: snprintf(text, size, "%s", r->def != 0 ? "true" : "false"); break;
    case VI_OPTION_TYPE_CHOICE: snprintf(text, size, "%s", r->choices[(int)r->def]); break;
    case VI_OPTION_TYPE_TEXT: snprintf(text, size, "%s", r->def_text ? r->def_text : ""); break;
    case VI_OPTION_TYPE_INT:
    case VI_OPTION_TYPE_FLOAT:
        vi_float_text(r->def, number);
        snprintf(text, size, "%s", number);
        break;
    }
}

static void add_row(vi_text *t, const vi_option_row *r)
{
    char range[320], def[VI_OPTION_TEXT];
    vi_value_range(r, range, sizeof range);
    default_of(r, def, sizeof def);
    vi_text_addf(t, "| `--%s`", r->key);
    if (r->letter)
        vi_text_addf(t, ", `-%c`", r->letter);
    vi_text_add(t, " | ");
    add_cell(t, r->type == VI_OPTION_TYPE_TEXT && (r->flags & VI_OPTION_PATH) ? "path" : range);
    if (r->unit)
        vi_text_addf(t, " %s", r->unit);
    vi_text_addf(t, def[0] ? " | `%s` | " : " | %s | ", def[0] ? def : "none");
    add_cell(t, r->help);
    if (r->flags & VI_OPTION_ADVANCED)
        vi_text_add(t, " *(advanced)*");
    vi_text_add(t, " |\n");
}

char *vi_options_markdown(const vi_option_group *const *groups, int n_group)
{
    vi_text t = { .ok = true };
    vi_text_add(
        &t,
        "# Options\n\n"
        "<!-- Made by `viso options --markdown`; edit the rows in the rooms, not this page. -->\n\n"
        "Every option can be given on the command line (`--key value`, `--key=value`, switches as `--key` and\n"
        "`--no-key`) and in the configuration file (`key = value`; `viso options` prints one to start from). The file\n"
        "is `$XDG_CONFIG_HOME/viso/viso.conf`, or the one named by `--config FILE`; the command line goes before it.\n"
        "A preset (`--preset fast`, `balanced`, `quality`, or a file of such lines) sets several at once; what is chosen by\n"
        "hand, in either place, stays. `viso options --preset quality` shows the values that then count, and marks the preset's;\n"
        "see [presets.md](presets.md). A project file takes every option, too, and many can hold for a part of a video only:\n"
        "[project.md](project.md).\n"
        "What only one command takes (such as `-o`) is in `viso help COMMAND`.\n");
    for (int g = 0; g < n_group; g++) {
        vi_text_addf(&t, "\n## %s\n\n| option | values | default | what it does |\n| --- | --- | --- | --- |\n",
                     groups[g]->label);
        for (int r = 0; r < groups[g]->n_row; r++)
            add_row(&t, &groups[g]->row[r]);
    }
    return vi_text_take(&t);
}

/* ---- JSON schema (draft 2020-12). What the draft has no word for starts with "x-". ---- */

static int put(json_t *o, const char *key, json_t *value)
{
    return json_object_set_new(o, key, value); /* a NULL value fails too */
}

static int put_type(json_t *o, const vi_option_row *r)
{
    int bad = 0;
    switch (r->type) {
    case VI_OPTION_TYPE_BOOL:
        bad |= put(o, "type", json_string("boolean"));
        bad |= put(o, "default", json_boolean(r->def != 0));
        break;
    case VI_OPTION_TYPE_INT:
        bad |= put(o, "type", json_string("integer"));
        bad |= put(o, "default", json_integer((json_int_t)r->def));
        bad |= put(o, "minimum", json_integer((json_int_t)r->min));
        bad |= put(o, "maximum", json_integer((json_int_t)r->max));
        break;
    case VI_OPTION_TYPE_FLOAT:
        bad |= put(o, "type", json_string("number"));
        bad |= put(o, "default", json_real(r->def));
        bad |= put(o, "minimum", json_real(r->min));
        bad |= put(o, "maximum", json_real(r->max));
        bad |= put(o, "x-step", json_real(r->step));
        break;
    case VI_OPTION_TYPE_CHOICE: {
        json_t *list = json_array();
        for (int i = 0; r->choices[i]; i++)
            bad |= json_array_append_new(list, json_string(r->choices[i]));
        bad |= put(o, "type", json_string("string"));
        bad |= put(o, "enum", list);
        bad |= put(o, "default", json_string(r->choices[(int)r->def]));
        break;
    }
    case VI_OPTION_TYPE_TEXT:
        bad |= put(o, "type", json_string("string"));
        bad |= put(o, "maxLength", json_integer(VI_OPTION_TEXT - 1));
        bad |= put(o, "default", json_string(r->def_text ? r->def_text : ""));
        break;
    }
    return bad;
}

static json_t *row_schema(const vi_option_group *g, const vi_option_row *r)
{
    json_t *o = json_object();
    int bad = put(o, "title", json_string(r->label)) | put(o, "description", json_string(r->help)) | put_type(o, r) |
              put(o, "x-group", json_string(g->key)) | put(o, "x-group-label", json_string(g->label));
    if (r->unit)
        bad |= put(o, "x-unit", json_string(r->unit));
    if (r->letter)
        bad |= put(o, "x-letter", json_stringn(&r->letter, 1));
    static const struct {
        uint32_t flag;
        const char *name;
    } flags[] = {
        { VI_OPTION_LIVE, "x-live" },
        { VI_OPTION_ADVANCED, "x-advanced" },
        { VI_OPTION_PATH, "x-path" },
        { VI_OPTION_PROGRAM, "x-program" },
    };
    for (size_t i = 0; i < VI_COUNT(flags); i++)
        if (r->flags & flags[i].flag)
            bad |= put(o, flags[i].name, json_true());
    if (bad) {
        json_decref(o);
        return NULL;
    }
    return o;
}

char *vi_options_json_schema(const vi_option_group *const *groups, int n_group)
{
    json_t *root = json_object(), *properties = json_object();
    int bad = 0;
    for (int g = 0; g < n_group; g++)
        for (int r = 0; r < groups[g]->n_row; r++)
            bad |= put(properties, groups[g]->row[r].key, row_schema(groups[g], &groups[g]->row[r]));
    bad |= put(root, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    bad |= put(root, "title", json_string("Settings of viso"));
    bad |= put(root, "type", json_string("object"));
    bad |= put(root, "additionalProperties", json_false());
    bad |= put(root, "properties", properties);
    char *dump = bad ? NULL : json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(7));
    json_decref(root);
    if (!dump)
        return NULL;
    char *text = vi_asprintf("%s\n", dump);
    free(dump);
    return text;
}
