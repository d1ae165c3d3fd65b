/* media/out/streams.c: copying the other streams. Packets are read from a second opening of the target only as far as the
 * picture has come, so that memory does not depend on the length of the clip. */
#include "media/out/streams.h"

#include <string.h>

static bool is_container(const AVFormatContext *out, const char *name)
{
    return strcmp(out->oformat->name, name) == 0;
}

/* The tag is kept where the container knows it under the same codec; else the muxer chooses. */
static uint32_t tag_for(const AVOutputFormat *of, const AVCodecParameters *par)
{
    unsigned other;
    if (!of->codec_tag || av_codec_get_id(of->codec_tag, par->codec_tag) == par->codec_id ||
        !av_codec_get_tag2(of->codec_tag, par->codec_id, &other))
        return par->codec_tag;
    return 0;
}

static int copy_form(AVStream *to, const AVStream *from, const AVOutputFormat *of)
{
    int rc = avcodec_parameters_copy(to->codecpar, from->codecpar);
    if (rc < 0)
        return rc;
    to->codecpar->codec_tag = tag_for(of, from->codecpar);
    to->time_base = from->time_base;
    to->disposition = from->disposition;
    to->avg_frame_rate = from->avg_frame_rate;
    to->r_frame_rate = from->r_frame_rate;
    to->sample_aspect_ratio = from->sample_aspect_ratio;
    to->duration = from->duration;
    for (int i = 0; i < from->nb_side_data; i++) {
        const AVPacketSideData *d = &from->side_data[i];
        uint8_t *p = av_stream_new_side_data(to, d->type, d->size);
        if (!p)
            return AVERROR(ENOMEM);
        memcpy(p, d->data, d->size);
    }
    return av_dict_copy(&to->metadata, from->metadata, 0);
}

/* Whether the container takes the stream: asked of a muxer of its own that writes into memory, because the tables of
 * codecs promise more than the muxers hold. */
static bool accepted(const AVOutputFormat *of, const AVStream *from)
{
    AVFormatContext *c = NULL;
    bool ok = false;
    uint8_t *bytes = NULL;
    if (avformat_query_codec(of, from->codecpar->codec_id, FF_COMPLIANCE_EXPERIMENTAL) == 0 &&
        from->codecpar->codec_type != AVMEDIA_TYPE_ATTACHMENT)
        return false;
    if (avformat_alloc_output_context2(&c, of, NULL, NULL) < 0)
        return false;
    c->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    AVStream *to = avformat_new_stream(c, NULL);
    if (to && copy_form(to, from, of) >= 0 && avio_open_dyn_buf(&c->pb) >= 0) {
        ok = avformat_write_header(c, NULL) >= 0;
        if (ok)
            av_write_trailer(c);
        avio_close_dyn_buf(c->pb, &bytes);
        av_free(bytes);
        c->pb = NULL;
    }
    avformat_free_context(c);
    return ok;
}

/* Streams that are written again by other means: chapter tracks come from the chapters, time code tracks from metadata. */
static bool remade(const AVStream *st)
{
    return st->codecpar->codec_type == AVMEDIA_TYPE_DATA &&
           (st->discard == AVDISCARD_ALL || st->codecpar->codec_tag == MKTAG('t', 'm', 'c', 'd'));
}

static const char *kind_of(const AVStream *st)
{
    const char *k = av_get_media_type_string(st->codecpar->codec_type);
    return k ? k : "unknown";
}

/* Facts about the old coding that no longer hold for the picture stream. */
static void forget_coding(AVStream *video)
{
    static const char *const stale[] = { "encoder", "BPS", "NUMBER_OF_BYTES", "NUMBER_OF_FRAMES", "DURATION",
                                         "_STATISTICS_WRITING_APP", "_STATISTICS_WRITING_DATE_UTC", "_STATISTICS_TAGS" };
    for (size_t i = 0; i < VI_COUNT(stale); i++) {
        const AVDictionaryEntry *e;
        while ((e = av_dict_get(video->metadata, stale[i], NULL, AV_DICT_IGNORE_SUFFIX))) {
            char *key = vi_strdup(e->key);
            if (!key)
                return;
            av_dict_set(&video->metadata, key, NULL, 0);
            vi_free(key);
        }
    }
}

/* Side data of the old stream that describes the picture, not its coding. */
static bool picture_side(enum AVPacketSideDataType t)
{
    return t == AV_PKT_DATA_DISPLAYMATRIX || t == AV_PKT_DATA_STEREO3D || t == AV_PKT_DATA_SPHERICAL ||
           t == AV_PKT_DATA_MASTERING_DISPLAY_METADATA || t == AV_PKT_DATA_CONTENT_LIGHT_LEVEL || t == AV_PKT_DATA_ICC_PROFILE;
}

