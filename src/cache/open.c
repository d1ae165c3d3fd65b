/* cache/open.c: the file, and what becomes of it when it is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/internal.h"

enum { SWEEP = 4000, SLACK_PAGES = 4096 };

/* AUTOINCREMENT: a number is never given twice, so that who writes to a run that was taken away notices. */
static const char *const steps[] = {
    "CREATE TABLE inputs (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL, path TEXT NOT NULL);"
    "CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, input INTEGER NOT NULL REFERENCES inputs (id) ON DELETE CASCADE,"
    " key TEXT NOT NULL, first INTEGER NOT NULL, \"end\" INTEGER NOT NULL, num INTEGER NOT NULL, den INTEGER NOT NULL,"
    " whole INTEGER NOT NULL, owner INTEGER NOT NULL, frames INTEGER NOT NULL, bytes INTEGER NOT NULL, made INTEGER NOT NULL,"
    " used INTEGER NOT NULL);"
    "CREATE INDEX runs_of ON runs (input, key);"
    "CREATE TABLE frames (run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, pts INTEGER NOT NULL, sum INTEGER NOT NULL,"
    " data BLOB NOT NULL, PRIMARY KEY (run, pts));",
};

/* A log beside the file (WAL) with `synchronous` NORMAL: a batch is written without waiting for the disk, readers and the one
 * writer do not hold each other up, and what a kill or a loss of power leaves is the state after some earlier batch. Where that
 * cannot be had (a network file system) SQLite's other way works as well. Less time than in the gallery is spent waiting for others: the
 * run that waits is worth more than its record. Pages of 2 KB: a frame's row of 6 KB wastes a third of the file with 4 KB. */
const vi_store_kind vi_cache_kind = {
    .what = "cache",
    .application = 0x76697363, /* "visc" */
    .step = steps,
    .n_step = (int)VI_COUNT(steps),
    .busy_ms = 2000,
    .first = "PRAGMA page_size = 2048; PRAGMA auto_vacuum = INCREMENTAL",
    .always = "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000",
    .wish = "PRAGMA journal_mode = WAL",
};

int64_t vi_cache_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What was found at the place goes, unless somebody else has put it aside meanwhile. */
static void put_aside(const vi_log *log, const char *path, vi_cache_which seen, const char *why)
{
    char to[1200];
    if (!vi_cache_move_aside(path, seen, to, sizeof to))
        vi_warn(log, "%s; nothing is kept", why);
    else if (to[0])
        vi_warn(log, "%s; it was moved to %s, and a new one is begun", why, to);
}

/* The usual folder may have been made by somebody who did not know what would come into it. */
static void close_folder(const char *folder)
{
    struct stat st;
    const char *name = vi_base_name(folder);
    if (strcmp(name, "viso") == 0 && stat(folder, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 077) && st.st_uid == geteuid())
        chmod(folder, 0700);
}

/* What is given up goes, as far as that is quick. While somebody else is writing it waits for another time. */
static void tidy(vi_cache *c)
{
    viso_error why = { 0 };
    if (vi_cache_bury(c, &why) == 0 && vi_cache_untidy(c) && vi_store_begin(c->file, &why) == 0 &&
        (vi_cache_sweep(c, SWEEP, &why) != 0 || vi_store_commit(c->file, &why) != 0))
        vi_store_rollback(c->file);
}

/* The lock on the folder is held. */
static int open_file(vi_cache *c, const char *path, bool create, viso_error *why)
{
    bool broken;
    c->which = vi_cache_which_is(path);
    int rc = vi_store_open(&c->file, path, &vi_cache_kind, create, &c->log, &broken, why);
    if (rc && broken && create) {
        put_aside(&c->log, path, c->which, why->text);
        *why = (viso_error){ 0 };
        c->which.there = false;
        rc = vi_store_open(&c->file, path, &vi_cache_kind, create, &c->log, &broken, why);
    }
    if (!c->which.there)
        c->which = vi_cache_which_is(path); /* made just now */
    return rc;
}

int vi_cache_open(vi_cache **out, const char *folder, uint64_t limit, bool create, const vi_log *log, viso_error *err)
{
    viso_error why = { 0 };
    vi_cache *c = vi_calloc(1, sizeof *c);
    char *path = vi_path_join(folder, "results.db");
    *out = c;
    if (!c || !path || !(c->folder = vi_strdup(folder))) {
        vi_free(path);
        vi_cache_close(out);
        return vi_error_nomem(err, "cache");
    }
    c->limit = limit;
    c->log = log ? *log : (vi_log){ 0 };
    int lock = vi_cache_lock(folder);
    int rc = open_file(c, path, create, &why);
    vi_cache_unlock(lock);
    vi_free(path);
    if (!rc && create) {
        c->writes = true;
        close_folder(folder);
        tidy(c);
    }
    if (!rc)
        return VISO_OK;
    vi_cache_close(out);
    return rc == VISO_EOF ? rc : vi_error_set(err, rc, "%s", why.text);
}

void vi_cache_close(vi_cache **p)
{
    vi_cache *c = *p;
    int64_t pages = 0, unused = 0;
    *p = NULL;
    if (!c)
        return;
    if (c->file && c->writes && !c->file->broken)
        tidy(c);
    /* Room that was given up goes back to the disk when it is a good part. */
    if (c->file && !c->file->broken && vi_query_number(c->file, "PRAGMA page_count", -1, &pages, NULL) == 0 &&
        vi_query_number(c->file, "PRAGMA freelist_count", -1, &unused, NULL) == 0 && unused > SLACK_PAGES && unused > pages / 4)
        vi_store_exec(c->file, "PRAGMA incremental_vacuum(20000)", NULL);
    vi_store_close(&c->file);
    vi_free(c->folder);
    vi_free(c);
}

const char *vi_cache_path(const vi_cache *c)
{
    return c->file->path;
}

void vi_cache_give_up(vi_cache *c)
{
    if (!c->file->broken)
        return;
    char *path = vi_strdup(c->file->path), to[1200];
    vi_store_close(&c->file);
    if (path) {
        int lock = vi_cache_lock(c->folder);
        if (vi_cache_move_aside(path, c->which, to, sizeof to) && to[0])
            vi_warn(&c->log, "%s: the cache is damaged; it was moved to %s", path, to);
        vi_cache_unlock(lock);
    }
    vi_free(path);
}

uint64_t vi_cache_file_bytes(const vi_cache *c)
{
    uint64_t sum = 0;
    static const char *const side[] = { "", "-wal", "-shm", "-journal" };
    for (size_t i = 0; i < VI_COUNT(side); i++) {
        struct stat st;
        char *path = vi_asprintf("%s%s", c->file->path, side[i]);
        if (path && stat(path, &st) == 0)
            sum += (uint64_t)st.st_size;
        vi_free(path);
    }
    return sum;
}
