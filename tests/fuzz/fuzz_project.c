/* tests/fuzz/fuzz_project.c: any bytes as a project file. What is refused must say why, and begin with the file's name; what is taken
 * must be usable as it is: its settings can be applied, its ranges hold, and written again it reads the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "viso/project.h"

static char folder[] = "/tmp/viso-fuzz-project.XXXXXX", in[64], out[64];

static void clean(void)
{
    unlink(in);
    unlink(out);
    rmdir(folder);
}

static void set_up(void)
{
    if (!mkdtemp(folder))
        abort();
    snprintf(in, sizeof in, "%s/in.json", folder);
    snprintf(out, sizeof out, "%s/out.json", folder);
    atexit(clean);
}

static void same_text(const char *a, const char *b)
{
    if ((a != NULL) != (b != NULL) || (a && strcmp(a, b) != 0))
        abort();
}

static const char *open_end(const char *place)
{
    return place ? place : "";
}

/* Values are written as the table has them ("0.50" as 0.5), so only their options are compared. Only what is used is written, and
 * paths as they are only when they go no odd ways: two of them may be one file, whose person then stands once. */
static void compare(const viso_swap_params *a, const viso_swap_params *b)
{
    if (a->n_source != b->n_source || (a->n_map > 0) != (b->n_map > 0) || a->n_map < b->n_map || a->n_at != b->n_at)
        abort();
    for (int i = 0; i < a->n_at; i++) {
        same_text(open_end(a->at[i].start), open_end(b->at[i].start));
        same_text(open_end(a->at[i].end), open_end(b->at[i].end));
        same_text(a->at[i].key, b->at[i].key);
    }
    same_text(a->target ? "" : NULL, b->target ? "" : NULL);
    same_text(a->out ? "" : NULL, b->out ? "" : NULL);
}

static void write_again(const viso_swap_params *a, const viso_options *o)
{
    viso_error err = { 0 };
    viso_project *q;
    viso_swap_params b = { 0 };
    int rc = viso_project_save(out, a, o, &err);
    if (rc || viso_project_load(&q, out, &err))
        abort();
    viso_project_params(q, &b);
    compare(a, &b);
    viso_project_free(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    viso_error err = { 0 };
    viso_project *p;
    if (!in[0])
        set_up();
    FILE *f = fopen(in, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f))
        abort();
    int rc = viso_project_load(&p, in, &err);
    if ((rc != 0) != (p == NULL) || (rc != 0) != (err.text[0] != 0) || (rc && strncmp(err.text, in, strlen(in)) != 0))
        abort();
    if (rc)
        return 0;
    viso_swap_params a = { 0 };
    viso_options *o;
    viso_project_params(p, &a);
    if (viso_options_create(&o, &err) || viso_project_apply(p, o, &err) || (a.n_at <= 1024 && viso_at_check(a.at, a.n_at, &err)))
        abort();
    write_again(&a, o);
    viso_options_destroy(&o);
    viso_project_free(&p);
    return 0;
}
