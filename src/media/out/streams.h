/* media/out/streams.h: the target's other streams, carried packet by packet into the result. Media room only. One owner
 * thread (the writer's). */
#ifndef VI_STREAMS_H
#define VI_STREAMS_H

#include "media/reader.h"

typedef struct vi_streams {
    AVFormatContext *in;      /* second opening of the target */
    AVFormatContext *out;     /* borrowed */
    AVPacket *pkt;
    bool holding;             /* pkt holds the next packet to copy */
    bool ended;
    int n_map, *map;          /* input stream → output stream, -1 dropped */
    bool *broken;             /* per output stream: refused by the muxer, told once */
    int copied;               /* streams that are copied */
    int64_t shift;            /* AV_TIME_BASE units taken off all time stamps */
    bool part;                /* what begins before `shift` is left out */
    const vi_log *log;
    const char *name;
} vi_streams;

/* Opens the target again, and makes the streams of the result in the target's order; *video is the place of the picture
 * stream, whose parameters the caller fills. Chapters and metadata are copied too. -1: the target has no streams, and the result only
 * the one of the picture. begin: where a part of the clip begins,
 * AV_TIME_BASE units; INT64_MIN: all of it. */
int vi_streams_open(vi_streams *s, const char *like_path, int video_index, int64_t begin, AVFormatContext *out, AVStream **video,
                    const vi_log *log, const char *name, viso_error *err);
/* Copies what comes before `until` (AV_TIME_BASE units after the shift; INT64_MAX: all). */
int vi_streams_copy(vi_streams *s, int64_t until, viso_error *err);
/* The shift in another time base. */
int64_t vi_streams_shift(const vi_streams *s, AVRational tb);
/* Opus begins before zero by its codec delay. Matroska stores times from zero and says the delay in the track's header,
 * which readers take off again; FFmpeg's muxer writes the header but leaves the times alone. 0 for everything else. */
int64_t vi_streams_delay(const AVFormatContext *out, const AVCodecParameters *par, AVRational tb);
void vi_streams_close(vi_streams *s);

#endif
