/* cli.h: what the files of the program share. The program sees the library as any outsider does: include/viso, and base for
 * what C lacks. One thread, except the log callback (any thread) and the signal handler. */
#ifndef VISO_CLI_H
#define VISO_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/base.h"
#include "viso/engine.h"
#include "viso/options.h"
#include "viso/project.h"

/* ---- commands ---- */

typedef struct cli cli;

/* An option that only some commands take; everything else is in the library's table. */
typedef struct cli_arg {
    const char *name;  /* without dashes */
    char letter;       /* 0 none */
    const char *value; /* name of the value in the help, NULL: a switch */
    bool path;         /* completion offers files */
    bool hidden;
    const char *help;
} cli_arg;

typedef struct cli_command {
    const char *name;  /* "swap", "models list" */
    const char *words; /* "SOURCE… TARGET" */
    const char *summary;
    const char *detail;        /* paragraphs separated by newlines, NULL none */
    const char *const *groups; /* option groups shown in its help, NULL-terminated */
    const cli_arg *arg;
    int n_arg;
    int min_word, max_word; /* max < 0: any number */
    bool model_words;       /* completion offers ids of models instead of files */
    int (*run)(cli *c, viso_error *err);
} cli_command;

extern const cli_command cli_commands[];
extern const int cli_command_count;
extern const cli_arg cli_global_args[]; /* help, version, config … */
extern const int cli_global_arg_count;

/* By its words; *used says how many of them are the name (1 or 2). A lone "models" is "models list". NULL unknown. */
const cli_command *cli_command_find(const char *const *word, int n, int *used);
/* Name of the command's switch that an option of the table means when it stands without its value; NULL: it wants one. */
const char *cli_bare_switch(const cli_command *k, const char *option);
/* Whether words of the form OPTION=VALUE behind the argument's value belong to it. */
bool cli_takes_pairs(const cli_arg *a);

typedef struct cli_given {
    const cli_arg *arg;
    const char *value; /* NULL of a switch */
} cli_given;

struct cli {
    const cli_command *command;
    viso_options *options;
    const char **word; /* positional words after the command's name */
    int n_word;
    cli_given *given;
    int n_given;
    struct cli_setting {
        char key[64];
        const char *value;
    } *setting; /* options of the table in the order given */
    int n_setting;
    viso_project *project;       /* --project, NULL none */
    bool json, quiet, force, resume; /* read from the options before a command runs */
    struct progress *progress;
};

/* ---- args.c ---- */

/* Finds the command and takes argv apart. The strings of argv are used in place. c->command stays NULL without a command
 * word. VISO_ERR_USAGE with a message. */
int cli_parse(cli *c, int argc, char **argv, viso_error *err);
void cli_release(cli *c);
/* Value of an argument (the last one given), NULL when absent; a switch gives "". */
const char *cli_value(const cli *c, const char *name);
bool cli_has(const cli *c, const char *name);
/* The i-th value of a repeated argument, NULL past the last. */
const char *cli_value_at(const cli *c, const char *name, int i);

/* One step through argv, shared with the completion. */
typedef enum cli_item_kind {
    CLI_ITEM_END = 1,
    CLI_ITEM_WORD,
    CLI_ITEM_ARG,
    CLI_ITEM_OPTION,
    CLI_ITEM_ERROR
} cli_item_kind;
typedef struct cli_item {
    cli_item_kind kind;
    const char *text;        /* the word, or the value (NULL: none) */
    const cli_arg *arg;      /* ARG */
    viso_option_info option; /* OPTION */
    bool wants_value;        /* ERROR because argv ended before the value */
} cli_item;
typedef struct cli_scan {
    int argc, i;
    char *const *argv;
    const cli_command *command; /* NULL: not known yet, any command's arguments are taken */
    const char *cluster;        /* the rest of "-qv" */
    const cli_arg *pairs;       /* OPTION=VALUE words that come next are this one's */
    bool pair_due;              /* and one must come */
    bool words_only;            /* after "--" */
    viso_error *err;            /* may be NULL */
} cli_scan;
void cli_scan_next(cli_scan *s, cli_item *item);
bool cli_option_find(const char *key, size_t len, char letter, viso_option_info *info);

/* ---- at.c ---- */

typedef struct cli_at {
    viso_at *at;
    int n;
    char **text; /* the strings that at points into */
    int n_text;
} cli_at;
/* All --at of the line, checked as far as that goes without a clip. Free it in any case. */
int cli_at_read(const cli *c, cli_at *a, viso_error *err);
void cli_at_free(cli_at *a);
/* Length of the name in "name=value"; 0: it is not written like that. */
size_t cli_pair_key(const char *word);
/* Whether a word is such a pair of an option of the table, or nearly. */
bool cli_pair_word(const char *word);

/* ---- help.c, complete.c ---- */

void cli_help(FILE *f, const cli_command *command); /* NULL: of the program */
void cli_usage(FILE *f);
int cli_complete(int argc, char **argv);

/* ---- signals.c ---- */

void cli_signals_watch(viso_engine *e); /* first SIGINT or SIGTERM cancels e, the second exits; NULL: stop watching */
/* For work without an engine: from now on the first signal only makes cli_interrupted() true. */
void cli_signals_note(void);
bool cli_interrupted(void);

