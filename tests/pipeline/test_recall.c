/* tests/pipeline/test_recall.c: records of made-up faces through the cache and back: the same bytes under the same settings, another
 * key for whatever changes the analysis and the same for what does not, parts, numbers of slots, and nothing that fails a run. */
#include "../at_once.h"
#include "../test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face/record.h"
#include "pipeline/groups.h"
#include "pipeline/recall_key.h"

static char dir[64], clip[128], folder[128], logged[2048];
static vi_models *models;
static viso_error err;
static vi_work from, to;

typedef struct setup { /* one run's parameters */
    vi_settings *settings;
    vi_context context;
    vi_media_info info;
    vi_analyser_params analysis;
    vi_recall_params p;
} setup;

static void on_log(void *user, viso_log_level level, const char *object, const char *text)
{
    (void)user, (void)object;
    size_t used = strlen(logged);
    if (level <= VISO_LOG_INFO)
        snprintf(logged + used, sizeof logged - used, "%s\n", text);
}

/* settings: "key=value …" */
static void begin(setup *s, const char *settings)
{
    const vi_option_group *const *groups;
    char text[512];
    int n = vi_all_groups(&groups);
    memset(s, 0, sizeof *s);
    OK(vi_settings_create(&s->settings, groups, n, &err));
    OK(vi_settings_set(s->settings, "cache", folder, &err));
    snprintf(text, sizeof text, "%s", settings);
    for (char *save = NULL, *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *sign = strchr(word, '=');
        *sign = 0;
        OK(vi_settings_set(s->settings, word, sign + 1, &err));
    }
    const vi_run_settings *run = vi_settings_group(s->settings, "run");
    s->context = (vi_context){ vi_kernels_get(vi_run_cpu_mask(run)), models, s->settings, run, { on_log, NULL, VISO_LOG_TRACE, "test" } };
    s->info = (vi_media_info){ .kind = VI_MEDIA_VIDEO, .width = 320, .height = 240, .time_base_num = 1, .time_base_den = 1000 };
    s->analysis = (vi_analyser_params){ .time = true, .embed = true, .wants = VISO_FACE_HAS_MESH };
    s->p = (vi_recall_params){ &s->context, clip, &s->info, &s->analysis, "", false };
    logged[0] = 0;
}

static void end(setup *s)
{
    vi_settings_destroy(&s->settings);
}

static vi_recall *open_recall(setup *s)
{
    vi_recall *r;
    OK(vi_recall_open(&r, &s->p, &err));
    assert_non_null(r);
    return r;
}

/* The frame at a time: up to two persons; the second comes with frame 30, leaves with 60, and another one takes the slot at 70. */
static void make(int frame)
{
    static uint64_t used[2];
    memset(&from, 0, sizeof from);
    if (frame == 0)
        memset(used, 0, sizeof used);
    from.cut = frame == 0;
    from.count.networks = 3;
    from.count.looks = 1;
    from.count.born = frame == 0 || frame == 30 || frame == 70;
    for (int i = 0; i < 2; i++) {
        bool there = i == 0 || (frame >= 30 && frame < 60) || frame >= 70;
        if (!there)
            continue;
        vi_face *f = &from.face[from.n_face++];
        f->slot = i;
        f->source = -1;
        f->ordinal = used[i]++;
        f->fresh = frame == 0 || (i == 1 && (frame == 30 || frame == 70));
        f->f.track = i + (i == 1 && frame >= 70);
        f->fade = 1;
        f->f.has = VISO_FACE_HAS_BOX | VISO_FACE_HAS_MESH | VISO_FACE_HAS_MARKS | VISO_FACE_HAS_EMBEDDING;
        f->f.embedding_size = 192;
        for (int k = 0; k < VISO_MESH_POINTS; k++)
            f->f.mesh[k] = (viso_point3){ (float)(frame + k), (float)(i * 100 + k) * 0.5f, (float)k };
        for (int k = 0; k < 192; k++)
            f->f.embedding[k] = (float)(k + i) * 0.001f;
        f->f.marks.set = f->f.marks.count = 468;
        memcpy(f->f.marks.point, f->f.mesh, sizeof f->f.mesh[0] * 468);
        snprintf(f->f.marks.model, sizeof f->f.marks.model, "a model");
    }
}

