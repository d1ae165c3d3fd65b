/* models/internal.h: shared by the files of this room only. */
#ifndef VI_MODELS_INTERNAL_H
#define VI_MODELS_INTERNAL_H

#include <pthread.h>

#include "models/models.h"
#include "models/onnx_read.h"

/* Rows of a manifest file, allocated with vi_calloc. VISO_ERR_MODEL naming file, row and field. */
int vi_manifest_read(const char *path, vi_model_row **rows, int *count, viso_error *err);
/* The same over bytes; `path` is for messages. */
int vi_manifest_parse(const uint8_t *data, size_t size, const char *path, vi_model_row **rows, int *count, viso_error *err);

/* Writes a manifest with this one row. */
int vi_manifest_write(const char *path, const vi_model_row *row, viso_error *err);

/* What the process holds of one row. */
typedef struct vi_model_entry {
    pthread_mutex_t lock; /* loading; different models load side by side */
    bool has_lock;
    vi_session *session;
    double load_ms;
    char instead[16]; /* provider named for this model alone, "" none */
} vi_model_entry;

enum { VI_MODEL_DIRS = 8 };

struct vi_models {
    vi_log log;
    int intra_threads;
    char *dir[VI_MODEL_DIRS]; /* where files are looked for, in order */
    int n_dir;
    vi_model_row *row;
    vi_model_entry *entry; /* one per row */
    int n_row;
    pthread_mutex_t lock; /* the runtime */
    bool has_lock;
    vi_runtime *runtime;
    char provider[16]; /* word of the user */
    bool strict, warm_up, no_graphs;
    char *cache_dir; /* NULL: nothing is kept */
};

/* Settings of one load with what they point into. */
typedef struct vi_model_load {
    vi_session_params p;
    vi_device_policy policy;
    vi_profile profile[VI_MAX_ROLES];
    char input[VI_MAX_ROLES][96], digest[65];
} vi_model_load;

/* Takes provider, overrides and cache folder from the params; the rows are there. VISO_ERR_USAGE. */
int vi_models_set_devices(vi_models *m, const vi_models_params *p, viso_error *err);
/* Sizes of the graph's input number `at`: its own; where they are open the row's; else sides of 128 to 512 (mostly 256) and 1
 * for everything else. Fills all but the name. */
void vi_models_usual_size(const vi_model_row *row, const char *tensor, int at, const int64_t *dim, int n_dim, vi_profile *p);
/* What a model gives on the cpu, to be stored (tools/known_answers.c). */
struct vi_answers;
int vi_models_answers(vi_models *m, const char *id, struct vi_answers *a, viso_error *err);
/* $XDG_CACHE_HOME/viso or ~/.cache/viso, allocated; NULL without either. VISO_ERR_NO_SPACE. */
int vi_models_cache_dir(char **dir, viso_error *err);

/* The folders: `chosen` (or $VISO_MODELS when NULL) alone, else the usual ones. */
void vi_models_find_dirs(vi_models *m, const char *chosen);
/* The first manifest in the folders, then the users' own. */
int vi_models_find_rows(vi_models *m, viso_error *err);
/* Makes the folders above a file. */
int vi_models_make_folders(const char *path, viso_error *err);
/* Path of a row's file if some folder has it (allocated), else NULL. */
char *vi_models_where(const vi_models *m, const vi_model_row *row);
/* VISO_ERR_MODEL: no folder has it, and what to do. */
int vi_models_missing(const vi_models *m, const vi_model_row *row, viso_error *err);

/* A row's file with its digest checked: a small one read, a large one mapped. */
typedef struct vi_model_file {
    const uint8_t *data;
    size_t size;
    uint8_t *heap; /* of a small one */
    vi_mapped map; /* of a large one */
    char *path, *folder; /* that it lies in */
    uint64_t seen[4]; /* what was known of the file before: device, inode, size, time of change */
} vi_model_file;
int vi_models_open_file(vi_models *m, const vi_model_row *row, vi_model_file *f, viso_error *err); /* *f is set in any case */
/* To be asked when the bytes were used: a mapped file must not have changed since. VISO_ERR_MODEL. */
int vi_models_file_kept(const vi_model_file *f, const vi_model_row *row, viso_error *err);
void vi_models_close_file(vi_model_file *f);
/* Fills everything for vi_session_open; the runtime is open, the bytes are checked and stay. *load lives as long. */
int vi_models_prepare(vi_models *m, const vi_model_row *row, const vi_model_file *file, vi_model_load *load, viso_error *err);
/* The graph's tensors against the row's. `file` is for the message. */
int vi_models_check_contract(const vi_model_row *row, const vi_session *s, viso_error *err);
/* Opens the runtime at first use. */
int vi_models_runtime(vi_models *m, viso_error *err);

#endif
