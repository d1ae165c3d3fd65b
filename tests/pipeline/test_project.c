/* Project files: what is read, how it is written again, and one fault per case, which must name file, place and option. */
#include "../test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "viso/project.h"

static char dir[64], file[96], again[96];
static viso_error err;

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/viso-project-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(file, sizeof file, "%s/party.json", dir);
    snprintf(again, sizeof again, "%s/again.json", dir);
    return 0;
}

static int tear_down(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

static void write_text(const char *text)
{
    OK(vi_file_write(file, text, strlen(text), &err));
}

/* A name as it is in the project's folder. */
static void is_in_folder(const char *path, const char *name)
{
    char expected[160];
    assert_non_null(path);
    snprintf(expected, sizeof expected, "%s/%s", dir, name);
    assert_string_equal(path, expected);
}

static const char *const whole =
    "{\n"
    "  \"version\": 1,\n"
    "  \"sources\": { \"anna\": [\"anna-1.jpg\", \"sub/anna-2.jpg\"], \"kim\": \"kim.jpg\", \"absent\": \"/else/x.png\" },\n"
    "  \"source\": \"anna\",\n"
    "  \"people\": { \"ben.jpg\": \"kim\", \"carla\": \"absent\", \"dan.jpg\": \"anna\" },\n"
    "  \"target\": \"clip.mp4\",\n"
    "  \"out\": \"done/result.mkv\",\n"
    "  \"settings\": { \"opacity\": 0.75, \"redetect\": 7, \"swap-eyes\": false, \"steady\": \"high\", \"detect-size\": \"320\",\n"
    "                 \"models\": \"nets/all\", \"profile\": \"nvtx\", \"face\": \"largest\", \"start\": \"0:05\" },\n"
    "  \"ranges\": [ { \"start\": \"0:12\", \"end\": 20.5, \"settings\": { \"opacity\": 1, \"face\": \"who.png\" } },\n"
    "              { \"end\": \"30f\", \"settings\": { \"steady\": \"off\" } }, { \"start\": 1e2, \"settings\": {} } ]\n"
    "}\n";

static void check_whole(const char *path)
{
    viso_project *p;
    viso_project_source s;
    viso_swap_params q = { .measure = 5 };
    OK(viso_project_load(&p, path, &err));
    viso_project_params(p, &q);
    assert_int_equal(q.measure, 5);
    assert_int_equal(q.n_source, 2);
    is_in_folder(q.sources[0], "anna-1.jpg");
    is_in_folder(q.sources[1], "sub/anna-2.jpg");
    assert_int_equal(q.n_map, 4);
    is_in_folder(q.maps[0].person, "ben.jpg");
    is_in_folder(q.maps[0].source, "kim.jpg");
    assert_string_equal(q.maps[1].person, "carla"); /* of the gallery */
    assert_string_equal(q.maps[1].source, "/else/x.png");
    is_in_folder(q.maps[2].person, "dan.jpg"); /* a source of several photographs: one entry each */
    is_in_folder(q.maps[3].person, "dan.jpg");
    is_in_folder(q.maps[2].source, "anna-1.jpg");
    is_in_folder(q.maps[3].source, "sub/anna-2.jpg");
    is_in_folder(q.target, "clip.mp4");
    is_in_folder(q.out, "done/result.mkv");
    assert_int_equal(viso_project_source_at(p, 0, &s), VISO_OK);
    assert_int_equal(s.n_photo, 2);
    assert_int_equal(viso_project_source_at(p, 2, &s), VISO_OK);
    assert_int_equal(viso_project_source_at(p, 3, &s), VISO_ERR_USAGE);
    assert_int_equal(viso_project_source_at(p, -1, &s), VISO_ERR_USAGE);

    assert_int_equal(q.n_at, 3);
    assert_string_equal(q.at[0].start, "0:12");
    assert_string_equal(q.at[0].end, "20.5");
    assert_string_equal(q.at[0].key, "opacity");
    assert_string_equal(q.at[0].value, "1");
    assert_string_equal(q.at[1].key, "face");
    is_in_folder(q.at[1].value, "who.png");
    assert_null(q.at[2].start);
    assert_string_equal(q.at[2].end, "30f");
    OK(viso_at_check(q.at, q.n_at, &err));

    static const char *const set[][2] = { { "opacity", "0.75" }, { "redetect", "7" },     { "swap-eyes", "false" }, { "steady", "high" },
                                          { "detect-size", "320" }, { "profile", "nvtx" }, { "face", "largest" },   { "start", "0:05" } };
    viso_options *o;
    char text[300];
    OK(viso_options_create(&o, &err));
    OK(viso_project_apply(p, o, &err));
    for (size_t i = 0; i < VI_COUNT(set); i++) {
        OK(viso_options_get(o, set[i][0], text, sizeof text, &err));
        assert_string_equal(text, set[i][1]);
    }
    OK(viso_options_get(o, "models", text, sizeof text, &err));
    is_in_folder(text, "nets/all");
    viso_options_destroy(&o);
    viso_project_free(&p);
    assert_null(p);
}

static void a_whole_project_is_read(void **state)
{
    (void)state;
    write_text(whole);
    check_whole(file);
}

static void what_is_written_reads_the_same(void **state)
{
    (void)state;
    viso_project *p;
    viso_options *o;
    viso_swap_params q = { 0 };
    char text[300];
    snprintf(text, sizeof text, "mkdir -p '%s/sub' '%s/done' '%s/nets'", dir, dir, dir);
    assert_int_equal(system(text), 0);
    write_text(whole);
    OK(viso_project_load(&p, file, &err));
    viso_project_params(p, &q);
    OK(viso_options_create(&o, &err));
    OK(viso_project_apply(p, o, &err));
    OK(viso_options_set(o, "quiet", "true", &err)); /* of the program: not the project's */
    OK(viso_project_save(again, &q, o, &err));
    check_whole(again);
    uint8_t *data;
    size_t size;
    OK(vi_file_read(again, 1 << 20, &data, &size, &err));
    assert_non_null(strstr((char *)data, "\"sub/anna-2.jpg\"")); /* relative: the folder can be moved */
    assert_null(strstr((char *)data, dir));
    assert_null(strstr((char *)data, "quiet"));
    assert_null(strstr((char *)data, "swap-shape"));
    vi_free(data);
    viso_options_destroy(&o);
    viso_project_free(&p);
}

static void little_is_enough(void **state)
{
    (void)state;
    viso_project *p;
    viso_swap_params q = { 0 };
    write_text("\xEF\xBB\xBF{}");
    OK(viso_project_load(&p, file, &err));
    viso_project_params(p, &q);
    assert_true(!q.target && !q.out && !q.n_source && !q.n_map && !q.n_at);
    viso_project_free(&p);
    write_text("{\"sources\": {\"a\": \"a.jpg\"}}"); /* the only one is taken for everybody */
    OK(viso_project_load(&p, file, &err));
    viso_project_params(p, &q);
    assert_int_equal(q.n_source, 1);
    viso_project_free(&p);
    write_text("{\"sources\": {\"a\": \"a.jpg\"}, \"people\": {\"b.jpg\": \"a\"}}"); /* but not when there is a map */
    OK(viso_project_load(&p, file, &err));
    viso_project_params(p, &q);
    assert_int_equal(q.n_source, 0);
    assert_int_equal(q.n_map, 1);
    viso_project_free(&p);
}

static void each_fault_names_its_place(void **state)
{
    (void)state;
#define SOURCES "\"sources\": {\"anna\": [\"a.jpg\", \"b.jpg\"], \"kim\": \"k.jpg\"}, \"source\": \"kim\""
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "", "party.json:1:0: " },
        { "{\n \"target\": \"a.mp4\",\n}", "party.json:3:" },
        { "{ \"target\": \"a\", \"target\": \"b\" }", "duplicate object key" },
        { "[]", "party.json: expected an object, found a list" },
        { "{ \"version\": 2 }", "party.json: version: is 2; this viso reads version 1" },
        { "{ \"version\": \"1\" }", "version: expected a whole number, found text" },
        { "{ \"taget\": \"x\" }", "unknown key 'taget'; did you mean 'target'?" },
        { "{ \"zzzzzz\": 1 }", "unknown key 'zzzzzz'" },
        { "{ \"target\": 5 }", "party.json: target: expected text, found a whole number" },
        { "{ \"target\": \"\" }", "target: is empty" },
        { "{ \"out\": \"a\\nb\" }", "out: holds a control character" },
        { "{ \"sources\": [] }", "sources: expected an object, found a list" },
        { "{ \"sources\": {\"anna\": []} }", "sources.anna: has no photograph" },
        { "{ \"sources\": {\"anna\": [\"a.jpg\", null]} }", "sources.anna[1]: expected text, found null" },
        { "{ \"sources\": {\"\": \"a.jpg\"} }", "a source has no name" },
        { "{ \"sources\": {\"a\": \"a.jpg\", \"b\": \"b.jpg\"} }", "has 2 sources" },
        { "{ " SOURCES ", \"people\": {\"p.jpg\": \"kin\"} }", "people.p.jpg: there is no source 'kin'; did you mean 'kim'?" },
        { "{ " SOURCES ", \"people\": {\"\": \"kim\"} }", "names nobody" },
        { "{ \"source\": \"kim\" }", "source: there is no source 'kim'" },
        { "{ \"settings\": 1 }", "settings: expected an object" },
        { "{ \"settings\": {\"opacty\": 1} }", "settings.opacty: unknown option 'opacty'; did you mean 'opacity'?" },
        { "{ \"settings\": {\"blend.opacity\": 1} }", "settings.blend.opacity: options are named without their group" },
        { "{ \"settings\": {\"opacity\": 1.5} }", "settings.opacity: --opacity: '1.5' is not a number in 0 .. 1" },
        { "{ \"settings\": {\"opacity\": \"1\"} }", "settings.opacity: --opacity takes a number, found text" },
        { "{ \"settings\": {\"redetect\": 2.5} }", "settings.redetect: --redetect takes a whole number, found a number" },
        { "{ \"settings\": {\"swap-eyes\": 1} }", "--swap-eyes takes true or false, found a whole number" },
        { "{ \"settings\": {\"steady\": \"calm\"} }", "--steady: 'calm' is not one of" },
        { "{ \"settings\": {\"detect-size\": 320} }", "--detect-size takes text, found a whole number" },
        { "{ \"ranges\": {} }", "ranges: expected a list" },
        { "{ \"ranges\": [5] }", "ranges[0]: expected an object" },
        { "{ \"ranges\": [{\"from\": 5, \"settings\": {}}] }", "ranges[0]: unknown key 'from'" },
        { "{ \"ranges\": [{\"start\": 5}] }", "ranges[0]: has no \"settings\"" },
        { "{ \"ranges\": [{\"settings\": {}}, {\"start\": \"x\", \"settings\": {}}] }", "ranges[1].start: 'x' is no place" },
        { "{ \"ranges\": [{\"end\": -1, \"settings\": {}}] }", "ranges[0].end: '-1' is no place" },
        { "{ \"ranges\": [{\"end\": true, \"settings\": {}}] }", "ranges[0].end: expected a place" },
        { "{ \"ranges\": [{\"settings\": {\"codec\": \"ffv1\"}}] }", "ranges[0].settings.codec: --codec holds for a whole clip" },
        { "{ \"ranges\": [{\"settings\": {\"opacity\": 7}}] }", "ranges[0].settings.opacity: --opacity: '7'" },
    };
    for (size_t i = 0; i < VI_COUNT(bad); i++) {
        viso_project *p;
        viso_error e = { 0 };
        write_text(bad[i].text);
        int rc = viso_project_load(&p, file, &e);
        if (rc != VISO_ERR_USAGE || p || !strstr(e.text, bad[i].says) || strncmp(e.text, file, strlen(file)) != 0)
            fail_msg("%s\n gives %d: %s\n expected: %s", bad[i].text, rc, e.text, bad[i].says);
    }
    viso_project *p;
    viso_error e = { 0 };
    char gone[96];
    snprintf(gone, sizeof gone, "%s/gone.json", dir);
    assert_int_equal(viso_project_load(&p, gone, &e), VISO_ERR_INPUT);
}

