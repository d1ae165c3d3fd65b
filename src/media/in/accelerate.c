/* media/in/accelerate.c: decoding on a device through FFmpeg, with the processor to fall back on. One owner thread.
 *
 * Pictures are worked on by the processor, so each one is fetched; what is saved is the decoding. Only codecs that leave no
 * room are decoded so, and the result does not depend on who decodes. */
#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <string.h>

#include "media/in/video.h"

/* Smaller pictures are decoded before a device has even been asked. */
enum { WORTH_IT = 1280 * 720, ALIGN = 64 };

static const char *const hardware_choices[] = { "off", "auto", "cuda", "vaapi", NULL };
static const vi_option_row rows[] = {
    VI_OPTION_CHOICE(vi_input_settings, hardware, "hardware-decode", "Decoding on a device",
                     "Where videos are decoded. off: by the processor. auto: on NVDEC or VA-API where there is one and the picture "
                     "is large enough to be worth it; the frames are the same.",
                     hardware_choices, VI_HARDWARE_OFF, 0),
    VI_OPTION_STRING(vi_input_settings, frame_rate, "frame-rate", "Frame rate of pictures",
                     "Frames a second of a folder of pictures that is read as a clip: 25, 29.97 or 30000/1001.", "25", 0),
};
const vi_option_group vi_input_options = { "input", "Reading videos", rows, VI_COUNT(rows), sizeof(vi_input_settings) };

static enum AVPixelFormat remote_format(const AVCodec *codec, enum AVHWDeviceType type)
{
    const AVCodecHWConfig *c;
    for (int i = 0; (c = avcodec_get_hw_config(codec, i)) != NULL; i++)
        if ((c->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) && c->device_type == type)
            return c->pix_fmt;
    return AV_PIX_FMT_NONE;
}

/* FFmpeg offers what it can do with this very stream; without the device's format in it the processor decodes. */
static enum AVPixelFormat choose(AVCodecContext *dc, const enum AVPixelFormat *offered)
{
    enum AVPixelFormat plain = AV_PIX_FMT_NONE;
    for (const enum AVPixelFormat *p = offered; *p != AV_PIX_FMT_NONE; p++) {
        const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(*p);
        bool device = d && (d->flags & AV_PIX_FMT_FLAG_HWACCEL);
        if (device && dc->hw_device_ctx && remote_format(dc->codec, ((AVHWDeviceContext *)dc->hw_device_ctx->data)->type) == *p)
            return *p;
        if (!device && plain == AV_PIX_FMT_NONE)
            plain = *p;
    }
    return plain;
}

/* Their decoding is defined to the bit; of the older ones each device has its own inverse transform. */
static bool exact(enum AVCodecID id)
{
    return id == AV_CODEC_ID_H264 || id == AV_CODEC_ID_HEVC || id == AV_CODEC_ID_VP9 || id == AV_CODEC_ID_AV1;
}

static bool open_device(vi_video_in *v, const AVCodec *codec, enum AVHWDeviceType type)
{
    v->remote = remote_format(codec, type);
    if (v->remote == AV_PIX_FMT_NONE)
        return false;
    int rc = av_hwdevice_ctx_create(&v->device, type, NULL, NULL, 0);
    if (rc < 0)
        vi_debug(v->log, "%s: no decoding on %s: %s", v->path, av_hwdevice_get_type_name(type), vi_av_error(rc));
    return rc >= 0;
}