enum { FRAMES = 100, TICK = 40 };

static void record(setup *s, int first, int n, int64_t end_pts, bool whole)
{
    vi_recall *r = open_recall(s);
    assert_false(vi_recall_replays(r, first * TICK, end_pts));
    make(0);
    for (int i = 1; i < first; i++)
        make(i); /* counts */
    for (int i = first; i < first + n; i++) {
        make(i);
        vi_recall_put(r, i * TICK, &from);
    }
    vi_recall_close(&r, whole);
}

static bool replays(setup *s, int first, int64_t end_pts)
{
    vi_recall *r;
    OK(vi_recall_open(&r, &s->p, &err));
    bool yes = r && vi_recall_replays(r, first * TICK, end_pts);
    vi_recall_close(&r, true);
    return yes;
}

static void forget_all(void)
{
    char command[200];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void bytes_of(const vi_work *w, vi_blob *b)
{
    static vi_work same;
    same = *w;
    memset(&same.count, 0, sizeof same.count); /* compared by themselves */
    vi_blob_clear(b);
    vi_work_put(b, &same);
}

/* ---- the records ---- */

static void records_come_back(void **state)
{
    (void)state;
    setup s;
    vi_blob a = { 0 }, b = { 0 };
    forget_all();
    begin(&s, "");
    record(&s, 0, FRAMES, INT64_MAX, true);
    assert_string_equal(logged, "");
    vi_recall *r = open_recall(&s);
    assert_true(vi_recall_replays(r, 0, INT64_MAX));
    assert_true(vi_recall_replays(r, 0, INT64_MAX)); /* decided once */
    for (int i = 0; i < FRAMES; i++) {
        make(i);
        memset(&to, 0, sizeof to);
        to.want_detect = true;
        OK(vi_recall_get(r, i * TICK, &to, &err) ? 0 : 1);
        assert_int_equal(to.count.networks, 0); /* nothing ran */
        assert_int_equal(to.count.looks, 0);
        assert_int_equal(to.count.born, from.count.born);
        assert_false(to.want_detect);
        bytes_of(&from, &a);
        bytes_of(&to, &b);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
    }
    print_message("%.1f KB a frame with up to two faces\n", (double)a.size / 1024);
    vi_recall_put(r, FRAMES * TICK, &from); /* nothing */
    vi_recall_close(&r, true);
    end(&s);
    vi_blob_free(&a);
    vi_blob_free(&b);
}

/* A part begins with a cut, fresh faces, and slots counted from 0 without holes. */
static void parts_are_numbered_anew(void **state)
{
    (void)state;
    setup s;
    uint64_t used[2] = { 0 };
    begin(&s, "");
    assert_true(replays(&s, 0, INT64_MAX)); /* of the test before */
    vi_recall *r = open_recall(&s);
    assert_true(vi_recall_replays(r, 50 * TICK, 90 * TICK));
    for (int i = 50; i < 90; i++) {
        OK(vi_recall_get(r, i * TICK, &to, &err) ? 0 : 1);
        assert_int_equal(to.cut, i == 50);
        for (int k = 0; k < to.n_face; k++) {
            const vi_face *f = &to.face[k];
            assert_int_equal(f->ordinal, used[f->slot]++);
            assert_int_equal(f->fresh, i == 50 || (f->slot == 1 && i == 70));
            assert_float_equal(f->f.mesh[0].x, i, 0);
        }
    }
    assert_int_equal(used[0], 40);
    assert_int_equal(used[1], 30);
    vi_recall_close(&r, true);
    end(&s);
}

/* A run that goes on after a break counts what came before it. */
static void a_resumed_run_keeps_the_numbers(void **state)
{
    (void)state;
    setup s;
    begin(&s, "");
    s.p.resumed = true;
    vi_recall *r = open_recall(&s);
    assert_true(vi_recall_replays(r, 0, INT64_MAX)); /* the beginning of all, not of the rest */
    make(0);
    for (int i = 1; i < FRAMES; i++) {
        make(i);
        if (i < 75)
            continue;
        OK(vi_recall_get(r, i * TICK, &to, &err) ? 0 : 1);
        assert_int_equal(to.n_face, 2);
        assert_false(to.cut); /* it is the middle of something */
        for (int k = 0; k < 2; k++)
            assert_int_equal(to.face[k].ordinal, from.face[k].ordinal);
    }
    vi_recall_close(&r, true);
    forget_all();
    r = open_recall(&s);
    assert_false(vi_recall_replays(r, 0, INT64_MAX));
    vi_recall_put(r, 0, &from);
    vi_recall_close(&r, true);
    s.p.resumed = false;
    assert_false(replays(&s, 0, INT64_MAX)); /* nothing was recorded */
    end(&s);
}

static void parts_answer_parts(void **state)
{
    (void)state;
    setup s;
    forget_all();
    begin(&s, "");
    record(&s, 20, 30, 50 * TICK, true);
    assert_true(replays(&s, 20, 50 * TICK));
    assert_true(replays(&s, 25, 40 * TICK));
    assert_false(replays(&s, 25, INT64_MAX)); /* drops what it began */
    assert_false(replays(&s, 0, 30 * TICK));
    record(&s, 0, FRAMES, INT64_MAX, true);
    assert_true(replays(&s, 0, 30 * TICK));
    assert_true(replays(&s, 99, INT64_MAX));
    end(&s);
}

static void what_is_not_whole_is_dropped(void **state)
{
    (void)state;
    setup s;
    forget_all();
    begin(&s, "");
    record(&s, 0, FRAMES, INT64_MAX, false);
    assert_false(replays(&s, 0, INT64_MAX));
    vi_recall *r = open_recall(&s); /* two frames of one time cannot be told apart */
    assert_false(vi_recall_replays(r, 0, INT64_MAX));
    make(0);
    vi_recall_put(r, 0, &from);
    vi_recall_put(r, 0, &from);
    vi_recall_close(&r, true);
    assert_non_null(strstr(logged, "same time"));
    assert_false(replays(&s, 0, INT64_MAX));
    end(&s);
}

/* ---- the key ---- */

static void key_of(const char *settings, char key[65])
{
    setup s;
    begin(&s, settings);
    OK(vi_recall_key(&s.p, key, &err));
    end(&s);
}

static void the_key_follows_what_matters(void **state)
{
    (void)state;
    static const char *const other[] = {
        "detect-score=0.7", "max-faces=3", "presence=0.6", "redetect=5", "smooth=0.1", "gap=0", "match=0.5", "crop-type=opal",
        "hardware-decode=auto", "cpu-mask=c", "detector=yunet_n", "landmarks=auto",
    };
    static const char *const same[] = {
        "opacity=0.5", "swap-steady=0.1", "crf=30", "threads=3", "ring=20", "gallery=/x/g.db", "merge=median", "cache-size=5M",
        "face=largest", "start=1",
        "max-ram=1G", "force=true",
    };
    char base[65], key[65];
    key_of("", base);
    key_of("", key);
    assert_string_equal(base, key);
    for (size_t i = 0; i < VI_COUNT(other) + VI_COUNT(same); i++) {
        const char *set = i < VI_COUNT(other) ? other[i] : same[i - VI_COUNT(other)];
        key_of(set, key);
        if ((strcmp(base, key) == 0) != (i >= VI_COUNT(other)))
            fail_msg("%s: the key is %s", set, i < VI_COUNT(other) ? "the same" : "another one");
    }
    /* What is not a setting. */
    setup s;
    begin(&s, "");
    s.analysis.wants |= VISO_FACE_HAS_BLENDSHAPES;
    OK(vi_recall_key(&s.p, key, &err));
    assert_string_not_equal(base, key);
    s.analysis.wants = VISO_FACE_HAS_MESH;
    s.p.parts = "0-5 detect-score=0.7";
    OK(vi_recall_key(&s.p, key, &err));
    assert_string_not_equal(base, key);
    s.p.parts = "";
    s.info.width = 322;
    OK(vi_recall_key(&s.p, key, &err));
    assert_string_not_equal(base, key);
    s.info.width = 320;
    s.analysis.embed = false;
    OK(vi_recall_key(&s.p, base, &err));
    end(&s);
    begin(&s, "match=0.5"); /* without embeddings recognition is no matter */
    s.analysis.embed = false;
    OK(vi_recall_key(&s.p, key, &err));
    assert_string_equal(base, key);
    end(&s);
}

static void the_key_names_program_and_networks(void **state)
{
    (void)state;
    setup s;
    vi_blob text = { 0 };
    begin(&s, "");
    vi_recall_key_text(&s.p, &text);
    vi_blob_put(&text, "", 1);
    assert_false(text.failed);
    const char *line = strstr((char *)text.data, " build ");
    assert_non_null(line);
    assert_true(strcspn(line + 7, "\n") >= 8);
    if (strcmp(vi_models_state(models, 0, false), "installed") == 0)
        assert_non_null(strstr((char *)text.data, vi_models_find(models, "face_landmark_with_attention")->sha256));
    assert_null(strstr((char *)text.data, "inswapper"));
    vi_blob_free(&text);
    end(&s);
}

static void another_setting_is_another_run(void **state)
{
    (void)state;
    setup s;
    forget_all();
    begin(&s, "");
    record(&s, 0, FRAMES, INT64_MAX, true);
    end(&s);
    begin(&s, "opacity=0.5");
    assert_true(replays(&s, 0, INT64_MAX));
    end(&s);
    begin(&s, "detect-score=0.7");
    assert_false(replays(&s, 0, INT64_MAX));
    record(&s, 0, FRAMES, INT64_MAX, true);
    end(&s);
    begin(&s, "");
    assert_true(replays(&s, 0, INT64_MAX)); /* both are there */
    OK(vi_file_write(clip, "another clip of the same name", 29, &err));
    assert_false(replays(&s, 0, INT64_MAX));
    OK(vi_file_write(clip, "a clip", 6, &err));
    assert_true(replays(&s, 0, INT64_MAX));
    end(&s);
}

/* ---- what goes wrong ---- */

static void off_is_off(void **state)
{
    (void)state;
    setup s;
    vi_recall *r;
    forget_all();
    begin(&s, "cache=off");
    OK(vi_recall_open(&r, &s.p, &err));
    assert_null(r);
    end(&s);
    begin(&s, "");
    s.p.target = "/dev/null"; /* no file */
    OK(vi_recall_open(&r, &s.p, &err));
    assert_null(r);
    end(&s);
    begin(&s, "cache-size=lots");
    err = (viso_error){ 0 };
    assert_int_equal(vi_recall_open(&r, &s.p, &err), VISO_ERR_USAGE);
    assert_null(r);
    end(&s);
    assert_false(vi_file_exists(folder));
    begin(&s, "cache=/proc/no/such/place"); /* chosen, so it is said; and no more */
    OK(vi_recall_open(&r, &s.p, &err));
    assert_null(r);
    assert_non_null(strstr(logged, "/proc/no/such/place"));
    end(&s);
}

static void damage_ends_in_a_message(void **state)
{
    (void)state;
    setup s;
    uint8_t *data;
    size_t size;
    char path[200], wal[200];
    forget_all();
    begin(&s, "");
    record(&s, 0, FRAMES, INT64_MAX, true);
    snprintf(path, sizeof path, "%s/results.db", folder);
    snprintf(wal, sizeof wal, "%s/results.db-wal", folder);
    assert_false(vi_file_exists(wal)); /* the last one out puts all into the file */
    OK(vi_file_read(path, 1 << 26, &data, &size, &err));
    /* Somewhere in the middle of a mesh. */
    make(80);
    uint8_t *mesh = memmem(data, size, &from.face[0].f.mesh[100], 48);
    assert_non_null(mesh);
    mesh[5] ^= 1;
    OK(vi_file_write(path, data, size, &err));
    vi_recall *r = open_recall(&s);
    assert_true(vi_recall_replays(r, 0, INT64_MAX));
    bool good = true;
    int i = 0;
    for (; i < FRAMES && good; i++) {
        err = (viso_error){ 0 };
        good = vi_recall_get(r, i * TICK, &to, &err);
    }
    assert_false(good);
    assert_true(i <= 81);
    assert_int_equal(to.n_face, 0);
    assert_non_null(strstr(err.text, "run again"));
    vi_recall_close(&r, false);
    assert_false(replays(&s, 0, INT64_MAX)); /* the next run looks for itself */
    record(&s, 0, FRAMES, INT64_MAX, true);
    assert_true(replays(&s, 0, INT64_MAX));
    /* Taken away in the middle, and a frame that was never there. */
    r = open_recall(&s);
    assert_true(vi_recall_replays(r, 0, INT64_MAX));
    assert_true(vi_recall_get(r, 0, &to, &err));
    err = (viso_error){ 0 };
    assert_false(vi_recall_get(r, TICK + 1, &to, &err));
    vi_recall_close(&r, false);
    /* No database any more. */
    memset(data, 'x', size);
    OK(vi_file_write(path, data, size, &err));
    logged[0] = 0;
    record(&s, 0, FRAMES, INT64_MAX, true);
    assert_non_null(strstr(logged, "moved to"));
    assert_true(replays(&s, 0, INT64_MAX));
    vi_free(data);
    end(&s);
}

static void a_full_disk_is_no_failure(void **state)
{
    (void)state;
    setup s;
    forget_all();
    begin(&s, "");
    record(&s, 0, 5, 5 * TICK, true);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit least = { 200000, 200000 };
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &least);
        record(&s, 0, FRAMES, INT64_MAX, true);
        _exit(strstr(logged, "not kept") && !strstr(strstr(logged, "not kept") + 1, "not kept") ? 0 : 1); /* said once */
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_true(replays(&s, 0, 5 * TICK));
    assert_false(replays(&s, 0, INT64_MAX));
    end(&s);
}

