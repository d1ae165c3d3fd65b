/* main.c: `viso`: reads the line, gathers the settings (defaults, then the configuration file, then the line),
 * runs one command, and turns its status into the exit code. Faults are printed here and nowhere else. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "viso/version.h"

int cli_exit_code(int status)
{
    return status <= 0 && status >= VISO_ERR_INTERRUPTED ? -status : -VISO_ERR_INTERNAL;
}

int cli_terminal_width(int fd)
{
    struct winsize w;
    if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    const char *columns = getenv("COLUMNS");
    int n = columns ? atoi(columns) : 0;
    return n > 0 ? n : 80;
}

int cli_check_input(const char *path, viso_error *err)
{
    return access(path, R_OK) == 0
               ? VISO_OK
               : vi_error_set(err, VISO_ERR_INPUT, "%s: cannot read: %s; check the name and the folder you are in",
                              path, strerror(errno));
}

int cli_check_output(const cli *c, const char *out, const char *const *input, int n_input, viso_error *err)
{
    for (int i = 0; i < n_input; i++)
        if (vi_same_file(out, input[i]))
            return vi_error_set(err, VISO_ERR_USAGE,
                                "%s: is an input of this run and is never replaced; name another file with -o", out);
    viso_unfinished_info left; /* after Ctrl-C its result so far has the name already */
    if (!c->force && access(out, F_OK) == 0 && !(c->resume && viso_unfinished(out, &left)))
        return vi_error_set(err, VISO_ERR_USAGE,
                            "%s: exists already; give --force (-y) to replace it, or name another file", out);
    return VISO_OK;
}

int cli_engine_open(cli *c, viso_engine **e, viso_error *err)
{
    int rc = viso_engine_create(e, c->options, progress_log, c->progress, err);
    if (rc == 0)
        cli_signals_watch(*e);
    return rc;
}

void cli_engine_close(viso_engine **e)
{
    cli_signals_watch(NULL);
    viso_engine_destroy(e);
}

/* ---- settings ---- */

/* $XDG_CONFIG_HOME/viso/viso.conf or ~/.config/viso/viso.conf, allocated; NULL when there is no home either. */
static char *usual_config(void)
{
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/')
        return vi_asprintf("%s/viso/viso.conf", base);
    return home && home[0] ? vi_asprintf("%s/.config/viso/viso.conf", home) : NULL;
}

static int load_config(cli *c, viso_error *err)
{
    const char *given = cli_value(c, "config");
    if (given)
        return strcmp(given, "none") == 0 ? VISO_OK : viso_options_load(c->options, given, err);
    char *path = usual_config();
    int rc = path && access(path, F_OK) == 0 ? viso_options_load(c->options, path, err) : VISO_OK;
    vi_free(path);
    return rc;
}

static bool is_on(const cli *c, const char *key)
{
    char text[16];
    return viso_options_get(c->options, key, text, sizeof text, NULL) == 0 && strcmp(text, "true") == 0;
}

/* --json decides how a fault is told, so it counts once it was read, even when the line is wrong further on. */
static bool json_on_line(const cli *c)
{
    bool on = false;
    for (int i = 0; i < c->n_setting; i++)
        if (strcmp(c->setting[i].key, "json") == 0)
            on = strcmp(c->setting[i].value, "true") == 0;
    return on;
}

/* The project's settings go before the configuration file's, and the line's before the project's. */
static int load_project(cli *c, viso_error *err)
{
    const char *path = cli_value(c, "project");
    int rc = path ? viso_project_load(&c->project, path, err) : VISO_OK;
    return rc || !path ? rc : viso_project_apply(c->project, c->options, err);
}

static int gather_settings(cli *c, viso_error *err)
{
    c->json = json_on_line(c);
    int rc = viso_options_create(&c->options, err);
    rc = rc ? rc : load_config(c, err);
    rc = rc ? rc : load_project(c, err);
    for (int i = 0; rc == 0 && i < c->n_setting; i++)
        rc = viso_options_set(c->options, c->setting[i].key, c->setting[i].value, err);
    rc = rc ? rc : viso_options_apply_preset(c->options, err);
    if (rc)
        return rc;
    c->json = is_on(c, "json");
    c->quiet = is_on(c, "quiet");
    c->force = is_on(c, "force");
    c->resume = is_on(c, "resume");
    return VISO_OK;
}

/* ---- the run ---- */

static int run(cli *c, int argc, char **argv, viso_error *err)
{
    int rc = cli_parse(c, argc, argv, err);
    if (rc) {
        c->json = json_on_line(c);
        return rc;
    }
    if (cli_has(c, "version")) {
        printf("viso %s\n", viso_version());
        return VISO_OK;
    }
    if (cli_has(c, "help")) {
        cli_help(stdout, c->command);
        return VISO_OK;
    }
    if (!c->command) {
        cli_usage(stderr);
        return VISO_ERR_USAGE;
    }
    rc = gather_settings(c, err);
    rc = rc ? rc : progress_create(&c->progress, c, err);
    rc = rc ? rc : c->command->run(c, err);
    if (c->progress)
        progress_hide(c->progress);
    return rc;
}

static void tell(const cli *c, const viso_error *err)
{
    if (err->code == 0)
        return;
    fprintf(stderr, "viso: %s\n", err->text);
    if (c->json)
        cli_json_event(
            "error", json_pack("{s:i, s:o}", "code", cli_exit_code(err->code), "text", cli_json_text(err->text)), NULL);
}

/* What could not be written to standard output is a fault too, except to a reader that has seen enough. */
static int close_output(int rc)
{
    bool bad = ferror(stdout) != 0;
    errno = 0;
    bad |= fflush(stdout) != 0;
    if (!bad || rc || errno == EPIPE)
        return rc;
    fprintf(stderr, "viso: standard output: cannot write: %s\n",
            errno ? strerror(errno) : "the device is full or gone");
    return errno == ENOSPC || errno == 0 ? VISO_ERR_NO_SPACE : VISO_ERR_INPUT;
}

int main(int argc, char **argv)
{
    vi_heap_steady();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe must not cut a run short of its file */
    if (argc > 1 && strcmp(argv[1], "--complete") == 0)
        return cli_complete(argc - 2, argv + 2);
    cli c = { 0 };
    viso_error err = { 0 };
    int rc = run(&c, argc, argv, &err);
    tell(&c, &err);
    cli_release(&c);
    return cli_exit_code(close_output(rc));
}