/* ---- json.c: values that jansson would refuse become something it takes ---- */

json_t *cli_json_text(const char *s); /* bytes that are not UTF-8 become U+FFFD */
json_t *cli_json_number(double v);    /* null when not finite */
json_t *cli_json_stats(const viso_run_stats *s);
/* "cpu", or "cuda and cpu", and the first reason for a fall-back: for the summary's line. "" when nothing is loaded. */
void cli_device_text(const viso_run_stats *s, char *text, size_t size);
/* Writes one line (or an indented block) to standard output and releases v. NULL v is out of memory. */
int cli_json_print(json_t *v, bool indent, viso_error *err);
/* An event line: {"event": name, …fields}; releases fields (may be NULL). */
int cli_json_event(const char *name, json_t *fields, viso_error *err);

/* ---- progress.c ---- */

/* One line for a bar of `width` columns; fields are left out when it is narrow. */
void progress_format(char *line, size_t size, int width, const viso_progress *p);
int progress_create(struct progress **p, const cli *c, viso_error *err);
int progress_update(void *user, const viso_progress *p);                                   /* viso_progress_fn */
void progress_log(void *user, viso_log_level level, const char *object, const char *text); /* viso_log_fn */
void progress_hide(struct progress *p); /* takes the bar off the screen */
void progress_destroy(struct progress **p);

/* ---- bench.c, bench_suite.c, bench_table.c ---- */

typedef struct cli_scratch {
    char *dir; /* a fresh folder in $TMPDIR; all of it goes away */
    char *out; /* where the result of a target goes, in it */
} cli_scratch;
int cli_scratch_make(cli_scratch *s, const char *target, viso_error *err);
void cli_scratch_remove(cli_scratch *s); /* a zeroed one is fine */
void cli_bench_no_cache(cli *c); /* what was found in an earlier run is no measure of this one; unless the line says so */

/* A clip of a suite, or all of them together. */
typedef struct cli_suite_row {
    char *name;           /* of the file in the folder; "all" */
    viso_error failed;    /* code 0: it ran */
    viso_run_stats stats;
    const json_t *before; /* the same row of the suite that is compared with, NULL none */
} cli_suite_row;
/* A figure of a row, or of its JSON in an earlier suite; NAN when it has none. */
typedef struct cli_figure {
    const char *id;    /* in "ratio" */
    const char *label; /* of the column */
    double (*of)(const viso_run_stats *s);
    double (*before)(const json_t *row);
} cli_figure;
extern const cli_figure cli_figures[];
extern const int cli_figure_count;
double cli_ratio(const cli_suite_row *row, const cli_figure *f); /* now over then; NAN unless both are above 0 */
/* Tables for people, at most 100 columns. The last row is that of all. */
void cli_suite_tables(FILE *f, const cli_suite_row *row, int n, const char *against);

/* ---- shared by commands (main.c) ---- */

/* An engine over c->options with the log and the signals joined to it. */
int cli_engine_open(cli *c, viso_engine **e, viso_error *err);
void cli_engine_close(viso_engine **e);
/* Refuses `out` when it is one of the inputs, or exists and --force was not given. */
int cli_check_output(const cli *c, const char *out, const char *const *input, int n_input, viso_error *err);
/* VISO_ERR_INPUT with a hint when there is nothing of that name. */
int cli_check_input(const char *path, viso_error *err);
int cli_exit_code(int status);
int cli_terminal_width(int fd);

int cli_swap(cli *c, viso_error *err);
int cli_detect(cli *c, viso_error *err);
int cli_models_list(cli *c, viso_error *err);
int cli_models_info(cli *c, viso_error *err);
int cli_models_path(cli *c, viso_error *err);
int cli_models_install(cli *c, viso_error *err);
int cli_models_remove(cli *c, viso_error *err);
int cli_models_import(cli *c, viso_error *err);
int cli_models_verify(cli *c, viso_error *err);
int cli_verify(cli *c, viso_error *err);
int cli_options(cli *c, viso_error *err);
int cli_bench(cli *c, viso_error *err);
int cli_bench_suite(cli *c, viso_error *err);
int cli_doctor(cli *c, viso_error *err);
int cli_plan(cli *c, viso_error *err);
int cli_warmup(cli *c, viso_error *err);
int cli_gallery_list(cli *c, viso_error *err);
int cli_gallery_show(cli *c, viso_error *err);
int cli_gallery_add(cli *c, viso_error *err);
int cli_gallery_merge(cli *c, viso_error *err);
int cli_gallery_remove(cli *c, viso_error *err);
int cli_gallery_rename(cli *c, viso_error *err);
int cli_gallery_refresh(cli *c, viso_error *err);
int cli_gallery_export(cli *c, viso_error *err);
int cli_gallery_import(cli *c, viso_error *err);
int cli_cache_info(cli *c, viso_error *err);
int cli_cache_list(cli *c, viso_error *err);
int cli_cache_clear(cli *c, viso_error *err);
int cli_show_help(cli *c, viso_error *err);

#endif
