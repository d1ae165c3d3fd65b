/* models/import.c: viso_models_adopt - an ONNX file that the user has already finds its row. One thread per call.
 *
 * By its digest a file is certainly what the manifest means. By its signature (names, types and shapes of its tensors) it
 * is a network of the same kind, no more; it then gets a row of its own, with its own digest, so that the known row keeps
 * meaning the known file. DeepFaceLive's .dfm files are ONNX files under another name, with a signature of their own. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "models/internal.h"
#include "models/onnx_read.h"
#include "viso/model.h"

/* --- does a signature fit a row? -------------------------------------------------------------------------------- */

static const vi_onnx_value *find_value(const vi_model_role *t, const vi_onnx_signature *s)
{
    const vi_onnx_value *list = t->output ? s->out : s->in;
    int n = t->output ? s->n_out : s->n_in;
    if (t->tensor[0] == '#') {
        int at = atoi(t->tensor + 1);
        return at < n ? &list[at] : NULL;
    }
    for (int i = 0; i < n; ++i)
        if (strcmp(list[i].name, t->tensor) == 0)
            return &list[i];
    return NULL;
}

static bool value_fits(const vi_model_role *t, const vi_onnx_value *v)
{
    if (!v || strcmp(v->type, t->type) != 0)
        return false;
    if (t->n_dim < 0 || v->n_dim < 0)
        return true;
    bool fits = t->n_dim == v->n_dim;
    for (int k = 0; k < t->n_dim && fits; ++k)
        fits = t->dim[k] < 0 || v->dim[k] < 0 || t->dim[k] == v->dim[k];
    return fits;
}

/* 0: no. 1: as far as numbered tensors can tell. 2: all names, types and shapes agree. Every input of the graph must be one
 * that the row knows: viso could not fill the others. */
static int fit(const vi_model_row *row, const vi_onnx_signature *s)
{
    int n_in = 0, numbered = 0;
    for (int i = 0; i < row->n_role; ++i) {
        const vi_model_role *t = &row->tensor[i];
        if (!value_fits(t, find_value(t, s)))
            return 0;
        n_in += !t->output;
        numbered += t->tensor[0] == '#';
    }
    if (row->n_role == 0 || n_in != s->n_in)
        return 0;
    /* A number says little, so the count has to agree as well. */
    return !numbered ? 2 : row->n_role - n_in == s->n_out ? 1 : 0;
}

/* --- DeepFaceLive ----------------------------------------------------------------------------------------------- */

static bool is_dfm(const vi_onnx_signature *s)
{
    const vi_onnx_value *face = &s->in[0];
    return (s->n_in == 1 || s->n_in == 2) && s->n_out == 3 && strstr(face->name, "in_face") && face->n_dim == 4 &&
           (face->dim[3] == 3 || face->dim[3] < 0) && strcmp(face->type, "float32") == 0 &&
           (s->n_in == 1 || strstr(s->in[1].name, "morph_value"));
}

static void add_role(vi_model_row *row, const char *role, const vi_onnx_value *v, bool output)
{
    vi_model_role *t = &row->tensor[row->n_role++];
    *t = (vi_model_role){.output = output, .n_dim = v->n_dim};
    snprintf(t->role, sizeof t->role, "%s", role);
    snprintf(t->tensor, sizeof t->tensor, "%s", v->name);
    snprintf(t->type, sizeof t->type, "%s", v->type);
    memcpy(t->dim, v->dim, sizeof t->dim);
}

/* The outputs come in this order: mask of the crop, new face, mask of the new face. Whole-face crops in BGR, colours last,
 * 0..1 in and out. */
static void dfm_row(vi_model_row *row, const vi_onnx_signature *s, const char *stem, const char *name)
{
    static const char *const outputs[] = {"mask", "result", "result_mask"};
    *row = (vi_model_row){.bgr = true, .nhwc = true, .scale = {1, 1, 1}, .has_result = true, .result = {0, 1}};
    snprintf(row->id, sizeof row->id, "dfm-%.30s", stem);
    snprintf(row->role, sizeof row->role, "swapper");
    snprintf(row->label, sizeof row->label, "DeepFaceLive model %.70s", name);
    snprintf(row->crop, sizeof row->crop, "arcface128");
    snprintf(row->licence, sizeof row->licence, "unknown");
    snprintf(row->commercial, sizeof row->commercial, "unknown");
    add_role(row, "image", &s->in[0], false);
    if (s->n_in == 2)
        add_role(row, "morph", &s->in[1], false);
    for (int i = 0; i < 3; ++i)
        add_role(row, outputs[i], &s->out[i], true);
}

/* --- copying ---------------------------------------------------------------------------------------------------- */

