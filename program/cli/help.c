/* help.c: --help, made from the table of commands and the table of options. */
#include "cli.h"

#include <string.h>
#include <unistd.h>

#define LEFT 26 /* column at which texts begin */

static int width_of(FILE *f)
{
    return VI_MIN(cli_terminal_width(fileno(f)), 100);
}

/* Prints s broken at blanks; the cursor is at column `at`, later lines start at column `indent`. */
static void wrap(FILE *f, const char *s, int at, int indent, int width)
{
    while (*s) {
        size_t n = strcspn(s, " ");
        if (at > indent && at + 1 + (int)n > width) {
            fprintf(f, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', f);
            at++;
        }
        fprintf(f, "%.*s", (int)n, s);
        at += (int)n;
        s += n;
        s += strspn(s, " ");
    }
    fputc('\n', f);
}

static void entry(FILE *f, const char *left, const char *text, int width)
{
    int n = fprintf(f, "  %s", left);
    if (n > LEFT - 2) {
        fputc('\n', f);
        n = 0;
    }
    fprintf(f, "%*s", LEFT - n, "");
    wrap(f, text, LEFT, LEFT, width);
}

static void show_arg(FILE *f, const cli_arg *a, int width)
{
    char left[80], letter[6] = "    ";
    if (a->hidden)
        return;
    if (a->letter)
        snprintf(letter, sizeof letter, "-%c, ", a->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, a->name, a->value ? " " : "", a->value ? a->value : "");
    entry(f, left, a->help, width);
}

static const char *value_name(const viso_option_info *o)
{
    switch (o->type) {
    case VISO_OPTION_BOOL: return "";
    case VISO_OPTION_INT: return " N";
    case VISO_OPTION_FLOAT: return " X";
    case VISO_OPTION_CHOICE: return " WORD";
    case VISO_OPTION_TEXT: return o->flags & VISO_OPTION_PATH ? " PATH" : " TEXT";
    }
    return "";
}

/* "(0.05 .. 1, default 0.5)" */
static void range_text(const viso_option_info *o, char *text, size_t size)
{
    const char *unit = o->unit ? o->unit : "", *gap = o->unit ? " " : "";
    size_t n = 0;
    text[0] = 0;
    switch (o->type) {
    case VISO_OPTION_BOOL:
        if (o->def != 0)
            snprintf(text, size, " (on; turn off with --no-%s)", o->key);
        break;
    case VISO_OPTION_INT:
    case VISO_OPTION_FLOAT:
        snprintf(text, size, " (%.6g .. %.6g%s%s, default %.6g)", o->min, o->max, gap, unit, o->def);
        break;
    case VISO_OPTION_CHOICE:
        n = (size_t)snprintf(text, size, " (");
        for (int i = 0; o->choices[i] && n < size; i++)
            n += (size_t)snprintf(text + n, size - n, "%s%s", o->choices[i], o->choices[i + 1] ? ", " : "");
        if (n < size)
            snprintf(text + n, size - n, "; default %s)", o->choices[(int)o->def]);
        break;
    case VISO_OPTION_TEXT:
        if (o->def_text && o->def_text[0])
            snprintf(text, size, " (default %s)", o->def_text);
        break;
    }
}

static void show_option(FILE *f, const viso_option_info *o, int width)
{
    char left[80], letter[6] = "    ", range[400], text[1400];
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(left, sizeof left, "%s--%s%s", letter, o->key, value_name(o));
    range_text(o, range, sizeof range);
    snprintf(text, sizeof text, "%s%s", o->help, range);
    entry(f, left, text, width);
}

static void show_group(FILE *f, const char *group, int width)
{
    viso_option_info o;
    bool headed = false;
    for (int i = 0; viso_option_describe(i, &o) == 0; i++) {
        if (strcmp(o.group, group) != 0)
            continue;
        if (!headed)
            fprintf(f, "\n%s:\n", o.group_label);
        headed = true;
        show_option(f, &o, width);
    }
}

static void show_program(FILE *f)
{
    int width = width_of(f);
    fputs("viso swaps faces in photographs and video.\n\nUsage: viso COMMAND [WORDS] [OPTIONS]\n\nCommands:\n", f);
    for (int i = 0; i < cli_command_count; i++)
        entry(f, cli_commands[i].name, cli_commands[i].summary, width);
    fputs("\nOptions of every command:\n", f);
    for (int i = 0; i < cli_global_arg_count; i++)
        show_arg(f, &cli_global_args[i], width);
    viso_option_info o;
    for (int i = 0; viso_option_describe(i, &o) == 0; i++)
        if ((o.flags & VISO_OPTION_PROGRAM) && !(o.flags & VISO_OPTION_ADVANCED))
            show_option(f, &o, width);
    fputs("\nExamples:\n"
          "  viso swap anna.jpg party.jpg -o out.jpg       swap all faces of a photograph\n"
          "  viso swap anna.jpg clip.mp4 --face largest    swap the largest face of a clip\n"
          "  viso swap --map ben.jpg=anna.jpg clip.mp4     only Ben becomes Anna\n"
          "  viso help swap                                all options of a command\n"
          "\nExit codes: 0 done, 1 internal error, 2 usage, 3 no face in the source, 4 no face in the target,\n"
          "5 refused, 6 model missing or damaged, 7 device not available, 8 out of memory or disk,\n"
          "9 unreadable input, 130 interrupted.\n",
          f);
}

void cli_help(FILE *f, const cli_command *k)
{
    if (!k) {
        show_program(f);
        return;
    }
    int width = width_of(f);
    fprintf(f, "Usage: viso %s%s%s [OPTIONS]\n\n", k->name, k->words[0] ? " " : "", k->words);
    wrap(f, k->summary, 0, 0, width);
    for (const char *s = k->detail; s && *s;) {
        char paragraph[600];
        size_t n = strcspn(s, "\n");
        snprintf(paragraph, sizeof paragraph, "%.*s", (int)n, s);
        wrap(f, paragraph, 0, 0, width);
        s += n + (s[n] == '\n');
    }
    fputs("\nOptions:\n", f);
    for (int i = 0; i < k->n_arg; i++)
        show_arg(f, &k->arg[i], width);
    for (int i = 0; i < cli_global_arg_count; i++)
        show_arg(f, &cli_global_args[i], width);
    for (int g = 0; k->groups && k->groups[g]; g++)
        show_group(f, k->groups[g], width);
}

void cli_usage(FILE *f)
{
    fputs("usage: viso COMMAND …; viso help lists the commands, viso doctor checks this machine\n", f);
}

int cli_show_help(cli *c, viso_error *err)
{
    int used;
    const cli_command *k = c->n_word ? cli_command_find(c->word, c->n_word, &used) : NULL;
    if (c->n_word && !k)
        return vi_error_set(err, VISO_ERR_USAGE, "help: there is no command '%.60s'; viso help lists them", c->word[0]);
    cli_help(stdout, k);
    return VISO_OK;
}
