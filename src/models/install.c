/* models/install.c: viso_models_install - a model's file from one of its addresses into the folder of models. Runs only when
 * asked; nothing else in the library reaches for the network. One thread per call. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "models/download.h"
#include "models/internal.h"
#include "viso/model.h"

/* Makes the folders above a file; those that are there are left alone. */
int vi_models_make_folders(const char *path, viso_error *err)
{
    char *copy = vi_strdup(path);
    if (!copy)
        return vi_error_nomem(err, path);
    int code = 0;
    for (char *slash = strchr(copy + 1, '/'); slash && !code; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            code = vi_error_set(err, errno == ENOSPC || errno == EDQUOT ? VISO_ERR_NO_SPACE : VISO_ERR_MODEL,
                                "the folder %s cannot be made: %s", copy, strerror(errno));
        *slash = '/';
    }
    vi_free(copy);
    return code;
}

typedef struct watcher {
    const viso_install *how;
    const char *id;
} watcher;

static int on_progress(void *user, uint64_t done, uint64_t total)
{
    const watcher *w = user;
    return w->how->progress(w->how->user, w->id, done, total);
}

static int refuse(const vi_model_row *row, bool offline, viso_error *err)
{
    if (row->source_sha256[0])
        return vi_error_set(err, VISO_ERR_MODEL, "model %s is made when viso is built: run 'make build'", row->id);
    if (row->n_url == 0)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: no address is known (%s); get %s there and run viso models import",
                            row->id, row->origin[0] ? row->origin : "no origin either", row->file);
    if (!row->sha256[0])
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: no SHA-256 is known, so nothing could be checked; get %s yourself and "
                            "run viso models import", row->id, row->file);
    if (offline)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s is not here and --offline forbids to fetch it; %s may be brought by "
                            "hand from %s", row->id, row->file, row->url[0]);
    return 0;
}

static int install(vi_models *m, const vi_model_row *row, const viso_install *how, viso_error *err)
{
    const char *url[VI_MAX_URLS];
    watcher w = {how, row->id};
    if (strcmp(vi_models_state(m, (int)(row - m->row), true), "installed") == 0)
        return 0;
    int code = refuse(row, how->offline != 0, err);
    if (code)
        return code;
    char *path = m->n_dir ? vi_path_join(m->dir[0], row->file) : NULL;
    if (!path)
        return vi_error_nomem(err, row->id);
    for (int i = 0; i < row->n_url; ++i)
        url[i] = row->url[i];
    vi_download d = {.name = row->id, .url = url, .n_url = row->n_url, .path = path, .bytes = row->bytes,
                     .about = row->about_bytes, .sha256 = row->sha256};
    if (how->progress) {
        d.progress = on_progress;
        d.user = &w;
    }
    code = vi_models_make_folders(path, err);
    if (!code)
        code = vi_download_file(&d, err);
    vi_free(path);
    return code;
}

int viso_models_install(const char *id, const viso_install *how, viso_error *err)
{
    static const viso_install usual;
    vi_models *m;
    how = how ? how : &usual;
    int code = vi_models_open(&m, &(vi_models_params){.dir = how->dir}, err);
    if (code)
        return code;
    const vi_model_row *row = vi_models_find(m, id);
    if (row)
        code = install(m, row, how, err);
    else
        code = vi_error_set(err, VISO_ERR_MODEL, "model '%s' is not in the manifest; 'viso models list' shows what there is", id);
    vi_models_close(&m);
    return code;
}
