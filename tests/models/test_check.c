/* Which provider a model is loaded on, what the session is told, and whether its numbers are right there: with a layer
 * beneath that fails and lies when told to, with starter models, and with real ones of many makers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../infer/fake.h"
#include "../models_folder.h"
#include "../test.h"
#include "models/answers.h"
#include "models/internal.h"
#include "models/onnx_write.h"

static models_folder folder;
static viso_error err;
static fake_plan plan;

/* y = x + 1, x [1,c,h,w] with sides that are open where they are negative. */
static void put_net(const char *file, const int64_t dim[4])
{
    uint8_t *data;
    size_t size;
    static const int64_t one[1] = {1};
    vi_onnx *g = vi_onnx_begin(1 << 20);
    vi_onnx_input(g, "x", dim, 4);
    vi_onnx_floats(g, "c", one, 1)[0] = 1;
    vi_onnx_node(g, "Add", "y", "x", "c");
    vi_onnx_output(g, "y", dim, 4);
    OK(vi_onnx_finish(g, "small", "small", &data, &size, &err));
    vi_onnx_free(&g);
    OK(models_folder_put_file(&folder, file, data, size, &err));
    vi_free(data);
}

#define ROW(id, more, shape) \
    "{\"id\": \"" id "\", \"role\": \"test\", \"label\": \"a test\", \"file\": \"" id ".onnx\", \"licence\": \"MIT\", " \
    "\"commercial\": \"yes\"" more ", \"inputs\": [{\"role\": \"image\", \"tensor\": \"x\", \"shape\": " shape "}], " \
    "\"outputs\": [{\"role\": \"result\", \"tensor\": \"y\", \"shape\": " shape "}]}"

static const int64_t fixed[4] = {1, 3, 8, 8}, open_sides[4] = {-1, 3, -1, -1};

static int make_folder(void **state)
{
    (void)state;
    if (models_folder_open(&folder, 0, &err))
        return -1;
    put_net("plain.onnx", fixed);
    put_net("modest.onnx", fixed);
    put_net("halved.onnx", fixed);
    put_net("open.onnx", open_sides);
    return models_folder_put_rows(&folder, "test", ROW("plain", "", "[1, 3, 8, 8]") ","
        ROW("modest", ", \"provider_hint\": \"cuda\"", "[1, 3, 8, 8]") ","
        ROW("halved", ", \"precision_hint\": \"fp16\"", "[1, 3, 8, 8]") ","
        ROW("open", "", "[1, 3, -1, -1]"), NULL, &err);
}

static int drop_folder(void **state)
{
    (void)state;
    models_folder_close(&folder);
    return 0;
}

static vi_models *open_with(const vi_models_params *p)
{
    vi_models *m;
    vi_models_params own = *p;
    own.dir = folder.dir;
    OK(vi_models_open(&m, &own, &err));
    OK(vi_models_runtime(m, &err));
    fake_under(&plan, m->runtime);
    return m;
}

static const char *provider_of(vi_models *m, const char *id)
{
    vi_session *s;
    OK(vi_models_session(m, id, &s, NULL, &err));
    return vi_session_provider(s);
}

/* --- where a model runs ----------------------------------------------------------------------------------------- */

static void without_a_word_it_is_the_processor(void **state)
{
    vi_models *m = open_with(&(vi_models_params){0});
    assert_string_equal(provider_of(m, "plain"), "cpu");
    assert_int_equal(plan.loads, 1);
    vi_models_close(&m);
}

static void choice_hint_and_override(void **state)
{
    vi_models *m = open_with(&(vi_models_params){.provider = "auto"});
    assert_string_equal(provider_of(m, "plain"), "tensorrt");
    assert_string_equal(provider_of(m, "modest"), "cuda");
    vi_models_close(&m);
    m = open_with(&(vi_models_params){.provider = "cuda", .provider_for = "plain=cpu,modest=tensorrt,halved=auto"});
    assert_string_equal(provider_of(m, "plain"), "cpu");
    assert_string_equal(provider_of(m, "modest"), "tensorrt"); /* over its own hint */
    assert_string_equal(provider_of(m, "halved"), "tensorrt");
    assert_string_equal(provider_of(m, "open"), "cuda");
    vi_models_close(&m);
}

