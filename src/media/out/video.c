/* media/out/video.c: encoder, muxer and the copied streams put together. One owner thread.
 *
 * Time is kept by using one time base throughout: the target stream's is the encoder's and, where the container allows,
 * the track's. */
#include "media/out/video.h"

#include <errno.h>
#include <libavutil/mathematics.h>
#include <stdio.h>
#include <string.h>

#include "media/out/encoder.h"
#include "media/out/streams.h"
#include "media/xmp.h"

struct vi_video_out {
    AVFormatContext *fc;
    AVStream *st;
    vi_encoder enc;
    vi_streams streams;
    char *path, *name;
    const vi_log *log;
    bool begun;              /* the header is written */
    bool mark, mp4, mov;
    bool part_ends;          /* before the clip does */
    vi_buf xmp;
    int64_t last_end;        /* AV_TIME_BASE units: end of the last frame written */
};

const char *vi_video_container(const char *ext)
{
    static const struct {
        char ext[5];
        const char *muxer;
    } known[] = { { "mp4", "mp4" }, { "m4v", "mp4" }, { "mov", "mov" }, { "mkv", "matroska" }, { "webm", "webm" } };
    for (size_t i = 0; i < VI_COUNT(known); i++) {
        if (strcmp(known[i].ext, ext) == 0)
            return known[i].muxer;
    }
    return NULL;
}

static int io_fault(vi_video_out *v, int rc, const char *what, viso_error *err)
{
    int io = v->fc && v->fc->pb && v->fc->pb->error < 0 ? v->fc->pb->error : rc;
    return vi_error_set(err, vi_av_status(io, VISO_ERR_INPUT), "%s: %s: %s", v->name, what, vi_av_error(io));
}

/* MP4 counts start times ("empty edits") in the movie's time scale; where a stream does not begin at zero it must count
 * finely enough for all. */
static int movie_scale(const vi_video_out *v)
{
    int64_t scale = 1000;
    bool late = false;
    for (unsigned i = 0; i < v->streams.in->nb_streams; i++) {
        const AVStream *st = v->streams.in->streams[i];
        late |= st->start_time != AV_NOPTS_VALUE && st->start_time > 0 && !v->streams.part;
    }
    if (!late)
        return 1000;
    scale = 1;
    for (unsigned i = 0; i < v->streams.in->nb_streams; i++) {
        int64_t den = v->streams.in->streams[i]->time_base.den;
        int64_t all = scale / av_gcd(scale, den) * den;
        if (den > 0 && all <= 50000000)
            scale = all;
    }
    return (int)VI_MAX(scale, 1000);
}

static bool needs_mdta(const AVDictionary *d)
{
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(d, "com.", e, AV_DICT_IGNORE_SUFFIX)))
        return true;
    return false;
}

/* Matroska cannot store times before zero, and its muxer moves everything when it meets one. When all streams begin at
 * zero once codec delays are added, there is nothing to move. */
static bool begins_before_zero(const vi_video_out *v)
{
    static const AVRational ms = { 1, 1000 }; /* Matroska's clock */
    if (v->streams.part)
        return false;
    for (unsigned i = 0; i < v->streams.in->nb_streams; i++) {
        const AVStream *st = v->streams.in->streams[i];
        if (st->start_time != AV_NOPTS_VALUE &&
            av_rescale_q(st->start_time, st->time_base, ms) + vi_streams_delay(v->fc, st->codecpar, ms) < 0)
            return true;
    }
    return false;
}

static int write_header(vi_video_out *v, viso_error *err)
{
    AVDictionary *o = NULL;
    if (!v->mp4 && !v->mov && !begins_before_zero(v))
        v->fc->avoid_negative_ts = 0;
    if (v->mp4 || v->mov) {
        char flags[64] = "+faststart";
        if (needs_mdta(v->fc->metadata))
            strcat(flags, "+use_metadata_tags");
        av_dict_set(&o, "movflags", flags, 0);
        av_dict_set_int(&o, "movie_timescale", movie_scale(v), 0);
        if (v->enc.c->time_base.den > 0)
            av_dict_set_int(&o, "video_track_timescale", v->enc.c->time_base.den, 0);
    }
    int rc = avformat_write_header(v->fc, &o);
    av_dict_free(&o);
    if (rc < 0)
        return io_fault(v, rc, "cannot begin the file", err);
    v->begun = true;
    return 0;
}

