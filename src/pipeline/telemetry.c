/* pipeline/telemetry.c: the summary of a job as JSON, or the same flattened to lines of key and value. */
#include "pipeline/telemetry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "viso/version.h"

/* --- names ------------------------------------------------------------------------------------------------------ */

static int check_path(const char *option, const char *path, const viso_swap_params *p, viso_error *err)
{
    const char *taken = NULL;
    if (vi_same_file(path, p->target))
        taken = "the target";
    if (p->out && (vi_same_file(path, p->out) || strcmp(path, p->out) == 0))
        taken = "the result";
    for (int i = 0; i < p->n_source; i++)
        if (vi_same_file(path, p->sources[i]))
            taken = "a source photograph";
    for (int i = 0; i < p->n_map; i++)
        if (vi_same_file(path, p->maps[i].person) || vi_same_file(path, p->maps[i].source))
            taken = "a mapped photograph";
    if (taken)
        return vi_error_set(err, VISO_ERR_USAGE, "--%s %s: that is %s; name another file", option, path, taken);
    vi_pending probe;
    int rc = vi_pending_begin(&probe, path, err);
    if (!rc)
        vi_pending_abort(&probe);
    return rc;
}

static int check(const vi_run_settings *run, const viso_swap_params *p, viso_error *err)
{
    char profile[16] = "", telemetry[16] = "";
    bool rows = run->profile[0] && strcmp(run->profile, "nvtx") != 0;
    int rc = 0;
    vi_extension(run->profile, profile);
    vi_extension(run->telemetry, telemetry);
    if (rows && strcmp(profile, "csv") != 0)
        rc = vi_error_set(err, VISO_ERR_USAGE, "--profile %s: name a file that ends in .csv, or 'nvtx'", run->profile);
    if (!rc && run->telemetry[0] && strcmp(telemetry, "json") != 0 && strcmp(telemetry, "csv") != 0)
        rc = vi_error_set(err, VISO_ERR_USAGE, "--telemetry %s: name a file that ends in .json or .csv", run->telemetry);
    if (!rc && rows && strcmp(run->profile, run->telemetry) == 0)
        rc = vi_error_set(err, VISO_ERR_USAGE, "--profile and --telemetry name the same file, %s", run->profile);
    if (!rc && rows)
        rc = check_path("profile", run->profile, p, err);
    if (!rc && run->telemetry[0])
        rc = check_path("telemetry", run->telemetry, p, err);
    return rc;
}

int vi_telemetry_begin(vi_trace **t, const viso_engine *e, const viso_swap_params *p, viso_error *err)
{
    const vi_run_settings *run = vi_settings_group(e->settings, "run");
    *t = NULL;
    if (!run->profile[0] && !run->telemetry[0])
        return 0;
    int rc = check(run, p, err);
    bool rows = strcmp(run->profile, "nvtx") != 0;
    vi_trace_params how = { .csv = run->profile[0] && rows ? run->profile : NULL, .ranges = run->profile[0] != 0, .log = &e->log };
    return rc ? rc : vi_trace_open(t, &how, err);
}

/* --- the summary ------------------------------------------------------------------------------------------------ */

static json_t *number(double v)
{
    return json_real(isfinite(v) ? v : 0);
}

/* Bytes that are no UTF-8 are not worth losing the file for. */
static json_t *words(const char *s)
{
    json_t *v = json_string(s);
    return v ? v : json_string("(not UTF-8)");
}

static json_t *times(const vi_histogram *h)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "p50", number(vi_histogram_quantile(h, 0.50) * 1e-6), "p95",
                     number(vi_histogram_quantile(h, 0.95) * 1e-6), "p99", number(vi_histogram_quantile(h, 0.99) * 1e-6), "max",
                     number((double)h->max * 1e-6), "total", number((double)h->total * 1e-6));
}

