/* tests/kernel/common.c: see common.h. */
#include "common.h"

static uint32_t state = 2463534242u;

void rnd_seed(uint32_t s)
{
    state = s * 2654435761u + 88675123u;
    if (!state)
        state = 1;
}

uint32_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

float rnd_unit(void)
{
    return (float)(rnd() >> 8) / 16777216.0f;
}

int rnd_int(int lo, int hi)
{
    return lo + (int)(rnd() % (uint32_t)(hi - lo + 1));
}

static const float guard_value = -12345.678f;

guarded guarded_new(int w, int h, int off, int extra_stride)
{
    guarded g;
    size_t stride = ((size_t)w + 15 + (size_t)extra_stride) & ~(size_t)15;
    stride += (size_t)extra_stride; /* odd strides too */
    g.count = stride * (size_t)(h + 2) + 64;
    g.mem = vi_alloc(g.count * sizeof(float));
    assert_non_null(g.mem);
    for (size_t i = 0; i < g.count; i++)
        g.mem[i] = guard_value;
    g.p = (vi_plane){ g.mem + stride + 16 + off, w, h, (ptrdiff_t)stride };
    return g;
}

void guarded_free(guarded *g)
{
    for (size_t i = 0; i < g->count; i++) {
        ptrdiff_t d = (ptrdiff_t)i - (g->p.p - g->mem);
        ptrdiff_t y = d >= 0 ? d / g->p.stride : -1, x = d - y * g->p.stride;
        if (d >= 0 && y < g->p.h && x < g->p.w)
            continue;
        if (g->mem[i] != guard_value)
            fail_msg("wrote outside the plane at (%td, %td) of %dx%d", x, y, g->p.w, g->p.h);
    }
    vi_free(g->mem);
    g->mem = NULL;
}

void fill_plane(const vi_plane *p, fill_kind kind, float lo, float hi)
{
    float a = rnd_unit() * 0.2f + 0.02f, b = rnd_unit() * 0.2f + 0.02f, flat = rnd_unit();
    float cx = (float)p->w * 0.5f, cy = (float)p->h * 0.5f, r = fmaxf(1.0f, fminf(cx, cy) * 0.8f);
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++) {
            float v = rnd_unit(), fx = (float)x + 0.5f - cx, fy = (float)y + 0.5f - cy;
            if (kind == FILL_SMOOTH)
                v = 0.5f + 0.25f * sinf(a * (float)x + 1.0f) + 0.25f * cosf(b * (float)y + a * (float)x);
            else if (kind == FILL_FLAT)
                v = flat;
            else if (kind == FILL_MASK)
                v = v < 0.4f ? 0.0f : v > 0.8f ? 1.0f : v;
            else if (kind == FILL_BLOB)
                v = vi_clampf((r - sqrtf(fx * fx + fy * fy)) / (0.3f * r), 0.0f, 1.0f);
            p->p[y * p->stride + x] = lo + (hi - lo) * v;
        }
}

void check_planes(const char *what, const vi_plane *e, const vi_plane *a, float tol, int outliers)
{
    int bad = 0, bx = 0, by = 0;
    float worst = 0.0f;
    for (int y = 0; y < e->h; y++)
        for (int x = 0; x < e->w; x++) {
            float want = e->p[y * e->stride + x], got = a->p[y * a->stride + x];
            float d = fabsf(want - got);
            if (want == got || d <= tol)
                continue;
            bad++;
            if (!(d <= worst)) {
                worst = d;
                bx = x, by = y;
            }
        }
    if (bad > outliers)
        fail_msg("%s: %d of %d pixels differ (%d allowed), worst at (%d, %d): expected %g, got %g, tolerance %g", what,
                 bad, e->w * e->h, outliers, bx, by, (double)e->p[by * e->stride + bx],
                 (double)a->p[by * a->stride + bx], (double)tol);
}

vi_arena *test_arena(void)
{
    static vi_arena arena;
    if (!arena.base)
        assert_int_equal(vi_arena_create(&arena, (size_t)256 << 20), 0);
    assert_int_equal(arena.used, 0); /* kernels give back what they took */
    return &arena;
}

const vi_format all_formats[] = { VI_FORMAT_GRAY8,   VI_FORMAT_GRAY16,    VI_FORMAT_RGB24,     VI_FORMAT_RGBA,
                                  VI_FORMAT_RGB48,   VI_FORMAT_RGBA64,    VI_FORMAT_YUV420P,   VI_FORMAT_YUV422P,
                                  VI_FORMAT_YUV444P, VI_FORMAT_YUV420P10, VI_FORMAT_YUV422P10, VI_FORMAT_YUV444P10,
                                  VI_FORMAT_NV12,    VI_FORMAT_P010 };
