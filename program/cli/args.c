/* args.c: the command line. Options may stand anywhere, before the command too, so argv is walked twice: first
 * to find the command word, then knowing which arguments it takes. What an option means comes from the
 * library's table or from the command's arguments. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* ---- looking names up ---- */

/* The option of the table with this key (len bytes), or with this letter when key is NULL. */
bool cli_option_find(const char *key, size_t len, char letter, viso_option_info *info)
{
    for (int i = 0; viso_option_describe(i, info) == 0; i++)
        if (key ? strlen(info->key) == len && memcmp(info->key, key, len) == 0 : info->letter == letter)
            return true;
    return false;
}

static const cli_arg *find_in(const cli_arg *arg, int n, const char *key, size_t len, char letter)
{
    for (int i = 0; i < n; i++)
        if (key ? strlen(arg[i].name) == len && memcmp(arg[i].name, key, len) == 0
                : arg[i].letter && arg[i].letter == letter)
            return &arg[i];
    return NULL;
}

static const cli_arg *find_arg(const cli_command *command, const char *key, size_t len, char letter)
{
    const cli_arg *a = find_in(cli_global_args, cli_global_arg_count, key, len, letter);
    for (int i = 0; !a && i < cli_command_count; i++)
        if (!command || command == &cli_commands[i])
            a = find_in(cli_commands[i].arg, cli_commands[i].n_arg, key, len, letter);
    return a;
}

static const char *see(const cli_command *command, char text[80])
{
    snprintf(text, 80, "see viso help%s%s", command ? " " : "", command ? command->name : "");
    return text;
}

static void unknown_option(cli_scan *s, const char *spelled, const char *key, size_t len)
{
    char word[64], hint[80];
    snprintf(word, sizeof word, "%.*s", (int)VI_MIN(len, sizeof word - 1), key);
    vi_nearest near;
    viso_option_info info;
    vi_nearest_begin(&near, word);
    for (int i = 0; viso_option_describe(i, &info) == 0; i++)
        vi_nearest_offer(&near, info.key);
    for (int i = 0; i < cli_global_arg_count; i++)
        vi_nearest_offer(&near, cli_global_args[i].name);
    for (int i = 0; s->command && i < s->command->n_arg; i++)
        vi_nearest_offer(&near, s->command->arg[i].name);
    const char *best = vi_nearest_best(&near);
    if (best)
        vi_error_set(s->err, VISO_ERR_USAGE, "unknown option %.60s; did you mean --%s?", spelled, best);
    else
        vi_error_set(s->err, VISO_ERR_USAGE, "unknown option %.60s; %s", spelled, see(s->command, hint));
}

/* ---- walking argv ---- */

/* The value that belongs to an option: behind '=', the rest of a cluster, or the next word. */
static bool take_value(cli_scan *s, cli_item *item, const char *attached, const char *spelled)
{
    if (attached) {
        item->text = attached;
        return true;
    }
    if (s->i < s->argc) {
        item->text = s->argv[s->i++];
        return true;
    }
    item->wants_value = true;
    vi_error_set(s->err, VISO_ERR_USAGE, "option %.60s wants a value", spelled);
    return false;
}

/* --at 12-20 opacity=0.5: the words behind the range are the option's too; one there must be, unless it stands in the range's. */
static cli_item_kind expect_pairs(cli_scan *s, const cli_item *item)
{
    if (!cli_takes_pairs(item->arg))
        return CLI_ITEM_ARG;
    if (cli_pair_key(item->text)) {
        vi_error_set(s->err, VISO_ERR_USAGE, "--%s %.60s: %s is missing in front of it", item->arg->name, item->text, item->arg->value);
        return CLI_ITEM_ERROR;
    }
    s->pairs = item->arg;
    s->pair_due = !strchr(item->text, ' ');
    return CLI_ITEM_ARG;
}

/* The next word when it belongs to the pairs. False: it does not, and what it is remains to be seen. */
static bool take_pair(cli_scan *s, cli_item *item)
{
    const char *word = s->i < s->argc ? s->argv[s->i] : NULL;
    const cli_arg *arg = s->pairs;
    if (!arg)
        return false;
    if (word && (s->pair_due ? cli_pair_key(word) > 0 : cli_pair_word(word))) {
        *item = (cli_item){ .kind = CLI_ITEM_ARG, .arg = arg, .text = word };
        s->pair_due = false;
        s->i++;
        return true;
    }
    s->pairs = NULL;
    if (!s->pair_due)
        return false;
    *item = (cli_item){ .kind = CLI_ITEM_ERROR, .arg = arg, .text = s->argv[s->i - 1], .wants_value = !word };
    vi_error_set(s->err, VISO_ERR_USAGE, "--%s %.60s: OPTION=VALUE is missing behind the range", arg->name, s->argv[s->i - 1]);
    return true;
}

