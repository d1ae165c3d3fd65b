/* Placing, merging and limiting of candidates, without a network. */
#include <math.h>
#include <string.h>

#include "../test.h"

#include "detect/candidate.h"

#define MOST 256

static float uniform(uint32_t *seed, float lo, float hi)
{
    *seed = *seed * 1664525u + 1013904223u;
    return lo + (hi - lo) * (float)(*seed >> 8) / 16777216.0f;
}

static double iou_of(const vi_box *a, const vi_box *b, double *inside)
{
    double w = fmin((double)a->x1, (double)b->x1) - fmax((double)a->x0, (double)b->x0);
    double h = fmin((double)a->y1, (double)b->y1) - fmax((double)a->y0, (double)b->y0);
    double both = w > 0 && h > 0 ? w * h : 0;
    double sa = (double)(a->x1 - a->x0) * (double)(a->y1 - a->y0), sb = (double)(b->x1 - b->x0) * (double)(b->y1 - b->y0);
    *inside = both / sa;
    return both / (sa + sb - both);
}

/* The rule written down as slowly and plainly as possible: take the best of those that are left, again and again. With
 * `weighted` the ones it covers are averaged into it. */
static int slow(const vi_candidate *in, int n, double iou, double most_inside, bool weighted, vi_candidate *out)
{
    bool used[MOST] = { false };
    int m = 0;
    for (;;) {
        int best = -1;
        for (int i = 0; i < n; i++)
            if (!used[i] && (best < 0 || in[i].score > in[best].score))
                best = i;
        if (best < 0)
            return m;
        double s[8] = { 0 }, weight = 0;
        for (int i = 0; i < n; i++) {
            if (used[i])
                continue;
            double inside, overlap = iou_of(&in[i].box, &in[best].box, &inside);
            if (overlap > iou) {
                const float v[8] = { in[i].box.x0,  in[i].box.y0,  in[i].box.x1,  in[i].box.y1,
                                     in[i].kp[0].x, in[i].kp[0].y, in[i].kp[5].x, in[i].kp[5].y };
                for (int j = 0; j < 8 && in[i].angle == in[best].angle; j++)
                    s[j] += (double)in[i].score * (double)v[j];
                weight += in[i].angle == in[best].angle ? (double)in[i].score : 0;
                used[i] = true;
            } else if (most_inside <= 1 && inside >= most_inside) {
                used[i] = true;
            }
        }
        used[best] = true;
        vi_candidate *o = &out[m++];
        *o = in[best];
        if (!weighted)
            continue;
        o->box = (vi_box){ (float)(s[0] / weight), (float)(s[1] / weight), (float)(s[2] / weight), (float)(s[3] / weight) };
        o->kp[0] = (vi_point){ (float)(s[4] / weight), (float)(s[5] / weight) };
        o->kp[5] = (vi_point){ (float)(s[6] / weight), (float)(s[7] / weight) };
    }
}

static int make(vi_candidate *a, int n, uint32_t *seed)
{
    for (int i = 0; i < n; i++) {
        float x = uniform(seed, 0, 300), y = uniform(seed, 0, 300), w = uniform(seed, 5, 120), h = w * uniform(seed, .8f, 1.3f);
        a[i] = (vi_candidate){ .box = { x, y, x + w, y + h }, .score = uniform(seed, .5f, 1), .n_kp = 6 };
        a[i].kp[0] = (vi_point){ x, y };
        a[i].kp[5] = (vi_point){ x + w, y };
        a[i].angle = uniform(seed, 0, 1) < 0.2f ? 90 : 0;
    }
    return n;
}

