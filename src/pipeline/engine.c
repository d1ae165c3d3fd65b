/* pipeline/engine.c: the public engine: its life, and what it opens at first need. */
#include <stdio.h>
#include <string.h>

#include "media/media.h"
#include "pipeline/engine_impl.h"
#include "pipeline/form.h"
#include "pipeline/groups.h"
#include "pipeline/job.h"
#include "pipeline/presets.h"
#include "viso/version.h"

const char *viso_version(void)
{
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
    return TEXT(VISO_VERSION_MAJOR) "." TEXT(VISO_VERSION_MINOR) "." TEXT(VISO_VERSION_PATCH);
}

int viso_engine_create(viso_engine **out, const viso_options *o, viso_log_fn log, void *log_user, viso_error *err)
{
    viso_engine *e = vi_calloc(1, sizeof *e);
    *out = NULL;
    if (!e || !(e->settings = vi_settings_copy(vi_options_settings(o)))) {
        vi_free(e);
        return vi_error_nomem(err, "engine");
    }
    int rc = vi_preset_apply(e->settings, err);
    if (rc) {
        viso_engine_destroy(&e);
        return rc;
    }
    const vi_run_settings *run = vi_settings_group(e->settings, "run");
    e->log = (vi_log){ log, log_user, vi_run_log_level(run), "viso" };
    atomic_init(&e->cancel, false);
    *out = e;
    return 0;
}

void viso_engine_destroy(viso_engine **p)
{
    viso_engine *e = *p;
    *p = NULL;
    if (!e)
        return;
    vi_models_close(&e->models);
    vi_settings_destroy(&e->settings);
    vi_free(e);
}

viso_form viso_swap_form(const viso_options *o, const char *target, const char *out)
{
    return vi_form_of(vi_options_settings(o), target, out);
}

void viso_cancel(viso_engine *e)
{
    atomic_store(&e->cancel, true);
}

int vi_engine_ready(viso_engine *e, viso_error *err)
{
    const vi_run_settings *run = vi_settings_group(e->settings, "run");
    const vi_input_settings *input = vi_settings_group(e->settings, "input");
    if (e->models)
        return 0;
    vi_models_params p = {
        .dir = run->models[0] ? run->models : NULL,
        .intra_threads = 1,
        .log = &e->log,
        .provider = e->survey ? "cpu" : vi_run_provider(run),
        .strict = run->strict_device,
        .provider_for = e->survey ? NULL : run->provider_for,
        .warm_up = !e->cold,
        .no_graphs = input->hardware != VI_HARDWARE_OFF, /* see docs/devices.md */
    };
    int rc = vi_models_open(&e->models, &p, err);
    if (rc)
        return rc;
    e->context = (vi_context){
        .k = vi_kernels_get(vi_run_cpu_mask(run)),
        .models = e->models,
        .settings = e->settings,
        .run = run,
        .log = e->log,
    };
    vi_debug(&e->log, "kernels: %s", e->context.k->name);
    return 0;
}

void vi_engine_networks(viso_engine *e, viso_run_stats *stats)
{
    vi_model_use use[VISO_MAX_NETWORKS];
    stats->n_network = e->models ? vi_models_uses(e->models, use, VISO_MAX_NETWORKS) : 0;
    for (int i = 0; i < stats->n_network; i++) {
        viso_network_stats *n = &stats->network[i];
        snprintf(n->id, sizeof n->id, "%s", use[i].row->id);
        snprintf(n->provider, sizeof n->provider, "%s", use[i].provider);
        snprintf(n->fell_back, sizeof n->fell_back, "%s", use[i].fell_back);
    }
}

int viso_swap(viso_engine *e, const viso_swap_params *p, viso_run_stats *stats, viso_error *err)
{
    atomic_store(&e->cancel, false);
    viso_run_stats ignored;
    return vi_job_run(e, p, stats ? stats : &ignored, err);
}
