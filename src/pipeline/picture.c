/* pipeline/picture.c: the picture lane's chain, and single pictures. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/run.h"
#include "pipeline/stages.h"

int vi_picture_lane_open(vi_picture_lane *l, const vi_context *c, const vi_people *people, void *shared, viso_error *err)
{
    const vi_stage_choice *use = vi_stages_chosen(c->settings);
    memset(l, 0, sizeof *l);
    if (vi_arena_create(&l->scratch, VI_SCRATCH_BYTES) != 0)
        return vi_error_nomem(err, "scratch memory of a worker");
    const vi_swap_settings *set = vi_settings_group(c->settings, "swap");
    l->profile_from = set->profile_from;
    vi_stage_env swap = vi_stage_environment(c, use->swap, people, shared);
    vi_stage_env blend = vi_stage_environment(c, use->blend, people, NULL);
    int rc = vi_bound_open(&l->swap, use->swap, &swap, err);
    if (!rc)
        rc = vi_bound_open(&l->blend, use->blend, &blend, err);
    if (rc)
        vi_picture_lane_close(l);
    return rc;
}

void vi_picture_lane_close(vi_picture_lane *l)
{
    vi_bound_close(&l->swap);
    vi_bound_close(&l->blend);
    vi_arena_destroy(&l->scratch);
}

int vi_chosen_faces(const vi_work *w)
{
    int n = 0;
    for (int i = 0; i < w->n_face; i++)
        n += w->face[i].source >= 0 && (w->face[i].f.has & VISO_FACE_HAS_MESH);
    return n;
}

/* A followed face that the landmark model sees, that is asked for and that swap left as it was. Faces turned into profile
 * fade by design, and specks of less than about 24 pixels are left alone: neither counts. */
static bool left_behind(const vi_face *f, float profile_from)
{
    float size = fmaxf(f->f.box.x1 - f->f.box.x0, 0.8f * (f->f.box.y1 - f->f.box.y0));
    return f->source >= 0 && (f->f.has & VISO_FACE_HAS_MESH) && f->fade > 0 && !f->patch.mask.p && size > 26.0f &&
           fabsf(f->f.pose.yaw) < profile_from;
}

int vi_picture_lane_run(vi_picture_lane *l, vi_work *w, vi_frame_pool *pool, viso_error *err)
{
    size_t mark = vi_arena_mark(&l->scratch);
    for (int i = 0; i < w->n_face; i++)
        w->face[i].patch = (vi_patch){ 0 };
    /* The swap stage sees every record, chosen or not: each has a number to pass at its slot's turnstile. */
    int rc = vi_bound_run(&l->swap, w, &l->scratch, err), changed = 0;
    for (int i = 0; i < w->n_face; i++) {
        changed += w->face[i].patch.mask.p != NULL;
        w->count.dropped_back += left_behind(&w->face[i], l->profile_from);
    }
    if (!rc && changed)
        rc = vi_frame_make_writable(&w->frame, pool, err);
    if (!rc && changed)
        rc = vi_bound_run(&l->blend, w, &l->scratch, err);
    vi_arena_release(&l->scratch, mark);
    return rc ? rc : changed;
}

int vi_run_workers(const vi_run_params *p)
{
    return p->workers > 0 ? p->workers : p->context->run->threads > 0 ? p->context->run->threads : vi_cpu_count();
}

/* Several faces of one picture are shared out over workers: each gets a copy of the work item in which only its own
 * faces are chosen, and makes patches in its own memory; pasting them is quick and stays with the caller. */
typedef struct share {
    vi_picture_lane lane;
    vi_work *work;
    int rc;
    viso_error err;
    vi_thread thread;
} share;

static void swap_share(void *arg)
{
    share *s = arg;
    s->rc = vi_bound_run(&s->lane.swap, s->work, &s->lane.scratch, &s->err);
}

static int swap_faces(share *s, int n, vi_work *w, viso_error *err)
{
    int owner[VI_MAX_FACES], next = 0, started = 1, rc = 0;
    for (int i = 0; i < w->n_face; i++) {
        w->face[i].patch = (vi_patch){ 0 };
        owner[i] = w->face[i].source >= 0 ? next++ % n : -1;
    }
    for (int k = 1; k < n; k++) {
        *s[k].work = *w;
        for (int i = 0; i < w->n_face; i++)
            s[k].work->face[i].source = owner[i] == k ? w->face[i].source : -1;
        rc = vi_thread_start(&s[k].thread, "vi-work", swap_share, &s[k], err);
        if (rc)
            break;
        started++;
    }
    int source[VI_MAX_FACES];
    for (int i = 0; i < w->n_face; i++) {
        source[i] = w->face[i].source;
        if (owner[i] > 0)
            w->face[i].source = -1;
    }
    s[0].work = w;
    if (!rc)
        swap_share(&s[0]);
    for (int k = 1; k < started; k++)
        vi_thread_join(&s[k].thread);
    for (int i = 0; i < w->n_face; i++) {
        w->face[i].source = source[i];
        if (owner[i] > 0)
            w->face[i].patch = s[owner[i]].work->face[i].patch;
    }
    for (int k = 0; k < started && !rc; k++) {
        if (s[k].rc)
            rc = vi_error_set(err, s[k].rc, "%s", s[k].err.text);
    }
    return rc;
}

