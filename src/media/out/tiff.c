/* media/out/tiff.c: TIFF through libtiff into memory, 8 or 16 bits, losslessly compressed. The EXIF and GPS directories
 * are appended afterwards as bytes, in the byte order of the block they come from. Any thread. */
#include "media/still.h"

#include <stdio.h>
#include <string.h>

#include <tiffio.h>

#include "media/exif.h"

#define ROOM ((size_t)UINT32_MAX - (16u << 20)) /* offsets are 32 bits */

typedef struct job {
    const vi_still_out *o;
    vi_buf *out;
    toff_t at;
    char text[160];
} job;

static tmsize_t on_read(thandle_t h, void *to, tmsize_t n)
{
    job *j = h;
    size_t left = j->at < j->out->size ? j->out->size - (size_t)j->at : 0;
    size_t take = VI_MIN((size_t)n, left);
    if (take)
        memcpy(to, j->out->data + j->at, take);
    j->at += take;
    return (tmsize_t)take;
}

static tmsize_t on_write(thandle_t h, void *from, tmsize_t n)
{
    job *j = h;
    vi_buf *b = j->out;
    size_t end = (size_t)j->at + (size_t)n;
    if (end > ROOM || !vi_buf_reserve(b, end))
        return -1;
    if (j->at > b->size)
        memset(b->data + b->size, 0, (size_t)j->at - b->size);
    memcpy(b->data + j->at, from, (size_t)n);
    b->size = VI_MAX(b->size, end);
    j->at = end;
    return n;
}

static toff_t on_seek(thandle_t h, toff_t at, int whence)
{
    job *j = h;
    j->at = (whence == SEEK_CUR ? j->at : whence == SEEK_END ? (toff_t)j->out->size : 0) + at;
    return j->at;
}

static int on_close(thandle_t h)
{
    return 0;
}

static toff_t on_size(thandle_t h)
{
    return ((job *)h)->out->size;
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
    return 1;
}

static int compression_of(const vi_still_meta *m)
{
    switch (m->tiff_compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_LZW:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_PACKBITS: return m->tiff_compression;
    default: return COMPRESSION_ADOBE_DEFLATE;
    }
}

static void set_pixels(TIFF *t, const vi_still_out *o, int comps)
{
    const vi_format_info *i = vi_format_describe(o->f->format);
    int how = compression_of(o->meta);
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, (uint32_t)o->f->width);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, (uint32_t)o->f->height);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, i->bytes * 8);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, comps);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, comps <= 2 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
    TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(t, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    TIFFSetField(t, TIFFTAG_COMPRESSION, how);
    if (how == COMPRESSION_LZW || how == COMPRESSION_ADOBE_DEFLATE)
        TIFFSetField(t, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
    if (comps == 2 || comps == 4) {
        uint16_t extra = o->meta->associated_alpha ? EXTRASAMPLE_ASSOCALPHA : EXTRASAMPLE_UNASSALPHA;
        TIFFSetField(t, TIFFTAG_EXTRASAMPLES, 1, &extra);
    }
    TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, TIFFDefaultStripSize(t, 0));
}

static void set_meta(TIFF *t, const vi_still_meta *m)
{
    if (m->dpi_x > 0 && m->dpi_y > 0) {
        TIFFSetField(t, TIFFTAG_XRESOLUTION, m->dpi_x);
        TIFFSetField(t, TIFFTAG_YRESOLUTION, m->dpi_y);
        TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
    }
    if (m->icc.size)
        TIFFSetField(t, TIFFTAG_ICCPROFILE, (uint32_t)m->icc.size, m->icc.data);
    if (m->xmp.size)
        TIFFSetField(t, TIFFTAG_XMLPACKET, (uint32_t)m->xmp.size, m->xmp.data);
    int it = 0;
    uint16_t tag;
    const char *text;
    while (vi_exif_next_text(&m->exif, &it, &tag, &text)) {
        const TIFFField *f = TIFFFindField(t, tag, TIFF_ASCII);
        if (f && !TIFFFieldPassCount(f) && TIFFFieldDataType(f) == TIFF_ASCII)
            TIFFSetField(t, tag, text);
    }
    /* Places for the directories that are appended later. */
    if (m->exif.size)
        TIFFSetField(t, TIFFTAG_EXIFIFD, (toff_t)1);
    if (m->exif.size)
        TIFFSetField(t, TIFFTAG_GPSIFD, (toff_t)1);
}

static bool write_rows(TIFF *t, const vi_still_out *o, int comps)
{
    const vi_format_info *i = vi_format_describe(o->f->format);
    uint8_t *row = vi_alloc((size_t)o->f->width * i->components * i->bytes);
    bool ok = row != NULL;
    for (int y = 0; ok && y < o->f->height; y++) {
        vi_still_row(o->f, y, i->components, i->bytes, row);
        for (size_t x = 0, b = i->bytes; comps == 2 && x < (size_t)o->f->width; x++) {
            memmove(row + 2 * x * b, row + 4 * x * b, b);
            memmove(row + (2 * x + 1) * b, row + (4 * x + 3) * b, b);
        }
        ok = TIFFWriteScanline(t, row, (uint32_t)y, 0) == 1;
    }
    vi_free(row);
    return ok;
}

/* An offset of 0 would make readers look at the header: a directory that the block does not have loses its tag. */
static void append_directory(const vi_buf *exif, uint16_t tag, vi_buf *out)
{
    uint32_t at = vi_exif_append_directory(exif, tag, out);
    if (at)
        vi_tiff_patch_long(out, tag, at);
    else
        vi_tiff_remove_tag(out, tag);
}

int vi_tiff_encode(const vi_still_out *o, vi_buf *out, viso_error *err)
{
    job j = { .o = o, .out = out };
    int comps = vi_format_describe(o->f->format)->components;
    if (o->grey_alpha_ok && comps == 4)
        comps = 2;
    TIFFOpenOptions *opt = TIFFOpenOptionsAlloc();
    if (!opt)
        return vi_error_nomem(err, o->name);
    TIFFOpenOptionsSetErrorHandlerExtR(opt, on_error, &j);
    TIFFOpenOptionsSetWarningHandlerExtR(opt, on_warning, &j);
    const char *mode = o->meta->exif.size && !vi_exif_little_endian(&o->meta->exif) ? "wb" : "wl";
    TIFF *t = TIFFClientOpenExt(o->name, mode, &j, on_read, on_write, on_seek, on_close, on_size, NULL, NULL, opt);
    TIFFOpenOptionsFree(opt);
    bool ok = t != NULL;
    if (ok) {
        set_pixels(t, o, comps);
        set_meta(t, o->meta);
        ok = write_rows(t, o, comps) && TIFFWriteDirectory(t);
        TIFFClose(t);
    }
    if (out->failed)
        return vi_error_nomem(err, o->name);
    if (!ok)
        return vi_error_set(err, VISO_ERR_INTERNAL, "%s: cannot be written as TIFF (%s)", o->name, j.text);
    if (o->meta->exif.size) {
        append_directory(&o->meta->exif, 0x8769, out);
        append_directory(&o->meta->exif, 0x8825, out);
    }
    return 0;
}
