/* media/in/seek.c: going to a frame, exactly, and reading a part of a clip. One owner thread.
 *
 * Containers only promise a key frame somewhere near, some count in decoding times, and after a key frame of an open group
 * the frames shown before it are not decoded at all. So the place is found by looking: what comes out first must not lie
 * behind the wanted time, else the search goes further back, at last to the beginning of the file. */
#include <stdlib.h>
#include <string.h>

#include "media/in/video.h"

enum { TRIES = 6, REORDER = 64 /* packets that may lie between coding and showing order */ };

/* From the very beginning, with everything opened anew: the only way that works for every file. */
static int rewind_all(vi_reader *r, viso_error *err)
{
    vi_video_in *v = r->video;
    int index = v->st->index;
    avcodec_free_context(&v->dc);
    avformat_close_input(&v->fc);
    v->st = NULL;
    int rc = vi_video_open_input(&v->fc, r->path, v->log, err);
    if (rc)
        return rc;
    if (index >= (int)v->fc->nb_streams)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: changed while it was read", r->path);
    v->st = v->fc->streams[index];
    for (unsigned i = 0; i < v->fc->nb_streams; i++)
        if (i != (unsigned)index)
            v->fc->streams[i]->discard = AVDISCARD_ALL;
    return vi_video_start_decoder(v, err);
}

/* Decodes up to the first frame at or after `pts`, which stays in v->av. *early: the first frame that came out lies behind
 * it already. */
static int decode_to(vi_video_in *v, int64_t pts, int64_t *found, bool *early, viso_error *err)
{
    bool first = true;
    for (;;) {
        int rc = vi_video_pull(v, err);
        if (rc)
            return rc;
        *found = vi_video_time(v);
        *early = first && *found > pts;
        first = false;
        if (*found >= pts)
            return 0;
        av_frame_unref(v->av);
    }
}

/* Whether a place in the file can be found by its times at all. */
static bool has_times(const vi_video_in *v)
{
    return !v->told_pts && !(v->fc->iformat->flags & (AVFMT_NOTIMESTAMPS | AVFMT_NOGENSEARCH)) && v->fc->pb &&
           (v->fc->pb->seekable & AVIO_SEEKABLE_NORMAL);
}

int vi_video_go_to(vi_reader *r, int64_t pts, int64_t *found, viso_error *err)
{
    vi_video_in *v = r->video;
    bool early = true;
    int64_t second = VI_MAX(av_rescale_q(1, (AVRational){ 1, 1 }, v->st->time_base), 1);
    for (int i = 0; i < TRIES && has_times(v); i++) {
        int64_t back = i ? second << (2 * (i - 1)) : 0;
        if (pts < INT64_MIN + back || av_seek_frame(v->fc, v->st->index, pts - back, AVSEEK_FLAG_BACKWARD) < 0)
            break;
        avcodec_flush_buffers(v->dc);
        v->flushed = false;
        v->last_pts = INT64_MIN;
        early = true; /* nothing came out yet */
        int rc = decode_to(v, pts, found, &early, err);
        if (rc && rc != VISO_EOF)
            return rc;
        if (!early)
            return rc;
        av_frame_unref(v->av);
    }
    int rc = rewind_all(r, err);
    v->flushed = false;
    v->last_pts = INT64_MIN;
    return rc ? rc : decode_to(v, pts, found, &early, err);
}

int vi_video_seek(vi_reader *r, int64_t pts, viso_error *err)
{
    vi_video_in *v = r->video;
    vi_frame *f = NULL;
    int64_t found;
    uint64_t damaged = v->damaged;
    bool told = v->told_damage;
    if (v->first && v->first->pts >= pts)
        return 0; /* still at the beginning */
    vi_frame_unref(&v->first);
    v->told_damage = true; /* what cannot be decoded on the way is not part of the result */
    int rc = vi_video_go_to(r, pts, &found, err);
    v->told_damage = told;
    v->damaged = damaged;
    v->number = rc ? v->number : 1; /* not the first frame of the file, which may set the size */
    if (!rc)
        rc = vi_video_frame(r, found, &f, err);
    if (rc)
        return rc;
    f->number = 0;
    v->number = 1;
    v->told_end = true; /* counted from the middle, the frames say nothing of where the file should end */
    v->first = f;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Times of the packets up to some way behind the n-th, sorted; *count of them. */
static int packet_times(vi_reader *r, int64_t n, int64_t **times, int64_t *count, viso_error *err)
{
    AVFormatContext *fc = NULL;
    AVPacket *pkt = av_packet_alloc();
    int index = r->video->st->index, rc = pkt ? vi_video_open_input(&fc, r->path, &r->log, err) : vi_error_nomem(err, r->path);
    int64_t room = 0;
    while (!rc && *count < n + REORDER && av_read_frame(fc, pkt) >= 0) {
        bool shown = pkt->stream_index == index && !(pkt->flags & AV_PKT_FLAG_DISCARD);
        int64_t pts = pkt->pts;
        av_packet_unref(pkt);
        if (!shown)
            continue;
        if (pts == AV_NOPTS_VALUE) {
            *count = 0;
            break;
        }
        if (*count == room) {
            int64_t *more = av_realloc_array(*times, (size_t)(room = room ? 2 * room : 4096), sizeof **times);
            if (!more) {
                rc = vi_error_nomem(err, r->path);
                break;
            }
            *times = more;
        }
        (*times)[(*count)++] = pts;
    }
    av_packet_free(&pkt);
    avformat_close_input(&fc);
    if (*count)
        qsort(*times, (size_t)*count, sizeof **times, by_value);
    return rc;
}

/* By decoding, for files without times. */
static int count_frames(vi_reader *r, int64_t n, int64_t *pts, viso_error *err)
{
    vi_reader *other = NULL;
    vi_frame *f = NULL;
    int rc = vi_reader_open(&other, r->path, &r->log, err);
    for (int64_t i = 0; i <= n && !rc; i++) {
        rc = vi_reader_next(other, &f, err);
        if (!rc)
            *pts = f->pts;
        vi_frame_unref(&f);
    }
    vi_reader_close(&other);
    return rc;
}

int vi_video_frame_time(vi_reader *r, int64_t n, int64_t *pts, viso_error *err)
{
    int64_t *times = NULL, count = 0;
    int rc = packet_times(r, n, &times, &count, err);
    if (!rc && count == 0)
        rc = count_frames(r, n, pts, err);
    else if (!rc && n >= count)
        rc = VISO_EOF;
    else if (!rc)
        *pts = times[n];
    av_free(times);
    return rc;
}
