/* pipeline/warm.c: models loaded and run once before the work begins, with what each of it takes (viso/engine.h). */
#include <stdio.h>
#include <string.h>

#include "pipeline/analyse.h"
#include "pipeline/engine_impl.h"
#include "pipeline/stages.h"

enum { MOST = 64 };

/* Opens and closes the stages of a job as configured: the models they use stay loaded. */
static int open_stages(const vi_context *c, viso_error *err)
{
    const vi_stage_choice *use = vi_stages_chosen(c->settings);
    const vi_stage *const picture[] = { use->swap, use->blend };
    vi_people nobody = { 0 };
    vi_analyser *a = NULL;
    int rc = vi_analyser_create(&a, c, &(vi_analyser_params){ .time = true, .embed = true }, err);
    vi_analyser_destroy(&a);
    for (size_t i = 0; i < VI_COUNT(picture) && !rc; i++) {
        vi_bound b = { 0 };
        void *shared = NULL;
        vi_stage_env env = vi_stage_environment(c, picture[i], &nobody, NULL);
        if (picture[i]->share)
            rc = picture[i]->share(&shared, &env, err);
        env.shared = shared;
        if (!rc)
            rc = vi_bound_open(&b, picture[i], &env, err);
        vi_bound_close(&b);
        if (shared)
            picture[i]->unshare(&shared);
    }
    return rc;
}

static int warm_one(viso_engine *e, const char *id, viso_warm_fn done, void *user, viso_error *err)
{
    vi_model_warm w;
    int rc = vi_models_warm(e->models, id, &w, err);
    if (rc || !done)
        return rc;
    viso_warm line = { .load_ms = w.load_ms, .first_ms = w.first_ms, .second_ms = w.second_ms };
    snprintf(line.id, sizeof line.id, "%.47s", id);
    snprintf(line.provider, sizeof line.provider, "%s", w.provider);
    snprintf(line.fell_back, sizeof line.fell_back, "%s", w.fell_back);
    done(user, &line);
    return 0;
}

/* The ids of the models that the open engine has loaded; how many. */
static int ids_of(viso_engine *e, char id[MOST][48])
{
    vi_model_use use[MOST];
    int n = vi_models_uses(e->models, use, MOST);
    for (int i = 0; i < n; i++)
        memcpy(id[i], use[i].row->id, sizeof id[i]);
    return n;
}

/* The models of a job as configured. Seen on the processor: opening a stage on a device would already pay for its first run. */
static int survey(viso_engine *e, char id[MOST][48], int *n, viso_error *err)
{
    e->survey = true;
    int rc = vi_engine_ready(e, err);
    if (!rc)
        rc = open_stages(&e->context, err);
    *n = rc ? 0 : ids_of(e, id);
    vi_models_close(&e->models);
    e->survey = false;
    return rc;
}

int viso_warmup(viso_engine *e, const char *const *ids, int n, viso_warm_fn done, void *user, viso_error *err)
{
    char own[MOST][48];
    int n_own = 0, rc = 0;
    bool fresh = !e->models;
    atomic_store(&e->cancel, false);
    if (n == 0 && fresh)
        rc = survey(e, own, &n_own, err);
    e->cold = fresh; /* the first run is measured here */
    if (!rc)
        rc = vi_engine_ready(e, err);
    if (!rc && n == 0 && !fresh && (rc = open_stages(&e->context, err)) == 0)
        n_own = ids_of(e, own);
    for (int i = 0; i < VI_MAX(n, n_own) && !rc; i++) {
        rc = warm_one(e, n ? ids[i] : own[i], done, user, err);
        if (!rc && atomic_load(&e->cancel))
            rc = vi_error_set(err, VISO_ERR_INTERRUPTED, "stopped after %d models", i + 1);
    }
    return rc;
}
