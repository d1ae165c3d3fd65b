/* media/out/picture.c: a frame as a still that keeps the form and the metadata of another. Any thread. */
#include "media/out/picture.h"

#include <string.h>

#include "media/exif.h"
#include "media/xmp.h"

static bool all_grey(const vi_frame *f)
{
    const vi_format_info *i = vi_format_describe(f->format);
    size_t b = i->bytes, step = i->components * b;
    for (int y = 0; y < f->height; y++) {
        const uint8_t *p = f->plane[0] + y * f->stride[0];
        for (int x = 0; x < f->width; x++, p += step) {
            if (memcmp(p, p + b, b) != 0 || memcmp(p, p + 2 * b, b) != 0)
                return false;
        }
    }
    return true;
}

/* A JPEG's IPTC block may hold thumbnails of the picture as it was (resources 1033 and 1036); the block is copied
 * without them. Resource: "8BIM", id, padded name, size, padded data. */
static void settle_iptc(const vi_buf *from, vi_buf *to)
{
    size_t at = 14; /* "Photoshop 3.0" and its NUL */
    if (from->size < at)
        return;
    vi_buf_set(to, from->data, at);
    while (at + 12 <= from->size && memcmp(from->data + at, "8BIM", 4) == 0) {
        const uint8_t *p = from->data + at;
        size_t name = ((size_t)p[6] + 2) & ~(size_t)1, head = 6 + name + 4;
        if (head > from->size - at)
            break;
        const uint8_t *s = p + head - 4;
        size_t n = (size_t)s[0] << 24 | (size_t)s[1] << 16 | (size_t)s[2] << 8 | s[3], left = from->size - at - head;
        if (n > left)
            break;
        size_t all = head + VI_MIN(n + (n & 1), left);
        unsigned id = (unsigned)p[4] << 8 | p[5];
        if (id != 1033 && id != 1036)
            vi_buf_put(to, p, all);
        at += all;
    }
    if (to->size <= 14)
        vi_buf_clear(to);
}

int vi_picture_encode(const vi_picture *p, vi_buf *out, viso_error *err)
{
    const vi_still_meta *from = p->like;
    const vi_frame *f = p->f;
    vi_still_meta m = *from; /* borrowed, but for the three blocks made here */
    m.exif = m.xmp = m.jpeg_iptc = (vi_buf){ 0 };
    vi_buf_put(&m.exif, from->exif.data, from->exif.size);
    vi_buf_put(&m.xmp, from->xmp.data, from->xmp.size);
    if (m.exif.size)
        vi_exif_settle(&m.exif, f->width, f->height);
    settle_iptc(&from->jpeg_iptc, &m.jpeg_iptc);
    int rc = m.exif.failed || m.xmp.failed || m.jpeg_iptc.failed ? vi_error_nomem(err, p->name) : 0;
    if (!rc)
        rc = vi_xmp_settle(&m.xmp, p->mark, f->width, f->height, p->log, err);
    if (!rc) {
        vi_still_out o = { .f = f, .meta = &m, .name = p->name, .log = p->log, .jpeg_quality = p->jpeg_quality, .quick = p->quick,
                           .grey_alpha_ok = m.grey_alpha && vi_format_describe(f->format)->components == 4 && all_grey(f) };
        rc = vi_still_encode(p->format, &o, out, err);
    }
    vi_buf_clear(&m.exif);
    vi_buf_clear(&m.xmp);
    vi_buf_clear(&m.jpeg_iptc);
    return rc;
}
