/* pipeline/presets.c: the built-in presets, and where those of users are found. */
#include "pipeline/presets.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/run_options.h"

#define PRESET_LIMIT ((size_t)1 << 20)
#define SUFFIX ".conf"

/* What each one sets; `balanced` is the defaults of the rows. What was measured is in docs/presets.md. Not in them, because it made no
 * difference worth having: another landmark model (the swap runs the attention mesh all the same, so a second one only adds), other
 * smoothing (its cost cannot be measured), the ring (follows the workers and the memory). */
static const struct {
    const char *name, *text;
} built_in[] = {
    { "fast", "pyramid = 2\n" /* 1 misses a fifth of the faces of an audience, and saves a millisecond */
              "max-faces = 8\n"
              "landmark-passes = 1\n"
              "redetect = 30\n"
              "landmark-every = 3\n"
              "swap-max-size = 320\n"
              "encoder-preset = veryfast\n" },
    { "balanced", "" },
    { "quality", "pyramid = 3\n"
                 "landmark-passes = 2\n"
                 "redetect = 5\n"
                 "landmark-every = 1\n"
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

/* Folder of the user's own presets, allocated; NULL: no memory or no home. */
static char *user_folder(void)
{
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/')
        return vi_asprintf("%s/viso/presets", base);
    return home && home[0] ? vi_asprintf("%s/.config/viso/presets", home) : NULL;
}

/* A name without a folder is looked for among the user's own. Allocated; NULL: no memory or no home. */
static char *path_of(const char *name)
{
    if (strchr(name, '/') || vi_file_exists(name))
        return vi_strdup(name);
    char *folder = user_folder(), *path = folder ? vi_asprintf("%s/%s" SUFFIX, folder, name) : NULL;
    vi_free(folder);
    return path;
}

const char *vi_preset_name(int i)
{
    return i >= 0 && i < (int)VI_COUNT(built_in) ? built_in[i].name : NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* No such preset: those there are, the built-in ones first, as far as a message goes. */
static int unknown(const char *name, viso_error *err)
{
    char own[24][40], list[300] = "";
    int n = 0;
    char *folder = user_folder();
    DIR *d = folder ? opendir(folder) : NULL;
    for (struct dirent *e; d && n < (int)VI_COUNT(own) && (e = readdir(d));) {
        size_t len = strlen(e->d_name), tail = strlen(SUFFIX);
        if (len > tail && len - tail < sizeof own[0] && e->d_name[0] != '.' && strcmp(e->d_name + len - tail, SUFFIX) == 0)
            snprintf(own[n++], sizeof own[0], "%.*s", (int)(len - tail), e->d_name);
    }
    if (d)
        closedir(d);
    qsort(own, (size_t)n, sizeof own[0], by_name);
    size_t used = 0;
    for (size_t i = 0; i < VI_COUNT(built_in); i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", built_in[i].name);
    for (int i = 0; i < n && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, ", %s", own[i]);
    vi_error_set(err, VISO_ERR_USAGE, "--preset %.60s: there is no such preset; there are %s, and files (%.80s/NAME" SUFFIX ")", name, list,
                 folder ? folder : "");
    vi_free(folder);
    return VISO_ERR_USAGE;
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
    int rc = path && vi_file_exists(path) ? read_file(s, path, err) : unknown(name, err);
    vi_free(path);
    return rc;
}
