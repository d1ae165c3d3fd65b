/* models/folders.c: where models lie, and the rows found there. One thread, at open.
 *
 * viso's own manifest is the first manifest.json in the folders; every models.d/NAME.json of a user adds rows to it, and
 * so does what `viso models import` writes. A row whose id is known already is left out, with a warning: a later viso may
 * bring a row that a user made for himself before. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/internal.h"

#ifndef VI_MODELS_INSTALLED_DIR
#define VI_MODELS_INSTALLED_DIR ""
#endif

/* Takes `dir` (allocated); NULL or a full list drops it. */
static void add_dir(vi_models *m, char *dir)
{
    if (dir && m->n_dir < VI_MODEL_DIRS)
        m->dir[m->n_dir++] = dir;
    else
        vi_free(dir);
}

static void usual_dirs(vi_models *m)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && *data)
        add_dir(m, vi_asprintf("%s/viso/models", data));
    else if (home && *home)
        add_dir(m, vi_asprintf("%s/.local/share/viso/models", home));
    char *program = vi_program_dir();
    if (program) {
        add_dir(m, vi_asprintf("%s/models", program));
        add_dir(m, vi_asprintf("%s/../share/viso/models", program));
        vi_free(program);
    }
    if (sizeof VI_MODELS_INSTALLED_DIR > 1)
        add_dir(m, vi_strdup(VI_MODELS_INSTALLED_DIR));
}

void vi_models_find_dirs(vi_models *m, const char *chosen)
{
    if (!chosen || !*chosen)
        chosen = getenv("VISO_MODELS");
    if (chosen && *chosen)
        add_dir(m, vi_strdup(chosen));
    else
        usual_dirs(m);
}

int vi_models_cache_dir(char **dir, viso_error *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    *dir = NULL;
    if (cache && *cache)
        *dir = vi_asprintf("%s/viso", cache);
    else if (home && *home)
        *dir = vi_asprintf("%s/.cache/viso", home);
    else
        return 0;
    return *dir ? 0 : vi_error_nomem(err, "cache folder");
}

static int find_manifest(vi_models *m, viso_error *err)
{
    char tried[360] = "";
    for (int i = 0; i < m->n_dir; ++i) {
        char *path = vi_path_join(m->dir[i], "manifest.json");
        if (!path)
            return vi_error_nomem(err, "models");
        int code = 1;
        if (vi_file_exists(path))
            code = vi_manifest_read(path, &m->row, &m->n_row, err);
        vi_free(path);
        if (code <= 0)
            return code;
        size_t used = strlen(tried);
        snprintf(tried + used, sizeof tried - used, "%s%s", used ? ", " : "", m->dir[i]);
    }
    return vi_error_set(err, VISO_ERR_MODEL, "no models: no manifest.json in %s (set --models or VISO_MODELS, or run "
                        "'make build' to make them)", *tried ? tried : "any folder");
}

/* --- rows of users ---------------------------------------------------------------------------------------------- */

/* Row with the same id, or the same file under another id. */
static const vi_model_row *known(const vi_models *m, const vi_model_row *row)
{
    for (int i = 0; i < m->n_row; ++i)
        if (strcmp(m->row[i].id, row->id) == 0 || strcmp(m->row[i].file, row->file) == 0)
            return &m->row[i];
    return NULL;
}

static int add_manifest(vi_models *m, const char *path, viso_error *err)
{
    vi_model_row *more, *all;
    int n;
    int code = vi_manifest_read(path, &more, &n, err);
    if (code)
        return code;
    all = vi_calloc((size_t)m->n_row + (size_t)n, sizeof *all);
    if (!all) {
        vi_free(more);
        return vi_error_nomem(err, path);
    }
    memcpy(all, m->row, (size_t)m->n_row * sizeof *all);
    vi_free(m->row);
    m->row = all;
    for (int i = 0; i < n; ++i) {
        const vi_model_row *other = known(m, &more[i]);
        if (other)
            vi_warn(&m->log, "%s: model '%s' (%s) is left out, '%s' is known already", path, more[i].id, more[i].file, other->id);
        else
            m->row[m->n_row++] = more[i];
    }
    vi_free(more);
    return 0;
}

static int is_manifest(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

/* Every *.json in `folder`, by name; a folder that is not there has none. */
static int add_manifests(vi_models *m, const char *folder, viso_error *err)
{
    struct dirent **entry = NULL;
    int code = 0, n = scandir(folder, &entry, is_manifest, alphasort);
    for (int i = 0; i < n; ++i) {
        char *path = code ? NULL : vi_path_join(folder, entry[i]->d_name);
        if (path)
            code = add_manifest(m, path, err);
        else if (!code)
            code = vi_error_nomem(err, "models");
        vi_free(path);
        free(entry[i]);
    }
    free(entry);
    return code;
}

int vi_models_find_rows(vi_models *m, viso_error *err)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *folder = NULL;
    int code = find_manifest(m, err);
    for (int i = 0; i < m->n_dir && !code; ++i) {
        folder = vi_path_join(m->dir[i], "models.d");
        code = folder ? add_manifests(m, folder, err) : vi_error_nomem(err, "models");
        vi_free(folder);
    }
    if (code)
        return code;
    if (config && *config)
        folder = vi_asprintf("%s/viso/models.d", config);
    else if (home && *home)
        folder = vi_asprintf("%s/.config/viso/models.d", home);
    else
        return 0;
    code = folder ? add_manifests(m, folder, err) : vi_error_nomem(err, "models");
    vi_free(folder);
    return code;
}
