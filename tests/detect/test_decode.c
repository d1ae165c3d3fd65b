/* Every family's decode against a second one written here from the contracts (models.md 3 and 12; the models' README), slowly, in
 * double precision, over all anchors. Random outputs at input sizes of every shape, faces at and beyond the borders, through
 * windows that are turned, partly outside, and have inner edges. */
#include <math.h>
#include <string.h>

#include "../test.h"

#include "detect/family.h"

enum { LARGEST = 320 * 256, MOST = 4096 };

static float *memory[VI_DETECT_OUTPUTS];
static uint32_t seed = 1;

static double rnd(double lo, double hi)
{
    seed = seed * 1664525u + 1013904223u;
    return lo + (hi - lo) * (double)(seed >> 8) / 16777216.0;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* What a slow decoder says of one anchor: numbers of the input's pixels. */
typedef struct slow {
    double score, box[4], point[12];
    int n_point;
} slow;
static slow found[LARGEST];
static int n_found;

static void keep(double score, double least, const double box[4], const double *point, int n)
{
    if (!(score >= least))
        return;
    slow *s = &found[n_found++];
    *s = (slow){ .score = score, .n_point = n };
    memcpy(s->box, box, sizeof(s->box));
    if (n)
        memcpy(s->point, point, sizeof(double) * 2 * (size_t)n);
}

static double at(const vi_detect_tensors *t, int slot, int row, int columns, int column)
{
    size_t i = (size_t)row * (size_t)columns + (size_t)column;
    assert_true(i < t->count[slot]);
    return (double)t->value[slot][i];
}

static void slow_scrfd(const vi_detect_tensors *t, double least)
{
    for (int level = 0; level < 3; level++) {
        int s = 8 << level, row = 0;
        for (int v = 0; v < t->h / s; v++)
            for (int u = 0; u < t->w / s; u++)
                for (int anchor = 0; anchor < 2; anchor++, row++) {
                    double x = u * s, y = v * s, p[10];
                    double b[4] = { x - s * at(t, 3 + level, row, 4, 0), y - s * at(t, 3 + level, row, 4, 1),
                                    x + s * at(t, 3 + level, row, 4, 2), y + s * at(t, 3 + level, row, 4, 3) };
                    for (int j = 0; j < 10; j++)
                        p[j] = (j & 1 ? y : x) + s * at(t, 6 + level, row, 10, j);
                    keep(at(t, level, row, 1, 0), least, b, p, 5);
                }
    }
}

static void slow_yunet(const vi_detect_tensors *t, double least)
{
    for (int level = 0; level < 3; level++) {
        int s = 8 << level, row = 0;
        for (int r = 0; r < t->h / s; r++)
            for (int c = 0; c < t->w / s; c++, row++) {
                double p[10], cx = (c + at(t, 6 + level, row, 4, 0)) * s, cy = (r + at(t, 6 + level, row, 4, 1)) * s;
                double w = exp(at(t, 6 + level, row, 4, 2)) * s, h = exp(at(t, 6 + level, row, 4, 3)) * s;
                double b[4] = { cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2 };
                for (int j = 0; j < 10; j++)
                    p[j] = (at(t, 9 + level, row, 10, j) + (j & 1 ? r : c)) * s;
                double class = fmin(fmax(at(t, level, row, 1, 0), 0), 1), object = fmin(fmax(at(t, 3 + level, row, 1, 0), 0), 1);
                keep(sqrt(class * object), least, b, p, 5);
            }
    }
}

static void slow_retinaface(const vi_detect_tensors *t, double least)
{
    static const double sizes[3][2] = { { 16, 32 }, { 64, 128 }, { 256, 512 } };
    int row = 0;
    for (int level = 0; level < 3; level++) {
        int s = 8 << level;
        for (int r = 0; r < t->h / s; r++)
            for (int c = 0; c < t->w / s; c++)
                for (int k = 0; k < 2; k++, row++) {
                    double size = sizes[level][k], px = (c + 0.5) * s, py = (r + 0.5) * s, p[10];
                    double cx = px + at(t, 0, row, 4, 0) * 0.1 * size, cy = py + at(t, 0, row, 4, 1) * 0.1 * size;
                    double w = size * exp(0.2 * at(t, 0, row, 4, 2)), h = size * exp(0.2 * at(t, 0, row, 4, 3));
                    double b[4] = { cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2 };
                    for (int j = 0; j < 10; j++)
                        p[j] = (j & 1 ? py : px) + at(t, 2, row, 10, j) * 0.1 * size;
                    keep(at(t, 1, row, 2, 1), least, b, p, 5);
                }
    }
}

static int columns_of(const vi_detect_tensors *t)
{
    return t->w / 8 * (t->h / 8) + t->w / 16 * (t->h / 16) + t->w / 32 * (t->h / 32);
}

static void slow_yolo(const vi_detect_tensors *t, double least)
{
    int n = columns_of(t), points = t->count[0] == (size_t)n * 20 ? 5 : 0;
    for (int i = 0; i < n; i++) {
        double p[10], w = at(t, 0, 2, n, i), h = at(t, 0, 3, n, i), cx = at(t, 0, 0, n, i), cy = at(t, 0, 1, n, i);
        double b[4] = { cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2 };
        for (int j = 0; j < 2 * points; j++)
            p[j] = at(t, 0, 5 + j / 2 * 3 + (j & 1), n, i);
        keep(at(t, 0, 4, n, i), least, b, p, points);
    }
}

static void slow_yolo_heads(const vi_detect_tensors *t, double least)
{
    for (int level = 0; level < 3; level++) {
        int s = 8 << level, n = t->w / s * (t->h / s);
        for (int i = 0; i < n; i++) {
            double ax = i % (t->w / s) + 0.5, ay = i / (t->w / s) + 0.5, side[4], p[10];
            for (int k = 0; k < 4; k++) {
                double sum = 0;
                side[k] = 0;
                for (int bin = 0; bin < 16; bin++)
                    sum += exp(at(t, level, 16 * k + bin, n, i));
                for (int bin = 0; bin < 16; bin++)
                    side[k] += bin * exp(at(t, level, 16 * k + bin, n, i)) / sum;
            }
            double b[4] = { (ax - side[0]) * s, (ay - side[1]) * s, (ax + side[2]) * s, (ay + side[3]) * s };
            for (int j = 0; j < 10; j++)
                p[j] = (2 * at(t, level, 65 + j / 2 * 3 + (j & 1), n, i) + (j & 1 ? ay : ax) - 0.5) * s;
            keep(sigmoid(at(t, level, 64, n, i)), least, b, p, 5);
        }
    }
}

static void slow_ultraface(const vi_detect_tensors *t, double least)
{
    for (int i = 0; i < (int)t->count[0] / 2; i++) {
        double b[4] = { at(t, 1, i, 4, 0) * t->w, at(t, 1, i, 4, 1) * t->h, at(t, 1, i, 4, 2) * t->w, at(t, 1, i, 4, 3) * t->h };
        keep(at(t, 0, i, 2, 1), least, b, NULL, 0);
    }
}

static void slow_anchor(const vi_detect_tensors *t, int row, double ax, double ay, double least)
{
    double p[12], cx = ax + at(t, 0, row, 16, 0), cy = ay + at(t, 0, row, 16, 1), w = at(t, 0, row, 16, 2), h = at(t, 0, row, 16, 3);
    double b[4] = { cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2 };
    for (int j = 0; j < 12; j++)
        p[j] = at(t, 0, row, 16, 4 + j) + (j & 1 ? ay : ax);
    keep(sigmoid(at(t, 1, row, 1, 0)), least, b, p, 6);
}

static void slow_blazeface(const vi_detect_tensors *t, double least)
{
    int row = 0;
    for (int level = 0; level < 2; level++) {
        int s = level ? 16 : 8;
        for (int y = 0; y < t->h / s; y++)
            for (int x = 0; x < t->w / s; x++)
                for (int k = 0; k < (level ? 6 : 2); k++)
                    slow_anchor(t, row++, (x + 0.5) * s, (y + 0.5) * s, least);
    }
}

static void slow_blazeface_full(const vi_detect_tensors *t, double least)
{
    int row = 0;
    for (int y = 0; y < t->h / 4; y++)
        for (int x = 0; x < t->w / 4; x++)
            slow_anchor(t, row++, (x + 0.5) * 4, (y + 0.5) * 4, least);
}

static void slow_proxyless(const vi_detect_tensors *t, double least)
{
    int row = 0;
    for (int s = 8; s <= 32; s *= 2)
        for (int r = 0; r < t->h / s; r++)
            for (int c = 0; c < t->w / s; c++, row++) {
                double cx = (at(t, 0, row, 6, 0) + c) * s, cy = (at(t, 0, row, 6, 1) + r) * s;
                double w = exp(at(t, 0, row, 6, 2)) * s, h = exp(at(t, 0, row, 6, 3)) * s;
                double b[4] = { cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2 };
                keep(at(t, 0, row, 6, 4) * at(t, 0, row, 6, 5), least, b, NULL, 0);
            }
}

static void slow_deim(const vi_detect_tensors *t, double least)
{
    for (int i = 0; i < (int)t->count[0] / 6; i++) {
        double x0 = at(t, 0, i, 6, 1) * t->w, y0 = at(t, 0, i, 6, 2) * t->h, x1 = at(t, 0, i, 6, 3) * t->w, y1 = at(t, 0, i, 6, 4) * t->h;
        double w = (x1 - x0) / 1.5, h = (y1 - y0) / 1.5, cx = (x0 + x1) / 2, cy = (y0 + y1) / 2 + 0.08 * h;
        double b[4] = { cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2 };
        if (at(t, 0, i, 6, 0) == 7)
            keep(at(t, 0, i, 6, 5), least, b, NULL, 0);
    }
}

/* Random numbers in the ranges that a family's tensors have; few anchors believe in a face. */
typedef struct family_test {
    const vi_detect_family *family;
    void (*slow)(const vi_detect_tensors *t, double least);
    size_t fixed; /* values of the first output where its shape says nothing, per column */
    void (*fill)(vi_detect_tensors *t);
} family_test;

static void fill(vi_detect_tensors *t, int slot, double lo, double hi)
{
    for (size_t i = 0; i < t->count[slot]; i++)
        memory[slot][i] = (float)rnd(lo, hi);
}

/* A probability that is high for one anchor in twenty. */
static float belief(void)
{
    return (float)(rnd(0, 1) < 0.05 ? rnd(0.4, 1) : rnd(0, 0.3));
}

static void fill_beliefs(vi_detect_tensors *t, int slot, size_t step, size_t first)
{
    for (size_t i = first; i < t->count[slot]; i += step)
        memory[slot][i] = belief();
}

static void fill_scrfd(vi_detect_tensors *t)
{
    for (int i = 0; i < 9; i++)
        fill(t, i, i < 6 ? 0.2 : -3, 4);
    for (int i = 0; i < 3; i++)
        fill_beliefs(t, i, 1, 0);
}

static void fill_yunet(vi_detect_tensors *t)
{
    for (int i = 0; i < 12; i++)
        fill(t, i, i < 6 ? -0.2 : -1.5, 1.4);
    for (int i = 0; i < 3; i++)
        fill_beliefs(t, i, 1, 0);
}

static void fill_retinaface(vi_detect_tensors *t)
{
    fill(t, 0, -4, 4), fill(t, 2, -9, 9);
    fill_beliefs(t, 1, 1, 0);
}

static void fill_yolo(vi_detect_tensors *t)
{
    size_t n = (size_t)columns_of(t);
    fill(t, 0, 0, 300);
    for (size_t i = 0; i < n; i++)
        memory[0][4 * n + i] = belief();
}

static void fill_yolo_heads(vi_detect_tensors *t)
{
    for (int i = 0; i < 3; i++) {
        size_t n = t->count[i] / 80;
        fill(t, i, -4, 4);
        for (size_t k = 64 * n; k < 65 * n; k++)
            memory[i][k] = (float)(rnd(0, 1) < 0.05 ? rnd(-1, 6) : rnd(-9, -1));
    }
}

static void fill_ultraface(vi_detect_tensors *t)
{
    fill_beliefs(t, 0, 1, 0);
    fill(t, 1, -0.1, 1.1);
}

static void fill_blazeface(vi_detect_tensors *t)
{
    fill(t, 0, -30, 90);
    for (size_t i = 0; i < t->count[1]; i++)
        memory[1][i] = (float)(rnd(0, 1) < 0.05 ? rnd(-1, 6) : rnd(0, 1) < 0.01 ? 200 : rnd(-200, -1));
}

static void fill_proxyless(vi_detect_tensors *t)
{
    fill(t, 0, -1, 1.5);
    fill_beliefs(t, 0, 6, 4);
    for (size_t i = 5; i < t->count[0]; i += 6)
        memory[0][i] = (float)rnd(0.5, 1);
}

static void fill_deim(vi_detect_tensors *t)
{
    fill(t, 0, -0.1, 1.1);
    for (size_t i = 0; i < t->count[0]; i += 6) {
        memory[0][i] = floorf((float)rnd(6, 9));
        memory[0][i + 5] = (float)rnd(0, 1);
    }
}

static const family_test families[] = {
    { &vi_detect_scrfd, slow_scrfd, 0, fill_scrfd },
    { &vi_detect_yunet, slow_yunet, 0, fill_yunet },
    { &vi_detect_retinaface, slow_retinaface, 0, fill_retinaface },
    { &vi_detect_yolo, slow_yolo, 20, fill_yolo },
    { &vi_detect_yolo, slow_yolo, 5, fill_yolo },
    { &vi_detect_yolo_heads, slow_yolo_heads, 0, fill_yolo_heads },
    { &vi_detect_ultraface, slow_ultraface, 0, fill_ultraface },
    { &vi_detect_blazeface, slow_blazeface, 0, fill_blazeface },
    { &vi_detect_blazeface_full, slow_blazeface_full, 0, fill_blazeface },
    { &vi_detect_proxyless, slow_proxyless, 0, fill_proxyless },
    { &vi_detect_deim, slow_deim, 6, fill_deim },
};

static vi_detect_tensors tensors_of(const family_test *f, int w, int h, const vi_kernels *k)
{
    vi_detect_tensors t = { .k = k, .w = w, .h = h };
    for (int i = 0; f->family->role[i]; i++) {
        int64_t dim[VI_MAX_DIMS];
        int n_dim = f->family->shape(i, -1, w, h, dim);
        t.count[i] = 1;
        for (int d = 0; d < n_dim; d++)
            t.count[i] *= (size_t)dim[d];
        if (!n_dim)
            t.count[i] = f->fixed * (f->fixed == 6 ? 1240 : (size_t)columns_of(&t));
        free(memory[i]);
        memory[i] = malloc(t.count[i] * sizeof(float)); /* exactly: a read beyond is seen by the sanitizers */
        t.value[i] = memory[i];
    }
    if (f->family->fits)
        assert_true(f->family->fits(&t));
    return t;
}

/* The slow list through the window: inner edges and the map written out once more, in double. */
static bool through(const slow *s, const vi_window *win, int w, int h, double box[4], double point[12])
{
    double a = (double)win->angle * 3.14159265358979 / 180, c = cos(a), n = sin(a), ex = 0.02 * w, ey = 0.02 * h;
    double x[2] = { INFINITY, -INFINITY }, y[2] = { INFINITY, -INFINITY };
    if (!(s->box[2] > s->box[0]) || !(s->box[3] > s->box[1]))
        return false;
    if (((win->inner & 1) && s->box[0] < ex) || ((win->inner & 2) && s->box[1] < ey) || ((win->inner & 4) && s->box[2] > w - ex) ||
        ((win->inner & 8) && s->box[3] > h - ey))
        return false;
    for (int i = -s->n_point; i < 4; i++) { /* points, then corners */
        double u = i < 0 ? s->point[2 * (i + s->n_point)] : s->box[i & 1 ? 2 : 0];
        double v = i < 0 ? s->point[2 * (i + s->n_point) + 1] : s->box[i & 2 ? 3 : 1];
        u = (u / w - 0.5) * (double)win->w, v = (v / h - 0.5) * (double)win->h;
        double px = (double)win->cx + c * u - n * v, py = (double)win->cy + n * u + c * v;
        if (i < 0) {
            point[2 * (i + s->n_point)] = px, point[2 * (i + s->n_point) + 1] = py;
            continue;
        }
        x[0] = fmin(x[0], px), x[1] = fmax(x[1], px), y[0] = fmin(y[0], py), y[1] = fmax(y[1], py);
    }
    box[0] = x[0], box[1] = y[0], box[2] = x[1], box[3] = y[1];
    return true;
}

static void compare(const family_test *f, const vi_detect_tensors *t, float threshold, const vi_window *win)
{
    static vi_candidate got[MOST];
    vi_placing p = vi_placing_of(win, t->w, t->h);
    int n = f->family->decode(t, threshold, &p, got, MOST), i = 0;
    n_found = 0;
    f->slow(t, (double)threshold);
    for (int k = 0; k < n_found; k++) {
        double box[4], point[12];
        if (!through(&found[k], win, t->w, t->h, box, point))
            continue;
        if (fabs(found[k].score - (double)threshold) < 1e-5 && (i >= n || fabs((double)got[i].box.x0 - box[0]) > 0.1))
            continue; /* on the threshold: rounding decides */
        if (i >= n)
            fail_msg("%s %dx%d at %g: only %d found", f->family->id, t->w, t->h, (double)threshold, n);
        const vi_candidate *c = &got[i++];
        const float edge[4] = { c->box.x0, c->box.y0, c->box.x1, c->box.y1 };
        double tol = 0.02 * (1 + (double)win->w / t->w + (double)win->h / t->h);
        assert_float_equal(c->score, (float)found[k].score, 1e-5);
        assert_int_equal(c->n_kp, found[k].n_point);
        for (int e = 0; e < 4; e++)
            if (!(fabs((double)edge[e] - box[e]) < tol))
                fail_msg("%s %dx%d: edge %d at %g, expected %g", f->family->id, t->w, t->h, e, (double)edge[e], box[e]);
        for (int j = 0; j < c->n_kp; j++)
            if (!(hypot((double)c->kp[j].x - point[2 * j], (double)c->kp[j].y - point[2 * j + 1]) < tol))
                fail_msg("%s %dx%d: point %d at %g %g, expected %g %g", f->family->id, t->w, t->h, j, (double)c->kp[j].x,
                         (double)c->kp[j].y, point[2 * j], point[2 * j + 1]);
    }
    assert_int_equal(i, n);
}

static void decodes_as_the_slow_one_does(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 32, 32 }, { 64, 96 }, { 160, 32 }, { 128, 160 }, { 320, 256 }, { 224, 96 } };
    for (size_t i = 0; i < VI_COUNT(families); i++)
        for (size_t s = 0; s < VI_COUNT(sizes); s++)
            for (int round = 0; round < 4; round++) {
                const vi_kernels *k = vi_kernels_get(round & 1 ? VI_CPU_ALL : VI_CPU_C);
                vi_detect_tensors t = tensors_of(&families[i], sizes[s][0], sizes[s][1], k);
                families[i].fill(&t);
                vi_window win = { (float)rnd(-50, 700), (float)rnd(-50, 500), (float)rnd(20, 2000), (float)rnd(20, 1500),
                                  90.0f * (float)(round % 4), (uint8_t)(seed >> 28) };
                compare(&families[i], &t, 0.45f, &win);
                compare(&families[i], &t, 0.7f, &win);
                compare(&families[i], &t, 0.1f, &win);
            }
}

