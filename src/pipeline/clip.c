/* pipeline/clip.c: the two-lane pipeline for a clip.
 *
 *   vi-decode ──frames──▶ vi-time ──work──▶ vi-work-1…N ──▶ ring in order ──▶ vi-encode
 *
 * The temporal lane (vi-time) looks at frames one after the other: follow, detect, landmarks, who is who. The picture
 * lane (vi-work-N) swaps and pastes whole frames in parallel. A ring of fixed size joins them: frame n uses slot n mod
 * ring, so that the temporal lane blocks while the encoder still holds the slot (back-pressure), and the encoder takes
 * slots in order (frames leave as they came). The calling thread only reports progress and waits. Memory is fixed at the
 * start: ring slots, one pool of frames, one arena a worker. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pipeline/plan.h"
#include "pipeline/run.h"
#include "pipeline/stages.h"

typedef enum slot_state { SLOT_FREE = 0, SLOT_BUSY, SLOT_DONE } slot_state;

typedef struct slot {
    vi_work work;
    vi_frame *origin; /* the decoded frame, kept while a written copy borrows its side data */
    slot_state state;
} slot;

typedef struct clip clip;

typedef struct worker {
    clip *run;
    vi_picture_lane lane;
    vi_thread thread;
    char name[16];
} worker;

struct clip {
    const vi_run_params *p;
    vi_reader *reader;
    vi_writer *writer;
    vi_colour_map colour;
    vi_analyser *analyser;
    void *shared; /* the swap stage's state over time */
    vi_frame_pool *pool;
    vi_queue *frames, *works;
    vi_thread decode, time, encode;
    worker *worker;
    int n_worker;

    pthread_mutex_t lock;
    pthread_cond_t moved; /* a slot changed its state, or the run ended */
    slot *ring;
    int n_ring;
    uint64_t handed; /* frames given to the picture lane in all; valid once time_done */
    int filled;      /* slots that are not free */
    vi_ring_fill fill;
    vi_follow_counts follow; /* of vi-time */
    bool time_done, ended;
    bool failed;
    viso_error err;

    vi_run_counts count;
    _Atomic uint64_t decode_ns, encode_ns, time_busy_ns, work_busy_ns, encode_busy_ns, decode_busy_ns;
    uint64_t rss_after_first_second;
};

/* The first failure ends the run: everyone stops waiting and drops what is in hand. */
static void fail(clip *c, int code, const viso_error *e)
{
    pthread_mutex_lock(&c->lock);
    if (!c->failed) {
        c->failed = true;
        c->err = *e;
        c->err.code = code;
    }
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    vi_queue_finish_receive(c->frames);
    vi_queue_finish_receive(c->works);
    vi_queue_finish_send(c->works);
}

static bool failed(clip *c)
{
    pthread_mutex_lock(&c->lock);
    bool f = c->failed;
    pthread_mutex_unlock(&c->lock);
    return f;
}

static void decode_lane(void *arg)
{
    clip *c = arg;
    for (int64_t n = 0;; n++) {
        if (atomic_load(c->p->cancel))
            break;
        vi_trace_frame(n);
        vi_frame *f = NULL;
        viso_error e = { 0 };
        vi_span span = vi_trace_begin(VI_TRACE_MEDIA, "decode");
        uint64_t from = vi_now_ns(), cpu = vi_thread_cpu_ns();
        int rc = vi_reader_next(c->reader, &f, &e);
        c->decode_ns += vi_thread_cpu_ns() - cpu;
        c->decode_busy_ns += vi_now_ns() - from;
        if (rc)
            vi_trace_frame(-1); /* the search for a frame that does not come */
        vi_trace_end(&span);
        if (rc == VISO_EOF)
            break;
        if (rc) {
            fail(c, rc, &e);
            break;
        }
        span = vi_trace_begin(VI_TRACE_WAIT, "room");
        rc = vi_queue_send(c->frames, f);
        vi_trace_end(&span);
        if (rc) {
            vi_frame_unref(&f);
            break;
        }
    }
    vi_queue_finish_send(c->frames);
}

