/* viso/model.h: the models viso knows, their files and licences. */
#ifndef VISO_MODEL_H
#define VISO_MODEL_H

#include "viso/common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct viso_model_info {
    char id[48], role[24], label[96], file[96], licence[64], commercial[8], origin[160], sha256[65], preset[32];
    uint64_t bytes;
    char state[16]; /* "installed", "missing", "damaged" */
    char path[1024]; /* where it was found, "" when missing */
    uint64_t about_bytes; /* where the exact size is not known (bytes 0), 0: neither */
    int addresses;        /* in how many places viso_models_install may look for it */
} viso_model_info;

typedef struct viso_model_list viso_model_list;

/* dir NULL: the usual places. `verify`: 0 looks at sizes; 1 reads every file and checks its digest; 2 does so too, but
 * leaves out large files that were found right before and have not changed since. */
VISO_API int viso_models_list(viso_model_list **l, const char *dir, int verify, viso_error *err);
VISO_API int viso_models_count(const viso_model_list *l);
VISO_API const viso_model_info *viso_models_at(const viso_model_list *l, int i);
VISO_API void viso_models_free(viso_model_list **l);
/* Text (allocated, viso_text_free) about one model: row, tensors as found in the file. */
VISO_API int viso_models_describe(const char *dir, const char *id, char **text, viso_error *err);
/* Converts a TensorFlow Lite file to ONNX. out_path is written whole or not at all. */
VISO_API int viso_models_import(const char *path, const char *out_path, viso_error *err);

/* Puts an ONNX file (or a DeepFaceLive .dfm, which is one) into the folder of models. It is recognised by its digest, or by
 * names, types and shapes of its tensors; then it gets a row of its own in models.d. `as`: id of the model whose contract it
 * has, when several fit; NULL: find out. *text (allocated, viso_text_free) says as what it is installed and how sure that
 * is. VISO_ERR_INPUT: not recognised. */
VISO_API int viso_models_adopt(const char *dir, const char *path, const char *as, char **text, viso_error *err);

/* How a model is fetched. Zero-initialise it. */
typedef struct viso_install {
    const char *dir; /* as above; the file goes to the first of the folders */
    int offline;     /* a model that is not here is an error */
    /* Called now and then; anything but 0 ends with VISO_ERR_INTERRUPTED. total 0: not known. May be NULL. */
    int (*progress)(void *user, const char *id, uint64_t done, uint64_t total);
    void *user;
} viso_install;
/* Fetches a model's file from the addresses of its row, unless it is here and whole. The only call of the library that
 * uses the network; proxies of the environment are honoured. The file gets its name when size and SHA-256 are right. What
 * was fetched before an interruption is kept, and the next call goes on from there. `how` may be NULL. Blocks. */
VISO_API int viso_models_install(const char *id, const viso_install *how, viso_error *err);
/* Removes the installed file of a model. *path (allocated, viso_text_free; may be NULL) says which. */
VISO_API int viso_models_remove(const char *dir, const char *id, char **path, viso_error *err);
/* The folder that new models go to (allocated, viso_text_free). It need not exist yet. */
VISO_API int viso_models_folder(const char *dir, char **path, viso_error *err);

#ifdef __cplusplus
}
#endif
#endif
