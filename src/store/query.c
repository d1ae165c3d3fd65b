/* store/query.c: libsqlite3, loaded when the first store is opened, and small helpers over its statements. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "store/sqlite.h"

static vi_sqlite table;
static bool ready;

static void load(void)
{
    static const struct {
        void *to;
        const char *name;
    } wanted[] = {
#define WANT(f) { &table.f, "sqlite3_" #f }
        WANT(open_v2),      WANT(close_v2),     WANT(exec),         WANT(prepare_v2),   WANT(step),
        WANT(reset),
        WANT(finalize),     WANT(bind_int64),   WANT(bind_double),  WANT(bind_text),    WANT(bind_blob),
        WANT(column_int64), WANT(column_double), WANT(column_text), WANT(column_blob),  WANT(column_bytes),
        WANT(column_type),  WANT(busy_timeout), WANT(extended_errcode), WANT(errmsg),   WANT(changes),
        WANT(last_insert_rowid),
#undef WANT
    };
    void *lib = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
    ready = lib != NULL;
    for (size_t i = 0; i < VI_COUNT(wanted) && lib; i++) {
        void *f = dlsym(lib, wanted[i].name);
        /* POSIX wants a function's address to fit a void pointer, ISO C has no cast for it. */
        memcpy(wanted[i].to, &f, sizeof f);
        ready = ready && f;
    }
}

const vi_sqlite *vi_sqlite_load(const char *what, viso_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (!ready)
        vi_error_set(err, VISO_ERR_INPUT, "the %s needs libsqlite3.so.0, which cannot be loaded; install it (Debian: libsqlite3-0)", what);
    return ready ? &table : NULL;
}

int vi_store_fault(vi_store *s, int rc, viso_error *err)
{
    const char *path = s->path, *what = s->kind->what, *why = s->db ? s->s->errmsg(s->db) : "no connection";
    switch (rc & 0xFF) {
    case SQLITE_NOMEM: return vi_error_nomem(err, what);
    case SQLITE_FULL: return vi_error_set(err, VISO_ERR_NO_SPACE, "%s: the disk is full; nothing was changed", path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        s->broken = true;
        return vi_error_set(err, VISO_ERR_INPUT, "%s: this is no %s, or it is damaged (%s); move it away, or put a copy of it back",
                            path, what, why);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return vi_error_set(err, VISO_ERR_INPUT, "%s: another program is using the %s; try again", path, what);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the %s cannot be opened for writing (%s); check the rights of file and folder",
                            path, what, why);
    case SQLITE_IOERR:
        if (rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_TRUNCATE || rc == SQLITE_IOERR_SHMSIZE)
            return vi_error_set(err, VISO_ERR_NO_SPACE, "%s: the %s cannot be written (%s); is the disk full? Nothing was changed",
                                path, what, why);
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the %s cannot be read (%s)", path, what, why);
    default: return vi_error_set(err, VISO_ERR_INTERNAL, "%s: %s", path, why);
    }
}

vi_query vi_query_make(vi_store *s, const char *sql)
{
    vi_query q = { .store = s };
    q.rc = s->s->prepare_v2(s->db, sql, -1, &q.stmt, NULL);
    return q;
}

static bool fine(const vi_query *q)
{
    return q->rc == SQLITE_OK || q->rc == SQLITE_ROW || q->rc == SQLITE_DONE;
}

void vi_query_int(vi_query *q, int64_t v)
{
    if (fine(q))
        q->rc = q->store->s->bind_int64(q->stmt, ++q->at, v);
}

void vi_query_real(vi_query *q, double v)
{
    if (fine(q))
        q->rc = q->store->s->bind_double(q->stmt, ++q->at, v);
}

void vi_query_text(vi_query *q, const char *text)
{
    if (fine(q))
        q->rc = q->store->s->bind_text(q->stmt, ++q->at, text, -1, SQLITE_STATIC);
}

void vi_query_blob(vi_query *q, const void *data, size_t size)
{
    if (fine(q))
        q->rc = q->store->s->bind_blob(q->stmt, ++q->at, data, (int)size, SQLITE_STATIC);
}

bool vi_query_row(vi_query *q)
{
    if (!fine(q) || q->rc == SQLITE_DONE)
        return false;
    q->rc = q->store->s->step(q->stmt);
    return q->rc == SQLITE_ROW;
}

int64_t vi_query_get_int(vi_query *q, int column)
{
    return q->store->s->column_int64(q->stmt, column);
}

double vi_query_get_real(vi_query *q, int column)
{
    return q->store->s->column_type(q->stmt, column) == SQLITE_NULL ? -1 : q->store->s->column_double(q->stmt, column);
}

void vi_query_get_text(vi_query *q, int column, char *to, size_t size)
{
    const unsigned char *text = q->store->s->column_text(q->stmt, column);
    snprintf(to, size, "%s", text ? (const char *)text : "");
}

const void *vi_query_get_blob(vi_query *q, int column, size_t *size)
{
    const void *data = q->store->s->column_blob(q->stmt, column);
    *size = data ? (size_t)q->store->s->column_bytes(q->stmt, column) : 0;
    return data;
}

void vi_query_again(vi_query *q)
{
    if (!fine(q))
        return;
    q->rc = q->store->s->reset(q->stmt);
    q->at = 0;
}

int vi_query_end(vi_query *q, viso_error *err)
{
    int rc = fine(q) ? VISO_OK : vi_store_fault(q->store, q->store->s->extended_errcode(q->store->db), err);
    q->store->s->finalize(q->stmt);
    q->stmt = NULL;
    return rc;
}

int vi_query_number(vi_store *s, const char *sql, int64_t parameter, int64_t *out, viso_error *err)
{
    vi_query q = vi_query_make(s, sql);
    if (parameter >= 0)
        vi_query_int(&q, parameter);
    *out = vi_query_row(&q) ? vi_query_get_int(&q, 0) : 0;
    return vi_query_end(&q, err);
}

int vi_store_exec(vi_store *s, const char *sql, viso_error *err)
{
    int rc = s->s->exec(s->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? VISO_OK : vi_store_fault(s, s->s->extended_errcode(s->db), err);
}

int64_t vi_store_last_id(const vi_store *s)
{
    return s->s->last_insert_rowid(s->db);
}

int vi_store_changes(const vi_store *s)
{
    return s->s->changes(s->db);
}
