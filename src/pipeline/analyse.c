/* pipeline/analyse.c: the chain of analysis stages on one frame. */
#include "pipeline/analyse.h"

#include <stdlib.h>
#include <string.h>

#include "media/media.h"
#include "pipeline/stages.h"
#include "track/track.h"

enum { TRACK_BEGIN, DETECT, LANDMARK, TRACK_END, IDENTIFY, N_STAGE };

/* Settling is the tracker's, but a step of its own in reports. */
static const vi_stage settling = { .id = "settle", .label = "Tracking: settling with later frames known", .kind = VI_STAGE_TRACK };

struct vi_analyser {
    vi_bound stage[N_STAGE];
    vi_bound settle; /* its clock alone */
    vi_arena scratch;
    float match;
    bool largest;
    uint32_t wants; /* of the landmark stage: what the stages behind it need */
    void (*landmarks)(void *user, const vi_work *w);
    void *user;
};

static int open_stage(vi_analyser *a, int i, const vi_stage *row, const vi_context *c, void *shared, viso_error *err)
{
    vi_stage_env env = vi_stage_environment(c, row, NULL, shared);
    env.wants = a->wants;
    return vi_bound_open(&a->stage[i], row, &env, err);
}

int vi_analyser_create(vi_analyser **out, const vi_context *c, const vi_analyser_params *p, viso_error *err)
{
    const vi_stage_choice *use = vi_stages_chosen(c->settings);
    vi_analyser *a = vi_calloc(1, sizeof *a);
    if (!a || vi_arena_create(&a->scratch, VI_SCRATCH_BYTES) != 0) {
        vi_free(a);
        return vi_error_nomem(err, "analysis");
    }
    a->landmarks = p->landmarks;
    a->user = p->user;
    a->largest = p->largest;
    a->wants = p->wants | (p->embed ? use->identify->needs : 0) | (p->time ? use->track_end->needs : 0);
    int rc = vi_identify_match(vi_settings_group(c->settings, "identify"), c->models, &a->match, err);
    if (!rc)
        rc = open_stage(a, DETECT, use->detect, c, NULL, err);
    if (!rc)
        rc = open_stage(a, LANDMARK, use->landmark, c, NULL, err);
    if (!rc && p->embed)
        rc = open_stage(a, IDENTIFY, use->identify, c, NULL, err);
    if (!rc && p->time)
        rc = open_stage(a, TRACK_BEGIN, use->track_begin, c, NULL, err);
    if (!rc && p->time)
        rc = open_stage(a, TRACK_END, use->track_end, c, a->stage[TRACK_BEGIN].self, err);
    if (rc)
        vi_analyser_destroy(&a);
    *out = a;
    return rc;
}

void vi_analyser_destroy(vi_analyser **p)
{
    if (!*p)
        return;
    for (int i = N_STAGE - 1; i >= 0; i--) /* the end stage borrows the begin stage's state */
        vi_bound_close(&(*p)->stage[i]);
    vi_arena_destroy(&(*p)->scratch);
    vi_free(*p);
    *p = NULL;
}

const vi_bound *vi_analyser_stage(const vi_analyser *a, int i)
{
    for (int s = 0; s < N_STAGE; s++) {
        if (a->stage[s].stage && i-- == 0)
            return &a->stage[s];
    }
    return i == 0 && a->settle.stage ? &a->settle : NULL;
}

static int run(vi_analyser *a, int i, vi_work *w, viso_error *err)
{
    if (!a->stage[i].stage)
        return 0;
    size_t mark = vi_arena_mark(&a->scratch);
    uint32_t before = w->count.networks, *of_kind = i == DETECT     ? &w->count.detector_runs
                                                    : i == LANDMARK ? &w->count.landmark_runs
                                                    : i == IDENTIFY ? &w->count.embedder_runs
                                                                    : NULL;
    int rc = vi_bound_run(&a->stage[i], w, &a->scratch, err);
    if (of_kind)
        *of_kind += w->count.networks - before;
    vi_arena_release(&a->scratch, mark);
    return rc;
}

static int larger_first(const void *x, const void *y)
{
    const vi_box *a = &((const vi_face *)x)->f.box, *b = &((const vi_face *)y)->f.box;
    float sa = (a->x1 - a->x0) * (a->y1 - a->y0), sb = (b->x1 - b->x0) * (b->y1 - b->y0);
    return (sa < sb) - (sa > sb);
}

/* Whether this frame deserves a second, deeper look: a followed face was lost, or a still ended without a face (a false
 * candidate may have kept the detector from turning the picture). */