/* XMP as the target has it plus the mark. MP4 gets it as a box behind the last one, QuickTime through the muxer,
 * Matroska as a tag. */
static int prepare_mark(vi_video_out *v, viso_error *err)
{
    const AVDictionaryEntry *old = av_dict_get(v->streams.in->metadata, "xmp", NULL, 0);
    bool boxes = v->mp4 || v->mov;
    if (old)
        vi_buf_set(&v->xmp, old->value, strlen(old->value));
    if (boxes) {
        int rc = vi_xmp_settle(&v->xmp, v->mark, 0, 0, v->log, err);
        if (rc)
            return rc;
        vi_buf_put(&v->xmp, "", v->xmp.size ? 1 : 0);
        if (v->xmp.failed)
            return vi_error_nomem(err, v->name);
        if (v->mov && v->xmp.size && av_dict_set(&v->fc->metadata, "xmp", (const char *)v->xmp.data, 0) < 0)
            return vi_error_nomem(err, v->name);
        return 0;
    }
    if (v->xmp.size)
        vi_info(v->log, "%s: %s holds no XMP, the target's is dropped", v->name, v->fc->oformat->name);
    if (v->mark && av_dict_set(&v->fc->metadata, "DIGITAL_SOURCE_TYPE", VI_MARK_URI, 0) < 0)
        return vi_error_nomem(err, v->name);
    return 0;
}

static int open_video_stream(vi_video_out *v, const vi_reader *like, viso_error *err)
{
    AVStream *st = v->st;
    if (avcodec_parameters_from_context(st->codecpar, v->enc.c) < 0)
        return vi_error_nomem(err, v->name);
    st->time_base = v->enc.c->time_base;
    st->sample_aspect_ratio = v->enc.c->sample_aspect_ratio;
    /* Light levels known only from the pictures are told by the container as well. */
    static const struct {
        enum AVFrameSideDataType frame;
        enum AVPacketSideDataType stream;
    } light[] = { { AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_MASTERING_DISPLAY_METADATA },
                  { AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_CONTENT_LIGHT_LEVEL } };
    for (size_t i = 0; i < VI_COUNT(light); i++) {
        const AVFrameSideData *d = av_frame_get_side_data(vi_video_first(like->video), light[i].frame);
        if (!d || av_stream_get_side_data(st, light[i].stream, NULL))
            continue;
        uint8_t *p = av_stream_new_side_data(st, light[i].stream, d->size);
        if (!p)
            return vi_error_nomem(err, v->name);
        memcpy(p, d->data, d->size);
    }
    return 0;
}

static int open_file(vi_video_out *v, viso_error *err)
{
    char *url = vi_asprintf("file:%s", v->path);
    if (!url)
        return vi_error_nomem(err, v->name);
    int rc = avio_open(&v->fc->pb, url, AVIO_FLAG_WRITE);
    av_freep(&v->fc->url);
    v->fc->url = av_strdup(url); /* faststart opens the file again by this name */
    vi_free(url);
    if (rc < 0)
        return io_fault(v, rc, "cannot be written", err);
    return v->fc->url ? 0 : vi_error_nomem(err, v->name);
}

int vi_video_out_open(vi_video_out **out, const char *temp_path, const vi_writer_params *p, const vi_log *log, viso_error *err)
{
    char ext[16];
    vi_extension(p->path, ext);
    const char *muxer = vi_video_container(ext);
    vi_av_init();
    vi_video_out *v = vi_calloc(1, sizeof *v);
    if (!v)
        return vi_error_nomem(err, p->path);
    *out = v;
    v->log = log;
    v->mark = p->mark;
    v->path = vi_strdup(temp_path);
    v->name = vi_strdup(p->path);
    if (!v->path || !v->name)
        return vi_error_nomem(err, p->path);
    if (avformat_alloc_output_context2(&v->fc, NULL, muxer, NULL) < 0)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: this FFmpeg cannot write %s", v->name, muxer);
    v->fc->opaque = (void *)(uintptr_t)log;
    v->fc->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    v->mp4 = strcmp(muxer, "mp4") == 0;
    v->mov = strcmp(muxer, "mov") == 0;
    const AVStream *from = vi_video_stream(p->like->video);
    int64_t begin, end;
    vi_video_range(p->like->video, &begin, &end);
    v->part_ends = end != INT64_MAX;
    begin = begin == INT64_MIN ? begin : av_rescale_q(begin, from->time_base, AV_TIME_BASE_Q);
    int rc = vi_streams_open(&v->streams, p->like_path, from->index, begin, v->fc, &v->st, log, v->name, err);
    if (!rc)
        rc = vi_encoder_open(&v->enc, p->like, v->fc->oformat, p->settings, v->name, log, err);
    if (!rc)
        rc = open_video_stream(v, p->like, err);
    if (!rc)
        rc = prepare_mark(v, err);
    if (!rc)
        rc = open_file(v, err);
    if (!rc)
        rc = write_header(v, err);
    return rc;
}

