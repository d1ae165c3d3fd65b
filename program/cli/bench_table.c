/* bench_table.c: what a suite came to, as tables of at most 100 columns, a line for each clip and one for all. */
#include "cli.h"

#include <math.h>
#include <string.h>

enum { NAME = 22, COLUMNS = 100, SPLIT_WIDTH = 11, SPLIT = (COLUMNS - NAME) / SPLIT_WIDTH };

/* ---- figures that are compared ---- */

static double part(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static double fps(const viso_run_stats *s)
{
    return part((double)s->frames, s->wall_s);
}

static double core_ms(const viso_run_stats *s)
{
    return part(1000 * s->core_s, (double)s->frames);
}

static double memory(const viso_run_stats *s)
{
    return (double)s->peak_rss;
}

static double looks(const viso_run_stats *s)
{
    return part((double)s->detector_frames, (double)s->frames);
}

static double networks(const viso_run_stats *s)
{
    return part((double)s->networks, (double)s->frames);
}

static double jitter(const viso_run_stats *s)
{
    return s->quality.jitter_count ? s->quality.jitter_after : NAN;
}

static double roll(const viso_run_stats *s)
{
    return s->quality.jitter_count ? s->quality.roll_after : NAN;
}

static double flicker(const viso_run_stats *s)
{
    return s->quality.flicker_count ? s->quality.flicker : NAN;
}

static double number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static double fps_before(const json_t *o)
{
    return number(o, "fps");
}

static double core_before(const json_t *o)
{
    return number(o, "core_ms_per_frame");
}

static double memory_before(const json_t *o)
{
    return number(o, "peak_rss");
}

static double looks_before(const json_t *o)
{
    return part(number(o, "detector_frames"), number(o, "frames"));
}

static double networks_before(const json_t *o)
{
    return part(number(o, "networks"), number(o, "frames"));
}

static double jitter_before(const json_t *o)
{
    return number(json_object_get(o, "quality"), "jitter_after");
}

static double roll_before(const json_t *o)
{
    return number(json_object_get(o, "quality"), "roll_after");
}

static double flicker_before(const json_t *o)
{
    return number(json_object_get(o, "quality"), "flicker");
}

const cli_figure cli_figures[] = {
    { "fps", "fps", fps, fps_before },
    { "core_ms_per_frame", "core ms", core_ms, core_before },
    { "peak_rss", "memory", memory, memory_before },
    { "detector_frames", "looks", looks, looks_before },
    { "networks", "networks", networks, networks_before },
    { "jitter_after", "jitter", jitter, jitter_before },
    { "roll_after", "roll", roll, roll_before },
    { "flicker", "flicker", flicker, flicker_before },
};
const int cli_figure_count = (int)VI_COUNT(cli_figures);

double cli_ratio(const cli_suite_row *row, const cli_figure *f)
{
    double now = row->failed.code ? NAN : f->of(&row->stats), then = row->before ? f->before(row->before) : NAN;
    return now > 0 && then > 0 ? now / then : NAN;
}

/* ---- cells ---- */

/* Too long a name loses its middle. Columns are counted as characters of UTF-8. */
static void put_name(FILE *f, const char *name)
{
    int columns = 0, head = 0, tail = (int)strlen(name);
    for (int i = 0; name[i]; i++)
        columns += (name[i] & 0xC0) != 0x80;
    if (columns <= NAME) {
        fprintf(f, "%s%*s", name, NAME - columns, "");
        return;
    }
    for (int n = 0; n < NAME / 2; n++)
        do
            head++;
        while ((name[head] & 0xC0) == 0x80);
    for (int n = 0; n < NAME - NAME / 2 - 2; n++)
        do
            tail--;
        while ((name[tail] & 0xC0) == 0x80);
    fprintf(f, "%.*s..%s", head, name, name + tail);
}

static void put(FILE *f, int width, int digits, double v)
{
    if (isfinite(v))
        fprintf(f, "%*.*f", width, digits, v);
    else
        fprintf(f, "%*s", width, "-");
}

static void put_count(FILE *f, int width, uint64_t n)
{
    fprintf(f, "%*llu", width, (unsigned long long)n);
}

static double per_frame(uint64_t n, const viso_run_stats *s)
{
    return part((double)n, (double)s->frames);
}

/* ---- tables ---- */

static void speed_head(FILE *f, const cli_suite_row *all)
{
    fprintf(f, "%-*s%7s%8s  %-9s%9s%9s%10s%8s%8s%8s\n", NAME, "speed", "frames", "fps", "limit", "core ms", "looks", "detector",
            "marks", "embeds", "MiB");
}

static void speed(FILE *f, const viso_run_stats *s, const cli_suite_row *all)
{
    put_count(f, 7, s->frames);
    put(f, 8, 1, fps(s));
    fprintf(f, "  %-9.9s", s->limiting);
    put(f, 9, 2, core_ms(s));
    put(f, 8, 1, 100 * looks(s));
    fputc('%', f);
    put(f, 10, 3, per_frame(s->detector_runs, s));
    put(f, 8, 3, per_frame(s->landmark_runs, s));
    put(f, 8, 3, per_frame(s->embedder_runs, s));
    put(f, 8, 0, (double)s->peak_rss / 1048576);
}

static void quality_head(FILE *f, const cli_suite_row *all)
{
    fprintf(f, "%-*s%6s%7s%8s%8s%8s%15s%15s%9s\n", NAME, "quality", "seen", "left", "left %", "switch", "damaged", "jitter px", "roll deg",
            "flicker");
}

/* "before > after" */
static void put_pair(FILE *f, double before, double after, bool known)
{
    put(f, 7, 2, known ? before : NAN);
    fputs(known ? " > " : "   ", f);
    put(f, 5, 2, known ? after : NAN);
}

static void quality(FILE *f, const viso_run_stats *s, const cli_suite_row *all)
{
    const viso_quality_stats *q = &s->quality;
    double measured = q->measured ? 1 : NAN;
    put(f, 6, 0, measured * (double)q->frames_seen);
    put_count(f, 7, s->frames_dropped_back);
    put(f, 8, 2, measured * 100 * part((double)s->frames_dropped_back, (double)q->frames_seen));
    put(f, 8, 0, measured * (double)q->id_switches);
    put_count(f, 8, s->frames_damaged);
    put_pair(f, q->jitter_before, q->jitter_after, q->jitter_count > 0);
    put_pair(f, q->roll_before, q->roll_after, q->jitter_count > 0);
    put(f, 9, 2, flicker(s));
}

static const viso_stage_stats *stage_of(const viso_run_stats *s, const char *id)
{
    for (int i = 0; i < s->n_stage; i++)
        if (strcmp(s->stage[i].id, id) == 0)
            return &s->stage[i];
    return NULL;
}

static void split_head(FILE *f, const cli_suite_row *all)
{
    fprintf(f, "%-*s", NAME, "ms a frame");
    for (int i = 0; i < VI_MIN(all->stats.n_stage, SPLIT); i++)
        fprintf(f, " %*.*s", SPLIT_WIDTH - 1, SPLIT_WIDTH - 1, all->stats.stage[i].id);
    fputs(all->stats.n_stage > SPLIT ? " …\n" : "\n", f);
}

static void split(FILE *f, const viso_run_stats *s, const cli_suite_row *all)
{
    for (int i = 0; i < VI_MIN(all->stats.n_stage, SPLIT); i++) {
        const viso_stage_stats *stage = stage_of(s, all->stats.stage[i].id);
        put(f, SPLIT_WIDTH, 3, stage ? part(1000 * stage->total_s, (double)s->frames) : NAN);
    }
}

static void follow_head(FILE *f, const cli_suite_row *all)
{
    fprintf(f, "%-*s%7s%7s%8s%8s%9s%8s%7s%8s%8s%7s\n", NAME, "faces followed", "born", "ended", "bridged", "adopted", "returned", "lost",
            "held", "region", "second", "cuts");
}

static void follow(FILE *f, const viso_run_stats *s, const cli_suite_row *all)
{
    const viso_follow_stats *w = &s->follow;
    put_count(f, 7, w->born);
    put_count(f, 7, w->ended);
    put_count(f, 8, w->bridged);
    put_count(f, 8, w->adopted);
    put_count(f, 9, w->returned);
    put_count(f, 8, w->points_lost);
    put_count(f, 7, w->held);
    put_count(f, 8, w->region_looks);
    put_count(f, 8, w->second_looks);
    put_count(f, 7, s->cuts);
}

typedef struct table {
    void (*head)(FILE *f, const cli_suite_row *all);
    void (*cells)(FILE *f, const viso_run_stats *s, const cli_suite_row *all);
} table;

static void print_ratios(FILE *f, const cli_suite_row *row, int n, const char *against)
{
    fprintf(f, "\n%-*s", NAME, "now / then");
    for (int i = 0; i < cli_figure_count; i++)
        fprintf(f, "%9s", cli_figures[i].label);
    fprintf(f, "\n");
    for (int i = 0; i < n; i++) {
        if (row[i].failed.code)
            continue;
        put_name(f, row[i].name);
        for (int k = 0; k < cli_figure_count; k++)
            put(f, 9, 2, cli_ratio(&row[i], &cli_figures[k]));
        fputc('\n', f);
    }
    fprintf(f, "then: %s\n", against);
}

void cli_suite_tables(FILE *f, const cli_suite_row *row, int n, const char *against)
{
    static const table tables[] = {
        { speed_head, speed }, { quality_head, quality }, { split_head, split }, { follow_head, follow }
    };
    for (size_t t = 0; t < VI_COUNT(tables); t++) {
        if (t)
            fputc('\n', f);
        tables[t].head(f, &row[n - 1]);
        for (int i = 0; i < n; i++) {
            if (row[i].failed.code && t)
                continue;
            put_name(f, row[i].name);
            if (row[i].failed.code)
                fprintf(f, "  not measured (exit code %d)", cli_exit_code(row[i].failed.code));
            else
                tables[t].cells(f, &row[i].stats, &row[n - 1]);
            fputc('\n', f);
        }
    }
    if (against)
        print_ratios(f, row, n, against);
}
