/* media/out/encoder.c: the choice of codec and its settings, and frames handed to it without a copy where it takes their
 * format. */
#include "media/out/encoder.h"

#include <libavutil/cpu.h>
#include <libavutil/hdr_dynamic_metadata.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <string.h>

#include "media/out/turn.h"

enum { AUTO, H264, H265, VP9, AV1, PRORES, FFV1 };

/* One row per codec: encoder, default quality, the fourcc QuickTime players want, and whether it needs even sizes with
 * subsampled chroma. Encoders that print to the terminal by themselves (SVT-AV1) are not used. */
static const struct {
    const char *name, *encoder;
    enum AVCodecID id;
    float crf;
    bool even;
} codecs[] = {
    [H264] = { "H.264", "libx264", AV_CODEC_ID_H264, 16, true },
    [H265] = { "H.265", "libx265", AV_CODEC_ID_HEVC, 19, true },
    [VP9] = { "VP9", "libvpx-vp9", AV_CODEC_ID_VP9, 22, false },
    [AV1] = { "AV1", "libaom-av1", AV_CODEC_ID_AV1, 20, false },
    [PRORES] = { "ProRes", "prores_ks", AV_CODEC_ID_PRORES, -1, false },
    [FFV1] = { "FFV1", "ffv1", AV_CODEC_ID_FFV1, -1, false },
};

int vi_encoder_report(char lines[][160], int max)
{
    int n = 0;
    for (size_t i = H264; i < VI_COUNT(codecs) && n < max; i++) {
        bool there = avcodec_find_encoder_by_name(codecs[i].encoder) != NULL;
        snprintf(lines[n++], 160, "%s: %s", codecs[i].name, there ? codecs[i].encoder : "missing");
    }
    return n;
}

/* What to code a format as, best first. 4:4:4 stands in where an odd size forbids subsampled chroma. */
static const enum AVPixelFormat *wishes(vi_format f)
{
#define LIST(...) { static const enum AVPixelFormat l[] = { __VA_ARGS__, AV_PIX_FMT_NONE }; return l; }
    switch (f) {
    case VI_FORMAT_GRAY8: LIST(AV_PIX_FMT_GRAY8, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P10)
    case VI_FORMAT_GRAY16: LIST(AV_PIX_FMT_GRAY16, AV_PIX_FMT_GRAY12, AV_PIX_FMT_GRAY10, AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV422P10)
    case VI_FORMAT_RGB24: LIST(AV_PIX_FMT_0RGB32, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P10)
    case VI_FORMAT_RGBA: LIST(AV_PIX_FMT_RGB32, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P10)
    case VI_FORMAT_RGB48: LIST(AV_PIX_FMT_RGB48, AV_PIX_FMT_YUV444P10)
    case VI_FORMAT_RGBA64: LIST(AV_PIX_FMT_RGBA64, AV_PIX_FMT_YUV444P10)
    case VI_FORMAT_YUV420P: LIST(AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV422P10)
    case VI_FORMAT_NV12: LIST(AV_PIX_FMT_NV12, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV422P10)
    case VI_FORMAT_YUV422P: LIST(AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV422P10)
    case VI_FORMAT_YUV444P: LIST(AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P10)
    case VI_FORMAT_YUV420P10:
    case VI_FORMAT_P010: LIST(AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV444P10, AV_PIX_FMT_YUV422P10)
    case VI_FORMAT_YUV422P10: LIST(AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P10)
    default: LIST(AV_PIX_FMT_YUV444P10)
    }
#undef LIST
}

