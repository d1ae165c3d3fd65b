/* pipeline/job.c: one call of viso_swap. A file is run as a still or a clip; in a folder the stills are shared out over
 * workers first (one picture a worker), then the clips follow one by one, each with the whole machine. */
#include "pipeline/job.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pipeline/ahead.h"
#include "pipeline/form.h"
#include "pipeline/plan.h"
#include "pipeline/run.h"
#include "pipeline/telemetry.h"

typedef struct job {
    viso_engine *e;
    const viso_swap_params *p;
    vi_who *who;
    vi_who_params people;
    vi_run_totals totals;
    viso_progress base;
} job;

/* A result must not replace what it is made from. */
static int check_out(const viso_swap_params *p, const char *target, const char *out, viso_error *err)
{
    if (!out)
        return 0;
    if (vi_same_file(target, out))
        return vi_error_set(err, VISO_ERR_USAGE, "%s: the result would replace the target; give it another name with -o", out);
    for (int i = 0; i < p->n_source; i++) {
        if (vi_same_file(p->sources[i], out))
            return vi_error_set(err, VISO_ERR_USAGE, "%s: the result would replace a source photograph", out);
    }
    for (int i = 0; i < p->n_map; i++) {
        if (vi_same_file(p->maps[i].source, out) || vi_same_file(p->maps[i].person, out))
            return vi_error_set(err, VISO_ERR_USAGE, "%s: the result would replace a mapped photograph", out);
    }
    return 0;
}

static const char *noun(vi_media_kind kind)
{
    return kind == VI_MEDIA_STILL ? "picture" : "video";
}

/* A folder of pictures loses nothing that lies in it unasked. */
static int check_pictures(const job *j, const char *out, viso_error *err)
{
    bool used = false;
    vi_media_is_folder_name(out, &used);
    return used && !j->e->context.run->force && !j->e->context.run->resume
               ? vi_error_set(err, VISO_ERR_USAGE, "%s: there are files in this folder; give --force (-y) to write pictures among them, or "
                              "name another", out)
               : 0;
}

static int check_kind(const job *j, const char *out, vi_media_kind kind, viso_error *err)
{
    if (out && kind == VI_MEDIA_VIDEO && vi_media_is_folder_name(out, NULL))
        return check_pictures(j, out, err);
    vi_media_kind named = out ? vi_media_kind_of_name(out) : kind;
    if (named == 0)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: no known %s format by this name", out, noun(kind));
    if (named != kind)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: the target is a %s, so the result must be one too", out, noun(kind));
    return 0;
}

/* A clip with settings of its own when the memory would not do for those of the job. */
static int run_clip(job *j, vi_run_params *run, vi_reader *r, vi_run_totals *totals, viso_error *err)
{
    vi_settings *own;
    viso_plan plan;
    run->settings = j->e->settings;
    run->people = &j->people;
    run->at = j->p->at;
    run->n_at = j->p->n_at;
    run->measure = j->p->measure != 0;
    int rc = vi_plan_clip(&own, &plan, j->e->models, j->e->settings, vi_reader_info(r), run->target, run->out != NULL, &j->e->log, err);
    vi_context lowered = j->e->context;
    if (!rc && own) {
        lowered.settings = own;
        lowered.run = vi_settings_group(own, "run");
        run->context = &lowered;
    }
    totals->stats.ring = plan.ring;
    totals->stats.encoder_lookahead = run->out ? plan.lookahead : 0;
    totals->stats.planned_ram = plan.ram;
    if (!rc)
        rc = vi_run_clip(run, r, totals, err);
    vi_settings_destroy(&own);
    return rc;
}

/* `only`: the kind of files a pass over a folder takes, 0 both; others are VISO_AGAIN. */
static int swap_one(job *j, const char *target, const char *out, vi_media_kind only, int workers, vi_run_totals *totals,
                    viso_error *err)
{
    vi_reader *r = NULL;
    vi_log log = vi_log_named(&j->e->log, "input");
    vi_trace_file();
    int rc = check_out(j->p, target, out, err);
    if (!rc)
        rc = (vi_form_is_clip(j->e->settings, target, out) ? vi_reader_open_pictures : vi_reader_open_as)(
            &r, target, vi_settings_group(j->e->settings, "input"), &log, err);
    if (rc)
        return rc;
    vi_run_params run = {
        .context = &j->e->context,
        .who = j->who,
        .target = target,
        .out = out,
        .cancel = &j->e->cancel,
        .progress = j->p->progress,
        .user = j->p->user,
        .base = only == VI_MEDIA_STILL ? (viso_progress){ 0 } : j->base, /* stills of a folder run beside the reports */
        .workers = workers,
    };
    vi_media_kind kind = vi_reader_info(r)->kind;
    if (only && kind != only)
        rc = VISO_AGAIN;
    else
        rc = check_kind(j, out, kind, err);
    const vi_target_settings *part = vi_settings_group(j->e->settings, "target");
    bool alone = target == j->p->target; /* not one of a folder */
    if (!rc && kind == VI_MEDIA_STILL && j->p->n_at > 0 && alone)
        rc = vi_error_set(err, VISO_ERR_USAGE, "%s: a picture has no time ranges (--at)", target);
    if (!rc && (kind == VI_MEDIA_VIDEO || alone))
        rc = vi_reader_range(r, part->start, part->end, err);
    if (!rc)
        rc = kind == VI_MEDIA_STILL ? vi_run_still(&run, r, totals, err) : run_clip(j, &run, r, totals, err);
    vi_reader_close(&r);
    return rc;
}

