/* pipeline/measure_flicker.c: how the result changes from frame to frame beyond the target's own change, in cells that go with the
 * faces; see measure.h. One thread (vi-encode). */
#include <math.h>
#include <string.h>

#include "face/marks.h"
#include "pipeline/measure_parts.h"

enum { GRID = 12, CELLS = GRID * GRID };

typedef struct patch {
    bool known, settled; /* settled: it had faded in */
    int track;
    uint64_t sequence;
    float change[CELLS]; /* levels of 255; NAN: beyond the picture */
} patch;

struct vi_flicker {
    patch patch[VI_MAX_TRACKS];
    double sum;
    uint64_t cells;
};

int vi_flicker_create(vi_flicker **f)
{
    *f = vi_calloc(1, sizeof **f);
    return *f ? VISO_OK : VISO_ERR_NO_SPACE;
}

void vi_flicker_destroy(vi_flicker **f)
{
    vi_free(*f);
    *f = NULL;
}

double vi_flicker_so_far(const vi_flicker *f, uint64_t *cells)
{
    *cells = f->cells;
    return f->sum;
}

/* Luma of a part of a row in storage values; BT.709's weights for R'G'B'. */
static double row_sum(const vi_frame *f, const vi_format_info *info, int y, int x0, int x1)
{
    const uint8_t *row = f->plane[0] + y * f->stride[0];
    const uint16_t *wide = (const uint16_t *)row;
    uint64_t sum = 0;
    if (info->components >= 3 && !info->yuv) {
        uint64_t r = 0, g = 0, b = 0;
        for (int i = x0 * info->components; i < x1 * info->components; i += info->components) {
            r += info->bytes == 1 ? row[i] : wide[i];
            g += info->bytes == 1 ? row[i + 1] : wide[i + 1];
            b += info->bytes == 1 ? row[i + 2] : wide[i + 2];
        }
        return 0.2126 * (double)r + 0.7152 * (double)g + 0.0722 * (double)b;
    }
    if (info->bytes == 1)
        for (int x = x0; x < x1; x++)
            sum += row[x];
    else
        for (int x = x0; x < x1; x++)
            sum += wide[x] >> info->shift;
    return (double)sum;
}

/* The box in stored coordinates; false without extent. */
static bool stored_box(const vi_work *w, const vi_face *f, vi_box *out)
{
    vi_box b;
    if (!vi_marks_box(f->f.mesh, VI_MESH_VERTS, &b))
        return false;
    vi_point p = vi_affine_apply(&w->upright, b.x0, b.y0), q = vi_affine_apply(&w->upright, b.x1, b.y1);
    *out = (vi_box){ fminf(p.x, q.x), fminf(p.y, q.y), fmaxf(p.x, q.x), fmaxf(p.y, q.y) };
    return out->x1 - out->x0 >= GRID && out->y1 - out->y0 >= GRID && out->x1 < 1e6f && out->y1 < 1e6f && out->x0 > -1e6f &&
           out->y0 > -1e6f;
}

static float cell_change(const vi_frame *before, const vi_frame *after, const vi_format_info *info, const vi_box *b, int cx, int cy)
{
    float w = (b->x1 - b->x0) / GRID, h = (b->y1 - b->y0) / GRID;
    int x0 = (int)lrintf(b->x0 + w * (float)cx), x1 = (int)lrintf(b->x0 + w * (float)(cx + 1));
    int y0 = (int)lrintf(b->y0 + h * (float)cy), y1 = (int)lrintf(b->y0 + h * (float)(cy + 1));
    if (x0 < 0 || y0 < 0 || x1 > after->width || y1 > after->height || x0 >= x1 || y0 >= y1)
        return NAN;
    double sum = 0;
    for (int y = y0; y < y1 && before != after; y++)
        sum += row_sum(after, info, y, x0, x1) - row_sum(before, info, y, x0, x1);
    return (float)(sum / ((double)(x1 - x0) * (y1 - y0)) * 255 / (double)((1 << info->depth) - 1));
}

static void compare(vi_flicker *f, const patch *then, const float *now)
{
    for (int c = 0; c < CELLS; c++) {
        double d = (double)now[c] - then->change[c];
        if (isnan(d) || (now[c] == 0 && then->change[c] == 0))
            continue;
        f->sum += d * d;
        f->cells++;
    }
}

void vi_flicker_result(vi_flicker *f, const vi_work *w, const vi_frame *before, const vi_frame *after)
{
    const vi_format_info *info = vi_format_describe(after->format);
    if (before->format != after->format || before->width != after->width || before->height != after->height)
        return;
    for (int i = 0; i < w->n_face; i++) {
        const vi_face *face = &w->face[i];
        vi_box b;
        float now[CELLS];
        if (face->slot < 0 || face->slot >= VI_MAX_TRACKS)
            continue;
        patch *p = &f->patch[face->slot];
        bool goes_on = p->known && !w->cut && !face->fresh && p->sequence + 1 == w->sequence && p->track == face->f.track;
        p->known = (face->f.has & VISO_FACE_HAS_MESH) && stored_box(w, face, &b);
        if (!p->known)
            continue;
        for (int c = 0; c < CELLS; c++)
            now[c] = cell_change(before, after, info, &b, c % GRID, c / GRID);
        if (goes_on && p->settled)
            compare(f, p, now);
        p->settled = (goes_on && p->settled) || face->fade >= 1;
        p->track = face->f.track;
        p->sequence = w->sequence;
        memcpy(p->change, now, sizeof p->change);
    }
}