static void bad_numbers_are_no_faces(void **state)
{
    (void)state;
    static vi_candidate got[MOST];
    for (size_t i = 0; i < VI_COUNT(families); i++) {
        vi_detect_tensors t = tensors_of(&families[i], 128, 96, vi_kernels_get(VI_CPU_ALL));
        vi_window win = { 64, 48, 128, 96, 0, 0 };
        vi_placing p = vi_placing_of(&win, 128, 96);
        static const float bad[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f };
        for (size_t b = 0; b < VI_COUNT(bad); b++) {
            families[i].fill(&t);
            for (int slot = 0; families[i].family->role[slot]; slot++)
                for (size_t k = b; k < t.count[slot]; k += 3)
                    memory[slot][k] = bad[b];
            int n = families[i].family->decode(&t, 0.3f, &p, got, MOST);
            for (int c = 0; c < n; c++) {
                assert_true(isfinite(got[c].box.x0 + got[c].box.y0 + got[c].box.x1 + got[c].box.y1));
                for (int j = 0; j < got[c].n_kp; j++)
                    assert_true(isfinite(got[c].kp[j].x + got[c].kp[j].y));
            }
        }
        families[i].fill(&t);
        assert_in_range(families[i].family->decode(&t, 0.02f, &p, got, 5), 0, 5); /* bounded */
    }
}

