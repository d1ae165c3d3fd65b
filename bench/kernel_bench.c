/* bench/kernel_bench.c: every hot kernel on a face crop: milliseconds of the plain and the wide version, the bytes that
 * have to move and the share of the memcpy bandwidth measured in the same run. JSON lines, or a table with --table.
 * Usage: kernel_bench [--table] [--size N] [--only NAME] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "kernel/kernel.h"

typedef struct bench {
    const vi_kernels *k;
    vi_arena arena;
    int n;
    vi_rgb a, b, uv;
    vi_plane mask, sparse, z, d[3];
    vi_quad quad;
    vi_frame *yuv, *rgb, *small;
    vi_colour_map cm_yuv, cm_rgb;
    vi_affine to_frame, to_crop, shrink;
    float *tensor;
    uint8_t thumb[64 * 36];
    float grey[2][2][(96 + 2 * VI_FLOW_MARGIN) * (96 + 2 * VI_FLOW_MARGIN)];
    bool grey_made;
    float xyz[478 * 3], attr[478 * 7];
    uint16_t tri[898][3];
} bench;

static void run_sample(bench *b)
{
    b->k->sample(b->yuv, &b->cm_yuv, &b->to_frame, &b->b, VI_BORDER_REPLICATE, &b->arena);
}
static void run_sample_rgb(bench *b)
{
    b->k->sample(b->rgb, &b->cm_rgb, &b->to_frame, &b->b, VI_BORDER_REPLICATE, &b->arena);
}
static void run_sample_down(bench *b)
{
    vi_rgb c;
    for (int i = 0; i < 3; i++)
        c.c[i] = vi_plane_view(&b->b.c[i], 0, 0, 192, 192);
    b->k->sample(b->yuv, &b->cm_yuv, &b->shrink, &c, VI_BORDER_ZERO, &b->arena);
}
static void run_composite(bench *b)
{
    b->k->composite(b->yuv, &b->cm_yuv, &b->to_crop, &b->a, &b->mask, NULL, &b->arena);
}
static void run_composite_rgb(bench *b)
{
    b->k->composite(b->rgb, &b->cm_rgb, &b->to_crop, &b->a, &b->mask, NULL, &b->arena);
}
static void run_blur2(bench *b)
{
    b->k->blur(&b->d[0], &b->a.c[0], 1.6f, &b->arena);
}
static void run_blur5(bench *b)
{
    b->k->blur(&b->d[0], &b->a.c[0], 5.0f, &b->arena);
}
static void run_blur14(bench *b)
{
    b->k->blur(&b->d[0], &b->a.c[0], 14.0f, &b->arena);
}
static void run_masked14(bench *b)
{
    b->k->blur_masked(b->d, b->a.c, 3, &b->mask, NULL, 14.0f, &b->arena);
}
static void run_masked34(bench *b)
{
    b->k->blur_masked(b->d, b->a.c, 3, &b->mask, NULL, 34.0f, &b->arena);
}
static void run_guided(bench *b)
{
    b->k->guided(&b->d[0], &b->a.c[0], &b->mask, 6, 1e-3f, &b->arena);
}
static void run_to_lab(bench *b)
{
    b->k->rgb_to_lab(&b->b, &b->a);
}
static void run_from_lab(bench *b)
{
    b->k->lab_to_rgb(&b->a, &b->b);
}
static void run_resize_half(bench *b)
{
    vi_plane d = vi_plane_view(&b->d[0], 0, 0, b->n / 2, b->n / 2);
    b->k->resize(&d, &b->a.c[0], &b->arena);
}
static void run_resize_odd(bench *b)
{
    vi_plane d = vi_plane_view(&b->d[0], 0, 0, b->n * 3 / 8, b->n * 3 / 8);
    b->k->resize(&d, &b->a.c[0], &b->arena);
}
static void run_resize_up(bench *b)
{
    vi_plane s = vi_plane_view(&b->a.c[0], 0, 0, b->n / 8, b->n / 8);
    b->k->resize(&b->d[0], &s, &b->arena);
}
static void run_remap(bench *b)
{
    b->k->remap(b->d, b->a.c, 3, &b->uv.c[0], &b->uv.c[1], VI_FILTER_BILINEAR);
}
static void run_remap_cubic(bench *b)
{
    b->k->remap(b->d, b->a.c, 3, &b->uv.c[0], &b->uv.c[1], VI_FILTER_BICUBIC);
}
static void run_pack(bench *b)
{
    b->k->pack(&b->quad, b->a.c, 3);
}
static void run_remap_quad(bench *b)
{
    b->k->remap_quad(b->d, &b->quad, 3, &b->uv.c[0], &b->uv.c[1]);
}
static void run_warp(bench *b)
{
    b->k->warp(b->d, b->a.c, 3, &b->to_crop, VI_FILTER_BILINEAR, VI_BORDER_ZERO);
}
static void run_raster(bench *b)
{
    vi_plane attr[7] = { b->d[0], b->d[1], b->d[2], b->b.c[0], b->b.c[1], b->b.c[2], b->sparse };
    vi_raster r = { b->xyz, b->attr, 478, 7, (const uint16_t(*)[3])b->tri, 898, false, 1.0f };
    vi_plane_fill(&b->z, -INFINITY);
    b->k->raster(&r, attr, &b->z, NULL, NULL);
}
static void run_push_pull(bench *b)
{
    b->k->push_pull(b->d, 3, &b->mask, &b->arena);
}
static void run_median(bench *b)
{
    b->k->median5(&b->d[0], &b->a.c[0], &b->arena);
}
static void run_erode(bench *b)
{
    b->k->erode(&b->d[0], &b->mask, 8.0f, 8.0f, &b->arena);
}
static void run_distance(bench *b)
{
    b->k->distance(&b->d[0], &b->mask, &b->arena);
}
static void run_polygon(bench *b)
{
    vi_point p[36];
    for (int i = 0; i < 36; i++) {
        float t = (float)i * 6.2831853f / 36.0f;
        p[i] = (vi_point){ (float)b->n * (0.5f + 0.35f * cosf(t)), (float)b->n * (0.5f + 0.45f * sinf(t)) };
    }
    b->k->polygon(&b->d[0], p, 36, 1.0f, &b->arena);
}
static void run_stats(bench *b)
{
    vi_stats3 s;
    b->k->stats3(&b->a, &b->mask, &s);
}
static void run_percentile(bench *b)
{
    b->k->percentile(&b->a.c[0], &b->mask, 0.95f);
}
static void run_lerp(bench *b)
{
    b->k->lerp(&b->d[0], &b->a.c[0], &b->a.c[1], &b->mask);
}
static void run_smoothstep(bench *b)
{
    b->k->smoothstep(&b->d[0], &b->a.c[0], 0.2f, 0.7f);
}
static void run_thumbnail(bench *b)
{
    b->k->thumbnail(b->yuv, b->thumb, 64, 36);
}
/* A face's picture of 96 pixels out of the frame, and 67 points found in another by two levels. */
static vi_plane grey_level(bench *b, int i, int l)
{
    int side = 96 >> l, stride = side + 2 * VI_FLOW_MARGIN;
    return (vi_plane){ b->grey[i][l] + VI_FLOW_MARGIN * stride + VI_FLOW_MARGIN, side, side, stride };
}
static void run_grey(bench *b)
{
    vi_plane p = grey_level(b, 0, 0);
    vi_affine m = vi_square_to_picture(960, 540, 180, 0.05f, 96);
    b->k->grey(b->yuv, &b->cm_yuv, &m, &p, &b->arena);
}
static void run_flow(bench *b)
{
    vi_plane p[2][2];
    vi_point at[67], found[67];
    float rest[67];
    for (int i = 0; i < 2; i++) {
        for (int l = 0; l < 2; l++)
            p[i][l] = grey_level(b, i, l);
        for (int y = 0; y < 96 && !b->grey_made; y++)
            for (int x = 0; x < 96; x++) {
                float u = (float)x + 0.4f * (float)i, v = (float)y - 0.3f * (float)i;
                p[i][0].p[y * p[i][0].stride + x] =
                    0.5f + 0.2f * sinf(u * 0.4f + v * 0.1f) * cosf(v * 0.3f) + 0.1f * sinf(u * 0.9f - v * 0.6f);
            }
        b->k->pyramid(p[i], 2);
    }
    b->grey_made = true;
    for (int i = 0; i < 67; i++)
        at[i] = found[i] = (vi_point){ 18.3f + 7.1f * (float)(i % 9), 20.2f + 7.9f * (float)(i / 9) };
    b->k->flow(p[0], p[1], 2, at, found, rest, 67);
}
static void run_tensor(bench *b)
{
    static const float scale[3] = { 2, 2, 2 }, offset[3] = { -1, -1, -1 };
    b->k->to_tensor(b->tensor, &b->a, scale, offset, true);
}
static void run_tensor_nhwc(bench *b)
{
    static const float scale[3] = { 2, 2, 2 }, offset[3] = { -1, -1, -1 };
    b->k->to_tensor_nhwc(b->tensor, &b->a, scale, offset, true);
}
static void run_above(bench *b)
{
    int32_t at[8]; /* a detector's scores: hardly any reaches the threshold */
    b->k->above(b->tensor, b->a.c[0].w * b->a.c[0].h, 1, 1e9f, at, 8);
}