static int make_video(AVFormatContext *out, const AVStream *from, AVStream **video)
{
    AVStream *to = avformat_new_stream(out, NULL);
    if (!to)
        return AVERROR(ENOMEM);
    to->disposition = from->disposition;
    to->avg_frame_rate = from->avg_frame_rate;
    to->r_frame_rate = from->r_frame_rate;
    for (int i = 0; i < from->nb_side_data; i++) {
        const AVPacketSideData *d = &from->side_data[i];
        uint8_t *p = picture_side(d->type) ? av_stream_new_side_data(to, d->type, d->size) : NULL;
        if (p)
            memcpy(p, d->data, d->size);
        else if (picture_side(d->type))
            return AVERROR(ENOMEM);
    }
    int rc = av_dict_copy(&to->metadata, from->metadata, 0);
    forget_coding(to);
    *video = to;
    return rc;
}

static int make_streams(vi_streams *s, int video_index, AVStream **video)
{
    for (int i = 0; i < s->n_map; i++) {
        AVStream *from = s->in->streams[i];
        s->map[i] = -1;
        if (i == video_index) {
            int rc = make_video(s->out, from, video);
            from->discard = AVDISCARD_ALL;
            if (rc < 0)
                return rc;
            continue;
        }
        if (remade(from)) {
            from->discard = AVDISCARD_ALL;
            continue;
        }
        if (!accepted(s->out->oformat, from)) {
            bool sound = from->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
            vi_warn(s->log, "%s: stream %d (%s, %s) cannot be stored in %s and is dropped%s", s->name, i, kind_of(from),
                    avcodec_get_name(from->codecpar->codec_id), s->out->oformat->name,
                    sound ? "; a result named .mkv or .mov may hold it" : "");
            from->discard = AVDISCARD_ALL;
            continue;
        }
        AVStream *to = avformat_new_stream(s->out, NULL);
        int rc = to ? copy_form(to, from, s->out->oformat) : AVERROR(ENOMEM);
        if (rc < 0)
            return rc;
        s->map[i] = to->index;
        if (from->codecpar->codec_type != AVMEDIA_TYPE_ATTACHMENT)
            s->copied++;
    }
    return 0;
}

