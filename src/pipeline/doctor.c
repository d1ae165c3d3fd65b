/* pipeline/doctor.c: what this machine has, what is missing, and what to do about it, as rows of a table. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "infer/infer.h"
#include "media/media.h"
#include "pipeline/context.h"
#include "pipeline/groups.h"
#include "viso/engine.h"
#include "viso/model.h"
#include "viso/version.h"

enum { MAX_ROWS = 256 };

struct viso_report {
    viso_check row[MAX_ROWS];
    int n;
};

static viso_check *add(viso_report *r, int state, const char *group, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static viso_check *add(viso_report *r, int state, const char *group, const char *name, const char *fmt, ...)
{
    viso_check *c = &r->row[r->n < MAX_ROWS ? r->n++ : MAX_ROWS - 1];
    *c = (viso_check){ .state = state };
    snprintf(c->group, sizeof c->group, "%s", group);
    snprintf(c->name, sizeof c->name, "%s", name);
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->value, sizeof c->value, fmt, args);
    va_end(args);
    return c;
}

static void runtime_rows(viso_report *r)
{
    vi_runtime *rt = NULL;
    viso_error e = { 0 };
    if (vi_runtime_open(&rt, NULL, &e) != 0) {
        viso_check *c = add(r, 2, "runtime", "ONNX Runtime", "not found");
        snprintf(c->advice, sizeof c->advice, "%.190s", e.text);
        return;
    }
    add(r, 0, "runtime", "ONNX Runtime", "%s (%s)", vi_runtime_version(rt), vi_runtime_path(rt));
    char name[16][40];
    int n = vi_runtime_providers(rt, name, 16);
    for (int i = 0; i < n; i++) {
        bool cpu = strstr(name[i], "CPU") != NULL;
        add(r, cpu ? 0 : 1, "provider", name[i], cpu ? "used" : "built into the runtime, not used by this version of viso");
    }
    vi_runtime_close(&rt);
}

static void model_rows(viso_report *r, const char *dir)
{
    viso_model_list *l = NULL;
    viso_error e = { 0 };
    if (viso_models_list(&l, dir, 2, &e) != 0) {
        viso_check *c = add(r, 2, "models", "manifest", "not found");
        snprintf(c->advice, sizeof c->advice, "%.190s", e.text);
        return;
    }
    int others = 0;
    for (int i = 0; i < viso_models_count(l); i++) {
        const viso_model_info *m = viso_models_at(l, i);
        bool needed = strcmp(m->preset, "starter") == 0, there = strcmp(m->state, "installed") == 0;
        if (!needed && strcmp(m->state, "missing") == 0) {
            others++;
            continue; /* known, not wanted here: no news */
        }
        viso_check *c = add(r, there ? 0 : needed ? 2 : 1, "models", m->id, "%s", m->state);
        if (!there && needed)
            snprintf(c->advice, sizeof c->advice, "run `make build` again, or name the folder that holds %s with --models", m->file);
        else if (!there)
            snprintf(c->advice, sizeof c->advice, "remove %.150s and install it again", m->path);
    }
    if (others)
        add(r, 0, "models", "further models", "%d known and not installed; `viso models list` shows them", others);
    viso_models_free(&l);
}

int viso_doctor(viso_report **out, const viso_options *o, viso_error *err)
{
    const vi_run_settings *run = vi_settings_group(vi_options_settings(o), "run");
    viso_report *r = vi_calloc(1, sizeof *r);
    *out = r;
    if (!r)
        return vi_error_nomem(err, "report");
    add(r, 0, "viso", "version", "%s", viso_version());
    add(r, 0, "cpu", "processors", "%d", vi_cpu_count());
    add(r, 0, "cpu", "features", "%s", vi_cpu_text());
    const vi_kernels *k = vi_kernels_get(vi_run_cpu_mask(run));
    viso_check *c = add(r, strcmp(k->name, "c") == 0, "cpu", "kernels", "%s", k->name);
    if (c->state)
        snprintf(c->advice, sizeof c->advice, "plain C kernels work but are several times slower");
    runtime_rows(r);
    model_rows(r, run->models[0] ? run->models : NULL);
    char line[24][160];
    int n = vi_media_report(line, 24);
    for (int i = 0; i < n; i++) {
        char *value = strstr(line[i], ": ");
        if (value)
            *value = 0;
        add(r, value && strncmp(value + 2, "missing", 7) == 0, "media", value ? line[i] : "library", "%s",
            value ? value + 2 : line[i]);
    }
    return 0;
}

int viso_report_count(const viso_report *r)
{
    return r->n;
}

const viso_check *viso_report_at(const viso_report *r, int i)
{
    return i >= 0 && i < r->n ? &r->row[i] : NULL;
}

void viso_report_free(viso_report **r)
{
    vi_free(*r);
    *r = NULL;
}
