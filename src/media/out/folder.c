/* media/out/folder.c: frames as stills, one file each, named in order. One owner thread.
 *
 * Each picture is written under a hidden name and renamed, so that it is whole or absent; that many lie on the disk is made sure of
 * at the end of a segment. Then a segment file (segment.h) with packets of no bytes keeps the numbers of its pictures. */
#include "media/out/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/out/join.h"
#include "media/out/picture.h"
#include "media/out/turn.h"

enum { AUTO, PNG, JPG, TIFF, WEBP };
static const char *const extensions[] = { [AUTO] = "png", [PNG] = "png", [JPG] = "jpg", [TIFF] = "tif", [WEBP] = "webp" };

struct vi_folder_out {
    char *path;
    bool made;             /* the folder is ours */
    const vi_reader *like;
    vi_still_meta plain;   /* of pictures that have no picture to be like */
    int format, jpeg_quality;
    bool mark;
    vi_disk_wait wait;
    const vi_log *log;
    char *journal;         /* folder of segment files, NULL none */
    char *place[2];        /* room for names in it */
    int finished;          /* segment files */
    vi_buf form;
    int64_t *number;       /* of the pictures written, from 0 */
    size_t n, room, durable;
    uint64_t fresh;        /* bytes since the last segment */
    struct SwsContext *sws;
    vi_frame *rgb, *upright;
    vi_buf bytes;
    char *name, *temp;     /* room for the names of one picture */
    size_t name_room;
};

/* The file of the picture with this number: w->name; and w->temp while it is written. */
static void name_picture(vi_folder_out *w, int64_t number)
{
    const char *like = w->like->pictures ? vi_pictures_name(w->like->pictures, number) : NULL, *ext = extensions[w->format];
    char own[32];
    size_t stem;
    if (like) {
        const char *dot = strrchr(like, '.');
        stem = w->format == AUTO || !dot ? strlen(like) : (size_t)(dot - like);
    } else {
        snprintf(own, sizeof own, "%06lld", (long long)number + 1);
        like = own;
        stem = strlen(own);
    }
    bool as_was = like != own && w->format == AUTO;
    snprintf(w->name, w->name_room, "%s/%.*s%s%s", w->path, (int)stem, like, as_was ? "" : ".", as_was ? "" : ext);
    snprintf(w->temp, w->name_room, "%s/.%.*s.part-%ld", w->path, (int)stem, like, (long)getpid());
}

static int make_room_for_names(vi_folder_out *w, viso_error *err)
{
    size_t longest = 32;
    const char *name;
    for (int64_t i = 0; w->like->pictures && (name = vi_pictures_name(w->like->pictures, i)); i++)
        longest = VI_MAX(longest, strlen(name));
    w->name_room = strlen(w->path) + longest + 64;
    w->name = vi_alloc(w->name_room);
    w->temp = vi_alloc(w->name_room);
    for (int i = 0; i < 2 && w->journal; i++)
        w->place[i] = vi_alloc(strlen(w->journal) + VI_SEGMENT_NAME);
    bool ok = w->name && w->temp && (!w->journal || (w->place[0] && w->place[1]));
    vi_buf_put(&w->form, "pictures as ", 12);
    vi_buf_put(&w->form, extensions[w->format], strlen(extensions[w->format]));
    return ok && !w->form.failed ? 0 : vi_error_nomem(err, w->path);
}

static int note(vi_folder_out *w, int64_t number, viso_error *err)
{
    if (w->n == w->room) {
        size_t room = w->room ? 2 * w->room : 1024;
        int64_t *more = vi_calloc(room, sizeof *more);
        if (!more)
            return vi_error_nomem(err, w->path);
        if (w->n)
            memcpy(more, w->number, w->n * sizeof *more);
        vi_free(w->number);
        w->number = more;
        w->room = room;
    }
    w->number[w->n++] = number;
    return 0;
}

