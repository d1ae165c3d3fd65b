/* The landmark lists hold each point once, in range, and mirror each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mesh_file.h"

static void unique(const char *name, const uint16_t *list, int n)
{
    for (int i = 0; i < n; i++) {
        if (list[i] >= VI_MESH_VERTS)
            fail_msg("%s[%d] = %d is no mesh vertex", name, i, list[i]);
        for (int j = 0; j < i; j++)
            if (list[i] == list[j])
                fail_msg("%s holds %d twice", name, list[i]);
    }
}
#define UNIQUE(list) unique(#list, list, (int)VI_COUNT(list))

static void lists_are_sane(void **state)
{
    UNIQUE(vi_lm_lips), UNIQUE(vi_lm_eye_l), UNIQUE(vi_lm_eye_r), UNIQUE(vi_lm_contour_l), UNIQUE(vi_lm_contour_r);
    UNIQUE(vi_lm_lips_inner), UNIQUE(vi_lm_lips_outer), UNIQUE(vi_lm_ring1_upper), UNIQUE(vi_lm_ring1_lower);
    UNIQUE(vi_lm_ring2_upper), UNIQUE(vi_lm_ring2_lower), UNIQUE(vi_lm_oval), UNIQUE(vi_lm_brow_l),
        UNIQUE(vi_lm_brow_r);
    UNIQUE(vi_lm_socket_l), UNIQUE(vi_lm_socket_r), UNIQUE(vi_lm_skin_cheek_l), UNIQUE(vi_lm_skin_cheek_r);
    UNIQUE(vi_lm_skin_nose_l), UNIQUE(vi_lm_skin_nose_r), UNIQUE(vi_lm_skin_chin), UNIQUE(vi_lm_centre);
}

static bool contains(const uint16_t *list, int n, int v)
{
    for (int i = 0; i < n; i++)
        if (list[i] == v)
            return true;
    return false;
}

static void lips_are_four_rings(void **state)
{
    for (size_t i = 0; i < VI_COUNT(vi_lm_lips); i++) {
        int v = vi_lm_lips[i], n = 0;
        n += contains(vi_lm_lips_inner, 20, v) + contains(vi_lm_lips_outer, 20, v);
        n += contains(vi_lm_ring1_upper, 11, v) + contains(vi_lm_ring1_lower, 9, v);
        n += contains(vi_lm_ring2_upper, 11, v) + contains(vi_lm_ring2_lower, 9, v);
        assert_int_equal(n, 1);
    }
}

static void sides_mirror_each_other(void **state)
{
    static vi_mesh m;
    mesh_load(&m);
    for (int i = 0; i < 16; i++) {
        assert_true(contains(vi_lm_contour_r, 16, m.mirror[vi_lm_contour_l[i]]));
        assert_true(contains(vi_lm_socket_r, 16, m.mirror[vi_lm_socket_l[i]]));
    }
    for (int i = 0; i < 71; i++)
        assert_int_equal(m.mirror[vi_lm_eye_l[i]], vi_lm_eye_r[i]);
    for (int i = 0; i < 10; i++)
        assert_int_equal(m.mirror[vi_lm_brow_l[i]], vi_lm_brow_r[i]);
    for (int i = 0; i <= 10; i++) { /* lips run from the corner on the picture's left */
        assert_int_equal(m.mirror[vi_lm_lips_outer[i]], vi_lm_lips_outer[10 - i]);
        assert_int_equal(m.mirror[vi_lm_lips_inner[i]], vi_lm_lips_inner[10 - i]);
        assert_int_equal(m.mirror[vi_lm_ring1_upper[i]], vi_lm_ring1_upper[10 - i]);
        assert_int_equal(m.mirror[vi_lm_ring2_upper[i]], vi_lm_ring2_upper[10 - i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_sane),
        cmocka_unit_test(lips_are_four_rings),
        cmocka_unit_test(sides_mirror_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
