/* frame/frame.h: the thing that moves. A light, reference-counted handle over the planes of one picture
 * in the format it was decoded in, with its colour description and time.
 *
 * Coordinates everywhere in viso are continuous: pixel (i, j) covers [i, i+1) x [j, j+1), centre at
 * (i + .5, j + .5). Chroma siting is part of the colour description.
 *
 * Thread-safety: reference counting is atomic; pixels may be read from any thread and written only by
 * the one owner of a writable frame (reference count one and storage not shared: vi_frame_writable). */
#ifndef VI_FRAME_H
#define VI_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/geometry.h"
#include "viso/common.h"

typedef enum vi_format {
    VI_FORMAT_NONE = 0,
    VI_FORMAT_GRAY8,
    VI_FORMAT_GRAY16,    /* native-endian 16 bit, full 0..65535 */
    VI_FORMAT_RGB24,     /* packed R, G, B */
    VI_FORMAT_RGBA,      /* packed R, G, B, A; alpha straight, never written by kernels */
    VI_FORMAT_RGB48,     /* packed native-endian 16 bit */
    VI_FORMAT_RGBA64,
    VI_FORMAT_YUV420P,   /* planar 8 bit */
    VI_FORMAT_YUV422P,
    VI_FORMAT_YUV444P,
    VI_FORMAT_YUV420P10, /* planar, 10 bit in the low bits of native-endian 16 */
    VI_FORMAT_YUV422P10,
    VI_FORMAT_YUV444P10,
    VI_FORMAT_NV12,      /* Y plane, interleaved UV plane */
    VI_FORMAT_P010,      /* as NV12, 10 bit in the HIGH bits of native-endian 16 */
    VI_FORMAT_COUNT
} vi_format;

/* Facts about a format. */
typedef struct vi_format_info {
    const char *name;
    uint8_t planes;       /* memory planes: 1 packed/grey, 2 NV12/P010, 3 planar */
    uint8_t components;   /* 1 grey, 3, 4 with alpha */
    uint8_t depth;        /* significant bits per component */
    uint8_t shift;        /* left shift of the value in its storage word (6 for P010) */
    uint8_t bytes;        /* bytes of a storage word: 1 or 2 */
    uint8_t chroma_w_log2, chroma_h_log2;
    bool yuv;             /* Y'CbCr; else R'G'B' or grey */
} vi_format_info;
const vi_format_info *vi_format_describe(vi_format f); /* never NULL */

/* Values follow ITU-T H.273 (and so FFmpeg's AVCOL_*), so that they can be carried through unread. */
typedef struct vi_colour {
    uint8_t primaries; /* 1 BT.709, 9 BT.2020, 2 unspecified … */
    uint8_t transfer;  /* 1 BT.709, 13 sRGB, 16 PQ, 18 HLG, 8 linear, 2 unspecified … */
    uint8_t matrix;    /* 0 RGB, 1 BT.709, 5/6 BT.601, 9 BT.2020 ncl, 2 unspecified … */
    uint8_t range;     /* 0 unspecified, 1 limited (MPEG), 2 full (JPEG) */
    uint8_t chroma;    /* AVChromaLocation: 0 unspecified (= left for 4:2:0), 1 left, 2 centre, 3 top-left … */
} vi_colour;

typedef struct vi_frame vi_frame;
struct vi_frame {
    vi_format format;
    int width, height;       /* luma pixels, stored orientation */
    uint8_t *plane[4];
    ptrdiff_t stride[4];     /* bytes; may be negative */
    vi_colour colour;
    int64_t pts;             /* in time_base units of the stream, INT64_MIN when unknown */
    int64_t duration;        /* same units, 0 when unknown */
    int64_t number;          /* 0, 1, 2 … in output order */
    int turns;               /* quarter turns clockwise that show the picture upright (0..3): rotation
                                metadata of video. Stills are turned at decoding, here 0. Detection works on
                                the upright picture through vi_frame_upright(). */
    void *side;              /* the media room's own record (for example an AVFrame), opaque to others */
    /* private */
    int refs;                /* atomic */
    bool shared_storage;     /* the pixels belong to someone who may still read them (a decoder) */
    void (*release)(vi_frame *f); /* frees or returns to the pool; called at the last unref */
    void *owner;
};

/* A fresh frame with its own storage: planes 64-byte aligned, strides multiples of 64. The content is not
 * cleared. NULL when out of memory or width/height not in 1..65535. */
vi_frame *vi_frame_alloc(vi_format format, int width, int height);
vi_frame *vi_frame_ref(vi_frame *f);
void vi_frame_unref(vi_frame **f); /* clears *f; NULL is fine */
bool vi_frame_writable(const vi_frame *f);
/* Makes *f writable, copying into a frame from `pool` (NULL or exhausted: plain allocation) when it is shared.
 * On failure *f is unchanged. */
typedef struct vi_frame_pool vi_frame_pool;
int vi_frame_make_writable(vi_frame **f, vi_frame_pool *pool, viso_error *err);
/* Pixels, colour, time. Same format and size required. */
void vi_frame_copy_pixels(vi_frame *dst, const vi_frame *src);
void vi_frame_copy_props(vi_frame *dst, const vi_frame *src);

/* A pool of equal frames; frames return at their last unref. Frames may outlive the pool. Thread-safe. */
int vi_frame_pool_create(vi_frame_pool **pool, vi_format format, int width, int height, int count, viso_error *err);
vi_frame *vi_frame_pool_get(vi_frame_pool *pool); /* NULL when exhausted: callers keep to the ring's size */
void vi_frame_pool_destroy(vi_frame_pool **pool);

/* Bytes of one row of plane p that belong to the picture, and the plane's rows. */
size_t vi_plane_row_bytes(const vi_frame *f, int p);
int vi_plane_rows(const vi_frame *f, int p);

/* Map from the upright picture's coordinates to stored coordinates, and the upright size. */
vi_affine vi_frame_upright(const vi_frame *f, int *width, int *height);

#endif