/* Waits until the slot for frame n is free; NULL when the run has failed. */
static slot *take_slot(clip *c, uint64_t n)
{
    slot *s = &c->ring[n % (uint64_t)c->n_ring];
    vi_span span = vi_trace_begin(VI_TRACE_WAIT, "slot");
    pthread_mutex_lock(&c->lock);
    while (s->state != SLOT_FREE && !c->failed)
        pthread_cond_wait(&c->moved, &c->lock);
    bool ok = !c->failed;
    if (ok) {
        s->state = SLOT_BUSY;
        vi_ring_fill_note(&c->fill, ++c->filled);
    }
    pthread_mutex_unlock(&c->lock);
    vi_trace_end(&span);
    return ok ? s : NULL;
}

static int analyse(clip *c, slot *s, vi_frame *f, uint64_t n, viso_error *err)
{
    const vi_media_info *info = vi_reader_info(c->reader);
    vi_work *w = &s->work;
    if (f->format != info->format || f->width != info->width || f->height != info->height)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the picture changes its size or format at frame %llu", c->p->target,
                            (unsigned long long)n);
    vi_work_begin(w, f, &c->colour, false, n);
    int rc = vi_analyser_run(c->analyser, w, err);
    if (rc)
        return rc;
    vi_who_assign(c->p->who, w);
    int seen = 0;
    for (int i = 0; i < w->n_face; i++)
        seen += (w->face[i].f.has & VISO_FACE_HAS_MESH) != 0;
    c->count.faces_seen += (uint64_t)seen;
    c->count.networks += w->count.networks;
    c->count.cuts += w->cut && n > 0;
    vi_follow_note(&c->follow, w);
    return 0;
}

static void release_slot(clip *c, slot *s)
{
    vi_frame_unref(&s->work.frame);
    vi_frame_unref(&s->origin);
    pthread_mutex_lock(&c->lock);
    s->state = SLOT_FREE;
    c->filled--;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
}

/* From a queue, as a wait of frame n. */
static bool receive(vi_queue *q, const char *what, uint64_t n, void **item)
{
    vi_trace_frame((int64_t)n);
    vi_span span = vi_trace_begin(VI_TRACE_WAIT, what);
    bool got = vi_queue_receive(q, item) == 0;
    if (!got)
        vi_trace_frame(-1);
    vi_trace_end(&span);
    return got;
}

static void temporal_lane(void *arg)
{
    clip *c = arg;
    void *item;
    uint64_t n = 0;
    while (receive(c->frames, "decoded", n, &item)) {
        vi_frame *f = item;
        viso_error e = { 0 };
        slot *s = failed(c) ? NULL : take_slot(c, n);
        if (!s) {
            vi_frame_unref(&f);
            continue; /* drain, so that no frame is lost sight of */
        }
        vi_span span = vi_trace_begin(VI_TRACE_FRAME, "temporal");
        uint64_t from = vi_now_ns();
        int rc = analyse(c, s, f, n, &e);
        c->time_busy_ns += vi_now_ns() - from;
        vi_trace_end(&span);
        if (!rc) {
            s->origin = vi_frame_ref(f);
            rc = vi_queue_send(c->works, s);
        }
        if (rc) {
            s->work.frame = f;
            release_slot(c, s);
            if (rc != VISO_EOF)
                fail(c, rc, &e);
            continue;
        }
        n++;
    }
    pthread_mutex_lock(&c->lock);
    c->handed = n;
    c->time_done = true;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    vi_queue_finish_send(c->works);
}

/* Runs even after a failure elsewhere: a later frame may be waiting for this one at a turnstile. */
static void swap_frame(worker *k, slot *s)
{
    clip *c = k->run;
    viso_error e = { 0 };
    int changed = vi_picture_lane_run(&k->lane, &s->work, c->pool, &e);
    if (s->work.frame != s->origin)
        s->work.frame->side = s->origin->side;
    if (changed < 0) {
        fail(c, changed, &e);
        return;
    }
    c->count.faces_swapped += (uint64_t)changed;
    c->count.dropped_back += s->work.count.dropped_back > 0;
}

