/* media/out/webp.c: WebP through libwebp, lossless when the source was, with ICC, EXIF and XMP chunks through
 * libwebpmux. Any thread. */
#include "media/still.h"

#include <string.h>

#include <webp/encode.h>
#include <webp/mux.h>

/* Of the 0..100 scale: above what eyes tell apart, and used because a lossy WebP does not say its own quality. */
#define LOSSY_QUALITY 94

static int on_write(const uint8_t *data, size_t size, const WebPPicture *p)
{
    return vi_buf_put(p->custom_ptr, data, size);
}

static bool import_rows(const vi_still_out *o, WebPPicture *p)
{
    int comps = vi_format_describe(o->f->format)->components == 4 ? 4 : 3;
    size_t stride = (size_t)o->f->width * (size_t)comps;
    uint8_t *all = vi_alloc(stride * (size_t)o->f->height);
    if (!all)
        return false;
    for (int y = 0; y < o->f->height; y++)
        vi_still_row(o->f, y, comps, 1, all + (size_t)y * stride); /* grey repeats its one component */
    bool ok = comps == 4 ? WebPPictureImportRGBA(p, all, (int)stride) : WebPPictureImportRGB(p, all, (int)stride);
    vi_free(all);
    return ok;
}

static bool put_chunk(WebPMux *mux, const char fourcc[4], const vi_buf *b)
{
    WebPData d = { b->data, b->size };
    return !b->size || WebPMuxSetChunk(mux, fourcc, &d, 0) == WEBP_MUX_OK;
}

static bool add_chunks(const vi_still_meta *m, vi_buf *out)
{
    if (!m->icc.size && !m->exif.size && !m->xmp.size)
        return true;
    WebPData image = { out->data, out->size }, all = { 0 };
    WebPMux *mux = WebPMuxNew();
    bool rgb = m->icc.size >= 128 && memcmp(m->icc.data + 16, "RGB ", 4) == 0;
    bool ok = mux && WebPMuxSetImage(mux, &image, 1) == WEBP_MUX_OK && (!rgb || put_chunk(mux, "ICCP", &m->icc)) &&
              put_chunk(mux, "EXIF", &m->exif) && put_chunk(mux, "XMP ", &m->xmp) &&
              WebPMuxAssemble(mux, &all) == WEBP_MUX_OK;
    if (ok)
        vi_buf_set(out, all.bytes, all.size);
    WebPDataClear(&all);
    WebPMuxDelete(mux);
    return ok;
}

int vi_webp_encode(const vi_still_out *o, vi_buf *out, viso_error *err)
{
    if (o->f->width > WEBP_MAX_DIMENSION || o->f->height > WEBP_MAX_DIMENSION)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: WebP holds at most %d pixels on a side", o->name, WEBP_MAX_DIMENSION);
    if (vi_format_describe(o->f->format)->depth > 8)
        vi_info(o->log, "%s: WebP holds 8 bits, 16 are reduced", o->name);
    WebPConfig c;
    WebPPicture p;
    if (!WebPConfigInit(&c) || !WebPPictureInit(&p))
        return vi_error_set(err, VISO_ERR_INTERNAL, "the WebP library is of another version");
    c.lossless = o->meta->lossless;
    c.exact = 1; /* colours under full transparency stay */
    c.quality = c.lossless ? 60 : LOSSY_QUALITY; /* lossless: effort */
    c.method = 4;
    c.use_sharp_yuv = 1;
    c.alpha_quality = 100;
    p.use_argb = c.lossless;
    p.width = o->f->width;
    p.height = o->f->height;
    p.writer = on_write;
    p.custom_ptr = out;
    bool ok = import_rows(o, &p) && WebPEncode(&c, &p);
    int fault = p.error_code;
    WebPPictureFree(&p);
    if (ok)
        ok = add_chunks(o->meta, out);
    if (ok)
        return 0;
    if (out->failed || fault == VP8_ENC_ERROR_OUT_OF_MEMORY || fault == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY)
        return vi_error_nomem(err, o->name);
    return vi_error_set(err, VISO_ERR_INTERNAL, "%s: cannot be written as WebP (fault %d)", o->name, fault);
}