static void wrong_words_are_refused_at_open(void **state)
{
    static const struct {
        vi_models_params p;
        const char *part;
    } bad[] = {
        {{.provider = "gpu"}, "'gpu' is none of auto, tensorrt, cuda, cpu"},
        {{.provider_for = "nobody=cpu"}, "there is no model 'nobody'"},
        {{.provider_for = "plain=gpu"}, "plain: provider 'gpu'"},
        {{.provider_for = "plain"}, "'plain' is not of the form MODEL=PROVIDER"},
        {{.provider_for = "=cpu"}, "'=cpu' is not of the form"},
        {{.provider_for = "plain=cpu,,modest=cpu"}, "'' is not of the form"},
    };
    for (size_t i = 0; i < VI_COUNT(bad); ++i) {
        vi_models *m;
        vi_models_params p = bad[i].p;
        p.dir = folder.dir;
        err = (viso_error){0};
        assert_int_equal(vi_models_open(&m, &p, &err), VISO_ERR_USAGE);
        if (!strstr(err.text, bad[i].part))
            fail_msg("'%s' does not say '%s'", err.text, bad[i].part);
    }
}

static void a_fall_back_is_told_and_counted(void **state)
{
    vi_models *m = open_with(&(vi_models_params){.provider = "auto"});
    vi_device_counts c;
    vi_model_use use[4];
    vi_models_counts(m, &c);
    assert_int_equal(c.loads[VI_TENSORRT] + c.loads[VI_CUDA] + c.loads[VI_CPU], 0);
    assert_int_equal(vi_models_uses(m, use, 4), 0);
    plan.load_fails[VI_TENSORRT] = true;
    assert_string_equal(provider_of(m, "plain"), "cuda");
    assert_string_equal(provider_of(m, "halved"), "cuda"); /* tensorrt is off by now: not tried again, and said all the same */
    assert_int_equal(vi_models_uses(m, use, 4), 2);
    for (int i = 0; i < 2; ++i) {
        assert_string_equal(use[i].provider, "cuda");
        assert_non_null(strstr(use[i].fell_back, "tensorrt: plain: tensorrt does not want it"));
        assert_true(use[i].load_ms > 0);
    }
    assert_string_equal(use[0].row->id, "plain");
    vi_models_counts(m, &c);
    assert_int_equal(c.failures[VI_TENSORRT], 1);
    assert_int_equal(c.loads[VI_CUDA], 2);
    vi_models_close(&m);
    /* What is not there is no fall-back of auto, but it is when it was asked for. */
    for (int named = 0; named < 2; ++named) {
        m = open_with(&(vi_models_params){.provider = named ? "tensorrt" : "auto"});
        plan.missing[VI_TENSORRT] = "libnvinfer is not there";
        assert_string_equal(provider_of(m, "plain"), "cuda");
        assert_int_equal(vi_models_uses(m, use, 4), 1);
        assert_string_equal(use[0].fell_back, named ? "tensorrt: libnvinfer is not there" : "");
        vi_models_close(&m);
    }
}

static void strict_fails_instead(void **state)
{
    vi_session *s;
    vi_models *m = open_with(&(vi_models_params){.provider = "cuda", .strict = true});
    plan.missing[VI_CUDA] = "no NVIDIA driver";
    err = (viso_error){0};
    assert_int_equal(vi_models_session(m, "plain", &s, NULL, &err), VISO_ERR_DEVICE);
    assert_non_null(strstr(err.text, "plain: cuda cannot be used"));
    assert_non_null(strstr(err.text, "no NVIDIA driver"));
    vi_models_close(&m);
}

/* --- what a session is told ------------------------------------------------------------------------------------- */