/* Calls the progress function; non-zero: stop. */
static int report(job *j, const char *phase, const char *file, uint64_t done)
{
    j->base.phase = phase;
    j->base.file = file;
    j->base.files = done;
    j->base.remaining_s = -1;
    j->base.limiting = "";
    if (j->p->progress && j->p->progress(j->p->user, &j->base) != 0)
        viso_cancel(j->e);
    return atomic_load(&j->e->cancel);
}

typedef struct folder {
    job *j;
    char **name;
    int n;
    int *rc;             /* per file; VISO_AGAIN: not tried yet */
    viso_error first;    /* of the failed file with the lowest index */
    int first_index, n_failed;
    pthread_mutex_t lock; /* guards everything below and `first` */
    pthread_cond_t moved;
    int next, done, active;
} folder;

static void note(folder *f, int i, int rc, const viso_error *e)
{
    f->rc[i] = rc;
    if (rc == 0)
        vi_info(&f->j->e->log, "%s: done", f->name[i]);
    if (rc == 0 || rc == VISO_AGAIN)
        return;
    f->n_failed++;
    if (rc != VISO_ERR_INTERRUPTED)
        vi_log_write(&f->j->e->log, VISO_LOG_ERROR, "%s", e->text);
    if (f->first_index < 0 || i < f->first_index) {
        f->first = *e;
        f->first.code = rc;
        f->first_index = i;
    }
}

/* Going on with a folder: a result that is there is whole, unless something unfinished lies beside it. */
static bool done_before(const job *j, const char *out)
{
    viso_unfinished_info left;
    return j->e->context.run->resume && out && vi_file_exists(out) && !viso_unfinished(out, &left);
}

static int folder_file(folder *f, int i, vi_media_kind only, int workers, vi_run_totals *totals, viso_error *e)
{
    const viso_swap_params *p = f->j->p;
    char *target = vi_path_join(p->target, f->name[i]);
    char *out = p->out ? vi_path_join(p->out, f->name[i]) : NULL;
    int rc = !target || (p->out && !out) ? vi_error_nomem(e, f->name[i]) : 0;
    if (!rc && !done_before(f->j, out))
        rc = swap_one(f->j, target, out, only, workers, totals, e);
    vi_free(target);
    vi_free(out);
    return rc;
}

typedef struct still_worker {
    folder *f;
    vi_run_totals totals;
    vi_thread thread;
} still_worker;

static void stills_lane(void *arg)
{
    still_worker *k = arg;
    folder *f = k->f;
    pthread_mutex_lock(&f->lock);
    while (f->next < f->n && !atomic_load(&f->j->e->cancel)) {
        int i = f->next++;
        pthread_mutex_unlock(&f->lock);
        viso_error e = { 0 };
        int rc = folder_file(f, i, VI_MEDIA_STILL, 1, &k->totals, &e);
        pthread_mutex_lock(&f->lock);
        note(f, i, rc, &e);
        f->done += rc != VISO_AGAIN;
    }
    f->active--;
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->lock);
}

