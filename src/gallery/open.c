/* gallery/open.c: the file: where it is, who may read it, its tables and their versions. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gallery/internal.h"

enum { BUSY_MS = 10000, CHECK_MOST = 16 << 20, APPLICATION = 0x7669736F /* "viso" */ };

/* Each step brings a file from the version of its index to the next. Steps are never changed once released. */
static const char *const steps[] = {
    "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, added TEXT NOT NULL);"
    "CREATE TABLE photo (id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, sha256 TEXT NOT NULL, added TEXT NOT NULL, quality REAL, points BLOB, side INTEGER NOT NULL DEFAULT 0,"
    " rgb BLOB, UNIQUE (person, sha256));"
    "CREATE TABLE vector (photo INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE, recogniser TEXT NOT NULL,"
    " crop TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (photo, recogniser, crop));",
    /* Which file of the model made a vector: another one's are not comparable. */
    "ALTER TABLE vector ADD COLUMN digest TEXT NOT NULL DEFAULT '';",
};

char *vi_gallery_usual_path(void)
{
    const char *base = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/')
        return vi_asprintf("%s/viso/gallery.db", base);
    return home && home[0] ? vi_asprintf("%s/.local/share/viso/gallery.db", home) : NULL;
}

/* The folders above a file, private when they are made here. */
static void make_folders(const char *path)
{
    char *copy = vi_strdup(path);
    for (char *at = copy ? strchr(copy + 1, '/') : NULL; at; at = strchr(at + 1, '/')) {
        *at = 0;
        mkdir(copy, 0700);
        *at = '/';
    }
    vi_free(copy);
}

/* SQLite gives its side files the mode of the main one, so that is made first, readable by the owner alone. */
static int make_private(vi_gallery *g, bool create, viso_error *err)
{
    struct stat st;
    if (stat(g->path, &st) == 0) {
        if (S_ISREG(st.st_mode) && (st.st_mode & 077) && chmod(g->path, 0600) == 0)
            vi_warn(&g->log, "%s: others could read the gallery; now only you can", g->path);
        return S_ISREG(st.st_mode) ? VISO_OK : vi_error_set(err, VISO_ERR_INPUT, "%s: is no file", g->path);
    }
    if (!create)
        return errno == ENOENT ? VISO_EOF : vi_error_set(err, VISO_ERR_INPUT, "%s: %s", g->path, strerror(errno));
    make_folders(g->path);
    int fd = open(g->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return vi_error_set(err, errno == ENOSPC ? VISO_ERR_NO_SPACE : VISO_ERR_INPUT, "%s: the gallery cannot be made: %s", g->path,
                            strerror(errno));
    close(fd);
    return VISO_OK;
}

static int read_number(vi_gallery *g, const char *sql, int64_t *out, viso_error *err)
{
    vi_query q = vi_query_make(g, sql);
    *out = vi_query_row(&q) ? vi_query_get_int(&q, 0) : 0;
    return vi_query_end(&q, err);
}

/* Reads all of it, so only while that costs nothing; in a larger file damage is found where it is met. */
static int check_damage(vi_gallery *g, viso_error *err)
{
    char text[64] = "";
    struct stat st;
    if (stat(g->path, &st) != 0 || st.st_size > CHECK_MOST)
        return VISO_OK;
    vi_query q = vi_query_make(g, "PRAGMA quick_check(1)");
    if (vi_query_row(&q))
        vi_query_get_text(&q, 0, text, sizeof text);
    int rc = vi_query_end(&q, err);
    if (rc || strcmp(text, "ok") == 0)
        return rc;
    return vi_error_set(err, VISO_ERR_INPUT, "%s: the gallery is damaged (%s); move it away, or put a copy of it back", g->path, text);
}

static int whose(vi_gallery *g, int64_t *version, viso_error *err)
{
    int64_t application = 0, tables = 0;
    int rc = read_number(g, "PRAGMA application_id", &application, err);
    if (!rc)
        rc = read_number(g, "PRAGMA user_version", version, err);
    if (!rc)
        rc = read_number(g, "SELECT count(*) FROM sqlite_master", &tables, err);
    if (rc)
        return rc;
    if (application != APPLICATION && (application || *version || tables))
        return vi_error_set(err, VISO_ERR_INPUT, "%s: is a database of another program, no gallery", g->path);
    if (*version > (int64_t)VI_COUNT(steps))
        return vi_error_set(err, VISO_ERR_INPUT, "%s: was written by a newer viso (version %d of the gallery, this one knows %d)", g->path,
                            (int)*version, (int)VI_COUNT(steps));
    return VISO_OK;
}

int vi_gallery_schema(vi_gallery *g, int to, viso_error *err)
{
    char sql[96];
    int64_t version = 0;
    int newest = to ? to : (int)VI_COUNT(steps);
    int rc = whose(g, &version, err);
    if (rc || version >= newest)
        return rc;
    rc = vi_gallery_begin(g, err);
    if (rc)
        return rc;
    rc = whose(g, &version, err); /* somebody else may have been faster */
    for (; version < newest && !rc; version++)
        rc = vi_gallery_exec(g, steps[version], err);
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION, newest);
    if (!rc)
        rc = vi_gallery_exec(g, sql, err);
    if (!rc)
        return vi_gallery_commit(g, err);
    vi_gallery_rollback(g);
    return rc;
}

int vi_gallery_open(vi_gallery **out, const char *path, bool create, const vi_log *log, viso_error *err)
{
    vi_gallery *g = vi_calloc(1, sizeof *g);
    *out = g;
    if (!g || !(g->path = vi_strdup(path))) {
        vi_gallery_close(out);
        return vi_error_nomem(err, "gallery");
    }
    g->log = log ? *log : (vi_log){ 0 };
    int rc = make_private(g, create, err);
    if (!rc && !(g->s = vi_sqlite_load(err)))
        rc = VISO_ERR_INPUT;
    if (!rc) {
        int code = g->s->open_v2(g->path, &g->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
        rc = code == SQLITE_OK ? VISO_OK : vi_gallery_fault(g, code, err);
    }
    if (!rc) {
        g->s->busy_timeout(g->db, BUSY_MS);
        rc = vi_gallery_exec(g, "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL", err);
    }
    if (!rc)
        rc = check_damage(g, err);
    if (!rc)
        rc = vi_gallery_schema(g, 0, err);
    if (rc)
        vi_gallery_close(out);
    return rc;
}

void vi_gallery_close(vi_gallery **p)
{
    vi_gallery *g = *p;
    *p = NULL;
    if (!g)
        return;
    if (g->db) {
        vi_gallery_rollback(g);
        g->s->close_v2(g->db);
    }
    vi_free(g->path);
    vi_free(g);
}

const char *vi_gallery_path(const vi_gallery *g)
{
    return g->path;
}

/* IMMEDIATE: whoever wants to write waits here, and not in the middle. */
int vi_gallery_begin(vi_gallery *g, viso_error *err)
{
    int rc = g->depth ? VISO_OK : vi_gallery_exec(g, "BEGIN IMMEDIATE", err);
    g->depth += !rc;
    return rc;
}

int vi_gallery_commit(vi_gallery *g, viso_error *err)
{
    if (g->depth > 1) {
        g->depth--;
        return VISO_OK;
    }
    int rc = vi_gallery_exec(g, "COMMIT", err);
    if (rc)
        vi_gallery_rollback(g);
    g->depth = 0;
    return rc;
}

void vi_gallery_rollback(vi_gallery *g)
{
    if (g->depth)
        g->s->exec(g->db, "ROLLBACK", NULL, NULL, NULL);
    g->depth = 0;
}
