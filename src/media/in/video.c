/* media/in/video.c: video through libavformat and libavcodec. One owner thread; the decoder has threads of its own.
 *
 * A frame handed out wraps FFmpeg's by reference: no pixel is copied unless the format is not one of ours. The first
 * frame is decoded at opening, because only it tells format, colour and light levels for certain. */
#include "media/in/video.h"

#include <libavutil/display.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void vi_side_take(vi_side_store *s, int64_t pts, AVFrame *to)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < VI_SIDE_RING; i++) {
        if (!s->slot[i].props || s->slot[i].pts != pts)
            continue;
        av_frame_copy_props(to, s->slot[i].props);
        av_frame_free(&s->slot[i].props);
        break;
    }
    pthread_mutex_unlock(&s->lock);
}

static void side_put(vi_side_store *s, int64_t pts, const AVFrame *from)
{
    if (!from->nb_side_data && !from->interlaced_frame)
        return;
    AVFrame *props = av_frame_alloc();
    if (!props || av_frame_copy_props(props, from) < 0) {
        av_frame_free(&props);
        return; /* extras are the first to go without */
    }
    pthread_mutex_lock(&s->lock);
    unsigned at = s->next++ % VI_SIDE_RING;
    av_frame_free(&s->slot[at].props);
    s->slot[at].props = props;
    s->slot[at].pts = pts;
    pthread_mutex_unlock(&s->lock);
}

int vi_video_open_input(AVFormatContext **out, const char *path, const vi_log *log, viso_error *err)
{
    vi_av_init();
    *out = NULL;
    char *url = vi_av_address(path);
    AVFormatContext *fc = avformat_alloc_context();
    AVDictionary *o = NULL;
    AVIOContext *io = NULL;
    const AVInputFormat *kind = NULL;
    int rc = 0;
    if (!url || !fc) {
        rc = vi_error_nomem(err, path);
        goto done;
    }
    fc->opaque = (void *)(uintptr_t)log;
    if (strncmp(url, "file:", 5) == 0) {
        /* The container is recognised by content alone: a name like "x.jpg" or "x.txt" would otherwise open formats that
         * accept anything. */
        rc = avio_open(&io, url, AVIO_FLAG_READ);
        if (rc >= 0)
            rc = av_probe_input_buffer2(io, &kind, "", fc, 0, 0);
        avio_closep(&io);
        if (rc < 0 || !kind || strcmp(kind->name, "tty") == 0) {
            rc = vi_error_set(err, VISO_ERR_INPUT, "%s: neither a picture nor a video that can be read", path);
            goto done;
        }
    }
    av_dict_set(&o, "export_xmp", "1", 0);
    rc = avformat_open_input(&fc, url, kind, &o);
    if (rc < 0) {
        rc = vi_error_set(err, vi_av_status(rc, VISO_ERR_INPUT), "%s: the file is truncated or damaged (%s: %s)", path,
                          kind ? kind->name : "video", vi_av_error(rc));
        goto done;
    }
    rc = avformat_find_stream_info(fc, NULL);
    if (rc < 0) {
        rc = vi_error_set(err, vi_av_status(rc, VISO_ERR_INPUT), "%s: its streams cannot be read (%s)", path, vi_av_error(rc));
        goto done;
    }
    *out = fc;
    fc = NULL;
    rc = 0;
done:
    av_dict_free(&o);
    avformat_close_input(&fc);
    vi_free(url);
    return rc;
}

