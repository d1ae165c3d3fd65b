/* media/media.h: bytes to frames and back. The home of FFmpeg, libjpeg, libpng, libwebp, libtiff, exempi. */
#ifndef VI_MEDIA_H
#define VI_MEDIA_H

#include <stdatomic.h>

#include "base/base.h"
#include "frame/frame.h"
#include "options/options.h"

typedef enum vi_media_kind { VI_MEDIA_STILL = 1, VI_MEDIA_VIDEO } vi_media_kind;

typedef struct vi_media_info {
    vi_media_kind kind;
    int width, height;       /* stored orientation */
    int turns;               /* see vi_frame.turns */
    vi_format format;
    vi_colour colour;
    int time_base_num, time_base_den;
    int rate_num, rate_den;  /* average frame rate, 0/1 unknown */
    int64_t frames;          /* estimate, 0 unknown */
    double duration_s;       /* 0 unknown */
    char codec[32];          /* "h264", "jpeg", "png" … */
    char container[32];
    bool has_audio;
} vi_media_info;

/* How videos are read: the "input" options group. */
enum { VI_HARDWARE_OFF, VI_HARDWARE_AUTO, VI_HARDWARE_CUDA, VI_HARDWARE_VAAPI };
typedef struct vi_input_settings {
    int hardware; /* VI_HARDWARE_*: the device that decodes; the processor when it cannot */
    vi_option_text frame_rate; /* of a folder of pictures read as a clip: "25", "30000/1001", "29.97"; "" is 25 */
} vi_input_settings;
extern const vi_option_group vi_input_options;

/* A still of any supported kind, or a video (anything FFmpeg decodes). One owner thread. Stills are turned upright by
 * EXIF orientation at decoding; video frames keep their stored orientation and carry `turns`. Pixel formats that are not
 * vi_formats are converted to the nearest one that keeps depth and sampling. */
typedef struct vi_reader vi_reader;
int vi_reader_open(vi_reader **r, const char *path, const vi_log *log, viso_error *err);
/* The same with settings; the plain form leaves all to the processor. */
int vi_reader_open_as(vi_reader **r, const char *path, const vi_input_settings *s, const vi_log *log, viso_error *err);
/* The stills of a folder as a clip: those whose names end like a still's, hidden ones left out, in the order of their names with
 * numbers by value (2 before 10), frame n at n times the length of a frame. Kind video, codec "pictures", container "folder", no
 * sound. All of one size and format as the first one; which is not is VISO_ERR_INPUT when it is read, naming the file. A damaged
 * picture is skipped and counted like a damaged frame. Ranges and seeking as for videos. VISO_ERR_INPUT: no folder, no picture in
 * it, or none that can be read; VISO_ERR_USAGE: no frame rate. */
int vi_reader_open_pictures(vi_reader **r, const char *folder, const vi_input_settings *s, const vi_log *log, viso_error *err);
const vi_media_info *vi_reader_info(const vi_reader *r);
/* VISO_OK and a frame (caller unrefs), VISO_EOF, or a failure. A damaged frame inside a video is skipped with one log
 * line and counted; one that the decoder patches up is handed out, which is told once; a file that yields no frame at all is
 * VISO_ERR_INPUT. A still gives one frame. Video frames come in
 * presentation order with the pts of the file, numbered from 0. May block on input. */
int vi_reader_next(vi_reader *r, vi_frame **f, viso_error *err);
/* Goes to the first frame at or after `pts` (the clip's time base): the next one handed out, numbered 0. It is the very frame
 * that reading from the start gives. VISO_EOF: there is none. After a failure the reader can only be closed. Videos only. */
int vi_reader_seek(vi_reader *r, int64_t pts, viso_error *err);
/* Time of the n-th frame (from 0) in ticks, from the times of the packets. VISO_EOF: the clip has fewer. */
int vi_reader_frame_time(vi_reader *r, int64_t n, int64_t *pts, viso_error *err);
/* A place in a clip as people write it: "83.5" and "1:23.5" seconds from its first frame, "250f" the 250th frame from 0. "" is
 * open. Only the part from `start` up to and without `end` is handed out, and a writer made like this reader writes the other
 * streams of that part, all beginning at zero. Call before the first frame is read. VISO_ERR_USAGE: not a place, nothing
 * between the two, or behind the end of the clip. */
