/* media/in/pictures.c: a folder of stills read as a clip. One owner thread; names may be asked for by any.
 *
 * The list of names is made at opening and is the clip's index: the n-th name is the frame at n frame lengths, whether it can be read
 * or not, so that times do not depend on damage. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libavutil/parseutils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/reader.h"

#define PICTURE_LIMIT ((size_t)2 << 30)

struct vi_pictures_in {
    char **name;
    int64_t n, at;      /* at: the next to be read */
    int64_t number;     /* of the next frame handed out */
    AVRational rate;
    vi_frame *first;    /* decoded ahead by opening or seeking */
    AVFrame *props;     /* no properties: there are none */
    uint64_t damaged;
    bool told_damage;
};

/* Numbers in names count by their value; everything else by its bytes. */
static int natural_order(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            while (*a == '0')
                a++;
            while (*b == '0')
                b++;
            size_t m = strspn(a, "0123456789"), n = strspn(b, "0123456789");
            if (m != n)
                return m < n ? -1 : 1;
            int c = memcmp(a, b, m);
            if (c)
                return c;
            a += m;
            b += n;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static int by_name(const void *x, const void *y)
{
    const char *a = *(char *const *)x, *b = *(char *const *)y;
    int c = natural_order(a, b);
    return c ? c : strcmp(a, b); /* "1" and "01" */
}

static int add_name(vi_pictures_in *p, int64_t *room, const char *name)
{
    if (p->n == *room) {
        int64_t want = *room ? 2 * *room : 256;
        char **more = vi_calloc((size_t)want, sizeof *more);
        if (!more)
            return VISO_ERR_NO_SPACE;
        if (p->n)
            memcpy(more, p->name, (size_t)p->n * sizeof *more);
        vi_free(p->name);
        p->name = more;
        *room = want;
    }
    p->name[p->n] = vi_strdup(name);
    return p->name[p->n] && ++p->n ? 0 : VISO_ERR_NO_SPACE;
}

static int list(vi_pictures_in *p, const char *folder, viso_error *err)
{
    int64_t room = 0;
    int rc = 0;
    DIR *d = opendir(folder);
    if (!d)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the folder cannot be read: %s", folder, strerror(errno));
    for (const struct dirent *e; !rc && (e = readdir(d));) {
        if (e->d_name[0] != '.' && vi_media_kind_of_name(e->d_name) == VI_MEDIA_STILL && add_name(p, &room, e->d_name))
            rc = vi_error_nomem(err, folder);
    }
    closedir(d);
    if (!rc && !p->n)
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: no pictures in this folder", folder);
    if (!rc)
        qsort(p->name, (size_t)p->n, sizeof *p->name, by_name);
    return rc;
}

static int set_rate(vi_pictures_in *p, const char *text, viso_error *err)
{
    if (!*text)
        text = "25";
    if (av_parse_video_rate(&p->rate, text) < 0 || p->rate.num <= 0 || p->rate.den <= 0 || av_q2d(p->rate) > 1000 ||
        p->rate.num > 1000000 || av_q2d(p->rate) < 0.001)
        return vi_error_set(err, VISO_ERR_USAGE, "frame-rate: \"%s\" is no rate of frames a second (25, 29.97, 30000/1001)", text);
    return 0;
}

static int64_t time_of(const vi_pictures_in *p, int64_t n)
{
    return n * p->rate.den; /* in units of 1 / rate.num */
}

static void count_damage(vi_reader *r, const char *name, const char *why)
{
    vi_pictures_in *p = r->pictures;
    p->damaged++;
    if (!p->told_damage)
        vi_warn(&r->log, "%s: a damaged picture is skipped (%s); more of them are only counted", name, why);
    p->told_damage = true;
}

/* The picture at p->at; VISO_AGAIN when it is damaged. */
static int decode(vi_reader *r, vi_frame **f, viso_error *err)
{
    vi_pictures_in *p = r->pictures;
    char *path = vi_path_join(r->path, p->name[p->at]);
    uint8_t *data = NULL;
    size_t size = 0;
    vi_still_meta meta;
    viso_error why = { 0 };
    if (!path)
        return vi_error_nomem(err, r->path);
    int rc = vi_file_read(path, PICTURE_LIMIT, &data, &size, &why);
    if (!rc) {
        vi_still_in in = { .data = data, .size = size, .name = path, .log = &r->log, .max_pixels = VI_STILL_MAX_PIXELS };
        rc = vi_still_decode(&in, f, &meta, &why);
        vi_free(data);
    }
    if (!rc)
        vi_still_meta_clear(&meta);
    if (rc == VISO_ERR_INPUT) {
        count_damage(r, path, why.text);
        rc = VISO_AGAIN;
    } else if (rc) {
        rc = vi_error_set(err, rc, "%s", why.text);
    } else if (r->info.width && ((*f)->width != r->info.width || (*f)->height != r->info.height || (*f)->format != r->info.format)) {
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: is %dx%d %s, the pictures before are %dx%d %s; a clip's pictures must be alike", path,
                          (*f)->width, (*f)->height, vi_format_describe((*f)->format)->name, r->info.width, r->info.height,
                          vi_format_describe(r->info.format)->name);
        vi_frame_unref(f);
    }
    vi_free(path);
    return rc;
}

