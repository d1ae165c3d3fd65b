/* bench_suite.c: `viso bench --suite FOLDER [SOURCE...]`: every clip of a folder, each as a run of its own with an engine of its own,
 * so that one does not profit from what another loaded. A clip that cannot be swapped is told and the next one follows. */
#include "cli.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "viso/version.h"

typedef struct suite {
    const char *folder;
    cli_suite_row *row; /* n clips, then one for all */
    int n;
    json_t *against; /* NULL none */
} suite;

static void release(suite *s)
{
    for (int i = 0; i <= s->n && s->row; i++)
        vi_free(s->row[i].name);
    vi_free(s->row);
    json_decref(s->against);
}

static bool is_clip(const char *name)
{
    static const char *const clips[] = { "3gp", "avi",  "flv", "gif", "h264", "ivf", "m2ts", "m4v", "mkv", "mov",  "mp4",
                                         "mpg", "mpeg", "mts", "mxf", "nut",  "ogv", "ts",   "vob", "wmv", "webm", "y4m" };
    char extension[16];
    vi_extension(name, extension);
    for (size_t i = 0; i < VI_COUNT(clips) && name[0] != '.'; i++)
        if (strcmp(extension, clips[i]) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const cli_suite_row *)a)->name, ((const cli_suite_row *)b)->name);
}

/* The names of the folder's clips, and a row for all of them. */
static int list_clips(suite *s, viso_error *err)
{
    DIR *d = opendir(s->folder);
    int room = 0;
    if (!d)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: no folder of clips", s->folder);
    while (readdir(d))
        room++;
    rewinddir(d);
    s->row = vi_calloc((size_t)room + 1, sizeof *s->row);
    bool enough = s->row != NULL;
    for (struct dirent *entry; enough && s->n < room && (entry = readdir(d));) {
        char *path = vi_path_join(s->folder, entry->d_name);
        if (path && is_clip(entry->d_name) && !vi_is_folder(path))
            enough = (s->row[s->n++].name = vi_strdup(entry->d_name)) != NULL;
        enough = enough && path;
        vi_free(path);
    }
    closedir(d);
    if (!enough || !(s->row[s->n].name = vi_strdup("all")))
        return vi_error_nomem(err, s->folder);
    if (s->n == 0)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: no clips in this folder", s->folder);
    qsort(s->row, (size_t)s->n, sizeof *s->row, by_name);
    return VISO_OK;
}

/* An earlier suite's JSON; its rows are joined to ours by name. */
static int read_against(suite *s, const char *path, viso_error *err)
{
    json_error_t why;
    size_t i;
    json_t *clip;
    int rc = path ? cli_check_input(path, err) : VISO_OK;
    if (rc || !path)
        return rc;
    s->against = json_load_file(path, 0, &why);
    const json_t *clips = json_object_get(s->against, "clips");
    if (!s->against || !json_is_array(clips))
        return vi_error_set(err, VISO_ERR_INPUT, "%s: not the JSON of a suite: %s", path, s->against ? "it has no 'clips'" : why.text);
    json_array_foreach(clips, i, clip) {
        const char *name = json_string_value(json_object_get(clip, "clip"));
        for (int k = 0; k < s->n; k++)
            if (name && strcmp(s->row[k].name, name) == 0 && !json_object_get(clip, "error"))
                s->row[k].before = clip;
    }
    s->row[s->n].before = json_object_get(s->against, "all");
    return VISO_OK;
}

/* The highest memory so far is forgotten, where the kernel lets us; else it is that of all clips up to this one. */
static void forget_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (!f)
        return;
    fputs("5\n", f);
    fclose(f);
}