int vi_video_pick(AVFormatContext *fc)
{
    int best = av_find_best_stream(fc, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (best >= 0 && !(fc->streams[best]->disposition & AV_DISPOSITION_ATTACHED_PIC))
        return best;
    for (unsigned i = 0; i < fc->nb_streams; i++) {
        if (fc->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
            !(fc->streams[i]->disposition & AV_DISPOSITION_ATTACHED_PIC))
            return (int)i;
    }
    return -1;
}

/* Quarter turns clockwise that show the picture upright; 0 for anything a quarter turn does not describe. */
static int turns_of(const int32_t m[9], const vi_log *log, const char *path)
{
    double angle = av_display_rotation_get(m); /* anticlockwise degrees */
    double det = (double)m[0] * m[4] - (double)m[1] * m[3];
    if (isnan(angle) || det <= 0) {
        vi_warn(log, "%s: mirrored by metadata, which is kept but not applied", path);
        return 0;
    }
    double quarters = -angle / 90.0, nearest = round(quarters);
    if (fabs(quarters - nearest) > 0.02) {
        vi_warn(log, "%s: turned by %.1f degrees in metadata, which is kept but not applied", path, -angle);
        return 0;
    }
    return ((int)nearest % 4 + 4) % 4;
}

int vi_video_start_decoder(vi_video_in *v, viso_error *err)
{
    const AVCodecParameters *par = v->st->codecpar;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    if (!codec)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: no decoder for %s", v->path, avcodec_get_name(par->codec_id));
    v->dc = avcodec_alloc_context3(codec);
    if (!v->dc || avcodec_parameters_to_context(v->dc, par) < 0)
        return vi_error_nomem(err, v->path);
    v->dc->opaque = (void *)(uintptr_t)v->log;
    v->dc->pkt_timebase = v->st->time_base;
    v->dc->thread_count = vi_cpu_count();
    v->dc->max_pixels = VI_STILL_MAX_PIXELS;
    vi_video_use_hardware(v, codec);
    int rc = avcodec_open2(v->dc, codec, NULL);
    if (rc < 0)
        return vi_error_set(err, vi_av_status(rc, VISO_ERR_INPUT), "%s: the %s decoder does not start (%s)", v->path, codec->name,
                            vi_av_error(rc));
    return 0;
}

static void count_damage(vi_video_in *v, int rc)
{
    v->damaged++;
    if (!v->told_damage)
        vi_warn(v->log, "%s: damaged data near frame %lld is skipped (%s); more of it is only counted", v->path,
                (long long)v->number, vi_av_error(rc));
    v->told_damage = true;
}

/* Feeds the decoder one packet of the picture stream, or the end. */
static int feed(vi_video_in *v, viso_error *err)
{
    for (;;) {
        int rc = av_read_frame(v->fc, v->pkt);
        if (rc < 0) {
            if (rc == AVERROR(ENOMEM))
                return vi_error_nomem(err, v->path);
            if (rc != AVERROR_EOF)
                count_damage(v, rc);
            v->flushed = true;
            avcodec_send_packet(v->dc, NULL);
            return 0;
        }
        if (v->pkt->stream_index != v->st->index) {
            av_packet_unref(v->pkt);
            continue;
        }
        rc = avcodec_send_packet(v->dc, v->pkt);
        av_packet_unref(v->pkt);
        if (rc == AVERROR(ENOMEM))
            return vi_error_nomem(err, v->path);
        if (rc < 0 && rc != AVERROR(EAGAIN))
            count_damage(v, rc);
        return 0;
    }
}

int vi_video_pull(vi_video_in *v, viso_error *err)
{
    for (;;) {
        int rc = avcodec_receive_frame(v->dc, v->av);
        if (rc == 0)
            return vi_video_land(v, err);
        if (rc == AVERROR_EOF)
            return VISO_EOF;
        if (rc == AVERROR(ENOMEM))
            return vi_error_nomem(err, v->path);
        if (rc != AVERROR(EAGAIN))
            count_damage(v, rc);
        else if (v->flushed)
            return VISO_EOF;
        if (rc == AVERROR(EAGAIN) && (rc = feed(v, err)))
            return rc;
    }
}

int64_t vi_video_time(vi_video_in *v)
{
    int64_t pts = v->av->best_effort_timestamp;
    bool first = v->last_pts == INT64_MIN;
    if (pts == AV_NOPTS_VALUE || (!first && pts <= v->last_pts)) {
        if (!v->told_pts)
            vi_info(v->log, "%s: frame %lld has %s time, counted on by the frame rate", v->path, (long long)v->number,
                    pts == AV_NOPTS_VALUE ? "no" : "an unordered");
        v->told_pts = true;
        bool none = pts == AV_NOPTS_VALUE;
        pts = first ? (v->st->start_time == AV_NOPTS_VALUE ? 0 : v->st->start_time) : v->last_pts + (none ? v->step : 1);
    }
    v->last_pts = pts;
    return pts;
}

static void release_wrapped(vi_frame *f)
{
    AVFrame *av = f->side;
    av_frame_free(&av);
    vi_free(f);
}

/* The decoded frame as it lies, by reference. */
static vi_frame *wrap(vi_video_in *v, vi_format format)
{
    vi_frame *f = vi_calloc(1, sizeof *f);
    AVFrame *av = f ? av_frame_alloc() : NULL;
    if (!av) {
        vi_free(f);
        return NULL;
    }
    /* A decoder that keeps no reference will not read these pixels again, so they may be changed in place. */
    bool ours = av_frame_is_writable(v->av) != 0;
    av_frame_move_ref(av, v->av);
    f->format = format;
    f->width = av->width;
    f->height = av->height;
    for (int p = 0; p < vi_format_describe(format)->planes; p++) {
        f->plane[p] = av->data[p];
        f->stride[p] = av->linesize[p];
    }
    f->refs = 1;
    f->shared_storage = !ours;
    f->side = av;
    f->release = release_wrapped;
    return f;
}

static vi_frame *converted(vi_video_in *v, vi_format format, int width, int height, const vi_colour *colour)
{
    vi_frame *f = vi_frame_alloc(format, width, height);
    if (!f)
        return NULL;
    AVFrame d = { .format = vi_av_pixel_format(format), .width = width, .height = height };
    for (int p = 0; p < 4; p++) {
        d.data[p] = f->plane[p];
        d.linesize[p] = (int)f->stride[p];
    }
    if (vi_convert_run(&v->convert, v->av, &d, colour) < 0)
        vi_frame_unref(&f);
    av_frame_unref(v->av);
    return f;
}

/* From v->av to a frame of ours. Size and format are those of the first frame, whatever the stream does later: results
 * are written in one size. */
int vi_video_frame(vi_reader *r, int64_t pts, vi_frame **out, viso_error *err)
{
    vi_video_in *v = r->video;
    vi_colour colour = vi_av_colour(v->av);
    int64_t duration = v->av->pkt_duration;
    bool direct;
    vi_format format = vi_av_format(v->av->format, &direct);
    side_put(&v->side, pts, v->av);
    bool same = v->av->width == r->info.width && v->av->height == r->info.height && format == r->info.format;
    if (v->number > 0 && !same) {
        if (!v->told_change)
            vi_warn(v->log, "%s: size or format changes at frame %lld; such frames are scaled to the first one's", v->path,
                    (long long)v->number);
        v->told_change = true;
    }
    vi_frame *f = direct && (same || v->number == 0)
                      ? wrap(v, format)
                      : converted(v, v->number ? r->info.format : format, v->number ? r->info.width : v->av->width,
                                  v->number ? r->info.height : v->av->height, &colour);
    av_frame_unref(v->av);
    if (!f)
        return vi_error_nomem(err, v->path);
    f->colour = colour;
    f->pts = pts;
    f->duration = duration > 0 ? duration : 0;
    f->number = v->number++;
    f->turns = v->turns;
    *out = f;
    return 0;
}

static void describe(vi_reader *r)
{
    vi_video_in *v = r->video;
    vi_media_info *i = &r->info;
    AVRational rate = av_guess_frame_rate(v->fc, v->st, NULL);
    if (v->st->avg_frame_rate.num > 0 && v->st->avg_frame_rate.den > 0)
        rate = v->st->avg_frame_rate;
    i->kind = VI_MEDIA_VIDEO;
    i->time_base_num = v->st->time_base.num;
    i->time_base_den = v->st->time_base.den;
    i->rate_num = rate.num > 0 && rate.den > 0 ? rate.num : 0;
    i->rate_den = rate.num > 0 && rate.den > 0 ? rate.den : 1;
    if (i->rate_num)
        v->step = VI_MAX(av_rescale_q(1, av_inv_q(rate), v->st->time_base), 1);
    if (v->st->duration != AV_NOPTS_VALUE)
        i->duration_s = (double)v->st->duration * av_q2d(v->st->time_base);
    else if (v->fc->duration != AV_NOPTS_VALUE)
        i->duration_s = (double)v->fc->duration / AV_TIME_BASE;
    i->frames = v->st->nb_frames > 0 ? v->st->nb_frames
                : i->rate_num        ? (int64_t)(i->duration_s * i->rate_num / i->rate_den + 0.5)
                                     : 0;
    snprintf(i->codec, sizeof i->codec, "%s", avcodec_get_name(v->st->codecpar->codec_id));
    snprintf(i->container, sizeof i->container, "%s", v->fc->iformat->name);
    i->has_audio = av_find_best_stream(v->fc, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0) >= 0;
    size_t n;
    const uint8_t *matrix = av_stream_get_side_data(v->st, AV_PKT_DATA_DISPLAYMATRIX, &n);
    if (matrix && n >= 36)
        v->turns = turns_of((const int32_t *)(const void *)matrix, v->log, v->path);
    i->turns = v->turns;
}

/* The next frame in v->av and its time, from the device or, when that is lost, from the processor. `trying`: nothing has come out
 * yet, and an early end may be the device's doing too. */
static int next_picture(vi_reader *r, bool trying, int64_t *pts, viso_error *err)
{
    vi_video_in *v = r->video;
    viso_error lost = { 0 };
    int rc = vi_video_pull(v, &lost);
    if (trying && rc == 0 && v->device && !v->landed) { /* not this stream: then with all threads */
        av_frame_unref(v->av);
        rc = VISO_ERR_DEVICE;
    }
    if (rc == 0)
        *pts = vi_video_time(v);
    else if (rc == VISO_ERR_DEVICE || (trying && rc == VISO_EOF && v->device))
        rc = vi_video_leave_hardware(r, pts, err);
    else if (rc != VISO_EOF)
        rc = vi_error_set(err, rc, "%s", lost.text);
    return rc;
}

/* Decodes the first frame and learns from it what the whole clip is like. */
static int open_first(vi_reader *r, viso_error *err)
{
    vi_video_in *v = r->video;
    int64_t pts;
    int rc = next_picture(r, true, &pts, err);
    if (rc == VISO_EOF)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: no frame of its %s video can be decoded (truncated or damaged?)", v->path,
                            r->info.codec);
    if (rc)
        return rc;
    bool direct;
    v->source = v->av->format;
    r->info.format = vi_av_format(v->source, &direct);
    if (r->info.format == VI_FORMAT_NONE)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: pixel format %s is not supported", v->path, av_get_pix_fmt_name(v->source));
    if (v->av->width < 1 || v->av->height < 1 || v->av->width > 65535 || v->av->height > 65535)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: pictures of %dx%d are not supported", v->path, v->av->width, v->av->height);
    r->info.width = v->av->width;
    r->info.height = v->av->height;
    r->info.colour = vi_av_colour(v->av);
    if (vi_av_has_alpha(v->source) && vi_format_describe(r->info.format)->components < 4)
        vi_warn(v->log, "%s: transparency of the video is not kept", v->path);
    if (!direct)
        vi_info(v->log, "%s: %s is converted to %s", v->path, av_get_pix_fmt_name(v->source),
                vi_format_describe(r->info.format)->name);
    v->props = av_frame_alloc();
    if (!v->props || av_frame_copy_props(v->props, v->av) < 0)
        return vi_error_nomem(err, v->path);
    return vi_video_frame(r, pts, &v->first, err);
}

