/* tests/models_folder.c: see the header. */
#include "models_folder.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

enum { MANIFEST_MOST = 4 << 20 };

bool models_folder_has_shared(void)
{
    const char *shared = getenv("VISO_TEST_SHARED");
    char path[1024];
    snprintf(path, sizeof path, "%s/models/reference.json", shared ? shared : "");
    if (shared && vi_file_exists(path))
        return true;
    fprintf(stderr, "skipped: the small models are not there (VISO_TEST_SHARED)\n");
    return false;
}

/* Links all plain files of `from` but the manifest. */
static int link_files(models_folder *f, const char *from, viso_error *err)
{
    DIR *d = opendir(from);
    if (!d)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: %s", from, strerror(errno));
    for (struct dirent *e; (e = readdir(d));) {
        char old[1024], new[512];
        snprintf(old, sizeof old, "%s/%s", from, e->d_name);
        snprintf(new, sizeof new, "%s/%s", f->dir, e->d_name);
        if (e->d_name[0] == '.' || strcmp(e->d_name, "manifest.json") == 0 || vi_is_folder(old))
            continue;
        char *full = realpath(old, NULL);
        if (full)
            (void)!symlink(full, new); /* a name that is there already keeps its file */
        free(full);
    }
    closedir(d);
    return 0;
}

static int write_manifest(models_folder *f, viso_error *err)
{
    char path[512];
    char *text = json_dumps(f->manifest, JSON_INDENT(1));
    snprintf(path, sizeof path, "%s/manifest.json", f->dir);
    if (!text)
        return vi_error_nomem(err, path);
    int code = vi_file_write(path, text, strlen(text), err);
    free(text);
    return code;
}

static int read_manifest(models_folder *f, const char *from, viso_error *err)
{
    char path[1024];
    uint8_t *data;
    size_t size;
    json_error_t where;
    snprintf(path, sizeof path, "%s/manifest.json", from);
    int code = vi_file_read(path, MANIFEST_MOST, &data, &size, err);
    if (code)
        return code;
    f->manifest = json_loadb((char *)data, size, 0, &where);
    vi_free(data);
    return f->manifest ? write_manifest(f, err) : vi_error_set(err, VISO_ERR_MODEL, "%s: line %d: %s", path, where.line, where.text);
}

static char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? strdup(value) : NULL;
}

static void restore(const char *name, char **value)
{
    if (*value)
        setenv(name, *value, 1);
    else
        unsetenv(name);
    free(*value);
    *value = NULL;
}

int models_folder_open(models_folder *f, int what, viso_error *err)
{
    const char *temp = getenv("TMPDIR"), *models = getenv("VISO_MODELS"), *shared = getenv("VISO_TEST_SHARED");
    char path[1024];
    *f = (models_folder){0};
    if (!models)
        return vi_error_set(err, VISO_ERR_INPUT, "VISO_MODELS is not set");
    snprintf(f->dir, sizeof f->dir, "%.150s/viso-models-XXXXXX", temp && *temp ? temp : "/tmp");
    if (!mkdtemp(f->dir)) {
        f->dir[0] = 0;
        return vi_error_set(err, VISO_ERR_NO_SPACE, "no temporary folder: %s", strerror(errno));
    }
    f->config = variable("XDG_CONFIG_HOME");
    f->cache = variable("XDG_CACHE_HOME");
    snprintf(path, sizeof path, "%s/.own", f->dir);
    mkdir(path, 0777);
    setenv("XDG_CONFIG_HOME", path, 1);
    setenv("XDG_CACHE_HOME", path, 1);
    int code = link_files(f, models, err);
    if (!code && (what & MODELS_FOLDER_SHARED)) {
        snprintf(path, sizeof path, "%s/models", shared ? shared : "");
        code = link_files(f, path, err);
    }
    if (!code)
        code = read_manifest(f, models, err);
    if (code)
        models_folder_close(f);
    return code;
}

static json_t *find_row(models_folder *f, const char *id, viso_error *err)
{
    size_t i;
    json_t *row, *list = json_object_get(f->manifest, "models");
    json_array_foreach(list, i, row)
    {
        const char *other = json_string_value(json_object_get(row, "id"));
        if (other && strcmp(other, id) == 0)
            return row;
    }
    vi_error_set(err, VISO_ERR_INPUT, "the manifest has no row '%s'", id);
    return NULL;
}

int models_folder_put_file(models_folder *f, const char *name, const void *data, size_t size, viso_error *err)
{
    char path[1024];
    int n = snprintf(path, sizeof path, "%s/%s", f->dir, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the name is too long", name);
    for (char *p = path + strlen(f->dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = 0;
        mkdir(path, 0777); /* if it fails, so does writing */
    }
    unlink(path); /* a link must not be written through */
    return vi_file_write(path, data, size, err);
}

int models_folder_put(models_folder *f, const char *id, const void *data, size_t size, viso_error *err)
{
    char hex[65];
    json_t *row = find_row(f, id, err);
    if (!row)
        return VISO_ERR_INPUT;
    vi_sha256(data, size, hex);
    json_object_set_new(row, "sha256", json_string(hex));
    json_object_set_new(row, "bytes", json_integer((json_int_t)size));
    json_object_del(row, "about_bytes");
    int code = models_folder_put_file(f, json_string_value(json_object_get(row, "file")), data, size, err);
    return code ? code : write_manifest(f, err);
}

int models_folder_put_rows(models_folder *f, const char *name, const char *rows, const char *file, viso_error *err)
{
    char path[1024], hex[65] = "SHA256", where[128];
    int code = 0;
    snprintf(path, sizeof path, "%s/%s", f->dir, file ? file : "");
    if (file)
        code = vi_sha256_file(path, hex, err);
    if (code)
        return code;
    char *text = malloc(strlen(rows) + 128);
    if (!text)
        return vi_error_nomem(err, name);
    const char *mark = strstr(rows, "SHA256");
    sprintf(text, "{\"version\": 1, \"models\": [%.*s%s%s]}", mark ? (int)(mark - rows) : (int)strlen(rows), rows, mark ? hex : "",
            mark ? mark + 6 : "");
    snprintf(where, sizeof where, "models.d/%s.json", name);
    code = models_folder_put_file(f, where, text, strlen(text), err);
    free(text);
    return code;
}

int models_folder_change_row(models_folder *f, const char *id, const char *fields, viso_error *err)
{
    json_error_t where;
    json_t *row = find_row(f, id, err);
    if (!row)
        return VISO_ERR_INPUT;
    json_t *more = json_loads(fields, 0, &where);
    if (!more)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: %s", fields, where.text);
    json_object_update(row, more);
    json_decref(more);
    return write_manifest(f, err);
}

int models_folder_remove(models_folder *f, const char *id, viso_error *err)
{
    char path[1024];
    json_t *row = find_row(f, id, err);
    if (!row)
        return VISO_ERR_INPUT;
    snprintf(path, sizeof path, "%s/%s", f->dir, json_string_value(json_object_get(row, "file")));
    return unlink(path) ? vi_error_set(err, VISO_ERR_INPUT, "%s: %s", path, strerror(errno)) : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

void models_folder_close(models_folder *f)
{
    if (!f->dir[0])
        return;
    nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    restore("XDG_CONFIG_HOME", &f->config);
    restore("XDG_CACHE_HOME", &f->cache);
    json_decref(f->manifest);
    *f = (models_folder){0};
}