/* The spans of one kind, in frames or out of them; kind 0: all kinds. */
static json_t *spans(const vi_trace *t, vi_trace_kind kind, bool in_frame)
{
    json_t *list = json_array();
    for (int i = 0; i < vi_trace_sums(t); i++) {
        vi_trace_sum s = vi_trace_sum_at(t, i);
        if (s.in_frame != in_frame || (kind ? s.kind != kind : s.kind == VI_TRACE_WAIT))
            continue;
        json_t *o = json_pack("{s:o, s:s, s:I, s:o, s:o}", "name", words(s.name), "kind", vi_trace_kind_name(s.kind), "calls",
                              (json_int_t)s.wall->count, "wall_ms", times(s.wall), "cpu_ms", times(s.cpu));
        if (s.note[0])
            json_object_set_new(o, "device", json_string(s.note));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *machine(const viso_engine *e)
{
    return json_pack("{s:i, s:s, s:s}", "processors", vi_cpu_count(), "features", vi_cpu_text(), "kernels",
                     e->context.k ? e->context.k->name : "");
}

/* What somebody set, or a preset or limit did. The names of files are nobody's business. */
static json_t *options(const viso_engine *e)
{
    const vi_option_group *const *groups;
    int n = vi_settings_groups(e->settings, &groups);
    json_t *all = json_object();
    for (int g = 0; g < n; g++) {
        for (int i = 0; i < groups[g]->n_row; i++) {
            const vi_option_row *r = &groups[g]->row[i];
            char text[VI_OPTION_TEXT + 16], def[VI_OPTION_TEXT];
            if (vi_settings_get(e->settings, r->key, text, sizeof text, NULL) != 0)
                continue;
            if (r->type == VI_OPTION_TYPE_TEXT)
                snprintf(def, sizeof def, "%s", r->def_text);
            else if (r->type == VI_OPTION_TYPE_CHOICE)
                snprintf(def, sizeof def, "%s", r->choices[(int)r->def]);
            else if (r->type == VI_OPTION_TYPE_BOOL)
                snprintf(def, sizeof def, "%s", r->def != 0 ? "true" : "false");
            else
                snprintf(def, sizeof def, "%g", r->def);
            bool is_number = r->type == VI_OPTION_TYPE_INT || r->type == VI_OPTION_TYPE_FLOAT;
            if (is_number ? fabs(strtod(text, NULL) - r->def) <= 1e-6 * fabs(r->def) : strcmp(text, def) == 0)
                continue;
            bool file = (r->flags & VI_OPTION_PATH) || strchr(text, '/') || (r->type == VI_OPTION_TYPE_TEXT && vi_file_exists(text));
            json_object_set_new(all, r->key, file ? json_string("(a file)") : words(text));
        }
    }
    return all;
}

static json_t *run(const viso_run_stats *s)
{
    double frames = (double)s->frames;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "frames",
                     (json_int_t)s->frames, "faces_seen", (json_int_t)s->faces_seen, "faces_swapped",
                     (json_int_t)s->faces_swapped, "frames_dropped_back", (json_int_t)s->frames_dropped_back,
                     "frames_damaged", (json_int_t)s->frames_damaged, "networks", (json_int_t)s->networks, "cuts",
                     (json_int_t)s->cuts, "wall_s", number(s->wall_s), "fps", number(s->wall_s > 0 ? frames / s->wall_s : 0),
                     "core_s", number(s->core_s), "decode_s", number(s->decode_s), "encode_s", number(s->encode_s), "workers",
                     s->workers, "limiting", s->limiting, "peak_rss", (json_int_t)s->peak_rss, "rss_after_first_second",
                     (json_int_t)s->rss_after_first_second, "detector_frames", (json_int_t)s->detector_frames, "detector_runs",
                     (json_int_t)s->detector_runs, "landmark_runs", (json_int_t)s->landmark_runs, "embedder_runs",
                     (json_int_t)s->embedder_runs);
}

/* Means of nothing are left out. */
static json_t *quality(const viso_quality_stats *q)
{
    json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "faces", (json_int_t)q->faces, "frames_seen",
                          (json_int_t)q->frames_seen, "before_count", (json_int_t)q->before_count,
                          "jitter_count", (json_int_t)q->jitter_count, "flicker_count", (json_int_t)q->flicker_count, "id_switches",
                          (json_int_t)q->id_switches);
    if (q->before_count) {
        json_object_set_new(o, "jitter_before", number(q->jitter_before));
        json_object_set_new(o, "roll_before", number(q->roll_before));
    }
    if (q->jitter_count) {
        json_object_set_new(o, "jitter_after", number(q->jitter_after));
        json_object_set_new(o, "roll_after", number(q->roll_after));
    }
    if (q->flicker_count)
        json_object_set_new(o, "flicker", number(q->flicker));
    return o;
}

