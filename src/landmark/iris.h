/* landmark/iris.h: MediaPipe's iris network: a crop of each eye becomes five points of its iris. One thread per object. */
#ifndef VI_IRIS_H
#define VI_IRIS_H

#include "landmark/family.h"

typedef struct vi_iris {
    const vi_kernels *k;
    const vi_model_row *row;
    vi_run *run; /* NULL: not open */
    int size, in_image, out_iris;
} vi_iris;

/* The installed model of family "iris_5". */
int vi_iris_open(vi_iris *n, vi_models *m, const vi_kernels *k, viso_error *err);
void vi_iris_close(vi_iris *n);
/* Fills points 468..477 of a mesh whose first 468 are there: per eye the centre, then four of the rim. Two runs. Eyes whose corners
 * coincide or whose result is not finite keep what they had; *good counts eyes. */
int vi_iris_look(vi_iris *n, const vi_net_picture *p, viso_point3 *mesh, int *good, uint32_t *networks, vi_arena *scratch,
                 viso_error *err);

#endif