static void a_photograph_is_told_from_a_name(void **state)
{
    (void)state;
    viso_project *p;
    viso_swap_params q = { 0 };
    char name[96];
    snprintf(name, sizeof name, "%s/scan", dir);
    OK(vi_file_write(name, "x", 1, &err));
    write_text("{ \"sources\": {\"k\": \"k.jpg\"}, \"people\": {\"scan\": \"k\", \"dora\": \"k\"}, "
               "\"ranges\": [{\"settings\": {\"face\": \"scan\"}},"
               "{\"settings\": {\"face\": \"2\"}}, {\"settings\": {\"face\": \"dora\", \"preset\": \"mine\"}}, "
               "{\"settings\": {\"preset\": \"./x\"}}] }");
    OK(viso_project_load(&p, file, &err));
    viso_project_params(p, &q);
    is_in_folder(q.maps[0].person, "scan");
    assert_string_equal(q.maps[1].person, "dora");
    is_in_folder(q.at[0].value, "scan");
    assert_string_equal(q.at[1].value, "2");
    assert_string_equal(q.at[2].value, "dora");
    assert_string_equal(q.at[3].value, "mine");
    is_in_folder(q.at[4].value, "./x");
    viso_project_free(&p);
    unlink(name);
}

/* Saving where nothing is relative, and what cannot be said in JSON. */
static void saving_has_its_limits(void **state)
{
    (void)state;
    viso_options *o;
    const char *photo[] = { "/a/x.jpg" };
    const viso_map map[] = { { "dora", "/a/x.jpg" }, { "/b/y.jpg", "/b/x.jpg" } };
    viso_swap_params q = { .sources = photo, .n_source = 1, .maps = map, .n_map = 2, .target = "/c/t.mp4" };
    OK(viso_options_create(&o, &err));
    OK(viso_project_save(file, &q, o, &err));
    viso_project *p;
    viso_project_source s;
    viso_swap_params r = { 0 };
    OK(viso_project_load(&p, file, &err));
    viso_project_params(p, &r);
    assert_string_equal(r.sources[0], "/a/x.jpg");
    assert_string_equal(r.maps[0].source, "/a/x.jpg");
    assert_string_equal(r.maps[1].source, "/b/x.jpg");
    assert_int_equal(viso_project_source_at(p, 1, &s), VISO_OK);
    assert_string_equal(s.name, "x-2"); /* another photograph of the same name */
    assert_int_equal(viso_project_source_at(p, 2, &s), VISO_ERR_USAGE);
    assert_null(r.out);
    viso_project_free(&p);
    q.target = "/c/\xff.mp4";
    err = (viso_error){ 0 };
    assert_int_equal(viso_project_save(file, &q, o, &err), VISO_ERR_USAGE);
    assert_non_null(strstr(err.text, "UTF-8"));
    err = (viso_error){ 0 };
    assert_int_equal(viso_project_save("/no/such/folder/p.json", &q, o, &err), VISO_ERR_USAGE);
    viso_options_destroy(&o);
}

