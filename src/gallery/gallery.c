/* gallery/gallery.c: people and their photographs. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "gallery/internal.h"

static void now(char out[24])
{
    struct tm t;
    time_t at = time(NULL);
    gmtime_r(&at, &t);
    strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &t);
}

/* Length of the UTF-8 sequence at s, 0: none. */
static int sequence(const unsigned char *s)
{
    int n = s[0] < 0x80                 ? 1
            : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
            : (s[0] & 0xF0) == 0xE0       ? 3
            : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
                                          : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

int vi_gallery_check_name(const char *name, viso_error *err)
{
    const char *bad = NULL;
    size_t size = strlen(name);
    if (size == 0 || size >= VI_GALLERY_NAME)
        bad = "it must have 1 to 127 bytes";
    else if (name[0] == '-' || name[0] == ' ' || name[size - 1] == ' ')
        bad = "it may not begin with a dash, or begin or end with a blank";
    else if (strpbrk(name, "/="))
        bad = "it may not hold '/' or '='";
    else if (strspn(name, "0123456789") == size || strcasecmp(name, "all") == 0 || strcasecmp(name, "largest") == 0)
        bad = "--face has another meaning for it";
    for (const unsigned char *s = (const unsigned char *)name; *s && !bad; s += sequence(s))
        if (*s < 0x20 || *s == 0x7F || !sequence(s))
            bad = "it must be UTF-8 without control characters";
    return bad ? vi_error_set(err, VISO_ERR_USAGE, "'%.60s' cannot be a name in the gallery: %s", name, bad) : VISO_OK;
}

/* ---- people ---- */

int vi_gallery_find(vi_gallery *g, const char *name, int64_t *id, viso_error *err)
{
    vi_query q = vi_query_make(g, "SELECT id FROM person WHERE name = ?");
    vi_query_text(&q, name);
    bool found = vi_query_row(&q);
    *id = found ? vi_query_get_int(&q, 0) : 0;
    int rc = vi_query_end(&q, err);
    return rc || found ? rc : VISO_EOF;
}

static int need(vi_gallery *g, const char *name, int64_t *id, viso_error *err)
{
    int rc = vi_gallery_find(g, name, id, err);
    return rc != VISO_EOF ? rc
                          : vi_error_set(err, VISO_ERR_INPUT, "'%s': nobody in the gallery has this name; viso gallery list shows who does",
                                         name);
}

int vi_gallery_person_id(vi_gallery *g, const char *name, int64_t *id, viso_error *err)
{
    char added[24];
    int rc = vi_gallery_check_name(name, err);
    if (!rc)
        rc = vi_gallery_begin(g, err);
    if (rc)
        return rc;
    rc = vi_gallery_find(g, name, id, err);
    if (rc == VISO_EOF) {
        now(added);
        vi_query q = vi_query_make(g, "INSERT INTO person (name, added) VALUES (?, ?)");
        vi_query_text(&q, name);
        vi_query_text(&q, added);
        vi_query_row(&q);
        rc = vi_query_end(&q, err);
        *id = vi_store_last_id(g);
    }
    if (!rc)
        return vi_gallery_commit(g, err);
    vi_gallery_rollback(g);
    return rc;
}

int vi_gallery_people(vi_gallery *g, vi_gallery_person **list, int *n, viso_error *err)
{
    int64_t most = 0;
    *list = NULL;
    *n = 0;
    int rc = vi_query_number(g, "SELECT count(*) FROM person", -1, &most, err);
    if (rc)
        return rc;
    if (!(*list = vi_calloc((size_t)most + 1, sizeof **list)))
        return vi_error_nomem(err, "gallery");
    vi_query q = vi_query_make(
        g, "SELECT id, name, added, (SELECT count(*) FROM photo WHERE person = p.id),"
           " (SELECT count(*) FROM photo WHERE person = p.id AND side > 0),"
           " (SELECT count(*) FROM vector v JOIN photo f ON f.id = v.photo WHERE f.person = p.id),"
           " (SELECT max(quality) FROM photo WHERE person = p.id) FROM person p ORDER BY name");
    while (*n < most && vi_query_row(&q)) {
        vi_gallery_person *p = &(*list)[(*n)++];
        p->id = vi_query_get_int(&q, 0);
        vi_query_get_text(&q, 1, p->name, sizeof p->name);
        vi_query_get_text(&q, 2, p->added, sizeof p->added);
        p->photos = (int)vi_query_get_int(&q, 3);
        p->crops = (int)vi_query_get_int(&q, 4);
        p->vectors = (int)vi_query_get_int(&q, 5);
        p->quality = (float)vi_query_get_real(&q, 6);
    }
    rc = vi_query_end(&q, err);
    if (rc) {
        vi_free(*list);
        *list = NULL;
        *n = 0;
    }
    return rc;
}

static int change(vi_gallery *g, const char *sql, int64_t a, int64_t b, const char *text, viso_error *err)
{
    vi_query q = vi_query_make(g, sql);
    if (text)
        vi_query_text(&q, text);
    vi_query_int(&q, a);
    if (b >= 0)
        vi_query_int(&q, b);
    vi_query_row(&q);
    return vi_query_end(&q, err);
}

int vi_gallery_remove(vi_gallery *g, const char *name, viso_error *err)
{
    int64_t id;
    int rc = vi_gallery_begin(g, err);
    if (rc)
        return rc;
    rc = need(g, name, &id, err);
    if (!rc)
        rc = change(g, "DELETE FROM person WHERE id = ?", id, -1, NULL, err);
    if (!rc)
        return vi_gallery_commit(g, err);
    vi_gallery_rollback(g);
    return rc;
}

int vi_gallery_rename(vi_gallery *g, const char *name, const char *to, viso_error *err)
{
    int64_t id, other;
    int rc = vi_gallery_check_name(to, err);
    if (!rc)
        rc = vi_gallery_begin(g, err);
    if (rc)
        return rc;
    rc = need(g, name, &id, err);
    if (!rc && vi_gallery_find(g, to, &other, err) == VISO_OK && other != id)
        rc = vi_error_set(err, VISO_ERR_USAGE, "'%s' is in the gallery already; viso gallery merge makes two persons one", to);
    if (!rc)
        rc = change(g, "UPDATE person SET name = ? WHERE id = ?", id, -1, to, err);
    if (!rc)
        return vi_gallery_commit(g, err);
    vi_gallery_rollback(g);
    return rc;
}

int vi_gallery_merge(vi_gallery *g, const char *into, const char *from, viso_error *err)
{
    int64_t a, b;
    int rc = vi_gallery_begin(g, err);
    if (rc)
        return rc;
    rc = need(g, into, &a, err);
    if (!rc)
        rc = need(g, from, &b, err);
    if (!rc && a == b)
        rc = vi_error_set(err, VISO_ERR_USAGE, "'%s' cannot be merged with itself", into);
    if (!rc) /* what both have stays behind and goes with its person */
        rc = change(g, "UPDATE OR IGNORE photo SET person = ? WHERE person = ?", a, b, NULL, err);
    if (!rc)
        rc = change(g, "DELETE FROM person WHERE id = ?", b, -1, NULL, err);
    if (!rc)
        return vi_gallery_commit(g, err);
    vi_gallery_rollback(g);
    return rc;
}

/* ---- photographs ---- */

static int insert_photo(vi_gallery *g, int64_t person, vi_gallery_photo *p, viso_error *err)
{
    now(p->added);
    vi_query q = vi_query_make(g, "INSERT INTO photo (person, name, sha256, added, quality, points, side, rgb)"
                                  " VALUES (?, ?, ?, ?, nullif(?, -1.0), ?, ?, ?)");
    vi_query_int(&q, person);
    vi_query_text(&q, p->name);
    vi_query_text(&q, p->sha256);
    vi_query_text(&q, p->added);
    vi_query_real(&q, p->quality >= 0 ? (double)p->quality : -1.0);
    vi_query_blob(&q, p->points, p->side ? sizeof p->points : 0);
    vi_query_int(&q, p->side);
    vi_query_blob(&q, p->rgb, p->side ? (size_t)p->side * (size_t)p->side * 3 : 0);
    vi_query_row(&q);
    int rc = vi_query_end(&q, err);
    p->id = vi_store_last_id(g);
    return rc;
}

int vi_gallery_add_photo(vi_gallery *g, int64_t person, vi_gallery_photo *p, viso_error *err)
{
    if (p->side < 0 || p->side > VI_GALLERY_CROP || (p->side && !p->rgb))
        return vi_error_set(err, VISO_ERR_INTERNAL, "gallery: a crop of %d pixels", p->side);
    int rc = vi_gallery_begin(g, err);
    if (rc)
        return rc;
    vi_query q = vi_query_make(g, "SELECT id FROM photo WHERE person = ? AND sha256 = ?");
    vi_query_int(&q, person);
    vi_query_text(&q, p->sha256);
    bool there = vi_query_row(&q);
    if (there)
        p->id = vi_query_get_int(&q, 0);
    rc = vi_query_end(&q, err);
    if (!rc && !there)
        rc = insert_photo(g, person, p, err);
    if (!rc)
        rc = vi_gallery_commit(g, err);
    else
        vi_gallery_rollback(g);
    return rc ? rc : there ? VISO_EOF : VISO_OK;
}

/* What is in the file may have been written by anybody: a blob of another size is no crop. */
static int get_pixels(vi_query *q, vi_gallery_photo *p, bool pixels, viso_error *err)
{
    size_t size = 0, n = (size_t)p->side * (size_t)p->side * 3;
    const void *data = vi_query_get_blob(q, 5, &size);
    if (p->side <= 0 || p->side > VI_GALLERY_CROP || !data || size != sizeof p->points) {
        p->side = 0;
        return VISO_OK;
    }
    memcpy(p->points, data, size);
    if (!pixels)
        return VISO_OK;
    data = vi_query_get_blob(q, 7, &size);
    if (!data || size != n) {
        p->side = 0;
        return VISO_OK;
    }
    if (!(p->rgb = vi_alloc(n)))
        return vi_error_nomem(err, "gallery");
    memcpy(p->rgb, data, n);
    return VISO_OK;
}

int vi_gallery_photos(vi_gallery *g, int64_t person, bool pixels, vi_gallery_photo **list, int *n, viso_error *err)
{
    int64_t most = 0;
    *list = NULL;
    *n = 0;
    int rc = vi_query_number(g, "SELECT count(*) FROM photo WHERE person = ?", person, &most, err), bad = 0;
    if (rc)
        return rc;
    if (!(*list = vi_calloc((size_t)most + 1, sizeof **list)))
        return vi_error_nomem(err, "gallery");
    vi_query q = vi_query_make(g, "SELECT id, name, sha256, added, quality, points, side, CASE WHEN ? THEN rgb END FROM photo"
                                  " WHERE person = ? ORDER BY id");
    vi_query_int(&q, pixels);
    vi_query_int(&q, person);
    while (!bad && *n < most && vi_query_row(&q)) {
        vi_gallery_photo *p = &(*list)[(*n)++];
        p->id = vi_query_get_int(&q, 0);
        vi_query_get_text(&q, 1, p->name, sizeof p->name);
        vi_query_get_text(&q, 2, p->sha256, sizeof p->sha256);
        vi_query_get_text(&q, 3, p->added, sizeof p->added);
        p->quality = (float)vi_query_get_real(&q, 4);
        p->side = (int)vi_query_get_int(&q, 6);
        bad = get_pixels(&q, p, pixels, err);
    }
    rc = vi_query_end(&q, err);
    rc = bad ? bad : rc;
    if (rc) {
        vi_gallery_photos_free(*list, *n);
        *list = NULL;
        *n = 0;
    }
    return rc;
}

void vi_gallery_photos_free(vi_gallery_photo *list, int n)
{
    for (int i = 0; list && i < n; i++)
        vi_free(list[i].rgb);
    vi_free(list);
}
