/* cache.c: `viso cache`: what is kept of videos for the next run. It is data about people, and that is said wherever it is shown. */
#include "cli.h"

#include <string.h>

#include "viso/cache.h"

static int with_cache(cli *c, int (*work)(cli *c, viso_cache *k, viso_error *err), viso_error *err)
{
    viso_engine *e = NULL;
    viso_cache *k = NULL;
    int rc = cli_engine_open(c, &e, err);
    rc = rc ? rc : viso_cache_open(&k, e, err);
    rc = rc ? rc : work(c, k, err);
    viso_cache_close(&k);
    cli_engine_close(&e);
    return rc;
}

static void size_text(uint64_t bytes, char text[32])
{
    static const char units[] = "KMGT";
    double v = (double)bytes / 1024;
    int i = 0;
    for (; v >= 1000 && units[i + 1]; i++)
        v /= 1024;
    if (bytes == 0)
        snprintf(text, 32, "0");
    else
        snprintf(text, 32, v < 10 ? "%.1f%c" : "%.0f%c", v, units[i]);
}

/* ---- info ---- */

static const char warning[] = "faces, and numbers by which people are known again: data about people, readable by you alone; viso cache "
                              "clear forgets it, --cache off keeps nothing";

static int info(cli *c, viso_cache *k, viso_error *err)
{
    viso_cache_state s;
    char size[32], limit[32];
    const char *path = viso_cache_path(k);
    int rc = viso_cache_now(k, &s, err);
    if (rc)
        return rc;
    if (c->json)
        return cli_json_print(json_pack("{s:o, s:b, s:b, s:I, s:o, s:i, s:i, s:I}", "cache", path[0] ? cli_json_text(path) : json_null(),
                                        "off", !path[0], "personal", 1, "bytes", (json_int_t)s.bytes, "limit",
                                        s.limit ? json_integer((json_int_t)s.limit) : json_null(), "inputs", s.inputs, "runs", s.runs,
                                        "frames", (json_int_t)s.frames), true, err);
    if (!path[0]) {
        printf("off: nothing is kept\n");
        return VISO_OK;
    }
    size_text(s.bytes, size);
    size_text(s.limit, limit);
    printf("%s: %s of %s\n", path, size, s.limit ? limit : "no limit");
    printf("%d input%s, %d run%s, %llu frames\n", s.inputs, s.inputs == 1 ? "" : "s", s.runs, s.runs == 1 ? "" : "s",
           (unsigned long long)s.frames);
    printf("%s\n", warning);
    return VISO_OK;
}

/* ---- list ---- */

static json_t *run_json(const viso_cache_run *r)
{
    return json_pack("{s:o, s:s, s:I, s:o, s:o, s:I, s:I, s:b, s:s, s:s}", "file", cli_json_text(r->path), "digest", r->digest, "size",
                     (json_int_t)r->input_bytes, "from", cli_json_number(r->from_s), "to", cli_json_number(r->to_s), "frames",
                     (json_int_t)r->frames, "bytes", (json_int_t)r->bytes, "whole", r->whole, "made", r->made, "used", r->used);
}

static int list(cli *c, viso_cache *k, viso_error *err)
{
    const viso_cache_run *run;
    int n;
    int rc = viso_cache_runs(k, &run, &n, err);
    if (rc)
        return rc;
    if (c->json) {
        json_t *a = json_array();
        for (int i = 0; i < n; i++)
            json_array_append_new(a, run_json(&run[i]));
        return cli_json_print(json_pack("{s:o, s:b, s:o}", "cache", viso_cache_path(k)[0] ? cli_json_text(viso_cache_path(k)) : json_null(),
                                        "personal", 1, "runs", a), true, err);
    }
    for (int i = 0; i < n; i++) {
        char size[32];
        size_text(run[i].bytes, size);
        printf("%s  %.12s  %.2f to %.2f s, %llu frames, %s%s, used %.10s\n", run[i].path, run[i].digest, run[i].from_s, run[i].to_s,
               (unsigned long long)run[i].frames, size, run[i].whole ? "" : ", being made", run[i].used);
    }
    if (n == 0)
        printf("nothing is kept\n");
    else
        printf("%s: %s\n", viso_cache_path(k), warning);
    return VISO_OK;
}

/* ---- clear ---- */

static int clear(cli *c, viso_cache *k, viso_error *err)
{
    int runs = 0;
    int rc = viso_cache_clear(k, c->word, c->n_word, &runs, err);
    if (rc)
        return rc;
    if (c->json)
        return cli_json_event("cleared", json_pack("{s:i}", "runs", runs), err);
    if (!c->quiet)
        printf("%d run%s forgotten\n", runs, runs == 1 ? "" : "s");
    return VISO_OK;
}

int cli_cache_info(cli *c, viso_error *err)
{
    return with_cache(c, info, err);
}

int cli_cache_list(cli *c, viso_error *err)
{
    return with_cache(c, list, err);
}

int cli_cache_clear(cli *c, viso_error *err)
{
    return with_cache(c, clear, err);
}
