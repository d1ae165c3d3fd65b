/* models.c: `viso models list|info|path|install|remove|import|verify`. */
#include "viso/model.h"

#include <string.h>
#include <unistd.h>

#include "cli.h"

/* The folder of --models, NULL for the usual places. */
static const char *models_dir(const cli *c, char *text, size_t size)
{
    return viso_options_get(c->options, "models", text, size, NULL) == 0 && text[0] ? text : NULL;
}

static json_t *model_json(const viso_model_info *m)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:i}", "id", cli_json_text(m->id), "role",
                     cli_json_text(m->role), "label", cli_json_text(m->label), "file", cli_json_text(m->file), "bytes",
                     (json_int_t)m->bytes, "sha256", cli_json_text(m->sha256), "licence", cli_json_text(m->licence),
                     "commercial", cli_json_text(m->commercial), "origin", cli_json_text(m->origin), "preset",
                     cli_json_text(m->preset), "state", cli_json_text(m->state), "path", cli_json_text(m->path),
                     "about_bytes", (json_int_t)m->about_bytes, "addresses", m->addresses);
}

/* "permissive" means the usual licences that ask for no more than to be named. */
static bool licence_fits(const viso_model_info *m, const char *wanted)
{
    static const char *const permissive[] = { "MIT",  "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC",
                                              "Zlib", "CC0-1.0",    "Unlicense",    "0BSD",         "CC-BY-4.0" };
    if (!wanted || strcasecmp(wanted, m->licence) == 0)
        return true;
    for (size_t i = 0; i < VI_COUNT(permissive) && strcasecmp(wanted, "permissive") == 0; i++)
        if (strcasecmp(permissive[i], m->licence) == 0)
            return true;
    return false;
}

static int print_models_json(const viso_model_list *l, const char *licence, viso_error *err)
{
    json_t *list = json_array();
    for (int i = 0; i < viso_models_count(l); i++)
        if (licence_fits(viso_models_at(l, i), licence))
            json_array_append_new(list, model_json(viso_models_at(l, i)));
    return cli_json_print(json_pack("{s:o}", "models", list), true, err);
}

static void size_text(const viso_model_info *m, char text[16])
{
    double bytes = (double)(m->bytes ? m->bytes : m->about_bytes);
    const char *about = m->bytes ? "" : "~";
    if (bytes <= 0)
        snprintf(text, 16, "-");
    else if (bytes < 1e6)
        snprintf(text, 16, "%s%.0f kB", about, bytes / 1e3);
    else
        snprintf(text, 16, "%s%.1f MB", about, bytes / 1e6);
}

static void print_table(const viso_model_list *l, const char *wanted)
{
    int id = 5, role = 4, licence = 7;
    for (int i = 0; i < viso_models_count(l); i++) {
        const viso_model_info *m = viso_models_at(l, i);
        id = VI_MAX(id, (int)strlen(m->id));
        role = VI_MAX(role, (int)strlen(m->role));
        licence = VI_MAX(licence, (int)strlen(m->licence));
    }
    printf("%-*s  %-*s  %9s  %-*s  %-10s  %s\n", id, "model", role, "role", "size", licence, "licence", "commercial",
           "state");
    for (int i = 0; i < viso_models_count(l); i++) {
        const viso_model_info *m = viso_models_at(l, i);
        char size[16];
        if (!licence_fits(m, wanted))
            continue;
        size_text(m, size);
        printf("%-*s  %-*s  %9s  %-*s  %-10s  %s\n", id, m->id, role, m->role, size, licence, m->licence, m->commercial,
               m->state);
    }
}

int cli_models_list(cli *c, viso_error *err)
{
    char dir[1024];
    viso_model_list *l = NULL;
    const char *licence = cli_value(c, "licence");
    int rc = viso_models_list(&l, models_dir(c, dir, sizeof dir), cli_has(c, "verify"), err);
    if (rc)
        return rc;
    if (c->json)
        rc = print_models_json(l, licence, err);
    else
        print_table(l, licence);
    viso_models_free(&l);
    return rc;
}

static const viso_model_info *find(const viso_model_list *l, const char *id)
{
    for (int i = 0; i < viso_models_count(l); i++)
        if (strcmp(viso_models_at(l, i)->id, id) == 0)
            return viso_models_at(l, i);
    return NULL;
}

static int unknown_model(const viso_model_list *l, const char *id, viso_error *err)
{
    vi_nearest near;
    vi_nearest_begin(&near, id);
    for (int i = 0; i < viso_models_count(l); i++)
        vi_nearest_offer(&near, viso_models_at(l, i)->id);
    const char *best = vi_nearest_best(&near);
    return vi_error_set(err, VISO_ERR_USAGE,
                        best ? "there is no model '%.60s'; did you mean '%s'?"
                             : "there is no model '%.60s'; viso models list shows all",
                        id, best);
}