static int copy_chapters(AVFormatContext *out, const AVFormatContext *in, int64_t shift, bool part)
{
    if (!in->nb_chapters)
        return 0;
    out->chapters = av_calloc(in->nb_chapters, sizeof *out->chapters); /* freed by avformat_free_context */
    if (!out->chapters)
        return AVERROR(ENOMEM);
    for (unsigned i = 0; i < in->nb_chapters; i++) {
        const AVChapter *from = in->chapters[i];
        if (part && av_compare_ts(from->end, from->time_base, shift, AV_TIME_BASE_Q) <= 0)
            continue;
        AVChapter *to = av_mallocz(sizeof *to);
        if (!to)
            return AVERROR(ENOMEM);
        int64_t off = av_rescale_q(shift, AV_TIME_BASE_Q, from->time_base);
        to->id = from->id;
        to->time_base = from->time_base;
        to->start = part ? VI_MAX(from->start - off, 0) : from->start - off;
        to->end = from->end - off;
        out->chapters[out->nb_chapters++] = to;
        int rc = av_dict_copy(&to->metadata, from->metadata, 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int copy_metadata(AVFormatContext *out, const AVFormatContext *in)
{
    /* What the muxer writes itself, and the XMP packet, which is written marked. */
    static const char *const own[] = { "major_brand", "minor_version", "compatible_brands", "encoder", "xmp" };
    int rc = av_dict_copy(&out->metadata, in->metadata, 0);
    for (size_t i = 0; rc >= 0 && i < VI_COUNT(own); i++)
        rc = av_dict_set(&out->metadata, own[i], NULL, 0);
    return rc;
}

/* Transport streams begin at any time of day; files begin near zero. A part of a clip begins with its first frame. */
static int64_t shift_for(const AVFormatContext *in, int64_t begin)
{
    if (begin != INT64_MIN)
        return begin;
    return in->iformat && (in->iformat->flags & AVFMT_TS_DISCONT) && in->start_time != AV_NOPTS_VALUE ? in->start_time : 0;
}

int vi_streams_open(vi_streams *s, const char *like_path, int video_index, int64_t begin, AVFormatContext *out, AVStream **video,
                    const vi_log *log, const char *name, viso_error *err)
{
    memset(s, 0, sizeof *s);
    s->out = out;
    s->log = log;
    s->name = name;
    int rc = 0;
    if (video_index >= 0)
        rc = vi_video_open_input(&s->in, like_path, log, err);
    else if (!(s->in = avformat_alloc_context())) /* a file without anything in it */
        rc = vi_error_nomem(err, name);
    if (rc)
        return rc;
    if (video_index >= 0 && video_index >= (int)s->in->nb_streams)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: changed while it was read", like_path);
    s->n_map = (int)s->in->nb_streams;
    s->map = vi_calloc((size_t)s->n_map + 1, sizeof *s->map);
    s->broken = vi_calloc((size_t)s->n_map + 1, sizeof *s->broken);
    s->pkt = av_packet_alloc();
    if (!s->map || !s->broken || !s->pkt)
        return vi_error_nomem(err, name);
    s->shift = shift_for(s->in, begin);
    s->part = begin != INT64_MIN;
    if (video_index < 0 && !(*video = avformat_new_stream(out, NULL)))
        return vi_error_nomem(err, name);
    if (make_streams(s, video_index, video) < 0 || copy_chapters(out, s->in, s->shift, s->part) < 0 || copy_metadata(out, s->in) < 0)
        return vi_error_nomem(err, name);
    if (s->in->nb_chapters && is_container(out, "webm"))
        vi_debug(log, "%s: chapters are written as Matroska chapters", name);
    s->ended = s->copied == 0;
    if (s->part && !s->ended) /* where that cannot be done, all is read and dropped */
        avformat_seek_file(s->in, -1, INT64_MIN, s->shift, s->shift, 0);
    return 0;
}

int64_t vi_streams_delay(const AVFormatContext *out, const AVCodecParameters *par, AVRational tb)
{
    bool matroska = is_container(out, "matroska") || is_container(out, "webm");
    if (!matroska || par->codec_id != AV_CODEC_ID_OPUS || par->sample_rate <= 0)
        return 0;
    return av_rescale_q(par->initial_padding, (AVRational){ 1, par->sample_rate }, tb);
}

int64_t vi_streams_shift(const vi_streams *s, AVRational tb)
{
    return av_rescale_q(s->shift, AV_TIME_BASE_Q, tb);
}

/* What begins before a part does not belong to it. */
static bool before_part(const vi_streams *s)
{
    int64_t t = s->pkt->pts != AV_NOPTS_VALUE ? s->pkt->pts : s->pkt->dts;
    return s->part && t != AV_NOPTS_VALUE &&
           av_compare_ts(t, s->in->streams[s->pkt->stream_index]->time_base, s->shift, AV_TIME_BASE_Q) < 0;
}

/* Makes s->pkt the next packet of a copied stream, or sets `ended`. */
static void advance(vi_streams *s)
{
    while (!s->holding && !s->ended) {
        if (av_read_frame(s->in, s->pkt) < 0) {
            s->ended = true;
            return;
        }
        int i = s->pkt->stream_index;
        if (i < s->n_map && s->map[i] >= 0 && !before_part(s)) /* streams found late in the file have no place */
            s->holding = true;
        else
            av_packet_unref(s->pkt);
    }
}

static int write_held(vi_streams *s, viso_error *err)
{
    AVPacket *p = s->pkt;
    const AVStream *from = s->in->streams[p->stream_index];
    AVStream *to = s->out->streams[s->map[p->stream_index]];
    int64_t off = vi_streams_shift(s, from->time_base);
    if (p->pts != AV_NOPTS_VALUE)
        p->pts -= off;
    if (p->dts != AV_NOPTS_VALUE)
        p->dts -= off;
    av_packet_rescale_ts(p, from->time_base, to->time_base);
    int64_t delay = vi_streams_delay(s->out, from->codecpar, to->time_base);
    if (p->pts != AV_NOPTS_VALUE)
        p->pts += delay;
    if (p->dts != AV_NOPTS_VALUE)
        p->dts += delay;
    p->stream_index = to->index;
    p->pos = -1;
    s->holding = false;
    if (s->broken[to->index]) {
        av_packet_unref(p);
        return 0;
    }
    int rc = av_interleaved_write_frame(s->out, p); /* takes the packet in any case */
    if (rc >= 0)
        return 0;
    if (s->out->pb && s->out->pb->error < 0)
        return vi_error_set(err, vi_av_status(s->out->pb->error, VISO_ERR_INPUT), "%s: cannot be written: %s", s->name,
                            vi_av_error(s->out->pb->error));
    if (rc == AVERROR(ENOMEM))
        return vi_error_nomem(err, s->name);
    vi_warn(s->log, "%s: stream %d (%s) is refused by the container in mid-file (%s) and ends there", s->name, to->index,
            kind_of(from), vi_av_error(rc));
    s->broken[to->index] = true;
    return 0;
}

int vi_streams_copy(vi_streams *s, int64_t until, viso_error *err)
{
    for (;;) {
        advance(s);
        if (s->ended)
            return 0;
        const AVStream *from = s->in->streams[s->pkt->stream_index];
        int64_t t = s->pkt->dts != AV_NOPTS_VALUE ? s->pkt->dts : s->pkt->pts;
        if (t != AV_NOPTS_VALUE && until != INT64_MAX &&
            av_compare_ts(t - vi_streams_shift(s, from->time_base), from->time_base, until, AV_TIME_BASE_Q) > 0)
            return 0;
        int rc = write_held(s, err);
        if (rc)
            return rc;
    }
}

void vi_streams_close(vi_streams *s)
{
    av_packet_free(&s->pkt);
    avformat_close_input(&s->in);
    vi_free(s->map);
    vi_free(s->broken);
    memset(s, 0, sizeof *s);
}
