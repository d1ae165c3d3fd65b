/* store/store.h: what is kept in a file of one's own: an SQLite database with a version, readable by its owner alone. The home of
 * libsqlite3, which is loaded when the first store is opened, so that nobody else pays for it.
 *
 * A handle belongs to one thread; several processes may use one file at once (a writer waits for another). Faults, in words that
 * name the file and what it is ("gallery", "cache"): VISO_ERR_INPUT (damaged, another program's, of a newer version, not readable,
 * busy), VISO_ERR_NO_SPACE. */
#ifndef VI_STORE_H
#define VI_STORE_H

#include "base/base.h"

/* A kind of file. Static. */
typedef struct vi_store_kind {
    const char *what;          /* for messages: "gallery" */
    uint32_t application;      /* SQLite's application_id: nobody else's database is touched */
    const char *const *step;   /* step i brings a file from version i to i + 1; never changed once released */
    int n_step;
    int busy_ms;               /* how long a writer waits for another */
    const char *first;         /* run on a file without tables before anything else, NULL none */
    const char *always;        /* run when a file is opened */
    const char *wish;          /* the same, but no fault when it fails; NULL none */
} vi_store_kind;

typedef struct vi_store {
    char *path;
    vi_log log;
    const vi_store_kind *kind;
    bool broken; /* a fault so far was damage, or not such a file at all */
    int depth;   /* of vi_store_begin */
    /* Of the room: */
    const struct vi_sqlite *s;
    struct sqlite3 *db;
} vi_store;

/* Opens the file; with `create` it (and its folders) are made when missing, else VISO_EOF without a message. Brings an older file
 * to the present version. `broken` (may be NULL): the fault is damage, or the file is something else. */
int vi_store_open(vi_store **s, const char *path, const vi_store_kind *kind, bool create, const vi_log *log, bool *broken,
                  viso_error *err);
/* The same up to version `version` of the tables; for tests of migration. 0: the newest. */
int vi_store_open_at(vi_store **s, const char *path, const vi_store_kind *kind, bool create, int version, const vi_log *log,
                     bool *broken, viso_error *err);
void vi_store_close(vi_store **s); /* rolls an open transaction back */

/* Transactions nest: the outermost counts. A write waits at the beginning and not in the middle. */
int vi_store_begin(vi_store *s, viso_error *err);
int vi_store_commit(vi_store *s, viso_error *err);
void vi_store_rollback(vi_store *s);

/* Runs statements without parameters and results. */
int vi_store_exec(vi_store *s, const char *sql, viso_error *err);
int64_t vi_store_last_id(const vi_store *s); /* of the row inserted last */
int vi_store_changes(const vi_store *s);     /* rows that the last statement changed */

/* A prepared statement with what went wrong so far: once `rc` is set, all calls do nothing. */
typedef struct vi_query {
    vi_store *store;
    struct sqlite3_stmt *stmt;
    int rc;  /* of SQLite */
    int at;  /* the last parameter bound */
} vi_query;

vi_query vi_query_make(vi_store *s, const char *sql);
void vi_query_int(vi_query *q, int64_t v); /* the next parameter */
void vi_query_real(vi_query *q, double v);
void vi_query_text(vi_query *q, const char *text);               /* must live until the end of the query */
void vi_query_blob(vi_query *q, const void *data, size_t size);  /* the same */
bool vi_query_row(vi_query *q);                                   /* steps; true: there is a row */
void vi_query_again(vi_query *q);                                 /* from the first parameter on, with new values */
int64_t vi_query_get_int(vi_query *q, int column);
double vi_query_get_real(vi_query *q, int column); /* -1 for NULL */
void vi_query_get_text(vi_query *q, int column, char *to, size_t size);
/* Bytes of a blob, valid until the next step. */
const void *vi_query_get_blob(vi_query *q, int column, size_t *size);
/* Ends the query: VISO_OK, or the fault with a message. */
int vi_query_end(vi_query *q, viso_error *err);
/* One number: of the first row, with the parameter unless it is negative; 0 without a row. */
int vi_query_number(vi_store *s, const char *sql, int64_t parameter, int64_t *out, viso_error *err);

#endif