static void merging_agrees_with_the_slow_version(void **state)
{
    (void)state;
    uint32_t seed = 7;
    static const float thresholds[] = { 0.1f, 0.3f, 0.4f, 0.7f };
    for (int round = 0; round < 300; round++) {
        vi_candidate a[MOST], want[MOST];
        float iou = thresholds[round % 4];
        int kind = round / 4 % 3, n = make(a, 1 + round % 160, &seed);
        int nw = slow(a, n, (double)iou, kind == 1 ? 2 : 0.75, kind == 0, want);
        int ng = kind == 0 ? vi_detect_merge(a, n, iou) : vi_detect_suppress(a, n, iou, kind == 1 ? 2 : 0.75f);
        assert_int_equal(ng, nw);
        for (int i = 0; i < nw; i++) {
            assert_float_equal(a[i].score, want[i].score, 1e-6);
            assert_float_equal(a[i].box.x0, want[i].box.x0, 1e-2);
            assert_float_equal(a[i].box.y1, want[i].box.y1, 1e-2);
            assert_float_equal(a[i].kp[5].x, want[i].kp[5].x, 1e-2);
        }
    }
    assert_int_equal(vi_detect_merge(NULL, 0, 0.3f), 0);
    assert_int_equal(vi_detect_suppress(NULL, 0, 0.3f, 2), 0);
}

/* Five points of a face standing at `roll` degrees clockwise, in the picture. */
static vi_candidate face_at(float x, float y, float size, float roll, float angle)
{
    static const float t[5][2] = { { -18, -20 }, { 18, -20 }, { 0, 0 }, { -15, 20 }, { 15, 20 } };
    vi_candidate c = { .box = { x - size / 2, y - size / 2, x + size / 2, y + size / 2 }, .score = 0.9f, .n_kp = 5, .angle = angle };
    float co = cosf(roll * 0.01745329f) * size / 100, si = sinf(roll * 0.01745329f) * size / 100;
    for (int i = 0; i < 5; i++)
        c.kp[i] = (vi_point){ x + co * t[i][0] - si * t[i][1], y + si * t[i][0] + co * t[i][1] };
    return c;
}

static void roll_is_against_the_view(void **state)
{
    (void)state;
    for (int roll = -170; roll <= 170; roll += 10) {
        for (int angle = 0; angle < 360; angle += 90) {
            vi_candidate c = face_at(100, 80, 50, (float)roll, (float)angle);
            float want = remainderf((float)(roll - angle), 360);
            assert_float_equal(remainderf(vi_candidate_roll(&c) - want, 360), 0, 0.5);
            /* six points, one of them for the mouth */
            c.kp[3] = (vi_point){ (c.kp[3].x + c.kp[4].x) / 2, (c.kp[3].y + c.kp[4].y) / 2 };
            c.n_kp = 6;
            assert_float_equal(remainderf(vi_candidate_roll(&c) - want, 360), 0, 0.5);
        }
    }
    vi_candidate box = { .angle = 90 };
    assert_float_equal(vi_candidate_roll(&box), 0, 0);
    vi_candidate c[4] = { face_at(0, 0, 9, 45, 0), face_at(0, 0, 9, 10, 0), face_at(0, 0, 9, -45, 0), face_at(0, 0, 9, 80, 90) };
    assert_int_equal(vi_detect_split_rolled(c, 4, 50), 4);
    assert_int_equal(vi_detect_split_rolled(c, 4, 40), 2);
    assert_float_equal(fabsf(vi_candidate_roll(&c[0])), 10, 0.5);
    assert_float_equal(fabsf(vi_candidate_roll(&c[1])), 10, 0.5);
    assert_float_equal(fabsf(vi_candidate_roll(&c[2])), 45, 0.5); /* still there, behind */
}

static void the_middle_goes_before_the_edge(void **state)
{
    (void)state;
    /* area - 2 d^2 in a picture of 200 x 100: a face of 30 at the corner against one of 20 in the middle */
    const vi_candidate corner = face_at(20, 20, 30, 0, 0), middle = face_at(100, 50, 20, 0, 0), small = face_at(104, 50, 10, 0, 0);
    vi_candidate c[3] = { corner, middle, small };
    assert_int_equal(vi_detect_most_central(c, 3, 3, 200, 100), 3); /* enough room: largest first */
    assert_float_equal(c[0].box.x0, corner.box.x0, 0);
    assert_float_equal(c[2].box.x0, small.box.x0, 0);
    assert_int_equal(vi_detect_most_central(c, 3, 2, 200, 100), 2);
    assert_float_equal(c[0].box.x0, middle.box.x0, 0);
    assert_float_equal(c[1].box.x0, small.box.x0, 0);
    c[0] = corner, c[1] = middle, c[2] = small;
    assert_int_equal(vi_detect_most_central(c, 3, 1, 200, 100), 1);
    assert_float_equal(c[0].box.x0, middle.box.x0, 0);
    assert_int_equal(vi_detect_most_central(c, 1, 0, 200, 100), 0);
    assert_int_equal(vi_detect_most_central(c, 1, -3, 200, 100), 0);
}

