/* media/out/video.h: a video being written. Media room only. One owner thread. */
#ifndef VI_OUT_VIDEO_H
#define VI_OUT_VIDEO_H

#include "media/reader.h"

typedef struct vi_video_out vi_video_out;
/* Name of the muxer for an extension, NULL when it is no container of ours. */
const char *vi_video_container(const char *ext);
int vi_video_out_open(vi_video_out **v, const char *temp_path, const vi_writer_params *p, const vi_log *log, viso_error *err);
int vi_video_out_write(vi_video_out *v, vi_frame *f, viso_error *err);
/* See vi_writer_segment. */
int vi_video_out_segment(vi_video_out *v, uint64_t *bytes, viso_error *err);
/* Completes the file at temp_path. */
int vi_video_out_finish(vi_video_out *v, bool cut, viso_error *err);
/* keep: finished segments in a given folder stay. */
void vi_video_out_close(vi_video_out **v, bool keep);

#endif
