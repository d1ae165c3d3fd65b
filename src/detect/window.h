/* detect/window.h: the square windows through which the detector looks at a picture. Pure geometry. */
#ifndef VI_DETECT_WINDOW_H
#define VI_DETECT_WINDOW_H

#include "frame/geometry.h"

#define VI_WINDOWS_MAX 128

/* Edges of a window beyond which the picture goes on: a face cut there is seen whole by a neighbour. In the window's own,
 * turned, directions. */
enum { VI_INNER_LEFT = 1, VI_INNER_TOP = 2, VI_INNER_RIGHT = 4, VI_INNER_BOTTOM = 8 };

typedef struct vi_window {
    float cx, cy, side; /* upright picture, pixels; may reach past the picture (zero border) */
    int turns;          /* the window's own up, in quarter turns clockwise of the picture's up */
    uint8_t inner;      /* VI_INNER_* */
} vi_window;

/* The whole picture centred in a square of `factor` times its longer side. */
vi_window vi_window_whole(int width, int height, float factor, int turns);
/* Overlapping squares of `fraction` of the longer side, step at most 0.6 of the side. Returns how many; never
 * more than `max`. */
int vi_window_tiles(vi_window *out, int max, int width, int height, float fraction);
/* Where a window's edges lie inside the picture, for windows that were placed by hand. */
uint8_t vi_window_inner(const vi_window *w, int width, int height);
/* Crop of `size` pixels -> upright picture. */
vi_affine vi_window_to_picture(const vi_window *w, float size);

#endif
