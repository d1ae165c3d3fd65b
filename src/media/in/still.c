/* media/in/still.c: which picture format it is, its decoding, and the turn that EXIF asks for. Any thread. */
#include "media/still.h"

#include <string.h>

#include "media/exif.h"

vi_still_format vi_still_recognise(const uint8_t *d, size_t size)
{
    if (size >= 3 && d[0] == 0xff && d[1] == 0xd8 && d[2] == 0xff)
        return VI_STILL_JPEG;
    if (size >= 8 && memcmp(d, "\x89PNG\r\n\x1a\n", 8) == 0)
        return VI_STILL_PNG;
    if (size >= 12 && memcmp(d, "RIFF", 4) == 0 && memcmp(d + 8, "WEBP", 4) == 0)
        return VI_STILL_WEBP;
    if (size >= 8 && (memcmp(d, "II*\0", 4) == 0 || memcmp(d, "MM\0*", 4) == 0 || memcmp(d, "II+\0", 4) == 0 ||
                      memcmp(d, "MM\0+", 4) == 0))
        return VI_STILL_TIFF;
    /* "BM" alone is two letters; the size of the second header (12 … 124) makes it sure. */
    if (size >= 18 && d[0] == 'B' && d[1] == 'M' && d[14] >= 12 && d[14] <= 124 && !d[15] && !d[16] && !d[17])
        return VI_STILL_BMP;
    return VI_STILL_NONE;
}

const char *vi_still_format_name(vi_still_format f)
{
    static const char *const name[] = { "", "jpeg", "png", "webp", "bmp", "tiff" };
    return name[f];
}

int vi_still_check_size(const vi_still_in *in, uint64_t width, uint64_t height, viso_error *err)
{
    if (!width || !height)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the picture has no pixels", in->name);
    if (width > VI_STILL_MAX_SIDE || height > VI_STILL_MAX_SIDE || width * height > in->max_pixels)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the picture is too large (%llux%llu; at most %d on a side and %llu pixels)",
                            in->name, (unsigned long long)width, (unsigned long long)height, VI_STILL_MAX_SIDE,
                            (unsigned long long)in->max_pixels);
    return 0;
}

/* Copies pixels of B bytes so that EXIF orientation o comes out upright: source pixel (x, y) goes to (dx, dy). */
static void turn_pixels(vi_frame *to, const vi_frame *from, int o, size_t bytes)
{
    int w = from->width, h = from->height;
    for (int y = 0; y < h; y++) {
        const uint8_t *s = from->plane[0] + y * from->stride[0];
        for (int x = 0; x < w; x++, s += bytes) {
            int dx = x, dy = y;
            switch (o) {
            case 2: dx = w - 1 - x; break;
            case 3: dx = w - 1 - x; dy = h - 1 - y; break;
            case 4: dy = h - 1 - y; break;
            case 5: dx = y; dy = x; break;
            case 6: dx = h - 1 - y; dy = x; break;
            case 7: dx = h - 1 - y; dy = w - 1 - x; break;
            case 8: dx = y; dy = w - 1 - x; break;
            default: break;
            }
            memcpy(to->plane[0] + dy * to->stride[0] + (size_t)dx * bytes, s, bytes);
        }
    }
}

static int turn_upright(vi_frame **f, vi_still_meta *m, const char *name, viso_error *err)
{
    int o = m->orientation;
    if (o <= 1 || o > 8)
        return 0;
    bool swapped = o >= 5;
    const vi_format_info *i = vi_format_describe((*f)->format);
    vi_frame *to = vi_frame_alloc((*f)->format, swapped ? (*f)->height : (*f)->width, swapped ? (*f)->width : (*f)->height);
    if (!to)
        return vi_error_nomem(err, name);
    turn_pixels(to, *f, o, (size_t)i->components * i->bytes);
    vi_frame_copy_props(to, *f);
    vi_frame_unref(f);
    *f = to;
    return 0;
}

/* What depends on the directions of the axes turns with the pixels. */
static void turn_meta(vi_still_meta *m)
{
    if (m->orientation < 5)
        return;
    double d = m->dpi_x;
    m->dpi_x = m->dpi_y;
    m->dpi_y = d;
    int s = m->jpeg_h;
    m->jpeg_h = m->jpeg_v;
    m->jpeg_v = s;
    for (int t = 0; t < 2 && m->jpeg_tables; t++) {
        for (int y = 0; y < 8; y++) {
            for (int x = 0; x < y; x++) {
                uint16_t q = m->jpeg_quant[t][y * 8 + x];
                m->jpeg_quant[t][y * 8 + x] = m->jpeg_quant[t][x * 8 + y];
                m->jpeg_quant[t][x * 8 + y] = q;
            }
        }
    }
}

int vi_still_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err)
{
    static int (*const decode[])(const vi_still_in *, vi_frame **, vi_still_meta *, viso_error *) = {
        [VI_STILL_JPEG] = vi_jpeg_decode, [VI_STILL_PNG] = vi_png_decode,   [VI_STILL_WEBP] = vi_webp_decode,
        [VI_STILL_BMP] = vi_bmp_decode,   [VI_STILL_TIFF] = vi_tiff_decode,
    };
    *f = NULL;
    memset(m, 0, sizeof *m);
    m->format = vi_still_recognise(in->data, in->size);
    if (m->format == VI_STILL_NONE)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: not a picture (neither JPEG, PNG, WebP, BMP nor TIFF)", in->name);
    m->orientation = 1;
    int rc = decode[m->format](in, f, m, err);
    if (!rc && m->orientation == 1)
        m->orientation = vi_exif_orientation(&m->exif);
    if (!rc && *f) {
        (*f)->colour = (vi_colour){ .primaries = 1, .transfer = 13, .matrix = 0, .range = 2 };
        (*f)->pts = 0;
        rc = turn_upright(f, m, in->name, err);
    }
    if (rc) {
        vi_frame_unref(f);
        vi_still_meta_clear(m);
        return rc;
    }
    turn_meta(m);
    return 0;
}