static int measure_clip(cli *c, const char *path, viso_run_stats *stats, viso_error *err)
{
    viso_engine *e = NULL;
    cli_scratch scratch = { 0 };
    int rc = cli_has(c, "discard") ? VISO_OK : cli_scratch_make(&scratch, path, err);
    forget_peak();
    if (rc == 0)
        rc = cli_engine_open(c, &e, err);
    if (rc == 0) {
        viso_swap_params p = {
            .sources = c->n_word ? c->word : &path, /* a clip gives the face of its first frame */
            .n_source = c->n_word ? c->n_word : 1,
            .target = path,
            .out = scratch.out,
            .measure = 1,
            .progress = progress_update,
            .user = c->progress,
        };
        rc = viso_swap(e, &p, stats, err);
    }
    cli_engine_close(&e);
    progress_hide(c->progress);
    cli_scratch_remove(&scratch);
    return rc;
}

static void add_quality(viso_quality_stats *a, const viso_quality_stats *b)
{
    if (!b->measured)
        return;
    double n = (double)a->jitter_count, more = (double)b->jitter_count, cells = (double)a->flicker_count,
           more_cells = (double)b->flicker_count, given = (double)a->before_count, more_given = (double)b->before_count;
    const struct { double *into, from, n, more; } mean[] = {
        { &a->jitter_before, b->jitter_before, given, more_given },
        { &a->jitter_after, b->jitter_after, n, more },
        { &a->roll_before, b->roll_before, given, more_given },
        { &a->roll_after, b->roll_after, n, more },
        { &a->flicker, b->flicker, cells, more_cells },
    };
    for (size_t i = 0; i < VI_COUNT(mean); i++) {
        double sum = *mean[i].into * *mean[i].into * mean[i].n + mean[i].from * mean[i].from * mean[i].more;
        *mean[i].into = mean[i].n + mean[i].more > 0 ? sqrt(sum / (mean[i].n + mean[i].more)) : 0;
    }
    a->measured = 1;
    a->faces += b->faces;
    a->frames_seen += b->frames_seen;
    a->jitter_count += b->jitter_count;
    a->before_count += b->before_count;
    a->flicker_count += b->flicker_count;
    a->id_switches += b->id_switches;
}

static void add_stage(viso_run_stats *all, const viso_stage_stats *from)
{
    int i = 0;
    while (i < all->n_stage && strcmp(all->stage[i].id, from->id) != 0)
        i++;
    if (i == VISO_MAX_STAGES)
        return;
    viso_stage_stats *s = &all->stage[i];
    if (i == all->n_stage) {
        *s = (viso_stage_stats){ .p50_ms = NAN, .p95_ms = NAN, .p99_ms = NAN }; /* of several clips: not known */
        snprintf(s->id, sizeof s->id, "%s", from->id);
        all->n_stage++;
    }
    s->calls += from->calls;
    s->total_s += from->total_s;
    s->max_ms = fmax(s->max_ms, from->max_ms);
}

static void add_follow(viso_follow_stats *a, const viso_follow_stats *b)
{
    a->born += b->born;
    a->ended += b->ended;
    a->bridged += b->bridged;
    a->adopted += b->adopted;
    a->returned += b->returned;
    a->points_lost += b->points_lost;
    a->held += b->held;
    a->region_looks += b->region_looks;
    a->second_looks += b->second_looks;
}

static void add(viso_run_stats *a, const viso_run_stats *b)
{
    a->frames += b->frames;
    a->faces_seen += b->faces_seen;
    a->faces_swapped += b->faces_swapped;
    a->frames_dropped_back += b->frames_dropped_back;
    a->frames_damaged += b->frames_damaged;
    a->networks += b->networks;
    a->cuts += b->cuts;
    a->wall_s += b->wall_s;
    a->core_s += b->core_s;
    a->decode_s += b->decode_s;
    a->encode_s += b->encode_s;
    a->peak_rss = VI_MAX(a->peak_rss, b->peak_rss);
    a->workers = VI_MAX(a->workers, b->workers);
    a->detector_frames += b->detector_frames;
    a->detector_runs += b->detector_runs;
    a->landmark_runs += b->landmark_runs;
    a->embedder_runs += b->embedder_runs;
    for (int i = 0; i < b->n_stage; i++)
        add_stage(a, &b->stage[i]);
    add_follow(&a->follow, &b->follow);
    add_quality(&a->quality, &b->quality);
}

