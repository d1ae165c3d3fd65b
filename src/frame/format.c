/* frame/format.c: the facts about each pixel format, one row each. */
#include "frame/frame.h"

static const vi_format_info info[VI_FORMAT_COUNT] = {
    [VI_FORMAT_NONE] = { .name = "none" },
    [VI_FORMAT_GRAY8] = { "gray8", 1, 1, 8, 0, 1, 0, 0, false },
    [VI_FORMAT_GRAY16] = { "gray16", 1, 1, 16, 0, 2, 0, 0, false },
    [VI_FORMAT_RGB24] = { "rgb24", 1, 3, 8, 0, 1, 0, 0, false },
    [VI_FORMAT_RGBA] = { "rgba", 1, 4, 8, 0, 1, 0, 0, false },
    [VI_FORMAT_RGB48] = { "rgb48", 1, 3, 16, 0, 2, 0, 0, false },
    [VI_FORMAT_RGBA64] = { "rgba64", 1, 4, 16, 0, 2, 0, 0, false },
    [VI_FORMAT_YUV420P] = { "yuv420p", 3, 3, 8, 0, 1, 1, 1, true },
    [VI_FORMAT_YUV422P] = { "yuv422p", 3, 3, 8, 0, 1, 1, 0, true },
    [VI_FORMAT_YUV444P] = { "yuv444p", 3, 3, 8, 0, 1, 0, 0, true },
    [VI_FORMAT_YUV420P10] = { "yuv420p10", 3, 3, 10, 0, 2, 1, 1, true },
    [VI_FORMAT_YUV422P10] = { "yuv422p10", 3, 3, 10, 0, 2, 1, 0, true },
    [VI_FORMAT_YUV444P10] = { "yuv444p10", 3, 3, 10, 0, 2, 0, 0, true },
    [VI_FORMAT_NV12] = { "nv12", 2, 3, 8, 0, 1, 1, 1, true },
    [VI_FORMAT_P010] = { "p010", 2, 3, 10, 6, 2, 1, 1, true },
};

const vi_format_info *vi_format_describe(vi_format f)
{
    return &info[f > VI_FORMAT_NONE && f < VI_FORMAT_COUNT ? f : VI_FORMAT_NONE];
}

int vi_plane_rows(const vi_frame *f, int p)
{
    const vi_format_info *i = vi_format_describe(f->format);
    int log2 = p > 0 && i->yuv ? i->chroma_h_log2 : 0;
    return (f->height + (1 << log2) - 1) >> log2;
}

size_t vi_plane_row_bytes(const vi_frame *f, int p)
{
    const vi_format_info *i = vi_format_describe(f->format);
    int log2 = p > 0 && i->yuv ? i->chroma_w_log2 : 0;
    size_t w = (size_t)((f->width + (1 << log2) - 1) >> log2);
    size_t words = i->planes == 1 ? i->components : i->planes == 2 && p == 1 ? 2 : 1;
    return w * words * i->bytes;
}
