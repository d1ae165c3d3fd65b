/* media/in/video.h: the inside of a video being read, shared by decoding (video.c) and going elsewhere (seek.c). Media room
 * only. One owner thread. */
#ifndef VI_IN_VIDEO_H
#define VI_IN_VIDEO_H

#include "media/reader.h"

struct vi_video_in {
    AVFormatContext *fc;
    AVCodecContext *dc;
    AVStream *st;
    AVPacket *pkt;
    AVFrame *av;
    AVFrame *props;    /* of the first frame */
    vi_frame *first;   /* until it is handed out */
    vi_convert convert;
    const vi_log *log;
    const char *path;
    vi_side_store side;
    enum AVPixelFormat source; /* of the first frame */
    int64_t number, last_pts, step; /* step: ticks of one frame by the rate, at least 1 */
    int turns;
    int hardware;              /* choice of the settings; VI_HARDWARE_OFF once it has failed */
    AVBufferRef *device;       /* NULL: decoded by the processor */
    enum AVPixelFormat remote; /* of frames that are on the device */
    AVFrame *landing;          /* a frame brought from the device */
    AVBufferPool *landings;    /* memory for them */
    bool landed;               /* some frame came from the device */
    uint64_t damaged;
    bool flushed, told_pts, told_damage, told_change, told_end;
};

int vi_video_start_decoder(vi_video_in *v, viso_error *err);
/* The next decoded frame in v->av. VISO_EOF at the end of the file. */
int vi_video_pull(vi_video_in *v, viso_error *err);
/* The time of v->av: the file's where it has one, else counted on by the rate. Never backwards. Moves v->last_pts. */
int64_t vi_video_time(vi_video_in *v);
/* v->av as a frame, whose time is `pts`. */
int vi_video_frame(vi_reader *r, int64_t pts, vi_frame **out, viso_error *err);

/* Decodes up to the first frame at or after `pts`, which stays in v->av and whose time is *found, from wherever the reader is. */
int vi_video_go_to(vi_reader *r, int64_t pts, int64_t *found, viso_error *err);

/* Sets a device up for the decoder about to be opened, if the settings, FFmpeg and the machine have one; else leaves it to the
 * processor. Never fails. */
void vi_video_use_hardware(vi_video_in *v, const AVCodec *codec);
/* Brings v->av to the host when it is on the device. VISO_ERR_DEVICE: that failed. */
int vi_video_land(vi_video_in *v, viso_error *err);
/* After that: decodes by the processor from now on, and leaves the frame after the last one in v->av, at *pts. */
int vi_video_leave_hardware(vi_reader *r, int64_t *pts, viso_error *err);
void vi_video_free_hardware(vi_video_in *v);

#endif
