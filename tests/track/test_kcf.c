/* The Fourier transform against its definition; the correlation filter on a moved, grown, brightened and a foreign picture. */
#include <math.h>

#include "../test.h"
#include "synthetic.h"

#include "track/fft.h"
#include "track/kcf.h"

static void transform_is_the_definition_and_its_own_inverse(void **state)
{
    (void)state;
    enum { N = 8 };
    vi_complex v[N * N], w[N * N], fa[N * N], fb[N * N];
    float a[N * N], b[N * N];
    uint32_t seed = 3;
    for (int i = 0; i < N * N; i++) {
        a[i] = rnd(&seed), b[i] = rnd(&seed);
        v[i] = (vi_complex){ a[i], 0 };
    }
    vi_fft2(v, N, false);
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) {
            double re = 0, im = 0;
            for (int q = 0; q < N; q++)
                for (int p = 0; p < N; p++) {
                    double t = -6.283185307179586 * (x * p + y * q) / N;
                    re += a[q * N + p] * cos(t);
                    im += a[q * N + p] * sin(t);
                }
            assert_float_equal(v[y * N + x].re, re, 1e-4);
            assert_float_equal(v[y * N + x].im, im, 1e-4);
        }
    vi_fft2_real(a, b, fa, fb, w, N);
    for (int i = 0; i < N * N; i++) {
        assert_float_equal(fa[i].re, v[i].re, 1e-4);
        assert_float_equal(fa[i].im, v[i].im, 1e-4);
    }
    vi_fft2(fb, N, true);
    for (int i = 0; i < N * N; i++) {
        assert_float_equal(fb[i].re, b[i], 1e-5);
        assert_float_equal(fb[i].im, 0, 1e-5);
    }
}

static float memory[2][VI_FOLLOW_FLOATS];

/* A picture of blobs, moved and brightened. */
static void paint(vi_view *v, int which, float dx, float dy, float gain, int kind)
{
    vi_view_place(v, memory[which]);
    for (int y = 0; y < VI_FOLLOW_SIDE; y++)
        for (int x = 0; x < VI_FOLLOW_SIDE; x++) {
            float a = (float)x - dx, b = (float)y - dy, s = .5f;
            for (int i = 0; i < 9; i++) {
                float cx = 48 + 26 * sinf((float)(i * 7 + kind * 5)), cy = 48 + 26 * cosf((float)(i * 11 + kind * 3));
                float r = (a - cx) * (a - cx) / 60 + (b - cy) * (b - cy) / (30 + (float)i * 9);
                s += (i & 1 ? .3f : -.3f) * expf(-r);
            }
            v->level[0].p[y * v->level[0].stride + x] = kind < 0 ? .5f : s * gain;
        }
    vi_kernels_get(VI_CPU_ALL)->pyramid(v->level, VI_FOLLOW_LEVELS);
    v->side = VI_FOLLOW_SIDE;
}

static void a_moved_picture_is_found_and_another_is_not(void **state)
{
    (void)state;
    static const struct {
        float dx, dy, gain;
    } moved[] = { { 0, 0, 1 }, { 6, -3, 1 }, { 10.5f, 7, 1.3f }, { -14, 9, .6f } };
    vi_arena a;
    assert_int_equal(vi_arena_create(&a, 16 << 20), 0);
    for (int weigh = 0; weigh < 2; weigh++) {
        vi_view one, two;
        vi_kcf_found f, own;
        vi_kcf_params p = { weigh };
        paint(&one, 0, 0, 0, 1, 1);
        vi_kcf *k = vi_kcf_learn(&one, &p, &a);
        assert_non_null(k);
        assert_true(vi_kcf_find(k, &one, &own, &a));
        assert_float_equal(own.peak, 1, .05);
        for (size_t i = 0; i < VI_COUNT(moved); i++) {
            paint(&two, 1, moved[i].dx, moved[i].dy, moved[i].gain, 1);
            assert_true(vi_kcf_find(k, &two, &f, &a));
            print_message("moved by %.1f %.1f: %.2f %.2f, peak %.2f sharp %.1f\n", (double)moved[i].dx, (double)moved[i].dy,
                          (double)f.dx, (double)f.dy, (double)f.peak, (double)f.sharp);
            assert_float_equal(f.dx, moved[i].dx, 1.5);
            assert_float_equal(f.dy, moved[i].dy, 1.5);
            assert_true(f.peak > .3f);
        }
        for (int kind = 2; kind < 6; kind++) {
            paint(&two, 1, 0, 0, 1, kind == 5 ? -1 : kind);
            assert_true(vi_kcf_find(k, &two, &f, &a));
            print_message("another: peak %.2f sharp %.1f\n", (double)f.peak, (double)f.sharp);
            assert_true(f.peak < .3f);
        }
        vi_arena_release(&a, 0);
    }
    vi_arena_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transform_is_the_definition_and_its_own_inverse),
        cmocka_unit_test(a_moved_picture_is_found_and_another_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