/* floats moved per pixel of the crop (reads + writes), the least a kernel can do */
static const struct {
    const char *name;
    void (*run)(bench *b);
    float planes;
} table[] = {
    { "sample yuv420p 1:1", run_sample, 3 + 0.375f },
    { "sample rgb24 1:1", run_sample_rgb, 3 + 0.75f },
    { "sample yuv420p 1080p->192", run_sample_down, 0 },
    { "composite yuv420p", run_composite, 4 + 0.75f },
    { "composite rgb24", run_composite_rgb, 4 + 1.5f },
    { "blur sigma 1.6", run_blur2, 2 },
    { "blur sigma 5", run_blur5, 2 },
    { "blur sigma 14", run_blur14, 2 },
    { "blur_masked x3 sigma 14", run_masked14, 7 },
    { "blur_masked x3 sigma 34", run_masked34, 7 },
    { "guided r 6", run_guided, 3 },
    { "rgb_to_lab", run_to_lab, 6 },
    { "lab_to_rgb", run_from_lab, 6 },
    { "resize 1/2", run_resize_half, 1.25f },
    { "resize 3/8", run_resize_odd, 1.14f },
    { "resize x8", run_resize_up, 1 },
    { "remap x3 bilinear", run_remap, 8 },
    { "remap x3 bicubic", run_remap_cubic, 8 },
    { "pack x3", run_pack, 7 },
    { "remap packed x3 bicubic", run_remap_quad, 8 },
    { "warp x3 bilinear", run_warp, 6 },
    { "raster 898 triangles x7", run_raster, 8 },
    { "push_pull x3", run_push_pull, 7 },
    { "median5", run_median, 2 },
    { "erode r 8", run_erode, 2 },
    { "distance", run_distance, 2 },
    { "polygon 36", run_polygon, 1 },
    { "stats3", run_stats, 4 },
    { "percentile", run_percentile, 2 },
    { "lerp", run_lerp, 4 },
    { "smoothstep", run_smoothstep, 2 },
    { "thumbnail 1080p", run_thumbnail, 0 },
    { "grey 96, of yuv420p", run_grey, 0 },
    { "flow, 67 points, 2 levels", run_flow, 0 },
    { "to_tensor", run_tensor, 6 },
    { "to_tensor_nhwc", run_tensor_nhwc, 6 },
    { "above, none found", run_above, 1 },
};

