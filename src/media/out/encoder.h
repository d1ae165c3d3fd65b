/* media/out/encoder.h: frames to packets. Media room only. One owner thread; the encoder has threads of its own. */
#ifndef VI_ENCODER_H
#define VI_ENCODER_H

#include "media/reader.h"

/* What every start of the encoder needs, learned from the target once: while the first frames are coded the target is read on by
 * another thread. */
typedef struct vi_encoder_form {
    int which, width, height;
    enum AVPixelFormat pixels;
    AVRational time_base, rate, aspect;
    enum AVFieldOrder fields;
    bool interlaced, global_header;
    unsigned tag;
    char light[256];          /* of HDR pictures, as text for x265 */
    vi_output_settings settings;
} vi_encoder_form;

typedef struct vi_encoder {
    AVCodecContext *c;
    vi_encoder_form form;
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

/* Opens an encoder for frames like those of the target in this container, and starts it. VISO_ERR_USAGE when the container cannot
 * hold the codec or the codec is not built in. */
int vi_encoder_open(vi_encoder *e, const vi_reader *like, const AVOutputFormat *container, const vi_output_settings *s,
                    const char *name, const vi_log *log, viso_error *err);
/* Starts afresh, as if no frame had ever been coded, what was stopped or flushed: what comes out depends on the frames from here
 * on alone. */
int vi_encoder_start(vi_encoder *e, viso_error *err);
void vi_encoder_stop(vi_encoder *e);
/* Hands in a frame; NULL flushes. */
int vi_encoder_send(vi_encoder *e, vi_frame *f, viso_error *err);
/* The next packet in e->pkt (pts, dts, duration in e->c->time_base); VISO_AGAIN, VISO_EOF. */
int vi_encoder_receive(vi_encoder *e, viso_error *err);
void vi_encoder_close(vi_encoder *e);

/* Names of the choices of vi_output_settings.preset. */
extern const char *const vi_encoder_presets[];
/* What "auto" stands for among them. H.264: `faster` at quality 16 is as good as `medium`, x264's own default, at 17, in two thirds of
 * the time and with an eighth more bytes (docs/speed.md); once a swap is quick, the encoder is most of a run. */
enum { VI_PRESET_H264 = 4, VI_PRESET_H265 = 5 }; /* faster, fast */

/* A line each for the encoders of interest. */
int vi_encoder_report(char lines[][160], int max);

#endif
