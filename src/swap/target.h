/* swap/target.h: the new face of one target face, step by step (mesh-swap recipe 6). Internal to the room.
 *
 * Three rasters of one and the same square, concentric with the face, x along its eyes:
 *   ROI    the middle of the crop, about 1:1 with the picture; colour and alpha are made here;
 *   half   the ROI at half the size: masks and statistics;
 *   grid   the ROI at VI_GRID x VI_GRID, whatever its size: everything low-frequency, and what is smoothed over time.
 * The whole crop (with hair and background around the head) is only needed, reduced, by the skin segmentation.
 *
 * The one idea of the colour part: everything up to the highlights is an affine map of the source's Lab values plus smooth
 * fields, so means and masked low-pass values of the corrected source follow from those of the raw one; raw values are
 * measured, smoothed over time (target_time.c) and only then applied, in one pass over the pixels.
 *
 * Thread: a worker of the picture lane; memory from its arena. */
#ifndef VI_TARGET_H
#define VI_TARGET_H

#include "swap/source.h"
#include "swap/swap.h"

#define VI_GRID 64       /* cells of the low-frequency grid */
#define VI_MASK_GRID 96  /* cells of the skin mask that is kept over time, over the whole crop */
#define VI_MIPS 11       /* half octaves below the full size */

/* Loops over pixels that the compiler vectorises: built for AVX2 too, chosen when the program is loaded. Sanitizers
 * and function multiversioning do not go together. The arithmetic is the same (no contraction). */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define VI_NO_CLONES 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VI_NO_CLONES 1
#endif
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && !defined(VI_NO_CLONES)
#define VI_CLONES __attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
#define VI_CLONES
#endif

/* A picture and its half-octave reductions, so that sampling it at any size neither aliases nor costs more than the
 * target's pixels. Level i is 2^(-i/2) of level 0. */
typedef struct vi_mips {
    int n, planes;
    vi_plane level[VI_MIPS][4];
} vi_mips;
int vi_mips_build(vi_mips *m, const vi_kernels *k, const vi_plane *planes, int n, viso_error *err);
void vi_mips_free(vi_mips *m);
/* The level nearest to `ratio` source pixels per target pixel. */
int vi_mips_pick(const vi_mips *m, float ratio);

/* A source person as this room keeps it. */
typedef struct vi_swap_source {
    vi_source *s;
    vi_mips tex;   /* R G B conf */
    vi_mips photo; /* R G B */
} vi_swap_source;

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
    const vi_swap_source *src;
    vi_arena *a;
    bool still;

    /* geometry (target_warp.c) */
    int size, roi, origin;       /* whole crop, ROI, and where the ROI starts in the crop; pixels */
    vi_affine crop_to_picture, roi_to_picture;
    float fs;                    /* face size in ROI pixels */
    vi_pose3d pose;
    float profile;               /* factor on alpha for faces turned far away, or very small */
    float tc[478][3], nc[478][3]; /* canonical: target, new shape */
    vi_point t[478], n[478];     /* ROI coordinates */
    float nz[VI_MESH_VERTS];     /* depth of the new shape, larger is nearer */
    vi_rgb rgb;                  /* target as sampled */
    vi_plane cover, dist;        /* new mesh; distance to its edge in ROI pixels (0 outside) */
    vi_plane mx, my;             /* where the target's pixel comes from, ROI coordinates */
    vi_plane moved;              /* how much of the warped target has to be pasted */
    vi_plane crease;
    vi_rgb t_lab, s_lab;         /* warped target, source */
    vi_plane conf;               /* source confidence at the pixel */

    /* masks (target_mask.c) */
    vi_plane skin_crop;          /* skin of the whole crop, reduced */
    vi_skin_info skin;
    bool mouth_occluded;
    vi_plane skin_t;             /* warped to the new shape */
    vi_plane features;
    vi_plane alpha;
    float eye_closed[2];         /* 0: source's eye, 1: target's eye socket */
    vi_plane eye[2];             /* polygon of the eye; view into the ROI at eye_box */
    vi_rect eye_box[2];
    float mouth_open;            /* 0: source's lips meet, 1: the target's mouth interior shows */
    vi_plane inner;              /* mouth interior times mouth_open */
    /* half size */
    vi_rgb t_half, s_half;
    vi_plane st, stl, sw, centre, lips; /* skin only, skin and features, skin far from features, middle of the face */
    vi_plane st_full;            /* st at ROI size */

    /* colour (target_colour.c) */
    vi_stat stat[VI_STAT_COUNT];
    vi_grid *weight;             /* 2: stl and sw on the grid */
    vi_low *wide;                /* sigma 0.14 fs, weight stl: light */
    vi_low *narrow;              /* sigma 0.06 fs, weight sw: tint */
    vi_grid *shine[2], *fold[2]; /* L only, weight stl, sigma 0.07 and 0.045 fs: target, source */
    vi_grid *light, *tint;       /* 3 each: fields added to L a b */
    vi_plane t_fine[2], s_fine[2]; /* L blurred by 1.6 and 3.6 px: the bands of recipe 6h */
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
int vi_target_apply(vi_target *t);                  /* s_lab becomes the new face */
int vi_target_alpha(vi_target *t);
int vi_target_compose(vi_target *t, const vi_rgb *rgb, const vi_plane *mask);

/* Parts of steps. */
int vi_target_mouth(vi_target *t);
float vi_target_glasses_score(const vi_target *t);
int vi_target_glasses(vi_target *t, const vi_plane *dst);

/* Affine part of the colour correction from t->stat: S' = gain S + offset; *dark is the dark-scene floor dk. */
void vi_target_transfer(const vi_target *t, float gain[3], float offset[3], float *dark);
float vi_target_smile(const vi_target *t);
/* dst = blur(a * w) / blur(w) on the grid; a may be NULL: blur(w). */
int vi_grid_lowpass(vi_target *t, vi_grid *dst, const vi_grid *a, const vi_grid *w, float sigma_px);
vi_plane vi_grid_plane(vi_grid *g);

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
