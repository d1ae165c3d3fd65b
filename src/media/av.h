/* media/av.h: what the rest of the room needs of FFmpeg: pixel formats, errors, log lines, conversion. Media room only. */
#ifndef VI_AV_H
#define VI_AV_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>

#include "base/base.h"
#include "frame/frame.h"

/* Routes FFmpeg's messages to the vi_log in the `opaque` of the format or codec context they come from; all others are
 * dropped. Only handles that were announced are believed: the program around the library may use FFmpeg too, with
 * `opaque` pointers of its own. Any thread. */
void vi_av_init(void);
void vi_av_announce(const vi_log *log);
void vi_av_forget(const vi_log *log); /* after the contexts are closed; one never announced is fine */

/* Static text of an AVERROR; and its status: no space, or `other`. */
const char *vi_av_error(int code);
int vi_av_status(int code, int other);

/* The vi_format that holds frames of this pixel format. *direct: the planes are already laid out so (alpha planes are
 * ignored); else the frame must be converted. NONE: no such (hardware, bayer …). */
vi_format vi_av_format(enum AVPixelFormat p, bool *direct);
/* The twin of a vi_format in FFmpeg. */
enum AVPixelFormat vi_av_pixel_format(vi_format f);
bool vi_av_has_alpha(enum AVPixelFormat p);
/* Colour tags; full range is also implied by the yuvj formats. */
vi_colour vi_av_colour(const AVFrame *f);

/* A conversion of frames of one size; remembers its context. Zero-initialise. Range and matrix are those of the colour:
 * YUV to YUV keeps the numbers' meaning, RGB to YUV uses `colour`. */
typedef struct vi_convert {
    struct SwsContext *sws;
} vi_convert;
int vi_convert_run(vi_convert *c, const AVFrame *src, AVFrame *dst, const vi_colour *colour);
void vi_convert_clear(vi_convert *c);

/* A path as an address that FFmpeg takes literally ("file:" before it; addresses with "://" stay). Allocated. */
char *vi_av_address(const char *path);

#endif
