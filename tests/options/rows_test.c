/* rows_test.c: walks every row of every room through the public header: what holds for all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/run_options.h"
#include "viso/options.h"

static void each_row_is_described(void **state)
{
    viso_option_info o;
    int n = viso_option_count();
    assert_true(n > 20);
    assert_int_equal(viso_option_describe(-1, &o), VISO_ERR_USAGE);
    assert_int_equal(viso_option_describe(n, &o), VISO_ERR_USAGE);
    for (int i = 0; i < n; i++) {
        assert_int_equal(viso_option_describe(i, &o), VISO_OK);
        size_t key = strlen(o.key), help = o.help ? strlen(o.help) : 0;
        if (key < 2 || key > 40 || strspn(o.key, "abcdefghijklmnopqrstuvwxyz0123456789-") != key ||
            strncmp(o.key, "no-", 3) == 0)
            fail_msg("key '%s'", o.key);
        if (!o.label || !o.label[0] || help < 10 || o.help[help - 1] != '.' || help > 400 || strchr(o.help, '\n'))
            fail_msg("--%s: label or help is missing, or the help is no sentence", o.key);
        if (!o.group || !o.group_label || !o.group_label[0])
            fail_msg("--%s: no group", o.key);
        if (o.type == VISO_OPTION_CHOICE && (!o.choices || !o.choices[0] || !o.choices[1]))
            fail_msg("--%s: fewer than two choices", o.key);
        if (o.type == VISO_OPTION_TEXT ? o.def_text && strlen(o.def_text) >= VI_OPTION_TEXT
                                       : o.def < o.min || o.def > o.max)
            fail_msg("--%s: the default is out of range", o.key);
        if (o.type != VISO_OPTION_TEXT && !(o.min < o.max))
            fail_msg("--%s: the range is empty", o.key);
        if (o.type == VISO_OPTION_FLOAT && !(o.step > 0 && o.step <= o.max - o.min))
            fail_msg("--%s: step %g", o.key, o.step);
        for (int j = 0; j < i; j++) {
            viso_option_info p;
            viso_option_describe(j, &p);
            if (strcmp(o.key, p.key) == 0 || (o.letter && o.letter == p.letter))
                fail_msg("--%s and --%s are called the same", o.key, p.key);
        }
    }
}

static void expect(viso_options *o, const viso_option_info *k, const char *text, int status)
{
    viso_error err = { 0 };
    char value[VI_OPTION_TEXT];
    int rc = viso_options_set(o, k->key, text, &err);
    if (rc != status)
        fail_msg("--%s %s: status %d, expected %d: %s", k->key, text, rc, status, err.text);
    if (rc) {
        assert_non_null(strstr(err.text, k->key));
        return;
    }
    assert_int_equal(viso_options_get(o, k->key, value, sizeof value, &err), VISO_OK);
    if (viso_options_set(o, k->key, value, &err))
        fail_msg("--%s: its own text '%s' is refused: %s", k->key, value, err.text);
}

static void each_value_makes_the_round_trip_and_its_limits_hold(void **state)
{
    viso_options *o = NULL;
    viso_option_info k;
    char text[64];
    assert_int_equal(viso_options_create(&o, NULL), VISO_OK);
    for (int i = 0; viso_option_describe(i, &k) == 0; i++) {
        switch (k.type) {
        case VISO_OPTION_BOOL:
            expect(o, &k, "true", VISO_OK);
            expect(o, &k, "false", VISO_OK);
            expect(o, &k, "perhaps", VISO_ERR_USAGE);
            break;
        case VISO_OPTION_CHOICE:
            for (int c = 0; k.choices[c]; c++)
                expect(o, &k, k.choices[c], VISO_OK);
            assert_true(k.max + 1 == (double)(int)(k.max + 1) && !k.choices[(int)k.max + 1]);
            expect(o, &k, "none-of-them", VISO_ERR_USAGE);
            break;
        case VISO_OPTION_INT:
        case VISO_OPTION_FLOAT: {
            double out = k.type == VISO_OPTION_INT ? 1 : (k.max - k.min) * 1e-3;
            const struct {
                double v;
                int status;
            } cases[] = { { k.min, VISO_OK },
                          { k.max, VISO_OK },
                          { k.def, VISO_OK },
                          { k.min - out, VISO_ERR_USAGE },
                          { k.max + out, VISO_ERR_USAGE } };
            for (size_t c = 0; c < VI_COUNT(cases); c++) {
                snprintf(text, sizeof text, "%.9g", cases[c].v);
                expect(o, &k, text, cases[c].status);
            }
            expect(o, &k, "nan", VISO_ERR_USAGE);
            expect(o, &k, "", VISO_ERR_USAGE);
            break;
        }
        case VISO_OPTION_TEXT:
            expect(o, &k, "a b", VISO_OK);
            expect(o, &k, "", VISO_OK);
            expect(o, &k, "a\nb", VISO_ERR_USAGE);
            break;
        }
    }
    viso_options_destroy(&o);
    viso_options_destroy(&o);
}

static void the_choice_of_faces_is_parsed(void **state)
{
    static const struct {
        const char *text;
        int status;
        vi_face_choice_kind kind;
        int index;
    } cases[] = {
        { "all", VISO_OK, VI_FACE_CHOICE_ALL, 0 },
        { "Largest", VISO_OK, VI_FACE_CHOICE_LARGEST, 0 },
        { "1", VISO_OK, VI_FACE_CHOICE_INDEX, 1 },
        { "99", VISO_OK, VI_FACE_CHOICE_INDEX, 99 },
        { "0", VISO_ERR_USAGE, 0, 0 },
        { "100", VISO_ERR_USAGE, 0, 0 },
        { "-1", VISO_ERR_USAGE, 0, 0 },
        { "99999999999999999999", VISO_ERR_USAGE, 0, 0 },
        { "", VISO_OK, VI_FACE_CHOICE_NAMED, 0 }, /* nobody's name, as the gallery will say */
        { "bigest", VISO_OK, VI_FACE_CHOICE_NAMED, 0 },
        { "no/such.jpg", VISO_OK, VI_FACE_CHOICE_NAMED, 0 },
        { "/proc/self/exe", VISO_OK, VI_FACE_CHOICE_NEAREST, 0 },
    };
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        vi_face_choice c;
        viso_error err = { 0 };
        int rc = vi_face_choice_parse(cases[i].text, &c, &err);
        if (rc != cases[i].status || c.kind != cases[i].kind || c.index != cases[i].index)
            fail_msg("'%s': status %d kind %d index %d: %s", cases[i].text, rc, (int)c.kind, c.index, err.text);
        if (c.kind == VI_FACE_CHOICE_NEAREST || c.kind == VI_FACE_CHOICE_NAMED)
            assert_string_equal(c.path, cases[i].text);
    }
    viso_error err = { 0 };
    assert_int_equal(vi_face_choice_unknown("bigest", &err), VISO_ERR_USAGE);
    assert_non_null(strstr(err.text, "'bigest' is neither"));
    err.code = 0;
    assert_int_equal(vi_face_choice_unknown("no/such.jpg", &err), VISO_ERR_INPUT);
}

