/* landmark/family.h: a family of landmark models is one const table: which set of points, how the face is cropped, which tensors
 * the manifest row must have, how the numbers become points. A model is a manifest row that names its family; one more model
 * of a known family is one row, a new family one file and one row in family.c.
 *
 * Points of a crop are in pixels of the network's input (0 .. size), continuous. Pure but for vi_net_*, which belong to one
 * thread each. */
#ifndef VI_LANDMARK_FAMILY_H
#define VI_LANDMARK_FAMILY_H

#include <math.h>

#include "face/marks.h"
#include "face/template.h"
#include "kernel/kernel.h"
#include "models/models.h"

/* What is known of a face before its landmarks. */
typedef struct vi_landmark_view {
    vi_box box;  /* from the forehead to the chin, as detectors draw it, upright picture */
    float angle; /* which way the face's own x axis points, radians */
    bool has_points;
    vi_point points[5];
} vi_landmark_view;

typedef enum vi_crop_mode {
    VI_CROP_BOX = 1, /* from the box */
    VI_CROP_POINTS   /* from the five points, through the template */
} vi_crop_mode;

#define VI_LANDMARK_OUTPUTS 8

/* One face's outputs, float, in the order of the family's roles; NULL for an optional one that the row lacks. */
typedef const float *const *vi_landmark_values;

typedef struct vi_landmark_family {
    const char *id;    /* the manifest's word */
    int set, count;    /* VI_MARKS_*, points it gives */
    bool depth;        /* z is given */
    bool mesh;         /* 478 points fit for VISO_FACE_HAS_MESH */
    bool level;        /* box mode: the square is turned so that the eyes are level, else by quarter turns at most */
    float margin;      /* box mode: side of the square over the longer side of the box */
    vi_border border;  /* what lies outside the picture */
    vi_template points; /* point mode, where the row names no template; NONE: the square that fits such points */
    /* Box mode of its own; NULL: the square of `margin`. false: no crop for this face. */
    bool (*crop)(const vi_landmark_view *v, float size, vi_affine *crop_to_picture);
    /* Changes the crop (R'G'B' 0..1) before it goes to the network; NULL: nothing. */
    int (*prepare)(const vi_kernels *k, const vi_rgb *crop, vi_arena *scratch);
    struct { const char *role; size_t values; bool optional; } out[VI_LANDMARK_OUTPUTS]; /* per face; values 0: any */
    /* Fills `count` points; *own is the model's own confidence 0..1, or left at -1. False: nothing was found. */
    bool (*decode)(vi_landmark_values out, const size_t *values, int size, vi_point3 *point, float *own);
} vi_landmark_family;

/* By the manifest's word, NULL unknown. */
const vi_landmark_family *vi_landmark_family_named(const char *id);
/* All, NULL-terminated. */
extern const vi_landmark_family *const vi_landmark_families[];

/* The crop of a face: crop pixels (0 .. size) -> upright picture. `tmpl` is the row's template. False when the face gives none
 * (too small for the model, no points for point mode). */
bool vi_landmark_crop(const vi_landmark_family *f, vi_template tmpl, vi_crop_mode mode, const vi_landmark_view *v, float size,
                      vi_affine *crop_to_picture);
/* Networks that know no turned faces see the picture turned by the nearest quarter: nothing up to 45 degrees, where the crop is the
 * documented one. */
static inline float vi_upright(float angle)
{
    const float quarter = 1.5707963f;
    return isfinite(angle) ? quarter * roundf(angle / quarter) : 0;
}
/* The upright square that goes with five points: centre, side and angle as a detector's box would have them. */
bool vi_box_of_points(const vi_point points[5], vi_landmark_view *v);

/* A model that can run: a context over its session with everything bound. */
typedef struct vi_net {
    const vi_landmark_family *family;
    const vi_model_row *row;
    const vi_kernels *k;
    vi_template tmpl;
    vi_run *run;        /* one face */
    vi_run *many;       /* `batch` faces at once; NULL when the graph has no free batch */
    int batch, size;
    int in_image;
    bool half_in;
    int at[VI_LANDMARK_OUTPUTS]; /* index among the row's tensors, -1 not there */
    bool half_out[VI_LANDMARK_OUTPUTS];
    size_t values[VI_LANDMARK_OUTPUTS]; /* per face */
    float *widened[VI_LANDMARK_OUTPUTS]; /* float copies of half-precision outputs */
    float *staged; /* float image of half-precision inputs, one face */
} vi_net;

/* What a network says of one face. */
typedef struct vi_landmark_found {
    bool found;
    float own;          /* the model's own confidence, -1: it has none */
    vi_affine to_picture; /* crop -> upright picture */
    vi_point3 point[VISO_MARKS_MAX]; /* upright picture; z in pixels */
} vi_landmark_found;

enum { VI_NET_BATCH = 4 };

/* Loads model `id` of a landmark family; VISO_ERR_MODEL names the model and what does not fit. */
int vi_net_open(vi_net *n, vi_models *m, const vi_kernels *k, const char *id, viso_error *err);
void vi_net_close(vi_net *n); /* a zeroed one is fine */

/* A picture as stages have it. */
typedef struct vi_net_picture {
    const vi_frame *frame;
    const vi_colour_map *colour;
    const vi_affine *upright;
} vi_net_picture;

/* Looks at n faces through their crops; several at a time where the graph allows it. Runs of the network are added to
 * *networks. */
int vi_net_look(vi_net *n, const vi_net_picture *p, const vi_affine *crop, int faces, vi_landmark_found *out, uint32_t *networks,
                vi_arena *scratch, viso_error *err);

#endif
