/* kernel/internal.h: shared by the files of this room only. Every family file defines its functions as VI_FN(name);
 * built plainly that is vi_c_name, in the x86 libraries (-DVI_AVX2, -DVI_AVX512) vi_avx2_name and vi_avx512_name. A family that pays
 * for intrinsics has its own file in x86/, the others are the C source compiled once more for the wider vectors. */
#ifndef VI_KERNEL_INTERNAL_H
#define VI_KERNEL_INTERNAL_H

#include "kernel/kernel.h"

#ifdef VI_AVX512
#define VI_FN(name) vi_avx512_##name
#elif defined(VI_AVX2)
#define VI_FN(name) vi_avx2_##name
#else
#define VI_FN(name) vi_c_##name
#endif

/* One component (Y, U, R …) of a frame, or of a reduced copy of it, as something to interpolate in:
 * u = ax x + bx, v = ay y + by takes continuous frame coordinates to the component's own samples (centres at
 * half-integers); a stored word >> shift, times `scale`, is the value in the frame's code values. */
typedef struct vi_comp {
    const uint8_t *p;
    ptrdiff_t stride; /* bytes */
    int w, h;
    int step;  /* bytes from sample to sample */
    int bytes; /* of a word: 1 or 2 */
    int shift;
    float scale;
    float ax, bx, ay, by;
} vi_comp;

/* The three components of a frame (grey: one; alpha never). Returns their number. */
int vi_frame_comps(const vi_frame *f, const vi_colour_map *cm, vi_comp comp[3]);

/* n pixels of frame R'G'B' <-> crop R'G'B', in place, through the map's tables. */
void vi_curve_to_crop(const vi_colour_map *cm, float *r, float *g, float *b, int n);
void vi_curve_from_crop(const vi_colour_map *cm, float *r, float *g, float *b, int n);

/* Smallest power of two f with scale / f <= 2: bilinear is enough for what is left. At most 128, so that the sum of a
 * block of 16-bit samples stays below 2^31. */
int vi_shrink_factor(float scale);

/* Where row y of the picture crosses the support of a mask under picture -> crop `m`: the half-open interval of x whose
 * pixel centres land inside (lo_x, hi_x) x (lo_y, hi_y); empty when *xa >= *xb. */
void vi_row_span(const vi_affine *m, int y, float lo_x, float hi_x, float lo_y, float hi_y, int width, int *xa,
                 int *xb);

/* Gaussian taps g[0..radius] (g[0] centre), normalised for the symmetric kernel. Returns the radius. */
enum { VI_GAUSS_MAX = 20 };
int vi_gauss_taps(float sigma, float g[VI_GAUSS_MAX + 1]);
/* Plan of a blur: reduction factor (power of two) and the sigma left to do at that size. */
int vi_blur_plan(float sigma, float *rest);

/* Chroma filters along one axis, taps at luma offsets -2..3 from the cell's first sample. `narrow` is the footprint;
 * `wide` undoes bilinear upsampling exactly (its dual), see c/composite.c. */
typedef struct vi_chroma_taps {
    float narrow[6], wide[6];
} vi_chroma_taps;
/* pos: chroma_dx or chroma_dy; last_odd: the cell lies on the border and only its first sample exists. */
void vi_chroma_filter(vi_chroma_taps *t, float pos, bool last_odd);

