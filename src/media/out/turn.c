/* media/out/turn.c: quarter turns, plane by plane, in squares small enough for the first cache. Any thread. */
#include "media/out/turn.h"

#include <string.h>

#include "base/base.h"

#define BLOCK 32

bool vi_can_turn(vi_format format, int turns)
{
    const vi_format_info *i = vi_format_describe(format);
    return turns % 2 == 0 || i->chroma_w_log2 == i->chroma_h_log2;
}

/* One block; `size` is constant at each call, so that the copies become single moves. */
static inline void turn_block(uint8_t *d, ptrdiff_t ds, const uint8_t *s, ptrdiff_t ss, int x0, int y0, int w, int h, int turns,
                              size_t size)
{
    for (int y = y0; y < VI_MIN(y0 + BLOCK, h); y++) {
        const uint8_t *from = s + y * ss + (size_t)x0 * size;
        for (int x = x0; x < VI_MIN(x0 + BLOCK, w); x++, from += size) {
            int tx = turns == 1 ? h - 1 - y : turns == 2 ? w - 1 - x : y;
            int ty = turns == 1 ? x : turns == 2 ? h - 1 - y : w - 1 - x;
            memcpy(d + ty * ds + (size_t)tx * size, from, size);
        }
    }
}

static void turn_plane(uint8_t *d, ptrdiff_t ds, const uint8_t *s, ptrdiff_t ss, int w, int h, int turns, size_t size)
{
    for (int y = 0; y < h; y += BLOCK) {
        for (int x = 0; x < w; x += BLOCK) {
            switch (size) {
            case 1: turn_block(d, ds, s, ss, x, y, w, h, turns, 1); break;
            case 2: turn_block(d, ds, s, ss, x, y, w, h, turns, 2); break;
            case 4: turn_block(d, ds, s, ss, x, y, w, h, turns, 4); break;
            default: turn_block(d, ds, s, ss, x, y, w, h, turns, size); break;
            }
        }
    }
}

void vi_turn_frame(vi_frame *dst, const vi_frame *src)
{
    const vi_format_info *i = vi_format_describe(src->format);
    for (int p = 0; p < i->planes; p++) {
        /* values that stay together: all of a packed pixel, the pair of an interleaved chroma plane */
        size_t together = i->planes == 1 ? i->components : i->planes == 2 && p == 1 ? 2 : 1, size = together * i->bytes;
        int w = (int)(vi_plane_row_bytes(src, p) / size);
        turn_plane(dst->plane[p], dst->stride[p], src->plane[p], src->stride[p], w, vi_plane_rows(src, p), src->turns, size);
    }
}