static void sessions_are_told_what_they_need(void **state)
{
    char sha[65], path[512];
    snprintf(path, sizeof path, "%s/halved.onnx", folder.dir);
    OK(vi_sha256_file(path, sha, &err));
    vi_models *m = open_with(&(vi_models_params){.provider = "auto", .cache_dir = "/nowhere/at all", .intra_threads = 3});
    provider_of(m, "plain");
    assert_int_equal(plan.last[VI_TENSORRT].precision, VI_FP32);
    assert_int_equal(plan.last[VI_TENSORRT].n_profile, 0); /* nothing is open */
    assert_int_equal(plan.last[VI_TENSORRT].threads, 3);
    provider_of(m, "halved");
    assert_int_equal(plan.last[VI_TENSORRT].precision, VI_FP16);
    assert_string_equal(plan.digest, sha);
    assert_string_equal(plan.cache_dir, "/nowhere/at all");
    provider_of(m, "open");
    assert_int_equal(plan.last[VI_TENSORRT].n_profile, 1);
    static const int64_t least[4] = {1, 3, 128, 128}, usual[4] = {1, 3, 256, 256}, most[4] = {1, 3, 512, 512};
    assert_memory_equal(plan.profile.min, least, sizeof least);
    assert_memory_equal(plan.profile.opt, usual, sizeof usual);
    assert_memory_equal(plan.profile.max, most, sizeof most);
    vi_models_close(&m);
    /* In the user's cache folder if nothing else is said; the fake one is $XDG_CACHE_HOME of the folder. */
    m = open_with(&(vi_models_params){.provider = "auto"});
    provider_of(m, "plain");
    assert_non_null(strstr(plan.cache_dir, "/.own/viso"));
    vi_models_close(&m);
}

static void a_model_is_run_once_on_a_device(void **state)
{
    static const char *const on[] = {"cuda", "cpu"};
    for (int i = 0; i < 2; ++i) {
        vi_models *m = open_with(&(vi_models_params){.provider = on[i], .warm_up = true});
        plan.runs_left[VI_CUDA] = 0; /* the warm-up finds out, before a frame does */
        assert_string_equal(provider_of(m, "plain"), "cpu");
        assert_int_equal(plan.loads, i ? 1 : 2);
        vi_models_close(&m);
    }
}

static void warming_up_tells_times(void **state)
{
    vi_models *m = open_with(&(vi_models_params){.provider = "cuda"});
    vi_model_warm w;
    OK(vi_models_warm(m, "open", &w, &err));
    assert_string_equal(w.provider, "cuda");
    assert_string_equal(w.fell_back, "");
    assert_true(w.load_ms > 0 && w.first_ms > 0 && w.second_ms > 0);
    plan.runs_left[VI_CUDA] = 1; /* and the second one falls: the line tells where it ended */
    OK(vi_models_warm(m, "plain", &w, &err));
    assert_string_equal(w.provider, "cpu");
    assert_non_null(strstr(w.fell_back, "enqueue error on cuda"));
    err = (viso_error){0};
    assert_int_equal(vi_models_warm(m, "nobody", &w, &err), VISO_ERR_MODEL);
    vi_models_close(&m);
}

/* --- right and wrong numbers ------------------------------------------------------------------------------------ */

static vi_model_result check(vi_models *m, const char *id, vi_provider p)
{
    vi_model_result r;
    OK(vi_models_check(m, id, p, &r, &err));
    return r;
}

static void a_provider_that_lies_is_found_out(void **state)
{
    vi_models *m = open_with(&(vi_models_params){.provider = "auto"});
    vi_model_result r = check(m, "plain", VI_CPU);
    assert_int_equal(r.state, VI_ANSWER_UNKNOWN); /* nobody stored an answer, and the processor is the judge of the others */
    assert_false(r.stored);
    r = check(m, "plain", VI_CUDA);
    assert_int_equal(r.state, VI_ANSWER_RIGHT);
    assert_true(r.difference == 0 && r.load_ms > 0 && r.first_ms > 0 && r.second_ms > 0);
    r = check(m, "open", VI_TENSORRT); /* of open sizes */
    assert_int_equal(r.state, VI_ANSWER_RIGHT);
    plan.garbage[VI_CUDA] = 0.5f;
    r = check(m, "plain", VI_CUDA);
    assert_int_equal(r.state, VI_ANSWER_WRONG);
    assert_string_equal(r.text, "result: number 0 is 1.5, 1 is right");
    assert_int_equal(check(m, "open", VI_CUDA).state, VI_ANSWER_WRONG);
    assert_int_equal(check(m, "plain", VI_TENSORRT).state, VI_ANSWER_RIGHT);
    plan.garbage[VI_CUDA] = NAN;
    r = check(m, "plain", VI_CUDA);
    assert_int_equal(r.state, VI_ANSWER_WRONG);
    assert_string_equal(r.text, "result: holds NaN or infinity");
    plan.garbage[VI_CPU] = NAN;
    assert_int_equal(check(m, "plain", VI_CPU).state, VI_ANSWER_WRONG);
    vi_models_close(&m);
}