#define VI_DECLARE_KERNELS(P)                                                                                          \
    int P##_sample(const vi_frame *, const vi_colour_map *, const vi_affine *, const vi_rgb *, vi_border, vi_arena *); \
    int P##_shrink(const vi_frame *, const vi_colour_map *, const vi_affine *, const vi_rgb *, vi_arena *);            \
    int P##_composite(vi_frame *, const vi_colour_map *, const vi_affine *, const vi_rgb *, const vi_plane *,          \
                      vi_rect *, vi_arena *);                                                                          \
    int P##_blur(const vi_plane *, const vi_plane *, float, vi_arena *);                                               \
    int P##_blur_masked(const vi_plane *, const vi_plane *, int, const vi_plane *, const vi_plane *, float,            \
                        vi_arena *);                                                                                   \
    int P##_guided(const vi_plane *, const vi_plane *, const vi_plane *, int, float, vi_arena *);                      \
    int P##_guided_fit(const vi_plane *, const vi_plane *, const vi_plane *, const vi_plane *, int, float, vi_arena *); \
    void P##_rgb_to_lab(const vi_rgb *, const vi_rgb *);                                                               \
    void P##_lab_to_rgb(const vi_rgb *, const vi_rgb *);                                                               \
    int P##_resize(const vi_plane *, const vi_plane *, vi_arena *);                                                    \
    void P##_remap(const vi_plane *, const vi_plane *, int, const vi_plane *, const vi_plane *, vi_filter);            \
    void P##_pack(const vi_quad *, const vi_plane *, int);                                                             \
    void P##_remap_quad(const vi_plane *, const vi_quad *, int, const vi_plane *, const vi_plane *);                   \
    void P##_warp(const vi_plane *, const vi_plane *, int, const vi_affine *, vi_filter, vi_border);                   \
    void P##_raster(const vi_raster *, const vi_plane *, const vi_plane *, const vi_plane *, const vi_plane *);        \
    int P##_push_pull(const vi_plane *, int, const vi_plane *, vi_arena *);                                            \
    int P##_median5(const vi_plane *, const vi_plane *, vi_arena *);                                                   \
    int P##_erode(const vi_plane *, const vi_plane *, float, float, vi_arena *);                                       \
    int P##_dilate(const vi_plane *, const vi_plane *, float, float, vi_arena *);                                      \
    int P##_polygon(const vi_plane *, const vi_point *, int, float, vi_arena *);                                       \
    int P##_distance(const vi_plane *, const vi_plane *, vi_arena *);                                                  \
    void P##_stats3(const vi_rgb *, const vi_plane *, vi_stats3 *);                                                    \
    float P##_percentile(const vi_plane *, const vi_plane *, float);                                                   \
    void P##_mul(const vi_plane *, const vi_plane *, const vi_plane *);                                                \
    void P##_add_scaled(const vi_plane *, const vi_plane *, const vi_plane *, float);                                  \
    void P##_affine(const vi_plane *, const vi_plane *, float, float);                                                 \
    void P##_lerp(const vi_plane *, const vi_plane *, const vi_plane *, const vi_plane *);                             \
    void P##_max2(const vi_plane *, const vi_plane *, const vi_plane *);                                               \
    void P##_min2(const vi_plane *, const vi_plane *, const vi_plane *);                                               \
    void P##_smoothstep(const vi_plane *, const vi_plane *, float, float);                                             \
    void P##_clamp(const vi_plane *, const vi_plane *, float, float);                                                  \
    void P##_thumbnail(const vi_frame *, uint8_t *, int, int);                                                         \
    int P##_grey(const vi_frame *, const vi_colour_map *, const vi_affine *, const vi_plane *, vi_arena *);             \
    void P##_pyramid(const vi_plane *, int);                                                                           \
    void P##_flow(const vi_plane *, const vi_plane *, int, const vi_point *, vi_point *, float *, int);                 \
    void P##_to_tensor(float *, const vi_rgb *, const float[3], const float[3], bool);                                 \
    void P##_to_tensor_nhwc(float *, const vi_rgb *, const float[3], const float[3], bool);                            \
    int P##_above(const float *, int, int, float, int32_t *, int);                                                     \
    extern const vi_kernels P##_table

VI_DECLARE_KERNELS(vi_c);
VI_DECLARE_KERNELS(vi_avx2);
VI_DECLARE_KERNELS(vi_avx512);

/* Before a loop whose only overlap between source and destination is the same element (in-place use). */
#if defined(__clang__)
#define VI_ROW_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define VI_ROW_LOOP _Pragma("GCC ivdep")
#endif

static inline float *vi_row(const vi_plane *p, int y)
{
    return p->p + y * p->stride;
}

#endif
