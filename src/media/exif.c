/* media/exif.c: reading and moving EXIF directories. A directory is a count, 12-byte entries (tag, type, count, value or
 * offset) and the offset of the next one (TIFF 6.0, section 2). No state; all offsets come from files and are checked. */
#include "media/exif.h"

#include <string.h>

enum {
    TAG_WIDTH = 256, TAG_ORIENTATION = 274, TAG_THUMB_OFFSET = 513, TAG_THUMB_BYTES = 514,
    TAG_EXIF = 0x8769, TAG_GPS = 0x8825, TAG_INTEROP = 0xa005, TAG_PIXEL_X = 0xa002, TAG_PIXEL_Y = 0xa003
};
#define MAX_ENTRIES 1024

typedef struct span {
    uint8_t *data;
    size_t size;
    bool little;
} span;

typedef struct entry {
    uint16_t tag, type;
    uint32_t count;
    size_t at;    /* of the entry */
    size_t value; /* of its value */
    size_t bytes;
} entry;

static uint16_t get16(const span *s, size_t at)
{
    const uint8_t *p = s->data + at;
    return (uint16_t)(s->little ? p[0] | p[1] << 8 : p[0] << 8 | p[1]);
}

static uint32_t get32(const span *s, size_t at)
{
    uint32_t a = get16(s, at), b = get16(s, at + 2);
    return s->little ? a | b << 16 : a << 16 | b;
}

static void put16(const span *s, size_t at, uint16_t v)
{
    s->data[at + (s->little ? 0 : 1)] = (uint8_t)v;
    s->data[at + (s->little ? 1 : 0)] = (uint8_t)(v >> 8);
}

static void put32(const span *s, size_t at, uint32_t v)
{
    put16(s, at + (s->little ? 0 : 2), (uint16_t)v);
    put16(s, at + (s->little ? 2 : 0), (uint16_t)(v >> 16));
}

/* Main directory's offset, 0 when this is no TIFF structure. */
static uint32_t open_span(uint8_t *data, size_t size, span *s)
{
    *s = (span){ .data = data, .size = size };
    if (size < 14 || (memcmp(data, "II*\0", 4) != 0 && memcmp(data, "MM\0*", 4) != 0))
        return 0;
    s->little = data[0] == 'I';
    uint32_t ifd = get32(s, 4);
    return ifd >= 8 && ifd <= size - 2 ? ifd : 0;
}

static int entries(const span *s, uint32_t ifd)
{
    if (!ifd || ifd > s->size - 2)
        return 0;
    size_t n = get16(s, ifd), room = (s->size - ifd - 2) / 12;
    return (int)VI_MIN(VI_MIN(n, room), (size_t)MAX_ENTRIES);
}

static bool read_entry(const span *s, uint32_t ifd, int i, entry *e)
{
    static const uint8_t type_size[] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4 };
    e->at = (size_t)ifd + 2 + 12 * (size_t)i;
    e->tag = get16(s, e->at);
    e->type = get16(s, e->at + 2);
    e->count = get32(s, e->at + 4);
    if (!e->type || e->type >= VI_COUNT(type_size) || e->count > s->size)
        return false;
    e->bytes = (size_t)type_size[e->type] * e->count;
    e->value = e->bytes <= 4 ? e->at + 8 : get32(s, e->at + 8);
    return e->bytes <= s->size && e->value <= s->size - e->bytes;
}

static bool find(const span *s, uint32_t ifd, uint16_t tag, entry *e)
{
    for (int i = 0, n = entries(s, ifd); i < n; i++) {
        if (read_entry(s, ifd, i, e) && e->tag == tag)
            return true;
    }
    return false;
}

static uint32_t value_of(const span *s, const entry *e)
{
    if (e->count < 1)
        return 0;
    return e->type == 3 ? get16(s, e->value) : e->type == 4 || e->type == 13 ? get32(s, e->value) : 0;
}