int cli_models_info(cli *c, viso_error *err)
{
    char folder[1024];
    const char *dir = models_dir(c, folder, sizeof folder);
    viso_model_list *l = NULL;
    int rc = viso_models_list(&l, dir, 0, err);
    for (int i = 0; rc == 0 && i < c->n_word; i++) {
        const viso_model_info *m = find(l, c->word[i]);
        char *text = NULL;
        if (!m)
            rc = unknown_model(l, c->word[i], err);
        else if (c->json)
            rc = cli_json_print(model_json(m), true, err);
        else if ((rc = viso_models_describe(dir, c->word[i], &text, err)) == 0)
            printf("%s%s%s", i ? "\n" : "", text, text[0] && text[strlen(text) - 1] == '\n' ? "" : "\n");
        viso_text_free(text);
    }
    viso_models_free(&l);
    return rc;
}

/* All words name models of the list? */
static int check_words(cli *c, const viso_model_list *l, viso_error *err)
{
    for (int i = 0; i < c->n_word; i++)
        if (!find(l, c->word[i]))
            return unknown_model(l, c->word[i], err);
    return VISO_OK;
}

/* Without a word the folder that new models go to. */
int cli_models_path(cli *c, viso_error *err)
{
    char folder[1024], *path = NULL;
    const char *dir = models_dir(c, folder, sizeof folder);
    viso_model_list *l = NULL;
    if (c->n_word == 0) {
        int rc = viso_models_folder(dir, &path, err);
        if (rc == 0)
            rc = c->json ? cli_json_print(json_pack("{s:o}", "folder", cli_json_text(path)), false, err) : (puts(path), 0);
        viso_text_free(path);
        return rc;
    }
    int rc = viso_models_list(&l, dir, 0, err);
    rc = rc ? rc : check_words(c, l, err);
    for (int i = 0; rc == 0 && i < c->n_word; i++) {
        const viso_model_info *m = find(l, c->word[i]);
        if (!m->path[0])
            rc = vi_error_set(err, VISO_ERR_MODEL, "model %s is not installed (%s)", m->id, m->file);
        else if (c->json)
            rc = cli_json_print(json_pack("{s:o, s:o}", "id", cli_json_text(m->id), "path", cli_json_text(m->path)), false, err);
        else
            puts(m->path);
    }
    viso_models_free(&l);
    return rc;
}

/* ---- install ---- */

typedef struct download {
    const cli *c;
    uint64_t shown_ns;
    bool bar, drawn;
} download;

static int on_download(void *user, const char *id, uint64_t done, uint64_t total)
{
    download *d = user;
    uint64_t now = vi_now_ns();
    if (cli_interrupted())
        return 1;
    if (now - d->shown_ns < 200000000u || (!d->bar && !d->c->json))
        return 0;
    d->shown_ns = now;
    if (d->c->json)
        return cli_json_event("progress", json_pack("{s:o, s:I, s:I}", "id", cli_json_text(id), "done", (json_int_t)done, "total",
                                                    (json_int_t)total), NULL) != 0;
    if (total)
        fprintf(stderr, "\r%s: %.1f of %.1f MB ", id, (double)done / 1e6, (double)total / 1e6);
    else
        fprintf(stderr, "\r%s: %.1f MB ", id, (double)done / 1e6);
    fflush(stderr);
    d->drawn = true;
    return 0;
}

static int install_one(cli *c, const viso_model_info *m, const char *dir, viso_error *err)
{
    download d = { .c = c, .bar = !c->quiet && !c->json && isatty(STDERR_FILENO) };
    viso_install how = { .dir = dir, .offline = cli_has(c, "offline"), .progress = on_download, .user = &d };
    bool there = strcmp(m->state, "installed") == 0;
    if (!there && !c->quiet && !c->json)
        fprintf(stderr, "%s: licence %s, commercial use: %s; %s\n", m->id, m->licence, m->commercial, m->origin);
    int rc = viso_models_install(m->id, &how, err);
    if (d.drawn)
        fputc('\n', stderr);
    if (rc == 0 && c->json)
        rc = cli_json_event("installed", json_pack("{s:o, s:b}", "id", cli_json_text(m->id), "fetched", !there), err);
    else if (rc == 0 && !c->quiet)
        printf("%s: %s\n", m->id, there ? "is here already" : "installed");
    return rc;
}

int cli_models_install(cli *c, viso_error *err)
{
    char folder[1024];
    const char *dir = models_dir(c, folder, sizeof folder), *preset = cli_value(c, "preset");
    viso_model_list *l = NULL;
    int done = 0;
    if (!preset == !c->n_word)
        return vi_error_set(err, VISO_ERR_USAGE, "name models, or a set of them with --preset; viso models list shows all");
    int rc = viso_models_list(&l, dir, 2, err);
    rc = rc ? rc : check_words(c, l, err);
    cli_signals_note();
    for (int i = 0; rc == 0 && i < c->n_word; i++)
        rc = install_one(c, find(l, c->word[i]), dir, err);
    for (int i = 0; rc == 0 && preset && i < viso_models_count(l); i++)
        if (strcmp(viso_models_at(l, i)->preset, preset) == 0) {
            rc = install_one(c, viso_models_at(l, i), dir, err);
            done++;
        }
    if (rc == 0 && preset && done == 0)
        rc = vi_error_set(err, VISO_ERR_USAGE, "there is no preset '%.60s'; viso models list --json shows them", preset);
    viso_models_free(&l);
    return rc;
}

