/* pipeline/doctor_models.c: the known-answer test behind `viso doctor --answers`: every installed network on every provider
 * that works here. */
#include <string.h>

#include "models/models.h"
#include "pipeline/doctor.h"

/* Does a job with the settings in force run this model there, if all goes well? */
static bool is_used(const vi_doctor *d, const vi_model_row *row, vi_provider p)
{
    vi_device_policy policy;
    char why[240];
    if (vi_device_policy_make(&policy, vi_run_provider(d->run), row->provider_hint, NULL, false, NULL) != 0)
        return false;
    for (int i = 0; i < policy.n_order; i++)
        if (vi_runtime_usable(d->rt, policy.order[i], why, sizeof why))
            return policy.order[i] == p;
    return false;
}

static void advise(viso_check *c, const vi_model_row *row, vi_provider p)
{
    if (p == VI_CPU)
        vi_report_advise(c, "run `viso models verify`, and install %s again when it is damaged", row->id);
    else
        vi_report_advise(c, "give --provider-for %s=cpu, or update driver and runtime", row->id);
}

static void add_row(const vi_doctor *d, const vi_model_row *row, vi_provider p, const vi_model_result *r)
{
    bool bad = r->state == VI_ANSWER_WRONG || r->state == VI_ANSWER_FAILED;
    bool needed = strcmp(row->preset, "starter") == 0 && is_used(d, row, p);
    int state = !bad ? VI_CHECK_OK : needed ? VI_CHECK_PROBLEM : VI_CHECK_NOTE;
    const char *provider = vi_provider_name(p);
    viso_check *c;
    if (r->state == VI_ANSWER_WRONG)
        c = vi_report_add(d->report, state, "answers", row->id, "wrong on %s: %s", provider, r->text);
    else if (r->state == VI_ANSWER_FAILED)
        c = vi_report_add(d->report, state, "answers", row->id, "does not run on %s: %.110s", provider, r->text);
    else if (r->state == VI_ANSWER_UNKNOWN)
        c = vi_report_add(d->report, state, "answers", row->id, "runs on %s; no answer is stored (first run %.1f ms, then %.1f)",
                          provider, r->first_ms, r->second_ms);
    else
        c = vi_report_add(d->report, state, "answers", row->id, "right on %s within %.1g, %.1g is allowed%s (first run %.1f ms, "
                          "then %.1f)", provider, r->difference, r->allowed, r->stored ? "" : ", against the cpu", r->first_ms,
                          r->second_ms);
    if (bad)
        advise(c, row, p);
}

static int check_model(const vi_doctor *d, vi_models *m, const vi_model_row *row, viso_error *err)
{
    int rc = 0;
    for (vi_provider p = VI_TENSORRT; p <= VI_CPU && !rc; p++) {
        vi_model_result r;
        char why[240];
        if (!vi_runtime_usable(d->rt, p, why, sizeof why))
            continue; /* a row about the provider says why */
        rc = vi_models_check(m, row->id, p, &r, err);
        if (!rc)
            add_row(d, row, p, &r);
    }
    return rc;
}

int vi_doctor_answers(const vi_doctor *d, viso_error *err)
{
    vi_models *m;
    viso_error ignored = { 0 };
    /* The cache is the job's: an engine that TensorRT builds here is not built again there. */
    vi_models_params p = { .dir = d->models, .provider = vi_run_provider(d->run) };
    int n = 0, rc = 0;
    if (vi_models_open(&m, &p, &ignored) != 0)
        return 0; /* a row about the models says so */
    for (int i = 0; i < vi_models_count(m) && !rc; i++) {
        const vi_model_row *row = vi_models_row(m, i);
        if (row->n_role == 0 || strcmp(vi_models_state(m, i, false), "missing") == 0)
            continue;
        rc = check_model(d, m, row, err);
        n++;
    }
    if (n == 0)
        vi_report_add(d->report, VI_CHECK_NOTE, "answers", "models", "not tested: none is installed");
    vi_models_close(&m);
    return rc;
}
