/* media/in/tiff.c: TIFF through libtiff. 8 and 16 bit grey and RGB, with or without alpha, keep their numbers; every
 * other kind that libtiff can show goes through its own conversion to 8-bit RGB(A). First page only. Any thread. */
#include "media/still.h"

#include <stdio.h>
#include <string.h>

#include <tiffio.h>

#include "media/exif.h"

typedef struct job {
    const vi_still_in *in;
    TIFF *tif;
    toff_t at;
    bool eof;
    char text[1024]; /* the size TIFFRGBAImageOK asks for */
    /* layout */
    uint32_t w, h;
    uint16_t bits, samples, planar, photometric;
    bool invert; /* minimum is white */
    vi_frame *f;
    uint8_t *tile;
} job;

static tmsize_t on_read(thandle_t h, void *to, tmsize_t n)
{
    job *j = h;
    size_t left = j->at < j->in->size ? j->in->size - (size_t)j->at : 0;
    if ((size_t)n > left) {
        j->eof = true;
        n = (tmsize_t)left;
    }
    memcpy(to, j->in->data + j->at, (size_t)n);
    j->at += (toff_t)n;
    return n;
}

static tmsize_t on_write(thandle_t h, void *from, tmsize_t n)
{
    return 0;
}

static toff_t on_seek(thandle_t h, toff_t at, int whence)
{
    job *j = h;
    toff_t base = whence == SEEK_CUR ? j->at : whence == SEEK_END ? (toff_t)j->in->size : 0;
    j->at = base + at;
    if (j->at > j->in->size) {
        j->eof = true;
        j->at = j->in->size;
    }
    return j->at;
}

static int on_close(thandle_t h)
{
    return 0;
}

static toff_t on_size(thandle_t h)
{
    return ((job *)h)->in->size;
}

static int on_error(TIFF *tif, void *user, const char *module, const char *fmt, va_list args)
{
    job *j = user;
    if (!j->text[0])
        vsnprintf(j->text, sizeof j->text, fmt, args);
    return 1;
}

static int on_warning(TIFF *tif, void *user, const char *module, const char *fmt, va_list args)
{
    job *j = user;
    char text[256];
    vsnprintf(text, sizeof text, fmt, args);
    vi_debug(j->in->log, "%s: %s", j->in->name, text);
    return 1;
}

static TIFF *open_memory(job *j)
{
    TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
    if (!o)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(o, on_error, j);
    TIFFOpenOptionsSetWarningHandlerExtR(o, on_warning, j);
    TIFFOpenOptionsSetMaxSingleMemAlloc(o, (tmsize_t)VI_MIN(j->in->max_pixels, VI_STILL_MAX_PIXELS) * 8 + (16 << 20));
    /* m: no memory mapping, reads go through on_read with its bounds. */
    TIFF *t = TIFFClientOpenExt(j->in->name, "rm", j, on_read, on_write, on_seek, on_close, on_size, NULL, NULL, o);
    TIFFOpenOptionsFree(o);
    return t;
}

static int fault(const job *j, viso_error *err)
{
    if (j->eof)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the TIFF file is truncated", j->in->name);
    return vi_error_set(err, VISO_ERR_INPUT, "%s: the TIFF file is damaged or of an unsupported kind (%.200s)", j->in->name,
                        j->text[0] ? j->text : "no picture");
}

static void keep_meta(job *j, vi_still_meta *m)
{
    uint32_t n;
    void *p;
    uint16_t v, unit = RESUNIT_INCH;
    float x, y;
    if (TIFFGetField(j->tif, TIFFTAG_ICCPROFILE, &n, &p))
        vi_buf_set(&m->icc, p, n);
    if (TIFFGetField(j->tif, TIFFTAG_XMLPACKET, &n, &p))
        vi_buf_set(&m->xmp, p, n);
    if (TIFFGetField(j->tif, TIFFTAG_ORIENTATION, &v) && v >= 1 && v <= 8)
        m->orientation = v;
    TIFFGetField(j->tif, TIFFTAG_RESOLUTIONUNIT, &unit);
    if (unit != RESUNIT_NONE && TIFFGetField(j->tif, TIFFTAG_XRESOLUTION, &x) &&
        TIFFGetField(j->tif, TIFFTAG_YRESOLUTION, &y) && x > 0 && y > 0 && x < 1e6f && y < 1e6f) {
        double k = unit == RESUNIT_CENTIMETER ? 2.54 : 1.0;
        m->dpi_x = x * k;
        m->dpi_y = y * k;
    }
    if (TIFFGetField(j->tif, TIFFTAG_COMPRESSION, &v))
        m->tiff_compression = v;
    m->lossless = m->tiff_compression != COMPRESSION_JPEG && m->tiff_compression != COMPRESSION_OJPEG;
    vi_exif_from_tiff(j->in->data, j->in->size, &m->exif);
}

