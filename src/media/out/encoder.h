/* media/out/encoder.h: frames to packets. Media room only. One owner thread; the encoder has threads of its own. */
#ifndef VI_ENCODER_H
#define VI_ENCODER_H

#include "media/reader.h"

typedef struct vi_encoder {
    AVCodecContext *c;
    AVFrame *frame;
    AVPacket *pkt;
    vi_convert convert;
    bool converting;
    int turns;                /* quarters by which frames are turned here, because the container cannot say it */
    vi_frame *turned;
    vi_colour colour;         /* of the coded pictures */
    vi_side_store *side;      /* of the target */
    const vi_log *log;
    const char *name;         /* of the result, for messages */
    /* Durations wait here for their packet: encoders do not hand them on. */
    struct {
        int64_t pts, duration;
    } wait[512];
    unsigned n_wait;
} vi_encoder;

/* Opens an encoder for frames like those of the target in this container. VISO_ERR_USAGE when the container cannot hold
 * the codec or the codec is not built in. */
int vi_encoder_open(vi_encoder *e, const vi_reader *like, const AVOutputFormat *container, const vi_output_settings *s,
                    const char *name, const vi_log *log, viso_error *err);
/* Hands in a frame; NULL flushes. */
int vi_encoder_send(vi_encoder *e, vi_frame *f, viso_error *err);
/* The next packet in e->pkt (pts, dts, duration in e->c->time_base); VISO_AGAIN, VISO_EOF. */
int vi_encoder_receive(vi_encoder *e, viso_error *err);
void vi_encoder_close(vi_encoder *e);

/* A line each for the encoders of interest. */
int vi_encoder_report(char lines[][160], int max);

#endif