static json_t *per_provider(const uint64_t *count)
{
    json_t *o = json_object();
    for (int p = 1; p <= VI_PROVIDERS; p++)
        json_object_set_new(o, vi_provider_name((vi_provider)p), json_integer((json_int_t)count[p]));
    return o;
}

static json_t *devices(viso_engine *e)
{
    enum { MOST = 64 };
    vi_device_counts c = { 0 };
    json_t *models = json_array();
    vi_model_use *use = e->models ? vi_calloc(MOST, sizeof *use) : NULL;
    if (e->models)
        vi_models_counts(e->models, &c);
    for (int i = 0, n = use ? vi_models_uses(e->models, use, MOST) : 0; i < n; i++)
        json_array_append_new(models, json_pack("{s:o, s:s, s:o, s:o}", "name", words(use[i].row->id), "provider",
                                                use[i].provider, "fell_back", words(use[i].fell_back), "load_ms", number(use[i].load_ms)));
    vi_free(use);
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:o}", "loads", per_provider(c.loads), "failures", per_provider(c.failures),
                     "reruns", (json_int_t)c.reruns, "host_copies", (json_int_t)c.host_copies, "host_bytes",
                     (json_int_t)c.host_bytes, "models", models);
}

static json_t *tracker(const vi_run_totals *t)
{
    const viso_follow_stats *f = &t->follow.faces;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "points_lost",
                     (json_int_t)f->points_lost, "held", (json_int_t)f->held, "region_looks",
                     (json_int_t)f->region_looks, "detector_looks", (json_int_t)t->follow.looks, "second_looks",
                     (json_int_t)f->second_looks, "born", (json_int_t)f->born, "ended", (json_int_t)f->ended, "bridged",
                     (json_int_t)f->bridged, "adopted", (json_int_t)f->adopted, "returned", (json_int_t)f->returned, "cuts",
                     (json_int_t)t->stats.cuts, "frames_dropped_back", (json_int_t)t->stats.frames_dropped_back);
}

static json_t *ring(const vi_ring_fill *r)
{
    double frames = 0, sum = 0;
    int least = 0, most = 0;
    json_t *at = json_array();
    for (int i = 0; i <= VI_MIN(r->size, VI_RING_MOST); i++) {
        json_array_append_new(at, json_integer((json_int_t)r->at[i]));
        if (r->at[i]) {
            least = frames > 0 ? least : i;
            most = i;
        }
        frames += (double)r->at[i];
        sum += (double)r->at[i] * i;
    }
    return json_pack("{s:i, s:i, s:o, s:i, s:o}", "size", r->size, "min", least, "mean", number(frames > 0 ? sum / frames : 0),
                     "max", most, "frames_at", at);
}

static const char *ended(int code)
{
    switch (code) {
    case VISO_OK: return "done";
    case VISO_ERR_USAGE: return "usage";
    case VISO_ERR_NO_SOURCE_FACE: return "no face in the source";
    case VISO_ERR_NO_TARGET_FACE: return "no face in the target";
    case VISO_ERR_REFUSED: return "refused";
    case VISO_ERR_MODEL: return "model missing or damaged";
    case VISO_ERR_DEVICE: return "device not available";
    case VISO_ERR_NO_SPACE: return "out of memory or disk";
    case VISO_ERR_INPUT: return "unreadable input";
    case VISO_ERR_INTERRUPTED: return "interrupted";
    default: return "internal error";
    }
}

