/* models/models.h: names to loaded models. A model is a manifest row (data: models/manifest.json) plus a recipe
 * in the room that uses it. Tensor names are found by role, never by index. */
#ifndef VI_MODELS_H
#define VI_MODELS_H

#include "infer/infer.h"

#define VI_MAX_ROLES 16
#define VI_MAX_URLS 4

typedef struct vi_model_role {
    char role[32];   /* "image", "boxes", "scores", "mesh" … */
    char tensor[96]; /* name in the graph; "#2" is its third input (or output), where the name is not known */
    char type[12];   /* "float32" … */
    bool output;
    int n_dim;       /* -1: nothing is known of the shape */
    int64_t dim[VI_MAX_DIMS]; /* expected, -1 free */
} vi_model_role;

typedef struct vi_model_row {
    char id[48];
    char role[24];          /* "detector", "landmarks", "embedder", "mesh" … */
    char label[96];
    char file[96];
    uint64_t bytes;
    char sha256[65];        /* of the file viso loads; "" when it is made locally by conversion */
    char licence[64];
    char commercial[8];     /* "yes" "no" "unknown" */
    char origin[160];
    char source_sha256[65]; /* of the original file a conversion starts from */
    char preset[32];        /* "starter" … */
    bool bgr;               /* colour order of the image input */
    float scale[3], offset[3]; /* x' = scale * x + offset with x in 0..1 */
    bool nhwc;               /* the image input has its colours last */
    uint64_t about_bytes;    /* where the exact size is not known; for people and for progress */
    char url[VI_MAX_URLS][256]; /* where the file may be fetched, tried in order */
    int n_url;
    char family[24];         /* how the outputs are read, where a room knows several ways: "scrfd" "yunet" …, "" by role alone */
    char crop[24];           /* template of the crop: "arcface112" "arcface128" "arcfacemap" "ffhq512" or "" */
    char recogniser[48];     /* of a swapper: id of the embedder its latent comes from */
    char latent[8];          /* of a swapper: how: "unit" length, "raw", or "emap": unit, times the matrix in its file, unit */
    char second[48];         /* of an embedder that is a sum: id of the other network */
    float match;             /* of an embedder: cosine from which two faces are one person, 0 not known */
    bool has_result;
    float result[2];         /* range of the values of output "result" */
    char provider_hint[16];  /* "" "cpu" "cuda" "tensorrt" */
    char precision_hint[8];  /* "" "fp32" "fp16": half precision is known to be safe */
    int n_role;
    vi_model_role tensor[VI_MAX_ROLES];
} vi_model_row;

typedef struct vi_models vi_models; /* manifest + loaded sessions; thread-safe */
/* Zeroed: the processor alone, nothing kept on disk but what was verified. */
typedef struct vi_models_params {
    const char *dir;     /* --models DIR, NULL: $VISO_MODELS, $XDG_DATA_HOME/viso/models, then the folders beside the
                            program (./models, ../share/viso/models). Rows of users come on top: models.d in these and in
                            $XDG_CONFIG_HOME/viso */
    int intra_threads;   /* for sessions, 0: 1 */
    const vi_log *log;
    const char *provider;     /* "auto", "tensorrt", "cuda", "cpu"; NULL: "cpu". A row's provider_hint narrows it */
    bool strict;              /* rather fail with VISO_ERR_DEVICE than run on another one */
    const char *provider_for; /* "MODEL=PROVIDER,…": overrides of single models, which replace provider and hint; NULL none.
                                 VISO_ERR_USAGE at open for a model or provider that does not exist */
    const char *cache_dir;    /* for built engines; NULL: $XDG_CACHE_HOME/viso, ~/.cache/viso; "": nowhere */
    bool no_graphs;           /* no CUDA graphs: something else in the process uses the GPU in its own time */
    bool warm_up;             /* run a model once at loading, on another provider than the cpu */
} vi_models_params;
int vi_models_open(vi_models **m, const vi_models_params *p, viso_error *err);
void vi_models_close(vi_models **m);
int vi_models_count(const vi_models *m);
const vi_model_row *vi_models_row(const vi_models *m, int i);
const vi_model_row *vi_models_find(const vi_models *m, const char *id); /* NULL unknown */
/* Full path of the installed file (allocated), or VISO_ERR_MODEL with what to do. */
int vi_models_path(vi_models *m, const char *id, char **path, viso_error *err);
/* Loads once per process run (later calls share), checks digest and that the graph fits the row's tensors: a misfit names
 * model, tensor, expected and found. Reference-counted through the models object: sessions live until it closes. */
int vi_models_session(vi_models *m, const char *id, vi_session **s, const vi_model_row **row, viso_error *err);
/* A running context with all roles bound; indices by role name below. */
int vi_models_run(vi_models *m, const char *id, vi_run **r, const vi_model_row **row, viso_error *err);
/* The same with shapes for tensors that the row leaves open (another input size, a batch): a role that is not listed has
 * the shape of its row. VISO_ERR_MODEL when the graph does not allow a shape; a role that the row lacks is ignored. */
typedef struct vi_role_shape {
    const char *role;
    int n_dim;
    int64_t dim[VI_MAX_DIMS];
} vi_role_shape;
int vi_models_run_shaped(vi_models *m, const char *id, const vi_role_shape *shape, int n_shape, vi_run **r,
                         const vi_model_row **row, viso_error *err);
