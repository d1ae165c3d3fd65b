/* pipeline/doctor_files.c: which models are installed, and whole. */
#include <string.h>

#include "pipeline/doctor.h"
#include "viso/model.h"

static void row(const vi_doctor *d, const viso_model_info *m)
{
    bool needed = strcmp(m->preset, "starter") == 0, there = strcmp(m->state, "installed") == 0;
    bool damaged = strcmp(m->state, "damaged") == 0;
    int state = there ? VI_CHECK_OK : needed ? VI_CHECK_PROBLEM : VI_CHECK_NOTE;
    viso_check *c = vi_report_add(d->report, state, "models", m->id, "%s%s%s", m->state, damaged ? ": " : "", damaged ? m->path : "");
    if (damaged && needed && !m->addresses)
        vi_report_advise(c, "remove %.150s and run `make build` to make it again", m->path);
    else if (damaged)
        vi_report_advise(c, "remove %.150s and run `viso models install %s`", m->path, m->id);
    else if (!there && m->addresses)
        vi_report_advise(c, "run `viso models install %s`, or name the folder that holds %s with --models", m->id, m->file);
    else if (!there)
        vi_report_advise(c, "run `make build` to make the starter models, or name the folder that holds them with --models");
}

void vi_doctor_model_files(const vi_doctor *d)
{
    viso_model_list *l = NULL;
    viso_error e = { 0 };
    if (viso_models_list(&l, d->models, 2, &e) != 0) {
        vi_report_add(d->report, VI_CHECK_PROBLEM, "models", "manifest", "not found: %s", e.text);
        viso_check *c = vi_report_add(d->report, VI_CHECK_PROBLEM, "models", "starter models", "missing");
        vi_report_advise(c, "%s", d->models ? "name the folder that holds manifest.json and the models with --models, or leave it out"
                                            : "run `make build` to make the starter models, or name the folder that holds them with "
                                              "--models");
        return;
    }
    int others = 0;
    for (int i = 0; i < viso_models_count(l); i++) {
        const viso_model_info *m = viso_models_at(l, i);
        if (strcmp(m->preset, "starter") != 0 && strcmp(m->state, "missing") == 0)
            others++; /* known, not wanted here: no news */
        else
            row(d, m);
    }
    if (others)
        vi_report_add(d->report, VI_CHECK_OK, "models", "further models",
                      "%d known and not installed; `viso models list` shows them", others);
    viso_models_free(&l);
}
