/* media/out/writer.c: a result beside its final name, still or video. Stills keep the target's metadata, settled for the
 * upright, swapped picture. One owner thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "media/exif.h"
#include "media/out/segment.h"
#include "media/out/video.h"
#include "media/reader.h"
#include "media/xmp.h"

struct vi_writer {
    vi_pending pending;
    vi_log log;
    char *path;
    const vi_reader *like;
    vi_output_settings settings;
    bool mark, written;
    bool keep;               /* finished segments stay when the writer goes */
    vi_disk_wait wait;
    vi_still_format format;  /* still */
    vi_buf bytes;            /* the encoded still, until finish */
    vi_video_out *video;
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
    if (!rc)
        rc = vi_pending_begin(&w->pending, p->path, err);
    if (!rc && w->format == VI_STILL_NONE)
        rc = vi_video_out_open(&w->video, w->pending.temp_path, p, &w->log, err);
    if (rc) {
        vi_writer_leave(&w);
        return rc;
    }
    *out = w;
    return 0;
}

static bool all_grey(const vi_frame *f)
{
    const vi_format_info *i = vi_format_describe(f->format);
    size_t b = i->bytes, step = i->components * b;
    for (int y = 0; y < f->height; y++) {
        const uint8_t *p = f->plane[0] + y * f->stride[0];
        for (int x = 0; x < f->width; x++, p += step) {
            if (memcmp(p, p + b, b) != 0 || memcmp(p, p + 2 * b, b) != 0)
                return false;
        }
    }
    return true;
}

/* A JPEG's IPTC block may hold thumbnails of the picture as it was (resources 1033 and 1036); the block is copied
 * without them. Resource: "8BIM", id, padded name, size, padded data. */
static void settle_iptc(const vi_buf *from, vi_buf *to)
{
    size_t at = 14; /* "Photoshop 3.0" and its NUL */
    if (from->size < at)
        return;
    vi_buf_set(to, from->data, at);
    while (at + 12 <= from->size && memcmp(from->data + at, "8BIM", 4) == 0) {
        const uint8_t *p = from->data + at;
        size_t name = ((size_t)p[6] + 2) & ~(size_t)1, head = 6 + name + 4;
        if (head > from->size - at)
            break;
        const uint8_t *s = p + head - 4;
        size_t n = (size_t)s[0] << 24 | (size_t)s[1] << 16 | (size_t)s[2] << 8 | s[3], left = from->size - at - head;
        if (n > left)
            break;
        size_t all = head + VI_MIN(n + (n & 1), left);
        unsigned id = (unsigned)p[4] << 8 | p[5];
        if (id != 1033 && id != 1036)
            vi_buf_put(to, p, all);
        at += all;
    }
    if (to->size <= 14)
        vi_buf_clear(to);
}

static int encode_still(vi_writer *w, const vi_frame *f, viso_error *err)
{
    const vi_still_meta *from = &w->like->meta;
    vi_still_meta m = *from; /* borrowed, but for the three blocks made here */
    m.exif = m.xmp = m.jpeg_iptc = (vi_buf){ 0 };
    vi_buf_put(&m.exif, from->exif.data, from->exif.size);
    vi_buf_put(&m.xmp, from->xmp.data, from->xmp.size);
    if (m.exif.size)
        vi_exif_settle(&m.exif, f->width, f->height);
    settle_iptc(&from->jpeg_iptc, &m.jpeg_iptc);
    int rc = m.exif.failed || m.xmp.failed || m.jpeg_iptc.failed ? vi_error_nomem(err, w->path) : 0;
    if (!rc)
        rc = vi_xmp_settle(&m.xmp, w->mark, f->width, f->height, &w->log, err);
    if (!rc) {
        vi_still_out o = { .f = f, .meta = &m, .name = w->path, .log = &w->log, .jpeg_quality = w->settings.jpeg_quality,
                           .grey_alpha_ok = m.grey_alpha && vi_format_describe(f->format)->components == 4 && all_grey(f) };
        rc = vi_still_encode(w->format, &o, &w->bytes, err);
    }
    vi_buf_clear(&m.exif);
    vi_buf_clear(&m.xmp);
    vi_buf_clear(&m.jpeg_iptc);
    return rc;
}

int vi_writer_write(vi_writer *w, vi_frame *f, viso_error *err)
{
    int rc;
    if (w->video)
        rc = vi_video_out_write(w->video, f, err);
    else if (w->written)
        rc = vi_error_set(err, VISO_ERR_INTERNAL, "%s: a still has one frame", w->path);
    else
        rc = encode_still(w, f, err);
    w->written |= !rc;
    return rc;
}

int vi_writer_segment(vi_writer *w, uint64_t *bytes, viso_error *err)
{
    if (bytes)
        *bytes = 0;
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
    if (!w->written)
        rc = vi_error_set(err, cut ? VISO_ERR_INTERRUPTED : VISO_ERR_INPUT, "%s: nothing was written", w->path);
    else if (w->video)
        rc = vi_video_out_finish(w->video, cut, err);
    else
        rc = vi_disk_put(w->pending.temp_path, w->path, w->bytes.data, w->bytes.size, &w->wait, err);
    if (!rc)
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
