/* pipeline/run_options.c: the rows of "who" and "run", and the helpers that turn their values into what the
 * pipeline uses.  */
#include "pipeline/run_options.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/kernel.h"

#define MAX_INDEX 99

/* ---- who ---- */

static const vi_option_row who_rows[] = {
    VI_OPTION_STRING(
        vi_who_settings, face, "face", "Which face",
        "Which faces of the target are swapped: 'all', 'largest', a number counting from the left starting with "
        "1, the path of a photograph: the face most like the one in it, or the name of a person in the gallery.",
        "all", 0),
};

const vi_option_group vi_who_options = { "who", "Who is swapped", who_rows, VI_COUNT(who_rows),
                                         sizeof(vi_who_settings) };

static bool all_digits(const char *s)
{
    size_t n = strspn(s, "0123456789");
    return n > 0 && s[n] == 0;
}

int vi_face_choice_parse(const char *text, vi_face_choice *choice, viso_error *err)
{
    memset(choice, 0, sizeof *choice);
    if (strcasecmp(text, "all") == 0) {
        choice->kind = VI_FACE_CHOICE_ALL;
        return VISO_OK;
    }
    if (strcasecmp(text, "largest") == 0) {
        choice->kind = VI_FACE_CHOICE_LARGEST;
        return VISO_OK;
    }
    bool negative = text[0] == '-' && all_digits(text + 1);
    if (all_digits(text) || negative) {
        long n = negative || strlen(text) > 4 ? 0 : strtol(text, NULL, 10);
        if (n < 1 || n > MAX_INDEX)
            return vi_error_set(
                err, VISO_ERR_USAGE,
                "--face %s: faces are counted from 1 (the leftmost) to %d; a file of that name is written ./%s", text,
                MAX_INDEX, text);
        choice->kind = VI_FACE_CHOICE_INDEX;
        choice->index = (int)n;
        return VISO_OK;
    }
    if (strlen(text) >= sizeof choice->path)
        return vi_error_set(err, VISO_ERR_USAGE, "--face: the path is longer than %d bytes", VI_OPTION_TEXT - 1);
    choice->kind = vi_file_exists(text) ? VI_FACE_CHOICE_NEAREST : VI_FACE_CHOICE_NAMED;
    memcpy(choice->path, text, strlen(text) + 1);
    return VISO_OK;
}

int vi_face_choice_unknown(const char *text, viso_error *err)
{
    bool path = strchr(text, '/') || strchr(text, '.');
    return vi_error_set(err, path ? VISO_ERR_INPUT : VISO_ERR_USAGE,
                        path ? "--face %s: there is no such photograph; check the path"
                             : "--face '%s' is neither 'all', 'largest', a number from the left, the path of a photograph nor "
                               "somebody in the gallery", text);
}

/* ---- target ---- */

static const vi_option_row target_rows[] = {
    VI_OPTION_STRING(vi_target_settings, start, "start", "Start",
                     "Where to begin in a video: seconds (83.5 or 1:23.5) from its first frame, or a frame (250f, counted "
                     "from 0). The result begins there.",
                     "", 0),
    VI_OPTION_STRING(vi_target_settings, end, "end", "End",
                     "Where to stop in a video, written like the start; the frame that lies there is not in the result.", "", 0),
    VI_OPTION_BOOL(vi_target_settings, as_clip, "as-clip", "Pictures are a clip",
                   "The pictures of a folder are the frames of one clip, in the order of their names: faces are followed through them. So "
                   "they are when the result is named as a video. --frame-rate says how fast it runs.",
                   false, 0),
};

const vi_option_group vi_target_options = { "target", "Which part of a video", target_rows, VI_COUNT(target_rows),
                                            sizeof(vi_target_settings) };

/* ---- run ---- */

static const char *const providers[] = { "auto", "tensorrt", "cuda", "cpu", NULL };
static const char *const cpu_masks[] = { "auto", "c", "avx2", "avx512", "neon", NULL };
static const char *const progress_choices[] = { "auto", "always", "never", NULL };
static const char *const log_levels[] = { "error", "warn", "info", "debug", "trace", NULL };

