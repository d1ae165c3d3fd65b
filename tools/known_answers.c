/* tools/known_answers.c: writes the stored answers again: known_answers FOLDER FILE
 *
 * FOLDER holds a manifest and model files. Every network found there is run on the processor, on the input of
 * models/answers.h; what FILE says of models that are not there is kept. Written in the order of the manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers.h"
#include "models/internal.h"

static const char note[] =
    "Number i of input k is ((37 i + 101 k) mod 256) / 256 (uint8: without the division; int32, int64: mod 2). Of each output, "
    "by role: how many numbers, mean and largest magnitude over all, the first ones, and those at k * (size / 8), k = 0 ... 7. "
    "Made on the processor by tools/known_answers.c";

static void write_list(FILE *f, const char *name, const double *v, int n)
{
    fprintf(f, ", \"%s\": [", name);
    for (int i = 0; i < n; ++i)
        fprintf(f, "%s%.7g", i ? ", " : "", v[i]);
    fprintf(f, "]");
}

static void write_model(FILE *f, const char *id, const vi_answers *a, bool first)
{
    fprintf(f, "%s\n  \"%s\": {\"outputs\": {", first ? "" : ",", id);
    for (int i = 0; i < a->n; ++i) {
        const vi_answer *o = &a->of[i];
        fprintf(f, "%s\n   \"%s\": {\"size\": %zu, \"mean\": %.7g, \"absmax\": %.7g", i ? "," : "", o->role, o->size, o->mean, o->absmax);
        write_list(f, "first", o->first, o->n_first);
        write_list(f, "spread", o->spread, o->n_spread);
        fprintf(f, "}");
    }
    fprintf(f, "}}");
}

/* The model's answers: measured where its file is, else those of the old file (none: n is 0). */
static int answers_of(vi_models *m, int i, const char *old, vi_answers *a, viso_error *err)
{
    const vi_model_row *row = vi_models_row(m, i);
    a->n = 0;
    if (strcmp(vi_models_state(m, i, true), "installed") != 0)
        return vi_answers_read(old, row->id, a, err);
    int code = vi_models_answers(m, row->id, a, err);
    for (int k = 0; k < a->n && !code; ++k)
        if (!a->of[k].finite)
            code = vi_error_set(err, VISO_ERR_MODEL, "%s: output %s holds NaN or infinity", row->id, a->of[k].role);
    return code;
}

static int write_all(vi_models *m, const char *path, FILE *f, viso_error *err)
{
    bool first = true;
    int code = 0;
    vi_answers a;
    fprintf(f, "{\n \"version\": 1,\n \"note\": \"%s\",\n \"models\": {", note);
    for (int i = 0; i < vi_models_count(m) && !code; ++i) {
        if (vi_models_row(m, i)->n_role == 0)
            continue;
        code = answers_of(m, i, path, &a, err);
        if (!code && a.n) {
            write_model(f, vi_models_row(m, i)->id, &a, first);
            first = false;
        }
    }
    fprintf(f, "\n }\n}\n");
    return code;
}

int main(int argc, char **argv)
{
    viso_error err = {0};
    vi_models *m = NULL;
    char *text = NULL;
    size_t size = 0;
    if (argc != 3) {
        fprintf(stderr, "use: %s FOLDER FILE\n", argv[0]);
        return -VISO_ERR_USAGE;
    }
    int code = vi_models_open(&m, &(vi_models_params){.dir = argv[1]}, &err);
    FILE *f = code ? NULL : open_memstream(&text, &size);
    if (!code)
        code = f ? write_all(m, argv[2], f, &err) : vi_error_nomem(&err, "answers");
    if (f)
        fclose(f);
    if (!code)
        code = vi_file_write(argv[2], text, size, &err);
    free(text);
    vi_models_close(&m);
    if (code)
        fprintf(stderr, "%s\n", err.text);
    return -code;
}
