/* kernel/kernel.h: fast arithmetic on pixels. A table of function pointers filled with the plain C
 * versions first (kernel/c) and overridden upward by processor flags (kernel/x86 …). The C version is
 * the fallback and the test reference.
 *
 * Conventions. Crops are planar float: R'G'B' in 0..1 (non-linear, sRGB-like), masks in 0..1. A plane has
 * its stride in floats; rows start 64-byte aligned when the plane comes from vi_plane_new. Unless said
 * otherwise dst may not overlap src, all planes of one call have the same size, edges replicate.
 * Scratch comes from the caller's arena and is released before returning; a function that can run out
 * of it returns VISO_ERR_NO_SPACE and leaves dst undefined. Thread-safety: all functions are pure;
 * the table is read-only after vi_kernels_get. */
#ifndef VI_KERNEL_H
#define VI_KERNEL_H

#include "base/base.h"
#include "frame/frame.h"

typedef struct vi_plane {
    float *p;
    int w, h;
    ptrdiff_t stride; /* floats */
} vi_plane;

typedef struct vi_rgb {
    vi_plane c[3]; /* R G B, or L a b */
} vi_rgb;

/* A picture of up to four values a pixel, side by side: p[4 (y stride + x) + c]. Look-ups of all of them touch a quarter of the
 * lines of memory. */
typedef struct vi_quad {
    float *p;
    int w, h;
    ptrdiff_t stride; /* pixels */
} vi_quad;

/* Planes from an arena; .p is NULL when the arena is full. Not cleared. */
vi_plane vi_plane_new(vi_arena *a, int w, int h);
vi_rgb vi_rgb_new(vi_arena *a, int w, int h);
vi_quad vi_quad_new(vi_arena *a, int w, int h);
/* A view of a rectangle that lies inside the plane. */
vi_plane vi_plane_view(const vi_plane *p, int x, int y, int w, int h);
void vi_plane_fill(const vi_plane *p, float v);
void vi_plane_copy(const vi_plane *dst, const vi_plane *src);

/* How the numbers in a frame become crop R'G'B' and back. Built once per clip from format and colour
 * description (unspecified fields: BT.601 up to 576 lines, else BT.709; limited range for YUV, full for
 * RGB). For PQ and HLG, and for BT.2020 primaries, `curve` maps through linear light to sRGB-like values by
 * an invertible curve (PQ: diffuse white 203 cd/m2 at 1.0 with a soft shoulder, so that nothing clips). */
typedef struct vi_colour_map {
    vi_format format;
    float to_rgb[12]; /* 3x4, from storage values (unshifted integers) to R'G'B' 0..1 */
    float from_rgb[12];
    float chroma_dx, chroma_dy;   /* position of a chroma sample's centre in its cell, in luma pixels from the
                                   cell's outer corner (4:2:0 left: 0.5, 1.0) */
    bool curved;                  /* uses the tables below */
    float gamut[9], gamut_inv[9]; /* linear RGB: frame primaries -> BT.709 */
    const float *decode;          /* 4096 entries: frame R'G'B' 0..1 -> linear, diffuse white 1 (owned by the map) */
    const float *encode;          /* 4096 entries over the fourth root of linear / linear_max -> frame R'G'B' */
    const float *tone;            /* the same index -> crop value */
    const float *untone;          /* 4096 entries: crop value 0..crop_max -> linear */
    float linear_max, crop_max;
} vi_colour_map;
int vi_colour_map_create(vi_colour_map *m, vi_format format, const vi_colour *c, int height, viso_error *err);
void vi_colour_map_destroy(vi_colour_map *m);

typedef enum vi_border {
    VI_BORDER_REPLICATE = 1,
    VI_BORDER_ZERO /* outside the frame is R'G'B' 0, mixing at the edge */
} vi_border;

typedef enum vi_filter {
    VI_FILTER_BILINEAR = 1,
    VI_FILTER_BICUBIC /* Catmull-Rom */
} vi_filter;

typedef struct vi_stats3 { /* weighted statistics of three planes */
    double weight;         /* sum of weights */
    float mean[3];
    float sd[3];  /* population standard deviation */
    float cov[6]; /* 00 01 02 11 12 22 */
} vi_stats3;

/* Mesh raster input: n_vert vertices with screen position (x, y), depth z (larger = nearer) and `n_attr`
 * floats each; attribute planes receive the interpolated values where a triangle covers the pixel centre,
 * nearer wins, ties to the first triangle. Pixels no triangle covers keep their value. */
typedef struct vi_raster {
    const float *xyz;   /* n_vert x 3 */
    const float *attr;  /* n_vert x n_attr */
    int n_vert, n_attr; /* n_attr <= 16 */
    const uint16_t (*tri)[3];
    int n_tri;
    bool cull_back; /* skip triangles that are clockwise on screen (y down) given `front` */
    float front;    /* sign of the signed area of front-facing triangles, +1 or -1 */
} vi_raster;

#define VI_FLOW_MARGIN 16
#define VI_FLOW_LOST (-1.0f)
#define VI_FLOW_FLAT (-2.0f)

