/* media/out/bmp.c: BMP, written here: bottom-up rows of B, G, R (24 bits) or B, G, R, A with a version 4 header. It
 * carries no ICC, EXIF or XMP. Any thread. */
#include "media/still.h"

#include <string.h>

static void le(uint8_t *p, int bytes, uint32_t v)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static size_t header(const vi_still_out *o, int comps, size_t image, uint8_t h[122])
{
    size_t head = comps == 4 ? 108 : 40, offset = 14 + head;
    memset(h, 0, 122);
    h[0] = 'B';
    h[1] = 'M';
    le(h + 2, 4, (uint32_t)(offset + image));
    le(h + 10, 4, (uint32_t)offset);
    le(h + 14, 4, (uint32_t)head);
    le(h + 18, 4, (uint32_t)o->f->width);
    le(h + 22, 4, (uint32_t)o->f->height);
    le(h + 26, 2, 1);
    le(h + 28, 2, (uint32_t)comps * 8);
    le(h + 30, 4, comps == 4 ? 3 : 0); /* bit fields, or plain */
    le(h + 34, 4, (uint32_t)image);
    le(h + 38, 4, (uint32_t)(o->meta->dpi_x / 0.0254 + 0.5));
    le(h + 42, 4, (uint32_t)(o->meta->dpi_y / 0.0254 + 0.5));
    if (comps == 4) {
        static const uint32_t mask[4] = { 0x00ff0000, 0x0000ff00, 0x000000ff, 0xff000000 };
        for (int i = 0; i < 4; i++)
            le(h + 54 + 4 * i, 4, mask[i]);
        le(h + 70, 4, 0x73524742); /* 'sRGB' */
    }
    return offset;
}

int vi_bmp_encode(const vi_still_out *o, vi_buf *out, viso_error *err)
{
    const vi_frame *f = o->f;
    const vi_still_meta *m = o->meta;
    int comps = vi_format_describe(f->format)->components == 4 ? 4 : 3;
    size_t stride = ((size_t)f->width * (size_t)comps + 3) & ~(size_t)3, image = stride * (size_t)f->height;
    if (image > INT32_MAX)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: the picture is too large for BMP", o->name);
    if (m->icc.size || m->exif.size)
        vi_info(o->log, "%s: BMP holds no ICC profile and no EXIF, they are dropped", o->name);
    if (m->xmp.size)
        vi_warn(o->log, "%s: BMP holds no XMP, so the picture cannot carry the mark of a synthetic picture", o->name);
    uint8_t h[122];
    size_t offset = header(o, comps, image, h);
    vi_buf_put(out, h, offset);
    if (!vi_buf_reserve(out, offset + image))
        return vi_error_nomem(err, o->name);
    uint8_t *row = out->data + offset;
    for (int y = f->height - 1; y >= 0; y--, row += stride) {
        memset(row + stride - 4, 0, 4);
        vi_still_row(f, y, comps, 1, row);
        for (size_t x = 0; x < (size_t)f->width; x++) {
            uint8_t *p = row + x * (size_t)comps, t = p[0];
            p[0] = p[2];
            p[2] = t;
        }
    }
    out->size = offset + image;
    return 0;
}
