/* media/out/writer.c: a result beside its final name, still or video. Stills keep the target's metadata, settled for the
 * upright, swapped picture. One owner thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "media/out/folder.h"
#include "media/out/picture.h"
#include "media/out/segment.h"
#include "media/out/video.h"
#include "media/reader.h"

struct vi_writer {
    vi_pending pending;
    vi_log log;
    char *path;
    const vi_reader *like;
    vi_output_settings settings;
    bool mark, written;
    bool keep;               /* finished segments stay when the writer goes */
    bool keep_all;           /* and all pictures of a folder */
    vi_disk_wait wait;
    vi_still_format format;  /* still */
    vi_buf bytes;            /* the encoded still, until finish */
    vi_video_out *video;
    vi_folder_out *pictures;
};

vi_media_kind vi_media_kind_of_name(const char *path)
{
    char ext[16];
    vi_extension(path, ext);
    if (vi_still_format_of_extension(ext) != VI_STILL_NONE)
        return VI_MEDIA_STILL;
    return vi_video_container(ext) ? VI_MEDIA_VIDEO : 0;
}

static int check_kind(const vi_writer_params *p, viso_error *err)
{
    if (p->like->info.kind == VI_MEDIA_VIDEO && vi_media_is_folder_name(p->path, NULL))
        return 0;
    vi_media_kind want = p->like->info.kind, kind = vi_media_kind_of_name(p->path);
    if (kind == want)
        return 0;
    return want == VI_MEDIA_STILL
               ? vi_error_set(err, VISO_ERR_USAGE, "%s: the target is a picture; name the result .jpg, .png, .webp, .tif or .bmp",
                              p->path)
               : vi_error_set(err, VISO_ERR_USAGE, "%s: the target is a video; name the result .mp4, .mov, .mkv or .webm", p->path);
}

int vi_writer_open(vi_writer **out, const vi_writer_params *p, viso_error *err)
{
    *out = NULL;
    int rc = check_kind(p, err);
    if (rc)
        return rc;
    vi_writer *w = vi_calloc(1, sizeof *w);
    if (!w || !(w->path = vi_strdup(p->path))) {
        vi_free(w);
        return vi_error_nomem(err, p->path);
    }
    char ext[16];
    vi_extension(p->path, ext);
    w->log = vi_log_named(p->log, "media/out");
    vi_av_announce(&w->log);
    w->like = p->like;
    w->settings = *p->settings;
    w->mark = p->mark;
    w->keep = true;
    w->written = p->folder && p->segment > 0;
    w->wait = (vi_disk_wait){ .cancel = p->cancel, .full = p->full, .user = p->user, .log = &w->log };
    w->format = vi_still_format_of_extension(ext);
    if (p->like_path && vi_same_file(p->path, p->like_path))
        rc = vi_error_set(err, VISO_ERR_USAGE, "%s: result and target are the same file", p->path);
    bool folder = p->like->info.kind == VI_MEDIA_VIDEO && vi_media_is_folder_name(p->path, NULL);
    if (!rc && folder)
        rc = vi_folder_out_open(&w->pictures, p, &w->log, err);
    else if (!rc)
        rc = vi_pending_begin(&w->pending, p->path, err);
    if (!rc && !folder && w->format == VI_STILL_NONE)
        rc = vi_video_out_open(&w->video, w->pending.temp_path, p, &w->log, err);
    if (rc) {
        vi_writer_leave(&w);
        return rc;
    }
    *out = w;
    return 0;
}

int vi_writer_write(vi_writer *w, vi_frame *f, viso_error *err)
{
    int rc;
    if (w->video)
        rc = vi_video_out_write(w->video, f, err);
    else if (w->pictures)
        rc = vi_folder_out_write(w->pictures, f, err);
    else if (w->written)
        rc = vi_error_set(err, VISO_ERR_INTERNAL, "%s: a still has one frame", w->path);
    else
        rc = vi_picture_encode(&(vi_picture){ .f = f, .like = &w->like->meta, .format = w->format, .mark = w->mark,
                                              .jpeg_quality = w->settings.jpeg_quality, .name = w->path, .log = &w->log },
                               &w->bytes, err);
    w->written |= !rc;
    return rc;
}

int vi_writer_segment(vi_writer *w, uint64_t *bytes, viso_error *err)
{
    if (bytes)
        *bytes = 0;
    if (w->pictures)
        return vi_folder_out_segment(w->pictures, bytes, err);
    return w->video ? vi_video_out_segment(w->video, bytes, err) : 0;
}

int vi_writer_segments_check(const char *folder, int n, viso_error *err)
{
    int rc = 0;
    for (int k = 0; k < n && !rc; k++) {
        char *path = vi_segment_path(folder, k, false);
        rc = path ? vi_segment_check(path, err) : vi_error_nomem(err, folder);
        vi_free(path);
    }
    return rc;
}

static void destroy(vi_writer **p)
{
    vi_writer *w = *p;
    *p = NULL;
    vi_video_out_close(&w->video, w->keep);
    vi_folder_out_close(&w->pictures, w->keep, w->keep_all);
    vi_av_forget(&w->log);
    vi_pending_abort(&w->pending);
    vi_buf_clear(&w->bytes);
    vi_free(w->path);
    vi_free(w);
}

int vi_writer_finish(vi_writer **p, bool cut, viso_error *err)
{
    vi_writer *w = *p;
    int rc;
    w->keep_all = true;
    if (w->pictures)
        rc = vi_folder_out_finish(w->pictures, cut, err);
    else if (!w->written)
        rc = vi_error_set(err, cut ? VISO_ERR_INTERRUPTED : VISO_ERR_INPUT, "%s: nothing was written", w->path);
    else if (w->video)
        rc = vi_video_out_finish(w->video, cut, err);
    else
        rc = vi_disk_put(w->pending.temp_path, w->path, w->bytes.data, w->bytes.size, &w->wait, err);
    if (!rc && !w->pictures)
        rc = vi_pending_commit(&w->pending, err);
    w->keep = rc || cut;
    destroy(p);
    return rc;
}

void vi_writer_leave(vi_writer **p)
{
    if (*p)
        destroy(p);
}

void vi_writer_abort(vi_writer **p)
{
    if (*p)
        (*p)->keep = false;
    vi_writer_leave(p);
}

int vi_still_save(const char *path, const vi_frame *f, viso_error *err)
{
    char ext[16];
    vi_extension(path, ext);
    vi_still_meta m = { .lossless = true };
    vi_still_out o = { .f = f, .meta = &m, .name = path };
    vi_buf bytes = { 0 };
    int rc = vi_still_encode(vi_still_format_of_extension(ext), &o, &bytes, err);
    if (!rc)
        rc = vi_file_write(path, bytes.data, bytes.size, err);
    vi_buf_clear(&bytes);
    return rc;
}