typedef struct vi_kernels {
    const char *name; /* "c", "avx2" … */

    /* Fills the crop (3 planes R'G'B') from the frame: pixel centre (i+.5, j+.5) of the crop is looked up at
     * crop_to_frame of it. Bilinear, with an area pre-filter when the map shrinks by more than 2 (so that a
     * large face does not alias). Grey frames give three equal planes. */
    int (*sample)(const vi_frame *f, const vi_colour_map *cm, const vi_affine *crop_to_frame, const vi_rgb *crop,
                  vi_border border, vi_arena *scratch);
    /* The same without turning (crop_to_frame has m[1] = m[3] = 0; mirrored is fine) by an antialiased bilinear filter: a triangle of
     * two crop pixels along each axis when shrinking, plain bilinear when growing. What Pillow and PyTorch do, so what most
     * networks were trained with. Beyond the frame its edges replicate. */
    int (*shrink)(const vi_frame *f, const vi_colour_map *cm, const vi_affine *crop_to_frame, const vi_rgb *crop, vi_arena *scratch);
    /* Puts a crop back: for each frame pixel inside the box of the mask's support, look up mask and crop at
     * frame_to_crop (bilinear; mask 0 outside the crop) and write (1-m)*old + m*new, rounded to nearest in the
     * frame's own depth, chroma planes with the mask and colour averaged over the chroma sample's footprint and
     * siting. Pixels where m is 0 are not written (bit-identical); alpha is never written. The frame must
     * be writable. *touched receives the luma rectangle that may have changed (may be NULL). */
    int (*composite)(vi_frame *f, const vi_colour_map *cm, const vi_affine *frame_to_crop, const vi_rgb *crop,
                     const vi_plane *mask, vi_rect *touched, vi_arena *scratch);

    /* Gaussian, sigma in pixels (0: copy). dst may equal src. Wide sigmas may use cascaded or reduced-size
     * approximations within 1 % of the range of a true Gaussian. */
    int (*blur)(const vi_plane *dst, const vi_plane *src, float sigma, vi_arena *scratch);
    /* dst = blur(src*w)/max(blur(w), floor) for n planes sharing w; wsum (optional) receives blur(w). dst may equal
     * src. floor 1e-4 when 0. */
    int (*blur_masked)(const vi_plane *dst, const vi_plane *src, int n, const vi_plane *w, const vi_plane *wsum,
                       float sigma, vi_arena *scratch);
    /* Guided filter (He, Sun, Tang 2010) of src by a single-plane guide, box radius in pixels. Windows are cut at the
     * border, as in the paper. dst may equal src or guide. */
    int (*guided)(const vi_plane *dst, const vi_plane *guide, const vi_plane *src, int radius, float eps,
                  vi_arena *scratch);
    /* Its last step left out: slope * guide + offset is what `guided` gives. Grown from a reduced size they serve a guide in
     * full size (He, Sun 2015). slope and offset are planes of their own. */
    int (*guided_fit)(const vi_plane *slope, const vi_plane *offset, const vi_plane *guide, const vi_plane *src, int radius,
                      float eps, vi_arena *scratch);
    /* sRGB 0..1 (D65) <-> CIE Lab (L 0..100). dst may equal src. lab_to_rgb clamps to 0..1. */
    void (*rgb_to_lab)(const vi_rgb *dst, const vi_rgb *src);
    void (*lab_to_rgb)(const vi_rgb *dst, const vi_rgb *src);
    /* Area average when shrinking, bilinear when growing, any ratio (separable). */
    int (*resize)(const vi_plane *dst, const vi_plane *src, vi_arena *scratch);
    /* dst(i,j) = src at (mx(i,j), my(i,j)), continuous coordinates of src; edges replicate. n planes at once. */
    void (*remap)(const vi_plane *dst, const vi_plane *src, int n, const vi_plane *mx, const vi_plane *my,
                  vi_filter filter);
    /* n planes (up to four) of one size laid side by side, and the bicubic look-up in that: the first n values of each place.
     * Values of a quad beyond the packed ones are 0. */
    void (*pack)(const vi_quad *dst, const vi_plane *src, int n);
    void (*remap_quad)(const vi_plane *dst, const vi_quad *src, int n, const vi_plane *mx, const vi_plane *my);
    /* dst(i,j) = src at dst_to_src(i+.5, j+.5); outside src: `outside` value mixes in when border is ZERO. */
    void (*warp)(const vi_plane *dst, const vi_plane *src, int n, const vi_affine *dst_to_src, vi_filter filter,
                 vi_border border);
    /* See vi_raster. zbuf: plane initialised by the caller to -INFINITY (or kept from earlier calls); cover (optional)
     * set to 1 where written; index (optional) receives the triangle number as float. */
    void (*raster)(const vi_raster *r, const vi_plane *attr, const vi_plane *zbuf, const vi_plane *cover,
                   const vi_plane *index);
    /* Pyramid push-pull fill: where weight is 1 the value stays, where it is 0 it is filled smoothly from around,
     * between it mixes. In place, n planes sharing one weight. */
    int (*push_pull)(const vi_plane *planes, int n, const vi_plane *weight, vi_arena *scratch);
    int (*median5)(const vi_plane *dst, const vi_plane *src, vi_arena *scratch); /* 5x5 */
    /* Elliptic structuring element with radii rx, ry (pixels, fractions rounded). dst may equal src. */
    int (*erode)(const vi_plane *dst, const vi_plane *src, float rx, float ry, vi_arena *scratch);
    int (*dilate)(const vi_plane *dst, const vi_plane *src, float rx, float ry, vi_arena *scratch);
    /* dst = max(dst, value * coverage) of the polygon (closed, non-zero winding), anti-aliased 4x4. */
    int (*polygon)(const vi_plane *dst, const vi_point *pts, int n, float value, vi_arena *scratch);
    /* Exact Euclidean distance in pixels of every pixel centre to the nearest pixel with src < 0.5 (0 there); width + height
     * everywhere when there is none. dst may equal src. */
    int (*distance)(const vi_plane *dst, const vi_plane *src, vi_arena *scratch);

    /* Weighted statistics; w NULL means 1 everywhere. */
    void (*stats3)(const vi_rgb *src, const vi_plane *w, vi_stats3 *out);
    /* Value below which the fraction q of the weight lies (histogram of 1024 bins between the ends). */
    float (*percentile)(const vi_plane *src, const vi_plane *w, float q);

    /* Element-wise; dst may equal any source. */
    void (*mul)(const vi_plane *dst, const vi_plane *a, const vi_plane *b);
    void (*add_scaled)(const vi_plane *dst, const vi_plane *a, const vi_plane *b, float k);     /* a + k b */
    void (*affine)(const vi_plane *dst, const vi_plane *a, float gain, float offset);           /* gain a + offset */
    void (*lerp)(const vi_plane *dst, const vi_plane *a, const vi_plane *b, const vi_plane *t); /* a + t (b - a) */
    void (*max2)(const vi_plane *dst, const vi_plane *a, const vi_plane *b);
    void (*min2)(const vi_plane *dst, const vi_plane *a, const vi_plane *b);
    void (*smoothstep)(const vi_plane *dst, const vi_plane *a, float lo, float hi);
    void (*clamp)(const vi_plane *dst, const vi_plane *a, float lo, float hi);

    /* Mean |difference| of the luma of two frames' thumbnails and the like: luma of the frame averaged to a
     * w x h grid of 0..255 values. */
    void (*thumbnail)(const vi_frame *f, uint8_t *out, int w, int h);

    /* Luma of a frame region, 0..1 of full scale: pixel centres of `out` looked up as in `sample`, edges replicate. */
    int (*grey)(const vi_frame *f, const vi_colour_map *cm, const vi_affine *crop_to_frame, const vi_plane *out,
                vi_arena *scratch);
    /* Fills levels 1… from level 0 by halving (sizes halve exactly, from even ones) and repeats each level's edges into its
     * margin: VI_FLOW_MARGIN samples on all four sides that belong to the plane's memory. */
    void (*pyramid)(const vi_plane *level, int levels);
    /* Lucas-Kanade on two such pyramids: where the 16 x 16 windows around at[i] of `from` are in `to`. found[i] holds the guess
     * and receives the place, rest[i] the RMS difference that is left, VI_FLOW_LOST, or VI_FLOW_FLAT where the window of the
     * finest level has no texture to follow (the place is then the coarser levels'). Coordinates of level 0. */
    void (*flow)(const vi_plane *from, const vi_plane *to, int levels, const vi_point *at, vi_point *found, float *rest,
                 int n);

    /* Planar crop -> network input: out[c][y][x] = scale[c] * crop.c[swap ? 2 - c : c] + offset[c], contiguous. */
    void (*to_tensor)(float *out, const vi_rgb *crop, const float scale[3], const float offset[3], bool bgr);
    /* The same with the colours last: out[y][x][c]. */
    void (*to_tensor_nhwc)(float *out, const vi_rgb *crop, const float scale[3], const float offset[3], bool bgr);
    /* Indices i of 0..n-1 with v[i * step] >= least, in order, the first `max` of them; returns how many. NaN never is. For the
     * scores of a detector, of which few count. */
    int (*above)(const float *v, int n, int step, float least, int32_t *at, int max);
} vi_kernels;

enum { /* mask bits for vi_kernels_get */
       VI_CPU_C = 0,
       VI_CPU_AVX2 = 1 << 0, /* AVX2 + FMA + F16C */
       VI_CPU_AVX512 = 1 << 1, /* F, BW, DQ, VL, VBMI, VBMI2: Ice Lake, Zen 4 and later; before, wide vectors slowed the clock */
       VI_CPU_NEON = 1 << 2,
       VI_CPU_ALL = -1
};
/* The best table among those allowed by `mask` that this processor runs. Static storage. */
const vi_kernels *vi_kernels_get(int mask);
/* What this processor has, as the mask, and as text ("avx2 fma avx512f …"; static). */
int vi_cpu_flags(void);
const char *vi_cpu_text(void);

#endif