/* The frame format that holds the samples as they are, or NONE. */
static vi_format plain_format(job *j, vi_still_meta *m)
{
    uint16_t format = SAMPLEFORMAT_UINT, n_extra = 0, *extra = NULL;
    TIFFGetFieldDefaulted(j->tif, TIFFTAG_BITSPERSAMPLE, &j->bits);
    TIFFGetFieldDefaulted(j->tif, TIFFTAG_SAMPLESPERPIXEL, &j->samples);
    TIFFGetFieldDefaulted(j->tif, TIFFTAG_PLANARCONFIG, &j->planar);
    TIFFGetFieldDefaulted(j->tif, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(j->tif, TIFFTAG_EXTRASAMPLES, &n_extra, &extra);
    if (!TIFFGetField(j->tif, TIFFTAG_PHOTOMETRIC, &j->photometric) || (j->bits != 8 && j->bits != 16) ||
        format != SAMPLEFORMAT_UINT)
        return VI_FORMAT_NONE;
    bool deep = j->bits == 16, grey = j->photometric == PHOTOMETRIC_MINISBLACK || j->photometric == PHOTOMETRIC_MINISWHITE;
    int colours = grey ? 1 : 3;
    if (!grey && j->photometric != PHOTOMETRIC_RGB)
        return VI_FORMAT_NONE;
    j->invert = j->photometric == PHOTOMETRIC_MINISWHITE;
    bool alpha = j->samples == colours + 1 && n_extra == 1;
    m->associated_alpha = alpha && extra && extra[0] == EXTRASAMPLE_ASSOCALPHA;
    m->grey_alpha = grey && alpha;
    if (alpha)
        return deep ? VI_FORMAT_RGBA64 : VI_FORMAT_RGBA;
    if (j->samples != colours)
        return VI_FORMAT_NONE;
    return grey ? (deep ? VI_FORMAT_GRAY16 : VI_FORMAT_GRAY8) : (deep ? VI_FORMAT_RGB48 : VI_FORMAT_RGB24);
}

/* Puts `n` decoded samples of one row (planes `first` … `first + count - 1` of the pixel) at (x, y). */
static void put_samples(job *j, const uint8_t *s, uint32_t x, uint32_t y, uint32_t n, int first, int count)
{
    const vi_format_info *i = vi_format_describe(j->f->format);
    int bytes = i->bytes, comps = i->components;
    bool spread = comps == 4 && j->samples == 2; /* grey + alpha in four components */
    uint8_t *d = j->f->plane[0] + (ptrdiff_t)y * j->f->stride[0] + (size_t)x * (size_t)(comps * bytes);
    for (uint32_t p = 0; p < n; p++, d += comps * bytes) {
        for (int c = first; c < first + count; c++, s += bytes) {
            int to = spread ? (c ? 3 : 0) : c;
            uint8_t flip = j->invert && c == 0 ? 0xff : 0;
            for (int b = 0; b < bytes; b++)
                d[to * bytes + b] = s[b] ^ flip;
            if (spread && c == 0) {
                memcpy(d + bytes, d, (size_t)bytes);
                memcpy(d + 2 * bytes, d, (size_t)bytes);
            }
        }
    }
}

/* Strips are tiles as wide as the picture; with separate planes each sample has its own set. */
static int read_plain(job *j, viso_error *err)
{
    bool tiled = TIFFIsTiled(j->tif) != 0, separate = j->planar == PLANARCONFIG_SEPARATE;
    uint32_t tw = j->w, th = j->h;
    if (tiled) {
        TIFFGetField(j->tif, TIFFTAG_TILEWIDTH, &tw);
        TIFFGetField(j->tif, TIFFTAG_TILELENGTH, &th);
    } else {
        TIFFGetFieldDefaulted(j->tif, TIFFTAG_ROWSPERSTRIP, &th);
        th = VI_MIN(th, j->h);
    }
    int count = separate ? 1 : j->samples;
    size_t row_bytes = (size_t)tw * (size_t)count * (j->bits / 8u);
    tmsize_t unit = tiled ? TIFFTileSize(j->tif) : TIFFStripSize(j->tif);
    if (!tw || !th || unit <= 0 || (uint64_t)unit < (uint64_t)row_bytes * th ||
        (uint64_t)unit > VI_STILL_MAX_PIXELS * 8 || (uint64_t)tw * th > 4 * (uint64_t)j->in->max_pixels)
        return fault(j, err);
    j->tile = vi_alloc((size_t)unit);
    if (!j->tile)
        return vi_error_nomem(err, j->in->name);
    for (int s = 0; s < (separate ? j->samples : 1); s++) {
        for (uint32_t y = 0; y < j->h; y += th) {
            for (uint32_t x = 0; x < j->w; x += tw) {
                uint32_t id = tiled ? TIFFComputeTile(j->tif, x, y, 0, (uint16_t)s) : TIFFComputeStrip(j->tif, y, (uint16_t)s);
                uint32_t rows = VI_MIN(th, j->h - y);
                tmsize_t need = tiled ? unit : (tmsize_t)(row_bytes * rows);
                tmsize_t got = tiled ? TIFFReadEncodedTile(j->tif, id, j->tile, need)
                                     : TIFFReadEncodedStrip(j->tif, id, j->tile, need);
                if (got < need)
                    return fault(j, err);
                for (uint32_t r = 0; r < rows; r++)
                    put_samples(j, j->tile + r * row_bytes, x, y + r, VI_MIN(tw, j->w - x), s, count);
            }
        }
    }
    return 0;
}

/* Whatever else libtiff can show: palette, bilevel, CMYK, YCbCr, odd depths. */
static int read_shown(job *j, viso_error *err)
{
    if (!TIFFRGBAImageOK(j->tif, j->text))
        return fault(j, err);
    TIFFSetField(j->tif, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT); /* the turn is made later, for all formats alike */
    uint32_t *raster = vi_alloc((size_t)j->w * j->h * 4);
    if (!raster)
        return vi_error_nomem(err, j->in->name);
    int rc = 0;
    if (!TIFFReadRGBAImageOriented(j->tif, j->w, j->h, raster, ORIENTATION_TOPLEFT, 1))
        rc = fault(j, err);
    int comps = vi_format_describe(j->f->format)->components;
    for (uint32_t y = 0; !rc && y < j->h; y++) {
        uint8_t *d = j->f->plane[0] + (ptrdiff_t)y * j->f->stride[0];
        const uint32_t *s = raster + (size_t)y * j->w;
        for (uint32_t x = 0; x < j->w; x++, d += comps) {
            d[0] = TIFFGetR(s[x]);
            d[1] = TIFFGetG(s[x]);
            d[2] = TIFFGetB(s[x]);
            if (comps == 4)
                d[3] = TIFFGetA(s[x]);
        }
    }
    vi_free(raster);
    return rc;
}

static int decode(job *j, vi_still_meta *m, viso_error *err)
{
    if (!TIFFGetField(j->tif, TIFFTAG_IMAGEWIDTH, &j->w) || !TIFFGetField(j->tif, TIFFTAG_IMAGELENGTH, &j->h))
        return fault(j, err);
    int rc = vi_still_check_size(j->in, j->w, j->h, err);
    if (rc)
        return rc;
    keep_meta(j, m);
    if (j->in->meta_only)
        return 0;
    vi_format format = plain_format(j, m);
    bool plain = format != VI_FORMAT_NONE;
    if (!plain)
        format = j->samples == 4 && j->photometric == PHOTOMETRIC_RGB ? VI_FORMAT_RGBA : VI_FORMAT_RGB24;
    j->f = vi_frame_alloc(format, (int)j->w, (int)j->h);
    if (!j->f)
        return vi_error_nomem(err, j->in->name);
    rc = plain ? read_plain(j, err) : read_shown(j, err);
    if (!rc && j->photometric == PHOTOMETRIC_SEPARATED && m->icc.size) {
        vi_info(j->in->log, "%s: CMYK is converted to RGB and its ICC profile is not kept", j->in->name);
        vi_buf_clear(&m->icc);
    }
    if (!rc && TIFFReadDirectory(j->tif))
        vi_info(j->in->log, "%s: only the first page is used", j->in->name);
    return rc;
}

int vi_tiff_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err)
{
    job *j = vi_calloc(1, sizeof *j);
    if (!j)
        return vi_error_nomem(err, in->name);
    j->in = in;
    j->tif = open_memory(j);
    int rc = j->tif ? decode(j, m, err) : fault(j, err);
    if (j->tif)
        TIFFClose(j->tif);
    vi_free(j->tile);
    if (rc)
        vi_frame_unref(&j->f);
    *f = j->f;
    vi_free(j);
    return rc;
}