/* All stills over n workers; the calling thread reports. */
static int folder_stills(folder *f, int n, viso_error *err)
{
    still_worker *k = vi_calloc((size_t)n, sizeof *k);
    int rc = k ? 0 : vi_error_nomem(err, "workers"), started = 0;
    f->active = 0;
    for (; started < n && !rc; started += !rc) {
        k[started].f = f;
        pthread_mutex_lock(&f->lock);
        f->active++;
        pthread_mutex_unlock(&f->lock);
        rc = vi_thread_start(&k[started].thread, "vi-still", stills_lane, &k[started], err);
    }
    if (rc)
        viso_cancel(f->j->e);
    pthread_mutex_lock(&f->lock);
    f->active -= rc && k ? 1 : 0;
    while (f->active > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&f->moved, &f->lock, &until);
        uint64_t done = (uint64_t)f->done;
        pthread_mutex_unlock(&f->lock);
        report(f->j, "frames", f->j->p->target, done);
        pthread_mutex_lock(&f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    for (int i = 0; i < started; i++) {
        vi_thread_join(&k[i].thread);
        vi_totals_merge(&f->j->totals, &k[i].totals);
    }
    vi_free(k);
    return rc;
}

static int swap_folder(job *j, viso_error *err)
{
    const viso_swap_params *p = j->p;
    const vi_run_settings *run = j->e->context.run;
    folder f = { .j = j, .first_index = -1 };
    if (p->out && !vi_is_folder(p->out))
        return vi_error_set(err, VISO_ERR_USAGE, "%s: the target is a folder, so the result must be an existing folder", p->out);
    if (p->out && vi_same_file(p->out, p->target))
        return vi_error_set(err, VISO_ERR_USAGE, "%s: the results would replace the targets; name another folder", p->out);
    int rc = vi_media_list(p->target, &f.name, &f.n, err);
    if (!rc && f.n == 0)
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: no pictures or clips in this folder", p->target);
    if (!rc && !(f.rc = vi_calloc((size_t)f.n, sizeof *f.rc)))
        rc = vi_error_nomem(err, "folder");
    if (rc) {
        vi_media_list_free(&f.name, f.n);
        return rc;
    }
    for (int i = 0; i < f.n; i++)
        f.rc[i] = VISO_AGAIN;
    pthread_mutex_init(&f.lock, NULL);
    pthread_cond_init(&f.moved, NULL);
    j->base.files_total = (uint64_t)f.n;
    int workers = run->threads > 0 ? run->threads : vi_cpu_count();
    rc = folder_stills(&f, VI_MIN(workers, f.n), err);
    for (int i = 0; i < f.n && !rc; i++) {
        viso_error e = { 0 };
        if (f.rc[i] != VISO_AGAIN || report(j, "frames", p->target, (uint64_t)f.done))
            continue;
        note(&f, i, folder_file(&f, i, 0, 0, &j->totals, &e), &e);
        f.done++;
    }
    if (!rc && atomic_load(&j->e->cancel))
        rc = vi_error_set(err, VISO_ERR_INTERRUPTED, "%s: stopped after %d of %d files", p->target, f.done, f.n);
    else if (!rc && f.first_index >= 0)
        rc = vi_error_set(err, f.first.code, "%d of %d files could not be swapped, %s the first", f.n_failed, f.n,
                          f.name[f.first_index]);
    pthread_cond_destroy(&f.moved);
    pthread_mutex_destroy(&f.lock);
    vi_free(f.rc);
    vi_media_list_free(&f.name, f.n);
    return rc;
}

int vi_job_run(viso_engine *e, const viso_swap_params *p, viso_run_stats *stats, viso_error *err)
{
    uint64_t from = vi_now_ns();
    memset(stats, 0, sizeof *stats);
    job *j = vi_calloc(1, sizeof *j);
    if (!j)
        return vi_error_nomem(err, "job");
    j->e = e;
    j->p = p;
    j->base.files_total = 1;
    bool whole_folder = vi_form_of(e->settings, p->target, p->out) == VISO_FORM_FILES;
    vi_trace *trace = NULL;
    int rc = 0;
    if (!vi_file_exists(p->target))
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: no such file", p->target);
    if (!rc && !whole_folder)
        rc = check_out(p, p->target, p->out, err); /* before the models are read: a typing mistake answers at once */
    if (!rc)
        rc = vi_telemetry_begin(&trace, e, p, err);
    if (!rc && !e->models)
        rc = vi_plan_gpu(e->settings, &e->log, err);
    bool first = !e->models;
    vi_ahead ahead = { 0 };
    if (!rc)
        rc = vi_engine_ready(e, err);
    if (!rc && first)
        vi_ahead_start(&ahead, e->models, e->settings);
    j->people = (vi_who_params){ p->sources, p->n_source, p->maps, p->n_map };
    if (!rc && report(j, "sources", p->target, 0))
        rc = vi_error_set(err, VISO_ERR_INTERRUPTED, "stopped before the first frame");
    if (!rc)
        rc = vi_who_create(&j->who, &e->context, &j->people, err);
    vi_ahead_join(&ahead);
    if (!rc)
        rc = whole_folder ? swap_folder(j, err) : swap_one(j, p->target, p->out, 0, 0, &j->totals, err);
    vi_who_report(j->who, &e->context.log);
    vi_who_destroy(&j->who);
    vi_totals_finish(&j->totals);
    *stats = j->totals.stats;
    vi_engine_networks(e, stats);
    stats->wall_s = (double)(vi_now_ns() - from) * 1e-9;
    stats->peak_rss = vi_peak_rss();
    vi_telemetry_end(&trace, e, &j->totals, stats, rc);
    vi_free(j);
    return rc;
}
