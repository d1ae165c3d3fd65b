/* pipeline/context.c: binding stages to settings, and readying work items. */
#include "pipeline/context.h"

#include <string.h>

vi_stage_env vi_stage_environment(const vi_context *c, const vi_stage *s, const vi_people *people, void *shared)
{
    return (vi_stage_env){
        .k = c->k,
        .models = c->models,
        .settings = s->options ? vi_settings_group(c->settings, s->options) : NULL,
        .people = people,
        .shared = shared,
        .log = vi_log_named(&c->log, s->id),
    };
}

int vi_bound_open(vi_bound *b, const vi_stage *s, const vi_stage_env *env, viso_error *err)
{
    memset(b, 0, sizeof *b);
    int rc = s->create(&b->self, env, err);
    if (rc == 0)
        b->stage = s;
    return rc;
}

void vi_bound_close(vi_bound *b)
{
    if (b->stage)
        b->stage->destroy(&b->self);
    memset(b, 0, sizeof *b);
}

int vi_bound_run(vi_bound *b, vi_work *w, vi_arena *scratch, viso_error *err)
{
    vi_span span = vi_trace_begin(VI_TRACE_STAGE, b->stage->id);
    uint64_t from = vi_thread_cpu_ns();
    int rc = b->stage->process(b->self, w, scratch, err);
    vi_histogram_add(&b->meter, vi_thread_cpu_ns() - from);
    vi_trace_face(-1);
    vi_trace_end(&span);
    return rc;
}

void vi_work_begin(vi_work *w, vi_frame *f, const vi_colour_map *colour, bool still, uint64_t sequence)
{
    w->frame = f;
    w->colour = colour;
    w->upright = vi_frame_upright(f, &w->width, &w->height);
    w->still = still;
    w->sequence = sequence;
    w->cut = sequence == 0;
    w->want_detect = true;
    w->n_look = 0;
    w->largest_only = false;
    w->unsearched = 0;
    w->n_face = 0;
    memset(&w->count, 0, sizeof w->count);
}
