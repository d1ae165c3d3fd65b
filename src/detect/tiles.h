/* detect/tiles.h: the parts of a running picture that are looked at for faces too small for the whole view, and which of them can
 * show none. Pure functions. For this room only. */
#ifndef VI_DETECT_TILES_H
#define VI_DETECT_TILES_H

#include "detect/candidate.h"
#include "detect/family.h"

/* Tiles of a picture of width x height pixels through which faces of `min_face` pixels' width are seen, as far as tiles may
 * shrink; the coarser level, where one is needed, first. None when the whole view shows such faces. */
int vi_tiles_running(const vi_view *v, const vi_detect_family *f, int width, int height, float min_face, float angle,
                     vi_window out[VI_WINDOWS_MAX]);

#define VI_TILE_CELLS 8 /* along each side */

/* Which cells of a tile are taken by heads that are known. */
typedef struct vi_tile_cells {
    uint8_t taken[VI_TILE_CELLS]; /* a row each, bit x */
} vi_tile_cells;

/* Marks the cells that lie wholly in the head around the box of a face (upright picture). */
void vi_tile_take(vi_tile_cells *t, const vi_window *tile, const vi_box *face);
bool vi_tile_is_taken(const vi_tile_cells *t);
/* Whether any cell that is not taken shows more than noise; `input` is what the network will see of the picture, R'G'B' 0..1. */
bool vi_tile_shows(const vi_tile_cells *t, const vi_rgb *input);

#endif
