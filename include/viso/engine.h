/* viso/engine.h: the engine: swap a file, look at a file, verify a file, report on the machine.
 *
 * The library never prints, never exits, and never touches the network. Faults are values (viso_error).
 * Thread-safety: an engine may be used by one thread at a time; several engines may live side by side.
 *
 * Memory: an engine gives back all it took. A host that makes and ends engines for hours should keep the C library from keeping it:
 * with glibc, mallopt(M_MMAP_THRESHOLD, 1 << 20) and mallopt(M_TRIM_THRESHOLD, 1 << 18) before the first thread, as the program does.
 * Otherwise some ten megabytes more may stay resident, without growing on. */
#ifndef VISO_ENGINE_H
#define VISO_ENGINE_H

#include "viso/common.h"
#include "viso/face.h"
#include "viso/options.h"
#include "viso/stats.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct viso_engine viso_engine;

/* Copies the options. `log` may be NULL (silent). Opens neither models nor runtime yet. */
VISO_API int viso_engine_create(viso_engine **e, const viso_options *o, viso_log_fn log, void *log_user, viso_error *err);
VISO_API void viso_engine_destroy(viso_engine **e);

typedef struct viso_progress {
    const char *phase;     /* "sources", "frames", "finish"; "full": the disk is full, the run waits for room */
    uint64_t frames, frames_total; /* total 0: unknown */
    uint64_t files, files_total;   /* of a folder */
    const char *file;      /* the target at work */
    double fps;            /* over the last seconds */
    double remaining_s;    /* < 0 unknown */
    const char *limiting;  /* stage or lane that limits, "" unknown */
    uint64_t faces;
} viso_progress;
/* Called from the calling thread of viso_swap about ten times a second; non-zero stops the run as viso_cancel does. */
typedef int (*viso_progress_fn)(void *user, const viso_progress *p);

typedef struct viso_map { const char *person, *source; } viso_map; /* paths of photographs */

/* Settings of their own for a part of a clip. The strings must live as long as those of viso_swap_params. */
typedef struct viso_at {
    const char *start, *end; /* places of the clip: "83.5", "1:23.5", "250f"; NULL or "": open */
    const char *key, *value; /* an option of the table, "detect-score", and its value as text */
} viso_at;

typedef struct viso_swap_params {
    const char *const *sources; /* photographs of one person, merged; may be empty when maps are given */
    int n_source;
    const viso_map *maps;       /* replace the person in the first by the one in the second; several of one person: merged */
    int n_map;
    const char *target;         /* still, video or folder (of files, or of the pictures of one clip) */
    const char *out;            /* file or folder, see viso_swap_form; NULL: the run is measured and the result thrown away */
    const viso_at *at;          /* videos only; where ranges overlap, the later one counts, option by option */
    int n_at;
    int measure;                /* fill in viso_run_stats.quality (videos). Faces are embedded for it, also when nobody has to be
                                   told apart; it takes some time of its own */
    viso_progress_fn progress;  /* may be NULL */
    void *user;
} viso_swap_params;

/* What a swap of this target into a result of this name (NULL: no name yet) makes with these options. */
typedef enum viso_form {
    VISO_FORM_FILE = 1, /* one file, a still or a video; also a video of a folder of pictures */
    VISO_FORM_FILES,    /* of a folder: a file for each file in it */
    VISO_FORM_PICTURES  /* of a clip: a folder of pictures, made when it is not there */
} viso_form;
VISO_API viso_form viso_swap_form(const viso_options *o, const char *target, const char *out);

/* Blocks until done. The strings must live until it returns. `stats` may be NULL. Returns the statuses of
 * viso/common.h; VISO_ERR_INTERRUPTED leaves a playable file under the final name with what was done so far
 * (video), or no file (still). A folder goes on after a file that fails, and returns the first failure at the end. */
VISO_API int viso_swap(viso_engine *e, const viso_swap_params *p, viso_run_stats *stats, viso_error *err);
/* Asks a running call of this engine to stop soon. Safe from any thread and from a signal handler. */
VISO_API void viso_cancel(viso_engine *e);

