/* media/out/segment.c: coded frames to a file and back. One owner thread for each open segment. */
#include "media/out/segment.h"

#include <errno.h>
#include <libavutil/crc.h>
#include <libavutil/intreadwrite.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC = 8, END = 32, HEAD = 36, SIDE_MAX = 64 };
static const char begin_mark[] = "VISOSEG1", end_mark[] = "VISOEND1";

char *vi_segment_path_in(char *to, const char *folder, int n, bool part)
{
    snprintf(to, strlen(folder) + VI_SEGMENT_NAME, "%s/%05d.seg%s", folder, n, part ? ".part" : "");
    return to;
}

char *vi_segment_path(const char *folder, int n, bool part)
{
    char *to = vi_alloc(strlen(folder) + VI_SEGMENT_NAME);
    return to ? vi_segment_path_in(to, folder, n, part) : NULL;
}

static void put32(vi_buf *b, uint32_t v)
{
    uint8_t d[4];
    AV_WL32(d, v);
    vi_buf_put(b, d, sizeof d);
}

static void put_text(vi_buf *b, const char *s)
{
    s = s ? s : "";
    put32(b, (uint32_t)strlen(s));
    vi_buf_put(b, s, strlen(s));
}

int vi_segment_form(const AVCodecContext *c, vi_buf *form)
{
    form->size = 0;
    put_text(form, c->codec->name);
    put32(form, (uint32_t)c->width);
    put32(form, (uint32_t)c->height);
    put_text(form, av_get_pix_fmt_name(c->pix_fmt));
    put32(form, (uint32_t)c->time_base.num);
    put32(form, (uint32_t)c->time_base.den);
    put32(form, (uint32_t)c->has_b_frames);
    put32(form, (uint32_t)c->extradata_size);
    vi_buf_put(form, c->extradata, c->extradata_size > 0 ? (size_t)c->extradata_size : 0);
    return form->failed ? VISO_ERR_NO_SPACE : 0;
}

static uint32_t add_crc(uint32_t crc, const void *data, size_t size)
{
    return av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), crc, data, size);
}

static void put(vi_segment_out *s, const void *data, size_t size)
{
    if (!size)
        return;
    s->crc = add_crc(s->crc, data, size);
    avio_write(s->disk.pb, data, (int)size);
}

static int fault(vi_segment_out *s, viso_error *err)
{
    int e = s->disk.pb->error;
    return s->disk.error || e < 0 ? vi_disk_fault(&s->disk, e, "cannot be written", err) : 0;
}

int vi_segment_begin(vi_segment_out *s, const char *path, const char *name, const vi_buf *form, const vi_disk_wait *wait,
                     viso_error *err)
{
    s->n = 0;
    s->crc = 0;
    int rc = vi_disk_open(&s->disk, path, name, wait, err);
    if (rc)
        return rc;
    s->open = true;
    uint8_t size[4];
    AV_WL32(size, (uint32_t)form->size);
    put(s, begin_mark, MAGIC);
    put(s, size, 4);
    put(s, form->data, form->size);
    return fault(s, err);
}

static int note_time(vi_segment_out *s, int64_t pts, viso_error *err)
{
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 1024;
        int64_t *more = vi_calloc(room, sizeof *more);
        if (!more)
            return vi_error_nomem(err, s->disk.name);
        if (s->n)
            memcpy(more, s->pts, s->n * sizeof *more);
        vi_free(s->pts);
        s->pts = more;
        s->room = room;
    }
    s->pts[s->n++] = pts;
    return 0;
}