static void too_much_is_not_kept(void **state)
{
    (void)state;
    setup s;
    forget_all();
    begin(&s, "cache-size=300K");
    record(&s, 0, FRAMES, INT64_MAX, true);
    assert_non_null(strstr(logged, "--cache-size"));
    assert_false(replays(&s, 0, INT64_MAX));
    record(&s, 0, 5, 5 * TICK, true);
    assert_true(replays(&s, 0, 5 * TICK));
    end(&s);
}

/* Two at once over one clip, and the folder is new to both: both end, and one of them is kept. */
static setup shared;

static int run_over_clip(int which)
{
    (void)which;
    vi_recall *r = open_recall(&shared);
    if (!vi_recall_replays(r, 0, INT64_MAX)) {
        for (int i = 0; i < FRAMES; i++) {
            make(i);
            vi_recall_put(r, i * TICK, &from);
            usleep(200);
        }
    }
    vi_recall_close(&r, true);
    bool odd = logged[0] && !strstr(logged, "earlier run");
    if (odd)
        fprintf(stderr, "%s", logged); /* for whoever reads of the failure */
    return odd;
}

static void two_at_once(void **state)
{
    (void)state;
    begin(&shared, "");
    for (int round = 0; round < 10; round++) {
        forget_all();
        logged[0] = 0;
        assert_int_equal(at_once(2, run_over_clip), 0);
        assert_true(replays(&shared, 0, INT64_MAX));
    }
    end(&shared);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/viso-recall.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(clip, sizeof clip, "%s/clip.mp4", dir);
    snprintf(folder, sizeof folder, "%s/kept", dir);
    OK(vi_file_write(clip, "a clip", 6, &err));
    OK(vi_models_open(&models, &(vi_models_params){ .cache_dir = "" }, &err));
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    vi_models_close(&models);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(parts_are_numbered_anew),
        cmocka_unit_test(a_resumed_run_keeps_the_numbers),
        cmocka_unit_test(parts_answer_parts),
        cmocka_unit_test(what_is_not_whole_is_dropped),
        cmocka_unit_test(the_key_follows_what_matters),
        cmocka_unit_test(the_key_names_program_and_networks),
        cmocka_unit_test(another_setting_is_another_run),
        cmocka_unit_test(off_is_off),
        cmocka_unit_test(damage_ends_in_a_message),
        cmocka_unit_test(a_full_disk_is_no_failure),
        cmocka_unit_test(too_much_is_not_kept),
        cmocka_unit_test(two_at_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