int vi_video_open(vi_reader *r, viso_error *err)
{
    vi_video_in *v = vi_calloc(1, sizeof *v);
    if (!v)
        return vi_error_nomem(err, r->path);
    r->video = v;
    v->log = &r->log;
    v->path = r->path;
    v->hardware = r->settings.hardware;
    v->last_pts = INT64_MIN;
    v->step = 1;
    pthread_mutex_init(&v->side.lock, NULL);
    int rc = vi_video_open_input(&v->fc, r->path, v->log, err);
    if (rc)
        return rc;
    int best = vi_video_pick(v->fc);
    if (best < 0)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: has no video stream", r->path);
    v->st = v->fc->streams[best];
    for (unsigned i = 0; i < v->fc->nb_streams; i++) {
        if (i != (unsigned)best)
            v->fc->streams[i]->discard = AVDISCARD_ALL;
    }
    v->pkt = av_packet_alloc();
    v->av = av_frame_alloc();
    if (!v->pkt || !v->av)
        return vi_error_nomem(err, r->path);
    rc = vi_video_start_decoder(v, err);
    if (rc)
        return rc;
    describe(r);
    return open_first(r, err);
}

/* A file cut short reads as a clip that just ends; the index of MP4 and MOV still says how long it was (others only guess).
 * A few samples may lie outside the edit list, so only a clear difference is told. */
