/* json.c: JSON for standard output. jansson refuses NaN and bytes that are not UTF-8; a result must not be lost
 * to either.  */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Seven digits carry a float's value to a millionth of it. */
#define FORMAT (JSON_REAL_PRECISION(7))

/* Length of the UTF-8 sequence at s, 0 when it is none. */
static size_t sequence(const unsigned char *s)
{
    static const struct {
        unsigned char mask, lead;
        size_t n;
        uint32_t least;
    } kinds[] = {
        { 0x80, 0x00, 1, 0 },
        { 0xE0, 0xC0, 2, 0x80 },
        { 0xF0, 0xE0, 3, 0x800 },
        { 0xF8, 0xF0, 4, 0x10000 },
    };
    for (size_t k = 0; k < VI_COUNT(kinds); k++) {
        if ((s[0] & kinds[k].mask) != kinds[k].lead)
            continue;
        uint32_t code = s[0] & (unsigned char)~kinds[k].mask;
        for (size_t i = 1; i < kinds[k].n; i++) {
            if ((s[i] & 0xC0) != 0x80)
                return 0;
            code = code << 6 | (s[i] & 0x3F);
        }
        return code < kinds[k].least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) ? 0 : kinds[k].n;
    }
    return 0;
}

json_t *cli_json_text(const char *s)
{
    json_t *v = json_string(s);
    if (v)
        return v;
    char *clean = vi_alloc(strlen(s) * 3 + 1), *to = clean;
    if (!clean)
        return NULL;
    while (*s) {
        size_t n = sequence((const unsigned char *)s);
        memcpy(to, n ? s : "\xEF\xBF\xBD", n ? n : 3);
        to += n ? n : 3;
        s += n ? n : 1;
    }
    *to = 0;
    v = json_string(clean);
    vi_free(clean);
    return v;
}

json_t *cli_json_number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *stage(const viso_stage_stats *s, uint64_t frames)
{
    return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "id", cli_json_text(s->id), "calls", (json_int_t)s->calls,
                     "p50_ms", cli_json_number(s->p50_ms), "p95_ms", cli_json_number(s->p95_ms), "p99_ms",
                     cli_json_number(s->p99_ms), "max_ms", cli_json_number(s->max_ms), "total_s",
                     cli_json_number(s->total_s), "ms_per_frame", cli_json_number(frames ? 1000 * s->total_s / (double)frames : 0));
}

static json_t *network(const viso_network_stats *n)
{
    return json_pack("{s:o, s:s, s:o}", "model", cli_json_text(n->id), "provider", n->provider, "fell_back",
                     n->fell_back[0] ? cli_json_text(n->fell_back) : json_null());
}

static json_t *follow(const viso_follow_stats *f)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "born", (json_int_t)f->born, "ended", (json_int_t)f->ended,
                     "bridged", (json_int_t)f->bridged, "adopted", (json_int_t)f->adopted, "returned", (json_int_t)f->returned,
                     "points_lost", (json_int_t)f->points_lost, "held", (json_int_t)f->held, "region_looks",
                     (json_int_t)f->region_looks, "second_looks", (json_int_t)f->second_looks);
}

/* What is the mean of nothing is not known. */
static json_t *mean(double v, uint64_t count)
{
    return count ? cli_json_number(v) : json_null();
}

static json_t *quality(const viso_quality_stats *q)
{
    if (!q->measured)
        return json_null();
    return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:I, s:I}", "faces", (json_int_t)q->faces, "frames_seen",
                     (json_int_t)q->frames_seen, "jitter_before", mean(q->jitter_before, q->before_count), "jitter_after",
                     mean(q->jitter_after, q->jitter_count), "roll_before", mean(q->roll_before, q->before_count), "roll_after",
                     mean(q->roll_after, q->jitter_count), "jitter_count", (json_int_t)q->jitter_count, "before_count",
                     (json_int_t)q->before_count, "flicker",
                     mean(q->flicker, q->flicker_count), "flicker_count", (json_int_t)q->flicker_count, "id_switches",
                     (json_int_t)q->id_switches);
}

