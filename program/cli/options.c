/* options.c: `viso options`: the settings as a configuration file, a Markdown page or a JSON schema;
 * and the schema of project files. */
#include "cli.h"

static int print(char *text, viso_error *err)
{
    if (!text)
        return vi_error_nomem(err, "options");
    fputs(text, stdout);
    viso_text_free(text);
    return VISO_OK;
}

static int print_defaults(viso_error *err)
{
    viso_options *o = NULL;
    int rc = viso_options_create(&o, err);
    rc = rc ? rc : print(viso_options_text(o), err);
    viso_options_destroy(&o);
    return rc;
}

int cli_options(cli *c, viso_error *err)
{
    if (cli_has(c, "markdown"))
        return print(viso_options_markdown(), err);
    if (cli_has(c, "project-schema"))
        return print(viso_project_schema(), err);
    if (c->json)
        return print(viso_options_schema(), err);
    return cli_has(c, "defaults") ? print_defaults(err) : print(viso_options_text(c->options), err);
}