static void picture_lane(void *arg)
{
    worker *k = arg;
    clip *c = k->run;
    void *item;
    for (;;) {
        vi_span span = vi_trace_begin(VI_TRACE_WAIT, "work");
        bool got = vi_queue_receive(c->works, &item) == 0;
        slot *s = got ? item : NULL;
        vi_trace_frame(got ? (int64_t)s->work.sequence : -1); /* the wait belongs to the frame that came */
        vi_trace_end(&span);
        if (!got)
            break;
        span = vi_trace_begin(VI_TRACE_FRAME, "picture");
        uint64_t from = vi_now_ns();
        swap_frame(k, s);
        c->work_busy_ns += vi_now_ns() - from;
        vi_trace_end(&span);
        pthread_mutex_lock(&c->lock);
        s->state = SLOT_DONE;
        pthread_cond_broadcast(&c->moved);
        pthread_mutex_unlock(&c->lock);
    }
}

/* Waits for frame n to be done; NULL at the end of the clip or after a failure. */
static slot *next_done(clip *c, uint64_t n)
{
    slot *s = &c->ring[n % (uint64_t)c->n_ring];
    vi_trace_frame((int64_t)n);
    vi_span span = vi_trace_begin(VI_TRACE_WAIT, "done");
    pthread_mutex_lock(&c->lock);
    while (s->state != SLOT_DONE && !c->failed && !(c->time_done && n >= c->handed))
        pthread_cond_wait(&c->moved, &c->lock);
    bool ok = s->state == SLOT_DONE && !c->failed;
    pthread_mutex_unlock(&c->lock);
    if (!ok)
        vi_trace_frame(-1);
    vi_trace_end(&span);
    return ok ? s : NULL;
}

static void encode_lane(void *arg)
{
    clip *c = arg;
    slot *s;
    for (uint64_t n = 0; (s = next_done(c, n)) != NULL; n++) {
        viso_error e = { 0 };
        vi_span span = vi_trace_begin(VI_TRACE_MEDIA, "encode");
        uint64_t from = vi_now_ns(), cpu = vi_thread_cpu_ns();
        int rc = c->writer ? vi_writer_write(c->writer, s->work.frame, &e) : 0;
        c->encode_ns += vi_thread_cpu_ns() - cpu;
        c->encode_busy_ns += vi_now_ns() - from;
        vi_trace_end(&span);
        release_slot(c, s);
        if (rc) {
            fail(c, rc, &e);
            break;
        }
        c->count.frames++;
    }
    pthread_mutex_lock(&c->lock);
    c->ended = true;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
}

/* Which lane is busiest, as a share of its threads' time. */
static const char *limiting(clip *c, uint64_t wall_ns)
{
    const struct { const char *name; uint64_t busy; int threads; } lane[] = {
        { "decode", c->decode_busy_ns, 1 },
        { "analysis", c->time_busy_ns, 1 },
        { "swap", c->work_busy_ns, c->n_worker },
        { "encode", c->encode_busy_ns, 1 },
    };
    const char *name = "";
    double most = 0;
    for (size_t i = 0; i < VI_COUNT(lane); i++) {
        double share = wall_ns ? (double)lane[i].busy / ((double)wall_ns * lane[i].threads) : 0;
        if (share > most) {
            most = share;
            name = lane[i].name;
        }
    }
    return name;
}

/* Reports progress from the calling thread until the last frame has left. */
static void watch(clip *c, uint64_t start)
{
    enum { HISTORY = 32 }; /* about three seconds at ten reports a second */
    uint64_t at[HISTORY] = { 0 }, frames[HISTORY] = { 0 }, reports = 0;
    const vi_media_info *info = vi_reader_info(c->reader);
    viso_progress r = c->p->base;
    r.phase = "frames";
    r.file = c->p->target;
    r.frames_total = info->frames > 0 ? (uint64_t)info->frames : 0;
    bool ended = false;
    while (!ended) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&c->lock);
        for (int woken = 0; !c->ended && woken == 0;)
            woken = pthread_cond_timedwait(&c->moved, &c->lock, &until);
        ended = c->ended;
        pthread_mutex_unlock(&c->lock);
        uint64_t now = vi_now_ns(), done = c->count.frames;
        if (!c->rss_after_first_second && now - start > 1000000000u)
            c->rss_after_first_second = vi_current_rss();
        at[reports % HISTORY] = now;
        frames[reports % HISTORY] = done;
        uint64_t oldest = reports < HISTORY ? 0 : (reports + 1) % HISTORY;
        double span = (double)(now - at[oldest]) * 1e-9;
        r.fps = span > 0 ? (double)(done - frames[oldest]) / span : 0;
        r.frames = done;
        r.faces = c->count.faces_swapped;
        r.remaining_s = r.fps > 0 && r.frames_total > done ? (double)(r.frames_total - done) / r.fps : -1;
        r.limiting = limiting(c, now - start);
        reports++;
        if (c->p->progress && c->p->progress(c->p->user, &r) != 0)
            atomic_store(c->p->cancel, true);
    }
}