static json_t *ratios(const cli_suite_row *r)
{
    json_t *o = json_object();
    for (int i = 0; o && i < cli_figure_count; i++)
        json_object_set_new(o, cli_figures[i].id, cli_json_number(cli_ratio(r, &cli_figures[i])));
    return o;
}

/* NULL: out of memory. */
static json_t *row_json(const cli_suite_row *r, bool with_name)
{
    json_t *o = json_object(), *stats = r->failed.code ? NULL : cli_json_stats(&r->stats);
    int bad = !o || (with_name && json_object_set_new(o, "clip", cli_json_text(r->name)));
    if (r->failed.code)
        bad = bad || json_object_set_new(o, "error", cli_json_text(r->failed.text)) ||
              json_object_set_new(o, "code", json_integer(cli_exit_code(r->failed.code)));
    else
        bad = bad || !stats || json_object_update(o, stats);
    if (!bad && r->before && !r->failed.code)
        bad = json_object_set_new(o, "ratio", ratios(r));
    json_decref(stats);
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

static int print_json(const suite *s, bool encoded, viso_error *err)
{
    json_t *clips = json_array();
    int bad = !clips;
    for (int i = 0; i < s->n; i++)
        bad = bad || json_array_append_new(clips, row_json(&s->row[i], true));
    json_t *all = row_json(&s->row[s->n], false);
    json_t *o = bad || !all ? NULL
                            : json_pack("{s:s, s:o, s:b, s:O, s:O}", "version", viso_version(), "suite", cli_json_text(s->folder),
                                        "encoded", encoded, "clips", clips, "all", all);
    json_decref(clips);
    json_decref(all);
    return cli_json_print(o, true, err);
}

/* One clip after the other; the first failure is returned when none could be measured, or when it ends the whole suite. */
static int measure_all(cli *c, suite *s, viso_error *err)
{
    int done = 0, first = -1;
    bool json = c->json;
    c->json = false; /* standard output is to hold one object; what is logged goes to standard error alone */
    for (int i = 0; i < s->n; i++) {
        cli_suite_row *r = &s->row[i];
        char *path = vi_path_join(s->folder, r->name);
        int rc = path ? measure_clip(c, path, &r->stats, &r->failed) : vi_error_nomem(&r->failed, r->name);
        vi_free(path);
        if (rc == VISO_ERR_INTERRUPTED) {
            c->json = json;
            return vi_error_set(err, rc, "interrupted in %s: nothing was measured", r->name);
        }
        r->failed.code = rc;
        if (rc) {
            progress_log(c->progress, VISO_LOG_WARN, "bench", r->failed.text);
            first = first < 0 ? i : first;
            continue;
        }
        add(&s->row[s->n].stats, &r->stats);
        done++;
    }
    c->json = json;
    if (done == 0) {
        *err = s->row[first].failed;
        return err->code;
    }
    return VISO_OK;
}

int cli_bench_suite(cli *c, viso_error *err)
{
    suite s = { .folder = cli_value(c, "suite") };
    const char *against = cli_value(c, "against");
    int rc = VISO_OK;
    for (int i = 0; rc == 0 && i < c->n_word; i++)
        rc = cli_check_input(c->word[i], err);
    if (rc == 0)
        rc = list_clips(&s, err);
    if (rc == 0)
        rc = read_against(&s, against, err);
    cli_bench_no_cache(c);
    if (rc == 0)
        rc = measure_all(c, &s, err);
    if (rc == 0 && !c->quiet)
        cli_suite_tables(c->json ? stderr : stdout, s.row, s.n + 1, s.against ? against : NULL);
    if (rc == 0 && c->json)
        rc = print_json(&s, !cli_has(c, "discard"), err);
    release(&s);
    return rc;
}
