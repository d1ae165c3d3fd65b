/* tests/fuzz/fuzz_manifest.c: any bytes into the reader of manifests. What it accepts must be safe to use: no file outside
 * the folder, no shape that is none. */
#include <stdlib.h>
#include <string.h>

#include "models/internal.h"

static void check(const vi_model_row *r)
{
    if (!r->id[0] || !r->file[0] || r->file[0] == '/' || strstr(r->file, "..") == r->file || strstr(r->file, "/..") ||
        r->n_role < 0 || r->n_role > VI_MAX_ROLES || r->n_url < 0 || r->n_url > VI_MAX_URLS)
        abort();
    for (int i = 0; i < r->n_role; ++i) {
        const vi_model_role *t = &r->tensor[i];
        if (!t->role[0] || !t->tensor[0] || !t->type[0] || t->n_dim < -1 || t->n_dim > VI_MAX_DIMS)
            abort();
        for (int k = 0; k < t->n_dim; ++k)
            if (t->dim[k] < -1 || t->dim[k] == 0)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    viso_error err = {0};
    vi_model_row *rows;
    int n;
    int code = vi_manifest_parse(data, size, "fuzz.json", &rows, &n, &err);
    if ((code == 0) != (rows != NULL) || (code != 0) != (err.text[0] != 0))
        abort();
    for (int i = 0; !code && i < n; ++i)
        check(&rows[i]);
    vi_free(rows);
    return 0;
}
