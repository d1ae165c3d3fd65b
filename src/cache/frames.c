/* cache/frames.c: the bytes of frames, in batches. */
#include <string.h>

#include "cache/internal.h"

/* Of the row and the index, about; so that runs of empty frames count, too. */
enum { ROW_BYTES = 48 };

void vi_cache_batch_clear(vi_cache_batch *b)
{
    vi_blob_clear(&b->bytes);
    b->n = 0;
}

void vi_cache_batch_mark(vi_cache_batch *b, int64_t pts)
{
    b->pts[b->n] = pts;
    b->end[b->n++] = b->bytes.size;
}

/* Tells bytes that a disk has changed, and bytes of another time; no defence against anybody. */
static int64_t sum_of(int64_t pts, const uint8_t *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u ^ (uint64_t)pts, word;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        h = (h ^ word) * 0x100000001b3u;
        h ^= h >> 29;
    }
    for (; n > 0; p++, n--)
        h = (h ^ *p) * 0x100000001b3u;
    return (int64_t)(h ^ h >> 32);
}

static int insert(vi_cache *c, int64_t run, const vi_cache_batch *b, viso_error *err)
{
    size_t from = 0;
    vi_query q = vi_query_make(c->file, "INSERT INTO frames (run, pts, sum, data) VALUES (?, ?, ?, ?)");
    for (int i = 0; i < b->n; i++) {
        vi_query_int(&q, run);
        vi_query_int(&q, b->pts[i]);
        vi_query_int(&q, sum_of(b->pts[i], b->bytes.data + from, b->end[i] - from));
        vi_query_blob(&q, b->bytes.data + from, b->end[i] - from);
        vi_query_row(&q);
        vi_query_again(&q);
        from = b->end[i];
    }
    return vi_query_end(&q, err);
}

static int account(vi_cache *c, int64_t run, const vi_cache_batch *b, viso_error *err)
{
    vi_query q = vi_query_make(c->file, "UPDATE runs SET frames = frames + ?, bytes = bytes + ?, used = ? WHERE id = ? AND owner > 0");
    vi_query_int(&q, b->n);
    vi_query_int(&q, (int64_t)b->bytes.size + (int64_t)b->n * ROW_BYTES);
    vi_query_int(&q, vi_cache_now_ms());
    vi_query_int(&q, run);
    vi_query_row(&q);
    bool there = vi_store_changes(c->file) == 1;
    int rc = vi_query_end(&q, err);
    return rc || there ? rc : vi_error_set(err, VISO_ERR_INPUT, "%s: somebody has cleared the cache", c->file->path);
}

int vi_cache_write(vi_cache *c, int64_t run, const vi_cache_batch *b, viso_error *err)
{
    int64_t own = 0;
    if (b->bytes.failed)
        return vi_error_nomem(err, "cache");
    int rc = vi_store_begin(c->file, err);
    if (rc)
        return rc;
    rc = account(c, run, b, err);
    if (!rc)
        rc = vi_query_number(c->file, "SELECT bytes FROM runs WHERE id = ?", run, &own, err);
    if (!rc && c->limit && (uint64_t)own > c->limit)
        rc = VISO_EOF;
    if (!rc)
        rc = insert(c, run, b, err);
    if (!rc)
        rc = vi_cache_sweep(c, 2 * VI_CACHE_BATCH, err); /* twice as fast as what comes */
    if (!rc)
        return vi_store_commit(c->file, err);
    vi_store_rollback(c->file);
    return rc;
}

int vi_cache_read(vi_cache *c, int64_t run, int64_t pts, vi_cache_batch *b, viso_error *err)
{
    bool same = true;
    vi_cache_batch_clear(b);
    vi_query q = vi_query_make(c->file, "SELECT pts, sum, data FROM frames WHERE run = ? AND pts >= ? ORDER BY pts LIMIT ?");
    vi_query_int(&q, run);
    vi_query_int(&q, pts);
    vi_query_int(&q, VI_CACHE_BATCH);
    while (same && b->n < VI_CACHE_BATCH && vi_query_row(&q)) {
        size_t size;
        const uint8_t *data = vi_query_get_blob(&q, 2, &size);
        int64_t at = vi_query_get_int(&q, 0);
        same = data && sum_of(at, data, size) == vi_query_get_int(&q, 1);
        vi_blob_put(&b->bytes, data, same ? size : 0);
        if (same)
            vi_cache_batch_mark(b, at);
    }
    int rc = vi_query_end(&q, err);
    if (!rc && b->bytes.failed)
        rc = vi_error_nomem(err, "cache");
    if (!rc && !same)
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: damaged results", c->file->path);
    return rc;
}
