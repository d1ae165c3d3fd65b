/* media/av.c: glue to FFmpeg. Process-wide are FFmpeg's own log callback and the list of handles it may use. */
#include "media/av.h"

#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
static const vi_log *known[64]; /* one per open reader and writer; those beyond stay silent */

static bool change_known(const vi_log *from, const vi_log *to)
{
    bool found = false;
    pthread_mutex_lock(&known_lock);
    for (size_t i = 0; i < VI_COUNT(known) && !found; i++) {
        found = known[i] == from;
        if (found)
            known[i] = to;
    }
    pthread_mutex_unlock(&known_lock);
    return found;
}

void vi_av_announce(const vi_log *log)
{
    vi_av_init();
    change_known(NULL, log);
}

void vi_av_forget(const vi_log *log)
{
    if (log)
        change_known(log, NULL);
}

static viso_log_level level_of(int av)
{
    /* What FFmpeg calls an error is often survived; faults of ours are reported as errors by the code that meets them. */
    return av <= AV_LOG_ERROR ? VISO_LOG_INFO : av <= AV_LOG_INFO ? VISO_LOG_DEBUG : VISO_LOG_TRACE;
}

/* The log handle of the nearest format or codec context above this object. */
static const vi_log *log_of(void *object)
{
    for (int up = 0; object && up < 4; up++) {
        const AVClass *c = *(const AVClass **)object;
        if (!c || !c->class_name)
            return NULL;
        if (strcmp(c->class_name, "AVCodecContext") == 0)
            return ((AVCodecContext *)object)->opaque;
        if (strcmp(c->class_name, "AVFormatContext") == 0)
            return ((AVFormatContext *)object)->opaque;
        if (!c->parent_log_context_offset)
            return NULL;
        object = *(void **)((uint8_t *)object + c->parent_log_context_offset);
    }
    return NULL;
}

static void on_log(void *object, int av_level, const char *fmt, va_list args)
{
    viso_log_level level = level_of(av_level & 0xff);
    const vi_log *log = object ? log_of(object) : NULL;
    if (!log || !change_known(log, log) || !log->fn || level > log->level)
        return;
    char text[512];
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = 0;
    const AVClass *c = *(const AVClass **)object;
    if (text[0])
        vi_log_write(log, level, "%s: %s", c->item_name ? c->item_name(object) : c->class_name, text);
}

static void init_once(void)
{
    av_log_set_callback(on_log);
}

void vi_av_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_once);
}

const char *vi_av_error(int code)
{
    static _Thread_local char text[AV_ERROR_MAX_STRING_SIZE];
    av_strerror(code, text, sizeof text);
    return text;
}

int vi_av_status(int code, int other)
{
    return code == AVERROR(ENOSPC) || code == AVERROR(ENOMEM) || code == AVERROR(EDQUOT) ? VISO_ERR_NO_SPACE : other;
}

static const struct {
    enum AVPixelFormat av;
    vi_format vi;
} twins[] = {
    { AV_PIX_FMT_GRAY8, VI_FORMAT_GRAY8 },       { AV_PIX_FMT_GRAY16, VI_FORMAT_GRAY16 },
    { AV_PIX_FMT_RGB24, VI_FORMAT_RGB24 },       { AV_PIX_FMT_RGBA, VI_FORMAT_RGBA },
    { AV_PIX_FMT_RGB48, VI_FORMAT_RGB48 },       { AV_PIX_FMT_RGBA64, VI_FORMAT_RGBA64 },
    { AV_PIX_FMT_YUV420P, VI_FORMAT_YUV420P },   { AV_PIX_FMT_YUV422P, VI_FORMAT_YUV422P },
    { AV_PIX_FMT_YUV444P, VI_FORMAT_YUV444P },   { AV_PIX_FMT_YUV420P10, VI_FORMAT_YUV420P10 },
    { AV_PIX_FMT_YUV422P10, VI_FORMAT_YUV422P10 }, { AV_PIX_FMT_YUV444P10, VI_FORMAT_YUV444P10 },
    { AV_PIX_FMT_NV12, VI_FORMAT_NV12 },         { AV_PIX_FMT_P010, VI_FORMAT_P010 },
    /* Same planes under another name: full range, or an alpha plane that is left alone. */
    { AV_PIX_FMT_YUVJ420P, VI_FORMAT_YUV420P },  { AV_PIX_FMT_YUVJ422P, VI_FORMAT_YUV422P },
    { AV_PIX_FMT_YUVJ444P, VI_FORMAT_YUV444P },  { AV_PIX_FMT_YUVA420P, VI_FORMAT_YUV420P },
    { AV_PIX_FMT_YUVA422P, VI_FORMAT_YUV422P },  { AV_PIX_FMT_YUVA444P, VI_FORMAT_YUV444P },
    { AV_PIX_FMT_YUVA420P10, VI_FORMAT_YUV420P10 }, { AV_PIX_FMT_YUVA422P10, VI_FORMAT_YUV422P10 },
    { AV_PIX_FMT_YUVA444P10, VI_FORMAT_YUV444P10 },
};