json_t *cli_json_stats(const viso_run_stats *s)
{
    double frames = (double)s->frames;
    json_t *stages = json_array(), *devices = json_array();
    for (int i = 0; i < s->n_stage && i < VISO_MAX_STAGES; i++)
        if (json_array_append_new(stages, stage(&s->stage[i], s->frames)))
            goto fail;
    for (int i = 0; i < s->n_network && i < VISO_MAX_NETWORKS; i++)
        if (json_array_append_new(devices, network(&s->network[i])))
            goto fail;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:i, s:i, s:i, s:I, s:o, s:o, "
                     "s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:s}",
                     "frames", (json_int_t)s->frames, "faces_seen", (json_int_t)s->faces_seen, "faces_swapped",
                     (json_int_t)s->faces_swapped, "frames_dropped_back", (json_int_t)s->frames_dropped_back,
                     "frames_damaged", (json_int_t)s->frames_damaged, "networks", (json_int_t)s->networks, "cuts",
                     (json_int_t)s->cuts, "wall_s", cli_json_number(s->wall_s), "core_s", cli_json_number(s->core_s),
                     "decode_s", cli_json_number(s->decode_s), "encode_s", cli_json_number(s->encode_s), "fps",
                     cli_json_number(s->wall_s > 0 ? frames / s->wall_s : 0), "core_ms_per_frame",
                     cli_json_number(frames > 0 ? 1000 * s->core_s / frames : 0), "core_fps",
                     cli_json_number(s->core_s > 0 ? frames / s->core_s : 0), "peak_rss", (json_int_t)s->peak_rss,
                     "rss_after_first_second", (json_int_t)s->rss_after_first_second, "workers", s->workers, "ring", s->ring,
                     "encoder_lookahead", s->encoder_lookahead, "planned_ram", (json_int_t)s->planned_ram, "limiting",
                     cli_json_text(s->limiting), "devices", devices, "stages", stages, "detector_frames",
                     (json_int_t)s->detector_frames, "detector_runs", (json_int_t)s->detector_runs, "landmark_runs",
                     (json_int_t)s->landmark_runs, "embedder_runs", (json_int_t)s->embedder_runs, "follow", follow(&s->follow),
                     "quality", quality(&s->quality), "frames_resumed", (json_int_t)s->frames_resumed, "cache",
                     s->cache[0] ? s->cache : "off");
fail:
    json_decref(devices);
    json_decref(stages);
    return NULL;
}

void cli_device_text(const viso_run_stats *s, char *text, size_t size)
{
    const viso_network_stats *fell = NULL;
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < s->n_network && i < VISO_MAX_NETWORKS; i++) {
        const viso_network_stats *n = &s->network[i];
        bool new = true;
        for (int k = 0; k < i; k++)
            new = new && strcmp(s->network[k].provider, n->provider) != 0;
        if (new && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " and " : "", n->provider);
        fell = fell || !n->fell_back[0] ? fell : n;
    }
    if (fell && used < size)
        snprintf(text + used, size - used, ", not %s", fell->fell_back);
}

int cli_json_print(json_t *v, bool indent, viso_error *err)
{
    char *text = v ? json_dumps(v, FORMAT | (indent ? JSON_INDENT(2) : JSON_COMPACT)) : NULL;
    json_decref(v);
    if (!text)
        return vi_error_nomem(err, "JSON");
    int bad = printf("%s\n", text) < 0 || fflush(stdout) != 0;
    int reason = errno;
    free(text);
    if (bad && err && reason == EPIPE) {
        signal(SIGPIPE, SIG_DFL); /* the reader has seen enough: end as a filter does, without a word */
        raise(SIGPIPE);
    }
    return bad ? vi_error_set(err, reason == ENOSPC ? VISO_ERR_NO_SPACE : VISO_ERR_INPUT,
                              "standard output: cannot write: %s", strerror(reason))
               : VISO_OK;
}

int cli_json_event(const char *name, json_t *fields, viso_error *err)
{
    json_t *v = json_pack("{s:s}", "event", name); /* first, so that a reader of lines sees it first */
    if (v && fields && json_object_update(v, fields)) {
        json_decref(v);
        v = NULL;
    }
    json_decref(fields);
    return cli_json_print(v, false, err);
}