static bool look_again(vi_analyser *a, vi_work *w)
{
    if (a->stage[TRACK_BEGIN].stage)
        return vi_track_retry(a->stage[TRACK_BEGIN].self, w);
    return w->n_face == 0;
}

/* The large face for which the rest of a still was not searched turned out to be none, or smaller: then everything is. */
static bool search_rest(vi_work *w)
{
    float widest = 0;
    for (int i = 0; i < w->n_face; i++)
        widest = VI_MAX(widest, w->face[i].f.box.x1 - w->face[i].f.box.x0);
    if (widest >= w->unsearched)
        return false;
    w->largest_only = false;
    w->unsearched = 0;
    w->n_face = 0;
    w->count.looks = 0;
    return true;
}

int vi_analyser_run(vi_analyser *a, vi_work *w, viso_error *err)
{
    int rc = run(a, TRACK_BEGIN, w, err);
    w->largest_only = a->largest && w->still;
    for (int tries = 0; !rc;) {
        if (w->want_detect)
            rc = run(a, DETECT, w, err);
        if (!rc)
            rc = run(a, LANDMARK, w, err);
        if (!rc && search_rest(w))
            continue;
        if (rc || tries++ || !look_again(a, w))
            break;
    }
    if (!rc && a->landmarks)
        a->landmarks(a->user, w);
    if (!rc)
        rc = run(a, TRACK_END, w, err);
    if (!rc)
        rc = run(a, IDENTIFY, w, err);
    if (rc)
        return rc;
    if (a->stage[TRACK_BEGIN].stage) {
        if (a->stage[IDENTIFY].stage)
            vi_track_confirm(a->stage[TRACK_BEGIN].self, w, a->match);
        return 0;
    }
    for (int i = 0; i < w->n_face; i++) {
        w->face[i].slot = -1;
        w->face[i].f.track = -1;
        w->face[i].fade = 1;
    }
    qsort(w->face, (size_t)w->n_face, sizeof w->face[0], larger_first);
    return 0;
}

int vi_analyser_lag(const vi_analyser *a)
{
    return a->stage[TRACK_BEGIN].stage ? vi_track_lag(a->stage[TRACK_BEGIN].self) : 0;
}

void vi_analyser_settle(vi_analyser *a, vi_work *w)
{
    if (vi_analyser_lag(a) == 0)
        return;
    vi_span span = vi_trace_begin(VI_TRACE_STAGE, settling.id);
    uint64_t from = vi_thread_cpu_ns();
    vi_track_settle(a->stage[TRACK_BEGIN].self, w);
    a->settle.stage = &settling;
    vi_histogram_add(&a->settle.meter, vi_thread_cpu_ns() - from);
    vi_trace_end(&span);
}

void vi_analyser_save(const vi_analyser *a, vi_blob *b)
{
    for (int i = 0; i < N_STAGE; i++)
        if (a->stage[i].stage && a->stage[i].stage->save)
            a->stage[i].stage->save(a->stage[i].self, b);
}

int vi_analyser_load(vi_analyser *a, vi_blob *b, viso_error *err)
{
    int rc = 0;
    for (int i = 0; i < N_STAGE && !rc; i++)
        if (a->stage[i].stage && a->stage[i].stage->load)
            rc = a->stage[i].stage->load(a->stage[i].self, b, err);
    return rc;
}

int vi_see(vi_seen *s, vi_analyser *stills, const char *path, const vi_log *log, viso_error *err)
{
    memset(s, 0, sizeof *s);
    vi_reader *r = NULL;
    int rc = vi_reader_open(&r, path, log, err);
    if (!rc)
        rc = vi_reader_next(r, &s->frame, err);
    if (!rc)
        rc = vi_colour_map_create(&s->colour, s->frame->format, &s->frame->colour, s->frame->height, err);
    if (!rc && !(s->work = vi_calloc(1, sizeof *s->work)))
        rc = vi_error_nomem(err, path);
    if (!rc) {
        vi_work_begin(s->work, s->frame, &s->colour, true, 0);
        rc = vi_analyser_run(stills, s->work, err);
    }
    if (!rc && s->work->n_face == 0)
        rc = VISO_EOF;
    vi_reader_close(&r);
    if (rc)
        vi_seen_free(s);
    return rc;
}

void vi_seen_free(vi_seen *s)
{
    vi_colour_map_destroy(&s->colour);
    vi_frame_unref(&s->frame);
    vi_free(s->work);
    memset(s, 0, sizeof *s);
}
