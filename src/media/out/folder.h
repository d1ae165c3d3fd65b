/* media/out/folder.h: a clip being written as pictures in a folder. Media room only. One owner thread. */
#ifndef VI_OUT_FOLDER_H
#define VI_OUT_FOLDER_H

#include "media/reader.h"

typedef struct vi_folder_out vi_folder_out;
int vi_folder_out_open(vi_folder_out **w, const vi_writer_params *p, const vi_log *log, viso_error *err);
int vi_folder_out_write(vi_folder_out *w, vi_frame *f, viso_error *err);
/* See vi_writer_segment. */
int vi_folder_out_segment(vi_folder_out *w, uint64_t *bytes, viso_error *err);
int vi_folder_out_finish(vi_folder_out *w, bool cut, viso_error *err);
/* keep: pictures up to the last segment stay, and what says so; all that were written with `all`. */
void vi_folder_out_close(vi_folder_out **w, bool keep, bool all);

#endif
