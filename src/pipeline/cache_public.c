/* pipeline/cache_public.c: include/viso/cache.h over the cache room. */
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "pipeline/engine_impl.h"
#include "viso/cache.h"

struct viso_cache {
    viso_engine *e;
    char *folder, *path; /* NULL: off */
    vi_cache *file;      /* NULL while there is none */
    uint64_t limit;
    vi_cache_run *have;
    viso_cache_run *list;
    int n;
};

/* A cache that is there; never makes one. */
static int open_file(viso_cache *c, viso_error *err)
{
    if (c->file || !c->folder)
        return VISO_OK;
    vi_log log = vi_log_named(&c->e->log, "cache");
    int rc = vi_cache_open(&c->file, c->folder, c->limit, false, &log, err);
    return rc == VISO_EOF ? VISO_OK : rc;
}

int viso_cache_open(viso_cache **out, viso_engine *e, viso_error *err)
{
    const vi_cache_settings *s = vi_settings_group(e->settings, "cache");
    viso_cache *c = vi_calloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return vi_error_nomem(err, "cache");
    c->e = e;
    c->folder = vi_cache_folder(s);
    c->path = c->folder ? vi_path_join(c->folder, "results.db") : NULL;
    int rc = c->folder && !c->path ? vi_error_nomem(err, "cache") : vi_size_parse("cache-size", s->size, 0, &c->limit, err);
    if (!rc)
        rc = open_file(c, err);
    if (rc)
        viso_cache_close(&c);
    *out = c;
    return rc;
}

static void forget(viso_cache *c)
{
    vi_cache_runs_free(c->have, c->n);
    vi_free(c->list);
    c->have = NULL;
    c->list = NULL;
    c->n = 0;
}

void viso_cache_close(viso_cache **p)
{
    viso_cache *c = *p;
    *p = NULL;
    if (!c)
        return;
    forget(c);
    vi_cache_close(&c->file);
    vi_free(c->folder);
    vi_free(c->path);
    vi_free(c);
}

const char *viso_cache_path(const viso_cache *c)
{
    return c->path ? c->path : "";
}

static double seconds(const vi_cache_span *s, int64_t ticks)
{
    return s->den ? (double)ticks * s->num / s->den : 0;
}

int viso_cache_runs(viso_cache *c, const viso_cache_run **list, int *n, viso_error *err)
{
    forget(c);
    int rc = open_file(c, err);
    if (!rc && c->file)
        rc = vi_cache_runs(c->file, &c->have, &c->n, err);
    if (!rc && !(c->list = vi_calloc((size_t)c->n + 1, sizeof *c->list)))
        rc = vi_error_nomem(err, "cache");
    for (int i = 0; i < c->n && !rc; i++) {
        const vi_cache_run *from = &c->have[i];
        viso_cache_run *to = &c->list[i];
        to->path = from->path;
        memcpy(to->digest, from->digest, sizeof to->digest);
        to->input_bytes = from->input_bytes;
        to->from_s = seconds(&from->span, from->span.first);
        to->to_s = seconds(&from->span, from->span.end);
        to->frames = from->frames;
        to->bytes = from->bytes;
        to->whole = from->whole;
        memcpy(to->made, from->made, sizeof to->made);
        memcpy(to->used, from->used, sizeof to->used);
    }
    if (rc)
        forget(c);
    *list = c->list;
    *n = c->n;
    return rc;
}

int viso_cache_now(viso_cache *c, viso_cache_state *s, viso_error *err)
{
    const viso_cache_run *run;
    memset(s, 0, sizeof *s);
    s->limit = c->limit;
    int rc = viso_cache_runs(c, &run, &s->runs, err);
    if (rc || !c->file)
        return rc;
    s->bytes = vi_cache_file_bytes(c->file);
    for (int i = 0; i < s->runs; i++) {
        bool again = false;
        for (int k = 0; k < i && !again; k++)
            again = strcmp(run[k].digest, run[i].digest) == 0;
        s->inputs += !again;
        s->frames += run[i].frames;
    }
    return VISO_OK;
}

/* By what the file holds now, and by where it is: an input that was changed since is forgotten as well. */
static int clear_one(viso_cache *c, const char *file, int *runs, viso_error *err)
{
    vi_cache_input in;
    *runs = 0;
    int rc = vi_cache_identify(file, &in, err);
    bool there = rc == 0;
    if (rc && rc != VISO_EOF)
        return rc;
    if (c->file)
        rc = vi_cache_clear(c->file, there ? in.digest : NULL, there ? in.path : file, runs, err);
    else
        rc = VISO_OK;
    vi_cache_input_free(&in);
    return rc || *runs ? rc : vi_error_set(err, VISO_ERR_INPUT, "%s: nothing of it is in the cache; viso cache list shows what is", file);
}

int viso_cache_clear(viso_cache *c, const char *const *file, int n, int *runs, viso_error *err)
{
    int sum = 0, one = 0;
    forget(c);
    int rc = open_file(c, err);
    if (!rc && n == 0 && c->file)
        rc = vi_cache_clear(c->file, NULL, NULL, &sum, err);
    for (int i = 0; i < n && !rc; i++, sum += one)
        rc = clear_one(c, file[i], &one, err);
    if (c->file && (sum > 0 || (!rc && n == 0))) {
        viso_error shrink = { 0 };
        int also = vi_cache_shrink(c->file, rc ? &shrink : err);
        rc = rc ? rc : also;
    }
    if (runs)
        *runs = sum;
    return rc;
}