static int make_picture(const vi_run_params *p, vi_work *w, vi_run_totals *t, viso_error *err)
{
    const vi_context *c = p->context;
    const vi_stage *swap = vi_stages_chosen(c->settings)->swap;
    int rc = 0, open = 0, changed = 0;
    int n = VI_MAX(1, VI_MIN(vi_run_workers(p), vi_chosen_faces(w)));
    void *shared = NULL;
    share *s = vi_calloc((size_t)n, sizeof *s);
    if (!s)
        return vi_error_nomem(err, "workers");
    vi_stage_env env = vi_stage_environment(c, swap, vi_who_people(p->who), NULL);
    if (swap->share)
        rc = swap->share(&shared, &env, err);
    for (; open < n && !rc; open++) {
        rc = vi_picture_lane_open(&s[open].lane, c, vi_who_people(p->who), shared, err);
        if (!rc && open > 0 && !(s[open].work = vi_calloc(1, sizeof *w)))
            rc = vi_error_nomem(err, "worker");
    }
    if (!rc)
        rc = swap_faces(s, n, w, err);
    for (int i = 0; i < w->n_face; i++)
        changed += w->face[i].patch.mask.p != NULL;
    if (!rc && changed)
        rc = vi_frame_make_writable(&w->frame, NULL, err);
    if (!rc && changed)
        rc = vi_bound_run(&s[0].lane.blend, w, &s[0].lane.scratch, err);
    for (int k = 0; k < open; k++) {
        if (s[k].lane.swap.stage)
            vi_totals_add(t, &s[k].lane.swap);
        if (s[k].lane.blend.stage)
            vi_totals_add(t, &s[k].lane.blend);
        vi_picture_lane_close(&s[k].lane);
        if (k > 0)
            vi_free(s[k].work);
    }
    if (swap->unshare)
        swap->unshare(&shared);
    vi_free(s);
    t->stats.faces_swapped += (uint64_t)(rc ? 0 : changed);
    t->stats.workers = VI_MAX(t->stats.workers, n);
    return rc ? rc : changed;
}

static int write_still(const vi_run_params *p, const vi_reader *r, vi_frame *f, viso_error *err)
{
    vi_writer *w = NULL;
    vi_log log = vi_log_named(&p->context->log, "output");
    vi_writer_params wp = { .path = p->out, .like = r, .like_path = p->target, .mark = true, .log = &log,
                            .settings = vi_settings_group(p->context->settings, "output") };
    int rc = vi_writer_open(&w, &wp, err);
    if (!rc)
        rc = vi_writer_write(w, f, err);
    if (!rc)
        return vi_writer_finish(&w, false, err);
    vi_writer_abort(&w);
    return rc;
}

/* The message for a target in which nobody is swapped. */
static int nobody(const vi_run_params *p, bool seen, viso_error *err)
{
    return vi_error_set(err, VISO_ERR_NO_TARGET_FACE,
                        seen ? "%s: faces were found, but none is the one asked for (--face, --map); nothing was written"
                             : "%s: no face found in the target; nothing was written", p->target);
}

int vi_run_still(const vi_run_params *p, vi_reader *r, vi_run_totals *t, viso_error *err)
{
    const vi_context *c = p->context;
    vi_frame *f = NULL;
    vi_colour_map colour = { 0 };
    vi_analyser *a = NULL;
    vi_trace_frame(0);
    vi_span span = vi_trace_begin(VI_TRACE_MEDIA, "decode");
    uint64_t from = vi_thread_cpu_ns();
    vi_work *w = vi_calloc(1, sizeof *w);
    int rc = w ? vi_reader_next(r, &f, err) : vi_error_nomem(err, p->target);
    vi_trace_end(&span);
    t->stats.decode_s += (double)(vi_thread_cpu_ns() - from) * 1e-9;
    if (!rc)
        rc = vi_colour_map_create(&colour, f->format, &f->colour, f->height, err);
    if (!rc)
        rc = vi_analyser_create(&a, c, &(vi_analyser_params){
            .embed = vi_who_needs_embedding(p->who, false), .wants = vi_stages_chosen(c->settings)->swap->needs }, err);
    if (!rc) {
        vi_work_begin(w, f, &colour, true, 0);
        rc = vi_analyser_run(a, w, err);
        for (int i = 0; vi_analyser_stage(a, i); i++)
            vi_totals_add(t, vi_analyser_stage(a, i));
    }
    if (!rc) {
        vi_who_assign(p->who, w);
        t->stats.faces_seen += (uint64_t)w->n_face;
        t->stats.networks += w->count.networks;
        vi_follow_note(&t->follow, w);
        rc = vi_chosen_faces(w) == 0 ? nobody(p, w->n_face > 0, err) : make_picture(p, w, t, err);
        if (rc == 0)
            rc = vi_error_set(err, VISO_ERR_NO_TARGET_FACE,
                              "%s: the face is turned too far away or too small to be swapped; nothing was written",
                              p->target);
        f = w->frame; /* it may have been copied to be written to */
    }
    if (rc >= 0 && atomic_load(p->cancel))
        rc = vi_error_set(err, VISO_ERR_INTERRUPTED, "%s: stopped, nothing was written", p->target);
    if (rc >= 0) {
        span = vi_trace_begin(VI_TRACE_MEDIA, "encode");
        from = vi_thread_cpu_ns();
        rc = p->out ? write_still(p, r, f, err) : 0;
        t->stats.encode_s += (double)(vi_thread_cpu_ns() - from) * 1e-9;
        t->stats.frames += rc == 0;
        vi_trace_end(&span);
    }
    vi_trace_frame(-1);
    vi_analyser_destroy(&a);
    vi_colour_map_destroy(&colour);
    vi_frame_unref(&f);
    vi_free(w);
    return rc;
}