static int open_lanes(clip *c, viso_error *err)
{
    const vi_context *x = c->p->context;
    const vi_media_info *info = vi_reader_info(c->reader);
    const vi_stage *swap = vi_stages_chosen(x->settings)->swap;
    const vi_people *people = vi_who_people(c->p->who);
    vi_stage_env env = vi_stage_environment(x, swap, people, NULL);
    c->n_worker = vi_run_workers(c->p);
    c->n_ring = vi_run_ring(x->run, c->n_worker);
    int spare = vi_cpu_count(); /* frames that the threads of the encoder keep for a while */
    int rc = vi_colour_map_create(&c->colour, info->format, &info->colour, info->height, err);
    if (!rc)
        rc = vi_analyser_create(&c->analyser, x, &(vi_analyser_params){
            .time = true, .embed = vi_who_needs_embedding(c->p->who, true), .wants = swap->needs }, err);
    if (!rc && swap->share)
        rc = swap->share(&c->shared, &env, err);
    if (!rc)
        rc = vi_frame_pool_create(&c->pool, info->format, info->width, info->height, c->n_ring + spare, err);
    if (!rc && (vi_queue_create(&c->frames, 4) || vi_queue_create(&c->works, (size_t)c->n_ring) ||
                !(c->ring = vi_calloc((size_t)c->n_ring, sizeof *c->ring)) ||
                !(c->worker = vi_calloc((size_t)c->n_worker, sizeof *c->worker))))
        rc = vi_error_nomem(err, "ring of frames");
    for (int i = 0; i < c->n_worker && !rc; i++)
        rc = vi_picture_lane_open(&c->worker[i].lane, x, people, c->shared, err);
    return rc;
}

static int open_writer(clip *c, viso_error *err)
{
    const vi_context *x = c->p->context;
    vi_log log = vi_log_named(&x->log, "output");
    vi_writer_params wp = { .path = c->p->out, .like = c->reader, .like_path = c->p->target, .mark = true, .log = &log,
                            .settings = vi_settings_group(x->settings, "output") };
    return c->p->out ? vi_writer_open(&c->writer, &wp, err) : 0;
}

static int start(clip *c, viso_error *err)
{
    int rc = 0;
    for (int i = 0; i < c->n_worker && !rc; i++) {
        worker *k = &c->worker[i];
        k->run = c;
        snprintf(k->name, sizeof k->name, "vi-work-%d", (i + 1) % 1000);
        rc = vi_thread_start(&k->thread, k->name, picture_lane, k, err);
    }
    if (!rc)
        rc = vi_thread_start(&c->time, "vi-time", temporal_lane, c, err);
    if (!rc)
        rc = vi_thread_start(&c->encode, "vi-encode", encode_lane, c, err);
    if (!rc)
        rc = vi_thread_start(&c->decode, "vi-decode", decode_lane, c, err);
    if (rc) {
        fail(c, rc, err);
        vi_queue_finish_send(c->frames);
    }
    return rc;
}

static void join(clip *c)
{
    vi_thread_join(&c->decode);
    vi_thread_join(&c->time);
    for (int i = 0; i < c->n_worker && c->worker; i++)
        vi_thread_join(&c->worker[i].thread);
    vi_thread_join(&c->encode);
}