static void the_log_level_follows_quiet_and_verbose(void **state)
{
    vi_run_settings s = { .log = VISO_LOG_WARN - 1 };
    assert_int_equal(vi_run_log_level(&s), VISO_LOG_WARN);
    s.verbose = true;
    assert_int_equal(vi_run_log_level(&s), VISO_LOG_INFO);
    s.log = VISO_LOG_TRACE - 1;
    assert_int_equal(vi_run_log_level(&s), VISO_LOG_TRACE);
    s.quiet = true;
    assert_int_equal(vi_run_log_level(&s), VISO_LOG_ERROR);
}

static const char *value_of(const viso_options *o, const char *key)
{
    static char text[VI_OPTION_TEXT];
    assert_int_equal(viso_options_get(o, key, text, sizeof text, NULL), VISO_OK);
    return text;
}

/* Every value of a built-in preset is one that its row takes, and differs from the default; chosen values stay. */
static void presets_set_what_was_not_chosen(void **state)
{
    static const char *const names[] = { "fast", "balanced", "quality" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        viso_options *o = NULL, *plain = NULL;
        viso_error err = { 0 };
        int differ = 0;
        viso_option_info k;
        assert_int_equal(viso_options_create(&o, &err) | viso_options_create(&plain, &err), 0);
        viso_options_set(o, "preset", names[i], &err);
        viso_options_set(o, "redetect", "77", &err);
        if (viso_options_apply_preset(o, &err))
            fail_msg("%s: %s", names[i], err.text);
        assert_string_equal(value_of(o, "redetect"), "77");
        for (int r = 0; viso_option_describe(r, &k) == 0; r++) {
            char text[VI_OPTION_TEXT];
            snprintf(text, sizeof text, "%s", value_of(plain, k.key));
            differ += strcmp(text, value_of(o, k.key)) != 0;
        }
        assert_true(strcmp(names[i], "balanced") == 0 ? differ == 1 : differ > 4);
        viso_options_destroy(&o);
        viso_options_destroy(&plain);
    }
}

static void sizes_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: a fault */
    } cases[] = { { "2G", (uint64_t)2 << 30 }, { "800M", 800 << 20 }, { "1.5g", (uint64_t)3 << 29 }, { "64K", 65536 },
                  { "2GiB", (uint64_t)2 << 30 }, { "512MB", 512 << 20 }, { "1000000", 1000000 }, { "50%", 500 }, { "100%", 1000 },
                  { "101%", 0 }, { "0", 0 }, { "-1G", 0 }, { "lots", 0 }, { "2X", 0 }, { "2G ", 0 }, { "G", 0 }, { "nan", 0 },
                  { "1e300G", 0 } };
    (void)state;
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        uint64_t bytes = 7;
        viso_error err = { 0 };
        int rc = vi_size_parse("max-ram", cases[i].text, 1000, &bytes, &err);
        if (cases[i].bytes ? rc != 0 || bytes != cases[i].bytes : rc != VISO_ERR_USAGE || !strstr(err.text, "--max-ram"))
            fail_msg("'%s': status %d, %llu bytes: %s", cases[i].text, rc, (unsigned long long)bytes, err.text);
    }
    uint64_t none = 7;
    assert_int_equal(vi_size_parse("max-ram", "", 1000, &none, NULL), 0);
    assert_int_equal(none, 0);
    assert_int_equal(vi_size_parse("max-vram", "50%", 0, &none, NULL), VISO_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_described),
        cmocka_unit_test(each_value_makes_the_round_trip_and_its_limits_hold),
        cmocka_unit_test(the_choice_of_faces_is_parsed),
        cmocka_unit_test(the_log_level_follows_quiet_and_verbose),
        cmocka_unit_test(presets_set_what_was_not_chosen),
        cmocka_unit_test(sizes_are_read_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
