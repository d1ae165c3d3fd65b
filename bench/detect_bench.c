/* bench/detect_bench.c: what a look at a frame costs beside the network, per installed detector. detect_bench [DIR] [WIDTH HEIGHT]
 *
 * A frame of noise and gradients in yuv420p (1920 x 1080) is looked at as a whole, on one thread. Least of many runs, in
 * milliseconds: the crop straight from the frame, what is left to do for the tensor, reading the scores and boxes, and
 * suppression; the network for comparison. The floor is the frame's planes read once and the tensor written once at the speed
 * of memcpy in the same run. Decoding is measured on what the network says and, as the worst case of a crowd, on its output
 * with a threshold that 500 anchors reach. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/net.h"

enum { RUNS = 60, SAMPLE = 0, TENSOR, DECODE, NMS, NETWORK, CROWD, PARTS };

static double ms_since(uint64_t *from)
{
    uint64_t now = vi_now_ns();
    double ms = (double)(now - *from) * 1e-6;
    *from = now;
    return ms;
}

static double memcpy_gb_s(void)
{
    size_t n = (size_t)32 << 20;
    char *a = malloc(n), *b = malloc(n);
    double best = 1e9;
    if (!a || !b)
        return 1;
    memset(a, 1, n), memset(b, 2, n);
    for (int i = 0; i < 12; i++) {
        uint64_t t = vi_now_ns();
        memcpy(i & 1 ? a : b, i & 1 ? b : a, n);
        double ms = ms_since(&t);
        best = ms < best ? ms : best;
    }
    free(a), free(b);
    return 2 * (double)n / best * 1e-6;
}

static void paint(vi_frame *f)
{
    uint32_t seed = 1;
    for (int p = 0; p < 3; p++) {
        int w = p ? f->width / 2 : f->width, h = p ? f->height / 2 : f->height;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                seed = seed * 1664525u + 1013904223u;
                f->plane[p][y * f->stride[p] + x] = (uint8_t)(40 + x * 150 / w + (int)(seed >> 27));
            }
    }
}

static void least(double *best, double ms)
{
    *best = *best == 0 || ms < *best ? ms : *best;
}

/* A threshold that about `wanted` anchors reach. */
static float crowded(const vi_detect_net *n, const vi_window *w, vi_candidate *c, int wanted)
{
    float t = 0.5f;
    while (t > 1e-6f && vi_detect_net_read(n, t, w, c, 4096) < wanted)
        t *= 0.7f;
    return t;
}

static int measure(vi_detect_net *n, const vi_detect_frame *f, double ms[PARTS], int *anchors, vi_arena *a, viso_error *err)
{
    static vi_candidate c[4096], d[4096];
    vi_window w = vi_window_whole(&n->view, f->width, f->height, 1, 0);
    int found = 0;
    memset(ms, 0, PARTS * sizeof *ms);
    for (int i = 0; i < RUNS; i++) {
        vi_rgb crop;
        uint64_t t = vi_now_ns();
        int rc = vi_detect_net_sample(n, f, &w, &crop, a, err);
        if (rc)
            return rc;
        least(&ms[SAMPLE], ms_since(&t));
        vi_detect_net_feed(n, f, &w, &crop);
        least(&ms[TENSOR], ms_since(&t));
        vi_arena_release(a, 0);
        if (i < 5 && (rc = vi_run_now(n->run, err)))
            return rc;
        if (i < 5)
            least(&ms[NETWORK], ms_since(&t));
        t = vi_now_ns();
        found = vi_detect_net_read(n, n->family->score, &w, c, 4096);
        least(&ms[DECODE], ms_since(&t));
        vi_detect_suppress(c, found, 0.4f, 2);
        least(&ms[NMS], ms_since(&t));
    }
    float t500 = crowded(n, &w, c, 500);
    for (int i = 0; i < RUNS; i++) {
        uint64_t t = vi_now_ns();
        *anchors = vi_detect_net_read(n, t500, &w, d, 4096);
        vi_detect_suppress(d, *anchors, 0.4f, 2);
        least(&ms[CROWD], ms_since(&t));
    }
    return 0;
}

static int run(vi_models *m, const vi_detect_frame *f, double gb_s, viso_error *err)
{
    vi_arena a = { 0 };
    if (vi_arena_create(&a, (size_t)1 << 30))
        return vi_error_nomem(err, "bench");
    printf("%-28s %9s %7s %7s %7s %7s | %7s %7s | %8s %14s\n", "detector", "input", "sample", "tensor", "decode", "nms", "sum",
           "/floor", "network", "crowd (of)");
    int rc = 0;
    for (int i = 0; i < vi_models_count(m) && !rc; i++) {
        const vi_model_row *row = vi_models_row(m, i);
        double ms[PARTS];
        int anchors = 0;
        vi_detect_net n;
        viso_error fault;
        if (strcmp(row->role, "detector") != 0 || strcmp(vi_models_state(m, i, false), "installed") != 0)
            continue;
        if (vi_detect_net_open(&n, vi_kernels_get(VI_CPU_ALL), m, row, 0, &fault)) {
            printf("%-28s %s\n", row->id, fault.text);
            continue;
        }
        rc = measure(&n, f, ms, &anchors, &a, err);
        double bytes = (double)f->width * f->height * 1.5 + 12.0 * n.view.w * n.view.h, floor = bytes / gb_s * 1e-6;
        double sum = ms[SAMPLE] + ms[TENSOR] + ms[DECODE] + ms[NMS];
        printf("%-28s %4dx%-4d %7.3f %7.3f %7.3f %7.3f | %7.3f %7.1f | %8.1f %7.3f (%d)\n", row->id, n.view.w, n.view.h, ms[SAMPLE],
               ms[TENSOR], ms[DECODE], ms[NMS], sum, sum / floor, ms[NETWORK], ms[CROWD], anchors);
        vi_detect_net_close(&n);
    }
    vi_arena_destroy(&a);
    return rc;
}

int main(int argc, char **argv)
{
    viso_error err = { 0 };
    vi_models *m = NULL;
    vi_frame *frame = NULL;
    vi_colour_map cm;
    const vi_colour colour = { 1, 1, 1, 1, 0 };
    int w = argc > 3 ? atoi(argv[2]) : 1920, h = argc > 3 ? atoi(argv[3]) : 1080;
    int code = vi_models_open(&m, &(vi_models_params){ .dir = argc > 1 ? argv[1] : NULL }, &err);
    if (!code)
        code = (frame = vi_frame_alloc(VI_FORMAT_YUV420P, w, h)) ? 0 : vi_error_nomem(&err, "bench");
    if (!code)
        code = vi_colour_map_create(&cm, frame->format, &colour, h, &err);
    if (!code) {
        paint(frame);
        vi_detect_frame f = { .frame = frame, .colour = &cm };
        f.upright = vi_frame_upright(frame, &f.width, &f.height);
        code = run(m, &f, memcpy_gb_s(), &err);
        vi_colour_map_destroy(&cm);
    }
    if (code)
        fprintf(stderr, "%s\n", err.text);
    vi_frame_unref(&frame);
    vi_models_close(&m);
    return -code;
}