static void close_lanes(clip *c)
{
    const vi_stage *swap = vi_stages_chosen(c->p->context->settings)->swap;
    void *item;
    while (c->frames && vi_queue_depth(c->frames) > 0 && vi_queue_receive(c->frames, &item) == 0) {
        vi_frame *f = item;
        vi_frame_unref(&f);
    }
    for (int i = 0; i < c->n_ring && c->ring; i++) {
        vi_frame_unref(&c->ring[i].work.frame);
        vi_frame_unref(&c->ring[i].origin);
    }
    for (int i = 0; i < c->n_worker && c->worker; i++)
        vi_picture_lane_close(&c->worker[i].lane);
    if (c->shared && swap->unshare)
        swap->unshare(&c->shared);
    vi_analyser_destroy(&c->analyser);
    vi_colour_map_destroy(&c->colour);
    vi_queue_destroy(&c->frames);
    vi_queue_destroy(&c->works);
    vi_frame_pool_destroy(&c->pool);
    vi_free(c->ring);
    vi_free(c->worker);
}

static void collect(clip *c, vi_run_totals *t, uint64_t wall_ns)
{
    for (int i = 0; vi_analyser_stage(c->analyser, i); i++)
        vi_totals_add(t, vi_analyser_stage(c->analyser, i));
    for (int i = 0; i < c->n_worker; i++) {
        vi_totals_add(t, &c->worker[i].lane.swap);
        vi_totals_add(t, &c->worker[i].lane.blend);
    }
    viso_run_stats *s = &t->stats;
    s->frames += c->count.frames;
    s->faces_seen += c->count.faces_seen;
    s->faces_swapped += c->count.faces_swapped;
    s->frames_dropped_back += c->count.dropped_back;
    s->frames_damaged += vi_reader_damaged(c->reader);
    s->networks += c->count.networks;
    s->cuts += c->count.cuts;
    s->decode_s += (double)c->decode_ns * 1e-9;
    s->encode_s += (double)c->encode_ns * 1e-9;
    s->workers = VI_MAX(s->workers, c->n_worker);
    c->fill.size = c->n_ring;
    vi_ring_fill_merge(&t->ring, &c->fill);
    vi_follow_merge(&t->follow, &c->follow);
    if (c->rss_after_first_second)
        s->rss_after_first_second = c->rss_after_first_second;
    snprintf(s->limiting, sizeof s->limiting, "%s", limiting(c, wall_ns));
}

/* What the run came to: gives the result its name, or takes it away. */
static int conclude(clip *c, viso_error *err)
{
    bool cancelled = atomic_load(c->p->cancel);
    int rc = 0;
    if (c->failed)
        rc = vi_error_set(err, c->err.code, "%s", c->err.text);
    else if (c->count.frames == 0 && cancelled)
        rc = vi_error_set(err, VISO_ERR_INTERRUPTED, "%s: stopped before the first frame, nothing was written", c->p->target);
    else if (c->count.faces_swapped == 0 && !cancelled)
        rc = vi_error_set(err, VISO_ERR_NO_TARGET_FACE,
                          c->count.faces_seen ? "%s: faces were found, but none was swapped (--face, --map, turned too far away, "
                                                "or too small); nothing was written"
                                              : "%s: no face found in the target; nothing was written",
                          c->p->target);
    if (rc) {
        vi_writer_abort(&c->writer);
        return rc;
    }
    if (c->writer)
        rc = vi_writer_finish(&c->writer, cancelled, err);
    if (!rc && cancelled)
        rc = vi_error_set(err, VISO_ERR_INTERRUPTED, "%s: stopped after %llu frames; %s holds what was done", c->p->target,
                          (unsigned long long)c->count.frames, c->p->out ? c->p->out : "no file");
    return rc;
}

int vi_run_clip(const vi_run_params *p, vi_reader *r, vi_run_totals *t, viso_error *err)
{
    clip *c = vi_calloc(1, sizeof *c);
    if (!c)
        return vi_error_nomem(err, "pipeline");
    c->p = p;
    c->reader = r;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->moved, NULL);
    vi_who_new_clip(p->who);
    int rc = open_lanes(c, err);
    if (!rc)
        rc = open_writer(c, err);
    if (!rc) {
        uint64_t from = vi_now_ns();
        viso_error e = { 0 };
        if (start(c, &e) == 0)
            watch(c, from);
        join(c);
        collect(c, t, vi_now_ns() - from);
        rc = conclude(c, err);
    }
    vi_writer_abort(&c->writer);
    close_lanes(c);
    pthread_cond_destroy(&c->moved);
    pthread_mutex_destroy(&c->lock);
    vi_free(c);
    return rc;
}
