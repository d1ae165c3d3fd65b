/* models/manifest.c: models/manifest.json -> rows. The format is docs/models-manifest.md. One thread.
 *
 * Everything a row may hold is checked here, so that the rest of the room can trust it. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "models/internal.h"

enum { MANIFEST_MOST = 4 << 20, ROWS_MOST = 4096, VERSION = 1 };

/* Where a fault is, for the message. */
typedef struct place {
    const char *path;
    const char *id;
    viso_error *err;
} place;

static int fault(const place *p, const char *field, const char *what)
{
    return vi_error_set(p->err, VISO_ERR_MODEL, "%s: model '%s': %s: %s", p->path, p->id, field, what);
}

static int get_text(const place *p, const json_t *o, const char *key, bool needed, char *out, size_t size)
{
    const json_t *v = json_object_get(o, key);
    if (!v && !needed)
        return 0;
    const char *text = json_string_value(v);
    if (!text || (needed && !*text))
        return fault(p, key, "a text is needed");
    if (strlen(text) >= size)
        return fault(p, key, "too long");
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int get_digest(const place *p, const json_t *o, char out[65])
{
    int code = get_text(p, o, "sha256", false, out, 65);
    if (code || !*out)
        return code;
    return strspn(out, "0123456789abcdef") == 64 ? 0 : fault(p, "sha256", "64 lower-case hexadecimal digits are needed");
}

/* Three numbers, one per colour. */
static int get_triple(const place *p, const json_t *o, const char *key, float out[3])
{
    const json_t *list = json_object_get(o, key);
    if (!list)
        return 0;
    for (size_t i = 0; i < 3; ++i) {
        const json_t *v = json_array_get(list, i);
        if (json_array_size(list) != 3 || !json_is_number(v))
            return fault(p, key, "three numbers are needed");
        out[i] = (float)json_number_value(v);
    }
    return 0;
}

/* A text that must be one of a few words; absent leaves "". */
static int get_word(const place *p, const json_t *o, const char *key, const char *words, char *out, size_t size)
{
    char what[96];
    int code = get_text(p, o, key, false, out, size);
    if (code || !*out)
        return code;
    const char *at = strstr(words, out);
    size_t n = strlen(out);
    if (!strchr(out, ' ') && at && (at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0))
        return 0;
    snprintf(what, sizeof what, "one of '%s' is needed", words);
    return fault(p, key, what);
}

static int get_image(const place *p, const json_t *o, vi_model_row *row)
{
    char order[8] = "rgb";
    int code = get_text(p, o, "order", false, order, sizeof order);
    if (!code)
        code = get_triple(p, o, "scale", row->scale);
    if (!code)
        code = get_triple(p, o, "offset", row->offset);
    if (!code && strcmp(order, "rgb") != 0 && strcmp(order, "bgr") != 0)
        code = fault(p, "order", "'rgb' or 'bgr' is needed");
    row->bgr = strcmp(order, "bgr") == 0;
    char layout[8] = "";
    if (!code)
        code = get_word(p, o, "layout", "nchw nhwc", layout, sizeof layout);
    row->nhwc = strcmp(layout, "nhwc") == 0;
    return code;
}

static int get_shape(const place *p, const json_t *shape, vi_model_role *r)
{
    if (!shape) {
        r->n_dim = -1;
        return 0;
    }
    if (!json_is_array(shape) || json_array_size(shape) > VI_MAX_DIMS)
        return fault(p, r->role, "shape: a list of at most 8 numbers is needed");
    r->n_dim = (int)json_array_size(shape);
    for (int i = 0; i < r->n_dim; ++i) {
        const json_t *v = json_array_get(shape, (size_t)i);
        r->dim[i] = json_integer_value(v);
        if (!json_is_integer(v) || (r->dim[i] < 1 && r->dim[i] != -1))
            return fault(p, r->role, "shape: positive whole numbers, or -1 for a free size, are needed");
    }
    return 0;
}

static int get_tensor(const place *p, const json_t *o, bool output, vi_model_row *row)
{
    if (row->n_role == VI_MAX_ROLES)
        return fault(p, output ? "outputs" : "inputs", "more than 16 tensors");
    vi_model_role *r = &row->tensor[row->n_role];
    int code = get_text(p, o, "role", true, r->role, sizeof r->role);
    if (!code)
        code = get_text(p, o, "tensor", true, r->tensor, sizeof r->tensor);
    if (!code)
        code = get_word(p, o, "type", "float32 float16 float64 int32 int64 uint8 bool", r->type, sizeof r->type);
    if (!code)
        code = get_shape(p, json_object_get(o, "shape"), r);
    if (code)
        return code;
    if (!r->type[0])
        strcpy(r->type, "float32");
    if (r->tensor[0] == '#' && (!r->tensor[1] || strspn(r->tensor + 1, "0123456789") != strlen(r->tensor + 1)))
        return fault(p, r->role, "tensor: a number is needed behind #");
    for (int i = 0; i < row->n_role; ++i)
        if (strcmp(row->tensor[i].role, r->role) == 0 && row->tensor[i].output == output)
            return fault(p, r->role, "this role is there twice");
    r->output = output;
    row->n_role++;
    return 0;
}

static int get_tensors(const place *p, const json_t *o, const char *key, bool output, vi_model_row *row)
{
    const json_t *list = json_object_get(o, key);
    if (list && !json_is_array(list))
        return fault(p, key, "a list is needed");
    for (size_t i = 0; i < json_array_size(list); ++i) {
        int code = get_tensor(p, json_array_get(list, i), output, row);
        if (code)
            return code;
    }
    return 0;
}

static int get_urls(const place *p, const json_t *list, vi_model_row *row)
{
    if (list && (!json_is_array(list) || json_array_size(list) > VI_MAX_URLS))
        return fault(p, "urls", "a list of at most 4 addresses is needed");
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || strlen(text) >= sizeof row->url[0] || (strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0))
            return fault(p, "urls", "addresses that begin with https:// or http:// are needed, of at most 255 bytes");
        memcpy(row->url[row->n_url++], text, strlen(text) + 1);
    }
    return 0;
}

