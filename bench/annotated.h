/* bench/annotated.h: what is known of the shared photographs: where their faces are, and five points of each.
 *
 * How many faces a picture has stands in images/README.md, counted by eye. Where they are is what models/reference.json
 * agrees on: its detections by ten networks of different makers (one vote each) are gathered where they overlap; a place with at
 * least five votes is a face, and there are as many as were counted (else reading fails). Box: median of each side. Points:
 * median of those networks that give five points, where at least three do and they lie together (mean distance from the
 * median at most 5 % of the face's size). Checked by eye on drawn pictures. Such a median has no network's habits but all
 * networks' common ones: it is good to about 2 % of a face's size, differences below that mean nothing. */
#ifndef BENCH_ANNOTATED_H
#define BENCH_ANNOTATED_H

#include "face/face.h"

enum { ANNOTATED_FACES = 48 };

typedef struct annotated_face {
    vi_box box;
    int votes;
    bool has_points;
    vi_point point[5]; /* as viso_face.points */
} annotated_face;

typedef struct annotated {
    char name[96];
    int least, most;  /* faces as counted; least < most: blurred ones may be counted or not */
    int n_face;
    annotated_face face[ANNOTATED_FACES];
    int n_doubtful;   /* places with fewer votes in pictures with least < most: neither right nor wrong */
    vi_box doubtful[ANNOTATED_FACES];
} annotated;

/* `shared`: the folder with images/ and models/. Allocated list, freed with vi_free. */
int annotated_read(const char *shared, annotated **list, int *n, viso_error *err);

float annotated_overlap(const vi_box *a, const vi_box *b); /* intersection over union */
float annotated_size(const vi_box *b);                     /* sqrt(width * height), pixels */

#endif
