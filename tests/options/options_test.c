/* options_test.c: rows, values as text, the configuration file and the documents, over a small table of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>

#include "options/options.h"

typedef struct look {
    float score, tiny;
    int tiles, mode;
    bool pyramid, fast;
} look;

typedef struct place {
    vi_option_text path;
    int depth;
} place;

static const char *const modes[] = { "auto", "Fast", "good", NULL };
static const vi_option_row look_rows[] = {
    VI_OPTION_FLOAT(look, score, "score", "Score", "Faces below this score are not taken.", NULL, 0.3, 0.05, 0.95, 0.05,
                    0),
    VI_OPTION_FLOAT(look, tiny, "tiny-part", "Part", "A small number | with a bar.", "px", 1e-4, -0.5, 1e6, 1e-4,
                    VI_OPTION_ADVANCED),
    VI_OPTION_INT(look, tiles, "tiles", "Tiles", "How many.", NULL, 3, -2, 8, VI_OPTION_LIVE),
    VI_OPTION_CHOICE(look, mode, "mode", "Mode", "Which way.", modes, 2, 0),
    VI_OPTION_BOOL(look, pyramid, "pyramid", "Pyramid", "Smaller copies too.", true, 0),
    VI_OPTION_BOOL(look, fast, "fast", "Fast", "Quicker.", false, VI_OPTION_PROGRAM),
};
static const vi_option_row place_rows[] = {
    VI_OPTION_STRING(place, path, "path", "Path", "Where.", "/a b", VI_OPTION_PATH),
    VI_OPTION_INT(place, depth, "depth", "Depth",
                  "How deep, in a sentence that is long enough to be broken into more than one line "
                  "of a comment in the configuration file, which has lines of a hundred columns.",
                  "levels", 0, 0, 9, 0),
};
static const vi_option_group look_group = { "look", "Looking", look_rows, VI_COUNT(look_rows), sizeof(look) };
static const vi_option_group place_group = { "place", "Places", place_rows, VI_COUNT(place_rows), sizeof(place) };
static const vi_option_group *const groups[] = { &look_group, &place_group };
#define N_GROUP (int)VI_COUNT(groups)

static vi_settings *fresh(void)
{
    vi_settings *s = NULL;
    viso_error err = { 0 };
    assert_int_equal(vi_settings_create(&s, groups, N_GROUP, &err), VISO_OK);
    return s;
}

static void defaults_are_those_of_the_rows(void **state)
{
    vi_settings *s = fresh();
    const look *l = vi_settings_group(s, "look");
    const place *p = vi_settings_group(s, "place");
    assert_true(l->score == 0.3f && l->tiny == 1e-4f && l->tiles == 3 && l->mode == 2 && l->pyramid && !l->fast);
    assert_string_equal(p->path, "/a b");
    assert_null(vi_settings_group(s, "nowhere"));
    vi_settings_destroy(&s);
    assert_null(s);
    vi_settings_destroy(&s);
}

static void good_texts_are_taken_and_printed_canonically(void **state)
{
    static const struct {
        const char *key, *text, *canonical;
    } cases[] = {
        { "score", "0.05", "0.05" },
        { "score", ".5", "0.5" },
        { "score", "9e-1", "0.9" },
        { "score", "0.95", "0.95" },
        { "tiny-part", "-0.5", "-0.5" },
        { "tiny-part", "1000000", "1e+06" },
        { "tiny-part", "0.1", "0.1" },
        { "tiny-part", "16777.217", "16777.217" },
        { "tiles", "-2", "-2" },
        { "tiles", "+8", "8" },
        { "tiles", "007", "7" },
        { "mode", "AUTO", "auto" },
        { "mode", "fast", "Fast" },
        { "pyramid", "off", "false" },
        { "pyramid", "No", "false" },
        { "pyramid", "0", "false" },
        { "fast", "yes", "true" },
        { "fast", "on", "true" },
        { "fast", "TRUE", "true" },
        { "fast", "1", "true" },
        { "path", "", "" },
        { "path", " x = \"y\" # z\\", " x = \"y\" # z\\" },
        { "look.score", "0.25", "0.25" },
        { "place.path", "q", "q" },
    };
    vi_settings *s = fresh();
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        char text[VI_OPTION_TEXT];
        viso_error err = { 0 };
        if (vi_settings_set(s, cases[i].key, cases[i].text, &err))
            fail_msg("%s = %s: %s", cases[i].key, cases[i].text, err.text);
        assert_int_equal(vi_settings_get(s, cases[i].key, text, sizeof text, &err), VISO_OK);
        assert_string_equal(text, cases[i].canonical);
        assert_int_equal(vi_settings_set(s, cases[i].key, text, &err), VISO_OK); /* and back */
    }
    vi_settings_destroy(&s);
}

