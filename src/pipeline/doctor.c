/* pipeline/doctor.c: what this machine has, what is missing, and what to do about it: the rows of the table, their order,
 * and the public calls. The looks themselves are in doctor_*.c. */
#include "pipeline/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kernel.h"
#include "pipeline/groups.h"
#include "viso/version.h"

enum { MAX_ROWS = 512 };

struct viso_report {
    viso_check row[MAX_ROWS];
    int n;
};

/* What is mended first, among rows of one state: nothing works without the runtime, a GPU is a matter of speed. */
static const char *const first[] = { "runtime", "models", "memory", "media", "folders", "gpu", "provider", "answers", "cpu" };

viso_check *vi_report_add(viso_report *r, int state, const char *group, const char *name, const char *fmt, ...)
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

void vi_report_advise(viso_check *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->advice, sizeof c->advice, fmt, args);
    va_end(args);
}

void vi_doctor_processor(const vi_doctor *d)
{
    vi_report_add(d->report, VI_CHECK_OK, "cpu", "processors", "%d", vi_cpu_count());
    vi_report_add(d->report, VI_CHECK_OK, "cpu", "features", "%s", vi_cpu_text());
    const vi_kernels *k = vi_kernels_get(vi_run_cpu_mask(d->run));
    bool plain = strcmp(k->name, "c") == 0;
    viso_check *c = vi_report_add(d->report, plain ? VI_CHECK_NOTE : VI_CHECK_OK, "cpu", "kernels", "%s", k->name);
    if (plain && d->run->cpu_mask)
        vi_report_advise(c, "leave out --cpu-mask: plain C kernels work but are several times slower");
}

/* The settings taken apart; opens the runtime when it is there. */
static vi_doctor begin(viso_report *r, const viso_options *o)
{
    vi_doctor d = { .report = r, .settings = vi_options_settings(o) };
    d.run = vi_settings_group(d.settings, "run");
    d.models = d.run->models[0] ? d.run->models : NULL;
    return d;
}

int viso_doctor(viso_report **out, const viso_options *o, viso_error *err)
{
    viso_report *r = vi_calloc(1, sizeof *r);
    *out = r;
    if (!r)
        return vi_error_nomem(err, "report");
    vi_doctor d = begin(r, o);
    viso_error e = { 0 };
    vi_report_add(r, VI_CHECK_OK, "viso", "version", "%s", viso_version());
    vi_doctor_processor(&d);
    if (vi_runtime_open(&d.rt, NULL, &e) != 0)
        vi_report_advise(vi_report_add(r, VI_CHECK_PROBLEM, "runtime", "ONNX Runtime", "%s", e.text),
                         "run `make setup`, or name the library with VISO_ONNXRUNTIME");
    else
        vi_doctor_device(&d);
    vi_doctor_model_files(&d);
    vi_doctor_memory(&d);
    vi_doctor_media(&d);
    vi_doctor_folders(&d);
    vi_runtime_close(&d.rt);
    return 0;
}

int viso_doctor_models(viso_report *r, const viso_options *o, viso_error *err)
{
    vi_doctor d = begin(r, o);
    viso_error ignored = { 0 }; /* a row says so already */
    if (vi_runtime_open(&d.rt, NULL, &ignored) != 0)
        return 0;
    int rc = vi_doctor_answers(&d, err);
    vi_runtime_close(&d.rt);
    return rc;
}

int viso_report_count(const viso_report *r)
{
    return r->n;
}

const viso_check *viso_report_at(const viso_report *r, int i)
{
    return i >= 0 && i < r->n ? &r->row[i] : NULL;
}

static int rank_of(const viso_check *c)
{
    int i = 0;
    while (i < (int)VI_COUNT(first) && strcmp(first[i], c->group) != 0)
        i++;
    return i - (c->state == VI_CHECK_PROBLEM ? 100 : 0);
}

/* Is told already by an earlier row, in the same words. */
static bool repeats(const viso_report *r, int at)
{
    for (int i = 0; i < at; i++)
        if (r->row[i].state != VI_CHECK_OK && strcmp(r->row[i].advice, r->row[at].advice) == 0)
            return true;
    return false;
}

const viso_check *viso_report_todo(const viso_report *r, int n)
{
    for (int rank = -100; rank <= (int)VI_COUNT(first); rank++) {
        for (int i = 0; i < r->n; i++) {
            const viso_check *c = &r->row[i];
            if (c->state != VI_CHECK_OK && c->advice[0] && rank_of(c) == rank && !repeats(r, i) && n-- == 0)
                return c;
        }
    }
    return NULL;
}

int viso_report_ready(const viso_report *r)
{
    for (int i = 0; i < r->n; i++)
        if (r->row[i].state == VI_CHECK_PROBLEM)
            return 0;
    return 1;
}

void viso_report_free(viso_report **r)
{
    vi_free(*r);
    *r = NULL;
}