static double best_ms(bench *b, void (*run)(bench *b))
{
    double best = 1e9, spent = 0.0;
    run(b);
    for (int i = 0; i < 200 && (spent < 60.0 || i < 5); i++) {
        uint64_t t = vi_now_ns();
        run(b);
        double ms = (double)(vi_now_ns() - t) * 1e-6;
        best = ms < best ? ms : best;
        spent += ms;
    }
    return best;
}

static double copy_gbs(bench *b, size_t bytes)
{
    uint8_t *p = vi_arena_alloc(&b->arena, 2 * bytes);
    double best = 1e9;
    if (!p)
        return 0.0;
    memset(p, 1, 2 * bytes);
    for (int i = 0; i < 50; i++) {
        uint64_t t = vi_now_ns();
        memcpy(p, p + bytes, bytes);
        __asm__ volatile("" ::: "memory");
        double ns = (double)(vi_now_ns() - t);
        best = ns < best ? ns : best;
    }
    b->arena.used -= (2 * bytes + 63) & ~(size_t)63;
    return 2.0 * (double)bytes / best;
}

static void fill(const vi_plane *p, float a, float b, float c)
{
    uint32_t s = 12345;
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++) {
            s = s * 1664525u + 1013904223u;
            float v = 0.5f + 0.3f * sinf((float)x * a) + 0.2f * cosf((float)y * b) + c * (float)(s >> 16) / 65536.0f;
            p->p[y * p->stride + x] = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
        }
}

