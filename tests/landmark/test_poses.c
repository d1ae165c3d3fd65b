/* Signs and rough sizes of head pose on photographs whose pose a person has named. */
#include <math.h>

#include "../detect/analysis.h"

static const struct {
    const char *name;
    float yaw[2], pitch[2], roll[2];
} cases[] = {
    { "portrait_obama_official.jpg", { -15, 15 }, { -15, 15 }, { -10, 10 } },
    { "hard_profile_left.jpg", { -90, -35 }, { -25, 25 }, { -20, 20 } },
    { "hard_pitch_up.jpg", { -25, 25 }, { 12, 60 }, { -25, 25 } },
    { "hard_pitch_down.jpg", { -45, 20 }, { -60, -15 }, { -25, 25 } },
    { "hard_roll_left.png", { -40, 40 }, { -45, 30 }, { -90, -40 } },
    { "portrait_woman_a_turned.jpg", { 20, 60 }, { -25, 25 }, { -25, 25 } },
};

static void poses_have_the_signs_people_see(void **state)
{
    (void)state;
    analysis *a = analysis_open(NULL);
    int bad = 0;
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        char name[160];
        snprintf(name, sizeof(name), "images/%s", cases[i].name);
        analyse_picture(a, "VISO_TEST_SHARED", name, false);
        assert_true(a->w->n_face >= 1);
        viso_pose p = a->w->face[0].f.pose;
        print_message("%s: yaw %.0f pitch %.0f roll %.0f\n", cases[i].name, (double)p.yaw, (double)p.pitch,
                      (double)p.roll);
        bad += !(p.yaw >= cases[i].yaw[0] && p.yaw <= cases[i].yaw[1] && p.pitch >= cases[i].pitch[0] &&
                 p.pitch <= cases[i].pitch[1] && p.roll >= cases[i].roll[0] && p.roll <= cases[i].roll[1]);
    }
    analyse_picture(a, "VISO_TEST_SHARED", "images/hard_rotated_180.jpg", false);
    assert_true(fabsf(a->w->face[0].f.pose.roll) > 150);
    assert_int_equal(bad, 0);
    analysis_close(a);
}

int main(void)
{
    int skip = missing("VISO_TEST_SHARED", "images/README.md");
    const struct CMUnitTest tests[] = { cmocka_unit_test(poses_have_the_signs_people_see) };
    return skip ? skip : cmocka_run_group_tests(tests, NULL, NULL);
}
