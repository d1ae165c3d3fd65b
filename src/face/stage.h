/* face/stage.h: a stage is a const table. Adding a detector, a landmark model, a swapper is one file with
 * such a table and one row in pipeline/stages.c; nothing else changes.
 *
 * A stage works on a vi_work: one frame in flight and its face records. Temporal stages are called for
 * every frame in order by one thread; picture stages by several workers at once, each with its own
 * instance made by `create` (shared read-only things, loaded models for example, are reference-counted in
 * the models room), frames in any order. State that must follow time in a picture stage goes through
 * a turnstile per slot (base/thread.h, vi_face.slot and .ordinal). */
#ifndef VI_STAGE_H
#define VI_STAGE_H

#include "base/trace.h"
#include "face/face.h"
#include "kernel/kernel.h"

typedef enum vi_stage_kind {
    VI_STAGE_DETECT = 1,
    VI_STAGE_LANDMARK,
    VI_STAGE_TRACK,
    VI_STAGE_IDENTIFY,
    VI_STAGE_SWAP,
    VI_STAGE_RESTORE,
    VI_STAGE_BLEND
} vi_stage_kind;

typedef enum vi_lane { VI_LANE_TEMPORAL = 1, VI_LANE_PICTURE } vi_lane;

#define VI_MAX_LOOKS 16 /* places where the detector is asked to look */

/* One frame in flight. Owned by the ring; stages may write `face`, `n_face`, the flags, and (picture stages) the
 * frame's pixels. */
typedef struct vi_work {
    vi_frame *frame;
    const vi_colour_map *colour;
    vi_affine upright;          /* upright picture -> stored frame coordinates */
    int width, height;          /* of the upright picture */
    bool still;                 /* one picture, no time */
    uint64_t sequence;          /* 0, 1, 2 … over the run */
    /* set by track before detect and landmark */
    bool cut;                   /* first frame after a scene cut (and the first of all) */
    bool want_detect;           /* the detector has to look at this frame */
    vi_region look[VI_MAX_LOOKS]; /* with want_detect: look only there. A face should be a fifth to a half of a side */
    int n_look;                 /* 0 (when the frame begins): everywhere */
    bool largest_only;          /* of a still: smaller faces than the largest one need not be found */
    float unsearched;           /* set by detect with largest_only: faces up to this width were not looked for, 0: all were */
    vi_face face[VI_MAX_FACES];
    int n_face;
    const vi_mesh *canonical;   /* set by landmark (owned by that stage): what later stages refit a pose with */
    struct {
        uint32_t networks, dropped_back, looks; /* looks: of the detector */
        uint32_t detector_runs, landmark_runs, embedder_runs; /* of the networks, by what asked for them */
        /* Of the tracker, in faces but for second_looks: */
        uint32_t born, ended;  /* followed from this frame on; no longer */
        uint32_t bridged;      /* not found and carried on by their motion */
        uint32_t adopted;      /* lost, and taken up again by a new detection */
        uint32_t returned;     /* known again as somebody seen before */
        uint32_t points_lost;  /* the points of the skin were lost from one frame to the next */
        uint32_t held;         /* of these, the correlation filter held the place */
        uint32_t region_looks; /* looked for by the detector around their place alone */
        uint32_t second_looks; /* the frame was searched again because a face was lost */
    } count; /* for telemetry; zero when the frame begins */
} vi_work;

/* What is traced from now on belongs to face i: by its slot in a clip, by its number in a still. */
static inline void vi_work_trace_face(const vi_work *w, int i)
{
    vi_trace_face(w->face[i].slot >= 0 ? w->face[i].slot : i);
}

struct vi_models; /* models/models.h */

/* A photograph of a source person: upright picture and the analysed face in it (mesh, pose, quality filled in). */
typedef struct vi_photo {
    const vi_frame *frame;
    const vi_colour_map *colour;
    const char *name; /* for messages */
    vi_face face;
} vi_photo;

/* The source persons of a run, made by the swap stage's `prepare`; read-only while workers run. vi_face.source is an
 * index here. */
typedef struct vi_people {
    int n;
    void **source;
} vi_people;

/* What a stage may use; outlives the stage. */
typedef struct vi_stage_env {
    const vi_kernels *k;
    struct vi_models *models;
    const void *settings;   /* the struct of the stage's options group */
    const vi_people *people; /* swap stage: the sources; else NULL */
    uint32_t wants;         /* landmark stage: what the stages behind it need (VISO_FACE_HAS_*) */
    void *shared;           /* picture stages: what `share` made, the same for all workers */
    vi_log log;
} vi_stage_env;

typedef struct vi_stage {
    const char *id;         /* "detect", "mesh" … */
    const char *label;      /* for a person */
    vi_stage_kind kind;
    vi_lane lane;
    uint32_t needs, gives;  /* VISO_FACE_HAS_* */
    const char *options;    /* options group key, NULL none */
    /* Swap stage only: builds one source person from n >= 1 photographs (merged). Warnings go to the log; a photograph that
     * cannot be used at all is skipped, none usable is VISO_ERR_NO_SOURCE_FACE. NULL in other stages. */
    int (*prepare)(void **source, const vi_stage_env *env, const vi_photo *photo, int n, viso_error *err);
    void (*release)(void **source);
    /* State that all workers' instances share (turnstiles, smoothed state per slot). Optional. Made after the people. */
    int (*share)(void **shared, const vi_stage_env *env, viso_error *err);
    void (*unshare)(void **shared);
    /* What `share` made remembers of time, as bytes; called while no face is at work. Optional. */
    void (*share_save)(const void *shared, vi_blob *b);
    int (*share_load)(void *shared, vi_blob *b, viso_error *err);
    int (*create)(void **self, const vi_stage_env *env, viso_error *err);
    void (*destroy)(void **self);
    void (*reset)(void *self);                                         /* forget time: a seek, a new clip */
    /* What a temporal stage remembers of earlier frames, as bytes that only this build reads: for carrying a run on after a
     * break, and into an instance with other settings. The settings are not part of it. Optional: no memory. After a failed
     * load the instance can only be destroyed. */
    void (*save)(const void *self, vi_blob *b);
    int (*load)(void *self, vi_blob *b, viso_error *err);
    int (*process)(void *self, vi_work *w, vi_arena *scratch, viso_error *err);
} vi_stage;

#endif