static int copy_bytes(int from, int to)
{
    enum { CHUNK = 1 << 20 };
    uint8_t *buf = vi_alloc(CHUNK);
    int code = buf ? 0 : ENOMEM;
    for (ssize_t n; !code && (n = read(from, buf, CHUNK)) != 0;) {
        if (n < 0)
            code = errno == EINTR ? 0 : errno;
        for (ssize_t done = 0, w; !code && done < n; done += w)
            if ((w = write(to, buf + done, (size_t)(n - done))) < 0) {
                code = errno == EINTR ? 0 : errno;
                w = 0;
            }
    }
    vi_free(buf);
    return code;
}

/* The copy gets its name when it has the digest that was found before: the file may change under our hands. */
static int copy_file(const char *path, const char *out, const char *sha256, viso_error *err)
{
    vi_pending p;
    char hex[65];
    if (vi_same_file(path, out))
        return 0;
    int code = vi_models_make_folders(out, err);
    if (!code)
        code = vi_pending_begin(&p, out, err);
    if (code)
        return code;
    int from = open(path, O_RDONLY | O_CLOEXEC), to = open(p.temp_path, O_WRONLY | O_CLOEXEC);
    int why = from < 0 || to < 0 ? errno : copy_bytes(from, to);
    if (from >= 0)
        close(from);
    if (to >= 0 && close(to) != 0 && !why)
        why = errno;
    if (why)
        code = vi_error_set(err, why == ENOSPC || why == EDQUOT || why == EFBIG || why == ENOMEM ? VISO_ERR_NO_SPACE : VISO_ERR_INPUT,
                            "%s: cannot be copied to %s: %s", path, out, strerror(why));
    if (!code && (vi_sha256_file(p.temp_path, hex, err) != 0 || strcmp(hex, sha256) != 0))
        code = vi_error_set(err, VISO_ERR_INPUT, "%s: changed while it was copied", path);
    if (code) {
        vi_pending_abort(&p);
        return code;
    }
    return vi_pending_commit(&p, err);
}

/* --- adopting --------------------------------------------------------------------------------------------------- */

/* A word for ids and file names out of any file name. */
static void stem_of(const char *path, char out[32])
{
    size_t n = 0;
    const char *name = vi_base_name(path), *dot = strrchr(name, '.');
    for (const char *p = name; *p && p != dot && n < 31; ++p)
        out[n++] = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '_';
    out[n] = 0;
    if (n == 0)
        strcpy(out, "model");
}

static int put_file(vi_models *m, const vi_model_row *row, const char *path, viso_error *err)
{
    char *out = m->n_dir ? vi_path_join(m->dir[0], row->file) : NULL;
    int code = out ? copy_file(path, out, row->sha256, err) : vi_error_nomem(err, path);
    vi_free(out);
    return code;
}

/* The file and a row for it. The row comes last: a row without a file would be a complaint, a file without a row is none. */
static int put_row(vi_models *m, const vi_model_row *row, const char *path, viso_error *err)
{
    int code = put_file(m, row, path, err);
    char *manifest = vi_asprintf("%s/models.d/%s.json", m->dir[0], row->id);
    if (!code && !manifest)
        code = vi_error_nomem(err, path);
    if (!code)
        code = vi_models_make_folders(manifest, err);
    if (!code)
        code = vi_manifest_write(manifest, row, err);
    vi_free(manifest);
    return code;
}

/* A row for this file after the model of `kind`. */
static void like_row(vi_model_row *row, const vi_model_row *kind, const char *sha256)
{
    *row = *kind;
    row->n_url = 0;
    row->about_bytes = 0;
    row->preset[0] = row->source_sha256[0] = 0;
    row->precision_hint[0] = 0; /* that was known of the other weights */
    snprintf(row->id, sizeof row->id, "%.36s-%.8s", kind->id, sha256);
    snprintf(row->file, sizeof row->file, "%s.onnx", row->id);
    snprintf(row->label, sizeof row->label, "like %.80s", kind->label);
    snprintf(row->licence, sizeof row->licence, "unknown");
    snprintf(row->commercial, sizeof row->commercial, "unknown");
}

static int unknown_file(const char *path, const vi_onnx_signature *s, const char *as, viso_error *err)
{
    if (as)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: its tensors do not fit model %s; it has %d inputs ('%s' %s, …) and %d outputs "
                            "('%s' %s, …); viso models info %s shows what is expected", path, as, s->n_in, s->in[0].name,
                            s->in[0].type, s->n_out, s->out[0].name, s->out[0].type, as);
    return vi_error_set(err, VISO_ERR_INPUT, "%s: not one of the known networks, neither by digest nor by its tensors (%d inputs: "
                        "'%s' %s, …; %d outputs: '%s' %s, …); a row in models.d makes it known, see docs/models-manifest.md",
                        path, s->n_in, s->in[0].name, s->in[0].type, s->n_out, s->out[0].name, s->out[0].type);
}

