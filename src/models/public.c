/* models/public.c: include/viso/model.h - list, describe, import. Each call stands alone; thread-safe. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/internal.h"
#include "viso/model.h"

struct viso_model_list {
    int count;
    viso_model_info item[];
};

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void fill(viso_model_info *i, const vi_models *m, const vi_model_row *r, const char *state)
{
    char *path = vi_models_where(m, r);
    copy_text(i->id, sizeof i->id, r->id);
    copy_text(i->role, sizeof i->role, r->role);
    copy_text(i->label, sizeof i->label, r->label);
    copy_text(i->file, sizeof i->file, r->file);
    copy_text(i->licence, sizeof i->licence, r->licence);
    copy_text(i->commercial, sizeof i->commercial, r->commercial);
    copy_text(i->origin, sizeof i->origin, r->origin);
    copy_text(i->sha256, sizeof i->sha256, r->sha256);
    copy_text(i->preset, sizeof i->preset, r->preset);
    copy_text(i->state, sizeof i->state, state);
    copy_text(i->path, sizeof i->path, path ? path : "");
    i->bytes = r->bytes;
    i->about_bytes = r->about_bytes;
    i->addresses = r->n_url;
    vi_free(path);
}

int viso_models_list(viso_model_list **l, const char *dir, int verify, viso_error *err)
{
    vi_models_params p = {.dir = dir};
    vi_models *m;
    *l = NULL;
    int code = vi_models_open(&m, &p, err);
    if (code)
        return code;
    int n = vi_models_count(m);
    viso_model_list *list = vi_calloc(1, sizeof *list + (size_t)n * sizeof list->item[0]);
    if (list) {
        list->count = n;
        for (int i = 0; i < n; ++i)
            fill(&list->item[i], m, vi_models_row(m, i),
                 verify == 1 ? vi_models_state_now(m, i) : vi_models_state(m, i, verify != 0));
    }
    vi_models_close(&m);
    *l = list;
    return list ? 0 : vi_error_nomem(err, "models");
}

int viso_models_count(const viso_model_list *l)
{
    return l->count;
}

const viso_model_info *viso_models_at(const viso_model_list *l, int i)
{
    return i >= 0 && i < l->count ? &l->item[i] : NULL;
}

void viso_models_free(viso_model_list **l)
{
    vi_free(*l);
    *l = NULL;
}

/* --- describe --------------------------------------------------------------------------------------------------- */

typedef struct page {
    char text[16384]; /* a row has at most 16 roles and a network that viso knows a handful of tensors */
    size_t used;
} page;

