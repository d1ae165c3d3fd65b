/* Decoding and merging: anchors, edges, and weighted suppression against a slow independent version. */
#include <math.h>
#include <string.h>

#include "../test.h"

#include "detect/decode.h"

static float reg[VI_DETECT_ANCHORS * VI_DETECT_VALUES], cls[VI_DETECT_ANCHORS];

static void quiet(void)
{
    memset(reg, 0, sizeof(reg));
    for (int i = 0; i < VI_DETECT_ANCHORS; i++)
        cls[i] = -20;
}

/* A face of w x h input pixels at an offset from the anchor's centre. */
static void put(int gx, int gy, float logit, float dx, float dy, float w, float h)
{
    int i = gy * VI_DETECT_GRID + gx;
    cls[i] = logit;
    float *r = reg + i * VI_DETECT_VALUES;
    r[0] = dx;
    r[1] = dy;
    r[2] = w;
    r[3] = h;
    for (int k = 0; k < 6; k++) {
        r[4 + 2 * k] = (float)k;
        r[5 + 2 * k] = -(float)k;
    }
}

static void one_anchor_becomes_one_box(void **state)
{
    (void)state;
    vi_candidate c[4];
    vi_window w = { 384, 384, 768, 0, 0 }; /* 4 picture pixels per input pixel, from 0,0 */
    quiet();
    put(10, 20, 3, 2, -1, 40, 48);
    assert_int_equal(vi_detect_decode(reg, cls, 0.5f, &w, c, 4), 1);
    float cx = (10.5f / 48 * 192 + 2) * 4, cy = (20.5f / 48 * 192 - 1) * 4;
    assert_float_equal(c[0].box.x0, cx - 80, 1e-2);
    assert_float_equal(c[0].box.x1, cx + 80, 1e-2);
    assert_float_equal(c[0].box.y0, cy - 96, 1e-2);
    assert_float_equal(c[0].box.y1, cy + 96, 1e-2);
    assert_float_equal(c[0].kp[3].x, (10.5f / 48 * 192 + 3) * 4, 1e-2);
    assert_float_equal(c[0].score, 1 / (1 + exp(-3)), 1e-5);
}

static void threshold_and_bad_numbers(void **state)
{
    (void)state;
    vi_candidate c[8];
    vi_window w = { 96, 96, 192, 0, 0 };
    quiet();
    put(1, 1, -0.01f, 0, 0, 30, 30); /* just below one half */
    put(20, 20, 0.01f, 0, 0, 30, 30);
    put(30, 30, NAN, 0, 0, 30, 30);
    put(31, 31, 4, NAN, 0, 30, 30);
    put(32, 32, 4, 0, 0, -5, 30);
    assert_int_equal(vi_detect_decode(reg, cls, 0.5f, &w, c, 8), 1);
    for (int i = 0; i < VI_DETECT_ANCHORS; i++)
        put(i % 48, i / 48, 5, 0, 0, 10, 10);
    assert_int_equal(vi_detect_decode(reg, cls, 0.5f, &w, c, 8), 8); /* bounded */
}

static void cut_faces_are_left_to_the_neighbour(void **state)
{
    (void)state;
    vi_candidate c[8];
    quiet();
    put(2, 24, 4, 0, 0, 40, 40);  /* reaches past the left edge */
    put(24, 45, 4, 0, 0, 40, 40); /* past the bottom */
    put(24, 24, 4, 0, 0, 40, 40);
    vi_window w = { 96, 96, 192, 0, 0 };
    assert_int_equal(vi_detect_decode(reg, cls, 0.5f, &w, c, 8), 3);
    w.inner = VI_INNER_LEFT;
    assert_int_equal(vi_detect_decode(reg, cls, 0.5f, &w, c, 8), 2);
    w.inner = VI_INNER_LEFT | VI_INNER_BOTTOM | VI_INNER_TOP | VI_INNER_RIGHT;
    assert_int_equal(vi_detect_decode(reg, cls, 0.5f, &w, c, 8), 1);
}

