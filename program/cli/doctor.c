/* doctor.c: `viso doctor`: what this machine offers, what is missing, and what to do about it. */
#include "cli.h"

#include <string.h>

static const char *const states[] = { "ok", "note", "problem" };

static const char *state_name(const viso_check *k)
{
    return states[vi_clampi(k->state, 0, 2)];
}

static int print_json(const viso_report *r, bool ready, viso_error *err)
{
    json_t *list = json_array();
    for (int i = 0; i < viso_report_count(r); i++) {
        const viso_check *k = viso_report_at(r, i);
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:s, s:o}", "group", cli_json_text(k->group), "name",
                                              cli_json_text(k->name), "value", cli_json_text(k->value), "state",
                                              state_name(k), "advice", cli_json_text(k->advice)));
    }
    return cli_json_print(json_pack("{s:b, s:o}", "ready", ready, "checks", list), true, err);
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
        if (k->advice[0] && k->state > 0)
            printf("  %-7s  %-*s  %s\n", "", name, "", k->advice);
    }
}

/* The exit code says of what kind the first problem is: models or the device they run on. */
static int fault_of(const viso_check *k, viso_error *err)
{
    int code = strcasestr(k->group, "model") ? VISO_ERR_MODEL : VISO_ERR_DEVICE;
    return vi_error_set(err, code, "a face cannot be swapped here yet: %s: %s%s%s", k->name, k->value,
                        k->advice[0] ? "; " : "", k->advice);
}

int cli_doctor(cli *c, viso_error *err)
{
    viso_report *r = NULL;
    int rc = viso_doctor(&r, c->options, err);
    if (rc == 0 && cli_has(c, "answers"))
        rc = viso_doctor_models(r, c->options, err);
    if (rc) {
        viso_report_free(&r);
        return rc;
    }
    const viso_check *problem = NULL;
    for (int i = viso_report_count(r) - 1; i >= 0; i--)
        if (viso_report_at(r, i)->state >= 2)
            problem = viso_report_at(r, i);
    if (c->json)
        rc = print_json(r, !problem, err);
    else
        print_text(r);
    if (rc == 0 && problem)
        rc = fault_of(problem, err);
    else if (rc == 0 && !c->json)
        printf("\nReady: a face can be swapped on this machine.\n");
    viso_report_free(&r);
    return rc;
}
