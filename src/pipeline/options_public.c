/* pipeline/options_public.c: viso/options.h over the list of groups. Thin: parsing and writing live in the options room. */
#include "viso/options.h"

#include <string.h>

#include "pipeline/groups.h"
#include "pipeline/parts.h"
#include "pipeline/presets.h"

_Static_assert((int)VISO_OPTION_BOOL == (int)VI_OPTION_TYPE_BOOL && (int)VISO_OPTION_INT == (int)VI_OPTION_TYPE_INT &&
                   (int)VISO_OPTION_FLOAT == (int)VI_OPTION_TYPE_FLOAT &&
                   (int)VISO_OPTION_CHOICE == (int)VI_OPTION_TYPE_CHOICE &&
                   (int)VISO_OPTION_TEXT == (int)VI_OPTION_TYPE_TEXT,
               "public and inner types are the same numbers");
_Static_assert((int)VISO_OPTION_LIVE == (int)VI_OPTION_LIVE && (int)VISO_OPTION_ADVANCED == (int)VI_OPTION_ADVANCED &&
                   (int)VISO_OPTION_PATH == (int)VI_OPTION_PATH && (int)VISO_OPTION_PROGRAM == (int)VI_OPTION_PROGRAM,
               "public and inner flags are the same bits");

/* Far above any real configuration; keeps a mistyped device or film out of memory. */
#define CONFIG_LIMIT ((size_t)1 << 20)

struct viso_options {
    vi_settings *settings;
};

int viso_option_count(void)
{
    const vi_option_group *const *groups;
    int n = vi_all_groups(&groups), count = 0;
    for (int g = 0; g < n; g++)
        count += groups[g]->n_row;
    return count;
}

int viso_option_describe(int i, viso_option_info *info)
{
    const vi_option_group *const *groups;
    int n = vi_all_groups(&groups);
    memset(info, 0, sizeof *info);
    if (i < 0)
        return VISO_ERR_USAGE;
    for (int g = 0; g < n; i -= groups[g]->n_row, g++) {
        if (i >= groups[g]->n_row)
            continue;
        const vi_option_row *r = &groups[g]->row[i];
        *info = (viso_option_info){
            .key = r->key,
            .group = groups[g]->key,
            .group_label = groups[g]->label,
            .label = r->label,
            .help = r->help,
            .unit = r->unit,
            .type = (viso_option_type)r->type,
            .def = r->def,
            .min = r->min,
            .max = r->max,
            .step = r->step,
            .def_text = r->def_text,
            .choices = r->choices,
            .flags = r->flags | (vi_parts_refusal(groups[g], r) ? 0 : VISO_OPTION_IN_RANGE),
            .letter = r->letter,
        };
        return VISO_OK;
    }
    return VISO_ERR_USAGE;
}

int viso_options_create(viso_options **o, viso_error *err)
{
    *o = vi_calloc(1, sizeof **o);
    if (!*o)
        return vi_error_nomem(err, "options");
    const vi_option_group *const *groups;
    int n = vi_all_groups(&groups);
    int rc = vi_settings_create(&(*o)->settings, groups, n, err);
    if (rc)
        viso_options_destroy(o);
    return rc;
}

void viso_options_destroy(viso_options **o)
{
    if (!*o)
        return;
    vi_settings_destroy(&(*o)->settings);
    vi_free(*o);
    *o = NULL;
}

const vi_settings *vi_options_settings(const viso_options *o)
{
    return o->settings;
}

int viso_options_set(viso_options *o, const char *key, const char *text, viso_error *err)
{
    return vi_settings_set(o->settings, key, text, err);
}

int viso_options_get(const viso_options *o, const char *key, char *text, size_t size, viso_error *err)
{
    return vi_settings_get(o->settings, key, text, size, err);
}

int viso_options_load(viso_options *o, const char *path, viso_error *err)
{
    uint8_t *data;
    size_t size;
    int rc = vi_file_read(path, CONFIG_LIMIT, &data, &size, err);
    if (rc)
        return rc;
    if (memchr(data, 0, size))
        rc = vi_error_set(err, VISO_ERR_USAGE, "%s: not a configuration file (it holds zero bytes)", path);
    else
        rc = vi_settings_read(o->settings, (const char *)data, path, err);
    vi_free(data);
    return rc;
}

int viso_options_apply_preset(viso_options *o, viso_error *err)
{
    return vi_preset_apply(o->settings, err);
}

char *viso_options_text(const viso_options *o)
{
    char *text = NULL;
    return vi_settings_write(o->settings, &text, NULL) ? NULL : text;
}

char *viso_options_markdown(void)
{
    const vi_option_group *const *groups;
    int n = vi_all_groups(&groups);
    return vi_options_markdown(groups, n);
}

char *viso_options_schema(void)
{
    const vi_option_group *const *groups;
    int n = vi_all_groups(&groups);
    return vi_options_json_schema(groups, n);
}

void viso_text_free(char *text)
{
    vi_free(text);
}