static void half_precision_gets_its_tolerance(void **state)
{
    vi_models *m = open_with(&(vi_models_params){.provider = "auto"});
    plan.garbage[VI_CUDA] = 0.01f; /* of magnitudes to 2 */
    assert_int_equal(check(m, "plain", VI_CUDA).state, VI_ANSWER_WRONG);
    assert_int_equal(check(m, "halved", VI_CUDA).state, VI_ANSWER_RIGHT);
    plan.garbage[VI_CUDA] = 0.1f;
    assert_int_equal(check(m, "halved", VI_CUDA).state, VI_ANSWER_WRONG);
    vi_models_close(&m);
}

static void a_provider_that_fails_is_a_result(void **state)
{
    vi_models *m = open_with(&(vi_models_params){.provider = "auto"});
    plan.load_fails[VI_TENSORRT] = true;
    vi_model_result r = check(m, "plain", VI_TENSORRT);
    assert_int_equal(r.state, VI_ANSWER_FAILED);
    assert_non_null(strstr(r.text, "tensorrt does not want it"));
    plan.runs_left[VI_CUDA] = 1; /* the second run */
    r = check(m, "plain", VI_CUDA);
    assert_int_equal(r.state, VI_ANSWER_FAILED);
    assert_non_null(strstr(r.text, "enqueue error on cuda"));
    plan.runs_left[VI_CUDA] = -1;
    plan.load_fails[VI_TENSORRT] = false;
    assert_string_equal(provider_of(m, "plain"), "tensorrt"); /* a test switches nothing off for the job */
    err = (viso_error){0};
    assert_int_equal(vi_models_check(m, "nobody", VI_CPU, &r, &err), VISO_ERR_MODEL);
    assert_int_equal(vi_models_check(m, "face_mesh_canonical", VI_CPU, &r, &err), VISO_ERR_MODEL);
    vi_models_close(&m);
}

/* Every installed network gives its stored answer; on a pretended device too. How many there were. What a new row lacks is
 * said. */
static int check_installed(vi_models *m)
{
    int n = 0;
    for (int i = 0; i < vi_models_count(m); ++i) {
        const vi_model_row *row = vi_models_row(m, i);
        if (row->n_role == 0 || strcmp(row->role, "test") == 0 || strcmp(vi_models_state(m, i, false), "installed") != 0)
            continue;
        bool stored = false;
        for (vi_provider p = VI_CUDA; p <= VI_CPU; ++p) {
            vi_model_result r = check(m, row->id, p);
            stored = r.stored;
            if (r.state != VI_ANSWER_RIGHT && (stored || r.state != VI_ANSWER_UNKNOWN))
                fail_msg("%s on %s: %s (%g)", row->id, vi_provider_name(p), r.text, r.difference);
        }
        if (!stored)
            fprintf(stderr, "%s has no answer in models/known-answers.json yet (tools/known_answers.c)\n", row->id);
        n += stored;
    }
    return n;
}

static void starter_models_are_right(void **state)
{
    vi_models *m = open_with(&(vi_models_params){.provider = "auto"});
    int n = check_installed(m);
    vi_models_close(&m);
    if (n == 0)
        skip(); /* the starter models were not made */
    assert_int_equal(n, 5);
}

static void public_models_are_right(void **state)
{
    models_folder keep = folder;
    if (!models_folder_has_shared())
        skip();
    OK(models_folder_open(&folder, MODELS_FOLDER_SHARED, &err));
    vi_models *m = open_with(&(vi_models_params){.provider = "auto"});
    int n = check_installed(m);
    vi_models_close(&m);
    models_folder_close(&folder);
    folder = keep;
    assert_true(n > 10);
}

