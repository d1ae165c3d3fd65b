/* progress_test.c: the text of the bar at all widths, and what the JSON helpers make of odd values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "cli.h"

/* progress.c asks for these; the text does not depend on them. */
int viso_options_get(const viso_options *o, const char *key, char *text, size_t size, viso_error *err)
{
    return vi_error_set(err, VISO_ERR_USAGE, "none here");
}

int cli_terminal_width(int fd)
{
    return 80;
}

static const viso_progress half = { .phase = "frames",
                                    .frames = 150,
                                    .frames_total = 300,
                                    .files_total = 1,
                                    .file = "clip.mp4",
                                    .fps = 24.06,
                                    .remaining_s = 3725,
                                    .limiting = "swap" };

static void the_bar_tells_all_when_there_is_room(void **state)
{
    char line[256];
    progress_format(line, sizeof line, 100, &half);
    assert_string_equal(line, "[############-------------] 150/300  24.1 fps  1:02:05 left  swap limits");
}

static void nothing_is_wider_than_the_terminal(void **state)
{
    viso_progress cases[6];
    for (int i = 0; i < 6; i++)
        cases[i] = half;
    cases[1].frames_total = 0;
    cases[2].files_total = 12;
    cases[2].files = 3;
    cases[3].phase = "sources";
    cases[4].frames = UINT64_MAX;
    cases[4].fps = 1e300;
    cases[4].remaining_s = 1e300;
    cases[5].phase = NULL;
    cases[5].limiting = NULL;
    cases[5].fps = NAN;
    cases[5].remaining_s = NAN;
    for (int width = -1; width < 300; width++) {
        for (int i = 0; i < 6; i++) {
            char line[256];
            memset(line, 'x', sizeof line);
            progress_format(line, sizeof line, width, &cases[i]);
            assert_true((int)strlen(line) <= (width > 0 ? width : 0));
        }
    }
}

static void narrow_terminals_still_get_a_number(void **state)
{
    char line[256];
    progress_format(line, sizeof line, 12, &half);
    assert_string_equal(line, "50%");
    progress_format(line, sizeof line, 30, &half);
    assert_string_equal(line, "50%  24.1 fps  1:02:05 left");
}

static void an_unknown_end_is_no_bar(void **state)
{
    viso_progress p = half;
    char line[256];
    p.frames_total = 0;
    progress_format(line, sizeof line, 79, &p);
    assert_string_equal(line, "150 frames  24.1 fps  swap limits");
}

static void a_folder_counts_files(void **state)
{
    viso_progress p = {
        .phase = "frames", .files = 3, .files_total = 12, .file = "shots", .limiting = "", .remaining_s = -1
    };
    char line[256];
    progress_format(line, sizeof line, 60, &p);
    assert_string_equal(line, "[###------------] 3/12 files");
    p = half; /* a clip in it */
    p.files = 3;
    p.files_total = 12;
    progress_format(line, sizeof line, 60, &p);
    assert_string_equal(line, "[#######--------] file 4/12  150/300  24.1 fps  1:02:05 left");
}

static void odd_values_become_json(void **state)
{
    static const struct {
        const char *raw, *clean;
    } cases[] = {
        { "plain", "plain" },
        { "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80" },
        { "a\xFF"
          "b",
          "a\xEF\xBF\xBD"
          "b" },
        { "\xC3", "\xEF\xBF\xBD" },
        { "\xC0\x80x", "\xEF\xBF\xBD\xEF\xBF\xBDx" },               /* longer than needed */
        { "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" }, /* half a surrogate pair */
        { "", "" },
    };
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        json_t *v = cli_json_text(cases[i].raw);
        assert_non_null(v);
        assert_string_equal(json_string_value(v), cases[i].clean);
        json_decref(v);
    }
    json_t *v = cli_json_number(NAN);
    assert_true(json_is_null(v));
    json_decref(v);
    viso_run_stats none = { 0 }; /* no frame, no time: no division by it */
    v = cli_json_stats(&none);
    assert_non_null(v);
    assert_true(json_real_value(json_object_get(v, "fps")) == 0);
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_tells_all_when_there_is_room),
        cmocka_unit_test(nothing_is_wider_than_the_terminal),
        cmocka_unit_test(narrow_terminals_still_get_a_number),
        cmocka_unit_test(an_unknown_end_is_no_bar),
        cmocka_unit_test(a_folder_counts_files),
        cmocka_unit_test(odd_values_become_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
