/* pipeline/run_options.h: the settings that belong to no stage: who is swapped ("who") and how a run goes ("run").
 *
 * The rows of the program (quiet, json …) stand here too, so that the command line, the configuration file and the
 * documents have one table to read. Plain values; read them through vi_settings_group(settings, "who" / "run"). */
#ifndef VI_RUN_OPTIONS_H
#define VI_RUN_OPTIONS_H

#include "base/base.h"
#include "options/options.h"

typedef struct vi_who_settings {
    vi_option_text face; /* "all", "largest", "1" (from the left), the path of a reference photograph, or a name of the gallery */
} vi_who_settings;
extern const vi_option_group vi_who_options;

typedef enum vi_face_choice_kind {
    VI_FACE_CHOICE_ALL = 1, /* every face */
    VI_FACE_CHOICE_LARGEST, /* the largest box */
    VI_FACE_CHOICE_INDEX,   /* the n-th from the left, by the centre of its box */
    VI_FACE_CHOICE_NEAREST, /* the face most like the one in a photograph */
    VI_FACE_CHOICE_NAMED    /* no such file: perhaps somebody in the gallery */
} vi_face_choice_kind;

typedef struct vi_face_choice {
    vi_face_choice_kind kind;
    int index;          /* INDEX: from 1 */
    vi_option_text path; /* NEAREST: the photograph; NAMED: the name */
} vi_face_choice;

/* Takes the text of "face" apart. A number out of 1..99 is VISO_ERR_USAGE. A name that is no file may be one of the gallery,
 * which this does not ask. `face/2`-like files are paths: "./2". */
int vi_face_choice_parse(const char *text, vi_face_choice *choice, viso_error *err);
/* The fault of a name that is neither file nor person: VISO_ERR_USAGE when it looks like a mistyped word, VISO_ERR_INPUT when
 * it looks like a path. */
int vi_face_choice_unknown(const char *text, viso_error *err);

typedef struct vi_target_settings {
    vi_option_text start, end; /* places as vi_reader_range takes them */
    bool as_clip; /* a folder of pictures is one clip */
} vi_target_settings;
extern const vi_option_group vi_target_options;

typedef enum vi_progress_choice {
    VI_PROGRESS_AUTO = 0,
    VI_PROGRESS_ALWAYS,
    VI_PROGRESS_NEVER
} vi_progress_choice;

typedef struct vi_run_settings {
    vi_option_text preset; /* see pipeline/presets.h; its values are filled in before a run */
    int threads;           /* workers of the picture lane, 0: one per processor */
    int ring;              /* frames in flight, 0: from the number of workers */
    float segment;         /* seconds of the clip that are made durable together, 0: none before the end */
    bool resume;
    vi_option_text max_ram, max_vram; /* sizes as vi_size_parse takes them, "": none */
    vi_option_text models; /* folder, "": the usual places */
    int provider;          /* index of the row; see vi_run_provider */
    vi_option_text provider_for; /* "MODEL=PROVIDER,…" */
    bool strict_device;    /* a fall-back to another device is an error */
    int cpu_mask;          /* index of the row; see vi_run_cpu_mask */
    vi_option_text profile;   /* file.csv, "nvtx", "" */
    vi_option_text telemetry; /* file.json, file.csv, "" */
    /* Of the program: */
    bool json;
    bool quiet;
    bool verbose;
    int log;      /* index of the row; see vi_run_log_level */
    int progress; /* vi_progress_choice */
    bool force;   /* results may replace files that exist */
} vi_run_settings;
extern const vi_option_group vi_run_options;

/* The mask for vi_kernels_get(): -1 all, 0 plain C, else VI_CPU_* bits. */
int vi_run_cpu_mask(const vi_run_settings *s);
/* The word for vi_models_params.provider: "auto", "cuda" … */
const char *vi_run_provider(const vi_run_settings *s);
/* What a log handle should let through: quiet, verbose and log taken together. */
viso_log_level vi_run_log_level(const vi_run_settings *s);

#endif
