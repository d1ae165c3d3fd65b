/* media/out/still.c: which format a name asks for, and the encoders by format. Any thread. */
#include "media/still.h"

#include <string.h>

vi_still_format vi_still_format_of_extension(const char *ext)
{
    static const struct {
        char ext[6];
        vi_still_format format;
    } known[] = {
        { "jpg", VI_STILL_JPEG }, { "jpeg", VI_STILL_JPEG }, { "jpe", VI_STILL_JPEG }, { "jfif", VI_STILL_JPEG },
        { "png", VI_STILL_PNG },  { "webp", VI_STILL_WEBP }, { "bmp", VI_STILL_BMP },  { "dib", VI_STILL_BMP },
        { "tif", VI_STILL_TIFF }, { "tiff", VI_STILL_TIFF },
    };
    for (size_t i = 0; i < VI_COUNT(known); i++) {
        if (strcmp(known[i].ext, ext) == 0)
            return known[i].format;
    }
    return VI_STILL_NONE;
}

int vi_still_encode(vi_still_format format, const vi_still_out *o, vi_buf *out, viso_error *err)
{
    static int (*const encode[])(const vi_still_out *, vi_buf *, viso_error *) = {
        [VI_STILL_JPEG] = vi_jpeg_encode, [VI_STILL_PNG] = vi_png_encode,   [VI_STILL_WEBP] = vi_webp_encode,
        [VI_STILL_BMP] = vi_bmp_encode,   [VI_STILL_TIFF] = vi_tiff_encode,
    };
    const vi_format_info *i = vi_format_describe(o->f->format);
    if (i->planes != 1 || i->yuv)
        return vi_error_set(err, VISO_ERR_INTERNAL, "%s: a %s frame cannot be written as a still", o->name, i->name);
    if (format == VI_STILL_NONE)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: no picture format by this extension (jpg, png, webp, tif, bmp)", o->name);
    int rc = encode[format](o, out, err);
    if (!rc && out->failed)
        rc = vi_error_nomem(err, o->name);
    return rc;
}
