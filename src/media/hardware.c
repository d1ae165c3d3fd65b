/* media/hardware.c: what FFmpeg can do on devices: whether a device opens, and which of its decoders and encoders work. Each is
 * really opened, for a name in FFmpeg's list says nothing of the machine. Any thread. */
#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <string.h>

#include "media/av.h"
#include "media/media.h"

typedef struct coder {
    const char *name, *codec; /* for people; FFmpeg's */
} coder;

static const coder decoders[] = { { "H.264", "h264_cuvid" }, { "H.265", "hevc_cuvid" }, { "VP9", "vp9_cuvid" },
                                  { "AV1", "av1_cuvid" } };
static const coder encoders[] = { { "H.264", "h264_nvenc" }, { "H.265", "hevc_nvenc" }, { "AV1", "av1_nvenc" } };

static void add(char *list, size_t room, const char *name)
{
    size_t used = strlen(list);
    snprintf(list + used, room - used, "%s%s", used ? ", " : "", name);
}

static bool opens(const AVCodec *codec, AVBufferRef *device, int *why)
{
    AVCodecContext *c = avcodec_alloc_context3(codec);
    if (!c)
        return false;
    c->width = c->coded_width = 640;
    c->height = c->coded_height = 480;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->time_base = (AVRational){ 1, 25 };
    c->pkt_timebase = c->time_base;
    if (av_codec_is_decoder(codec))
        c->hw_device_ctx = av_buffer_ref(device);
    *why = avcodec_open2(c, codec, NULL);
    avcodec_free_context(&c);
    return *why == 0;
}

/* "H.264, H.265", or why there is none. */
static bool works(char *text, size_t room, const coder *list, size_t n, AVBufferRef *device)
{
    bool known = false;
    int why = 0;
    text[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const AVCodec *codec = avcodec_find_decoder_by_name(list[i].codec);
        codec = codec ? codec : avcodec_find_encoder_by_name(list[i].codec);
        known |= codec != NULL;
        if (codec && opens(codec, device, &why))
            add(text, room, list[i].name);
    }
    if (text[0])
        return true;
    snprintf(text, room, known ? "none opens: %s" : "this FFmpeg was built without it%.0s", vi_av_error(why));
    return false;
}

int vi_media_hardware(vi_media_device *list, int max)
{
    AVBufferRef *device = NULL;
    if (max < 2)
        return 0;
    vi_av_init();
    snprintf(list[0].name, sizeof list[0].name, "NVDEC");
    snprintf(list[1].name, sizeof list[1].name, "NVENC");
    int rc = av_hwdevice_ctx_create(&device, AV_HWDEVICE_TYPE_CUDA, NULL, NULL, 0);
    for (int i = 0; i < 2; i++) {
        list[i].works = false;
        if (rc < 0)
            snprintf(list[i].text, sizeof list[i].text, "the device does not open: %s", vi_av_error(rc));
    }
    if (rc < 0)
        return 2;
    list[0].works = works(list[0].text, sizeof list[0].text, decoders, VI_COUNT(decoders), device);
    list[1].works = works(list[1].text, sizeof list[1].text, encoders, VI_COUNT(encoders), device);
    av_buffer_unref(&device);
    return 2;
}

int vi_media_decoders(char *missing, size_t room)
{
    static const struct {
        const char *name;
        enum AVCodecID id;
    } usual[] = { { "H.264", AV_CODEC_ID_H264 }, { "H.265", AV_CODEC_ID_HEVC }, { "VP9", AV_CODEC_ID_VP9 }, { "AV1", AV_CODEC_ID_AV1 },
                  { "ProRes", AV_CODEC_ID_PRORES }, { "MPEG-2", AV_CODEC_ID_MPEG2VIDEO }, { "MPEG-4", AV_CODEC_ID_MPEG4 } };
    int n = 0;
    missing[0] = 0;
    for (size_t i = 0; i < VI_COUNT(usual); i++) {
        if (avcodec_find_decoder(usual[i].id))
            n++;
        else
            add(missing, room, usual[i].name);
    }
    return n;
}
