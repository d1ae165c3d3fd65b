/* warmup.c: `viso warmup`: a line for each model that was loaded and run. */
#include "cli.h"

typedef struct lines {
    bool json;
    int rc;
    viso_error *err;
} lines;

static void print_line(void *user, const viso_warm *w)
{
    lines *l = user;
    if (l->rc)
        return;
    if (l->json)
        l->rc = cli_json_event("warm",
                               json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "model", cli_json_text(w->id), "provider",
                                         cli_json_text(w->provider), "fell_back",
                                         w->fell_back[0] ? cli_json_text(w->fell_back) : json_null(), "load_ms",
                                         cli_json_number(w->load_ms), "first_ms", cli_json_number(w->first_ms),
                                         "second_ms", cli_json_number(w->second_ms)),
                               l->err);
    else
        printf("%-30s %-8s  load %8.1f ms  first run %8.1f ms  second %8.1f ms%s%s\n", w->id, w->provider, w->load_ms,
               w->first_ms, w->second_ms, w->fell_back[0] ? "  not " : "", w->fell_back);
    fflush(stdout);
}

int cli_warmup(cli *c, viso_error *err)
{
    viso_engine *e = NULL;
    lines l = { c->json, VISO_OK, err };
    int rc = cli_engine_open(c, &e, err);
    rc = rc ? rc : viso_warmup(e, c->word, c->n_word, print_line, &l, err);
    cli_engine_close(&e);
    return rc ? rc : l.rc;
}