int vi_reader_range(vi_reader *r, const char *start, const char *end, viso_error *err);
/* Such a place (not the open one) in ticks, whatever part is handed out; the reader does not move. VISO_EOF: a frame behind the
 * end. r NULL: only whether it is written as a place, VISO_ERR_USAGE when not. */
int vi_reader_place(vi_reader *r, const char *text, int64_t *pts, viso_error *err);
/* Before the first frame is read: its time, and the time from which on no frame is handed out any more (INT64_MAX: the end). */
void vi_reader_part(const vi_reader *r, int64_t *first, int64_t *end);
uint64_t vi_reader_damaged(const vi_reader *r);
void vi_reader_close(vi_reader **r);

/* Result settings: the "output" options group. */
enum { VI_FULL_DISK_AUTO, VI_FULL_DISK_STOP, VI_FULL_DISK_WAIT };
typedef struct vi_output_settings {
    int codec;       /* choices auto h264 h265 vp9 av1 prores ffv1 … */
    float crf;       /* -1: default of the codec */
    int preset;      /* choices auto ultrafast … placebo */
    int jpeg_quality; /* 0: like the source (default), else 1..100 */
    int encoder_threads; /* 0: all processors */
    int lookahead;       /* frames, -1: of the preset; H.264, H.265, VP9, AV1 */
    int full_disk;       /* VI_FULL_DISK_*: whether the caller should pass `full` to its writers */
    int pictures;        /* choices auto png jpg tiff webp: of a clip written as pictures */
} vi_output_settings;
extern const vi_option_group vi_output_options;

/* Whether a result of this name is a folder of pictures: it is a folder, or the name ends in '/'. *used (may be NULL): there is
 * something in it already, so that a caller may want to ask before it writes there. */
bool vi_media_is_folder_name(const char *path, bool *used);

/* A result beside its final name. `like` is the opened target whose form is kept: for stills ICC profile, EXIF (with
 * orientation reset), XMP, resolution, bit depth; for video all other streams (copied packet by packet from a second
 * opening of the target, interleaved), chapters, attachments, metadata, dispositions, rotation, colour tags, HDR side data.
 * The still's format follows the extension of `path`. `mark`: write the IPTC digital source type
 * compositeWithTrainedAlgorithmicMedia (XMP for stills, MP4 and MOV; a metadata tag in MKV and WebM). One owner thread. */
typedef struct vi_writer vi_writer;
typedef struct vi_writer_params {
    const char *path;
    const vi_reader *like;
    const char *like_path;
    const vi_output_settings *settings;
    bool mark;
    const vi_log *log;
    /* Videos: pictures are coded in segments, each a file of its own in a folder, and put together with all other streams by
     * vi_writer_finish. */
    const char *folder;   /* exists; holds the segments, which stay there until vi_writer_finish has succeeded. NULL: a folder of
                             the writer's own beside the result, which goes away in any case */
    int segment;          /* this many finished segments are in the folder already: go on behind them */
    /* A full disk. With `full` the writer waits for room, trying twice a second; without, or once *cancel is set, the write fails
     * (VISO_ERR_NO_SPACE). */
    atomic_bool *cancel;  /* may be NULL */
    /* Called when it begins to wait (bytes it wants to write), and with 0 when it goes on. The thread that writes. */
    void (*full)(void *user, uint64_t bytes);
    void *user;
} vi_writer_params;
int vi_writer_open(vi_writer **w, const vi_writer_params *p, viso_error *err);
/* Frames in presentation order; the frame stays the caller's. May block. */
int vi_writer_write(vi_writer *w, vi_frame *f, viso_error *err);
/* Videos: ends the segment at the last frame written: coded to its end, closed and fsynced when this returns, so that a run may
 * go on behind it whatever happens. The next frame begins another, with a key frame. *bytes (may be NULL): its size. Without a
 * frame since the last one nothing happens. */
