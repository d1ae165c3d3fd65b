/* pipeline/parts.c: ranges of a clip with settings of their own. The ranges' ends cut the time into spans; within one span the same
 * settings hold, and spans with equal settings share a set. Sets are compared by the text of their values, option by option: what is
 * equal for the user is equal here. */
#include "pipeline/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/presets.h"
#include "pipeline/run_options.h"

enum { MOST = 1024 }; /* far more than anybody writes; bounds the time spent here */

typedef struct range {
    int64_t from, to; /* ticks, to: the first one behind */
} range;

typedef struct span {
    int64_t from; /* up to the next one's */
    int set;
} span;

struct vi_parts {
    vi_settings **set;
    int n_set;
    span *span; /* in order, the first from INT64_MIN on */
    int n_span;
    char *key;
};

/* ---- which options can hold in a range ---- */

static const char *const in_range[] = { "who", "detect", "landmark", "track", "identify", "swap", "blend" };

static const struct {
    const char *group, *why;
} whole[] = {
    { "target", "it says which part of the clip is read" },
    { "input", "the clip is opened once" },
    { "output", "the result has one encoder" },
    { "run", "the machine is shared out before the first frame" },
    { "cache", "a run has one cache" },
};

static bool is_preset(const vi_option_group *g, const vi_option_row *r)
{
    return g == &vi_run_options && r->offset == offsetof(vi_run_settings, preset);
}

static bool holds(const char *const *list, int n, const char *group)
{
    for (int i = 0; i < n; i++)
        if (strcmp(list[i], group) == 0)
            return true;
    return false;
}

const char *vi_parts_refusal(const vi_option_group *g, const vi_option_row *r)
{
    if (is_preset(g, r) || holds(in_range, (int)VI_COUNT(in_range), g->key))
        return NULL;
    if (r->flags & VI_OPTION_PROGRAM)
        return "it concerns the program";
    for (size_t i = 0; i < VI_COUNT(whole); i++)
        if (strcmp(whole[i].group, g->key) == 0)
            return whole[i].why;
    return "it belongs to the run";
}

int vi_parts_check(vi_settings *scratch, const viso_at *a, viso_error *err)
{
    const vi_option_group *g;
    const char *const place[] = { a->start, a->end };
    for (int i = 0; i < 2; i++) {
        int rc = place[i] && place[i][0] ? vi_reader_place(NULL, place[i], NULL, err) : VISO_OK;
        if (rc)
            return rc;
    }
    int rc = vi_settings_set(scratch, a->key, a->value, err);
    if (rc)
        return rc;
    const vi_option_row *r = vi_settings_find(scratch, a->key, &g);
    const char *why = vi_parts_refusal(g, r);
    return why ? vi_error_set(err, VISO_ERR_USAGE, "--%s holds for a whole clip, not for a part of it: %s", r->key, why) : VISO_OK;
}

/* ---- messages name the range ---- */

static int told(const viso_at *a, int rc, const viso_error *inner, viso_error *err)
{
    return rc ? vi_error_set(err, rc, "--at %s-%s: %s", a->start ? a->start : "", a->end ? a->end : "", inner->text) : VISO_OK;
}

static int check_all(const vi_settings *base, const viso_at *at, int n, viso_error *err)
{
    if (n > MOST)
        return vi_error_set(err, VISO_ERR_USAGE, "--at: %d settings in ranges of time are given, and %d are the most", n, (int)MOST);
    vi_settings *scratch = vi_settings_copy(base);
    int rc = scratch ? VISO_OK : vi_error_nomem(err, "ranges");
    for (int i = 0; i < n && !rc; i++) {
        viso_error e = { 0 };
        rc = vi_parts_check(scratch, &at[i], &e);
        rc = told(&at[i], rc, &e, err);
    }
    vi_settings_destroy(&scratch);
    return rc;
}

int vi_parts_check_all(const vi_settings *base, const viso_at *at, int n, viso_error *err)
{
    return n > 0 ? check_all(base, at, n, err) : VISO_OK;
}

static int resolve(vi_reader *clip, const viso_at *a, range *r, viso_error *err)
{
    viso_error e = { 0 };
    int rc = VISO_OK;
    *r = (range){ INT64_MIN, INT64_MAX };
    if (a->start && a->start[0])
        rc = vi_reader_place(clip, a->start, &r->from, &e);
    if (rc == VISO_EOF)
        rc = vi_error_set(&e, VISO_ERR_USAGE, "the clip has no frame %s", a->start);
    if (!rc && a->end && a->end[0])
        rc = vi_reader_place(clip, a->end, &r->to, &e);
    if (rc == VISO_EOF) { /* up to the end, then */
        r->to = INT64_MAX;
        rc = VISO_OK;
    }
    if (!rc && r->from >= r->to)
        rc = vi_error_set(&e, VISO_ERR_USAGE, "the range ends before it begins");
    return told(a, rc, &e, err);
}

/* ---- sets ---- */