static void tell_early_end(const vi_reader *r)
{
    vi_video_in *v = r->video;
    if (r->begin != INT64_MIN || r->end != INT64_MAX)
        return;
    int64_t said = v->st->nb_frames, got = v->number + (int64_t)v->damaged;
    if (strstr(v->fc->iformat->name, "mp4") && said > 0 && got < said - said / 10 - 2 && !v->told_end)
        vi_warn(v->log, "%s: ends after %lld of %lld frames (truncated?)", v->path, (long long)got, (long long)said);
    v->told_end = true;
}

int vi_video_next(vi_reader *r, vi_frame **f, viso_error *err)
{
    vi_video_in *v = r->video;
    if (v->first) {
        *f = v->first;
        v->first = NULL;
        return 0;
    }
    int64_t pts;
    int rc = v->last_pts < r->end ? next_picture(r, false, &pts, err) : VISO_EOF;
    if (rc == VISO_EOF)
        tell_early_end(r);
    if (rc)
        return rc;
    if (pts >= r->end) {
        av_frame_unref(v->av);
        return VISO_EOF;
    }
    return vi_video_frame(r, pts, f, err);
}

uint64_t vi_video_damaged(const vi_video_in *v)
{
    return v->damaged;
}

int64_t vi_video_origin(const vi_video_in *v)
{
    int64_t pts = v->props->best_effort_timestamp; /* see vi_video_time */
    if (pts == AV_NOPTS_VALUE)
        pts = v->st->start_time;
    return pts == AV_NOPTS_VALUE ? 0 : pts;
}

