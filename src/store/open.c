/* store/open.c: the file: who may read it, its tables and their versions, its transactions. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite.h"

enum { CHECK_MOST = 16 << 20 };

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
static int make_private(vi_store *s, bool create, viso_error *err)
{
    struct stat st;
    if (stat(s->path, &st) == 0) {
        if (S_ISREG(st.st_mode) && (st.st_mode & 077) && chmod(s->path, 0600) == 0)
            vi_warn(&s->log, "%s: others could read the %s; now only you can", s->path, s->kind->what);
        return S_ISREG(st.st_mode) ? VISO_OK : vi_error_set(err, VISO_ERR_INPUT, "%s: is no file", s->path);
    }
    if (!create)
        return errno == ENOENT ? VISO_EOF : vi_error_set(err, VISO_ERR_INPUT, "%s: %s", s->path, strerror(errno));
    make_folders(s->path);
    int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return vi_error_set(err, errno == ENOSPC ? VISO_ERR_NO_SPACE : VISO_ERR_INPUT, "%s: the %s cannot be made: %s", s->path,
                            s->kind->what, strerror(errno));
    close(fd);
    return VISO_OK;
}

/* Reads all of it, so only while that costs nothing; in a larger file damage is found where it is met. */
static int check_damage(vi_store *s, viso_error *err)
{
    char text[64] = "";
    struct stat st;
    if (stat(s->path, &st) != 0 || st.st_size > CHECK_MOST)
        return VISO_OK;
    vi_query q = vi_query_make(s, "PRAGMA quick_check(1)");
    if (vi_query_row(&q))
        vi_query_get_text(&q, 0, text, sizeof text);
    int rc = vi_query_end(&q, err);
    if (rc || strcmp(text, "ok") == 0)
        return rc;
    s->broken = true;
    return vi_error_set(err, VISO_ERR_INPUT, "%s: the %s is damaged (%s); move it away, or put a copy of it back", s->path, s->kind->what,
                        text);
}

/* What the head of the file says, of one moment: read one by one, outside of a transaction, another process that is just making the
 * tables would come between, and its file would be nobody's. */
static int read_head(vi_store *s, int64_t *application, int64_t *version, int64_t *tables, viso_error *err)
{
    bool own = s->depth == 0;
    int rc = own ? vi_store_exec(s, "BEGIN", err) : VISO_OK;
    if (rc)
        return rc;
    rc = vi_query_number(s, "SELECT count(*) FROM sqlite_master", -1, tables, err); /* the transaction begins with what reads the file */
    if (!rc)
        rc = vi_query_number(s, "PRAGMA application_id", -1, application, err);
    if (!rc)
        rc = vi_query_number(s, "PRAGMA user_version", -1, version, err);
    if (own)
        s->s->exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int whose(vi_store *s, int64_t *version, int64_t *tables, viso_error *err)
{
    int64_t application = 0;
    int rc = read_head(s, &application, version, tables, err);
    if (rc)
        return rc;
    if (application != (int64_t)s->kind->application && (application || *version || *tables)) {
        s->broken = true;
        return vi_error_set(err, VISO_ERR_INPUT, "%s: is a database of another program, no %s", s->path, s->kind->what);
    }
    if (*version > s->kind->n_step)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: was written by a newer viso (version %d of the %s, this one knows %d)", s->path,
                            (int)*version, s->kind->what, s->kind->n_step);
    return VISO_OK;
}

static int bring_up(vi_store *s, int newest, viso_error *err)
{
    char sql[96];
    int64_t version = 0, tables = 0;
    int rc = whose(s, &version, &tables, err);
    if (rc || version >= newest)
        return rc;
    if (tables == 0 && s->kind->first && (rc = vi_store_exec(s, s->kind->first, err)))
        return rc;
    rc = vi_store_begin(s, err);
    if (rc)
        return rc;
    rc = whose(s, &version, &tables, err); /* somebody else may have been faster */
    for (; version < newest && !rc; version++)
        rc = vi_store_exec(s, s->kind->step[version], err);
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d", (int)s->kind->application, newest);
    if (!rc)
        rc = vi_store_exec(s, sql, err);
    if (!rc)
        return vi_store_commit(s, err);
    vi_store_rollback(s);
    return rc;
}

static int connect_to(vi_store *s, int version, viso_error *err)
{
    int code = s->s->open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    int rc = code == SQLITE_OK ? VISO_OK : vi_store_fault(s, code, err);
    if (rc)
        return rc;
    s->s->busy_timeout(s->db, s->kind->busy_ms);
    rc = vi_store_exec(s, s->kind->always, err);
    if (!rc)
        rc = check_damage(s, err);
    if (!rc)
        rc = bring_up(s, version ? version : s->kind->n_step, err);
    if (!rc && s->kind->wish)
        s->s->exec(s->db, s->kind->wish, NULL, NULL, NULL);
    return rc;
}

int vi_store_open_at(vi_store **out, const char *path, const vi_store_kind *kind, bool create, int version, const vi_log *log,
                     bool *broken, viso_error *err)
{
    vi_store *s = vi_calloc(1, sizeof *s);
    *out = s;
    if (broken)
        *broken = false;
    if (!s || !(s->path = vi_strdup(path))) {
        vi_store_close(out);
        return vi_error_nomem(err, kind->what);
    }
    s->kind = kind;
    s->log = log ? *log : (vi_log){ 0 };
    int rc = make_private(s, create, err);
    if (!rc && !(s->s = vi_sqlite_load(kind->what, err)))
        rc = VISO_ERR_INPUT;
    if (!rc)
        rc = connect_to(s, version, err);
    if (rc && broken)
        *broken = s->broken;
    if (rc)
        vi_store_close(out);
    return rc;
}

int vi_store_open(vi_store **out, const char *path, const vi_store_kind *kind, bool create, const vi_log *log, bool *broken,
                  viso_error *err)
{
    return vi_store_open_at(out, path, kind, create, 0, log, broken, err);
}

void vi_store_close(vi_store **p)
{
    vi_store *s = *p;
    *p = NULL;
    if (!s)
        return;
    if (s->db) {
        vi_store_rollback(s);
        s->s->close_v2(s->db);
    }
    vi_free(s->path);
    vi_free(s);
}

/* IMMEDIATE: whoever wants to write waits here, and not in the middle. */
int vi_store_begin(vi_store *s, viso_error *err)
{
    int rc = s->depth ? VISO_OK : vi_store_exec(s, "BEGIN IMMEDIATE", err);
    s->depth += !rc;
    return rc;
}

int vi_store_commit(vi_store *s, viso_error *err)
{
    if (s->depth > 1) {
        s->depth--;
        return VISO_OK;
    }
    int rc = vi_store_exec(s, "COMMIT", err);
    if (rc)
        vi_store_rollback(s);
    s->depth = 0;
    return rc;
}

void vi_store_rollback(vi_store *s)
{
    if (s->depth)
        s->s->exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->depth = 0;
}
