/* tests/fuzz/fuzz_record.c: any bytes as the records of a frame, as a cache or a journal may hold them. What is taken must give bytes
 * that are taken again and say the same; what is refused leaves no face. */
#include <stdlib.h>
#include <string.h>

#include "face/record.h"

static vi_work first, second;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vi_blob in = vi_blob_view(data, size), out = { 0 }, again = { 0 };
    if (!vi_work_get(&in, &first)) {
        if (first.n_face)
            abort();
        return 0;
    }
    for (int i = 0; i < first.n_face; i++) {
        const vi_face *f = &first.face[i];
        if (f->slot < -1 || f->slot >= VI_MAX_TRACKS || memchr(f->f.marks.model, 0, sizeof f->f.marks.model) == NULL)
            abort();
        if (f->f.marks.count < 0 || f->f.marks.count > VISO_MARKS_MAX)
            abort();
        if (f->f.embedding_size < 0 || f->f.embedding_size > VISO_EMBEDDING_MAX)
            abort();
    }
    vi_work_put(&out, &first);
    if (out.failed || !vi_work_get(&out, &second) || out.at != out.size)
        abort();
    vi_work_put(&again, &second);
    if (again.size != out.size || memcmp(again.data, out.data, out.size) != 0)
        abort();
    vi_blob_free(&out);
    vi_blob_free(&again);
    return 0;
}
