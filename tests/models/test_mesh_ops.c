/* tests/models/test_mesh_ops.c: the three custom operators of the attention mesh against their definition, written
 * out here with plain numbers: fit a turned rectangle to points, read it from features, carry points back. */
#include <math.h>
#include <string.h>

#include "../test.h"
#include "exec.h"

#define DIMS(...) ((const int[]){__VA_ARGS__, 0})

enum { POINTS = 12, SIDE = 20, CHANNELS = 3, OUT = 6 };

static const int subset[5] = {2, 3, 5, 7, 11};

static uint8_t *fit_options(size_t *size, const int *list, int n, double rotation)
{
    tiny_flex e[] = {{"left_rotation_idx", 1, NULL, 4, false},       {"output_height", 1, NULL, OUT, false},
                     {"output_width", 1, NULL, OUT, false},          {"right_rotation_idx", 1, NULL, 9, false},
                     {"scale_x", 1, NULL, 1.5, true},                {"scale_y", 1, NULL, 1.25, true},
                     {"subset_idxs", n, list, 0, false},             {"target_rotation_radians", 1, NULL, rotation, true}};
    return tiny_flex_write(e, 8, size);
}

static void matrix_reference(const float *p, double m[16])
{
    double dx = (double)(p[27] - p[12]), dy = (double)(p[28] - p[13]), h = sqrt(dx * dx + dy * dy), c = dx / h, s = -dy / h;
    double low[2] = {1e9, 1e9}, high[2] = {-1e9, -1e9};
    for (int i = 0; i < 5; ++i) {
        double x = (double)p[3 * subset[i]], y = (double)p[3 * subset[i] + 1], t[2] = {c * x - s * y, s * x + c * y};
        for (int k = 0; k < 2; ++k) {
            low[k] = fmin(low[k], t[k]);
            high[k] = fmax(high[k], t[k]);
        }
    }
    double mx = (low[0] + high[0]) / 2, my = (low[1] + high[1]) / 2, cx = c * mx + s * my, cy = -s * mx + c * my;
    double kx = 1.5 * (high[0] - low[0]) / OUT, ky = 1.25 * (high[1] - low[1]) / OUT;
    double half = OUT / 2.0;
    double want[16] = {c * kx,  s * ky, 0, cx - (c * kx + s * ky) * half, -s * kx, c * ky, 0, cy - (-s * kx + c * ky) * half,
                       0, 0, 1, 0, 0, 0, 0, 1};
    memcpy(m, want, sizeof want);
}

