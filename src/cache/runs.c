/* cache/runs.c: runs: found, begun, ended, thrown away. A run that is not whole has an owner, the process that writes it; one without
 * an owner is given up and is deleted a little at a time, so that nobody waits for the deletion of a long clip. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/internal.h"

enum { STALE_MS = 3600 * 1000 };

/* Now, and later than all before, whatever the clock does: the order in which runs go. */
#define LATEST "max(?1, (SELECT max(used) + 1 FROM runs))"

int vi_cache_find(vi_cache *c, const vi_cache_input *in, const char *key, const vi_cache_span *span, int64_t *run, viso_error *err)
{
    *run = 0;
    vi_query q = vi_query_make(c->file,
        "SELECT r.id FROM runs r JOIN inputs i ON i.id = r.input WHERE i.digest = ?1 AND i.bytes = ?2 AND r.key = ?3 AND r.whole"
        " AND r.first <= ?4 AND r.\"end\" >= ?5"
        " AND (r.first = ?4 OR EXISTS (SELECT 1 FROM frames WHERE run = r.id AND pts = ?4))" /* a first frame may be damaged */
        " AND r.frames = (SELECT count(*) FROM frames WHERE run = r.id) ORDER BY r.first <> ?4, r.first, r.id DESC LIMIT 1");
    vi_query_text(&q, in->digest);
    vi_query_int(&q, (int64_t)in->bytes);
    vi_query_text(&q, key);
    vi_query_int(&q, span->first);
    vi_query_int(&q, span->end);
    if (vi_query_row(&q))
        *run = vi_query_get_int(&q, 0);
    int rc = vi_query_end(&q, err);
    if (rc)
        return rc;
    if (!*run)
        return VISO_EOF;
    q = vi_query_make(c->file, "UPDATE runs SET used = " LATEST " WHERE id = ?2");
    vi_query_int(&q, vi_cache_now_ms());
    vi_query_int(&q, *run);
    vi_query_row(&q);
    vi_query_end(&q, NULL); /* it is as good without */
    return VISO_OK;
}

static int input_id(vi_cache *c, const vi_cache_input *in, int64_t *id, viso_error *err)
{
    /* The path is where it was seen last. */
    vi_query q = vi_query_make(c->file, "INSERT INTO inputs (digest, bytes, path) VALUES (?, ?, ?)"
                                        " ON CONFLICT (digest) DO UPDATE SET path = excluded.path");
    vi_query_text(&q, in->digest);
    vi_query_int(&q, (int64_t)in->bytes);
    vi_query_text(&q, in->path ? in->path : "");
    vi_query_row(&q);
    int rc = vi_query_end(&q, err);
    if (rc)
        return rc;
    q = vi_query_make(c->file, "SELECT id FROM inputs WHERE digest = ?");
    vi_query_text(&q, in->digest);
    *id = vi_query_row(&q) ? vi_query_get_int(&q, 0) : 0;
    return vi_query_end(&q, err);
}

static int insert_run(vi_cache *c, int64_t input, const char *key, const vi_cache_span *span, int64_t *run, viso_error *err)
{
    int64_t now = vi_cache_now_ms();
    vi_query q = vi_query_make(c->file, "INSERT INTO runs (input, key, first, \"end\", num, den, whole, owner, frames, bytes, made, used)"
                                        " VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, 0, ?, ?)");
    vi_query_int(&q, input);
    vi_query_text(&q, key);
    vi_query_int(&q, span->first);
    vi_query_int(&q, span->end);
    vi_query_int(&q, span->num);
    vi_query_int(&q, span->den);
    vi_query_int(&q, getpid());
    vi_query_int(&q, now);
    vi_query_int(&q, now);
    vi_query_row(&q);
    int rc = vi_query_end(&q, err);
    *run = rc ? 0 : vi_store_last_id(c->file);
    return rc;
}

int vi_cache_begin(vi_cache *c, const vi_cache_input *in, const char *key, const vi_cache_span *span, int64_t *run, viso_error *err)
{
    int64_t input = 0;
    *run = 0;
    int rc = vi_store_begin(c->file, err);
    if (rc)
        return rc;
    rc = input_id(c, in, &input, err);
    if (!rc)
        rc = insert_run(c, input, key, span, run, err);
    if (!rc)
        return vi_store_commit(c->file, err);
    vi_store_rollback(c->file);
    return rc;
}

/* Runs that this one makes needless: of the same beginning and no further end. */
static int replace_older(vi_cache *c, int64_t run, viso_error *err)
{
    vi_query q = vi_query_make(c->file,
        "UPDATE runs SET whole = 0, owner = 0 WHERE whole AND id <> ?1 AND EXISTS (SELECT 1 FROM runs n WHERE n.id = ?1"
        " AND n.input = runs.input AND n.key = runs.key AND n.first = runs.first AND n.\"end\" >= runs.\"end\")");
    vi_query_int(&q, run);
    vi_query_row(&q);
    return vi_query_end(&q, err);
}