/* The pictures that segment k says are there. */
static int recall(vi_folder_out *w, int k, viso_error *err)
{
    vi_segment_in s;
    int64_t *numbers = NULL;
    int rc = vi_segment_open(&s, vi_segment_path_in(w->place[0], w->journal, k, false), NULL, err);
    if (rc)
        return rc;
    rc = vi_segment_times(&s, &numbers, err);
    for (int64_t i = 0; i < s.count && !rc; i++) {
        rc = note(w, numbers[i], err);
        if (rc)
            break;
        name_picture(w, numbers[i]);
        if (!vi_file_exists(w->name))
            rc = vi_error_set(err, VISO_ERR_INPUT, "%s: is missing; the pictures must be begun anew", w->name);
    }
    vi_free(numbers);
    vi_segment_close(&s);
    return rc;
}

static int open_folder(vi_folder_out *w, viso_error *err)
{
    if (vi_is_folder(w->path))
        return 0;
    if (mkdir(w->path, 0777) == 0) {
        w->made = true;
        return 0;
    }
    int e = errno;
    return vi_error_set(err, e == ENOSPC || e == EDQUOT ? VISO_ERR_NO_SPACE : VISO_ERR_USAGE, "%s: the folder cannot be made: %s", w->path,
                        strerror(e));
}

int vi_folder_out_open(vi_folder_out **out, const vi_writer_params *p, const vi_log *log, viso_error *err)
{
    vi_folder_out *w = *out = vi_calloc(1, sizeof *w);
    if (!w)
        return vi_error_nomem(err, p->path);
    AVRational aspect = vi_reader_like(p->like).aspect;
    w->like = p->like;
    w->log = log;
    w->mark = p->mark;
    w->format = vi_clampi(p->settings->pictures, AUTO, WEBP);
    w->jpeg_quality = p->settings->jpeg_quality;
    w->wait = (vi_disk_wait){ .cancel = p->cancel, .full = p->full, .user = p->user, .log = log };
    w->plain.orientation = 1;
    w->plain.lossless = true;
    if (aspect.num > 0 && aspect.den > 0 && av_cmp_q(aspect, (AVRational){ 1, 1 })) {
        /* Pixels that are wider than high: fewer of them to the inch. */
        bool turned = p->like->info.turns % 2;
        w->plain.dpi_x = turned ? 72 : 72 / av_q2d(aspect);
        w->plain.dpi_y = turned ? 72 / av_q2d(aspect) : 72;
    }
    w->path = vi_strdup(p->path);
    w->journal = p->folder ? vi_strdup(p->folder) : NULL;
    if (!w->path || (p->folder && !w->journal))
        return vi_error_nomem(err, p->path);
    for (size_t n = strlen(w->path); n > 1 && w->path[n - 1] == '/'; n--)
        w->path[n - 1] = 0;
    int rc = make_room_for_names(w, err);
    if (!rc)
        rc = open_folder(w, err);
    if (!rc && w->journal) {
        w->finished = p->segment;
        rc = vi_join_look(w->journal, w->finished, false, &w->form, NULL, NULL, err);
        for (int k = 0; k < w->finished && !rc; k++)
            rc = recall(w, k, err);
        w->durable = w->n;
    }
    return rc;
}

/* --- pixels ------------------------------------------------------------------------------------------------ */

/* Where the chroma samples lie, in 256ths of a luma pixel, as swscale counts. */
static void set_siting(struct SwsContext *sws, const vi_format_info *i, int where)
{
    static const int at[][2] = { { 0, 128 }, { 0, 128 }, { 128, 128 }, { 0, 0 }, { 128, 0 }, { 0, 256 }, { 128, 256 } };
    int k = where >= 0 && where < (int)VI_COUNT(at) ? where : 0;
    if (i->chroma_w_log2)
        av_opt_set_int(sws, "src_h_chr_pos", at[k][0], 0);
    if (i->chroma_h_log2)
        av_opt_set_int(sws, "src_v_chr_pos", at[k][1], 0);
}