/* One graph with all three: points -> matrix; features (made from the points by a constant) -> read; points back. */
static void operators_follow_their_definition(void **state)
{
    static float points[POINTS * 3], zeros[POINTS * 3], features[SIDE * SIDE * CHANNELS], got[OUT * OUT * CHANNELS];
    float m_got[16], back_got[10], refined[10];
    double m[16];
    size_t flex_size, read_size;
    (void)state;
    exec_noise(points, POINTS * 3, 21);
    exec_noise(features, SIDE * SIDE * CHANNELS, 22);
    exec_noise(refined, 10, 23);
    for (int i = 0; i < POINTS * 3; ++i)
        points[i] = 10.0f + 7.0f * points[i];
    matrix_reference(points, m);

    uint8_t *fit = fit_options(&flex_size, subset, 5, 0.0);
    tiny_flex e[] = {{"output_height", 1, NULL, OUT, false}, {"output_width", 1, NULL, OUT, false}};
    uint8_t *read = tiny_flex_write(e, 2, &read_size);
    tiny t = {.n_in = 1, .n_out = 3};
    t.in[0] = tiny_add(&t, "landmarks", DIMS(1, POINTS, 3));
    t.out[0] = tiny_add(&t, "matrix", DIMS(1, 4, 4));
    t.out[1] = tiny_add(&t, "window", DIMS(1, OUT, OUT, CHANNELS));
    t.out[2] = tiny_add(&t, "back", DIMS(1, 5, 2));
    /* Activations that hold constants: 0 x (a slice of the points) + constant is not expressible, so the features go
     * through MUL by zero of a rank-4 constant sum. */
    int zero = tiny_constant(&t, "zero", DIMS(1, POINTS, 3), VI_TFL_F32, zeros, sizeof zeros);
    int nothing = tiny_add(&t, "nothing", DIMS(1, POINTS, 3));
    int flat = tiny_add(&t, "flat", DIMS(1, 1, 1, POINTS * 3));
    int wide = tiny_add(&t, "wide", DIMS(1, 1, 1, CHANNELS));
    static float pick[CHANNELS * POINTS * 3];
    int pick_w = tiny_constant(&t, "pick", DIMS(CHANNELS, 1, 1, POINTS * 3), VI_TFL_F32, pick, sizeof pick);
    int feature_c = tiny_constant(&t, "features", DIMS(1, SIDE, SIDE, CHANNELS), VI_TFL_F32, features, sizeof features);
    int feature = tiny_add(&t, "feature", DIMS(1, SIDE, SIDE, CHANNELS));
    int narrow = tiny_add(&t, "narrow", DIMS(1, 1, 1, 10));
    static float pick2[10 * POINTS * 3];
    int pick2_w = tiny_constant(&t, "pick2", DIMS(10, 1, 1, POINTS * 3), VI_TFL_F32, pick2, sizeof pick2);
    int ten = tiny_add(&t, "ten", DIMS(1, 5, 2));
    int refined_c = tiny_constant(&t, "refined", DIMS(1, 5, 2), VI_TFL_F32, refined, sizeof refined);
    int point = tiny_add(&t, "point", DIMS(1, 5, 2));

    tiny_op *o = tiny_node(&t, VI_TFL_CUSTOM, t.in[0], -1, t.out[0]);
    o->custom = "Landmarks2TransformMatrix";
    o->flex = fit;
    o->flex_size = flex_size;
    tiny_node(&t, VI_TFL_MUL, t.in[0], zero, nothing);
    tiny_node(&t, VI_TFL_RESHAPE, nothing, -1, flat);
    for (int k = 0; k < 2; ++k) {
        o = tiny_node(&t, VI_TFL_CONV_2D, flat, k ? pick2_w : pick_w, k ? narrow : wide);
        memcpy(o->option, (int[]){1, 1, 1, 0, 1, 1}, 6 * sizeof(int));
        o->n_option = 6;
    }
    tiny_node(&t, VI_TFL_ADD, feature_c, wide, feature);
    tiny_node(&t, VI_TFL_RESHAPE, narrow, -1, ten);
    tiny_node(&t, VI_TFL_ADD, ten, refined_c, point);
    o = tiny_node(&t, VI_TFL_CUSTOM, feature, t.out[0], t.out[1]);
    o->custom = "TransformTensorBilinear";
    o->flex = read;
    o->flex_size = read_size;
    o = tiny_node(&t, VI_TFL_CUSTOM, point, t.out[0], t.out[2]);
    o->custom = "TransformLandmarks";

    exec_tiny(&t, points, 0, m_got, 16);
    for (int i = 0; i < 16; ++i)
        assert_true(fabs((double)m_got[i] - m[i]) < 1e-4);
    exec_tiny(&t, points, 1, got, OUT * OUT * CHANNELS);
    for (int i = 0; i < OUT * OUT * CHANNELS; ++i) {
        int c = i % CHANNELS;
        double ox = i / CHANNELS % OUT + 0.5, oy = i / CHANNELS / OUT + 0.5, sum = 0;
        double x = m[0] * ox + m[1] * oy + m[3] - 0.5, y = m[4] * ox + m[5] * oy + m[7] - 0.5;
        for (int iy = 0; iy < SIDE; ++iy)
            for (int ix = 0; ix < SIDE; ++ix)
                sum += fmax(0, 1 - fabs(y - iy)) * fmax(0, 1 - fabs(x - ix)) * (double)features[(iy * SIDE + ix) * CHANNELS + c];
        assert_true(fabs((double)got[i] - sum) < 1e-3);
    }
    exec_tiny(&t, points, 2, back_got, 10);
    for (int i = 0; i < 5; ++i) {
        double x = (double)refined[2 * i], y = (double)refined[2 * i + 1];
        assert_true(fabs((double)back_got[2 * i] - (m[0] * x + m[1] * y + m[3])) < 1e-4);
        assert_true(fabs((double)back_got[2 * i + 1] - (m[4] * x + m[5] * y + m[7])) < 1e-4);
    }

    /* All points in one place: no direction, no size - and no NaN. */
    memset(points, 0, sizeof points);
    exec_tiny(&t, points, 1, got, OUT * OUT * CHANNELS);
    for (int i = 0; i < OUT * OUT * CHANNELS; ++i)
        assert_true(isfinite(got[i]));
    vi_free(fit);
    vi_free(read);
}

static void bad_options_are_refused(void **state)
{
    static const int beyond[5] = {2, 3, 5, 7, POINTS};
    char text[508];
    size_t size;
    (void)state;
    for (int kind = 0; kind < 4; ++kind) {
        uint8_t *flex = fit_options(&size, kind == 0 ? beyond : subset, 5, kind == 1 ? 0.5 : 0.0);
        tiny t = {.n_in = 1, .n_out = 1};
        t.in[0] = tiny_add(&t, "landmarks", DIMS(1, POINTS, 3));
        t.out[0] = tiny_add(&t, "matrix", DIMS(1, 4, 4));
        tiny_op *o = tiny_node(&t, VI_TFL_CUSTOM, 0, -1, 1);
        o->custom = "Landmarks2TransformMatrix";
        o->flex = flex;
        o->flex_size = kind == 2 ? size - 3 : kind == 3 ? 2 : size;
        exec_must_fail(&t, text);
        assert_non_null(strstr(text, kind == 0 ? "name points that do not exist" : "missing or out of range"));
        vi_free(flex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_follow_their_definition),
        cmocka_unit_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