/* The same rule written down as slowly and plainly as possible: repeat over the not yet used ones. */
static int slow_merge(const vi_candidate *in, int n, float iou, vi_candidate *out)
{
    bool used[256] = { false };
    int m = 0;
    for (;;) {
        int best = -1;
        for (int i = 0; i < n; i++)
            if (!used[i] && (best < 0 || in[i].score > in[best].score))
                best = i;
        if (best < 0)
            return m;
        double s[16] = { 0 }, weight = 0;
        for (int i = 0; i < n; i++) {
            if (used[i])
                continue;
            double x0 = fmax(in[i].box.x0, in[best].box.x0), x1 = fmin(in[i].box.x1, in[best].box.x1);
            double y0 = fmax(in[i].box.y0, in[best].box.y0), y1 = fmin(in[i].box.y1, in[best].box.y1);
            double both = x1 > x0 && y1 > y0 ? (x1 - x0) * (y1 - y0) : 0;
            double ai = (double)(in[i].box.x1 - in[i].box.x0) * (double)(in[i].box.y1 - in[i].box.y0);
            double ab = (double)(in[best].box.x1 - in[best].box.x0) * (double)(in[best].box.y1 - in[best].box.y0);
            if (both / (ai + ab - both) > iou) {
                double k = in[i].score;
                const double v[16] = { in[i].box.x0,  in[i].box.y0,  in[i].box.x1,  in[i].box.y1,
                                       in[i].kp[0].x, in[i].kp[0].y, in[i].kp[5].x, in[i].kp[5].y };
                for (int j = 0; j < 8; j++)
                    s[j] += k * v[j];
                weight += k;
                used[i] = true;
            } else if (both / ai >= 0.75) {
                used[i] = true;
            }
        }
        used[best] = true;
        vi_candidate *o = &out[m++];
        memset(o, 0, sizeof(*o));
        o->score = in[best].score;
        o->box =
            (vi_box){ (float)(s[0] / weight), (float)(s[1] / weight), (float)(s[2] / weight), (float)(s[3] / weight) };
        o->kp[0] = (vi_point){ (float)(s[4] / weight), (float)(s[5] / weight) };
        o->kp[5] = (vi_point){ (float)(s[6] / weight), (float)(s[7] / weight) };
    }
}

static float uniform(uint32_t *seed, float lo, float hi)
{
    *seed = *seed * 1664525u + 1013904223u;
    return lo + (hi - lo) * (float)(*seed >> 8) / 16777216.0f;
}

static void merge_agrees_with_slow_version(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 200; round++) {
        vi_candidate a[160], want[160];
        int n = 1 + round % 160;
        for (int i = 0; i < n; i++) {
            float x = uniform(&seed, 0, 300), y = uniform(&seed, 0, 300), w = uniform(&seed, 5, 120),
                  h = w * uniform(&seed, .8f, 1.3f);
            a[i] = (vi_candidate){ .box = { x, y, x + w, y + h }, .score = uniform(&seed, .5f, 1) };
            a[i].kp[0] = (vi_point){ x, y };
            a[i].kp[5] = (vi_point){ x + w, y };
        }
        int nw = slow_merge(a, n, 0.3f, want);
        int ng = vi_detect_merge(a, n, 0.3f);
        assert_int_equal(ng, nw);
        for (int i = 0; i < nw; i++) {
            assert_float_equal(a[i].score, want[i].score, 1e-6);
            assert_float_equal(a[i].box.x0, want[i].box.x0, 1e-2);
            assert_float_equal(a[i].box.y1, want[i].box.y1, 1e-2);
            assert_float_equal(a[i].kp[5].x, want[i].kp[5].x, 1e-2);
        }
    }
    assert_int_equal(vi_detect_merge(NULL, 0, 0.3f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_anchor_becomes_one_box),
        cmocka_unit_test(threshold_and_bad_numbers),
        cmocka_unit_test(cut_faces_are_left_to_the_neighbour),
        cmocka_unit_test(merge_agrees_with_slow_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