int vi_writer_segment(vi_writer *w, uint64_t *bytes, viso_error *err);
/* Makes the result of all segments and of what was written since the last one, with the other streams (up to the last video time
 * when `cut` says that the run was stopped), marks it, and gives it its name. Destroys w in any case. Segments in `folder`: gone
 * after success, but with `cut` the finished ones stay, so that a run may go on behind them; they stay after a failure, too. Nothing
 * else is left then. */
int vi_writer_finish(vi_writer **w, bool cut, viso_error *err);
/* Leaves nothing, neither result nor segments. */
void vi_writer_abort(vi_writer **w);
/* Ends the writer without a result but leaves finished segments in `folder` (an unfinished one is removed). */
void vi_writer_leave(vi_writer **w);
/* Whether `folder` holds segments 0 .. n - 1, whole, as this writer would go on behind. VISO_ERR_INPUT naming what is missing. */
int vi_writer_segments_check(const char *folder, int n, viso_error *err);
/* Clips as pictures: `path` names a folder (vi_media_is_folder_name; made when it is not there) and `like` is a clip, a video or
 * pictures. Each frame becomes a still, upright, marked, whole or absent at any moment: "000001.png" and so on in the format of the
 * settings, 16 bits where the clip has more than 8 and the format can; of pictures their names, formats and metadata. Pictures of the same
 * name are replaced, others stay. A segment is then what vi_writer_segment has brought to the disk, and `folder` only says how far
 * that is; without `folder`, `segment` means nothing. vi_writer_abort takes away the pictures that were written, vi_writer_leave those
 * after the last segment; vi_writer_finish leaves all, with `cut` and after a failure too.
 *
 * Packets of other streams that the container cannot hold are dropped at open with one log line each. */

/* Whether the path's extension names a still or a video container that vi_writer can write; 0 neither. */
vi_media_kind vi_media_kind_of_name(const char *path);
/* Sorted names of the stills and videos in a folder (not recursive); allocated strings and array. */
int vi_media_list(const char *folder, char ***names, int *n, viso_error *err);
void vi_media_list_free(char ***names, int n);

typedef struct vi_mark {
    bool present;            /* carries the composite/trained-algorithmic digital source type */
    char digital_source_type[160]; /* what the file says, "" none */
    char where[32];          /* "xmp", "matroska tag" … */
} vi_mark;
int vi_mark_read(const char *path, vi_mark *m, viso_error *err);

/* A still encoded from any RGB24/RGBA/GRAY8 frame, no metadata (drawings, thumbnails). By extension. */
int vi_still_save(const char *path, const vi_frame *f, viso_error *err);

/* Coding on the GPU. Opens the device and each coder (some 100 ms with a GPU), so ask only when there is a driver. How many. */
typedef struct vi_media_device {
    char name[16];  /* "NVDEC", "NVENC" */
    bool works;
    char text[160]; /* what it codes ("H.264, H.265"), or why not */
} vi_media_device;
int vi_media_hardware(vi_media_device *list, int max);
/* How many of the usual video formats can be decoded; names of those that cannot, "" none. */
int vi_media_decoders(char *missing, size_t room);
/* Memory in bytes, as estimates: of one frame of the clip; of all that its decoder holds; of all that the encoder of its result
 * holds. vi_media_lookahead: frames that the encoder looks ahead with these settings. */
uint64_t vi_media_frame_bytes(const vi_media_info *info);
uint64_t vi_media_decoder_bytes(const vi_media_info *info);
uint64_t vi_media_encoder_bytes(const vi_media_info *info, const vi_output_settings *s);
int vi_media_lookahead(const vi_media_info *info, const vi_output_settings *s);
/* FFmpeg's version and the encoders of interest, for doctor: fills a line of text each. */
int vi_media_report(char lines[][160], int max);

#endif