/* Whether the values of a group's rows are the same text. */
static bool same_group(const vi_settings *a, const vi_settings *b, const vi_option_group *g)
{
    char key[96], x[VI_OPTION_TEXT + 32], y[VI_OPTION_TEXT + 32];
    for (int r = 0; r < g->n_row; r++) {
        snprintf(key, sizeof key, "%s.%s", g->key, g->row[r].key);
        if (vi_settings_get(a, key, x, sizeof x, NULL) || vi_settings_get(b, key, y, sizeof y, NULL) || strcmp(x, y) != 0)
            return false;
    }
    return true;
}

static bool same(const vi_settings *a, const vi_settings *b, const char *const *list, int n)
{
    const vi_option_group *const *groups;
    int count = vi_settings_groups(a, &groups);
    for (int g = 0; a != b && g < count; g++)
        if (holds(list, n, groups[g]->key) && !same_group(a, b, groups[g]))
            return false;
    return true;
}

/* What a preset says about options that can hold in a range, where neither range nor base have chosen a value. Its other values
 * (threads, encoder …) are not for a part of a clip. */
static int fill_in(vi_settings *s, const viso_at *preset, viso_error *err)
{
    const vi_option_group *const *groups;
    int n = vi_settings_groups(s, &groups);
    vi_settings *p = NULL; /* the preset alone, over defaults */
    int rc = vi_settings_create(&p, groups, n, err);
    rc = rc ? rc : vi_settings_set(p, preset->key, preset->value, err);
    rc = rc ? rc : vi_preset_apply(p, err);
    for (int g = 0; g < n && !rc; g++) {
        for (int r = 0; r < groups[g]->n_row && !rc && holds(in_range, (int)VI_COUNT(in_range), groups[g]->key); r++) {
            char value[VI_OPTION_TEXT + 32];
            rc = vi_settings_get(p, groups[g]->row[r].key, value, sizeof value, err);
            rc = rc ? rc : vi_settings_suggest(s, groups[g]->row[r].key, value, err);
        }
    }
    vi_settings_destroy(&p);
    return rc;
}

/* The settings of the time from `from` on: the base, and over it what the ranges that reach there say, in their order. */
static int settings_at(vi_settings **out, const vi_settings *base, const viso_at *at, const range *r, int n, int64_t from, viso_error *err)
{
    const viso_at *preset = NULL;
    viso_error e = { 0 };
    vi_settings *s = *out = vi_settings_copy(base);
    int rc = s ? VISO_OK : vi_error_nomem(err, "ranges");
    for (int i = 0; i < n && !rc; i++) {
        const vi_option_group *g;
        if (from < r[i].from || from >= r[i].to)
            continue;
        const vi_option_row *row = vi_settings_find(s, at[i].key, &g);
        if (is_preset(g, row))
            preset = &at[i];
        else
            rc = vi_settings_set(s, at[i].key, at[i].value, err);
    }
    if (!rc && preset) {
        rc = fill_in(s, preset, &e);
        rc = told(preset, rc, &e, err);
    }
    if (rc)
        vi_settings_destroy(out);
    return rc;
}