static void bad_texts_are_refused_and_change_nothing(void **state)
{
    static const struct {
        const char *key, *text, *says;
    } cases[] = {
        { "score", "", "0.05 .. 0.95" },
        { "score", "0.049", "0.05 .. 0.95" },
        { "score", "0.9501", "score" },
        { "score", "1", "score" },
        { "score", "nan", "score" },
        { "score", "inf", "score" },
        { "score", "0x.8p0", "score" },
        { "score", " 0.5", "score" },
        { "score", "0.5 ", "score" },
        { "score", "0,5", "score" },
        { "score", "half", "'half'" },
        { "score", "1e999", "score" },
        { "tiny-part", "1e7", "px" },
        { "tiles", "9", "-2 .. 8" },
        { "tiles", "-3", "tiles" },
        { "tiles", "1.5", "whole number" },
        { "tiles", "", "tiles" },
        { "tiles", "0x3", "tiles" },
        { "tiles", "99999999999999999999", "tiles" },
        { "tiles", "4294967297", "tiles" },
        { "mode", "", "auto, Fast, good" },
        { "mode", "2", "auto, Fast, good" },
        { "mode", "fas", "mode" },
        { "pyramid", "2", "true, false" },
        { "pyramid", "", "pyramid" },
        { "pyramid", "maybe", "'maybe'" },
        { "path", "a\nb", "control" },
        { "scor", "1", "'score'" },
        { "pyramd", "1", "did you mean 'pyramid'" },
        { "tinypart", "1", "tiny-part" },
        { "zzzzzz", "1", "viso options" },
        { "place.score", "0.5", "unknown" },
        { "nowhere.score", "0.5", "unknown" },
        { "", "1", "unknown" },
        { ".", "1", "unknown" },
    };
    vi_settings *s = fresh();
    vi_settings *before = vi_settings_copy(s);
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        viso_error err = { 0 };
        if (vi_settings_set(s, cases[i].key, cases[i].text, &err) != VISO_ERR_USAGE)
            fail_msg("%s = '%s' was taken", cases[i].key, cases[i].text);
        if (!strstr(err.text, cases[i].says) || strchr(err.text, '\n'))
            fail_msg("%s = '%s' says: %s", cases[i].key, cases[i].text, err.text);
    }
    char longer[VI_OPTION_TEXT + 1];
    memset(longer, 'a', VI_OPTION_TEXT);
    longer[VI_OPTION_TEXT] = 0;
    assert_int_equal(vi_settings_set(s, "path", longer, NULL), VISO_ERR_USAGE);
    assert_memory_equal(vi_settings_group(s, "look"), vi_settings_group(before, "look"), sizeof(look));
    assert_memory_equal(vi_settings_group(s, "place"), vi_settings_group(before, "place"), sizeof(place));
    longer[VI_OPTION_TEXT - 1] = 0; /* the longest that fits */
    assert_int_equal(vi_settings_set(s, "path", longer, NULL), VISO_OK);
    char small[8];
    assert_int_equal(vi_settings_get(s, "path", small, sizeof small, NULL), VISO_ERR_NO_SPACE);
    vi_settings_destroy(&before);
    vi_settings_destroy(&s);
}

static void a_copy_is_a_snapshot(void **state)
{
    vi_settings *s = fresh();
    vi_settings *copy = vi_settings_copy(s);
    vi_settings_set(s, "tiles", "7", NULL);
    assert_int_equal(((const look *)vi_settings_group(s, "look"))->tiles, 7);
    assert_int_equal(((const look *)vi_settings_group(copy, "look"))->tiles, 3);
    vi_settings_destroy(&s);
    vi_settings_destroy(&copy);
}

static const struct {
    const char *key, *text;
} changed[] = {
    { "score", "0.123456789" },
    { "tiny-part", "-0.333333" },
    { "tiles", "-1" },
    { "mode", "auto" },
    { "pyramid", "false" },
    { "fast", "true" },
    { "path", "  \"a\\b\" = # c " },
    { "depth", "9" },
};

static void a_written_file_reads_back_the_same(void **state)
{
    vi_settings *s = fresh(), *t = fresh();
    viso_error err = { 0 };
    char *text = NULL, *again = NULL;
    for (size_t i = 0; i < VI_COUNT(changed); i++)
        assert_int_equal(vi_settings_set(s, changed[i].key, changed[i].text, &err), VISO_OK);
    assert_int_equal(vi_settings_write(s, &text, &err), VISO_OK);
    if (vi_settings_read(t, text, "test.conf", &err))
        fail_msg("%s in:\n%s", err.text, text);
    assert_memory_equal(vi_settings_group(s, "look"), vi_settings_group(t, "look"), sizeof(look));
    assert_string_equal(((const place *)vi_settings_group(t, "place"))->path, changed[6].text);
    assert_int_equal(vi_settings_write(t, &again, &err), VISO_OK);
    assert_string_equal(text, again);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 110);
    vi_free(text);
    vi_free(again);
    vi_settings_destroy(&s);
    vi_settings_destroy(&t);
}

