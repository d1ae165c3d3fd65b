/* media/in/range.c: a part of a clip, given in words. One owner thread. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/reader.h"

typedef struct place {
    bool open, frame;
    int64_t number; /* frame */
    double seconds;
} place;

/* A number with a point as its decimal sign, whatever the locale; at least one digit. */
static bool number(const char **s, double *out)
{
    double v = 0, unit = 1;
    const char *p = *s;
    bool any = false;
    for (; isdigit((unsigned char)*p); p++, any = true)
        v = v * 10 + (*p - '0');
    if (*p == '.')
        for (p++; isdigit((unsigned char)*p); p++, any = true)
            v += (*p - '0') * (unit /= 10);
    *s = p;
    *out = v;
    return any && v < 1e9;
}

static bool parse(const char *text, place *to)
{
    double part;
    const char *p = text;
    *to = (place){ .open = !*text };
    if (to->open)
        return true;
    for (int i = 0; i < 3; i++) {
        const char *from = p;
        if (!number(&p, &part))
            return false;
        if (i && part >= 60)
            return false;
        to->seconds = to->seconds * 60 + part;
        bool whole = !memchr(from, '.', (size_t)(p - from));
        if (*p == 0)
            return true;
        if (i == 0 && whole && *p == 'f' && p[1] == 0) {
            to->frame = true;
            to->number = (int64_t)part;
            return true;
        }
        if (*p++ != ':' || !whole)
            return false;
    }
    return false;
}

/* The place in ticks. VISO_EOF when it is a frame behind the end. */
static int in_ticks(vi_reader *r, const place *at, int64_t first, int64_t *pts, viso_error *err)
{
    if (at->frame)
        return vi_reader_frame_time(r, at->number, pts, err);
    /* Half a tick of slack: times are typed with few digits. */
    *pts = first + (int64_t)ceil(at->seconds * r->info.time_base_den / r->info.time_base_num - 0.5);
    return 0;
}

int vi_reader_place(vi_reader *r, const char *text, int64_t *pts, viso_error *err)
{
    place at;
    if (!parse(text, &at) || at.open)
        return vi_error_set(err, VISO_ERR_USAGE,
                            "'%.40s' is no place in a clip, which is written 83.5 or 1:23.5 (seconds) or 250f (a frame)", text);
    if (!r)
        return 0;
    if (!r->video && !r->pictures)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: a picture has no times", r->path);
    return in_ticks(r, &at, r->pictures ? 0 : vi_video_origin(r->video), pts, err);
}

static int nothing(const vi_reader *r, const char *start, viso_error *err)
{
    return vi_error_set(err, VISO_ERR_USAGE, "--start %s: %s ends before", start, r->path);
}

static int64_t here(const vi_reader *r)
{
    return r->pictures ? vi_pictures_here(r->pictures) : vi_video_here(r->video);
}

int vi_reader_range(vi_reader *r, const char *start, const char *end, viso_error *err)
{
    place from, to;
    if (!parse(start, &from) || !parse(end, &to))
        return vi_error_set(err, VISO_ERR_USAGE, "--%s: a place in a clip is written 83.5 or 1:23.5 (seconds) or 250f (a frame)",
                            parse(start, &from) ? "end" : "start");
    if (from.open && to.open)
        return 0;
    if (!r->video && !r->pictures)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: a picture has no --start and --end", r->path);
    int64_t first = here(r), begin = first, stop = INT64_MAX;
    int rc = from.open ? 0 : in_ticks(r, &from, first, &begin, err);
    if (!rc && begin > first)
        rc = vi_reader_seek(r, begin, err);
    if (rc == VISO_EOF)
        return nothing(r, start, err);
    if (!rc && !to.open)
        rc = in_ticks(r, &to, first, &stop, err);
    if (rc == VISO_EOF) {
        stop = INT64_MAX;
        rc = 0;
    }
    if (rc)
        return rc;
    int64_t at = here(r);
    if (at >= stop)
        return vi_error_set(err, VISO_ERR_USAGE, "--start %s --end %s: no frame of %s lies between", start, end, r->path);
    r->begin = begin > first ? at : INT64_MIN;
    r->end = stop;
    double tick = (double)r->info.time_base_num / r->info.time_base_den, all = r->info.duration_s;
    double length = (stop == INT64_MAX ? all : VI_MIN((double)(stop - first) * tick, all)) - (double)(at - first) * tick;
    if (all > 0 && length > 0) {
        r->info.frames = (int64_t)((double)r->info.frames * length / all + 0.5);
        r->info.duration_s = length;
    }
    return 0;
}

void vi_reader_part(const vi_reader *r, int64_t *first, int64_t *end)
{
    *first = r->video || r->pictures ? here(r) : 0;
    *end = r->end;
}

int vi_reader_seek(vi_reader *r, int64_t pts, viso_error *err)
{
    if (r->pictures)
        return vi_pictures_seek(r, pts, err);
    return r->video ? vi_video_seek(r, pts, err) : vi_error_set(err, VISO_ERR_USAGE, "%s: a picture has no times", r->path);
}

int vi_reader_frame_time(vi_reader *r, int64_t n, int64_t *pts, viso_error *err)
{
    if (r->pictures)
        return vi_pictures_frame_time(r, n, pts);
    return r->video && n >= 0 ? vi_video_frame_time(r, n, pts, err) : VISO_EOF;
}
