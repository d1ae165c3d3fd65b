/* cache/list.c: what is kept, for people, and forgetting it. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cache/internal.h"

static void utc(int64_t ms, char out[24])
{
    struct tm t;
    time_t at = (time_t)(ms / 1000);
    memset(out, 0, 24);
    if (gmtime_r(&at, &t))
        strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &t);
}

static bool get(vi_query *q, vi_cache_run *r)
{
    char path[4096];
    vi_query_get_text(q, 0, r->digest, sizeof r->digest);
    vi_query_get_text(q, 1, path, sizeof path);
    r->input_bytes = (uint64_t)vi_query_get_int(q, 2);
    r->bytes = (uint64_t)vi_query_get_int(q, 3);
    r->frames = (uint64_t)vi_query_get_int(q, 4);
    r->span.first = vi_query_get_int(q, 5);
    r->span.end = vi_query_get_int(q, 6);
    r->span.num = (int)vi_query_get_int(q, 7);
    r->span.den = (int)vi_query_get_int(q, 8);
    r->whole = vi_query_get_int(q, 9) != 0;
    utc(vi_query_get_int(q, 10), r->made);
    utc(vi_query_get_int(q, 11), r->used);
    return (r->path = vi_strdup(path)) != NULL;
}

int vi_cache_runs(vi_cache *c, vi_cache_run **list, int *n, viso_error *err)
{
    int64_t most = 0;
    bool room = true;
    *list = NULL;
    *n = 0;
    int rc = vi_query_number(c->file, "SELECT count(*) FROM runs", -1, &most, err);
    if (rc)
        return rc;
    if (!(*list = vi_calloc((size_t)most + 1, sizeof **list)))
        return vi_error_nomem(err, "cache");
    vi_query q = vi_query_make(c->file,
        "SELECT i.digest, i.path, i.bytes, r.bytes, r.frames, coalesce((SELECT min(pts) FROM frames WHERE run = r.id), r.first),"
        " coalesce((SELECT max(pts) FROM frames WHERE run = r.id), r.first), num, den, whole, made, used"
        " FROM runs r JOIN inputs i ON i.id = r.input WHERE whole OR owner > 0 ORDER BY used DESC, r.id");
    while (room && *n < most && vi_query_row(&q))
        room = get(&q, &(*list)[(*n)++]);
    rc = vi_query_end(&q, err);
    if (!rc && !room)
        rc = vi_error_nomem(err, "cache");
    if (rc) {
        vi_cache_runs_free(*list, *n);
        *list = NULL;
        *n = 0;
    }
    return rc;
}

void vi_cache_runs_free(vi_cache_run *list, int n)
{
    for (int i = 0; list && i < n; i++)
        vi_free(list[i].path);
    vi_free(list);
}

/* A statement over the runs of an input, or of all. */
static int of_input(vi_cache *c, const char *what, bool all, const char *digest, const char *path, int *count, viso_error *err)
{
    char sql[200];
    snprintf(sql, sizeof sql, "%s (?1 OR input IN (SELECT id FROM inputs WHERE digest = ?2 OR path = ?3))", what);
    vi_query q = vi_query_make(c->file, sql);
    vi_query_int(&q, all);
    vi_query_text(&q, digest ? digest : "");
    vi_query_text(&q, path ? path : "\n"); /* no path that there is */
    bool row = vi_query_row(&q);
    if (count)
        *count = row ? (int)vi_query_get_int(&q, 0) : 0;
    return vi_query_end(&q, err);
}

int vi_cache_clear(vi_cache *c, const char *digest, const char *path, int *runs, viso_error *err)
{
    bool all = !digest && !path;
    int rc = vi_store_begin(c->file, err);
    if (rc)
        return rc;
    rc = of_input(c, "SELECT count(*) FROM runs WHERE (whole OR owner > 0) AND", all, digest, path, runs, err);
    if (!rc)
        rc = of_input(c, "DELETE FROM runs WHERE", all, digest, path, NULL, err);
    if (!rc)
        rc = vi_store_exec(c->file, "DELETE FROM inputs WHERE id NOT IN (SELECT input FROM runs)", err);
    if (!rc)
        return vi_store_commit(c->file, err);
    vi_store_rollback(c->file);
    return rc;
}

int vi_cache_shrink(vi_cache *c, viso_error *err)
{
    int rc = vi_store_exec(c->file, "VACUUM", err);
    return rc ? rc : vi_store_exec(c->file, "PRAGMA wal_checkpoint(TRUNCATE)", err);
}