static void defaults_are_written_as_comments(void **state)
{
    vi_settings *s = fresh();
    char *text = NULL;
    assert_int_equal(vi_settings_write(s, &text, NULL), VISO_OK);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(*line == '#' || *line == '\n');
    assert_non_null(strstr(text, "\n#score = 0.3\n"));
    assert_non_null(strstr(text, "# 0.05 .. 0.95\n"));
    vi_free(text);
    vi_settings_destroy(&s);
}

static void the_file_is_read_with_tolerance(void **state)
{
    vi_settings *s = fresh();
    viso_error err = { 0 };
    int rc = vi_settings_read(
        s, "\xEF\xBB\xBF# comment\r\n\r\n  tiles=5  \r\n\tlook.score\t = 0.5\npath = \"\"\nmode = good", "f", &err);
    if (rc)
        fail_msg("%s", err.text);
    const look *l = vi_settings_group(s, "look");
    assert_true(l->tiles == 5 && l->score == 0.5f && l->mode == 2);
    assert_string_equal(((const place *)vi_settings_group(s, "place"))->path, "");
    vi_settings_destroy(&s);
}

static void faults_of_the_file_name_it_and_the_line(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "\ntiles\n", "f.conf:2: expected" },
        { "tiles = 99", "f.conf:1: --tiles" },
        { "tils = 1", "f.conf:1: unknown option" },
        { "path = \"a", "f.conf:1: the quotes" },
        { "path = \"a\" b", "f.conf:1: the quotes" },
        { "# ok\n[look]\n", "f.conf:2: expected" },
        { "= 5", "f.conf:1: unknown" },
    };
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        vi_settings *s = fresh();
        viso_error err = { 0 };
        assert_int_equal(vi_settings_read(s, cases[i].text, "f.conf", &err), VISO_ERR_USAGE);
        if (!strstr(err.text, cases[i].says))
            fail_msg("'%s' says: %s", cases[i].text, err.text);
        vi_settings_destroy(&s);
    }
    char *line = malloc(3000);
    memset(line, 'x', 2999);
    line[2999] = 0;
    vi_settings *s = fresh();
    viso_error err = { 0 };
    assert_int_equal(vi_settings_read(s, line, "f.conf", &err), VISO_ERR_USAGE);
    assert_non_null(strstr(err.text, "f.conf:1:"));
    vi_settings_destroy(&s);
    free(line);
}

static void documents_hold_every_row(void **state)
{
    char *page = vi_options_markdown(groups, N_GROUP), *schema = vi_options_json_schema(groups, N_GROUP);
    assert_non_null(page);
    assert_non_null(schema);
    assert_non_null(strstr(page, "A small number \\| with a bar."));
    json_error_t fault;
    json_t *root = json_loads(schema, 0, &fault);
    assert_non_null(root);
    json_t *properties = json_object_get(root, "properties");
    int n = 0;
    for (int g = 0; g < N_GROUP; g++) {
        for (int r = 0; r < groups[g]->n_row; r++, n++) {
            char cell[80];
            snprintf(cell, sizeof cell, "| `--%s`", groups[g]->row[r].key);
            assert_non_null(strstr(page, cell));
            assert_non_null(json_object_get(properties, groups[g]->row[r].key));
        }
    }
    assert_int_equal(json_object_size(properties), n);
    json_t *score = json_object_get(properties, "score");
    assert_true(json_real_value(json_object_get(score, "minimum")) == 0.05);
    assert_non_null(strstr(schema, "\"minimum\": 0.05,")); /* not 0.05000000074 */
    json_t *mode = json_object_get(properties, "mode");
    assert_string_equal(json_string_value(json_object_get(mode, "default")), "good");
    assert_int_equal(json_array_size(json_object_get(mode, "enum")), 3);
    json_decref(root);
    vi_free(page);
    vi_free(schema);
}

static void every_failing_allocation_is_an_error(void **state)
{
    int survived = 0;
    for (long n = 0; n < 400 && survived < 3; n++) {
        vi_settings *s = NULL, *copy = NULL;
        char *text = NULL, *page = NULL;
        vi_alloc_fail_after(n);
        int rc = vi_settings_create(&s, groups, N_GROUP, NULL);
        if (rc == 0) {
            copy = vi_settings_copy(s);
            rc = vi_settings_write(s, &text, NULL);
            page = vi_options_markdown(groups, N_GROUP);
        }
        vi_alloc_fail_after(-1);
        assert_true(rc == 0 || rc == VISO_ERR_NO_SPACE);
        assert_true((rc == 0) == (text != NULL));
        survived += rc == 0 && copy && page;
        vi_free(text);
        vi_free(page);
        vi_settings_destroy(&copy);
        vi_settings_destroy(&s);
    }
    assert_int_equal(survived, 3);
}

