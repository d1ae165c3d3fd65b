/* doctor.c: `viso doctor`: what this machine offers, what is missing, and what to do about it. */
#include "cli.h"

#include <string.h>

static const char *const states[] = { "ok", "note", "problem" };

static const char *state_name(const viso_check *k)
{
    return states[vi_clampi(k->state, 0, 2)];
}

static int print_json(const viso_report *r, viso_error *err)
{
    json_t *list = json_array(), *todo = json_array();
    for (int i = 0; i < viso_report_count(r); i++) {
        const viso_check *k = viso_report_at(r, i);
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:s, s:o}", "group", cli_json_text(k->group), "name",
                                              cli_json_text(k->name), "value", cli_json_text(k->value), "state",
                                              state_name(k), "advice", cli_json_text(k->advice)));
    }
    for (int i = 0; viso_report_todo(r, i); i++)
        json_array_append_new(todo, cli_json_text(viso_report_todo(r, i)->advice));
    return cli_json_print(json_pack("{s:b, s:o, s:o}", "ready", viso_report_ready(r), "checks", list, "todo", todo), true, err);
}

static void print_text(const viso_report *r)
{
    const char *group = "";
    int name = 8;
    for (int i = 0; i < viso_report_count(r); i++)
        name = VI_MAX(name, (int)strlen(viso_report_at(r, i)->name));
    for (int i = 0; i < viso_report_count(r); i++) {
        const viso_check *k = viso_report_at(r, i);
        if (strcmp(group, k->group) != 0)
            printf("%s%s\n", i ? "\n" : "", k->group);
        group = k->group;
        printf("  %-7s  %-*s  %s\n", state_name(k), name, k->name, k->value);
    }
    for (int i = 0; viso_report_todo(r, i); i++)
        printf("%s  %d. %s: %s\n", i ? "" : "\nWhat to do, the most important first:\n", i + 1, viso_report_todo(r, i)->name,
               viso_report_todo(r, i)->advice);
    if (viso_report_ready(r))
        printf("\nReady: a face can be swapped on this machine.\n");
}

/* The exit code says of what kind the gravest problem is: models, memory, or the device they run on. */
static int fault_of(const viso_report *r, viso_error *err)
{
    const viso_check *k = viso_report_todo(r, 0);
    for (int i = 0; !k || k->state < 2; i++)
        k = viso_report_at(r, i);
    int code = strcasestr(k->group, "model")    ? VISO_ERR_MODEL
               : strcasestr(k->group, "memory") ? VISO_ERR_NO_SPACE
                                                : VISO_ERR_DEVICE;
    return vi_error_set(err, code, "a face cannot be swapped here yet: %s: %s%s%s", k->name, k->value,
                        k->advice[0] ? "; " : "", k->advice);
}

int cli_doctor(cli *c, viso_error *err)
{
    viso_report *r = NULL;
    int rc = viso_doctor(&r, c->options, err);
    if (rc == 0 && cli_has(c, "answers"))
        rc = viso_doctor_models(r, c->options, err);
    if (rc == 0 && c->json)
        rc = print_json(r, err);
    else if (rc == 0)
        print_text(r);
    if (rc == 0 && !viso_report_ready(r))
        rc = fault_of(r, err);
    viso_report_free(&r);
    return rc;
}
