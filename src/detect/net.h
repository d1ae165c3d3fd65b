/* detect/net.h: a detector's network, bound: from a window of a frame to candidates. One thread. */
#ifndef VI_DETECT_NET_H
#define VI_DETECT_NET_H

#include "detect/family.h"

typedef struct vi_detect_net {
    const vi_kernels *k;
    const vi_detect_family *family;
    const vi_model_row *row;
    vi_run *run;
    vi_view view;           /* the input and how pictures are laid into it */
    float *input;           /* bound memory: planes, or colours last */
    vi_rect painted;        /* the part of the input beside which the border is in place; w 0: nothing is */
    vi_detect_tensors out;
} vi_detect_net;

/* The row of the detector that `wanted` names: an id, or "auto" (the embedded one, else the first installed of a known family).
 * VISO_ERR_MODEL for what is unknown or missing, saying which are installed. */
int vi_detect_choose(vi_models *m, const char *wanted, const vi_model_row **row, viso_error *err);
/* Loads and binds. size: side of the input in pixels, rounded up to what the network can take, 0: what row and family say;
 * VISO_ERR_USAGE when the graph has another size and no choice. */
int vi_detect_net_open(vi_detect_net *n, const vi_kernels *k, vi_models *m, const vi_model_row *row, int size, viso_error *err);
void vi_detect_net_close(vi_detect_net *n);

/* A frame of a picture of width x height pixels standing upright. */
typedef struct vi_detect_frame {
    const vi_frame *frame;
    const vi_colour_map *colour;
    vi_affine upright; /* upright picture -> stored frame */
    int width, height;
} vi_detect_frame;

/* The parts of one look, in this order; vi_run_now(n->run) goes between the second and the third. Scratch is given back. */
int vi_detect_net_sample(vi_detect_net *n, const vi_detect_frame *f, const vi_window *w, vi_rgb *crop, vi_arena *scratch,
                         viso_error *err);
void vi_detect_net_feed(vi_detect_net *n, const vi_detect_frame *f, const vi_window *w, const vi_rgb *crop);
int vi_detect_net_read(const vi_detect_net *n, float threshold, const vi_window *w, vi_candidate *out, int max);
/* What of the sampled input shows the picture. */
vi_rgb vi_detect_net_seen(const vi_detect_net *n, const vi_detect_frame *f, const vi_window *w, const vi_rgb *crop);
/* Feeding, running, reading, and the merging of what one window shows. *found receives how many. */
int vi_detect_net_find(vi_detect_net *n, const vi_detect_frame *f, const vi_window *w, const vi_rgb *crop, float threshold, float iou,
                       vi_candidate *out, int max, int *found, viso_error *err);
/* All of it, with the sampling. */
int vi_detect_net_look(vi_detect_net *n, const vi_detect_frame *f, const vi_window *w, float threshold, float iou,
                       vi_candidate *out, int max, int *found, vi_arena *scratch, viso_error *err);

#endif