static bool open_conversion(vi_folder_out *w, const vi_frame *f, vi_format to)
{
    const vi_format_info *i = vi_format_describe(f->format);
    struct SwsContext *s = w->sws = sws_alloc_context();
    w->rgb = vi_frame_alloc(to, f->width, f->height);
    if (!s || !w->rgb)
        return false;
    av_opt_set_int(s, "srcw", f->width, 0);
    av_opt_set_int(s, "srch", f->height, 0);
    av_opt_set_int(s, "dstw", f->width, 0);
    av_opt_set_int(s, "dsth", f->height, 0);
    av_opt_set_int(s, "src_format", vi_av_pixel_format(f->format), 0);
    av_opt_set_int(s, "dst_format", vi_av_pixel_format(to), 0);
    av_opt_set_int(s, "sws_flags", SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, 0);
    set_siting(s, i, f->colour.chroma);
    bool unknown = f->colour.matrix == AVCOL_SPC_UNSPECIFIED || f->colour.matrix == AVCOL_SPC_RGB;
    const int *k = sws_getCoefficients(unknown ? (f->height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M) : f->colour.matrix);
    return sws_init_context(s, NULL, NULL) >= 0 &&
           sws_setColorspaceDetails(s, k, f->colour.range == AVCOL_RANGE_JPEG, k, 1, 0, 1 << 16, 1 << 16) >= 0;
}

/* The frame as R'G'B' or grey, upright; borrowed from w or f itself. NULL: out of memory. */
static const vi_frame *prepared(vi_folder_out *w, const vi_frame *f)
{
    const vi_format_info *i = vi_format_describe(f->format);
    const vi_frame *from = f;
    if (i->yuv) {
        vi_format to = i->depth > 8 ? VI_FORMAT_RGB48 : VI_FORMAT_RGB24;
        if (!w->sws && !open_conversion(w, f, to))
            return NULL;
        const uint8_t *planes[4] = { f->plane[0], f->plane[1], f->plane[2], f->plane[3] };
        int strides[4] = { (int)f->stride[0], (int)f->stride[1], (int)f->stride[2], (int)f->stride[3] };
        uint8_t *dst[4] = { w->rgb->plane[0] };
        if (sws_scale(w->sws, planes, strides, 0, f->height, dst, (int[4]){ (int)w->rgb->stride[0] }) < 0)
            return NULL;
        w->rgb->turns = f->turns;
        from = w->rgb;
    }
    if (!from->turns)
        return from;
    if (!w->upright)
        w->upright = from->turns % 2 ? vi_frame_alloc(from->format, from->height, from->width)
                                     : vi_frame_alloc(from->format, from->width, from->height);
    if (w->upright)
        vi_turn_frame(w->upright, from);
    return w->upright;
}

/* --- files ------------------------------------------------------------------------------------------------- */

/* What the target's own picture says beside its pixels. */
static int read_meta(const vi_folder_out *w, int64_t number, vi_still_meta *m, viso_error *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    vi_frame *none = NULL;
    char *path = vi_path_join(w->like->path, vi_pictures_name(w->like->pictures, number));
    int rc = path ? vi_file_read(path, (size_t)2 << 30, &data, &size, err) : vi_error_nomem(err, w->path);
    if (!rc) {
        vi_still_in in = { .data = data, .size = size, .name = path, .log = w->log, .max_pixels = VI_STILL_MAX_PIXELS, .meta_only = true };
        rc = vi_still_decode(&in, &none, m, err);
    }
    vi_free(data);
    vi_free(path);
    return rc;
}

static int encode(vi_folder_out *w, const vi_frame *f, int64_t number, viso_error *err)
{
    vi_still_meta own = { 0 };
    const vi_still_meta *like = &w->plain;
    char ext[16];
    vi_extension(w->name, ext);
    if (w->like->pictures) {
        int rc = read_meta(w, number, &own, err);
        if (rc)
            return rc;
        like = &own;
    }
    w->bytes.size = 0;
    int rc = vi_picture_encode(&(vi_picture){ .f = f, .like = like, .format = vi_still_format_of_extension(ext), .mark = w->mark,
                                              .jpeg_quality = w->jpeg_quality, .quick = true, .name = w->name, .log = w->log },
                               &w->bytes, err);
    vi_still_meta_clear(&own);
    return rc;
}

