/* complete.c: what could come next on a half-typed line, for the shell: "viso --complete WORD…", the last word
 * being the one that is typed. One candidate a line; "<files>" asks the shell for file names. Made from the
 * same tables as the help. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "viso/model.h"

static void offer(const char *typed, const char *prefix, const char *word)
{
    char text[160];
    snprintf(text, sizeof text, "%s%s", prefix, word);
    if (strncmp(text, typed, strlen(typed)) == 0)
        puts(text);
}

static void offer_files(void)
{
    puts("<files>");
}

static void offer_value(const viso_option_info *o, const char *typed)
{
    for (int i = 0; o->type == VISO_OPTION_CHOICE && o->choices[i]; i++)
        offer(typed, "", o->choices[i]);
    if (o->type == VISO_OPTION_TEXT) {
        if (o->def_text && o->def_text[0])
            offer(typed, "", o->def_text);
        offer_files(); /* "face" takes a photograph too */
    }
}

static void offer_options(const cli_command *k, const char *typed)
{
    viso_option_info o;
    for (int i = 0; i < cli_global_arg_count; i++)
        offer(typed, "--", cli_global_args[i].name);
    for (int i = 0; k && i < k->n_arg; i++)
        if (!k->arg[i].hidden)
            offer(typed, "--", k->arg[i].name);
    for (int i = 0; viso_option_describe(i, &o) == 0; i++) {
        offer(typed, "--", o.key);
        if (o.type == VISO_OPTION_BOOL && o.def != 0)
            offer(typed, "--no-", o.key);
    }
}

/* "opacity=" and its values, for the pairs behind --at. What stands before the last pair of a word is kept. */
static void offer_pair(const char *typed, const char *pair, const char *key, const char *value)
{
    char text[160];
    snprintf(text, sizeof text, "%s=%s", key, value);
    if (strncmp(text, pair, strlen(pair)) == 0)
        printf("%.*s%s\n", (int)(pair - typed), typed, text);
}

static void offer_pairs(const char *typed)
{
    static const char *const switches[] = { "true", "false", NULL };
    const char *pair = typed;
    for (const char *s = typed; *s; s++)
        if (*s == ' ' || *s == ',')
            pair = s + 1;
    size_t n = cli_pair_key(pair);
    viso_option_info o;
    for (int i = 0; !n && viso_option_describe(i, &o) == 0; i++)
        if (o.flags & VISO_OPTION_IN_RANGE)
            offer_pair(typed, pair, o.key, "");
    if (!n || !cli_option_find(pair, n, 0, &o))
        return;
    const char *const *values = o.type == VISO_OPTION_CHOICE ? o.choices : o.type == VISO_OPTION_BOOL ? switches : NULL;
    for (int i = 0; values && values[i]; i++)
        offer_pair(typed, pair, o.key, values[i]);
}

/* The words that can begin (first NULL) or continue ("models") a command. */
static void offer_commands(const char *first, const char *typed)
{
    char last[64] = "";
    for (int i = 0; i < cli_command_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s", cli_commands[i].name);
        char *space = strchr(name, ' ');
        if (first) {
            if (space && strncmp(name, first, (size_t)(space - name)) == 0 && strlen(first) == (size_t)(space - name))
                offer(typed, "", space + 1);
            continue;
        }
        if (space)
            *space = 0;
        if (strcmp(name, last) != 0)
            offer(typed, "", name);
        snprintf(last, sizeof last, "%s", name);
    }
}

static void offer_models(const char *typed)
{
    viso_model_list *l = NULL;
    if (viso_models_list(&l, NULL, 0, NULL) == 0)
        for (int i = 0; i < viso_models_count(l); i++)
            offer(typed, "", viso_models_at(l, i)->id);
    viso_models_free(&l);
}

static bool is_pair(const char *word)
{
    for (int i = 0; i < cli_command_count; i++) {
        const char *space = strchr(cli_commands[i].name, ' ');
        if (space && strlen(word) == (size_t)(space - cli_commands[i].name) &&
            strncmp(cli_commands[i].name, word, strlen(word)) == 0)
            return true;
    }
    return false;
}

int cli_complete(int argc, char **argv)
{
    if (argc < 1)
        return 0;
    const char *typed = argv[argc - 1], *word[2] = { NULL, NULL };
    cli_scan s = { .argc = argc - 1, .argv = argv };
    cli_item item, last = { 0 };
    int n = 0, used;
    bool pairs = false; /* at the end of the line more OPTION=VALUE may follow */
    do {
        pairs = s.pairs != NULL;
        cli_scan_next(&s, &item);
        if (item.kind == CLI_ITEM_WORD && n < 2)
            word[n++] = item.text;
        if (item.kind == CLI_ITEM_ERROR)
            last = item;
    } while (item.kind != CLI_ITEM_END);
    const cli_command *k = n ? cli_command_find(word, n, &used) : NULL;

    if (pairs && typed[0] != '-') {
        offer_pairs(typed);
        if (k && k->max_word != 0)
            offer_files();
    } else if (last.kind && last.wants_value) {
        if (!last.arg)
            offer_value(&last.option, typed);
        else if (cli_takes_pairs(last.arg) && (last.text || strchr(typed, ' '))) /* behind the range */
            offer_pairs(typed);
        else if (last.arg->path)
            offer_files();
    } else if (typed[0] == '-' && !s.words_only) {
        offer_options(k, typed);
    } else if (n == 0 || (n == 1 && strcmp(word[0], "help") == 0)) {
        offer_commands(NULL, typed);
    } else if (n == 1 && is_pair(word[0])) {
        offer_commands(word[0], typed);
    } else if (k && k->model_words) {
        offer_models(typed);
    } else if (k && k->max_word != 0) {
        offer_files();
    }
    return 0;
}
