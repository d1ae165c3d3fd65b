/* detect/tiles.c: how a running picture is cut into tiles, and which of them are worth a network. Stills do not come here: they
 * are looked at once, by fixed levels that overlap more. */
#include "detect/tiles.h"

#include <math.h>
#include <string.h>

/* A face that is just large enough is found in one tile and missed in another that lies a little beside it: those of the smallest size
 * wanted are shown so much larger. */
#define CLEARLY 1.25f
/* Sides of tiles as part of the picture's longer side. Finer than FINEST would be very many; then faces are not shown that clearly,
 * and a level between gives them a second chance. Coarser than COARSEST is little better than the whole view. */
#define FINEST 0.27f
#define BETWEEN 0.55f
#define COARSEST 0.70f
/* How much tiles may grow to become fewer: where there is nothing to give away, not at all. */
#define GROW_CLEAR 0.05f
#define GROW_BETWEEN 0.1f
/* Tiles share the smallest face that the coarser view shows, and so much more: neither is sharp. */
#define SHARED 1.4f
/* Neighbours that share more than half of their sides are too many. */
#define SHARED_MOST 0.5f

int vi_tiles_running(const vi_view *v, const vi_detect_family *f, int width, int height, float min_face, float angle,
                     vi_window out[VI_WINDOWS_MAX])
{
    float step = fmaxf((float)width / (float)v->w, (float)height / (float)v->h), want = min_face / f->smallest;
    if (want >= step)
        return 0;
    float whole = step * (float)VI_MAX(v->w, v->h), part = fminf(want / step / CLEARLY, COARSEST);
    float shared = SHARED * f->smallest * step;
    bool clear = part >= FINEST;
    int n = 0;
    part = fmaxf(part, FINEST);
    if (!clear || shared > SHARED_MOST * part * whole) {
        n = vi_window_cover(out, VI_WINDOWS_MAX, v, width, height, BETWEEN * whole, GROW_BETWEEN, shared, angle);
        shared *= BETWEEN; /* that level shows smaller faces */
    }
    return n + vi_window_cover(out + n, VI_WINDOWS_MAX - n, v, width, height, part * whole, clear ? GROW_CLEAR : 0, shared, angle);
}

/* The head around a face's box, in sides of it: a detector's box ends at the brows or the forehead, and at the cheeks. */
#define HEAD_ABOVE 0.4f
#define HEAD_BESIDE 0.15f
#define HEAD_BELOW 0.1f
/* Range of green, of 1, up to which a cell shows nothing. */
#define NOISE 0.03f

void vi_tile_take(vi_tile_cells *t, const vi_window *tile, const vi_box *face)
{
    vi_affine to = vi_window_to_picture(tile, VI_TILE_CELLS, VI_TILE_CELLS);
    float w = face->x1 - face->x0, h = face->y1 - face->y0;
    vi_box head = { face->x0 - HEAD_BESIDE * w, face->y0 - HEAD_ABOVE * h, face->x1 + HEAD_BESIDE * w, face->y1 + HEAD_BELOW * h };
    bool in[VI_TILE_CELLS + 1][VI_TILE_CELLS + 1];
    for (int y = 0; y <= VI_TILE_CELLS; y++) {
        for (int x = 0; x <= VI_TILE_CELLS; x++) {
            vi_point p = vi_affine_apply(&to, (float)x, (float)y);
            in[y][x] = p.x >= head.x0 && p.x <= head.x1 && p.y >= head.y0 && p.y <= head.y1;
        }
    }
    for (int y = 0; y < VI_TILE_CELLS; y++)
        for (int x = 0; x < VI_TILE_CELLS; x++)
            if (in[y][x] && in[y][x + 1] && in[y + 1][x] && in[y + 1][x + 1])
                t->taken[y] |= (uint8_t)(1 << x);
}

bool vi_tile_is_taken(const vi_tile_cells *t)
{
    for (int y = 0; y < VI_TILE_CELLS; y++)
        if (t->taken[y] != (1 << VI_TILE_CELLS) - 1)
            return false;
    return true;
}

/* Green is three fifths to seven tenths of luma, and no face is without it. */
static float range_of(const vi_plane *p, int x0, int y0, int x1, int y1)
{
    float low = 2, high = -2;
    for (int y = y0; y < y1; y++) {
        const float *row = p->p + y * p->stride;
        for (int x = x0; x < x1; x++) {
            low = row[x] < low ? row[x] : low;
            high = row[x] > high ? row[x] : high;
        }
    }
    return high - low;
}

bool vi_tile_shows(const vi_tile_cells *t, const vi_rgb *input)
{
    const vi_plane *p = &input->c[1];
    for (int y = 0; y < VI_TILE_CELLS; y++)
        for (int x = 0; x < VI_TILE_CELLS; x++)
            if (!(t->taken[y] >> x & 1) &&
                range_of(p, x * p->w / VI_TILE_CELLS, y * p->h / VI_TILE_CELLS, (x + 1) * p->w / VI_TILE_CELLS,
                         (y + 1) * p->h / VI_TILE_CELLS) > NOISE)
                return true;
    return false;
}
