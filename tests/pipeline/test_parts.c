/* Ranges of a clip with settings of their own: which set holds for which frame, which sets are one, what is refused. The clip is a
 * moving test picture of 100 frames at 25 a second, in Matroska, so that a tick is a millisecond. */
#include "../test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "detect/detect.h"
#include "pipeline/groups.h"
#include "pipeline/parts.h"
#include "pipeline/presets.h"
#include "pipeline/run_options.h"

static char dir[64], path[96];
static vi_reader *clip;
static vi_settings *base;
static viso_error err;

static int set_up(void **state)
{
    char command[400];
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/viso-parts-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/clip.mkv", dir);
    snprintf(command, sizeof command, "ffmpeg -nostdin -v error -f lavfi -i testsrc=s=64x48:r=25 -frames:v 100 -c:v ffv1 '%s'", path);
    return system(command);
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static int open_all(void **state)
{
    const vi_option_group *const *groups;
    int n = vi_all_groups(&groups);
    (void)state;
    err = (viso_error){ 0 };
    return vi_settings_create(&base, groups, n, &err) || vi_reader_open(&clip, path, NULL, &err);
}

static int close_all(void **state)
{
    (void)state;
    vi_reader_close(&clip);
    vi_settings_destroy(&base);
    return 0;
}

static const char *value(const vi_parts *p, int set, const char *key)
{
    static char text[4][VI_OPTION_TEXT];
    static int turn;
    turn = (turn + 1) % 4;
    assert_int_equal(vi_settings_get(vi_parts_settings(p, set), key, text[turn], VI_OPTION_TEXT, NULL), 0);
    return text[turn];
}

static const char *at_ms(const vi_parts *p, int64_t ms, const char *key)
{
    return value(p, vi_parts_at(p, ms), key);
}

static vi_parts *parts(const viso_at *at, int n)
{
    vi_parts *p;
    OK(vi_parts_create(&p, base, at, n, clip, &err));
    return p;
}

static void without_ranges_there_is_the_base_alone(void **state)
{
    (void)state;
    OK(vi_settings_set(base, "opacity", "0.25", &err));
    vi_parts *p = parts(NULL, 0);
    assert_int_equal(vi_parts_count(p), 1);
    assert_string_equal(value(p, 0, "opacity"), "0.25");
    assert_int_equal(vi_parts_at(p, INT64_MIN), 0);
    assert_int_equal(vi_parts_at(p, 0), 0);
    assert_int_equal(vi_parts_at(p, INT64_MAX), 0);
    assert_string_equal(vi_parts_analysis_key(p), "");
    vi_parts_destroy(&p);
    assert_null(p);
}

static void ranges_begin_at_a_frame_and_end_before_one(void **state)
{
    (void)state;
    static const viso_at at[] = { { "1", "0:02", "opacity", "0.5" }, { "75f", NULL, "opacity", "0.1" }, { "", "5f", "opacity", "0.2" } };
    vi_parts *p = parts(at, 3);
    assert_int_equal(vi_parts_count(p), 4);
    static const struct {
        int64_t ms;
        const char *opacity;
    } is[] = { { INT64_MIN, "0.2" }, { 0, "0.2" }, { 160, "0.2" }, { 200, "1" }, { 960, "1" }, { 1000, "0.5" }, { 1960, "0.5" },
               { 2000, "1" }, { 2960, "1" }, { 3000, "0.1" }, { 3960, "0.1" }, { INT64_MAX, "0.1" } };
    for (size_t i = 0; i < VI_COUNT(is); i++)
        if (strcmp(at_ms(p, is[i].ms, "opacity"), is[i].opacity) != 0)
            fail_msg("at %lld ms: %s, expected %s", (long long)is[i].ms, at_ms(p, is[i].ms, "opacity"), is[i].opacity);
    assert_string_equal(value(p, 0, "opacity"), "1");
    vi_parts_destroy(&p);
}

static void later_ranges_win_option_by_option(void **state)
{
    (void)state;
    static const viso_at at[] = { { "1", "3", "opacity", "0.5" }, { "1", "3", "swap-shape", "0.3" }, { "2", "", "opacity", "0.75" } };
    vi_parts *p = parts(at, 3);
    assert_string_equal(at_ms(p, 1500, "opacity"), "0.5");
    assert_string_equal(at_ms(p, 2500, "opacity"), "0.75");
    assert_string_equal(at_ms(p, 2500, "swap-shape"), "0.3");
    assert_string_equal(at_ms(p, 3500, "opacity"), "0.75");
    assert_string_equal(at_ms(p, 3500, "swap-shape"), "1");
    vi_parts_destroy(&p);
}

static void equal_settings_are_one_set(void **state)
{
    (void)state;
    /* A longer text leaves other bytes behind its end than the default has; the values are equal all the same. */
    static const viso_at at[] = { { "1", "2", "opacity", "0.5" },        { "3", "", "opacity", "0.50" },
                                  { "0", "1", "detector", "something-else" }, { "0", "1", "detector", "auto" },
                                  { "2", "3", "opacity", "1" } };
    vi_parts *p = parts(at, 5);
    assert_int_equal(vi_parts_count(p), 2);
    assert_int_equal(vi_parts_at(p, 500), 0);
    assert_int_equal(vi_parts_at(p, 2500), 0);
    assert_int_equal(vi_parts_at(p, 1500), vi_parts_at(p, 3500));
    assert_string_equal(vi_parts_analysis_key(p), "");
    vi_parts_destroy(&p);
}

static void sets_agree_in_what_a_kind_of_work_depends_on(void **state)
{
    (void)state;
    static const viso_at at[] = { { "0", "1", "opacity", "0.5" }, { "1", "2", "swap-light", "0.5" }, { "2", "3", "face", "largest" },
                                  { "3", "4", "redetect", "3" } };
    vi_parts *p = parts(at, 4);
    int opacity = vi_parts_at(p, 0), light = vi_parts_at(p, 1000), face = vi_parts_at(p, 2000), redetect = vi_parts_at(p, 3000);
    assert_int_equal(vi_parts_count(p), 5);
    assert_true(vi_parts_same_analysis(p, 0, opacity) && vi_parts_same_analysis(p, opacity, light) && vi_parts_same_analysis(p, 0, face));
    assert_false(vi_parts_same_analysis(p, 0, redetect));
    assert_true(vi_parts_same_people(p, 0, opacity) && vi_parts_same_people(p, 0, redetect));
    assert_false(vi_parts_same_people(p, 0, light) || vi_parts_same_people(p, 0, face));
    assert_true(vi_parts_same_picture(p, 0, face) && vi_parts_same_picture(p, 0, redetect) && vi_parts_same_picture(p, light, light));
    assert_false(vi_parts_same_picture(p, 0, opacity) || vi_parts_same_picture(p, 0, light) || vi_parts_same_picture(p, opacity, light));
    assert_string_equal(vi_parts_analysis_key(p), "3000-4000 redetect=3");
    vi_parts_destroy(&p);
}

static void the_key_is_that_of_the_analysis(void **state)
{
    (void)state;
    /* Cut up otherwise, the same analysis has the same key; pictures do not matter. */
    static const viso_at one[] = { { "1", "3", "detect-score", "0.4" } };
    static const viso_at two[] = { { "1", "2", "detect-score", "0.40" }, { "2", "75f", "detect-score", "0.4" },
                                   { "1", "2", "opacity", "0" } };
    static const viso_at other[] = { { "1", "3", "detect-score", "0.45" } }, later[] = { { "1", "3.1", "detect-score", "0.4" } };
    vi_parts *a = parts(one, 1), *b = parts(two, 3), *c = parts(other, 1), *d = parts(later, 1);
    assert_string_equal(vi_parts_analysis_key(a), "1000-3000 detect-score=0.4");
    assert_string_equal(vi_parts_analysis_key(a), vi_parts_analysis_key(b));
    assert_string_not_equal(vi_parts_analysis_key(a), vi_parts_analysis_key(c));
    assert_string_not_equal(vi_parts_analysis_key(a), vi_parts_analysis_key(d));
    vi_parts_destroy(&a);
    vi_parts_destroy(&b);
    vi_parts_destroy(&c);
    vi_parts_destroy(&d);
}

static void places_do_not_depend_on_what_is_handed_out(void **state)
{
    (void)state;
    static const viso_at at[] = { { "1", "2", "opacity", "0.5" }, { "75f", "", "opacity", "0.1" } };
    vi_frame *f = NULL;
    OK(vi_reader_range(clip, "1.5", "3.5", &err));
    vi_parts *p = parts(at, 2);
    OK(vi_reader_next(clip, &f, &err));
    assert_int_equal(f->pts, 1520);
    assert_string_equal(at_ms(p, f->pts, "opacity"), "0.5");
    assert_string_equal(at_ms(p, 2000, "opacity"), "1");
    assert_string_equal(at_ms(p, 3000, "opacity"), "0.1");
    vi_frame_unref(&f);
    vi_parts_destroy(&p);
    p = parts(at, 2); /* nor on how far it was read */
    assert_string_equal(at_ms(p, 1000, "opacity"), "0.5");
    vi_parts_destroy(&p);
}

static void a_preset_fills_in_what_is_left_open(void **state)
{
    (void)state;
    static const viso_at at[] = { { "1", "2", "preset", "quality" }, { "2", "3", "preset", "balanced" }, { "2", "3", "opacity", "0.5" },
                                  { "1.5", "2", "redetect", "77" } };
    OK(vi_settings_set(base, "preset", "fast", &err));
    OK(vi_settings_set(base, "max-faces", "3", &err)); /* chosen by hand */
    OK(vi_preset_apply(base, &err));
    vi_settings *quality, *plain;
    const vi_option_group *const *groups;
    int n = vi_all_groups(&groups);
    OK(vi_settings_create(&quality, groups, n, &err));
    OK(vi_settings_create(&plain, groups, n, &err));
    OK(vi_settings_set(quality, "preset", "quality", &err));
    OK(vi_preset_apply(quality, &err));
    vi_parts *p = parts(at, 4);
    char text[64];
    OK(vi_settings_get(quality, "pyramid", text, sizeof text, &err));
    assert_string_equal(at_ms(p, 1200, "pyramid"), text);
    assert_string_not_equal(at_ms(p, 500, "pyramid"), text);
    OK(vi_settings_get(quality, "redetect", text, sizeof text, &err));
    assert_string_equal(at_ms(p, 1200, "redetect"), text);
    assert_string_equal(at_ms(p, 1700, "redetect"), "77");
    assert_string_equal(at_ms(p, 1200, "max-faces"), "3");
    /* The base's own preset is none of the range's business. */
    OK(vi_settings_get(plain, "pyramid", text, sizeof text, &err));
    assert_string_equal(at_ms(p, 2500, "pyramid"), text);
    assert_string_equal(at_ms(p, 2500, "opacity"), "0.5");
    assert_string_equal(at_ms(p, 1200, "encoder-preset"), value(p, 0, "encoder-preset"));
    vi_parts_destroy(&p);
    vi_settings_destroy(&quality);
    vi_settings_destroy(&plain);
}

static void faults_name_the_range_and_the_option(void **state)
{
    (void)state;
    static const struct {
        viso_at at;
        const char *says;
    } bad[] = {
        { { "1", "2", "opacty", "1" }, "--at 1-2: unknown option 'opacty'; did you mean 'opacity'" },
        { { "1", "", "opacity", "2" }, "--at 1-: --opacity: '2' is not a number in 0 .. 1" },
        { { NULL, "2", "steady", "" }, "--at -2: --steady" },
        { { "1", "2", "threads", "2" }, "--at 1-2: --threads holds for a whole clip" },
        { { "1", "2", "codec", "ffv1" }, "one encoder" },
        { { "1", "2", "start", "1" }, "which part of the clip" },
        { { "1", "2", "hardware-decode", "auto" }, "opened once" },
        { { "1", "2", "quiet", "true" }, "concerns the program" },
        { { "1", "2", "preset", "nothing" }, "--at 1-2: --preset nothing" },
        { { "one", "2", "opacity", "1" }, "--at one-2: 'one' is no place" },
        { { "1", "1:75", "opacity", "1" }, "'1:75' is no place" },
        { { "2", "1", "opacity", "1" }, "ends before it begins" },
        { { "2", "50f", "opacity", "1" }, "ends before it begins" },
        { { "100f", "", "opacity", "1" }, "--at 100f-: the clip has no frame 100f" },
    };
    for (size_t i = 0; i < VI_COUNT(bad); i++) {
        vi_parts *p;
        err = (viso_error){ 0 };
        assert_int_equal(vi_parts_create(&p, base, &bad[i].at, 1, clip, &err), VISO_ERR_USAGE);
        assert_null(p);
        if (!strstr(err.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
    }
    static const viso_at to_the_end = { "1", "5000f", "opacity", "0" };
    vi_parts *p = parts(&to_the_end, 1);
    assert_string_equal(at_ms(p, INT64_MAX, "opacity"), "0");
    vi_parts_destroy(&p);
}

static void too_little_memory_is_a_fault(void **state)
{
    (void)state;
    static const viso_at at[] = { { "1", "2", "redetect", "5" }, { "1.5", "3", "preset", "quality" } };
    int failed = 0;
    for (int n = 0; n < 4000; n++) {
        vi_parts *p;
        viso_error e = { 0 };
        vi_alloc_fail_after(n);
        int rc = vi_parts_create(&p, base, at, 2, clip, &e);
        vi_alloc_fail_after(-1);
        vi_parts_destroy(&p);
        if (!rc)
            break;
        assert_int_equal(rc, VISO_ERR_NO_SPACE);
        failed++;
    }
    assert_true(failed > 10);
}

int main(void)
{
    if (system("ffmpeg -version >/dev/null 2>&1")) {
        puts("skipped: ffmpeg is not installed");
        return 77;
    }
#define T(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)
    static const struct CMUnitTest tests[] = {
        T(without_ranges_there_is_the_base_alone),
        T(ranges_begin_at_a_frame_and_end_before_one),
        T(later_ranges_win_option_by_option),
        T(equal_settings_are_one_set),
        T(sets_agree_in_what_a_kind_of_work_depends_on),
        T(the_key_is_that_of_the_analysis),
        T(places_do_not_depend_on_what_is_handed_out),
        T(a_preset_fills_in_what_is_left_open),
        T(faults_name_the_range_and_the_option),
        T(too_little_memory_is_a_fault),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
