/* Presets: what the built-in ones set, that every value of theirs gives way to a chosen one, and those of users. */
#include "../test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "viso/options.h"

static char home[64], config[96];
static viso_error err;

static int set_up(void **state)
{
    (void)state;
    snprintf(home, sizeof home, "/tmp/viso-presets-XXXXXX");
    if (!mkdtemp(home) || setenv("XDG_CONFIG_HOME", home, 1))
        return -1;
    snprintf(config, sizeof config, "%s/viso.conf", home);
    return 0;
}

static int tear_down(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", home);
    return system(command);
}

static viso_options *preset(const char *name)
{
    viso_options *o;
    OK(viso_options_create(&o, &err));
    OK(viso_options_set(o, "preset", name, &err));
    OK(viso_options_apply_preset(o, &err));
    return o;
}

static const char *get(const viso_options *o, const char *key)
{
    static char text[4][300];
    static int turn;
    turn = (turn + 1) % 4;
    OK(viso_options_get(o, key, text[turn], sizeof text[0], &err));
    return text[turn];
}

/* Lines of the text that follow the mark of a preset, one after the other. */
static const char *marked(const char *text, char line[300])
{
    const char *at = strstr(text, "# Set by the preset.\n");
    if (!at)
        return NULL;
    at += strlen("# Set by the preset.\n");
    snprintf(line, 300, "%.*s", (int)strcspn(at, "\n"), at);
    return at;
}

static void there_are_three_from_fast_to_good(void **state)
{
    (void)state;
    assert_string_equal(viso_preset_name(0), "fast");
    assert_string_equal(viso_preset_name(1), "balanced");
    assert_string_equal(viso_preset_name(2), "quality");
    assert_null(viso_preset_name(3));
    assert_null(viso_preset_name(-1));
    viso_options *plain, *balanced = preset("balanced");
    viso_option_info info;
    OK(viso_options_create(&plain, &err));
    for (int i = 0; viso_option_describe(i, &info) == 0; i++)
        assert_string_equal(get(plain, info.key), get(balanced, info.key));
    viso_options_destroy(&plain);
    viso_options_destroy(&balanced);
    /* What makes one faster or better is not the default, and not the same in both. */
    static const char *const differ[] = { "landmark-passes", "redetect", "encoder-preset" };
    viso_options *fast = preset("fast"), *quality = preset("quality");
    for (size_t i = 0; i < VI_COUNT(differ); i++)
        assert_string_not_equal(get(fast, differ[i]), get(quality, differ[i]));
    viso_options_destroy(&fast);
    viso_options_destroy(&quality);
}

/* The text shows what a preset sets, and as a file it is a preset that sets the same. */
static void each_makes_the_round_trip(void **state)
{
    (void)state;
    viso_option_info info;
    for (int p = 0; viso_preset_name(p); p++) {
        char path[120], line[300];
        int n = 0;
        viso_options *o = preset(viso_preset_name(p));
        char *text = viso_options_text(o);
        assert_non_null(text);
        for (const char *at = text; (at = marked(at, line)); n++)
            assert_non_null(strstr(line, " = "));
        assert_true(strcmp(viso_preset_name(p), "balanced") == 0 ? n == 0 : n >= 5);
        snprintf(path, sizeof path, "%s/round.conf", home);
        OK(vi_file_write(path, text, strlen(text), &err));
        viso_options *again = preset(path);
        for (int i = 0; viso_option_describe(i, &info) == 0; i++)
            if (strcmp(info.key, "preset") != 0 && strcmp(get(o, info.key), get(again, info.key)) != 0)
                fail_msg("%s: %s is %s, and %s again", viso_preset_name(p), info.key, get(o, info.key), get(again, info.key));
        viso_text_free(text);
        viso_options_destroy(&again);
        viso_options_destroy(&o);
    }
}