static uint32_t sub_directory(const span *s, uint32_t ifd, uint16_t tag)
{
    entry e;
    return find(s, ifd, tag, &e) ? value_of(s, &e) : 0;
}

int vi_exif_orientation(const vi_buf *exif)
{
    span s;
    entry e;
    uint32_t ifd = open_span(exif->data, exif->size, &s);
    if (!ifd || !find(&s, ifd, TAG_ORIENTATION, &e))
        return 1;
    uint32_t v = value_of(&s, &e);
    return v >= 1 && v <= 8 ? (int)v : 1;
}

static void set_value(const span *s, uint32_t ifd, uint16_t tag, uint32_t v)
{
    entry e;
    if (!find(s, ifd, tag, &e) || e.count != 1)
        return;
    if (e.type == 3 && v <= 65535)
        put16(s, e.value, (uint16_t)v);
    else if (e.type == 4)
        put32(s, e.value, v);
}

static void drop_thumbnail(const span *s, uint32_t ifd)
{
    size_t link = (size_t)ifd + 2 + 12 * (size_t)get16(s, ifd);
    entry at, len;
    if (link > s->size - 4)
        return;
    uint32_t next = get32(s, link);
    put32(s, link, 0);
    if (next > ifd && find(s, next, TAG_THUMB_OFFSET, &at) && find(s, next, TAG_THUMB_BYTES, &len)) {
        size_t from = value_of(s, &at), n = value_of(s, &len);
        if (from > link && from <= s->size && n <= s->size - from)
            memset(s->data + from, 0, n);
    }
}

void vi_exif_settle(vi_buf *exif, int width, int height)
{
    span s;
    uint32_t ifd = open_span(exif->data, exif->size, &s);
    if (!ifd)
        return;
    set_value(&s, ifd, TAG_ORIENTATION, 1);
    uint32_t sub = sub_directory(&s, ifd, TAG_EXIF);
    set_value(&s, sub, TAG_PIXEL_X, (uint32_t)width);
    set_value(&s, sub, TAG_PIXEL_Y, (uint32_t)height);
    drop_thumbnail(&s, ifd);
}

bool vi_exif_little_endian(const vi_buf *exif)
{
    return exif->size >= 2 && exif->data[0] == 'I';
}

bool vi_exif_next_text(const vi_buf *exif, int *it, uint16_t *tag, const char **text)
{
    span s;
    entry e;
    uint32_t ifd = open_span(exif->data, exif->size, &s);
    for (int n = ifd ? entries(&s, ifd) : 0; *it < n;) {
        if (!read_entry(&s, ifd, (*it)++, &e) || e.type != 2 || e.count < 2 || s.data[e.value + e.bytes - 1] != 0)
            continue;
        *tag = e.tag;
        *text = (const char *)s.data + e.value;
        return true;
    }
    return false;
}

/* Tags of a TIFF file's main directory that describe the photograph, not the layout of its pixels. */
static bool descriptive(uint16_t tag)
{
    static const uint16_t keep[] = { 270, 271, 272, 274, 282, 283, 296, 305, 306, 315, 316, 18246, 18249, 33432,
                                     40091, 40092, 40093, 40094, 40095 };
    for (size_t i = 0; i < VI_COUNT(keep); i++) {
        if (keep[i] == tag)
            return true;
    }
    return false;
}

/* Copies one directory without its sub-directories to the end of out; `main_too`: only descriptive tags, plus empty
 * slots for EXIF and GPS. Returns the offset, 0 when nothing was copied. */
