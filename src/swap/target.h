/* swap/target.h: the new face of one target face, step by step (mesh-swap recipe 6). Internal to the room.
 *
 * Three rasters of one and the same square in the middle of the crop (the ROI), concentric with the face, x along its eyes:
 *   window the part of the ROI that the mesh takes, about 1:1 with the picture; colour and alpha are made here, row by row and
 *          only as far as the mesh reaches (`span`);
 *   half   the window at half the size: masks, statistics, displacements;
 *   grid   the whole ROI at VI_GRID x VI_GRID, whatever its size: everything low-frequency, and what is smoothed over time.
 * The whole crop (with hair and background around the head) is only needed, reduced, by the skin segmentation.
 * What is smooth is made small and grown where it is used, one row at a time (target_field.c).
 *
 * The one idea of the colour part: everything up to the highlights is an affine map of the source's Lab values plus smooth
 * fields, so means and masked low-pass values of the corrected source follow from those of the raw one; raw values are
 * measured, smoothed over time (target_time.c) and only then applied, in one pass over the pixels.
 *
 * Thread: a worker of the picture lane; memory from its arena. */
#ifndef VI_TARGET_H
#define VI_TARGET_H

#include "swap/clones.h"
#include "swap/source.h"
#include "swap/swap.h"

#define VI_GRID 64       /* cells of the low-frequency grid */
#define VI_MASK_GRID 96  /* cells of the skin mask that is kept over time, over the whole crop */

/* What is fixed for a worker: the mesh and what follows from it. */
typedef struct vi_swap_mesh_data {
    vi_mesh mesh;
    float front;                          /* sign of a front-facing triangle's area */
    float crease[VI_MESH_VERTS];          /* weight of recipe 6g */
    uint16_t eye_tri[2][16][3];           /* triangles inside the eyes */
    int n_eye_tri[2];
} vi_swap_mesh_data;
int vi_swap_mesh_load(vi_swap_mesh_data *d, struct vi_models *models, viso_error *err);
void vi_swap_mesh_derive(vi_swap_mesh_data *d); /* everything but `mesh` */

/* Measured values, in groups that are smoothed together (target_time.c). */
enum {
    VI_STAT_SKIN_T,  /* mean 3, standard deviation 3 over skin */
    VI_STAT_SKIN_S,
    VI_STAT_FEATURE, /* standard deviation of L with the features: target, source */
    VI_STAT_LIPS,    /* mean of target 3, source 3 */
    VI_STAT_EYE_L,   /* sclera mean of target 3, source 3, iris a* of target */
    VI_STAT_EYE_R,
    VI_STAT_BAND,    /* energy of the fine and the coarse band: target 2, source 2 */
    VI_STAT_SHINE,   /* highlight threshold */
    VI_STAT_GLASSES, /* score of a frame across the nose */
    VI_STAT_COUNT
};
typedef struct vi_stat {
    bool known;
    float v[8];
} vi_stat;

typedef struct vi_grid {
    float v[VI_GRID * VI_GRID];
} vi_grid;

/* Masked low-pass values on the grid (sums of weighted values divided by `w`), measured once per face. */
typedef struct vi_low {
    vi_grid t[3], s[3]; /* target, source */
    vi_grid w;          /* blurred weight */
} vi_low;

/* Per-slot memory of a run, shared by its workers (target_time.c). */
typedef struct vi_slots vi_slots;

