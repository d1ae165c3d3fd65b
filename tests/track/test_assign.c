/* Assignments against all there are. */
#include "../test.h"

#include <math.h>

#include "track/assign.h"

static float best(const float *cost, int rows, int columns, float alone, int r, unsigned used)
{
    if (r == rows)
        return 0;
    float least = alone + best(cost, rows, columns, alone, r + 1, used);
    for (int c = 0; c < columns; c++)
        if (!(used >> c & 1) && cost[r * columns + c] < INFINITY)
            least = fminf(least, cost[r * columns + c] + best(cost, rows, columns, alone, r + 1, used | 1u << c));
    return least;
}

static float total(const float *cost, int rows, int columns, float alone, const int *column)
{
    unsigned used = 0;
    float sum = 0;
    for (int r = 0; r < rows; r++) {
        assert_in_range(column[r] + 1, 0, columns);
        if (column[r] < 0) {
            sum += alone;
            continue;
        }
        assert_false(used >> column[r] & 1); /* each once */
        used |= 1u << column[r];
        sum += cost[r * columns + column[r]];
    }
    return sum;
}

static void it_is_the_cheapest(void **state)
{
    (void)state;
    uint32_t seed = 9;
    for (int round = 0; round < 600; round++) {
        float cost[36];
        int column[6], rows = round % 7, columns = round / 7 % 7;
        for (int i = 0; i < rows * columns; i++) {
            seed = seed * 1664525u + 1013904223u;
            cost[i] = seed >> 29 ? (float)(seed >> 8 & 1023) / 512 : INFINITY; /* an eighth never */
        }
        vi_assign(cost, rows, columns, 1, column);
        assert_float_equal(total(cost, rows, columns, 1, column), best(cost, rows, columns, 1, 0, 0), 1e-4);
    }
}

static void greed_would_be_dearer(void **state)
{
    (void)state;
    /* The first row's nearest is all that the second one has. */
    const float cost[] = { .1f, .2f, .15f, INFINITY };
    int column[2];
    vi_assign(cost, 2, 2, 1, column);
    assert_int_equal(column[0], 1);
    assert_int_equal(column[1], 0);
}

static void many_are_paired(void **state)
{
    (void)state;
    static float cost[VI_ASSIGN_MOST * VI_ASSIGN_MOST];
    int column[VI_ASSIGN_MOST];
    for (int r = 0; r < VI_ASSIGN_MOST; r++)
        for (int c = 0; c < VI_ASSIGN_MOST; c++)
            cost[r * VI_ASSIGN_MOST + c] = fabsf((float)(r * 7 % VI_ASSIGN_MOST - c)) / VI_ASSIGN_MOST;
    vi_assign(cost, VI_ASSIGN_MOST, VI_ASSIGN_MOST, 2, column);
    for (int r = 0; r < VI_ASSIGN_MOST; r++)
        assert_int_equal(column[r], r * 7 % VI_ASSIGN_MOST);
    vi_assign(cost, VI_ASSIGN_MOST, 0, 2, column);
    for (int r = 0; r < VI_ASSIGN_MOST; r++)
        assert_int_equal(column[r], -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_cheapest),
        cmocka_unit_test(greed_would_be_dearer),
        cmocka_unit_test(many_are_paired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