int vi_segment_put(vi_segment_out *s, const AVPacket *p, viso_error *err)
{
    uint8_t d[HEAD];
    int rc = note_time(s, p->pts, err);
    if (rc)
        return rc;
    AV_WL32(d, (uint32_t)p->size);
    AV_WL32(d + 4, (uint32_t)p->flags);
    AV_WL64(d + 8, (uint64_t)p->pts);
    AV_WL64(d + 16, (uint64_t)p->dts);
    AV_WL64(d + 24, (uint64_t)p->duration);
    AV_WL32(d + 32, (uint32_t)p->side_data_elems);
    put(s, d, HEAD);
    for (int i = 0; i < p->side_data_elems; i++) {
        AV_WL32(d, (uint32_t)p->side_data[i].type);
        AV_WL32(d + 4, (uint32_t)p->side_data[i].size);
        put(s, d, 8);
        put(s, p->side_data[i].data, p->side_data[i].size);
    }
    put(s, p->data, (size_t)p->size);
    return fault(s, err);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* How many places a packet stands behind its turn in the order of showing, at most. */
static int reordering(const int64_t *coded, const int64_t *shown, size_t n)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t *at = bsearch(&coded[i], shown, n, sizeof *shown, by_value);
        size_t rank = (size_t)(at - shown);
        if (rank < i)
            most = VI_MAX(most, i - rank);
    }
    return (int)most;
}

int vi_segment_end(vi_segment_out *s, bool durable, uint64_t *bytes, viso_error *err)
{
    int64_t *sorted = vi_calloc(s->n + 1, sizeof *sorted), at = avio_tell(s->disk.pb);
    if (!sorted) {
        vi_segment_drop(s);
        return vi_error_nomem(err, s->disk.name);
    }
    if (s->n)
        memcpy(sorted, s->pts, s->n * sizeof *sorted);
    qsort(sorted, s->n, sizeof *sorted, by_value);
    uint8_t d[END];
    AV_WL64(d, (uint64_t)at);
    AV_WL64(d + 8, (uint64_t)s->n);
    AV_WL32(d + 16, (uint32_t)reordering(s->pts, sorted, s->n));
    for (size_t i = 0; i < s->n; i++) {
        uint8_t t[8];
        AV_WL64(t, (uint64_t)sorted[i]);
        put(s, t, sizeof t);
    }
    vi_free(sorted);
    put(s, d, 20);
    AV_WL32(d + 20, s->crc);
    memcpy(d + 24, end_mark, MAGIC);
    avio_write(s->disk.pb, d + 20, 12);
    if (bytes)
        *bytes = (uint64_t)avio_tell(s->disk.pb);
    s->open = false;
    return vi_disk_close(&s->disk, durable, err);
}

void vi_segment_drop(vi_segment_out *s)
{
    if (s->open)
        vi_disk_drop(&s->disk);
    s->open = false;
}

static int damaged(const vi_segment_in *s, viso_error *err)
{
    return vi_error_set(err, VISO_ERR_INPUT, "%s: is truncated or damaged", s->path);
}

static bool take(vi_segment_in *s, void *to, size_t size)
{
    bool ok = fread(to, 1, size, s->f) == size;
    s->at += (int64_t)size;
    return ok;
}

static int read_frame_of_file(vi_segment_in *s, vi_buf *form, viso_error *err)
{
    uint8_t d[END];
    if (fseeko(s->f, 0, SEEK_END) != 0 || (s->size = ftello(s->f)) < MAGIC + 4 + END || fseeko(s->f, s->size - END, SEEK_SET) != 0 ||
        !take(s, d, END) || memcmp(d + 24, end_mark, MAGIC) != 0)
        return damaged(s, err);
    uint64_t times = AV_RL64(d), count = AV_RL64(d + 8), reorder = AV_RL32(d + 16), room = (uint64_t)s->size - END;
    if (times > room || count > room / 8 || times + 8 * count != room || reorder > count)
        return damaged(s, err);
    s->times = (int64_t)times;
    s->count = s->left = (int64_t)count;
    s->reorder = (int)reorder;
    rewind(s->f);
    s->at = 0;
    if (!take(s, d, MAGIC + 4) || memcmp(d, begin_mark, MAGIC) != 0)
        return damaged(s, err);
    uint32_t size = AV_RL32(d + MAGIC);
    if (size > s->times - s->at)
        return damaged(s, err);
    if (!form) {
        s->at += size;
        return fseeko(s->f, s->at, SEEK_SET) == 0 ? 0 : damaged(s, err);
    }
    form->size = 0;
    if (!vi_buf_reserve(form, size))
        return vi_error_nomem(err, s->path);
    form->size = size;
    return take(s, form->data, size) ? 0 : damaged(s, err);
}

