/* pipeline/plan.c: what a swap of a clip takes, part by part. The figures of our own parts were fitted to what bench showed. */
#include "pipeline/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detect/detect.h"
#include "identify/identify.h"
#include "landmark/landmark.h"
#include "swap/swap.h"
#include "track/track.h"

#define MB ((uint64_t)1000000)

enum {
    RING_LEAST = 16, RING_MOST = 64, /* frames in flight by default */
    PROGRAM_MB = 70,      /* the program with FFmpeg and its kin */
    RUNTIME_MB = 14,      /* ONNX Runtime, once */
    SOURCE_MB = 24,       /* photographs and texture of a source, ends of large pages */
    GPU_HOST_MB = 1550,   /* CUDA and cuDNN in the process; this and the next were measured on an H200 */
    GPU_CONTEXT_MB = 920, /* the same on the device */
    SCRATCH_BYTES = 77    /* of a worker for each pixel of its largest crop */
};

static int workers_of(const vi_settings *s)
{
    const vi_run_settings *run = vi_settings_group(s, "run");
    return run->threads > 0 ? run->threads : vi_cpu_count();
}

/* Frames that are held back until later ones have been seen; no more than a ring that was set has room for. */
static int lag_of(const vi_settings *s)
{
    const vi_track_settings *track = vi_settings_group(s, "track");
    const vi_run_settings *run = vi_settings_group(s, "run");
    return run->ring > 0 ? VI_MIN(track->ahead, VI_MAX(run->ring - workers_of(s) - 2, 0)) : track->ahead;
}

int vi_run_ring(const vi_run_settings *run, int workers, int lag)
{
    int n = run->ring > 0 ? run->ring : vi_clampi(2 * workers + 4 + lag, RING_LEAST, RING_MOST);
    return VI_MAX(n, workers + lag + 2);
}

/* By itself: four seconds, but no more than so many pixels. Sixty frames of 1080 lines are some seconds of work on two cores, and
 * larger or more frequent frames take as much longer. */
#define AUTO_SECONDS 4
#define AUTO_PIXELS (60.0 * 1920 * 1080)
#define AUTO_LEAST 24 /* frames: each segment costs a key frame; so it is half a percent of 4K */

uint64_t vi_run_segment(const vi_run_settings *run, const vi_media_info *info)
{
    double rate = info->rate_num > 0 && info->rate_den > 0 ? (double)info->rate_num / info->rate_den : 25;
    double seconds = (double)run->segment, pixels = (double)info->width * (double)info->height;
    rate = (double)vi_clampf((float)rate, 1, 1000);
    double n = (seconds < 0 ? AUTO_SECONDS : seconds) * rate;
    if (seconds < 0)
        n = fmin(n, fmax(AUTO_LEAST, AUTO_PIXELS / fmax(pixels, 1)));
    return seconds != 0 ? (uint64_t)fmax(1, round(n)) : 0;
}

/* --- networks --------------------------------------------------------------------------------------------------- */

int vi_plan_network_names(const vi_settings *s, const char *id[4])
{
    const vi_detect_settings *detect = vi_settings_group(s, "detect");
    const vi_landmark_settings *landmark = vi_settings_group(s, "landmark");
    const vi_identify_settings *identify = vi_settings_group(s, "identify");
    const vi_who_settings *who = vi_settings_group(s, "who");
    const struct {
        const char *chosen, *usual;
        bool used;
    } of[] = {
        { detect->detector, "face_detection_full_range", true },
        { landmark->model, "", true },
        { "", "face_landmark_with_attention", true }, /* the swap over the mesh asks for it, whatever else is chosen */
        { identify->recogniser, "mobilefacenet", strcmp(who->face, "all") != 0 },
    };
    int n = 0;
    for (size_t i = 0; i < VI_COUNT(of); i++) {
        const char *named = of[i].chosen[0] && strcmp(of[i].chosen, "auto") != 0 ? of[i].chosen : of[i].usual;
        bool twice = i == 1 && strcmp(named, "face_landmark_with_attention") == 0;
        if (of[i].used && named[0] && !twice)
            id[n++] = named;
    }
    return n;
}

int vi_plan_models(vi_models **m, const vi_run_settings *run, const vi_log *log, viso_error *err)
{
    vi_models_params p = { .dir = run->models[0] ? run->models : NULL, .log = log, .provider = vi_run_provider(run),
                           .provider_for = run->provider_for, .strict = run->strict_device };
    return vi_models_open(m, &p, err);
}