static void too_little_memory_is_a_fault(void **state)
{
    (void)state;
    int failed = 0;
    write_text(whole);
    for (int n = 0; n < 1000; n++) {
        viso_project *p;
        viso_error e = { 0 };
        vi_alloc_fail_after(n);
        int rc = viso_project_load(&p, file, &e);
        vi_alloc_fail_after(-1);
        viso_project_free(&p);
        if (!rc)
            break;
        assert_int_equal(rc, VISO_ERR_NO_SPACE);
        failed++;
    }
    assert_true(failed > 20);
}

/* Every option of the table is in the schema, and those of ranges are those that viso_at_check lets through. */
static void the_schema_knows_every_option(void **state)
{
    (void)state;
    char *schema = viso_project_schema(), key[80];
    viso_option_info o;
    assert_non_null(schema);
    const char *ranges = strstr(schema, "\"ranges\": {");
    assert_non_null(ranges);
    for (int i = 0; viso_option_describe(i, &o) == 0; i++) {
        snprintf(key, sizeof key, "\"%s\": {", o.key);
        const char *at = strstr(schema, key);
        if (!at || at > ranges)
            fail_msg("the schema lacks %s", o.key);
        viso_options *defaults;
        char value[300];
        OK(viso_options_create(&defaults, &err));
        OK(viso_options_get(defaults, o.key, value, sizeof value, &err));
        viso_options_destroy(&defaults);
        viso_at a = { NULL, NULL, o.key, value };
        bool taken = viso_at_check(&a, 1, NULL) == 0, there = strstr(ranges, key) != NULL && strcmp(o.key, "start") && strcmp(o.key, "end");
        if (taken != there || taken != ((o.flags & VISO_OPTION_IN_RANGE) != 0))
            fail_msg("%s: taken in a range: %d, in its schema: %d", o.key, taken, there);
    }
    viso_text_free(schema);
}

/* The example of the document is a project. */
static void the_documents_example_is_read(void **state)
{
    (void)state;
    const char *path = getenv("VISO_TEST_PROJECT_PAGE");
    uint8_t *data;
    size_t size;
    assert_non_null(path);
    OK(vi_file_read(path, 1 << 20, &data, &size, &err));
    char *from = strstr((char *)data, "```json\n"), *to = from ? strstr(from + 8, "```") : NULL;
    assert_non_null(to);
    *to = 0;
    write_text(from + 8);
    viso_project *p;
    viso_swap_params q = { 0 };
    OK(viso_project_load(&p, file, &err));
    viso_project_params(p, &q);
    assert_true(q.n_source > 0 && q.n_map > 0 && q.n_at > 1 && q.target && q.out);
    viso_project_free(&p);
    vi_free(data);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_project_is_read),
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(little_is_enough),
        cmocka_unit_test(each_fault_names_its_place),
        cmocka_unit_test(a_photograph_is_told_from_a_name),
        cmocka_unit_test(saving_has_its_limits),
        cmocka_unit_test(too_little_memory_is_a_fault),
        cmocka_unit_test(the_schema_knows_every_option),
        cmocka_unit_test(the_documents_example_is_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
