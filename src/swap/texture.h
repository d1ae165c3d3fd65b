/* swap/texture.h: the face of a photograph unrolled into the mesh's UV square. Texel coordinates are uv x size; the
 * square is mirror-symmetric about its middle column. For source.c only.
 *
 * Thread-safety: pure; scratch comes from the caller's arena. All return 0 or VISO_ERR_NO_SPACE. */
#ifndef VI_TEXTURE_H
#define VI_TEXTURE_H

#include "face/face.h"

typedef struct vi_texture {
    int size;
    vi_rgb lab;    /* L a b */
    vi_plane conf; /* 0..1: how well a texel was seen */
} vi_texture;
/* From the arena, not cleared. */
int vi_texture_new(vi_texture *t, int size, vi_arena *a);

/* Unrolls the crop. lm: landmarks in crop coordinates, z in the same pixels. skin: mask over the crop. eye_weight: factor on
 * the confidence around the eye on the picture's left and right (0: do not use that eye). yaw, degrees: the far half of a
 * turned face gives way to the near one's mirror image. mouth_open: teeth and tongue are seen between the lips; the line
 * between them is left out. */
int vi_texture_unroll(const vi_kernels *k, const vi_mesh *m, const vi_rgb *crop, const vi_point3 lm[478],
                      const vi_plane *skin, const float eye_weight[2], float yaw, bool mouth_open,
                      const vi_texture *out, vi_arena *a);

/* Several photographs: `sum` collects conf-weighted colours normalised to `best`; finish divides and keeps the detail of
 * `best` where it was seen. best is replaced by the result. */
typedef struct vi_texture_sum {
    vi_rgb lab;
    vi_plane weight, conf;
} vi_texture_sum;
int vi_texture_sum_begin(vi_texture_sum *s, const vi_kernels *k, const vi_texture *best, vi_arena *a);
int vi_texture_sum_add(vi_texture_sum *s, const vi_kernels *k, const vi_texture *best, const vi_texture *other,
                       float weight, vi_arena *a);
int vi_texture_sum_finish(vi_texture_sum *s, const vi_kernels *k, const vi_texture *best, vi_arena *a);

/* Mirrored half for what was not seen, highlights removed, everything else filled. mouth_open: no photograph showed the line
 * between closed lips; one is drawn. */
int vi_texture_complete(const vi_kernels *k, const vi_mesh *m, const vi_texture *t, bool mouth_open, vi_arena *a);

/* The line between the lips in UV, 0..1, soft. */
int vi_texture_lip_line(const vi_kernels *k, const vi_mesh *m, const vi_plane *dst, vi_arena *a);

#endif
