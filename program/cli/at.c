/* at.c: --at START-END OPTION=VALUE…: settings for a part of a clip. The range and what is set may stand in one word ("0:12-0:20
 * opacity=0.5"), or the settings follow as words of their own; several are separated by commas or blanks. Which options there are, and
 * which of them can hold in a range, the library says. */
#include "cli.h"

#include <ctype.h>
#include <string.h>

/* Length of an option's name at the start of s that an '=' follows; 0: no such thing. */
size_t cli_pair_key(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.");
    return n && isalpha((unsigned char)s[0]) && s[n] == '=' ? n : 0;
}

/* A word behind a range belongs to it when it can mean nothing else: an option of the table, or what looks like a slip of one. */
bool cli_pair_word(const char *word)
{
    size_t n = cli_pair_key(word);
    viso_option_info info;
    char key[64];
    if (!n || n >= sizeof key)
        return false;
    if (cli_option_find(word, n, 0, &info))
        return true;
    vi_nearest near;
    snprintf(key, sizeof key, "%.*s", (int)n, word);
    vi_nearest_begin(&near, key);
    for (int i = 0; viso_option_describe(i, &info) == 0; i++)
        vi_nearest_offer(&near, info.key);
    return vi_nearest_best(&near) && !vi_file_exists(word);
}

void cli_at_free(cli_at *a)
{
    for (int i = 0; i < a->n_text; i++)
        vi_free(a->text[i]);
    vi_free(a->text);
    vi_free(a->at);
    *a = (cli_at){ 0 };
}

/* Where the setting at s ends: before a blank or a comma that another NAME= follows, or at the end. */
static char *setting_end(char *s)
{
    for (; *s; s++) {
        char *next = s + 1;
        if (*s != ',' && *s != ' ')
            continue;
        next += strspn(next, " ");
        if (!*next || cli_pair_key(next))
            break;
    }
    return s;
}

/* "key=value,key=value" cut up in place. */
static int take_settings(cli_at *a, const char *range, const char *start, const char *end, char *s, viso_error *err)
{
    for (s += strspn(s, " "); *s; s += strspn(s, " ,")) {
        size_t n = cli_pair_key(s);
        char *stop = setting_end(s);
        if (!n)
            return vi_error_set(err, VISO_ERR_USAGE, "--at %s: '%.60s' is not OPTION=VALUE", range, s);
        s[n] = 0;
        char after = *stop;
        *stop = 0;
        a->at[a->n++] = (viso_at){ start, end, s, s + n + 1 };
        s = after ? stop + 1 : stop;
    }
    return VISO_OK;
}

/* "12-20" into its places, in place. */
static int split_range(char *range, const char **start, const char **end, viso_error *err)
{
    char *dash = strchr(range, '-');
    if (!dash || strchr(dash + 1, '-'))
        return vi_error_set(err, VISO_ERR_USAGE, "--at %.60s: a range is written START-END, such as 0:12-0:20, 12- or -20", range);
    *dash = 0;
    *start = range;
    *end = dash + 1;
    return VISO_OK;
}

static char *keep(cli_at *a, const char *s)
{
    char *text = vi_strdup(s);
    if (text)
        a->text[a->n_text++] = text;
    return text;
}

/* One word of the line: a range, with or without settings, or settings for the last range. */
static int take_word(cli_at *a, const char *word, const char **range, const char **start, const char **end, viso_error *err)
{
    char *rest = keep(a, word);
    if (!rest)
        return vi_error_nomem(err, "--at");
    if (!cli_pair_key(word)) {
        char *blank = strchr(rest, ' ');
        if (blank)
            *blank++ = 0;
        char *places = keep(a, rest);
        if (!places)
            return vi_error_nomem(err, "--at");
        *range = rest;
        int rc = split_range(places, start, end, err);
        if (rc || !blank)
            return rc;
        if (!blank[strspn(blank, " ")])
            return vi_error_set(err, VISO_ERR_USAGE, "--at %s: OPTION=VALUE is missing behind the range", *range);
        rest = blank;
    }
    return take_settings(a, *range, *start, *end, rest, err);
}

int cli_at_read(const cli *c, cli_at *a, viso_error *err)
{
    const char *range = "", *start = NULL, *end = NULL, *word;
    size_t n = 0, bytes = 0;
    int rc = VISO_OK;
    *a = (cli_at){ 0 };
    for (; (word = cli_value_at(c, "at", (int)n)); n++)
        bytes += strlen(word); /* a setting has two bytes at least */
    a->text = vi_calloc(2 * n + 1, sizeof *a->text);
    a->at = vi_calloc(bytes + 1, sizeof *a->at);
    if (!a->text || !a->at)
        return vi_error_nomem(err, "--at");
    for (int i = 0; !rc && (word = cli_value_at(c, "at", i)); i++)
        rc = take_word(a, word, &range, &start, &end, err);
    return rc ? rc : viso_at_check(a->at, a->n, err);
}