int cli_models_remove(cli *c, viso_error *err)
{
    char folder[1024];
    const char *dir = models_dir(c, folder, sizeof folder);
    viso_model_list *l = NULL;
    int rc = viso_models_list(&l, dir, 0, err);
    rc = rc ? rc : check_words(c, l, err); /* before the first is gone */
    viso_models_free(&l);
    for (int i = 0; rc == 0 && i < c->n_word; i++) {
        char *path = NULL;
        rc = viso_models_remove(dir, c->word[i], &path, err);
        if (rc == 0 && c->json)
            rc = cli_json_event("removed", json_pack("{s:o, s:o}", "id", cli_json_text(c->word[i]), "path", cli_json_text(path)),
                                err);
        else if (rc == 0 && !c->quiet)
            printf("removed %s\n", path);
        viso_text_free(path);
    }
    return rc;
}

/* "dir/net.tflite" gives "dir/net.onnx". */
static char *usual_out(const char *in)
{
    char extension[16];
    vi_extension(in, extension);
    return vi_asprintf("%.*s.onnx", (int)(strlen(in) - (extension[0] ? strlen(extension) + 1 : 0)), in);
}

static int adopt(cli *c, const char *in, viso_error *err)
{
    char folder[1024], *text = NULL;
    int rc = viso_models_adopt(models_dir(c, folder, sizeof folder), in, cli_value(c, "as"), &text, err);
    if (rc == 0 && c->json)
        rc = cli_json_event("done", json_pack("{s:o, s:o}", "file", cli_json_text(in), "text", cli_json_text(text)), err);
    else if (rc == 0 && !c->quiet)
        puts(text);
    viso_text_free(text);
    return rc;
}

int cli_models_import(cli *c, viso_error *err)
{
    const char *in = c->word[0], *given = cli_value(c, "out");
    int rc = cli_check_input(in, err);
    if (rc)
        return rc;
    char extension[16];
    vi_extension(in, extension);
    if (!given && strcmp(extension, "tflite") != 0)
        return adopt(c, in, err);
    if (cli_has(c, "as"))
        return vi_error_set(err, VISO_ERR_USAGE, "--as is for ONNX files, which are put into the folder of models");
    char *out = given ? vi_strdup(given) : usual_out(in);
    if (!out)
        return vi_error_nomem(err, "name of the result");
    if (vi_same_file(in, out))
        rc = vi_error_set(err, VISO_ERR_USAGE, "%s: is the input; name another file with -o", out);
    rc = rc ? rc : viso_models_import(in, out, err);
    if (rc == 0 && c->json)
        rc = cli_json_event("done", json_pack("{s:o, s:o}", "file", cli_json_text(in), "out", cli_json_text(out)), err);
    vi_free(out);
    return rc;
}

static bool is_named(const cli *c, const char *id)
{
    for (int i = 0; i < c->n_word; i++)
        if (strcmp(c->word[i], id) == 0)
            return true;
    return false;
}

int cli_models_verify(cli *c, viso_error *err)
{
    char dir[1024];
    viso_model_list *l = NULL;
    int rc = viso_models_list(&l, models_dir(c, dir, sizeof dir), 1, err);
    for (int i = 0; rc == 0 && i < c->n_word; i++)
        if (!find(l, c->word[i]))
            rc = unknown_model(l, c->word[i], err);
    if (rc == 0 && c->json)
        rc = print_models_json(l, NULL, err);
    for (int i = 0, fault = 0; rc == 0 && i < viso_models_count(l); i++) {
        const viso_model_info *m = viso_models_at(l, i);
        bool damaged = strcmp(m->state, "damaged") == 0, missing = strcmp(m->state, "missing") == 0;
        if (c->n_word && !is_named(c, m->id))
            continue;
        /* Models that were never asked for are no news. */
        if (!c->json && (!missing || c->n_word || strcmp(m->preset, "starter") == 0))
            printf("%s: %s\n", m->id, m->state);
        if (damaged || (missing && (c->n_word || strcmp(m->preset, "starter") == 0)))
            fault = vi_error_set(err, VISO_ERR_MODEL, "model %s is %s (%s); %s", m->id, m->state,
                                 m->path[0] ? m->path : m->file,
                                 m->addresses ? "viso models install gets it again"
                                              : "run make setup and make build to get it again");
        if (i == viso_models_count(l) - 1)
            rc = fault;
    }
    viso_models_free(&l);
    return rc ? rc : err->code;
}
