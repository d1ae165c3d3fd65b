/* media/media.c: what is in a folder, what marks a file carries, what this FFmpeg can do. Any thread. */
#include "media/media.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/out/encoder.h"
#include "media/reader.h"
#include "media/xmp.h"

/* Extensions of what can be read: more than can be written. */
static bool readable(const char *name)
{
    static const char *const more[] = { "avi", "mts", "m2ts", "ts", "mpg", "mpeg", "wmv", "flv", "3gp", "3g2",
                                        "mxf", "gif", "ogv", "ogg", "vob", "asf", "dv" };
    if (vi_media_kind_of_name(name))
        return true;
    char ext[16];
    vi_extension(name, ext);
    for (size_t i = 0; i < VI_COUNT(more); i++) {
        if (strcmp(more[i], ext) == 0)
            return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(char ***names, int *n, int *room, const char *name)
{
    if (*n == *room) {
        int want = *room ? *room * 2 : 32;
        char **grown = vi_calloc((size_t)want, sizeof *grown);
        if (!grown)
            return false;
        if (*n)
            memcpy(grown, *names, (size_t)*n * sizeof *grown);
        vi_free(*names);
        *names = grown;
        *room = want;
    }
    (*names)[*n] = vi_strdup(name);
    return (*names)[*n] && ++*n;
}

int vi_media_list(const char *folder, char ***names, int *n, viso_error *err)
{
    int room = 0, rc = 0;
    *names = NULL;
    *n = 0;
    DIR *d = opendir(folder);
    if (!d)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the folder cannot be read: %s", folder, strerror(errno));
    for (const struct dirent *e; !rc && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !readable(e->d_name))
            continue;
        char *path = vi_path_join(folder, e->d_name);
        if (!path || (!vi_is_folder(path) && !add_name(names, n, &room, e->d_name)))
            rc = vi_error_nomem(err, folder);
        vi_free(path);
    }
    closedir(d);
    if (rc)
        vi_media_list_free(names, *n);
    else if (*n)
        qsort(*names, (size_t)*n, sizeof **names, by_name);
    return rc;
}

bool vi_media_is_folder_name(const char *path, bool *used)
{
    size_t n = strlen(path);
    DIR *d = opendir(path);
    if (used)
        *used = false;
    for (const struct dirent *e; d && used && (e = readdir(d));)
        *used |= strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (d)
        closedir(d);
    return d || vi_is_folder(path) || (n && path[n - 1] == '/');
}

void vi_media_list_free(char ***names, int n)
{
    for (int i = 0; *names && i < n; i++)
        vi_free((*names)[i]);
    vi_free(*names);
    *names = NULL;
}

static void set_mark(vi_mark *m, const char *where)
{
    m->present = strcmp(m->digital_source_type, VI_MARK_URI) == 0;
    snprintf(m->where, sizeof m->where, "%s", where);
}

static int mark_of_still(const char *path, const uint8_t *data, size_t size, vi_mark *m, viso_error *err)
{
    vi_still_in in = { .data = data, .size = size, .name = path, .max_pixels = VI_STILL_MAX_PIXELS, .meta_only = true };
    vi_still_meta meta;
    vi_frame *f = NULL;
    int rc = vi_still_decode(&in, &f, &meta, err);
    vi_frame_unref(&f);
    if (!rc && vi_xmp_source_type(meta.xmp.data, meta.xmp.size, m->digital_source_type, sizeof m->digital_source_type))
        set_mark(m, "xmp");
    vi_still_meta_clear(&meta);
    return rc;
}

static int mark_of_video(const char *path, vi_mark *m, viso_error *err)
{
    AVFormatContext *fc;
    int rc = vi_video_open_input(&fc, path, NULL, err);
    if (rc)
        return rc;
    const AVDictionaryEntry *e = av_dict_get(fc->metadata, "xmp", NULL, 0);
    if (e && vi_xmp_source_type(e->value, strlen(e->value), m->digital_source_type, sizeof m->digital_source_type)) {
        set_mark(m, "xmp");
    } else if ((e = av_dict_get(fc->metadata, "DIGITAL_SOURCE_TYPE", NULL, 0))) {
        snprintf(m->digital_source_type, sizeof m->digital_source_type, "%s", e->value);
        set_mark(m, strstr(fc->iformat->name, "matroska") ? "matroska tag" : "tag");
    }
    avformat_close_input(&fc);
    return 0;
}

int vi_mark_read(const char *path, vi_mark *m, viso_error *err)
{
    memset(m, 0, sizeof *m);
    uint8_t head[32];
    size_t n = 0;
    FILE *f = fopen(path, "rbe");
    if (f) {
        n = fread(head, 1, sizeof head, f);
        fclose(f);
    }
    if (!n || vi_is_folder(path))
        return vi_error_set(err, VISO_ERR_INPUT, "%s: no such file, empty, or not readable", path);
    if (vi_still_recognise(head, n) == VI_STILL_NONE)
        return mark_of_video(path, m, err);
    uint8_t *data;
    size_t size;
    int rc = vi_file_read(path, (size_t)2 << 30, &data, &size, err);
    if (rc)
        return rc;
    rc = mark_of_still(path, data, size, m, err);
    vi_free(data);
    return rc;
}

int vi_media_report(char lines[][160], int max)
{
    int n = 0;
    unsigned f = avformat_version(), c = avcodec_version();
    if (n < max)
        snprintf(lines[n++], 160, "FFmpeg %s (libavformat %u.%u, libavcodec %u.%u)", av_version_info(), f >> 16, f >> 8 & 255,
                 c >> 16, c >> 8 & 255);
    return n + vi_encoder_report(lines + n, max - n);
}