/* A value that differs from the preset's, as text. */
static void another(const viso_option_info *k, const char *now, char text[300])
{
    switch (k->type) {
    case VISO_OPTION_BOOL: snprintf(text, 300, "%s", strcmp(now, "true") ? "true" : "false"); break;
    case VISO_OPTION_CHOICE: snprintf(text, 300, "%s", k->choices[strcmp(now, k->choices[0]) ? 0 : 1]); break;
    case VISO_OPTION_TEXT: snprintf(text, 300, "%sx", now); break;
    default: snprintf(text, 300, "%g", atof(now) == k->min ? k->max : k->min); break;
    }
}

static void every_value_gives_way_to_a_chosen_one(void **state)
{
    (void)state;
    int n = 0;
    for (int p = 0; viso_preset_name(p); p++) {
        viso_options *o = preset(viso_preset_name(p));
        char *text = viso_options_text(o), line[300], value[300];
        for (const char *at = text; (at = marked(at, line)); n++) {
            viso_option_info k = { 0 };
            *strstr(line, " = ") = 0;
            for (int i = 0; viso_option_describe(i, &k) == 0 && strcmp(k.key, line) != 0; i++)
                ;
            another(&k, get(o, k.key), value);
            for (int file = 0; file < 2; file++) { /* on the command line, and in the configuration file */
                char content[700];
                viso_options *q;
                OK(viso_options_create(&q, &err));
                OK(viso_options_set(q, "preset", viso_preset_name(p), &err));
                snprintf(content, sizeof content, "%s = %s\n", k.key, value);
                OK(vi_file_write(config, content, strlen(content), &err));
                if (file)
                    OK(viso_options_load(q, config, &err));
                else
                    OK(viso_options_set(q, k.key, value, &err));
                OK(viso_options_apply_preset(q, &err));
                if (atof(get(q, k.key)) != atof(value) || (k.type >= VISO_OPTION_CHOICE && strcmp(get(q, k.key), value) != 0))
                    fail_msg("%s: %s is %s, chosen was %s", viso_preset_name(p), k.key, get(q, k.key), value);
                viso_options_destroy(&q);
            }
        }
        viso_text_free(text);
        viso_options_destroy(&o);
    }
    assert_true(n >= 10);
}

static void those_of_users_are_files(void **state)
{
    (void)state;
    char path[160];
    snprintf(path, sizeof path, "%s/viso", home);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/viso/presets", home);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/viso/presets/night.conf", home);
    const char text[] = "# dark clips\nredetect = 3\npreset = fast\nopacity = 0.5\n";
    OK(vi_file_write(path, text, strlen(text), &err));
    viso_options *o = preset("night");
    assert_string_equal(get(o, "redetect"), "3");
    assert_string_equal(get(o, "opacity"), "0.5");
    assert_string_equal(get(o, "preset"), "night"); /* one that names another is itself all the same */
    assert_string_equal(get(o, "max-faces"), "64");
    viso_options_destroy(&o);
    o = preset(path);
    assert_string_equal(get(o, "redetect"), "3");
    viso_options_destroy(&o);

    const char wrong[] = "redetect = 3\nredetct = 4\n";
    OK(vi_file_write(path, wrong, strlen(wrong), &err));
    OK(viso_options_create(&o, &err));
    OK(viso_options_set(o, "preset", "night", &err));
    err = (viso_error){ 0 };
    assert_int_equal(viso_options_apply_preset(o, &err), VISO_ERR_USAGE);
    assert_non_null(strstr(err.text, "night.conf:2: unknown option 'redetct'; did you mean 'redetect'?"));
    OK(viso_options_set(o, "preset", "nigth", &err));
    err = (viso_error){ 0 };
    assert_int_equal(viso_options_apply_preset(o, &err), VISO_ERR_USAGE);
    assert_non_null(strstr(err.text, "there are fast, balanced, quality, night,"));
    viso_options_destroy(&o);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_three_from_fast_to_good),
        cmocka_unit_test(each_makes_the_round_trip),
        cmocka_unit_test(every_value_gives_way_to_a_chosen_one),
        cmocka_unit_test(those_of_users_are_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
