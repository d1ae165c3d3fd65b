/* tests/fuzz/fuzz_gallery.c: any bytes as a file of VisoMaster's embeddings. What is taken in must come out again as a list that
 * can be exported; what is refused must say why and leave nothing behind. One gallery serves all inputs: each is rolled back. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gallery/gallery.h"

static char folder[] = "/tmp/viso-fuzz-gallery.XXXXXX", file[64], json[64], out[64];
static vi_gallery *g;

static void clean(void)
{
    vi_gallery_close(&g);
    unlink(file);
    unlink(json);
    unlink(out);
    rmdir(folder);
}

static void set_up(void)
{
    viso_error err = { 0 };
    if (!mkdtemp(folder))
        abort();
    snprintf(file, sizeof file, "%s/g.db", folder);
    snprintf(json, sizeof json, "%s/in.json", folder);
    snprintf(out, sizeof out, "%s/out.json", folder);
    if (vi_gallery_open(&g, file, true, NULL, &err))
        abort();
    atexit(clean);
}

static bool first(void *user, const float *const *in, int n, int size, float *to)
{
    (void)user;
    for (int i = 0; i < size; i++)
        to[i] = in[n - 1][i];
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    viso_error err = { 0 };
    int people = 0, added = 0, exported = 0;
    if (!g)
        set_up();
    FILE *f = fopen(json, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f))
        abort();
    if (vi_gallery_begin(g, &err))
        abort();
    int rc = vi_gallery_import(g, json, &people, &added, &err);
    if ((rc != 0) != (err.text[0] != 0) || (rc && added) || added > people)
        abort();
    if (!rc && (vi_gallery_export(g, out, first, NULL, &exported, &err) || exported > people || (added && !exported)))
        abort();
    vi_gallery_rollback(g);
    vi_gallery_person *list;
    if (vi_gallery_people(g, &list, &people, &err) || people)
        abort();
    vi_free(list);
    return 0;
}
