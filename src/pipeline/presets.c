/* pipeline/presets.c: the built-in presets, and where those of users are found. */
#include "pipeline/presets.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/run_options.h"

#define PRESET_LIMIT ((size_t)1 << 20)

/* What each one sets; `balanced` is the defaults of the rows. */
static const struct {
    const char *name, *text;
} built_in[] = {
    { "fast", "pyramid = 1\n"
              "landmark-passes = 1\n"
              "redetect = 30\n"
              "max-faces = 8\n"
              "swap-max-size = 384\n"
              "encoder-preset = veryfast\n" },
    { "balanced", "" },
    { "quality", "pyramid = 3\n"
                 "landmark-passes = 2\n"
                 "redetect = 5\n"
                 "swap-max-size = 1024\n"
                 "encoder-preset = slow\n" },
};

static const char *built_in_text(const char *name)
{
    for (size_t i = 0; i < VI_COUNT(built_in); i++)
        if (strcmp(built_in[i].name, name) == 0)
            return built_in[i].text;
    return NULL;
}

/* A name without a folder is looked for among the user's own. Allocated; NULL: no memory or no home. */
static char *path_of(const char *name)
{
    if (strchr(name, '/') || vi_file_exists(name))
        return vi_asprintf("%s", name);
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/')
        return vi_asprintf("%s/viso/presets/%s.conf", base, name);
    return home && home[0] ? vi_asprintf("%s/.config/viso/presets/%s.conf", home, name) : NULL;
}

static int read_file(vi_settings *s, const char *path, viso_error *err)
{
    uint8_t *data;
    size_t size;
    int rc = vi_file_read(path, PRESET_LIMIT, &data, &size, err);
    if (rc)
        return rc;
    rc = memchr(data, 0, size) ? vi_error_set(err, VISO_ERR_USAGE, "%s: not a preset (it holds zero bytes)", path)
                               : vi_settings_read_suggested(s, (const char *)data, path, err);
    vi_free(data);
    return rc;
}

int vi_preset_apply(vi_settings *s, viso_error *err)
{
    /* Copied: a preset that names another one would change the text under our feet. It is without effect. */
    vi_option_text name;
    const vi_run_settings *run = vi_settings_group(s, "run");
    memcpy(name, run->preset, sizeof name);
    const char *text = built_in_text(name);
    if (text)
        return vi_settings_read_suggested(s, text, name, err);
    char *path = path_of(name);
    int rc = path && vi_file_exists(path)
                 ? read_file(s, path, err)
                 : vi_error_set(err, VISO_ERR_USAGE,
                                "--preset %s: there is no such preset; there are fast, balanced, quality, and files (%s)", name,
                                path ? path : "NAME.conf");
    vi_free(path);
    return rc;
}
