/* media/reader.h: the inside of a vi_reader, shared with the writer, which copies the form of the target. Media room
 * only. */
#ifndef VI_READER_H
#define VI_READER_H

#include "media/av.h"
#include "media/media.h"
#include "media/still.h"

/* Side data of recent frames (captions, time codes, light levels), put by the reading thread and taken by the writing
 * thread by time stamp: pixels travel through the pipeline in other frames than FFmpeg's. A ring under one lock; what
 * nobody takes is overwritten. */
#define VI_SIDE_RING 256
typedef struct vi_side_store {
    pthread_mutex_t lock;
    struct {
        int64_t pts;
        AVFrame *props; /* no pixels */
    } slot[VI_SIDE_RING];
    unsigned next;
} vi_side_store;
/* Copies properties and side data kept for this time into `to`, and forgets them. s may be NULL. */
void vi_side_take(vi_side_store *s, int64_t pts, AVFrame *to);

typedef struct vi_video_in vi_video_in;
typedef struct vi_pictures_in vi_pictures_in;

struct vi_reader {
    vi_media_info info;
    vi_log log;
    char *path;
    vi_frame *still; /* until it is handed out */
    vi_still_meta meta;
    vi_input_settings settings;
    vi_video_in *video;
    vi_pictures_in *pictures;
    int64_t begin, end; /* the part of a clip that is handed out, in ticks; INT64_MIN and INT64_MAX where it is open */
};

/* What a writer asks of the clip whose form it keeps. */
typedef struct vi_like {
    int stream;            /* index of the picture stream, -1: the clip is no file with streams */
    AVRational time_base, aspect;
    enum AVFieldOrder fields;
    const AVFrame *first;  /* properties and side data of the first frame, no pixels */
    vi_side_store *side;   /* may be NULL */
} vi_like;
vi_like vi_reader_like(const vi_reader *r);

int vi_video_open(vi_reader *r, viso_error *err);
int vi_video_next(vi_reader *r, vi_frame **f, viso_error *err);
/* See vi_reader_seek and vi_reader_frame_time. */
int vi_video_seek(vi_reader *r, int64_t pts, viso_error *err);
int vi_video_frame_time(vi_reader *r, int64_t n, int64_t *pts, viso_error *err);
uint64_t vi_video_damaged(const vi_video_in *v);
void vi_video_close(vi_video_in **v);
/* The time of the frame that comes next, once there was an opening or a seek; of the last one later. */
int64_t vi_video_here(const vi_video_in *v);
/* Time of the very first frame of the file, wherever the reader is. */
int64_t vi_video_origin(const vi_video_in *v);
void vi_video_like(const vi_video_in *v, vi_like *like);

/* The same for a folder of pictures. */
int vi_pictures_open(vi_reader *r, viso_error *err);
int vi_pictures_next(vi_reader *r, vi_frame **f, viso_error *err);
int vi_pictures_seek(vi_reader *r, int64_t pts, viso_error *err);
int vi_pictures_frame_time(const vi_reader *r, int64_t n, int64_t *pts);
int64_t vi_pictures_here(const vi_pictures_in *p);
uint64_t vi_pictures_damaged(const vi_pictures_in *p);
void vi_pictures_like(const vi_pictures_in *p, vi_like *like);
void vi_pictures_close(vi_pictures_in **p);
/* The n-th name (from 0), NULL behind the last; the number of the picture at a time. Any thread, while the reader is open. */
const char *vi_pictures_name(const vi_pictures_in *p, int64_t n);
int64_t vi_pictures_number(const vi_pictures_in *p, int64_t pts);

/* Index of the stream that is the picture: the best one that is no attached picture; -1 none. Reader and writer open the
 * target separately and must agree. */
int vi_video_pick(AVFormatContext *fc);
/* Opens a file for reading with the room's settings and finds its streams. */
int vi_video_open_input(AVFormatContext **fc, const char *path, const vi_log *log, viso_error *err);

#endif
