/* media/out/video.c: encoder, segments, muxer and the copied streams put together. One owner thread.
 *
 * What the encoder gives goes into segments, each from an encoder that was started for it, so that a run can go on behind any of
 * them; the file itself is made at the end, from the segments and the target.
 *
 * Time is kept by using one time base throughout: the target stream's is the encoder's and, where the container allows,
 * the track's. */
#include "media/out/video.h"

#include <errno.h>
#include <libavutil/avstring.h>
#include <libavutil/mathematics.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/out/disk.h"
#include "media/out/encoder.h"
#include "media/out/join.h"
#include "media/out/streams.h"
#include "media/xmp.h"

struct vi_video_out {
    AVFormatContext *fc;
    AVStream *st;
    vi_encoder enc;
    vi_streams streams;
    vi_disk file;            /* the result, open while fc->pb is there */
    vi_disk_wait wait;
    char *folder;            /* of the segments */
    char *place[2];          /* room for names in it, so that tidying up needs none */
    bool own;                /* the folder is ours */
    int finished;            /* segments that have their names */
    bool coding;             /* frames went to the encoder since the last one */
    bool unfinished;         /* one more ended where the run was stopped */
    vi_segment_out segment;
    vi_buf form;
    int delay;               /* frames, as the encoder says */
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
    return vi_disk_fault(&v->file, io, what, err);
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
        if (v->enc.form.time_base.den > 0)
            av_dict_set_int(&o, "video_track_timescale", v->enc.form.time_base.den, 0);
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
    if (vi_reader_like(like).stream < 0) /* no stream to take it from */
        st->avg_frame_rate = v->enc.form.rate;
    /* Light levels known only from the pictures are told by the container as well. */
    static const struct {
        enum AVFrameSideDataType frame;
        enum AVPacketSideDataType stream;
    } light[] = { { AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_MASTERING_DISPLAY_METADATA },
                  { AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_CONTENT_LIGHT_LEVEL } };
    for (size_t i = 0; i < VI_COUNT(light); i++) {
        const AVFrameSideData *d = av_frame_get_side_data(vi_reader_like(like).first, light[i].frame);
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
    int rc = vi_disk_open(&v->file, v->path, v->name, &v->wait, err);
    if (rc)
        return rc;
    v->fc->pb = v->file.pb;
    v->fc->flags |= AVFMT_FLAG_CUSTOM_IO;
    av_freep(&v->fc->url);
    v->fc->url = av_asprintf("file:%s", v->path); /* faststart opens the file again by this name */
    return v->fc->url ? 0 : vi_error_nomem(err, v->name);
}

/* The given folder of segments, or one beside the result that nobody else sees. */
static int open_folder(vi_video_out *v, const vi_writer_params *p, viso_error *err)
{
    v->finished = p->folder ? p->segment : 0;
    v->folder = p->folder ? vi_strdup(p->folder) : vi_asprintf("%s.d", v->path);
    for (int i = 0; i < 2 && v->folder; i++)
        v->place[i] = vi_alloc(strlen(v->folder) + VI_SEGMENT_NAME);
    if (!v->folder || !v->place[0] || !v->place[1]) {
        vi_free(v->folder); /* nothing of ours in it */
        v->folder = NULL;
        return vi_error_nomem(err, v->name);
    }
    if (!p->folder && mkdir(v->folder, 0777) != 0 && errno != EEXIST) /* may be left of a process of this number that was killed */
        return vi_error_set(err, vi_av_status(AVERROR(errno), VISO_ERR_INPUT), "%s: cannot be written: %s", v->folder, strerror(errno));
    v->own = !p->folder;
    v->delay = v->enc.c->has_b_frames;
    if (vi_segment_form(v->enc.c, &v->form))
        return vi_error_nomem(err, v->name);
    return vi_join_look(v->folder, v->finished, false, &v->form, NULL, NULL, err);
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
    v->wait = (vi_disk_wait){ .cancel = p->cancel, .full = p->full, .user = p->user, .log = log };
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
    vi_like from = vi_reader_like(p->like);
    int64_t begin = p->like->begin;
    v->part_ends = p->like->end != INT64_MAX;
    begin = begin == INT64_MIN ? begin : av_rescale_q(begin, from.time_base, AV_TIME_BASE_Q);
    int rc = vi_streams_open(&v->streams, p->like_path, from.stream, begin, v->fc, &v->st, log, v->name, err);
    if (!rc)
        rc = vi_encoder_open(&v->enc, p->like, v->fc->oformat, p->settings, v->name, log, err);
    if (!rc)
        rc = open_video_stream(v, p->like, err);
    if (!rc)
        rc = prepare_mark(v, err);
    if (!rc)
        rc = open_folder(v, p, err);
    if (!rc)
        rc = open_file(v, err);
    if (!rc)
        rc = write_header(v, err);
    return rc;
}

static int64_t in_microseconds(const vi_video_out *v, int64_t t)
{
    return av_rescale_q(t, v->enc.form.time_base, AV_TIME_BASE_Q);
}

/* One coded frame into the file, after everything of the other streams that comes before it. */
static int mux(vi_video_out *v, AVPacket *p, viso_error *err)
{
    AVRational tb = v->enc.form.time_base;
    int64_t off = vi_streams_shift(&v->streams, tb);
    p->pts -= off;
    p->dts -= off;
    int rc = vi_streams_copy(&v->streams, in_microseconds(v, p->dts), err);
    if (rc)
        return rc;
    v->last_end = VI_MAX(v->last_end, in_microseconds(v, p->pts + p->duration));
    av_packet_rescale_ts(p, tb, v->st->time_base);
    p->stream_index = v->st->index;
    rc = av_interleaved_write_frame(v->fc, p);
    if (rc < 0 || v->fc->pb->error < 0)
        return io_fault(v, rc, "cannot be written", err);
    return 0;
}

/* What the encoder has ready, into the segment. */
static int drain(vi_video_out *v, viso_error *err)
{
    for (;;) {
        int rc = vi_encoder_receive(&v->enc, err);
        if (rc == VISO_AGAIN || rc == VISO_EOF)
            return 0;
        if (!rc)
            rc = vi_segment_put(&v->segment, v->enc.pkt, err);
        av_packet_unref(v->enc.pkt);
        if (rc)
            return rc;
    }
}

static const char *place(vi_video_out *v, int which, int n, bool part)
{
    return vi_segment_path_in(v->place[which], v->folder, n, part);
}

/* An encoder that knows nothing of the frames before, and a file for what it gives. */
static int begin_segment(vi_video_out *v, viso_error *err)
{
    vi_buf form = { 0 };
    int rc = v->enc.c ? 0 : vi_encoder_start(&v->enc, err);
    if (!rc && vi_segment_form(v->enc.c, &form))
        rc = vi_error_nomem(err, v->name);
    if (!rc && (form.size != v->form.size || memcmp(form.data, v->form.data, form.size) != 0))
        rc = vi_error_set(err, VISO_ERR_INTERNAL, "%s: the encoder began segment %d in another form than the first", v->name,
                          v->finished);
    vi_buf_clear(&form);
    if (!rc)
        rc = vi_segment_begin(&v->segment, place(v, 0, v->finished, true), v->name, &v->form, &v->wait, err);
    v->coding = !rc;
    return rc;
}

int vi_video_out_write(vi_video_out *v, vi_frame *f, viso_error *err)
{
    int rc = v->coding ? 0 : begin_segment(v, err);
    if (!rc)
        rc = vi_encoder_send(&v->enc, f, err);
    return rc ? rc : drain(v, err);
}

/* Codes the segment to its end. `name`: it is whole and gets its name, on the disk when others rely on it. */
static int end_segment(vi_video_out *v, bool name, uint64_t *bytes, viso_error *err)
{
    int rc = vi_encoder_send(&v->enc, NULL, err);
    if (!rc)
        rc = drain(v, err);
    v->coding = false;
    vi_encoder_stop(&v->enc);
    if (!rc)
        rc = vi_segment_end(&v->segment, name && !v->own, bytes, err);
    if (rc) {
        vi_segment_drop(&v->segment);
        return rc;
    }
    v->unfinished = !name;
    if (!name)
        return 0;
    const char *from = place(v, 0, v->finished, true), *to = place(v, 1, v->finished, false);
    if (rename(from, to) != 0)
        return vi_error_set(err, vi_av_status(AVERROR(errno), VISO_ERR_INPUT), "%s: cannot be given its name: %s", to, strerror(errno));
    if (!v->own)
        vi_disk_sync_folder(v->folder);
    v->finished++;
    return 0;
}

int vi_video_out_segment(vi_video_out *v, uint64_t *bytes, viso_error *err)
{
    if (bytes)
        *bytes = 0;
    return v->coding ? end_segment(v, true, bytes, err) : 0;
}

/* The packets of all segments into the file. */
static int put_together(vi_video_out *v, viso_error *err)
{
    vi_join j;
    AVPacket *p = v->enc.pkt;
    int rc = vi_join_open(&j, v->folder, v->finished + v->unfinished, v->unfinished, &v->form, v->delay, err);
    while (!rc) {
        rc = vi_join_next(&j, p, err);
        if (!rc)
            rc = mux(v, p, err);
        av_packet_unref(p);
    }
    vi_join_close(&j);
    return rc == VISO_EOF ? 0 : rc;
}

/* The XMP box of ISO base media files (XMP specification part 3, 1.2.7): a uuid box at top level; the last place moves
 * nothing else. */
static void append_xmp_box(vi_video_out *v)
{
    static const uint8_t uuid[16] = { 0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8,
                                      0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac };
    AVIOContext *pb = v->fc->pb;
    size_t n = v->xmp.size - 1; /* without the NUL */
    avio_seek(pb, avio_size(pb), SEEK_SET);
    avio_wb32(pb, (unsigned)n + 24);
    avio_write(pb, (const unsigned char *)"uuid", 4);
    avio_write(pb, uuid, sizeof uuid);
    avio_write(pb, v->xmp.data, (int)n);
}

int vi_video_out_finish(vi_video_out *v, bool cut, viso_error *err)
{
    int rc = v->coding ? end_segment(v, v->own || !cut, NULL, err) : 0;
    if (!rc)
        rc = put_together(v, err);
    if (!rc)
        rc = vi_streams_copy(&v->streams, cut || v->part_ends ? v->last_end : INT64_MAX, err);
    if (rc)
        return rc;
    int av = av_write_trailer(v->fc);
    v->begun = false;
    if (av < 0 || v->fc->pb->error < 0)
        return io_fault(v, av, "cannot be completed", err);
    if (v->mp4 && v->xmp.size)
        append_xmp_box(v);
    v->fc->pb = NULL;
    return vi_disk_close(&v->file, false, err);
}

/* The one being written, and all others with `whole`. */
static void remove_segments(vi_video_out *v, bool whole)
{
    bool more = true;
    for (int k = 0; k <= v->finished || more; k++) {
        unlink(place(v, 1, k, true));
        more = whole && unlink(place(v, 0, k, false)) == 0;
    }
    if (v->own)
        rmdir(v->folder);
}

void vi_video_out_close(vi_video_out **p, bool keep)
{
    vi_video_out *v = *p;
    *p = NULL;
    if (!v)
        return;
    vi_segment_drop(&v->segment);
    vi_free(v->segment.pts);
    if (v->folder)
        remove_segments(v, !keep || v->own);
    vi_encoder_close(&v->enc);
    vi_streams_close(&v->streams);
    avformat_free_context(v->fc);
    vi_disk_drop(&v->file);
    vi_buf_clear(&v->xmp);
    vi_buf_clear(&v->form);
    vi_free(v->folder);
    vi_free(v->place[0]);
    vi_free(v->place[1]);
    vi_free(v->path);
    vi_free(v->name);
    vi_free(v);
}