vi_format vi_av_format(enum AVPixelFormat p, bool *direct)
{
    *direct = true;
    for (size_t i = 0; i < VI_COUNT(twins); i++) {
        if (twins[i].av == p)
            return twins[i].vi;
    }
    *direct = false;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p);
    if (!d || (d->flags & (AV_PIX_FMT_FLAG_HWACCEL)) || !sws_isSupportedInput(p))
        return VI_FORMAT_NONE;
    bool deep = d->comp[0].depth > 8;
    bool alpha = (d->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
    if (p == AV_PIX_FMT_PAL8)
        return VI_FORMAT_RGB24;
    if (d->nb_components <= 2)
        return deep ? VI_FORMAT_GRAY16 : VI_FORMAT_GRAY8;
    if ((d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_BAYER)) || p == AV_PIX_FMT_XYZ12LE || p == AV_PIX_FMT_XYZ12BE)
        return alpha ? (deep ? VI_FORMAT_RGBA64 : VI_FORMAT_RGBA) : (deep ? VI_FORMAT_RGB48 : VI_FORMAT_RGB24);
    int cw = d->log2_chroma_w, ch = d->log2_chroma_h;
    if (cw && ch) /* 4:2:0, 4:1:0 */
        return deep ? VI_FORMAT_YUV420P10 : VI_FORMAT_YUV420P;
    if (cw) /* 4:2:2, 4:1:1 */
        return deep ? VI_FORMAT_YUV422P10 : VI_FORMAT_YUV422P;
    return deep ? VI_FORMAT_YUV444P10 : VI_FORMAT_YUV444P; /* 4:4:4, 4:4:0 */
}

enum AVPixelFormat vi_av_pixel_format(vi_format f)
{
    for (size_t i = 0; i < VI_COUNT(twins); i++) {
        if (twins[i].vi == f)
            return twins[i].av;
    }
    return AV_PIX_FMT_NONE;
}

bool vi_av_has_alpha(enum AVPixelFormat p)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p);
    return d && (d->flags & AV_PIX_FMT_FLAG_ALPHA) && p != AV_PIX_FMT_PAL8;
}

static bool is_j(enum AVPixelFormat p)
{
    return p == AV_PIX_FMT_YUVJ420P || p == AV_PIX_FMT_YUVJ422P || p == AV_PIX_FMT_YUVJ444P || p == AV_PIX_FMT_YUVJ440P ||
           p == AV_PIX_FMT_YUVJ411P;
}

vi_colour vi_av_colour(const AVFrame *f)
{
    vi_colour c = { .primaries = (uint8_t)f->color_primaries, .transfer = (uint8_t)f->color_trc, .matrix = (uint8_t)f->colorspace,
                    .range = (uint8_t)f->color_range, .chroma = (uint8_t)f->chroma_location };
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    bool rgb = d && (d->flags & AV_PIX_FMT_FLAG_RGB);
    if (is_j(f->format) || ((rgb || f->format == AV_PIX_FMT_PAL8) && c.range == 0))
        c.range = AVCOL_RANGE_JPEG;
    if (rgb || f->format == AV_PIX_FMT_PAL8)
        c.matrix = AVCOL_SPC_RGB;
    return c;
}

/* The plain name of a yuvj format: its range is said separately. */
static enum AVPixelFormat plain(enum AVPixelFormat p)
{
    switch (p) {
    case AV_PIX_FMT_YUVJ420P: return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P: return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P: return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P: return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P: return AV_PIX_FMT_YUV411P;
    default: return p;
    }
}

static bool is_rgb(enum AVPixelFormat p)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p);
    return d && ((d->flags & AV_PIX_FMT_FLAG_RGB) || p == AV_PIX_FMT_PAL8);
}

int vi_convert_run(vi_convert *c, const AVFrame *src, AVFrame *dst, const vi_colour *colour)
{
    enum AVPixelFormat from = plain(src->format), to = plain(dst->format);
    c->sws = sws_getCachedContext(c->sws, src->width, src->height, from, dst->width, dst->height, to,
                                  SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, NULL, NULL, NULL);
    if (!c->sws)
        return AVERROR(EINVAL);
    int matrix = colour->matrix == AVCOL_SPC_RGB || colour->matrix == AVCOL_SPC_UNSPECIFIED || !colour->matrix
                     ? (src->height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M)
                     : colour->matrix;
    const int *k = sws_getCoefficients(matrix);
    int full = colour->range == AVCOL_RANGE_JPEG;
    /* RGB is full range by nature; YUV has the range of `colour` on both sides, so that YUV to YUV keeps its numbers. */
    int from_full = is_rgb(from) || full, to_full = is_rgb(to) || full;
    sws_setColorspaceDetails(c->sws, k, from_full, k, to_full, 0, 1 << 16, 1 << 16);
    int rc = sws_scale(c->sws, (const uint8_t *const *)src->data, src->linesize, 0, src->height, dst->data, dst->linesize);
    return rc < 0 ? rc : 0;
}

void vi_convert_clear(vi_convert *c)
{
    sws_freeContext(c->sws);
    c->sws = NULL;
}

char *vi_av_address(const char *path)
{
    return strstr(path, "://") && !vi_file_exists(path) ? vi_strdup(path) : vi_asprintf("file:%s", path);
}