/* The same graph with other weights: digest and contract are right, the numbers are not. */
static void other_weights_are_found_out(void **state)
{
    uint8_t *data;
    size_t size;
    char path[1024];
    snprintf(path, sizeof path, "%s/mobilefacenet.onnx", getenv("VISO_MODELS"));
    if (!vi_file_exists(path))
        skip();
    for (int with = 0; with < 2; ++with) {
        OK(vi_file_read(path, (size_t)1 << 30, &data, &size, &err));
        /* In the midst of the weights: some signs the other way round; or NaN, whatever byte a number begins at. */
        for (size_t i = size / 2; i < size / 2 + 20000; ++i)
            data[i] = with ? 0xff : data[i] ^ 0x80;
        OK(models_folder_put(&folder, "mobilefacenet", data, size, &err));
        vi_free(data);
        vi_models *m = open_with(&(vi_models_params){.provider = "auto"});
        vi_model_result r = check(m, "mobilefacenet", VI_CPU);
        assert_int_equal(r.state, VI_ANSWER_WRONG);
        assert_true(r.stored);
        if (!strstr(r.text, with ? "embedding: holds NaN" : "is right"))
            fail_msg("%s", r.text);
        vi_models_close(&m);
    }
}

static void damaged_answers_are_an_error(void **state)
{
    static const char *const bad[] = {
        "{\"models\": {\"plain\": {\"outputs\": {\"result\": {\"size\": 192, \"mean\": 1}}}}}",
        "{\"models\": {\"plain\": {\"outputs\": {\"result\": {\"size\": -1, \"mean\": 1, \"absmax\": 2, \"first\": [1]}}}}}",
        "{\"models\": {\"plain\": {\"outputs\": {\"result\": {\"size\": 9, \"mean\": 1, \"absmax\": 2, \"first\": [1, \"2\"]}}}}}",
        "{\"models\": ",
    };
    vi_model_result r;
    vi_models *m = open_with(&(vi_models_params){.provider = "auto"});
    for (size_t i = 0; i < VI_COUNT(bad); ++i) {
        OK(models_folder_put_file(&folder, "known-answers.json", bad[i], strlen(bad[i]), &err));
        err = (viso_error){0};
        assert_int_equal(vi_models_check(m, "plain", VI_CPU, &r, &err), VISO_ERR_MODEL);
        assert_non_null(strstr(err.text, "known-answers.json"));
    }
    /* One that is right, and one that is not. */
    static const char good[] = "{\"models\": {\"plain\": {\"outputs\": {\"result\": {\"size\": 192, \"mean\": %s, \"absmax\": "
                               "1.996094, \"first\": [1, 1.144531, 1.289063], \"spread\": []}}}}}";
    for (int i = 0; i < 2; ++i) {
        char text[300];
        int n = snprintf(text, sizeof text, good, i ? "1.6" : "1.490234");
        OK(models_folder_put_file(&folder, "known-answers.json", text, (size_t)n, &err));
        r = check(m, "plain", VI_CPU);
        if (r.state != (i ? VI_ANSWER_WRONG : VI_ANSWER_RIGHT))
            fail_msg("%d: %s", i, r.text);
        assert_true(r.stored);
    }
    vi_models_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_word_it_is_the_processor), cmocka_unit_test(choice_hint_and_override),
        cmocka_unit_test(wrong_words_are_refused_at_open), cmocka_unit_test(a_fall_back_is_told_and_counted),
        cmocka_unit_test(strict_fails_instead), cmocka_unit_test(sessions_are_told_what_they_need),
        cmocka_unit_test(a_model_is_run_once_on_a_device), cmocka_unit_test(warming_up_tells_times),
        cmocka_unit_test(a_provider_that_lies_is_found_out), cmocka_unit_test(half_precision_gets_its_tolerance),
        cmocka_unit_test(a_provider_that_fails_is_a_result), cmocka_unit_test(starter_models_are_right),
        cmocka_unit_test(public_models_are_right), cmocka_unit_test(other_weights_are_found_out),
        cmocka_unit_test(damaged_answers_are_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