/* Under a locale with a decimal comma the texts stay the same. Such a locale may not be installed: then nothing is shown. */
static void numbers_do_not_depend_on_the_locale(void **state)
{
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
        skip();
    vi_settings *s = fresh();
    char text[32];
    int rc = vi_settings_set(s, "score", "0.25", NULL);
    int rc2 = vi_settings_get(s, "score", text, sizeof text, NULL);
    setlocale(LC_NUMERIC, "C");
    assert_int_equal(rc | rc2, 0);
    assert_string_equal(text, "0.25");
    vi_settings_destroy(&s);
}

static void the_nearest_word_is_found(void **state)
{
    static const struct {
        const char *word, *best;
    } cases[] = {
        { "thraeds", "threads" },
        { "tread", "threads" },
        { "thr", "threads" },
        { "jsn", "json" },
        { "josn", "json" },
        { "output-quality", NULL },
        { "x", NULL },
        { "", NULL },
        { "strictdevice", "strict-device" },
        { "a-word-that-is-longer-than-sixty-three-bytes-and-must-not-write-past-anything-at-all", NULL },
    };
    static const char *const words[] = { "threads", "json", "strict-device", "crf" };
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        vi_nearest n;
        vi_nearest_begin(&n, cases[i].word);
        for (size_t w = 0; w < VI_COUNT(words); w++)
            vi_nearest_offer(&n, words[w]);
        const char *best = vi_nearest_best(&n);
        if (!best != !cases[i].best || (best && strcmp(best, cases[i].best) != 0))
            fail_msg("'%s' gives %s", cases[i].word, best ? best : "nothing");
    }
}

static void suggested_values_give_way_to_chosen_ones(void **state)
{
    vi_settings *s = fresh(), *copy;
    char text[32];
    viso_error err = { 0 };
    (void)state;
    assert_false(vi_settings_given(s, "score"));
    assert_int_equal(vi_settings_read_suggested(s, "score = 0.3\n", "preset", &err), 0);
    assert_false(vi_settings_given(s, "score"));
    assert_true(vi_settings_suggested(s, "score") && !vi_settings_suggested(s, "tiles"));
    vi_settings_get(s, "score", text, sizeof text, NULL);
    assert_string_equal(text, "0.3");
    /* Written out and marked, be it the default's own value. */
    char *written;
    assert_int_equal(vi_settings_suggest(s, "score", "0.5", &err), 0);
    assert_int_equal(vi_settings_write(s, &written, &err), 0);
    assert_non_null(strstr(written, "# Set by the preset.\nscore = 0.5\n"));
    assert_null(strstr(strstr(written, "# Set by the preset.") + 1, "# Set by"));
    vi_free(written);
    /* Chosen, be it the default's own value. */
    assert_int_equal(vi_settings_set(s, "score", "0.5", &err), 0);
    assert_int_equal(vi_settings_suggest(s, "score", "0.7", &err), 0);
    copy = vi_settings_copy(s);
    assert_true(vi_settings_given(s, "score") && vi_settings_given(copy, "score"));
    assert_false(vi_settings_suggested(s, "score") || vi_settings_suggested(copy, "score"));
    vi_settings_get(copy, "score", text, sizeof text, NULL);
    assert_string_equal(text, "0.5");
    /* What is refused was not chosen. */
    vi_settings_destroy(&copy);
    vi_settings_destroy(&s);
    s = fresh();
    assert_int_equal(vi_settings_set(s, "score", "much", NULL), VISO_ERR_USAGE);
    assert_false(vi_settings_given(s, "score"));
    assert_int_equal(vi_settings_suggest(s, "scoer", "1", &err), VISO_ERR_USAGE);
    assert_false(vi_settings_given(s, "scoer") || vi_settings_suggested(s, "scoer"));
    vi_settings_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_rows),
        cmocka_unit_test(good_texts_are_taken_and_printed_canonically),
        cmocka_unit_test(bad_texts_are_refused_and_change_nothing),
        cmocka_unit_test(a_copy_is_a_snapshot),
        cmocka_unit_test(a_written_file_reads_back_the_same),
        cmocka_unit_test(defaults_are_written_as_comments),
        cmocka_unit_test(the_file_is_read_with_tolerance),
        cmocka_unit_test(faults_of_the_file_name_it_and_the_line),
        cmocka_unit_test(documents_hold_every_row),
        cmocka_unit_test(every_failing_allocation_is_an_error),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(the_nearest_word_is_found),
        cmocka_unit_test(suggested_values_give_way_to_chosen_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