static void add_network(vi_plan_networks *n, vi_models *m, const char *named, bool gpu)
{
    vi_model_memory memory;
    vi_input_shape shape[VI_MAX_ROLES];
    uint8_t *data = NULL;
    size_t size;
    char *path = NULL;
    const vi_model_row *row = vi_models_find(m, named);
    int n_shape = 0;
    if (!row || n->n == (int)VI_COUNT(n->part) || vi_models_path(m, named, &path, NULL) != 0)
        return;
    for (int i = 0; i < row->n_role; i++) {
        const vi_model_role *t = &row->tensor[i];
        if (t->output || t->n_dim <= 0)
            continue;
        shape[n_shape] = (vi_input_shape){ .name = t->tensor, .number = n_shape, .n_dim = t->n_dim };
        memcpy(shape[n_shape].dim, t->dim, sizeof shape[n_shape].dim);
        n_shape++;
    }
    if (vi_file_read(path, (size_t)4 << 30, &data, &size, NULL) == 0 &&
        vi_onnx_memory(data, size, path, shape, n_shape, &memory, NULL) == 0) {
        viso_plan_part *p = &n->part[n->n++];
        gpu = gpu && vi_models_may_leave_cpu(m, row);
        n->gpu |= gpu;
        *p = (viso_plan_part){ .ram = gpu ? memory.stored + MB : vi_model_resident(&memory) };
        p->vram = gpu ? memory.weights + 2 * memory.activations_half + memory.io : 0;
        snprintf(p->name, sizeof p->name, "%.39s", row->id);
    }
    vi_free(data);
    vi_free(path);
}

void vi_plan_networks_read(vi_plan_networks *n, vi_models *m, const vi_settings *s, bool gpu)
{
    const char *id[4];
    int count = vi_plan_network_names(s, id);
    *n = (vi_plan_networks){ 0 };
    for (int i = 0; i < count; i++)
        add_network(n, m, id[i], gpu);
}

/* Asked before the driver is: starting it takes longer than swapping a photograph. */
static bool any_leaves_cpu(const vi_models *m, const vi_settings *s)
{
    const char *id[4];
    bool any = false;
    for (int n = vi_plan_network_names(s, id), i = 0; i < n; i++) {
        const vi_model_row *row = vi_models_find(m, id[i]);
        any |= row && vi_models_may_leave_cpu(m, row);
    }
    return any;
}

/* --- counting --------------------------------------------------------------------------------------------------- */

static void add(viso_plan *p, const char *name, uint64_t ram, uint64_t vram)
{
    p->ram += ram;
    p->vram += vram;
    if (p->n_part < VISO_PLAN_PARTS) {
        viso_plan_part *part = &p->part[p->n_part++];
        *part = (viso_plan_part){ .ram = ram, .vram = vram };
        snprintf(part->name, sizeof part->name, "%s", name);
    }
}

void vi_plan_count(viso_plan *p, const vi_settings *s, const vi_media_info *info, bool encodes, const vi_plan_networks *n)
{
    const vi_run_settings *run = vi_settings_group(s, "run");
    const vi_output_settings *output = vi_settings_group(s, "output");
    const vi_swap_settings *swap = vi_settings_group(s, "swap");
    uint64_t frame = vi_media_frame_bytes(info);
    p->width = info->width;
    p->height = info->height;
    p->workers = workers_of(s);
    p->ring = vi_run_ring(run, p->workers, lag_of(s));
    p->lookahead = vi_media_lookahead(info, output);
    p->encoder_threads = output->encoder_threads > 0 ? output->encoder_threads : vi_cpu_count();
    p->n_part = 0;
    p->ram = p->vram = 0;
    add(p, "program and libraries", (PROGRAM_MB + (n->gpu ? GPU_HOST_MB : 0)) * MB, 0);
    add(p, "inference runtime", RUNTIME_MB * MB, n->gpu ? GPU_CONTEXT_MB * MB : 0);
    for (int i = 0; i < n->n; i++)
        add(p, n->part[i].name, n->part[i].ram, n->part[i].vram);
    add(p, "source", SOURCE_MB * MB, 0);
    add(p, "decoder", vi_media_decoder_bytes(info), 0);
    /* Each slot holds the frame as it was decoded and the one that was written to, which those that wait for later frames do not
     * have yet; four more wait, and encoders keep some. */
    add(p, "frames in flight", frame * (uint64_t)(2 * p->ring - lag_of(s) + 4 + vi_cpu_count()), 0);
    /* One face two thirds as high as the picture; smaller ones take less, several of that size more. */
    uint64_t crop = (uint64_t)VI_MIN(swap->max_size, (info->width < info->height ? info->width : info->height) * 7 / 10);
    add(p, "workers", (uint64_t)p->workers * crop * crop * SCRATCH_BYTES, 0);
    if (encodes) { /* a segment is an encoder's whole life: it never sees more frames */
        vi_output_settings own = *output;
        uint64_t segment = vi_run_segment(run, info);
        if (segment > 0 && (uint64_t)p->lookahead > segment)
            own.lookahead = (int)segment;
        add(p, "encoder", vi_media_encoder_bytes(info, &own), 0);
    }
}

