/* Quantiles of the stage meter are right to a few percent, merged or not. */
#include "../test.h"

#include "pipeline/meter.h"

static void quantiles_within_three_percent(void **state)
{
    (void)state;
    static vi_meter all, a, b;
    for (int i = 1; i <= 1000; i++)
        vi_meter_add(i % 2 ? &a : &b, (uint64_t)i * 100000); /* 0.1 … 100 ms */
    vi_meter_merge(&all, &a);
    vi_meter_merge(&all, &b);
    assert_int_equal(all.calls, 1000);
    assert_float_equal(vi_meter_quantile_ms(&all, 0.50), 50, 1.5);
    assert_float_equal(vi_meter_quantile_ms(&all, 0.95), 95, 3);
}

static void extremes_do_not_overflow(void **state)
{
    (void)state;
    static vi_meter m;
    assert_float_equal(vi_meter_quantile_ms(&m, 0.5), 0, 0);
    vi_meter_add(&m, 0);
    vi_meter_add(&m, UINT64_MAX / 2);
    assert_int_equal(m.calls, 2);
    assert_true(vi_meter_quantile_ms(&m, 1) > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_within_three_percent),
        cmocka_unit_test(extremes_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