/* The set with the same values as *s, which is taken over or destroyed. */
static int set_of(vi_parts *p, vi_settings **s)
{
    for (int i = 0; i < p->n_set; i++) {
        if (same(p->set[i], *s, in_range, (int)VI_COUNT(in_range))) {
            vi_settings_destroy(s);
            return i;
        }
    }
    p->set[p->n_set] = *s;
    *s = NULL;
    return p->n_set++;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Where spans may begin, in order and each once. */
static int edges(int64_t *t, const range *r, int n)
{
    int count = 0, kept = 1;
    t[count++] = INT64_MIN;
    for (int i = 0; i < n; i++) {
        t[count++] = r[i].from;
        if (r[i].to != INT64_MAX)
            t[count++] = r[i].to;
    }
    qsort(t, (size_t)count, sizeof *t, by_time);
    for (int i = 1; i < count; i++)
        if (t[i] != t[kept - 1])
            t[kept++] = t[i];
    return kept;
}

static int cut_up(vi_parts *p, const vi_settings *base, const viso_at *at, const range *r, int n, int64_t *t, viso_error *err)
{
    int count = edges(t, r, n), rc = VISO_OK;
    for (int i = 0; i < count && !rc; i++) {
        vi_settings *s;
        rc = settings_at(&s, base, at, r, n, t[i], err);
        int set = rc ? 0 : set_of(p, &s);
        if (!rc && (p->n_span == 0 || p->span[p->n_span - 1].set != set))
            p->span[p->n_span++] = (span){ t[i], set };
    }
    return rc;
}

/* ---- the key ---- */

static const char *const analysis[] = { "detect", "landmark", "track", "identify" };

/* " key=value" for what differs from the base, appended to *text. */
static int add_difference(char **text, const vi_parts *p, int set)
{
    const vi_option_group *const *groups;
    int n = vi_settings_groups(p->set[0], &groups);
    for (int g = 0; g < n; g++) {
        for (int r = 0; r < groups[g]->n_row && holds(analysis, (int)VI_COUNT(analysis), groups[g]->key); r++) {
            char x[VI_OPTION_TEXT + 32] = "", y[VI_OPTION_TEXT + 32] = "";
            vi_settings_get(p->set[0], groups[g]->row[r].key, x, sizeof x, NULL);
            vi_settings_get(p->set[set], groups[g]->row[r].key, y, sizeof y, NULL);
            if (strcmp(x, y) == 0)
                continue;
            char *longer = vi_asprintf("%s %s=%s", *text, groups[g]->row[r].key, y);
            vi_free(*text);
            *text = longer;
            if (!longer)
                return -1;
        }
    }
    return 0;
}

/* Spans whose analysis is the base's are left out; neighbours with one analysis are one. */
static int make_key(vi_parts *p, viso_error *err)
{
    p->key = vi_strdup("");
    for (int i = 0; p->key && i < p->n_span;) {
        int next = i + 1, set = p->span[i].set;
        while (next < p->n_span && vi_parts_same_analysis(p, set, p->span[next].set))
            next++;
        int64_t to = next < p->n_span ? p->span[next].from : INT64_MAX;
        if (!vi_parts_same_analysis(p, 0, set)) {
            char *text = vi_asprintf("%s%s%lld-%lld", p->key, p->key[0] ? ";" : "", (long long)p->span[i].from, (long long)to);
            vi_free(p->key);
            p->key = text;
            if (text)
                add_difference(&p->key, p, set);
        }
        i = next;
    }
    return p->key ? VISO_OK : vi_error_nomem(err, "ranges");
}

/* ---- the object ---- */

static int fill(vi_parts *p, const vi_settings *base, const viso_at *at, int n, vi_reader *clip, viso_error *err)
{
    size_t most = 2 * (size_t)n + 2;
    range *r = vi_calloc(most, sizeof *r);
    int64_t *t = vi_calloc(most, sizeof *t);
    p->set = vi_calloc(most, sizeof *p->set);
    p->span = vi_calloc(most, sizeof *p->span);
    int rc = r && t && p->set && p->span ? VISO_OK : vi_error_nomem(err, "ranges");
    if (!rc && !(p->set[0] = vi_settings_copy(base)))
        rc = vi_error_nomem(err, "ranges");
    p->n_set = rc ? 0 : 1;
    for (int i = 0; i < n && !rc; i++)
        rc = resolve(clip, &at[i], &r[i], err);
    rc = rc ? rc : cut_up(p, base, at, r, n, t, err);
    rc = rc ? rc : make_key(p, err);
    vi_free(r);
    vi_free(t);
    return rc;
}

int vi_parts_create(vi_parts **out, const vi_settings *base, const viso_at *at, int n, vi_reader *clip, viso_error *err)
{
    *out = NULL;
    int rc = vi_parts_check_all(base, at, n, err);
    if (rc)
        return rc;
    vi_parts *p = vi_calloc(1, sizeof *p);
    if (!p)
        return vi_error_nomem(err, "ranges");
    rc = fill(p, base, at, n, clip, err);
    if (rc)
        vi_parts_destroy(&p);
    *out = p;
    return rc;
}

void vi_parts_destroy(vi_parts **p)
{
    if (!*p)
        return;
    for (int i = 0; i < (*p)->n_set; i++)
        vi_settings_destroy(&(*p)->set[i]);
    vi_free((*p)->set);
    vi_free((*p)->span);
    vi_free((*p)->key);
    vi_free(*p);
    *p = NULL;
}

int vi_parts_count(const vi_parts *p)
{
    return p->n_set;
}

const vi_settings *vi_parts_settings(const vi_parts *p, int i)
{
    return p->set[i];
}

int vi_parts_at(const vi_parts *p, int64_t pts)
{
    int lo = 0, hi = p->n_span - 1; /* the last span that begins at or before pts */
    while (lo < hi) {
        int mid = (lo + hi + 1) / 2;
        if (p->span[mid].from <= pts)
            lo = mid;
        else
            hi = mid - 1;
    }
    return p->span[lo].set;
}

bool vi_parts_same_analysis(const vi_parts *p, int i, int j)
{
    return same(p->set[i], p->set[j], analysis, (int)VI_COUNT(analysis));
}

bool vi_parts_same_people(const vi_parts *p, int i, int j)
{
    static const char *const people[] = { "who", "identify", "swap" };
    return same(p->set[i], p->set[j], people, (int)VI_COUNT(people));
}

bool vi_parts_same_picture(const vi_parts *p, int i, int j)
{
    static const char *const picture[] = { "swap", "blend" };
    return same(p->set[i], p->set[j], picture, (int)VI_COUNT(picture));
}

const char *vi_parts_analysis_key(const vi_parts *p)
{
    return p->key;
}