/* The score and the overlap at which faces are told apart, for every family: one anchor high, its neighbour a little less. */
static void thresholds_change_what_is_found(void **state)
{
    (void)state;
    static vi_candidate got[MOST], few[MOST];
    for (size_t i = 0; i < VI_COUNT(families); i++) {
        vi_detect_tensors t = tensors_of(&families[i], 320, 256, vi_kernels_get(VI_CPU_ALL));
        vi_window win = { 160, 128, 320, 256, 0, 0 };
        vi_placing p = vi_placing_of(&win, 320, 256);
        families[i].fill(&t);
        int low = families[i].family->decode(&t, 0.35f, &p, got, MOST), high = families[i].family->decode(&t, 0.8f, &p, few, MOST);
        assert_true(low > high && high > 0);
        for (int k = 0; k < high; k++)
            assert_true(few[k].score >= 0.8f);
        int counts[3];
        static const float overlap[3] = { 0.1f, 0.4f, 0.9f };
        for (int o = 0; o < 3; o++) {
            memcpy(few, got, (size_t)low * sizeof(*got));
            counts[o] = families[i].family->weighted ? vi_detect_merge(few, low, overlap[o]) : vi_detect_suppress(few, low, overlap[o], 2);
        }
        assert_true(counts[0] < counts[1] && counts[1] < counts[2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(decodes_as_the_slow_one_does), cmocka_unit_test(bad_numbers_are_no_faces),
                                        cmocka_unit_test(thresholds_change_what_is_found) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