/* A round grid of 478 vertices and 898 triangles, about as many pixels each as a face mesh in the crop. */
static void make_mesh(bench *b)
{
    int w = 19, t = 0;
    for (int i = 0; i < 478; i++) {
        b->xyz[3 * i] = (0.12f + 0.76f * (float)(i % w) / 18.0f) * (float)b->n;
        b->xyz[3 * i + 1] = (0.1f + 0.8f * (float)(i / w) / 25.0f) * (float)b->n;
        b->xyz[3 * i + 2] = sinf((float)i);
        for (int k = 0; k < 7; k++)
            b->attr[7 * i + k] = (float)(i * k % 100);
    }
    for (int i = 0; t < 898 && i + w + 1 < 478; i++) {
        if (i % w == w - 1)
            continue;
        b->tri[t][0] = (uint16_t)i, b->tri[t][1] = (uint16_t)(i + 1), b->tri[t][2] = (uint16_t)(i + w), t++;
        if (t < 898)
            b->tri[t][0] = (uint16_t)(i + 1), b->tri[t][1] = (uint16_t)(i + w + 1), b->tri[t][2] = (uint16_t)(i + w),
            t++;
    }
}

static int prepare(bench *b, int n)
{
    vi_colour c = { 1, 1, 1, 1, 1 };
    b->n = n;
    b->a = vi_rgb_new(&b->arena, n, n), b->b = vi_rgb_new(&b->arena, n, n), b->uv = vi_rgb_new(&b->arena, n, n);
    b->mask = vi_plane_new(&b->arena, n, n), b->sparse = vi_plane_new(&b->arena, n, n),
    b->z = vi_plane_new(&b->arena, n, n);
    b->quad = vi_quad_new(&b->arena, n, n);
    for (int i = 0; i < 3; i++)
        b->d[i] = vi_plane_new(&b->arena, n, n);
    b->tensor = vi_arena_alloc(&b->arena, (size_t)n * (size_t)n * 12);
    b->yuv = vi_frame_alloc(VI_FORMAT_YUV420P, 1920, 1080);
    b->rgb = vi_frame_alloc(VI_FORMAT_RGB24, 1920, 1080);
    if (!b->yuv || !b->rgb || !b->tensor || vi_colour_map_create(&b->cm_yuv, VI_FORMAT_YUV420P, &c, 1080, NULL) < 0)
        return -1;
    c.range = 2;
    if (vi_colour_map_create(&b->cm_rgb, VI_FORMAT_RGB24, &c, 1080, NULL) < 0)
        return -1;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < (p ? 540 : 1080); y++)
            for (int x = 0; x < (p ? 960 : 1920); x++)
                b->yuv->plane[p][y * b->yuv->stride[p] + x] = (uint8_t)(x * 3 + y * 5 + p * 40);
    for (int y = 0; y < 1080; y++)
        for (int x = 0; x < 5760; x++)
            b->rgb->plane[0][y * b->rgb->stride[0] + x] = (uint8_t)(x * 3 + y * 5);
    for (int i = 0; i < 3; i++) {
        fill(&b->a.c[i], 0.02f + 0.01f * (float)i, 0.03f, 0.1f);
        fill(&b->b.c[i], 0.02f, 0.03f + 0.01f * (float)i, 0.1f);
        fill(&b->d[i], 0.02f, 0.03f, 0.1f);
    }
    vi_kernels_get(VI_CPU_C)->pack(&b->quad, b->a.c, 3);
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            float dx = ((float)x + 0.5f) / (float)n - 0.5f, dy = ((float)y + 0.5f) / (float)n - 0.5f;
            float r = (0.4f - sqrtf(dx * dx * 1.4f + dy * dy)) * 20.0f;
            b->mask.p[y * b->mask.stride + x] = r < 0.0f ? 0.0f : r > 1.0f ? 1.0f : r;
            b->uv.c[0].p[y * b->uv.c[0].stride + x] = (float)x + 3.0f * sinf((float)y * 0.05f) + 0.3f;
            b->uv.c[1].p[y * b->uv.c[1].stride + x] = (float)y + 3.0f * cosf((float)x * 0.05f) + 0.7f;
        }
    make_mesh(b);
    b->to_frame = vi_square_to_picture(960, 540, (float)n * 1.02f, 0.1f, (float)n);
    b->shrink = vi_square_to_picture(960, 540, 1920, 0.0f, 192);
    vi_affine_invert(&b->to_frame, &b->to_crop);
    return 0;
}