typedef struct vi_target {
    const vi_kernels *k;
    const vi_swap_settings *set;
    const vi_swap_mesh_data *m;
    const vi_source *src;
    vi_arena *a;
    bool still;

    /* geometry (target_warp.c) */
    int size, roi;               /* sides of the whole crop and of the ROI; pixels */
    vi_rect win;                 /* the window in the ROI; even */
    int left, top;               /* the window in the crop */
    vi_affine crop_to_picture, win_to_picture;
    float fs;                    /* face size in window pixels */
    vi_pose3d pose;
    float profile;               /* factor on alpha for faces turned far away, or very small */
    float tc[478][3], nc[478][3]; /* canonical: target, new shape */
    vi_point t[478], n[478];     /* window coordinates */
    float nz[VI_MESH_VERTS];     /* depth of the new shape, larger is nearer */
    vi_rgb rgb;                  /* target as sampled */
    vi_plane cover;              /* new mesh */
    int *first, *last;           /* span of each row: the new mesh and two pixels around it */
    vi_rgb t_lab, s_lab;         /* warped target, source; the source only in the spans */
    vi_plane conf;               /* source confidence at the pixel */
    vi_plane square;             /* half size, the whole ROI: 0 outside the window, scratch inside */
    /* half size */
    vi_plane cover_half, dist;   /* new mesh; distance to its edge in half-size pixels */
    vi_plane dx, dy;             /* from a pixel to where the target's comes from, window pixels */
    vi_plane moved;              /* how much of the warped target has to be pasted */
    vi_plane crease;
    vi_plane skin;               /* skin_crop in the window */

    /* masks (target_mask.c) */
    vi_plane skin_crop;          /* skin of the whole crop, reduced */
    vi_skin_info skin_info;
    bool mouth_occluded;
    float eye_closed[2];         /* 0: source's eye, 1: target's eye socket */
    vi_plane eye[2];             /* polygon of the eye; at eye_box of the window */
    vi_rect eye_box[2];
    float mouth_open;            /* 0: source's lips meet, 1: the target's mouth interior shows */
    vi_plane inner;              /* mouth interior times mouth_open; at inner_box */
    vi_rect inner_box;
    /* half size */
    vi_rgb t_half, s_half;
    vi_plane skin_t;             /* skin warped to the new shape */
    vi_plane features, conf_half;
    vi_plane st, stl, sw, centre, lips; /* skin only, skin and features, skin far from features, middle of the face */
    vi_plane grain;              /* st with the beard */

    /* alpha (target_alpha.c), half size */
    vi_plane occ_slope, occ_offset; /* guided filter: what lies in front, as a function of L / 100 */
    vi_plane sure, socket;       /* source confidence; eye sockets of the target (no plane: none) */
    vi_plane glasses;            /* full size (no plane: none) */

    /* colour (target_colour.c) */
    vi_stat stat[VI_STAT_COUNT];
    vi_grid *weight;             /* 2: stl and sw on the grid */
    vi_low *wide;                /* sigma 0.14 fs, weight stl: light */
    vi_low *narrow;              /* sigma 0.06 fs, weight sw: tint */
    vi_grid *shine[2], *fold[2]; /* L only, weight stl, sigma 0.07 and 0.045 fs: target, source */
    vi_grid *light, *tint;       /* 3 each: fields added to L a b */
    vi_plane t_fine[2], s_fine[2]; /* L blurred by 1.6 px, and at half size by 3.6: the bands of recipe 6h */
    vi_plane glow;               /* half size: the target's own highlights, before the threshold */
} vi_target;

/* Steps, in this order. They return 0 or VISO_ERR_NO_SPACE (arena full). */

/* false: nothing to be done with this face (tiny, too far in profile, degenerate points). */
bool vi_target_place(vi_target *t, const viso_face *f);
int vi_target_sample(vi_target *t, const vi_work *w);
int vi_target_warp(vi_target *t);                   /* s_lab holds R'G'B' after this */
int vi_target_eyes(vi_target *t);
int vi_target_skin(vi_target *t, const vi_work *w); /* skin_crop */
int vi_target_masks(vi_target *t);                  /* both pictures in Lab, all weights */
int vi_target_measure(vi_target *t);                /* stat and low-pass values of this frame */
int vi_target_light(vi_target *t);                  /* light from stat */
int vi_target_tint(vi_target *t);                   /* tint from stat and light */
int vi_target_alpha(vi_target *t);                  /* the parts of alpha */
int vi_target_compose(vi_target *t, const vi_rgb *rgb, const vi_plane *mask); /* the new face, and where */