static int64_t in_microseconds(const vi_video_out *v, int64_t t)
{
    return av_rescale_q(t, v->enc.c->time_base, AV_TIME_BASE_Q);
}

/* One coded frame into the file, after everything of the other streams that comes before it. */
static int mux(vi_video_out *v, viso_error *err)
{
    AVPacket *p = v->enc.pkt;
    int64_t off = vi_streams_shift(&v->streams, v->enc.c->time_base);
    p->pts -= off;
    p->dts -= off;
    int rc = vi_streams_copy(&v->streams, in_microseconds(v, p->dts), err);
    if (rc)
        return rc;
    v->last_end = VI_MAX(v->last_end, in_microseconds(v, p->pts + p->duration));
    av_packet_rescale_ts(p, v->enc.c->time_base, v->st->time_base);
    p->stream_index = v->st->index;
    rc = av_interleaved_write_frame(v->fc, p);
    if (rc < 0 || v->fc->pb->error < 0)
        return io_fault(v, rc, "cannot be written", err);
    return 0;
}

static int drain(vi_video_out *v, viso_error *err)
{
    for (;;) {
        int rc = vi_encoder_receive(&v->enc, err);
        if (rc == VISO_AGAIN || rc == VISO_EOF)
            return 0;
        if (!rc)
            rc = mux(v, err);
        if (rc)
            return rc;
    }
}

int vi_video_out_write(vi_video_out *v, vi_frame *f, viso_error *err)
{
    int rc = vi_encoder_send(&v->enc, f, err);
    return rc ? rc : drain(v, err);
}

/* The XMP box of ISO base media files (XMP specification part 3, 1.2.7): a uuid box at top level; the last place moves
 * nothing else. */
static int append_xmp_box(vi_video_out *v, viso_error *err)
{
    static const uint8_t uuid[16] = { 0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8,
                                      0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac };
    size_t n = v->xmp.size - 1, all = n + 24; /* without the NUL */
    uint8_t head[8] = { (uint8_t)(all >> 24), (uint8_t)(all >> 16), (uint8_t)(all >> 8), (uint8_t)all, 'u', 'u', 'i', 'd' };
    FILE *f = fopen(v->path, "abe");
    bool ok = f && fwrite(head, 8, 1, f) == 1 && fwrite(uuid, 16, 1, f) == 1 && fwrite(v->xmp.data, 1, n, f) == n;
    int e = errno;
    if (f && fclose(f) != 0 && ok) {
        ok = false;
        e = errno;
    }
    return ok ? 0 : io_fault(v, AVERROR(e), "cannot be written", err);
}

int vi_video_out_finish(vi_video_out *v, bool cut, viso_error *err)
{
    int rc = vi_encoder_send(&v->enc, NULL, err);
    if (!rc)
        rc = drain(v, err);
    if (!rc)
        rc = vi_streams_copy(&v->streams, cut || v->part_ends ? v->last_end : INT64_MAX, err);
    if (rc)
        return rc;
    int av = av_write_trailer(v->fc);
    v->begun = false;
    if (av < 0 || v->fc->pb->error < 0)
        return io_fault(v, av, "cannot be completed", err);
    av = avio_closep(&v->fc->pb);
    if (av < 0)
        return io_fault(v, av, "cannot be completed", err);
    return v->mp4 && v->xmp.size ? append_xmp_box(v, err) : 0;
}

void vi_video_out_close(vi_video_out **p)
{
    vi_video_out *v = *p;
    *p = NULL;
    if (!v)
        return;
    vi_encoder_close(&v->enc);
    vi_streams_close(&v->streams);
    if (v->fc)
        avio_closep(&v->fc->pb);
    avformat_free_context(v->fc);
    vi_buf_clear(&v->xmp);
    vi_free(v->path);
    vi_free(v->name);
    vi_free(v);
}