/* The switch that is meant by an option without its value ("doctor --models"); NULL: it wants one, or has one. */
static const cli_arg *bare_arg(const cli_scan *s, const char *key)
{
    if (s->i < s->argc && (s->argv[s->i][0] != '-' || s->argv[s->i][1] == 0))
        return NULL;
    const char *name = cli_bare_switch(s->command, key);
    return name ? find_in(s->command->arg, s->command->n_arg, name, strlen(name), 0) : NULL;
}

static cli_item_kind long_option(cli_scan *s, cli_item *item, const char *word)
{
    const char *key = word + 2, *equals = strchr(key, '=');
    size_t len = equals ? (size_t)(equals - key) : strlen(key);
    const char *attached = equals ? equals + 1 : NULL;
    item->arg = find_arg(s->command, key, len, 0);
    if (item->arg) {
        if (item->arg->value)
            return take_value(s, item, attached, word) ? expect_pairs(s, item) : CLI_ITEM_ERROR;
        if (!attached)
            return CLI_ITEM_ARG;
        vi_error_set(s->err, VISO_ERR_USAGE, "option --%s takes no value", item->arg->name);
        return CLI_ITEM_ERROR;
    }
    if (cli_option_find(key, len, 0, &item->option)) {
        item->arg = attached ? NULL : bare_arg(s, key);
        if (item->arg)
            return CLI_ITEM_ARG;
        if (item->option.type != VISO_OPTION_BOOL)
            return take_value(s, item, attached, word) ? CLI_ITEM_OPTION : CLI_ITEM_ERROR;
        item->text = attached ? attached : "true";
        return CLI_ITEM_OPTION;
    }
    if (len > 3 && strncmp(key, "no-", 3) == 0 && cli_option_find(key + 3, len - 3, 0, &item->option)) {
        if (item->option.type == VISO_OPTION_BOOL && !attached) {
            item->text = "false";
            return CLI_ITEM_OPTION;
        }
        vi_error_set(s->err, VISO_ERR_USAGE,
                     attached ? "option %.60s takes no value"
                              : "option %.60s: only switches can be turned off with --no-",
                     word);
        return CLI_ITEM_ERROR;
    }
    unknown_option(s, word, key, len);
    return CLI_ITEM_ERROR;
}

static cli_item_kind letter_option(cli_scan *s, cli_item *item)
{
    char letter = *s->cluster++, spelled[3] = { '-', letter, 0 };
    const char *rest = *s->cluster ? s->cluster : NULL;
    item->arg = find_arg(s->command, NULL, 0, letter);
    bool option = !item->arg && cli_option_find(NULL, 0, letter, &item->option);
    bool wants = item->arg ? item->arg->value != NULL : option && item->option.type != VISO_OPTION_BOOL;
    if (!rest || wants)
        s->cluster = NULL;
    if (!item->arg && !option) {
        char hint[80];
        s->cluster = NULL;
        vi_error_set(s->err, VISO_ERR_USAGE, "unknown option %s; %s", spelled, see(s->command, hint));
        return CLI_ITEM_ERROR;
    }
    if (wants && !take_value(s, item, rest, spelled))
        return CLI_ITEM_ERROR;
    if (option && !wants)
        item->text = "true";
    return item->arg ? CLI_ITEM_ARG : CLI_ITEM_OPTION;
}

void cli_scan_next(cli_scan *s, cli_item *item)
{
    memset(item, 0, sizeof *item);
    if (s->cluster) {
        item->kind = letter_option(s, item);
        return;
    }
    if (take_pair(s, item))
        return;
    if (s->i >= s->argc) {
        item->kind = CLI_ITEM_END;
        return;
    }
    const char *word = s->argv[s->i++];
    if (!s->words_only && strcmp(word, "--") == 0) {
        s->words_only = true;
        cli_scan_next(s, item);
        return;
    }
    if (s->words_only || word[0] != '-' || word[1] == 0) {
        item->kind = CLI_ITEM_WORD;
        item->text = word;
    } else if (word[1] == '-') {
        item->kind = long_option(s, item, word);
    } else {
        s->cluster = word + 1;
        item->kind = letter_option(s, item);
    }
}

/* ---- the whole line ---- */

