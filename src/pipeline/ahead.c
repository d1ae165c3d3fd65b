/* pipeline/ahead.c: see ahead.h. */
#include "pipeline/ahead.h"

#include "pipeline/plan.h"

static void open_all(void *user)
{
    vi_ahead *a = user;
    for (int i = 0; i < a->n; i++) {
        viso_error ignored = { 0 };
        vi_session *s;
        vi_models_session(a->models, a->id[i], &s, NULL, &ignored);
    }
}

void vi_ahead_start(vi_ahead *a, vi_models *m, const vi_settings *s)
{
    viso_error ignored = { 0 };
    const char *id[VI_AHEAD_MOST];
    int n = vi_plan_network_names(s, id);
    *a = (vi_ahead){ .models = m };
    for (int i = 1; i < n; i++) { /* the caller begins with the first */
        const vi_model_row *row = vi_models_find(m, id[i]);
        if (row && row->n_role > 0 && !vi_models_may_leave_cpu(m, row))
            a->id[a->n++] = id[i];
    }
    if (a->n > 0 && vi_cpu_count() > 1)
        vi_thread_start(&a->thread, "vi-ahead", open_all, a, &ignored);
}

void vi_ahead_join(vi_ahead *a)
{
    vi_thread_join(&a->thread);
}