/* Whether the model is tried on a GPU, by its hint and by what was chosen at opening; whether there is one is not asked. */
bool vi_models_may_leave_cpu(const vi_models *m, const vi_model_row *row);
/* What happened on devices since the object was opened; zeros before the first model is loaded. Thread-safe. */
void vi_models_counts(vi_models *m, vi_device_counts *c);
/* A loaded model and what it really runs on. */
typedef struct vi_model_use {
    const vi_model_row *row;
    char provider[16];  /* now: "cuda" */
    char fell_back[280]; /* which one was asked for or failed, and why: "cuda: …"; "" when it is where it should be */
    double load_ms;     /* from the file to the session, warm-up included */
} vi_model_use;
/* The models loaded so far, in the order of the rows; how many, at most max. Thread-safe; waits for loads under way. */
int vi_models_uses(vi_models *m, vi_model_use *list, int max);
/* Loads a model as a job would (or takes the loaded one) and runs it twice on a computed input. Thread-safe. */
typedef struct vi_model_warm {
    char provider[16], fell_back[280]; /* as in vi_model_use, after the runs */
    double load_ms, first_ms, second_ms;
} vi_model_warm;
int vi_models_warm(vi_models *m, const char *id, vi_model_warm *w, viso_error *err);

/* Does a model give the right numbers on a provider? It is loaded there and nowhere else, in a session of its own, with the
 * model's precision, run twice on a computed input, and compared with the stored answer (known-answers.json beside the
 * manifest); without one, other providers are compared with the cpu. Thread-safe; takes as long as loading does. */
typedef enum vi_answer_state {
    VI_ANSWER_RIGHT = 1,
    VI_ANSWER_WRONG,
    VI_ANSWER_FAILED, /* does not load there, or does not run: `text` says why */
    VI_ANSWER_UNKNOWN /* numbers came, and there is nothing to compare them with */
} vi_answer_state;
typedef struct vi_model_result {
    vi_answer_state state;
    bool stored;       /* compared with a stored answer */
    double difference; /* the largest one, as a part of the output's largest magnitude */
    double allowed;    /* the same: 0.001 for float32, 0.01 half, 0.02 whole numbers and reduced precision on a device */
    double load_ms, first_ms, second_ms;
    char text[240];    /* what is wrong: "mesh: number 0 is 17.2, 12.5 is right" */
} vi_model_result;
/* Fails for an unknown model, a damaged file of answers, and without memory; all else is a result. */
int vi_models_check(vi_models *m, const char *id, vi_provider p, vi_model_result *r, viso_error *err);

/* Name in the graph of a row's tensor ("#2" looked up); NULL when the graph has no such. Lives as long as the session. */
const char *vi_models_tensor_name(const vi_model_role *t, const vi_session *s);
/* Index among the row's inputs / outputs (the order in which vi_models_run binds them), -1 when absent. */
int vi_model_role_index(const vi_model_row *row, const char *role);
/* Whole file of a non-network model (canonical mesh). Freed with vi_free. */
int vi_models_blob(vi_models *m, const char *id, uint8_t **data, size_t *size, viso_error *err);
/* "installed", "missing", "damaged" (size or digest differs). `full` checks the digest too: large files are read only when
 * this was not done before (they are known again by size, time and inode). vi_models_state_now reads in any case. */
const char *vi_models_state(vi_models *m, int i, bool full);
const char *vi_models_state_now(vi_models *m, int i);

/* Numbers that a network carries and the runtime does not show, read from its ONNX file (and the file beside it that holds
 * the data, if so). name NULL: the last initialiser of the graph, which is where Inswapper keeps its matrix; another name is
 * compared exactly. float32, float16 and float64 become float32. VISO_ERR_MODEL (damaged, not there, other numbers),
 * VISO_ERR_INPUT (no such file), VISO_ERR_NO_SPACE. */
typedef struct vi_onnx_values {
    float *value; /* count of them, in the order of the file */
    size_t count;
    int n_dim;
    int64_t dim[VI_MAX_DIMS];
    char name[96];
} vi_onnx_values;
int vi_onnx_initialiser(const char *path, const char *name, vi_onnx_values *v, viso_error *err);
void vi_onnx_values_free(vi_onnx_values *v);

/* What a network takes, told from its file. Bytes. */
typedef struct vi_model_memory {
    uint64_t stored;      /* initialisers as stored, data in other files included */
    uint64_t weights;     /* the same with what is computed from them alone */
    uint64_t filters;     /* those of convolutions among them */
    uint64_t activations; /* the most that is alive between operators; half precision counted as float32 and channels in
                             sixteens, as the cpu computes */
    uint64_t activations_half; /* the same as the file says (a GPU) */
    uint64_t io;          /* inputs and outputs */
    int nodes;
    int guessed;          /* operators whose result was taken to be as large as its largest input. 0: activations is the peak
                             of an order-of-the-file schedule with memory reused; else it is a guess */
} vi_model_memory;
typedef struct vi_input_shape {
    const char *name; /* of the tensor, or "#" with its number */
    int number, n_dim;
    int64_t dim[VI_MAX_DIMS]; /* taken where the graph leaves a dimension free */
} vi_input_shape;
/* Free dimensions that nobody sets count as 1. VISO_ERR_MODEL for a damaged file. Data in other files are not read. */
int vi_onnx_memory(const uint8_t *data, size_t size, const char *name, const vi_input_shape *shape, int n_shape,
                   vi_model_memory *m, viso_error *err);

/* Resident memory of a session with one running context on the cpu. */
uint64_t vi_model_resident(const vi_model_memory *m);

/* TensorFlow Lite -> ONNX (models/tflite*.c). Input is untrusted bytes; every fault names operator and tensor. Output
 * allocated, freed with vi_free. */
int vi_tflite_to_onnx(const uint8_t *data, size_t size, const char *name, uint8_t **onnx, size_t *onnx_size,
                      viso_error *err);

#endif