static uint32_t copy_directory(const span *s, uint32_t ifd, bool main_dir, uint32_t exif_at, uint32_t gps_at, vi_buf *out)
{
    entry list[MAX_ENTRIES];
    int n = 0;
    for (int i = 0, all = entries(s, ifd); i < all; i++) {
        entry *e = &list[n];
        if (!read_entry(s, ifd, i, e))
            continue;
        bool keep = main_dir ? descriptive(e->tag) || (e->tag == TAG_EXIF && exif_at) || (e->tag == TAG_GPS && gps_at)
                             : e->tag != TAG_INTEROP;
        n += keep;
    }
    if (!n)
        return 0;
    static const uint8_t zeros[16];
    vi_buf_put(out, zeros, out->size & 1);
    uint32_t at = (uint32_t)out->size;
    size_t head = 2 + 12 * (size_t)n + 4;
    for (size_t left = head; left; left -= VI_MIN(left, sizeof zeros))
        vi_buf_put(out, zeros, VI_MIN(left, sizeof zeros));
    for (int i = 0; i < n && !out->failed; i++) {
        entry *e = &list[i];
        size_t slot = at + 2 + 12 * (size_t)i;
        uint32_t moved = (uint32_t)out->size;
        bool link = main_dir && (e->tag == TAG_EXIF || e->tag == TAG_GPS);
        if (!link && e->bytes > 4) {
            vi_buf_put(out, s->data + e->value, e->bytes);
            vi_buf_put(out, zeros, e->bytes & 1);
            if (out->failed)
                return 0;
        }
        span d = { out->data, out->size, s->little };
        memcpy(d.data + slot, s->data + e->at, 12);
        if (link) {
            put16(&d, slot + 2, 4);
            put32(&d, slot + 4, 1);
            put32(&d, slot + 8, e->tag == TAG_EXIF ? exif_at : gps_at);
        } else if (e->bytes > 4) {
            put32(&d, slot + 8, moved);
        }
    }
    if (out->failed)
        return 0;
    span d = { out->data, out->size, s->little };
    put16(&d, at, (uint16_t)n);
    return at;
}

void vi_exif_from_tiff(const uint8_t *data, size_t size, vi_buf *out)
{
    span s;
    uint32_t ifd = open_span((uint8_t *)(uintptr_t)data, size, &s); /* only read here */
    if (!ifd)
        return;
    vi_buf_set(out, data, 4);
    vi_buf_put(out, "\0\0\0\0", 4);
    uint32_t sub = sub_directory(&s, ifd, TAG_EXIF), gps = sub_directory(&s, ifd, TAG_GPS);
    uint32_t exif_at = sub ? copy_directory(&s, sub, false, 0, 0, out) : 0;
    uint32_t gps_at = gps ? copy_directory(&s, gps, false, 0, 0, out) : 0;
    uint32_t at = copy_directory(&s, ifd, true, exif_at, gps_at, out);
    if (!at || out->failed) {
        vi_buf_clear(out);
        return;
    }
    span d = { out->data, out->size, s.little };
    put32(&d, 4, at);
}

uint32_t vi_exif_append_directory(const vi_buf *exif, uint16_t which, vi_buf *out)
{
    span s;
    uint32_t ifd = open_span(exif->data, exif->size, &s);
    uint32_t sub = ifd ? sub_directory(&s, ifd, which) : 0;
    return sub ? copy_directory(&s, sub, false, 0, 0, out) : 0;
}

bool vi_tiff_patch_long(vi_buf *tiff, uint16_t tag, uint32_t value)
{
    span s;
    entry e;
    uint32_t ifd = open_span(tiff->data, tiff->size, &s);
    if (!ifd || !find(&s, ifd, tag, &e) || (e.type != 4 && e.type != 13) || e.count != 1)
        return false;
    put32(&s, e.value, value);
    return true;
}

void vi_tiff_remove_tag(vi_buf *tiff, uint16_t tag)
{
    span s;
    entry e;
    uint32_t ifd = open_span(tiff->data, tiff->size, &s);
    if (!ifd || !find(&s, ifd, tag, &e))
        return;
    uint16_t n = get16(&s, ifd);
    size_t end = (size_t)ifd + 2 + 12 * (size_t)n + 4; /* the link to the next directory moves along */
    if (end > s.size)
        return;
    memmove(s.data + e.at, s.data + e.at + 12, end - e.at - 12);
    put16(&s, ifd, (uint16_t)(n - 1));
}