int64_t vi_video_here(const vi_video_in *v)
{
    return v->first ? v->first->pts : v->last_pts;
}

void vi_video_like(const vi_video_in *v, vi_like *like)
{
    AVRational aspect = v->st->sample_aspect_ratio;
    *like = (vi_like){ .stream = v->st->index,
                       .time_base = v->st->time_base,
                       .aspect = aspect.num ? aspect : v->props->sample_aspect_ratio,
                       .fields = v->st->codecpar->field_order,
                       .first = v->props,
                       /* locks itself; the reader stays const for everything else */
                       .side = (vi_side_store *)(uintptr_t)&v->side };
}

void vi_video_close(vi_video_in **p)
{
    vi_video_in *v = *p;
    *p = NULL;
    if (!v)
        return;
    vi_frame_unref(&v->first);
    av_frame_free(&v->av);
    av_frame_free(&v->props);
    av_packet_free(&v->pkt);
    vi_video_free_hardware(v);
    avcodec_free_context(&v->dc);
    avformat_close_input(&v->fc);
    vi_convert_clear(&v->convert);
    for (int i = 0; i < VI_SIDE_RING; i++)
        av_frame_free(&v->side.slot[i].props);
    pthread_mutex_destroy(&v->side.lock);
    vi_free(v);
}