int vi_cache_finish(vi_cache *c, int64_t run, viso_error *err)
{
    int rc = vi_store_begin(c->file, err);
    if (rc)
        return rc;
    vi_query q = vi_query_make(c->file, "UPDATE runs SET whole = 1, owner = 0, used = " LATEST " WHERE id = ?2 AND owner = ?3");
    vi_query_int(&q, vi_cache_now_ms());
    vi_query_int(&q, run);
    vi_query_int(&q, getpid());
    vi_query_row(&q);
    bool there = vi_store_changes(c->file) == 1;
    rc = vi_query_end(&q, err);
    if (!rc && there)
        rc = replace_older(c, run, err);
    if (!rc)
        return vi_store_commit(c->file, err);
    vi_store_rollback(c->file);
    return rc;
}

void vi_cache_drop(vi_cache *c, int64_t run)
{
    if (!c->file)
        return;
    vi_query q = vi_query_make(c->file, "UPDATE runs SET whole = 0, owner = 0 WHERE id = ?");
    vi_query_int(&q, run);
    vi_query_row(&q);
    vi_query_end(&q, NULL);
}

/* ---- what goes ---- */

static bool gone(int64_t owner, int64_t used)
{
    return (kill((pid_t)owner, 0) != 0 && errno == ESRCH) || used + STALE_MS < vi_cache_now_ms();
}

int vi_cache_bury(vi_cache *c, viso_error *err)
{
    enum { MOST = 64 };
    int64_t dead[MOST];
    int n = 0;
    vi_query q = vi_query_make(c->file, "SELECT id, owner, used FROM runs WHERE NOT whole AND owner > 0");
    while (n < MOST && vi_query_row(&q))
        if (gone(vi_query_get_int(&q, 1), vi_query_get_int(&q, 2)))
            dead[n++] = vi_query_get_int(&q, 0);
    int rc = vi_query_end(&q, err);
    for (int i = 0; i < n; i++)
        vi_cache_drop(c, dead[i]);
    return rc;
}

static int delete_some(vi_cache *c, int64_t run, int *frames, viso_error *err)
{
    vi_query q = vi_query_make(c->file, "DELETE FROM frames WHERE rowid IN (SELECT rowid FROM frames WHERE run = ? LIMIT ?)");
    vi_query_int(&q, run);
    vi_query_int(&q, *frames);
    vi_query_row(&q);
    int deleted = vi_store_changes(c->file), rc = vi_query_end(&q, err);
    if (rc)
        return rc;
    bool all = deleted < *frames;
    *frames -= deleted;
    if (!all)
        return VISO_OK;
    q = vi_query_make(c->file, "DELETE FROM runs WHERE id = ?");
    vi_query_int(&q, run);
    vi_query_row(&q);
    rc = vi_query_end(&q, err);
    return rc ? rc : vi_store_exec(c->file, "DELETE FROM inputs WHERE id NOT IN (SELECT input FROM runs)", err);
}

/* While what is whole or being written is more than the limit, the whole run that was not used for longest is given up. */
static int keep_limit(vi_cache *c, viso_error *err)
{
    for (;;) {
        int64_t bytes = 0;
        int rc = vi_query_number(c->file, "SELECT coalesce(sum(bytes), 0) FROM runs WHERE whole OR owner > 0", -1, &bytes, err);
        if (rc || !c->limit || (uint64_t)bytes <= c->limit)
            return rc;
        rc = vi_store_exec(c->file, "UPDATE runs SET whole = 0, owner = 0 WHERE id = (SELECT id FROM runs WHERE whole ORDER BY used, id"
                                    " LIMIT 1)", err);
        if (rc || vi_store_changes(c->file) == 0)
            return rc;
    }
}

bool vi_cache_untidy(vi_cache *c)
{
    int64_t bytes = 0, dead = 0;
    vi_query_number(c->file, "SELECT sum(bytes) FROM runs WHERE whole OR owner > 0", -1, &bytes, NULL);
    vi_query_number(c->file, "SELECT count(*) FROM runs WHERE NOT whole AND owner = 0", -1, &dead, NULL);
    return dead > 0 || (c->limit && (uint64_t)bytes > c->limit);
}

int vi_cache_sweep(vi_cache *c, int frames, viso_error *err)
{
    int rc = keep_limit(c, err);
    while (!rc && frames > 0) {
        int64_t run = 0;
        rc = vi_query_number(c->file, "SELECT id FROM runs WHERE NOT whole AND owner = 0 LIMIT 1", -1, &run, err);
        if (rc || !run)
            break;
        rc = delete_some(c, run, &frames, err);
    }
    return rc;
}
