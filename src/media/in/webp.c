/* media/in/webp.c: WebP through libwebp, its ICC, EXIF and XMP chunks through libwebpmux. Any thread. */
#include "media/still.h"

#include <string.h>

#include <webp/decode.h>
#include <webp/mux.h>

static void keep_chunk(WebPMux *mux, const char fourcc[4], vi_buf *to)
{
    WebPData d;
    if (WebPMuxGetChunk(mux, fourcc, &d) == WEBP_MUX_OK && d.size)
        vi_buf_set(to, d.bytes, d.size);
}

static void keep_meta(const vi_still_in *in, vi_still_meta *m)
{
    WebPData all = { in->data, in->size };
    WebPMux *mux = WebPMuxCreate(&all, 0);
    if (!mux)
        return; /* the decoder accepts more than the demuxer: pixels without extras */
    keep_chunk(mux, "ICCP", &m->icc);
    keep_chunk(mux, "EXIF", &m->exif);
    keep_chunk(mux, "XMP ", &m->xmp);
    WebPMuxDelete(mux);
    if (m->exif.size > 6 && memcmp(m->exif.data, "Exif\0", 6) == 0) { /* some writers keep the JPEG prefix */
        memmove(m->exif.data, m->exif.data + 6, m->exif.size - 6);
        m->exif.size -= 6;
    }
}

static int fault(const vi_still_in *in, VP8StatusCode code, viso_error *err)
{
    switch (code) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the WebP file is truncated", in->name);
    case VP8_STATUS_OUT_OF_MEMORY: return vi_error_nomem(err, in->name);
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return vi_error_set(err, VISO_ERR_INPUT, "%s: this kind of WebP is not supported", in->name);
    default: return vi_error_set(err, VISO_ERR_INPUT, "%s: the WebP file is damaged", in->name);
    }
}

int vi_webp_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err)
{
    WebPDecoderConfig c;
    if (!WebPInitDecoderConfig(&c))
        return vi_error_set(err, VISO_ERR_INTERNAL, "the WebP library is of another version");
    VP8StatusCode code = WebPGetFeatures(in->data, in->size, &c.input);
    if (code != VP8_STATUS_OK)
        return fault(in, code, err);
    /* The RIFF header says how long the file should be. */
    uint32_t riff = in->data[4] | in->data[5] << 8 | in->data[6] << 16 | (uint32_t)in->data[7] << 24;
    if ((uint64_t)riff + 8 > in->size)
        return fault(in, VP8_STATUS_NOT_ENOUGH_DATA, err);
    keep_meta(in, m);
    m->lossless = c.input.format == 2;
    if (in->meta_only)
        return 0;
    if (c.input.has_animation)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: animated WebP is not supported", in->name);
    int rc = vi_still_check_size(in, (uint64_t)c.input.width, (uint64_t)c.input.height, err);
    if (rc)
        return rc;
    *f = vi_frame_alloc(c.input.has_alpha ? VI_FORMAT_RGBA : VI_FORMAT_RGB24, c.input.width, c.input.height);
    if (!*f)
        return vi_error_nomem(err, in->name);
    c.output.colorspace = c.input.has_alpha ? MODE_RGBA : MODE_RGB;
    c.output.is_external_memory = 1;
    c.output.u.RGBA.rgba = (*f)->plane[0];
    c.output.u.RGBA.stride = (int)(*f)->stride[0];
    c.output.u.RGBA.size = (size_t)(*f)->stride[0] * (size_t)c.input.height;
    code = WebPDecode(in->data, in->size, &c);
    WebPFreeDecBuffer(&c.output);
    return code == VP8_STATUS_OK ? 0 : fault(in, code, err);
}
