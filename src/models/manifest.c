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
    return code;
}

static int get_tensor(const place *p, const json_t *o, bool output, vi_model_row *row)
{
    if (row->n_role == VI_MAX_ROLES)
        return fault(p, output ? "outputs" : "inputs", "more than 16 tensors");
    vi_model_role *r = &row->tensor[row->n_role];
    const json_t *shape = json_object_get(o, "shape");
    int code = get_text(p, o, "role", true, r->role, sizeof r->role);
    if (!code)
        code = get_text(p, o, "tensor", true, r->tensor, sizeof r->tensor);
    if (code)
        return code;
    if (!json_is_array(shape) || json_array_size(shape) > VI_MAX_DIMS)
        return fault(p, r->role, "shape: a list of at most 8 numbers is needed");
    for (size_t i = 0; i < json_array_size(shape); ++i) {
        const json_t *v = json_array_get(shape, i);
        r->dim[i] = json_integer_value(v);
        if (!json_is_integer(v) || (r->dim[i] < 1 && r->dim[i] != -1))
            return fault(p, r->role, "shape: positive whole numbers, or -1 for a free size, are needed");
    }
    for (int i = 0; i < row->n_role; ++i)
        if (strcmp(row->tensor[i].role, r->role) == 0 && row->tensor[i].output == output)
            return fault(p, r->role, "this role is there twice");
    r->n_dim = (int)json_array_size(shape);
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

static int get_row(place *p, const json_t *o, vi_model_row *row)
{
    const json_t *bytes = json_object_get(o, "bytes"), *source = json_object_get(o, "source");
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
        code = get_tensors(p, o, "inputs", false, row);
    if (!code)
        code = get_tensors(p, o, "outputs", true, row);
    if (code)
        return code;
    /* A file name, never a way out of the folder. */
    if (strchr(row->file, '/') || row->file[0] == '.')
        return fault(p, "file", "a plain file name is needed");
    if (strcmp(row->commercial, "yes") != 0 && strcmp(row->commercial, "no") != 0 && strcmp(row->commercial, "unknown") != 0)
        return fault(p, "commercial", "'yes', 'no' or 'unknown' is needed");
    if (bytes && (!json_is_integer(bytes) || json_integer_value(bytes) < 0))
        return fault(p, "bytes", "a whole number is needed");
    row->bytes = (uint64_t)json_integer_value(bytes);
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
    }
    *count = (int)n;
    return 0;
}

int vi_manifest_read(const char *path, vi_model_row **rows, int *count, viso_error *err)
{
    uint8_t *data = NULL;
    size_t size;
    json_error_t where;
    viso_error reading = {0};
    *rows = NULL;
    *count = 0;
    if (vi_file_read(path, MANIFEST_MOST, &data, &size, &reading))
        return vi_error_set(err, VISO_ERR_MODEL, "%s", reading.text);
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &where);
    vi_free(data);
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