/* --- fitting ---------------------------------------------------------------------------------------------------- */

typedef struct lever {
    const char *key, *label;
    int least;
    bool halve; /* in large steps */
} lever;

enum { RING, ENCODER_LOOKAHEAD, LOOK_AHEAD, THREADS, ENCODER_THREADS, ENCODER_NO_LOOKAHEAD };
static const lever levers[] = {
    [RING] = { "ring", "frames in flight", 0, false },
    [ENCODER_LOOKAHEAD] = { "encoder-lookahead", "look-ahead of the encoder", 10, true },
    [LOOK_AHEAD] = { "look-ahead", "look-ahead of tracking", 0, false },
    [THREADS] = { "threads", "workers", 1, false },
    [ENCODER_THREADS] = { "encoder-threads", "threads of the encoder", 1, true },
    [ENCODER_NO_LOOKAHEAD] = { "encoder-lookahead", "look-ahead of the encoder", 0, true },
};

static int value_of(const viso_plan *p, const vi_settings *s, int i)
{
    switch (i) {
    case RING: return p->ring;
    case LOOK_AHEAD: return lag_of(s);
    case THREADS: return p->workers;
    case ENCODER_THREADS: return p->encoder_threads;
    default: return p->lookahead;
    }
}

/* The ring is kept as small as workers and look-ahead allow, unless it was set. */
static void follow_with_ring(vi_settings *s, int workers)
{
    char text[16];
    snprintf(text, sizeof text, "%d", workers + lag_of(s) + 2);
    if (!vi_settings_given(s, "ring"))
        vi_settings_suggest(s, "ring", text, NULL);
}

bool vi_plan_lower(viso_plan *p, vi_settings *s, const vi_media_info *info, bool encodes, const vi_plan_networks *n, uint64_t most)
{
    const viso_plan before = *p;
    const int lag = lag_of(s);
    vi_plan_count(p, s, info, encodes, n);
    for (size_t i = 0; i < VI_COUNT(levers) && p->ram > most; i++) {
        const lever *l = &levers[i];
        int least = i == RING ? p->workers + lag_of(s) + 2 : l->least;
        if (vi_settings_given(s, l->key) || (!encodes && strncmp(l->key, "encoder", 7) == 0))
            continue;
        while (p->ram > most && value_of(p, s, (int)i) > least) {
            char text[16];
            int v = value_of(p, s, (int)i);
            snprintf(text, sizeof text, "%d", VI_MAX(l->halve ? v / 2 : v - 1, least));
            if (vi_settings_suggest(s, l->key, text, NULL) != 0)
                break;
            if (i == THREADS || i == LOOK_AHEAD)
                follow_with_ring(s, i == THREADS ? VI_MAX(v - 1, least) : p->workers);
            vi_plan_count(p, s, info, encodes, n);
        }
    }
    size_t used = 0;
    p->lowered[0] = 0;
    for (size_t i = 0; i + 1 < VI_COUNT(levers); i++) {
        int from = i == LOOK_AHEAD ? lag : value_of(&before, s, (int)i), to = value_of(p, s, (int)i);
        if (before.workers && from != to && used < sizeof p->lowered)
            used += (size_t)snprintf(p->lowered + used, sizeof p->lowered - used, "%s%s from %d to %d", used ? ", " : "",
                                     levers[i].label, from, to);
    }
    return p->ram <= most;
}

int vi_plan_limits(viso_plan *p, const vi_run_settings *run, bool gpu, viso_error *err)
{
    vi_memory m;
    vi_gpu g = { 0 };
    vi_memory_now(&m);
    uint64_t whole = m.limit ? m.limit : m.total;
    p->ram_free = VI_MIN(m.available + vi_current_rss(), whole); /* what we have already is ours */
    if (gpu && vi_gpu_look(&g, true))
        p->vram_free = g.memory_free;
    int rc = vi_size_parse("max-ram", run->max_ram, whole, &p->ram_limit, err);
    return rc ? rc : vi_size_parse("max-vram", run->max_vram, g.memory ? g.memory : (uint64_t)1 << 40, &p->vram_limit, err);
}

static double mib(uint64_t bytes)
{
    return (double)bytes / 1048576;
}

