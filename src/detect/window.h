/* detect/window.h: the rectangles through which a detector looks at a picture. Pure geometry. */
#ifndef VI_DETECT_WINDOW_H
#define VI_DETECT_WINDOW_H

#include "frame/geometry.h"

#define VI_WINDOWS_MAX 128

/* Edges of a window beyond which the picture goes on: a face cut there is seen whole by a neighbour. In the window's own,
 * turned, directions. */
enum { VI_INNER_LEFT = 1, VI_INNER_TOP = 2, VI_INNER_RIGHT = 4, VI_INNER_BOTTOM = 8 };

typedef struct vi_window {
    float cx, cy; /* upright picture, pixels; may reach past the picture */
    float w, h;   /* extent along the window's own axes, in pixels of the picture */
    float angle;  /* degrees clockwise from the picture's up to the window's own */
    uint8_t inner; /* VI_INNER_* */
} vi_window;

/* How a picture of another shape is laid into a network's input. */
typedef enum vi_fit {
    VI_FIT_CENTRE = 1, /* its shape kept, in the middle */
    VI_FIT_CORNER,     /* its shape kept, at the top left */
    VI_FIT_STRETCH     /* its shape not kept: the picture fills the input */
} vi_fit;

typedef struct vi_view {
    int w, h; /* of the input, pixels */
    vi_fit fit;
    bool no_enlarging; /* pictures smaller than the input stay as small as they are */
} vi_view;

/* The whole picture, `factor` times smaller in the input than it could be; with a factor above 1 it lies in the middle. */
vi_window vi_window_whole(const vi_view *v, int width, int height, float factor, float angle);
/* Overlapping windows of the input's shape whose longer side is `fraction` of the picture's, step at most 0.6 of a side.
 * Returns how many; never more than `max`. */
int vi_window_tiles(vi_window *out, int max, const vi_view *v, int width, int height, float fraction, float angle);
/* As few windows of the input's shape as cover the picture, their longer side `side` pixels or up to the part `grow` more, neighbours
 * sharing `overlap` pixels (at most half of a window): what is no larger than that is whole in one of them. Returns how many; never
 * more than `max`. */
int vi_window_cover(vi_window *out, int max, const vi_view *v, int width, int height, float side, float grow, float overlap,
                    float angle);
/* A window of the input's shape around a square of the picture. */
vi_window vi_window_around(const vi_view *v, int width, int height, float cx, float cy, float side, float angle);
/* Crop of width x height pixels -> upright picture. */
vi_affine vi_window_to_picture(const vi_window *w, float width, float height);
/* What part of the input shows the picture, rounded to the nearest pixel or outwards; the whole input for windows that are not
 * turned by quarters. */
vi_rect vi_window_covered(const vi_window *w, const vi_view *v, int width, int height, bool nearest);

#endif