static int get_range(const place *p, const json_t *list, vi_model_row *row)
{
    const json_t *low = json_array_get(list, 0), *high = json_array_get(list, 1);
    if (!list)
        return 0;
    if (json_array_size(list) != 2 || !json_is_number(low) || !json_is_number(high))
        return fault(p, "result", "two numbers are needed");
    row->result[0] = (float)json_number_value(low);
    row->result[1] = (float)json_number_value(high);
    row->has_result = true;
    return 0;
}

static int get_cosine(const place *p, const json_t *v, float *out)
{
    double x = json_number_value(v);
    if (v && (!json_is_number(v) || !(x >= 0 && x < 1)))
        return fault(p, "match", "a cosine from 0 to below 1 is needed");
    *out = (float)x;
    return 0;
}

static int get_size(const place *p, const json_t *o, const char *key, uint64_t *out)
{
    const json_t *v = json_object_get(o, key);
    if (v && (!json_is_integer(v) || json_integer_value(v) < 0))
        return fault(p, key, "a whole number is needed");
    *out = (uint64_t)json_integer_value(v);
    return 0;
}

/* What only some models have. */
static int get_extras(const place *p, const json_t *o, vi_model_row *row)
{
    int code = get_size(p, o, "about_bytes", &row->about_bytes);
    if (!code)
        code = get_urls(p, json_object_get(o, "urls"), row);
    if (!code)
        code = get_text(p, o, "family", false, row->family, sizeof row->family);
    if (!code)
        code = get_word(p, o, "template", "arcface112 arcface128 arcfacemap ffhq512", row->crop, sizeof row->crop);
    if (!code)
        code = get_text(p, o, "recogniser", false, row->recogniser, sizeof row->recogniser);
    if (!code)
        code = get_word(p, o, "latent", "unit raw emap", row->latent, sizeof row->latent);
    if (!code)
        code = get_text(p, o, "second", false, row->second, sizeof row->second);
    if (!code)
        code = get_cosine(p, json_object_get(o, "match"), &row->match);
    if (!code)
        code = get_range(p, json_object_get(o, "result"), row);
    if (!code)
        code = get_text(p, o, "provider_hint", false, row->provider_hint, sizeof row->provider_hint);
    if (!code)
        code = get_word(p, o, "precision_hint", "fp32 fp16", row->precision_hint, sizeof row->precision_hint);
    return code;
}