int vi_folder_out_write(vi_folder_out *w, vi_frame *f, viso_error *err)
{
    int64_t number = w->like->pictures ? vi_pictures_number(w->like->pictures, f->pts) : (int64_t)w->n;
    if (w->like->pictures && !vi_pictures_name(w->like->pictures, number))
        return vi_error_set(err, VISO_ERR_INTERNAL, "%s: no picture has the time %lld", w->path, (long long)f->pts);
    const vi_frame *still = prepared(w, f);
    if (!still)
        return vi_error_nomem(err, w->path);
    name_picture(w, number);
    int rc = encode(w, still, number, err);
    if (!rc)
        rc = vi_disk_put(w->temp, w->name, w->bytes.data, w->bytes.size, &w->wait, err);
    if (!rc)
        rc = note(w, number, err);
    if (!rc && rename(w->temp, w->name) != 0)
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: cannot be given its name: %s", w->name, strerror(errno));
    if (rc)
        unlink(w->temp);
    w->fresh += w->bytes.size;
    return rc;
}

static int sync_pictures(vi_folder_out *w, viso_error *err)
{
    for (size_t i = w->durable; i < w->n; i++) {
        name_picture(w, w->number[i]);
        int fd = open(w->name, O_RDONLY | O_CLOEXEC), e = fd < 0 || fsync(fd) != 0 ? errno : 0;
        if (fd >= 0)
            close(fd);
        if (e)
            return vi_error_set(err, vi_av_status(AVERROR(e), VISO_ERR_INPUT), "%s: cannot be written to disk: %s", w->name, strerror(e));
    }
    vi_disk_sync_folder(w->path);
    return 0;
}

static int write_segment(vi_folder_out *w, viso_error *err)
{
    AVPacket *p = av_packet_alloc();
    vi_segment_out s = { 0 };
    const char *from = vi_segment_path_in(w->place[0], w->journal, w->finished, true);
    const char *to = vi_segment_path_in(w->place[1], w->journal, w->finished, false);
    int rc = p ? vi_segment_begin(&s, from, to, &w->form, &w->wait, err) : vi_error_nomem(err, w->path);
    for (size_t i = w->durable; i < w->n && !rc; i++) {
        p->pts = w->number[i];
        rc = vi_segment_put(&s, p, err);
    }
    if (!rc)
        rc = vi_segment_end(&s, true, NULL, err);
    if (!rc && rename(from, to) != 0)
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: cannot be given its name: %s", to, strerror(errno));
    vi_segment_drop(&s);
    vi_free(s.pts);
    av_packet_free(&p);
    if (rc)
        unlink(from);
    else
        vi_disk_sync_folder(w->journal);
    return rc;
}

int vi_folder_out_segment(vi_folder_out *w, uint64_t *bytes, viso_error *err)
{
    if (bytes)
        *bytes = w->fresh;
    if (w->durable == w->n)
        return 0;
    int rc = sync_pictures(w, err);
    if (!rc && w->journal) {
        rc = write_segment(w, err);
        w->finished += !rc;
    }
    if (!rc) {
        w->durable = w->n;
        w->fresh = 0;
    }
    return rc;
}

int vi_folder_out_finish(vi_folder_out *w, bool cut, viso_error *err)
{
    if (!w->n)
        return vi_error_set(err, cut ? VISO_ERR_INTERRUPTED : VISO_ERR_INPUT, "%s: nothing was written", w->path);
    return sync_pictures(w, err);
}

void vi_folder_out_close(vi_folder_out **p, bool keep, bool all)
{
    vi_folder_out *w = *p;
    *p = NULL;
    if (!w)
        return;
    for (size_t i = keep ? w->durable : 0; i < w->n && !all && w->name; i++) {
        name_picture(w, w->number[i]);
        unlink(w->name);
    }
    for (int k = 0; k < w->finished && !keep && w->place[0]; k++)
        unlink(vi_segment_path_in(w->place[0], w->journal, k, false));
    if (w->made && !all)
        rmdir(w->path); /* where there is nothing in it */
    sws_freeContext(w->sws);
    vi_frame_unref(&w->rgb);
    vi_frame_unref(&w->upright);
    vi_buf_clear(&w->bytes);
    vi_buf_clear(&w->form);
    vi_free(w->number);
    vi_free(w->name);
    vi_free(w->temp);
    vi_free(w->place[0]);
    vi_free(w->place[1]);
    vi_free(w->journal);
    vi_free(w->path);
    vi_free(w);
}