/* A ring that was set is kept: what it cannot hold is not waited for. */
static int keep_ring(vi_settings **own, const vi_settings *s, const vi_log *log, viso_error *err)
{
    const vi_run_settings *run = vi_settings_group(s, "run");
    const vi_track_settings *track = vi_settings_group(s, "track");
    char text[16];
    int room = lag_of(s);
    if (track->ahead <= room)
        return 0;
    if (!(*own = vi_settings_copy(s)))
        return vi_error_nomem(err, "settings");
    vi_info(log, "--ring %d leaves room for a look-ahead of %d frames", run->ring, room);
    snprintf(text, sizeof text, "%d", room);
    return vi_settings_set(*own, "look-ahead", text, err);
}

int vi_plan_clip(vi_settings **own, viso_plan *p, vi_models *m, const vi_settings *s, const vi_media_info *info, const char *target,
                 bool encodes, const vi_log *log, viso_error *err)
{
    const vi_run_settings *run = vi_settings_group(s, "run");
    vi_plan_networks n;
    *own = NULL;
    *p = (viso_plan){ 0 };
    int rc = vi_plan_limits(p, run, false, err);
    if (!rc)
        rc = keep_ring(own, s, log, err);
    if (rc)
        return rc;
    s = *own ? *own : s;
    vi_plan_networks_read(&n, m, s, false);
    vi_plan_count(p, s, info, encodes, &n);
    uint64_t wanted = p->ram, most = p->ram_limit ? p->ram_limit : p->ram_free;
    p->fits = most == 0 || wanted <= most;
    if (p->fits)
        return 0;
    if (!*own && !(*own = vi_settings_copy(s)))
        return vi_error_nomem(err, target);
    bool chosen = false; /* something that would be lowered was set */
    for (size_t i = 0; i < VI_COUNT(levers); i++)
        chosen |= vi_settings_given(s, levers[i].key);
    p->fits = vi_plan_lower(p, *own, info, encodes, &n, most);
    if (p->lowered[0] && (p->fits || !p->ram_limit))
        vi_warn(log, "%s: about %.0f MiB would be needed, %s is %.0f MiB: %s; now about %.0f MiB", target, mib(wanted),
                p->ram_limit ? "--max-ram" : "free memory", mib(most), p->lowered, mib(p->ram));
    if (p->fits)
        return 0;
    if (p->ram_limit)
        return vi_error_set(err, VISO_ERR_NO_SPACE, "%s: needs at least about %.0f MiB%s, --max-ram is %.0f MiB; raise it, scale the "
                            "clip down%s", target, mib(p->ram), chosen ? " with these settings" : "", mib(most),
                            chosen ? ", or leave out --threads, --ring, --encoder-threads and --encoder-lookahead"
                                   : ", or name a faster --encoder-preset");
    vi_warn(log, "%s: about %.0f MiB are needed and %.0f MiB are free: the run may fail or become slow; close other programs, or scale "
                 "the clip down", target, mib(p->ram), mib(most));
    return 0;
}

int vi_plan_gpu(vi_settings *s, const vi_log *log, viso_error *err)
{
    const vi_run_settings *run = vi_settings_group(s, "run");
    vi_plan_networks n = { 0 };
    viso_plan p = { 0 };
    vi_models *m = NULL;
    vi_gpu g;
    int rc = vi_plan_limits(&p, run, false, err);
    if (rc || (strcmp(vi_run_provider(run), "cpu") == 0 && !run->provider_for[0]) || vi_plan_models(&m, run, log, NULL) != 0)
        return rc; /* without models there will be a better message */
    if (any_leaves_cpu(m, s) && vi_gpu_look(&g, false)) {
        rc = vi_plan_limits(&p, run, true, err);
        vi_plan_networks_read(&n, m, s, true);
    }
    vi_models_close(&m);
    if (rc || !n.gpu)
        return rc;
    uint64_t need = GPU_CONTEXT_MB * MB, most = p.vram_limit ? p.vram_limit : p.vram_free;
    for (int i = 0; i < n.n; i++)
        need += n.part[i].vram;
    if (most == 0 || need <= most)
        return 0;
    if (!vi_settings_given(s, "provider") && !run->strict_device) {
        vi_warn(log, "the networks need about %.0f MiB on the GPU, %s is %.0f MiB: they run on the processor", mib(need),
                p.vram_limit ? "--max-vram" : "its free memory", mib(most));
        return vi_settings_suggest(s, "provider", "cpu", err);
    }
    if (p.vram_limit)
        return vi_error_set(err, VISO_ERR_NO_SPACE, "the networks need about %.0f MiB on the GPU, --max-vram is %.0f MiB; raise it, or use "
                            "--provider cpu", mib(need), mib(most));
    vi_warn(log, "the networks need about %.0f MiB on the GPU, %.0f MiB are free; close other programs, or use --provider cpu", mib(need),
            mib(most));
    return 0;
}