/* The next picture that can be read. */
static int read_on(vi_reader *r, vi_frame **f, viso_error *err)
{
    vi_pictures_in *p = r->pictures;
    int rc = VISO_AGAIN;
    while (rc == VISO_AGAIN) {
        if (p->at >= p->n || time_of(p, p->at) >= r->end)
            return VISO_EOF;
        rc = decode(r, f, err);
        if (rc == VISO_AGAIN || !rc)
            p->at++;
    }
    if (rc)
        return rc;
    (*f)->pts = time_of(p, p->at - 1);
    (*f)->duration = p->rate.den;
    (*f)->number = p->number++;
    return 0;
}

static void describe(vi_reader *r)
{
    const vi_pictures_in *p = r->pictures;
    vi_media_info *i = &r->info;
    i->kind = VI_MEDIA_VIDEO;
    i->width = p->first->width;
    i->height = p->first->height;
    i->format = p->first->format;
    i->colour = p->first->colour;
    i->time_base_num = 1;
    i->time_base_den = i->rate_num = p->rate.num;
    i->rate_den = p->rate.den;
    i->frames = p->n;
    i->duration_s = (double)p->n / av_q2d(p->rate);
    snprintf(i->codec, sizeof i->codec, "pictures");
    snprintf(i->container, sizeof i->container, "folder");
}

int vi_pictures_open(vi_reader *r, viso_error *err)
{
    vi_pictures_in *p = r->pictures = vi_calloc(1, sizeof *p);
    if (!p || !(p->props = av_frame_alloc()))
        return vi_error_nomem(err, r->path);
    int rc = set_rate(p, r->settings.frame_rate, err);
    if (!rc)
        rc = list(p, r->path, err);
    if (!rc)
        rc = read_on(r, &p->first, err);
    if (rc == VISO_EOF)
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: none of its %lld pictures can be read (truncated or damaged?)", r->path,
                          (long long)p->n);
    if (!rc)
        describe(r);
    return rc;
}

int vi_pictures_next(vi_reader *r, vi_frame **f, viso_error *err)
{
    vi_pictures_in *p = r->pictures;
    if (!p->first)
        return read_on(r, f, err);
    *f = p->first;
    p->first = NULL;
    return 0;
}

int vi_pictures_seek(vi_reader *r, int64_t pts, viso_error *err)
{
    vi_pictures_in *p = r->pictures;
    bool told = p->told_damage;
    uint64_t damaged = p->damaged;
    vi_frame_unref(&p->first);
    p->at = pts <= 0 ? 0 : pts / p->rate.den + (pts % p->rate.den != 0);
    p->number = 0;
    p->told_damage = true; /* what lies between is not part of the result */
    int rc = read_on(r, &p->first, err);
    p->told_damage = told;
    p->damaged = damaged;
    return rc;
}

int vi_pictures_frame_time(const vi_reader *r, int64_t n, int64_t *pts)
{
    if (n < 0 || n >= r->pictures->n)
        return VISO_EOF;
    *pts = time_of(r->pictures, n);
    return 0;
}

int64_t vi_pictures_here(const vi_pictures_in *p)
{
    return p->first ? p->first->pts : time_of(p, VI_MAX(p->at - 1, 0));
}

uint64_t vi_pictures_damaged(const vi_pictures_in *p)
{
    return p->damaged;
}

void vi_pictures_like(const vi_pictures_in *p, vi_like *like)
{
    *like = (vi_like){ .stream = -1, .time_base = { 1, p->rate.num }, .aspect = { 0, 1 }, .fields = AV_FIELD_PROGRESSIVE,
                       .first = p->props };
}

const char *vi_pictures_name(const vi_pictures_in *p, int64_t n)
{
    return n >= 0 && n < p->n ? p->name[n] : NULL;
}

int64_t vi_pictures_number(const vi_pictures_in *p, int64_t pts)
{
    return pts / p->rate.den;
}

void vi_pictures_close(vi_pictures_in **pp)
{
    vi_pictures_in *p = *pp;
    *pp = NULL;
    if (!p)
        return;
    for (int64_t i = 0; i < p->n; i++)
        vi_free(p->name[i]);
    vi_free(p->name);
    vi_frame_unref(&p->first);
    av_frame_free(&p->props);
    vi_free(p);
}