static enum AVPixelFormat choose_pixels(const AVCodec *codec, const vi_media_info *i, bool even)
{
    /* sizes are of the stored picture; a turn exchanges two that are treated alike wherever turning is possible */
    /* An animation's RGB comes from a palette; nobody misses its chroma, and 4:4:4 plays in few places. Pictures become a clip
     * as cameras make them, unless it is to be lossless. */
    vi_format like = strcmp(i->codec, "gif") == 0 ? VI_FORMAT_YUV420P : i->format;
    if (strcmp(i->codec, "pictures") == 0 && codec->id != AV_CODEC_ID_FFV1 && vi_format_describe(like)->components >= 3)
        like = vi_format_describe(like)->depth > 8 ? VI_FORMAT_YUV420P10 : VI_FORMAT_YUV420P;
    for (const enum AVPixelFormat *w = wishes(like); *w != AV_PIX_FMT_NONE; w++) {
        const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(*w);
        bool odd = (d->log2_chroma_w && i->width % 2) || (d->log2_chroma_h && i->height % 2);
        if (even && odd)
            continue;
        for (const enum AVPixelFormat *p = codec->pix_fmts; p && *p != AV_PIX_FMT_NONE; p++) {
            if (*p == *w)
                return *w;
        }
    }
    return AV_PIX_FMT_NONE;
}

static int choose_codec(const vi_output_settings *s, const vi_media_info *i, const AVOutputFormat *container, const char *name,
                        int *which, viso_error *err)
{
    bool webm = strcmp(container->name, "webm") == 0;
    *which = s->codec != AUTO ? s->codec : webm ? VP9 : vi_format_describe(i->format)->depth > 8 ? H265 : H264;
    if (*which < H264 || *which > FFV1)
        return vi_error_set(err, VISO_ERR_USAGE, "codec: unknown choice %d", s->codec);
    if (!avcodec_find_encoder_by_name(codecs[*which].encoder))
        return vi_error_set(err, VISO_ERR_USAGE, "%s: this FFmpeg has no %s encoder (%s); choose another with --codec", name,
                            codecs[*which].name, codecs[*which].encoder);
    if (avformat_query_codec(container, codecs[*which].id, FF_COMPLIANCE_EXPERIMENTAL) != 1)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: %s cannot be stored in %s; choose another extension or --codec", name,
                            codecs[*which].name, container->name);
    return 0;
}

/* 0 fastest … 9 slowest; the speed numbers of libvpx and libaom run the other way. */
static void set_preset(AVCodecContext *c, int which, int preset)
{
    int step = preset - 1;
    switch (which) {
    case H264: av_opt_set(c->priv_data, "preset", vi_encoder_presets[preset ? preset : VI_PRESET_H264], 0); break;
    case H265: av_opt_set(c->priv_data, "preset", vi_encoder_presets[preset ? preset : VI_PRESET_H265], 0); break;
    case VP9:
        av_opt_set(c->priv_data, "deadline", step == 0 ? "realtime" : "good", 0);
        av_opt_set_int(c->priv_data, "cpu-used", preset ? VI_MAX(0, step == 0 ? 8 : 6 - step) : 4, 0);
        av_opt_set_int(c->priv_data, "row-mt", 1, 0);
        break;
    case AV1:
        av_opt_set_int(c->priv_data, "cpu-used", preset ? VI_MAX(0, 8 - step) : 6, 0);
        av_opt_set_int(c->priv_data, "row-mt", 1, 0);
        break;
    case PRORES:
        av_opt_set(c->priv_data, "profile", c->pix_fmt == AV_PIX_FMT_YUV444P10 ? "4444" : "hq", 0);
        av_opt_set(c->priv_data, "vendor", "apl0", 0);
        break;
    case FFV1:
        c->level = 3;
        c->gop_size = 1;
        av_opt_set_int(c->priv_data, "slicecrc", 1, 0);
        break;
    default: break;
    }
}