static void print(page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void print(page *p, const char *fmt, ...)
{
    va_list args;
    if (p->used >= sizeof p->text)
        return;
    va_start(args, fmt);
    int n = vsnprintf(p->text + p->used, sizeof p->text - p->used, fmt, args);
    va_end(args);
    p->used += n > 0 ? (size_t)n : 0;
}

static void print_dims(page *p, const int64_t *dim, int n)
{
    print(p, "[");
    for (int k = 0; k < n; ++k) {
        if (dim[k] < 0)
            print(p, "%s?", k ? "," : "");
        else
            print(p, "%s%lld", k ? "," : "", (long long)dim[k]);
    }
    print(p, "]");
}

static void print_tensors(page *p, const char *title, const vi_model_row *row, bool output, const vi_tensor_info *info, int n)
{
    static const char *const types[] = {"?", "float32", "float16", "int32", "int64", "uint8", "bool", "float64"};
    print(p, "%s\n", title);
    for (int i = 0; i < n; ++i) {
        const char *role = "-";
        for (int k = 0; k < row->n_role; ++k) {
            const vi_model_role *t = &row->tensor[k];
            if (t->output == output && (t->tensor[0] == '#' ? atoi(t->tensor + 1) == i : strcmp(t->tensor, info[i].name) == 0))
                role = t->role;
        }
        print(p, "  %-14s %s %s", role, info[i].name, types[info[i].type]);
        print_dims(p, info[i].dim, info[i].n_dim);
        print(p, "\n");
    }
}

/* What the row expects, of a file that is not here. */
static void print_contract(page *p, const vi_model_row *r)
{
    for (int i = 0; i < r->n_role; ++i) {
        const vi_model_role *t = &r->tensor[i];
        if (i == 0 || t->output != r->tensor[i - 1].output)
            print(p, "%s expected\n", t->output ? "outputs" : "inputs");
        print(p, "  %-14s %s %s", t->role, t->tensor, t->type);
        if (t->n_dim >= 0)
            print_dims(p, t->dim, t->n_dim);
        print(p, "\n");
    }
}

static void print_row(page *p, const vi_models *m, const vi_model_row *r, const char *state)
{
    char *path = vi_models_where(m, r);
    print(p, "id          %s\n", r->id);
    print(p, "label       %s\n", r->label);
    print(p, "role        %s\n", r->role);
    print(p, "state       %s\n", state);
    print(p, "file        %s\n", path ? path : r->file);
    if (r->bytes || !r->about_bytes)
        print(p, "bytes       %llu\n", (unsigned long long)r->bytes);
    else
        print(p, "bytes       about %llu\n", (unsigned long long)r->about_bytes);
    print(p, "sha256      %s\n", r->sha256[0] ? r->sha256 : "-");
    if (r->source_sha256[0])
        print(p, "made from   %s\n", r->source_sha256);
    print(p, "licence     %s (commercial use: %s)\n", r->licence, r->commercial);
    print(p, "origin      %s\n", r->origin);
    for (int i = 0; i < r->n_url; ++i)
        print(p, "address     %s\n", r->url[i]);
    if (r->preset[0])
        print(p, "preset      %s\n", r->preset);
    if (r->recogniser[0])
        print(p, "recogniser  %s\n", r->recogniser);
    if (r->crop[0])
        print(p, "crop        %s\n", r->crop);
    if (r->precision_hint[0])
        print(p, "precision   %s\n", r->precision_hint);
    if (r->n_role) {
        print(p, "image       %s", r->bgr ? "bgr" : "rgb");
        for (int i = 0; i < 3; ++i)
            print(p, "%s%g x %+g", i ? ", " : ", ", (double)r->scale[i], (double)r->offset[i]);
        print(p, " (x 0..1)\n");
    }
    vi_free(path);
}

static int describe(vi_models *m, const char *id, page *p, viso_error *err)
{
    const vi_model_row *r = vi_models_find(m, id);
    if (!r)
        return vi_error_set(err, VISO_ERR_MODEL, "model '%s' is not in the manifest; 'viso models list' shows what there is", id);
    const char *state = vi_models_state(m, (int)(r - m->row), true);
    print_row(p, m, r, state);
    if (r->n_role && strcmp(state, "missing") == 0)
        print_contract(p, r);
    if (r->n_role == 0 || strcmp(state, "installed") != 0)
        return 0;
    vi_session *s;
    const vi_tensor_info *in, *out;
    int code = vi_models_session(m, id, &s, NULL, err);
    if (code)
        return code;
    int n_in = vi_session_inputs(s, &in), n_out = vi_session_outputs(s, &out);
    print_tensors(p, "inputs", r, false, in, n_in);
    print_tensors(p, "outputs", r, true, out, n_out);
    return 0;
}

int viso_models_describe(const char *dir, const char *id, char **text, viso_error *err)
{
    vi_models_params params = {.dir = dir};
    vi_models *m = NULL;
    *text = NULL;
    page *p = vi_calloc(1, sizeof *p);
    int code = p ? vi_models_open(&m, &params, err) : vi_error_nomem(err, "models");
    if (!code)
        code = describe(m, id, p, err);
    if (!code) {
        *text = vi_strdup(p->text);
        code = *text ? 0 : vi_error_nomem(err, "models");
    }
    vi_models_close(&m);
    vi_free(p);
    return code;
}

/* --- remove, folder --------------------------------------------------------------------------------------------- */

int viso_models_remove(const char *dir, const char *id, char **path, viso_error *err)
{
    vi_models *m;
    char *where = NULL;
    if (path)
        *path = NULL;
    int code = vi_models_open(&m, &(vi_models_params){.dir = dir}, err);
    if (code)
        return code;
    code = vi_models_path(m, id, &where, err);
    if (!code && remove(where) != 0)
        code = vi_error_set(err, VISO_ERR_MODEL, "model %s: %s cannot be removed: %s", id, where, strerror(errno));
    vi_models_close(&m);
    if (!code && path)
        *path = where;
    else
        vi_free(where);
    return code;
}

int viso_models_folder(const char *dir, char **path, viso_error *err)
{
    vi_models m = {0};
    vi_models_find_dirs(&m, dir);
    *path = m.n_dir ? m.dir[0] : NULL;
    for (int i = 1; i < m.n_dir; ++i)
        vi_free(m.dir[i]);
    return *path ? 0 : vi_error_set(err, VISO_ERR_MODEL, "no folder for models: set --models, VISO_MODELS or HOME");
}

/* --- import ----------------------------------------------------------------------------------------------------- */

/* An ONNX file is a protobuf that begins with field 1, the format's version (a small number). */
static bool looks_like_onnx(const char *path, const uint8_t *data, size_t size)
{
    char extension[16];
    vi_extension(path, extension);
    bool begins = size > 4 && data[0] == 0x08 && data[1] > 0 && data[1] < 0x20;
    return begins && (strcmp(extension, "onnx") == 0 || data[2] == 0x12 || data[2] == 0x3a);
}

int viso_models_import(const char *path, const char *out_path, viso_error *err)
{
    enum { IMPORT_MOST = 1 << 30 };
    uint8_t *data = NULL, *onnx = NULL;
    size_t size, onnx_size;
    int code = vi_file_read(path, IMPORT_MOST, &data, &size, err);
    if (code)
        return code;
    if (looks_like_onnx(path, data, size))
        code = vi_error_set(err, VISO_ERR_INPUT, "%s: already an ONNX file; put it into the folder of models as it is", path);
    else if (vi_same_file(path, out_path))
        code = vi_error_set(err, VISO_ERR_USAGE, "%s: output and input are the same file", path);
    else
        code = vi_tflite_to_onnx(data, size, vi_base_name(path), &onnx, &onnx_size, err);
    if (!code)
        code = vi_file_write(out_path, onnx, onnx_size, err);
    vi_free(onnx);
    vi_free(data);
    return code;
}