static void places_through_turned_windows(void **state)
{
    (void)state;
    vi_found f = { .x0 = 10, .y0 = 20, .x1 = 30, .y1 = 50, .score = 0.7f, .point = { 12, 22 }, .n_point = 5 };
    vi_candidate c;
    for (int q = 0; q < 4; q++) {
        vi_window w = { 300, 200, 128, 64, 90.0f * (float)q, 0 }; /* twice the input's 64 x 32 … */
        vi_placing p = vi_placing_of(&w, 64, 64);                 /* … across, once down */
        assert_true(vi_candidate_place(&c, &f, &p));
        vi_affine to = vi_window_to_picture(&w, 64, 64);
        vi_point a = vi_affine_apply(&to, 10, 20), b = vi_affine_apply(&to, 30, 50), k = vi_affine_apply(&to, 12, 22);
        assert_float_equal(c.box.x0, fminf(a.x, b.x), 1e-3);
        assert_float_equal(c.box.y0, fminf(a.y, b.y), 1e-3);
        assert_float_equal(c.box.x1, fmaxf(a.x, b.x), 1e-3);
        assert_float_equal(c.box.y1, fmaxf(a.y, b.y), 1e-3);
        assert_float_equal(c.kp[0].x, k.x, 1e-3);
        assert_float_equal(c.kp[0].y, k.y, 1e-3);
    }
    vi_window w = { 32, 32, 64, 64, 45, 0 };
    vi_placing p = vi_placing_of(&w, 64, 64);
    f = (vi_found){ .x0 = 22, .y0 = 22, .x1 = 42, .y1 = 42, .score = 1 };
    assert_true(vi_candidate_place(&c, &f, &p));
    assert_float_equal(c.box.x1 - c.box.x0, 20, 1e-3); /* a head has no corners */
    f.x1 = 22;
    assert_false(vi_candidate_place(&c, &f, &p));
    f.x1 = NAN;
    assert_false(vi_candidate_place(&c, &f, &p));
    f = (vi_found){ .x0 = 22, .y0 = 22, .x1 = 42, .y1 = 42, .point = { 1, INFINITY }, .n_point = 5 };
    assert_false(vi_candidate_place(&c, &f, &p));
}

static void cut_faces_are_left_to_the_neighbour(void **state)
{
    (void)state;
    vi_window w = { 96, 96, 192, 192, 0, 0 };
    static const vi_found left = { .x0 = -4, .y0 = 80, .x1 = 30, .y1 = 120 }, bottom = { .x0 = 80, .y0 = 160, .x1 = 120, .y1 = 191 },
                          inside = { .x0 = 80, .y0 = 80, .x1 = 120, .y1 = 120 };
    vi_candidate c;
    for (int bits = 0; bits < 16; bits++) {
        w.inner = (uint8_t)bits;
        vi_placing p = vi_placing_of(&w, 192, 192);
        assert_int_equal(vi_candidate_place(&c, &left, &p), !(bits & VI_INNER_LEFT));
        assert_int_equal(vi_candidate_place(&c, &bottom, &p), !(bits & VI_INNER_BOTTOM));
        assert_true(vi_candidate_place(&c, &inside, &p));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merging_agrees_with_the_slow_version), cmocka_unit_test(roll_is_against_the_view),
        cmocka_unit_test(the_middle_goes_before_the_edge),      cmocka_unit_test(places_through_turned_windows),
        cmocka_unit_test(cut_faces_are_left_to_the_neighbour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