/* Light levels of HDR pictures: x265 wants them as text; the container gets them as stream side data elsewhere. */
static void x265_light(const AVFrame *first, char *text, size_t size)
{
    text[0] = 0;
    const AVFrameSideData *a = av_frame_get_side_data(first, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    const AVFrameSideData *b = av_frame_get_side_data(first, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    size_t n = 0;
    if (a) {
        const AVMasteringDisplayMetadata *m = (const void *)a->data;
        if (m->has_primaries && m->has_luminance) {
#define N(q, k) (int)(av_q2d(q) * (k) + 0.5)
            n += (size_t)snprintf(text + n, size - n, ":master-display=G(%d,%d)B(%d,%d)R(%d,%d)WP(%d,%d)L(%d,%d)",
                                  N(m->display_primaries[1][0], 50000), N(m->display_primaries[1][1], 50000),
                                  N(m->display_primaries[2][0], 50000), N(m->display_primaries[2][1], 50000),
                                  N(m->display_primaries[0][0], 50000), N(m->display_primaries[0][1], 50000),
                                  N(m->white_point[0], 50000), N(m->white_point[1], 50000), N(m->max_luminance, 10000),
                                  N(m->min_luminance, 10000));
#undef N
        }
    }
    if (b && n < size) {
        const AVContentLightMetadata *l = (const void *)b->data;
        snprintf(text + n, size - n, ":max-cll=%u,%u", l->MaxCLL, l->MaxFALL);
    }
}

static void set_quality(AVCodecContext *c, const vi_encoder_form *f)
{
    const vi_output_settings *s = &f->settings;
    int which = f->which;
    float crf = s->crf >= 0 ? s->crf : codecs[which].crf;
    if (which == H264 || which == H265)
        av_opt_set_double(c->priv_data, "crf", crf, 0);
    if (which == VP9 || which == AV1) {
        c->bit_rate = 0; /* constant quality, no target rate */
        av_opt_set_int(c->priv_data, "crf", (int)(crf + 0.5f), 0);
    }
    set_preset(c, which, s->preset);
    if (which == H264) {
        /* x264's look-ahead for AVX-512 lets memory that was never written into its choice of quality at many
         * sizes: the same frames come out a little different each time. A run that goes on must give what an
         * unbroken one gives. The order of fields, if left to the first frame, comes too late for the headers. */
        bool wide = (av_get_cpu_flags() & AV_CPU_FLAG_AVX512) != 0;
        char text[40];
        snprintf(text, sizeof text, "%s%s%s", wide ? "asm=avx2" : "", wide && f->interlaced ? ":" : "",
                 !f->interlaced ? "" : f->fields == AV_FIELD_TT ? "tff=1" : "bff=1");
        if (text[0])
            av_opt_set(c->priv_data, "x264-params", text, 0);
    }
    if (s->lookahead >= 0 && which == H264)
        av_opt_set_int(c->priv_data, "rc-lookahead", s->lookahead, 0);
    if (s->lookahead >= 0 && (which == VP9 || which == AV1))
        av_opt_set_int(c->priv_data, "lag-in-frames", s->lookahead, 0);
    if (which == H265) {
        char text[400] = "log-level=none"; /* x265 writes to the terminal by itself */
        if (s->encoder_threads > 0)
            snprintf(text + strlen(text), 40, ":pools=%d", s->encoder_threads);
        if (s->lookahead >= 0) /* never less than the run of B-frames */
            snprintf(text + strlen(text), 40, ":rc-lookahead=%d", VI_MAX(s->lookahead, 5));
        strcat(text, f->light);
        av_opt_set(c->priv_data, "x265-params", text, 0);
    }
}

static void learn_form(vi_encoder *e, const vi_reader *like, const AVOutputFormat *container)
{
    vi_encoder_form *f = &e->form;
    const vi_media_info *i = &like->info;
    vi_like l = vi_reader_like(like);
    const AVFrame *first = l.first;
    bool boxes = strcmp(container->name, "mp4") == 0 || strcmp(container->name, "mov") == 0;
    f->width = e->turns % 2 ? i->height : i->width;
    f->height = e->turns % 2 ? i->width : i->height;
    f->time_base = l.time_base;
    f->rate = (AVRational){ i->rate_num, i->rate_num ? i->rate_den : 1 };
    f->aspect = l.aspect;
    if (e->turns % 2 && f->aspect.num)
        f->aspect = av_inv_q(f->aspect);
    e->colour = i->colour;
    if (e->turns && e->colour.chroma != AVCHROMA_LOC_CENTER)
        e->colour.chroma = 0; /* the samples' places turn too, to ones that have no name */
    const vi_format_info *from = vi_format_describe(i->format);
    const AVPixFmtDescriptor *to = av_pix_fmt_desc_get(f->pixels);
    if (!from->yuv && from->components >= 3 && !(to->flags & AV_PIX_FMT_FLAG_RGB)) {
        e->colour.matrix = i->height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
        e->colour.range = AVCOL_RANGE_MPEG;
    }
    f->interlaced = first->interlaced_frame && (f->which == H264 || f->which == PRORES);
    f->fields = f->interlaced             ? first->top_field_first ? AV_FIELD_TT : AV_FIELD_BB
                : first->interlaced_frame ? l.fields
                                          : AV_FIELD_PROGRESSIVE;
    f->global_header = container->flags & AVFMT_GLOBALHEADER;
    f->tag = f->which == H265 && boxes ? MKTAG('h', 'v', 'c', '1') : 0;
    x265_light(first, f->light, sizeof f->light);
}

static void set_form(vi_encoder *e)
{
    AVCodecContext *c = e->c;
    const vi_encoder_form *f = &e->form;
    c->pix_fmt = f->pixels;
    c->width = f->width;
    c->height = f->height;
    c->time_base = f->time_base;
    c->framerate = f->rate;
    c->sample_aspect_ratio = f->aspect;
    c->color_primaries = e->colour.primaries;
    c->color_trc = e->colour.transfer;
    c->colorspace = e->colour.matrix;
    c->color_range = e->colour.range;
    c->chroma_sample_location = e->colour.chroma;
    c->field_order = f->fields;
    c->codec_tag = f->tag;
    if (f->interlaced)
        c->flags |= AV_CODEC_FLAG_INTERLACED_DCT;
    if (f->global_header)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (f->which != H265) /* there the number would mean frames in flight, not threads */
        c->thread_count = f->settings.encoder_threads > 0 ? f->settings.encoder_threads : vi_cpu_count();
    if (f->which == PRORES || f->which == FFV1)
        c->thread_type = FF_THREAD_SLICE; /* frames are lent, not copied: none may stay inside */
    c->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
}

/* Turning metadata that the container has no place for: the frames themselves are turned, as players would show them. */
static void settle_turns(vi_encoder *e, const vi_media_info *i, const AVOutputFormat *container)
{
    if (!i->turns || strcmp(container->name, "mp4") == 0 || strcmp(container->name, "mov") == 0)
        return;
    if (vi_can_turn(i->format, i->turns)) {
        e->turns = i->turns;
        vi_info(e->log, "%s: %s cannot say that the picture is shown turned, so it is turned by %d degrees", e->name,
                container->name, i->turns * 90);
    } else {
        vi_warn(e->log, "%s: %s cannot say that the picture is shown turned by %d degrees; MP4 and MOV can", e->name,
                container->name, i->turns * 90);
    }
}

static void tell_losses(const vi_encoder *e, const vi_media_info *i, const AVFrame *first)
{
    if (e->converting)
        vi_info(e->log, "%s: %s is coded as %s", e->name, vi_format_describe(i->format)->name, av_get_pix_fmt_name(e->form.pixels));
    if (vi_format_describe(i->format)->components == 4 && !vi_av_has_alpha(e->form.pixels))
        vi_warn(e->log, "%s: transparency of the video is not kept", e->name);
    if (first->interlaced_frame && (e->form.which == H265 || e->form.which == VP9 || e->form.which == AV1))
        vi_warn(e->log, "%s: the lines of both fields are kept, but its frames do not say that they are interlaced; H.264, ProRes and "
                "FFV1 do (--codec)", e->name);
    if (av_frame_get_side_data(first, AV_FRAME_DATA_DYNAMIC_HDR_PLUS))
        vi_warn(e->log, "%s: HDR10+ dynamic metadata is not kept", e->name);
    if (av_frame_get_side_data(first, AV_FRAME_DATA_DOVI_METADATA))
        vi_warn(e->log, "%s: Dolby Vision metadata is not kept", e->name);
}

void vi_encoder_stop(vi_encoder *e)
{
    avcodec_free_context(&e->c);
}

int vi_encoder_start(vi_encoder *e, viso_error *err)
{
    int which = e->form.which;
    const AVCodec *codec = avcodec_find_encoder_by_name(codecs[which].encoder);
    vi_encoder_stop(e);
    e->n_wait = 0;
    e->c = avcodec_alloc_context3(codec);
    if (!e->c)
        return vi_error_nomem(err, e->name);
    e->c->opaque = (void *)(uintptr_t)e->log;
    set_form(e);
    set_quality(e->c, &e->form);
    int rc = avcodec_open2(e->c, codec, NULL);
    if (rc < 0)
        return vi_error_set(err, vi_av_status(rc, VISO_ERR_USAGE), "%s: the %s encoder does not accept these pictures (%s)", e->name,
                            codecs[which].name, vi_av_error(rc));
    return 0;
}

int vi_encoder_open(vi_encoder *e, const vi_reader *like, const AVOutputFormat *container, const vi_output_settings *s,
                    const char *name, const vi_log *log, viso_error *err)
{
    memset(e, 0, sizeof *e);
    e->log = log;
    e->name = name;
    e->side = vi_reader_like(like).side;
    e->form.settings = *s;
    int rc = choose_codec(s, &like->info, container, name, &e->form.which, err);
    if (rc)
        return rc;
    int which = e->form.which;
    e->frame = av_frame_alloc();
    e->pkt = av_packet_alloc();
    if (!e->frame || !e->pkt)
        return vi_error_nomem(err, name);
    e->form.pixels = choose_pixels(avcodec_find_encoder_by_name(codecs[which].encoder), &like->info, codecs[which].even);
    if (e->form.pixels == AV_PIX_FMT_NONE)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: %s cannot hold %s pictures of %dx%d; choose another --codec", name,
                            codecs[which].name, vi_format_describe(like->info.format)->name, like->info.width,
                            like->info.height);
    e->converting = e->form.pixels != vi_av_pixel_format(like->info.format);
    settle_turns(e, &like->info, container);
    learn_form(e, like, container);
    tell_losses(e, &like->info, vi_reader_like(like).first);
    return vi_encoder_start(e, err);
}

static void unref_lent(void *opaque, uint8_t *data)
{
    vi_frame *f = opaque;
    vi_frame_unref(&f);
}

/* The frame's own planes, lent for as long as the encoder wants them. */
static int lend(vi_encoder *e, vi_frame *f)
{
    AVFrame *a = e->frame;
    int planes = vi_format_describe(f->format)->planes;
    for (int p = 0; p < planes; p++) {
        a->data[p] = f->plane[p];
        a->linesize[p] = (int)f->stride[p];
    }
    a->buf[0] = av_buffer_create(f->plane[0], 1, unref_lent, vi_frame_ref(f), AV_BUFFER_FLAG_READONLY);
    if (!a->buf[0]) {
        vi_frame_unref(&f);
        return AVERROR(ENOMEM);
    }
    return 0;
}

static int convert(vi_encoder *e, vi_frame *f)
{
    AVFrame src = { .format = vi_av_pixel_format(f->format), .width = f->width, .height = f->height };
    for (int p = 0; p < 4; p++) {
        src.data[p] = f->plane[p];
        src.linesize[p] = (int)f->stride[p];
    }
    int rc = av_frame_get_buffer(e->frame, 0);
    return rc < 0 ? rc : vi_convert_run(&e->convert, &src, e->frame, &e->colour);
}

static void dress(vi_encoder *e, const vi_frame *f)
{
    AVFrame *a = e->frame;
    vi_side_take(e->side, f->pts, a);
    /* Geometry and time are ours; the rest of the borrowed properties must not reach the encoder. */
    av_frame_remove_side_data(a, AV_FRAME_DATA_DISPLAYMATRIX);
    av_frame_remove_side_data(a, AV_FRAME_DATA_MOTION_VECTORS);
    av_frame_remove_side_data(a, AV_FRAME_DATA_VIDEO_ENC_PARAMS);
    av_frame_remove_side_data(a, AV_FRAME_DATA_DOVI_METADATA);
    av_frame_remove_side_data(a, AV_FRAME_DATA_DOVI_RPU_BUFFER);
    a->pict_type = AV_PICTURE_TYPE_NONE;
    a->key_frame = 0;
    a->pts = f->pts;
    a->pkt_duration = f->duration;
    a->opaque = NULL;
    a->color_primaries = e->colour.primaries;
    a->color_trc = e->colour.transfer;
    a->colorspace = e->colour.matrix;
    a->color_range = e->colour.range;
    a->chroma_location = e->colour.chroma;
    a->sample_aspect_ratio = e->form.aspect;
}

/* The frame as it is coded: itself, or turned into a frame of the encoder's that is used over and over. */
static vi_frame *turned(vi_encoder *e, vi_frame *f)
{
    if (!e->turns)
        return f;
    if (!e->turned || !vi_frame_writable(e->turned)) {
        vi_frame_unref(&e->turned);
        e->turned = vi_frame_alloc(f->format, e->form.width, e->form.height);
        if (!e->turned)
            return NULL;
    }
    vi_frame_copy_props(e->turned, f);
    vi_turn_frame(e->turned, f);
    return e->turned;
}

int vi_encoder_send(vi_encoder *e, vi_frame *given, viso_error *err)
{
    int rc = 0;
    vi_frame *f = given ? turned(e, given) : NULL;
    if (given && !f)
        return vi_error_nomem(err, e->name);
    if (f) {
        AVFrame *a = e->frame;
        av_frame_unref(a);
        a->format = e->form.pixels;
        a->width = f->width;
        a->height = f->height;
        rc = e->converting ? convert(e, f) : lend(e, f);
        if (rc >= 0) {
            dress(e, f);
            e->wait[e->n_wait % VI_COUNT(e->wait)].pts = f->pts;
            e->wait[e->n_wait++ % VI_COUNT(e->wait)].duration = f->duration;
        }
    }
    if (rc >= 0)
        rc = avcodec_send_frame(e->c, f ? e->frame : NULL);
    av_frame_unref(e->frame);
    if (rc < 0 && rc != AVERROR_EOF)
        return vi_error_set(err, vi_av_status(rc, VISO_ERR_INTERNAL), "%s: the %s encoder failed (%s)", e->name,
                            e->c->codec->name, vi_av_error(rc));
    return 0;
}

int vi_encoder_receive(vi_encoder *e, viso_error *err)
{
    int rc = avcodec_receive_packet(e->c, e->pkt);
    if (rc == AVERROR(EAGAIN))
        return VISO_AGAIN;
    if (rc == AVERROR_EOF)
        return VISO_EOF;
    if (rc < 0)
        return vi_error_set(err, vi_av_status(rc, VISO_ERR_INTERNAL), "%s: the %s encoder failed (%s)", e->name,
                            e->c->codec->name, vi_av_error(rc));
    e->pkt->duration = 0;
    for (size_t i = 0; i < VI_COUNT(e->wait) && i < e->n_wait; i++) {
        if (e->wait[i].pts == e->pkt->pts)
            e->pkt->duration = e->wait[i].duration;
    }
    return 0;
}

void vi_encoder_close(vi_encoder *e)
{
    vi_encoder_stop(e);
    av_frame_free(&e->frame);
    av_packet_free(&e->pkt);
    vi_convert_clear(&e->convert);
    vi_frame_unref(&e->turned);
}