static const vi_option_row run_rows[] = {
    VI_OPTION_STRING(
        vi_run_settings, preset, "preset", "Preset",
        "Speed against quality: 'fast', 'balanced', 'quality', the name of a file NAME.conf in the folder viso/presets of "
        "the user's configuration, or a path. Values that are chosen by hand stay.",
        "balanced", 0),
    VI_OPTION_INT(vi_run_settings, threads, "threads", "Worker threads",
                  "Frames that are worked on at the same time. 0: one per processor.", NULL, 0, 0, 256, 0),
    VI_OPTION_INT(vi_run_settings, ring, "ring", "Frames in flight",
                  "Frames held between reading and writing; bounds the memory. 0: 16 to 64, by the number of threads and the look-ahead.",
                  NULL, 0, 0, 256, VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_run_settings, segment, "segment", "Segments",
                    "A video is written in segments of this length, each safe on the disk when it is done: what a crash can cost is one "
                    "of them. -1: four seconds, less of large or fast pictures (60 frames of 1080p, 24 of 4K). 0: none before the end.",
                    "seconds", -1, -1, 600, 0.5, VI_OPTION_ADVANCED),
    { .key = "resume",
      .label = "Go on",
      .help = "Goes on behind what an earlier run of the same command left unfinished (a crash, Ctrl-C), with the same result as an "
              "unbroken run; of a folder, results that are there are kept. Begins at the beginning when there is nothing to go on "
              "with.",
      .type = VI_OPTION_TYPE_BOOL,
      .max = 1,
      .step = 1,
      .flags = VI_OPTION_PROGRAM,
      .offset = VI_OPTION_OFFSET(vi_run_settings, resume, bool) },
    VI_OPTION_STRING(vi_run_settings, max_ram, "max-ram", "Most memory",
                     "Memory that a swap may take: 2G, 800M, or 50% of the machine's. Frames in flight, look-ahead of the encoder and "
                     "workers are lowered until it fits, unless they were set; what cannot fit is refused. Empty: what is free, and "
                     "then no more than a warning.", "", 0),
    VI_OPTION_STRING(vi_run_settings, max_vram, "max-vram", "Most GPU memory",
                     "The same for the memory of the GPU: networks that will not fit run on the processor, unless --provider or "
                     "--strict-device says otherwise.", "", 0),
    VI_OPTION_STRING(
        vi_run_settings, models, "models", "Folder of models",
        "Where the model files are. Empty: $VISO_MODELS, the user's data folder, the folders beside the program.", "",
        VI_OPTION_PATH),
    VI_OPTION_CHOICE(vi_run_settings, provider, "provider", "Device",
                     "What the networks run on. 'auto' takes the best one that works and says which; a name takes that one or, "
                     "with a warning, those after it.", providers, 0, 0),
    VI_OPTION_STRING(vi_run_settings, provider_for, "provider-for", "Device of a model",
                     "MODEL=PROVIDER, several with commas between: what these models run on instead, whatever "
                     "--provider and their own preference say.", "", VI_OPTION_ADVANCED),
    VI_OPTION_BOOL(vi_run_settings, strict_device, "strict-device", "No fall-back",
                   "Ends with an error when the device asked for does not work, instead of going on with another one.",
                   false, 0),
    VI_OPTION_CHOICE(
        vi_run_settings, cpu_mask, "cpu-mask", "Processor instructions",
        "Highest instruction set that the pixel kernels may use; 'c' is plain C. Results agree within rounding.",
        cpu_masks, 0, VI_OPTION_ADVANCED),
    VI_OPTION_STRING(
        vi_run_settings, profile, "profile", "Profile",
        "A .csv file with one row for each stage, network, wait and frame of a swap, and ranges for NVIDIA's tools when one is "
        "listening; 'nvtx': only the ranges. See docs/telemetry.md.", "", VI_OPTION_PATH | VI_OPTION_ADVANCED),
    VI_OPTION_STRING(
        vi_run_settings, telemetry, "telemetry", "Telemetry",
        "A .json or .csv file with the summary of a swap: times of the stages and networks, devices and fall-backs, tracker, "
        "ring, memory. It stays on this machine.", "", VI_OPTION_PATH | VI_OPTION_ADVANCED),
    { .key = "json",
      .label = "JSON",
      .help = "Results (and the progress of a swap) as JSON on standard output; see docs/json.md.",
      .type = VI_OPTION_TYPE_BOOL,
      .max = 1,
      .step = 1,
      .flags = VI_OPTION_PROGRAM,
      .offset = VI_OPTION_OFFSET(vi_run_settings, json, bool) },
    { .key = "quiet",
      .label = "Quiet",
      .help = "No progress, no summary, no warnings: errors only.",
      .type = VI_OPTION_TYPE_BOOL,
      .max = 1,
      .step = 1,
      .flags = VI_OPTION_PROGRAM,
      .letter = 'q',
      .offset = VI_OPTION_OFFSET(vi_run_settings, quiet, bool) },
    { .key = "verbose",
      .label = "Verbose",
      .help = "Says more about what is done: the same as --log info.",
      .type = VI_OPTION_TYPE_BOOL,
      .max = 1,
      .step = 1,
      .flags = VI_OPTION_PROGRAM,
      .letter = 'v',
      .offset = VI_OPTION_OFFSET(vi_run_settings, verbose, bool) },
    VI_OPTION_CHOICE(vi_run_settings, log, "log", "Log level", "The least important kind of message that is shown.",
                     log_levels, VISO_LOG_WARN - 1, VI_OPTION_PROGRAM | VI_OPTION_ADVANCED),
    VI_OPTION_CHOICE(vi_run_settings, progress, "progress", "Progress bar",
                     "When the progress bar is drawn; 'auto': when standard error is a terminal.", progress_choices,
                     VI_PROGRESS_AUTO, VI_OPTION_PROGRAM),
    { .key = "force",
      .label = "Overwrite",
      .help = "Results may replace files that exist. Without it an existing file is refused; sources and target "
              "are never replaced.",
      .type = VI_OPTION_TYPE_BOOL,
      .max = 1,
      .step = 1,
      .flags = VI_OPTION_PROGRAM,
      .letter = 'y',
      .offset = VI_OPTION_OFFSET(vi_run_settings, force, bool) },
};

const vi_option_group vi_run_options = { "run", "How the run goes", run_rows, VI_COUNT(run_rows),
                                         sizeof(vi_run_settings) };

int vi_run_cpu_mask(const vi_run_settings *s)
{
    static const int mask[] = { VI_CPU_ALL, VI_CPU_C, VI_CPU_AVX2, VI_CPU_AVX2 | VI_CPU_AVX512, VI_CPU_NEON };
    _Static_assert(VI_COUNT(mask) == VI_COUNT(cpu_masks) - 1, "one mask per choice");
    return mask[vi_clampi(s->cpu_mask, 0, (int)VI_COUNT(mask) - 1)];
}

const char *vi_run_provider(const vi_run_settings *s)
{
    return providers[vi_clampi(s->provider, 0, (int)VI_COUNT(providers) - 2)];
}

viso_log_level vi_run_log_level(const vi_run_settings *s)
{
    viso_log_level level = (viso_log_level)(s->log + 1);
    if (s->quiet)
        return VISO_LOG_ERROR;
    return s->verbose ? VI_MAX(level, VISO_LOG_INFO) : level;
}
