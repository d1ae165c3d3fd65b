/* store/sqlite.h: SQLite through a table, for the files of the room. */
#ifndef VI_STORE_SQLITE_H
#define VI_STORE_SQLITE_H

#include <sqlite3.h>

#include "store/store.h"

/* The functions of libsqlite3 that are used; loaded with the first store. */
typedef struct vi_sqlite {
    int (*open_v2)(const char *path, sqlite3 **db, int flags, const char *vfs);
    int (*close_v2)(sqlite3 *db);
    int (*exec)(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **), void *user, char **message);
    int (*prepare_v2)(sqlite3 *db, const char *sql, int size, sqlite3_stmt **s, const char **tail);
    int (*step)(sqlite3_stmt *s);
    int (*reset)(sqlite3_stmt *s);
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

/* NULL with a message, which says what needs it, when the library cannot be loaded. Thread-safe. */
const vi_sqlite *vi_sqlite_load(const char *what, viso_error *err);
/* SQLite's code in our words. */
int vi_store_fault(vi_store *s, int rc, viso_error *err);

#endif
