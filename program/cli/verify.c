/* verify.c: `viso verify`: is a file marked as synthetic? */
#include "cli.h"

static int print_json(const char *path, const viso_mark_info *m, viso_error *err)
{
    return cli_json_print(json_pack("{s:o, s:b, s:o, s:o}", "file", cli_json_text(path), "marked", m->marked,
                                    "digital_source_type", cli_json_text(m->digital_source_type), "where",
                                    cli_json_text(m->where)),
                          false, err);
}

static void print_text(const char *path, const viso_mark_info *m)
{
    if (m->marked)
        printf("%s: marked as synthetic (%s, in %s)\n", path, m->digital_source_type, m->where);
    else if (m->digital_source_type[0])
        printf("%s: not marked as a synthetic composite; it says %s (in %s)\n", path, m->digital_source_type, m->where);
    else
        printf("%s: not marked\n", path);
}

int cli_verify(cli *c, viso_error *err)
{
    int first = VISO_OK;
    for (int i = 0; i < c->n_word; i++) {
        viso_mark_info m = { 0 };
        viso_error fault = { 0 };
        int rc = cli_check_input(c->word[i], &fault);
        rc = rc ? rc : viso_verify(c->word[i], &m, &fault);
        if (rc == 0 && c->json)
            rc = print_json(c->word[i], &m, &fault);
        else if (rc == 0)
            print_text(c->word[i], &m);
        /* The others may be fine: go on, and end with the first fault. */
        if (rc && first)
            progress_log(c->progress, VISO_LOG_ERROR, "", fault.text);
        else if (rc)
            first = vi_error_set(err, rc, "%s", fault.text);
    }
    return first;
}