/* The row that the signature fits best, and only that; NULL with a message when none does or several do. */
static const vi_model_row *choose(vi_models *m, const char *path, const vi_onnx_signature *s, const char *as, int *how_sure,
                                  viso_error *err)
{
    char names[300] = "";
    const vi_model_row *best = NULL;
    int n = 0;
    *how_sure = 0;
    for (int i = 0; i < m->n_row; ++i) {
        int f = as && strcmp(as, m->row[i].id) != 0 ? 0 : fit(&m->row[i], s);
        if (f == 0 || f < *how_sure)
            continue;
        if (f > *how_sure) {
            n = 0;
            names[0] = 0;
        }
        *how_sure = f;
        best = &m->row[i];
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", n++ ? ", " : "", best->id);
    }
    if (n == 0)
        unknown_file(path, s, as, err);
    else if (n > 1 || (*how_sure == 1 && !as))
        vi_error_set(err, VISO_ERR_INPUT, "%s: its digest is unknown and its tensors fit %s; say which it is with --as MODEL", path, names);
    return n == 1 && (*how_sure == 2 || as) ? best : NULL;
}

static int adopt_unknown(vi_models *m, const char *path, const char *sha256, uint64_t size, const char *as,
                         const vi_onnx_signature *s, char **text, viso_error *err)
{
    char stem[32];
    int how_sure = 2;
    const char *name = vi_base_name(path);
    vi_model_row *row = vi_calloc(1, sizeof *row);
    if (!row)
        return vi_error_nomem(err, path);
    const vi_model_row *kind = NULL;
    int code = 0;
    stem_of(path, stem);
    if (!as && is_dfm(s)) {
        dfm_row(row, s, stem, name);
        if (vi_models_find(m, row->id)) /* another of the same name */
            snprintf(row->id + strlen(row->id), sizeof row->id - strlen(row->id), "-%.8s", sha256);
        snprintf(row->file, sizeof row->file, "%s.dfm", row->id);
    } else if ((kind = choose(m, path, s, as, &how_sure, err)) != NULL) {
        like_row(row, kind, sha256);
    } else {
        code = VISO_ERR_INPUT;
    }
    row->bytes = size;
    snprintf(row->sha256, sizeof row->sha256, "%s", sha256);
    snprintf(row->origin, sizeof row->origin, "imported from %.100s", name);
    if (!code)
        code = put_row(m, row, path, err);
    if (!code && kind)
        *text = vi_asprintf("%s: installed as %s. %s: %s tensors agree with those of %s in %s; its digest does not, so it is a "
                            "network of that kind and not proven to be the same one.",
                            name, row->id, how_sure == 2 ? "Likely" : "Possible, on your word", how_sure == 2 ? "all" : "its numbered",
                            kind->id, how_sure == 2 ? "name, type and shape" : "type and shape");
    else if (!code)
        *text = vi_asprintf("%s: installed as %s. Likely a DeepFaceLive model: its tensors are those of one.", name, row->id);
    vi_free(row);
    return code;
}

static int adopt(vi_models *m, const char *path, const char *as, char **text, viso_error *err)
{
    char sha256[65];
    vi_mapped file;
    int code = vi_sha256_file(path, sha256, err);
    if (code)
        return code;
    for (int i = 0; i < m->n_row; ++i)
        if (strcmp(m->row[i].sha256, sha256) == 0) {
            code = put_file(m, &m->row[i], path, err);
            if (!code)
                *text = vi_asprintf("%s: installed as %s. Certain: it has the SHA-256 of the manifest.", vi_base_name(path), m->row[i].id);
            return code;
        }
    code = vi_map_file(path, &file, err);
    if (code)
        return code;
    vi_onnx_signature *s = vi_calloc(1, sizeof *s);
    const char *fault = s ? vi_onnx_read_signature(file.data, file.size, s) : "out of memory";
    uint64_t size = file.size;
    vi_unmap_file(&file);
    if (fault)
        code = vi_error_set(err, s ? VISO_ERR_INPUT : VISO_ERR_NO_SPACE, "%s: %s", path, fault);
    else if (s->external[0])
        code = vi_error_set(err, VISO_ERR_INPUT, "%s: its weights lie in another file (%s), which import does not take along", path,
                            s->external);
    else
        code = adopt_unknown(m, path, sha256, size, as, s, text, err);
    vi_free(s);
    return code;
}

int viso_models_adopt(const char *dir, const char *path, const char *as, char **text, viso_error *err)
{
    vi_models *m;
    *text = NULL;
    int code = vi_models_open(&m, &(vi_models_params){.dir = dir}, err);
    if (code)
        return code;
    if (as && !vi_models_find(m, as))
        code = vi_error_set(err, VISO_ERR_USAGE, "model '%s' is not in the manifest; 'viso models list' shows what there is", as);
    else if (vi_is_folder(path) || !vi_file_exists(path))
        code = vi_error_set(err, VISO_ERR_INPUT, "%s: no such file", path);
    else
        code = adopt(m, path, as, text, err);
    if (!code && !*text)
        code = vi_error_nomem(err, path);
    vi_models_close(&m);
    return code;
}
