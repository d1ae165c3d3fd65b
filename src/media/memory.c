/* media/memory.c: how much memory decoding and encoding take, in frames of the clip's format. The figures were fitted to what the
 * libraries took at 720p, 1080p and 2160p (docs/devices.md has how well they hold). Any thread. */
#include "media/media.h"
#include "media/out/encoder.h"

enum { AUTO, H264, H265, VP9, AV1, PRORES, FFV1 }; /* the choices of vi_output_settings.codec */

uint64_t vi_media_frame_bytes(const vi_media_info *info)
{
    const vi_format_info *f = vi_format_describe(info->format);
    uint64_t luma = (uint64_t)info->width * (uint64_t)info->height * f->bytes;
    if (!f->yuv)
        return luma * f->components;
    return luma + 2 * (luma >> (f->chroma_w_log2 + f->chroma_h_log2));
}

uint64_t vi_media_decoder_bytes(const vi_media_info *info)
{
    /* Reference frames, frames that wait for their turn, and one at work in each thread. */
    return vi_media_frame_bytes(info) * (uint64_t)(6 + vi_cpu_count());
}

/* Presets from ultrafast to placebo. */
static const struct {
    int lookahead, references;
} x264[] = { { 0, 1 }, { 0, 1 }, { 10, 1 }, { 20, 2 }, { 30, 2 }, { 40, 3 }, { 50, 5 }, { 60, 8 }, { 60, 16 }, { 60, 16 } };
static const int x265[] = { 5, 10, 15, 15, 15, 20, 25, 40, 40, 60 };

/* Of either table. */
static int row_of(const vi_output_settings *s, int usual)
{
    return vi_clampi(s->preset > 0 ? s->preset : usual, 1, (int)VI_COUNT(x264)) - 1;
}

static int codec_of(const vi_media_info *info, const vi_output_settings *s)
{
    if (s->codec != AUTO)
        return s->codec;
    return vi_format_describe(info->format)->depth > 8 ? H265 : H264;
}

int vi_media_lookahead(const vi_media_info *info, const vi_output_settings *s)
{
    int usual = 0;
    switch (codec_of(info, s)) {
    case H264: usual = x264[row_of(s, VI_PRESET_H264)].lookahead; break;
    case H265: usual = x265[row_of(s, VI_PRESET_H265)]; break;
    case VP9: usual = 25; break;
    case AV1: usual = 35; break;
    default: break;
    }
    return s->lookahead >= 0 && usual ? VI_MIN(s->lookahead, usual) : usual;
}

uint64_t vi_media_encoder_bytes(const vi_media_info *info, const vi_output_settings *s)
{
    int row = row_of(s, VI_PRESET_H264), ahead = vi_media_lookahead(info, s);
    int threads = s->encoder_threads > 0 ? s->encoder_threads : vi_cpu_count();
    uint64_t frame = vi_media_frame_bytes(info), mib = (uint64_t)1 << 20;
    switch (codec_of(info, s)) {
    case H264:
        /* A frame looked ahead keeps a smaller copy and its motion; a reference three interpolated copies. */
        return 25 * mib + frame * (uint64_t)(row == 0 ? 3 + 3 * threads
                                                         : 12 + 2 * ahead + 3 * x264[row].references + 9 * threads);
    case H265: return 33 * mib + frame * (uint64_t)(50 + 5 * ahead / 2);
    case VP9: return 31 * mib + frame * (uint64_t)(40 + 3 * ahead / 2);
    case AV1: return 48 * mib + frame * (uint64_t)(47 + 3 * ahead / 2);
    case FFV1: return 6 * mib + frame * 8;
    default: return 2 * mib + frame * 4;
    }
}