/* The first two words name the command; the rest is not looked at yet. */
static void find_command(cli *c, int argc, char **argv, int *used)
{
    cli_scan s = { .argc = argc, .i = 1, .argv = argv };
    cli_item item;
    const char *word[2];
    int n = 0;
    do {
        cli_scan_next(&s, &item);
        if (item.kind == CLI_ITEM_WORD)
            word[n++] = item.text;
    } while (item.kind != CLI_ITEM_END && n < 2);
    c->command = cli_command_find(word, n, used);
}

static int unknown_command(const char *const *word, int n, viso_error *err)
{
    vi_nearest near;
    char both[64];
    snprintf(both, sizeof both, n > 1 ? "%s %s" : "%s", word[0], n > 1 ? word[1] : "");
    /* "models lst" is compared as a pair, "swp a.jpg" by its first word. */
    for (int pass = 0; pass < 2; pass++) {
        vi_nearest_begin(&near, pass ? word[0] : both);
        for (int i = 0; i < cli_command_count; i++)
            vi_nearest_offer(&near, cli_commands[i].name);
        const char *best = vi_nearest_best(&near);
        if (best)
            return vi_error_set(err, VISO_ERR_USAGE, "unknown command '%.60s'; did you mean 'viso %s'?",
                                pass ? word[0] : both, best);
    }
    return vi_error_set(err, VISO_ERR_USAGE, "unknown command '%.60s'; viso help lists the commands", word[0]);
}

static int check_words(const cli *c, viso_error *err)
{
    const cli_command *k = c->command;
    if (k->max_word >= 0 && c->n_word > k->max_word)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: '%.100s' is one word too many; usage: viso %s %s", k->name,
                            c->word[k->max_word], k->name, k->words);
    if (c->n_word < k->min_word)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: something is missing; usage: viso %s %s", k->name, k->name,
                            k->words);
    return VISO_OK;
}

int cli_parse(cli *c, int argc, char **argv, viso_error *err)
{
    int used, rc = VISO_OK;
    find_command(c, argc, argv, &used);
    size_t room = (size_t)argc * 2 + 1; /* a cluster of letters gives several, but never more than its bytes */
    for (int i = 1; i < argc; i++)
        room += argv[i][0] == '-' && argv[i][1] != '-' ? strlen(argv[i]) : 0;
    c->word = vi_calloc(room, sizeof *c->word);
    c->given = vi_calloc(room, sizeof *c->given);
    c->setting = vi_calloc(room, sizeof *c->setting);
    if (!c->word || !c->given || !c->setting)
        return vi_error_nomem(err, "command line");

    cli_scan s = { .argc = argc, .i = 1, .argv = argv, .command = c->command, .err = err };
    cli_item item;
    do {
        cli_scan_next(&s, &item);
        if (item.kind == CLI_ITEM_WORD) {
            c->word[c->n_word++] = item.text;
        } else if (item.kind == CLI_ITEM_ARG) {
            c->given[c->n_given++] = (cli_given){ item.arg, item.text ? item.text : "" };
        } else if (item.kind == CLI_ITEM_OPTION) {
            struct cli_setting *set = &c->setting[c->n_setting++];
            snprintf(set->key, sizeof set->key, "%s", item.option.key);
            set->value = item.text;
        } else if (item.kind == CLI_ITEM_ERROR) {
            rc = VISO_ERR_USAGE; /* go on: --help further right still wins */
        }
    } while (item.kind != CLI_ITEM_END);
    if (cli_has(c, "help") || cli_has(c, "version"))
        return VISO_OK;
    if (rc)
        return rc;
    if (!c->command)
        return c->n_word ? unknown_command(c->word, c->n_word, err) : VISO_OK;
    memmove(c->word, c->word + used, (size_t)(c->n_word - used) * sizeof *c->word);
    c->n_word -= used;
    return check_words(c, err);
}

void cli_release(cli *c)
{
    vi_free(c->word);
    vi_free(c->given);
    vi_free(c->setting);
    viso_options_destroy(&c->options);
    viso_project_free(&c->project);
    progress_destroy(&c->progress);
}

const char *cli_value(const cli *c, const char *name)
{
    const char *value = NULL;
    for (int i = 0; i < c->n_given; i++)
        if (strcmp(c->given[i].arg->name, name) == 0)
            value = c->given[i].value;
    return value;
}

bool cli_has(const cli *c, const char *name)
{
    return cli_value(c, name) != NULL;
}

const char *cli_value_at(const cli *c, const char *name, int i)
{
    for (int g = 0; g < c->n_given; g++)
        if (strcmp(c->given[g].arg->name, name) == 0 && i-- == 0)
            return c->given[g].value;
    return NULL;
}