static json_t *summary(const vi_trace *t, viso_engine *e, const vi_run_totals *totals, const viso_run_stats *stats, int code)
{
    json_t *o = json_pack("{s:i, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:I, s:I}}", "schema", 1,
                     "version", viso_version(), "ended", ended(code), "code", -code, "machine", machine(e), "options", options(e),
                     "run", run(stats), "stages", spans(t, VI_TRACE_STAGE, true), "networks", spans(t, VI_TRACE_NETWORK, true),
                     "media", spans(t, VI_TRACE_MEDIA, true), "lanes", spans(t, VI_TRACE_FRAME, true), "waits",
                     spans(t, VI_TRACE_WAIT, true), "preparation", spans(t, 0, false), "devices", devices(e), "tracker",
                     tracker(totals), "ring", ring(&totals->ring), "profile", "rows", (json_int_t)vi_trace_rows(t), "lost",
                     (json_int_t)vi_trace_lost(t));
    if (o && stats->quality.measured)
        json_object_set_new(o, "quality", quality(&stats->quality));
    return o;
}

/* --- as text ---------------------------------------------------------------------------------------------------- */

static void put_value(FILE *f, const char *key, const json_t *v)
{
    fprintf(f, "%s,", key);
    if (json_is_string(v)) {
        fputc('"', f);
        for (const char *s = json_string_value(v); *s; s++)
            fprintf(f, *s == '"' ? "\"\"" : "%c", *s);
        fputc('"', f);
    } else if (json_is_integer(v)) {
        fprintf(f, "%lld", (long long)json_integer_value(v));
    } else {
        fprintf(f, "%.7g", json_number_value(v));
    }
    fputc('\n', f);
}

/* Keys joined by dots; of a list, by name (and device) where its members have one, else by number. */
static void flatten(FILE *f, const char *path, json_t *v)
{
    char at[256];
    const char *key;
    json_t *member;
    size_t i;
    const char *dot = path[0] ? "." : "";
    if (json_is_object(v)) {
        json_object_foreach(v, key, member) {
            snprintf(at, sizeof at, "%s%s%s", path, dot, key);
            if (strcmp(key, "name") != 0)
                flatten(f, at, member);
        }
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, member) {
            const char *name = json_string_value(json_object_get(member, "name"));
            const char *device = json_string_value(json_object_get(member, "device"));
            if (name)
                snprintf(at, sizeof at, "%s.%s%s%s", path, name, device ? "@" : "", device ? device : "");
            else
                snprintf(at, sizeof at, "%s.%zu", path, i);
            flatten(f, at, member);
        }
    } else {
        put_value(f, path, v);
    }
}

/* Allocated with malloc; NULL without memory. */
static char *as_text(json_t *v, bool csv)
{
    if (!v || !csv)
        return v ? json_dumps(v, JSON_INDENT(2) | JSON_REAL_PRECISION(7)) : NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    fputs("key,value\n", f);
    flatten(f, "", v);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

void vi_telemetry_end(vi_trace **t, viso_engine *e, const vi_run_totals *totals, const viso_run_stats *stats, int code)
{
    if (!*t)
        return;
    vi_trace_finish(*t);
    const char *path = ((const vi_run_settings *)vi_settings_group(e->settings, "run"))->telemetry;
    if (path[0]) {
        char extension[16];
        viso_error why = { 0 };
        vi_extension(path, extension);
        json_t *v = summary(*t, e, totals, stats, code);
        char *text = as_text(v, strcmp(extension, "csv") == 0);
        int rc = text ? vi_file_write(path, text, strlen(text), &why) : vi_error_nomem(&why, path);
        if (rc)
            vi_warn(&e->log, "telemetry: %s", why.text);
        json_decref(v);
        free(text);
    }
    vi_trace_destroy(t);
}