/* Parts of steps. */
int vi_target_mouth(vi_target *t);
float vi_target_glasses_score(const vi_target *t);
int vi_target_glasses(vi_target *t);
/* Rows of the window above each other whose spans lie in the result; empty where there is no mesh. */
vi_rect vi_target_band(const vi_target *t, int y, int rows);
vi_affine vi_target_to_skin(const vi_target *t, float k); /* window pixels times k to skin_crop */
/* Factor of alpha from its parts, one row, into out; L: of the warped target. `part`: 6 rows of scratch. */
void vi_target_alpha_row(const vi_target *t, float *out, int y, float *const part[6], float smile);
/* A polygon of new-shape points times value, blurred (sigma in window pixels), into a half-size plane. */
int vi_half_polygon(vi_target *t, const vi_plane *dst, const uint16_t *list, int n, float value, float sigma);

/* Affine part of the colour correction from t->stat: S' = gain S + offset; *dark is the dark-scene floor dk. */
void vi_target_transfer(const vi_target *t, float gain[3], float offset[3], float *dark);
float vi_target_smile(const vi_target *t);
/* dst = blur(a * w) / blur(w) on the grid; a may be NULL: blur(w). */
int vi_grid_lowpass(vi_target *t, vi_grid *dst, const vi_grid *a, const vi_grid *w, float sigma_px);
vi_plane vi_grid_plane(vi_grid *g);

/* Small to large and back (target_field.c). */

/* Average over each cell of a half-size plane, times w when that is not NULL; 0 outside the window. */
int vi_grid_average(vi_target *t, vi_grid *dst, const vi_plane *half, const vi_plane *w);
/* A grid grown across: VI_GRID rows as wide as the window, mixed by vi_field_row. .p NULL in *wide: arena full. */
int vi_field_widen(vi_target *t, vi_plane *wide, const vi_grid *g);
void vi_field_row(const vi_target *t, float *out, const vi_plane *wide, int y, int x0, int x1);
/* Row y of a half-size plane grown to the window's size, pixels x0..x1. tmp: scratch of a half row and two. */
void vi_half_row(float *out, const vi_plane *half, int y, int x0, int x1, float *tmp);

/* Time. A slot's memory is reached in the order of its ordinals only: between _enter and _leave of gate 0 (skin mask) and
 * gate 1 (colour). Every face with a slot leaves both gates exactly once, on every path: see vi_slot_pass. */
int vi_slots_create(vi_slots **s, viso_error *err);
void vi_slots_destroy(vi_slots **s);
/* While no face is at work. What a load refuses leaves slots that can only be destroyed. */
void vi_slots_save(const vi_slots *s, vi_blob *b);
int vi_slots_load(vi_slots *s, vi_blob *b, viso_error *err);
typedef struct vi_slot_pass {
    vi_slots *slots; /* NULL: no memory (still, no slot) */
    int slot;
    uint64_t ordinal;
    bool fresh;
    float weight;    /* of the new frame */
    bool entered[2], left[2];
} vi_slot_pass;
vi_slot_pass vi_slot_pass_begin(vi_slots *s, const vi_face *f, float steady);
void vi_slot_enter(vi_slot_pass *p, int gate);
void vi_slot_leave(vi_slot_pass *p, int gate);
void vi_slot_pass_end(vi_slot_pass *p); /* leaves whatever has not been left */
int vi_slot_skin(vi_slot_pass *p, vi_target *t);   /* smooths skin_crop and the verdict on the mouth; inside gate 0 */
void vi_slot_stats(vi_slot_pass *p, vi_target *t); /* inside gate 1 */
void vi_slot_light(vi_slot_pass *p, vi_target *t);
void vi_slot_tint(vi_slot_pass *p, vi_target *t);

#endif
