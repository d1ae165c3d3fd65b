/* media/in/reader.c: opening a path: a still by its first bytes, else whatever FFmpeg makes of it; or a folder of stills. One owner
 * thread. */
#include "media/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define STILL_FILE_LIMIT ((size_t)2 << 30)

static int open_still(vi_reader *r, viso_error *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    int rc = vi_file_read(r->path, STILL_FILE_LIMIT, &data, &size, err);
    if (rc)
        return rc;
    vi_still_in in = { .data = data, .size = size, .name = r->path, .log = &r->log, .max_pixels = VI_STILL_MAX_PIXELS };
    rc = vi_still_decode(&in, &r->still, &r->meta, err);
    vi_free(data);
    if (rc)
        return rc;
    vi_media_info *i = &r->info;
    i->kind = VI_MEDIA_STILL;
    i->width = r->still->width;
    i->height = r->still->height;
    i->format = r->still->format;
    i->colour = r->still->colour;
    i->time_base_num = i->time_base_den = 1;
    i->rate_den = 1;
    i->frames = 1;
    snprintf(i->codec, sizeof i->codec, "%s", vi_still_format_name(r->meta.format));
    snprintf(i->container, sizeof i->container, "%s", vi_still_format_name(r->meta.format));
    return 0;
}

/* The first bytes, with a message of its own for each way in which a path is no file to read. */
static int look(const char *path, uint8_t head[32], size_t *n, viso_error *err)
{
    struct stat st;
    *n = 0;
    if (stat(path, &st) != 0)
        return vi_error_set(err, VISO_ERR_INPUT, errno == ENOENT ? "%s: no such file" : "%s: cannot be read: %s", path,
                            strerror(errno));
    if (S_ISDIR(st.st_mode))
        return vi_error_set(err, VISO_ERR_INPUT, "%s: is a folder, not a picture or video", path);
    FILE *f = fopen(path, "rbe");
    if (!f)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISREG(st.st_mode)) {
        *n = fread(head, 1, 32, f);
        if (*n == 0) {
            int rc = ferror(f) ? vi_error_set(err, VISO_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno))
                               : vi_error_set(err, VISO_ERR_INPUT, "%s: the file is empty (0 bytes)", path);
            fclose(f);
            return rc;
        }
    }
    fclose(f);
    return 0;
}

int vi_reader_open(vi_reader **out, const char *path, const vi_log *log, viso_error *err)
{
    return vi_reader_open_as(out, path, &(vi_input_settings){ .hardware = VI_HARDWARE_OFF }, log, err);
}

static vi_reader *new_reader(const char *path, const vi_input_settings *s, const vi_log *log)
{
    vi_reader *r = vi_calloc(1, sizeof *r);
    if (!r || !(r->path = vi_strdup(path))) {
        vi_free(r);
        return NULL;
    }
    r->settings = *s;
    r->begin = INT64_MIN;
    r->end = INT64_MAX;
    r->log = vi_log_named(log, "media/in");
    vi_av_announce(&r->log);
    return r;
}

int vi_reader_open_pictures(vi_reader **out, const char *folder, const vi_input_settings *s, const vi_log *log, viso_error *err)
{
    *out = NULL;
    vi_reader *r = new_reader(folder, s, log);
    if (!r)
        return vi_error_nomem(err, folder);
    int rc = vi_pictures_open(r, err);
    if (rc)
        vi_reader_close(&r);
    *out = r;
    return rc;
}

int vi_reader_open_as(vi_reader **out, const char *path, const vi_input_settings *s, const vi_log *log, viso_error *err)
{
    uint8_t head[32];
    size_t n = 0;
    *out = NULL;
    bool address = strstr(path, "://") && !vi_file_exists(path);
    int rc = address ? 0 : look(path, head, &n, err);
    if (rc)
        return rc;
    vi_reader *r = new_reader(path, s, log);
    if (!r)
        return vi_error_nomem(err, path);
    rc = n && vi_still_recognise(head, n) != VI_STILL_NONE ? open_still(r, err) : vi_video_open(r, err);
    if (rc) {
        vi_reader_close(&r);
        return rc;
    }
    *out = r;
    return 0;
}

const vi_media_info *vi_reader_info(const vi_reader *r)
{
    return &r->info;
}

int vi_reader_next(vi_reader *r, vi_frame **f, viso_error *err)
{
    *f = NULL;
    if (r->video)
        return vi_video_next(r, f, err);
    if (r->pictures)
        return vi_pictures_next(r, f, err);
    if (!r->still)
        return VISO_EOF;
    *f = r->still;
    r->still = NULL;
    return 0;
}

uint64_t vi_reader_damaged(const vi_reader *r)
{
    return r->video ? vi_video_damaged(r->video) : r->pictures ? vi_pictures_damaged(r->pictures) : 0;
}

vi_like vi_reader_like(const vi_reader *r)
{
    vi_like l = { .stream = -1 };
    if (r->video)
        vi_video_like(r->video, &l);
    else if (r->pictures)
        vi_pictures_like(r->pictures, &l);
    return l;
}

void vi_reader_close(vi_reader **p)
{
    vi_reader *r = *p;
    *p = NULL;
    if (!r)
        return;
    vi_video_close(&r->video);
    vi_pictures_close(&r->pictures);
    vi_av_forget(&r->log);
    vi_frame_unref(&r->still);
    vi_still_meta_clear(&r->meta);
    vi_free(r->path);
    vi_free(r);
}
