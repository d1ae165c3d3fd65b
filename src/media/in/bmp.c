/* media/in/bmp.c: BMP through FFmpeg's decoder, which knows all the old headers. The size is looked at here first. */
#include "media/still.h"

#include <string.h>

#include "media/av.h"

static uint32_t le32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static int size_of(const vi_still_in *in, vi_still_meta *m, viso_error *err)
{
    const uint8_t *d = in->data;
    uint32_t head = le32(d + 14);
    if (in->size < 14 + (size_t)head || in->size < 26)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the BMP file is truncated", in->name);
    if (head == 12)
        return vi_still_check_size(in, d[18] | d[19] << 8, d[20] | d[21] << 8, err);
    int64_t w = (int32_t)le32(d + 18), h = (int32_t)le32(d + 22);
    if (head >= 40) {
        m->dpi_x = le32(d + 38) * 0.0254; /* pixels per metre */
        m->dpi_y = le32(d + 42) * 0.0254;
        if (m->dpi_x > 1e5 || m->dpi_y > 1e5)
            m->dpi_x = m->dpi_y = 0;
    }
    return vi_still_check_size(in, (uint64_t)(w < 0 ? 0 : w), (uint64_t)(h < 0 ? -h : h), err);
}

static int decode(const vi_still_in *in, AVCodecContext *c, AVPacket *p, AVFrame *f, viso_error *err)
{
    c->max_pixels = (int64_t)in->max_pixels;
    c->thread_count = 1;
    c->opaque = (void *)(uintptr_t)in->log;
    int rc = av_new_packet(p, (int)in->size);
    if (rc < 0)
        return vi_error_nomem(err, in->name);
    memcpy(p->data, in->data, in->size);
    if ((rc = avcodec_open2(c, NULL, NULL)) < 0 || (rc = avcodec_send_packet(c, p)) < 0 ||
        (rc = avcodec_receive_frame(c, f)) < 0)
        return vi_error_set(err, vi_av_status(rc, VISO_ERR_INPUT), "%s: the BMP file is truncated or damaged (%s)", in->name,
                            vi_av_error(rc));
    return 0;
}

/* Into a frame of ours; palettes and 16-bit pixels become RGB. */
static int take(const vi_still_in *in, AVFrame *s, vi_frame **f, viso_error *err)
{
    bool direct;
    vi_format format = vi_av_format(s->format, &direct);
    *f = format ? vi_frame_alloc(format, s->width, s->height) : NULL;
    if (!*f)
        return vi_error_nomem(err, in->name);
    AVFrame d = { .format = vi_av_pixel_format(format), .width = s->width, .height = s->height,
                  .data = { (*f)->plane[0] }, .linesize = { (int)(*f)->stride[0] } };
    vi_convert c = { 0 };
    int rc = vi_convert_run(&c, s, &d, &(vi_colour){ .range = 2 });
    vi_convert_clear(&c);
    return rc < 0 ? vi_error_set(err, VISO_ERR_INPUT, "%s: this kind of BMP is not supported", in->name) : 0;
}

int vi_bmp_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err)
{
    vi_av_init();
    int rc = size_of(in, m, err);
    if (rc || in->meta_only)
        return rc;
    if (in->size > INT32_MAX / 2)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the BMP file is too large", in->name);
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_BMP);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *p = av_packet_alloc();
    AVFrame *s = av_frame_alloc();
    rc = c && p && s ? decode(in, c, p, s, err) : vi_error_nomem(err, in->name);
    if (!rc)
        rc = take(in, s, f, err);
    av_frame_free(&s);
    av_packet_free(&p);
    avcodec_free_context(&c);
    return rc;
}