const int n_formats = (int)VI_COUNT(all_formats);

static uint8_t *where(const vi_frame *f, int i, int x, int y, const vi_format_info *fi)
{
    int plane = fi->planes == 1 ? 0 : fi->planes == 2 ? (i > 0) : i;
    int lane = fi->planes == 1 ? i : fi->planes == 2 && i > 0 ? i - 1 : 0;
    int per = fi->planes == 1 ? fi->components : fi->planes == 2 && i > 0 ? 2 : 1;
    return f->plane[plane] + y * f->stride[plane] + (ptrdiff_t)(x * per + lane) * fi->bytes;
}

int frame_get(const vi_frame *f, int i, int x, int y)
{
    const vi_format_info *fi = vi_format_describe(f->format);
    const uint8_t *p = where(f, i, x, y, fi);
    return fi->bytes == 1 ? *p : *(const uint16_t *)(const void *)p >> fi->shift;
}

void frame_put(vi_frame *f, int i, int x, int y, int v)
{
    const vi_format_info *fi = vi_format_describe(f->format);
    uint8_t *p = where(f, i, x, y, fi);
    if (fi->bytes == 1)
        *p = (uint8_t)v;
    else
        *(uint16_t *)(void *)p = (uint16_t)(v << fi->shift);
}

void frame_comp_size(const vi_frame *f, int i, int *w, int *h)
{
    const vi_format_info *fi = vi_format_describe(f->format);
    int sx = fi->yuv && i > 0 ? fi->chroma_w_log2 : 0, sy = fi->yuv && i > 0 ? fi->chroma_h_log2 : 0;
    *w = (f->width + (1 << sx) - 1) >> sx;
    *h = (f->height + (1 << sy) - 1) >> sy;
}

void test_frame_new(test_frame *t, vi_format format, int w, int h, bool turned, fill_kind kind)
{
    const vi_format_info *fi = vi_format_describe(format);
    memset(t, 0, sizeof *t);
    t->f.format = format;
    t->f.width = w, t->f.height = h;
    t->f.refs = 1;
    for (int p = 0; p < fi->planes; p++) {
        int rows = vi_plane_rows(&t->f, p);
        /* rows exactly as long as the picture in every second frame: an overrun meets the sanitizer or a guard */
        size_t row = vi_plane_row_bytes(&t->f, p), stride = row + (size_t)(rnd() % 3) * 2 * fi->bytes;
        size_t lead = 6 * fi->bytes;
        t->size[p] = lead + stride * (size_t)rows;
        t->mem[p] = malloc(t->size[p]);
        t->before[p] = malloc(t->size[p]);
        assert_non_null(t->mem[p]);
        for (size_t i = 0; i < t->size[p]; i++)
            t->mem[p][i] = (uint8_t)rnd();
        t->f.plane[p] = t->mem[p] + lead + (turned ? stride * (size_t)(rows - 1) : 0);
        t->f.stride[p] = turned ? -(ptrdiff_t)stride : (ptrdiff_t)stride;
    }
    int max = (1 << fi->depth) - 1;
    for (int i = 0; i < fi->components; i++) {
        int cw, ch;
        frame_comp_size(&t->f, i, &cw, &ch);
        float a = rnd_unit() * 0.1f, b = rnd_unit() * 0.1f;
        for (int y = 0; y < ch; y++)
            for (int x = 0; x < cw; x++) {
                float v = kind == FILL_NOISE ? rnd_unit()
                                             : 0.5f + 0.15f * sinf(a * (float)x + (float)i) +
                                                   0.15f * cosf(b * (float)y + 0.05f * (float)x);
                frame_put(&t->f, i, x, y, (int)lrintf(v * (float)max));
            }
    }
    for (int p = 0; p < fi->planes; p++)
        memcpy(t->before[p], t->mem[p], t->size[p]);
}

void test_frame_copy(test_frame *to, const test_frame *from)
{
    *to = *from;
    for (int p = 0; p < 4; p++) {
        if (!from->mem[p])
            continue;
        to->mem[p] = malloc(from->size[p]);
        to->before[p] = malloc(from->size[p]);
        assert_non_null(to->mem[p]);
        memcpy(to->mem[p], from->mem[p], from->size[p]);
        memcpy(to->before[p], from->mem[p], from->size[p]);
        to->f.plane[p] = to->mem[p] + (from->f.plane[p] - from->mem[p]);
    }
}

void test_frame_free(test_frame *t)
{
    for (int p = 0; p < 4; p++) {
        free(t->mem[p]);
        free(t->before[p]);
    }
}
