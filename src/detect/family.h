/* detect/family.h: detectors that are read in the same way. A family is one file with a const table and one row in families.c; a
 * detector of a known family is a row of the manifest and nothing else. A family knows tensors, not pictures: the window
 * strategy asks it only for the numbers below. All functions are pure. */
#ifndef VI_DETECT_FAMILY_H
#define VI_DETECT_FAMILY_H

#include "detect/candidate.h"
#include "kernel/kernel.h"
#include "models/models.h"

#define VI_DETECT_OUTPUTS 12     /* tensors a family reads */
#define VI_DETECT_ABOVE_MAX 4096 /* anchors above the threshold that one tensor may give */

/* The outputs of one run. */
typedef struct vi_detect_tensors {
    const vi_kernels *k;
    int w, h;                               /* of the input, pixels */
    const float *value[VI_DETECT_OUTPUTS];  /* in the order of the family's roles */
    size_t count[VI_DETECT_OUTPUTS];
} vi_detect_tensors;

typedef struct vi_detect_family {
    const char *id;            /* the manifest's word */
    const char *const *role;   /* outputs it reads, NULL-terminated */
    int size, step;            /* input side where graph and row leave it free; sizes are multiples of `step` */
    vi_fit fit;
    bool no_enlarging;
    bool plain;                /* sampled without the antialiasing filter */
    float border;              /* R'G'B' beside the picture */
    float score;               /* threshold its authors use */
    int points;                /* 0, 5 or 6 with each detection; 0 also where only some of its models have any */
    int still_levels;          /* levels of tiles a still gets in any case */
    float smallest;            /* width in input pixels below which it misses faces */
    float close_up;            /* canvas, in sizes of the picture, on which a face that fills the picture is found */
    bool always_close_up;      /* it misses large faces as a rule: a first look takes the canvas too */
    bool weighted;             /* detections of one face are averaged; else the best one stands alone */
    /* Shape of output `slot` for an input of w x h: number of dimensions (`n_dim` of the row, -1 when that does not say), 0
     * when it depends on nothing known. */
    int (*shape)(int slot, int n_dim, int w, int h, int64_t dim[VI_MAX_DIMS]);
    /* Whether the counts of values can be read (NULL: the shapes say it all). */
    bool (*fits)(const vi_detect_tensors *t);
    /* Candidates at or above the threshold that do not touch an inner edge of their window; at most `max`. */
    int (*decode)(const vi_detect_tensors *t, float threshold, const vi_placing *p, vi_candidate *out, int max);
} vi_detect_family;

extern const vi_detect_family vi_detect_scrfd, vi_detect_retinaface, vi_detect_yolo, vi_detect_yolo_heads, vi_detect_yunet,
    vi_detect_ultraface, vi_detect_blazeface, vi_detect_blazeface_full, vi_detect_proxyless, vi_detect_deim;

/* All of them, NULL-terminated. */
extern const vi_detect_family *const vi_detect_families[];
/* By the manifest's word; NULL unknown. */
const vi_detect_family *vi_detect_family_named(const char *id);

/* Arithmetic that several share. */
float vi_sigmoid(float x);
float vi_logit(float p); /* of a threshold: one comparison per anchor instead of one exponential */
static inline void vi_found_centre(vi_found *f, float cx, float cy, float w, float h)
{
    f->x0 = cx - w / 2, f->y0 = cy - h / 2, f->x1 = cx + w / 2, f->y1 = cy + h / 2;
}

#endif
