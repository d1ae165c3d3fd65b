/* frame/frame.c: reference-counted frames and pools. Counting is atomic; a pool is guarded by one lock and lives until
 * its last frame has come home. */
#include "frame/frame.h"

#include <pthread.h>
#include <string.h>

#include "base/base.h"

/* Sizes of all planes for this format; false when width or height are out of range. */
static bool layout(vi_format format, int width, int height, size_t stride[4], size_t size[4])
{
    const vi_format_info *i = vi_format_describe(format);
    if (!i->planes || width < 1 || height < 1 || width > 65535 || height > 65535)
        return false;
    vi_frame probe = { .format = format, .width = width, .height = height };
    for (int p = 0; p < 4; p++) {
        stride[p] = p < i->planes ? (vi_plane_row_bytes(&probe, p) + 63) & ~(size_t)63 : 0;
        size[p] = p < i->planes ? stride[p] * (size_t)vi_plane_rows(&probe, p) : 0;
    }
    return true;
}

static void release_plain(vi_frame *f)
{
    vi_free(f);
}

/* One block: the handle, then the planes, so that a frame is one allocation. 64 spare bytes let kernels read a whole
 * vector at the end of the last row. */
static vi_frame *build(vi_format format, int width, int height)
{
    size_t stride[4], size[4];
    if (!layout(format, width, height, stride, size))
        return NULL;
    size_t head = (sizeof(vi_frame) + 63) & ~(size_t)63;
    uint8_t *block = vi_alloc(head + size[0] + size[1] + size[2] + size[3] + 64);
    if (!block)
        return NULL;
    vi_frame *f = (vi_frame *)block;
    memset(f, 0, sizeof *f);
    f->format = format;
    f->width = width;
    f->height = height;
    uint8_t *at = block + head;
    for (int p = 0; p < 4 && size[p]; p++) {
        f->plane[p] = at;
        f->stride[p] = (ptrdiff_t)stride[p];
        at += size[p];
    }
    f->pts = INT64_MIN;
    f->refs = 1;
    return f;
}

vi_frame *vi_frame_alloc(vi_format format, int width, int height)
{
    vi_frame *f = build(format, width, height);
    if (f)
        f->release = release_plain;
    return f;
}

vi_frame *vi_frame_ref(vi_frame *f)
{
    __atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
    return f;
}

void vi_frame_unref(vi_frame **f)
{
    vi_frame *x = *f;
    *f = NULL;
    if (x && __atomic_sub_fetch(&x->refs, 1, __ATOMIC_ACQ_REL) == 0)
        x->release(x);
}

bool vi_frame_writable(const vi_frame *f)
{
    return !f->shared_storage && __atomic_load_n(&f->refs, __ATOMIC_ACQUIRE) == 1;
}

void vi_frame_copy_props(vi_frame *dst, const vi_frame *src)
{
    dst->colour = src->colour;
    dst->pts = src->pts;
    dst->duration = src->duration;
    dst->number = src->number;
    dst->turns = src->turns;
}

void vi_frame_copy_pixels(vi_frame *dst, const vi_frame *src)
{
    int planes = vi_format_describe(src->format)->planes;
    for (int p = 0; p < planes; p++) {
        size_t bytes = vi_plane_row_bytes(src, p);
        int rows = vi_plane_rows(src, p);
        if (dst->stride[p] == src->stride[p] && src->stride[p] > 0) { /* the padding travels along: one long copy */
            memcpy(dst->plane[p], src->plane[p], (size_t)src->stride[p] * (size_t)(rows - 1) + bytes);
            continue;
        }
        for (int y = 0; y < rows; y++)
            memcpy(dst->plane[p] + y * dst->stride[p], src->plane[p] + y * src->stride[p], bytes);
    }
}

int vi_frame_make_writable(vi_frame **f, vi_frame_pool *pool, viso_error *err)
{
    if (vi_frame_writable(*f))
        return 0;
    vi_frame *copy = pool ? vi_frame_pool_get(pool) : NULL;
    if (!copy) /* an encoder may keep frames for its own delay: better one allocation than a lost run */
        copy = vi_frame_alloc((*f)->format, (*f)->width, (*f)->height);
    if (!copy)
        return vi_error_nomem(err, "frame");
    if (copy->format != (*f)->format || copy->width != (*f)->width || copy->height != (*f)->height) {
        vi_frame_unref(&copy);
        return vi_error_set(err, VISO_ERR_INTERNAL, "frame pool of another size or format");
    }
    vi_frame_copy_pixels(copy, *f);
    vi_frame_copy_props(copy, *f);
    vi_frame_unref(f);
    *f = copy;
    return 0;
}

struct vi_frame_pool {
    pthread_mutex_t lock;
    int count;    /* frames made */
    int idle;     /* frames in `free` */
    bool closing; /* the owner has let go; the last frame home frees the pool */
    vi_frame *free[];
};

static void pool_free(vi_frame_pool *pool)
{
    for (int i = 0; i < pool->idle; i++)
        vi_free(pool->free[i]);
    pthread_mutex_destroy(&pool->lock);
    vi_free(pool);
}

static void release_to_pool(vi_frame *f)
{
    vi_frame_pool *pool = f->owner;
    pthread_mutex_lock(&pool->lock);
    pool->free[pool->idle++] = f;
    bool last = pool->closing && pool->idle == pool->count;
    pthread_mutex_unlock(&pool->lock);
    if (last)
        pool_free(pool);
}

int vi_frame_pool_create(vi_frame_pool **out, vi_format format, int width, int height, int count, viso_error *err)
{
    vi_frame_pool *pool = vi_calloc(1, sizeof *pool + (size_t)count * sizeof pool->free[0]);
    if (!pool)
        return vi_error_nomem(err, "frame pool");
    pthread_mutex_init(&pool->lock, NULL);
    for (int i = 0; i < count; i++) {
        vi_frame *f = build(format, width, height);
        if (!f) {
            pool_free(pool);
            return vi_error_nomem(err, "frame pool");
        }
        f->owner = pool;
        f->release = release_to_pool;
        pool->free[pool->idle++] = f;
        pool->count++;
    }
    *out = pool;
    return 0;
}

vi_frame *vi_frame_pool_get(vi_frame_pool *pool)
{
    vi_frame *f = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->idle > 0)
        f = pool->free[--pool->idle];
    pthread_mutex_unlock(&pool->lock);
    if (f) {
        f->refs = 1;
        f->pts = INT64_MIN;
        f->duration = 0;
        f->side = NULL;
    }
    return f;
}

void vi_frame_pool_destroy(vi_frame_pool **p)
{
    vi_frame_pool *pool = *p;
    *p = NULL;
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    bool last = pool->idle == pool->count;
    pthread_mutex_unlock(&pool->lock);
    if (last)
        pool_free(pool);
}

vi_affine vi_frame_upright(const vi_frame *f, int *width, int *height)
{
    float w = (float)f->width, h = (float)f->height;
    *width = f->turns & 1 ? f->height : f->width;
    *height = f->turns & 1 ? f->width : f->height;
    /* Turning the stored picture clockwise by `turns` shows it upright; this is the way back. */
    switch (f->turns & 3) {
    case 1: return (vi_affine){ { 0, 1, 0, -1, 0, h } };
    case 2: return (vi_affine){ { -1, 0, w, 0, -1, h } };
    case 3: return (vi_affine){ { 0, -1, w, 1, 0, 0 } };
    default: return vi_affine_identity();
    }
}
