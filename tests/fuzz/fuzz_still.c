/* tests/fuzz/fuzz_still.c: any bytes into the picture decoders, and what they found into the code that settles EXIF. The
 * pixel limit keeps an input's cost small; a result must be whole and touchable. */
#include <stdlib.h>

#include "media/exif.h"
#include "media/still.h"

static void settle(vi_still_meta *m)
{
    int it = 0;
    uint16_t tag;
    const char *text;
    vi_buf out = {0};
    while (vi_exif_next_text(&m->exif, &it, &tag, &text))
        if (!text)
            abort();
    vi_exif_append_directory(&m->exif, 0x8769, &out);
    vi_exif_append_directory(&m->exif, 0x8825, &out);
    if (m->exif.size)
        vi_exif_settle(&m->exif, 640, 480);
    vi_tiff_remove_tag(&m->exif, 274);
    vi_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    viso_error err = {0};
    vi_frame *f = NULL;
    vi_still_meta m;
    vi_still_in in = {.data = data, .size = size, .name = "fuzz", .max_pixels = 1 << 18};
    int rc = vi_still_decode(&in, &f, &m, &err);
    if ((rc != 0) != (err.text[0] != 0) || (rc == 0) != (f != NULL))
        abort();
    if (f) {
        unsigned sum = 0;
        for (int y = 0; y < f->height; y++)
            for (size_t x = 0, n = vi_plane_row_bytes(f, 0); x < n; x++)
                sum += f->plane[0][y * f->stride[0] + (ptrdiff_t)x];
        volatile unsigned seen = sum;
        (void)seen;
        settle(&m);
    }
    vi_frame_unref(&f);
    vi_still_meta_clear(&m);
    in.meta_only = true;
    if (vi_still_decode(&in, &f, &m, NULL) == 0)
        vi_still_meta_clear(&m);
    return 0;
}