void vi_video_use_hardware(vi_video_in *v, const AVCodec *codec)
{
    const AVCodecParameters *par = v->st->codecpar;
    bool any = v->hardware == VI_HARDWARE_AUTO;
    vi_video_free_hardware(v);
    if (v->hardware == VI_HARDWARE_OFF || !exact(par->codec_id) || (any && (int64_t)par->width * par->height < WORTH_IT))
        return;
    bool found = (any || v->hardware == VI_HARDWARE_CUDA) && open_device(v, codec, AV_HWDEVICE_TYPE_CUDA);
    if (!found && (any || v->hardware == VI_HARDWARE_VAAPI))
        found = open_device(v, codec, AV_HWDEVICE_TYPE_VAAPI);
    if (!found && !any)
        vi_warn(v->log, "%s: no such device decodes %s here; the processor does", v->path, codec->name);
    v->landing = found ? av_frame_alloc() : NULL;
    if (!v->landing) {
        av_buffer_unref(&v->device);
        return;
    }
    v->dc->hw_device_ctx = av_buffer_ref(v->device);
    v->dc->get_format = choose;
    v->dc->thread_count = 1; /* the device is asked from one thread alone, between frames */
}

/* Memory for one frame of the size and format that the device hands over. */
static int landing_place(vi_video_in *v, const AVFrame *from)
{
    AVFrame *to = v->landing;
    enum AVPixelFormat *list = NULL;
    int rc = from->hw_frames_ctx ? av_hwframe_transfer_get_formats(from->hw_frames_ctx, AV_HWFRAME_TRANSFER_DIRECTION_FROM, &list, 0)
                                 : AVERROR(EINVAL);
    if (rc < 0)
        return rc;
    to->format = list[0];
    to->width = from->width;
    to->height = from->height;
    av_free(list);
    int size = av_image_get_buffer_size(to->format, to->width, to->height, ALIGN);
    if (size < 0)
        return size;
    /* The pool only serves one size; a stream that changes it gets another one. */
    if (v->landings && (to->buf[0] = av_buffer_pool_get(v->landings)) && to->buf[0]->size != (size_t)size) {
        av_buffer_unref(&to->buf[0]);
        av_buffer_pool_uninit(&v->landings);
    }
    if (!v->landings && !(v->landings = av_buffer_pool_init((size_t)size, NULL)))
        return AVERROR(ENOMEM);
    if (!to->buf[0] && !(to->buf[0] = av_buffer_pool_get(v->landings)))
        return AVERROR(ENOMEM);
    rc = av_image_fill_arrays(to->data, to->linesize, to->buf[0]->data, to->format, to->width, to->height, ALIGN);
    to->extended_data = to->data;
    return rc;
}

int vi_video_land(vi_video_in *v, viso_error *err)
{
    if (!v->device || v->av->format != v->remote)
        return 0;
    int rc = landing_place(v, v->av);
    if (rc >= 0)
        rc = av_hwframe_transfer_data(v->landing, v->av, 0);
    if (rc >= 0)
        rc = av_frame_copy_props(v->landing, v->av);
    av_frame_unref(v->av);
    if (rc < 0) {
        av_frame_unref(v->landing);
        return vi_error_set(err, VISO_ERR_DEVICE, "%s: the decoding device failed: %s", v->path, vi_av_error(rc));
    }
    av_frame_move_ref(v->av, v->landing);
    if (!v->landed)
        vi_info(v->log, "%s: decoded on %s", v->path, av_get_pix_fmt_name(v->remote));
    v->landed = true;
    return 0;
}

int vi_video_leave_hardware(vi_reader *r, int64_t *pts, viso_error *err)
{
    vi_video_in *v = r->video;
    int64_t last = v->last_pts;
    if (v->landed)
        vi_warn(v->log, "%s: the decoding device failed at frame %lld; the processor goes on", v->path, (long long)v->number);
    else
        vi_info(v->log, "%s: the device cannot decode it; the processor goes on", v->path);
    v->hardware = VI_HARDWARE_OFF;
    v->told_change = true; /* the processor's frames lie otherwise in memory, and nothing else changes */
    avcodec_free_context(&v->dc);
    int rc = vi_video_start_decoder(v, err);
    return rc ? rc : vi_video_go_to(r, last == INT64_MIN ? last : last + 1, pts, err);
}

void vi_video_free_hardware(vi_video_in *v)
{
    av_frame_free(&v->landing);
    av_buffer_pool_uninit(&v->landings);
    av_buffer_unref(&v->device);
    v->remote = AV_PIX_FMT_NONE;
}
