/* Percentiles of the histogram against the sorted samples themselves. */
#include "../test.h"

#include <math.h>
#include <stdio.h>

#include "base/base.h"

static uint64_t seed;

static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) / 9007199254740992.0;
}

static int ascending(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

enum { N = 20000 };
static uint64_t sample[N];

static uint64_t even(void) { return (uint64_t)(5e6 + 20e6 * uniform()); }
static uint64_t tailed(void) { return (uint64_t)(1e6 / (1e-5 + uniform())); }
static uint64_t wide(void) { return (uint64_t)exp2(44.9 * uniform()); }
static uint64_t tiny(void) { return (uint64_t)(200 * uniform()); }
static uint64_t two_humps(void) { return (uint64_t)((uniform() < 0.96 ? 3e6 : 9e8) * (1 + 0.01 * uniform())); }

static void quantiles_are_those_of_the_samples(void **state)
{
    (void)state;
    static const struct { const char *name; uint64_t (*draw)(void); } shape[] = {
        { "even", even }, { "tailed", tailed }, { "wide", wide }, { "tiny", tiny }, { "two humps", two_humps },
    };
    static const double q[] = { 0.0001, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1 };
    double worst = 0;
    for (size_t k = 0; k < VI_COUNT(shape); k++) {
        static vi_histogram h, half[2];
        h = half[0] = half[1] = (vi_histogram){ 0 };
        uint64_t total = 0;
        for (int i = 0; i < N; i++) {
            sample[i] = shape[k].draw();
            total += sample[i];
            vi_histogram_add(&half[i % 3 == 0], sample[i]);
        }
        vi_histogram_merge(&h, &half[0]);
        vi_histogram_merge(&h, &half[1]);
        qsort(sample, N, sizeof sample[0], ascending);
        assert_int_equal(h.count, N);
        assert_int_equal(h.total, total);
        assert_int_equal(h.min, sample[0]);
        assert_int_equal(h.max, sample[N - 1]);
        for (size_t i = 0; i < VI_COUNT(q); i++) {
            double exact = (double)sample[(int)ceil(q[i] * N) - 1], got = vi_histogram_quantile(&h, q[i]);
            double off = exact > 0 ? fabs(got - exact) / exact : got;
            worst = fmax(worst, off);
            if (off > 0.0079)
                fail_msg("%s: %g of the samples: %g, the histogram says %g", shape[k].name, q[i], exact, got);
        }
    }
    printf("largest error %.2f %%\n", 100 * worst);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    static vi_histogram h;
    for (uint64_t v = 0; v < 128; v++)
        vi_histogram_add(&h, v);
    for (int v = 0; v < 128; v++)
        assert_float_equal(vi_histogram_quantile(&h, (v + 1) / 128.0), v, 0);
}

static void empty_and_extremes(void **state)
{
    (void)state;
    static vi_histogram h, other;
    assert_float_equal(vi_histogram_quantile(&h, 0.5), 0, 0);
    assert_float_equal(vi_histogram_quantile(&h, 1), 0, 0);
    vi_histogram_merge(&h, &other);
    assert_int_equal(h.count, 0);
    vi_histogram_add(&h, UINT64_MAX / 2);
    assert_float_equal(vi_histogram_quantile(&h, 0.5), (double)(UINT64_MAX / 2), 0);
    vi_histogram_add(&h, 0);
    vi_histogram_add(&h, (UINT64_C(1) << 45) - 1);
    assert_int_equal(h.min, 0);
    assert_float_equal(vi_histogram_quantile(&h, 0.3), 0, 0);
    assert_float_equal(vi_histogram_quantile(&h, 0.5), 35184372088832.0, 35184372088832.0 * 0.008);
    assert_float_equal(vi_histogram_quantile(&h, 1), (double)(UINT64_MAX / 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_those_of_the_samples),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(empty_and_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