int main(int argc, char **argv)
{
    static bench b;
    bool as_table = false;
    const char *only = NULL;
    int n = 448;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--table"))
            as_table = true;
        else if (!strcmp(argv[i], "--size") && i + 1 < argc)
            n = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--only") && i + 1 < argc)
            only = argv[++i];
    }
    if (n < 192 || n > 4096 || vi_arena_create(&b.arena, (size_t)2 << 30) < 0 || prepare(&b, n) < 0)
        return 1;
    size_t plane = (size_t)n * (size_t)n * 4;
    double copy = copy_gbs(&b, 3 * plane);
    const vi_kernels *best = vi_kernels_get(VI_CPU_ALL);
    if (as_table)
        printf("crop %dx%d, memcpy of 3 planes %.1f GB/s, table %s\n%-28s %9s %9s %7s %8s %8s\n", n, n, copy,
               best->name, "kernel", "c ms", "simd ms", "c/simd", "GB/s", "memcpy %");
    for (size_t i = 0; i < VI_COUNT(table); i++) {
        if (only && !strstr(table[i].name, only))
            continue;
        b.k = vi_kernels_get(VI_CPU_C);
        double c = best_ms(&b, table[i].run);
        b.k = best;
        double s = best_ms(&b, table[i].run), gbs = (double)table[i].planes * (double)plane / s * 1e-6;
        if (as_table)
            printf("%-28s %9.3f %9.3f %7.1f %8.1f %8.0f\n", table[i].name, c, s, c / s, gbs, 100.0 * gbs / copy);
        else
            printf("{\"kernel\":\"%s\",\"size\":%d,\"c_ms\":%.4f,\"simd_ms\":%.4f,\"gb_s\":%.2f,\"of_memcpy\":%.3f}\n",
                   table[i].name, n, c, s, gbs, gbs / copy);
    }
    return 0;
}