/* What a run that did not end left beside its result, for --resume to go on with. Without such a thing: 0. */
typedef struct viso_unfinished_info {
    char folder[512];
    int segments;
    uint64_t frames; /* done and on the disk */
} viso_unfinished_info;
VISO_API int viso_unfinished(const char *out, viso_unfinished_info *info);

/* One model that was loaded and run twice. */
typedef struct viso_warm {
    char id[48], provider[16];
    char fell_back[280]; /* as in viso_network_stats */
    double load_ms, first_ms, second_ms; /* the first run is where a device builds and measures; the second is how it goes on */
} viso_warm;
typedef void (*viso_warm_fn)(void *user, const viso_warm *line);
/* Loads models and runs them, so that what devices build once (TensorRT: minutes) is built, and tells what each takes. n 0:
 * the models of a job with the engine's options. `done` (may be NULL) is called after each, from the calling thread. The
 * models stay loaded for later calls of the engine. Blocks; the statuses of viso_swap. */
VISO_API int viso_warmup(viso_engine *e, const char *const *ids, int n, viso_warm_fn done, void *user, viso_error *err);

/* Looking: one call per frame. Faces are in order of size, largest first. `embed`: also compute embeddings. */
typedef struct viso_look viso_look;
typedef struct viso_look_frame {
    int64_t number;
    double time_s;            /* < 0 unknown */
    int width, height;        /* upright */
    int n_face;
    const viso_face *face;    /* valid until the next call */
} viso_look_frame;
VISO_API int viso_look_open(viso_look **l, viso_engine *e, const char *path, int embed, viso_error *err);
VISO_API int viso_look_next(viso_look *l, viso_look_frame *out, viso_error *err); /* VISO_EOF at the end */
/* The last frame with boxes, points and numbers drawn, written as a still (by extension). */
VISO_API int viso_look_draw(viso_look *l, const char *path, viso_error *err);
VISO_API void viso_look_close(viso_look **l);

typedef struct viso_mark_info {
    int marked;                    /* carries compositeWithTrainedAlgorithmicMedia */
    char digital_source_type[160]; /* what the file says, "" nothing */
    char where[32];
} viso_mark_info;
VISO_API int viso_verify(const char *path, viso_mark_info *m, viso_error *err);

/* A report on the machine: rows for a table. state: 0 fine, 1 note, 2 problem: a swap with these options cannot be done here. */
typedef struct viso_check {
    char group[24], name[48], value[360], advice[320];
    int state;
} viso_check;
typedef struct viso_report viso_report;
VISO_API int viso_doctor(viso_report **r, const viso_options *o, viso_error *err);
/* Adds the known-answer test of every installed model on every provider that works here (may take minutes). */
VISO_API int viso_doctor_models(viso_report *r, const viso_options *o, viso_error *err);
VISO_API int viso_report_count(const viso_report *r);
VISO_API const viso_check *viso_report_at(const viso_report *r, int i);
/* What to do, the most important first: the rows whose advice counts, each advice once. NULL past the end. */
VISO_API const viso_check *viso_report_todo(const viso_report *r, int i);
VISO_API int viso_report_ready(const viso_report *r); /* 1: no problem among the rows */
VISO_API void viso_report_free(viso_report **r);

/* What a swap of a video takes in memory, by parts: estimates. Nothing is loaded. */
typedef struct viso_plan_part {
    char name[40];
    uint64_t ram, vram; /* bytes */
} viso_plan_part;
#define VISO_PLAN_PARTS 32
typedef struct viso_plan {
    int width, height;
    int workers, ring, lookahead, encoder_threads; /* after lowering */
    int n_part;
    viso_plan_part part[VISO_PLAN_PARTS];
    uint64_t ram, vram;             /* sums */
    uint64_t ram_free, vram_free;   /* 0: not known */
    uint64_t ram_limit, vram_limit; /* --max-ram, --max-vram; 0: none */
    int fits;                       /* within the limits, else within what is free */
    char lowered[240];              /* what a swap would lower to make it fit, "" nothing */
} viso_plan;
/* For a video, or (target NULL) for 8-bit 4:2:0 video of this size, written as the options say. */
VISO_API int viso_plan_make(viso_plan *p, const viso_options *o, const char *target, int width, int height, viso_error *err);

#ifdef __cplusplus
}
#endif
#endif
