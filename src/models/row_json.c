/* models/row_json.c: a manifest row as JSON, the other way round than manifest.c. For rows that viso writes itself when a
 * user brings a file. Thread-safe. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "models/internal.h"

static json_t *tensors(const vi_model_row *row, bool output)
{
    json_t *list = json_array();
    for (int i = 0; i < row->n_role; ++i) {
        const vi_model_role *r = &row->tensor[i];
        if (r->output != output)
            continue;
        json_t *t = json_pack("{s:s, s:s, s:s}", "role", r->role, "tensor", r->tensor, "type", r->type);
        json_t *shape = r->n_dim >= 0 ? json_array() : NULL;
        for (int k = 0; k < r->n_dim; ++k)
            json_array_append_new(shape, json_integer(r->dim[k]));
        if (shape)
            json_object_set_new(t, "shape", shape);
        json_array_append_new(list, t);
    }
    return list;
}

static void set_text(json_t *o, const char *key, const char *text)
{
    if (text[0])
        json_object_set_new(o, key, json_string(text));
}

static json_t *triple(const float v[3])
{
    return json_pack("[f, f, f]", (double)v[0], (double)v[1], (double)v[2]);
}

static json_t *row_json(const vi_model_row *row)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s}", "id", row->id, "role", row->role, "label", row->label,
                          "file", row->file, "bytes", (json_int_t)row->bytes, "sha256", row->sha256, "licence", row->licence,
                          "commercial", row->commercial);
    if (!o)
        return NULL;
    set_text(o, "origin", row->origin);
    set_text(o, "preset", row->preset);
    set_text(o, "family", row->family);
    set_text(o, "template", row->crop);
    set_text(o, "recogniser", row->recogniser);
    set_text(o, "latent", row->latent);
    set_text(o, "second", row->second);
    if (row->match > 0)
        json_object_set_new(o, "match", json_real((double)row->match));
    set_text(o, "provider_hint", row->provider_hint);
    set_text(o, "precision_hint", row->precision_hint);
    if (row->has_result)
        json_object_set_new(o, "result", json_pack("[f, f]", (double)row->result[0], (double)row->result[1]));
    if (row->n_role) {
        json_object_set_new(o, "image", json_pack("{s:s, s:s, s:o, s:o}", "order", row->bgr ? "bgr" : "rgb", "layout",
                                                  row->nhwc ? "nhwc" : "nchw", "scale", triple(row->scale), "offset",
                                                  triple(row->offset)));
        json_object_set_new(o, "inputs", tensors(row, false));
        json_object_set_new(o, "outputs", tensors(row, true));
    }
    return o;
}

int vi_manifest_write(const char *path, const vi_model_row *row, viso_error *err)
{
    json_t *o = row_json(row); /* NULL also for a name that is not UTF-8 */
    json_t *root = o ? json_pack("{s:i, s:[o]}", "version", 1, "models", o) : NULL;
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    int code = text ? vi_file_write(path, text, strlen(text), err)
                    : vi_error_set(err, VISO_ERR_INPUT, "%s: the row cannot be written; is a name not UTF-8?", path);
    free(text);
    json_decref(root);
    return code;
}
