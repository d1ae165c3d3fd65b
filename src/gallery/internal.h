/* gallery/internal.h: what the files of the room share: the handle, and SQLite through a table. */
#ifndef VI_GALLERY_INTERNAL_H
#define VI_GALLERY_INTERNAL_H

#include <sqlite3.h>

#include "gallery/gallery.h"

/* The functions of libsqlite3 that are used; loaded with the first gallery. */
typedef struct vi_sqlite {
    int (*open_v2)(const char *path, sqlite3 **db, int flags, const char *vfs);
    int (*close_v2)(sqlite3 *db);
    int (*exec)(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **), void *user, char **message);
    int (*prepare_v2)(sqlite3 *db, const char *sql, int size, sqlite3_stmt **s, const char **tail);
    int (*step)(sqlite3_stmt *s);
    int (*finalize)(sqlite3_stmt *s);
    int (*bind_int64)(sqlite3_stmt *s, int i, sqlite3_int64 v);
    int (*bind_double)(sqlite3_stmt *s, int i, double v);
    int (*bind_text)(sqlite3_stmt *s, int i, const char *text, int size, void (*done)(void *));
    int (*bind_blob)(sqlite3_stmt *s, int i, const void *data, int size, void (*done)(void *));
    sqlite3_int64 (*column_int64)(sqlite3_stmt *s, int i);
    double (*column_double)(sqlite3_stmt *s, int i);
    const unsigned char *(*column_text)(sqlite3_stmt *s, int i);
    const void *(*column_blob)(sqlite3_stmt *s, int i);
    int (*column_bytes)(sqlite3_stmt *s, int i);
    int (*column_type)(sqlite3_stmt *s, int i);
    int (*busy_timeout)(sqlite3 *db, int ms);
    int (*extended_errcode)(sqlite3 *db);
    const char *(*errmsg)(sqlite3 *db);
    int (*changes)(sqlite3 *db);
    sqlite3_int64 (*last_insert_rowid)(sqlite3 *db);
} vi_sqlite;

/* NULL with a message when the library cannot be loaded. Thread-safe. */
const vi_sqlite *vi_sqlite_load(viso_error *err);

struct vi_gallery {
    const vi_sqlite *s;
    sqlite3 *db;
    char *path;
    vi_log log;
    int depth; /* of vi_gallery_begin */
};

/* A prepared statement with what went wrong so far: once `rc` is set, all calls do nothing. */
typedef struct vi_query {
    vi_gallery *g;
    sqlite3_stmt *stmt;
    int rc;  /* of SQLite; SQLITE_OK, SQLITE_ROW and SQLITE_DONE are fine */
    int at;  /* the last parameter bound */
} vi_query;

vi_query vi_query_make(vi_gallery *g, const char *sql);
void vi_query_int(vi_query *q, int64_t v); /* the next parameter */
void vi_query_real(vi_query *q, double v);
void vi_query_text(vi_query *q, const char *text);               /* must live until the end of the query */
void vi_query_blob(vi_query *q, const void *data, size_t size);  /* the same */
bool vi_query_row(vi_query *q);                                   /* steps; true: there is a row */
int64_t vi_query_get_int(vi_query *q, int column);
double vi_query_get_real(vi_query *q, int column); /* -1 for NULL */
void vi_query_get_text(vi_query *q, int column, char *to, size_t size);
/* Bytes of a blob, valid until the next step. */
const void *vi_query_get_blob(vi_query *q, int column, size_t *size);
/* Ends the query: VISO_OK, or the fault with a message. */
int vi_query_end(vi_query *q, viso_error *err);
/* Runs a statement without parameters and results. */
int vi_gallery_exec(vi_gallery *g, const char *sql, viso_error *err);
/* SQLite's code in our words. */
int vi_gallery_fault(vi_gallery *g, int rc, viso_error *err);

/* Creates or migrates the tables up to version `to` (0: the newest); for tests of migration. */
int vi_gallery_schema(vi_gallery *g, int to, viso_error *err);

#endif