int vi_segment_open(vi_segment_in *s, const char *path, vi_buf *form, viso_error *err)
{
    memset(s, 0, sizeof *s);
    s->path = vi_strdup(path);
    if (!s->path)
        return vi_error_nomem(err, path);
    s->f = fopen(path, "rbe");
    int rc = s->f ? read_frame_of_file(s, form, err)
                  : vi_error_set(err, VISO_ERR_INPUT, errno == ENOENT ? "%s: is missing" : "%s: cannot be read: %s", path,
                                 strerror(errno));
    if (rc)
        vi_segment_close(s);
    return rc;
}

static int take_side(vi_segment_in *s, AVPacket *p, viso_error *err)
{
    uint8_t d[8];
    if (!take(s, d, 8))
        return damaged(s, err);
    uint32_t type = AV_RL32(d), size = AV_RL32(d + 4);
    if (type >= AV_PKT_DATA_NB || size > s->times - s->at)
        return damaged(s, err);
    uint8_t *to = av_packet_new_side_data(p, type, size);
    if (!to)
        return vi_error_nomem(err, s->path);
    return take(s, to, size) ? 0 : damaged(s, err);
}

int vi_segment_next(vi_segment_in *s, AVPacket *p, viso_error *err)
{
    uint8_t d[HEAD];
    if (s->left == 0)
        return s->at == s->times ? VISO_EOF : damaged(s, err);
    if (s->times - s->at < HEAD || !take(s, d, HEAD))
        return damaged(s, err);
    uint32_t size = AV_RL32(d), pieces = AV_RL32(d + 32);
    if (size > s->times - s->at || size > INT32_MAX - AV_INPUT_BUFFER_PADDING_SIZE || pieces > SIDE_MAX)
        return damaged(s, err);
    if (av_new_packet(p, (int)size) < 0)
        return vi_error_nomem(err, s->path);
    p->flags = (int)AV_RL32(d + 4);
    p->pts = (int64_t)AV_RL64(d + 8);
    p->dts = (int64_t)AV_RL64(d + 16);
    p->duration = (int64_t)AV_RL64(d + 24);
    int rc = 0;
    for (uint32_t i = 0; i < pieces && !rc; i++)
        rc = take_side(s, p, err);
    if (!rc && (size > s->times - s->at || !take(s, p->data, size)))
        rc = damaged(s, err);
    if (rc)
        av_packet_unref(p);
    s->left--;
    return rc;
}

int vi_segment_times(vi_segment_in *s, int64_t **pts, viso_error *err)
{
    int64_t here = s->at;
    int64_t *t = vi_calloc((size_t)s->count + 1, sizeof *t);
    *pts = NULL;
    if (!t)
        return vi_error_nomem(err, s->path);
    bool ok = fseeko(s->f, s->times, SEEK_SET) == 0;
    for (int64_t i = 0; i < s->count && ok; i++) {
        uint8_t d[8];
        ok = take(s, d, sizeof d);
        t[i] = (int64_t)AV_RL64(d);
    }
    ok = ok && fseeko(s->f, here, SEEK_SET) == 0;
    s->at = here;
    if (!ok) {
        vi_free(t);
        return damaged(s, err);
    }
    *pts = t;
    return 0;
}

void vi_segment_close(vi_segment_in *s)
{
    if (s->f)
        fclose(s->f);
    vi_free(s->path);
    memset(s, 0, sizeof *s);
}

int vi_segment_check(const char *path, viso_error *err)
{
    enum { CHUNK = 1 << 17 };
    vi_segment_in s;
    int rc = vi_segment_open(&s, path, NULL, err);
    if (rc)
        return rc;
    uint8_t *d = vi_alloc(CHUNK), end[4];
    uint32_t crc = 0;
    if (!d)
        rc = vi_error_nomem(err, path);
    rewind(s.f);
    for (int64_t left = s.size - 12; left > 0 && !rc;) {
        size_t n = (size_t)VI_MIN(left, (int64_t)CHUNK);
        if (!take(&s, d, n))
            rc = damaged(&s, err);
        else
            crc = add_crc(crc, d, n);
        left -= (int64_t)n;
    }
    if (!rc && (!take(&s, end, 4) || AV_RL32(end) != crc))
        rc = damaged(&s, err);
    vi_free(d);
    vi_segment_close(&s);
    return rc;
}
