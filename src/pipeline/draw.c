/* pipeline/draw.c: boxes, landmarks and track numbers over an upright copy of the frame. */
#include "pipeline/draw.h"

#include <math.h>

typedef struct rgb8 { uint8_t r, g, b; } rgb8;

static void dot(vi_frame *f, int x, int y, rgb8 c)
{
    if (x < 0 || y < 0 || x >= f->width || y >= f->height)
        return;
    uint8_t *p = f->plane[0] + y * f->stride[0] + 3 * x;
    p[0] = c.r;
    p[1] = c.g;
    p[2] = c.b;
}

static void block(vi_frame *f, float cx, float cy, int size, rgb8 c)
{
    if (!(fabsf(cx) < 1e6f) || !(fabsf(cy) < 1e6f))
        return;
    int x0 = (int)floorf(cx) - size / 2, y0 = (int)floorf(cy) - size / 2;
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++)
            dot(f, x0 + x, y0 + y, c);
    }
}

static void frame_box(vi_frame *f, const vi_box *b, int width, rgb8 c)
{
    vi_rect r = vi_box_cover(b, f->width, f->height);
    for (int t = 0; t < width; t++) {
        for (int x = r.x; x < r.x + r.w; x++) {
            dot(f, x, r.y + t, c);
            dot(f, x, r.y + r.h - 1 - t, c);
        }
        for (int y = r.y; y < r.y + r.h; y++) {
            dot(f, r.x + t, y, c);
            dot(f, r.x + r.w - 1 - t, y, c);
        }
    }
}

/* 3x5 digits, one bit a cell, top row in the highest bits. */
static const uint16_t digit[10] = { 075557, 026227, 071747, 071717, 055711, 074717, 074757, 071111, 075757, 075717 };

static void number(vi_frame *f, int x, int y, int n, int cell, rgb8 c)
{
    char text[12];
    int len = 0;
    do {
        text[len++] = (char)(n % 10);
        n /= 10;
    } while (n > 0 && len < 11);
    for (int i = len - 1; i >= 0; i--, x += 4 * cell) {
        for (int bit = 0; bit < 15; bit++) {
            if (digit[(int)text[i]] >> (14 - bit) & 1) {
                for (int k = 0; k < cell * cell; k++)
                    dot(f, x + bit % 3 * cell + k % cell, y + bit / 3 * cell + k / cell, c);
            }
        }
    }
}

/* The upright picture as RGB24, sampled in bands so that the scratch memory stays small. */
static int upright_copy(vi_frame *out, const vi_work *w, const vi_kernels *k, vi_arena *scratch)
{
    enum { BAND = 64 };
    for (int y0 = 0; y0 < w->height; y0 += BAND) {
        size_t mark = vi_arena_mark(scratch);
        int rows = VI_MIN(BAND, w->height - y0);
        vi_rgb band = vi_rgb_new(scratch, w->width, rows);
        vi_affine shift = { { 1, 0, 0, 0, 1, (float)y0 } };
        vi_affine map = vi_affine_compose(&w->upright, &shift);
        if (!band.c[2].p || k->sample(w->frame, w->colour, &map, &band, VI_BORDER_REPLICATE, scratch) != 0)
            return VISO_ERR_NO_SPACE;
        for (int y = 0; y < rows; y++) {
            uint8_t *p = out->plane[0] + (y0 + y) * out->stride[0];
            for (int x = 0; x < w->width; x++) {
                for (int c = 0; c < 3; c++)
                    p[3 * x + c] = (uint8_t)(vi_clampf(band.c[c].p[y * band.c[c].stride + x], 0, 1) * 255 + 0.5f);
            }
        }
        vi_arena_release(scratch, mark);
    }
    return 0;
}

int vi_draw_faces(vi_frame **out, const vi_work *w, const vi_kernels *k, viso_error *err)
{
    static const rgb8 box = { 255, 190, 0 }, mesh = { 0, 255, 110 }, marks = { 90, 200, 255 }, five = { 255, 40, 60 };
    vi_arena scratch;
    if (vi_arena_create(&scratch, (size_t)256 << 20) != 0)
        return vi_error_nomem(err, "drawing");
    vi_frame *f = vi_frame_alloc(VI_FORMAT_RGB24, w->width, w->height);
    int rc = f ? upright_copy(f, w, k, &scratch) : VISO_ERR_NO_SPACE;
    vi_arena_destroy(&scratch);
    if (rc) {
        vi_frame_unref(&f);
        return vi_error_nomem(err, "drawing");
    }
    for (int i = 0; i < w->n_face; i++) {
        const viso_face *face = &w->face[i].f;
        float width = face->box.x1 - face->box.x0;
        int line = width > 300 ? 3 : width > 80 ? 2 : 1;
        frame_box(f, &face->box, line, box);
        if (face->has & VISO_FACE_HAS_MESH) {
            for (int p = 0; p < VISO_MESH_POINTS; p++)
                block(f, face->mesh[p].x, face->mesh[p].y, width > 200 ? 2 : 1, mesh);
        }
        if ((face->has & VISO_FACE_HAS_MARKS) && face->marks.set != 478) {
            for (int p = 0; p < face->marks.count; p++)
                block(f, face->marks.point[p].x, face->marks.point[p].y, width > 200 ? 3 : width > 80 ? 2 : 1, marks);
        }
        if (face->has & VISO_FACE_HAS_POINTS) {
            for (int p = 0; p < 5; p++)
                block(f, face->points[p].x, face->points[p].y, 2 * line + 1, five);
        }
        number(f, (int)face->box.x0 + 2 * line, (int)face->box.y0 + 2 * line, face->track >= 0 ? face->track : i, 2 * line, box);
    }
    *out = f;
    return 0;
}