/* A name below the folder of models, never a way out of it: no part is empty or begins with a dot. */
static bool file_is_plain(const char *file)
{
    for (const char *part = file; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (*part == 0 || *part == '/' || *part == '.')
            return false;
    return true;
}

/* Ids are typed in shells and become file names. */
static bool id_is_plain(const char *id)
{
    return id[0] != '-' && id[0] != '.' && strcspn(id, " /\\\t\n\"'") == strlen(id);
}

static int get_row(place *p, const json_t *o, vi_model_row *row)
{
    const json_t *source = json_object_get(o, "source");
    const json_t *image = json_object_get(o, "image");
    for (int i = 0; i < 3; ++i)
        row->scale[i] = 1.0f;
    int code = get_text(p, o, "id", true, row->id, sizeof row->id);
    p->id = row->id;
    if (!code)
        code = get_text(p, o, "role", true, row->role, sizeof row->role);
    if (!code)
        code = get_text(p, o, "label", true, row->label, sizeof row->label);
    if (!code)
        code = get_text(p, o, "file", true, row->file, sizeof row->file);
    if (!code)
        code = get_text(p, o, "licence", true, row->licence, sizeof row->licence);
    if (!code)
        code = get_text(p, o, "commercial", true, row->commercial, sizeof row->commercial);
    if (!code)
        code = get_text(p, o, "origin", false, row->origin, sizeof row->origin);
    if (!code)
        code = get_text(p, o, "preset", false, row->preset, sizeof row->preset);
    if (!code)
        code = get_digest(p, o, row->sha256);
    if (!code && source)
        code = get_digest(p, source, row->source_sha256);
    if (!code && image)
        code = get_image(p, image, row);
    if (!code)
        code = get_size(p, o, "bytes", &row->bytes);
    if (!code)
        code = get_extras(p, o, row);
    if (!code)
        code = get_tensors(p, o, "inputs", false, row);
    if (!code)
        code = get_tensors(p, o, "outputs", true, row);
    if (code)
        return code;
    if (!id_is_plain(row->id))
        return fault(p, "id", "a word without spaces, quotes and slashes is needed");
    if (!file_is_plain(row->file))
        return fault(p, "file", "a plain file name is needed, at most in folders below that of the models");
    if (strcmp(row->commercial, "yes") != 0 && strcmp(row->commercial, "no") != 0 && strcmp(row->commercial, "unknown") != 0)
        return fault(p, "commercial", "'yes', 'no' or 'unknown' is needed");
    return 0;
}

static int get_rows(const char *path, const json_t *root, vi_model_row **rows, int *count, viso_error *err)
{
    const json_t *list = json_object_get(root, "models");
    if (json_integer_value(json_object_get(root, "version")) != VERSION)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: this viso reads manifests of version %d", path, VERSION);
    if (!json_is_array(list) || json_array_size(list) > ROWS_MOST)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: no list 'models' in it", path);
    size_t n = json_array_size(list);
    *rows = vi_calloc(n, sizeof **rows);
    if (!*rows)
        return vi_error_nomem(err, path);
    for (size_t i = 0; i < n; ++i) {
        place p = {path, "?", err};
        int code = get_row(&p, json_array_get(list, i), &(*rows)[i]);
        if (code)
            return code;
        for (size_t k = 0; k < i; ++k)
            if (strcmp((*rows)[k].id, (*rows)[i].id) == 0)
                return fault(&p, "id", "there twice");
            else if (strcmp((*rows)[k].file, (*rows)[i].file) == 0)
                return fault(&p, "file", "there twice");
    }
    *count = (int)n;
    return 0;
}

int vi_manifest_parse(const uint8_t *data, size_t size, const char *path, vi_model_row **rows, int *count, viso_error *err)
{
    json_error_t where;
    *rows = NULL;
    *count = 0;
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: line %d: %s", path, where.line, where.text);
    int code = get_rows(path, root, rows, count, err);
    json_decref(root);
    if (code) {
        vi_free(*rows);
        *rows = NULL;
    }
    return code;
}

int vi_manifest_read(const char *path, vi_model_row **rows, int *count, viso_error *err)
{
    uint8_t *data = NULL;
    size_t size;
    viso_error reading = {0};
    *rows = NULL;
    *count = 0;
    if (vi_file_read(path, MANIFEST_MOST, &data, &size, &reading))
        return vi_error_set(err, VISO_ERR_MODEL, "%s", reading.text);
    int code = vi_manifest_parse(data, size, path, rows, count, err);
    vi_free(data);
    return code;
}
